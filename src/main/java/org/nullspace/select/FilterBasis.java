package org.nullspace.select;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Few functions whose combinations are the many filters of a ridge path: f_l(i) = Σ_m φ_lm·g_m(i) to rounding for i = 1…r and l = 1…L. As functions
 * of σ and λ, filters have denominators σ² + λ, and the numerical rank of such a table grows with the logarithms of the ranges of σ and λ only
 * (Beckermann and Townsend, SIAM Review 61, 2019, on Cauchy matrices): about 15 for a hundred penalties on a well-conditioned design. The
 * solutions for all penalties are then combinations of those for M filters.
 *
 * <p>The g_m are found by Gram–Schmidt orthogonalization with pivoting of the table itself, its rows weighted by the size of the coordinates
 * that they will multiply. Whether the result will do is measured for every filter and target: the vector Σ_m φ_lm·(g_m ∘ c_j) is within
 * {@value #LARGEST_ERROR} units of rounding of f_l ∘ c_j in norm, and no term of the sum is large beside it.
 */
final class FilterBasis {
    /**
     * What may be left of a column of norm 1, in units of ε: rounding leaves 1 to 2 units. With 100 penalties from 10⁻⁸ to 10⁸ and singular values
     * from 1 to 1/κ, 15 to 18 functions are left for κ = 2, 28 for 10, 59 for 1,000.
     */
    private static final double STOP = 4;

    /** In units of ε. */
    private static final double LARGEST_ERROR = 8;

    /** Largest Σ_m ‖φ_lm·(g_m ∘ c_j)‖/‖f_l ∘ c_j‖: what rounding errors of the combination are amplified by. */
    private static final double LARGEST_GROWTH = 16;

    /** Part of the work of applying all filters one by one that a basis may need, so that it is worth its own making. */
    private static final double WORTHWHILE = 0.6;

    private static final double SMALLEST_WEIGHT = 1e-100;

    private final double[][] functions;
    private final double[][] combinations;

    private FilterBasis(double[][] functions, double[][] combinations) {
        this.functions = functions;
        this.combinations = combinations;
    }

    /** g: [m][i]. */
    double[][] functions() {
        return functions;
    }

    /** φ: [l][m]. */
    double[][] combinations() {
        return combinations;
    }

    /**
     * Finds a basis.
     *
     * @param filters f: [l][i]
     * @param coordinates c: [j][i], finite
     * @param eps unit of rounding of the products to come
     * @return a basis, or null if there is none that is small and accurate enough to be worthwhile
     */
    static @Nullable FilterBasis of(double[][] filters, double[][] coordinates, double eps) {
        int count = filters.length;
        int rank = count == 0 ? 0 : filters[0].length;
        int most = (int) (WORTHWHILE * rank * count / (rank + (double) count));
        if (most < 1 || coordinates.length == 0) {
            return null;
        }
        double largest = 0;
        for (double[] column : coordinates) {
            for (double c : column) {
                largest = Math.max(largest, Math.abs(c));
            }
        }
        if (largest == 0) {
            return null;
        }
        double[][] shares = new double[coordinates.length][rank];
        double[] weights = weights(coordinates, largest, shares);
        double[][] rest = new double[count][rank];
        double[] norms = new double[count];
        for (int l = 0; l < count; l++) {
            for (int i = 0; i < rank; i++) {
                rest[l][i] = weights[i] * filters[l][i];
            }
            norms[l] = Math.sqrt(Sums.product(rest[l], rest[l]));
            if (!(norms[l] > SMALLEST_WEIGHT && norms[l] < 1 / SMALLEST_WEIGHT)) {
                return null;
            }
            scale(rest[l], 1 / norms[l]);
        }
        double[][] sizes = squaredNorms(rest, shares);
        double[][] functions = new double[most][];
        double[][] combinations = new double[count][most];
        int found = orthogonalize(rest, functions, combinations, eps);
        if (found < 0) {
            return null;
        }
        double[][] own = Arrays.copyOf(functions, found);
        if (!isAccurate(sizes, rest, own, shares, combinations, eps)) {
            return null;
        }
        for (double[] function : own) {
            for (int i = 0; i < rank; i++) {
                function[i] /= weights[i];
            }
        }
        double[][] factors = new double[count][found];
        for (int l = 0; l < count; l++) {
            for (int m = 0; m < found; m++) {
                factors[l][m] = norms[l] * combinations[l][m];
            }
        }
        return new FilterBasis(own, factors);
    }

    /**
     * Root mean squares over the targets, the largest coordinate being 1.
     *
     * @param shares written: the squares of the coordinates in units of the weights
     */
    private static double[] weights(double[][] coordinates, double largest, double[][] shares) {
        int rank = coordinates[0].length;
        double[] weights = new double[rank];
        for (double[] column : coordinates) {
            for (int i = 0; i < rank; i++) {
                double c = column[i] / largest;
                weights[i] += c * c;
            }
        }
        for (int i = 0; i < rank; i++) {
            weights[i] = Math.max(SMALLEST_WEIGHT, Math.sqrt(weights[i] / coordinates.length));
        }
        for (int j = 0; j < coordinates.length; j++) {
            for (int i = 0; i < rank; i++) {
                double share = coordinates[j][i] / largest / weights[i];
                shares[j][i] = share * share;
            }
        }
        return weights;
    }

    /**
     * Gram–Schmidt orthogonalization with pivoting.
     *
     * @param rest columns of norm 1, overwritten by what is left of them
     * @param functions written: orthonormal
     * @param combinations written: [column][function]
     * @return number of functions after which {@link #STOP} is left of every column, or −1 if there is no room for them
     */
    private static int orthogonalize(double[][] rest, double[][] functions, double[][] combinations, double eps) {
        double[] left = new double[rest.length];
        Arrays.fill(left, 1);
        for (int m = 0; ; m++) {
            int pivot = 0;
            for (int l = 1; l < left.length; l++) {
                pivot = left[l] > left[pivot] ? l : pivot;
            }
            if (left[pivot] <= STOP * eps) {
                return m;
            }
            if (m == functions.length) {
                return -1;
            }
            double[] q = rest[pivot].clone();
            scale(q, 1 / left[pivot]);
            for (int before = 0; before < m; before++) {
                subtract(Sums.product(functions[before], q), functions[before], q);
            }
            scale(q, 1 / Math.sqrt(Sums.product(q, q)));
            functions[m] = q;
            for (int l = 0; l < rest.length; l++) {
                double part = Sums.product(q, rest[l]);
                combinations[l][m] = part;
                subtract(part, q, rest[l]);
                left[l] = Math.sqrt(Sums.product(rest[l], rest[l]));
            }
        }
    }

    /**
     * Whether {@link #LARGEST_ERROR} and {@link #LARGEST_GROWTH} hold everywhere.
     *
     * @param sizes squares of the norms of the filtered coordinates, by column and target
     * @param rest what is left of the columns, {@link #STOP} at most
     */
    private static boolean isAccurate(
            double[][] sizes,
            double[][] rest,
            double[][] functions,
            double[][] shares,
            double[][] combinations,
            double eps) {
        double[][] members = squaredNorms(functions, shares);
        double bound = LARGEST_ERROR * LARGEST_ERROR * eps * eps;
        for (int j = 0; j < shares.length; j++) {
            double largest = Arrays.stream(shares[j]).max().orElse(0);
            for (int l = 0; l < sizes.length; l++) {
                double terms = 0;
                for (int m = 0; m < members.length; m++) {
                    terms += Math.abs(combinations[l][m]) * Math.sqrt(members[m][j]);
                }
                boolean accurate = STOP * STOP * eps * eps * largest <= bound * sizes[l][j]
                        || squaredNorm(rest[l], shares[j]) <= bound * sizes[l][j];
                if (!accurate || !(terms * terms <= LARGEST_GROWTH * LARGEST_GROWTH * sizes[l][j])) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Σ_i a_l(i)²·s_j(i). */
    private static double[][] squaredNorms(double[][] columns, double[][] shares) {
        double[][] out = new double[columns.length][shares.length];
        for (int l = 0; l < columns.length; l++) {
            double[] squares = columns[l].clone();
            for (int i = 0; i < squares.length; i++) {
                squares[i] *= squares[i];
            }
            for (int j = 0; j < shares.length; j++) {
                out[l][j] = Sums.product(squares, shares[j]);
            }
        }
        return out;
    }

    private static double squaredNorm(double[] column, double[] shares) {
        double sum = 0;
        for (int i = 0; i < column.length; i++) {
            sum += column[i] * column[i] * shares[i];
        }
        return sum;
    }

    private static void subtract(double factor, double[] q, double[] v) {
        for (int i = 0; i < v.length; i++) {
            v[i] -= factor * q[i];
        }
    }

    private static void scale(double[] v, double factor) {
        for (int i = 0; i < v.length; i++) {
            v[i] *= factor;
        }
    }
}
