package org.nullspace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.solve.BatchPlanner;
import org.nullspace.solve.BatchProducts;
import org.nullspace.solve.SmallBatch;

/**
 * A batch whose problems have each their own X, on one device or spread over several. Small problems are solved together, tile by tile, by
 * {@link SmallBatch} where the device can do that; what that leaves is solved alone. Solution sets of single problems are kept where all of
 * them take little memory, and made anew whenever they are needed where they do not, except those that were handed out.
 */
final class RegressionBatch extends BatchResults {
    private final DeviceGroup devices;
    private final boolean ownsDevices;
    private final List<String> notes;
    private final Matrix targets;
    private final BatchPlanner.Tiles tiles;
    private final List<BatchFailure> failures = new ArrayList<>();
    private final boolean[] together;
    private int[] alone = {};
    private @Nullable Matrix aloneResiduals;

    private RegressionBatch(
            DeviceGroup devices,
            boolean ownsDevices,
            MemoryScope scope,
            List<String> notes,
            Matrix x,
            Matrix y,
            BatchPlanner.Tiles tiles,
            SolveOptions options) {
        super(scope, x, Math.toIntExact(x.batch()), y.columns(), options);
        this.devices = devices;
        this.ownsDevices = ownsDevices;
        this.notes = notes;
        this.tiles = tiles;
        this.together = new boolean[size];
        Matrix copy = Matrix.uninitialized(scope, y.precision(), y.batch(), n, k, y.layout());
        copy.copyFrom(y);
        this.targets = copy;
        Arrays.fill(ranks, SmallBatch.UNSOLVED);
    }

