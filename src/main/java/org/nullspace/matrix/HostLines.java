package org.nullspace.matrix;

/**
 * The entries of one host matrix as lines (rows if row-major, columns if column-major): entry p of line l is entry {@code offset +
 * l·stride + p} of the memory.
 *
 * @param memory where the entries are
 * @param precision number format
 * @param offset first entry of the first line
 * @param stride distance of the lines, in entries
 * @param count number of lines
 * @param length entries in each line
 */
record HostLines(HostMemory memory, Precision precision, long offset, long stride, long count, long length) {
    /** Entries that are converted at a time: both forms stay in the first-level cache. */
    private static final int CHUNK = 1024;

    /**
     * Edge of the square tiles in which lines are turned into columns. A tile of 64 × 64 entries of 8 bytes takes 32 KiB, and each of
     * its lines 8 cache lines, so that neither reading nor writing moves a cache line twice.
     */
    private static final int TILE = 64;

    /**
     * Copies the entries of lines of the same number and length, converting the precision.
     *
     * @param source lines to read
     */
    void copyFrom(HostLines source) {
        HostLines from = source.merged(this);
        HostLines to = merged(source);
        for (long l = 0; l < to.count; l++) {
            to.copyLine(from, from.offset + l * from.stride, to.offset + l * to.stride);
        }
    }

    /**
     * Copies the entries so that entry p of line l becomes entry l of line p, converting the precision.
     *
     * @param source as many lines as these have entries, with as many entries as there are lines here
     */
    void copyFromTransposed(HostLines source) {
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
        float[] scratch = new float[TILE];
        for (long l0 = 0; l0 < source.count; l0 += TILE) {
            int lines = (int) Math.min(TILE, source.count - l0);
            for (long p0 = 0; p0 < source.length; p0 += TILE) {
                int width = (int) Math.min(TILE, source.length - p0);
                for (int l = 0; l < lines; l++) {
                    source.read(source.offset + (l0 + l) * source.stride + p0, tile, l * TILE, width, scratch);
                }
                for (int p = 0; p < width; p++) {
                    for (int l = 0; l < lines; l++) {
                        line[l] = tile[l * TILE + p];
                    }
                    write(offset + (p0 + p) * stride + l0, line, lines, scratch);
                }
            }
        }
    }

    /** One line if these lines and the others lie without gaps, otherwise these lines. */
    private HostLines merged(HostLines other) {
        boolean packed = stride == length && other.stride == other.length;
        return packed ? new HostLines(memory, precision, offset, 0, 1, count * length) : this;
    }

    private HostLines asOneLine() {
        return new HostLines(memory, precision, offset, count, 1, count);
    }

    private void copyLine(HostLines source, long from, long to) {
        if (source.precision == precision) {
            int bytes = precision.bytes();
            memory.copyFrom(to * bytes, source.memory, from * bytes, length * bytes);
            return;
        }
        int chunk = (int) Math.min(CHUNK, length);
        double[] wide = new double[chunk];
        float[] narrow = new float[chunk];
        for (long p = 0; p < length; p += chunk) {
            int part = (int) Math.min(chunk, length - p);
            source.read(from + p, wide, 0, part, narrow);
            write(to + p, wide, part, narrow);
        }
    }

    private void read(long index, double[] target, int from, int entries, float[] scratch) {
        if (precision == Precision.FLOAT64) {
            memory.read(index, target, from, entries);
            return;
        }
        memory.read(index, scratch, 0, entries);
        for (int i = 0; i < entries; i++) {
            target[from + i] = scratch[i];
        }
    }

    private void write(long index, double[] source, int entries, float[] scratch) {
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
