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
     * Edge of the square tiles in which lines are turned into columns: each line of a tile of float64 takes 8 cache lines, so that the
     * hardware's prefetching pays. Measured for 500×5000, 2048×2048, 200×100000 and 100000×200 entries of float64 on one core of an AMD EPYC:
     * 11 to 13 GB/s (reading and writing counted), 16×16 tiles half of that or less.
     */
    public static final int TILE = 64;

    private static final float[] NONE = new float[0];
    private static final double[] NO_TILE = new double[0];

    private final HostMemory memory;
    private final Precision precision;
    private final long first;
    private final long stride;
    private final long count;
    private final long length;
    private float[] scratch = NONE;
    private double[] tile = NO_TILE;

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

    /**
     * Whether the entries are one line in either direction: a single line, or neighbouring lines of one entry.
     *
     * @return true if {@link #turned()} can be called
     */
    public boolean isVector() {
        return count <= 1 || (length == 1 && stride == 1);
    }

    /**
     * The entries of a vector in the other direction: one line as lines of one entry, lines of one entry as one line.
     *
     * @return a view
     */
    public HostLines turned() {
        long other = count <= 1 ? length : 1;
        return new HostLines(memory, precision, first, count <= 1 ? 1 : count, other, count);
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
     * Reads a tile across its lines as float64: entry p of line l goes to {@code target[p · lines + l]}.
     *
     * @param line first line
     * @param lines number of lines, at most {@link #TILE}
     * @param position first entry
     * @param entries number of entries of each line, at most {@link #TILE}
     * @param target where they go
     */
    public void readAcross(long line, int lines, long position, int entries, double[] target) {
        if (tile.length < lines * entries) {
            tile = new double[lines * entries];
        }
        for (int l = 0; l < lines; l++) {
            read(line + l, position, tile, l * entries, entries);
        }
        transpose(tile, lines, entries, target);
    }

    /** In blocks of 4 × 4, which fit into registers. */
    private static void transpose(double[] from, int rows, int columns, double[] to) {
        int wholeRows = rows & -4;
        int wholeColumns = columns & -4;
        for (int i = 0; i < wholeRows; i += 4) {
            for (int j = 0; j < wholeColumns; j += 4) {
                int a = i * columns + j;
                int b = a + columns;
                int c = b + columns;
                int d = c + columns;
                int t = j * rows + i;
                put(to, t, from[a], from[b], from[c], from[d]);
                put(to, t + rows, from[a + 1], from[b + 1], from[c + 1], from[d + 1]);
                put(to, t + 2 * rows, from[a + 2], from[b + 2], from[c + 2], from[d + 2]);
                put(to, t + 3 * rows, from[a + 3], from[b + 3], from[c + 3], from[d + 3]);
            }
            for (int j = wholeColumns; j < columns; j++) {
                int a = i * columns + j;
                put(to, j * rows + i, from[a], from[a + columns], from[a + 2 * columns], from[a + 3 * columns]);
            }
        }
        for (int i = wholeRows; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                to[j * rows + i] = from[i * columns + j];
            }
        }
    }

    private static void put(double[] to, int at, double a, double b, double c, double d) {
        to[at] = a;
        to[at + 1] = b;
        to[at + 2] = c;
        to[at + 3] = d;
    }

    /**
     * Writes entries of a line, rounded to the precision.
     *
     * @param line index of the line
     * @param position first entry
     * @param source where they come from
     * @param from first index in the source
     * @param entries number of entries, at most {@link #CHUNK}
     */
    public void write(long line, long position, double[] source, int from, int entries) {
        long index = first + line * stride + position;
        if (precision == Precision.FLOAT64) {
            memory.write(index, source, from, entries);
            return;
        }
        float[] narrow = scratch(entries);
        for (int i = 0; i < entries; i++) {
            narrow[i] = (float) source[from + i];
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
                to.write(l, p, chunk, 0, part);
            }
        }
    }

    /**
     * Copies the entries so that entry p of line l becomes entry l of line p, converting the precision.
     *
     * @param source as many lines as these have entries, with as many entries as there are lines here
     */
    public void copyFromTransposed(HostLines source) {
        if (source.isVector()) {
            copyFrom(source.turned());
            return;
        }
        if (isVector()) {
            turned().copyFrom(source);
            return;
        }
        double[] turned = new double[(int) (Math.min(TILE, source.count) * Math.min(TILE, source.length))];
        for (long l = 0; l < source.count; l += TILE) {
            int height = (int) Math.min(TILE, source.count - l);
            for (long p = 0; p < source.length; p += TILE) {
                int width = (int) Math.min(TILE, source.length - p);
                source.readAcross(l, height, p, width, turned);
                for (int i = 0; i < width; i++) {
                    write(p + i, l, turned, i * height, height);
                }
            }
        }
    }
}
