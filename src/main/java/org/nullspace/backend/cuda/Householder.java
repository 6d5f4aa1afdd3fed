package org.nullspace.backend.cuda;

import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasSideMode;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import org.nullspace.error.BackendException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Householder QR factorizations (cuSOLVER geqrf, cuBLAS geqrfBatched for batches of small matrices) and the application of their orthogonal
 * factors (cuSOLVER ormqr, one problem after the other: there is no batched routine).
 */
final class Householder {
    /**
     * Entries of a matrix, at most, that is factorized together with the others of its batch: 512 KiB in float64, so that all multiprocessors
     * of a large device keep theirs in its second-level cache. A larger one gives a call of its own enough to do. Not measured yet. The size
     * of the batch has no say, so that a problem is computed in the same way in any company.
     */
    private static final long TOGETHER = 1 << 16;

    private final CudaQueue queue;
    private final WorkSizes sizes;

    Householder(CudaQueue queue) {
        this.queue = queue;
        this.sizes = queue.workSizes();
    }

    private static Pointer at(Matrix m) {
        return Addresses.pointer(m.address(0));
    }

    private static Matrix problem(Matrix m, long b) {
        return m.batch() == 1 ? m : m.problem(b);
    }

    /** cuSOLVER's QR routines count the entries of an operand in 32 bits. */
    private static void requireCountable(String operation, String name, Matrix m) {
        long lines = m.layout() == Layout.ROW_MAJOR ? m.rows() : m.columns();
        if (lines > 0 && Cublas.ld(m) > Integer.MAX_VALUE / lines) {
            throw new InvalidInputException(operation + ": " + name + " is a " + m
                    + " and takes more than 2³¹ entries of memory, which cuSOLVER's QR routines cannot count");
        }
    }

    // ---- A = QR

    void factor(Matrix a, Matrix tau) {
        if (a.isEmpty()) {
            return;
        }
        requireCountable("qr", "A", a);
        if (a.batch() > 1 && a.rows() * a.columns() <= TOGETHER) {
            Slices.visit(a.batch(), (from, to) -> factorTogether(Slices.of(a, from, to), Slices.of(tau, from, to)));
            return;
        }
        boolean wide = a.precision() == Precision.FLOAT64;
        int m = (int) a.rows();
        int n = (int) a.columns();
        int lda = (int) Cublas.ld(a);
        cusolverDnHandle handle = queue.cusolver();
        int size = (int) sizes.of(new WorkSizes.Key("geqrf", a.precision(), m, n, 0, lda), () -> askGeqrf(handle, a))
                .device();
        for (long p = 0; p < a.batch(); p++) {
            Matrix one = problem(a, p);
            Matrix factors = problem(tau, p);
            try (CudaQueue.Scratch scratch = queue.scratch()) {
                Pointer work =
                        scratch.pointer((long) size * a.precision().bytes(), () -> "workspace of geqrf for a " + one);
                long info = scratch.take(Integer.BYTES, () -> "an info");
                Pointer infoPointer = Addresses.pointer(info);
                CudaCheck.cusolver(
                        wide ? "cusolverDnDgeqrf" : "cusolverDnSgeqrf",
                        () -> wide
                                ? JCusolverDn.cusolverDnDgeqrf(
                                        handle, m, n, at(one), lda, at(factors), work, size, infoPointer)
                                : JCusolverDn.cusolverDnSgeqrf(
                                        handle, m, n, at(one), lda, at(factors), work, size, infoPointer),
                        () -> "A " + one);
                queue.note(info);
            }
        }
    }

