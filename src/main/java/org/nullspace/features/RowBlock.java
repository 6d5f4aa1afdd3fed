package org.nullspace.features;

import java.lang.ref.Reference;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Rows of a host matrix of any layout and precision, copied block by block into an array. */
final class RowBlock {
    private static final int BLOCK_ENTRIES = 1 << 16;
    private static final int LINE_ENTRIES = 1 << 12;

    private final Matrix matrix;
    private final HostMemory memory;
    private final long start;
    private final int width;
    private final int capacity;
    private final double[] values;
    private final double[] line;
    private final float[] singles;
    private long first;
    private int count;

    RowBlock(Matrix matrix) {
        this.matrix = matrix;
        this.memory = Shapes.host(matrix);
        this.start = Shapes.start(matrix);
        this.width = width(matrix);
        this.capacity = (int) Math.max(1, Math.min(matrix.rows(), BLOCK_ENTRIES / Math.max(1, width)));
        this.values = new double[Math.multiplyExact(capacity, width)];
        this.line = new double[LINE_ENTRIES];
        this.singles = new float[LINE_ENTRIES];
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
                copyLine(start + (first + i) * matrix.leadingDimension(), width, i * width, 1);
            }
        } else {
            for (int j = 0; j < width; j++) {
                copyLine(start + j * matrix.leadingDimension() + first, count, j, width);
            }
        }
        Reference.reachabilityFence(matrix);
        checkFinite();
        return true;
    }

    /** Copies neighbouring entries to places of the block that are {@code step} apart. */
    private void copyLine(long from, int length, int to, int step) {
        boolean single = matrix.precision() == Precision.FLOAT32;
        if (!single && step == 1) {
            memory.read(from, values, to, length);
            return;
        }
        for (int done = 0; done < length; done += LINE_ENTRIES) {
            int part = Math.min(length - done, LINE_ENTRIES);
            if (single) {
                memory.read(from + done, singles, 0, part);
                for (int k = 0; k < part; k++) {
                    values[to + (done + k) * step] = singles[k];
                }
            } else {
                memory.read(from + done, line, 0, part);
                for (int k = 0; k < part; k++) {
                    values[to + (done + k) * step] = line[k];
                }
            }
        }
    }

    private void checkFinite() {
        int entries = count * width;
        boolean finite = true;
        for (int k = 0; k < entries; k++) {
            finite &= Math.abs(values[k]) <= Double.MAX_VALUE;
        }
        for (int k = 0; !finite && k < entries; k++) {
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
