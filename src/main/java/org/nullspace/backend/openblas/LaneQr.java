package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Householder QR of {@link Lanes#COUNT} problems of one shape at the same time: A = QR for the tall one A of X and Xᵀ, m×p. Q is applied from
 * its reflections, never formed. Golub and Van Loan, Matrix Computations, 4th ed., §5.1 and §5.2.1.
 *
 * <p>Each column is brought up to date with all earlier reflections just before its own is made, so that one column at a time is written,
 * in the first-level cache, and reflections are read once for each later column.
 *
 * <p>Each X is multiplied by a power of two where squares of its entries could leave the range of the number format: what this class calls
 * A is that of the scaled X. Not to be shared by threads.
 */
final class LaneQr {
    /** X is scaled if the sum of the squares of its entries is not between this and its inverse. */
    static final double SMALLEST_SQUARES = 0x1p-600;

    private final int m;
    private final int p;
    private final boolean wide;
    private final double[][][] a;
    private final double[][] diagonal;
    private final double[][] inverses;
    private final double[][] factors;
    private final int[] exponents = new int[Lanes.COUNT];
    private final double[] scales = new double[Lanes.COUNT];
    private final double[] squares = new double[Lanes.COUNT];
    private final double[] sum = new double[Lanes.COUNT];

    /**
     * Scratch for one shape.
     *
     * @param n rows of X
     * @param d columns of X
     */
    LaneQr(int n, int d) {
        wide = n <= d;
        m = Math.max(n, d);
        p = Math.min(n, d);
        a = new double[p][][];
        Arrays.setAll(a, j -> Lanes.rows(m));
        diagonal = Lanes.rows(p);
        inverses = Lanes.rows(p);
        factors = Lanes.rows(p);
    }

    /** Entries of the scratch for one problem. */
    static double entries(double n, double d) {
        return n * d + 3 * Math.min(n, d) + 4;
    }

    int m() {
        return m;
    }

    int p() {
        return p;
    }

    /** Whether A = Xᵀ. */
    boolean wide() {
        return wide;
    }

    /** The lanes of entry (i, j) of X: to be filled before {@link #factor()}, which destroys them. */
    double[] x(int i, int j) {
        return wide ? a[i][j] : a[j][i];
    }

    /** The lanes of entry (i, j) of R, i ≤ j. */
    double[] r(int i, int j) {
        return i == j ? diagonal[i] : a[j][i];
    }

    /** The entries of column j of R above the diagonal, in the leading rows. */
    double[][] column(int j) {
        return a[j];
    }

    /** The lanes of 1/r for entry (i, i) of R. */
    double[] inverse(int i) {
        return inverses[i];
    }

    /** e where X was multiplied by 2^e. */
    int[] exponents() {
        return exponents;
    }

    /** 2^e where X was multiplied by it. */
    double[] scales() {
        return scales;
    }

    /** ‖A‖_F², NaN if an entry of X is not finite. */
    double[] squares() {
        return squares;
    }

    /** Factorizes all lanes. */
    void factor() {
        scale();
        for (int j = 0; j < p; j++) {
            double[][] column = a[j];
            for (int i = 0; i < j; i++) {
                reflect(i, column);
            }
            Lanes.dot(factors[j], column, column, j, m);
            Lanes.reflector(column[j], factors[j], inverses[j], diagonal[j]);
        }
    }

    /** Multiplies a column of m entries by Qᵀ. */
    void applyTransposedQ(double[][] column) {
        for (int i = 0; i < p; i++) {
            reflect(i, column);
        }
    }

    /** Multiplies a column of m entries by Q. */
    void applyQ(double[][] column) {
        for (int i = p - 1; i >= 0; i--) {
            reflect(i, column);
        }
    }

    /** Applies reflection i to a column. */
    private void reflect(int i, double[][] column) {
        Lanes.dot(sum, a[i], column, i, m);
        Lanes.multiply(sum, factors[i]);
        Lanes.subtract(sum, a[i], column, i, m);
    }

    private void scale() {
        Arrays.fill(squares, 0);
        for (double[][] column : a) {
            Lanes.addDot(squares, column, column, 0, m);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            exponents[l] = 0;
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
            squares[l] = largest == 0 ? 0 : Double.NaN;
            return;
        }
        exponents[l] = Math.max(-1022, Math.min(1022, -Math.getExponent(largest)));
        double power = Math.scalb(1.0, exponents[l]);
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
