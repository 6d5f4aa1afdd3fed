package org.nullspace.backend.openblas;

import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.matrix.Matrix;

/**
 * Batches of small problems: groups of {@link Lanes#COUNT} problems are brought into lanes, factorized by {@link LaneQr}, treated by {@link
 * LaneMinimumNorm}, {@link LaneSpectrum}, {@link LaneTruncated} or {@link LaneBasis}, and written back; the groups are spread over the threads.
 * Which problems share a group changes no result. Scratch is made once for each thread, nothing for a group or a problem.
 */
final class SmallProblems {
    /** Slices for each thread, so that one that is held up leaves its share to the others. */
    private static final int SLICES = 8;

    /**
     * Entries of X and of a target's column for each k, at most. Measured on one core of an AMD EPYC with float64 data, 1000 problems and one
     * target (OpenJDK 17, OpenBLAS 0.3.31): 32×256 takes 0.08 ms a problem here and 0.15 ms with the Gram method alone, 40×200 0.09 and 0.16 ms,
     * 48×384 0.24 ms either way. Scratch takes about 0.5 KiB per entry and thread.
     */
    private static final long LARGEST = 10_000;

    /**
     * The smaller one of n and d where singular values are wanted, at most. Processor time for a problem on one core of the same machine, singular
     * values here and by LAPACK's gesdd, then solutions from singular triplets here and gesdd with vectors alone: 16×64, 0.020 and 0.026 ms,
     * 0.032 and 0.050 ms; 32×256, 0.14 and 0.13 ms, 0.27 and 0.25 ms; 48×200, 0.21 and 0.22 ms, 0.65 and 0.46 ms; 64×128, 0.29 and 0.29 ms, 1.4
     * and 0.67 ms; 99×99, 0.51 and 0.50 ms, 4.7 and 1.2 ms.
     */
    private static final long LARGEST_ORDER = 48;

    /** Bytes of scratch that does not grow with the shape, for one thread. */
    private static final int FIXED = 40_000;

    private final OpenBlasThreads threads;

    SmallProblems(OpenBlasThreads threads) {
        this.threads = threads;
    }

    /** Whether problems of a shape are small. */
    static boolean covers(long n, long d, long k) {
        return n >= 1
                && d >= 1
                && k >= 1
                && n <= LARGEST
                && d <= LARGEST
                && k <= LARGEST
                && n * d + Math.max(n, d) * k <= LARGEST;
    }

    /** Whether spectra of problems of a shape are found here. */
    static boolean coversSpectra(long n, long d, long k) {
        return Math.min(n, d) <= LARGEST_ORDER && covers(n, d, k);
    }

    /** Bytes of the lanes and of what is on its way to and from them, for all threads. */
    long scratchBytes(long batch, long n, long d, long k) {
        double p = Math.min(n, d);
        double entries = LaneQr.entries(n, d)
                + Math.max(
                        LaneMinimumNorm.entries(n, d, k) + LaneSpectrum.entries(n, d),
                        Math.max(LaneTruncated.entries(n, d, k), LaneBasis.entries(n, d, k)));
        double ported = n * (double) d + (n + d) * (double) k + d * (double) k + p + 2;
        double groups = Math.min(threads.count(), Math.ceil(batch / (double) Lanes.COUNT));
        return (long) (groups * (FIXED + Lanes.bytes(entries) + LanePort.bytes(ported)));
    }

