package org.nullspace.backend.openblas;

import java.nio.DoubleBuffer;
import org.nullspace.backend.BatchSolver.Transform;

/**
 * What follows from a QR factorization of one problem after another: A = QR for the tall one A (q×p) of X and Xᵀ. Solutions and bounds come from
 * R, and singular values and vectors from R = U·diag(s)·Vᵀ by LAPACK's divide and conquer; only what is asked for is found. X is scaled by a
 * power of two where its entries are of extreme size. Not to be shared by threads.
 */
final class MediumQr {
    private final Blas64 blas;
    private final boolean wide;
    private final int p;
    private final int q;
    private final int d;
    private final int n;
    private final int k;
    private final BlockReflections qr;
    private final BlockReflections inner;
    private final long r;
    private final long s;
    private final long u;
    private final long vt;
    private final long work;
    private final int lwork;
    private final long iwork;
    private final long y;
    private final long columns;
    private final long coefficients;
    private final DoubleBuffer values;
    private final int[] exponents;
    private boolean finite;
    private double norm;
    private double normOfInverse;
    private int exponent;
    private State state = State.NOTHING;
    private int innerRank;

    /** How much of the decomposition is there. */
    private enum State {
        NOTHING,
        QR,
        FAILED,
        VECTORS
    }

    /**
     * Scratch for one shape.
     *
     * @param arena where it is taken from
     * @param k columns of Y, or vectors that are transformed
     */
    MediumQr(Blas64 blas, Arena arena, int n, int d, int k) {
        this.blas = blas;
        this.n = n;
        this.d = d;
        this.k = k;
        wide = n <= d;
        p = Math.min(n, d);
        q = Math.max(n, d);
        qr = new BlockReflections(blas, arena, q, p, k);
        inner = new BlockReflections(blas, arena, p, p, k);
        r = arena.take((long) p * p);
        s = arena.take(p);
        u = arena.take((long) p * p);
        vt = arena.take((long) p * p);
        // What dgesdd needs for vectors of a square matrix, and what lets its reductions work in blocks.
        lwork = 3 * p + Math.max(3 * p * p + 4 * p, 128 * p + 4160);
        work = arena.take(lwork);
        iwork = arena.take(Arena.ints(8L * p));
        y = arena.take((long) n * k);
        columns = arena.take((long) q * k);
        coefficients = arena.take((long) p * k);
        values = arena.view(s, p);
        exponents = new int[k];
    }

    // ---- decompositions

    /**
     * Factors a problem.
     *
     * @param x the tall one of X and Xᵀ
     */
    void factor(BatchColumns x, long problem) {
        state = State.NOTHING;
        innerRank = 0;
        x.load(blas, problem, qr.matrix());
        double largest = blas.largest(q, p, qr.matrix(), q);
        finite = largest < Double.POSITIVE_INFINITY;
        if (finite) {
            exponent = ColumnUnits.exponent(largest);
            ColumnUnits.multiply(blas, q * p, qr.matrix(), exponent);
        }
    }

    private void factorQr() {
        if (state == State.NOTHING) {
            qr.factor(p);
            state = State.QR;
        }
    }

    private int decompose(char job) {
        factorQr();
        blas.fill(p, p, 0, r, p);
        blas.copyUpper(p, qr.matrix(), q, r, p);
        return blas.gesdd(job, p, r, s, u, vt, work, lwork, iwork);
    }

    private boolean findVectors() {
        if (state != State.VECTORS && state != State.FAILED) {
            state = decompose('S') == 0 ? State.VECTORS : State.FAILED;
        }
        return state == State.VECTORS;
    }

    /**
     * Singular values of the problem that was factored last.
     *
     * @return where they are: in descending order, NaN if there are none
     */
    long singularValues() {
        boolean found =
                finite && decompose('N') == 0 && Math.scalb(values.get(0), -exponent) < Double.POSITIVE_INFINITY;
        for (int i = 0; i < p; i++) {
            values.put(i, found ? Math.scalb(values.get(i), -exponent) : Double.NaN);
        }
        return s;
    }

