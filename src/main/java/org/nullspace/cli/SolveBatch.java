package org.nullspace.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nullspace.Nullspace;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.io.AtomicOutput;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchPlan;
import org.nullspace.model.BatchReport;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolveOptions;

/**
 * Solves the problems of two arrays of three dimensions, tile by tile from and to disk. Memory does not grow with their number, except for the
 * facts of each problem, which are kept where there are not too many ({@link BatchFacts}).
 */
final class SolveBatch {
    /** How problems are solved that are solved many at a time. */
    static final String TOGETHER = "BATCHED_QR";

    private final SolveArguments arguments;
    private final Console console;
    private final Stages stages;
    private SolveOptions options;
    private final boolean withIntercept;

    SolveBatch(SolveArguments arguments, Console console, Stages stages) {
        this.arguments = arguments;
        this.console = console;
        this.stages = stages;
        this.options = arguments.options();
        this.withIntercept = options.intercept() != InterceptRule.NONE;
    }

    int run(ArrayFiles files, @Nullable AtomicOutput output) {
        refuseWhatNeedsOneProblem(files);
        try (ArrayFiles.Source source = new ArrayFiles.Source(files)) {
            BatchOutput.Shape shape =
                    new BatchOutput.Shape(source.problems(), source.samples(), source.features(), source.targets());
            Precision precision = source.precision();
            if (arguments.nullSpace()) {
                leaveRoomForBases(shape, precision);
            }
            BatchPlan plan = plan(shape, precision);
            String method = method(plan);
            long numbers = shape.spectrum(withIntercept) + 3 * shape.targets();
            BatchFacts facts =
                    new BatchFacts(shape.problems(), BatchFacts.canKeep(shape.problems(), numbers), withIntercept);
            BatchOutput written = output == null
                    ? null
                    : new BatchOutput(output, shape, precision, withIntercept, arguments.nullSpace());
            String size = shape.samples() + " samples by " + shape.features() + " features";
            stages.begin("solving " + Text.count(shape.problems(), "problem") + " of " + size);
            long start = System.nanoTime();
            BatchReport report = Nullspace.streamBatch(
                    source,
                    (first, tile) -> take(first, tile, shape, precision, method, facts, written),
                    options,
                    (done, total) -> {
                        stages.count("problems", done, total);
                        return true;
                    });
            double seconds = (System.nanoTime() - start) * 1e-9;
            stages.end();
            Map<String, Object> summary = summary(shape, facts, method, plan, report, seconds, output);
            if (written != null && output != null) {
                written.finish();
                SolveCommand.finish(output, summary);
            }
            if (arguments.json()) {
                console.json(summary);
            } else {
                print(files, shape, facts, method, report, seconds, output);
            }
            facts.tellFailures(console, report.failures(), b -> "problem " + b, files::firstNonFinite);
            return facts.failed() > 0 ? Main.FAILED : Main.DONE;
        }
    }

    private void refuseWhatNeedsOneProblem(ArrayFiles files) {
        if (arguments.holdout() != null || !arguments.transformers().isEmpty()) {
            throw new InvalidInputException(files.x().path()
                    + " is a batch: --holdout, --polynomial, --standardize and --random-features work on one problem");
        }
    }

    /** Makes tiles so small that the bases of a tile, which the library knows nothing of beforehand, fit into the same memory. */
    private void leaveRoomForBases(BatchOutput.Shape shape, Precision precision) {
        double budget = options.memoryBudget() > 0 ? options.memoryBudget() : HostMemory.physicalBytes() / 4.0;
        double d = shape.features();
        double basis = 8 * d * d;
        SolveOptions unlimited = options.toBuilder().memoryBudget(0).build();
        double one = Nullspace.planBatch(1, shape.samples(), shape.features(), shape.targets(), precision, unlimited)
                .streamedBytes();
        if (one + basis > budget) {
            throw new InsufficientMemoryException(
                    "one problem (X " + shape.samples() + "×" + shape.features()
                            + ") with a basis of its null space, up to d×d, does not fit into the memory budget: raise --memory",
                    (long) (one + basis),
                    (long) budget);
        }
        // X and Y of two tiles, the solutions and singular values; what is not for each problem is taken once.
        double each = 8 * (2 * shape.samples() * (d + shape.targets()) + d * shape.targets() + d);
        double once = Math.max(0, one - each);
        double problems = Math.max(1, (budget - once) / (each + basis));
        options = options.toBuilder()
                .memoryBudget((long) Math.ceil(once + problems * each))
                .build();
    }

    /**
     * Chooses whether the singular values, which are reported, are asked for at once or afterwards: at once, unless only that keeps the problems
     * from being solved many at a time.
     */
    private BatchPlan plan(BatchOutput.Shape shape, Precision precision) {
        BatchPlan atOnce = plan(shape, precision, options);
        if (!atOnce.together()) {
            SolveOptions later = options.toBuilder().spectrum(false).build();
            BatchPlan afterwards = plan(shape, precision, later);
            if (afterwards.together()) {
                options = later;
                return afterwards;
            }
        }
        return atOnce;
    }

    private static BatchPlan plan(BatchOutput.Shape shape, Precision precision, SolveOptions how) {
        return Nullspace.planBatch(
                shape.problems(), shape.samples(), shape.features(), shape.targets(), precision, how);
    }

    /** How the batch is solved: many problems at a time, or by the method that is tried first on each. */
    static String method(BatchPlan plan) {
        return plan.together() ? TOGETHER : plan.problem().methods().get(0).name();
    }

    private void take(
            long first,
            SolutionBatch tile,
            BatchOutput.Shape shape,
            Precision precision,
            String method,
            BatchFacts facts,
            @Nullable BatchOutput written) {
        if (written != null) {
            written.append(tile);
        }
        for (int b = 0; b < tile.size(); b++) {
            Facts each = Facts.of(tile, b, shape.samples(), precision, options, method);
            facts.add(first + b, each);
            if (written != null) {
                written.append(first + b, each, shape.targets());
            }
        }
    }

    private Map<String, Object> summary(
            BatchOutput.Shape shape,
            BatchFacts facts,
            String method,
            BatchPlan plan,
            BatchReport report,
            double seconds,
            @Nullable AtomicOutput output) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("samples", shape.samples());
        out.put("features", shape.features());
        out.put("targets", shape.targets());
        out.put("batch", shape.problems());
        out.putAll(facts.json(method, output == null ? null : BatchOutput.TABLE));
        out.put("tile", report.tileProblems());
        out.put("plan", plan.reasons());
        Facts.putPlace(out, report.backend(), seconds);
        return out;
    }

    private void print(
            ArrayFiles files,
            BatchOutput.Shape shape,
            BatchFacts facts,
            String method,
            BatchReport report,
            double seconds,
            @Nullable AtomicOutput output) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of(
                "data",
                files.name() + ": " + Text.count(shape.problems(), "problem") + " of "
                        + Text.count(shape.samples(), "sample") + " × " + Text.count(shape.features(), "feature")
                        + ", " + Text.count(shape.targets(), "target")));
        rows.addAll(facts.rows("problem"));
        rows.add(List.of("method", method + " on " + report.backend()));
        SolveCommand.print(console, rows, seconds, output);
    }
}
