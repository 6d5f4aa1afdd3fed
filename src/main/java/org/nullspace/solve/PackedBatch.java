package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** What is done with the problems of packed float64 batches as wholes: one number for each problem. */
final class PackedBatch {
    private PackedBatch() {}

    /** New column-major matrices. */
    static Matrix allocate(Session session, MemoryScope scope, long batch, long rows, long columns) {
        return session.allocate(scope, Precision.FLOAT64, batch, rows, columns, Layout.COLUMN_MAJOR);
    }

    /**
     * Largest magnitude of each matrix.
     *
     * @param a any batch
     * @return a new array: NaN or infinite for a matrix that has such an entry
     */
    static double[] magnitudes(Session session, Matrix a) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix result = allocate(session, scratch, a.batch(), 1, 1);
            session.maxMagnitude(a, result);
            return toHost(session, result);
        }
    }

    /**
     * Frobenius norm of each matrix.
     *
     * @param a column-major batch
     * @return a new array: NaN or infinite for a matrix that has such an entry
     */
    static double[] norms(Session session, Matrix a) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix columns = session.allocate(scratch, Precision.FLOAT64, a.batch(), 1, a.columns(), Layout.ROW_MAJOR);
            session.columnNorms(a, columns);
            Matrix result = allocate(session, scratch, a.batch(), 1, 1);
            session.columnNorms(columns.transposed(), result);
            return toHost(session, result);
        }
    }

    /** All entries, problem by problem; a problem is a column. */
    static double[] toHost(Session session, Matrix columns) {
        Matrix host = session.toHost(columns);
        int rows = (int) host.rows();
        double[] values = new double[Math.toIntExact(host.batch() * rows)];
        for (int i = 0; i < values.length; i++) {
            values[i] = host.get(i / rows, i % rows, 0);
        }
        return values;
    }

    /**
     * For each problem the exponent of the power of two that brings its largest magnitude into a safe range.
     *
     * @param magnitudes largest magnitudes
     * @return a new array; 0 where the magnitude is safe, zero, or not finite
     */
    static int[] exponents(double[] magnitudes) {
        int[] exponents = new int[magnitudes.length];
        for (int i = 0; i < exponents.length; i++) {
            exponents[i] = Double.isFinite(magnitudes[i]) ? Scaling.exponent(magnitudes[i], Precision.FLOAT64) : 0;
        }
        return exponents;
    }

    /** The exponents with the other sign. */
    static int[] negated(int[] exponents) {
        return difference(new int[exponents.length], exponents);
    }

    /** a − b. */
    static int[] difference(int[] a, int[] b) {
        int[] result = new int[a.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = a[i] - b[i];
        }
        return result;
    }

    /**
     * Multiplies columns of each problem by a power of two.
     *
     * @param a a packed column-major batch that is all of its memory
     * @param from first column
     * @param to column after the last
     * @param exponents one for each problem, of at most 2044
     */
    static void scale(Session session, Matrix a, long from, long to, int[] exponents) {
        boolean any = false;
        for (int exponent : exponents) {
            any |= exponent != 0;
        }
        if (!any) {
            return;
        }
        // Each problem is one row of this.
        Matrix lines = Matrix.over(a.memory(), a.precision(), 1, a.batch(), a.rows() * a.columns(), Layout.ROW_MAJOR)
                .columns(a.rows() * from, a.rows() * to);
        try (MemoryScope scratch = MemoryScope.open()) {
            // In two steps: a float64 number has not room for every exponent.
            for (int step = 0; step < 2; step++) {
                Matrix host = Matrix.zeros(scratch, Precision.FLOAT64, 1, a.batch(), 1, Layout.COLUMN_MAJOR);
                for (int i = 0; i < exponents.length; i++) {
                    int half = exponents[i] / 2;
                    host.set(0, i, 0, Math.scalb(1.0, step == 0 ? half : exponents[i] - half));
                }
                Matrix factors = session.allocate(scratch, a.batch(), 1);
                session.copy(host, factors);
                session.scaleRows(factors, lines);
            }
        }
    }

    /**
     * New numbers in the session's place, one column for each problem.
     *
     * @param values all entries, problem by problem
     */
    static Matrix columns(Session session, MemoryScope scope, double[] values, int batch) {
        int rows = values.length / batch;
        Matrix device = allocate(session, scope, batch, rows, 1);
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix host = Matrix.zeros(scratch, Precision.FLOAT64, batch, rows, 1, Layout.COLUMN_MAJOR);
            for (int i = 0; i < values.length; i++) {
                host.set(i / rows, i % rows, 0, values[i]);
            }
            session.copy(host, device);
        }
        return device;
    }
}
