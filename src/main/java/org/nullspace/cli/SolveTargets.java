package org.nullspace.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nullspace.Nullspace;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.io.AtomicOutput;
import org.nullspace.io.NpyAppender;
import org.nullspace.io.NpyFile;
import org.nullspace.io.NpyReader;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.Factorization;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.Plan;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * One X with more targets than memory has room for: X is factorized once, the targets are read, solved and written a block at a time. What is
 * reported of each target, three numbers, is kept.
 */
final class SolveTargets {
    /** Part of the machine's memory that a problem may take before its targets are streamed, and that a block may take then, as divisors. */
    private static final int WHOLE_SHARE = 2;

    private static final int BLOCK_SHARE = 8;

    private final SolveArguments arguments;
    private final Console console;
    private final Stages stages;
    private final SolveOptions options;
    private final boolean withIntercept;

    SolveTargets(SolveArguments arguments, Console console, Stages stages) {
        this.arguments = arguments;
        this.console = console;
        this.stages = stages;
        // A budget is for the blocks; the solver itself knows no other than the memory of its device.
        this.options = arguments.options().toBuilder().memoryBudget(0).build();
        this.withIntercept = options.intercept() != InterceptRule.NONE;
    }

    /** Whether the targets of one problem are streamed: with a budget, or where they would take most of the machine's memory. */
    static boolean isFor(SolveArguments arguments, ArrayFiles files) {
        if (files.x().dimensions() != 2) {
            return false;
        }
        SolveOptions options = arguments.options();
        if (options.memoryBudget() > 0) {
            return true;
        }
        boolean whole = arguments.holdout() != null || !arguments.transformers().isEmpty();
        Sizes sizes = Sizes.of(files, arguments);
        return !whole && sizes.fixed + sizes.each * files.y().columns() > HostMemory.physicalBytes() / WHOLE_SHARE;
    }

    /**
     * Bytes of host memory.
     *
     * @param fixed X and its factors, and the basis of the null space if it is asked for
     * @param each what a target takes
     */
    private record Sizes(double fixed, double each) {
        static Sizes of(ArrayFiles files, SolveArguments arguments) {
            NpyFile x = files.x();
            double n = x.rows();
            double d = x.columns();
            SolveOptions unlimited =
                    arguments.options().toBuilder().memoryBudget(0).build();
            Plan plan = Nullspace.plan(x.rows(), x.columns(), 0, x.precision(), unlimited);
            double factors = Math.max(plan.worstWorkspaceBytes(), plan.hostBytes());
            double basis = arguments.nullSpace() ? 8 * d * Math.max(0, d - n) : 0;
            // Y as it is read and as it fits the design, a residual, the right-hand sides of the factors; W, and W in
            // the precision of X.
            return new Sizes(x.precision().bytes() * n * d + factors + basis, 8 * (3 * n + Math.min(n, d) + 2 * d));
        }
    }

    int run(ArrayFiles files, MemoryScope scope, @Nullable AtomicOutput output) {
        if (arguments.holdout() != null || !arguments.transformers().isEmpty()) {
            throw new InvalidInputException(
                    files.y().path()
                            + " is read in blocks of targets: --holdout, --polynomial, --standardize and --random-features need all of it, without --memory");
        }
        long targets = files.y().columns();
        long width = blockWidth(files);
        NpyFile xFile = files.x();
        stages.begin("reading " + xFile.path());
        Matrix x = xFile.read(scope, stages);
        stages.begin("solving " + x.rows() + " samples by " + x.columns() + " features");
        long start = System.nanoTime();
        Joined joined = new Joined(targets);
        String backend = write(files, x, width, joined, output);
        stages.end();
        double seconds = (System.nanoTime() - start) * 1e-9;
        Facts facts = joined.facts();
        Map<String, Object> summary = Facts.summary(x, targets, facts, withIntercept, backend, seconds);
        summary.put("tile", width);
        if (output != null) {
            SolveCommand.writeVector(output, "singular_values.npy", facts.singularValues(), false);
            if (withIntercept) {
                SolveCommand.writeVector(output, "intercept.npy", facts.intercept(), false);
            }
            SolveCommand.finish(output, summary);
        }
        if (arguments.json()) {
            console.json(summary);
        } else {
            print(files, facts, backend, seconds, width, output);
        }
        return Main.DONE;
    }

