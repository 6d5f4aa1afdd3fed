package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;

/**
 * Float64 routines of BLAS and LAPACK on column-major operands at raw addresses, for one thread: its pointers are made once, so that no call
 * allocates. Whoever calls keeps the memory reachable. Names and arguments are those of the reference implementation.
 */
final class Blas64 {
    private final At pa = new At();
    private final At pb = new At();
    private final At pc = new At();
    private final At pd = new At();
    private final At pe = new At();
    private final FloatsAt floats = new FloatsAt();
    private final IntsAt ints = new IntsAt();

    void gemm(
            int transA,
            int transB,
            int m,
            int n,
            int k,
            double alpha,
            long a,
            int lda,
            long b,
            int ldb,
            double beta,
            long c,
            int ldc) {
        openblas.cblas_dgemm(
                Kernels.COLUMN_MAJOR,
                transA,
                transB,
                m,
                n,
                k,
                alpha,
                pa.to(a),
                lda,
                pb.to(b),
                ldb,
                beta,
                pc.to(c),
                ldc);
    }

    void gemv(int trans, int m, int n, double alpha, long a, int lda, long x, double beta, long y) {
        openblas.cblas_dgemv(Kernels.COLUMN_MAJOR, trans, m, n, alpha, pa.to(a), lda, pb.to(x), 1, beta, pc.to(y), 1);
    }

    /** Lower triangle of C ← AAᵀ or AᵀA. */
    void syrk(int trans, int n, int k, long a, int lda, long c, int ldc) {
        openblas.cblas_dsyrk(Kernels.COLUMN_MAJOR, Kernels.LOWER, trans, n, k, 1, pa.to(a), lda, 0, pc.to(c), ldc);
    }

    /** B ← T⁻¹B or T⁻ᵀB for the triangle {@link Kernels#LOWER} or {@link Kernels#UPPER} of T. */
    void solve(int uplo, int trans, int n, int k, long t, int ldt, long b, int ldb) {
        if (k == 1) {
            openblas.cblas_dtrsv(Kernels.COLUMN_MAJOR, uplo, trans, Kernels.NON_UNIT, n, pa.to(t), ldt, pb.to(b), 1);
        } else {
            openblas.cblas_dtrsm(
                    Kernels.COLUMN_MAJOR,
                    Kernels.LEFT,
                    uplo,
                    trans,
                    Kernels.NON_UNIT,
                    n,
                    k,
                    1,
                    pa.to(t),
                    ldt,
                    pb.to(b),
                    ldb);
        }
    }

    int potrf(int n, long a, int lda) {
        return openblas.LAPACKE_dpotrf_work(Kernels.COLUMN_MAJOR, (byte) 'L', n, pa.to(a), lda);
    }

    int trtri(char uplo, int n, long a, int lda) {
        return openblas.LAPACKE_dtrtri_work(Kernels.COLUMN_MAJOR, (byte) uplo, (byte) 'N', n, pa.to(a), lda);
    }

    double dot(int n, long x, long y) {
        return openblas.cblas_ddot(n, pa.to(x), 1, pb.to(y), 1);
    }

    void copy(int n, long x, int incX, long y, int incY) {
        openblas.cblas_dcopy(n, pa.to(x), incX, pb.to(y), incY);
    }

    void scale(int n, double alpha, long x, int incX) {
        openblas.cblas_dscal(n, alpha, pa.to(x), incX);
    }

    void add(int n, double alpha, long x, long y) {
        openblas.cblas_daxpy(n, alpha, pa.to(x), 1, pb.to(y), 1);
    }

    /** A ← value, in all of a matrix. */
    void fill(int m, int n, double value, long a, int lda) {
        openblas.LAPACKE_dlaset_work(Kernels.COLUMN_MAJOR, (byte) 'A', m, n, value, value, pa.to(a), lda);
    }

    /** Upper triangle of B ← that of A. */
    void copyUpper(int n, long a, int lda, long b, int ldb) {
        openblas.LAPACKE_dlacpy_work(Kernels.COLUMN_MAJOR, (byte) 'U', n, n, pa.to(a), lda, pb.to(b), ldb);
    }

    /** Largest magnitude; NaN if there is a NaN. */
    double largest(int m, int n, long a, int lda) {
        return openblas.LAPACKE_dlange_work(Kernels.COLUMN_MAJOR, (byte) 'M', m, n, pa.to(a), lda, pb.to(a));
    }

    /** A ← S, from float32. */
    void widen(int m, int n, long s, int lds, long a, int lda) {
        openblas.LAPACKE_slag2d_work(Kernels.COLUMN_MAJOR, m, n, floats.to(s), lds, pa.to(a), lda);
    }

    /** S ← A, to float32; not 0 if an entry is too large, and then S is undefined. */
    int narrow(int m, int n, long a, int lda, long s, int lds) {
        return openblas.LAPACKE_dlag2s_work(Kernels.COLUMN_MAJOR, m, n, pa.to(a), lda, floats.to(s), lds);
    }

    int geqrt3(int m, int n, long a, int lda, long t, int ldt) {
        return openblas.LAPACKE_dgeqrt3_work(Kernels.COLUMN_MAJOR, m, n, pa.to(a), lda, pb.to(t), ldt);
    }

    /** C ← HC or HᵀC with the block reflector of k columns V. */
    int larfb(char trans, int m, int n, int k, long v, int ldv, long t, int ldt, long c, int ldc, long work) {
        return openblas.LAPACKE_dlarfb_work(
                Kernels.COLUMN_MAJOR,
                (byte) 'L',
                (byte) trans,
                (byte) 'F',
                (byte) 'C',
                m,
                n,
                k,
                pa.to(v),
                ldv,
                pb.to(t),
                ldt,
                pc.to(c),
                ldc,
                pd.to(work),
                n);
    }

    /** Singular value decomposition of a square matrix of order n without gaps. */
    int gesdd(char job, int n, long a, long s, long u, long vt, long work, int lwork, long iwork) {
        return openblas.LAPACKE_dgesdd_work(
                Kernels.COLUMN_MAJOR,
                (byte) job,
                n,
                n,
                pa.to(a),
                n,
                pb.to(s),
                pc.to(u),
                n,
                pd.to(vt),
                n,
                pe.to(work),
                lwork,
                ints.to(iwork));
    }

    private static final class At extends DoublePointer {
        private At() {
            super((Pointer) null);
        }

        private At to(long to) {
            address = to;
            return this;
        }
    }

    private static final class FloatsAt extends FloatPointer {
        private FloatsAt() {
            super((Pointer) null);
        }

        private FloatsAt to(long to) {
            address = to;
            return this;
        }
    }

    private static final class IntsAt extends IntPointer {
        private IntsAt() {
            super((Pointer) null);
        }

        private IntsAt to(long to) {
            address = to;
            return this;
        }
    }
}
