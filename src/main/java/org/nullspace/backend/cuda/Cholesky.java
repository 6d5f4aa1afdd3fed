package org.nullspace.backend.cuda;

import java.nio.ByteBuffer;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcublas.cublasDiagType;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Cholesky factorization (cuSOLVER potrf) and inversion of triangular matrices (cuSOLVER Xtrtri). */
final class Cholesky {
    private static final int THREADS = 256;

    private final CudaQueue queue;
    private final WorkSizes sizes;

    Cholesky(CudaQueue queue, WorkSizes sizes) {
        this.queue = queue;
        this.sizes = sizes;
    }

    private static Pointer at(Matrix m) {
        return Addresses.pointer(m.address(0));
    }

    static int dataType(Precision precision) {
        return precision == Precision.FLOAT64 ? cudaDataType.CUDA_R_64F : cudaDataType.CUDA_R_32F;
    }

    void factor(Matrix a, CudaStatus status) {
        if (a.rows() == 0) {
            return;
        }
        boolean wide = a.precision() == Precision.FLOAT64;
        int n = (int) a.rows();
        int lda = (int) Cublas.ld(a);
        int uplo = Cublas.uplo(Triangle.LOWER, a);
        cusolverDnHandle handle = queue.cusolver();
        for (int p = 0; p < status.size(); p++) {
            Matrix one = a.problem(p);
            Supplier<String> operands = () -> "A " + one;
            int size = (int) sizes.of(
                            new WorkSizes.Key("potrf", a.precision(), n, lda, 0, uplo),
                            () -> askPotrf(handle, uplo, one))
                    .device();
            try (CudaQueue.Scratch scratch = queue.scratch()) {
                Pointer work =
                        scratch.pointer((long) size * a.precision().bytes(), () -> "workspace of potrf for a " + one);
                long info = scratch.take(Integer.BYTES, () -> "an info");
                CudaCheck.cusolver(
                        wide ? "cusolverDnDpotrf" : "cusolverDnSpotrf",
                        () -> wide
                                ? JCusolverDn.cusolverDnDpotrf(
                                        handle, uplo, n, at(one), lda, work, size, Addresses.pointer(info))
                                : JCusolverDn.cusolverDnSpotrf(
                                        handle, uplo, n, at(one), lda, work, size, Addresses.pointer(info)),
                        operands);
                diagonal("nullspace_cholesky_status_", one, info, status.address(p));
            }
        }
    }

    private static WorkSizes.Size askPotrf(cusolverDnHandle handle, int uplo, Matrix a) {
        boolean wide = a.precision() == Precision.FLOAT64;
        int n = (int) a.rows();
        int lda = (int) Cublas.ld(a);
        int[] entries = new int[1];
        CudaCheck.cusolver(
                wide ? "cusolverDnDpotrf_bufferSize" : "cusolverDnSpotrf_bufferSize",
                () -> wide
                        ? JCusolverDn.cusolverDnDpotrf_bufferSize(handle, uplo, n, at(a), lda, entries)
                        : JCusolverDn.cusolverDnSpotrf_bufferSize(handle, uplo, n, at(a), lda, entries),
                () -> "A " + a);
        return new WorkSizes.Size(entries[0], 0);
    }

    private void diagonal(String kernel, Matrix a, long info, long word) {
        queue.device()
                .kernels()
                .launch(
                        queue,
                        "status",
                        kernel + EntryWise.suffix(a.precision()),
                        1,
                        1,
                        1,
                        THREADS,
                        1,
                        a.address(0),
                        a.rows(),
                        a.leadingDimension(),
                        info,
                        word);
    }

    void invert(Matrix l, CudaStatus status) {
        if (l.rows() == 0) {
            return;
        }
        long n = l.rows();
        long lda = Cublas.ld(l);
        int uplo = Cublas.uplo(Triangle.LOWER, l);
        int type = dataType(l.precision());
        cusolverDnHandle handle = queue.cusolver();
        for (int p = 0; p < status.size(); p++) {
            Matrix one = l.problem(p);
            WorkSizes.Size size = sizes.of(
                    new WorkSizes.Key("Xtrtri", l.precision(), n, lda, 0, uplo),
                    () -> askTrtri(handle, uplo, type, one));
            ByteBuffer host = ByteBuffer.allocateDirect(Math.max(1, Math.toIntExact(size.host())));
            try (CudaQueue.Scratch scratch = queue.scratch()) {
                diagonal("nullspace_first_zero_", one, 0, status.address(p));
                Pointer work = scratch.pointer(size.device(), () -> "workspace of trtri for a " + one);
                // Zeros on the diagonal have been found already; another info could only be a refused argument.
                long info = scratch.take(Integer.BYTES, () -> "an info");
                CudaCheck.cusolver(
                        "cusolverDnXtrtri",
                        () -> JCusolverDn.cusolverDnXtrtri(
                                handle,
                                uplo,
                                cublasDiagType.CUBLAS_DIAG_NON_UNIT,
                                n,
                                type,
                                at(one),
                                lda,
                                work,
                                size.device(),
                                Pointer.to(host),
                                size.host(),
                                Addresses.pointer(info)),
                        () -> "A " + one);
                queue.note(info);
            }
        }
    }

    private static WorkSizes.Size askTrtri(cusolverDnHandle handle, int uplo, int type, Matrix l) {
        long[] device = new long[1];
        long[] host = new long[1];
        CudaCheck.cusolver(
                "cusolverDnXtrtri_bufferSize",
                () -> JCusolverDn.cusolverDnXtrtri_bufferSize(
                        handle,
                        uplo,
                        cublasDiagType.CUBLAS_DIAG_NON_UNIT,
                        l.rows(),
                        type,
                        at(l),
                        Cublas.ld(l),
                        device,
                        host),
                () -> "A " + l);
        return new WorkSizes.Size(device[0], host[0]);
    }
}
