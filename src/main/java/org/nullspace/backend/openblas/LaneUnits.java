package org.nullspace.backend.openblas;

/**
 * Powers of two that bring the R of each lane to a norm between 1 and 2, so that squares of squares of its entries stay in the range of the
 * number format.
 */
final class LaneUnits {
    private final int[] exponents = new int[Lanes.COUNT];
    private final double[] half = new double[Lanes.COUNT];
    private final double[] otherHalf = new double[Lanes.COUNT];
    private final double[] powers = new double[Lanes.COUNT];

    /** Chooses the powers for the factorizations in the lanes of a QR. */
    void set(LaneQr qr) {
        for (int l = 0; l < Lanes.COUNT; l++) {
            double squares = qr.squares()[l];
            int exponent = squares > 0 ? -Math.getExponent(Math.sqrt(squares)) : 0;
            powers[l] = Math.scalb(1.0, exponent);
            exponents[l] = qr.exponents()[l] + exponent;
            int first = -exponents[l] / 2;
            half[l] = Math.scalb(1.0, first);
            otherHalf[l] = Math.scalb(1.0, -exponents[l] - first);
        }
    }

    /** The factors of the entries of R. */
    double[] powers() {
        return powers;
    }

    /** e where X has been multiplied by 2^e altogether. */
    int exponent(int l) {
        return exponents[l];
    }

    /** A singular value of the scaled problem in the unit of X. */
    double back(double value, int l) {
        return Math.scalb(value, -exponents[l]);
    }

    /** Brings singular values of the scaled problems to the unit of X. */
    void back(double[][] values) {
        for (double[] lanes : values) {
            for (int l = 0; l < Lanes.COUNT; l++) {
                // Two powers of two: one may lie outside of the range of normal numbers.
                lanes[l] = lanes[l] * half[l] * otherHalf[l];
            }
        }
    }
}
