package org.nullspace.backend.openblas;

import org.bytedeco.javacpp.Pointer;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * QR factorization and application of Q with block reflectors I − VTVᵀ (compact WY form: Schreiber and Van Loan, SIAM J. Sci. Stat. Comput.
 * 10 (1989), 53–57; recursive panels: Elmroth and Gustavson, IBM J. Res. Dev. 44 (2000), 605–624), in LAPACK's format of reflectors.
 *
 * <p>LAPACK's own drivers are not used because their large updates run on one thread, and because dormqr writes into the reflectors for a
 * moment, so that two threads could not apply the same Q.
 */
final class Householder {
    /** Columns of a panel. */
    private static final int PANEL = 64;

    /** Slices of the columns that Q is applied to begin at multiples of this. */
    private static final long UNIT = 16;

    private final OpenBlasThreads threads;
    private final Workspace[] workspaces;
    private final Workspace factors;

    /**
     * Reflections of a session.
     *
     * @param workspaces one for each thread
     * @param factors for triangular factors
     */
    Householder(OpenBlasThreads threads, Workspace[] workspaces, Workspace factors) {
        this.threads = threads;
        this.workspaces = workspaces;
        this.factors = factors;
    }

    // ---- A = QR

    void factor(Matrix a, Matrix tau) {
        if (a.isEmpty()) {
            return;
        }
        for (long p = 0; p < a.batch(); p++) {
            factorOne(Products.problem(a, p), Products.problem(tau, p));
        }
    }

    private void factorOne(Matrix a, Matrix tau) {
        Kernels kernels = Kernels.of(a.precision());
        int bytes = a.precision().bytes();
        int reflectors = (int) tau.rows();
        int width = Math.min(PANEL, reflectors);
        HostMemory t = factors.atLeast((long) width * width * bytes, "triangular factor of a QR factorization");
        Matrix diagonal = Matrix.over(t, a.precision(), 1, width, width, Layout.COLUMN_MAJOR);
        for (int j = 0; j < reflectors; j += width) {
            int k = Math.min(width, reflectors - j);
            Matrix panel = a.rows(j, a.rows()).columns(j, j + k);
            LapackStatus.require(
                    "geqrt3",
                    kernels.geqrt3(
                            (int) panel.rows(), k, kernels.at(panel, 0), Products.ld(a), kernels.at(t, 0), width),
                    a);
            for (int i = 0; i < k; i++) {
                tau.set(0, j + i, 0, diagonal.get(0, i, i));
            }
            if (j + k < a.columns()) {
                Matrix rest = a.rows(j, a.rows()).columns(j + k, a.columns());
                applyBlocks(panel, t, width, k, k, true, rest);
            }
        }
    }

    // ---- C ← QC, C ← QᵀC

    void apply(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        if (c.isEmpty() || tau.rows() == 0) {
            return;
        }
        for (long p = 0; p < c.batch(); p++) {
            Matrix v = Products.problem(reflectors, p);
            Matrix factor = Products.problem(tau, p);
            Matrix target = Products.problem(c, p);
            if (c.columns() <= 2) {
                for (long j = 0; j < c.columns(); j++) {
                    applyToColumn(v, factor, transposed, target.columns(j, j + 1));
                }
            } else {
                int block = block(c.columns());
                HostMemory t = triangularFactors(v, factor, block);
                applyBlocks(v, t, block, block, (int) tau.rows(), transposed, target);
            }
        }
    }

