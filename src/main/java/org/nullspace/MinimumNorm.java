package org.nullspace;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.NoSolutionException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Outcome;
import org.nullspace.model.Refinement;
import org.nullspace.solve.Design;
import org.nullspace.solve.Factors;

/**
 * The minimum-norm solution for given targets, or the reason why there is none.
 *
 * @param outcome what happened
 * @param delivered W₀ on the host in the precision of X, d×k; NaN where there is no solution
 * @param corrections how often W₀ was corrected with residuals
 * @param targetsOrNull targets as they fit the design, or null where there is no solution
 * @param weightsOrNull W₀ in the session's place and the precision of the factors, or null where there is no solution
 */
record MinimumNorm(
        Outcome outcome,
        Matrix delivered,
        int corrections,
        Design.@Nullable Targets targetsOrNull,
        @Nullable Matrix weightsOrNull) {
    static MinimumNorm of(Regression regression, MemoryScope scope, Matrix y) {
        long d = regression.x().columns();
        long k = y.columns();
        Outcome outcome = regression.outcome();
        if (!outcome.isSolved()) {
            return failed(regression, scope, d, k, outcome);
        }
        Session session = regression.session();
        Factors factors = regression.factors();
        Design.Targets reduced = regression.design().targets(scope, y, factors.precision());
        if (!Double.isFinite(maxMagnitude(session, scope, reduced.y()))) {
            return failed(regression, scope, d, k, Outcome.NON_FINITE_INPUT);
        }
        Matrix w = factors.vectors(scope, d, k);
        Factors.Solving solving = factors.solve(reduced.y(), w);
        boolean finite = solving.finite() || Double.isFinite(maxMagnitude(session, scope, w));
        Matrix delivered = delivered(regression, scope, w);
        if (!finite || !allFinite(session.toHost(delivered))) {
            return failed(regression, scope, d, k, Outcome.OVERFLOW);
        }
        return new MinimumNorm(outcome, delivered, solving.corrections(), reduced, w);
    }

    /** W₀ on the host in the precision of X: a copy, unless it is that already. */
    private static Matrix delivered(Regression regression, MemoryScope scope, Matrix w) {
        Session session = regression.session();
        if (session.place().isHost() && w.precision() == regression.dataPrecision()) {
            return w;
        }
        Matrix host =
                Matrix.uninitialized(scope, regression.dataPrecision(), 1, w.rows(), w.columns(), Layout.COLUMN_MAJOR);
        session.copy(w, host);
        return host;
    }

    private static MinimumNorm failed(Regression regression, MemoryScope scope, long d, long k, Outcome outcome) {
        Matrix nan = Matrix.uninitialized(scope, regression.dataPrecision(), 1, d, k, Layout.COLUMN_MAJOR);
        for (long j = 0; j < k; j++) {
            for (long i = 0; i < d; i++) {
                nan.set(0, i, j, Double.NaN);
            }
        }
        return new MinimumNorm(outcome, nan, 0, null, null);
    }

    private static double maxMagnitude(Session session, MemoryScope scope, Matrix a) {
        try (MemoryScope scratch = scope.nested()) {
            Matrix result = session.allocate(scratch, 1, 1);
            session.maxMagnitude(a, result);
            return session.toHost(result).get(0, 0, 0);
        }
    }

    private static boolean allFinite(Matrix host) {
        if (host.precision() == Precision.FLOAT64) {
            return true;
        }
        for (long j = 0; j < host.columns(); j++) {
            for (long i = 0; i < host.rows(); i++) {
                if (!Double.isFinite(host.get(0, i, j))) {
                    return false;
                }
            }
        }
        return true;
    }

    /** ‖Xw − y‖ for each target; NaN where there is no solution. */
    double[] residualNorms(Regression regression) {
        double[] norms = new double[Math.toIntExact(delivered.columns())];
        if (!outcome.isSolved()) {
            Arrays.fill(norms, Double.NaN);
            return norms;
        }
        Session session = regression.session();
        Matrix y = targets().y();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix residual = regression.factors().vectors(scratch, y.rows(), y.columns());
            session.copy(y, residual);
            session.multiply(1, regression.design().x(), weights(), -1, residual);
            return Solved.columnNorms(session, scratch, residual);
        }
    }

    /** Steps of the refinement, and backward errors measured on X. */
    Refinement refinement(Regression regression) {
        Session session = regression.session();
        Matrix x = regression.design().x();
        Matrix y = targets().y();
        Matrix w = weights();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix residual = regression.factors().vectors(scratch, y.rows(), y.columns());
            Matrix gradient = regression.factors().vectors(scratch, w.rows(), w.columns());
            session.copy(y, residual);
            session.multiply(-1, x, w, 1, residual);
            session.multiply(1, x.transposed(), residual, 0, gradient);
            double[] residuals = Solved.columnNorms(session, scratch, residual);
            double[] gradients = Solved.columnNorms(session, scratch, gradient);
            double[] sizes = Solved.columnNorms(session, scratch, w);
            double norm = 0;
            for (double column : Solved.columnNorms(session, scratch, x)) {
                norm = Math.hypot(norm, column);
            }
            double[] errors = new double[residuals.length];
            for (int j = 0; j < errors.length; j++) {
                boolean exact = residuals[j] == 0 || norm == 0;
                errors[j] = exact ? 0 : Math.min(residuals[j] / sizes[j], gradients[j] / residuals[j]) / norm;
            }
            return new Refinement(corrections, errors);
        }
    }

    /** Targets as they fit the design. */
    Design.Targets targets() {
        if (targetsOrNull == null) {
            throw new NoSolutionException(outcome.text());
        }
        return targetsOrNull;
    }

    /** W₀ in the session's place. */
    Matrix weights() {
        if (weightsOrNull == null) {
            throw new NoSolutionException(outcome.text());
        }
        return weightsOrNull;
    }
}
