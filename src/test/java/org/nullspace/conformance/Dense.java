package org.nullspace.conformance;

import org.nullspace.random.SplitMix64;

/**
 * Plain dense matrices for tests, as arrays of rows, with inner products in twice the working precision: what is measured with them is not
 * blurred by rounding errors of the measurement.
 */
public final class Dense {
    private Dense() {}

    /** Inner product as if computed in twice the precision. Ogita, Rump, Oishi, SIAM J. Sci. Comput. 26 (2005), algorithm 5.3. */
    static double dot(double[] a, double[] b) {
        double sum = 0;
        double error = 0;
        for (int i = 0; i < a.length; i++) {
            double product = a[i] * b[i];
            double productError = Math.fma(a[i], b[i], -product);
            double next = sum + product;
            double back = next - sum;
            error += (sum - (next - back)) + (product - back) + productError;
            sum = next;
        }
        return sum + error;
    }

    static double[][] zeros(int rows, int columns) {
        return new double[rows][columns];
    }

    static double[][] identity(int n) {
        double[][] out = new double[n][n];
        for (int i = 0; i < n; i++) {
            out[i][i] = 1;
        }
        return out;
    }

    static double[][] copy(double[][] a) {
        double[][] out = new double[a.length][];
        for (int i = 0; i < a.length; i++) {
            out[i] = a[i].clone();
        }
        return out;
    }

