package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Columns that are multiplied by orthogonal matrices, in all lanes. Each column is multiplied by a power of two where squares of its entries could
 * leave the range of the number format. Not to be shared by threads.
 */
final class LaneColumns {
    /** Exponents up to which a power of two and its inverse are normal numbers with a margin. */
    private static final int MODERATE = 1000;

    private final double[][][] b;
    private final int[][] exponents;
    private final double[][] verdicts;
    private final double[] squares = new double[Lanes.COUNT];
    private final double[] powers = new double[Lanes.COUNT];

    /**
     * Scratch.
     *
     * @param rows entries of a column
     * @param count number of columns
     */
    LaneColumns(int rows, int count) {
        b = new double[count][][];
        Arrays.setAll(b, t -> Lanes.rows(rows));
        exponents = new int[count][Lanes.COUNT];
        verdicts = Lanes.rows(count);
    }

    /** Entries of the scratch for one problem. */
    static double entries(double rows, double count) {
        return (rows + 2) * count + 2;
    }

    int count() {
        return b.length;
    }

    /** The lanes of entry (i, t). */
    double[] entry(int i, int t) {
        return b[t][i];
    }

    /** The entries of a column. */
    double[][] column(int t) {
        return b[t];
    }

    /** 0, or NaN where an entry of column t was not finite. */
    double[] verdict(int t) {
        return verdicts[t];
    }

    /** Scales columns whose leading {@code rows} entries are of extreme size. */
    void scale(int rows) {
        for (int t = 0; t < b.length; t++) {
            double[][] column = b[t];
            Lanes.dot(squares, column, column, 0, rows);
            for (int l = 0; l < Lanes.COUNT; l++) {
                exponents[t][l] = 0;
                verdicts[t][l] = 0;
                if (!(squares[l] >= LaneQr.SMALLEST_SQUARES && squares[l] <= 1 / LaneQr.SMALLEST_SQUARES)) {
                    scale(t, l, rows);
                }
            }
        }
    }

    private void scale(int t, int l, int rows) {
        double largest = 0;
        for (int i = 0; i < rows; i++) {
            largest = Math.max(largest, Math.abs(b[t][i][l]));
        }
        if (!Double.isFinite(largest)) {
            verdicts[t][l] = Double.NaN;
        } else if (largest > 0) {
            exponents[t][l] = Math.max(-1022, Math.min(1022, -Math.getExponent(largest)));
            double power = Math.scalb(1.0, exponents[t][l]);
            for (int i = 0; i < rows; i++) {
                b[t][i][l] *= power;
            }
        }
    }

    /**
     * Takes the scaling of a column back.
     *
     * @param t the column
     * @param rows number of its leading entries that are wanted
     * @param more for each lane, the exponent of a further power of two to multiply by
     */
    void restore(int t, int rows, int[] more) {
        boolean moderate = true;
        boolean none = true;
        for (int l = 0; l < Lanes.COUNT; l++) {
            int exponent = more[l] - exponents[t][l];
            moderate &= Math.abs(exponent) <= MODERATE;
            none &= exponent == 0;
            powers[l] = Math.scalb(1.0, Math.max(-MODERATE, Math.min(MODERATE, exponent)));
        }
        if (none) {
            return;
        }
        for (int i = 0; i < rows; i++) {
            double[] lanes = b[t][i];
            if (moderate) {
                Lanes.multiply(lanes, powers);
                continue;
            }
            for (int l = 0; l < Lanes.COUNT; l++) {
                lanes[l] = Math.scalb(lanes[l], more[l] - exponents[t][l]);
            }
        }
    }
}
