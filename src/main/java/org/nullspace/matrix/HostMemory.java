package org.nullspace.matrix;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;

/**
 * Off-heap host memory with 64-bit sizes, aligned to cache lines. Access from Java goes through direct buffers of up to 1 GiB each, so
 * every access is bounds-checked; native code uses {@link #address()}.
 */
public final class HostMemory implements Memory {
    private static final int SEGMENT_SHIFT = 30;
    private static final long SEGMENT_MASK = (1L << SEGMENT_SHIFT) - 1;
    private static final int ALIGNMENT = 64;

    private final MemoryScope scope;
    private final long address;
    private final long byteSize;
    private final ByteBuffer[] segments;

    private HostMemory(MemoryScope scope, long address, long byteSize) {
        this.scope = scope;
        this.address = address;
        this.byteSize = byteSize;
        int count = (int) ((byteSize + SEGMENT_MASK) >>> SEGMENT_SHIFT);
        this.segments = new ByteBuffer[count];
        for (int i = 0; i < count; i++) {
            long start = (long) i << SEGMENT_SHIFT;
            segments[i] = new Window(address + start, Math.min(byteSize - start, 1L << SEGMENT_SHIFT)).buffer();
        }
    }

    /**
     * Allocates memory that the scope frees.
     *
     * @param scope owner of the memory
     * @param bytes size in bytes, 0 allowed
     * @param zeroed whether all bytes are set to zero; otherwise the content is undefined
     * @param what what will be stored, for the message of a failure
     * @return the memory
     * @throws InsufficientMemoryException if the machine has less memory than that; nothing has been allocated then
     */
    public static HostMemory allocate(MemoryScope scope, long bytes, boolean zeroed, String what) {
        if (bytes < 0) {
            throw new InvalidInputException(what + ": " + bytes + " bytes is not a size");
        }
        InvalidInputException.requireNonNull("memory scope", scope);
        scope.checkUsable(what);
        if (bytes == 0) {
            return new HostMemory(scope, 0, 0);
        }
        long physical = physicalBytes();
        if (bytes > physical) {
            throw new InsufficientMemoryException(what + " does not fit into this machine's memory", bytes, physical);
        }
        Pointer block = zeroed ? Pointer.calloc(1, bytes + ALIGNMENT) : Pointer.malloc(bytes + ALIGNMENT);
        if (block == null || block.isNull()) {
            throw new InsufficientMemoryException(what + " could not be allocated", bytes, -1);
        }
        long aligned = (block.address() + ALIGNMENT - 1) & -ALIGNMENT;
        HugePages.ask(aligned, bytes);
        try {
            scope.register(new Free(block), bytes);
        } catch (RuntimeException e) {
            Pointer.free(block);
            throw e;
        }
        return new HostMemory(scope, aligned, bytes);
    }

    /**
     * Memory that somebody else has allocated: a direct buffer, from position to limit, in native byte order. Nothing is copied. The buffer is
     * kept reachable until the scope is closed, which frees nothing.
     *
     * @param scope how long the memory is used
     * @param buffer a direct buffer
     * @return the memory of the buffer
     * @throws InvalidInputException if the buffer is not direct
     */
    public static HostMemory over(MemoryScope scope, ByteBuffer buffer) {
        InvalidInputException.requireNonNull("buffer", buffer);
        InvalidInputException.requireNonNull("memory scope", scope);
        if (!buffer.isDirect()) {
            throw new InvalidInputException("the buffer " + buffer + " is not direct: its memory has no fixed address");
        }
        scope.checkUsable("the buffer " + buffer);
        long address = buffer.hasRemaining() ? new Pointer(buffer.slice()).address() : 0;
        scope.register(() -> Reference.reachabilityFence(buffer), 0);
        return new HostMemory(scope, address, buffer.remaining());
    }

    /**
     * Allocates memory in a scope of its own, which is closed by {@link MemoryScope#close()} or, if nobody does, after the memory has
     * become unreachable.
     *
     * @param bytes size in bytes, 0 allowed
     * @param zeroed whether all bytes are set to zero
     * @param what what will be stored, for the message of a failure
     * @return the memory
     */
    static HostMemory allocateAutomatic(long bytes, boolean zeroed, String what) {
        return AutomaticMemory.allocate(bytes, zeroed, what);
    }

    /**
     * Memory that this process can hope for, read once.
     *
     * @return bytes of physical memory, or of the control group's limit where that is less
     */
    public static long physicalBytes() {
        return Machine.BYTES;
    }

    /** The memory of the machine. */
    private static final class Machine {
        private static final long BYTES = Math.min(Pointer.totalPhysicalBytes(), controlGroupLimit());

        /** Limit of the Linux control group that the process sees as its root, version 2 or 1. */
        private static long controlGroupLimit() {
            long limit = Long.MAX_VALUE;
            for (String file : List.of("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")) {
                try {
                    String text = Files.readString(Path.of(file)).trim();
                    if (!text.equals("max")) {
                        limit = Math.min(limit, Long.parseLong(text));
                    }
                } catch (IOException | NumberFormatException e) {
                    // No such file, or not a number: no limit that could be known.
                }
            }
            return limit;
        }
    }

