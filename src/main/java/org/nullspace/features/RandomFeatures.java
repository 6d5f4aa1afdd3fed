package org.nullspace.features;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;
import org.nullspace.random.SplitMix64;

/**
 * Random Fourier features: {@code count} features √(2/count)·cos(xᵀw + b), whose inner products approximate the Gaussian kernel
 * exp(−‖x − x′‖²/(2ℓ²)), with an error of order 1/√count. Entries of w are independent normal with variance 1/ℓ², b is uniform in
 * [0, 2π).
 *
 * <p>Source: A. Rahimi, B. Recht, "Random features for large-scale kernel machines", NIPS 2007, algorithm 1.
 *
 * <p><b>Bandwidth ℓ.</b> The median of the Euclidean distances between two training rows, over all pairs of at most 500 rows drawn from
 * them at random; pairs of equal rows are left out; 1 where no pair differs. A fixed ℓ can be given instead. Distances are those of
 * the columns as they are: standardize columns of different units first.
 *
 * <p><b>Random numbers.</b> Feature j (from 0) draws its d entries of w and then its b from {@link SplitMix64} seeded with the (j+1)-th
 * output of {@code SplitMix64(seed)}. The same seed gives the same features, and apart from the factor √(2/count) the first features do
 * not depend on the count. The w are drawn again in every use rather than stored: fitted features take no memory.
 */
public final class RandomFeatures implements Transformer {
    private static final int SAMPLE_ROWS = 500;

    private final int count;
    private final long seed;
    private final double bandwidth;

    /**
     * Creates the transformer, with the bandwidth from the training rows.
     *
     * @param count number of features, at least 1
     * @param seed seed of the random numbers
     * @throws InvalidInputException if the count is smaller than 1
     */
    public RandomFeatures(int count, long seed) {
        this(count, seed, Double.NaN, true);
    }

    /**
     * Creates the transformer with a given bandwidth.
     *
     * @param count number of features, at least 1
     * @param seed seed of the random numbers
     * @param bandwidth ℓ, positive, in the units of the columns
     * @throws InvalidInputException if the count is smaller than 1, or the bandwidth not positive and finite
     */
    public RandomFeatures(int count, long seed, double bandwidth) {
        this(count, seed, bandwidth, false);
    }

    private RandomFeatures(int count, long seed, double bandwidth, boolean fromRows) {
        if (count < 1) {
            throw new InvalidInputException("number of random features " + count + " must be at least 1");
        }
        if (!fromRows && !(bandwidth > 0 && bandwidth < Double.POSITIVE_INFINITY)) {
            throw new InvalidInputException("bandwidth " + bandwidth + " must be positive and finite");
        }
        this.count = count;
        this.seed = seed;
        this.bandwidth = bandwidth;
    }

    /**
     * Fixes the bandwidth.
     *
     * @throws InvalidInputException if there are no rows, or a value is NaN or infinite
     */
    @Override
    public Fitted fit(Matrix rows) {
        Shapes.requireSingle("rows", rows);
        if (rows.rows() == 0) {
            throw new InvalidInputException(
                    "random features need at least one training row, the matrix has shape " + rows.shape());
        }
        int d = RowBlock.width(rows);
        return new Fitted(d, count, seed, Double.isNaN(bandwidth) ? medianDistance(rows, seed) : bandwidth);
    }

