package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Minimum-norm least-squares solutions of {@link Lanes#COUNT} problems of one shape at the same time. With A the tall one of X and Xᵀ, m×p:
 * Householder QR of A, then W = Q·R⁻ᵀ·Y where X is wide and W = R⁻¹·QᵀY where it is tall, with Q applied from its reflections, never formed and
 * never replaced by normal equations. Golub and Van Loan, Matrix Computations, 4th ed., §5.2.1, §5.3.2 and §5.6.2.
 *
 * <p>Each column is brought up to date with all earlier reflections just before its own is made, so that one column at a time is written,
 * in the first-level cache, and reflections are read once for each later column.
 *
 * <p>Each X is multiplied by a power of two where squares of its entries could leave the range of the number format. Not to be shared by
 * threads.
 */
final class LaneQr {
    /** X is scaled if the sum of the squares of its entries is not between this and its inverse. */
    private static final double SMALLEST_SQUARES = 0x1p-600;

    private final int m;
    private final int p;
    private final boolean wide;
    private final double[][][] a;
    private final double[][][] b;
    private final double[][] inverses;
    private final double[][] factors;
    private final double[][] vector;
    private final double[] scales = new double[Lanes.COUNT];
    private final double[] squares = new double[Lanes.COUNT];
    private final double[] sum = new double[Lanes.COUNT];
    private final double[] normOfInverse = new double[Lanes.COUNT];
    private final double[] norm = new double[Lanes.COUNT];

    /**
     * Scratch for one shape.
     *
     * @param n rows of X
     * @param d columns of X
     * @param k columns of Y
     */
    LaneQr(int n, int d, int k) {
        wide = n <= d;
        m = Math.max(n, d);
        p = Math.min(n, d);
        a = new double[p][][];
        Arrays.setAll(a, j -> Lanes.rows(m));
        b = new double[k][][];
        Arrays.setAll(b, t -> Lanes.rows(m));
        inverses = Lanes.rows(p);
        factors = Lanes.rows(p);
        vector = Lanes.rows(p);
    }

    /** The lanes of entry (i, j) of X: to be filled before {@link #solve()}, which destroys them. */
    double[] x(int i, int j) {
        return wide ? a[i][j] : a[j][i];
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

    /** Solves all lanes. */
    void solve() {
        scale();
        for (int j = 0; j < p; j++) {
            double[][] column = a[j];
            for (int i = 0; i < j; i++) {
                reflect(i, column);
            }
            Lanes.dot(factors[j], column, column, j, m);
            Lanes.reflector(column[j], factors[j], inverses[j]);
        }
        measure();
        for (double[][] target : b) {
            if (wide) {
                for (int i = 0; i < p; i++) {
                    Lanes.dot(sum, a[i], target, 0, i);
                    Lanes.subtractAndMultiply(target[i], sum, inverses[i]);
                }
                for (int i = p; i < m; i++) {
                    Arrays.fill(target[i], 0);
                }
                for (int i = p - 1; i >= 0; i--) {
                    reflect(i, target);
                }
            } else {
                for (int i = 0; i < p; i++) {
                    reflect(i, target);
                }
                for (int i = p - 1; i >= 0; i--) {
                    Lanes.multiply(target[i], inverses[i]);
                    Lanes.subtract(target[i], a[i], target, 0, i);
                }
            }
            for (int j = 0; j < (wide ? m : p); j++) {
                Lanes.multiply(target[j], scales);
                Lanes.spoil(norm, target[j]);
            }
        }
    }

    /** Applies reflection i to a column. */
    private void reflect(int i, double[][] column) {
        Lanes.dot(sum, a[i], column, i, m);
        Lanes.multiply(sum, factors[i]);
        Lanes.subtract(sum, a[i], column, i, m);
    }

    /** Norms of X and R⁻¹ in the unit of X; the rows of R⁻¹ are found as solutions of Rᵀz = e. */
    private void measure() {
        Arrays.fill(normOfInverse, 0);
        for (int j = 0; j < p; j++) {
            System.arraycopy(inverses[j], 0, vector[j], 0, Lanes.COUNT);
            for (int i = j + 1; i < p; i++) {
                Lanes.dot(sum, a[i], vector, j, i);
                Lanes.negativeProduct(vector[i], sum, inverses[i]);
            }
            Lanes.addDot(normOfInverse, vector, vector, j, p);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            norm[l] = Math.sqrt(squares[l]) / scales[l];
            normOfInverse[l] = Math.sqrt(normOfInverse[l]) * scales[l];
        }
    }

    private void scale() {
        Arrays.fill(squares, 0);
        for (double[][] column : a) {
            Lanes.addDot(squares, column, column, 0, m);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            scales[l] = 1;
            if (!(squares[l] >= SMALLEST_SQUARES && squares[l] <= 1 / SMALLEST_SQUARES)) {
                scale(l);
            }
        }
    }

    private void scale(int l) {
        double largest = 0;
        for (double[][] column : a) {
            for (double[] row : column) {
                largest = Math.max(largest, Math.abs(row[l]));
            }
        }
        if (largest == 0 || !Double.isFinite(largest)) {
            squares[l] = Double.NaN;
            return;
        }
        double power = Math.scalb(1.0, Math.max(-1022, Math.min(1022, -Math.getExponent(largest))));
        double total = 0;
        for (double[][] column : a) {
            for (double[] row : column) {
                row[l] *= power;
                total += row[l] * row[l];
            }
        }
        squares[l] = total;
        scales[l] = power;
    }
}
