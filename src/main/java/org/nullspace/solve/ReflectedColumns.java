package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Orthonormal columns Q·[M; 0], where Q (m×m) is a product of Householder reflections and M (l×p) has orthonormal columns. Takes l·p entries
 * beside those of Q.
 *
 * @param session where the operands lie
 * @param q Q
 * @param inner M
 */
record ReflectedColumns(Session session, Reflections q, Matrix inner) implements OrthonormalColumns {
    @Override
    public long rows() {
        return q.rows();
    }

    @Override
    public long columns() {
        return inner.columns();
    }

    @Override
    public void apply(Matrix c, Matrix w) {
        long l = inner.rows();
        session.multiply(1, inner, c, 0, w.rows(0, l));
        session.fill(w.rows(l, w.rows()), 0);
        q.apply(false, w);
    }

    @Override
    public void applyTransposed(Matrix w, Matrix c) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix t = session.allocate(scratch, w.precision(), 1, w.rows(), w.columns(), Layout.COLUMN_MAJOR);
            session.copy(w, t);
            q.apply(true, t);
            session.multiply(1, inner.transposed(), t.rows(0, inner.rows()), 0, c);
        }
    }

    @Override
    public void writeTo(Matrix matrix) {
        try (MemoryScope scratch = MemoryScope.open()) {
            long l = inner.rows();
            Matrix own = session.allocate(scratch, inner.precision(), 1, rows(), columns(), Layout.COLUMN_MAJOR);
            session.copy(inner, own.rows(0, l));
            session.fill(own.rows(l, own.rows()), 0);
            q.apply(false, own);
            session.copy(own, matrix);
        }
    }

    @Override
    public OrthonormalColumns leading(long count) {
        return new ReflectedColumns(session, q, inner.columns(0, count));
    }
}
