package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * An orthogonal d×d matrix B = [V N] as an operator, V an orthonormal basis of the row space (d×r) and N one of the null space: B =
 * Q·diag(M, I) with Q a product of l Householder reflectors and M orthogonal, l×l. Takes d·l + l² entries.
 */
public final class CompleteBasis {
    private final Session session;
    private final Precision precision;
    private final long dimension;
    private final long rank;
    private final @Nullable Reflections q;
    private final @Nullable Matrix inner;

    private CompleteBasis(
            Session session,
            Precision precision,
            long dimension,
            long rank,
            @Nullable Reflections q,
            @Nullable Matrix inner) {
        this.session = session;
        this.precision = precision;
        this.dimension = dimension;
        this.rank = rank;
        this.q = q;
        this.inner = inner;
    }

    /** B = I: everything is null space. */
    static CompleteBasis identity(Session session, Precision precision, long dimension) {
        return new CompleteBasis(session, precision, dimension, 0, null, null);
    }

    /** B from reflections that are already there; shares their memory. */
    static CompleteBasis of(ReflectedColumns columns, long rank) {
        return new CompleteBasis(
                columns.session(), columns.q().precision(), columns.rows(), rank, columns.q(), columns.inner());
    }

    /**
     * B from any matrix of full column rank whose columns span the row space.
     *
     * @param session where to compute
     * @param scope owner of the reflections
     * @param spanning d×r, on the host or in the session's place; only read
     * @param precision precision of the result
     * @param heldBytes memory of the session's place that is taken otherwise by the same problem
     */
    static CompleteBasis spanning(
            Session session, MemoryScope scope, Matrix spanning, Precision precision, double heldBytes) {
        HouseholderQr qr = HouseholderQr.of(session, scope, spanning, 1, precision, heldBytes);
        return new CompleteBasis(session, precision, spanning.rows(), spanning.columns(), qr.q(), null);
    }

    /**
     * Dimension of the row space.
     *
     * @return r
     */
    public long rank() {
        return rank;
    }

    /**
     * Number format of the operands.
     *
     * @return the precision
     */
    public Precision precision() {
        return precision;
    }

    /**
     * w ← Bᵀw: coordinates, those in the row space first.
     *
     * @param w overwritten, d×k
     */
    public void toCoordinates(Matrix w) {
        if (q != null) {
            q.apply(true, w);
            rotate(w, true);
        }
    }

    /**
     * w ← Bw: the vectors with given coordinates, those in the row space first.
     *
     * @param w overwritten, d×k
     */
    public void fromCoordinates(Matrix w) {
        if (q != null) {
            rotate(w, false);
            q.apply(false, w);
        }
    }

    private void rotate(Matrix w, boolean transposed) {
        if (inner == null) {
            return;
        }
        long l = inner.rows();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix t = session.allocate(scratch, w.precision(), 1, l, w.columns(), Layout.COLUMN_MAJOR);
            session.copy(w.rows(0, l), t);
            session.multiply(1, transposed ? inner.transposed() : inner, t, 0, w.rows(0, l));
        }
    }

    /**
     * Dimension of the space.
     *
     * @return d
     */
    public long dimension() {
        return dimension;
    }
}
