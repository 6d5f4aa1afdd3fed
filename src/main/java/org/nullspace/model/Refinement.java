package org.nullspace.model;

/**
 * How the minimum-norm solution was refined, and what it reached before it was rounded to the precision of X. When the problem has weights or an unpenalised intercept, X and Y stand for
 * the weighted and centred ones.
 *
 * @param steps how often the solution was corrected with a residual computed from X; 0 where the first solution was at rounding level, and with
 *     methods that work with an orthonormal factor and need none
 * @param backwardErrors for each target a bound on the size, relative to ‖X‖_F, of the smallest change of X that makes it an exact solution or least-squares solution: the smaller of
 *     ‖r‖/‖w‖ and ‖Xᵀr‖/‖r‖ with r = y − Xw (Stewart, "Research, development, and LINPACK", 1977; Higham, Accuracy and Stability of Numerical
 *     Algorithms, 2nd ed., §20.7). A small multiple of the unit of rounding where nothing was truncated; where the rank was
 *     reduced, up to the largest singular value that was left out
 */
public record Refinement(int steps, double[] backwardErrors) {
    /**
     * Copies the array.
     *
     * @param steps number of corrections
     * @param backwardErrors backward error of each target
     */
    public Refinement {
        backwardErrors = backwardErrors.clone();
    }

    /**
     * Backward errors.
     *
     * @return a new array, one for each target
     */
    @Override
    public double[] backwardErrors() {
        return backwardErrors.clone();
    }

    /**
     * The largest of the backward errors.
     *
     * @return a number of at least 0; 0 without targets
     */
    public double backwardError() {
        double largest = 0;
        for (double each : backwardErrors) {
            largest = Math.max(largest, each);
        }
        return largest;
    }
}
