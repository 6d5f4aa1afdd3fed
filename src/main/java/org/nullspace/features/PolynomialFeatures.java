package org.nullspace.features;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;

/**
 * All products of 1 to {@code degree} columns, repetition allowed: from d columns C(d + degree, degree) − 1 features. There is no constant
 * feature.
 *
 * <p><b>Order.</b> By degree; within a degree in the lexicographic order of the columns. For columns a, b, c and degree 2: a, b, c, a², a·b,
 * a·c, b², b·c, c². Their names are {@code a, b, c, a^2, a*b, a*c, b^2, b*c, c^2}. 100 columns and degree 2 give 5,150 features.
 *
 * <p><b>Rounding.</b> A product x_i·x_j·x_k, i ≤ j ≤ k, is computed in double precision from the right, x_i·(x_j·x_k).
 */
public final class PolynomialFeatures implements Transformer {
    private final int degree;

    /**
     * Creates the transformer.
     *
     * @param degree largest number of factors, at least 1
     * @throws InvalidInputException if the degree is smaller than 1
     */
    public PolynomialFeatures(int degree) {
        if (degree < 1) {
            throw new InvalidInputException("polynomial degree " + degree + " must be at least 1");
        }
        this.degree = degree;
    }

    /**
     * Number of features, without making any.
     *
     * @param columns number d of columns, not negative
     * @param degree largest number of factors, at least 1
     * @return C(d + degree, degree) − 1
     * @throws InvalidInputException if the number exceeds 64 bits
     */
    public static long count(long columns, int degree) {
        // C(columns + k, k) for k = 1, 2, …: each is an integer.
        long count = 1;
        for (int k = 1; k <= degree; k++) {
            long factor = columns + k;
            long divisor = gcd(count, k);
            long rest = k / divisor;
            try {
                count = Math.multiplyExact(count / divisor, factor / rest);
            } catch (ArithmeticException e) {
                throw new InvalidInputException(
                        "polynomials of degree " + degree + " in " + columns + " columns: their number exceeds 64 bits",
                        e);
            }
        }
        return count - 1;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    /**
     * The transformation for rows of as many columns as these; nothing else is learned from them.
     *
     * @throws InvalidInputException if the number of features exceeds 64 bits
     */
    @Override
    public FittedTransformer fit(Matrix rows) {
        Shapes.requireSingle("rows", rows);
        return new Fitted(RowBlock.width(rows), degree);
    }

    @Override
    public String toString() {
        return "polynomial features of degree " + degree;
    }

    private static final class Fitted implements FittedTransformer {
        private static final int TILE = 4096;

        private final int columns;
        private final int degree;
        private final long outputs;

        private Fitted(int columns, int degree) {
            this.columns = columns;
            this.degree = degree;
            this.outputs = count(columns, degree);
        }

        @Override
        public long inputs() {
            return columns;
        }

        @Override
        public long outputs() {
            return outputs;
        }

        @Override
        public List<String> outputNames(List<String> inputNames) {
            Shapes.requireNames(this, inputNames);
            if (outputs > Integer.MAX_VALUE) {
                throw new InvalidInputException(this + ": " + outputs + " names are more than a list can hold");
            }
            List<String> names = new ArrayList<>((int) outputs);
            int[] factors = new int[degree];
            for (int k = 1; k <= degree; k++) {
                addNames(inputNames, names, factors, 0, k, 0);
            }
            return names;
        }

        private static void addNames(
                List<String> inputNames, List<String> names, int[] factors, int filled, int k, int from) {
            if (filled == k) {
                names.add(name(inputNames, factors, k));
                return;
            }
            for (int i = from; i < inputNames.size(); i++) {
                factors[filled] = i;
                addNames(inputNames, names, factors, filled + 1, k, i);
            }
        }

        private static String name(List<String> inputNames, int[] factors, int k) {
            StringBuilder out = new StringBuilder();
            for (int at = 0; at < k; ) {
                int end = at;
                while (end < k && factors[end] == factors[at]) {
                    end++;
                }
                out.append(at == 0 ? "" : "*").append(inputNames.get(factors[at]));
                if (end - at > 1) {
                    out.append('^').append(end - at);
                }
                at = end;
            }
            return out.toString();
        }

        @Override
        public void applyTo(Matrix rows, Matrix out) {
            Shapes.requireOutput(this, rows, out);
            if (columns == 0) {
                return;
            }
            // All degrees but the last are kept for one row at a time; the last is made from them tile by tile.
            long kept = degree == 1 ? 0 : count(columns, degree - 1);
            if (kept > 1 << 28) {
                throw new InvalidInputException(this + " in " + columns + " columns: " + kept
                        + " products of lower degree for each row are too many");
            }
            double[] lower = new double[(int) kept];
            double[] tile = new double[TILE];
            RowWriter writer = new RowWriter(this, out);
            for (RowBlock block = new RowBlock(rows); block.next(); ) {
                for (int i = 0; i < block.count(); i++) {
                    row(block.values(), i * columns, block.first() + i, lower, tile, writer);
                }
            }
        }

        private void row(double[] x, int from, long row, double[] lower, double[] tile, RowWriter writer) {
            if (degree == 1) {
                writer.put(row, 0, x, from, columns);
                return;
            }
            System.arraycopy(x, from, lower, 0, columns);
            // Products of k − 1 columns lie in lower[start, end); those whose first factor is column i or later begin
            // at tails[i].
            int[] tails = new int[columns];
            for (int i = 0; i < columns; i++) {
                tails[i] = i;
            }
            int end = columns;
            for (int k = 2; k < degree; k++) {
                int at = end;
                for (int i = 0; i < columns; i++) {
                    double xi = x[from + i];
                    int tail = tails[i];
                    tails[i] = at;
                    for (int p = tail; p < end; p++) {
                        lower[at++] = xi * lower[p];
                    }
                }
                end = at;
            }
            writer.put(row, 0, lower, 0, end);

            long written = end;
            int filled = 0;
            for (int i = 0; i < columns; i++) {
                double xi = x[from + i];
                for (int p = tails[i]; p < end; ) {
                    int part = Math.min(end - p, TILE - filled);
                    for (int t = 0; t < part; t++) {
                        tile[filled + t] = xi * lower[p + t];
                    }
                    p += part;
                    filled += part;
                    if (filled == TILE) {
                        writer.put(row, written, tile, 0, filled);
                        written += filled;
                        filled = 0;
                    }
                }
            }
            writer.put(row, written, tile, 0, filled);
        }

        @Override
        public String toString() {
            return "polynomial features of degree " + degree;
        }
    }
}
