package org.nullspace.features;

import org.nullspace.matrix.Matrix;

/**
 * A way to make features from features, not yet fitted to data. Immutable: fitting gives a new object.
 *
 * <pre>{@code
 * FittedTransformer t = Pipeline.of(new Standardizer(), new PolynomialFeatures(2)).fit(training);
 * Matrix x = t.apply(training);
 * Matrix xHeldOut = t.apply(heldOut);
 * }</pre>
 */
public interface Transformer {
    /**
     * Learns from training rows what the transformation needs. Nothing of other rows may go in here.
     *
     * @param rows training rows, n×d, a single matrix on the host; not changed and not kept
     * @return the transformation for rows of d columns
     * @throws org.nullspace.error.ShapeMismatchException if the matrix is a batch
     * @throws org.nullspace.error.InvalidInputException if a value that is needed is NaN or infinite (the message names row and column),
     *     or there are too few rows or too many features
     */
    FittedTransformer fit(Matrix rows);
}
