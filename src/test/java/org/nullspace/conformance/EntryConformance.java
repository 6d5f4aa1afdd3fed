package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.nullspace.matrix.Layout.COLUMN_MAJOR;
import static org.nullspace.matrix.Layout.ROW_MAJOR;
import static org.nullspace.matrix.Precision.FLOAT32;
import static org.nullspace.matrix.Precision.FLOAT64;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.Session;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.Operand.Shape;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Memory, copies, operations entry by entry, reductions. */
abstract class EntryConformance extends SessionUnderTest {
    // ---- memory

    @Test
    void describesItself() {
        assertThat(session.description()).isNotBlank();
        assertThat(session.backend()).matches("[a-z]+");
        assertThat(session.memoryBytes()).isGreaterThan(1L << 20);
        assertThat(session.maxDimension()).isGreaterThanOrEqualTo(1L << 20);
    }

    @Test
    void allocatesPackedOperandsInItsPlace() {
        for (Precision precision : Precision.values()) {
            for (Layout layout : LAYOUTS) {
                Matrix a = session.allocate(scope, precision, 3, 5, 7, layout);
                assertThat(a.place()).isEqualTo(session.place());
                assertThat(a.shape()).isEqualTo("3×5×7");
                assertThat(a.precision()).isEqualTo(precision);
                assertThat(a.layout()).isEqualTo(layout);
                assertThat(a.isPacked()).isTrue();
                assertThat(a.batchStride()).isEqualTo(35);
            }
        }
        Matrix a = session.allocate(scope, 4, 6);
        assertThat(a.shape()).isEqualTo("4×6");
        assertThat(a.layout()).isEqualTo(COLUMN_MAJOR);
        assertThat(a.precision()).isEqualTo(FLOAT64);
    }

    @Test
    void statusStartsAtZero() {
        assertThat(session.read(session.status(scope, 4))).containsExactly(0, 0, 0, 0);
        assertThat(session.read(session.status(scope, 0))).isEmpty();
    }

