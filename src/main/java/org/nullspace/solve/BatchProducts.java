package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Products of batches whose operands may lie on the host; on a device with memory of its own, copies are made for the time of a call. */
public final class BatchProducts {
    private BatchProducts() {}

    /**
     * out ← samples · w, in float64.
     *
     * @param session where to compute
     * @param samples B×m×d or 1×m×d
     * @param w B×d×k or 1×d×k
     * @param out written: B×m×k, float64
     */
    public static void multiply(Session session, Matrix samples, Matrix w, Matrix out) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix product = isHere(session, out) ? out : allocate(session, scratch, out);
            session.multiply(1, here(session, scratch, samples), wide(session, scratch, w), 0, product);
            if (product != out) {
                session.copy(product, out);
            }
            session.synchronize();
        }
    }

    /**
     * ‖Xw − y‖ for each target of each problem.
     *
     * @param session where to compute
     * @param x B×n×d or 1×n×d
     * @param w B×d×k
     * @param y B×n×k or 1×n×k
     * @param norms written: B×1×k on the host, float64
     */
    public static void residualNorms(Session session, Matrix x, Matrix w, Matrix y, Matrix norms) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix residual =
                    session.allocate(scratch, Precision.FLOAT64, w.batch(), y.rows(), y.columns(), Layout.COLUMN_MAJOR);
            Matrix hereY = here(session, scratch, y);
            session.copy(hereY, residual);
            session.multiply(1, here(session, scratch, x), wide(session, scratch, w), -1, residual);
            Matrix result = session.allocate(scratch, Precision.FLOAT64, w.batch(), 1, y.columns(), Layout.ROW_MAJOR);
            session.columnNorms(residual, result);
            session.copy(result, norms);
            session.synchronize();
        }
    }

    private static boolean isHere(Session session, Matrix a) {
        return a.place().equals(session.place());
    }

    private static Matrix allocate(Session session, MemoryScope scratch, Matrix like) {
        return session.allocate(scratch, like.precision(), like.batch(), like.rows(), like.columns(), like.layout());
    }

    private static Matrix here(Session session, MemoryScope scratch, Matrix a) {
        if (isHere(session, a)) {
            return a;
        }
        Matrix copy = allocate(session, scratch, a);
        session.copy(a, copy);
        return copy;
    }

    /** A float64 matrix in the session's place: products widen one operand only. */
    private static Matrix wide(Session session, MemoryScope scratch, Matrix a) {
        if (isHere(session, a) && a.precision() == Precision.FLOAT64) {
            return a;
        }
        Matrix copy = session.allocate(scratch, Precision.FLOAT64, a.batch(), a.rows(), a.columns(), a.layout());
        session.copy(a, copy);
        return copy;
    }
}
