package org.nullspace.backend.openblas;

import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * One matrix of a batch for loops in Java: lines of neighbouring entries (rows if row-major, columns if column-major) that are moved through
 * arrays in the first-level cache, because loops over arrays are vectorised and loops over off-heap memory are not.
 */
final class Lines {
    /** Entries that are moved at a time at most. */
    static final int CHUNK = 2048;

    private static final float[] NONE = new float[0];

    private final HostMemory memory;
    private final long first;
    private final float[] scratch;

    /** Number format. */
    final Precision precision;

    /** Number of lines. */
    final long count;

    /** Entries in each line. */
    final long length;

    /** Distance of the lines, in entries. */
    final long stride;

    private Lines(HostMemory memory, Precision precision, long first, long stride, long count, long length) {
        this.memory = memory;
        this.precision = precision;
        this.first = first;
        this.stride = stride;
        this.count = count;
        this.length = length;
        this.scratch = precision == Precision.FLOAT32 ? new float[chunk(length)] : NONE;
    }

    /**
     * Lines of a matrix.
     *
     * @param m a host matrix
     * @param b index in the batch; 0 is taken if the batch is one matrix
     */
    static Lines of(Matrix m, long b) {
        long first = (m.address(m.batch() == 1 ? 0 : b) - m.memory().address())
                / m.precision().bytes();
        boolean rows = m.layout() == Layout.ROW_MAJOR;
        return new Lines(
                (HostMemory) m.memory(),
                m.precision(),
                first,
                m.leadingDimension(),
                rows ? m.rows() : m.columns(),
                rows ? m.columns() : m.rows());
    }

    /** One line with all the entries if they lie without gaps, otherwise these lines. */
    Lines merged() {
        return isPacked() ? new Lines(memory, precision, first, count * length, 1, count * length) : this;
    }

    boolean isPacked() {
        return stride == length || count <= 1;
    }

    /** Size of an array for {@link #read}. */
    int chunk() {
        return chunk(length);
    }

    private static int chunk(long length) {
        return (int) Math.min(length, CHUNK);
    }

    /** Reads at most {@link #CHUNK} entries of a line as float64. */
    void read(long line, long position, double[] target, int from, int entries) {
        long index = first + line * stride + position;
        if (precision == Precision.FLOAT64) {
            memory.read(index, target, from, entries);
            return;
        }
        memory.read(index, scratch, 0, entries);
        for (int i = 0; i < entries; i++) {
            target[from + i] = scratch[i];
        }
    }

    /** Reads entries of a line as float32; for float32 only. */
    void read(long line, long position, float[] target, int entries) {
        memory.read(first + line * stride + position, target, 0, entries);
    }

    /** Writes at most {@link #CHUNK} entries of a line, rounding them to the precision. */
    void write(long line, long position, double[] source, int entries) {
        long index = first + line * stride + position;
        if (precision == Precision.FLOAT64) {
            memory.write(index, source, 0, entries);
            return;
        }
        for (int i = 0; i < entries; i++) {
            scratch[i] = (float) source[i];
        }
        memory.write(index, scratch, 0, entries);
    }
}
