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

    /** Columns of a panel of the QR factorization. */
    private static final long PANEL = 64;

    /** Columns that a thread gets at least when reflectors are applied. */
    private static final long LEAST_COLUMNS = 8;

    /** Upper bound of LAPACK's block size. */
    private static final long BLOCK = 64;

    private final Team team;
    private final Workspace workspace;
    private final Workspace integers = new Workspace();

    Factorizations(Team team, Workspace workspace) {
        this.team = team;
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
                int info = kernels.potrf(uplo, n, entries, ld);
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
                checked("trtri", kernels.trtri(uplo, n, entries, ld), a);
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
        for (long p = 0; p < a.batch(); p++) {
            qrOne(Products.problem(a, p), Products.problem(tau, p));
        }
    }

    /**
     * Panels of {@link #PANEL} columns, each factorized recursively, so that nearly all work is matrix products (Elmroth and Gustavson, IBM
     * J. Res. Dev. 44 (2000)); what lies right of a panel is updated in slices of columns.
     */
    private void qrOne(Matrix a, Matrix tau) {
        long m = a.rows();
        long n = a.columns();
        Kernels kernels = Kernels.of(a.precision());
        try (MemoryScope scope = MemoryScope.open()) {
            long width = Math.min(PANEL, tau.rows());
            Matrix t = Matrix.uninitialized(scope, a.precision(), 1, width, width, Layout.COLUMN_MAJOR);
            Matrix work = Matrix.uninitialized(scope, a.precision(), 1, n, width, Layout.COLUMN_MAJOR);
            for (long j = 0; j < tau.rows(); j += width) {
                int w = (int) Math.min(width, tau.rows() - j);
                Matrix panel = a.rows(j, m).columns(j, j + w);
                checked(
                        "geqrt3",
                        kernels.geqrt3(
                                (int) (m - j),
                                w,
                                kernels.at(panel, 0),
                                Products.ld(panel),
                                kernels.at(t, 0),
                                Products.ld(t)),
                        a);
                for (int i = 0; i < w; i++) {
                    tau.set(0, j + i, 0, t.get(0, i, i));
                }
                applyBlock(kernels, panel, t, true, a.rows(j, m).columns(j + w, n), work);
            }
        }
    }

    /** C ← HC or HᵀC in slices of columns, H the block reflector of a panel. */
    private void applyBlock(Kernels kernels, Matrix panel, Matrix t, boolean transposed, Matrix c, Matrix work) {
        if (c.isEmpty()) {
            return;
        }
        int w = (int) panel.columns();
        int parts = team.parts(4.0 * c.rows() * c.columns() * w, c.columns(), LEAST_COLUMNS);
        team.run(parts, i -> {
            long from = Team.start(c.columns(), parts, i);
            long to = Team.start(c.columns(), parts, i + 1);
            Matrix slice = c.columns(from, to);
            Matrix scratch = work.rows(from, to);
            checked(
                    "larfb",
                    kernels.larfb(
                            transposed ? 'T' : 'N',
                            (int) c.rows(),
                            (int) (to - from),
                            w,
                            kernels.at(panel, 0),
                            Products.ld(panel),
                            kernels.at(t, 0),
                            Products.ld(t),
                            kernels.at(slice, 0),
                            Products.ld(slice),
                            kernels.at(scratch, 0),
                            Products.ld(scratch)),
                    c);
        });
    }

    void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        if (c.isEmpty() || tau.rows() == 0) {
            return;
        }
        for (long p = 0; p < c.batch(); p++) {
            Matrix v = Products.problem(reflectors, p);
            Matrix factors = Products.problem(tau, p);
            Matrix cp = Products.problem(c, p);
            int parts = team.parts(4.0 * c.rows() * c.columns() * tau.rows(), c.columns(), LEAST_COLUMNS);
            team.run(
                    parts,
                    i -> applyQToSlice(
                            v,
                            factors,
                            transposed,
                            cp.columns(Team.start(c.columns(), parts, i), Team.start(c.columns(), parts, i + 1))));
        }
    }

    private static void applyQToSlice(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        boolean left = c.layout() == Layout.COLUMN_MAJOR;
        int m = (int) (left ? c.rows() : c.columns());
        int n = (int) (left ? c.columns() : c.rows());
        Kernels kernels = Kernels.of(c.precision());
        Routine routine = (problem, work, size) -> kernels.ormqr(
                left ? 'L' : 'R',
                transposed == left ? 'T' : 'N',
                m,
                n,
                (int) tau.rows(),
                kernels.at(reflectors, 0),
                Products.ld(reflectors),
                kernels.at(tau, 0),
                kernels.at(c, 0),
                Products.ld(c),
                work,
                size);
        int size = workSize(kernels, routine, left ? n : m, Long.MAX_VALUE);
        try (MemoryScope scope = MemoryScope.open()) {
            long bytes = (long) size * c.precision().bytes();
            Pointer work = kernels.at(HostMemory.allocate(scope, bytes, false, "LAPACK's workspace for " + c), 0);
            checked("ormqr", routine.call(0, work, size), c);
        }
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
                int info = routine.call(problem, work, size);
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
                int info = routine.call(problem, work, size);
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
}
