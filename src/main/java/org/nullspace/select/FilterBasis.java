package org.nullspace.select;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Few penalties that stand for many: 1/(s + λ) = Σ_m φ_m(λ)/(s + λ_m) to rounding, for all s of an interval [a, b] with a &gt; 0 and each λ of a
 * list, so that whatever depends on λ as this does is a combination of what it is for the M nodes λ_m.
 *
 * <p>The sum interpolates at points s_1…s_M, which determines it: φ_m(λ) = Π_j (s_j + λ_m)/(s_j + λ) · Π_{p≠m} (λ − λ_p)/(λ_m − λ_p), a product
 * without cancellation, and its relative error is Π_j |s − s_j|/(s + λ_j) · |λ − λ_j|/(s_j + λ). Points and nodes are added where the two
 * products over what is chosen already are largest: Leja–Bagby points (Bagby, Duke Math. J. 36, 1969). The error falls geometrically, at a rate
 * that depends on the logarithms of b/a and of the range of penalties only (Beckermann and Townsend, SIAM Review 61, 2019).
 *
 * <p>With 100 penalties from 10⁻⁸·b to 10⁸·b, there are 17 nodes for b/a = 4, 29 for 100, 55 for 10⁶.
 */
final class FilterBasis {
    /** Part of the work of applying all filters one by one that a basis may need, so that it is worth its own making. */
    private static final double WORTHWHILE = 0.6;

    /**
     * Largest Σ_m |φ_m(λ)|·(s + λ)/(s + λ_m), which rounding errors of the nodes' results are amplified by at worst; their mean grows much
     * less.
     */
    private static final double LARGEST_GROWTH = 32;

    /** Largest error of a sum in exact arithmetic, in units of ε: what rounding errors leave in any case. */
    private static final double LARGEST_ERROR = 4;

    /** Points of the interval that are looked at. The functions in question have degree 60 at most. */
    private static final int POINTS = 512;

    private static final int GROWTH_STEP = 8;

    private final int[] nodes;
    private final double[][] combinations;

    private FilterBasis(int[] nodes, double[][] combinations) {
        this.nodes = nodes;
        this.combinations = combinations;
    }

    /** Indices of the penalties λ_m. */
    int[] nodes() {
        return nodes;
    }

    /** φ_m(λ_l): [l][m]. */
    double[][] combinations() {
        return combinations;
    }

    /**
     * Finds a basis.
     *
     * @param penalties λ_l, at least 0
     * @param least a
     * @param largest b
     * @param rank how many s are of interest
     * @param eps unit of rounding of what is to be combined
     * @return a basis, or null if there is none that is small and accurate enough to be worthwhile
     */
    static @Nullable FilterBasis of(double[] penalties, double least, double largest, int rank, double eps) {
        int most = (int) (WORTHWHILE * rank * penalties.length / (rank + (double) penalties.length));
        if (most < 1 || !(least > 0) || !Double.isFinite(largest)) {
            return null;
        }
        double[] s = interval(least, largest);
        int[] chosen = new int[most];
        double[] points = new double[most];
        double[] errors = choose(penalties, s, chosen, points);
        for (int count = 1; count <= most; count++) {
            if (errors[count - 1] <= LARGEST_ERROR * eps) {
                int[] nodes = Arrays.copyOf(chosen, count);
                double[][] combinations = combinations(penalties, nodes, points, s);
                if (combinations != null) {
                    return new FilterBasis(nodes, combinations);
                }
            }
        }
        return null;
    }

    /** Chebyshev points of the logarithm. */
    private static double[] interval(double least, double largest) {
        double[] s = new double[POINTS];
        for (int i = 0; i < POINTS; i++) {
            double share = (1 - Math.cos(Math.PI * i / (POINTS - 1))) / 2;
            s[i] = least * Math.pow(largest / least, share);
        }
        return s;
    }

    /**
     * Chooses nodes among the penalties and points of interpolation.
     *
     * @param nodes written: indices
     * @param points written
     * @return the largest relative error with as many nodes as there are before and at each place
     */
    private static double[] choose(double[] penalties, double[] s, int[] nodes, double[] points) {
        double[] ofPenalty = new double[penalties.length];
        double[] ofPoint = new double[s.length];
        Arrays.fill(ofPenalty, 1);
        Arrays.fill(ofPoint, 1);
        double[] errors = new double[nodes.length];
        for (int m = 0; m < nodes.length; m++) {
            nodes[m] = largest(ofPenalty);
            points[m] = s[largest(ofPoint)];
            double node = penalties[nodes[m]];
            for (int l = 0; l < penalties.length; l++) {
                ofPenalty[l] *= Math.abs(penalties[l] - node) / (penalties[l] + points[m]);
            }
            for (int i = 0; i < s.length; i++) {
                ofPoint[i] *= Math.abs(s[i] - points[m]) / (s[i] + node);
            }
            errors[m] = ofPenalty[largest(ofPenalty)] * ofPoint[largest(ofPoint)];
            if (errors[m] == 0) {
                Arrays.fill(errors, m + 1, errors.length, Double.NaN);
                break;
            }
        }
        return errors;
    }

    /** φ_m(λ_l) for the first points, or null where they are too large. */
    private static double @Nullable [][] combinations(double[] penalties, int[] indices, double[] points, double[] s) {
        double[] nodes = Arrays.stream(indices).mapToDouble(l -> penalties[l]).toArray();
        double[][] combinations = new double[penalties.length][nodes.length];
        for (int l = 0; l < penalties.length; l++) {
            for (int m = 0; m < nodes.length; m++) {
                combinations[l][m] = factor(penalties[l], m, nodes, points);
            }
            if (!(growth(penalties[l], combinations[l], nodes, s) <= LARGEST_GROWTH)) {
                return null;
            }
        }
        return combinations;
    }

    private static int largest(double[] values) {
        int at = 0;
        for (int i = 1; i < values.length; i++) {
            at = values[i] > values[at] ? i : at;
        }
        return at;
    }

    private static double factor(double penalty, int m, double[] nodes, double[] points) {
        double product = (points[m] + nodes[m]) / (points[m] + penalty);
        for (int p = 0; p < nodes.length; p++) {
            if (p != m) {
                product *= (points[p] + nodes[m]) / (nodes[m] - nodes[p]);
                product *= (penalty - nodes[p]) / (points[p] + penalty);
            }
        }
        return product;
    }

    private static double growth(double penalty, double[] factors, double[] nodes, double[] s) {
        double most = 0;
        for (int i = 0; i < s.length; i += GROWTH_STEP) {
            double sum = 0;
            for (int m = 0; m < nodes.length; m++) {
                sum += Math.abs(factors[m]) * ((s[i] + penalty) / (s[i] + nodes[m]));
            }
            // NaN stays.
            most = most >= sum ? most : sum;
        }
        return most;
    }
}