    private void factorTogether(Matrix a, Matrix tau) {
        boolean wide = a.precision() == Precision.FLOAT64;
        int m = (int) a.rows();
        int n = (int) a.columns();
        int lda = (int) Cublas.ld(a);
        int batch = (int) a.batch();
        String routine = wide ? "cublasDgeqrfBatched" : "cublasSgeqrfBatched";
        cublasHandle handle = queue.cublas();
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Pointer matrices = scratch.addresses(a, batch);
            Pointer factors = scratch.addresses(tau, batch);
            // About the arguments only, and written before the call returns. JCuda wants its bare address.
            long[] refused = CudaQueue.hostWords(
                    1,
                    word -> CudaCheck.cublas(
                            routine,
                            () -> wide
                                    ? JCublas2.cublasDgeqrfBatched(
                                            handle, m, n, matrices, lda, factors, Addresses.pointer(word), batch)
                                    : JCublas2.cublasSgeqrfBatched(
                                            handle, m, n, matrices, lda, factors, Addresses.pointer(word), batch),
                            () -> "A " + a));
            if ((int) refused[0] != 0) {
                throw new BackendException(routine + " (A " + a + ") refused argument " + -(int) refused[0]);
            }
        }
    }

    private static WorkSizes.Size askGeqrf(cusolverDnHandle handle, Matrix a) {
        boolean wide = a.precision() == Precision.FLOAT64;
        int[] entries = new int[1];
        int m = (int) a.rows();
        int n = (int) a.columns();
        int lda = (int) Cublas.ld(a);
        CudaCheck.cusolver(
                wide ? "cusolverDnDgeqrf_bufferSize" : "cusolverDnSgeqrf_bufferSize",
                () -> wide
                        ? JCusolverDn.cusolverDnDgeqrf_bufferSize(handle, m, n, at(a), lda, entries)
                        : JCusolverDn.cusolverDnSgeqrf_bufferSize(handle, m, n, at(a), lda, entries),
                () -> "A " + a);
        return new WorkSizes.Size(entries[0], 0);
    }

    // ---- C ← QC, C ← QᵀC

    void apply(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        if (c.isEmpty() || tau.rows() == 0) {
            return;
        }
        requireCountable("applyQ", "the operand with the reflectors", reflectors);
        requireCountable("applyQ", "C", c);
        for (long p = 0; p < c.batch(); p++) {
            applyOne(problem(reflectors, p), problem(tau, p), transposed, problem(c, p));
        }
    }

    /** A row-major C is the transpose of a column-major one: Q comes from the right then, transposed. */
    private void applyOne(Matrix v, Matrix tau, boolean transposed, Matrix c) {
        boolean wide = c.precision() == Precision.FLOAT64;
        boolean left = c.layout() == Layout.COLUMN_MAJOR;
        int side = left ? cublasSideMode.CUBLAS_SIDE_LEFT : cublasSideMode.CUBLAS_SIDE_RIGHT;
        int operation = transposed == left ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
        int m = (int) (left ? c.rows() : c.columns());
        int n = (int) (left ? c.columns() : c.rows());
        int k = (int) tau.rows();
        int ldv = (int) Cublas.ld(v);
        int ldc = (int) Cublas.ld(c);
        cusolverDnHandle handle = queue.cusolver();
        int size = (int) sizes.of(
                        new WorkSizes.Key("ormqr", c.precision(), m, n, k, 4L * ldv + 2L * side + operation), () -> {
                            int[] entries = new int[1];
                            CudaCheck.cusolver(
                                    wide ? "cusolverDnDormqr_bufferSize" : "cusolverDnSormqr_bufferSize",
                                    () -> wide
                                            ? JCusolverDn.cusolverDnDormqr_bufferSize(
                                                    handle, side, operation, m, n, k, at(v), ldv, at(tau), at(c), ldc,
                                                    entries)
                                            : JCusolverDn.cusolverDnSormqr_bufferSize(
                                                    handle, side, operation, m, n, k, at(v), ldv, at(tau), at(c), ldc,
                                                    entries),
                                    () -> "reflectors " + v + ", C " + c);
                            return new WorkSizes.Size(entries[0], 0);
                        })
                .device();
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Pointer work = scratch.pointer((long) size * c.precision().bytes(), () -> "workspace of ormqr for a " + c);
            long info = scratch.take(Integer.BYTES, () -> "an info");
            Pointer infoPointer = Addresses.pointer(info);
            CudaCheck.cusolver(
                    wide ? "cusolverDnDormqr" : "cusolverDnSormqr",
                    () -> wide
                            ? JCusolverDn.cusolverDnDormqr(
                                    handle,
                                    side,
                                    operation,
                                    m,
                                    n,
                                    k,
                                    at(v),
                                    ldv,
                                    at(tau),
                                    at(c),
                                    ldc,
                                    work,
                                    size,
                                    infoPointer)
                            : JCusolverDn.cusolverDnSormqr(
                                    handle,
                                    side,
                                    operation,
                                    m,
                                    n,
                                    k,
                                    at(v),
                                    ldv,
                                    at(tau),
                                    at(c),
                                    ldc,
                                    work,
                                    size,
                                    infoPointer),
                    () -> "reflectors " + v + ", C " + c);
            queue.note(info);
        }
    }
}
