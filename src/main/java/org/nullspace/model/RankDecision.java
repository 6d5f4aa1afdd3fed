package org.nullspace.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The rank, and how safe it is.
 *
 * @param rank number of singular values above the cut-off
 * @param policy the policy that set the cut-off, with its parameter
 * @param cutoff singular values at or below it count as zero; in the unit of X
 * @param sigmaMax largest singular value, 0 if there is none
 * @param sigmaRank smallest singular value above the cut-off, 0 if the rank is 0
 * @param sigmaNext largest singular value at or below the cut-off, 0 if there is none
 * @param ranksUnderOtherPolicies rank under each of the other named policies, in the order of {@link RankTolerance#named()}
 */
public record RankDecision(
        int rank,
        String policy,
        double cutoff,
        double sigmaMax,
        double sigmaRank,
        double sigmaNext,
        Map<String, Integer> ranksUnderOtherPolicies) {
    /**
     * Copies the map.
     *
     * @param rank number of singular values above the cut-off
     * @param policy the policy
     * @param cutoff the cut-off
     * @param sigmaMax largest singular value
     * @param sigmaRank smallest singular value above the cut-off
     * @param sigmaNext largest singular value at or below the cut-off
     * @param ranksUnderOtherPolicies ranks under the other named policies
     */
    public RankDecision {
        ranksUnderOtherPolicies = Collections.unmodifiableMap(new LinkedHashMap<>(ranksUnderOtherPolicies));
    }

    /**
     * The spectral gap σ_r/σ_{r+1} at the cut-off. The decision is safe when it is large.
     *
     * @return the ratio, at least 1; infinite when nothing non-zero lies below the cut-off; NaN when the rank is 0
     */
    public double gap() {
        return rank == 0 ? Double.NaN : sigmaRank / sigmaNext;
    }

    /**
     * Condition number of X restricted to its row space, σ₁/σ_r.
     *
     * @return the ratio; NaN when the rank is 0
     */
    public double condition() {
        return rank == 0 ? Double.NaN : sigmaMax / sigmaRank;
    }
}
