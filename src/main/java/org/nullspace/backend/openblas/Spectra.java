package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.error.BackendException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** LAPACK's singular values and eigenvalues. Its iterations get finite entries only: with others they may not end. */
final class Spectra implements AutoCloseable {
    /** Rows of U that gesvd updates at a time at most, so that its workspace does not grow to the size of A. */
    private static final long GESVD_ROWS = 4096;

    /** Upper bound of LAPACK's block size. */
    private static final long BLOCK = 64;

    private final Reductions reductions;
    private final EntryWise entryWise;
    private final Workspace workspace;
    private final Workspace integers = new Workspace();

    Spectra(Reductions reductions, EntryWise entryWise, Workspace workspace) {
        this.reductions = reductions;
        this.entryWise = entryWise;
        this.workspace = workspace;
    }

    @Override
    public void close() {
        integers.close();
    }

    // ---- singular values

    /** Whether the least workspace of gesdd that overwrites A, 5n² + 7n + m entries, can be counted in 32 bits. */
    static boolean fitsDivideAndConquer(long m, long n) {
        return 5.0 * n * n + 7.0 * n + m <= Integer.MAX_VALUE;
    }

    void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, int[] status) {
        if (algorithm == SvdAlgorithm.DIVIDE_AND_CONQUER) {
            divideAndConquer('O', a, s, vt, status);
        } else {
            qrIteration(a, s, vt, status);
        }
    }

    void singularValues(Matrix a, Matrix s, int[] status) {
        divideAndConquer('N', a, s, null, status);
    }

    private void divideAndConquer(char job, Matrix a, Matrix s, @Nullable Matrix vt, int[] status) {
        int m = (int) a.rows();
        int n = (int) a.columns();
        if (n == 0) {
            return;
        }
        Kernels kernels = Kernels.of(a.precision());
        IntPointer iwork = Kernels.ints(integers.atLeast(8L * Integer.BYTES * n, "integer workspace of an SVD"));
        Routine routine = (problem, work, size) -> kernels.gesdd(
                job,
                m,
                n,
                kernels.at(a, problem),
                Products.ld(a),
                kernels.at(s, problem),
                kernels.at(a, problem),
                m,
                vt == null ? kernels.at(a, problem) : kernels.at(vt, problem),
                vt == null ? n : Products.ld(vt),
                work,
                size,
                iwork);
        long least = vt == null ? 3L * n + Math.max(m, 7L * n) : 5L * n * n + 7L * n + m;
        decompose("gesdd", routine, workSize(kernels, routine, least, Long.MAX_VALUE), a, s, status);
    }

    private void qrIteration(Matrix a, Matrix s, Matrix vt, int[] status) {
        int m = (int) a.rows();
        int n = (int) a.columns();
        if (n == 0) {
            return;
        }
        Kernels kernels = Kernels.of(a.precision());
        Routine routine = (problem, work, size) -> kernels.gesvd(
                'O',
                'S',
                m,
                n,
                kernels.at(a, problem),
                Products.ld(a),
                kernels.at(s, problem),
                kernels.at(a, problem),
                m,
                kernels.at(vt, problem),
                Products.ld(vt),
                work,
                size);
        long least = Math.max(3L * n + m, 5L * n);
        long most = Math.max(3L * n + BLOCK * (m + (long) n), n * (n + 1 + Math.max(n, GESVD_ROWS)));
        decompose("gesvd", routine, workSize(kernels, routine, least, most), a, s, status);
    }

    private void decompose(String name, Routine routine, int size, Matrix a, Matrix s, int[] status) {
        Pointer work = work(Kernels.of(a.precision()), a, size);
        for (int p = 0; p < status.length; p++) {
            status[p] = reductions.isFinite(a, p)
                    ? LapackStatus.require(name, routine.call(p, work, size), a)
                    : (int) a.columns() + 1;
            if (status[p] != 0) {
                entryWise.fill(s.problem(p), Double.NaN);
            }
        }
        workspace.trim();
    }

    // ---- eigenvalues

    void eigenvalues(Matrix a, Matrix values, int[] status) {
        eigen('N', a, values, status);
    }

    void eigenvectors(Matrix a, Matrix values, int[] status) {
        eigen('V', a, values, status);
    }

    private void eigen(char job, Matrix a, Matrix values, int[] status) {
        int n = (int) a.rows();
        if (n == 0) {
            return;
        }
        Kernels kernels = Kernels.of(a.precision());
        int count = job == 'N' ? 1 : 3 + 5 * n;
        long least = job == 'N' ? 2L * n + 1 : 1 + 6L * n + 2L * n * n;
        IntPointer iwork =
                Kernels.ints(integers.atLeast((long) count * Integer.BYTES, "integer workspace of eigenvalues"));
        Routine routine = (problem, work, size) -> kernels.syevd(
                job,
                'L',
                n,
                kernels.at(a, problem),
                Products.ld(a),
                kernels.at(values, problem),
                work,
                size,
                iwork,
                count);
        int size = workSize(kernels, routine, least, Long.MAX_VALUE);
        Pointer work = work(kernels, a, size);
        for (int p = 0; p < status.length; p++) {
            status[p] = Reductions.isFiniteBelow(a, p)
                    ? LapackStatus.require("syevd", routine.call(p, work, size), a)
                    : n + 1;
            if (status[p] != 0) {
                entryWise.fill(values.problem(p), Double.NaN);
            }
        }
        workspace.trim();
    }

    void tridiagonalize(Matrix a, Matrix diagonal, Matrix offDiagonal, int[] status) {
        int n = (int) a.rows();
        if (n == 0) {
            return;
        }
        Kernels kernels = Kernels.of(a.precision());
        // The scalar factors of the reflectors lie before the workspace.
        int size = (int) Math.min(Integer.MAX_VALUE, BLOCK * n);
        HostMemory memory = workspace.atLeast(((long) n + size) * a.precision().bytes(), "LAPACK's workspace for " + a);
        Pointer tau = kernels.at(memory, 0);
        Pointer work = kernels.at(memory, n);
        for (int p = 0; p < status.length; p++) {
            Pointer own = kernels.at(a, p);
            Pointer d = kernels.at(diagonal, p);
            Pointer e = n == 1 ? d : kernels.at(offDiagonal, p);
            status[p] = n + 1;
            if (Reductions.isFiniteBelow(a, p)) {
                int info = kernels.sytrd('L', n, own, Products.ld(a), d, e, tau, work, size);
                status[p] = LapackStatus.require("sytrd", info, a);
                info = kernels.orgtr('L', n, own, Products.ld(a), tau, work, size);
                status[p] = Math.max(status[p], LapackStatus.require("orgtr", info, a));
            }
            if (status[p] != 0) {
                entryWise.fill(diagonal.problem(p), Double.NaN);
            }
        }
        workspace.trim();
    }

    // ---- LAPACK's conventions

    /** A routine with workspace, on one problem of the batch. */
    private interface Routine {
        int call(long problem, Pointer work, int size);
    }

    /**
     * Asks a routine for its best workspace.
     *
     * @param least what it needs, also taken if its answer has overflowed
     * @param most what it shall not exceed, at least {@code least}
     * @return number of entries
     */
    private static int workSize(Kernels kernels, Routine routine, long least, long most) {
        try (MemoryScope scope = MemoryScope.open()) {
            Precision precision = kernels.precision();
            HostMemory answer = HostMemory.allocate(scope, precision.bytes(), true, "answer of a workspace query");
            int info = routine.call(0, kernels.at(answer, 0), -1);
            if (info != 0) {
                throw new BackendException("a workspace query of LAPACK returned " + info);
            }
            double best =
                    Matrix.over(answer, precision, 1, 1, 1, Layout.ROW_MAJOR).get(0, 0);
            // Large sizes are rounded when they are stored as float32.
            double size = Math.ceil(best * (1 + precision.epsilon()));
            boolean usable = size >= 1 && size <= Integer.MAX_VALUE;
            return (int) Math.max(least, usable ? Math.min((long) size, most) : least);
        }
    }

    private Pointer work(Kernels kernels, Matrix a, int size) {
        long bytes = (long) size * a.precision().bytes();
        return kernels.at(workspace.atLeast(bytes, "LAPACK's workspace for " + a), 0);
    }
}
