package org.nullspace.model;

/** How X is factorized. */
public enum Method {
    /**
     * The planner chooses: {@link #GRAM} where its certificate holds, otherwise {@link #SKETCH} where the rank is low
     * enough for it to pay and its certificate holds, otherwise {@link #QR_SVD}.
     */
    AUTO,
    /**
     * Thin singular value decomposition of X, or of Xᵀ when X is wide, by LAPACK's or cuSOLVER's bidiagonalization. Any shape, any rank.
     * The reference path. Golub and Van Loan, Matrix Computations, 4th ed., §8.6.
     */
    GESVD,
    /**
     * Householder QR of the long side of X, then the singular value decomposition of the small triangular factor. Any shape, any rank. The
     * orthonormal factor stays a product of reflectors. Chan, "An improved algorithm for computing the SVD", ACM TOMS 8 (1982).
     */
    QR_SVD,
    /**
     * Cholesky factorization of the Gram matrix XXᵀ (wide) or XᵀX (tall) in float64, with a certificate of full rank and iterative
     * refinement. Costs little more than the Gram matrix. Where that does not hold and min(n,d) is at least 64, a factorization with pivoting
     * looks for a lower rank, which is decided by the singular values of X projected on the chosen rows and certified on X itself; it takes a gap and a rank of
     * at most 0.7·min(n,d). Otherwise the next method takes over and the result says so. Higham, Accuracy and Stability of Numerical Algorithms, 2nd
     * ed., chapter 10.
     */
    GRAM,
    /**
     * A random sketch of X, which brackets the rank and preconditions a Cholesky QR factorization, then the singular value decomposition of
     * the small factor; float64. Any shape, any rank; for rank-deficient and ill-conditioned systems with a long side. A certificate bounds the backward error
     * and the orthogonality; where it does not hold, {@link #QR_SVD} takes over and the result says so. The same result on every run.
     */
    SKETCH
}
