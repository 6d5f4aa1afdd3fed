package org.nullspace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** Solution sets of a batch, one factorization each on one session. */
final class RegressionBatch implements SolutionBatch {
    private final Session session;
    private final MemoryScope scope;
    private final List<SolutionSet> problems;
    private final Outcome[] outcomes;
    private final int[] ranks;
    private final Matrix minimumNorm;

    private RegressionBatch(Session session, MemoryScope scope, List<SolutionSet> problems, Matrix minimumNorm) {
        this.session = session;
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
        Session session = selection.open();
        ReentrantLock lock = new ReentrantLock();
        MemoryScope scope = MemoryScope.open();
        List<SolutionSet> problems = new ArrayList<>();
        try {
            Matrix all =
                    Matrix.uninitialized(scope, x.precision(), x.batch(), x.columns(), y.columns(), Layout.ROW_MAJOR);
            for (int b = 0; b < Math.toIntExact(x.batch()); b++) {
                Regression regression =
                        Regression.factor(session, false, lock, selection.notes(), x.problem(b), options);
                scope.register(regression::close, 0);
                SolutionSet set = regression.solve(y.problem(b), true);
                problems.add(set);
                all.problem(b).copyFrom(set.minimumNorm());
            }
            return new RegressionBatch(session, scope, problems, all);
        } catch (RuntimeException | Error e) {
            try (session;
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
            try (session) {
                scope.close();
            }
        }
    }
}
