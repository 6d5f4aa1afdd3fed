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
    private final @Nullable Matrix reflectors;
    private final @Nullable Matrix tau;
    private final @Nullable Matrix inner;

    private CompleteBasis(
            Session session,
            Precision precision,
            long dimension,
            long rank,
            @Nullable Matrix reflectors,
            @Nullable Matrix tau,
            @Nullable Matrix inner) {
        this.session = session;
        this.precision = precision;
        this.dimension = dimension;
        this.rank = rank;
        this.reflectors = reflectors;
        this.tau = tau;
        this.inner = inner;
    }

    /** B = I: everything is null space. */
    static CompleteBasis identity(Session session, Precision precision, long dimension) {
        return new CompleteBasis(session, precision, dimension, 0, null, null, null);
    }

    /** B from reflectors that are already there; shares their memory. */
    static CompleteBasis of(ReflectedColumns columns, Matrix fullInner, long rank) {
        return new CompleteBasis(
                columns.session(),
                columns.reflectors().precision(),
                columns.rows(),
                rank,
                columns.reflectors(),
                columns.tau(),
                fullInner);
    }

    /**
     * B from any matrix of full column rank whose columns span the row space.
     *
     * @param session where to compute
     * @param scope owner of the reflectors
     * @param spanning d×r; only read
     * @param precision precision of the result
     */
    static CompleteBasis spanning(Session session, MemoryScope scope, Matrix spanning, Precision precision) {
        long d = spanning.rows();
        long r = spanning.columns();
        Matrix a = session.allocate(scope, precision, 1, d, r, Layout.COLUMN_MAJOR);
        Matrix tau = session.allocate(scope, precision, 1, r, 1, Layout.COLUMN_MAJOR);
        session.copy(spanning, a);
        session.qr(a, tau);
        return new CompleteBasis(session, precision, d, r, a, tau, null);
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
        if (reflectors != null && tau != null) {
            session.applyQ(reflectors, tau, true, w);
            rotate(w, true);
        }
    }

    /**
     * w ← Bw: the vectors with given coordinates, those in the row space first.
     *
     * @param w overwritten, d×k
     */
    public void fromCoordinates(Matrix w) {
        if (reflectors != null && tau != null) {
            rotate(w, false);
            session.applyQ(reflectors, tau, false, w);
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