    /** The transpose; an empty matrix needs to be told its number of columns. */
    static double[][] transpose(double[][] a, int columns) {
        double[][] out = new double[columns][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < columns; j++) {
                out[j][i] = a[i][j];
            }
        }
        return out;
    }

    static double[][] transpose(double[][] a) {
        return transpose(a, columns(a));
    }

    static int columns(double[][] a) {
        return a.length == 0 ? 0 : a[0].length;
    }

    static double[][] multiply(double[][] a, double[][] b) {
        int columns = columns(b);
        double[][] bt = transpose(b, columns);
        double[][] out = new double[a.length][columns];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < columns; j++) {
                out[i][j] = dot(a[i], bt[j]);
            }
        }
        return out;
    }

    /** AB − C with one rounding at the end of each entry. */
    static double[][] multiplySubtract(double[][] a, double[][] b, double[][] c) {
        int columns = columns(c);
        double[][] bt = transpose(b, columns);
        double[][] out = new double[a.length][columns];
        for (int i = 0; i < a.length; i++) {
            double[] left = java.util.Arrays.copyOf(a[i], a[i].length + 1);
            left[a[i].length] = -1;
            for (int j = 0; j < columns; j++) {
                double[] right = java.util.Arrays.copyOf(bt[j], bt[j].length + 1);
                right[bt[j].length] = c[i][j];
                out[i][j] = dot(left, right);
            }
        }
        return out;
    }

    /** αA + βB. */
    static double[][] add(double alpha, double[][] a, double beta, double[][] b) {
        double[][] out = new double[a.length][columns(a)];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < out[i].length; j++) {
                out[i][j] = alpha * a[i][j] + beta * b[i][j];
            }
        }
        return out;
    }

    static double[][] subtract(double[][] a, double[][] b) {
        return add(1, a, -1, b);
    }

    static double[][] scale(double factor, double[][] a) {
        return add(factor, a, 0, a);
    }

    /** Frobenius norm, free of overflow and underflow. */
    static double norm(double[][] a) {
        double largest = 0;
        for (double[] row : a) {
            for (double value : row) {
                if (Double.isNaN(value)) {
                    return Double.NaN;
                }
                largest = Math.max(largest, Math.abs(value));
            }
        }
        if (largest == 0 || Double.isInfinite(largest)) {
            return largest;
        }
        double scale = Math.scalb(1.0, Math.max(-1022, Math.min(1022, -Math.getExponent(largest))));
        double sum = 0;
        for (double[] row : a) {
            for (double value : row) {
                sum += (value * scale) * (value * scale);
            }
        }
        return Math.sqrt(sum) / scale;
    }

    static double norm(double[] a) {
        return norm(new double[][] {a});
    }

    static double[] column(double[][] a, int j) {
        double[] out = new double[a.length];
        for (int i = 0; i < a.length; i++) {
            out[i] = a[i][j];
        }
        return out;
    }

    static double[][] column(double[] a) {
        return transpose(new double[][] {a});
    }

    /** Columns from (inclusive) to (exclusive). */
    static double[][] columns(double[][] a, int from, int to) {
        double[][] out = new double[a.length][];
        for (int i = 0; i < a.length; i++) {
            out[i] = java.util.Arrays.copyOfRange(a[i], from, to);
        }
        return out;
    }

    /** Rows in a given order. */
    static double[][] rows(double[][] a, int... order) {
        double[][] out = new double[order.length][];
        for (int i = 0; i < order.length; i++) {
            out[i] = a[order[i]].clone();
        }
        return out;
    }

    /** Columns in a given order. */
    static double[][] pickColumns(double[][] a, int... order) {
        double[][] out = new double[a.length][order.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < order.length; j++) {
                out[i][j] = a[i][order[j]];
            }
        }
        return out;
    }

    /** [A B]. */
    static double[][] beside(double[][] a, double[][] b) {
        double[][] out = new double[a.length][];
        for (int i = 0; i < a.length; i++) {
            out[i] = java.util.Arrays.copyOf(a[i], a[i].length + b[i].length);
            System.arraycopy(b[i], 0, out[i], a[i].length, b[i].length);
        }
        return out;
    }

    /** [A; B]. */
    static double[][] above(double[][] a, double[][] b) {
        double[][] out = new double[a.length + b.length][];
        for (int i = 0; i < out.length; i++) {
            out[i] = (i < a.length ? a[i] : b[i - a.length]).clone();
        }
        return out;
    }

    /** Entries rounded to float32. */
    static double[][] rounded(double[][] a) {
        double[][] out = copy(a);
        for (double[] row : out) {
            for (int j = 0; j < row.length; j++) {
                row[j] = (float) row[j];
            }
        }
        return out;
    }

    static double[][] gaussian(SplitMix64 random, int rows, int columns) {
        double[][] out = new double[rows][columns];
        for (double[] row : out) {
            for (int j = 0; j < columns; j++) {
                row[j] = random.nextGaussian();
            }
        }
        return out;
    }

    static double[] gaussian(SplitMix64 random, int size) {
        return gaussian(random, 1, size)[0];
    }

    /**
     * The first columns of a random orthogonal matrix: a product of Householder reflections of Gaussian vectors of falling length, uniform in
     * the Haar sense. Stewart, SIAM J. Numer. Anal. 17 (1980). For long columns only the first reflections are taken, which leaves the
     * columns orthonormal.
     */
    static double[][] orthonormal(SplitMix64 random, int rows, int columns) {
        double[][] byColumn = new double[columns][rows];
        for (int j = 0; j < columns; j++) {
            byColumn[j][j] = random.nextDouble() < 0.5 ? 1 : -1;
        }
        int reflections = (long) rows * columns > 20_000 ? Math.min(4, columns) : columns;
        for (int start = reflections - 1; start >= 0; start--) {
            double[] v = new double[rows];
            double norm2 = 0;
            for (int i = start; i < rows; i++) {
                v[i] = random.nextGaussian();
                norm2 += v[i] * v[i];
            }
            double length = Math.sqrt(norm2);
            double sign = v[start] < 0 ? -1 : 1;
            double factor = 1 / (norm2 + Math.abs(v[start]) * length);
            v[start] += sign * length;
            for (double[] column : byColumn) {
                double product = 0;
                for (int i = start; i < rows; i++) {
                    product += v[i] * column[i];
                }
                product *= factor;
                for (int i = start; i < rows; i++) {
                    column[i] -= product * v[i];
                }
            }
        }
        return transpose(byColumn, rows);
    }
}
