package org.nullspace.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionSet;

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

    /** Shapes, the facts of all problems, backend and time, with the names that the command line promises. */
    static Map<String, Object> summary(
            Matrix x,
            Matrix y,
            List<Facts> facts,
            boolean single,
            boolean withIntercept,
            String backend,
            double seconds) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("samples", x.rows());
        out.put("features", x.columns());
        out.put("targets", y.columns());
        out.put("batch", x.batch());
        out.putAll(json(facts, single, withIntercept));
        int comma = backend.indexOf(',');
        out.put("backend", comma < 0 ? backend : backend.substring(0, comma));
        boolean gpu = backend.toLowerCase(Locale.ROOT).startsWith("cuda");
        out.put("device", gpu ? backend.substring(comma + 1).strip() : "cpu");
        out.put("seconds", seconds);
        return out;
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
        put(out, "history", problems, single, Facts::history);
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

    /** The facts for people, as rows of name and text. */
    static List<List<String>> rows(List<Facts> problems, @Nullable List<String> targets, boolean withIntercept) {
        List<Facts> solved = problems.stream().filter(f -> f.rank != null).toList();
        List<List<String>> rows = new ArrayList<>();
        if (problems.size() != 1) {
            rows.add(List.of("outcome", solved.size() + " of " + Text.count(problems.size(), "problem") + " solved"));
        }
        if (solved.isEmpty()) {
            return rows;
        }
        RankDecision first = rank(solved.get(0));
        int smallerSide = solved.get(0).singularValues.length;
        boolean one = problems.size() == 1;
        String deficient = one && first.rank() < smallerSide ? ", less than full" : "";
        rows.add(List.of(
                "rank",
                range(solved, f -> rank(f).rank(), 0) + " of " + smallerSide + deficient + "; nullity "
                        + range(solved, Facts::nullity, 0)));
        rows.add(List.of(
                "cut-off", range(solved, f -> rank(f).cutoff(), 3) + " (" + first.policy() + ")" + sides(one, first)));
        if (one) {
            List<String> others = new ArrayList<>();
            first.ranksUnderOtherPolicies().forEach((name, r) -> others.add(name + " " + r));
            rows.add(List.of("", "rank under other policies: " + String.join(", ", others)));
        }
        rows.add(List.of("condition", range(solved, f -> rank(f).condition(), 3)));
        rows.add(List.of("residual", perTarget(solved, Facts::residualNorms, targets)));
        rows.add(List.of("norm", perTarget(solved, Facts::minimumNorms, targets)));
        if (withIntercept) {
            rows.add(List.of("intercept", perTarget(solved, Facts::intercept, targets)));
        }
        return rows;
    }

    private static String sides(boolean one, RankDecision rank) {
        if (!one || rank.rank() == 0) {
            return "";
        }
        String above = ": singular value " + rank.rank() + " is " + Text.number(rank.sigmaRank());
        return rank.sigmaNext() > 0
                ? above + ", the next " + Text.number(rank.sigmaNext()) + ", gap " + Text.number(rank.gap())
                : above + ", nothing below";
    }

    private static RankDecision rank(Facts f) {
        if (f.rank == null) {
            throw new IllegalStateException("no rank for a problem that failed");
        }
        return f.rank;
    }

    private static String range(List<Facts> solved, Function<Facts, Number> part, int digits) {
        double[] values =
                solved.stream().mapToDouble(f -> part.apply(f).doubleValue()).toArray();
        double least = Arrays.stream(values).min().orElse(Double.NaN);
        double most = Arrays.stream(values).max().orElse(Double.NaN);
        String from = digits == 0 ? String.valueOf(Math.round(least)) : Text.number(least, digits);
        String to = digits == 0 ? String.valueOf(Math.round(most)) : Text.number(most, digits);
        return from.equals(to) ? from : from + " to " + to;
    }

    private static String perTarget(
            List<Facts> solved, Function<Facts, double[]> part, @Nullable List<String> targets) {
        if (solved.size() > 1) {
            return range(solved, f -> Errors.total(part.apply(f)), 3);
        }
        double[] values = part.apply(solved.get(0));
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
