package org.nullspace.backend;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Whether two matrices have an entry in common. */
final class Overlap {
    private Overlap() {}

    /**
     * Exact for views of one matrix: parts of rows, columns and batches, in any combination. Matrices of different geometry over the
     * same stretch of memory count as overlapping.
     */
    static boolean between(Matrix a, Matrix b) {
        if (a.isEmpty() || b.isEmpty() || !rangesMeet(a, b)) {
            return false;
        }
        if (a.precision() != b.precision() || a.leadingDimension() != b.leadingDimension()) {
            return true;
        }
        long line = a.leadingDimension();
        boolean aligned = isMultiple(a, line) && isMultiple(b, line);
        if (!aligned) {
            return true;
        }
        if (!cyclesMeet(start(a), length(a), start(b), length(b), line)) {
            return false;
        }
        if (a.batch() == 1 && b.batch() == 1) {
            long firstA = Math.floorDiv(start(a), line);
            long firstB = Math.floorDiv(start(b), line);
            return firstA < firstB + lines(b) && firstB < firstA + lines(a);
        }
        if (a.batchStride() != b.batchStride()) {
            return true;
        }
        long perProblem = a.batchStride() / line;
        return cyclesMeet(Math.floorDiv(start(a), line), lines(a), Math.floorDiv(start(b), line), lines(b), perProblem);
    }

    /** Whether two matrices are the same entries in the same order. */
    static boolean same(Matrix a, Matrix b) {
        return a.address(0) == b.address(0)
                && a.precision() == b.precision()
                && a.layout() == b.layout()
                && a.rows() == b.rows()
                && a.columns() == b.columns()
                && a.batch() == b.batch()
                && (a.leadingDimension() == b.leadingDimension() || lines(a) <= 1)
                && (a.batchStride() == b.batchStride() || a.batch() <= 1);
    }

    private static boolean rangesMeet(Matrix a, Matrix b) {
        return a.address(0) < end(b) && b.address(0) < end(a);
    }

    private static long end(Matrix m) {
        return m.address(m.batch() - 1)
                + ((lines(m) - 1) * m.leadingDimension() + length(m))
                        * m.precision().bytes();
    }

    private static boolean isMultiple(Matrix m, long line) {
        return m.batch() == 1 || m.batchStride() % line == 0;
    }

    /** Whether [p, p + n) and [q, q + k), each repeated with the given period, meet. */
    private static boolean cyclesMeet(long p, long n, long q, long k, long period) {
        return Math.floorMod(q - p, period) < n || Math.floorMod(p - q, period) < k;
    }

    /** Position of the first entry in its memory, in entries. */
    private static long start(Matrix m) {
        return (m.address(0) - m.memory().address()) / m.precision().bytes();
    }

    private static long lines(Matrix m) {
        return m.layout() == Layout.ROW_MAJOR ? m.rows() : m.columns();
    }

    private static long length(Matrix m) {
        return m.layout() == Layout.ROW_MAJOR ? m.columns() : m.rows();
    }
}
