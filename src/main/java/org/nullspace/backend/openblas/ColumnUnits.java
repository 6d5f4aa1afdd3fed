package org.nullspace.backend.openblas;

import java.util.Arrays;

/** Columns of a packed matrix in units of their own, so that products neither overflow nor underflow where their results do not. */
final class ColumnUnits {
    /** Columns whose largest magnitude lies between the inverse of this and this are left alone. */
    private static final double SAFE = 0x1p300;

    private ColumnUnits() {}

    /**
     * The power of two that brings a magnitude near 1, if it is not safe as it is.
     *
     * @return exponent, 0 if there is nothing to do
     */
    static int exponent(double largest) {
        return largest == 0 || (largest <= SAFE && largest >= 1 / SAFE)
                ? 0
                : Math.max(-1022, Math.min(1022, -Math.getExponent(largest)));
    }

    /**
     * Scales columns by powers of two.
     *
     * @param exponents written: of the powers
     * @return false if an entry is not finite
     */
    static boolean scale(Blas64 blas, int rows, int columns, long matrix, int[] exponents) {
        Arrays.fill(exponents, 0);
        double all = blas.largest(rows, columns, matrix, rows);
        if (!(all < Double.POSITIVE_INFINITY)) {
            return false;
        }
        for (int t = 0; t < columns; t++) {
            long at = matrix + (long) t * rows * Double.BYTES;
            exponents[t] = exponent(columns == 1 ? all : blas.largest(rows, 1, at, rows));
            multiply(blas, rows, at, exponents[t]);
        }
        return true;
    }

    /**
     * Scales columns back.
     *
     * @param exponents of {@link #scale}
     * @param more exponent of a power that all columns are multiplied by
     * @return false if an entry is not finite then
     */
    static boolean restore(Blas64 blas, int rows, int columns, long matrix, int[] exponents, int more) {
        for (int t = 0; t < columns; t++) {
            multiply(blas, rows, matrix + (long) t * rows * Double.BYTES, more - exponents[t]);
        }
        return blas.largest(rows, columns, matrix, rows) < Double.POSITIVE_INFINITY;
    }

    /** Multiplies a column by a power of two, in steps that are numbers. */
    static void multiply(Blas64 blas, int rows, long column, int exponent) {
        int left = exponent;
        while (left != 0) {
            int step = Math.max(-1000, Math.min(1000, left));
            blas.scale(rows, Math.scalb(1.0, step), column, 1);
            left -= step;
        }
    }
}
