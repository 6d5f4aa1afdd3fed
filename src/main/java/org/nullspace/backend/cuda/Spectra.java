package org.nullspace.backend.cuda;

import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.jcublas.cublasFillMode;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import jcuda.jcusolver.cusolverDnParams;
import jcuda.jcusolver.cusolverEigMode;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * Singular values and eigenvalues: cuSOLVER's gesvd, gesvdj, Xgesvdp and syevd, one problem after the other, and gesvdjBatched for singular
 * values of batches of small matrices. Their iterations get finite entries only: with others they may not end.
 */
final class Spectra {
    /** Largest number of rows that gesvdjBatched takes. */
    private static final int TOGETHER = 32;

    private static final int THREADS = 256;

    /**
     * Largest accepted error that gesvdp says it has made, in units of (m + n)εσ₁. It perturbs matrices with small singular values, which on an H100 moved
     * those of a spectrum from 1 to 10⁻¹⁰ by 1.2·10⁵ε in float32 and by 1.2·10³ε in float64; such a result counts as not converged.
     */
    private static final double POLAR_ERROR = 1;

    private final CudaQueue queue;
    private final WorkSizes sizes;
    private final EntryWise entryWise;
    private final Reductions reductions;

    Spectra(CudaQueue queue, EntryWise entryWise, Reductions reductions) {
        this.queue = queue;
        this.sizes = queue.workSizes();
        this.entryWise = entryWise;
        this.reductions = reductions;
    }

    private static Pointer at(Matrix m) {
        return Addresses.pointer(m.address(0));
    }

    // ---- singular values

