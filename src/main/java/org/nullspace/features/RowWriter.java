package org.nullspace.features;

import java.lang.ref.Reference;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Writes stretches of rows into a row-major host matrix, rounding to its precision and checking that they stay finite. */
final class RowWriter {
    private final FittedTransformer maker;
    private final Matrix out;
    private final HostMemory memory;
    private final long start;
    private float[] rounded = new float[0];

    RowWriter(FittedTransformer maker, Matrix out) {
        this.maker = maker;
        this.out = out;
        this.memory = Shapes.host(out);
        this.start = Shapes.start(out);
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
        long at = start + row * out.leadingDimension() + column;
        boolean single = out.precision() == Precision.FLOAT32;
        if (single && rounded.length < count) {
            rounded = new float[count];
        }
        boolean finite = true;
        for (int k = 0; k < count; k++) {
            double value = source[from + k];
            if (single) {
                rounded[k] = (float) value;
                value = rounded[k];
            }
            finite &= Math.abs(value) <= Double.MAX_VALUE;
        }
        if (!finite) {
            throw outOfRange(row, column, source, from, count);
        }
        if (single) {
            memory.write(at, rounded, 0, count);
        } else {
            memory.write(at, source, from, count);
        }
        Reference.reachabilityFence(out);
    }

    private InvalidInputException outOfRange(long row, long column, double[] source, int from, int count) {
        double largest = out.precision() == Precision.FLOAT32 ? Float.MAX_VALUE : Double.MAX_VALUE;
        int k = 0;
        while (k < count - 1 && Math.abs(source[from + k]) <= largest) {
            k++;
        }
        return new InvalidInputException(maker + ": row " + row + ", feature " + (column + k)
                + " (counted from 0) exceeds the range of " + out.precision() + "; standardize the columns first");
    }
}
