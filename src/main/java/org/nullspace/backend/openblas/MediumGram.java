package org.nullspace.backend.openblas;

import java.nio.DoubleBuffer;
import org.nullspace.backend.GramLimits;

/**
 * Solutions of one problem after another from the Cholesky factor of its Gram matrix, LLᵀ = AᵀA, where A (q×p) is the tall one of X and Xᵀ: X is
 * read where it lies if it is float64. Solutions are refined with residuals computed from X: the corrected seminormal equations, Björck, Numerical
 * Methods for Least Squares Problems (1996), §2.4.6 and §6.6.5. Not to be shared by threads.
 */
final class MediumGram {
    /** Singular values must lie between this and its inverse, so that their squares and quotients by squares stay in range. */
    private static final double SMALLEST = 0x1p-300;

    private final Blas64 blas;
    private final boolean wide;
    private final int p;
    private final int q;
    private final int n;
    private final int d;
    private final int k;
    private final double trusted;
    private final long a;
    private final long g;
    private final long inverse;
    private final long y;
    private final long r;
    private final long z;
    private final long w;
    private final DoubleBuffer gram;
    private final int[] exponents;
    private long data;
    private int ld;
    private boolean plain;
    private double longest;
    private double norm;
    private double normOfInverse;

    /**
     * Scratch for one shape.
     *
     * @param arena where it is taken from
     * @param k columns of Y
     * @param copied whether X must be copied to be read, for its precision
     */
    MediumGram(Blas64 blas, Arena arena, int n, int d, int k, boolean copied) {
        this.blas = blas;
        this.n = n;
        this.d = d;
        this.k = k;
        wide = n <= d;
        p = Math.min(n, d);
        q = Math.max(n, d);
        trusted = GramLimits.largestCondition(p, q);
        a = copied ? arena.take((long) p * q) : 0;
        g = arena.take((long) p * p);
        inverse = arena.take((long) p * p);
        y = arena.take((long) n * k);
        r = arena.take((long) n * k);
        z = arena.take((long) p * k);
        w = arena.take((long) d * k);
        gram = arena.view(g, p * p);
        exponents = new int[k];
    }

    /** ‖X‖_F, at least σ₁; NaN where the factor is of no use. */
    double norm() {
        return norm;
    }

    /** ‖L⁻¹‖_F, at least 1/σ_p; NaN where the factor is of no use. */
    double normOfInverse() {
        return normOfInverse;
    }

    /** Where L is: lower triangle, zeros above, no gaps. */
    long factor() {
        return g;
    }

    /** Where the solution is, without gaps, after {@link #solve}. */
    long solution() {
        return w;
    }

    /**
     * Factors a problem.
     *
     * @param x the tall one of X and Xᵀ
     * @return whether the factor exists and can be trusted
     */
    boolean factor(BatchColumns x, long problem) {
        norm = Double.NaN;
        normOfInverse = Double.NaN;
        if (x.isDirect()) {
            data = x.address(problem);
            ld = x.ld();
            plain = x.isPlain();
        } else {
            x.load(blas, problem, a);
            data = a;
            ld = q;
            plain = true;
        }
        blas.syrk(plain ? Kernels.TRANSPOSED : Kernels.PLAIN, p, q, data, ld, g, p);
        double trace = 0;
        double largest = 0;
        for (int i = 0; i < p; i++) {
            double square = gram.get(i * (p + 1));
            trace += square;
            largest = Math.max(largest, square);
        }
        // An entry that is not finite makes the trace so.
        if (!(trace < 1 / (SMALLEST * SMALLEST)) || blas.potrf(p, g, p) != 0) {
            return false;
        }
        blas.copy(p * p, g, 1, inverse, 1);
        if (blas.trtri('L', p, inverse, p) != 0) {
            return false;
        }
        double first = Math.sqrt(trace);
        double second = Math.sqrt(blas.dot(p * p, inverse, inverse));
        if (!(second < 1 / SMALLEST && first * second <= trusted)) {
            return false;
        }
        norm = first;
        normOfInverse = second;
        longest = Math.sqrt(largest);
        return true;
    }

    /**
     * Solves with the factor that was found last.
     *
     * @return whether the solution is finite
     */
    boolean solve(BatchColumns targets, long problem) {
        targets.load(blas, problem, y);
        if (!ColumnUnits.scale(blas, n, k, y, exponents)) {
            return false;
        }
        refine();
        return ColumnUnits.restore(blas, d, k, w, exponents, 0);
    }

    private void refine() {
        int passes = GramLimits.contractions(GramLimits.contraction(norm * normOfInverse, p, q));
        blas.copy(n * k, y, 1, r, 1);
        for (int pass = 0; pass < passes; pass++) {
            if (pass > 0) {
                blas.copy(n * k, y, 1, r, 1);
                multiply(!wide, -1, w, 1, r);
                if (wide && isExact()) {
                    return;
                }
            }
            if (wide) {
                solveGram(r);
                multiply(true, 1, r, pass == 0 ? 0 : 1, w);
            } else if (pass == 0) {
                multiply(false, 1, r, 0, w);
                solveGram(w);
            } else {
                multiply(false, 1, r, 0, z);
                solveGram(z);
                blas.add(d * k, 1, z, w);
            }
        }
    }

    /** Whether the residuals are rounding errors: W, which lies in the row space, solves XW = Y then. */
    private boolean isExact() {
        for (int t = 0; t < k; t++) {
            if (!(length(n, r, t) <= GramLimits.roundingLevel(p, longest, length(d, w, t), length(n, y, t)))) {
                return false;
            }
        }
        return true;
    }

    private double length(int rows, long matrix, int column) {
        long at = matrix + (long) column * rows * Double.BYTES;
        return Math.sqrt(blas.dot(rows, at, at));
    }

    private void solveGram(long b) {
        blas.solve(Kernels.LOWER, Kernels.PLAIN, p, k, g, p, b, p);
        blas.solve(Kernels.LOWER, Kernels.TRANSPOSED, p, k, g, p, b, p);
    }

    /** C ← αAB + βC, or with Aᵀ. */
    private void multiply(boolean byA, double alpha, long b, double beta, long c) {
        int trans = byA == plain ? Kernels.PLAIN : Kernels.TRANSPOSED;
        int rows = byA ? q : p;
        int inner = byA ? p : q;
        if (k == 1) {
            blas.gemv(trans, plain ? q : p, plain ? p : q, alpha, data, ld, b, beta, c);
        } else {
            blas.gemm(trans, Kernels.PLAIN, rows, k, inner, alpha, data, ld, b, inner, beta, c, rows);
        }
    }
}
