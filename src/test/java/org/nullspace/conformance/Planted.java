package org.nullspace.conformance;

import java.util.Arrays;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/**
 * A regression whose answer is known because it was built from it: X = U·diag(σ)·Vᵀ with random orthonormal U and V, W₀ = VC, Y = XW₀ + E
 * with E orthogonal to the range of X. Entries are rounded to the precision of the data.
 *
 * @param seed seed of everything random in it
 * @param precision precision of X and Y
 * @param u n×r
 * @param sigma the r singular values that are not zero, descending
 * @param v d×r
 * @param x n×d
 * @param w minimum-norm solution, d×k
 * @param y n×k
 * @param residual ‖E‖ over all targets
 */
public record Planted(
        long seed,
        Precision precision,
        double[][] u,
        double[] sigma,
        double[][] v,
        double[][] x,
        double[][] w,
        double[][] y,
        double residual) {

    /** How singular values fall. */
    public enum Spectrum {
        /** All equal. */
        FLAT,
        /** In geometric progression. */
        STEEP,
        /** Half of them within a percent of the largest, half within a percent of the smallest. */
        CLUSTERED;

        double[] values(int rank, double condition, double largest) {
            double[] s = new double[rank];
            for (int i = 0; i < rank; i++) {
                double t = rank == 1 ? 0 : i / (rank - 1.0);
                s[i] = switch (this) {
                    case FLAT -> 1;
                    case STEEP -> Math.pow(condition, -t);
                    case CLUSTERED -> i == 0 ? 1 : i < rank / 2 ? 1 - 0.01 * t : (1 + 0.01 * (1 - t)) / condition;
                };
            }
            for (int i = 0; i < rank; i++) {
                s[i] *= largest;
            }
            return s;
        }
    }

    /**
     * Plants a problem.
     *
     * @param seed seed
     * @param n samples
     * @param d features
     * @param k targets
     * @param sigma the singular values that are not zero, descending, at most min(n,d)
     * @param inconsistency ‖E‖/‖XW₀‖ for each target; without effect where the range of X is the whole space
     * @param precision precision of X and Y
     */
    public static Planted of(
            long seed, int n, int d, int k, double[] sigma, double inconsistency, Precision precision) {
        SplitMix64 random = new SplitMix64(seed);
        int r = sigma.length;
        double[][] u = Dense.orthonormal(random, n, r);
        double[][] v = Dense.orthonormal(random, d, r);
        double[][] us = Dense.copy(u);
        for (double[] row : us) {
            for (int i = 0; i < r; i++) {
                row[i] *= sigma[i];
            }
        }
        double[][] x = product(us, v);
        double[][] c = Dense.gaussian(random, r, k);
        double[][] w = r == 0 ? new double[d][k] : Dense.multiply(v, c);
        double[][] y = r == 0 ? new double[n][k] : Dense.multiply(us, c);
        double residual = 0;
        if (inconsistency > 0 && r < n) {
            double[][] e = Dense.gaussian(random, n, k);
            for (int pass = 0; pass < 2 && r > 0; pass++) {
                e = Dense.subtract(e, Dense.multiply(u, Dense.multiply(Dense.transpose(u, r), e)));
            }
            for (int j = 0; j < k; j++) {
                double size = r == 0 ? 1 : Dense.norm(Dense.column(y, j));
                double factor = inconsistency * size / Dense.norm(Dense.column(e, j));
                for (int i = 0; i < n; i++) {
                    y[i][j] += factor * e[i][j];
                }
                residual = Math.hypot(residual, inconsistency * size);
            }
        }
        if (precision == Precision.FLOAT32) {
            x = Dense.rounded(x);
            y = Dense.rounded(y);
        }
        return new Planted(seed, precision, u, sigma.clone(), v, x, w, y, residual);
    }

    private static double[][] product(double[][] us, double[][] v) {
        double[][] x = new double[us.length][v.length];
        for (int i = 0; i < us.length; i++) {
            for (int j = 0; j < v.length; j++) {
                x[i][j] = Dense.dot(us[i], v[j]);
            }
        }
        return x;
    }

    /** Plants a problem with a named spectrum whose largest singular value is 1. */
    public static Planted of(
            long seed,
            int n,
            int d,
            int k,
            int rank,
            Spectrum spectrum,
            double condition,
            double inconsistency,
            Precision precision) {
        return of(seed, n, d, k, spectrum.values(rank, condition, 1), inconsistency, precision);
    }

    /** The same problem with X and Y in other units; W₀ changes by the ratio. */
    Planted scaled(double xUnit, double yUnit) {
        double[] s = sigma.clone();
        for (int i = 0; i < s.length; i++) {
            s[i] *= xUnit;
        }
        // Divides stepwise: the ratio of the units may be out of range where W is not.
        double[][] scaledW = Dense.scale(Math.sqrt(yUnit) / Math.sqrt(xUnit), w);
        scaledW = Dense.scale(Math.sqrt(yUnit) / Math.sqrt(xUnit), scaledW);
        return new Planted(
                seed, precision, u, s, v, Dense.scale(xUnit, x), scaledW, Dense.scale(yUnit, y), residual * yUnit);
    }

    int n() {
        return u.length;
    }

    int d() {
        return v.length;
    }

    int k() {
        return w.length == 0 ? Dense.columns(y) : w[0].length;
    }

    int rank() {
        return sigma.length;
    }

    double condition() {
        return sigma.length == 0 ? 1 : sigma[0] / sigma[sigma.length - 1];
    }

    /** All min(n,d) singular values. */
    double[] spectrum() {
        return Arrays.copyOf(sigma, Math.min(n(), d()));
    }

    /** X as a matrix. */
    Matrix matrixX(Storage storage) {
        return storage.of(x, d(), precision);
    }

    /** Y as a matrix. */
    Matrix matrixY(Storage storage) {
        return storage.of(y, k(), precision);
    }

    /**
     * How far the computed solution may be from W₀ relative to ‖W₀‖, in units of ε: first-order perturbation theory, κ + κ²·‖E‖/(σ₁‖W₀‖),
     * times the growth √min(n,d) of what rounding the entries of X amounts to. Wedin, BIT 13 (1973); Higham, Accuracy and Stability of
     * Numerical Algorithms, 2nd ed., theorem 20.1.
     */
    double sensitivity() {
        double kappa = condition();
        double normW = Dense.norm(w);
        double tilt = rank() == 0 || normW == 0 ? 0 : kappa * residual / sigma[0] / normW;
        return Math.sqrt(Math.max(1, Math.min(n(), d()))) * kappa * (1 + tilt);
    }

    @Override
    public String toString() {
        return n() + "×" + d() + " k=" + k() + " rank " + rank() + " κ="
                + String.format(java.util.Locale.ROOT, "%.1e", condition()) + (residual > 0 ? " inconsistent " : " ")
                + precision + " seed " + seed;
    }
}
