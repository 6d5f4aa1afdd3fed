package org.nullspace.backend.cuda;

import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Cholesky factorization (cuSOLVER potrf, potrfBatched for batches of small matrices) and inversion of triangular matrices: by a triangular
 * solve with the identity, or {@linkplain BlockedInverse by blocks}. Of cuSOLVER's Xtrtri, as of all its generic routines, JCuda 12.6
 * cannot ask the workspace (its native code takes the two arrays for pointers and crashes).
 */
final class Cholesky {
    private static final int THREADS = 256;

    private final CudaQueue queue;
    private final WorkSizes sizes;
    private final EntryWise entryWise;
    private final Cublas cublas;
    private final BlockedInverse blocked;

    Cholesky(CudaQueue queue, EntryWise entryWise) {
        this.queue = queue;
        this.sizes = queue.workSizes();
        this.entryWise = entryWise;
        this.cublas = new Cublas(queue);
        this.blocked = new BlockedInverse(queue, entryWise, cublas);
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
        if (status.size() > 1 && a.rows() <= Products.TOGETHER) {
            Slices.visit(status.size(), (from, to) -> factorTogether(a.problems(from, to), status.address((int) from)));
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

    /** The batched routine takes the other triangle for workspace: it gets a copy. */
    private void factorTogether(Matrix a, long words) {
        boolean wide = a.precision() == Precision.FLOAT64;
        int n = (int) a.rows();
        int batch = (int) a.batch();
        int uplo = Cublas.uplo(Triangle.LOWER, a);
        cusolverDnHandle handle = queue.cusolver();
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Matrix copy = scratch.matrix(a.precision(), batch, n, n, a.layout());
            entryWise.copy(a, copy);
            Pointer matrices = scratch.addresses(copy, batch);
            long info = scratch.take((long) batch * Integer.BYTES, () -> "an info for each problem");
            CudaCheck.cusolver(
                    wide ? "cusolverDnDpotrfBatched" : "cusolverDnSpotrfBatched",
                    () -> wide
                            ? JCusolverDn.cusolverDnDpotrfBatched(
                                    handle, uplo, n, matrices, n, Addresses.pointer(info), batch)
                            : JCusolverDn.cusolverDnSpotrfBatched(
                                    handle, uplo, n, matrices, n, Addresses.pointer(info), batch),
                    () -> "A " + a);
            entryWise.copyTriangle(Triangle.LOWER, copy, a);
            diagonal("nullspace_cholesky_status_", a, info, words);
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

    private void diagonal(String kernel, Matrix a, long info, long words) {
        queue.device()
                .kernels()
                .launch(
                        queue,
                        "status",
                        kernel + EntryWise.suffix(a.precision()),
                        a.batch(),
                        1,
                        1,
                        THREADS,
                        1,
                        a.address(0),
                        a.rows(),
                        a.leadingDimension(),
                        a.batchStride(),
                        a.batch(),
                        info,
                        words);
    }

    /** L⁻¹ solves LX = I. */
    void invert(Matrix l, CudaStatus status) {
        if (l.rows() == 0) {
            return;
        }
        if (status.size() > 1 && l.rows() <= Products.TOGETHER) {
            Slices.visit(status.size(), (from, to) -> invert(l.problems(from, to), status.address((int) from)));
            return;
        }
        for (int p = 0; p < status.size(); p++) {
            invert(l.problem(p), status.address(p));
        }
    }

    private void invert(Matrix l, long words) {
        diagonal("nullspace_first_zero_", l, 0, words);
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Matrix inverse = scratch.matrix(l.precision(), l.batch(), l.rows(), l.rows(), l.layout());
            entryWise.identity(inverse);
            if (l.batch() > 1) {
                cublas.solveTogether(Triangle.LOWER, l, inverse);
            } else {
                cublas.solveTriangular(Triangle.LOWER, l, inverse);
            }
            entryWise.copyTriangle(Triangle.LOWER, inverse, l);
        }
    }

    /** As {@link #invert}, in less time and with a larger residual. */
    void invertByBlocks(Matrix l, CudaStatus status) {
        for (int p = 0; p < status.size() && l.rows() > 0; p++) {
            diagonal("nullspace_first_zero_", l.problem(p), 0, status.address(p));
            blocked.invert(l.problem(p));
        }
    }
}
