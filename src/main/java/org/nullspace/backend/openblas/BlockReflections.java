package org.nullspace.backend.openblas;

/**
 * QR factorization of one packed column-major matrix after another, and products with Q, by one thread: block reflectors with recursive panels as
 * in {@link Householder}, whose triangular factors are kept. Not to be shared by threads.
 */
final class BlockReflections {
    /** Columns of a panel. */
    private static final int PANEL = 64;

    private final Blas64 blas;
    private final int rows;
    private final int width;
    private final long v;
    private final long t;
    private final long work;
    private int count;

    /**
     * Scratch for one shape.
     *
     * @param arena where it is taken from
     * @param rows rows of the matrix
     * @param columns columns of it at most, not more than rows
     * @param targets columns that Q is applied to at most
     */
    BlockReflections(Blas64 blas, Arena arena, int rows, int columns, int targets) {
        this.blas = blas;
        this.rows = rows;
        width = Math.min(PANEL, columns);
        v = arena.take((long) rows * columns);
        t = arena.take((columns + width - 1L) / width * width * width);
        work = arena.take((long) width * Math.max(columns, targets));
    }

    /** Where the matrix is put before {@link #factor}, and R is found after it. */
    long matrix() {
        return v;
    }

    /**
     * Factors the matrix.
     *
     * @param columns of the matrix
     */
    void factor(int columns) {
        count = columns;
        for (int j = 0; j < columns; j += width) {
            int panel = Math.min(width, columns - j);
            blas.geqrt3(rows - j, panel, at(j, j), rows, triangle(j), width);
            int rest = columns - j - panel;
            if (rest > 0) {
                apply(j, 'T', at(j, j + panel), rows, rest);
            }
        }
    }

    /**
     * C ← QC or QᵀC.
     *
     * @param transposed whether by Qᵀ
     * @param c with as many rows as the matrix
     * @param ldc its leading dimension
     * @param targets its columns
     */
    void apply(boolean transposed, long c, int ldc, int targets) {
        int panels = (count + width - 1) / width;
        for (int step = 0; step < panels; step++) {
            int j = (transposed ? step : panels - 1 - step) * width;
            apply(j, transposed ? 'T' : 'N', c + (long) j * Double.BYTES, ldc, targets);
        }
    }

    private void apply(int j, char trans, long c, int ldc, int targets) {
        blas.larfb(
                trans, rows - j, targets, Math.min(width, count - j), at(j, j), rows, triangle(j), width, c, ldc, work);
    }

    private long triangle(int j) {
        return t + (long) j * width * Double.BYTES;
    }

    private long at(int i, int j) {
        return v + ((long) j * rows + i) * Double.BYTES;
    }
}