    /**
     * Solves, see {@link org.nullspace.backend.BatchSolver#minimumNorm}.
     *
     * @param x B×n×d
     * @param y B×n×k
     * @param w written: B×d×k
     * @param bounds written: B×1×2, ‖X‖_F and ‖R⁻¹‖_F, or NaN
     * @param sigma written: B×p×1, or null
     */
    void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma) {
        LaneSelection all = LaneSelection.all(w.batch());
        run(all, () -> {
            Factored factored = new Factored(x, all);
            LaneMinimumNorm solver = new LaneMinimumNorm(factored.qr, (int) y.columns());
            LanePort targets = new LanePort(y, all, solver::y);
            LanePort solutions = new LanePort(w, all, solver::w);
            LanePort judged = new LanePort(bounds, all, (i, j) -> j == 0 ? solver.norm() : solver.normOfInverse());
            Group spectrum = sigma == null ? group -> {} : spectrum(factored.qr, sigma, all);
            return group -> {
                factored.read(group);
                targets.read(group);
                solver.solve();
                solutions.write(group, solver.norm());
                judged.write(group, solver.norm());
                spectrum.treat(group);
            };
        });
    }

    /** Finds singular values, see {@link org.nullspace.backend.BatchSolver#singularValues}. */
    void singularValues(Matrix x, int[] which, Matrix sigma) {
        LaneSelection chosen = LaneSelection.of(which);
        run(chosen, () -> {
            Factored factored = new Factored(x, chosen);
            Group spectrum = spectrum(factored.qr, sigma, LaneSelection.all(which.length));
            return group -> {
                factored.read(group);
                spectrum.treat(group);
            };
        });
    }

    private static Group spectrum(LaneQr qr, Matrix sigma, LaneSelection places) {
        LaneSpectrum spectrum = new LaneSpectrum(qr);
        LanePort values = new LanePort(sigma, places, (i, j) -> spectrum.sigma(i));
        double[] ignored = new double[Lanes.COUNT];
        return group -> {
            spectrum.solve();
            values.write(group, ignored);
        };
    }

    /** Solves from the leading singular triplets, see {@link org.nullspace.backend.BatchSolver#truncated}. */
    void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
        LaneSelection chosen = LaneSelection.of(which);
        run(chosen, () -> {
            Factored factored = new Factored(x, chosen);
            LaneTruncated solver = new LaneTruncated(factored.qr, (int) y.columns());
            LanePort targets = new LanePort(y, chosen, solver::y);
            LanePort solutions = new LanePort(w, chosen, solver::w);
            int[] lanes = new int[Lanes.COUNT];
            return group -> {
                ranks(ranks, chosen, group, lanes);
                factored.read(group);
                targets.read(group);
                solver.solve(lanes, lambda);
                solutions.writeOrNaN(group, solver.verdict());
            };
        });
    }

    /** Transforms vectors, see {@link org.nullspace.backend.BatchSolver#transform}. */
    void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
        LaneSelection all = LaneSelection.all(c.batch());
        run(all, () -> {
            Factored factored = new Factored(x, all);
            LaneBasis basis = new LaneBasis(factored.qr, (int) x.columns(), (int) c.columns());
            LanePort vectors = new LanePort(c, all, basis::c);
            int[] lanes = new int[Lanes.COUNT];
            double[] ignored = new double[Lanes.COUNT];
            return group -> {
                ranks(ranks, all, group, lanes);
                factored.read(group);
                vectors.read(group);
                basis.decompose(lanes);
                basis.apply(transform, lanes);
                vectors.write(group, ignored);
            };
        });
    }

    /** Ranks of the problems of a group; 0 in lanes without a problem. */
    private static void ranks(int[] ranks, LaneSelection selection, long group, int[] lanes) {
        int count = selection.count(group);
        System.arraycopy(ranks, (int) (group * Lanes.COUNT), lanes, 0, count);
        Arrays.fill(lanes, count, Lanes.COUNT, 0);
    }

    // ---- groups and threads

    /** What is done with one group of problems after another, with scratch of its own. */
    private interface Group {
        void treat(long group);
    }

    /** The factorizations of a group. Where all problems share one X, those of a full group serve all others. */
    private static final class Factored {
        private final LaneQr qr;
        private final LanePort port;
        private final boolean shared;
        private final LaneSelection selection;
        private boolean done;

        private Factored(Matrix x, LaneSelection selection) {
            qr = new LaneQr((int) x.rows(), (int) x.columns());
            port = new LanePort(x, selection, qr::x);
            shared = x.batch() == 1;
            this.selection = selection;
        }

        private void read(long group) {
            if (!done) {
                port.read(group);
                qr.factor();
                done = shared && selection.count(group) == Lanes.COUNT;
            }
        }
    }

    private void run(LaneSelection selection, Supplier<Group> scratch) {
        long groups = selection.groups();
        int slices = (int) Math.min(groups, (long) SLICES * threads.count());
        Queue<Group> free = new ConcurrentLinkedQueue<>();
        threads.run(slices, slice -> {
            Group known = free.poll();
            Group group = known == null ? scratch.get() : known;
            for (long g = groups * slice / slices; g < groups * (slice + 1) / slices; g++) {
                group.treat(g);
            }
            free.add(group);
        });
    }
}
