package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;

/**
 * Orthonormal columns stored as a matrix.
 *
 * @param session where the matrix lies
 * @param matrix the columns, m×p
 */
record DenseColumns(Session session, Matrix matrix) implements OrthonormalColumns {
    @Override
    public long rows() {
        return matrix.rows();
    }

    @Override
    public long columns() {
        return matrix.columns();
    }

    @Override
    public void apply(Matrix c, Matrix w) {
        session.multiply(1, matrix, c, 0, w);
    }

    @Override
    public void applyTransposed(Matrix w, Matrix c) {
        session.multiply(1, matrix.transposed(), w, 0, c);
    }

    @Override
    public void writeTo(Matrix target) {
        session.copy(matrix, target);
    }

    @Override
    public OrthonormalColumns leading(long count) {
        return new DenseColumns(session, matrix.columns(0, count));
    }
}
