package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * The BLAS and LAPACK routines of one precision, on column-major operands, with the arguments of the reference implementation. Pointers
 * are those of {@link #at}. Routines with workspace return the optimal size in the first entry of {@code work} when {@code lwork} is −1.
 */
interface Kernels {
    /** LAPACK's and CBLAS's column-major order. */
    int COLUMN_MAJOR = 102;

    /** CBLAS: no transposition. */
    int PLAIN = 111;

    /** CBLAS: transposition. */
    int TRANSPOSED = 112;

    /** CBLAS: upper triangle. */
    int UPPER = 121;

    /** CBLAS: lower triangle. */
    int LOWER = 122;

    /** CBLAS: diagonal entries are read. */
    int NON_UNIT = 131;

    /** CBLAS: triangular operand on the left. */
    int LEFT = 141;

    /** CBLAS: triangular operand on the right. */
    int RIGHT = 142;

    /**
     * The routines of a precision.
     *
     * @param precision number format
     * @return its routines
     */
    static Kernels of(Precision precision) {
        return precision == Precision.FLOAT64 ? Float64Kernels.INSTANCE : Float32Kernels.INSTANCE;
    }

    /** Number format of the operands. */
    Precision precision();

    /** Pointer to entry (b, 0, 0), which keeps the memory reachable. */
    Pointer at(Matrix a, long b);

    /** Pointer to an entry of a memory, which keeps it reachable. */
    Pointer at(HostMemory memory, long index);

    /** Pointer to an int of a memory, which keeps it reachable. */
    static IntPointer ints(HostMemory memory) {
        return new Ints(memory);
    }

    void gemm(
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
            int ldc);

    void gemv(
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
            int incY);

    void syrk(int uplo, int trans, int n, int k, double alpha, Pointer a, int lda, double beta, Pointer c, int ldc);

    void trsm(int side, int uplo, int trans, int m, int n, double alpha, Pointer t, int ldt, Pointer b, int ldb);

    int potrf(char uplo, int n, Pointer a, int lda);

    int trtri(char uplo, int n, Pointer a, int lda);

    double dot(int n, Pointer x, int incX, Pointer y, int incY);

    void axpy(int n, double alpha, Pointer x, int incX, Pointer y, int incY);

    /** QR factorization of a panel with m ≥ n, recursive; leaves the triangular factor T of its block reflector. */
    int geqrt3(int m, int n, Pointer a, int lda, Pointer t, int ldt);

    /** Triangular factor T of k forward, columnwise reflectors of length n. */
    int larft(int n, int k, Pointer v, int ldv, Pointer tau, Pointer t, int ldt);

    /** Applies a forward, columnwise block reflector or its transpose; {@code work} has k columns. */
    int larfb(
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
            int ldwork);

    int gesdd(
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
            IntPointer iwork);

    int gesvd(
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
            int lwork);

    int syevd(
            char job,
            char uplo,
            int n,
            Pointer a,
            int lda,
            Pointer w,
            Pointer work,
            int lwork,
            IntPointer iwork,
            int liwork);

    int sytrd(char uplo, int n, Pointer a, int lda, Pointer d, Pointer e, Pointer tau, Pointer work, int lwork);

    int orgtr(char uplo, int n, Pointer a, int lda, Pointer tau, Pointer work, int lwork);

    /** Integers in host memory. */
    final class Ints extends IntPointer {
        @SuppressWarnings("unused") // keeps the memory reachable as long as native code holds this pointer
        private final HostMemory memory;

        private Ints(HostMemory memory) {
            super((Pointer) null);
            this.memory = memory;
            this.address = memory.address();
        }
    }
}
