package org.nullspace.backend.cuda;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * Copies between host matrices, wherever they lie in the host's memory, and packed device memory. Entries pass through pinned buffers by
 * turns, so that the processor fills one while the device reads another. Little data go through ordinary memory, which the driver reads before it returns: no wait for anything that was queued
 * before.
 */
final class Staging {
    /** Bytes of each pinned buffer. */
    static final int BUFFER_BYTES = 16 << 20;

    /** Pinned buffers, at most: as many as there are copies under way. */
    private static final int BUFFERS = 3;

    /** Up to here, a copy to the device needs no pinned memory: the driver takes it along with the command. */
    private static final int LITTLE = 32 << 10;

    /** Part of a buffer that one thread copies. */
    private static final int SLICE = 256 << 10;

    private final CudaQueue queue;
    private final ByteBuffer little = ByteBuffer.allocateDirect(LITTLE).order(ByteOrder.nativeOrder());
    private final List<Pinned> buffers = new ArrayList<>();
    private int turn = BUFFERS - 1;

    Staging(CudaQueue queue) {
        this.queue = queue;
    }

    /** A pinned buffer, and the event after the last copy that was queued on it. */
    private final class Pinned {
        final Pointer pointer = new Pointer();
        final ByteBuffer bytes;
        final CUevent done = new CUevent();

        Pinned() {
            CudaCheck.driver(
                    "cuMemHostAlloc",
                    () -> JCudaDriver.cuMemHostAlloc(pointer, BUFFER_BYTES, 0),
                    () -> BUFFER_BYTES + " bytes of pinned host memory");
            bytes = pointer.getByteBuffer(0, BUFFER_BYTES).order(ByteOrder.nativeOrder());
            CudaQueue.orUndo(
                    () -> CudaCheck.driver(
                            "cuEventCreate",
                            () -> JCudaDriver.cuEventCreate(done, CUevent_flags.CU_EVENT_DISABLE_TIMING),
                            queue::where),
                    () -> CudaCheck.driver("cuMemFreeHost", () -> JCudaDriver.cuMemFreeHost(pointer), queue::where));
        }

        void await() {
            CudaCheck.driver("cuEventSynchronize", () -> JCudaDriver.cuEventSynchronize(done), queue::where);
        }

        void record(CUstream stream) {
            CudaCheck.driver("cuEventRecord", () -> JCudaDriver.cuEventRecord(done, stream), queue::where);
        }
    }

    /** The buffers by turns; the copies that were queued on it before are done. */
    private Pinned next() {
        turn = (turn + 1) % BUFFERS;
        while (buffers.size() <= turn) {
            buffers.add(new Pinned());
        }
        Pinned buffer = buffers.get(turn);
        buffer.await();
        return buffer;
    }

    // ---- where the entries are

    /** The bytes of a host matrix in the order of a packed one: segments of neighbouring bytes. */
    private static final class Segments {
        private final HostMemory memory;
        private final long first;
        private final long length;
        private final long count;
        private final long pitch;
        private final long stride;
        final long total;

        Segments(Matrix m) {
            memory = (HostMemory) m.memory();
            int entry = m.precision().bytes();
            boolean rows = m.layout() == Layout.ROW_MAJOR;
            long line = (rows ? m.columns() : m.rows()) * entry;
            long lines = rows ? m.rows() : m.columns();
            long problem = m.batchStride() * entry;
            boolean merged = m.isPacked();
            boolean whole = merged && (m.batch() <= 1 || problem == line * lines);
            first = m.address(0) - memory.address();
            total = line * lines * m.batch();
            length = whole ? total : merged ? line * lines : line;
            count = merged ? 1 : lines;
            pitch = m.leadingDimension() * entry;
            stride = problem;
        }

        /** Copies bytes from a position on into a buffer, or from the buffer. */
        void move(long position, ByteBuffer buffer, int offset, int bytes, boolean toBuffer) {
            int done = 0;
            while (done < bytes) {
                long segment = (position + done) / length;
                long inside = (position + done) % length;
                int part = (int) Math.min(bytes - done, length - inside);
                long at = first + segment / count * stride + segment % count * pitch + inside;
                ByteBuffer host = memory.buffer(at, part);
                if (toBuffer) {
                    buffer.put(offset + done, host, 0, part);
                } else {
                    host.put(0, buffer, offset + done, part);
                }
                done += part;
            }
        }

        /** As {@link #move}, by several threads where it is worth it and they may. */
        void moveInParallel(long position, ByteBuffer buffer, int bytes, boolean toBuffer) {
            int slices = (bytes + SLICE - 1) / SLICE;
            if (slices <= 1 || memory.scope().isConfined()) {
                move(position, buffer, 0, bytes, toBuffer);
                return;
            }
            IntStream.range(0, slices).parallel().forEach(i -> {
                int from = i * SLICE;
                move(position + from, buffer, from, Math.min(SLICE, bytes - from), toBuffer);
            });
        }
    }

    // ---- to the device

