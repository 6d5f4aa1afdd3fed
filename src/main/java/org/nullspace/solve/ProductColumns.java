package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Orthonormal columns A·M, where A is X or Xᵀ and M makes them orthonormal: to εκ² where M comes from the Gram matrix. A may lie on the host.
 * Takes no memory beside that of M.
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
    public OrthonormalColumns leading(long count) {
        return new ProductColumns(session, a, inner.columns(0, count));
    }
}
