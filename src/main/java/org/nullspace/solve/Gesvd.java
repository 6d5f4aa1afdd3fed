package org.nullspace.solve;

import java.util.function.ToIntFunction;
import org.nullspace.backend.Session;
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
        double largest = Norms.maxMagnitude(session, x);
        if (!Double.isFinite(largest)) {
            return Attempt.failed(Outcome.NON_FINITE_INPUT, "GESVD: X holds a NaN or an infinity");
        }
        double scale = Scaling.factor(largest, precision);
        Matrix tall = wide ? x.transposed() : x;
        long p = tall.columns();
        MemoryScope scope = parent.nested();
        Matrix u = session.allocate(scope, precision, 1, tall.rows(), p, Layout.COLUMN_MAJOR);
        Matrix zt = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        double[] sigma = ThinSvd.decompose(session, a -> Scaling.scaledCopy(session, tall, scale, a), u, zt);
        return SpectralFactors.attempt(
                session,
                scope,
                x,
                Method.GESVD,
                new DenseColumns(session, u),
                new DenseColumns(session, zt.transposed()),
                sigma,
                scale,
                rankOf);
    }
}
