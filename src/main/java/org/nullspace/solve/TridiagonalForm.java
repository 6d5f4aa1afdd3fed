package org.nullspace.solve;

import java.util.Arrays;

/**
 * XXᵀ = u²·Q·T·Qᵀ with a positive definite tridiagonal T of norm 1 at most, in place of which a spectrum serves where there is one: what shrinking
 * by (XXᵀ + λI)⁻¹ needs. Eldén, BIT 17 (1977).
 *
 * @param q Q, n'×r
 * @param diagonal r entries; not to be changed
 * @param offDiagonal the r − 1 entries beside it (none for r = 0); not to be changed
 * @param unit u, 0 for r = 0
 * @param least a lower bound of T's eigenvalues, at most 1 % below the least
 * @param largest an upper bound, at most 1 % above the largest
 */
public record TridiagonalForm(
        OrthonormalColumns q, double[] diagonal, double[] offDiagonal, double unit, double least, double largest) {
    private static final double ACCURACY = 1.01;

    /** From a singular value decomposition: T = diag(σ²/σ₁²). */
    static TridiagonalForm of(Triplets triplets) {
        double[] sigma = triplets.sigma();
        int rank = sigma.length;
        double unit = rank == 0 ? 0 : sigma[0];
        double[] diagonal = new double[rank];
        for (int i = 0; i < rank; i++) {
            double share = sigma[i] / unit;
            diagonal[i] = share * share;
        }
        double least = rank == 0 ? 1 : diagonal[rank - 1];
        return new TridiagonalForm(triplets.u(), diagonal, new double[Math.max(0, rank - 1)], unit, least, 1);
    }

    /**
     * From a reduction of XXᵀ.
     *
     * @param q Q
     * @param diagonal T's diagonal, positive; scaled here
     * @param offDiagonal the entries beside it; scaled here
     */
    static TridiagonalForm of(OrthonormalColumns q, double[] diagonal, double[] offDiagonal) {
        int rank = diagonal.length;
        double norm = 0;
        for (int i = 0; i < rank; i++) {
            double before = i == 0 ? 0 : Math.abs(offDiagonal[i - 1]);
            double after = i == rank - 1 ? 0 : Math.abs(offDiagonal[i]);
            norm = Math.max(norm, diagonal[i] + before + after);
        }
        for (int i = 0; i < rank; i++) {
            diagonal[i] /= norm;
        }
        for (int i = 0; i < rank - 1; i++) {
            offDiagonal[i] /= norm;
        }
        double least = Arrays.stream(diagonal).min().orElse(1);
        double largest = Arrays.stream(diagonal).max().orElse(1);
        double below = least;
        while (below > Double.MIN_NORMAL && smaller(diagonal, offDiagonal, below) > 0) {
            least = below;
            below /= 2;
        }
        while (least > ACCURACY * below) {
            double middle = (below + least) / 2;
            boolean beyond = smaller(diagonal, offDiagonal, middle) > 0;
            least = beyond ? middle : least;
            below = beyond ? below : middle;
        }
        double above = 1;
        while (above > ACCURACY * largest) {
            double middle = (above + largest) / 2;
            boolean beyond = smaller(diagonal, offDiagonal, middle) == rank;
            above = beyond ? middle : above;
            largest = beyond ? largest : middle;
        }
        return new TridiagonalForm(q, diagonal, offDiagonal, Math.sqrt(norm), below, above);
    }

    /** Number of eigenvalues of T below x: negative pivots of T − xI. Golub and Van Loan, Matrix Computations, 4th ed., §8.4.1. */
    private static int smaller(double[] diagonal, double[] offDiagonal, double x) {
        int count = 0;
        double pivot = 1;
        for (int i = 0; i < diagonal.length; i++) {
            double e = i == 0 ? 0 : offDiagonal[i - 1];
            pivot = diagonal[i] - x - e * (e / pivot);
            pivot = pivot == 0 ? Double.MIN_NORMAL : pivot;
            count += pivot < 0 ? 1 : 0;
        }
        return count;
    }

    /**
     * Whether T is a spectrum.
     *
     * @return whether there is nothing beside the diagonal
     */
    public boolean isDiagonal() {
        return Arrays.stream(offDiagonal).allMatch(e -> e == 0);
    }
}
