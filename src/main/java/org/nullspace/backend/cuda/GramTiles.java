package org.nullspace.backend.cuda;

import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Gram matrices of long rows on FP64 tensor cores: the kernels of {@code gram.cu}. They compute the tiles of one triangle only, where cuBLAS
 * computes nearly all of a small C, and take float32 data as they are.
 */
final class GramTiles {
    private static final String SOURCE = "gram";

    /** Rows and columns of a tile of C. */
    private static final int TILE = 128;

    private static final int THREADS = 256;

    /** Bytes of a row that a thread block takes at once, and what it holds of them in shared memory. */
    private static final int STEP = 128;

    private static final int SHARED_BYTES = 4 * 2 * TILE * STEP;

    /** Alignment of rows that are copied 16 bytes at a time. */
    private static final int ALIGNMENT = 16;

    /** First compute capability with the instructions. */
    private static final int CAPABILITY = 90;

    /** Columns that are worth a kernel of its own; the shortest rows that were timed have five times as many. */
    private static final long LEAST_COLUMNS = 1000;

    /** Tiles are numbered by 32-bit integers in the kernel. */
    private static final long MOST_ROWS = 1 << 20;

    /** Parts of tiles at most, for each multiprocessor. */
    private static final long MOST_PARTS = 8;

    /** What it takes to begin and end a part, and to sum it up with others, in steps of float64, of 1.2 µs each on an H100. */
    private static final double BEGIN = 8;

    private static final double SUM = 0.05;

    private final CudaQueue queue;

    GramTiles(CudaQueue queue) {
        this.queue = queue;
    }

    /** Whether the Gram matrix of A, both on the device, can be had from here: shapes fit, the device has the instructions and the shared memory. */
    boolean take(Matrix a, Matrix c) {
        CudaDevice device = queue.device();
        return device.capability() >= CAPABILITY
                && device.sharedBytes() >= SHARED_BYTES
                && c.precision() == Precision.FLOAT64
                && a.layout() == Layout.ROW_MAJOR
                && a.rows() >= TILE
                && a.rows() <= MOST_ROWS
                && a.columns() >= LEAST_COLUMNS;
    }

    /** Lower triangle of C ← αAAᵀ + βC for a single matrix that is {@linkplain #take taken}. */
    void gram(double alpha, Matrix a, double beta, Matrix c) {
        long parts = parts(tiles(a), steps(a));
        if (parts > 1) {
            try {
                gram(alpha, a, beta, c, parts);
                return;
            } catch (InsufficientMemoryException e) {
                // Nothing has been queued: one part needs no memory.
            }
        }
        gram(alpha, a, beta, c, 1);
    }

    private static long tiles(Matrix a) {
        long blocks = (a.rows() + TILE - 1) / TILE;
        return blocks * (blocks + 1) / 2;
    }

    private static long steps(Matrix a) {
        return (a.columns() * a.precision().bytes() + STEP - 1) / STEP;
    }

    /**
     * As {@link #gram(double, Matrix, double, Matrix)}.
     *
     * @param parts of the columns of A, at most as many as steps
     */
    void gram(double alpha, Matrix a, double beta, Matrix c, long parts) {
        int bytes = a.precision().bytes();
        long tiles = tiles(a);
        boolean aligned = a.address(0) % ALIGNMENT == 0 && a.leadingDimension() * bytes % ALIGNMENT == 0;
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            long sums = parts == 1
                    ? 0
                    : scratch.take(
                            parts * tiles * TILE * TILE * Double.BYTES, () -> "parts of the Gram matrix of " + a);
            long[] arguments = {
                a.address(0),
                a.rows(),
                a.columns(),
                a.leadingDimension(),
                Double.doubleToRawLongBits(alpha),
                Double.doubleToRawLongBits(beta),
                c.address(0),
                c.leadingDimension(),
                c.layout() == Layout.COLUMN_MAJOR ? 1 : 0,
                parts,
                sums
            };
            Kernels kernels = queue.device().kernels();
            String kernel = "nullspace_gram_" + (aligned ? "" : "any_") + EntryWise.suffix(a.precision());
            kernels.launch(queue, SOURCE, kernel, tiles * parts, 1, 1, THREADS, 1, SHARED_BYTES, arguments);
            if (parts > 1) {
                kernels.launch(
                        queue,
                        SOURCE,
                        "nullspace_gram_sum",
                        tiles,
                        TILE * TILE / THREADS / 4,
                        1,
                        THREADS,
                        1,
                        arguments);
            }
        }
    }

    /**
     * Parts of the columns of A: what keeps all multiprocessors busy to the end.
     *
     * @param steps that all columns take
     */
    private long parts(long tiles, long steps) {
        long processors = queue.device().multiprocessors();
        long room = HostTiles.bytes(queue.device()) / (tiles * TILE * TILE * Double.BYTES);
        long most = Math.max(1, Math.min(Math.min(steps, room), MOST_PARTS * processors / tiles));
        long best = 1;
        double least = Double.POSITIVE_INFINITY;
        for (long parts = 1; parts <= most; parts++) {
            double rounds = Math.ceil((double) tiles * parts / processors);
            double time = rounds * (Math.ceil((double) steps / parts) + BEGIN) + (parts > 1 ? SUM * tiles * parts : 0);
            if (time < least) {
                least = time;
                best = parts;
            }
        }
        return best;
    }
}
