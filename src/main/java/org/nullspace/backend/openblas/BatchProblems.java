package org.nullspace.backend.openblas;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.matrix.Matrix;

/** The operations of {@link org.nullspace.backend.BatchSolver} for problems of some sizes, on operands that have been checked. */
interface BatchProblems {
    /** Bytes of scratch of any of the operations, for all threads. */
    long scratchBytes(long batch, long n, long d, long k);

    /** See {@link org.nullspace.backend.BatchSolver#minimumNorm}. */
    void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma);

    /** See {@link org.nullspace.backend.BatchSolver#singularValues}. */
    void singularValues(Matrix x, int[] which, Matrix sigma);

    /** See {@link org.nullspace.backend.BatchSolver#truncated}. */
    void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w);

    /** See {@link org.nullspace.backend.BatchSolver#transform}. */
    void transform(Transform transform, Matrix x, int[] ranks, Matrix c);
}
