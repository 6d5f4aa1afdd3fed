package org.nullspace.backend.cuda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;
import org.nullspace.error.InsufficientMemoryException;

/**
 * Device memory of one queue. Blocks that are handed back are kept and given out again, without waiting: whoever gets one uses it on the
 * same queue, hence after everything that was queued on it before. Thread-safe, since scopes may be closed by any thread.
 *
 * <p>Blocks come from the driver's stream-ordered allocator where the device has one. That alone would not do: it gives memory back to the
 * operating system at every synchronisation unless told otherwise, and the call that tells it is not in JCuda.
 */
final class DevicePool {
    /** Idle bytes that a queue keeps between sessions on any device. */
    static final long KEPT = 64L << 20;

    /**
     * The part of a large device's memory that a queue keeps instead, as a divisor: that of an X that is solved again and again need not be
     * allocated anew each time. Four idle queues hold half of what {@link CudaDevice#usableBytes()} leaves to libraries.
     */
    private static final int KEPT_SHARE = 128;

    private static final long SMALL = 1L << 20;
    private static final long SMALL_UNIT = 512;
    private static final long LARGE_UNIT = 2L << 20;

    private final CudaQueue queue;
    private final TreeMap<Long, ArrayDeque<Long>> idle = new TreeMap<>();
    private long idleBytes;
    private boolean closed;

    DevicePool(CudaQueue queue) {
        this.queue = queue;
    }

    /**
     * Idle bytes that a queue keeps between sessions.
     *
     * @param totalBytes memory of the device
     */
    static long kept(long totalBytes) {
        return Math.max(KEPT, totalBytes / KEPT_SHARE);
    }

    /** Size of the block that a request is served with at least. */
    static long blockSize(long bytes) {
        long unit = bytes <= SMALL ? SMALL_UNIT : LARGE_UNIT;
        return Math.addExact(bytes, unit - 1) / unit * unit;
    }

    /** A block of device memory. */
    record Block(long address, long size) {}

    /**
     * A block of at least the given size with undefined content.
     *
     * @param bytes more than 0
     * @param what what will be stored, for the message of a failure
     * @throws InsufficientMemoryException if the device has no such block, not even after idle ones have been given back
     */
    synchronized Block take(long bytes, Supplier<String> what) {
        long size;
        try {
            size = blockSize(bytes);
        } catch (ArithmeticException e) {
            throw new InsufficientMemoryException(
                    what.get() + " on " + queue.device().place(),
                    bytes,
                    queue.device().totalBytes());
        }
        long most = size <= SMALL ? Math.max(size, 2 * size) : size + size / 4;
        Map.Entry<Long, ArrayDeque<Long>> fit = idle.ceilingEntry(size);
        if (fit != null && fit.getKey() <= most) {
            return reuse(fit);
        }
        Block block = new Block(allocate(size, bytes, what), size);
        return block;
    }

    private Block reuse(Map.Entry<Long, ArrayDeque<Long>> fit) {
        long size = fit.getKey();
        long address = fit.getValue().pop();
        if (fit.getValue().isEmpty()) {
            idle.remove(size);
        }
        idleBytes -= size;
        return new Block(address, size);
    }

    private long allocate(long size, long bytes, Supplier<String> what) {
        try {
            return allocateOnce(size);
        } catch (InsufficientMemoryException first) {
            releaseIdle(0);
            queue.device().releaseIdleQueues();
            queue.synchronize();
        }
        try {
            return allocateOnce(size);
        } catch (InsufficientMemoryException e) {
            InsufficientMemoryException failure = new InsufficientMemoryException(
                    what.get() + " does not fit into the free memory of "
                            + queue.device().place(),
                    bytes,
                    queue.device().freeBytes());
            failure.addSuppressed(e);
            throw failure;
        }
    }

    private long allocateOnce(long size) {
        CUdeviceptr pointer = new CUdeviceptr();
        if (queue.device().hasStreamOrderedAllocator()) {
            CudaCheck.driver(
                    "cuMemAllocAsync",
                    () -> JCudaDriver.cuMemAllocAsync(pointer, size, queue.stream()),
                    () -> size + " bytes on " + queue.device().place());
        } else {
            CudaCheck.driver(
                    "cuMemAlloc",
                    () -> JCudaDriver.cuMemAlloc(pointer, size),
                    () -> size + " bytes on " + queue.device().place());
        }
        return Addresses.of(pointer);
    }

    /** Takes a block back; what is queued on it may still be running. */
    void giveBack(Block block) {
        synchronized (this) {
            if (!closed && !queue.isLost()) {
                keep(block);
                return;
            }
        }
        queue.device().giveUp(List.of(() -> free(block.address(), block.size(), false)));
    }

    private void keep(Block block) {
        idle.computeIfAbsent(block.size(), size -> new ArrayDeque<>()).push(block.address());
        idleBytes += block.size();
    }

    /** Frees idle blocks, the largest first, until at most so many bytes are idle. */
    synchronized void releaseIdle(long kept) {
        while (idleBytes > kept) {
            Block block = largestIdle();
            CudaQueue.orUndo(
                    () -> free(block.address(), block.size(), queue.device().hasStreamOrderedAllocator()),
                    () -> keep(block));
        }
    }

    private Block largestIdle() {
        Map.Entry<Long, ArrayDeque<Long>> largest = idle.lastEntry();
        long size = largest.getKey();
        long address = largest.getValue().pop();
        if (largest.getValue().isEmpty()) {
            idle.remove(size);
        }
        idleBytes -= size;
        return new Block(address, size);
    }

    /** The steps that free all idle blocks; blocks that are given back from now on are freed at once. */
    synchronized List<Runnable> release() {
        closed = true;
        List<Runnable> steps = new ArrayList<>();
        while (idleBytes > 0) {
            Block block = largestIdle();
            steps.add(() -> free(block.address(), block.size(), queue.device().hasStreamOrderedAllocator()));
        }
        return steps;
    }

    private void free(long address, long size, boolean inOrder) {
        if (inOrder) {
            CudaCheck.driver(
                    "cuMemFreeAsync",
                    () -> JCudaDriver.cuMemFreeAsync(Addresses.device(address), queue.stream()),
                    () -> size + " bytes on " + queue.device().place());
        } else {
            CudaCheck.driver(
                    "cuMemFree",
                    () -> JCudaDriver.cuMemFree(Addresses.device(address)),
                    () -> size + " bytes on " + queue.device().place());
        }
    }
}
