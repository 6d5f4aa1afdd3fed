package org.nullspace.backend.openblas;

import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Batches of problems that are too large for lanes: each is solved by one thread with OpenBLAS, several at the same time. Solutions are found by
 * {@link MediumMinimumNorm}, everything else by {@link MediumQr}. Scratch is made once for each thread, nothing for a problem.
 *
 * <p>1000 problems 64×512, float64, one target, two threads on two cores of an AMD EPYC that others used as well, medians of seven rounds in turns,
 * in units of the operation here that delivers the same: LAPACK's gelsy took 10 times as long, gels 5.4 times, Gram matrices with
 * Cholesky in OpenBLAS, which check no rank, 0.8 times; with singular values, gelsd took 3.6 times as long.
 */
final class MediumProblems implements BatchProblems {
    /** Slices for each thread, so that one that is held up leaves its share to the others. */
    private static final int SLICES = 16;

    /** Entries of X, Y and W together, at most: 8 MiB. */
    private static final long LARGEST = 1 << 20;

    /** Floating-point operations of the QR factorization, at most: larger ones are worth the threads that work on one problem. */
    private static final double LARGEST_FLOPS = 1e8;

    /** Bytes on Java's heap for one thread: pointers and views. */
    private static final long FIXED = 4000;

    private final OpenBlasThreads threads;

    MediumProblems(OpenBlasThreads threads) {
        this.threads = threads;
    }

    /** Whether problems of a shape are solved here. */
    static boolean covers(long n, long d, long k) {
        double p = Math.min(n, d);
        return n >= 1
                && d >= 1
                && k >= 1
                && n <= LARGEST
                && d <= LARGEST
                && k <= LARGEST
                && n * d + (n + d) * k <= LARGEST
                && 2 * p * p * Math.max(n, d) <= LARGEST_FLOPS;
    }

    /** Bytes of scratch for all threads: those of {@link #minimumNorm} with singular values, which takes most. */
    @Override
    public long scratchBytes(long batch, long n, long d, long k) {
        Arena arena = Arena.counting();
        Blas64 blas = new Blas64();
        new MediumMinimumNorm(blas, arena, (int) n, (int) d, (int) k, true);
        return Math.min(threads.count(), batch) * (arena.bytes() + FIXED + Integer.BYTES * 2 * k);
    }

