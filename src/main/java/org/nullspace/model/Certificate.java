package org.nullspace.model;

/**
 * Measured evidence that a solution set is what it claims to be. All norms are Frobenius norms, computed from X itself, not from the
 * factorization. When the problem has weights or an unpenalised intercept, X and Y stand for the weighted and centred ones.
 *
 * @param nullSpaceResidual ‖XN‖: what the data see of the null space; at rounding level ε‖X‖ times a small factor
 * @param xNorm ‖X‖
 * @param orthonormalityDefect ‖NᵀN − I‖ over the columns that were checked
 * @param columnsChecked how many columns of N the orthonormality was checked on, spread evenly over all d−r
 * @param minimumNormDefect ‖NᵀW₀‖: the part of W₀ that could be removed without changing a prediction; 0 but for rounding
 * @param minimumNorm ‖W₀‖
 * @param residual ‖XW₀ − Y‖
 * @param stationarity ‖Xᵀ(XW₀ − Y)‖: 0 but for rounding at a least-squares solution
 * @param predictionChangePerUnit an upper bound on ‖X(W₀ + Nz) − XW₀‖/‖z‖ over all z
 * @param rank the rank, the tolerance used, the spectral gap and the rank under other policies
 */
public record Certificate(
        double nullSpaceResidual,
        double xNorm,
        double orthonormalityDefect,
        long columnsChecked,
        double minimumNormDefect,
        double minimumNorm,
        double residual,
        double stationarity,
        double predictionChangePerUnit,
        RankDecision rank) {
    /**
     * Whether all evidence is at rounding level: ‖XN‖ ≤ c‖X‖, ‖NᵀN − I‖ ≤ c and ‖NᵀW₀‖ ≤ c·σ₁/σ_r·‖W₀‖ with c = tolerance.
     *
     * @param tolerance relative size of what counts as rounding, for example 1e-10
     * @return true if every part holds
     */
    public boolean holds(double tolerance) {
        double condition = rank.rank() == 0 ? 1 : rank.condition();
        return nullSpaceResidual <= tolerance * xNorm
                && orthonormalityDefect <= tolerance
                && minimumNormDefect <= tolerance * condition * minimumNorm;
    }
}
