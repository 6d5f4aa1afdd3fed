package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * Ridge solutions argmin ‖XW − Y‖² + λ‖W‖² for many penalties λ, and how well each predicts samples that it has not seen, all from one
 * factorization. For λ → 0 the solutions tend to the minimum-norm solution, and λ = 0 gives it.
 *
 * <p>With an unpenalised intercept, the intercept is fitted for each penalty and does not count in the penalty; with sample weights, squares
 * are weighted.
 *
 * <p>L penalties, d features, k targets. Matrices returned are new float64 host matrices that belong to the caller. A path ends with its
 * solution set or factorization, or when it is closed. Calls from several threads are carried out one after the other.
 */
public interface RidgePath extends AutoCloseable {
    /** How predictions of unseen samples are judged. */
    enum Criterion {
        /**
         * Mean of the squared errors of each sample's prediction by the fit without it: e_i/(1 − h_ii) with the residual e and the diagonal h of
         * the matrix that maps Y to the fit. Where the fit passes through all samples (λ → 0 with n ≤ rank) both vanish; the limit of the
         * quotient is taken.
         */
        LEAVE_ONE_OUT,
        /**
         * Generalized cross-validation, n‖e‖²/trace(I − H)²: leave-one-out with all 1 − h_ii replaced by their mean. Golub, Heath and Wahba,
         * Technometrics 21 (1979).
         */
        GENERALIZED_CROSS_VALIDATION
    }

    /**
     * The penalties, in the order in which they were given.
     *
     * @return L numbers, a new array
     */
    double[] penalties();

    /**
     * Effective degrees of freedom of each fit, Σ σ²/(σ² + λ), plus 1 with an intercept.
     *
     * @return L numbers
     */
    double[] degreesOfFreedom();

    /**
     * The solution for one penalty.
     *
     * @param index index of the penalty
     * @return d×k
     */
    Matrix coefficients(int index);

    /**
     * The solutions for all penalties, in one product.
     *
     * @return a batch of L matrices d×k
     * @throws org.nullspace.error.InsufficientMemoryException if they do not fit into the host's memory
     */
    Matrix coefficients();

    /**
     * The solutions with a penalty of its own for each target.
     *
     * @param indices index of the penalty for each of the k targets
     * @return d×k
     */
    Matrix select(int... indices);

    /**
     * Scores of all penalties for each target; smaller is better.
     *
     * @param criterion how they are judged
     * @return L×k. NaN where the criterion is not defined: a sample that alone determines a direction cannot be left out
     */
    Matrix scores(Criterion criterion);

    /**
     * The best penalty for each target: that of least score, the largest of them where several share it.
     *
     * @param criterion how they are judged
     * @return for each of the k targets the index of a penalty; −1 where all scores are NaN
     */
    int[] best(Criterion criterion);

    /** Frees the memory of the path. Closing again has no effect. */
    @Override
    void close();
}
