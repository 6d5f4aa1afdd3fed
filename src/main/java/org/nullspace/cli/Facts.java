package org.nullspace.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * What is reported of one problem. Of a problem that failed, only the outcome, the method and the history.
 *
 * @param outcome what happened
 * @param rank the rank decision, or null
 * @param nullity d − r
 * @param singularValues all of them
 * @param residualNorms ‖Xw − y‖ for each target
 * @param minimumNorms ‖w₀‖ for each target
 * @param intercept constant term for each target
 * @param method the method used
 * @param history what was tried
 */
record Facts(
        Outcome outcome,
        @Nullable RankDecision rank,
        long nullity,
        double[] singularValues,
        double[] residualNorms,
        double[] minimumNorms,
        double[] intercept,
        String method,
        List<String> history) {

    static Facts of(SolutionSet set) {
        Outcome outcome = set.outcome();
        String method = set.method().name();
        if (!outcome.isSolved()) {
            return new Facts(
                    outcome,
                    null,
                    -1,
                    new double[0],
                    new double[0],
                    new double[0],
                    new double[0],
                    method,
                    set.history());
        }
        Matrix w = set.minimumNorm();
        return new Facts(
                outcome,
                set.rankDecision(),
                set.nullity(),
                set.singularValues(),
                set.residualNorms(),
                Errors.columnNorms(w),
                set.intercept(),
                method,
                set.history());
    }

    /**
     * Problem b of a batch. The rank decision is made from its singular values, as a single solve does.
     *
     * @param samples n
     * @param method how the batch is solved
     */
    static Facts of(SolutionBatch batch, int b, long samples, Precision data, SolveOptions options, String method) {
        Outcome outcome = batch.outcome(b);
        if (!outcome.isSolved()) {
            double[] none = {};
            return new Facts(outcome, null, -1, none, none, none, none, method, List.of());
        }
        Matrix w = batch.minimumNorm().problem(b);
        double[] sigma = values(batch.singularValues(), b);
        // With an intercept X is centred, which takes away one sample.
        long rows = options.intercept() == InterceptRule.NONE || samples == 0 ? samples : samples - 1;
        RankDecision decision = options.rankTolerance().decide(sigma, rows, w.rows(), data);
        return new Facts(
                outcome,
                decision,
                w.rows() - batch.rank(b),
                sigma,
                values(batch.residualNorms(), b),
                Errors.columnNorms(w),
                values(batch.intercepts(), b),
                method,
                List.of());
    }

    /** Problem b of a batch of rows or columns. */
    private static double[] values(Matrix m, int b) {
        double[] out = new double[Math.toIntExact(m.rows() * m.columns())];
        for (int i = 0; i < out.length; i++) {
            out[i] = m.columns() == 1 ? m.get(b, i, 0) : m.get(b, 0, i);
        }
        return out;
    }

    /** Shapes, the facts of one problem, backend and time, with the names that the command line promises. */
    static Map<String, Object> summary(
            Matrix x, long targets, Facts facts, boolean withIntercept, String backend, double seconds) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("samples", x.rows());
        out.put("features", x.columns());
        out.put("targets", targets);
        out.put("batch", 1);
        out.putAll(json(List.of(facts), true, withIntercept));
        putPlace(out, backend, seconds);
        return out;
    }

    /** Where it was computed, and how long it took. */
    static void putPlace(Map<String, Object> out, String backend, double seconds) {
        int comma = backend.indexOf(',');
        out.put("backend", comma < 0 ? backend : backend.substring(0, comma));
        boolean gpu = backend.toLowerCase(Locale.ROOT).startsWith("cuda");
        out.put("device", gpu ? backend.substring(comma + 1).strip() : "cpu");
        out.put("seconds", seconds);
    }

    /** The facts of all problems as JSON values: of a single problem as they are, of a batch as arrays over the problems. */
    static Map<String, Object> json(List<Facts> problems, boolean single, boolean withIntercept) {
        Map<String, Object> out = new LinkedHashMap<>();
        put(out, "rank", problems, single, f -> f.rank == null ? null : f.rank.rank());
        put(out, "nullity", problems, single, f -> f.rank == null ? null : f.nullity);
        put(out, "singularValues", problems, single, f -> f.rank == null ? null : f.singularValues);
        put(out, "rankTolerance", problems, single, f -> f.rank == null ? null : f.rank.cutoff());
        put(out, "rankPolicy", problems, single, f -> f.rank == null ? null : f.rank.policy());
        put(out, "condition", problems, single, f -> f.rank == null ? null : f.rank.condition());
        put(out, "gap", problems, single, f -> f.rank == null ? null : f.rank.gap());
        put(
                out,
                "rankUnderOtherPolicies",
                problems,
                single,
                f -> f.rank == null ? null : f.rank.ranksUnderOtherPolicies());
        put(out, "residualNorm", problems, single, f -> f.rank == null ? null : Errors.total(f.residualNorms));
        put(out, "residualNormPerTarget", problems, single, f -> f.rank == null ? null : f.residualNorms);
        put(out, "minimumNorm", problems, single, f -> f.rank == null ? null : f.minimumNorms);
        if (withIntercept) {
            put(out, "intercept", problems, single, f -> f.rank == null ? null : f.intercept);
        }
        put(out, "outcome", problems, single, Facts::outcome);
        put(out, "method", problems, single, Facts::method);
        if (single) {
            put(out, "history", problems, true, Facts::history);
        }
        return out;
    }

    private static void put(
            Map<String, Object> out,
            String name,
            List<Facts> problems,
            boolean single,
            Function<Facts, @Nullable Object> part) {
        List<@Nullable Object> values = new ArrayList<>();
        for (Facts f : problems) {
            values.add(part.apply(f));
        }
        Object value = single ? values.get(0) : values;
        if (value != null) {
            out.put(name, value);
        }
    }

    /** The facts of one problem that was solved, for people, as rows of name and text. */
    List<List<String>> rows(@Nullable List<String> targets, boolean withIntercept) {
        List<List<String>> rows = new ArrayList<>();
        if (rank == null) {
            return rows;
        }
        String deficient = rank.rank() < singularValues.length ? ", less than full" : "";
        rows.add(List.of("rank", rank.rank() + " of " + singularValues.length + deficient + "; nullity " + nullity));
        rows.add(List.of("cut-off", Text.number(rank.cutoff()) + " (" + rank.policy() + ")" + sides(rank)));
        List<String> others = new ArrayList<>();
        rank.ranksUnderOtherPolicies().forEach((name, r) -> others.add(name + " " + r));
        rows.add(List.of("", "rank under other policies: " + String.join(", ", others)));
        rows.add(List.of("condition", Text.number(rank.condition())));
        rows.add(List.of("residual", perTarget(residualNorms, targets)));
        rows.add(List.of("norm", perTarget(minimumNorms, targets)));
        if (withIntercept) {
            rows.add(List.of("intercept", perTarget(intercept, targets)));
        }
        return rows;
    }

    private static String sides(RankDecision rank) {
        if (rank.rank() == 0) {
            return "";
        }
        String above = ": singular value " + rank.rank() + " is " + Text.number(rank.sigmaRank());
        return rank.sigmaNext() > 0
                ? above + ", the next " + Text.number(rank.sigmaNext()) + ", gap " + Text.number(rank.gap())
                : above + ", nothing below";
    }

    private static String perTarget(double[] values, @Nullable List<String> targets) {
        if (targets == null || targets.size() != values.length || values.length == 1) {
            return Text.numbers(values, 4);
        }
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            parts.add(targets.get(i) + " " + Text.number(values[i], 4));
        }
        return String.join(", ", parts);
    }
}