    @Override
    public Place place() {
        return Place.HOST;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long byteSize() {
        return byteSize;
    }

    @Override
    public MemoryScope scope() {
        return scope;
    }

    double getDouble(long index) {
        long at = index << 3;
        return segments[(int) (at >>> SEGMENT_SHIFT)].getDouble((int) (at & SEGMENT_MASK));
    }

    float getFloat(long index) {
        long at = index << 2;
        return segments[(int) (at >>> SEGMENT_SHIFT)].getFloat((int) (at & SEGMENT_MASK));
    }

    void setDouble(long index, double value) {
        long at = index << 3;
        segments[(int) (at >>> SEGMENT_SHIFT)].putDouble((int) (at & SEGMENT_MASK), value);
    }

    void setFloat(long index, float value) {
        long at = index << 2;
        segments[(int) (at >>> SEGMENT_SHIFT)].putFloat((int) (at & SEGMENT_MASK), value);
    }

    /**
     * Reads float64 entries in bulk.
     *
     * @param index first entry, counted in entries of 8 bytes
     * @param target where they go
     * @param from first index in the target
     * @param count number of entries
     */
    public void read(long index, double[] target, int from, int count) {
        checkOpen();
        while (count > 0) {
            int part = segmentPart(index << 3, count, 3);
            segment(index << 3).asDoubleBuffer().get(segmentIndex(index << 3, 3), target, from, part);
            index += part;
            from += part;
            count -= part;
        }
    }

    /**
     * Reads float32 entries in bulk.
     *
     * @param index first entry, counted in entries of 4 bytes
     * @param target where they go
     * @param from first index in the target
     * @param count number of entries
     */
    public void read(long index, float[] target, int from, int count) {
        checkOpen();
        while (count > 0) {
            int part = segmentPart(index << 2, count, 2);
            segment(index << 2).asFloatBuffer().get(segmentIndex(index << 2, 2), target, from, part);
            index += part;
            from += part;
            count -= part;
        }
    }

    /**
     * Writes float64 entries in bulk.
     *
     * @param index first entry, counted in entries of 8 bytes
     * @param source where they come from
     * @param from first index in the source
     * @param count number of entries
     */
    public void write(long index, double[] source, int from, int count) {
        checkOpen();
        while (count > 0) {
            int part = segmentPart(index << 3, count, 3);
            segment(index << 3).asDoubleBuffer().put(segmentIndex(index << 3, 3), source, from, part);
            index += part;
            from += part;
            count -= part;
        }
    }

    /**
     * Writes float32 entries in bulk.
     *
     * @param index first entry, counted in entries of 4 bytes
     * @param source where they come from
     * @param from first index in the source
     * @param count number of entries
     */
    public void write(long index, float[] source, int from, int count) {
        checkOpen();
        while (count > 0) {
            int part = segmentPart(index << 2, count, 2);
            segment(index << 2).asFloatBuffer().put(segmentIndex(index << 2, 2), source, from, part);
            index += part;
            from += part;
            count -= part;
        }
    }

    /**
     * Copies bytes from other host memory; the two stretches must not overlap.
     *
     * @param offset first byte written
     * @param source memory to read
     * @param sourceOffset first byte read
     * @param bytes number of bytes
     */
    void copyFrom(long offset, HostMemory source, long sourceOffset, long bytes) {
        checkOpen();
        source.checkOpen();
        while (bytes > 0) {
            int part = (int) Math.min(
                    bytes, (1L << SEGMENT_SHIFT) - Math.max(offset & SEGMENT_MASK, sourceOffset & SEGMENT_MASK));
            segment(offset)
                    .put(
                            (int) (offset & SEGMENT_MASK),
                            source.segment(sourceOffset),
                            (int) (sourceOffset & SEGMENT_MASK),
                            part);
            offset += part;
            sourceOffset += part;
            bytes -= part;
        }
    }

    /** Bulk access may come from the threads that help the owner of a confined scope, so only the end of the scope is checked. */
    private void checkOpen() {
        if (scope.isClosed()) {
            scope.checkUsable("memory");
        }
    }

    private ByteBuffer segment(long at) {
        return segments[(int) (at >>> SEGMENT_SHIFT)];
    }

    private static int segmentIndex(long at, int shift) {
        return (int) ((at & SEGMENT_MASK) >>> shift);
    }

    /** How many of {@code count} entries of 2^shift bytes from byte {@code at} on lie in one segment. */
    private static int segmentPart(long at, int count, int shift) {
        return (int) Math.min(count, ((1L << SEGMENT_SHIFT) - (at & SEGMENT_MASK)) >>> shift);
    }

    /**
     * A direct buffer over a part of this memory, for bulk input and output. A view: valid until the scope is closed.
     *
     * @param offset first byte
     * @param length number of bytes, less than 2 GiB
     * @return a buffer in native byte order
     */
    public ByteBuffer buffer(long offset, int length) {
        scope.checkUsable("memory");
        if (offset < 0 || length < 0 || offset > byteSize - length) {
            throw new IndexOutOfBoundsException(
                    length + " bytes from byte " + offset + " on, of a memory of " + byteSize + " bytes");
        }
        return length == 0
                ? ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder())
                : new Window(address + offset, length).buffer();
    }

    /** A stretch of memory that a direct buffer is laid over. */
    private static final class Window extends Pointer {
        private Window(long address, long bytes) {
            this.address = address;
            this.position = 0;
            this.limit = bytes;
            this.capacity = bytes;
        }

        /** Positions and limits count bytes. */
        @Override
        public int sizeof() {
            return 1;
        }

        private ByteBuffer buffer() {
            return asByteBuffer().order(ByteOrder.nativeOrder());
        }
    }

    private record Free(Pointer block) implements Runnable {
        @Override
        public void run() {
            Pointer.free(block);
        }
    }
}
