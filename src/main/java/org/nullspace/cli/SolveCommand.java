package org.nullspace.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nullspace.Nullspace;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.io.AtomicOutput;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** {@code nullspace solve}: all solutions of the regression in a table or in two arrays. */
final class SolveCommand {
    static final String NAME = "solve";

    /** Of a batch, so many failures are told one by one. */
    private static final int FAILURES_TOLD = 5;

    private final SolveArguments arguments;
    private final Console console;
    private final Stages stages;

    private SolveCommand(SolveArguments arguments, Console console, Stages stages) {
        this.arguments = arguments;
        this.console = console;
        this.stages = stages;
    }

    static CommandSpec spec() {
        CommandSpec spec = Main.command(
                NAME,
                "Solve a regression: the solution of least norm, rank, null space, and how sure the rank is.",
                "Examples: nullspace solve data.csv --target price --json"
                        + "%n          nullspace solve --x X.npy --y Y.npy --out result --null-space");
        SolveArguments.declare(spec);
        return spec;
    }

    static int run(ParseResult result, Console console) {
        SolveArguments arguments = SolveArguments.of(result);
        try (Stages stages = new Stages(console);
                MemoryScope scope = MemoryScope.open();
                AtomicOutput output = arguments.out() == null ? null : AtomicOutput.in(arguments.out())) {
            return new SolveCommand(arguments, console, stages).run(scope, output);
        }
    }

    private int run(MemoryScope scope, @Nullable AtomicOutput output) {
        Dataset data = Dataset.load(arguments, scope, stages);
        if (arguments.nullSpace() && data.x().batch() != 1) {
            throw new InvalidInputException(data.xName() + " is a batch: --null-space works on one problem");
        }
        for (String column : data.skippedColumns()) {
            console.note("nullspace: " + data.name() + ": column \"" + column + "\" holds text and is left out");
        }
        Prepared prepared = Prepared.of(data, arguments.holdout(), arguments.transformers(), scope, stages);
        return data.batched() ? batch(data, scope, output) : single(data, prepared, output);
    }

    // ---- one problem
    // -------------------------------------------------------------------------------------------------------------

    private int single(Dataset data, Prepared p, @Nullable AtomicOutput output) {
        stages.begin("solving " + p.x().rows() + " samples by " + p.x().columns() + " features");
        long start = System.nanoTime();
        try (SolutionSet set = Nullspace.solve(p.x(), p.y(), arguments.options())) {
            requireSolved(set.outcome(), data);
            Facts facts = Facts.of(set);
            double seconds = (System.nanoTime() - start) * 1e-9;
            stages.end();
            Map<String, Object> summary =
                    Facts.summary(p.x(), p.y(), List.of(facts), true, withIntercept(), set.backend(), seconds);
            Errors training = null;
            Errors heldOut = null;
            if (p.xHeldOut() != null && p.yHeldOut() != null) {
                training = Errors.of(set.predict(p.x()), p.y());
                heldOut = Errors.of(set.predict(p.xHeldOut()), p.yHeldOut());
                summary.put("trainError", training.json());
                summary.put("holdoutError", heldOut.json());
            }
            describeFeatures(summary, data, p.transformation());
            if (output != null) {
                writeSingle(output, set, facts, p, data.batched());
                finish(output, summary);
            }
            report(data, p, List.of(facts), set.backend(), seconds, summary, training, heldOut, output);
            return Main.DONE;
        }
    }

    private static void requireSolved(Outcome outcome, Dataset data) {
        if (outcome == Outcome.NON_FINITE_INPUT) {
            String where = data.firstNonFinite(0);
            throw new InvalidInputException(where == null ? data.name() + ": " + outcome.text() : where);
        }
        if (!outcome.isSolved()) {
            throw new NoSolutionException(data.name() + ": " + outcome.text());
        }
    }

    private void writeSingle(AtomicOutput output, SolutionSet set, Facts facts, Prepared p, boolean batched) {
        stages.begin("writing " + arguments.out());
        writeMatrix(output, "weights.npy", set.minimumNorm(), batched ? 3 : 2);
        output.write("singular_values.npy", channel -> NpyWriter.write(channel, facts.singularValues()));
        if (withIntercept()) {
            output.write("intercept.npy", channel -> NpyWriter.write(channel, facts.intercept()));
        }
        List<String> names = p.featureNames();
        if (names != null) {
            output.write("feature_names.txt", channel -> writeLines(channel, names));
        }
        if (arguments.nullSpace()) {
            stages.begin("computing the basis of the null space, "
                    + Text.bytes(set.nullSpace().basisBytes()));
            try (Matrix basis = set.nullSpace().basis()) {
                writeMatrix(output, "null_space.npy", basis, 2);
            }
        }
        stages.end();
    }

