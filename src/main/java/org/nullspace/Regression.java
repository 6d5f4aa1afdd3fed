package org.nullspace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Factorization;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.Plan;
import org.nullspace.model.RankDecision;
import org.nullspace.model.RidgePath;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.solve.Design;
import org.nullspace.solve.Factors;
import org.nullspace.solve.Planner;
import org.nullspace.solve.Solver;

/** X in factorized form with everything that belongs to it: session, memory, lock. Solution sets are made from it. */
final class Regression implements Factorization {
    private final Session session;
    private final boolean ownsSession;
    private final MemoryScope scope;
    private final Matrix x;
    private final SolveOptions options;
    private final Design design;
    private final Solver.Result result;
    private final List<String> history;
    private final ReentrantLock lock;
    private @Nullable RankDecision decision;

    private Regression(
            Session session,
            boolean ownsSession,
            ReentrantLock lock,
            MemoryScope scope,
            Matrix x,
            SolveOptions options,
            Design design,
            Solver.Result result,
            List<String> history) {
        this.session = session;
        this.ownsSession = ownsSession;
        this.lock = lock;
        this.scope = scope;
        this.x = x;
        this.options = options;
        this.design = design;
        this.result = result;
        this.history = history;
    }

    static Regression factor(Matrix x, SolveOptions options) {
        BackendSelection selection = BackendSelection.of(options);
        return factor(selection.open(), true, new ReentrantLock(), selection.notes(), x, options);
    }

    /**
     * Factorizes on a session that is already open.
     *
     * @param ownsSession whether the session is closed with the regression, and when the factorization throws
     * @param lock held while the session is used; one for all regressions of a session
     */
    static Regression factor(
            Session session,
            boolean ownsSession,
            ReentrantLock lock,
            List<String> notes,
            Matrix x,
            SolveOptions options) {
        MemoryScope scope = MemoryScope.open();
        try {
            // Y is not known yet: its share of the workspace is counted for one target.
            Plan plan = Planner.plan(x.rows(), x.columns(), 1, x.precision(), x.place(), options, session);
            Solver.requireFits(session, x, plan);
            Design design = Design.of(session, scope, x, options, plan.streamed());
            Solver.Result result = Solver.factor(session, scope, design.x(), x.precision(), options, plan);
            List<String> history = new ArrayList<>(notes);
            history.addAll(result.history());
            Regression regression =
                    new Regression(session, ownsSession, lock, scope, x, options, design, result, List.copyOf(history));
            if (options.spectrum() && result.factors() != null) {
                regression.rankDecision();
            }
            return regression;
        } catch (RuntimeException | Error e) {
            closeQuietly(e, scope::close);
            if (ownsSession) {
                closeQuietly(e, session::close);
            }
            throw e;
        }
    }

    /** The solution set of one regression; it owns the factorization. */
    static SolutionSet solve(Matrix x, Matrix y, SolveOptions options) {
        Regression regression = factor(x, options);
        try {
            return regression.solve(y, true);
        } catch (RuntimeException | Error e) {
            closeQuietly(e, regression::close);
            throw e;
        }
    }

    private static void closeQuietly(Throwable first, Runnable close) {
        try {
            close.run();
        } catch (RuntimeException e) {
            first.addSuppressed(e);
        }
    }

    @Override
    public SolutionSet solve(Matrix y) {
        return solve(y, false);
    }

    SolutionSet solve(Matrix y, boolean owning) {
        requireTargets(y);
        return locked(() -> Solved.of(this, y, owning));
    }

    @Override
    public RidgePath ridgePath(Matrix y, double... penalties) {
        requireTargets(y);
        PenaltyPath.requirePenalties(penalties);
        return locked(() -> PenaltyPath.of(this, y, penalties.clone()));
    }

    private void requireTargets(Matrix y) {
        Operand.requireSingle("Y", y);
        if (y.rows() != x.rows()) {
            throw new ShapeMismatchException(
                    "X has shape " + x.shape() + ", Y has shape " + y.shape() + ": both must have one row per sample");
        }
    }

    /** Runs work that uses the session; one thread at a time. */
    <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            if (scope.isClosed()) {
                throw new ClosedException(
                        "the solution set or factorization of X (" + x.shape() + ") was used after it had been closed");
            }
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    /** Frees what was made inside this regression, when no other thread uses it. */
    void close(MemoryScope inside) {
        lock.lock();
        try {
            inside.close();
        } finally {
            lock.unlock();
        }
    }

    Session session() {
        return session;
    }

    MemoryScope scope() {
        return scope;
    }

    Design design() {
        return design;
    }

    SolveOptions options() {
        return options;
    }

    /** X as it was handed in. */
    Matrix x() {
        return x;
    }

    Precision dataPrecision() {
        return x.precision();
    }

    /** The factors, or an exception that says why there are none. */
    Factors factors() {
        Factors factors = result.factors();
        if (factors == null) {
            throw new NoSolutionException(
                    "X (" + x.shape() + ") has no factorization: " + outcome().text());
        }
        return factors;
    }

    /**
     * The design with its columns multiplied by factors, factorized anew.
     *
     * @param owner owner of the copy and of the factors
     * @param units a factor for each feature
     */
    Factors factorScaled(MemoryScope owner, double[] units) {
        Matrix reduced = design.x();
        if (!reduced.place().equals(session.place())) {
            throw new InsufficientMemoryException(
                    "a copy of X (" + x.shape()
                            + ") with scaled columns does not fit beside X: use a device with more memory, or"
                            + " backend CPU",
                    reduced.byteSize(),
                    session.memoryBytes());
        }
        Matrix scaled =
                session.allocate(owner, Precision.FLOAT64, 1, reduced.rows(), reduced.columns(), reduced.layout());
        session.copy(reduced, scaled);
        if (!scaled.isEmpty()) {
            try (MemoryScope scratch = MemoryScope.open()) {
                session.scaleRows(Operand.column(session, scratch, Precision.FLOAT64, units), scaled.transposed());
            }
        }
        SolveOptions plain =
                SolveOptions.builder().rankTolerance(options.rankTolerance()).build();
        Plan plan =
                Planner.plan(scaled.rows(), scaled.columns(), 1, Precision.FLOAT64, session.place(), plain, session);
        Solver.requireFits(session, scaled, plan);
        Solver.Result again = Solver.factor(session, owner, scaled, dataPrecision(), plain, plan);
        Factors found = again.factors();
        if (found == null) {
            throw new NoSolutionException("X (" + x.shape() + ") with scaled columns has no factorization: "
                    + again.outcome().text());
        }
        return found;
    }

    RankDecision rankDecision() {
        RankDecision known = decision;
        if (known == null) {
            Matrix factorized = design.x();
            known = options.rankTolerance()
                    .decide(
                            factors().singularValues(),
                            factorized.rows(),
                            factorized.columns(),
                            dataPrecision(),
                            factors().precision());
            decision = known;
        }
        return known;
    }

    @Override
    public Outcome outcome() {
        return result.outcome();
    }

    @Override
    public int rank() {
        return factors().rank();
    }

    @Override
    public Method method() {
        return result.method();
    }

    @Override
    public List<String> history() {
        return history;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (scope.isClosed()) {
                return;
            }
            try {
                scope.close();
            } finally {
                if (ownsSession) {
                    session.close();
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
