package org.nullspace.solve;

/**
 * The leading singular triplets of the factorized matrix: X ≈ U·diag(σ)·Vᵀ with σ_r above the cut-off.
 *
 * @param u U, n'×r
 * @param sigma r singular values in descending order, not scaled; not to be changed
 * @param v V, d×r
 */
public record Triplets(OrthonormalColumns u, double[] sigma, OrthonormalColumns v) {}
