package org.nullspace.backend.cuda;

import org.nullspace.backend.SparseSigns;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Sparse random sketches: the kernels of {@code sketch.cu}. */
final class Sketches {
    private static final String SOURCE = "sketch";

    /** Columns of a thread block, and its threads in the other direction: as in the kernel's source. */
    private static final int COLUMNS = 32;

    private static final int GROUPS = 8;

    /** Rows of the sketch that a thread block sums up, at most: as in the kernel's source. */
    private static final long HEIGHT = 144;

    private final CudaQueue queue;

    Sketches(CudaQueue queue) {
        this.queue = queue;
    }

    void sketch(long seed, Matrix a, Matrix y) {
        if (y.isEmpty()) {
            return;
        }
        for (long b = 0; b < y.batch(); b++) {
            Matrix from = a.problem(a.batch() == 1 ? 0 : b);
            Matrix to = y.problem(b);
            if (from.isEmpty() || !from.place().isHost()) {
                add(seed, from, 0, to);
                continue;
            }
            // Parts of some rows and columns: each column of the sketch receives the rows of A in their order.
            Cut cut = Cut.of(from, HostTiles.bytes(queue.device()));
            try (HostTiles tiles = new HostTiles(queue, cut.bytes())) {
                cut.visit(from, (rows, columns) -> {
                    Matrix tile = tiles.next(rows.of(from).columns(columns.from(), columns.to()));
                    add(seed, tile, rows.from(), to.columns(columns.from(), columns.to()));
                    tiles.done();
                });
            }
        }
    }

    /** Sums up rows of A, the first of which is row {@code offset} of the whole: onto Y, or afresh if that is 0. */
    private void add(long seed, Matrix a, long offset, Matrix y) {
        boolean rows = a.layout() == Layout.ROW_MAJOR;
        boolean rowsOfY = y.layout() == Layout.ROW_MAJOR;
        int perRow = SparseSigns.perRow(y.rows());
        long parts = (y.rows() / perRow + HEIGHT) / HEIGHT;
        queue.device()
                .kernels()
                .launch(
                        queue,
                        SOURCE,
                        "nullspace_sketch_" + EntryWise.suffix(a.precision()),
                        (a.columns() + COLUMNS - 1) / COLUMNS,
                        perRow * parts,
                        1,
                        COLUMNS,
                        GROUPS,
                        a.isEmpty() ? 0 : a.address(0),
                        a.rows(),
                        a.columns(),
                        rows ? a.leadingDimension() : 1,
                        rows ? 1 : a.leadingDimension(),
                        y.address(0),
                        y.rows(),
                        rowsOfY ? y.leadingDimension() : 1,
                        rowsOfY ? 1 : y.leadingDimension(),
                        seed,
                        offset,
                        perRow,
                        parts);
    }
}
