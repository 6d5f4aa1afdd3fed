package org.nullspace.cli;

import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nullspace.Nullspace;
import org.nullspace.features.FittedTransformer;
import org.nullspace.features.Pipeline;
import org.nullspace.io.AtomicOutput;
import org.nullspace.io.CsvGroups;
import org.nullspace.io.CsvOutput;
import org.nullspace.io.NpyAppender;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchPlan;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionList;
import org.nullspace.model.SolveOptions;

/** Solves one regression for each group of rows of a table, each as if its rows were a table of their own. */
final class SolveGroups {
    static final String TABLE = "groups.csv";

    private final SolveArguments arguments;
    private final Console console;
    private final Stages stages;
    private final SolveOptions options;
    private final boolean withIntercept;

    SolveGroups(SolveArguments arguments, Console console, Stages stages) {
        this.arguments = arguments;
        this.console = console;
        this.stages = stages;
        this.options = arguments.options();
        this.withIntercept = options.intercept() != InterceptRule.NONE;
    }

    int run(Path file, String column, MemoryScope scope, @Nullable AtomicOutput output) {
        stages.begin("reading " + file);
        CsvGroups groups = CsvGroups.read(scope, file, arguments.targets(), column, stages);
        stages.end();
        SolveCommand.noteSkipped(console, file.toString(), groups.skippedColumns());
        Prepared prepared = prepare(groups, scope);
        stages.begin("solving " + Text.count(groups.size(), "group") + " of " + file);
        long start = System.nanoTime();
        try (SolutionList solutions = Nullspace.solveAll(prepared.x(), prepared.y(), options, (done, total) -> {
            stages.count("problems", done, total);
            return true;
        })) {
            BatchFacts facts = facts(solutions, prepared);
            double seconds = (System.nanoTime() - start) * 1e-9;
            stages.end();
            String backend = solutions.groups().get(0).solutions().backend();
            Map<String, Object> summary = summary(groups, prepared, facts, backend, seconds);
            if (output != null) {
                write(output, groups, prepared, solutions, facts);
                SolveCommand.finish(output, summary);
            }
            if (arguments.json()) {
                console.json(summary);
            } else {
                print(file, column, groups, prepared, facts, backend, seconds, output);
            }
            facts.tellFailures(console, solutions.failures(), g -> "group \"" + groups.name((int) g) + "\"", g -> null);
            return facts.failed() > 0 ? Main.FAILED : Main.DONE;
        }
    }

    /**
     * What is solved.
     *
     * @param x for each group its rows, with the features made
     * @param y for each group its targets
     * @param names names of the features
     * @param transformation how the features were made, or null
     */
    private record Prepared(
            List<Matrix> x,
            List<Matrix> y,
            List<String> names,
            @Nullable String transformation) {}

    /** Transformations are fitted to each group alone. */
    private Prepared prepare(CsvGroups groups, MemoryScope scope) {
        List<Matrix> x = new ArrayList<>();
        List<Matrix> y = new ArrayList<>();
        List<String> names = groups.featureNames();
        String transformation = null;
        boolean make = !arguments.transformers().isEmpty();
        if (make) {
            stages.begin("making features");
        }
        for (int g = 0; g < groups.size(); g++) {
            Matrix rows = groups.features(g);
            if (make) {
                FittedTransformer fitted = Pipeline.of(arguments.transformers()).fit(rows);
                x.add(fitted.apply(scope, rows));
                if (g == 0) {
                    names = fitted.outputNames(groups.featureNames());
                    transformation = fitted + (groups.size() == 1 ? "" : " (first group)");
                }
            } else {
                x.add(rows);
            }
            y.add(groups.targets(g));
        }
        stages.end();
        return new Prepared(x, y, names, transformation);
    }

    private BatchFacts facts(SolutionList solutions, Prepared prepared) {
        BatchFacts facts = new BatchFacts(solutions.size(), true, withIntercept);
        for (SolutionList.Group shape : solutions.groups()) {
            int[] members = shape.problems();
            SolutionBatch batch = shape.solutions();
            Matrix first = prepared.x().get(members[0]);
            BatchPlan plan = Nullspace.planBatch(
                    members.length,
                    first.rows(),
                    first.columns(),
                    prepared.y().get(members[0]).columns(),
                    Precision.FLOAT64,
                    options);
            for (int place = 0; place < members.length; place++) {
                facts.add(
                        members[place],
                        Facts.of(batch, place, first.rows(), Precision.FLOAT64, options, SolveBatch.method(plan)));
            }
        }
        return facts;
    }

