package org.nullspace;

import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.nullspace.error.CancelledException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * A batch whose problems share one X and differ in Y: X is factorized once, and the targets of many problems are solved for side by side, as
 * if they were targets of one problem.
 */
final class SharedDesignBatch extends BatchResults {
    private final Regression regression;
    private final Matrix targets;
    private final int part;

    /** Targets of problems that have no solution; in {@link #targets} they are zero, so that they spoil no neighbour. */
    private final Map<Integer, Matrix> failedTargets = new HashMap<>();

    private SharedDesignBatch(
            MemoryScope scope, Regression regression, Matrix x, Matrix y, int part, SolveOptions options) {
        super(scope, x, Math.toIntExact(y.batch()), y.columns(), options);
        this.regression = regression;
        this.part = part;
        this.targets = Matrix.uninitialized(scope, y.precision(), size, n, k, Layout.COLUMN_MAJOR);
        targets.copyFrom(y);
    }

    /**
     * Solves.
     *
     * @param x n×d
     * @param y B×n×k; copied
     */
    static SharedDesignBatch solve(Matrix x, Matrix y, SolveOptions options, BatchProgress progress) {
        double held = (double) y.batch()
                * y.columns()
                * ((double) y.precision().bytes() * y.rows()
                        + (double) x.precision().bytes() * x.columns());
        if (held > HostMemory.physicalBytes()) {
            throw new InsufficientMemoryException(
                    "the results of a batch of " + y.batch() + " problems with one X (" + x.shape() + ", " + y.columns()
                            + " targets each) do not fit: solve for fewer at a time",
                    (long) held,
                    HostMemory.physicalBytes());
        }
        Regression regression = Regression.factor(x, options);
        MemoryScope scope = MemoryScope.open();
        try {
            SharedDesignBatch batch =
                    new SharedDesignBatch(scope, regression, x, y, part(regression, x, y, options), options);
            batch.solve(progress);
            return batch;
        } catch (RuntimeException | Error e) {
            try (regression) {
                scope.close();
            }
            throw e;
        }
    }

    /** Problems that are solved for side by side: their targets, solutions and residuals take the budget at most. */
    private static int part(Regression regression, Matrix x, Matrix y, SolveOptions options) {
        long memory = regression.session().memoryBytes() / 8;
        long budget = options.memoryBudget() > 0 ? options.memoryBudget() : memory;
        double each = 8.0 * y.columns() * (3.0 * y.rows() + 3.0 * x.columns());
        if (each > budget) {
            throw new InsufficientMemoryException(
                    "the targets of one problem (X " + x.shape() + ", " + y.columns()
                            + " targets) do not fit into the memory budget: raise memoryBudget",
                    (long) each,
                    budget);
        }
        return (int) Math.max(1, Math.min(Math.max(1, y.batch()), budget / Math.max(1, each)));
    }

    // ---- solving

