package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * A linear subspace of coefficient space (dimension d) as an operator: nothing of size d×d is ever formed. B stands for the
 * orthonormal basis, d×{@link #dimension()}, that {@link #basis()} would return; which of the many bases it is, is fixed for the life of
 * the object and the same for the same input on the same backend, but differs between methods.
 *
 * <p>Arguments are d×m host matrices in any layout and precision; m is any number of vectors. Results are new float64 host matrices that
 * belong to the caller. Calls from several threads are carried out one after the other.
 */
public interface Subspace {
    /**
     * Dimension of the subspace.
     *
     * @return number of basis vectors
     */
    long dimension();

    /**
     * Dimension of the space around it.
     *
     * @return d
     */
    long ambientDimension();

    /**
     * Orthogonal projection BBᵀw, applied until it is idempotent to rounding.
     *
     * @param w vectors, d×m
     * @return projections, d×m
     */
    Matrix project(Matrix w);

    /**
     * Orthogonal projection of one vector.
     *
     * @param w d entries
     * @return d entries
     */
    double[] project(double[] w);

    /**
     * Coordinates Bᵀw of the projection.
     *
     * @param w vectors, d×m
     * @return coordinates, dimension×m
     */
    Matrix coordinates(Matrix w);

    /**
     * The vectors Bc with given coordinates.
     *
     * @param c coordinates, dimension×m
     * @return vectors, d×m
     */
    Matrix combine(Matrix c);

    /**
     * Whether all vectors lie in the subspace: ‖w − Pw‖ ≤ tolerance·‖w‖ for each column.
     *
     * @param w vectors, d×m
     * @param tolerance relative size of what counts as zero, at least 0
     * @return true if every column does
     */
    boolean contains(Matrix w, double tolerance);

    /**
     * Memory that {@link #basis()} needs for its result.
     *
     * @return bytes
     */
    long basisBytes();

    /**
     * The orthonormal basis B.
     *
     * @return a new float64 column-major matrix, d×dimension
     * @throws org.nullspace.error.InsufficientMemoryException before anything is allocated, if it does not fit
     */
    Matrix basis();

    /**
     * Some columns of the basis, for those who work through a basis that does not fit.
     *
     * @param from index of the first column
     * @param to index after the last, at most {@link #dimension()}
     * @return a new float64 column-major matrix, d×(to − from)
     * @throws IndexOutOfBoundsException if there are no such columns
     * @throws org.nullspace.error.InsufficientMemoryException before anything is allocated, if they do not fit
     */
    Matrix basis(long from, long to);
}
