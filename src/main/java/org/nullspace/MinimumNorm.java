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
import org.nullspace.solve.Norms;

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
        if (!Double.isFinite(Norms.maxMagnitude(session, reduced.y()))) {
            return failed(regression, scope, d, k, Outcome.NON_FINITE_INPUT);
        }
        Matrix w = factors.vectors(scope, d, k);
        Factors.Solving solving = factors.solve(reduced.y(), w);
        boolean finite = solving.finite() || Double.isFinite(Norms.maxMagnitude(session, w));
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
        try (MemoryScope scratch = MemoryScope.open()) {
            return Norms.columns(regression.session(), residuals(regression, scratch));
        }
    }

    /** Y − XW. */
    private Matrix residuals(Regression regression, MemoryScope scratch) {
        Session session = regression.session();
        Matrix y = targets().y();
        Matrix residual = regression.factors().vectors(scratch, y.rows(), y.columns());
        session.copy(y, residual);
        session.multiply(-1, regression.design().x(), weights(), 1, residual);
        return residual;
    }

    /** Steps of the refinement, and backward errors measured on X. */
    Refinement refinement(Regression regression) {
        Session session = regression.session();
        Matrix x = regression.design().x();
        Matrix w = weights();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix residual = residuals(regression, scratch);
            double[] residuals = Norms.columns(session, residual);
            double[] units = new double[residuals.length];
            double least = residual.precision() == Precision.FLOAT64 ? Double.MIN_NORMAL : Float.MIN_NORMAL;
            Arrays.setAll(units, j -> residuals[j] >= least ? 1 / residuals[j] : 0);
            // Of norm 1, so that products with X are of the size of X.
            session.scaleRows(Operand.column(session, scratch, residual.precision(), units), residual.transposed());
            Matrix gradient = regression.factors().vectors(scratch, w.rows(), w.columns());
            session.multiply(1, x.transposed(), residual, 0, gradient);
            double[] gradients = Norms.columns(session, gradient);
            double[] sizes = Norms.columns(session, w);
            double norm = Norms.frobenius(session, x);
            double[] errors = new double[residuals.length];
            for (int j = 0; j < errors.length; j++) {
                double change = residuals[j] / sizes[j];
                change = units[j] == 0 ? change : Math.min(change, gradients[j]);
                errors[j] = residuals[j] == 0 || norm == 0 ? 0 : change / norm;
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
