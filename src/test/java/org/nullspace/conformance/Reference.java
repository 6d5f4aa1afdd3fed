package org.nullspace.conformance;

import java.util.SplittableRandom;
import org.nullspace.matrix.Precision;

/** Textbook linear algebra on {@code double[][]}, to compare with. */
final class Reference {
    private Reference() {}

    static double round(double value, Precision precision) {
        return precision == Precision.FLOAT32 ? (float) value : value;
    }

    /** Entries in (−1, 1), rounded to a precision. */
    static double[][] random(SplittableRandom random, int rows, int columns, Precision precision) {
        double[][] a = new double[rows][columns];
        for (double[] row : a) {
            for (int j = 0; j < columns; j++) {
                row[j] = round(2 * random.nextDouble() - 1, precision);
            }
        }
        return a;
    }

    static double[][] multiply(double[][] a, double[][] b, int columns) {
        double[][] c = new double[a.length][columns];
        for (int i = 0; i < a.length; i++) {
            for (int l = 0; l < b.length; l++) {
                for (int j = 0; j < columns; j++) {
                    c[i][j] += a[i][l] * b[l][j];
                }
            }
        }
        return c;
    }

    static double[][] transpose(double[][] a, int columns) {
        double[][] t = new double[columns][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < columns; j++) {
                t[j][i] = a[i][j];
            }
        }
        return t;
    }

    static double[][] magnitudes(double[][] a) {
        double[][] m = new double[a.length][];
        for (int i = 0; i < a.length; i++) {
            m[i] = a[i].clone();
            for (int j = 0; j < m[i].length; j++) {
                m[i][j] = Math.abs(m[i][j]);
            }
        }
        return m;
    }

    static double[][] copy(double[][] a) {
        double[][] c = new double[a.length][];
        for (int i = 0; i < a.length; i++) {
            c[i] = a[i].clone();
        }
        return c;
    }

    static double[][] identity(int n) {
        double[][] a = new double[n][n];
        for (int i = 0; i < n; i++) {
            a[i][i] = 1;
        }
        return a;
    }

    /** Q (m × m) from LAPACK's reflectors: the product of I − τ v vᵀ, first reflector first. */
    static double[][] q(double[][] reflectors, double[][] tau, int m) {
        double[][] q = identity(m);
        for (int k = tau.length - 1; k >= 0; k--) {
            double[] v = new double[m];
            v[k] = 1;
            for (int i = k + 1; i < m; i++) {
                v[i] = reflectors[i][k];
            }
            for (int j = 0; j < m; j++) {
                double dot = 0;
                for (int i = k; i < m; i++) {
                    dot += v[i] * q[i][j];
                }
                for (int i = k; i < m; i++) {
                    q[i][j] -= tau[k][0] * v[i] * dot;
                }
            }
        }
        return q;
    }

    /** A random orthogonal matrix: a product of n random reflections. */
    static double[][] orthogonal(SplittableRandom random, int n) {
        double[][] q = identity(n);
        for (int k = 0; k < n; k++) {
            double[] v = random(random, 1, n, Precision.FLOAT64)[0];
            double norm = 0;
            for (double x : v) {
                norm += x * x;
            }
            for (int j = 0; j < n; j++) {
                double dot = 0;
                for (int i = 0; i < n; i++) {
                    dot += v[i] * q[i][j];
                }
                for (int i = 0; i < n; i++) {
                    q[i][j] -= 2 * v[i] * dot / norm;
                }
            }
        }
        return q;
    }
}
