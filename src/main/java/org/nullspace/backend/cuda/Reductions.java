package org.nullspace.backend.cuda;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Norms, largest magnitudes, and whether entries are finite: the kernels of {@code reduce.cu}. All operands lie on the device. */
final class Reductions {
    private static final String SOURCE = "reduce";

    private static final int THREADS = 256;

    private static final int WARP = 32;

    /** Rows of a chunk that a block adds up, at least. */
    private static final long CHUNK_ALONG = 8 * THREADS;

    /** Rows of a chunk that a single thread adds up, at least. */
    private static final long CHUNK_ACROSS = 64;

    /** Rows of a column that a single thread adds up even if the column is a line. */
    private static final long SHORT = 64;

    private static final long MOST_CHUNKS = 1024;

    private final CudaQueue queue;

    Reductions(CudaQueue queue) {
        this.queue = queue;
    }

    private void launch(String kernel, long x, long y, long z, long... arguments) {
        queue.device().kernels().launch(queue, SOURCE, kernel, x, y, z, THREADS, 1, arguments);
    }

    private static long blocks(long size) {
        return (size + THREADS - 1) / THREADS;
    }

    // ---- norms

    void columnNorms(Matrix a, Matrix norms) {
        if (norms.isEmpty()) {
            return;
        }
        boolean lines = a.layout() == Layout.COLUMN_MAJOR;
        boolean along = lines && a.rows() > SHORT;
        long batch = norms.batch();
        long columns = a.columns();
        long chunks = chunks(along, a.rows(), columns * batch);
        String suffix = EntryWise.suffix(a.precision());
        long[] arguments = {
            a.address(0),
            a.rows(),
            columns,
            lines ? 1 : a.leadingDimension(),
            lines ? a.leadingDimension() : 1,
            a.batch() == 1 ? 0 : a.batchStride(),
            batch,
            0,
            0,
            0,
            norms.address(0),
            Lines.increment(norms),
            norms.batch() == 1 ? 0 : norms.batchStride()
        };
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            if (chunks > 1) {
                long bytes = batch * columns * chunks * Double.BYTES;
                long largest = scratch.take(2 * bytes, () -> "workspace for the column norms of a " + a);
                arguments[7] = chunks;
                arguments[8] = largest;
                arguments[9] = largest + bytes;
                launch(
                        "nullspace_norm_parts_" + (along ? "along_" : "across_") + suffix,
                        along ? chunks : blocks(columns),
                        along ? columns : chunks,
                        batch,
                        arguments);
            }
            int perColumn = threads(along, chunks > 1 ? chunks : a.rows(), chunks > 1);
            int atOnce = THREADS / perColumn;
            queue.device()
                    .kernels()
                    .launch(
                            queue,
                            SOURCE,
                            "nullspace_norms_" + suffix,
                            (batch * columns + atOnce - 1) / atOnce,
                            1,
                            1,
                            perColumn,
                            atOnce,
                            arguments);
        }
    }

    /**
     * Threads that add up a column, or its chunks: a power of two, which does not depend on the number of columns that are not cut.
     *
     * @param along whether neighbouring rows are neighbours in memory
     * @param count rows or chunks
     * @param chunked whether the column has been cut
     */
    private static int threads(boolean along, long count, boolean chunked) {
        if (along) {
            // Who adds up chunks may have to visit the column again.
            return chunked || count > THREADS ? THREADS : WARP;
        }
        return !chunked || count < 8 ? 1 : count < THREADS / 2 ? WARP : THREADS;
    }

    /** Parts that a column is cut into, so that the device has enough to do. */
    private long chunks(boolean along, long rows, long columns) {
        long wanted = 8L * queue.device().multiprocessors();
        long parts = along ? columns : blocks(columns);
        long most = Math.max(1, rows / (along ? CHUNK_ALONG : CHUNK_ACROSS));
        return Math.min(Math.min(most, MOST_CHUNKS), Math.max(1, wanted / Math.max(1, parts)));
    }

    // ---- largest magnitudes

    void maxMagnitude(Matrix a, Matrix result) {
        if (result.isEmpty()) {
            return;
        }
        Lines lines = Lines.of(a).merged();
        long batch = result.batch();
        long tiles = lines.count() * blocks(lines.length());
        long parts = Math.max(1, Math.min(tiles / 8, 8L * queue.device().multiprocessors()));
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            long partial =
                    scratch.take(batch * parts * Double.BYTES, () -> "workspace for the largest magnitude of a " + a);
            launch(
                    "nullspace_largest_" + EntryWise.suffix(a.precision()),
                    parts,
                    batch,
                    1,
                    lines.address(),
                    lines.count(),
                    lines.length(),
                    lines.pitch(),
                    lines.stride(),
                    batch,
                    parts,
                    partial);
            launch(
                    "nullspace_largest_finish",
                    batch,
                    1,
                    1,
                    partial,
                    parts,
                    batch,
                    result.address(0),
                    result.batch() == 1 ? 0 : result.batchStride());
        }
    }

    // ---- entries that are not finite

    /** The part of a square matrix that is looked at. */
    enum Part {
        /** Every entry. */
        ALL,
        /** On and below the diagonal. */
        LOWER
    }

    /**
     * Sets the flag of each matrix that has an entry that is not finite, and makes all its entries zero.
     *
     * @param flags device address of integers that are 0, one for each matrix
     */
    void clearUnlessFinite(Matrix a, Part part, long flags) {
        Lines lines = part == Part.ALL ? Lines.of(a).merged() : Lines.of(a);
        long tiles = lines.count() * blocks(lines.length());
        long grid = Math.max(1, Math.min(tiles, 16L * queue.device().multiprocessors()));
        boolean beginnings = a.layout() == Layout.ROW_MAJOR;
        for (String kernel : new String[] {"nullspace_find_non_finite_", "nullspace_clear_if_flagged_"}) {
            launch(
                    kernel + EntryWise.suffix(a.precision()),
                    grid,
                    a.batch(),
                    1,
                    lines.address(),
                    lines.count(),
                    lines.length(),
                    lines.pitch(),
                    lines.stride(),
                    a.batch(),
                    part == Part.ALL ? 0 : beginnings ? 1 : 2,
                    flags);
        }
    }
}
