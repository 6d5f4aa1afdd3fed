package org.nullspace.solve;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/** A thin singular value decomposition that tries every algorithm of the backend before it gives up. */
public final class ThinSvd {
    private ThinSvd() {}

    /**
     * A = U·diag(σ)·Zᵀ.
     *
     * @param session where to compute
     * @param fill writes A; called again after an algorithm that did not converge, since each destroys A
     * @param a column-major, m×p with m ≥ p; overwritten by U
     * @param zt written: Zᵀ, column-major, p×p
     * @return σ on the host in descending order, or null if no algorithm converged
     */
    public static double @Nullable [] decompose(Session session, Consumer<Matrix> fill, Matrix a, Matrix zt) {
        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
            fill.accept(a);
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix s = session.allocate(scratch, a.precision(), 1, a.columns(), 1, Layout.COLUMN_MAJOR);
                Status status = session.status(scratch, 1);
                session.svd(algorithm, a, s, zt, status);
                double[] sigma = Factors.toHost(session, s);
                if (session.read(status)[0] == 0) {
                    return sigma;
                }
            }
        }
        return null;
    }
}
