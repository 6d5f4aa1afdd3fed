package org.nullspace.backend.openblas;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.QRDecomposition;
import org.hipparchus.linear.RealMatrix;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Problems and matrices for the tests of batch operations. */
final class SmallBatches {
    /** The last ones are too large for lanes. */
    static final int[][] SHAPES = {
        {1, 1}, {1, 2}, {2, 1}, {1, 60}, {60, 1}, {2, 2}, {2, 3}, {3, 2}, {3, 3}, {5, 5}, {6, 12}, {12, 6}, {7, 13},
        {13, 7}, {16, 64}, {64, 16}, {20, 60}, {33, 9}, {24, 24}, {11, 231}, {231, 11}, {53, 51}
    };

    static final double EPSILON = Math.ulp(1.0);

    private SmallBatches() {}

    /** How the entries of a batch lie in memory. */
    enum Form {
        ROWS(Layout.ROW_MAJOR, false, Precision.FLOAT64),
        COLUMNS(Layout.COLUMN_MAJOR, false, Precision.FLOAT64),
        ROWS_WITH_GAPS(Layout.ROW_MAJOR, true, Precision.FLOAT64),
        COLUMNS_WITH_GAPS(Layout.COLUMN_MAJOR, true, Precision.FLOAT64),
        NARROW_ROWS(Layout.ROW_MAJOR, false, Precision.FLOAT32),
        NARROW_COLUMNS_WITH_GAPS(Layout.COLUMN_MAJOR, true, Precision.FLOAT32);

        final Layout layout;
        final boolean gaps;
        final Precision precision;

        Form(Layout layout, boolean gaps, Precision precision) {
            this.layout = layout;
            this.gaps = gaps;
            this.precision = precision;
        }

        /** The same order of lines and the same gaps in float64. */
        Form wide() {
            return switch (this) {
                case NARROW_ROWS -> ROWS;
                case NARROW_COLUMNS_WITH_GAPS -> COLUMNS_WITH_GAPS;
                default -> this;
            };
        }
    }

    /** A batch of NaN, with NaN in the gaps. */
    static Matrix empty(Form form, int batch, int rows, int columns) {
        int more = form.gaps ? 3 : 0;
        Matrix frame = Matrix.zeros(form.precision, batch, rows + more, columns + more, form.layout);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < rows + more; i++) {
                for (int j = 0; j < columns + more; j++) {
                    frame.set(b, i, j, Double.NaN);
                }
            }
        }
        return form.gaps ? frame.rows(1, rows + 1L).columns(2, columns + 2L) : frame;
    }

    static void set(Matrix m, int b, RealMatrix entries) {
        for (int i = 0; i < entries.getRowDimension(); i++) {
            for (int j = 0; j < entries.getColumnDimension(); j++) {
                m.set(b, i, j, entries.getEntry(i, j));
            }
        }
    }

    static RealMatrix get(Matrix m, int b) {
        RealMatrix entries = new Array2DRowRealMatrix((int) m.rows(), (int) m.columns());
        for (int i = 0; i < m.rows(); i++) {
            for (int j = 0; j < m.columns(); j++) {
                entries.setEntry(i, j, m.get(b, i, j));
            }
        }
        return entries;
    }

    /** Entries of a problem, row after row. */
    static double[] entries(Matrix m, int b) {
        return Arrays.stream(get(m, b).getData())
                .flatMapToDouble(Arrays::stream)
                .toArray();
    }

    static Matrix random(SplittableRandom random, Form form, int batch, int rows, int columns) {
        Matrix m = empty(form, batch, rows, columns);
        for (int b = 0; b < batch; b++) {
            set(m, b, random(random, rows, columns));
        }
        return m;
    }

    static RealMatrix random(SplittableRandom random, int rows, int columns) {
        RealMatrix entries = new Array2DRowRealMatrix(rows, columns);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                entries.setEntry(i, j, random.nextDouble(-1, 1));
            }
        }
        return entries;
    }

    /** Columns that are orthonormal to rounding. */
    static RealMatrix orthonormal(SplittableRandom random, int rows, int columns) {
        return new QRDecomposition(random(random, rows, rows)).getQ().getSubMatrix(0, rows - 1, 0, columns - 1);
    }

    /** X = U·diag(σ)·Vᵀ. */
    static final class Planted {
        final RealMatrix u;
        final RealMatrix v;
        final double[] sigma;
        final RealMatrix x;

        Planted(SplittableRandom random, int n, int d, double... sigma) {
            this.u = orthonormal(random, n, sigma.length);
            this.v = orthonormal(random, d, sigma.length);
            this.sigma = sigma;
            RealMatrix scaled = u.copy();
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < sigma.length; j++) {
                    scaled.multiplyEntry(i, j, sigma[j]);
                }
            }
            this.x = scaled.multiplyTransposed(v);
        }
    }

    static Session session() {
        BlasThreadCount.set(1);
        return new OpenBlasSession(new OpenBlasThreads(3));
    }

    static BatchSolver solver(Session session) {
        BatchSolver solver = session.batchSolver();
        if (solver == null) {
            throw new AssertionError("no batch operations");
        }
        return solver;
    }

    /** All indices, or every second but for a few neighbours in the middle. */
    static int[] indices(int batch, boolean all) {
        return IntStream.range(0, batch)
                .filter(b -> all || b % 2 == 1 || (b > batch / 3 && b < batch / 2))
                .toArray();
    }
}