    /** Solves and writes all targets; returns the backend. */
    private String write(ArrayFiles files, Matrix x, long width, Joined joined, @Nullable AtomicOutput output) {
        long targets = files.y().columns();
        String backend = "";
        try (NpyReader reader = files.y().reader();
                Factorization factorization = Nullspace.factor(x, options);
                SeekableByteChannel channel = output == null ? null : output.open("weights.npy")) {
            NpyAppender weights =
                    channel == null ? null : NpyAppender.ofColumns(channel, x.precision(), x.columns(), targets);
            for (long from = 0; from < Math.max(1, targets); from += width) {
                long to = Math.min(targets, from + width);
                try (MemoryScope block = MemoryScope.open()) {
                    Matrix y = read(reader, block, from, to);
                    try (SolutionSet set = factorization.solve(y)) {
                        requireSolved(set.outcome(), files, x, y, from);
                        joined.add(Facts.of(set));
                        backend = set.backend();
                        if (weights != null && output != null) {
                            weights.appendColumns(set.minimumNorm());
                            if (from == 0 && arguments.nullSpace()) {
                                writeNullSpace(output, set);
                            }
                        }
                    }
                }
                stages.count("targets", to, targets);
            }
            if (weights != null) {
                weights.finish();
            }
            return backend;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Targets of a block. */
    private long blockWidth(ArrayFiles files) {
        Sizes sizes = Sizes.of(files, arguments);
        double budget = arguments.options().memoryBudget();
        double room = budget > 0
                ? budget - sizes.fixed
                : Math.max(sizes.each, HostMemory.physicalBytes() / (double) BLOCK_SHARE);
        if (room < sizes.each) {
            throw new InsufficientMemoryException(
                    files.x().path() + " (" + files.x().rows() + "×" + files.x().columns()
                            + ") with its factors and one target does not fit into the memory budget: raise --memory",
                    (long) (sizes.fixed + sizes.each),
                    (long) budget);
        }
        return (long) Math.max(1, Math.min(files.y().columns(), room / sizes.each));
    }

    private static Matrix read(NpyReader reader, MemoryScope block, long from, long to) {
        NpyFile file = reader.file();
        Layout order = file.fortranOrder() ? Layout.COLUMN_MAJOR : Layout.ROW_MAJOR;
        Matrix y = Matrix.uninitialized(block, file.precision(), 1, file.rows(), to - from, order);
        reader.readColumns(from, y);
        return y;
    }

    private void requireSolved(Outcome outcome, ArrayFiles files, Matrix x, Matrix y, long from) {
        if (outcome == Outcome.NON_FINITE_INPUT) {
            String where = Dataset.firstNonFinite(files.x().path() + ": entry [", x, 0);
            throw new InvalidInputException(where != null ? where : files.y().path() + ": " + firstNonFinite(y, from));
        }
        if (!outcome.isSolved()) {
            String block = "targets " + from + " to " + (from + y.columns() - 1);
            throw new NoSolutionException(files.name() + ", " + block + ": " + outcome.text());
        }
    }

    private static String firstNonFinite(Matrix y, long from) {
        for (long i = 0; i < y.rows(); i++) {
            for (long j = 0; j < y.columns(); j++) {
                double value = y.get(0, i, j);
                if (!Double.isFinite(value)) {
                    return "entry [" + i + ", " + (from + j) + "] is " + value + "; all entries must be finite";
                }
            }
        }
        return Outcome.NON_FINITE_INPUT.text();
    }

    private void writeNullSpace(AtomicOutput output, SolutionSet set) {
        stages.begin("computing the basis of the null space, "
                + Text.bytes(set.nullSpace().basisBytes()));
        try (Matrix basis = set.nullSpace().basis()) {
            SolveCommand.writeMatrix(output, "null_space.npy", basis, 2);
        }
        stages.begin("solving the other targets");
    }

    private void print(
            ArrayFiles files, Facts facts, String backend, double seconds, long width, @Nullable AtomicOutput output) {
        List<List<String>> rows = new ArrayList<>();
        NpyFile x = files.x();
        rows.add(List.of(
                "data",
                files.name() + ": " + Text.count(x.rows(), "sample") + " × " + Text.count(x.columns(), "feature") + ", "
                        + Text.count(files.y().columns(), "target") + ", " + width + " at a time"));
        rows.addAll(facts.rows(null, withIntercept));
        rows.addAll(SolveCommand.methodRows(facts, backend));
        SolveCommand.print(console, rows, seconds, output);
    }

    /** The facts of all targets from those of the blocks. */
    private static final class Joined {
        private final double[] residualNorms;
        private final double[] minimumNorms;
        private final double[] intercept;
        private int count;
        private @Nullable Facts first;

        private Joined(long targets) {
            int k = Math.toIntExact(targets);
            residualNorms = new double[k];
            minimumNorms = new double[k];
            intercept = new double[k];
        }

        private void add(Facts block) {
            first = first == null ? block : first;
            System.arraycopy(block.residualNorms(), 0, residualNorms, count, block.residualNorms().length);
            System.arraycopy(block.minimumNorms(), 0, minimumNorms, count, block.minimumNorms().length);
            System.arraycopy(block.intercept(), 0, intercept, count, block.intercept().length);
            count += block.residualNorms().length;
        }

        private Facts facts() {
            Facts one = first;
            if (one == null) {
                throw new IllegalStateException("no block was solved");
            }
            return new Facts(
                    one.outcome(),
                    one.rank(),
                    one.nullity(),
                    one.singularValues(),
                    residualNorms,
                    minimumNorms,
                    intercept,
                    one.method(),
                    one.history());
        }
    }
}
