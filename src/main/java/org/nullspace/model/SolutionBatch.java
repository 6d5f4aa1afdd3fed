package org.nullspace.model;

import org.nullspace.matrix.Matrix;

/**
 * The solution sets of a batch of regressions of one shape. A problem that failed has rank −1 and NaN coefficients and leaves the others
 * alone.
 */
public interface SolutionBatch extends AutoCloseable {
    /**
     * Number of problems.
     *
     * @return B
     */
    int size();

    /**
     * The solution set of one problem; ends with the batch. It may be made when it is first asked for, which takes the time and memory of a
     * single solve. Any thread may ask; the same object is returned each time.
     *
     * @param index index of the problem
     * @return its solution set
     * @throws org.nullspace.error.ClosedException if it has still to be made and the batch has been closed
     */
    SolutionSet problem(int index);

    /**
     * What happened to each problem.
     *
     * @return a new array
     */
    Outcome[] outcomes();

    /**
     * Rank of each problem.
     *
     * @return a new array; −1 for a problem that failed
     */
    int[] ranks();

    /**
     * Minimum-norm solutions. Those of small problems that were solved together differ by rounding from {@code problem(b).minimumNorm()}.
     *
     * @return B×d×k, in the precision of X; a view that is valid until the batch is closed
     */
    Matrix minimumNorm();

    /** Frees the memory of all problems. */
    @Override
    void close();
}
