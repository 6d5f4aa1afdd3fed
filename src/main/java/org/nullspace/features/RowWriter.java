package org.nullspace.features;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Writes stretches of rows into a row-major host matrix, rounding to its precision and checking that they stay finite. */
final class RowWriter {
    private static final long WINDOW_BYTES = 1L << 26;

    private final FittedTransformer maker;
    private final Matrix out;
    private final HostMemory memory;
    private final int width;
    private ByteBuffer window = ByteBuffer.allocate(0);
    private long windowStart;
    private long windowEnd;

    RowWriter(FittedTransformer maker, Matrix out) {
        this.maker = maker;
        out.memory().scope().checkUsable(out);
        if (!(out.memory() instanceof HostMemory host)) {
            throw new IllegalStateException(out + " is not in the host's memory");
        }
        this.out = out;
        this.memory = host;
        this.width = out.precision().bytes();
    }

    /**
     * Writes entries of one row.
     *
     * @param row the row
     * @param column column of the first entry
     * @param source the entries
     * @param from index of the first entry in the source
     * @param count number of entries
     */
    void put(long row, long column, double[] source, int from, int count) {
        long at = out.address(0) - memory.address() + (row * out.leadingDimension() + column) * width;
        int done = 0;
        while (done < count) {
            long start = at + (long) done * width;
            if (start < windowStart || start + width > windowEnd) {
                windowStart = start;
                windowEnd = Math.min(memory.byteSize(), start + WINDOW_BYTES);
                window = memory.buffer(windowStart, (int) (windowEnd - windowStart));
            }
            int offset = (int) (start - windowStart);
            int part = (int) Math.min(count - done, (windowEnd - start) / width);
            if (out.precision() == Precision.FLOAT64) {
                for (int i = 0; i < part; i++) {
                    double value = source[from + done + i];
                    if (!Double.isFinite(value)) {
                        throw outOfRange(row, column + done + i);
                    }
                    window.putDouble(offset + i * 8, value);
                }
            } else {
                for (int i = 0; i < part; i++) {
                    float value = (float) source[from + done + i];
                    if (!Float.isFinite(value)) {
                        throw outOfRange(row, column + done + i);
                    }
                    window.putFloat(offset + i * 4, value);
                }
            }
            done += part;
        }
        Reference.reachabilityFence(out);
    }

    private InvalidInputException outOfRange(long row, long column) {
        return new InvalidInputException(maker + ": row " + row + ", feature " + column
                + " (counted from 0) exceeds the range of " + out.precision() + "; standardize the columns first");
    }
}
