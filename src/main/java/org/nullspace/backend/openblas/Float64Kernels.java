package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Memory;
import org.nullspace.matrix.Precision;

/** The routines for float64. */
final class Float64Kernels implements Kernels {
    static final Float64Kernels INSTANCE = new Float64Kernels();

    private Float64Kernels() {}

    @Override
    public Precision precision() {
        return Precision.FLOAT64;
    }

    @Override
    public Pointer at(Matrix a, long b) {
        return new Entries(a.memory(), a.address(b));
    }

    @Override
    public Pointer at(HostMemory memory, long index) {
        return new Entries(memory, memory.address() + index * 8);
    }

    @Override
    public void gemm(
            int transA,
            int transB,
            int m,
            int n,
            int k,
            double alpha,
            Pointer a,
            int lda,
            Pointer b,
            int ldb,
            double beta,
            Pointer c,
            int ldc) {
        openblas.cblas_dgemm(COLUMN_MAJOR, transA, transB, m, n, k, alpha, of(a), lda, of(b), ldb, beta, of(c), ldc);
    }

    @Override
    public void gemv(
            int trans,
            int m,
            int n,
            double alpha,
            Pointer a,
            int lda,
            Pointer x,
            int incX,
            double beta,
            Pointer y,
            int incY) {
        openblas.cblas_dgemv(COLUMN_MAJOR, trans, m, n, alpha, of(a), lda, of(x), incX, beta, of(y), incY);
    }

    @Override
    public void syrk(
            int uplo, int trans, int n, int k, double alpha, Pointer a, int lda, double beta, Pointer c, int ldc) {
        openblas.cblas_dsyrk(COLUMN_MAJOR, uplo, trans, n, k, alpha, of(a), lda, beta, of(c), ldc);
    }

    @Override
    public void trsm(
            int side, int uplo, int trans, int m, int n, double alpha, Pointer t, int ldt, Pointer b, int ldb) {
        openblas.cblas_dtrsm(COLUMN_MAJOR, side, uplo, trans, NON_UNIT, m, n, alpha, of(t), ldt, of(b), ldb);
    }

    @Override
    public int potrf(char uplo, int n, Pointer a, int lda) {
        return openblas.LAPACKE_dpotrf_work(COLUMN_MAJOR, (byte) uplo, n, of(a), lda);
    }

    @Override
    public int trtri(char uplo, int n, Pointer a, int lda) {
        return openblas.LAPACKE_dtrtri_work(COLUMN_MAJOR, (byte) uplo, (byte) 'N', n, of(a), lda);
    }

    @Override
    public double dot(int n, Pointer x, int incX, Pointer y, int incY) {
        return openblas.cblas_ddot(n, of(x), incX, of(y), incY);
    }

    @Override
    public void axpy(int n, double alpha, Pointer x, int incX, Pointer y, int incY) {
        openblas.cblas_daxpy(n, alpha, of(x), incX, of(y), incY);
    }

    @Override
    public int geqrt3(int m, int n, Pointer a, int lda, Pointer t, int ldt) {
        return openblas.LAPACKE_dgeqrt3_work(COLUMN_MAJOR, m, n, of(a), lda, of(t), ldt);
    }

    @Override
    public int larft(int n, int k, Pointer v, int ldv, Pointer tau, Pointer t, int ldt) {
        return openblas.LAPACKE_dlarft_work(
                COLUMN_MAJOR, (byte) 'F', (byte) 'C', n, k, of(v), ldv, of(tau), of(t), ldt);
    }

    @Override
    public int larfb(
            char side,
            char trans,
            int m,
            int n,
            int k,
            Pointer v,
            int ldv,
            Pointer t,
            int ldt,
            Pointer c,
            int ldc,
            Pointer work,
            int ldwork) {
        return openblas.LAPACKE_dlarfb_work(
                COLUMN_MAJOR,
                (byte) side,
                (byte) trans,
                (byte) 'F',
                (byte) 'C',
                m,
                n,
                k,
                of(v),
                ldv,
                of(t),
                ldt,
                of(c),
                ldc,
                of(work),
                ldwork);
    }

    @Override
    public int gesdd(
            char job,
            int m,
            int n,
            Pointer a,
            int lda,
            Pointer s,
            Pointer u,
            int ldu,
            Pointer vt,
            int ldvt,
            Pointer work,
            int lwork,
            IntPointer iwork) {
        return openblas.LAPACKE_dgesdd_work(
                COLUMN_MAJOR, (byte) job, m, n, of(a), lda, of(s), of(u), ldu, of(vt), ldvt, of(work), lwork, iwork);
    }

    @Override
    public int gesvd(
            char jobU,
            char jobVt,
            int m,
            int n,
            Pointer a,
            int lda,
            Pointer s,
            Pointer u,
            int ldu,
            Pointer vt,
            int ldvt,
            Pointer work,
            int lwork) {
        return openblas.LAPACKE_dgesvd_work(
                COLUMN_MAJOR,
                (byte) jobU,
                (byte) jobVt,
                m,
                n,
                of(a),
                lda,
                of(s),
                of(u),
                ldu,
                of(vt),
                ldvt,
                of(work),
                lwork);
    }

    @Override
    public int syevd(
            char job,
            char uplo,
            int n,
            Pointer a,
            int lda,
            Pointer w,
            Pointer work,
            int lwork,
            IntPointer iwork,
            int liwork) {
        return openblas.LAPACKE_dsyevd_work(
                COLUMN_MAJOR, (byte) job, (byte) uplo, n, of(a), lda, of(w), of(work), lwork, iwork, liwork);
    }

    @Override
    public int sytrd(char uplo, int n, Pointer a, int lda, Pointer d, Pointer e, Pointer tau, Pointer work, int lwork) {
        return openblas.LAPACKE_dsytrd_work(
                COLUMN_MAJOR, (byte) uplo, n, of(a), lda, of(d), of(e), of(tau), of(work), lwork);
    }

    @Override
    public int orgtr(char uplo, int n, Pointer a, int lda, Pointer tau, Pointer work, int lwork) {
        return openblas.LAPACKE_dorgtr_work(COLUMN_MAJOR, (byte) uplo, n, of(a), lda, of(tau), of(work), lwork);
    }

    private static DoublePointer of(Pointer entries) {
        return (DoublePointer) entries;
    }

    private static final class Entries extends DoublePointer {
        @SuppressWarnings("unused") // keeps the memory reachable as long as native code holds this pointer
        private final Memory memory;

        private Entries(Memory memory, long address) {
            super((Pointer) null);
            this.memory = memory;
            this.address = address;
        }
    }
}
