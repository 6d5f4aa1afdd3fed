package org.nullspace.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;

/**
 * What is reported of the problems of a batch. Of a batch of moderate size the facts of each problem are kept; of a large one only counts,
 * ranges and the first failures, so that memory does not grow with the batch.
 */
final class BatchFacts {
    /** So many problems are kept at most, */
    static final long MOST_PROBLEMS = 100_000;
    /** and so many of their numbers. */
    static final long MOST_NUMBERS = 5_000_000;

    /** So many failures are told one by one. */
    private static final int FAILURES_TOLD = 5;

    private final long problems;
    private final boolean withIntercept;
    private final Facts @Nullable [] kept;
    private final Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
    private final Map<Long, Outcome> firstFailures = new LinkedHashMap<>();
    private long failed;
    private String policy = "";
    private final Range rank = new Range();
    private final Range side = new Range();
    private final Range nullity = new Range();
    private final Range cutoff = new Range();
    private final Range condition = new Range();
    private final Range gap = new Range();
    private final Range residual = new Range();
    private final Range norm = new Range();
    private final Range intercept = new Range();

    /** The least and the greatest of some numbers. NaN is not among them. */
    private static final class Range {
        private double least = Double.POSITIVE_INFINITY;
        private double most = Double.NEGATIVE_INFINITY;

        void add(double value) {
            least = Math.min(least, Double.isNaN(value) ? least : value);
            most = Math.max(most, Double.isNaN(value) ? most : value);
        }

        boolean isEmpty() {
            return least > most;
        }

        String whole() {
            return text(String.valueOf(Math.round(least)), String.valueOf(Math.round(most)));
        }

        String real() {
            return text(Text.number(least), Text.number(most));
        }

        private String text(String from, String to) {
            return isEmpty() ? "undefined" : from.equals(to) ? from : from + " to " + to;
        }

        private @Nullable Map<String, Object> json(boolean whole) {
            if (isEmpty()) {
                return null;
            }
            Map<String, Object> out = new LinkedHashMap<>();
            out.put("min", whole ? (Object) Math.round(least) : (Object) least);
            out.put("max", whole ? (Object) Math.round(most) : (Object) most);
            return out;
        }
    }

    /**
     * No facts yet.
     *
     * @param problems number of problems
     * @param keep whether the facts of each are kept
     */
    BatchFacts(long problems, boolean keep, boolean withIntercept) {
        this.problems = problems;
        this.withIntercept = withIntercept;
        this.kept = keep ? new Facts[Math.toIntExact(problems)] : null;
    }

    /**
     * Whether each problem of a batch can be reported.
     *
     * @param numbers singular values, norms and constants of one problem
     */
    static boolean canKeep(long problems, long numbers) {
        return problems <= MOST_PROBLEMS && problems * numbers <= MOST_NUMBERS;
    }

    void add(long index, Facts facts) {
        if (kept != null) {
            kept[(int) index] = facts;
        }
        outcomes.merge(facts.outcome(), 1L, Long::sum);
        RankDecision decision = facts.rank();
        if (decision == null) {
            failed++;
            if (facts.outcome() != Outcome.NOT_COMPUTED && firstFailures.size() < FAILURES_TOLD) {
                firstFailures.put(index, facts.outcome());
            }
            return;
        }
        policy = decision.policy();
        rank.add(decision.rank());
        side.add(facts.singularValues().length);
        nullity.add(facts.nullity());
        cutoff.add(decision.cutoff());
        condition.add(decision.condition());
        gap.add(decision.gap());
        residual.add(Errors.total(facts.residualNorms()));
        norm.add(Errors.total(facts.minimumNorms()));
        intercept.add(Errors.total(facts.intercept()));
    }

    /** The facts of a problem, if they are kept. */
    Facts get(int index) {
        if (kept == null) {
            throw new IllegalStateException("the facts of " + problems + " problems are not kept");
        }
        return kept[index];
    }

    long failed() {
        return failed;
    }

    // ---- for programs

    /**
     * Counts of the outcomes, and the facts: arrays over the problems, or ranges.
     *
     * @param method how the batch was solved
     * @param perProblem where the values of each problem are, if not here, or null
     */
    Map<String, Object> json(String method, @Nullable String perProblem) {
        Map<String, Object> out = new LinkedHashMap<>();
        if (kept != null) {
            out.putAll(Facts.json(Arrays.asList(kept), false, withIntercept));
        } else {
            out.put("rank", rank.json(true));
            out.put("nullity", nullity.json(true));
            out.put("rankTolerance", cutoff.json(false));
            out.put("rankPolicy", policy);
            out.put("condition", condition.json(false));
            out.put("gap", gap.json(false));
            out.put("residualNorm", residual.json(false));
            out.put("minimumNorm", norm.json(false));
            if (withIntercept) {
                out.put("intercept", intercept.json(false));
            }
            out.put("method", method);
            out.put("perProblem", perProblem);
        }
        out.put("outcomes", outcomes);
        return out;
    }

    // ---- for people

    List<List<String>> rows(String noun) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("outcome", (problems - failed) + " of " + Text.count(problems, noun) + " solved"));
        if (failed == problems) {
            return rows;
        }
        rows.add(List.of("rank", rank.whole() + " of " + side.whole() + "; nullity " + nullity.whole()));
        rows.add(List.of("cut-off", cutoff.real() + " (" + policy + ")"));
        rows.add(List.of("condition", condition.real()));
        rows.add(List.of("residual", residual.real()));
        rows.add(List.of("norm", norm.real()));
        if (withIntercept) {
            rows.add(List.of("intercept", intercept.real()));
        }
        return rows;
    }

    /** Tells where an entry that is not finite lies. */
    @FunctionalInterface
    interface Finder {
        /**
         * Looks for the entry.
         *
         * @param problem index of the problem
         * @return file, index and value, or null if there is none
         */
        @Nullable String firstNonFinite(long problem);
    }

    /** Names of the problems, for messages. */
    @FunctionalInterface
    interface Names {
        /**
         * The name of one.
         *
         * @param problem its index
         * @return for example {@code problem 3}
         */
        String of(long problem);
    }

    /** One line for each of the first problems without a solution and the first losses, then their number. */
    void tellFailures(Console console, List<BatchFailure> losses, Names names, Finder finder) {
        firstFailures.forEach((b, outcome) -> {
            String where = outcome == Outcome.NON_FINITE_INPUT ? finder.firstNonFinite(b) : null;
            console.note("nullspace: " + names.of(b) + " has no solution, its results are NaN: "
                    + (where == null ? outcome.text() : where));
        });
        losses.stream()
                .limit(FAILURES_TOLD)
                .forEach(loss -> console.note("nullspace: "
                        + (loss.count() == 1
                                ? names.of(loss.first()) + " was not computed: "
                                        + loss.cause().getMessage()
                                : loss.text())));
        if (failed
                > firstFailures.size()
                        + losses.stream()
                                .limit(FAILURES_TOLD)
                                .mapToLong(BatchFailure::count)
                                .sum()) {
            console.note("nullspace: " + Text.count(failed, "problem") + " have no solution in all");
        }
    }
}