    private static double medianDistance(Matrix rows, long seed) {
        for (RowBlock block = new RowBlock(rows); block.next(); ) {
            // Reading checks that every value is finite.
        }
        int n = (int) Math.min(rows.rows(), Integer.MAX_VALUE);
        int m = Math.min(n, SAMPLE_ROWS);
        int[] sample = Holdout.draw(n, m, new SplitMix64(seed ^ BANDWIDTH_STREAM));
        int d = (int) rows.columns();
        double[][] x = new double[m][d];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < d; j++) {
                x[i][j] = rows.get(0, sample[i], j);
            }
        }
        double[] distances = new double[m * (m - 1) / 2];
        int pairs = 0;
        for (int i = 0; i < m; i++) {
            for (int k = 0; k < i; k++) {
                double distance = distance(x[i], x[k]);
                if (distance > 0) {
                    distances[pairs++] = distance;
                }
            }
        }
        if (pairs == 0) {
            return 1;
        }
        Arrays.sort(distances, 0, pairs);
        return pairs % 2 == 1
                ? distances[pairs / 2]
                : distances[pairs / 2 - 1] + (distances[pairs / 2] - distances[pairs / 2 - 1]) / 2;
    }

    private static final long BANDWIDTH_STREAM = 0x6d656469616e4c31L;

    /** Euclidean distance, without overflow or underflow on the way. */
    private static double distance(double[] a, double[] b) {
        double largest = 0;
        for (int j = 0; j < a.length; j++) {
            largest = Math.max(largest, Math.abs(a[j] - b[j]));
        }
        if (largest == 0) {
            return 0;
        }
        double sum = 0;
        for (int j = 0; j < a.length; j++) {
            double part = (a[j] - b[j]) / largest;
            sum += part * part;
        }
        double distance = largest * Math.sqrt(sum);
        if (!Double.isFinite(distance)) {
            throw new InvalidInputException(
                    "the distance of two rows exceeds the range of float64; standardize the columns first");
        }
        return distance;
    }

    @Override
    public String toString() {
        return count + " random Fourier features (seed " + seed + ")";
    }

    /** The transformation with its bandwidth. */
    public static final class Fitted implements FittedTransformer {
        private static final int FEATURES_AT_ONCE = 64;
        private static final int ROWS_AT_ONCE = 4;

        private final int columns;
        private final int count;
        private final long seed;
        private final double bandwidth;

        private Fitted(int columns, int count, long seed, double bandwidth) {
            this.columns = columns;
            this.count = count;
            this.seed = seed;
            this.bandwidth = bandwidth;
        }

        /**
         * The bandwidth ℓ.
         *
         * @return a positive number in the units of the columns
         */
        public double bandwidth() {
            return bandwidth;
        }

        @Override
        public long inputs() {
            return columns;
        }

        @Override
        public long outputs() {
            return count;
        }

        /** {@code fourier_1} to {@code fourier_count}. */
        @Override
        public List<String> outputNames(List<String> inputNames) {
            Shapes.requireNames(this, inputNames);
            List<String> names = new ArrayList<>(count);
            for (int j = 1; j <= count; j++) {
                names.add("fourier_" + j);
            }
            return names;
        }

        @Override
        public void applyTo(Matrix rows, Matrix out) {
            Shapes.requireOutput(this, rows, out);
            double factor = Math.sqrt(2.0 / count);
            RowWriter writer = new RowWriter(this, out);
            SplitMix64 seeds = new SplitMix64(seed);
            // Row k of w: entry k of the weights of some features.
            double[] w = new double[Math.multiplyExact(columns, FEATURES_AT_ONCE)];
            double[] phases = new double[FEATURES_AT_ONCE];
            double[] sums = new double[ROWS_AT_ONCE * FEATURES_AT_ONCE];
            for (int j0 = 0; j0 < count; j0 += FEATURES_AT_ONCE) {
                int features = Math.min(FEATURES_AT_ONCE, count - j0);
                for (int f = 0; f < features; f++) {
                    SplitMix64 random = new SplitMix64(seeds.nextLong());
                    for (int k = 0; k < columns; k++) {
                        w[k * FEATURES_AT_ONCE + f] = random.nextGaussian() / bandwidth;
                    }
                    phases[f] = 2 * Math.PI * random.nextDouble();
                }
                for (RowBlock block = new RowBlock(rows); block.next(); ) {
                    for (int i = 0; i < block.count(); i += ROWS_AT_ONCE) {
                        int some = Math.min(ROWS_AT_ONCE, block.count() - i);
                        products(block.values(), i * columns, some, w, phases, sums);
                        for (int r = 0; r < some; r++) {
                            int from = r * FEATURES_AT_ONCE;
                            for (int f = from; f < from + features; f++) {
                                sums[f] = factor * StrictMath.cos(sums[f]);
                            }
                            writer.put(block.first() + i + r, j0, sums, from, features);
                        }
                    }
                }
            }
        }

        /** xᵀw + b for some rows and {@code FEATURES_AT_ONCE} features. */
        private void products(double[] x, int from, int rows, double[] w, double[] phases, double[] sums) {
            for (int r = 0; r < rows; r++) {
                System.arraycopy(phases, 0, sums, r * FEATURES_AT_ONCE, FEATURES_AT_ONCE);
            }
            for (int k = 0; k < columns; k++) {
                for (int r = 0; r < rows; r++) {
                    addMultiple(x[from + r * columns + k], w, k * FEATURES_AT_ONCE, sums, r * FEATURES_AT_ONCE);
                }
            }
        }

        private static void addMultiple(double factor, double[] w, int wFrom, double[] sums, int sumsFrom) {
            for (int f = 0; f < FEATURES_AT_ONCE; f++) {
                sums[sumsFrom + f] += factor * w[wFrom + f];
            }
        }

        @Override
        public String toString() {
            return count + " random Fourier features (seed " + seed + ", bandwidth " + bandwidth + ")";
        }
    }
}