    void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, CudaStatus status) {
        if (a.columns() == 0) {
            return;
        }
        requireCountable("svd", a);
        if (algorithm == SvdAlgorithm.JACOBI && isForTogether(a)) {
            Slices.visit(status.size(), (from, to) -> {
                Matrix some = a.problems(from, to);
                Matrix values = s.problems(from, to);
                finite(
                        Reductions.Part.ALL,
                        some,
                        values,
                        status.address((int) from),
                        (scratch, info) -> gesvdjTogether(scratch, some, values, vt.problems(from, to), info));
            });
            return;
        }
        for (int p = 0; p < status.size(); p++) {
            Matrix one = a.problem(p);
            Matrix values = s.problem(p);
            Matrix right = vt.problem(p);
            finite(Reductions.Part.ALL, one, values, status.address(p), (scratch, info) -> {
                switch (algorithm) {
                    case QR_ITERATION -> gesvd(scratch, 'O', 'S', one, values, right, info);
                    case JACOBI -> gesvdj(scratch, one, values, right, info);
                    case POLAR -> gesvdp(scratch, one, values, right, info);
                    case DIVIDE_AND_CONQUER -> throw new InvalidInputException("svd: cuSOLVER has no " + algorithm);
                }
            });
        }
    }

    void singularValues(Matrix a, Matrix s, CudaStatus status) {
        if (a.columns() == 0) {
            return;
        }
        requireCountable("singularValues", a);
        if (CusolverBridge.isLoaded() && isForTogether(a)) {
            Slices.visit(status.size(), (from, to) -> {
                Matrix some = a.problems(from, to);
                Matrix values = s.problems(from, to);
                finite(
                        Reductions.Part.ALL,
                        some,
                        values,
                        status.address((int) from),
                        (scratch, info) -> gesvdjTogether(scratch, some, values, null, info));
            });
            return;
        }
        for (int p = 0; p < status.size(); p++) {
            Matrix one = a.problem(p);
            Matrix values = s.problem(p);
            finite(
                    Reductions.Part.ALL,
                    one,
                    values,
                    status.address(p),
                    (scratch, info) -> gesvd(scratch, 'N', 'N', one, values, one, info));
        }
    }

    private static boolean isForTogether(Matrix a) {
        return a.batch() > 1 && a.rows() <= TOGETHER;
    }

    /** cuSOLVER's SVD routines count the entries of an operand in 32 bits. */
    private static void requireCountable(String operation, Matrix a) {
        if (Cublas.ld(a) > Integer.MAX_VALUE / a.columns()) {
            throw new InvalidInputException(operation + ": A is a " + a
                    + " and takes more than 2³¹ entries of memory, which cuSOLVER's SVD routines cannot count");
        }
    }

    /** A decomposition that writes an info for each problem. */
    private interface Decomposition {
        void queue(CudaQueue.Scratch scratch, long info);
    }

    /** Runs a decomposition on finite entries and turns its infos into status words. */
    private void finite(Reductions.Part part, Matrix a, Matrix values, long words, Decomposition decomposition) {
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            long bytes = a.batch() * Integer.BYTES;
            long flags = scratch.take(bytes, () -> "a flag for each problem");
            long info = scratch.take(bytes, () -> "an info for each problem");
            queue.zero(flags, bytes);
            queue.zero(info, bytes);
            reductions.clearUnlessFinite(a, part, flags);
            decomposition.queue(scratch, info);
            queue.device()
                    .kernels()
                    .launch(
                            queue,
                            "status",
                            "nullspace_spectrum_status_" + EntryWise.suffix(values.precision()),
                            a.batch(),
                            1,
                            1,
                            THREADS,
                            1,
                            values.address(0),
                            values.rows(),
                            values.batchStride(),
                            a.batch(),
                            info,
                            flags,
                            words);
        }
    }

    private void gesvd(CudaQueue.Scratch scratch, char jobU, char jobV, Matrix a, Matrix s, Matrix vt, long info) {
        boolean wide = a.precision() == Precision.FLOAT64;
        int m = (int) a.rows();
        int n = (int) a.columns();
        int lda = (int) Cublas.ld(a);
        int ldvt = (int) Cublas.ld(vt);
        cusolverDnHandle handle = queue.cusolver();
        Supplier<String> operands = () -> "A " + a;
        int size = (int) sizes.of(new WorkSizes.Key("gesvd", a.precision(), m, n, 0, 0), () -> {
                    int[] entries = new int[1];
                    CudaCheck.cusolver(
                            wide ? "cusolverDnDgesvd_bufferSize" : "cusolverDnSgesvd_bufferSize",
                            () -> wide
                                    ? JCusolverDn.cusolverDnDgesvd_bufferSize(handle, m, n, entries)
                                    : JCusolverDn.cusolverDnSgesvd_bufferSize(handle, m, n, entries),
                            operands);
                    return new WorkSizes.Size(entries[0], 0);
                })
                .device();
        Pointer work = scratch.pointer((long) size * a.precision().bytes(), () -> "workspace of gesvd for a " + a);
        // The superdiagonal of a bidiagonal matrix that did not converge.
        Pointer rest = scratch.pointer((long) n * a.precision().bytes(), () -> "workspace of gesvd for a " + a);
        CudaCheck.cusolver(
                wide ? "cusolverDnDgesvd" : "cusolverDnSgesvd",
                () -> wide
                        ? JCusolverDn.cusolverDnDgesvd(
                                handle,
                                jobU,
                                jobV,
                                m,
                                n,
                                at(a),
                                lda,
                                at(s),
                                at(a),
                                lda,
                                at(vt),
                                ldvt,
                                work,
                                size,
                                rest,
                                Addresses.pointer(info))
                        : JCusolverDn.cusolverDnSgesvd(
                                handle,
                                jobU,
                                jobV,
                                m,
                                n,
                                at(a),
                                lda,
                                at(s),
                                at(a),
                                lda,
                                at(vt),
                                ldvt,
                                work,
                                size,
                                rest,
                                Addresses.pointer(info)),
                operands);
    }

    private void gesvdj(CudaQueue.Scratch scratch, Matrix a, Matrix s, Matrix vt, long info) {
        int wide = a.precision() == Precision.FLOAT64 ? 1 : 0;
        int m = (int) a.rows();
        int n = (int) a.columns();
        int lda = (int) Cublas.ld(a);
        int vector = cusolverEigMode.CUSOLVER_EIG_MODE_VECTOR;
        long handle = Addresses.of(queue.cusolver());
        long parameters = queue.jacobi();
        Matrix u = scratch.matrix(a.precision(), m, n, Layout.COLUMN_MAJOR);
        Matrix v = scratch.matrix(a.precision(), n, n, Layout.COLUMN_MAJOR);
        String routine = wide == 1 ? "cusolverDnDgesvdj" : "cusolverDnSgesvdj";
        Supplier<String> operands = () -> "A " + a;
        int size = (int) sizes.of(new WorkSizes.Key("gesvdj", a.precision(), m, n, 0, lda), () -> {
                    long[] entries = CudaQueue.hostWords(
                            1,
                            word -> CudaCheck.cusolver(
                                    routine + "_bufferSize",
                                    () -> CusolverBridge.sizeOfGesvdj(
                                            wide,
                                            handle,
                                            vector,
                                            1,
                                            m,
                                            n,
                                            a.address(0),
                                            lda,
                                            s.address(0),
                                            u.address(0),
                                            m,
                                            v.address(0),
                                            n,
                                            word,
                                            parameters),
                                    operands));
                    return new WorkSizes.Size((int) entries[0], 0);
                })
                .device();
        long work = scratch.take((long) size * a.precision().bytes(), () -> "workspace of gesvdj for a " + a);
        CudaCheck.cusolver(
                routine,
                () -> CusolverBridge.gesvdj(
                        wide,
                        handle,
                        vector,
                        1,
                        m,
                        n,
                        a.address(0),
                        lda,
                        s.address(0),
                        u.address(0),
                        m,
                        v.address(0),
                        n,
                        work,
                        size,
                        info,
                        parameters),
                operands);
        entryWise.copy(u, a);
        entryWise.copy(v.transposed(), vt);
    }

    /** Singular values of several matrices, with the vectors unless Vᵀ is null; the routine wants all operands without gaps. */
    private void gesvdjTogether(CudaQueue.Scratch scratch, Matrix a, Matrix s, @Nullable Matrix vt, long info) {
        int wide = a.precision() == Precision.FLOAT64 ? 1 : 0;
        int m = (int) a.rows();
        int n = (int) a.columns();
        int batch = (int) a.batch();
        int jobz = vt == null ? cusolverEigMode.CUSOLVER_EIG_MODE_NOVECTOR : cusolverEigMode.CUSOLVER_EIG_MODE_VECTOR;
        long handle = Addresses.of(queue.cusolver());
        long parameters = queue.jacobi();
        Matrix packed = scratch.matrix(a.precision(), batch, m, n, Layout.COLUMN_MAJOR);
        Matrix values = scratch.matrix(a.precision(), batch, n, 1, Layout.COLUMN_MAJOR);
        // Written without vectors, too: on an H100 with CUDA 13, singular values came out as 1 where U and V lay in A.
        Matrix u = scratch.matrix(a.precision(), batch, m, m, Layout.COLUMN_MAJOR);
        Matrix v = scratch.matrix(a.precision(), batch, n, n, Layout.COLUMN_MAJOR);
        entryWise.copy(a, packed);
        String routine = wide == 1 ? "cusolverDnDgesvdjBatched" : "cusolverDnSgesvdjBatched";
        Supplier<String> operands = () -> "A " + a;
        int size = (int) sizes.of(new WorkSizes.Key("gesvdjBatched", a.precision(), m, n, batch, jobz), () -> {
                    long[] entries = CudaQueue.hostWords(
                            1,
                            word -> CudaCheck.cusolver(
                                    routine + "_bufferSize",
                                    () -> CusolverBridge.sizeOfGesvdjBatched(
                                            wide,
                                            handle,
                                            jobz,
                                            m,
                                            n,
                                            packed.address(0),
                                            m,
                                            values.address(0),
                                            u.address(0),
                                            m,
                                            v.address(0),
                                            n,
                                            word,
                                            parameters,
                                            batch),
                                    operands));
                    return new WorkSizes.Size((int) entries[0], 0);
                })
                .device();
        long work = scratch.take((long) size * a.precision().bytes(), () -> "workspace of gesvdjBatched for a " + a);
        CudaCheck.cusolver(
                routine,
                () -> CusolverBridge.gesvdjBatched(
                        wide,
                        handle,
                        jobz,
                        m,
                        n,
                        packed.address(0),
                        m,
                        values.address(0),
                        u.address(0),
                        m,
                        v.address(0),
                        n,
                        work,
                        size,
                        info,
                        parameters,
                        batch),
                operands);
        entryWise.copy(values, s);
        if (vt != null) {
            entryWise.copy(u.columns(0, n), a);
            entryWise.copy(v.transposed(), vt);
        }
    }

    private void gesvdp(CudaQueue.Scratch scratch, Matrix a, Matrix s, Matrix vt, long info) {
        long m = a.rows();
        long n = a.columns();
        long lda = Cublas.ld(a);
        int type = Cholesky.dataType(a.precision());
        int vector = cusolverEigMode.CUSOLVER_EIG_MODE_VECTOR;
        cusolverDnHandle handle = queue.cusolver();
        cusolverDnParams parameters = queue.parameters();
        Supplier<String> operands = () -> "A " + a;
        Matrix u = scratch.matrix(a.precision(), m, n, Layout.COLUMN_MAJOR);
        Matrix v = scratch.matrix(a.precision(), n, n, Layout.COLUMN_MAJOR);
        WorkSizes.Size size = sizes.of(new WorkSizes.Key("Xgesvdp", a.precision(), m, n, 0, lda), () -> {
            long[] bytes = CudaQueue.hostWords(
                    2,
                    words -> CudaCheck.cusolver(
                            "cusolverDnXgesvdp_bufferSize",
                            () -> CusolverBridge.sizeOfGesvdp(
                                    Addresses.of(handle),
                                    Addresses.of(parameters),
                                    vector,
                                    1,
                                    m,
                                    n,
                                    type,
                                    a.address(0),
                                    lda,
                                    s.address(0),
                                    u.address(0),
                                    m,
                                    v.address(0),
                                    n,
                                    words,
                                    words + Long.BYTES),
                            operands));
            return new WorkSizes.Size(bytes[0], bytes[1]);
        });
        Pointer work = scratch.pointer(size.device(), () -> "workspace of gesvdp for a " + a);
        // Workspace, and the error of small singular values; JCuda wants their bare addresses.
        try (MemoryScope hostScope = MemoryScope.open()) {
            HostMemory host =
                    HostMemory.allocate(hostScope, Math.max(1, size.host()), false, "workspace of gesvdp on the host");
            HostMemory error = HostMemory.allocate(hostScope, Double.BYTES, true, "result of gesvdp");
            CudaCheck.cusolver(
                    "cusolverDnXgesvdp",
                    () -> JCusolverDn.cusolverDnXgesvdp(
                            handle,
                            parameters,
                            vector,
                            1,
                            m,
                            n,
                            type,
                            at(a),
                            lda,
                            type,
                            at(s),
                            type,
                            at(u),
                            m,
                            type,
                            at(v),
                            n,
                            type,
                            work,
                            size.device(),
                            Addresses.pointer(host.address()),
                            size.host(),
                            Addresses.pointer(info),
                            Addresses.pointer(error.address())),
                    operands);
            Matrix largest = Matrix.uninitialized(hostScope, s.precision(), 1, 1, 1, Layout.COLUMN_MAJOR);
            queue.staging().download(s.address(0), largest);
            double bound = POLAR_ERROR * (m + n) * s.precision().epsilon() * largest.get(0, 0);
            double found = Matrix.over(error, Precision.FLOAT64, 1, 1, 1, Layout.COLUMN_MAJOR)
                    .get(0, 0);
            if (!(found <= bound)) {
                queue.mark(info);
            }
        }
        entryWise.copy(u, a);
        entryWise.copy(v.transposed(), vt);
    }

    // ---- eigenvalues

    void eigenvalues(Matrix a, Matrix values, CudaStatus status) {
        eigen(cusolverEigMode.CUSOLVER_EIG_MODE_NOVECTOR, a, values, status);
    }

    void eigenvectors(Matrix a, Matrix values, CudaStatus status) {
        eigen(cusolverEigMode.CUSOLVER_EIG_MODE_VECTOR, a, values, status);
    }

    private void eigen(int mode, Matrix a, Matrix values, CudaStatus status) {
        if (a.rows() == 0) {
            return;
        }
        boolean wide = a.precision() == Precision.FLOAT64;
        int n = (int) a.rows();
        int lda = (int) Cublas.ld(a);
        int lower = cublasFillMode.CUBLAS_FILL_MODE_LOWER;
        cusolverDnHandle handle = queue.cusolver();
        for (int p = 0; p < status.size(); p++) {
            Matrix one = a.problem(p);
            Matrix result = values.problem(p);
            Supplier<String> operands = () -> "A " + one;
            int size = (int) sizes.of(new WorkSizes.Key("syevd", a.precision(), n, lda, mode, 0), () -> {
                        int[] entries = new int[1];
                        CudaCheck.cusolver(
                                wide ? "cusolverDnDsyevd_bufferSize" : "cusolverDnSsyevd_bufferSize",
                                () -> wide
                                        ? JCusolverDn.cusolverDnDsyevd_bufferSize(
                                                handle, mode, lower, n, at(one), lda, at(result), entries)
                                        : JCusolverDn.cusolverDnSsyevd_bufferSize(
                                                handle, mode, lower, n, at(one), lda, at(result), entries),
                                operands);
                        return new WorkSizes.Size(entries[0], 0);
                    })
                    .device();
            finite(Reductions.Part.LOWER, one, result, status.address(p), (scratch, info) -> {
                Pointer work =
                        scratch.pointer((long) size * a.precision().bytes(), () -> "workspace of syevd for a " + one);
                CudaCheck.cusolver(
                        wide ? "cusolverDnDsyevd" : "cusolverDnSsyevd",
                        () -> wide
                                ? JCusolverDn.cusolverDnDsyevd(
                                        handle,
                                        mode,
                                        lower,
                                        n,
                                        at(one),
                                        lda,
                                        at(result),
                                        work,
                                        size,
                                        Addresses.pointer(info))
                                : JCusolverDn.cusolverDnSsyevd(
                                        handle,
                                        mode,
                                        lower,
                                        n,
                                        at(one),
                                        lda,
                                        at(result),
                                        work,
                                        size,
                                        Addresses.pointer(info)),
                        operands);
            });
        }
    }
}