    /**
     * Solves, see {@link org.nullspace.backend.BatchSolver#minimumNorm}.
     *
     * @param x B×n×d
     * @param y B×n×k
     * @param w written: B×d×k
     * @param bounds written: B×1×2, ‖X‖_F and ‖L⁻¹‖_F or ‖R⁻¹‖_F, or NaN
     * @param sigma written: B×p×1, or null
     */
    @Override
    public void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma) {
        BatchColumns design = BatchColumns.tall(x);
        BatchColumns targets = BatchColumns.of(y);
        BatchColumns solutions = BatchColumns.of(w);
        BatchColumns judged = BatchColumns.of(bounds.transposed());
        BatchColumns spectrum = sigma == null ? null : BatchColumns.of(sigma);
        run(w.batch(), "minimumNorm of " + x, arena -> {
            Blas64 blas = new Blas64();
            MediumMinimumNorm solver = new MediumMinimumNorm(
                    blas, arena, (int) x.rows(), (int) x.columns(), (int) y.columns(), !design.isDirect());
            return new Task() {
                private boolean factored;

                @Override
                public void treat(long index) {
                    if (!factored) {
                        solver.factor(design, index, spectrum != null);
                        factored = design.isShared();
                    }
                    boolean solved = solver.solve(targets, index)
                            && solutions.store(blas, index, solver.solution(), solver.height());
                    judged.store(blas, index, solver.bounds(solved), 2);
                    if (spectrum != null) {
                        spectrum.store(blas, index, solver.singularValues(), design.columns());
                    }
                }
            };
        });
    }

    /** Finds singular values, see {@link org.nullspace.backend.BatchSolver#singularValues}. */
    @Override
    public void singularValues(Matrix x, int[] which, Matrix sigma) {
        int n = (int) x.rows();
        int d = (int) x.columns();
        BatchColumns design = BatchColumns.tall(x);
        BatchColumns spectrum = BatchColumns.of(sigma);
        run(which.length, "singularValues of " + x, arena -> {
            Blas64 blas = new Blas64();
            MediumQr qr = new MediumQr(blas, arena, n, d, 1);
            return index -> {
                qr.factor(design, which[(int) index]);
                spectrum.store(blas, index, qr.singularValues(), Math.min(n, d));
            };
        });
    }

    /** Solves from the leading singular triplets, see {@link org.nullspace.backend.BatchSolver#truncated}. */
    @Override
    public void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
        int n = (int) x.rows();
        int d = (int) x.columns();
        int k = (int) y.columns();
        BatchColumns design = BatchColumns.tall(x);
        BatchColumns targets = BatchColumns.of(y);
        BatchColumns solutions = BatchColumns.of(w);
        run(which.length, "truncated of " + x, arena -> {
            Blas64 blas = new Blas64();
            Factored svd = new Factored(new MediumQr(blas, arena, n, d, k), design);
            return index -> {
                int problem = which[(int) index];
                MediumQr factors = svd.of(problem);
                boolean solved = factors.solve(targets, problem, ranks[(int) index], lambda)
                        && solutions.store(blas, problem, factors.result(), factors.height());
                if (!solved) {
                    factors.spoil();
                    solutions.store(blas, problem, factors.result(), factors.height());
                }
            };
        });
    }

    /** Transforms vectors, see {@link org.nullspace.backend.BatchSolver#transform}. */
    @Override
    public void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
        int n = (int) x.rows();
        int d = (int) x.columns();
        int m = (int) c.columns();
        BatchColumns design = BatchColumns.tall(x);
        BatchColumns vectors = BatchColumns.of(c);
        run(c.batch(), "transform with " + x, arena -> {
            Blas64 blas = new Blas64();
            Factored svd = new Factored(new MediumQr(blas, arena, n, d, m), design);
            return index -> {
                MediumQr factors = svd.of(index);
                if (!factors.transform(transform, vectors, index, ranks[(int) index])) {
                    factors.spoil();
                }
                vectors.store(blas, index, factors.result(), d);
            };
        });
    }

    /** Factors of one problem after another. Where all problems share one X, those of the first serve all others. */
    private static final class Factored {
        private final MediumQr svd;
        private final BatchColumns x;
        private boolean done;

        private Factored(MediumQr svd, BatchColumns x) {
            this.svd = svd;
            this.x = x;
        }

        private MediumQr of(long problem) {
            if (!done) {
                svd.factor(x, problem);
                done = x.isShared();
            }
            return svd;
        }
    }

    // ---- threads

    /** What is done with one problem after another, with scratch of its own. */
    private interface Task {
        void treat(long index);
    }

    /** Makes what treats problems. */
    private interface Scratch {
        Task in(Arena arena);
    }

    /**
     * Does something with the problems 0 to {@code count − 1}.
     *
     * @param scratch makes what does it, in an arena; called once for each thread, and before that with one that only counts
     */
    private void run(long count, String what, Scratch scratch) {
        if (count == 0) {
            return;
        }
        Arena counted = Arena.counting();
        scratch.in(counted);
        int slices = (int) Math.min(count, (long) SLICES * threads.count());
        Queue<Task> free = new ConcurrentLinkedQueue<>();
        try (MemoryScope scope = MemoryScope.open()) {
            for (int i = 0; i < Math.min(threads.count(), slices); i++) {
                free.add(scratch.in(Arena.of(scope, counted.bytes(), "scratch for " + what)));
            }
            threads.run(slices, slice -> {
                Task task = Objects.requireNonNull(free.poll());
                try {
                    for (long i = count * slice / slices; i < count * (slice + 1) / slices; i++) {
                        task.treat(i);
                    }
                } finally {
                    free.add(task);
                }
            });
        }
    }
}
