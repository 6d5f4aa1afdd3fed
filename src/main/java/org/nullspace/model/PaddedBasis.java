package org.nullspace.model;

import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Orthonormal bases of the null spaces of a batch, brought to the width of the widest. The dimensions may differ from problem to problem:
 * vector j of problem b is there for j &lt; dimension(b), and zero beyond, so that products with padded coordinates need no mask.
 *
 * @param vectors B×d×m, m the largest dimension; belongs to the caller. NaN for a problem that failed
 * @param dimensions d − r for each problem; −1 for a problem that failed
 */
public record PaddedBasis(Matrix vectors, int[] dimensions) {
    /**
     * Copies the array.
     *
     * @param vectors B×d×m
     * @param dimensions d − r for each problem
     */
    public PaddedBasis {
        dimensions = dimensions.clone();
    }

    /**
     * d − r for each problem.
     *
     * @return a new array; −1 for a problem that failed
     */
    @Override
    public int[] dimensions() {
        return dimensions.clone();
    }

    /**
     * Which vectors are there.
     *
     * @return B×1×m, float64: 1 for a vector, 0 for padding and for problems that failed; new, belongs to the caller
     */
    public Matrix mask() {
        Matrix mask = Matrix.zeros(Precision.FLOAT64, vectors.batch(), 1, vectors.columns(), Layout.ROW_MAJOR);
        for (int b = 0; b < dimensions.length; b++) {
            for (int j = 0; j < dimensions[b]; j++) {
                mask.set(b, 0, j, 1);
            }
        }
        return mask;
    }

    /**
     * The basis of one problem, without padding.
     *
     * @param problem its index
     * @return d×(d−r), a view of {@link #vectors()}
     * @throws InvalidInputException if the problem failed
     */
    public Matrix basis(int problem) {
        if (problem < 0 || problem >= dimensions.length) {
            throw new IndexOutOfBoundsException("problem " + problem + " of a batch of " + dimensions.length);
        }
        if (dimensions[problem] < 0) {
            throw new InvalidInputException("problem " + problem + " failed and has no null space");
        }
        return vectors.problem(problem).columns(0, dimensions[problem]);
    }
}
