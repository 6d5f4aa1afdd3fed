package org.nullspace.model;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What came of a batch that was solved tile by tile.
 *
 * @param problems number of problems
 * @param outcomes how many problems had each outcome; outcomes that did not occur are left out
 * @param failures problems that were lost because a device failed, in ascending order, with indices of the whole batch
 * @param tileProblems problems of a tile
 * @param backend backend and device that computed, for people
 */
public record BatchReport(
        long problems, Map<Outcome, Long> outcomes, List<BatchFailure> failures, long tileProblems, String backend) {
    /**
     * Copies map and list.
     *
     * @param problems number of problems
     * @param outcomes how many problems had each outcome
     * @param failures problems that were lost
     * @param tileProblems problems of a tile
     * @param backend backend and device
     */
    public BatchReport {
        Map<Outcome, Long> copy = new EnumMap<>(Outcome.class);
        copy.putAll(outcomes);
        outcomes = Collections.unmodifiableMap(copy);
        failures = List.copyOf(failures);
    }

    /**
     * Number of problems with an outcome.
     *
     * @param outcome the outcome
     * @return 0 if it did not occur
     */
    public long count(Outcome outcome) {
        return outcomes.getOrDefault(outcome, 0L);
    }

    /**
     * Number of problems that were solved.
     *
     * @return problems with a solution
     */
    public long solved() {
        return count(Outcome.FULL_RANK) + count(Outcome.RANK_REDUCED);
    }
}
