package org.nullspace.backend.openblas;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Operands;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Place;

/** The batch operations of a session on the host: checks the operands and leaves the work to {@link SmallProblems} or {@link MediumProblems}. */
final class SmallBatchSolver implements BatchSolver {
    private final SmallProblems small;
    private final MediumProblems medium;
    private final Runner runner;

    /** Runs the work of an operation in a session. */
    interface Runner {
        /**
         * Runs it.
         *
         * @param operation name for messages
         * @param work the work
         * @param operands all operands, which stay reachable
         */
        void run(String operation, Runnable work, Matrix... operands);
    }

    SmallBatchSolver(SmallProblems small, MediumProblems medium, Runner runner) {
        this.small = small;
        this.medium = medium;
        this.runner = runner;
    }

    @Override
    public boolean covers(long rows, long columns, long targets) {
        return SmallProblems.areSmall(rows, columns)
                ? SmallProblems.covers(rows, columns, targets)
                : MediumProblems.covers(rows, columns, targets);
    }

    @Override
    public long scratchBytes(long batch, long rows, long columns, long targets) {
        return SmallProblems.areSmall(rows, columns)
                ? small.scratchBytes(batch, rows, columns, targets)
                : medium.scratchBytes(batch, rows, columns, targets);
    }

    @Override
    public void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma) {
        requireCovered("minimumNorm", x, y.columns());
        Operands operands = new Operands("minimumNorm", Place.HOST)
                .reads("X", x)
                .reads("Y", y)
                .writes("W", w)
                .writes("bounds", bounds)
                .float64(bounds)
                .shapes(bounds.rows() == 1 && bounds.columns() == 2, "bounds must be 1×2");
        requireSolutionShapes(operands, x, y, w);
        if (sigma == null) {
            operands.checked();
            runner.run("minimumNorm", () -> of(x).minimumNorm(x, y, w, bounds, null), x, y, w, bounds);
        } else {
            operands.writes("sigma", sigma).float64(sigma);
            requireSpectrumShape(operands, x, sigma);
            operands.checked();
            runner.run("minimumNorm", () -> of(x).minimumNorm(x, y, w, bounds, sigma), x, y, w, bounds, sigma);
        }
    }

    @Override
    public void singularValues(Matrix x, int[] which, Matrix sigma) {
        requireCovered("singularValues", x, 1);
        Operands operands = new Operands("singularValues", Place.HOST)
                .reads("X", x)
                .writes("sigma", sigma)
                .float64(sigma)
                .shapes(sigma.batch() == which.length, "sigma must have one matrix for each index, " + which.length);
        requireSpectrumShape(operands, x, sigma);
        requireIndices(operands, which, x.batch());
        operands.checkedWithListedProblems();
        runner.run("singularValues", () -> of(x).singularValues(x, which, sigma), x, sigma);
    }

    @Override
    public void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
        requireCovered("truncated", x, y.columns());
        Operands operands = new Operands("truncated", Place.HOST)
                .reads("X", x)
                .reads("Y", y)
                .writes("W", w);
        requireSolutionShapes(operands, x, y, w);
        requireIndices(operands, which, w.batch());
        requireRanks(operands, ranks, which.length, 0, Math.min(x.rows(), x.columns()));
        operands.require(
                lambda >= 0 && lambda < Double.POSITIVE_INFINITY, "lambda is " + lambda + ": it must be at least 0");
        operands.checked();
        runner.run("truncated", () -> of(x).truncated(x, y, which, ranks, lambda, w), x, y, w);
    }

    @Override
    public void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
        requireCovered("transform", x, c.columns());
        Operands operands = new Operands("transform", Place.HOST)
                .reads("X", x)
                .writes("C", c)
                .float64(c)
                .shapes(c.rows() == x.columns(), "C must have a row per column of X");
        requireRanks(operands, ranks, c.batch(), Integer.MIN_VALUE, Math.min(x.rows(), x.columns()));
        operands.checked();
        runner.run("transform", () -> of(x).transform(transform, x, ranks, c), x, c);
    }

    private BatchProblems of(Matrix x) {
        return SmallProblems.areSmall(x.rows(), x.columns()) ? small : medium;
    }

    // ---- checks

    private void requireCovered(String operation, Matrix x, long targets) {
        if (!covers(x.rows(), x.columns(), targets)) {
            throw new UnsupportedOperationException(
                    operation + ": X of shape " + x.shape() + " with " + targets + " targets is not covered here");
        }
    }

    private static void requireSolutionShapes(Operands operands, Matrix x, Matrix y, Matrix w) {
        operands.shapes(x.rows() == y.rows(), "Y must have as many rows as X")
                .shapes(
                        w.rows() == x.columns() && w.columns() == y.columns(),
                        "W must have a row per column of X and a column per column of Y");
    }

    private static void requireSpectrumShape(Operands operands, Matrix x, Matrix sigma) {
        long p = Math.min(x.rows(), x.columns());
        operands.shapes(sigma.rows() == p && sigma.columns() == 1, "sigma must be " + p + "×1");
    }

    private static void requireIndices(Operands operands, int[] which, long batch) {
        for (int i = 0; i < which.length; i++) {
            if (which[i] < 0 || which[i] >= batch || (i > 0 && which[i] <= which[i - 1])) {
                operands.require(
                        false,
                        "index " + which[i] + " at position " + i + ": indices must ascend, from 0 to " + (batch - 1));
            }
        }
    }

    private static void requireRanks(Operands operands, int[] ranks, long count, long least, long most) {
        operands.require(ranks.length == count, ranks.length + " ranks: " + count + " are needed");
        for (int i = 0; i < ranks.length; i++) {
            if (ranks[i] < least || ranks[i] > most) {
                operands.require(
                        false,
                        "rank " + ranks[i] + " at position " + i + ": it must be "
                                + (least < 0 ? "at most " + most : "from " + least + " to " + most));
            }
        }
    }
}
