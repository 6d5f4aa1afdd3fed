package org.nullspace.backend;

/** How the bidiagonal matrix inside a singular value decomposition is diagonalized, in the order in which they are tried. */
public enum SvdAlgorithm {
    /** Divide and conquer (LAPACK gesdd): fast. */
    DIVIDE_AND_CONQUER,
    /** Implicit QR iteration (LAPACK gesvd): slower, converges on some matrices that the other does not. */
    QR_ITERATION
}
