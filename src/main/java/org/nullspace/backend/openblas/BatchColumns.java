package org.nullspace.backend.openblas;

import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Moves the columns of the problems of a batch, in any layout and precision, from and to packed float64 scratch. A batch of one is shared. */
final class BatchColumns {
    private final Matrix matrix;
    private final int rows;
    private final int columns;
    private final int rowStride;
    private final int columnStride;
    private final boolean plain;
    private final int ld;
    private final boolean narrow;

    private BatchColumns(Matrix matrix, boolean transposed) {
        boolean byRows = matrix.layout() == Layout.ROW_MAJOR;
        this.matrix = matrix;
        ld = stride(matrix);
        plain = byRows == transposed;
        rows = (int) (transposed ? matrix.columns() : matrix.rows());
        columns = (int) (transposed ? matrix.rows() : matrix.columns());
        rowStride = plain ? 1 : ld;
        columnStride = plain ? ld : 1;
        narrow = matrix.precision() == Precision.FLOAT32;
    }

    private static int stride(Matrix matrix) {
        boolean oneLine = (matrix.layout() == Layout.ROW_MAJOR ? matrix.rows() : matrix.columns()) <= 1;
        if (!oneLine && matrix.leadingDimension() > Integer.MAX_VALUE) {
            throw new InvalidInputException(matrix + " has a leading dimension of " + matrix.leadingDimension()
                    + ": OpenBLAS takes at most " + Integer.MAX_VALUE);
        }
        return Products.ld(matrix);
    }

    /** The columns of the problems. */
    static BatchColumns of(Matrix matrix) {
        return new BatchColumns(matrix, false);
    }

    /** The columns of the problems if there are at most as many as rows, otherwise the rows. */
    static BatchColumns tall(Matrix matrix) {
        return new BatchColumns(matrix, matrix.rows() <= matrix.columns());
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    /** Whether all problems share one matrix. */
    boolean isShared() {
        return matrix.batch() == 1;
    }

    /** Whether BLAS can read the matrices where they are. */
    boolean isDirect() {
        return !narrow;
    }

    /** Whether the matrices are column-major; otherwise their transposes are. */
    boolean isPlain() {
        return plain;
    }

    /** Leading dimension of a matrix, or of its transpose. */
    int ld() {
        return ld;
    }

    long address(long problem) {
        return matrix.address(matrix.batch() == 1 ? 0 : problem);
    }

    /** Reads a problem. */
    void load(Blas64 blas, long problem, long target) {
        long source = address(problem);
        if (narrow && plain) {
            blas.widen(rows, columns, source, ld, target, rows);
            return;
        }
        for (int j = 0; j < columns; j++) {
            long from = source + (long) j * columnStride * matrix.precision().bytes();
            long to = target + (long) j * rows * Double.BYTES;
            if (narrow) {
                blas.widen(1, rows, from, rowStride, to, 1);
            } else {
                blas.copy(rows, from, rowStride, to, 1);
            }
        }
    }

    /**
     * Writes a problem.
     *
     * @param ld distance of the columns in the source
     * @return false if an entry leaves the range of the precision, and then the problem is undefined
     */
    boolean store(Blas64 blas, long problem, long source, int ld) {
        long target = address(problem);
        for (int j = 0; j < columns; j++) {
            long from = source + (long) j * ld * Double.BYTES;
            long to = target + (long) j * columnStride * matrix.precision().bytes();
            if (!narrow) {
                blas.copy(rows, from, 1, to, rowStride);
            } else if (blas.narrow(1, rows, from, 1, to, rowStride) != 0) {
                return false;
            }
        }
        return true;
    }
}
