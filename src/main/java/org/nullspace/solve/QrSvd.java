package org.nullspace.solve;

import java.util.List;
import java.util.function.ToIntFunction;
import org.nullspace.backend.Session;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.SvdChoice;

/**
 * The method {@link Method#QR_SVD}: A = QR for the tall one of X and Xᵀ, R = M·diag(σ)·Zᵀ, so that A = (QM)·diag(σ)·Zᵀ with QM kept as reflections and
 * M. Where there is no room for a copy of A in one piece, Q is made block by block: {@link BlockedReflections}.
 */
final class QrSvd {
    private QrSvd() {}

    /**
     * Factorizes.
     *
     * @param x n×d, on the host or in the session's place
     * @param svd how R is decomposed
     * @param rankOf the rank for given singular values
     * @param heldBytes memory of the session's place that the problem takes otherwise, X included
     */
    static Attempt factor(
            Session session,
            MemoryScope parent,
            Matrix x,
            Precision precision,
            SvdChoice svd,
            ToIntFunction<double[]> rankOf,
            double heldBytes) {
        List<SvdAlgorithm> algorithms = ThinSvd.algorithms(session, svd);
        boolean wide = x.rows() <= x.columns();
        double largest = Norms.maxMagnitude(session, x);
        if (!Double.isFinite(largest)) {
            return Attempt.failed(Outcome.NON_FINITE_INPUT, "QR_SVD: X holds a NaN or an infinity");
        }
        double scale = Scaling.factor(largest, precision);
        Matrix tall = wide ? x.transposed() : x;
        long p = tall.columns();
        MemoryScope scope = parent.nested();
        HouseholderQr qr = HouseholderQr.of(session, scope, tall, scale, precision, heldBytes);

        Matrix inner = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        Matrix zt = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        double[] sigma = ThinSvd.decompose(
                session,
                algorithms,
                r -> {
                    session.copy(qr.r(), r);
                    session.keepTriangle(Triangle.UPPER, r);
                },
                inner,
                zt);
        return SpectralFactors.attempt(
                session,
                scope,
                x,
                Method.QR_SVD,
                new ReflectedColumns(session, qr.q(), inner),
                new DenseColumns(session, zt.transposed()),
                sigma,
                scale,
                rankOf);
    }
}
