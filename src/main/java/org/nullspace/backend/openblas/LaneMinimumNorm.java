package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Minimum-norm least-squares solutions from a {@link LaneQr}: W = Q·R⁻ᵀ·Y where X is wide and W = R⁻¹·QᵀY where it is tall, never from normal
 * equations. Golub and Van Loan, Matrix Computations, 4th ed., §5.3.2 and §5.6.2. Not to be shared by threads.
 */
final class LaneMinimumNorm {
    private final LaneQr qr;
    private final double[][][] b;
    private final double[][] vector;
    private final double[] sum = new double[Lanes.COUNT];
    private final double[] normOfInverse = new double[Lanes.COUNT];
    private final double[] norm = new double[Lanes.COUNT];

    /**
     * Scratch for one shape.
     *
     * @param qr where the factorizations will be
     * @param k columns of Y
     */
    LaneMinimumNorm(LaneQr qr, int k) {
        this.qr = qr;
        b = new double[k][][];
        Arrays.setAll(b, t -> Lanes.rows(qr.m()));
        vector = Lanes.rows(qr.p());
    }

    /** Entries of the scratch for one problem. */
    static double entries(double n, double d, double k) {
        return Math.max(n, d) * k + Math.min(n, d) + 3;
    }

    /** The lanes of entry (i, t) of Y: to be filled before {@link #solve()}, which destroys them. */
    double[] y(int i, int t) {
        return b[t][i];
    }

    /** The lanes of entry (j, t) of W, after {@link #solve()}. */
    double[] w(int j, int t) {
        return b[t][j];
    }

    /** ‖X‖_F, at least σ₁; NaN if there is no solution that can be vouched for. */
    double[] norm() {
        return norm;
    }

    /** ‖R⁻¹‖_F, at least 1/σ_p. */
    double[] normOfInverse() {
        return normOfInverse;
    }

    /** Solves all lanes, from the factorizations that are in the lanes of the QR. */
    void solve() {
        measure();
        int p = qr.p();
        for (double[][] target : b) {
            if (qr.wide()) {
                for (int i = 0; i < p; i++) {
                    Lanes.dot(sum, qr.column(i), target, 0, i);
                    Lanes.subtractAndMultiply(target[i], sum, qr.inverse(i));
                }
                for (int i = p; i < target.length; i++) {
                    Arrays.fill(target[i], 0);
                }
                qr.applyQ(target);
            } else {
                qr.applyTransposedQ(target);
                for (int i = p - 1; i >= 0; i--) {
                    Lanes.multiply(target[i], qr.inverse(i));
                    Lanes.subtract(target[i], qr.column(i), target, 0, i);
                }
            }
            for (int j = 0; j < (qr.wide() ? target.length : p); j++) {
                Lanes.multiply(target[j], qr.scales());
                Lanes.spoil(norm, target[j]);
            }
        }
    }

    /** Norms of X and R⁻¹ in the unit of X; the rows of R⁻¹ are found as solutions of Rᵀz = e. */
    private void measure() {
        int p = qr.p();
        double[] scales = qr.scales();
        Arrays.fill(normOfInverse, 0);
        for (int j = 0; j < p; j++) {
            System.arraycopy(qr.inverse(j), 0, vector[j], 0, Lanes.COUNT);
            for (int i = j + 1; i < p; i++) {
                Lanes.dot(sum, qr.column(i), vector, j, i);
                Lanes.negativeProduct(vector[i], sum, qr.inverse(i));
            }
            Lanes.addDot(normOfInverse, vector, vector, j, p);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            norm[l] = Math.sqrt(qr.squares()[l]) / scales[l];
            normOfInverse[l] = Math.sqrt(normOfInverse[l]) * scales[l];
        }
    }
}
