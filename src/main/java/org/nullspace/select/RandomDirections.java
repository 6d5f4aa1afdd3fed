package org.nullspace.select;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.random.SplitMix64;
import org.nullspace.solve.Factors;

/**
 * Directions that are uniform on the unit sphere of the null space: a standard normal vector of the whole space, projected, is standard
 * normal in the null space, and its direction is uniform. No basis is needed, so the result depends on the seed and on X alone.
 */
public final class RandomDirections {
    private RandomDirections() {}

    /**
     * Fills the columns of a matrix with independent random directions of a given length.
     *
     * @param session where to compute
     * @param factors X factorized
     * @param seed seed of the generator; target j, entry i takes the (j·d + i)-th normal number
     * @param length Euclidean length of each column, at least 0
     * @param w written, d×k, in the precision of the factors; zeros if the null space is {0}
     */
    public static void fill(Session session, Factors factors, long seed, double length, Matrix w) {
        if (factors.rank() == w.rows() || w.isEmpty()) {
            session.fill(w, 0);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            SplitMix64 random = new SplitMix64(seed);
            Matrix host = Matrix.uninitialized(scratch, w.precision(), 1, w.rows(), w.columns(), Layout.COLUMN_MAJOR);
            for (long j = 0; j < w.columns(); j++) {
                for (long i = 0; i < w.rows(); i++) {
                    host.set(0, i, j, random.nextGaussian());
                }
            }
            session.copy(host, w);
            factors.projectOnNullSpace(w);
            Matrix norms = session.allocate(scratch, 1, w.columns());
            session.columnNorms(w, norms);
            Matrix factorsByColumn =
                    Matrix.uninitialized(scratch, w.precision(), 1, w.columns(), 1, Layout.COLUMN_MAJOR);
            Matrix hostNorms = session.toHost(norms);
            for (long j = 0; j < w.columns(); j++) {
                factorsByColumn.set(0, j, 0, length / hostNorms.get(0, 0, j));
            }
            Matrix device = factors.vectors(scratch, w.columns(), 1);
            session.copy(factorsByColumn, device);
            session.scaleRows(device, w.transposed());
            session.synchronize();
        }
    }
}
