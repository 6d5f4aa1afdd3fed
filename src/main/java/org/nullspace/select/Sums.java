package org.nullspace.select;

/** Loops over vectors. */
final class Sums {
    private Sums() {}

    /** y ← y + a·x. */
    static void add(double a, double[] x, double[] y) {
        for (int i = 0; i < y.length; i++) {
            y[i] += a * x[i];
        }
    }

    /** y ← x ∘ y. */
    static void multiply(double[] x, double[] y) {
        for (int i = 0; i < y.length; i++) {
            y[i] *= x[i];
        }
    }

    /** Σ x_i² in four independent chains of additions. */
    static double squares(double[] x) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i < x.length - 3; i += 4) {
            s0 += x[i] * x[i];
            s1 += x[i + 1] * x[i + 1];
            s2 += x[i + 2] * x[i + 2];
            s3 += x[i + 3] * x[i + 3];
        }
        for (; i < x.length; i++) {
            s0 += x[i] * x[i];
        }
        return s0 + s1 + (s2 + s3);
    }
}
