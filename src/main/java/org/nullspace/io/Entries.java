package org.nullspace.io;

import java.nio.ByteBuffer;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Matrix;

/** Entries of a host matrix as bits, addressed by their distance in entries from the start of the matrix's memory. */
final class Entries {
    private static final int SHIFT = 30;
    private static final long MASK = (1L << SHIFT) - 1;

    private final ByteBuffer[] segments;

    Entries(HostMemory memory) {
        long size = memory.byteSize();
        segments = new ByteBuffer[(int) ((size + MASK) >>> SHIFT)];
        for (int s = 0; s < segments.length; s++) {
            long start = (long) s << SHIFT;
            segments[s] = memory.buffer(start, (int) Math.min(size - start, 1L << SHIFT));
        }
    }

    long get64(long entry) {
        long at = entry << 3;
        return segments[(int) (at >>> SHIFT)].getLong((int) (at & MASK));
    }

    int get32(long entry) {
        long at = entry << 2;
        return segments[(int) (at >>> SHIFT)].getInt((int) (at & MASK));
    }

    void set64(long entry, long bits) {
        long at = entry << 3;
        segments[(int) (at >>> SHIFT)].putLong((int) (at & MASK), bits);
    }

    void set32(long entry, int bits) {
        long at = entry << 2;
        segments[(int) (at >>> SHIFT)].putInt((int) (at & MASK), bits);
    }

    /** Distance of entry (b, 0, 0) from the start of the matrix's memory. */
    static long offset(Matrix matrix, long b) {
        return (matrix.address(b) - matrix.memory().address())
                / matrix.precision().bytes();
    }

    /** The host memory of a matrix, usable now and by this thread. */
    static HostMemory host(Matrix matrix) {
        matrix.memory().scope().checkUsable(matrix);
        if (matrix.memory() instanceof HostMemory memory) {
            return memory;
        }
        throw new IllegalStateException(matrix + " lies in the memory of " + matrix.place()
                + ": copy it to the host before writing it to a file");
    }
}
