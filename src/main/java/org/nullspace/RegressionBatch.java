package org.nullspace;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.ClosedException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.solve.CertifiedBatch;

/**
 * Solution sets of a batch, on one device or spread over several. Small problems of full rank are solved together by {@link CertifiedBatch}
 * where the device can do that, and are factorized one by one only when their solution sets are asked for; all others are factorized at once.
 */
final class RegressionBatch implements SolutionBatch {
    private final DeviceGroup devices;
    private final MemoryScope scope;
    private final List<String> notes;
    private final SolveOptions options;
    private final Matrix x;
    private final Matrix minimumNorm;
    private final AtomicReferenceArray<@Nullable SolutionSet> problems;
    private final Outcome[] outcomes;
    private final int[] ranks;
    private @Nullable Matrix targets;

    private RegressionBatch(
            DeviceGroup devices, MemoryScope scope, List<String> notes, Matrix x, long k, SolveOptions options) {
        int size = Math.toIntExact(x.batch());
        this.devices = devices;
        this.scope = scope;
        this.notes = notes;
        this.options = options;
        this.x = x;
        this.minimumNorm = Matrix.uninitialized(scope, x.precision(), size, x.columns(), k, Layout.ROW_MAJOR);
        this.problems = new AtomicReferenceArray<>(size);
        this.outcomes = new Outcome[size];
        this.ranks = new int[size];
    }

    static RegressionBatch solve(Matrix x, Matrix y, SolveOptions options) {
        BackendSelection selection = BackendSelection.of(options);
        boolean small = CertifiedBatch.isSmall(x.rows(), x.columns());
        return solve(new DeviceGroup(selection.openAll(x.batch(), small)), selection.notes(), x, y, options);
    }

    /**
     * Solves on devices that are open already.
     *
     * @param devices owned by the batch, and closed if this throws
     */
    static RegressionBatch solve(DeviceGroup devices, List<String> notes, Matrix x, Matrix y, SolveOptions options) {
        MemoryScope scope = MemoryScope.open();
        try {
            RegressionBatch batch = new RegressionBatch(devices, scope, notes, x, y.columns(), options);
            batch.solve(y);
            return batch;
        } catch (RuntimeException | Error e) {
            try (devices;
                    scope) {
                throw e;
            }
        }
    }

    private void solve(Matrix y) {
        BitSet certified = devices.onFirst((session, lock) -> certified(session, y));
        if (!certified.isEmpty()) {
            Arrays.fill(outcomes, Outcome.FULL_RANK);
            Arrays.fill(ranks, (int) Math.min(x.rows(), x.columns()));
            Matrix copy = Matrix.uninitialized(scope, y.precision(), y.batch(), y.rows(), y.columns(), y.layout());
            copy.copyFrom(y);
            targets = copy;
        }
        if (certified.cardinality() == outcomes.length) {
            return;
        }
        devices.run(outcomes.length, (session, lock, b) -> {
            if (!certified.get(b)) {
                SolutionSet alone = alone(session, lock, b, y);
                outcomes[b] = alone.outcome();
                ranks[b] = alone.outcome().isSolved() ? alone.rank() : -1;
                minimumNorm.problem(b).copyFrom(alone.minimumNorm());
            }
        });
    }

    private BitSet certified(Session session, Matrix y) {
        return x.batch() > 0 && CertifiedBatch.covers(session, x.rows(), x.columns(), y.columns(), options)
                ? CertifiedBatch.solve(session, x, y, options.rankTolerance(), minimumNorm)
                : new BitSet();
    }

    /** Factorizes one problem and keeps its solution set. */
    private SolutionSet alone(Session session, ReentrantLock lock, int b, Matrix y) {
        Regression regression = Regression.factor(session, false, lock, notes, x.problem(b), options);
        scope.register(regression::close, 0);
        SolutionSet set = regression.solve(y.problem(b), true);
        problems.set(b, set);
        return set;
    }

    @Override
    public int size() {
        return outcomes.length;
    }

    @Override
    public SolutionSet problem(int index) {
        if (index < 0 || index >= outcomes.length) {
            throw new IndexOutOfBoundsException("problem " + index + " of a batch of " + outcomes.length);
        }
        SolutionSet known = problems.get(index);
        return known != null ? known : devices.onFirst((session, lock) -> onDemand(session, lock, index));
    }

    private SolutionSet onDemand(Session session, ReentrantLock lock, int index) {
        SolutionSet known = problems.get(index);
        if (known != null) {
            return known;
        }
        Matrix y = targets;
        if (y == null || scope.isClosed()) {
            throw new ClosedException("problem " + index + " of a batch of " + outcomes.length + " (X " + x.shape()
                    + ") was asked for after the batch had been closed");
        }
        return alone(session, lock, index, y);
    }

    @Override
    public Outcome[] outcomes() {
        return outcomes.clone();
    }

    @Override
    public int[] ranks() {
        return ranks.clone();
    }

    @Override
    public Matrix minimumNorm() {
        return minimumNorm;
    }

    @Override
    public void close() {
        devices.onFirst((session, lock) -> {
            if (!scope.isClosed()) {
                try (devices) {
                    scope.close();
                }
            }
            return true;
        });
    }
}
