package org.nullspace.io;

import java.nio.DoubleBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Rows of numbers whose count is not known beforehand, in off-heap blocks of whole rows. */
final class RowStore implements AutoCloseable {
    private static final int BLOCK_BYTES = 8 << 20;

    private final Deque<Block> blocks = new ArrayDeque<>();
    private int width;
    private int rowsPerBlock;
    private long rows;
    private int rowsInLast;
    private @Nullable DoubleBuffer last;

    private record Block(MemoryScope scope, HostMemory memory) {}

    /** Sets the number of values in a row, before the first row. */
    void start(int width) {
        if (width > Integer.MAX_VALUE / 8) {
            throw new InvalidInputException(width + " columns are more than a table can have");
        }
        this.width = width;
        this.rowsPerBlock = Math.max(1, BLOCK_BYTES / (8 * Math.max(1, width)));
    }

    /** Appends a row: the values of the chosen columns, in the order of the choice. */
    void append(double[] values, int[] columns) {
        DoubleBuffer block = last;
        if (block == null || rowsInLast == rowsPerBlock) {
            block = addBlock();
            last = block;
            rowsInLast = 0;
        }
        int at = rowsInLast * width;
        for (int i = 0; i < columns.length; i++) {
            block.put(at + i, values[columns[i]]);
        }
        rowsInLast++;
        rows++;
    }

    private DoubleBuffer addBlock() {
        MemoryScope scope = MemoryScope.open();
        int bytes = rowsPerBlock * width * 8;
        try {
            HostMemory memory =
                    HostMemory.allocate(scope, bytes, false, "a block of " + rowsPerBlock + " rows of a table");
            blocks.add(new Block(scope, memory));
            return memory.buffer(0, bytes).asDoubleBuffer();
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    /**
     * Moves all rows into two matrices, the first values of each row into one and the others into the other, freeing the blocks.
     *
     * @param scope owner of the matrices, or null for matrices of their own memory
     * @param split number of values that go into the first matrix
     * @param places row of the matrices that each row goes to, or null where they keep their order
     * @return both matrices, row-major
     */
    Matrix[] finish(@Nullable MemoryScope scope, int split, int @Nullable [] places) {
        Matrix left = matrix(scope, split);
        Matrix right = matrix(scope, width - split);
        long row = 0;
        while (!blocks.isEmpty()) {
            Block block = blocks.remove();
            int count = (int) Math.min(rowsPerBlock, rows - row);
            DoubleBuffer from =
                    block.memory().buffer(0, rowsPerBlock * width * 8).asDoubleBuffer();
            if (places == null) {
                DoubleBuffer toLeft = rowsOf(left, row, count);
                DoubleBuffer toRight = rowsOf(right, row, count);
                for (int i = 0; i < count; i++) {
                    toLeft.put(i * split, from, i * width, split);
                    toRight.put(i * (width - split), from, i * width + split, width - split);
                }
            } else {
                double[] values = new double[width];
                for (int i = 0; i < count; i++) {
                    from.get(i * width, values);
                    long place = places[(int) row + i];
                    Entries.host(left).write(place * split, values, 0, split);
                    Entries.host(right).write(place * (width - split), values, split, width - split);
                }
            }
            block.scope().close();
            row += count;
        }
        return new Matrix[] {left, right};
    }

    private Matrix matrix(@Nullable MemoryScope scope, int columns) {
        return scope == null
                ? Matrix.zeros(Precision.FLOAT64, 1, rows, columns, Layout.ROW_MAJOR)
                : Matrix.uninitialized(scope, Precision.FLOAT64, 1, rows, columns, Layout.ROW_MAJOR);
    }

    private static DoubleBuffer rowsOf(Matrix matrix, long row, int count) {
        long rowBytes = matrix.columns() * 8;
        return Entries.host(matrix)
                .buffer(row * rowBytes, (int) (count * rowBytes))
                .asDoubleBuffer();
    }

    @Override
    public void close() {
        last = null;
        blocks.forEach(block -> block.scope().close());
        blocks.clear();
    }
}
