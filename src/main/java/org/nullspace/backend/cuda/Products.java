package org.nullspace.backend.cuda;

import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Matrix products and triangular solves. Gram matrices of long rows come from {@link GramTiles} where the device can do that, everything
 * else from cuBLAS. What it cannot take as it is passes through tiles of bounded size: a float32 operand of a float64 result is converted, an operand
 * on the host is uploaded.
 */
final class Products {
    /**
     * Order of a triangular matrix, at most, that is solved with together with the others of its batch; a larger one gives a call of its own
     * enough to do. Not measured yet. The size of the batch has no say, so that a problem is computed in the same way in any company.
     */
    static final long TOGETHER = 256;

    private final CudaQueue queue;
    private final EntryWise entryWise;
    private final Cublas cublas;
    private final GramTiles tiles;

    Products(CudaQueue queue, EntryWise entryWise) {
        this.queue = queue;
        this.entryWise = entryWise;
        this.cublas = new Cublas(queue);
        this.tiles = new GramTiles(queue);
    }

    private static Matrix problem(Matrix m, long b) {
        return m.batch() == 1 ? m : m.problem(b);
    }

    // ---- C ← αAB + βC

    void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        if (a.columns() == 0) {
            entryWise.scale(beta, c);
        } else if (a.place().isHost()) {
            streamed(alpha, a, b, beta, c);
        } else if (b.place().isHost()) {
            streamed(alpha, b.transposed(), a.transposed(), beta, c.transposed());
        } else if (a.precision() != c.precision()) {
            widened(alpha, a, b, beta, c);
        } else if (b.precision() != c.precision()) {
            widened(alpha, b.transposed(), a.transposed(), beta, c.transposed());
        } else {
            cublas.multiply(alpha, a, b, beta, c);
        }
    }

    /** A lies on the host. */
    private void streamed(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        long bytes = HostTiles.bytes(queue.device());
        for (long p = 0; p < c.batch(); p++) {
            Matrix ap = problem(a, p);
            Matrix bp = problem(b, p);
            Matrix cp = problem(c, p);
            Cut cut = Cut.of(ap, bytes);
            try (HostTiles tiles = new HostTiles(queue, cut.bytes())) {
                cut.visit(ap, (rows, columns) -> {
                    Matrix part = rows.of(ap).columns(columns.from(), columns.to());
                    Matrix tile = tiles.next(part);
                    multiply(
                            alpha,
                            tile,
                            bp.rows(columns.from(), columns.to()),
                            columns.from() == 0 ? beta : 1,
                            rows.of(cp));
                    tiles.done();
                });
            }
        }
    }

    /** A is float32, B and C are float64. */
    private void widened(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        for (long p = 0; p < c.batch(); p++) {
            Matrix ap = problem(a, p);
            Matrix bp = problem(b, p);
            Matrix cp = problem(c, p);
            Cut cut = Cut.of(ap, HostTiles.bytes(queue.device()));
            try (CudaQueue.Scratch scratch = queue.scratch()) {
                Wide wide = new Wide(scratch, cut);
                cut.visit(
                        ap,
                        (rows, columns) -> cublas.multiply(
                                alpha,
                                wide.of(rows.of(ap).columns(columns.from(), columns.to())),
                                bp.rows(columns.from(), columns.to()),
                                columns.from() == 0 ? beta : 1,
                                rows.of(cp)));
            }
        }
    }

    /** A float64 tile that parts of a float32 matrix are converted into, one after the other. */
    private final class Wide {
        private final CudaMemory memory;

        Wide(CudaQueue.Scratch scratch, Cut cut) {
            long bytes = cut.entries() * Double.BYTES;
            memory = new CudaMemory(
                    queue.device().place(),
                    scratch.take(bytes, () -> "a tile for converting float32 entries"),
                    bytes,
                    CudaQueue.FOREVER);
        }

        Matrix of(Matrix part) {
            Matrix tile = Matrix.over(memory, Precision.FLOAT64, 1, part.rows(), part.columns(), part.layout());
            entryWise.copy(part, tile);
            return tile;
        }
    }

    // ---- lower triangle of C ← αAAᵀ + βC

    void gram(double alpha, Matrix a, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        for (long p = 0; p < c.batch(); p++) {
            gramOf(alpha, problem(a, p), beta, problem(c, p));
        }
    }

    /** Lower triangle of C ← βC by the Gram matrix of a column of zeros: cuBLAS reads A although α = 0, and 0·NaN is NaN. */
    private void scaleLower(double beta, Matrix c) {
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Matrix zeros = scratch.matrix(c.precision(), c.rows(), 1, Layout.COLUMN_MAJOR);
            entryWise.fill(zeros, 0);
            cublas.gram(1, zeros, beta, c);
        }
    }

    private void gramOf(double alpha, Matrix a, double beta, Matrix c) {
        if (a.columns() == 0) {
            scaleLower(beta, c);
        } else if (a.place().isHost()) {
            Cut cut = Cut.acrossColumns(a, HostTiles.bytes(queue.device()));
            try (HostTiles tiles = new HostTiles(queue, cut.bytes())) {
                cut.visit(a, (rows, columns) -> {
                    Matrix tile = tiles.next(a.columns(columns.from(), columns.to()));
                    gramOf(alpha, tile, columns.from() == 0 ? beta : 1, c);
                    tiles.done();
                });
            }
        } else if (tiles.take(a, c)) {
            tiles.gram(alpha, a, beta, c);
        } else if (a.precision() != c.precision()) {
            Cut cut = Cut.acrossColumns(a, HostTiles.bytes(queue.device()));
            try (CudaQueue.Scratch scratch = queue.scratch()) {
                Wide wide = new Wide(scratch, cut);
                cut.visit(
                        a,
                        (rows, columns) -> cublas.gram(
                                alpha,
                                wide.of(a.columns(columns.from(), columns.to())),
                                columns.from() == 0 ? beta : 1,
                                c));
            }
        } else {
            cublas.gram(alpha, a, beta, c);
        }
    }

    // ---- B ← T⁻¹B

    void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        if (b.isEmpty()) {
            return;
        }
        if (b.batch() > 1 && t.rows() <= TOGETHER) {
            Slices.visit(
                    b.batch(),
                    (from, to) -> cublas.solveTogether(triangle, Slices.of(t, from, to), Slices.of(b, from, to)));
            return;
        }
        for (long p = 0; p < b.batch(); p++) {
            cublas.solveTriangular(triangle, problem(t, p), problem(b, p));
        }
    }
}
