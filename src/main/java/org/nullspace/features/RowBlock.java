package org.nullspace.features;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Rows of a host matrix of any layout and precision, copied block by block into an array. */
final class RowBlock {
    private static final int BLOCK_ENTRIES = 1 << 16;

    private final Matrix matrix;
    private final int width;
    private final int capacity;
    private final double[] values;
    private long first;
    private int count;

    RowBlock(Matrix matrix) {
        this.matrix = matrix;
        this.width = width(matrix);
        this.capacity = (int) Math.max(1, Math.min(matrix.rows(), BLOCK_ENTRIES / Math.max(1, width)));
        this.values = new double[Math.multiplyExact(capacity, width)];
    }

    /** Columns of a matrix whose rows are to be held in an array. */
    static int width(Matrix matrix) {
        return Math.toIntExact(matrix.columns());
    }

    /**
     * Copies the next rows and checks that they are finite.
     *
     * @return whether there are any
     */
    boolean next() {
        first += count;
        count = (int) Math.min(capacity, matrix.rows() - first);
        if (count <= 0) {
            count = 0;
            return false;
        }
        if (matrix.layout() == Layout.ROW_MAJOR) {
            for (int i = 0; i < count; i++) {
                for (int j = 0; j < width; j++) {
                    values[i * width + j] = matrix.get(0, first + i, j);
                }
            }
        } else {
            for (int j = 0; j < width; j++) {
                for (int i = 0; i < count; i++) {
                    values[i * width + j] = matrix.get(0, first + i, j);
                }
            }
        }
        checkFinite();
        return true;
    }

    private void checkFinite() {
        for (int k = 0; k < count * width; k++) {
            if (!Double.isFinite(values[k])) {
                throw Shapes.notFinite(first + k / width, k % width, values[k]);
            }
        }
    }

    /** The copied rows, one after the other. */
    double[] values() {
        return values;
    }

    /** Index of the first of the copied rows. */
    long first() {
        return first;
    }

    /** Number of the copied rows. */
    int count() {
        return count;
    }
}
