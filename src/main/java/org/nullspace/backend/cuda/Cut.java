package org.nullspace.backend.cuda;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * A matrix cut into parts of bounded size, a grid of equal parts but for the last ones.
 *
 * @param height rows of a part
 * @param width columns of a part
 * @param entryBytes bytes of an entry
 */
record Cut(long height, long width, int entryBytes) {
    /** Entries along a line that are worth a copy of their own. */
    private static final long LINE = 2048;

    /**
     * Parts of any shape: whole lines if they fit, otherwise long pieces of several lines.
     *
     * @param a not empty
     * @param bytes size of a part at most, in the precision of the matrix
     */
    static Cut of(Matrix a, long bytes) {
        boolean rows = a.layout() == Layout.ROW_MAJOR;
        long length = rows ? a.columns() : a.rows();
        long count = rows ? a.rows() : a.columns();
        int entry = a.precision().bytes();
        long entries = Math.max(1, bytes / entry);
        long along = Math.min(length, Math.max(Math.min(LINE, entries), entries / count));
        long across = Math.max(1, Math.min(count, entries / along));
        return new Cut(rows ? across : along, rows ? along : across, entry);
    }

    /** Parts that are all rows of some columns; one column at least. */
    static Cut acrossColumns(Matrix a, long bytes) {
        int entry = a.precision().bytes();
        long width = Math.max(1, Math.min(a.columns(), bytes / (a.rows() * entry)));
        return new Cut(a.rows(), width, entry);
    }

    long entries() {
        return height * width;
    }

    long bytes() {
        return entries() * entryBytes;
    }

    /** Number of parts of a matrix. */
    long parts(Matrix a) {
        return ((a.rows() + height - 1) / height) * ((a.columns() + width - 1) / width);
    }

    /** A range of rows or columns. */
    record Range(long from, long to) {
        /** The rows of a matrix in this range. */
        Matrix of(Matrix m) {
            return m.rows(from, to);
        }
    }

    /** What is done with a part. */
    interface Visit {
        void part(Range rows, Range columns);
    }

    /** Visits all parts, each range of rows from left to right. */
    void visit(Matrix a, Visit visit) {
        for (long i = 0; i < a.rows(); i += height) {
            Range rows = new Range(i, Math.min(a.rows(), i + height));
            for (long j = 0; j < a.columns(); j += width) {
                visit.part(rows, new Range(j, Math.min(a.columns(), j + width)));
            }
        }
    }
}