    private Map<String, Object> summary(
            CsvGroups groups, Prepared prepared, BatchFacts facts, String backend, double seconds) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("group", groups.names());
        List<Long> samples = new ArrayList<>();
        prepared.x().forEach(x -> samples.add(x.rows()));
        out.put("samples", samples);
        out.put("features", prepared.names().size());
        out.put("targets", groups.targetNames().size());
        out.put("batch", groups.size());
        out.putAll(facts.json("", null));
        out.put("targetNames", groups.targetNames());
        if (prepared.transformation() != null) {
            out.put("transformation", prepared.transformation());
        }
        Facts.putPlace(out, backend, seconds);
        return out;
    }

    // ---- files

    private void write(
            AtomicOutput output, CsvGroups groups, Prepared prepared, SolutionList solutions, BatchFacts facts) {
        stages.begin("writing " + arguments.out());
        List<String> targets = groups.targetNames();
        output.write("weights.npy", channel -> {
            NpyAppender weights = new NpyAppender(
                    channel, Precision.FLOAT64, groups.size(), prepared.names().size(), targets.size());
            for (int g = 0; g < groups.size(); g++) {
                weights.append(solutions.minimumNorm(g));
            }
            weights.finish();
        });
        double[][] constants = constants(solutions, targets.size());
        if (withIntercept) {
            SolveCommand.writeMatrix(output, "intercept.npy", Matrix.of(constants), 2);
        }
        output.write("feature_names.txt", channel -> SolveCommand.writeLines(channel, prepared.names()));
        output.write(TABLE, channel -> writeTable(channel, groups, prepared, solutions, facts, constants));
        stages.end();
    }

    private double[][] constants(SolutionList solutions, int targets) {
        double[][] out = new double[solutions.size()][targets];
        for (SolutionList.Group shape : solutions.groups()) {
            int[] members = shape.problems();
            Matrix constants = shape.solutions().intercepts();
            for (int place = 0; place < members.length; place++) {
                for (int t = 0; t < targets; t++) {
                    out[members[place]][t] = constants.get(place, 0, t);
                }
            }
        }
        return out;
    }

    /** The columns that come once for each target are named after it where there are several. */
    private void writeTable(
            WritableByteChannel channel,
            CsvGroups groups,
            Prepared prepared,
            SolutionList solutions,
            BatchFacts facts,
            double[][] constants) {
        List<String> targets = groups.targetNames();
        CsvOutput table = new CsvOutput(channel);
        table.text("group")
                .text("samples")
                .text("outcome")
                .text("rank")
                .text("nullity")
                .text("condition");
        List<String> columns = new ArrayList<>(List.of("residual", "norm"));
        if (withIntercept) {
            columns.add("intercept");
        }
        prepared.names().forEach(name -> columns.add("coefficient[" + name + "]"));
        for (String name : columns) {
            for (String target : targets) {
                table.text(targets.size() == 1 ? name : name + "[" + target + "]");
            }
        }
        table.endRow();
        for (int g = 0; g < groups.size(); g++) {
            table.text(groups.name(g)).number(prepared.x().get(g).rows());
            BatchOutput.fields(table, facts.get(g), targets.size());
            for (int t = 0; withIntercept && t < targets.size(); t++) {
                table.number(constants[g][t]);
            }
            Matrix w = solutions.minimumNorm(g);
            for (long i = 0; i < w.rows(); i++) {
                for (long t = 0; t < w.columns(); t++) {
                    table.number(w.get(i, t));
                }
            }
            table.endRow();
        }
        table.finish();
    }

    // ---- for people

    private void print(
            Path file,
            String column,
            CsvGroups groups,
            Prepared prepared,
            BatchFacts facts,
            String backend,
            double seconds,
            @Nullable AtomicOutput output) {
        List<String> targets = groups.targetNames();
        List<List<String>> table = new ArrayList<>();
        table.add(List.of(column, "samples", "rank", "nullity", "condition", "residual", "norm"));
        for (int g = 0; g < groups.size(); g++) {
            Facts f = facts.get(g);
            String samples = String.valueOf(prepared.x().get(g).rows());
            table.add(
                    f.rank() == null
                            ? List.of(groups.name(g), samples, f.outcome().name())
                            : List.of(
                                    groups.name(g),
                                    samples,
                                    String.valueOf(f.rank().rank()),
                                    String.valueOf(f.nullity()),
                                    Text.number(f.rank().condition()),
                                    Text.number(Errors.total(f.residualNorms())),
                                    Text.number(Errors.total(f.minimumNorms()))));
        }
        Text.table(table).forEach(console::line);
        console.line();
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of(
                "data",
                file + ": " + Text.count(groups.size(), "group") + " of column " + column + ", "
                        + Text.count(groups.rows(), "sample") + " × "
                        + Text.count(prepared.names().size(), "feature") + ", "
                        + (targets.size() == 1 ? "target " : "targets ") + String.join(", ", targets)));
        if (prepared.transformation() != null) {
            rows.add(List.of("features", prepared.transformation()));
        }
        rows.addAll(facts.rows("group"));
        rows.add(List.of("method", methods(groups, facts) + " on " + backend));
        SolveCommand.print(console, rows, seconds, output);
    }

    private static String methods(CsvGroups groups, BatchFacts facts) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (int g = 0; g < groups.size(); g++) {
            counts.merge(facts.get(g).method(), 1, Integer::sum);
        }
        List<String> methods = new ArrayList<>();
        counts.forEach((name, count) -> methods.add(counts.size() == 1 ? name : name + " (" + count + " groups)"));
        return String.join(", ", methods);
    }
}
