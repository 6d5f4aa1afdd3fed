package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.error.BackendException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * LAPACK's factorizations. Routines that iterate get finite entries only: with others they may not end. A negative return code means a
 * wrong argument, which the checks before the call make impossible.
 */
final class Factorizations implements AutoCloseable {
    /** Rows of U that gesvd updates at a time at most, so that its workspace does not grow to the size of A. */
    private static final long GESVD_ROWS = 4096;

    /** Upper bound of LAPACK's block size. */
    private static final long BLOCK = 64;

    private final OpenBlasThreads.Caller caller;
    private final Workspace workspace;
    private final Workspace integers = new Workspace();

    Factorizations(OpenBlasThreads.Caller caller, Workspace workspace) {
        this.caller = caller;
        this.workspace = workspace;
    }

    @Override
    public void close() {
        integers.close();
    }

    // ---- Cholesky

    void cholesky(Matrix a, int[] status) {
        int n = (int) a.rows();
        int ld = Products.ld(a);
        char uplo = lower(a);
        Kernels kernels = Kernels.of(a.precision());
        for (int p = 0; p < status.length; p++) {
            status[p] = 0;
            if (n > 0) {
                Pointer entries = kernels.at(a, p);
                int info = caller.run(cube(n) / 3, () -> kernels.potrf(uplo, n, entries, ld));
                status[p] = checked("potrf", info, a);
                if (info == 0) {
                    status[p] = firstNonFinite(a, p);
                }
            }
        }
    }

    void invertLower(Matrix a, int[] status) {
        int n = (int) a.rows();
        int ld = Products.ld(a);
        char uplo = lower(a);
        Kernels kernels = Kernels.of(a.precision());
        for (int p = 0; p < status.length; p++) {
            status[p] = firstZero(a, p);
            if (n > 0 && status[p] == 0) {
                Pointer entries = kernels.at(a, p);
                checked("trtri", caller.run(cube(n) / 3, () -> kernels.trtri(uplo, n, entries, ld)), a);
            }
        }
    }

    private static int firstZero(Matrix a, long p) {
        for (int i = 0; i < a.rows(); i++) {
            if (a.get(p, i, i) == 0) {
                return i + 1;
            }
        }
        return 0;
    }

    /** OpenBLAS's own Cholesky takes the root of NaN in stride: whatever is not finite has reached the diagonal. */
    private static int firstNonFinite(Matrix a, long p) {
        for (int i = 0; i < a.rows(); i++) {
            if (!Double.isFinite(a.get(p, i, i))) {
                return i + 1;
            }
        }
        return 0;
    }

    private static char lower(Matrix a) {
        return Products.uplo(Triangle.LOWER, a) == Kernels.LOWER ? 'L' : 'U';
    }

    // ---- QR

    void qr(Matrix a, Matrix tau) {
        if (a.isEmpty()) {
            return;
        }
        int m = (int) a.rows();
        int n = (int) a.columns();
        int ld = Products.ld(a);
        Kernels kernels = Kernels.of(a.precision());
        Routine routine = (problem, work, size) ->
                kernels.geqrf(m, n, kernels.at(a, problem), ld, kernels.at(tau, problem), work, size);
        int size = workSize(kernels, routine, n, Long.MAX_VALUE);
        Pointer work = work(kernels, a, size);
        for (long p = 0; p < a.batch(); p++) {
            long problem = p;
            int info = caller.run(2.0 * m * n * Math.min(m, n), () -> routine.call(problem, work, size));
            checked("geqrf", info, a);
        }
        workspace.trim();
    }

    void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        if (c.isEmpty() || tau.rows() == 0) {
            return;
        }
        boolean left = c.layout() == Layout.COLUMN_MAJOR;
        int m = (int) (left ? c.rows() : c.columns());
        int n = (int) (left ? c.columns() : c.rows());
        int l = (int) tau.rows();
        Kernels kernels = Kernels.of(c.precision());
        Routine routine = (problem, work, size) -> kernels.ormqr(
                left ? 'L' : 'R',
                transposed == left ? 'T' : 'N',
                m,
                n,
                l,
                kernels.at(reflectors, reflectors.batch() == 1 ? 0 : problem),
                Products.ld(reflectors),
                kernels.at(tau, tau.batch() == 1 ? 0 : problem),
                kernels.at(c, problem),
                Products.ld(c),
                work,
                size);
        int size = workSize(kernels, routine, left ? n : m, Long.MAX_VALUE);
        Pointer work = work(kernels, c, size);
        for (long p = 0; p < c.batch(); p++) {
            long problem = p;
            checked("ormqr", caller.run(4.0 * m * n * l, () -> routine.call(problem, work, size)), c);
        }
        workspace.trim();
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
        double n = a.columns();
        Pointer work = work(Kernels.of(a.precision()), a, size);
        for (int p = 0; p < status.length; p++) {
            int problem = p;
            if (Reductions.isFinite(a, p)) {
                int info = caller.run(4 * n * n * (a.rows() + 2 * n), () -> routine.call(problem, work, size));
                status[p] = checked(name, info, a);
            } else {
                status[p] = (int) n + 1;
            }
            if (status[p] != 0) {
                EntryWise.fill(s.problem(p), Double.NaN);
            }
        }
        workspace.trim();
    }

    // ---- eigenvalues

    void eigenvalues(Matrix a, Matrix values, int[] status) {
        int n = (int) a.rows();
        if (n == 0) {
            return;
        }
        Kernels kernels = Kernels.of(a.precision());
        IntPointer iwork = Kernels.ints(integers.atLeast(Integer.BYTES, "integer workspace of eigenvalues"));
        Routine routine = (problem, work, size) -> kernels.syevd(
                'N', 'L', n, kernels.at(a, problem), Products.ld(a), kernels.at(values, problem), work, size, iwork, 1);
        int size = workSize(kernels, routine, 2L * n + 1, Long.MAX_VALUE);
        Pointer work = work(kernels, a, size);
        for (int p = 0; p < status.length; p++) {
            int problem = p;
            if (Reductions.isFiniteBelow(a, p)) {
                int info = caller.run(4 * cube(n) / 3, () -> routine.call(problem, work, size));
                status[p] = checked("syevd", info, a);
            } else {
                status[p] = n + 1;
            }
            if (status[p] != 0) {
                EntryWise.fill(values.problem(p), Double.NaN);
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

    private static int checked(String routine, int info, Matrix a) {
        if (info < 0) {
            throw new BackendException("LAPACK's " + routine + " returned " + info + " for " + a);
        }
        return info;
    }

    private static double cube(double n) {
        return n * n * n;
    }
}
