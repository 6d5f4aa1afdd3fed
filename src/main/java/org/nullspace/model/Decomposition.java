package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * A coefficient matrix split into what the data see and what they do not: w = row part + null part, orthogonal and unique.
 *
 * @param rowPart part in the row space of X, d×k; determines the predictions on the training samples
 * @param nullPart part in the null space of X, d×k; has no influence on them
 * @param unseenShare for each target the share ‖null part‖²/‖w‖² of the squared norm that no sample saw, between 0 and 1; 0 for w = 0
 */
public record Decomposition(Matrix rowPart, Matrix nullPart, double[] unseenShare) {
    /**
     * Copies the array.
     *
     * @param rowPart part in the row space
     * @param nullPart part in the null space
     * @param unseenShare share of the squared norm in the null space, per target
     */
    public Decomposition {
        unseenShare = unseenShare.clone();
    }

    /**
     * For each target the share of the squared norm that no sample saw.
     *
     * @return a new array of numbers between 0 and 1
     */
    @Override
    public double[] unseenShare() {
        return unseenShare.clone();
    }
}
