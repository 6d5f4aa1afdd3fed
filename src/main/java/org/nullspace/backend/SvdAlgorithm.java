package org.nullspace.backend;

/** How the singular values and vectors of a matrix are found. A session has {@linkplain Session#svdAlgorithms() some of them}. */
public enum SvdAlgorithm {
    /** Bidiagonalization, then divide and conquer (LAPACK gesdd): fast on a CPU. */
    DIVIDE_AND_CONQUER,
    /** Bidiagonalization, then implicit QR iteration (gesvd of LAPACK and cuSOLVER): converges on some matrices that others do not. */
    QR_ITERATION,
    /** One-sided Jacobi rotations (cuSOLVER gesvdj): for small matrices on a GPU. */
    JACOBI,
    /** Polar decomposition, then an eigenvalue decomposition (cuSOLVER gesvdp): matrix products, for larger matrices on a GPU. */
    POLAR
}