    /**
     * Queues a copy of a host matrix into packed device memory; the host matrix has been read when the call returns.
     *
     * @param source a host matrix
     * @param target device address of a packed matrix of the same shape, precision and layout
     * @param stream where the copies are queued
     */
    void upload(Matrix source, long target, CUstream stream) {
        Segments segments = new Segments(source);
        if (segments.total <= LITTLE) {
            int bytes = (int) segments.total;
            segments.move(0, little, 0, bytes, true);
            queueUpload(target, Pointer.to(little), bytes, stream);
        } else {
            for (long done = 0; done < segments.total; done += BUFFER_BYTES) {
                int bytes = (int) Math.min(BUFFER_BYTES, segments.total - done);
                Pinned buffer = next();
                segments.moveInParallel(done, buffer.bytes, bytes, true);
                queueUpload(target + done, buffer.pointer, bytes, stream);
                buffer.record(stream);
            }
        }
        Reference.reachabilityFence(source);
    }

    private void queueUpload(long target, Pointer source, int bytes, CUstream stream) {
        CudaCheck.driver(
                "cuMemcpyHtoDAsync",
                () -> JCudaDriver.cuMemcpyHtoDAsync(Addresses.device(target), source, bytes, stream),
                () -> bytes + " bytes to " + queue.device().place());
    }

    /** Queues a copy of integers into device memory; they have been read when the call returns. */
    void writeInts(int[] values, long target) {
        if (values.length * (long) Integer.BYTES <= LITTLE) {
            little.asIntBuffer().put(0, values);
            queueUpload(target, Pointer.to(little), values.length * Integer.BYTES, queue.stream());
            return;
        }
        int perBuffer = BUFFER_BYTES / Integer.BYTES;
        for (int done = 0; done < values.length; done += perBuffer) {
            int part = Math.min(perBuffer, values.length - done);
            Pinned buffer = next();
            buffer.bytes.asIntBuffer().put(0, values, done, part);
            queueUpload(target + (long) done * Integer.BYTES, buffer.pointer, part * Integer.BYTES, queue.stream());
            buffer.record(queue.stream());
        }
    }

    // ---- to the host

    /** Bytes on their way through a buffer to a position of a host matrix. */
    private record Arrival(Pinned buffer, long position, int bytes) {
        void deliver(Segments segments) {
            buffer.await();
            segments.moveInParallel(position, buffer.bytes, bytes, false);
        }
    }

    /**
     * Copies packed device memory into a host matrix, and waits for it and for everything queued before.
     *
     * @param source device address of a packed matrix of the same shape, precision and layout
     * @param target a host matrix
     */
    void download(long source, Matrix target) {
        // The first buffer, whatever is still queued on it: all that has to be waited for here.
        turn = BUFFERS - 1;
        Segments segments = new Segments(target);
        Deque<Arrival> underWay = new ArrayDeque<>();
        for (long done = 0; done < segments.total; done += BUFFER_BYTES) {
            int bytes = (int) Math.min(BUFFER_BYTES, segments.total - done);
            Pinned buffer = next();
            queueDownload(source + done, buffer.pointer, bytes);
            buffer.record(queue.stream());
            underWay.add(new Arrival(buffer, done, bytes));
            if (underWay.size() == BUFFERS) {
                underWay.remove().deliver(segments);
            }
        }
        while (underWay.size() > 1) {
            underWay.remove().deliver(segments);
        }
        queue.synchronize();
        while (!underWay.isEmpty()) {
            underWay.remove().deliver(segments);
        }
        Reference.reachabilityFence(target);
    }

    private void queueDownload(long source, Pointer target, int bytes) {
        CudaCheck.driver(
                "cuMemcpyDtoHAsync",
                () -> JCudaDriver.cuMemcpyDtoHAsync(target, Addresses.device(source), bytes, queue.stream()),
                () -> bytes + " bytes from " + queue.device().place());
    }

    /** An integer of device memory, after everything queued before; for those who wait while other buffers hold what has not been delivered. */
    int readInt(long source) {
        Pinned buffer = next();
        queueDownload(source, buffer.pointer, Integer.BYTES);
        queue.synchronize();
        return buffer.bytes.getInt(0);
    }

    /** Integers of device memory, after everything queued before. */
    int[] readInts(long source, int count) {
        turn = BUFFERS - 1;
        int[] values = new int[count];
        int perBuffer = BUFFER_BYTES / Integer.BYTES;
        for (int done = 0; done < count; done += perBuffer) {
            int part = Math.min(perBuffer, count - done);
            Pinned buffer = next();
            queueDownload(source + (long) done * Integer.BYTES, buffer.pointer, part * Integer.BYTES);
            queue.synchronize();
            buffer.bytes.asIntBuffer().get(0, values, done, part);
        }
        return values;
    }

    // ---- end of life

    /** The steps that give everything back. */
    List<Runnable> release() {
        List<Runnable> steps = new ArrayList<>();
        for (Pinned buffer : buffers) {
            steps.add(buffer::await);
            steps.add(() ->
                    CudaCheck.driver("cuEventDestroy", () -> JCudaDriver.cuEventDestroy(buffer.done), queue::where));
            steps.add(() -> CudaCheck.driver(
                    "cuMemFreeHost",
                    () -> JCudaDriver.cuMemFreeHost(buffer.pointer),
                    () -> BUFFER_BYTES + " bytes of pinned host memory"));
        }
        buffers.clear();
        return steps;
    }
}
