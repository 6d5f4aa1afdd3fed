package org.nullspace.backend.openblas;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Operands;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Place;

/** The batch operations of a session on the host: checks the operands and leaves the work to {@link SmallProblems}. */
final class SmallBatchSolver implements BatchSolver {
    private final SmallProblems problems;
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

    SmallBatchSolver(SmallProblems problems, Runner runner) {
        this.problems = problems;
        this.runner = runner;
    }

    @Override
    public boolean covers(long rows, long columns, long targets) {
        return SmallProblems.covers(rows, columns, targets);
    }

    @Override
    public boolean coversSpectra(long rows, long columns, long targets) {
        return false;
    }

    @Override
    public long scratchBytes(long batch, long rows, long columns, long targets) {
        return problems.scratchBytes(batch, rows, columns, targets);
    }

    @Override
    public void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma) {
        requireCovered("minimumNorm", x, y.columns(), sigma != null);
        Operands operands = new Operands("minimumNorm", Place.HOST)
                .reads("X", x)
                .reads("Y", y)
                .writes("W", w)
                .writes("bounds", bounds)
                .float64(bounds)
                .shapes(x.rows() == y.rows(), "Y must have as many rows as X")
                .shapes(
                        w.rows() == x.columns() && w.columns() == y.columns(),
                        "W must have a row per column of X and a column per column of Y")
                .shapes(bounds.rows() == 1 && bounds.columns() == 2, "bounds must be 1×2");
        operands.checked();
        runner.run("minimumNorm", () -> problems.solve(x, y, w, bounds), x, y, w, bounds);
    }

    @Override
    public void singularValues(Matrix x, int[] which, Matrix sigma) {
        requireCovered("singularValues", x, 1, true);
    }

    @Override
    public void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
        requireCovered("truncated", x, y.columns(), true);
    }

    @Override
    public void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
        requireCovered("transform", x, c.columns(), true);
    }

    private void requireCovered(String operation, Matrix x, long targets, boolean spectra) {
        boolean covered =
                spectra ? coversSpectra(x.rows(), x.columns(), targets) : covers(x.rows(), x.columns(), targets);
        if (!covered) {
            throw new UnsupportedOperationException(
                    operation + ": X of shape " + x.shape() + " with " + targets + " targets is not covered here");
        }
    }
}
