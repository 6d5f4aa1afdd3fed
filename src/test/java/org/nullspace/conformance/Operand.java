package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * An operand in a session's place, perhaps the inner part of a larger matrix whose frame is NaN: whoever reads the frame gets NaN, whoever
 * writes into it is found by {@link #assertFrameUntouched()}.
 *
 * @param session the session it was made by
 * @param whole the matrix with its frame
 * @param view the operand
 */
record Operand(Session session, Matrix whole, Matrix view) {
    /**
     * Uploads entries.
     *
     * @param values entries by problem, row and column; the shape is that of the first problem
     * @param framed whether the leading dimension, the offset and the batch stride are larger than they need be
     */
    static Operand upload(
            Session session,
            MemoryScope scope,
            Shape shape,
            double[][][] values,
            Precision precision,
            Layout layout,
            boolean framed) {
        int frame = framed ? 2 : 0;
        long batch = shape.batch();
        long rows = shape.rows() + frame;
        long columns = shape.columns() + frame;
        Matrix whole = session.allocate(scope, precision, batch, rows, columns, layout);
        try (MemoryScope hostScope = MemoryScope.open()) {
            Matrix host = Matrix.zeros(hostScope, precision, batch, rows, columns, layout);
            for (int b = 0; b < batch; b++) {
                for (int i = 0; i < rows; i++) {
                    for (int j = 0; j < columns; j++) {
                        boolean inside = i >= frame / 2
                                && j >= frame / 2
                                && i < shape.rows() + frame / 2
                                && j < shape.columns() + frame / 2;
                        host.set(b, i, j, inside ? values[b][i - frame / 2][j - frame / 2] : Double.NaN);
                    }
                }
            }
            session.copy(host, whole);
            session.synchronize();
        }
        Matrix view = framed ? whole.rows(1, shape.rows() + 1L).columns(1, shape.columns() + 1L) : whole;
        return new Operand(session, whole, view);
    }

    /** Entries by problem, row and column. */
    double[][][] download() {
        return download(session, view);
    }

    /** Entries of any matrix of a session, by problem, row and column. */
    static double[][][] download(Session session, Matrix matrix) {
        Matrix host = session.toHost(matrix);
        double[][][] values = new double[(int) host.batch()][(int) host.rows()][(int) host.columns()];
        for (int b = 0; b < values.length; b++) {
            for (int i = 0; i < values[b].length; i++) {
                for (int j = 0; j < values[b][i].length; j++) {
                    values[b][i][j] = host.get(b, i, j);
                }
            }
        }
        return values;
    }

    /** Fails if an entry of the frame is not NaN any more. */
    void assertFrameUntouched() {
        if (whole == view) {
            return;
        }
        double[][][] all = download(session, whole);
        for (double[][] problem : all) {
            for (int i = 0; i < problem.length; i++) {
                for (int j = 0; j < problem[i].length; j++) {
                    boolean frame = i == 0 || j == 0 || i == problem.length - 1 || j == problem[i].length - 1;
                    if (frame && !Double.isNaN(problem[i][j])) {
                        assertThat(problem[i][j])
                                .as("entry (%s, %s) around %s, which lies outside of the operand", i, j, view)
                                .isNaN();
                    }
                }
            }
        }
    }

    /**
     * Sizes of an operand.
     *
     * @param batch number of problems
     * @param rows rows
     * @param columns columns
     */
    record Shape(int batch, int rows, int columns) {
        double[][][] filled(double value) {
            double[][][] values = new double[batch][rows][columns];
            for (double[][] problem : values) {
                for (double[] row : problem) {
                    Arrays.fill(row, value);
                }
            }
            return values;
        }
    }
}
