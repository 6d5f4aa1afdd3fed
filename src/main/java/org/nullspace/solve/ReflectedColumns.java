package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Orthonormal columns Q·[M; 0], where Q (m×m) is a product of l ≤ m Householder reflectors and M (l×p) has orthonormal columns. Takes m·l + l·p
 * entries.
 *
 * @param session where the operands lie
 * @param reflectors what {@link Session#qr} left, column-major, m×l
 * @param tau reflector factors, l×1
 * @param inner M
 */
record ReflectedColumns(Session session, Matrix reflectors, Matrix tau, Matrix inner) implements OrthonormalColumns {
    @Override
    public long rows() {
        return reflectors.rows();
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
        session.applyQ(reflectors, tau, false, w);
    }

    @Override
    public void applyTransposed(Matrix w, Matrix c) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix t = session.allocate(scratch, w.precision(), 1, w.rows(), w.columns(), Layout.COLUMN_MAJOR);
            session.copy(w, t);
            session.applyQ(reflectors, tau, true, t);
            session.multiply(1, inner.transposed(), t.rows(0, inner.rows()), 0, c);
        }
    }

    @Override
    public OrthonormalColumns leading(long count) {
        return new ReflectedColumns(session, reflectors, tau, inner.columns(0, count));
    }
}
