package org.nullspace.features;

import java.util.Arrays;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.random.SplitMix64;

/**
 * Splits rows at random into a training part and a held-out part. The same seed gives the same split on every platform.
 *
 * <p><b>Rule.</b> Of n rows, fraction·n, rounded half up, are held out, at least 1 and at most n − 1. Which ones: the first of a
 * Fisher–Yates shuffle of 0, …, n − 1 with {@link SplitMix64} (place i is exchanged with place i + nextInt(n − i), for i = 0, 1, …).
 * Within each part rows keep their order.
 */
public final class Holdout {
    private final double fraction;
    private final long seed;

    /**
     * Creates the rule.
     *
     * @param fraction share of the rows to hold out, strictly between 0 and 1
     * @param seed seed of the random numbers
     * @throws InvalidInputException if the fraction is not between 0 and 1
     */
    public Holdout(double fraction, long seed) {
        if (!(fraction > 0 && fraction < 1)) {
            throw new InvalidInputException(
                    "holdout fraction " + fraction + " must lie between 0 and 1, both excluded");
        }
        this.fraction = fraction;
        this.seed = seed;
    }

    /**
     * Splits the rows 0, …, n − 1.
     *
     * @param rows number n of rows, at least 2
     * @return the split
     * @throws InvalidInputException if there are fewer than 2 rows, or 2<sup>31</sup> or more
     */
    public Split split(long rows) {
        if (rows < 2 || rows > Integer.MAX_VALUE) {
            throw new InvalidInputException(
                    "holding out rows needs 2 to " + Integer.MAX_VALUE + " rows, there are " + rows);
        }
        int n = (int) rows;
        int heldOut = (int) Math.max(1, Math.min(n - 1, Math.floor(fraction * n + 0.5)));
        int[] chosen = draw(n, heldOut, new SplitMix64(seed));
        int[] training = new int[n - heldOut];
        for (int i = 0, c = 0, t = 0; i < n; i++) {
            if (c < chosen.length && chosen[c] == i) {
                c++;
            } else {
                training[t++] = i;
            }
        }
        return new Split(n, training, chosen);
    }

    /** The first m places of a Fisher–Yates shuffle of 0, …, n − 1, in ascending order. */
    static int[] draw(int n, int m, SplitMix64 random) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        for (int i = 0; i < m; i++) {
            int other = i + random.nextInt(n - i);
            int kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
        int[] chosen = Arrays.copyOf(order, m);
        Arrays.sort(chosen);
        return chosen;
    }

    @Override
    public String toString() {
        return "holdout of " + fraction + " (seed " + seed + ")";
    }

    /** Which rows are for training and which are held out. Immutable. */
    public static final class Split {
        private final int rows;
        private final int[] training;
        private final int[] heldOut;

        private Split(int rows, int[] training, int[] heldOut) {
            this.rows = rows;
            this.training = training;
            this.heldOut = heldOut;
        }

        /**
         * Indices of the training rows.
         *
         * @return a new array in ascending order
         */
        public int[] trainingRows() {
            return training.clone();
        }

        /**
         * Indices of the held-out rows.
         *
         * @return a new array in ascending order
         */
        public int[] heldOutRows() {
            return heldOut.clone();
        }

        /**
         * Copies the training rows.
         *
         * @param scope owner of the copy
         * @param matrix a single host matrix with as many rows as were split
         * @return a new row-major matrix of the same precision, valid until the scope is closed
         * @throws ShapeMismatchException if the matrix has another number of rows
         */
        public Matrix training(MemoryScope scope, Matrix matrix) {
            return select(scope, matrix, training);
        }

        /**
         * Copies the held-out rows.
         *
         * @param scope owner of the copy
         * @param matrix a single host matrix with as many rows as were split
         * @return a new row-major matrix of the same precision, valid until the scope is closed
         * @throws ShapeMismatchException if the matrix has another number of rows
         */
        public Matrix heldOut(MemoryScope scope, Matrix matrix) {
            return select(scope, matrix, heldOut);
        }

        private Matrix select(MemoryScope scope, Matrix matrix, int[] chosen) {
            Shapes.requireSingle("matrix", matrix);
            if (matrix.rows() != rows) {
                throw new ShapeMismatchException(
                        "the matrix has shape " + matrix.shape() + ", the split is one of " + rows + " rows");
            }
            Matrix out = Matrix.uninitialized(
                    scope, matrix.precision(), 1, chosen.length, matrix.columns(), Layout.ROW_MAJOR);
            for (int i = 0; i < chosen.length; ) {
                // Neighbouring rows in one go.
                int end = i + 1;
                while (end < chosen.length && chosen[end] == chosen[end - 1] + 1) {
                    end++;
                }
                out.rows(i, end).copyFrom(matrix.rows(chosen[i], chosen[end - 1] + 1L));
                i = end;
            }
            return out;
        }
    }
}
