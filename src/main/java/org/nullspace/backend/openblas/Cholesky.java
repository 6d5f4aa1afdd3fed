package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.Pointer;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;

/**
 * Cholesky factorization and inversion of triangular matrices by recursion on the order (Gustavson, IBM J. Res. Dev. 41 (1997), 737–755), so
 * that nearly all work is in the products and triangular solves of {@link Products}, which use all threads. Small orders are LAPACK's.
 */
final class Cholesky {
    /** Order up to which LAPACK does the work. */
    private static final int SMALL = 256;

    private final Products products;

    Cholesky(Products products) {
        this.products = products;
    }

    /**
     * Factors the lower triangle of each matrix.
     *
     * @param status written: 0, or the order of the first leading minor that is not positive definite
     */
    void factor(Matrix a, int[] status) {
        for (int p = 0; p < status.length; p++) {
            Matrix one = Products.problem(a, p);
            int failed = a.rows() == 0 ? 0 : factorOne(one);
            int notFinite = firstNonFinite(one, failed == 0 ? a.rows() : failed);
            status[p] = notFinite == 0 ? failed : notFinite;
        }
    }

    private int factorOne(Matrix a) {
        long n = a.rows();
        if (n <= SMALL) {
            Kernels kernels = Kernels.of(a.precision());
            Pointer entries = kernels.at(a, 0);
            return LapackStatus.require("potrf", kernels.potrf(lower(a), (int) n, entries, Products.ld(a)), a);
        }
        long half = half(n);
        Matrix top = a.rows(0, half).columns(0, half);
        Matrix left = a.rows(half, n).columns(0, half);
        Matrix bottom = a.rows(half, n).columns(half, n);
        int failed = factorOne(top);
        if (failed != 0) {
            return failed;
        }
        products.solveTriangular(1, Triangle.LOWER, top, left.transposed());
        products.gram(-1, left, 1, bottom);
        failed = factorOne(bottom);
        return failed == 0 ? 0 : (int) half + failed;
    }

    /**
     * Inverts the lower triangle of each matrix.
     *
     * @param status written: 0, or the index from 1 of the first zero on the diagonal
     */
    void invert(Matrix l, int[] status) {
        for (int p = 0; p < status.length; p++) {
            Matrix one = Products.problem(l, p);
            status[p] = firstZero(one);
            if (status[p] == 0 && l.rows() > 0) {
                invertOne(one);
            }
        }
    }

    /** [A 0; B C]⁻¹ = [A⁻¹ 0; −C⁻¹BA⁻¹ C⁻¹]. */
    private void invertOne(Matrix l) {
        long n = l.rows();
        if (n <= SMALL / 2) {
            Kernels kernels = Kernels.of(l.precision());
            Pointer entries = kernels.at(l, 0);
            LapackStatus.require("trtri", kernels.trtri(lower(l), (int) n, entries, Products.ld(l)), l);
            return;
        }
        long half = half(n);
        Matrix top = l.rows(0, half).columns(0, half);
        Matrix left = l.rows(half, n).columns(0, half);
        Matrix bottom = l.rows(half, n).columns(half, n);
        products.solveTriangular(-1, Triangle.LOWER, bottom, left);
        products.solveTriangular(1, Triangle.UPPER, top.transposed(), left.transposed());
        invertOne(top);
        invertOne(bottom);
    }

    private static long half(long n) {
        return (n / 2 + 15) / 16 * 16;
    }

    private static int firstZero(Matrix a) {
        for (int i = 0; i < a.rows(); i++) {
            if (a.get(0, i, i) == 0) {
                return i + 1;
            }
        }
        return 0;
    }

    /** OpenBLAS's own Cholesky takes the root of NaN in its stride: whatever is not finite has reached the diagonal. */
    private static int firstNonFinite(Matrix a, long rows) {
        for (int i = 0; i < rows; i++) {
            if (!Double.isFinite(a.get(0, i, i))) {
                return i + 1;
            }
        }
        return 0;
    }

    private static char lower(Matrix a) {
        return Products.uplo(Triangle.LOWER, a) == Kernels.LOWER ? 'L' : 'U';
    }
}
