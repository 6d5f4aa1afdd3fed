package org.nullspace.cli;

import java.io.IOException;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nullspace.Nullspace;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.io.AtomicOutput;
import org.nullspace.io.CsvOutput;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionSet;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** {@code nullspace solve}: all solutions of the regression in a table or in two arrays. */
final class SolveCommand {
    static final String NAME = "solve";

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
        if (arguments.csv() != null) {
            return arguments.group() == null
                    ? single(Dataset.table(arguments.csv(), arguments.targets(), scope, stages), scope, output)
                    : new SolveGroups(arguments, console, stages)
                            .run(arguments.csv(), arguments.group(), scope, output);
        }
        if (arguments.x() == null || arguments.y() == null) {
            throw new IllegalStateException("neither a table nor two arrays");
        }
        ArrayFiles files = ArrayFiles.open(arguments.x(), arguments.y());
        if (files.streamed()) {
            return new SolveBatch(arguments, console, stages).run(files, output);
        }
        if (SolveTargets.isFor(arguments, files)) {
            return new SolveTargets(arguments, console, stages).run(files, scope, output);
        }
        return single(Dataset.arrays(files, scope, stages), scope, output);
    }

    // ---- one problem
    // -------------------------------------------------------------------------------------------------------------

    private int single(Dataset data, MemoryScope scope, @Nullable AtomicOutput output) {
        noteSkipped(console, data.name(), data.skippedColumns());
        Prepared p = Prepared.of(data, arguments.holdout(), arguments.transformers(), scope, stages);
        stages.begin("solving " + p.x().rows() + " samples by " + p.x().columns() + " features");
        long start = System.nanoTime();
        try (SolutionSet set = Nullspace.solve(p.x(), p.y(), arguments.options())) {
            requireSolved(set.outcome(), data);
            Facts facts = Facts.of(set);
            double seconds = (System.nanoTime() - start) * 1e-9;
            stages.end();
            Map<String, Object> summary =
                    Facts.summary(p.x(), p.y().columns(), facts, withIntercept(), set.backend(), seconds);
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
            report(data, p, facts, set.backend(), seconds, summary, training, heldOut, output);
            return Main.DONE;
        }
    }

    private static void requireSolved(Outcome outcome, Dataset data) {
        if (outcome == Outcome.NON_FINITE_INPUT) {
            String where = data.firstNonFinite();
            throw new InvalidInputException(where == null ? data.name() + ": " + outcome.text() : where);
        }
        if (!outcome.isSolved()) {
            throw new NoSolutionException(data.name() + ": " + outcome.text());
        }
    }

    private void writeSingle(AtomicOutput output, SolutionSet set, Facts facts, Prepared p, boolean batched) {
        stages.begin("writing " + arguments.out());
        writeMatrix(output, "weights.npy", set.minimumNorm(), batched ? 3 : 2);
        writeVector(output, "singular_values.npy", facts.singularValues(), batched);
        if (withIntercept()) {
            writeVector(output, "intercept.npy", facts.intercept(), batched);
        }
        if (batched) {
            output.write(BatchOutput.TABLE, channel -> {
                CsvOutput table = BatchOutput.table(channel, p.y().columns());
                BatchOutput.row(table, 0, facts, p.y().columns());
                table.finish();
            });
        }
        List<String> names = p.featureNames();
        if (names != null) {
            output.write("feature_names.txt", channel -> writeLines(channel, names));
        }
        if (arguments.nullSpace()) {
            stages.begin("computing the basis of the null space, "
                    + Text.bytes(set.nullSpace().basisBytes()));
            try (Matrix basis = set.nullSpace().basis()) {
                if (batched) {
                    BatchOutput.writeOneBasis(output, basis);
                } else {
                    writeMatrix(output, "null_space.npy", basis, 2);
                }
            }
        }
        stages.end();
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

    /** Writes the summary and puts all files into place. */
    static void finish(AtomicOutput output, Map<String, Object> summary) {
        output.write("summary.json", channel -> {
            Writer writer = Channels.newWriter(channel, StandardCharsets.US_ASCII);
            Json.write(summary, writer);
            writer.append('\n').flush();
        });
        output.commit();
    }

    private void report(
            Dataset data,
            Prepared p,
            Facts facts,
            String backend,
            double seconds,
            Map<String, Object> summary,
            @Nullable Errors training,
            @Nullable Errors heldOut,
            @Nullable AtomicOutput output) {
        if (arguments.json()) {
            console.json(summary);
            return;
        }
        List<List<String>> rows = new ArrayList<>();
        Matrix x = p.x();
        rows.add(List.of(
                "data",
                data.name() + ": " + Text.count(x.rows(), "sample") + " × " + Text.count(x.columns(), "feature") + ", "
                        + targets(data, p.y())));
        if (p.transformation() != null) {
            rows.add(List.of("features", p.transformation()));
        }
        rows.addAll(facts.rows(data.targetNames(), withIntercept()));
        if (training != null && heldOut != null) {
            rows.add(List.of("error", errors("training", training, data.targetNames())));
            rows.add(List.of("", errors("held-out", heldOut, data.targetNames())));
        }
        rows.addAll(methodRows(facts, backend));
        print(console, rows, seconds, output);
    }

    /** Rows of name and text, with the time and the files. */
    static void print(Console console, List<List<String>> rows, double seconds, @Nullable AtomicOutput output) {
        rows.add(List.of("time", Text.number(seconds) + " s"));
        if (output != null) {
            rows.add(List.of("written", paths(output.files())));
        }
        for (List<String> row : rows) {
            console.line(String.format("%-10s %s", row.get(0), row.get(1)).stripTrailing());
        }
    }

    static List<List<String>> methodRows(Facts facts, String backend) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("method", facts.method() + " on " + backend));
        if (facts.history().size() > 1) {
            for (String step : facts.history()) {
                rows.add(List.of("", step));
            }
        }
        return rows;
    }

    /** Tells which columns of a table are not used. */
    static void noteSkipped(Console console, String name, List<String> columns) {
        for (String column : columns) {
            console.note("nullspace: " + name + ": column \"" + column + "\" holds text and is left out");
        }
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

    /** An array of one dimension, or of two with one row. */
    static void writeVector(AtomicOutput output, String name, double[] values, boolean asRow) {
        if (asRow) {
            writeMatrix(output, name, Matrix.of(new double[][] {values}), 2);
        } else {
            output.write(name, channel -> NpyWriter.write(channel, values));
        }
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
