package org.nullspace.backend.cuda;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Norms and largest magnitudes of matrices that stay on the host: part by part, then over the results of the parts. */
final class HostReductions {
    private final CudaQueue queue;
    private final Reductions reductions;
    private final EntryWise entryWise;

    HostReductions(CudaQueue queue, Reductions reductions, EntryWise entryWise) {
        this.queue = queue;
        this.reductions = reductions;
        this.entryWise = entryWise;
    }

    void maxMagnitude(Matrix a, Matrix result) {
        for (long b = 0; b < result.batch(); b++) {
            Matrix one = a.problem(a.batch() == 1 ? 0 : b);
            Matrix most = result.problem(b);
            if (one.isEmpty()) {
                entryWise.fill(most, 0);
                continue;
            }
            Cut cut = Cut.of(one, HostTiles.bytes(queue.device()));
            long parts = cut.parts(one);
            try (CudaQueue.Scratch scratch = queue.scratch();
                    HostTiles tiles = new HostTiles(queue, cut.bytes())) {
                Matrix each = scratch.matrix(Precision.FLOAT64, 1, parts, Layout.ROW_MAJOR);
                long[] index = {0};
                cut.visit(one, (rows, columns) -> {
                    Matrix tile = tiles.next(rows.of(one).columns(columns.from(), columns.to()));
                    reductions.maxMagnitude(tile, each.columns(index[0], index[0] + 1));
                    tiles.done();
                    index[0]++;
                });
                reductions.maxMagnitude(each, most);
            }
        }
    }

    void columnNorms(Matrix a, Matrix norms) {
        for (long b = 0; b < norms.batch(); b++) {
            Matrix one = a.problem(a.batch() == 1 ? 0 : b);
            Matrix all = norms.problem(b);
            if (one.isEmpty()) {
                entryWise.fill(all, 0);
                continue;
            }
            Cut cut = Cut.of(one, HostTiles.bytes(queue.device()));
            long parts = (one.rows() + cut.height() - 1) / cut.height();
            try (CudaQueue.Scratch scratch = queue.scratch();
                    HostTiles tiles = new HostTiles(queue, cut.bytes())) {
                Matrix each = scratch.matrix(Precision.FLOAT64, parts, one.columns(), Layout.ROW_MAJOR);
                cut.visit(one, (rows, columns) -> {
                    Matrix tile = tiles.next(rows.of(one).columns(columns.from(), columns.to()));
                    long part = rows.from() / cut.height();
                    reductions.columnNorms(tile, each.rows(part, part + 1).columns(columns.from(), columns.to()));
                    tiles.done();
                });
                reductions.columnNorms(each, all);
            }
        }
    }
}
