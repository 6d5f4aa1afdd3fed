package org.nullspace.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;

/**
 * Parts of a host matrix on their way through the device: two tiles by turns, filled on a stream of their own while the queue computes with
 * the other.
 */
final class HostTiles implements AutoCloseable {
    private final CudaQueue queue;
    private final CudaQueue.Scratch scratch;
    private final long tileBytes;
    private final CUstream transfers;
    private final List<CUevent> events = new ArrayList<>();
    private final CUevent[] filled = new CUevent[2];
    private final CUevent[] free = new CUevent[2];
    private final long[] addresses = new long[2];
    private int turn;

    /**
     * Two tiles.
     *
     * @param bytes size of the largest part
     */
    HostTiles(CudaQueue queue, long bytes) {
        this.queue = queue;
        this.tileBytes = bytes;
        this.scratch = queue.scratch();
        this.transfers = CudaQueue.newStream(queue.device());
        try {
            for (int i = 0; i < 2; i++) {
                addresses[i] = scratch.take(bytes, () -> "a tile of a matrix that stays on the host");
                filled[i] = newEvent();
                free[i] = newEvent();
                record(free[i], queue.stream());
            }
        } catch (RuntimeException | Error e) {
            try {
                close();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    /**
     * Bytes of a tile: two of them, and as much again for converting one to float64, stay within what a session may take for tiles.
     */
    static long bytes(CudaDevice device) {
        return Math.min(64L << 20, device.usableBytes() / Session.TILE_SHARE / 4);
    }

    private CUevent newEvent() {
        CUevent event = new CUevent();
        CudaCheck.driver(
                "cuEventCreate",
                () -> JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DISABLE_TIMING),
                queue::where);
        events.add(event);
        return event;
    }

    private void record(CUevent event, CUstream stream) {
        CudaCheck.driver("cuEventRecord", () -> JCudaDriver.cuEventRecord(event, stream), queue::where);
    }

    private void await(CUstream stream, CUevent event) {
        CudaCheck.driver("cuStreamWaitEvent", () -> JCudaDriver.cuStreamWaitEvent(stream, event, 0), queue::where);
    }

    /**
     * A part of the host matrix on the device, valid for what is queued until {@link #done()}.
     *
     * @param part host matrix, at most as large as a tile
     * @return a packed matrix with the part's shape, precision and layout
     */
    Matrix next(Matrix part) {
        turn = 1 - turn;
        await(transfers, free[turn]);
        queue.staging().upload(part, addresses[turn], transfers);
        record(filled[turn], transfers);
        await(queue.stream(), filled[turn]);
        CudaMemory memory = new CudaMemory(queue.device().place(), addresses[turn], tileBytes, CudaQueue.FOREVER);
        return Matrix.over(memory, part.precision(), part.batch(), part.rows(), part.columns(), part.layout());
    }

    /** What was queued on the current tile is all there is: it can be filled again after that. */
    void done() {
        record(free[turn], queue.stream());
    }

    /** Waits for the uploads, not for the computation. */
    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        steps.add(() -> CudaCheck.driver(
                "cuStreamSynchronize", () -> JCudaDriver.cuStreamSynchronize(transfers), queue::where));
        for (CUevent event : events) {
            steps.add(() -> CudaCheck.driver("cuEventDestroy", () -> JCudaDriver.cuEventDestroy(event), queue::where));
        }
        steps.add(
                () -> CudaCheck.driver("cuStreamDestroy", () -> JCudaDriver.cuStreamDestroy(transfers), queue::where));
        steps.add(scratch::close);
        CudaQueue.runAll(steps);
    }
}
