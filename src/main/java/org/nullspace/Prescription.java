package org.nullspace;

import java.util.HashSet;
import java.util.Set;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;

/** Checks of coefficients that are to be prescribed. */
final class Prescription {
    private Prescription() {}

    /** Requires indices within the features, none twice, and a finite value for each. */
    static void require(int[] indices, double[] values, long features, String shape) {
        InvalidInputException.requireNonNull("the array of indices", indices);
        InvalidInputException.requireNonNull("the array of values", values);
        if (indices.length != values.length) {
            throw new ShapeMismatchException(
                    indices.length + " indices and " + values.length + " values: one value per index is needed");
        }
        requireIndices(indices, features, shape);
        for (int i = 0; i < indices.length; i++) {
            requireFinite(indices[i], values[i]);
        }
    }

    /** Requires indices within the features, none twice. */
    static void requireIndices(int[] indices, long features, String shape) {
        Set<Integer> seen = new HashSet<>();
        for (int index : indices) {
            if (index < 0 || index >= features) {
                throw new InvalidInputException(
                        "coefficient index " + index + " is not in [0, " + features + "): X has shape " + shape);
            }
            if (!seen.add(index)) {
                throw new InvalidInputException("coefficient index " + index + " is prescribed twice");
            }
        }
    }

    static void requireFinite(int index, double value) {
        if (!Double.isFinite(value)) {
            throw new InvalidInputException("coefficient " + index + " cannot be prescribed as " + value);
        }
    }
}
