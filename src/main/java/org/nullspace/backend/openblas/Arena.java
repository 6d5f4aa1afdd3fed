package org.nullspace.backend.openblas;

import java.nio.DoubleBuffer;
import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.MemoryScope;

/** Scratch of one thread: float64 entries in one piece of host memory, zero at first. An arena without memory counts what would be taken. */
final class Arena {
    /** Pieces begin at cache lines. */
    private static final long UNIT = 8;

    private final @Nullable HostMemory memory;
    private long taken;

    private Arena(@Nullable HostMemory memory) {
        this.memory = memory;
    }

    /** An arena that only counts; the addresses that it gives must not be used. */
    static Arena counting() {
        return new Arena(null);
    }

    /** Memory of a size that was counted. */
    static Arena of(MemoryScope scope, long bytes, String what) {
        return new Arena(HostMemory.allocate(scope, bytes, true, what));
    }

    /**
     * Takes the next piece.
     *
     * @param entries its size
     * @return its address
     */
    long take(long entries) {
        long at = taken;
        taken += (entries + UNIT - 1) / UNIT * UNIT;
        HostMemory held = memory;
        if (held == null) {
            return 0;
        }
        if (bytes() > held.byteSize()) {
            throw new IllegalStateException("scratch of " + held.byteSize() + " bytes: " + bytes() + " are taken");
        }
        return held.address() + at * Double.BYTES;
    }

    /** Bytes that have been taken. */
    long bytes() {
        return taken * Double.BYTES;
    }

    /**
     * Java's view of a piece.
     *
     * @param address of the piece
     * @param entries its size
     */
    DoubleBuffer view(long address, int entries) {
        HostMemory held = memory;
        return held == null
                ? DoubleBuffer.allocate(0)
                : held.buffer(address - held.address(), entries * Double.BYTES).asDoubleBuffer();
    }

    /** Size of an int array in entries. */
    static long ints(long count) {
        return (count + 1) / 2;
    }
}
