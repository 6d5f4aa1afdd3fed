package org.nullspace.solve;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;

/**
 * The singular value decomposition sX = U·diag(σ)·Vᵀ with s a power of two that keeps entries in a safe range. U is n×p, V is d×p, p =
 * min(n,d).
 */
final class SpectralFactors extends Factors {
    private final Method method;
    private final OrthonormalColumns u;
    private final OrthonormalColumns v;
    private final double[] scaledSigma;
    private final double[] sigma;
    private final double scale;
    private final int rank;
    private final Precision precision;

    private SpectralFactors(
            Session session,
            MemoryScope scope,
            Matrix x,
            Method method,
            OrthonormalColumns u,
            OrthonormalColumns v,
            double[] scaledSigma,
            double scale,
            int rank,
            Precision precision) {
        super(session, scope, x);
        this.method = method;
        this.u = u;
        this.v = v;
        this.scaledSigma = scaledSigma;
        this.scale = scale;
        this.sigma = unscaled(scaledSigma, scale);
        this.rank = rank;
        this.precision = precision;
    }

    /**
     * Factors of X from the decomposition sA = B·diag(σ)·Zᵀ of the tall one of X and Xᵀ.
     *
     * @param scope owner of B and Z; closed if there are no factors
     * @param longSide B; as many columns as there are positive singular values at least
     * @param shortSide Z, with as many columns
     * @param sigma σ, or null if the iteration did not converge
     * @param rankOf the rank for given singular values of X
     */
    static Attempt attempt(
            Session session,
            MemoryScope scope,
            Matrix x,
            Method method,
            OrthonormalColumns longSide,
            DenseColumns shortSide,
            double @Nullable [] sigma,
            double scale,
            ToIntFunction<double[]> rankOf) {
        if (sigma == null) {
            scope.close();
            return Attempt.failed(Outcome.NOT_CONVERGED, method + ": the singular value iteration did not converge");
        }
        double[] unscaled = unscaled(sigma, scale);
        if (Double.isInfinite(unscaled[0])) {
            scope.close();
            return Attempt.failed(
                    Outcome.OVERFLOW, method + ": the largest singular value of X exceeds the range of float64");
        }
        boolean wide = x.rows() <= x.columns();
        int rank = rankOf.applyAsInt(unscaled);
        return Attempt.done(
                new SpectralFactors(
                        session,
                        scope,
                        x,
                        method,
                        wide ? shortSide : longSide,
                        wide ? longSide : shortSide,
                        sigma,
                        scale,
                        rank,
                        shortSide.matrix().precision()),
                method + ": rank " + rank + " of " + sigma.length);
    }

    private static double[] unscaled(double[] scaledSigma, double scale) {
        double[] out = new double[scaledSigma.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = scaledSigma[i] / scale;
        }
        return out;
    }

    @Override
    public Method method() {
        return method;
    }

    @Override
    public Precision precision() {
        return precision;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public double[] singularValues() {
        return sigma;
    }

    @Override
    public Solving solve(Matrix y, Matrix w) {
        filtered(s -> 1 / s, y, w);
        return new Solving(0, false);
    }

    @Override
    public void ridge(double lambda, Matrix y, Matrix w) {
        double scaledRoot = Math.sqrt(lambda) * scale;
        filtered(s -> 1 / (s + scaledRoot * (scaledRoot / s)), y, w);
    }

    @Override
    public Triplets triplets() {
        return new Triplets(u.leading(rank), Arrays.copyOf(sigma, rank), v.leading(rank));
    }

    /** W ← s·V·diag(f(σ))·Uᵀ·Y over the leading r triplets. */
    private void filtered(DoubleUnaryOperator f, Matrix y, Matrix w) {
        if (rank == 0) {
            session.fill(w, 0);
            return;
        }
        double[] factors = new double[rank];
        for (int i = 0; i < rank; i++) {
            factors[i] = f.applyAsDouble(scaledSigma[i]);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix t = vectors(scratch, rank, y.columns());
            u.leading(rank).applyTransposed(y, t);
            session.scaleRows(column(scratch, factors), t);
            v.leading(rank).apply(t, w);
            if (scale != 1) {
                session.scaleRows(constant(scratch, w.rows(), scale), w);
            }
        }
    }

    private Matrix constant(MemoryScope scratch, long rows, double value) {
        Matrix c = vectors(scratch, rows, 1);
        session.fill(c, value);
        return c;
    }

    @Override
    boolean subtractRowPart(Matrix w) {
        try (MemoryScope scratch = MemoryScope.open()) {
            OrthonormalColumns row = v.leading(rank);
            Matrix c = vectors(scratch, rank, w.columns());
            row.applyTransposed(w, c);
            Matrix part = vectors(scratch, w.rows(), w.columns());
            row.apply(c, part);
            session.add(-1, part, 1, w);
            return false;
        }
    }

    @Override
    int projectionSteps() {
        return 2;
    }

    @Override
    CompleteBasis makeCompleteBasis() {
        if (v instanceof ReflectedColumns reflected) {
            return CompleteBasis.of(reflected, rank);
        }
        double held = Budget.residentBytes(session, x) + Budget.bytes(precision, u.rows() + v.rows(), u.columns());
        if (v instanceof DenseColumns dense) {
            return CompleteBasis.spanning(session, scope, dense.matrix().columns(0, rank), precision, held);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix columns = ((ProductColumns) v).leading(rank).onHost(scratch);
            return CompleteBasis.spanning(session, scope, columns, precision, held);
        }
    }
}
