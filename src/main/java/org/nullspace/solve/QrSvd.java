package org.nullspace.solve;

import java.util.function.ToIntFunction;
import org.nullspace.backend.Session;
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
        Matrix tall = wide ? x.transposed() : x;
        long p = tall.columns();
        MemoryScope scope = parent.nested();
        Matrix reflectors = session.allocate(scope, precision, 1, tall.rows(), p, Layout.COLUMN_MAJOR);
        Matrix tau = session.allocate(scope, precision, 1, p, 1, Layout.COLUMN_MAJOR);
        Scaling.scaledCopy(session, tall, scale, reflectors);
        session.qr(reflectors, tau);

        Matrix inner = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        Matrix zt = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        double[] sigma = ThinSvd.decompose(
                session,
                r -> {
                    session.copy(reflectors.rows(0, p), r);
                    session.keepTriangle(Triangle.UPPER, r);
                },
                inner,
                zt);
        return SpectralFactors.attempt(
                session,
                scope,
                x,
                Method.QR_SVD,
                new ReflectedColumns(session, reflectors, tau, inner),
                zt,
                sigma,
                scale,
                rankOf);
    }
}
