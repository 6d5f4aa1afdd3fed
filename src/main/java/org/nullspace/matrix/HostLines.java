package org.nullspace.matrix;

/**
 * One host matrix as lines of neighbouring entries: rows if it is row-major, columns if it is column-major. For those who loop over entries
 * in Java: entries are moved in bulk through arrays that stay in the first-level cache, because loops over arrays are vectorised and loops
 * over off-heap memory are not.
 *
 * <p>A view: valid until the scope of the memory is closed; confinement to a thread is the caller's business. Not to be shared by threads.
 */
public final class HostLines {
    /** Entries that are moved at a time at most: 16 KiB of float64 leave room for a second operand in a first-level cache of 32 KiB. */
    public static final int CHUNK = 2048;

    /**
     * Edge of the square tiles in which lines are turned into columns. A tile of 32 × 32 entries of 8 bytes takes 8 KiB, and each of its
     * lines 4 cache lines.
     */
    private static final int TILE = 32;

    private static final float[] NONE = new float[0];

    private final HostMemory memory;
    private final Precision precision;
    private final long first;
    private final long stride;
    private final long count;
    private final long length;
    private float[] scratch = NONE;

    private HostLines(HostMemory memory, Precision precision, long first, long stride, long count, long length) {
        this.memory = memory;
        this.precision = precision;
        this.first = first;
        this.stride = stride;
        this.count = count;
        this.length = length;
    }

    /**
     * The lines of one matrix of a batch.
     *
     * @param m a host matrix
     * @param b its index in the batch
     * @return a view
     */
    public static HostLines of(Matrix m, long b) {
        if (!(m.memory() instanceof HostMemory memory)) {
            throw new IllegalStateException(m + " lies in the memory of " + m.place() + ", not in that of the host");
        }
        boolean rows = m.layout() == Layout.ROW_MAJOR;
        return new HostLines(
                memory,
                m.precision(),
                (m.address(b) - memory.address()) / m.precision().bytes(),
                m.leadingDimension(),
                rows ? m.rows() : m.columns(),
                rows ? m.columns() : m.rows());
    }

    // ---- shape

    /**
     * Number of lines.
     *
     * @return number of lines
     */
    public long count() {
        return count;
    }

    /**
     * Entries of each line.
     *
     * @return number of entries
     */
    public long length() {
        return length;
    }

    /**
     * Number format of the entries.
     *
     * @return the precision
     */
    public Precision precision() {
        return precision;
    }

    /**
     * Size of an array that {@link #read} fills at once: the length of a line, {@link #CHUNK} at most.
     *
     * @return number of entries
     */
    public int chunk() {
        return (int) Math.min(length, CHUNK);
    }

    /**
     * Whether the lines lie without gaps.
     *
     * @return true if they do, or if there is at most one
     */
    public boolean isPacked() {
        return stride == length || count <= 1;
    }

    /**
     * All entries as one line if the lines lie without gaps, otherwise these lines.
     *
     * @return a view
     */
    public HostLines merged() {
        return isPacked() ? new HostLines(memory, precision, first, count * length, 1, count * length) : this;
    }

    /**
     * Some of the lines.
     *
     * @param from first line
     * @param to line after the last
     * @return a view
     */
    public HostLines lines(long from, long to) {
        return new HostLines(memory, precision, first + from * stride, stride, to - from, length);
    }

    /**
     * Part of every line.
     *
     * @param from first entry
     * @param to entry after the last
     * @return a view
     */
    public HostLines section(long from, long to) {
        return new HostLines(memory, precision, first + from, stride, count, to - from);
    }

    // ---- entries

    /**
     * Reads entries of a line as float64.
     *
     * @param line index of the line
     * @param position first entry
     * @param target where they go
     * @param from first index in the target
     * @param entries number of entries, at most {@link #CHUNK}
     */
    public void read(long line, long position, double[] target, int from, int entries) {
        long index = first + line * stride + position;
        if (precision == Precision.FLOAT64) {
            memory.read(index, target, from, entries);
            return;
        }
        float[] narrow = scratch(entries);
        memory.read(index, narrow, 0, entries);
        for (int i = 0; i < entries; i++) {
            target[from + i] = narrow[i];
        }
    }

    /**
     * Reads entries of a line as they are, for float32 only.
     *
     * @param line index of the line
     * @param position first entry
     * @param target where they go
     * @param entries number of entries
     */
    public void read(long line, long position, float[] target, int entries) {
        memory.read(first + line * stride + position, target, 0, entries);
    }

    /**
     * Writes entries of a line, rounded to the precision.
     *
     * @param line index of the line
     * @param position first entry
     * @param source where they come from
     * @param entries number of entries, at most {@link #CHUNK}
     */
    public void write(long line, long position, double[] source, int entries) {
        long index = first + line * stride + position;
        if (precision == Precision.FLOAT64) {
            memory.write(index, source, 0, entries);
            return;
        }
        float[] narrow = scratch(entries);
        for (int i = 0; i < entries; i++) {
            narrow[i] = (float) source[i];
        }
        memory.write(index, narrow, 0, entries);
    }

    private float[] scratch(int entries) {
        if (scratch.length < entries) {
            scratch = new float[Math.max(entries, chunk())];
        }
        return scratch;
    }

    // ---- copies

    /**
     * Copies the entries of as many lines of the same length, converting the precision.
     *
     * @param source lines to read
     */
    public void copyFrom(HostLines source) {
        boolean packed = isPacked() && source.isPacked();
        HostLines from = packed ? source.merged() : source;
        HostLines to = packed ? merged() : this;
        if (precision == source.precision) {
            int bytes = precision.bytes();
            for (long l = 0; l < to.count; l++) {
                memory.copyFrom(
                        (to.first + l * to.stride) * bytes,
                        source.memory,
                        (from.first + l * from.stride) * bytes,
                        to.length * bytes);
            }
            return;
        }
        double[] chunk = new double[to.chunk()];
        for (long l = 0; l < to.count; l++) {
            for (long p = 0; p < to.length; p += chunk.length) {
                int part = (int) Math.min(chunk.length, to.length - p);
                from.read(l, p, chunk, 0, part);
                to.write(l, p, chunk, part);
            }
        }
    }

    /**
     * Copies the entries so that entry p of line l becomes entry l of line p, converting the precision.
     *
     * @param source as many lines as these have entries, with as many entries as there are lines here
     */
    public void copyFromTransposed(HostLines source) {
        if (source.length == 1 && source.stride == 1) {
            copyFrom(source.asOneLine());
            return;
        }
        if (length == 1 && stride == 1) {
            asOneLine().copyFrom(source);
            return;
        }
        double[] tile = new double[TILE * TILE];
        double[] line = new double[TILE];
        for (long l0 = 0; l0 < source.count; l0 += TILE) {
            int height = (int) Math.min(TILE, source.count - l0);
            for (long p0 = 0; p0 < source.length; p0 += TILE) {
                int width = (int) Math.min(TILE, source.length - p0);
                for (int l = 0; l < height; l++) {
                    source.read(l0 + l, p0, tile, l * TILE, width);
                }
                for (int p = 0; p < width; p++) {
                    for (int l = 0; l < height; l++) {
                        line[l] = tile[l * TILE + p];
                    }
                    write(p0 + p, l0, line, height);
                }
            }
        }
    }

    private HostLines asOneLine() {
        return new HostLines(memory, precision, first, count, 1, count);
    }
}
