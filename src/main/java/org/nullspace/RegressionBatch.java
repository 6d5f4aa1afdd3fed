package org.nullspace;

import java.util.List;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** Solution sets of a batch, one factorization each, on one device or spread over several. */
final class RegressionBatch implements SolutionBatch {
    private final DeviceGroup devices;
    private final MemoryScope scope;
    private final List<SolutionSet> problems;
    private final Outcome[] outcomes;
    private final int[] ranks;
    private final Matrix minimumNorm;

    private RegressionBatch(DeviceGroup devices, MemoryScope scope, List<SolutionSet> problems, Matrix minimumNorm) {
        this.devices = devices;
        this.scope = scope;
        this.problems = problems;
        this.outcomes = problems.stream().map(SolutionSet::outcome).toArray(Outcome[]::new);
        this.ranks = problems.stream()
                .mapToInt(p -> p.outcome().isSolved() ? p.rank() : -1)
                .toArray();
        this.minimumNorm = minimumNorm;
    }

    static RegressionBatch solve(Matrix x, Matrix y, SolveOptions options) {
        BackendSelection selection = BackendSelection.of(options);
        return solve(new DeviceGroup(selection.openAll()), selection.notes(), x, y, options);
    }

    /**
     * Solves on devices that are open already.
     *
     * @param devices owned by the batch, and closed if this throws
     */
    static RegressionBatch solve(DeviceGroup devices, List<String> notes, Matrix x, Matrix y, SolveOptions options) {
        MemoryScope scope = MemoryScope.open();
        try {
            int size = Math.toIntExact(x.batch());
            Matrix all = Matrix.uninitialized(scope, x.precision(), size, x.columns(), y.columns(), Layout.ROW_MAJOR);
            SolutionSet[] problems = new SolutionSet[size];
            devices.run(size, (session, lock, b) -> {
                Regression regression = Regression.factor(session, false, lock, notes, x.problem(b), options);
                scope.register(regression::close, 0);
                problems[b] = regression.solve(y.problem(b), true);
                all.problem(b).copyFrom(problems[b].minimumNorm());
            });
            return new RegressionBatch(devices, scope, List.of(problems), all);
        } catch (RuntimeException | Error e) {
            try (devices;
                    scope) {
                throw e;
            }
        }
    }

    @Override
    public int size() {
        return problems.size();
    }

    @Override
    public SolutionSet problem(int index) {
        if (index < 0 || index >= problems.size()) {
            throw new IndexOutOfBoundsException("problem " + index + " of a batch of " + problems.size());
        }
        return problems.get(index);
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
        if (!scope.isClosed()) {
            try (devices) {
                scope.close();
            }
        }
    }
}
