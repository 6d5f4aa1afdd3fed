package org.nullspace.conformance;

import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** The ways in which one matrix can lie in memory. Memory around the entries is filled with NaN, so that reading it shows. */
public enum Storage {
    /** Rows without gaps. */
    ROW_MAJOR,
    /** Columns without gaps. */
    COLUMN_MAJOR,
    /** Rows with gaps between them, behind an offset. */
    ROW_MAJOR_PADDED,
    /** Columns with gaps between them, behind an offset. */
    COLUMN_MAJOR_PADDED,
    /** The transposed view of a padded matrix. */
    TRANSPOSED_VIEW,
    /** The middle one of a batch of three. */
    BATCH_ITEM;

    /**
     * Stores a matrix.
     *
     * @param a entries
     * @param columns number of columns, for matrices without rows
     * @param precision number format
     * @return a view of new memory
     */
    public Matrix of(double[][] a, int columns, Precision precision) {
        Matrix view = empty(a.length, columns, precision);
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < columns; j++) {
                view.set(0, i, j, a[i][j]);
            }
        }
        return view;
    }

    private Matrix empty(int rows, int columns, Precision precision) {
        return switch (this) {
            case ROW_MAJOR -> Matrix.zeros(precision, 1, rows, columns, Layout.ROW_MAJOR);
            case COLUMN_MAJOR -> Matrix.zeros(precision, 1, rows, columns, Layout.COLUMN_MAJOR);
            case ROW_MAJOR_PADDED -> inside(rows, columns, precision, Layout.ROW_MAJOR);
            case COLUMN_MAJOR_PADDED -> inside(rows, columns, precision, Layout.COLUMN_MAJOR);
            case TRANSPOSED_VIEW ->
                inside(columns, rows, precision, Layout.ROW_MAJOR).transposed();
            case BATCH_ITEM ->
                poisoned(3, rows, columns, precision, Layout.ROW_MAJOR).problem(1);
        };
    }

    private static Matrix inside(int rows, int columns, Precision precision, Layout layout) {
        return poisoned(1, rows + 3, columns + 5, precision, layout)
                .rows(1, rows + 1)
                .columns(2, columns + 2);
    }

    private static Matrix poisoned(int batch, int rows, int columns, Precision precision, Layout layout) {
        Matrix m = Matrix.zeros(precision, batch, rows, columns, layout);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    m.set(b, i, j, Double.NaN);
                }
            }
        }
        return m;
    }
}