    /**
     * Singular values of the lower triangular L, which are near those of X where its condition number is small.
     *
     * @param l of order p, zeros above, no gaps
     * @param condition largest quotient of the first and the last
     * @return where they are, or 0 where the condition number is larger
     */
    long singularValuesOf(long l, double condition) {
        blas.copy(p * p, l, 1, r, 1);
        boolean found = blas.gesdd('N', p, r, s, u, vt, work, lwork, iwork) == 0;
        return found && values.get(p - 1) * condition >= values.get(0) ? s : 0;
    }

    // ---- solutions of full rank

    /** ‖X‖_F, at least σ₁; NaN where R is of no use. */
    double norm() {
        return norm;
    }

    /** ‖R⁻¹‖_F, at least 1/σ_p; NaN where R is of no use. */
    double normOfInverse() {
        return normOfInverse;
    }

    /**
     * Finds the bounds of the problem that was factored last.
     *
     * @return whether X is finite and R can be inverted
     */
    boolean measure() {
        norm = Double.NaN;
        normOfInverse = Double.NaN;
        if (!finite) {
            return false;
        }
        double squares = blas.dot(q * p, qr.matrix(), qr.matrix());
        factorQr();
        blas.fill(p, p, 0, r, p);
        blas.copyUpper(p, qr.matrix(), q, r, p);
        if (blas.trtri('U', p, r, p) != 0) {
            return false;
        }
        double inverse = Math.scalb(Math.sqrt(blas.dot(p * p, r, r)), exponent);
        if (!(inverse < Double.POSITIVE_INFINITY)) {
            return false;
        }
        norm = Math.scalb(Math.sqrt(squares), -exponent);
        normOfInverse = inverse;
        return true;
    }

    /**
     * Solves with R, after {@link #measure()}.
     *
     * @return whether there is a finite solution
     */
    boolean solve(BatchColumns targets, long problem) {
        targets.load(blas, problem, y);
        if (!ColumnUnits.scale(blas, n, k, y, exponents)) {
            return false;
        }
        blas.fill(q, k, 0, columns, q);
        if (wide) {
            blas.solve(Kernels.UPPER, Kernels.TRANSPOSED, p, k, qr.matrix(), q, y, p);
            copyRows(y, p);
            qr.apply(false, columns, q, k);
        } else {
            qr.apply(true, y, q, k);
            copyRows(y, q);
            blas.solve(Kernels.UPPER, Kernels.PLAIN, p, k, qr.matrix(), q, columns, q);
        }
        return restore(exponent, wide ? q : p);
    }

    private void copyRows(long source, int ld) {
        for (int t = 0; t < k; t++) {
            blas.copy(p, source + (long) t * ld * Double.BYTES, 1, columns + (long) t * q * Double.BYTES, 1);
        }
    }

    // ---- solutions from triplets

    /** Where the result is, with {@link #height()} rows. */
    long result() {
        return columns;
    }

    /** Distance of the columns of the result. */
    int height() {
        return q;
    }

    /**
     * Solves from the leading triplets of the problem that was factored last.
     *
     * @param rank their number
     * @param lambda λ
     * @return whether there is a finite solution
     */
    boolean solve(BatchColumns targets, long problem, int rank, double lambda) {
        if (!finite) {
            return false;
        }
        targets.load(blas, problem, y);
        if (!ColumnUnits.scale(blas, n, k, y, exponents)) {
            return false;
        }
        blas.fill(q, k, 0, columns, q);
        if (rank == 0) {
            return true;
        }
        if (!findVectors()) {
            return false;
        }
        int more = exponent;
        if (wide) {
            blas.gemm(Kernels.PLAIN, Kernels.PLAIN, rank, k, p, 1, vt, p, y, p, 0, coefficients, p);
            more += weigh(rank, lambda);
            blas.gemm(Kernels.PLAIN, Kernels.PLAIN, p, k, rank, 1, u, p, coefficients, p, 0, columns, q);
            qr.apply(false, columns, q, k);
        } else {
            qr.apply(true, y, q, k);
            blas.gemm(Kernels.TRANSPOSED, Kernels.PLAIN, rank, k, p, 1, u, p, y, q, 0, coefficients, p);
            more += weigh(rank, lambda);
            blas.gemm(Kernels.TRANSPOSED, Kernels.PLAIN, p, k, rank, 1, vt, p, coefficients, p, 0, columns, q);
        }
        return restore(more, wide ? q : p);
    }

