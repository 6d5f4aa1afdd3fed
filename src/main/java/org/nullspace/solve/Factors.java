package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;

/**
 * X (n×d) in factorized form. Operands lie in the session's place and have the precision {@link #precision()}. Not synchronised; the
 * memory belongs to the scope that the factorization was made in.
 */
public abstract class Factors {
    final Session session;
    final MemoryScope scope;
    final Matrix x;
    private @Nullable CompleteBasis completeBasis;

    Factors(Session session, MemoryScope scope, Matrix x) {
        this.session = session;
        this.scope = scope;
        this.x = x;
    }

    /**
     * How X was factorized.
     *
     * @return the method
     */
    public abstract Method method();

    /**
     * Precision of the factors and of vectors that are handed in.
     *
     * @return the precision
     */
    public abstract Precision precision();

    /**
     * Rank of X.
     *
     * @return r
     */
    public abstract int rank();

    /**
     * All min(n,d) singular values in descending order, on the host; computed on the first call where the method did not need them.
     *
     * @return the values; not to be changed
     */
    public abstract double[] singularValues();

    /**
     * W ← X⁺Y.
     *
     * @param y read, n×k
     * @param w written, d×k
     * @return what it took
     */
    public abstract Solving solve(Matrix y, Matrix w);

    /**
     * What solving took.
     *
     * @param corrections how often W was corrected with residuals computed from X
     * @param finite whether all entries of W are known to be finite
     */
    public record Solving(int corrections, boolean finite) {}

    /**
     * W ← V·diag(σ/(σ² + λ))·Uᵀ·Y over the r leading singular triplets.
     *
     * @param lambda λ, at least 0
     * @param y read, n×k
     * @param w written, d×k
     */
    public abstract void ridge(double lambda, Matrix y, Matrix w);

    /**
     * The singular triplets above the cut-off; made on the first call where the method did not need them.
     *
     * @return the triplets, the same on every call
     */
    public abstract Triplets triplets();

    /**
     * XXᵀ reduced to tridiagonal form on its range, or to the singular values where they are known.
     *
     * @return Q and T
     */
    public TridiagonalForm tridiagonal() {
        return TridiagonalForm.of(triplets());
    }

    /**
     * w ← w − VVᵀw, with V an orthonormal basis of the row space: one step of the projection on the null space.
     *
     * @param w overwritten, d×k
     * @return whether w is known to be orthogonal to the row space to rounding; only where that is found out for much less than another step
     */
    abstract boolean subtractRowPart(Matrix w);

    /**
     * How often {@link #subtractRowPart} must be applied until the result is orthogonal to the row space to rounding. Twice is enough for
     * any V that is orthonormal to rounding: Giraud, Langou, Rozložník and van den Eshof, Numer. Math. 101 (2005).
     *
     * @return number of steps, at least 2
     */
    abstract int projectionSteps();

    /** An orthonormal basis of the whole space that starts with the row space. */
    abstract CompleteBasis makeCompleteBasis();

    /**
     * w ← Pw, P the orthogonal projector on the null space.
     *
     * @param w overwritten, d×k
     */
    public final void projectOnNullSpace(Matrix w) {
        if (rank() == x.columns()) {
            session.fill(w, 0);
            return;
        }
        if (rank() == 0) {
            return;
        }
        boolean orthogonal = false;
        for (int step = 0; step < projectionSteps() && !orthogonal; step++) {
            orthogonal = subtractRowPart(w);
        }
    }

    /**
     * The basis in which coordinates are given; made on the first call, d·r further entries at most.
     *
     * @return the basis, the same on every call
     */
    public final CompleteBasis completeBasis() {
        CompleteBasis basis = completeBasis;
        if (basis == null) {
            basis = rank() == 0 ? CompleteBasis.identity(session, precision(), x.columns()) : makeCompleteBasis();
            completeBasis = basis;
        }
        return basis;
    }

    /**
     * New column-major vectors in the precision of the factors.
     *
     * @param owner owner of the memory
     * @param rows length
     * @param count how many
     * @return rows×count, undefined content
     */
    public final Matrix vectors(MemoryScope owner, long rows, long count) {
        return session.allocate(owner, precision(), 1, rows, count, Layout.COLUMN_MAJOR);
    }

    /** Host numbers as a column on the device. */
    final Matrix column(MemoryScope owner, double[] values) {
        Matrix host = Matrix.zeros(owner, precision(), 1, values.length, 1, Layout.COLUMN_MAJOR);
        for (int i = 0; i < values.length; i++) {
            host.set(0, i, 0, values[i]);
        }
        Matrix device = vectors(owner, values.length, 1);
        session.copy(host, device);
        return device;
    }

    /** A single matrix: {@link Session#cholesky}, and its status word. */
    static int cholesky(Session session, Matrix a) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Status status = session.status(scratch, 1);
            session.cholesky(a, status);
            return session.read(status)[0];
        }
    }

    /** A column or row of numbers on the host. */
    static double[] toHost(Session session, Matrix vector) {
        Matrix host = session.toHost(vector);
        double[] out = new double[Math.toIntExact(host.rows() * host.columns())];
        boolean column = host.columns() == 1;
        for (int i = 0; i < out.length; i++) {
            out[i] = column ? host.get(0, i, 0) : host.get(0, 0, i);
        }
        return out;
    }
}
