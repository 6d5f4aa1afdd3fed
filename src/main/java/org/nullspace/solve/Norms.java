package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/** Norms of matrices in a session's place, read to the host. */
public final class Norms {
    private Norms() {}

    /**
     * Euclidean norms of the columns.
     *
     * @param session where the matrix lies
     * @param m a single matrix
     * @return a new array
     */
    public static double[] columns(Session session, Matrix m) {
        return columnsOf(session, m)[0];
    }

    /** Euclidean norms of the columns of several matrices, read at once. */
    static double[][] columnsOf(Session session, Matrix... matrices) {
        long total = 0;
        for (Matrix m : matrices) {
            total += m.columns();
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix norms = session.allocate(scratch, 1, total);
            long from = 0;
            for (Matrix m : matrices) {
                session.columnNorms(m, norms.columns(from, from + m.columns()));
                from += m.columns();
            }
            double[] all = Factors.toHost(session, norms);
            double[][] out = new double[matrices.length][];
            int first = 0;
            for (int i = 0; i < out.length; i++) {
                int count = (int) matrices[i].columns();
                out[i] = new double[count];
                System.arraycopy(all, first, out[i], 0, count);
                first += count;
            }
            return out;
        }
    }

    /**
     * Largest magnitude.
     *
     * @param session where the matrix lies
     * @param m a single matrix
     * @return a number; NaN if there is a NaN
     */
    public static double maxMagnitude(Session session, Matrix m) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix result = session.allocate(scratch, 1, 1);
            session.maxMagnitude(m, result);
            return session.toHost(result).get(0, 0, 0);
        }
    }

    /**
     * Frobenius norm.
     *
     * @param session where the matrix lies
     * @param m a single matrix
     * @return a number; not finite if an entry is not
     */
    public static double frobenius(Session session, Matrix m) {
        double sum = 0;
        for (double norm : columns(session, m)) {
            sum = Math.hypot(sum, norm);
        }
        return sum;
    }
}
