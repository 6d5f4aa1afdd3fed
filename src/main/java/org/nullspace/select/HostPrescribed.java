package org.nullspace.select;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.nullspace.matrix.Precision;

/**
 * Members of a small problem with prescribed coefficients, from the projections of the coefficient axes on its null space: the computation of
 * {@link Prescribed} in plain arithmetic on the host, for many problems that are each too small for a device. The thin singular value
 * decomposition is found by one-sided Jacobi rotations: Golub and Van Loan, Matrix Computations, 4th ed., §8.6.3.
 */
public final class HostPrescribed {
    private static final int MOST_SWEEPS = 60;
    private static final double NEGLIGIBLE = 4 * Precision.FLOAT64.epsilon();

    private HostPrescribed() {}

    /**
     * w ← w + n with n the shortest null vector that brings the prescribed coefficients to, or nearest to, their values.
     *
     * @param axes column c is the projection of the axis of coefficient {@code indices[c]} on the null space, d entries; destroyed
     * @param indices prescribed coefficients, m of them
     * @param values their values
     * @param tolerance sines of angles between coefficient axes and null space at or below it count as zero
     * @param w for each target a member, d entries; overwritten
     * @return how many independent constraints there were and what is left
     */
    public static Prescribed.Result move(
            double[][] axes, int[] indices, double[] values, double tolerance, double[][] w) {
        int m = indices.length;
        double[][] z = new double[m][m];
        for (int c = 0; c < m; c++) {
            z[c][c] = 1;
        }
        rotate(axes, z);
        double[] sines = new double[m];
        Arrays.setAll(sines, c -> norm(axes[c]));
        int[] order = IntStream.range(0, m)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer c) -> -sines[c]))
                .mapToInt(Integer::intValue)
                .toArray();
        int rank = 0;
        while (rank < m && sines[order[rank]] > tolerance) {
            rank++;
        }
        double[] distance = new double[w.length];
        for (int t = 0; t < w.length; t++) {
            double[] delta = new double[m];
            for (int c = 0; c < m; c++) {
                delta[c] = values[c] - w[t][indices[c]];
            }
            for (int i = 0; i < rank; i++) {
                int c = order[i];
                // The column is its unit vector times the sine.
                double factor = dot(z[c], delta) / sines[c] / sines[c];
                for (int e = 0; e < w[t].length; e++) {
                    w[t][e] += factor * axes[c][e];
                }
            }
            for (int c = 0; c < m; c++) {
                distance[t] = Math.hypot(distance[t], values[c] - w[t][indices[c]]);
            }
        }
        return new Prescribed.Result(rank, distance);
    }

    /** Rotates pairs of columns of B, and those of Z along, until the columns of B are orthogonal. */
    private static void rotate(double[][] b, double[][] z) {
        boolean rotated = true;
        for (int sweep = 0; rotated && sweep < MOST_SWEEPS; sweep++) {
            rotated = false;
            for (int p = 0; p < b.length; p++) {
                for (int q = p + 1; q < b.length; q++) {
                    double alpha = dot(b[p], b[p]);
                    double beta = dot(b[q], b[q]);
                    double gamma = dot(b[p], b[q]);
                    if (Math.abs(gamma) > NEGLIGIBLE * Math.sqrt(alpha) * Math.sqrt(beta)) {
                        double zeta = (beta - alpha) / (2 * gamma);
                        double t = Math.copySign(1, zeta) / (Math.abs(zeta) + Math.hypot(1, zeta));
                        double cosine = 1 / Math.hypot(1, t);
                        turn(b[p], b[q], cosine, cosine * t);
                        turn(z[p], z[q], cosine, cosine * t);
                        rotated = true;
                    }
                }
            }
        }
    }

    private static void turn(double[] p, double[] q, double cosine, double sine) {
        for (int i = 0; i < p.length; i++) {
            double a = p[i];
            p[i] = cosine * a - sine * q[i];
            q[i] = sine * a + cosine * q[i];
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double norm(double[] a) {
        return Math.sqrt(dot(a, a));
    }
}
