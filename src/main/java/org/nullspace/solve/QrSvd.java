package org.nullspace.solve;

import java.util.function.ToIntFunction;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;

/**
 * The method {@link Method#QR_SVD}: A = QR for the tall one of X and Xᵀ, R = M·diag(σ)·Zᵀ, so that A = (QM)·diag(σ)·Zᵀ with QM kept as reflectors and
 * M.
 */
final class QrSvd {
    private QrSvd() {}

    static Attempt factor(
            Session session, MemoryScope parent, Matrix x, Precision precision, ToIntFunction<double[]> rankOf) {
        boolean wide = x.rows() <= x.columns();
        double largest = Scaling.maxMagnitude(session, x);
        if (!Double.isFinite(largest)) {
            return Attempt.failed(Outcome.NON_FINITE_INPUT, "QR_SVD: X holds a NaN or an infinity");
        }
        double scale = Scaling.factor(largest, precision);
        MemoryScope scope = parent.nested();
        Matrix a = Scaling.scaledCopy(session, scope, wide ? x.transposed() : x, scale, precision);
        long p = a.columns();
        Matrix tau = session.allocate(scope, precision, 1, p, 1, Layout.COLUMN_MAJOR);
        session.qr(a, tau);

        Matrix inner = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        Matrix zt = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        for (SvdAlgorithm algorithm : SvdAlgorithm.values()) {
            session.copy(a.rows(0, p), inner);
            session.keepTriangle(Triangle.UPPER, inner);
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix s = session.allocate(scratch, precision, 1, p, 1, Layout.COLUMN_MAJOR);
                Status status = session.status(scratch, 1);
                session.svd(algorithm, inner, s, zt, status);
                double[] sigma = Factors.toHost(session, s);
                if (session.read(status)[0] == 0) {
                    double[] unscaled = SpectralFactors.unscaled(sigma, scale);
                    if (Double.isInfinite(unscaled[0])) {
                        scope.close();
                        return Attempt.failed(
                                Outcome.OVERFLOW,
                                "QR_SVD: the largest singular value of X exceeds the range of float64");
                    }
                    OrthonormalColumns longSide = new ReflectedColumns(session, a, tau, inner);
                    OrthonormalColumns shortSide = new DenseColumns(session, zt.transposed());
                    int rank = rankOf.applyAsInt(unscaled);
                    return Attempt.done(
                            new SpectralFactors(
                                    session,
                                    scope,
                                    x,
                                    Method.QR_SVD,
                                    wide ? shortSide : longSide,
                                    wide ? longSide : shortSide,
                                    sigma,
                                    scale,
                                    rank,
                                    precision),
                            "QR_SVD: rank " + rank + " of " + p);
                }
            }
        }
        scope.close();
        return Attempt.failed(Outcome.NOT_CONVERGED, "QR_SVD: the singular value iteration did not converge");
    }
}
