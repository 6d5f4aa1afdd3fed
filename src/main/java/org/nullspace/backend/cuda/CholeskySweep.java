package org.nullspace.backend.cuda;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * A Cholesky factor and its inverse in one sweep over the columns: the kernels of {@code cholesky.cu}. Of orders up to some thousand the time is
 * that of a chain of small steps, of which the inverse needs none of its own.
 */
final class CholeskySweep {
    private static final String SOURCE = "cholesky";

    /** Columns of a step. */
    private static final int ORDER = 64;

    private static final int SIDE = 16;

    /** Largest order; beyond, the time is that of the products, which cuBLAS and cuSOLVER make faster. */
    private static final long MOST = 2048;

    private final CudaQueue queue;
    private final EntryWise entryWise;

    CholeskySweep(CudaQueue queue, EntryWise entryWise) {
        this.queue = queue;
        this.entryWise = entryWise;
    }

    static boolean takes(Matrix a, Matrix inverse) {
        return a.batch() == 1
                && a.rows() > 0
                && a.rows() <= MOST
                && a.precision() == Precision.FLOAT64
                && a.layout() == Layout.COLUMN_MAJOR
                && inverse.layout() == Layout.ROW_MAJOR;
    }

    /** Lower triangle of A ← L; inverse ← L⁻¹; a status word. */
    void factor(Matrix a, Matrix inverse, CudaStatus status) {
        long blocks = (a.rows() + ORDER - 1) / ORDER;
        entryWise.fill(inverse, 0);
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            long[] arguments = {
                a.address(0),
                a.rows(),
                a.leadingDimension(),
                inverse.address(0),
                inverse.leadingDimension(),
                scratch.take(
                        blocks * ORDER * ORDER * Double.BYTES, () -> "blocks on the diagonal of a Cholesky factor"),
                0,
                status.address(0)
            };
            for (long step = 0; step < blocks; step++) {
                arguments[6] = step;
                launch("nullspace_cholesky_eliminate", blocks, arguments);
                long rest = blocks - step - 1;
                if (rest > 0) {
                    launch("nullspace_cholesky_subtract", rest * (rest + 1) / 2 + rest * (step + 1), arguments);
                }
            }
            launch("nullspace_cholesky_diagonal", blocks, arguments);
        }
    }

    private void launch(String kernel, long blocks, long[] arguments) {
        queue.device().kernels().launch(queue, SOURCE, kernel, blocks, 1, 1, SIDE, SIDE, arguments);
    }
}