    // ---- a batch
    // -----------------------------------------------------------------------------------------------------------------

    private int batch(Dataset data, MemoryScope scope, @Nullable AtomicOutput output) {
        Matrix x = data.x();
        Matrix y = data.y();
        boolean one = x.batch() == 1;
        stages.begin("solving " + Text.count(x.batch(), "problem") + " of " + x.rows() + " samples by " + x.columns()
                + " features");
        long start = System.nanoTime();
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, arguments.options())) {
            List<Facts> facts = new ArrayList<>();
            for (int b = 0; b < batch.size(); b++) {
                facts.add(Facts.of(batch.problem(b)));
            }
            double seconds = (System.nanoTime() - start) * 1e-9;
            stages.end();
            if (one) {
                requireSolved(facts.get(0).outcome(), data);
            }
            String backend = batch.size() == 0 ? "none" : batch.problem(0).backend();
            Map<String, Object> summary = Facts.summary(x, y, facts, one, withIntercept(), backend, seconds);
            if (output != null) {
                writeBatch(output, batch, facts, scope, data);
                finish(output, summary);
            }
            Prepared as = new Prepared(x, y, null, null, null, null);
            report(data, as, facts, backend, seconds, summary, null, null, output);
            return tellFailures(facts, data) ? Main.FAILED : Main.DONE;
        }
    }

    private boolean tellFailures(List<Facts> facts, Dataset data) {
        int failed = 0;
        for (int b = 0; b < facts.size(); b++) {
            Outcome outcome = facts.get(b).outcome();
            if (!outcome.isSolved() && failed++ < FAILURES_TOLD) {
                String where = outcome == Outcome.NON_FINITE_INPUT ? data.firstNonFinite(b) : null;
                console.note("nullspace: problem " + b + " has no solution, its results are NaN: "
                        + (where == null ? outcome.text() : where));
            }
        }
        if (failed > FAILURES_TOLD) {
            console.note("nullspace: " + failed + " problems have no solution in all");
        }
        return failed > 0;
    }

    private void writeBatch(
            AtomicOutput output, SolutionBatch batch, List<Facts> facts, MemoryScope scope, Dataset data) {
        stages.begin("writing " + arguments.out());
        writeMatrix(output, "weights.npy", batch.minimumNorm(), 3);
        long count = facts.stream()
                .filter(f -> f.outcome().isSolved())
                .mapToLong(f -> f.singularValues().length)
                .findFirst()
                .orElse(Math.min(data.x().rows(), data.x().columns()));
        writeMatrix(output, "singular_values.npy", stacked(scope, facts, count, false), 2);
        if (withIntercept()) {
            writeMatrix(output, "intercept.npy", stacked(scope, facts, data.y().columns(), true), 2);
        }
        if (arguments.nullSpace()) {
            try (Matrix basis = batch.problem(0).nullSpace().basis()) {
                writeMatrix(output, "null_space.npy", basis, 2);
            }
        }
        stages.end();
    }

    /** One row for each problem; NaN for a problem that failed. */
    private static Matrix stacked(MemoryScope scope, List<Facts> facts, long columns, boolean intercept) {
        Matrix out = Matrix.zeros(scope, Precision.FLOAT64, 1, facts.size(), columns, Layout.ROW_MAJOR);
        for (int b = 0; b < facts.size(); b++) {
            Facts f = facts.get(b);
            double[] values = intercept ? f.intercept() : f.singularValues();
            for (int j = 0; j < columns; j++) {
                out.set(0, b, j, f.outcome().isSolved() ? values[j] : Double.NaN);
            }
        }
        return out;
    }

    // ---- reports
    // -----------------------------------------------------------------------------------------------------------------

    private static void describeFeatures(Map<String, Object> summary, Dataset data, @Nullable String transformation) {
        if (data.targetNames() != null) {
            summary.put("targetNames", data.targetNames());
        }
        if (transformation != null) {
            summary.put("transformation", transformation);
        }
    }

    private void finish(AtomicOutput output, Map<String, Object> summary) {
        byte[] json = (Json.write(summary) + "\n").getBytes(StandardCharsets.US_ASCII);
        output.write("summary.json", channel -> writeFully(channel, json));
        output.commit();
    }

    private void report(
            Dataset data,
            Prepared p,
            List<Facts> facts,
            String backend,
            double seconds,
            Map<String, Object> summary,
            @Nullable Errors training,
            @Nullable Errors heldOut,
            @Nullable AtomicOutput output) {
        if (arguments.json()) {
            console.data(Json.write(summary));
            return;
        }
        List<List<String>> rows = new ArrayList<>();
        Matrix x = p.x();
        String batch = x.batch() == 1 ? "" : Text.count(x.batch(), "problem") + " of ";
        rows.add(List.of(
                "data",
                data.name() + ": " + batch + Text.count(x.rows(), "sample") + " × " + Text.count(x.columns(), "feature")
                        + ", " + targets(data, p.y())));
        if (p.transformation() != null) {
            rows.add(List.of("features", p.transformation()));
        }
        rows.addAll(Facts.rows(facts, data.targetNames(), withIntercept()));
        if (training != null && heldOut != null) {
            rows.add(List.of("error", errors("training", training, data.targetNames())));
            rows.add(List.of("", errors("held-out", heldOut, data.targetNames())));
        }
        rows.addAll(methodRows(facts, backend));
        rows.add(List.of("time", Text.number(seconds) + " s"));
        if (output != null) {
            rows.add(List.of("written", paths(output.files())));
        }
        for (List<String> row : rows) {
            console.line(String.format("%-10s %s", row.get(0), row.get(1)).stripTrailing());
        }
    }

    private static List<List<String>> methodRows(List<Facts> facts, String backend) {
        List<List<String>> rows = new ArrayList<>();
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (Facts f : facts) {
            counts.merge(f.method(), 1, Integer::sum);
        }
        List<String> methods = new ArrayList<>();
        counts.forEach((name, count) -> methods.add(counts.size() == 1 ? name : name + " (" + count + " problems)"));
        rows.add(List.of("method", String.join(", ", methods) + " on " + backend));
        if (facts.size() == 1 && facts.get(0).history().size() > 1) {
            for (String step : facts.get(0).history()) {
                rows.add(List.of("", step));
            }
        }
        return rows;
    }

    private static String targets(Dataset data, Matrix y) {
        List<String> names = data.targetNames();
        return names == null
                ? Text.count(y.columns(), "target")
                : (names.size() == 1 ? "target " : "targets ") + String.join(", ", names);
    }

    private static String errors(String which, Errors errors, @Nullable List<String> targets) {
        List<String> parts = new ArrayList<>();
        for (int t = 0; t < errors.rmse().length; t++) {
            String name = targets == null || errors.rmse().length == 1 ? "" : targets.get(t) + " ";
            parts.add(name + Text.number(errors.rmse()[t]));
        }
        return which + " RMSE " + String.join(", ", parts) + " on " + Text.count(errors.samples(), "sample");
    }

    /** The files, the directory once. */
    static String paths(List<Path> files) {
        List<String> names = new ArrayList<>();
        for (Path file : files) {
            names.add(names.isEmpty() ? file.toString() : String.valueOf(file.getFileName()));
        }
        return String.join(", ", names);
    }

    // ---- files
    // -------------------------------------------------------------------------------------------------------------------

    private boolean withIntercept() {
        return arguments.options().intercept() != InterceptRule.NONE;
    }

    static void writeMatrix(AtomicOutput output, String name, Matrix matrix, int dimensions) {
        output.write(name, channel -> NpyWriter.write(channel, matrix, dimensions, NpyOrder.C));
    }

    static void writeLines(WritableByteChannel channel, List<String> lines) throws IOException {
        StringBuilder part = new StringBuilder();
        for (String line : lines) {
            part.append(line.replaceAll("\\R", " ")).append('\n');
            if (part.length() > 1 << 20) {
                writeFully(channel, part.toString().getBytes(StandardCharsets.UTF_8));
                part.setLength(0);
            }
        }
        writeFully(channel, part.toString().getBytes(StandardCharsets.UTF_8));
    }

    static void writeFully(WritableByteChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
