package org.nullspace;

import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** Host matrices with random entries, drawn row by row: the same for the same seed. */
public final class RandomMatrices {
    private RandomMatrices() {}

    /**
     * Standard normal entries.
     *
     * @param seed seed
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @return new matrices
     */
    public static Matrix gaussian(long seed, Precision precision, long batch, long rows, long columns, Layout layout) {
        return filled(new SplitMix64(seed)::nextGaussian, precision, batch, rows, columns, layout);
    }

    /**
     * Row-major matrices of entries between −1 and 1.
     *
     * @param seed seed
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @return new matrices
     */
    public static Matrix uniform(long seed, Precision precision, long batch, long rows, long columns) {
        SplittableRandom random = new SplittableRandom(seed);
        return filled(() -> random.nextDouble(-1, 1), precision, batch, rows, columns, Layout.ROW_MAJOR);
    }

    private static Matrix filled(
            DoubleSupplier entries, Precision precision, long batch, long rows, long columns, Layout layout) {
        Matrix m = Matrix.zeros(precision, batch, rows, columns, layout);
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                for (long j = 0; j < columns; j++) {
                    m.set(b, i, j, entries.getAsDouble());
                }
            }
        }
        return m;
    }
}