    /** Reflector by reflector: the triangular factor of a block would cost more than it saves. */
    private static void applyToColumn(Matrix v, Matrix tau, boolean transposed, Matrix c) {
        Kernels kernels = Kernels.of(c.precision());
        int increment = Products.increment(c);
        int count = (int) tau.rows();
        for (int step = 0; step < count; step++) {
            int k = transposed ? step : count - 1 - step;
            int below = (int) v.rows() - k - 1;
            double head = c.get(0, k, 0);
            if (below == 0) {
                c.set(0, k, 0, head - tau.get(0, k, 0) * head);
                continue;
            }
            Pointer tail = kernels.at(v.rows(k + 1, v.rows()).columns(k, k + 1), 0);
            Pointer rest = kernels.at(c.rows(k + 1, c.rows()), 0);
            double factor = tau.get(0, k, 0) * (head + kernels.dot(below, tail, 1, rest, increment));
            c.set(0, k, 0, head - factor);
            kernels.axpy(below, -factor, tail, 1, rest, increment);
        }
    }

    /** Columns of a block: the triangular factors cost about block / (4 · columns) of the application. */
    private static int block(long columns) {
        return columns >= 4 * PANEL ? PANEL : columns >= 16 ? PANEL / 2 : PANEL / 4;
    }

    /** Triangular factors of all blocks, side by side. */
    private HostMemory triangularFactors(Matrix v, Matrix tau, int block) {
        Kernels kernels = Kernels.of(v.precision());
        int count = (int) tau.rows();
        int blocks = (count + block - 1) / block;
        long entries = (long) block * block;
        HostMemory t = factors.atLeast(
                blocks * entries * v.precision().bytes(), "triangular factors for the application of Q");
        boolean large = (double) v.rows() * count * block >= OpenBlasThreads.LARGE_FLOPS;
        threads.split(large, blocks, 1, (slice, from, to) -> {
            for (int i = (int) from; i < to; i++) {
                int j = i * block;
                int k = Math.min(block, count - j);
                Matrix panel = v.rows(j, v.rows()).columns(j, j + k);
                kernels.larft(
                        (int) panel.rows(),
                        k,
                        kernels.at(panel, 0),
                        Products.ld(v),
                        kernels.at(tau.rows(j, j + k), 0),
                        kernels.at(t, i * entries),
                        block);
            }
        });
        return t;
    }

    /**
     * Applies blocks of reflectors, slices of the columns of C at the same time.
     *
     * @param ldt rows of the triangular factors, and of the blocks but the last
     */
    private void applyBlocks(Matrix v, HostMemory t, int ldt, int block, int count, boolean transposed, Matrix c) {
        Kernels kernels = Kernels.of(c.precision());
        int bytes = c.precision().bytes();
        boolean large = 4.0 * c.rows() * c.columns() * count >= OpenBlasThreads.LARGE_FLOPS;
        int slots = large ? threads.count() : 1;
        HostMemory[] work = new HostMemory[slots];
        for (int i = 0; i < slots; i++) {
            long columns = slots == 1 ? c.columns() : c.columns() / slots + 2 * UNIT;
            work[i] = workspaces[i].atLeast(columns * block * bytes, "workspace for the application of Q");
        }
        threads.split(large, c.columns(), UNIT, (slice, from, to) -> {
            Matrix part = c.columns(from, to);
            int blocks = (count + block - 1) / block;
            for (int step = 0; step < blocks; step++) {
                int i = transposed ? step : blocks - 1 - step;
                int j = i * block;
                int k = Math.min(block, count - j);
                Matrix panel = v.rows(j, v.rows()).columns(j, j + k);
                Matrix rows = part.rows(j, part.rows());
                boolean left = c.layout() == Layout.COLUMN_MAJOR;
                int m = (int) (left ? rows.rows() : rows.columns());
                int n = (int) (left ? rows.columns() : rows.rows());
                kernels.larfb(
                        left ? 'L' : 'R',
                        transposed == left ? 'T' : 'N',
                        m,
                        n,
                        k,
                        kernels.at(panel, 0),
                        Products.ld(v),
                        kernels.at(t, (long) i * ldt * ldt),
                        ldt,
                        kernels.at(rows, 0),
                        Products.ld(c),
                        kernels.at(work[slice], 0),
                        Math.max(1, left ? n : m));
            }
        });
    }
}
