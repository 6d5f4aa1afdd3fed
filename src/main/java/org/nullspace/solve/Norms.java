package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/** Norms on the host. */
final class Norms {
    private Norms() {}

    /** Euclidean norms of the columns. */
    static double[] columns(Session session, Matrix m) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix norms = session.allocate(scratch, 1, m.columns());
            session.columnNorms(m, norms);
            return Factors.toHost(session, norms);
        }
    }

    /** Frobenius norm; NaN if an entry is NaN. */
    static double frobenius(Session session, Matrix m) {
        double sum = 0;
        for (double norm : columns(session, m)) {
            sum = Math.hypot(sum, norm);
        }
        return sum;
    }
}
