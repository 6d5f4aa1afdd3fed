package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * The null spaces of a batch as one operator. Dimensions may differ from problem to problem (ragged): coordinates are padded to the largest
 * of them, m. Vectors are B×d×l with any l, or 1×d×l for the same vectors in all problems; results are new float64 host matrices of the
 * caller. What belongs to a problem that failed is NaN. Ends with the batch.
 *
 * <p>No basis is stored. {@link #coordinates}, {@link #combine} and {@link #basis} agree with each other on the basis; the operators of
 * single problems ({@code problem(b).nullSpace()}) may use another basis of the same space.
 */
public interface NullSpaceBatch {
    /**
     * d − r for each problem.
     *
     * @return a new array; −1 for a problem that failed
     */
    int[] dimensions();

    /**
     * The largest dimension.
     *
     * @return m; 0 for a batch without problems
     */
    int largestDimension();

    /**
     * Orthogonal projections on the null spaces.
     *
     * @param w B×d×l or 1×d×l
     * @return B×d×l
     */
    Matrix project(Matrix w);

    /**
     * Coordinates of the projections in the bases.
     *
     * @param w B×d×l or 1×d×l
     * @return B×m×l; zero beyond a problem's dimension
     */
    Matrix coordinates(Matrix w);

    /**
     * Vectors of the null spaces with given coordinates.
     *
     * @param c B×m×l or 1×m×l; what lies beyond a problem's dimension is not used
     * @return B×d×l
     */
    Matrix combine(Matrix c);

    /**
     * Bytes of {@link #basis()}.
     *
     * @return 8·B·d·m
     */
    long basisBytes();

    /**
     * Orthonormal bases, padded with zeros.
     *
     * @return the bases
     * @throws org.nullspace.error.InsufficientMemoryException if they do not fit
     */
    PaddedBasis basis();
}
