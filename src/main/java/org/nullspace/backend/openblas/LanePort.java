package org.nullspace.backend.openblas;

import java.util.Arrays;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Moves entries between a batch in memory and lanes, one group of a selection at a time. A batch of one is shared by all problems. */
final class LanePort {
    private final Matrix matrix;
    private final LaneSelection selection;
    private final HostMemory memory;
    private final int lines;
    private final int length;
    private final double[][] lanes;
    private final double[] packed;
    private final float[] narrow;

    /** The lanes of one entry. */
    interface Entry {
        /** Lanes of entry (i, j), the same arrays at every call. */
        double[] lanes(int i, int j);
    }

    /**
     * Scratch for one matrix.
     *
     * @param matrix a batch on the host
     * @param selection which problem lies in which lane
     * @param entry where entries go or come from
     */
    LanePort(Matrix matrix, LaneSelection selection, Entry entry) {
        if (!(matrix.memory() instanceof HostMemory host)) {
            throw new IllegalStateException(matrix + " lies in the memory of " + matrix.place());
        }
        boolean rows = matrix.layout() == Layout.ROW_MAJOR;
        this.matrix = matrix;
        this.selection = selection;
        this.memory = host;
        this.lines = (int) (rows ? matrix.rows() : matrix.columns());
        this.length = (int) (rows ? matrix.columns() : matrix.rows());
        this.lanes = new double[lines * length][];
        Arrays.setAll(
                lanes, at -> rows ? entry.lanes(at / length, at % length) : entry.lanes(at % length, at / length));
        this.packed = new double[lanes.length * Lanes.COUNT];
        this.narrow = new float[matrix.precision() == Precision.FLOAT32 ? packed.length : 0];
    }

    /** Bytes of the scratch of ports beside the lanes. */
    static double bytes(double entries) {
        return entries * (Lanes.COUNT * (Double.BYTES + Float.BYTES) + 8);
    }

    /** Reads a group. Missing problems of the last group are zero. */
    void read(long group) {
        int count = selection.count(group);
        Arrays.fill(packed, count * lanes.length, packed.length, 0);
        if (isContiguous(group)) {
            read(index(group, 0), 0, count * lanes.length);
        } else {
            for (int l = 0; l < count; l++) {
                for (int line = 0; line < lines; line++) {
                    read(index(group, l) + line * matrix.leadingDimension(), position(l, line), length);
                }
            }
        }
        Lanes.gather(packed, lanes.length, lanes);
    }

    private void read(long index, int to, int count) {
        if (matrix.precision() == Precision.FLOAT64) {
            memory.read(index, packed, to, count);
            return;
        }
        memory.read(index, narrow, to, count);
        for (int i = to; i < to + count; i++) {
            packed[i] = narrow[i];
        }
    }

    /** Writes a group and sets the verdict of a problem to NaN if one of its entries leaves the range of the precision. */
    void write(long group, double[] verdict) {
        scatter(group, verdict);
        write(group);
    }

    /** Writes a group; all entries of a problem become NaN where its verdict is NaN or one of them is not finite. */
    void writeOrNaN(long group, double[] verdict) {
        for (double[] entry : lanes) {
            Lanes.spoil(verdict, entry);
        }
        scatter(group, verdict);
        for (int l = 0; l < selection.count(group); l++) {
            if (Double.isNaN(verdict[l])) {
                if (matrix.precision() == Precision.FLOAT32) {
                    Arrays.fill(narrow, l * lanes.length, (l + 1) * lanes.length, Float.NaN);
                } else {
                    Arrays.fill(packed, l * lanes.length, (l + 1) * lanes.length, Double.NaN);
                }
            }
        }
        write(group);
    }

    private void scatter(long group, double[] verdict) {
        Lanes.scatter(lanes, lanes.length, packed);
        if (matrix.precision() == Precision.FLOAT32) {
            for (int i = 0; i < selection.count(group) * lanes.length; i++) {
                narrow[i] = (float) packed[i];
                if (Float.isInfinite(narrow[i])) {
                    verdict[i / lanes.length] = Double.NaN;
                }
            }
        }
    }

    private void write(long group) {
        int count = selection.count(group);
        if (isContiguous(group)) {
            write(index(group, 0), 0, count * lanes.length);
            return;
        }
        for (int l = 0; l < count; l++) {
            for (int line = 0; line < lines; line++) {
                write(index(group, l) + line * matrix.leadingDimension(), position(l, line), length);
            }
        }
    }

    private void write(long index, int from, int count) {
        if (matrix.precision() == Precision.FLOAT64) {
            memory.write(index, packed, from, count);
        } else {
            memory.write(index, narrow, from, count);
        }
    }

    private boolean isContiguous(long group) {
        return (matrix.batch() > 1 || selection.count(group) == 1)
                && (lines == 1 || matrix.leadingDimension() == length)
                && matrix.batchStride() == lanes.length
                && selection.areNeighbours(group);
    }

    private int position(int l, int line) {
        return l * lanes.length + line * length;
    }

    /** Where a problem begins, in entries. */
    private long index(long group, int lane) {
        long b = matrix.batch() == 1 ? 0 : selection.problem(group, lane);
        return (matrix.address(b) - memory.address()) / matrix.precision().bytes();
    }
}
