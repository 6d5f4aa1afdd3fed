package org.nullspace.solve;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.Plan;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolveOptions;

/** Carries a plan out: tries its methods in order until one vouches for its result. */
public final class Solver {
    private Solver() {}

    /**
     * What came of a plan.
     *
     * @param factors the factorization, or null if the problem failed
     * @param outcome what happened
     * @param method the method that had the last word
     * @param history one sentence per method tried
     */
    public record Result(@Nullable Factors factors, Outcome outcome, Method method, List<String> history) {
        /**
         * Copies the list.
         *
         * @param factors the factorization, or null
         * @param outcome what happened
         * @param method the method that had the last word
         * @param history one sentence per method tried
         */
        public Result {
            history = List.copyOf(history);
        }
    }

    /**
     * Factorizes one matrix.
     *
     * @param session where to compute
     * @param scope owner of the factors
     * @param x n×d in the session's place, or on the host if the plan streams it; only read, and kept as a view by the factors
     * @param dataPrecision precision that the data were stored in, which sets the rank tolerance
     * @param options what is wanted
     * @param plan the plan for this shape, which {@link #requireFits} has passed
     * @return factors or the reason why there are none
     */
    public static Result factor(
            Session session, MemoryScope scope, Matrix x, Precision dataPrecision, SolveOptions options, Plan plan) {
        Method first = plan.methods().get(0);
        if (x.isEmpty()) {
            return new Result(
                    new ZeroFactors(session, scope, x, first),
                    Outcome.FULL_RANK,
                    first,
                    List.of(first + ": X has no entries"));
        }
        Precision working = dataPrecision == Precision.FLOAT32 ? options.precision() : Precision.FLOAT64;
        ToIntFunction<double[]> rankOf = sigma -> options.rankTolerance()
                .decide(sigma, x.rows(), x.columns(), dataPrecision, working)
                .rank();
        Function<double[], RankDecision> inFloat64 =
                sigma -> options.rankTolerance().decide(sigma, x.rows(), x.columns(), dataPrecision, Precision.FLOAT64);
        double held = Budget.residentBytes(session, x);
        List<String> history = new ArrayList<>();
        Method last = first;
        long rankHint = Long.MAX_VALUE;
        for (Method method : plan.methods()) {
            if (method == Method.SKETCH && method != first && !Sketch.pays(rankHint, Math.min(x.rows(), x.columns()))) {
                history.add("SKETCH: left out, since no low rank is in sight");
                continue;
            }
            last = method;
            if (method != first) {
                requireMemory(session, x, method, plan.worstWorkspaceBytes());
            }
            Attempt attempt = switch (method) {
                case GRAM ->
                    new Gram(session, scope, x, options.svd(), inFloat64, held)
                            .factor(options.rankTolerance(), dataPrecision);
                case SKETCH -> Sketch.factor(session, scope, x, options.svd(), inFloat64, held, method != first);
                case QR_SVD -> QrSvd.factor(session, scope, x, working, options.svd(), rankOf, held);
                case GESVD -> Gesvd.factor(session, scope, x, working, rankOf);
                case AUTO -> throw new IllegalStateException("a plan never holds AUTO");
            };
            history.add(attempt.note());
            rankHint = attempt.rankHint();
            Factors factors = attempt.factors();
            if (factors != null) {
                boolean full = factors.rank() == Math.min(x.rows(), x.columns());
                return new Result(factors, full ? Outcome.FULL_RANK : Outcome.RANK_REDUCED, method, history);
            }
            Outcome verdict = attempt.verdict();
            if (verdict != null) {
                return new Result(null, verdict, method, history);
            }
        }
        return new Result(null, Outcome.NOT_CONVERGED, last, history);
    }

    /**
     * Checks that a plan can be carried out as far as its first method, before anything is allocated.
     *
     * @param session where to compute
     * @param x n×d
     * @param plan the plan for this shape
     * @throws InvalidInputException if a dimension is too large for the backend
     * @throws InsufficientMemoryException if the memory of the session's place or of the host is not enough
     */
    public static void requireFits(Session session, Matrix x, Plan plan) {
        long most = session.maxDimension();
        if (x.rows() > most || x.columns() > most) {
            throw new InvalidInputException("X has shape " + x.shape() + ", " + session.description()
                    + " takes at most " + most + " rows and columns");
        }
        requireMemory(session, x, plan.methods().get(0), plan.workspaceBytes());
        if (plan.hostBytes() > HostMemory.physicalBytes()) {
            throw new InsufficientMemoryException(
                    "what is kept on the host for X of shape " + x.shape() + " does not fit",
                    plan.hostBytes(),
                    HostMemory.physicalBytes());
        }
    }

    private static void requireMemory(Session session, Matrix x, Method method, long bytes) {
        Budget budget = Budget.of(session);
        if (bytes <= budget.operandBytes()) {
            return;
        }
        String knob = switch (method) {
            case GESVD ->
                budget.ownMemory()
                        ? "GESVD needs a copy of X on the device; QR_SVD and GRAM stream X from the host"
                        : "a method that needs less: GRAM";
            case SKETCH -> "it keeps an orthonormal factor of the size of X; QR_SVD and GRAM stream X from the host";
            case QR_SVD, AUTO -> "a method that needs less: GRAM; float32 data with precision FLOAT32 need half";
            case GRAM ->
                "its Gram matrix has min(n,d)² entries"
                        + (budget.ownMemory() ? "; backend CPU has the host's memory" : "");
        };
        throw new InsufficientMemoryException(
                "the workspace for X of shape " + x.shape() + " with " + method + " does not fit (" + knob + ")",
                bytes,
                (long) budget.operandBytes());
    }
}
