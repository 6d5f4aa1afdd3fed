package org.nullspace.backend;

import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.Matrix;

/**
 * Operations on whole problems of a batch: what a session does for many small regressions at a time, where that is faster than the single
 * operations that it replaces. Nothing of a factorization is kept between two calls; each call factorizes anew.
 *
 * <p><b>Operands</b> lie in the session's place. X is B×n×d, Y is B×n×k, float32 or float64, in any layout; a batch of one is shared by all
 * problems. Arithmetic is float64. With p = min(n,d), A is the tall one of X and Xᵀ and A = QR its Householder factorization.
 *
 * <p><b>Problems do not influence each other.</b> What is computed for a problem is the same to the bit in every place and in every company.
 *
 * <p><b>Basis.</b> {@link #transform} works in one orthonormal basis of all of R^d for each problem, whose leading r vectors span the row
 * space and whose other d − r vectors span the null space, for the rank r that the caller names. It depends on X and r alone.
 *
 * <p><b>Threads.</b> Those of the session.
 */
public interface BatchSolver {
    /**
     * Whether problems of a shape are solved here.
     *
     * @param rows n
     * @param columns d
     * @param targets k, or the number of vectors in {@link #transform}
     * @return true if the operations of this interface may be called for the shape
     */
    boolean covers(long rows, long columns, long targets);

    /**
     * Bytes of scratch that an operation takes beside its operands.
     *
     * @param problems B
     * @param rows n
     * @param columns d
     * @param targets k
     * @return bytes in the session's place, at most
     */
    long scratchBytes(long problems, long rows, long columns, long targets);

    /**
     * Minimum-norm least-squares solutions of problems whose X has full rank, with bounds that let the caller judge whether it has:
     * ‖X‖_F ≥ σ₁ and ‖R⁻¹‖_F ≥ 1/σ_p. Where a bound is NaN or infinite, X or Y has an entry that is not finite, or the solution leaves the
     * range of its precision, or X is singular, or too ill-conditioned for the method that is used; W is undefined there.
     *
     * @param x read, {@code n × d}
     * @param y read, {@code n × k}
     * @param w written, {@code d × k}, float32 or float64
     * @param bounds written, {@code 1 × 2}, float64: ‖X‖_F and ‖R⁻¹‖_F
     * @param sigma written, {@code p × 1}, float64: singular values in descending order, NaN where X has an entry that is not finite or they
     *     were not found; null if they are not wanted
     */
    void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma);

    /**
     * Singular values of some problems.
     *
     * @param x read, {@code n × d}, B problems
     * @param which indices of the problems, in ascending order
     * @param sigma written, one matrix {@code p × 1} for each index, float64: in descending order; NaN where X has an entry that is not
     *     finite or they were not found
     */
    void singularValues(Matrix x, int[] which, Matrix sigma);

    /**
     * Solutions from the singular value decomposition X = U·diag(σ)·Vᵀ of some problems: W = V_r·diag(σ/(σ² + λ))·U_rᵀ·Y over the leading r
     * triplets. Where an entry of X or Y is not finite, or the decomposition was not found, or an entry of the solution leaves the range of
     * its precision, all of W is NaN.
     *
     * @param x read, {@code n × d}, B problems
     * @param y read, {@code n × k}, B problems
     * @param which indices of the problems, in ascending order
     * @param ranks r for each index, 0 ≤ r ≤ p
     * @param lambda λ, at least 0
     * @param w {@code d × k}, B problems, float32 or float64: those of the indices are written, the others are left as they are
     */
    void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w);

    /** What {@link #transform} does with the columns of C. */
    enum Transform {
        /** C ← BᵀC: coordinates in the basis, the null space from row r on. */
        TO_COORDINATES,
        /** C ← BC. */
        FROM_COORDINATES,
        /** C ← B·diag(0,…,0,1,…,1)·BᵀC with r zeros: projection on the null space, orthogonal to the row space to rounding of the result. */
        PROJECT_ON_NULL_SPACE
    }

    /**
     * Transforms vectors of all problems in place.
     *
     * @param transform what to do
     * @param x read, {@code n × d}, B problems
     * @param ranks r for each problem; where it is negative, C becomes NaN
     * @param c overwritten, {@code d × m}, B problems, float64
     */
    void transform(Transform transform, Matrix x, int[] ranks, Matrix c);
}
