package org.nullspace.features;

import java.util.Arrays;
import java.util.List;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;

/**
 * Subtracts from each column its mean over the training rows and divides it by its standard deviation there.
 *
 * <p><b>Standard deviation.</b> That of the population, with the divisor n: each training column comes out with mean 0 and mean square 1,
 * to rounding.
 *
 * <p><b>Constant columns.</b> A column whose training values are all equal is only centred: the training rows come out as exact zeros, a
 * row with another value as the difference. Columns that differ by rounding errors only are not constant.
 *
 * <p><b>Accuracy.</b> Two passes, with a correction of the mean (T. Chan, G. Golub, R. LeVeque, "Algorithms for computing the sample
 * variance", The American Statistician 37(3), 1983, formula 1.7), on values scaled by a power of two, so that neither very large nor very
 * small columns overflow or underflow.
 */
public final class Standardizer implements Transformer {
    /** Creates the transformer. */
    public Standardizer() {}

    /**
     * Means and standard deviations of the columns.
     *
     * @throws InvalidInputException if there are no rows, or a value is NaN or infinite
     */
    @Override
    public Fitted fit(Matrix rows) {
        Shapes.requireSingle("rows", rows);
        if (rows.rows() == 0) {
            throw new InvalidInputException(
                    "standardizing needs at least one training row, the matrix has shape " + rows.shape());
        }
        int d = RowBlock.width(rows);
        double[] min = new double[d];
        double[] max = new double[d];
        Arrays.fill(min, Double.POSITIVE_INFINITY);
        Arrays.fill(max, Double.NEGATIVE_INFINITY);
        for (RowBlock block = new RowBlock(rows); block.next(); ) {
            double[] x = block.values();
            for (int i = 0; i < block.count(); i++) {
                for (int j = 0; j < d; j++) {
                    min[j] = Math.min(min[j], x[i * d + j]);
                    max[j] = Math.max(max[j], x[i * d + j]);
                }
            }
        }
        double[] unit = new double[d];
        for (int j = 0; j < d; j++) {
            unit[j] = powerOfTwoFor(Math.max(Math.abs(min[j]), Math.abs(max[j])));
        }

        double n = rows.rows();
        double[] mean = new double[d];
        for (RowBlock block = new RowBlock(rows); block.next(); ) {
            double[] x = block.values();
            for (int i = 0; i < block.count(); i++) {
                for (int j = 0; j < d; j++) {
                    mean[j] += x[i * d + j] * unit[j];
                }
            }
        }
        for (int j = 0; j < d; j++) {
            mean[j] /= n;
        }
        double[] sum = new double[d];
        double[] squares = new double[d];
        for (RowBlock block = new RowBlock(rows); block.next(); ) {
            double[] x = block.values();
            for (int i = 0; i < block.count(); i++) {
                for (int j = 0; j < d; j++) {
                    double deviation = x[i * d + j] * unit[j] - mean[j];
                    sum[j] += deviation;
                    squares[j] += deviation * deviation;
                }
            }
        }
        double[] deviation = new double[d];
        for (int j = 0; j < d; j++) {
            if (min[j] == max[j]) {
                mean[j] = min[j] * unit[j];
                deviation[j] = unit[j];
            } else {
                mean[j] += sum[j] / n;
                deviation[j] = Math.sqrt((squares[j] - sum[j] * sum[j] / n) / n);
            }
        }
        return new Fitted(unit, mean, deviation);
    }

    /** A power of two that brings a magnitude near 1, as near as the range of float64 allows. */
    private static double powerOfTwoFor(double magnitude) {
        return magnitude == 0 ? 1 : Math.scalb(1.0, -Math.max(-1022, Math.min(1022, Math.getExponent(magnitude) + 1)));
    }

    @Override
    public String toString() {
        return "standardizer";
    }

    /** The transformation with the means and standard deviations of the training rows. */
    public static final class Fitted implements FittedTransformer {
        private final double[] unit;
        /** Means of the columns times {@code unit}. */
        private final double[] mean;
        /** Standard deviations of the columns times {@code unit}; {@code unit} itself for constant columns. */
        private final double[] deviation;

        private Fitted(double[] unit, double[] mean, double[] deviation) {
            this.unit = unit;
            this.mean = mean;
            this.deviation = deviation;
        }

        /**
         * Means of the training columns.
         *
         * @return a new array of {@link #inputs()} numbers, in the units of the columns
         */
        public double[] means() {
            double[] out = new double[mean.length];
            for (int j = 0; j < out.length; j++) {
                out[j] = mean[j] / unit[j];
            }
            return out;
        }

        /**
         * What the columns are divided by: the standard deviations of the training columns, 1 for constant ones.
         *
         * @return a new array of {@link #inputs()} positive numbers, in the units of the columns
         */
        public double[] scales() {
            double[] out = new double[deviation.length];
            for (int j = 0; j < out.length; j++) {
                out[j] = deviation[j] / unit[j];
            }
            return out;
        }

        @Override
        public long inputs() {
            return mean.length;
        }

        @Override
        public long outputs() {
            return mean.length;
        }

        /** The names that go in. */
        @Override
        public List<String> outputNames(List<String> inputNames) {
            Shapes.requireNames(this, inputNames);
            return List.copyOf(inputNames);
        }

        @Override
        public void applyTo(Matrix rows, Matrix out) {
            Shapes.requireOutput(this, rows, out);
            int d = mean.length;
            RowWriter writer = new RowWriter(this, out);
            double[] result = new double[d];
            for (RowBlock block = new RowBlock(rows); block.next(); ) {
                double[] x = block.values();
                for (int i = 0; i < block.count(); i++) {
                    for (int j = 0; j < d; j++) {
                        result[j] = (x[i * d + j] * unit[j] - mean[j]) / deviation[j];
                    }
                    writer.put(block.first() + i, 0, result, 0, d);
                }
            }
        }

        @Override
        public String toString() {
            return "standardizer";
        }
    }
}
