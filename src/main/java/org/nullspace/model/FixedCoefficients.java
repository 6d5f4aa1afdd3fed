package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * The member of least norm among those with prescribed coefficients, or the nearest miss.
 *
 * @param feasible whether members with those coefficients exist; the data determine some coefficients, which cannot be prescribed
 *     otherwise. Values nearer to a member than what rounding does to coefficients, and never farther than half of what
 *     {@link SolutionSet#contains(Matrix)} allows, count as its own
 * @param weights if feasible the member of least norm with the prescribed coefficients, otherwise the member that comes nearest to them
 *     (of least norm among those); d×k. When feasible, the prescribed entries hold the prescribed values exactly
 * @param distance for each target the Euclidean distance between the prescribed coefficients and those of {@code weights}; at rounding
 *     level when feasible
 * @param remainingFreedom dimension of the set of members that are left: d − r minus the number of independent constraints
 */
public record FixedCoefficients(boolean feasible, Matrix weights, double[] distance, long remainingFreedom) {
    /**
     * Copies the array.
     *
     * @param feasible whether members with exactly those coefficients exist
     * @param weights the member of least norm, or the nearest miss
     * @param distance distance that is left, per target
     * @param remainingFreedom dimension of the set of members that are left
     */
    public FixedCoefficients {
        distance = distance.clone();
    }

    /**
     * For each target the distance between the prescribed coefficients and those of the weights.
     *
     * @return a new array
     */
    @Override
    public double[] distance() {
        return distance.clone();
    }
}
