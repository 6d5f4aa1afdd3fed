package org.nullspace.backend.cuda;

import java.util.function.BiConsumer;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * Copies between the host and the device with conversion of layout and precision. What need not be converted goes straight into its place;
 * everything else passes through device memory of bounded size, panel by panel, and is converted there.
 */
final class Transfers {
    private final CudaQueue queue;
    private final EntryWise entryWise;

    Transfers(CudaQueue queue, EntryWise entryWise) {
        this.queue = queue;
        this.entryWise = entryWise;
    }

    // ---- to the device

    void upload(Matrix host, Matrix device) {
        if (device.isEmpty()) {
            return;
        }
        if (goesStraight(host, device)) {
            queue.staging().upload(host, device.address(0), queue.stream());
            return;
        }
        panels(host, device, (from, to) -> {
            try (CudaQueue.Scratch scratch = queue.scratch()) {
                Matrix panel = panel(scratch, from);
                queue.staging().upload(from, panel.address(0), queue.stream());
                entryWise.copy(panel, to);
            }
        });
    }

    // ---- to the host

    /** Waits for everything that has been queued. */
    void download(Matrix device, Matrix host) {
        if (host.isEmpty()) {
            queue.synchronize();
        } else if (goesStraight(host, device)) {
            queue.staging().download(device.address(0), host);
        } else {
            panels(host, device, (to, from) -> {
                try (CudaQueue.Scratch scratch = queue.scratch()) {
                    Matrix panel = panel(scratch, to);
                    entryWise.copy(from, panel);
                    queue.staging().download(panel.address(0), to);
                }
            });
        }
    }

    /** Whether the device matrix is packed and its entries are those of the host matrix in the same order. */
    private static boolean goesStraight(Matrix host, Matrix device) {
        boolean vector = host.rows() == 1 || host.columns() == 1;
        boolean together =
                device.isPacked() && (device.batch() == 1 || device.batchStride() == device.rows() * device.columns());
        return together
                && host.batch() == device.batch()
                && host.precision() == device.precision()
                && (host.layout() == device.layout() || (vector && Lines.increment(device) == 1));
    }

    /** A packed matrix on the device with the shape, precision and layout of a host matrix. */
    Matrix panel(CudaQueue.Scratch scratch, Matrix like) {
        long address = scratch.take(like.byteSize(), () -> "a panel of a " + like);
        CudaMemory memory = new CudaMemory(queue.device().place(), address, like.byteSize(), CudaQueue.FOREVER);
        return Matrix.over(memory, like.precision(), like.batch(), like.rows(), like.columns(), like.layout());
    }

    // ---- panels

    /** Visits parts of two matrices of one shape that belong together, each of bounded size. */
    private void panels(Matrix host, Matrix device, BiConsumer<Matrix, Matrix> visit) {
        if (host.batch() == 1 && device.batch() > 1) {
            for (long b = 0; b < device.batch(); b++) {
                panels(host, device.problem(b), visit);
            }
            return;
        }
        if (host.batch() > 1 && host.byteSize() > HostTiles.bytes(queue.device())) {
            for (long b = 0; b < host.batch(); b++) {
                panels(host.problem(b), device.problem(b), visit);
            }
            return;
        }
        if (host.byteSize() <= HostTiles.bytes(queue.device())) {
            visit.accept(host, device);
            return;
        }
        boolean byRows = host.layout() == Layout.ROW_MAJOR ? host.rows() > 1 : host.columns() <= 1;
        long half = (byRows ? host.rows() : host.columns()) / 2;
        if (byRows) {
            panels(host.rows(0, half), device.rows(0, half), visit);
            panels(host.rows(half, host.rows()), device.rows(half, device.rows()), visit);
        } else {
            panels(host.columns(0, half), device.columns(0, half), visit);
            panels(host.columns(half, host.columns()), device.columns(half, device.columns()), visit);
        }
    }
}