    private boolean restore(int more, int rows) {
        boolean sound = true;
        for (int t = 0; t < k; t++) {
            long at = columns + (long) t * q * Double.BYTES;
            ColumnUnits.multiply(blas, rows, at, more - exponents[t]);
            sound &= blas.largest(rows, 1, at, q) < Double.POSITIVE_INFINITY;
        }
        return sound;
    }

    /**
     * Multiplies coefficients by s/(s² + λ), up to a power of two.
     *
     * @return exponent of that power
     */
    private int weigh(int rank, double lambda) {
        double scaled = Math.scalb(lambda, 2 * exponent);
        // Where s² is nothing beside λ, the quotient is s/λ.
        boolean negligible = scaled > Double.MAX_VALUE;
        int unit = negligible ? Math.getExponent(lambda) : 0;
        double divisor = Math.scalb(lambda, -unit);
        double root = lambda == 0 ? 0 : Math.sqrt(Math.max(scaled, Double.MIN_NORMAL));
        for (int i = 0; i < rank; i++) {
            double value = values.get(i);
            double factor = negligible ? value / divisor : 1 / (value + (root == 0 ? 0 : root * (root / value)));
            blas.scale(k, factor, coefficients + (long) i * Double.BYTES, p);
        }
        return negligible ? -2 * exponent - unit : 0;
    }

    /** Makes the result NaN. */
    void spoil() {
        blas.fill(q, k, Double.NaN, columns, q);
    }

    // ---- the basis

    /**
     * Transforms vectors in the basis of the problem that was factored last.
     *
     * @param vectors C
     * @param rank r
     * @return whether there is a basis
     */
    boolean transform(Transform transform, BatchColumns vectors, long problem, int rank) {
        if (!finite || rank < 0) {
            return false;
        }
        if (wide) {
            factorQr();
        }
        int reflections = rank < p ? rank : 0;
        if (reflections > 0 && reflections != innerRank) {
            if (!findVectors()) {
                return false;
            }
            for (int j = 0; j < rank; j++) {
                long source = wide ? u + (long) j * p * Double.BYTES : vt + (long) j * Double.BYTES;
                blas.copy(p, source, wide ? 1 : p, inner.matrix() + (long) j * p * Double.BYTES, 1);
            }
            inner.factor(rank);
            innerRank = reflections;
        }
        vectors.load(blas, problem, columns);
        for (int t = 0; t < k; t++) {
            transform(transform, columns + (long) t * d * Double.BYTES, rank, reflections > 0);
        }
        return true;
    }

    private void transform(Transform transform, long column, int rank, boolean reflected) {
        double largest = blas.largest(d, 1, column, d);
        if (!(largest < Double.POSITIVE_INFINITY)) {
            blas.fill(d, 1, Double.NaN, column, d);
            return;
        }
        int unit = ColumnUnits.exponent(largest);
        ColumnUnits.multiply(blas, d, column, unit);
        if (transform != Transform.FROM_COORDINATES) {
            apply(true, column, reflected);
        }
        if (transform == Transform.PROJECT_ON_NULL_SPACE) {
            blas.fill(rank, 1, 0, column, d);
        }
        if (transform != Transform.TO_COORDINATES) {
            apply(false, column, reflected);
        }
        ColumnUnits.multiply(blas, d, column, -unit);
    }

    private void apply(boolean transposed, long column, boolean reflected) {
        if (transposed && wide) {
            qr.apply(true, column, d, 1);
        }
        if (reflected) {
            inner.apply(transposed, column, d, 1);
        }
        if (!transposed && wide) {
            qr.apply(false, column, d, 1);
        }
    }
}
