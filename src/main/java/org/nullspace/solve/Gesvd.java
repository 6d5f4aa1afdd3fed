package org.nullspace.solve;

import java.util.function.ToIntFunction;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;

/** The method {@link Method#GESVD}: the thin singular value decomposition of the tall one of X and Xᵀ, its long factor in place of a copy. */
final class Gesvd {
    private Gesvd() {}

    static Attempt factor(
            Session session, MemoryScope parent, Matrix x, Precision precision, ToIntFunction<double[]> rankOf) {
        boolean wide = x.rows() <= x.columns();
        double largest = Scaling.maxMagnitude(session, x);
        if (!Double.isFinite(largest)) {
            return Attempt.failed(Outcome.NON_FINITE_INPUT, "GESVD: X holds a NaN or an infinity");
        }
        double scale = Scaling.factor(largest, precision);
        for (SvdAlgorithm algorithm : SvdAlgorithm.values()) {
            MemoryScope scope = parent.nested();
            Matrix a = Scaling.scaledCopy(session, scope, wide ? x.transposed() : x, scale, precision);
            long p = a.columns();
            Matrix zt = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix s = session.allocate(scratch, precision, 1, p, 1, Layout.COLUMN_MAJOR);
                Status status = session.status(scratch, 1);
                session.svd(algorithm, a, s, zt, status);
                double[] sigma = Factors.toHost(session, s);
                if (session.read(status)[0] == 0) {
                    double[] unscaled = SpectralFactors.unscaled(sigma, scale);
                    if (Double.isInfinite(unscaled[0])) {
                        scope.close();
                        return Attempt.failed(
                                Outcome.OVERFLOW,
                                "GESVD: the largest singular value of X exceeds the range of float64");
                    }
                    OrthonormalColumns longSide = new DenseColumns(session, a);
                    OrthonormalColumns shortSide = new DenseColumns(session, zt.transposed());
                    int rank = rankOf.applyAsInt(unscaled);
                    return Attempt.done(
                            new SpectralFactors(
                                    session,
                                    scope,
                                    x,
                                    Method.GESVD,
                                    wide ? shortSide : longSide,
                                    wide ? longSide : shortSide,
                                    sigma,
                                    scale,
                                    rank,
                                    precision),
                            "GESVD: rank " + rank + " of " + p);
                }
            }
            scope.close();
        }
        return Attempt.failed(Outcome.NOT_CONVERGED, "GESVD: the singular value iteration did not converge");
    }
}
