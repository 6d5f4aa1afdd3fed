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
final class SmallProblems implements BatchProblems {
    /** Slices for each thread, so that one that is held up leaves its share to the others. */
    private static final int SLICES = 8;

    /** Entries of X and of a target's column for each k, at most: lanes take about 0.5 KiB per entry and thread. */
    private static final long LARGEST = 10_000;

    /**
     * Entries of X of a problem that is treated in lanes, at most. Milliseconds for a problem on one core of an AMD EPYC, here and by {@link
     * MediumProblems} (float64 data of full rank, one target, medians in turns under some load; OpenJDK 17, OpenBLAS 0.3.31):
     *
     * <pre>
     *           solution       with spectrum   from triplets   projection
     *   16×128  0.012  0.013   0.031  0.025    0.065  0.068    0.042  0.074
     *   48×48   0.033  0.039   0.105  0.395    0.764  0.466    0.626  0.549
     *   24×128  0.023  0.014   0.045  0.052    0.111  0.158    0.104  0.197
     *   32×128  0.058  0.027   0.115  0.103    0.340  0.265    0.212  0.305
     *   32×256  0.113  0.030   0.163  0.117    0.363  0.291    0.313  0.331
     *   48×200  0.171  0.067   0.276  0.189    0.884  0.522    0.733  0.651
     *   64×128  0.199  0.083   0.511  0.344    2.107  0.857    1.526  0.938
     * </pre>
     */
    private static final long LARGEST_ENTRIES = 2500;

    /** Bytes of scratch that does not grow with the shape, for one thread. */
    private static final int FIXED = 40_000;

    private final OpenBlasThreads threads;

    SmallProblems(OpenBlasThreads threads) {
        this.threads = threads;
    }

    /** Whether problems of a shape are treated in lanes, if {@link #covers} says so, and nowhere else. */
    static boolean areSmall(long n, long d) {
        return covers(n, d, 1) && n * d <= LARGEST_ENTRIES;
    }

    /** Whether lanes hold problems of a shape. */
    static boolean covers(long n, long d, long k) {
        return n >= 1
                && d >= 1
                && k >= 1
                && n <= LARGEST
                && d <= LARGEST
                && k <= LARGEST
                && n * d + Math.max(n, d) * k <= LARGEST;
    }

    /** Bytes of the lanes and of what is on its way to and from them, for all threads. */
    @Override
    public long scratchBytes(long batch, long n, long d, long k) {
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
    @Override
    public void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma) {
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
    @Override
    public void singularValues(Matrix x, int[] which, Matrix sigma) {
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
    @Override
    public void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
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
    @Override
    public void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
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