    private void solve(BatchProgress progress) {
        Matrix constants = Matrix.zeros(scope, Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
        Matrix norms = Matrix.zeros(scope, Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
        for (int from = 0; from < size; from += part) {
            int to = Math.min(size, from + part);
            if (!solvePart(from, to, constants, norms)) {
                for (int b = from; b < to; b++) {
                    setAside(b);
                }
                solvePart(from, to, constants, norms);
            }
            if (!progress.at(to, size)) {
                throw new CancelledException(to, size);
            }
        }
        setIntercepts(constants);
        setResiduals(norms);
        spoilFailed(minimumNorm);
        spoilFailed(constants);
        spoilFailed(norms);
    }

    /** Solves for neighbours; false if one of them, or X, has no solution. */
    private boolean solvePart(int from, int to, Matrix constants, Matrix norms) {
        try (SolutionSet set = regression.solve(targets.problems(from, to).sideBySide())) {
            Outcome outcome = set.outcome();
            boolean hopeless = !regression.outcome().isSolved();
            if (!outcome.isSolved() && !hopeless) {
                return false;
            }
            minimumNorm.problems(from, to).sideBySide().copyFrom(set.minimumNorm());
            double[] residual = set.residualNorms();
            double[] constant = hopeless ? new double[residual.length] : set.intercept();
            for (int b = from; b < to; b++) {
                if (!failedTargets.containsKey(b)) {
                    outcomes[b] = outcome;
                    ranks[b] = hopeless ? -1 : set.rank();
                }
                for (int j = 0; j < k; j++) {
                    norms.set(b, 0, j, residual[(b - from) * (int) k + j]);
                    constants.set(b, 0, j, constant[(b - from) * (int) k + j]);
                }
            }
            return true;
        }
    }

    /** Takes the targets of a problem that has no solution out of the way. */
    private void setAside(int b) {
        Matrix own = targets.problem(b);
        try (SolutionSet set = regression.solve(own)) {
            if (!set.outcome().isSolved()) {
                outcomes[b] = set.outcome();
                ranks[b] = -1;
                Matrix kept = Matrix.uninitialized(scope, own.precision(), 1, n, k, Layout.COLUMN_MAJOR);
                kept.copyFrom(own);
                failedTargets.put(b, kept);
                for (long j = 0; j < k; j++) {
                    for (long i = 0; i < n; i++) {
                        own.set(0, i, j, 0);
                    }
                }
            }
        }
    }

    // ---- single problems

    @Override
    SolutionSet make(int problem) {
        Matrix failed = failedTargets.get(problem);
        return regression.solve(failed == null ? targets.problem(problem) : failed);
    }

    @Override
    void onSets(int[] which, SetUse use) {
        for (int b : which) {
            if (solved(b)) {
                try (SolutionSet set = make(b)) {
                    use.apply(set, b);
                }
            }
        }
    }

    @Override
    public String backend() {
        return regression.session().description();
    }

    // ---- all problems

    /** What is done with neighbouring problems. */
    private interface Part {
        /**
         * Works on them.
         *
         * @param from index of the first
         * @param to index after the last
         */
        void apply(int from, int to);
    }

    private void inParts(Part work) {
        if (regression.outcome().isSolved()) {
            for (int from = 0; from < size; from += part) {
                work.apply(from, Math.min(size, from + part));
            }
        }
    }

    private NullSpaceOperator nullSpace() {
        return new NullSpaceOperator(regression, scope);
    }

    /** Replaces vectors by what becomes of them side by side. */
    private void replace(Matrix vectors, UnaryOperator<Matrix> how) {
        inParts((from, to) -> {
            Matrix sideBySide = vectors.problems(from, to).sideBySide();
            try (Matrix result = how.apply(sideBySide)) {
                sideBySide.copyFrom(result);
            }
        });
    }

    @Override
    void projectAll(Matrix c) {
        NullSpaceOperator operator = nullSpace();
        replace(c, operator::project);
    }

    @Override
    void coordinatesAll(Matrix w, Matrix c) {
        NullSpaceOperator operator = nullSpace();
        inParts((from, to) -> {
            try (Matrix result = operator.coordinates(w.problems(from, to).sideBySide())) {
                c.problems(from, to).sideBySide().copyFrom(result);
            }
        });
    }

    @Override
    void combineAll(Matrix c, Matrix w) {
        NullSpaceOperator operator = nullSpace();
        if (c.batch() == 1 && size != 1) {
            if (regression.outcome().isSolved()) {
                try (Matrix result = operator.combine(c)) {
                    for (int b = 0; b < size; b++) {
                        w.problem(b).copyFrom(result);
                    }
                }
            }
            return;
        }
        Matrix packed = c.copy(Layout.COLUMN_MAJOR);
        inParts((from, to) -> {
            try (Matrix result = operator.combine(packed.problems(from, to).sideBySide())) {
                w.problems(from, to).sideBySide().copyFrom(result);
            }
        });
    }

    @Override
    void ridgeAll(double lambda, Matrix w) {
        inParts((from, to) -> {
            try (SolutionSet set = regression.solve(targets.problems(from, to).sideBySide());
                    Matrix result = set.ridge(lambda)) {
                w.problems(from, to).sideBySide().copyFrom(result);
            }
        });
    }

    @Override
    void addMinimumNorm(Matrix c) {
        inParts((from, to) -> {
            Matrix sum = c.problems(from, to).sideBySide();
            if (x.precision() == Precision.FLOAT64) {
                add(minimumNorm.problems(from, to).sideBySide(), sum);
                return;
            }
            Matrix zero = Matrix.zeros(Precision.FLOAT64, 1, d, sum.columns(), Layout.COLUMN_MAJOR);
            try (SolutionSet set = regression.solve(targets.problems(from, to).sideBySide());
                    Matrix w = set.closestTo(zero)) {
                add(w, sum);
            }
        });
    }

    @Override
    void spectraAll(Matrix values) {
        inParts((from, to) -> {
            double[] sigma = regression.locked(() -> regression.factors().singularValues());
            for (int b = from; b < to; b++) {
                for (int i = 0; i < sigma.length; i++) {
                    values.set(b, i, 0, sigma[i]);
                }
            }
        });
    }

    @Override
    RankDecision decision(int problem) {
        return regression.locked(regression::rankDecision);
    }

    @Override
    void residualsAll(Matrix norms) {
        throw new IllegalStateException("the residuals are found with the solutions");
    }

    @Override
    void productsAll(Matrix samples, Matrix w, Matrix out) {
        inParts((from, to) -> regression.locked(() -> {
            multiply(regression.session(), samples, w, out, from, to);
            return true;
        }));
    }

    @Override
    void closeWork() {
        regression.close();
    }
}