    /**
     * Solves.
     *
     * @param devices closed with the batch if it owns them; if this throws, the caller closes them
     * @param notes why the devices were chosen
     * @param x B×n×d
     * @param y B×n×k or 1×n×k; copied
     * @param lenient whether a batch of which nothing could be computed is a result too, not an exception
     */
    static RegressionBatch solve(
            DeviceGroup devices,
            boolean ownsDevices,
            List<String> notes,
            Matrix x,
            Matrix y,
            SolveOptions options,
            BatchProgress progress,
            boolean lenient) {
        BatchPlanner.Tiles tiles = BatchPlanner.tiles(
                devices.first(), x.batch(), x.rows(), x.columns(), y.columns(), x.precision(), options);
        tiles.requireFits(y.batch() * y.rows() * y.columns() * y.precision().bytes());
        MemoryScope scope = MemoryScope.open();
        try {
            RegressionBatch batch = new RegressionBatch(devices, ownsDevices, scope, notes, x, y, tiles, options);
            batch.solve(progress, lenient);
            return batch;
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    // ---- solving

    private void solve(BatchProgress progress, boolean lenient) {
        Matrix sigma = options.spectrum() ? newSigma() : null;
        if (isSmall() && size > 0) {
            AtomicInteger settled = new AtomicInteger();
            BatchProgress sofar = (done, total) -> progress.at(settled.get(), total);
            DeviceGroup.Trouble trouble = (from, to, e) -> {
                settled.addAndGet(to - from);
                return lost(from, to, e);
            };
            devices.onDevices(size, tiles.size(), sofar, trouble, (session, from, to) -> {
                int[] found = small(session)
                        .solve(
                                part(x, from, to),
                                part(targets, from, to),
                                minimumNorm.problems(from, to),
                                sigma == null ? null : sigma.problems(from, to));
                settled.addAndGet(settle(found, from));
            });
        }
        alone = IntStream.range(0, size).filter(b -> outcomes[b] == null).toArray();
        Matrix residuals =
                alone.length == 0 ? null : Matrix.uninitialized(scope, Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
        aloneResiduals = residuals;
        Matrix constants = options.intercept() == InterceptRule.NONE
                ? null
                : Matrix.zeros(scope, Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
        boolean keep = tiles.keeps(alone.length);
        int before = size - alone.length;
        BatchProgress rest = (done, total) -> progress.at(before + done, size);
        DeviceGroup.Trouble trouble = (from, to, e) -> {
            for (int i = from; i < to; i++) {
                lost(alone[i], alone[i] + 1, e);
            }
            return isConfined(e);
        };
        devices.onSessions(alone, size, rest, trouble, (session, lock, b) -> {
            lock.lock();
            try {
                solveAlone(session, lock, b, keep, residuals, constants, sigma);
            } finally {
                lock.unlock();
            }
        });
        alone = Arrays.stream(alone)
                .filter(b -> outcomes[b] != Outcome.NOT_COMPUTED)
                .toArray();
        if (constants != null) {
            setIntercepts(constants);
            spoilFailed(constants);
        }
        if (sigma != null) {
            setSigma(sigma);
            spoilFailed(sigma);
        }
        finish(lenient);
    }

    /** Whether problems of this shape are solved together, on any of the devices. */
    private boolean isSmall() {
        return SmallBatch.of(devices.first(), n, d, k, x.precision(), options) != null;
    }

    private SmallBatch small(Session session) {
        return Objects.requireNonNull(SmallBatch.of(session, n, d, k, x.precision(), options));
    }

    /** Takes over what was found, and counts it. */
    private int settle(int[] found, int from) {
        int full = (int) Math.min(n, d);
        int settled = 0;
        for (int i = 0; i < found.length; i++) {
            if (found[i] != SmallBatch.UNSOLVED) {
                ranks[from + i] = found[i];
                outcomes[from + i] = found[i] == full ? Outcome.FULL_RANK : Outcome.RANK_REDUCED;
                together[from + i] = true;
                settled++;
            }
        }
        return settled;
    }

    private void solveAlone(
            Session session,
            ReentrantLock lock,
            int b,
            boolean keep,
            @Nullable Matrix residuals,
            @Nullable Matrix constants,
            @Nullable Matrix sigma) {
        SolutionSet set = make(session, lock, b);
        try {
            minimumNorm.problem(b).copyFrom(set.minimumNorm());
            if (residuals != null) {
                write(set.residualNorms(), residuals, b);
            }
            if (set.outcome().isSolved()) {
                ranks[b] = set.rank();
                if (sigma != null) {
                    write(set.singularValues(), sigma, b);
                }
                if (constants != null) {
                    write(set.intercept(), constants, b);
                }
            }
            outcomes[b] = set.outcome();
        } finally {
            if (keep && outcomes[b] != null) {
                keep(b, set);
            } else {
                set.close();
            }
        }
    }

    /** A solution set, which owns its factorization. */
    private SolutionSet make(Session session, ReentrantLock lock, int b) {
        Regression regression = Regression.factor(session, false, lock, notes, x.problem(b), options);
        try {
            return regression.solve(targets.problem(targets.batch() == 1 ? 0 : b), true);
        } catch (RuntimeException | Error e) {
            regression.close();
            throw e;
        }
    }

    /** Whether a failure ends with the problems that it hit. */
    private static boolean isConfined(RuntimeException e) {
        return e instanceof BackendException || e instanceof InsufficientMemoryException;
    }

    private boolean lost(int from, int to, RuntimeException e) {
        if (!isConfined(e)) {
            return false;
        }
        synchronized (failures) {
            failures.add(new BatchFailure(from, (long) to - from, e));
        }
        for (int b = from; b < to; b++) {
            outcomes[b] = Outcome.NOT_COMPUTED;
            ranks[b] = SmallBatch.UNSOLVED;
            together[b] = false;
        }
        return true;
    }

    /** A batch of which nothing could be computed has failed as a whole. */
    private void finish(boolean lenient) {
        List<BatchFailure> merged = merged(failures);
        failures.clear();
        failures.addAll(merged);
        for (BatchFailure failure : failures) {
            for (long b = failure.first(); b < failure.first() + failure.count(); b++) {
                spoil(minimumNorm, (int) b);
            }
        }
        boolean nothing = !lenient && size > 0 && Arrays.stream(outcomes).allMatch(o -> o == Outcome.NOT_COMPUTED);
        if (nothing) {
            throw failures.get(0).cause();
        }
    }

    /** In ascending order, with neighbours of one cause together. */
    private static List<BatchFailure> merged(List<BatchFailure> all) {
        List<BatchFailure> sorted = new ArrayList<>(all);
        sorted.sort(Comparator.comparingLong(BatchFailure::first));
        List<BatchFailure> out = new ArrayList<>();
        for (BatchFailure next : sorted) {
            BatchFailure last = out.isEmpty() ? null : out.get(out.size() - 1);
            if (last != null && last.cause() == next.cause() && last.first() + last.count() == next.first()) {
                out.set(out.size() - 1, new BatchFailure(last.first(), last.count() + next.count(), last.cause()));
            } else {
                out.add(next);
            }
        }
        return out;
    }

    // ---- single problems

    @Override
    SolutionSet make(int problem) {
        return devices.onDeviceOf(problem, size, (session, lock) -> make(session, lock, problem));
    }

    @Override
    void onSets(int[] which, SetUse use) {
        int[] solved = Arrays.stream(which).filter(this::solved).toArray();
        devices.onSessions(solved, size, BatchProgress.NONE, DeviceGroup.Trouble.FATAL, (session, lock, b) -> {
            SolutionSet known = sets.get(b);
            if (known != null) {
                // It has a lock of its own; two at a time could wait for each other.
                use.apply(known, b);
                return;
            }
            lock.lock();
            try (SolutionSet set = make(session, lock, b)) {
                use.apply(set, b);
            } finally {
                lock.unlock();
            }
        });
    }

    @Override
    public List<BatchFailure> failures() {
        return List.copyOf(failures);
    }

    @Override
    public String backend() {
        return devices.first().description();
    }

    // ---- all problems

    /** What is done with a tile of problems that were solved together. */
    private interface TileUse {
        /**
         * Uses a tile.
         *
         * @param small the way to solve
         * @param from index of the first problem
         * @param to index after the last
         */
        void apply(SmallBatch small, int from, int to);
    }

    /**
     * Does something with the problems that were solved together, tile by tile.
     *
     * @param vectors number of vectors of each problem
     * @return the problems that are left, to be looked at alone
     */
    private int[] onTogether(long vectors, TileUse use) {
        if (alone.length < size && isSmall()) {
            devices.onDevices(
                    size,
                    tiles.sizeForVectors(vectors),
                    BatchProgress.NONE,
                    DeviceGroup.Trouble.FATAL,
                    (session, from, to) -> use.apply(small(session), from, to));
        }
        return alone;
    }

    /** Ranks of a tile; UNSOLVED for problems that were not solved together. */
    private int[] togetherRanks(int from, int to) {
        int[] out = new int[to - from];
        for (int b = from; b < to; b++) {
            out[b - from] = together[b] ? ranks[b] : SmallBatch.UNSOLVED;
        }
        return out;
    }

    private int[] togetherIn(int from, int to) {
        return IntStream.range(0, to - from).filter(i -> together[from + i]).toArray();
    }

    private void transform(Transform how, Matrix c, int from, int to, SmallBatch small) {
        small.transform(how, part(x, from, to), togetherRanks(from, to), c);
    }

    @Override
    void projectAll(Matrix c) {
        Matrix before = alone.length == 0 ? c : c.copy(c.layout());
        int[] rest = onTogether(
                c.columns(),
                (small, from, to) -> transform(Transform.PROJECT_ON_NULL_SPACE, c.problems(from, to), from, to, small));
        onSets(rest, (set, b) -> c.problem(b).copyFrom(set.nullSpace().project(before.problem(b))));
    }

    @Override
    void coordinatesAll(Matrix w, Matrix c) {
        Matrix before = alone.length == 0 ? w : w.copy(w.layout());
        int[] rest = onTogether(w.columns(), (small, from, to) -> {
            transform(Transform.TO_COORDINATES, w.problems(from, to), from, to, small);
            for (int b = from; b < to; b++) {
                if (together[b]) {
                    c.problem(b).rows(0, d - ranks[b]).copyFrom(w.problem(b).rows(ranks[b], d));
                }
            }
        });
        onSets(
                rest,
                (set, b) -> c.problem(b)
                        .rows(0, d - ranks[b])
                        .copyFrom(set.nullSpace().coordinates(before.problem(b))));
    }

    @Override
    void combineAll(Matrix c, Matrix w) {
        int[] rest = onTogether(c.columns(), (small, from, to) -> {
            for (int b = from; b < to; b++) {
                if (together[b]) {
                    w.problem(b).rows(ranks[b], d).copyFrom(coordinatesOf(c, b));
                }
            }
            transform(Transform.FROM_COORDINATES, w.problems(from, to), from, to, small);
        });
        onSets(rest, (set, b) -> w.problem(b).copyFrom(set.nullSpace().combine(coordinatesOf(c, b))));
    }

    private Matrix coordinatesOf(Matrix c, int b) {
        return c.problem(c.batch() == 1 ? 0 : b).rows(0, d - ranks[b]);
    }

    @Override
    void ridgeAll(double lambda, Matrix w) {
        int[] rest = onTogether(
                k,
                (small, from, to) -> small.ridge(
                        part(x, from, to),
                        part(targets, from, to),
                        togetherIn(from, to),
                        togetherRanks(from, to),
                        lambda,
                        w.problems(from, to)));
        onSets(rest, (set, b) -> w.problem(b).copyFrom(set.ridge(lambda)));
    }

    @Override
    void addMinimumNorm(Matrix c) {
        if (x.precision() == Precision.FLOAT64) {
            add(minimumNorm, c);
            return;
        }
        int[] rest = onTogether(k, (small, from, to) -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                add(wideMinimumNorm(scratch, small, from, to), c.problems(from, to));
            }
        });
        onSets(rest, (set, b) -> {
            Matrix zero = Matrix.zeros(Precision.FLOAT64, 1, d, k, Layout.COLUMN_MAJOR);
            add(set.closestTo(zero), c.problem(b));
        });
    }

    /** W₀ of a tile in float64: solved again where the solutions were rounded when they were delivered. */
    private Matrix wideMinimumNorm(MemoryScope scratch, SmallBatch small, int from, int to) {
        if (x.precision() == Precision.FLOAT64) {
            return minimumNorm.problems(from, to);
        }
        Matrix w = Matrix.zeros(scratch, Precision.FLOAT64, (long) to - from, d, k, Layout.COLUMN_MAJOR);
        small.solve(part(x, from, to), part(targets, from, to), w, null);
        return w;
    }

    @Override
    void spectraAll(Matrix values) {
        int[] rest = onTogether(
                1,
                (small, from, to) ->
                        small.singularValues(part(x, from, to), togetherIn(from, to), values.problems(from, to)));
        onSets(rest, (set, b) -> write(set.singularValues(), values, b));
    }

    @Override
    RankDecision decision(int problem) {
        if (!together[problem]) {
            SolutionSet known = sets.get(problem);
            if (known != null) {
                return known.rankDecision();
            }
            try (SolutionSet set = make(problem)) {
                return set.rankDecision();
            }
        }
        Matrix all = singularValues();
        double[] values = new double[(int) all.rows()];
        for (int i = 0; i < values.length; i++) {
            values[i] = all.get(problem, i, 0);
        }
        return options.rankTolerance().decide(values, n, d, x.precision());
    }

    /** Problems that were solved alone have told theirs; what a device loses now is NaN. */
    @Override
    void residualsAll(Matrix norms) {
        if (alone.length < size && isSmall()) {
            DeviceGroup.Trouble unknown = (from, to, e) -> {
                for (int b = from; b < to; b++) {
                    spoil(norms, b);
                }
                return isConfined(e);
            };
            devices.onDevices(size, tiles.size(), BatchProgress.NONE, unknown, (session, from, to) -> {
                try (MemoryScope scratch = MemoryScope.open()) {
                    BatchProducts.residualNorms(
                            session,
                            part(x, from, to),
                            wideMinimumNorm(scratch, small(session), from, to),
                            part(targets, from, to),
                            norms.problems(from, to));
                }
            });
        }
        Matrix told = aloneResiduals;
        if (told != null) {
            for (int b : alone) {
                norms.problem(b).copyFrom(told.problem(b));
            }
        }
    }

    @Override
    int[] fixTogether(BatchPrescription prescription) {
        return onTogether(Math.max(1, prescription.indices().length), (small, from, to) -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix design = part(x, from, to);
                Matrix sigma = Matrix.zeros(
                        scratch, Precision.FLOAT64, (long) to - from, Math.min(n, d), 1, Layout.COLUMN_MAJOR);
                small.singularValues(design, togetherIn(from, to), sigma);
                Matrix axes = prescription.axes(scratch, to - from);
                transform(Transform.PROJECT_ON_NULL_SPACE, axes, from, to, small);
                Matrix base = wideMinimumNorm(scratch, small, from, to);
                for (int i : togetherIn(from, to)) {
                    int rank = ranks[from + i];
                    double condition = rank == 0 ? 1 : sigma.get(i, 0, 0) / sigma.get(i, rank - 1L, 0);
                    prescription.solve(from + i, axes.problem(i), base.problem(i), condition);
                }
            }
        });
    }

    @Override
    void productsAll(Matrix samples, Matrix w, Matrix out) {
        double entries = (double) samples.rows() * d + (double) (samples.rows() + d) * k;
        devices.onDevices(
                size,
                tiles.sizeForBytes(Double.BYTES * entries),
                BatchProgress.NONE,
                DeviceGroup.Trouble.FATAL,
                (session, from, to) -> multiply(session, samples, w, out, from, to));
    }

    @Override
    void closeWork() {
        if (ownsDevices) {
            devices.close();
        }
    }
}
