package org.nullspace.backend.cuda;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * A device matrix as kernels see it: lines of neighbouring entries.
 *
 * @param address of the first entry
 * @param count lines of a problem
 * @param length entries of a line
 * @param pitch entries from line to line
 * @param stride entries from problem to problem, 0 if all problems share one matrix
 */
record Lines(long address, long count, long length, long pitch, long stride) {
    /** The matrix's own lines: rows if it is row-major, otherwise columns. */
    static Lines of(Matrix m) {
        boolean rows = m.layout() == Layout.ROW_MAJOR;
        return new Lines(
                m.address(0),
                rows ? m.rows() : m.columns(),
                rows ? m.columns() : m.rows(),
                m.leadingDimension(),
                m.batch() == 1 ? 0 : m.batchStride());
    }

    /** A matrix of one row or one column: lines of one entry each. */
    static Lines ofVector(Matrix m) {
        return new Lines(
                m.address(0), Math.max(m.rows(), m.columns()), 1, increment(m), m.batch() == 1 ? 0 : m.batchStride());
    }

    /** Distance of the entries of a matrix of one row or one column. */
    static long increment(Matrix m) {
        boolean along = m.layout() == Layout.ROW_MAJOR ? m.rows() <= 1 : m.columns() <= 1;
        return along ? 1 : m.leadingDimension();
    }

    /** The same entries in as few lines as possible. */
    Lines merged() {
        return pitch == length && count > 1 ? new Lines(address, 1, count * length, count * length, stride) : this;
    }
}
