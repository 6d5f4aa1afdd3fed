package org.nullspace.model;

/** How {@link Method#QR_SVD} finds the singular values and vectors of its small triangular factor. */
public enum SvdChoice {
    /** As the backend prefers; if the iteration does not converge, every other algorithm of the backend is tried. */
    AUTO,
    /** Bidiagonalization, then divide and conquer (LAPACK gesdd); on the CPU. */
    DIVIDE_AND_CONQUER,
    /** Bidiagonalization, then implicit QR iteration (gesvd of LAPACK and cuSOLVER); everywhere. */
    QR_ITERATION,
    /** One-sided Jacobi rotations (cuSOLVER gesvdj); on CUDA devices. */
    JACOBI,
    /**
     * Polar decomposition, then an eigenvalue decomposition (cuSOLVER gesvdp); on CUDA devices. Perturbs matrices with small singular values; where it says that it
     * has lost digits, the outcome is {@link Outcome#NOT_CONVERGED}.
     */
    POLAR
}
