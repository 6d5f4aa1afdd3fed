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
}