    @Test
    void refusesOperandsOfClosedScopes() {
        Matrix b = session.allocate(scope, 2, 2);
        Matrix a;
        try (MemoryScope inner = MemoryScope.open()) {
            a = session.allocate(inner, 2, 2);
        }
        assertThatThrownBy(() -> session.add(1, a, 0, b)).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> session.allocate(closedScope(), 2, 2)).isInstanceOf(ClosedException.class);
    }

    @Test
    void refusesWorkAfterClose() {
        Session other = openSession();
        Matrix a = other.allocate(scope, 2, 2);
        other.close();
        assertThatThrownBy(() -> other.fill(a, 1)).isInstanceOf(ClosedException.class);
        assertThatThrownBy(other::synchronize).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> other.allocate(scope, 2, 2)).isInstanceOf(ClosedException.class);
        other.close();
    }

    static MemoryScope closedScope() {
        MemoryScope closed = MemoryScope.open();
        closed.close();
        return closed;
    }

    // ---- copy

    @Test
    void copiesAnyLayoutAndPrecision() {
        SplittableRandom random = new SplittableRandom(1);
        int[][] shapes = {{0, 3}, {3, 0}, {1, 1}, {1, 65}, {65, 1}, {7, 33}, {70, 200}, {200, 70}, {129, 64}, {2, 300}};
        for (int[] shape : shapes) {
            for (Precision from : Precision.values()) {
                for (Precision to : Precision.values()) {
                    for (Layout source : LAYOUTS) {
                        for (Layout target : LAYOUTS) {
                            copyOnce(random, shape[0], shape[1], from, to, source, target);
                        }
                    }
                }
            }
        }
    }

    void copyOnce(
            SplittableRandom random,
            int rows,
            int columns,
            Precision from,
            Precision to,
            Layout source,
            Layout target) {
        int batch = next(0, 1, 3);
        boolean sourceFramed = next(true, false, false, true, true) == Boolean.TRUE;
        boolean targetFramed = next(true, false, true) == Boolean.TRUE;
        situation = "copy " + batch + "×" + rows + "×" + columns + " " + from + " " + source + " to " + to + " "
                + target + " framed " + sourceFramed + " " + targetFramed;
        try (MemoryScope inner = MemoryScope.open()) {
            Shape shape = new Shape(batch, rows, columns);
            double[][][] values = batch(random, shape, from);
            Operand a = upload(inner, shape, values, from, source, sourceFramed);
            Operand b = upload(inner, shape, shape.filled(5), to, target, targetFramed);
            session.copy(a.view(), b.view());
            double[][][] result = b.download();
            for (int p = 0; p < batch; p++) {
                for (int i = 0; i < rows; i++) {
                    for (int j = 0; j < columns; j++) {
                        if (result[p][i][j] != Reference.round(values[p][i][j], to)) {
                            assertThat(result[p][i][j])
                                    .as("%s: entry (%s, %s, %s)", situation, p, i, j)
                                    .isEqualTo(Reference.round(values[p][i][j], to));
                        }
                    }
                }
            }
            b.assertFrameUntouched();
        }
    }

    @Test
    void copyKeepsSpecialNumbers() {
        double[][] values = {
            {Double.NaN, Double.POSITIVE_INFINITY, -0.0},
            {Double.NEGATIVE_INFINITY, Double.MIN_VALUE, Double.MAX_VALUE},
        };
        for (Layout layout : LAYOUTS) {
            Operand a = upload(scope, values, FLOAT64, layout);
            Matrix b = session.allocate(scope, FLOAT64, 1, 2, 3, ROW_MAJOR);
            Matrix narrow = session.allocate(scope, FLOAT32, 1, 2, 3, ROW_MAJOR);
            session.copy(a.view(), b);
            session.copy(a.view(), narrow);
            double[][] copied = Operand.download(session, b)[0];
            double[][] rounded = Operand.download(session, narrow)[0];
            for (int i = 0; i < 2; i++) {
                for (int j = 0; j < 3; j++) {
                    assertThat(copied[i][j]).isEqualTo(Double.valueOf(values[i][j]));
                    assertThat(rounded[i][j]).isEqualTo(Double.valueOf((float) values[i][j]));
                }
            }
        }
    }

    @Test
    void copySharesASingleMatrixAmongProblems() {
        double[][] values = {{1, 2, 3}, {4, 5, 6}};
        Operand a = upload(scope, values, FLOAT64, ROW_MAJOR);
        Matrix b = session.allocate(scope, FLOAT32, 3, 2, 3, COLUMN_MAJOR);
        session.copy(a.view(), b);
        for (double[][] problem : Operand.download(session, b)) {
            assertThat(problem).isDeepEqualTo(values);
        }
    }

    @Test
    void copyBetweenPartsOfOneMatrix() {
        for (Layout layout : LAYOUTS) {
            double[][] values = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
            Operand a = upload(scope, values, FLOAT64, layout);
            session.copy(a.view().columns(0, 2), a.view().columns(2, 4));
            session.copy(a.view().rows(0, 1), a.view().rows(2, 3));
            double[][] expected = {{1, 2, 1, 2}, {5, 6, 5, 6}, {1, 2, 1, 2}};
            assertThat(a.download()[0]).isDeepEqualTo(expected);
        }
    }

    @Test
    void copiesChosenColumns() {
        SplittableRandom random = new SplittableRandom(21);
        for (Precision from : Precision.values()) {
            for (Precision to : Precision.values()) {
                for (Layout source : LAYOUTS) {
                    for (Layout target : LAYOUTS) {
                        for (int rows : SIZES) {
                            for (int columns : SIZES) {
                                copyColumnsOnce(random, rows, columns, next(0, 1, 9, 40), from, to, source, target);
                            }
                        }
                        copyColumnsOnce(random, 300, 70, 70, from, to, source, target);
                        // More indices than a backend may take along with a command.
                        copyColumnsOnce(random, 3, 9000, 8999, from, to, source, target);
                    }
                }
            }
        }
    }

    /** Columns in any order and several times, into columns of a wider matrix that are not in order either. */
    private void copyColumnsOnce(
            SplittableRandom random,
            int rows,
            int columns,
            int wanted,
            Precision from,
            Precision to,
            Layout source,
            Layout target) {
        int batch = rows * columns > 10_000 ? 1 : next(0, 1, 3);
        int batchFrom = next(batch, 1);
        int count = columns == 0 ? 0 : wanted;
        int wide = count + next(0, 1, 5);
        int[] fromColumns = new int[count];
        int[] toColumns = new int[wide];
        Arrays.setAll(toColumns, j -> j);
        for (int j = wide - 1; j > 0; j--) {
            int other = random.nextInt(j + 1);
            int swapped = toColumns[j];
            toColumns[j] = toColumns[other];
            toColumns[other] = swapped;
        }
        toColumns = Arrays.copyOf(toColumns, count);
        Arrays.setAll(fromColumns, j -> random.nextInt(columns));
        situation = "copyColumns " + count + " of " + batchFrom + "×" + rows + "×" + columns + " " + from + " " + source
                + " to " + batch + "×" + rows + "×" + wide + " " + to + " " + target;
        try (MemoryScope inner = MemoryScope.open()) {
            Shape shape = new Shape(batchFrom, rows, columns);
            double[][][] values = batch(random, shape, from);
            Operand a = upload(inner, shape, values, from, source, framed());
            Shape wider = new Shape(batch, rows, wide);
            Operand b = upload(inner, wider, wider.filled(5), to, target, framed());
            session.copyColumns(a.view(), fromColumns, b.view(), toColumns);
            double[][][] expected = wider.filled(5);
            for (int p = 0; p < batch; p++) {
                for (int i = 0; i < rows; i++) {
                    for (int j = 0; j < count; j++) {
                        expected[p][i][toColumns[j]] = Reference.round(values[p % batchFrom][i][fromColumns[j]], to);
                    }
                }
            }
            assertClose(b.download(), (p, i, j) -> expected[p][i][j], (p, i, j) -> 0);
            b.assertFrameUntouched();
        }
    }

    @Test
    void copiesColumnsOfTheHostAndWithinAMatrix() {
        double[][] values = {{1, 2, 3, 4}, {5, 6, 7, 8}};
        for (Layout layout : LAYOUTS) {
            Operand b = upload(scope, new double[2][3], FLOAT64, layout);
            session.copyColumns(Matrix.of(values), new int[] {3, 0}, b.view(), new int[] {0, 2});
            assertThat(b.download()[0]).isDeepEqualTo(new double[][] {{4, 0, 1}, {8, 0, 5}});
            Operand a = upload(scope, values, FLOAT64, layout);
            session.copyColumns(
                    a.view().columns(0, 2), new int[] {1, 0}, a.view().columns(2, 4), new int[] {0, 1});
            assertThat(a.download()[0]).isDeepEqualTo(new double[][] {{1, 2, 2, 1}, {5, 6, 6, 5}});
        }
    }

    @Test
    void refusesColumnsThatAreNotThere() {
        Matrix a = session.allocate(scope, 3, 4);
        Matrix b = session.allocate(scope, 3, 2);
        session.fill(a, 1);
        session.fill(b, 2);
        int[] first = {0};
        for (int wrong : new int[] {-1, 4, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertThatThrownBy(() -> session.copyColumns(a, new int[] {3, wrong}, b, new int[] {0, 1}))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("copyColumns: source is 3×4")
                    .hasMessageContaining("source has no column " + wrong + ", which is index 1");
        }
        assertThatThrownBy(() -> session.copyColumns(a, first, b, new int[] {2}))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("target has no column 2, which is index 0");
        assertThatThrownBy(() -> session.copyColumns(a, new int[] {0, 1}, b, new int[] {1, 1}))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("column 1 of target would be written twice");
        assertThatThrownBy(() -> session.copyColumns(a, new int[] {0, 1}, b, first))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("2 columns of the source and 1 of the target");
        assertThatThrownBy(() -> session.copyColumns(a.rows(0, 2), first, b, first))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("rows");
        assertThatThrownBy(() -> session.copyColumns(a, first, a.columns(0, 2), new int[] {1}))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("target is written and overlaps source");
        assertThat(Operand.download(session, b)[0]).isDeepEqualTo(new double[][] {{2, 2}, {2, 2}, {2, 2}});
    }

    // ---- entry-wise

    @ParameterizedTest
    @EnumSource
    void fillsAndMakesIdentities(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int rows : SIZES) {
                for (int columns : SIZES) {
                    int batch = next(1, 3, 0);
                    Shape shape = new Shape(batch, rows, columns);
                    situation = batch + "×" + rows + "×" + columns + " " + precision + " " + layout;
                    try (MemoryScope inner = MemoryScope.open()) {
                        Operand a = upload(inner, shape, shape.filled(Double.NaN), precision, layout, true);
                        session.fill(a.view(), -2.5);
                        assertClose(a.download(), (p, i, j) -> -2.5, (p, i, j) -> 0);
                        session.identity(a.view());
                        assertClose(a.download(), (p, i, j) -> i == j ? 1 : 0, (p, i, j) -> 0);
                        a.assertFrameUntouched();
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void keepsTriangles(Precision precision) {
        SplittableRandom random = new SplittableRandom(2);
        for (Layout layout : LAYOUTS) {
            for (int n : SIZES) {
                for (Triangle triangle : Triangle.values()) {
                    Shape shape = new Shape(next(1, 3, 0), n, n);
                    boolean lower = triangle == Triangle.LOWER;
                    situation = "keepTriangle " + triangle + " " + shape + " " + precision + " " + layout;
                    double[][][] values = batch(random, shape, precision);
                    forEach(values, (p, i, j) -> {
                        if (lower ? j > i : j < i) {
                            values[p][i][j] = Double.NaN;
                        }
                    });
                    try (MemoryScope inner = MemoryScope.open()) {
                        Operand a = upload(inner, shape, values, precision, layout, true);
                        session.keepTriangle(triangle, a.view());
                        assertClose(
                                a.download(),
                                (p, i, j) -> Double.isNaN(values[p][i][j]) ? 0 : values[p][i][j],
                                (p, i, j) -> 0);
                        a.assertFrameUntouched();
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void adds(Precision precision) {
        SplittableRandom random = new SplittableRandom(3);
        for (Layout layoutA : LAYOUTS) {
            for (Layout layoutB : LAYOUTS) {
                for (int rows : SIZES) {
                    for (int columns : SIZES) {
                        int batch = next(1, 3, 3, 0, 1);
                        int batchA = next(batch, 1);
                        double alpha = next(1.0, -0.5, 3.0);
                        double beta = next(0.0, 1.0, -2.0, 0.25);
                        Shape shape = new Shape(batch, rows, columns);
                        situation = "add " + alpha + " " + beta + " " + shape + " " + precision + " " + layoutA + " "
                                + layoutB;
                        double[][][] a = batch(random, new Shape(batchA, rows, columns), precision);
                        double[][][] b = beta == 0 ? shape.filled(Double.NaN) : batch(random, shape, precision);
                        try (MemoryScope inner = MemoryScope.open()) {
                            Operand x =
                                    upload(inner, new Shape(batchA, rows, columns), a, precision, layoutA, framed());
                            Operand y = upload(inner, shape, b, precision, layoutB, framed());
                            session.add(alpha, x.view(), beta, y.view());
                            assertClose(
                                    y.download(),
                                    (p, i, j) -> alpha * a[p % batchA][i][j] + (beta == 0 ? 0 : beta * b[p][i][j]),
                                    (p, i, j) -> 2
                                            * precision.epsilon()
                                            * (Math.abs(alpha * a[p % batchA][i][j])
                                                    + (beta == 0 ? 0 : Math.abs(beta * b[p][i][j]))));
                            y.assertFrameUntouched();
                        }
                    }
                }
            }
        }
    }

    @Test
    void addsAMatrixToItself() {
        for (Layout layout : LAYOUTS) {
            Operand a = upload(scope, new double[][] {{1, 2, 3}, {4, 5, 6}}, FLOAT64, layout);
            session.add(2, a.view(), 3, a.view());
            assertThat(a.download()[0]).isDeepEqualTo(new double[][] {{5, 10, 15}, {20, 25, 30}});
        }
    }

    @ParameterizedTest
    @EnumSource
    void scalesRows(Precision precision) {
        SplittableRandom random = new SplittableRandom(4);
        for (Layout layoutD : LAYOUTS) {
            for (Layout layout : LAYOUTS) {
                for (int rows : SIZES) {
                    for (int columns : SIZES) {
                        int batch = next(1, 3, 0);
                        int batchD = next(batch, 1);
                        Shape shape = new Shape(batch, rows, columns);
                        situation = "scaleRows " + shape + " " + precision + " " + layout;
                        double[][][] d = batch(random, new Shape(batchD, rows, 1), precision);
                        double[][][] a = batch(random, shape, precision);
                        try (MemoryScope inner = MemoryScope.open()) {
                            Operand factors =
                                    upload(inner, new Shape(batchD, rows, 1), d, precision, layoutD, framed());
                            Operand x = upload(inner, shape, a, precision, layout, framed());
                            session.scaleRows(factors.view(), x.view());
                            assertClose(
                                    x.download(),
                                    (p, i, j) -> Reference.round(d[p % batchD][i][0] * a[p][i][j], precision),
                                    (p, i, j) -> 0);
                            x.assertFrameUntouched();
                        }
                    }
                }
            }
        }
    }

    // ---- reductions

    @ParameterizedTest
    @EnumSource
    void normsOfColumns(Precision precision) {
        SplittableRandom random = new SplittableRandom(5);
        for (Layout layout : LAYOUTS) {
            for (int rows : SIZES) {
                for (int columns : SIZES) {
                    int batch = next(1, 3, 0);
                    double scale = precision == FLOAT64
                            ? next(1.0, 1e200, 1e-200, 0x1p-1060, 1e-160)
                            : next(1.0, 1e35, 1e-35, 1e-42);
                    Shape shape = new Shape(batch, rows, columns);
                    situation = "columnNorms " + shape + " " + precision + " " + layout + " scale " + scale;
                    double[][][] a = batch(random, shape, precision);
                    forEach(a, (p, i, j) -> a[p][i][j] = Reference.round(a[p][i][j] * scale, precision));
                    try (MemoryScope inner = MemoryScope.open()) {
                        Operand x = upload(inner, shape, a, precision, layout, framed());
                        Shape row = new Shape(batch, 1, columns);
                        Operand norms = upload(inner, row, row.filled(7), FLOAT64, next(LAYOUTS), framed());
                        session.columnNorms(x.view(), norms.view());
                        assertClose(
                                norms.download(),
                                (p, i, j) -> norm(a[p], j),
                                (p, i, j) -> (rows + 4) * FLOAT64.epsilon() * norm(a[p], j) + rows * Double.MIN_VALUE);
                        norms.assertFrameUntouched();

                        double[][][] d = batch(random, new Shape(next(1, batch), rows, 1), precision);
                        forEach(a, (p, i, j) -> a[p][i][j] *= d[d.length == 1 ? 0 : p][i][0]);
                        Operand factors =
                                upload(inner, new Shape(d.length, rows, 1), d, precision, next(LAYOUTS), framed());
                        session.scaledNorms(factors.view(), x.view(), norms.view());
                        // Scaled entries may have been stored.
                        double least = precision == FLOAT64 ? Double.MIN_VALUE : Float.MIN_VALUE;
                        assertClose(
                                norms.download(),
                                (p, i, j) -> norm(a[p], j),
                                (p, i, j) -> (rows + 4) * precision.epsilon() * norm(a[p], j) + rows * least);
                        norms.assertFrameUntouched();
                        x.assertFrameUntouched();
                    }
                }
            }
        }
    }

    static double norm(double[][] a, int column) {
        double norm = 0;
        for (double[] row : a) {
            norm = Math.hypot(norm, row[column]);
        }
        return norm;
    }

    @ParameterizedTest
    @EnumSource
    void normsOfMixedAndSpecialColumns(Precision precision) {
        double big = precision == FLOAT64 ? 1e300 : 1e38;
        double small = precision == FLOAT64 ? 1e-300 : 1e-38;
        double[][] a = {
            {3 * small, 3, big, 0, Double.NaN, 1, Double.NEGATIVE_INFINITY, Double.NaN},
            {4 * small, 4, big, 0, 1, Double.POSITIVE_INFINITY, 2, Double.POSITIVE_INFINITY},
        };
        for (Layout layout : LAYOUTS) {
            Operand x = upload(scope, rounded(a, precision), precision, layout);
            Matrix norms = session.allocate(scope, FLOAT64, 1, 1, 8, ROW_MAJOR);
            session.columnNorms(x.view(), norms);
            double[] result = Operand.download(session, norms)[0][0];
            assertThat(result[0] / (5 * small)).isCloseTo(1, within(1e-6));
            assertThat(result[1]).isEqualTo(5);
            assertThat(result[2] / big).isCloseTo(Math.sqrt(2), within(1e-6));
            assertThat(result[3]).isZero();
            assertThat(result[4]).isNaN();
            assertThat(result[5]).isEqualTo(Double.POSITIVE_INFINITY);
            assertThat(result[6]).isEqualTo(Double.POSITIVE_INFINITY);
            assertThat(result[7]).isNaN();
        }
    }

    @ParameterizedTest
    @EnumSource
    void largestMagnitudes(Precision precision) {
        SplittableRandom random = new SplittableRandom(6);
        for (Layout layout : LAYOUTS) {
            for (int rows : SIZES) {
                for (int columns : SIZES) {
                    int batch = next(1, 3, 0);
                    boolean spoiled = next(true, false) && batch == 3 && rows > 0 && columns > 0;
                    Shape shape = new Shape(batch, rows, columns);
                    situation = "maxMagnitude " + shape + " " + precision + " " + layout;
                    double[][][] a = batch(random, shape, precision);
                    if (spoiled) {
                        a[1][rows - 1][columns / 2] = Double.NaN;
                        a[2][rows / 2][columns - 1] = Double.NEGATIVE_INFINITY;
                    }
                    try (MemoryScope inner = MemoryScope.open()) {
                        Operand x = upload(inner, shape, a, precision, layout, framed());
                        Shape one = new Shape(batch, 1, 1);
                        Operand result = upload(inner, one, one.filled(7), FLOAT64, ROW_MAJOR, framed());
                        session.maxMagnitude(x.view(), result.view());
                        assertClose(result.download(), (p, i, j) -> largest(a[p]), (p, i, j) -> 0);
                        result.assertFrameUntouched();
                    }
                }
            }
        }
    }

    static double largest(double[][] a) {
        double largest = 0;
        for (double[] row : a) {
            for (double x : row) {
                largest = Math.max(largest, Math.abs(x));
            }
        }
        return largest;
    }
}
