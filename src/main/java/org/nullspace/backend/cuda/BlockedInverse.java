package org.nullspace.backend.cuda;

import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * Inverses of lower triangular matrices by blocks: those on the diagonal by the kernel of {@code triangle.cu}, and from them those of twice the
 * size, all of a size at once, by
 *
 * <pre>
 * (A 0)⁻¹   (  A⁻¹       0 )
 * (C D)   = (−D⁻¹CA⁻¹   D⁻¹)
 * </pre>
 *
 * <p>The residuals are those of inversion by substitution: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), §14.2.2.
 */
final class BlockedInverse {
    private static final String SOURCE = "triangle";

    /** Order of the blocks on the diagonal. */
    private static final int ORDER = 64;

    private final CudaQueue queue;
    private final EntryWise entryWise;
    private final Cublas cublas;

    BlockedInverse(CudaQueue queue, EntryWise entryWise, Cublas cublas) {
        this.queue = queue;
        this.entryWise = entryWise;
        this.cublas = cublas;
    }

    /** Lower triangle of L ← L⁻¹ for a single matrix. */
    void invert(Matrix l) {
        long n = l.rows();
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Matrix inverse = scratch.matrix(l.precision(), n, n, l.layout());
            entryWise.fill(inverse, 0);
            boolean columns = l.layout() == Layout.COLUMN_MAJOR;
            queue.device()
                    .kernels()
                    .launch(
                            queue,
                            SOURCE,
                            "nullspace_invert_diagonal_" + EntryWise.suffix(l.precision()),
                            (n + ORDER - 1) / ORDER,
                            1,
                            1,
                            ORDER,
                            1,
                            l.address(0),
                            n,
                            columns ? 1 : l.leadingDimension(),
                            columns ? l.leadingDimension() : 1,
                            inverse.address(0),
                            columns ? 1 : n,
                            columns ? n : 1);
            for (long size = ORDER; size < n; size *= 2) {
                long pairs = n / (2 * size);
                if (pairs > 0) {
                    join(scratch, l, inverse, 0, size, size, pairs);
                }
                long last = n - 2 * size * pairs - size;
                if (last > 0) {
                    join(scratch, l, inverse, 2 * size * pairs, size, last, 1);
                }
            }
            entryWise.copyTriangle(Triangle.LOWER, inverse, l);
        }
    }

    /**
     * The block below A⁻¹, for pairs of neighbours A and D.
     *
     * @param from first row of the first A
     * @param size order of A
     * @param below order of D; that of A if there are several pairs
     */
    private void join(
            CudaQueue.Scratch scratch, Matrix l, Matrix inverse, long from, long size, long below, long pairs) {
        Matrix product = scratch.matrix(l.precision(), pairs, below, size, l.layout());
        cublas.multiply(
                1,
                blocks(l, from + size, below, from, size, pairs),
                blocks(inverse, from, size, from, size, pairs),
                0,
                product);
        cublas.multiply(
                -1,
                blocks(inverse, from + size, below, from + size, below, pairs),
                product,
                0,
                blocks(inverse, from + size, below, from, size, pairs));
    }

    /** Blocks along the diagonal of a square matrix, 2·{@code columns} rows and columns apart. */
    private Matrix blocks(Matrix m, long row, long rows, long column, long columns, long count) {
        if (count == 1) {
            return m.rows(row, row + rows).columns(column, column + columns);
        }
        long pitch = m.leadingDimension();
        CudaMemory memory = new CudaMemory(
                queue.device().place(),
                m.address(0),
                ((m.rows() - 1) * pitch + m.rows()) * m.precision().bytes(),
                CudaQueue.FOREVER);
        long offset = m.layout() == Layout.COLUMN_MAJOR ? column * pitch + row : row * pitch + column;
        return Matrix.strided(
                memory, m.precision(), count, rows, columns, m.layout(), offset, pitch, 2 * columns * (pitch + 1));
    }
}
