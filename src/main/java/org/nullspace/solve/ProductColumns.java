package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Orthonormal columns A·M, where M makes the columns of A orthonormal: to εκ(A)² where M comes from the Gram matrix. A may be X or Xᵀ and lie on the
 * host.
 *
 * @param session where to compute
 * @param a A, m×l
 * @param inner M, l×p
 */
record ProductColumns(Session session, Matrix a, Matrix inner) implements OrthonormalColumns {
    @Override
    public long rows() {
        return a.rows();
    }

    @Override
    public long columns() {
        return inner.columns();
    }

    @Override
    public void apply(Matrix c, Matrix w) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix t = session.allocate(scratch, c.precision(), 1, inner.rows(), c.columns(), Layout.COLUMN_MAJOR);
            session.multiply(1, inner, c, 0, t);
            session.multiply(1, a, t, 0, w);
        }
    }

    @Override
    public void applyTransposed(Matrix w, Matrix c) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix t = session.allocate(scratch, c.precision(), 1, inner.rows(), c.columns(), Layout.COLUMN_MAJOR);
            session.multiply(1, a.transposed(), w, 0, t);
            session.multiply(1, inner.transposed(), t, 0, c);
        }
    }

    @Override
    public void writeTo(Matrix matrix) {
        if (matrix.precision() == inner.precision()) {
            session.multiply(1, a, inner, 0, matrix);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix own = session.allocate(scratch, inner.precision(), 1, rows(), columns(), Layout.COLUMN_MAJOR);
            session.multiply(1, a, inner, 0, own);
            session.copy(own, matrix);
        }
    }

    @Override
    public ProductColumns leading(long count) {
        return new ProductColumns(session, a, inner.columns(0, count));
    }

    /** The columns as a matrix on the host, made in blocks of rows. */
    Matrix onHost(MemoryScope owner) {
        Matrix out = Matrix.uninitialized(owner, inner.precision(), 1, rows(), columns(), Layout.COLUMN_MAJOR);
        if (session.place().isHost()) {
            session.multiply(1, a, inner, 0, out);
            return out;
        }
        double line = Budget.bytes(inner.precision(), 1, columns());
        long height = (long) Math.max(1, Budget.of(session).tileBytes() / line);
        for (long from = 0; from < rows(); from += height) {
            long to = Math.min(rows(), from + height);
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix block =
                        session.allocate(scratch, inner.precision(), 1, to - from, columns(), Layout.COLUMN_MAJOR);
                session.multiply(1, a.rows(from, to), inner, 0, block);
                session.copy(block, out.rows(from, to));
            }
        }
        return out;
    }
}
