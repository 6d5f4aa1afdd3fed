package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * {@link FixedCoefficients} of all problems of a batch.
 *
 * @param feasible for each problem whether members with those coefficients exist; false for a problem that failed
 * @param weights B×d×k, belongs to the caller; NaN for a problem that failed
 * @param distance B×1×k, belongs to the caller: distance that is left; NaN for a problem that failed
 * @param remainingFreedom dimension of the set of members that are left; −1 for a problem that failed
 */
public record FixedCoefficientsBatch(boolean[] feasible, Matrix weights, Matrix distance, long[] remainingFreedom) {
    /**
     * Copies the arrays.
     *
     * @param feasible whether members with those coefficients exist
     * @param weights members of least norm, or nearest misses
     * @param distance distance that is left
     * @param remainingFreedom dimension of what is left
     */
    public FixedCoefficientsBatch {
        feasible = feasible.clone();
        remainingFreedom = remainingFreedom.clone();
    }

    /**
     * For each problem whether members with those coefficients exist.
     *
     * @return a new array
     */
    @Override
    public boolean[] feasible() {
        return feasible.clone();
    }

    /**
     * For each problem the dimension of the set of members that are left.
     *
     * @return a new array
     */
    @Override
    public long[] remainingFreedom() {
        return remainingFreedom.clone();
    }
}
