package org.nullspace.backend;

import org.nullspace.matrix.Precision;

/**
 * How far a Gram matrix can be trusted that was computed in float64, AAᵀ = LLᵀ with A p×q, p ≤ q: for those who work with one. The computed
 * matrix is off by about (p + √q)ε‖A‖² in norm, which must be small against σ_p².
 */
public final class GramLimits {
    /**
     * Largest κ₂ for which singular values and vectors are taken from L: the relative error of σ_p is about εκ², so at most some 2·10⁻¹³ here.
     */
    public static final double SPECTRUM_CONDITION = 30;

    private static final double EPS = Precision.FLOAT64.epsilon();

    private GramLimits() {}

    /**
     * Largest condition number for which L is trusted: with κ at most this, (p + √q)εκ² ≤ 1/100.
     *
     * @param p order of the Gram matrix
     * @param q length of the sums in it
     * @return κ
     */
    public static double largestCondition(long p, long q) {
        return Math.sqrt(0.01 / ((p + Math.sqrt((double) q)) * EPS));
    }

    /**
     * What an application of the approximate inverse (LLᵀ)⁻¹ leaves of the error of a solution: about (p + √q)εκ₂². The bound on κ₂ in the
     * Frobenius norm exceeds κ₂ by about a factor p on spread spectra, which outweighs p; a long side does not enter into it.
     *
     * @param conditionBound ‖L‖_F‖L⁻¹‖_F, or the same of L with rows of norm 1
     * @param p order of the Gram matrix
     * @param q length of the sums in it
     * @return a factor
     */
    public static double contraction(double conditionBound, long p, long q) {
        double growth = Math.max(1, Math.sqrt((double) q) / p);
        return growth * conditionBound * conditionBound * EPS;
    }

    /**
     * A bound on {@link #contraction} from one on κ₂ itself.
     *
     * @param condition κ₂ or more
     * @param p order of the Gram matrix
     * @param q length of the sums in it
     * @return a factor
     */
    public static double provenContraction(double condition, long p, long q) {
        return (p + Math.sqrt((double) q)) * EPS * condition * condition;
    }

    /**
     * Number of applications of the approximate inverse (LLᵀ)⁻¹ that bring the error of a solution to rounding level.
     *
     * @param contraction what each leaves of the error
     * @return at least 2
     */
    public static int contractions(double contraction) {
        return (int) Math.max(2, Math.ceil(Math.log(EPS) / Math.log(Math.min(0.1, contraction))));
    }

    /**
     * The residual of a wide problem, ‖Xw − y‖, that is rounding: what sums of products as long as the rows of X leave of it.
     *
     * @param p number of rows of X
     * @param longestRow largest norm of a row of X, at most σ₁
     * @param solution ‖w‖
     * @param target ‖y‖
     * @return a norm
     */
    public static double roundingLevel(long p, double longestRow, double solution, double target) {
        return Math.sqrt((double) p) * EPS * (longestRow * solution + target);
    }
}
