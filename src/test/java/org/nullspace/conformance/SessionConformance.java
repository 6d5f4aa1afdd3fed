package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.nullspace.matrix.Layout.COLUMN_MAJOR;
import static org.nullspace.matrix.Layout.ROW_MAJOR;
import static org.nullspace.matrix.Precision.FLOAT32;
import static org.nullspace.matrix.Precision.FLOAT64;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.Operand.Shape;
import org.nullspace.error.ClosedException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * What every backend's session must do. A backend earns the whole suite with a subclass that opens a session. Nothing here assumes that the
 * session's operands can be read from Java.
 *
 * <p>Results are compared with textbook loops in float64. Bounds are those of rounding-error analysis (Higham, Accuracy and Stability of
 * Numerical Algorithms, 2nd ed., chapters 3, 8, 10, 19), with a constant of a few units.
 */
public abstract class SessionConformance {
    private static final int[] SIZES = {0, 1, 2, 7, 33, 65};
    private static final Layout[] LAYOUTS = Layout.values();

    private CheckedSession session;
    private MemoryScope scope;
    private int turn;
    private String situation = "";

    /**
     * Opens the session under test.
     *
     * @return a new session, closed by the suite
     */
    protected abstract Session openSession();

    @BeforeEach
    void open() {
        session = new CheckedSession(openSession());
        scope = MemoryScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
        try {
            session.assertClean();
        } finally {
            session.close();
        }
    }

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

    private static MemoryScope closedScope() {
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

    private void copyOnce(
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
                    }
                }
            }
        }
    }

    private static double norm(double[][] a, int column) {
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

    private static double largest(double[][] a) {
        double largest = 0;
        for (double[] row : a) {
            for (double x : row) {
                largest = Math.max(largest, Math.abs(x));
            }
        }
        return largest;
    }

    // ---- products

    @Test
    void multipliesFloat64() {
        multiplies(FLOAT64, FLOAT64, FLOAT64);
    }

    @Test
    void multipliesFloat32() {
        multiplies(FLOAT32, FLOAT32, FLOAT32);
    }

    @Test
    void multipliesFloat32TimesFloat64() {
        multiplies(FLOAT32, FLOAT64, FLOAT64);
    }

    @Test
    void multipliesFloat64TimesFloat32() {
        multiplies(FLOAT64, FLOAT32, FLOAT64);
    }

    private void multiplies(Precision ofA, Precision ofB, Precision ofC) {
        SplittableRandom random = new SplittableRandom(7);
        for (Layout layoutA : LAYOUTS) {
            for (Layout layoutB : LAYOUTS) {
                for (Layout layoutC : LAYOUTS) {
                    for (int m : SIZES) {
                        for (int l : SIZES) {
                            for (int n : SIZES) {
                                multiply(random, m, l, n, ofA, layoutA, ofB, layoutB, ofC, layoutC);
                            }
                        }
                    }
                }
            }
        }
    }

    private void multiply(
            SplittableRandom random,
            int m,
            int l,
            int n,
            Precision ofA,
            Layout layoutA,
            Precision ofB,
            Layout layoutB,
            Precision ofC,
            Layout layoutC) {
        int[] batches = next(new int[][] {{1, 1, 1}, {3, 3, 3}, {1, 3, 3}, {0, 0, 0}, {3, 1, 3}, {1, 1, 3}, {0, 1, 0}});
        double alpha = next(1.0, -0.5, 2.0);
        double beta = next(0.0, 1.0, -1.5, 0.0, 0.5);
        Shape shapeA = new Shape(batches[0], m, l);
        Shape shapeB = new Shape(batches[1], l, n);
        Shape shapeC = new Shape(batches[2], m, n);
        double[][][] a = batch(random, shapeA, ofA);
        double[][][] b = batch(random, shapeB, ofB);
        double[][][] c = beta == 0 ? shapeC.filled(Double.NaN) : batch(random, shapeC, ofC);
        situation = "multiply " + alpha + " " + ofA + " " + layoutA + " " + shapeA + " times " + ofB + " " + layoutB
                + " " + shapeB + " plus " + beta + " " + ofC + " " + layoutC + " " + shapeC;
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shapeA, a, ofA, layoutA, framed());
            Operand y = upload(inner, shapeB, b, ofB, layoutB, framed());
            Operand z = upload(inner, shapeC, c, ofC, layoutC, framed());
            session.multiply(alpha, x.view(), y.view(), beta, z.view());
            assertProduct(z.download(), alpha, a, b, beta, c, n, ofC);
            z.assertFrameUntouched();
        }
    }

    private void assertProduct(
            double[][][] actual,
            double alpha,
            double[][][] a,
            double[][][] b,
            double beta,
            double[][][] c,
            int n,
            Precision precision) {
        for (int p = 0; p < actual.length; p++) {
            double[][] x = a[p % a.length];
            double[][] y = b[p % b.length];
            double[][] before = c[p];
            double[][] product = Reference.multiply(x, y, n);
            double[][] bound = Reference.multiply(Reference.magnitudes(x), Reference.magnitudes(y), n);
            double error = 2 * (y.length + 3) * precision.epsilon();
            assertClose(
                    new double[][][] {actual[p]},
                    (q, i, j) -> alpha * product[i][j] + (beta == 0 ? 0 : beta * before[i][j]),
                    (q, i, j) ->
                            error * (Math.abs(alpha) * bound[i][j] + (beta == 0 ? 0 : Math.abs(beta * before[i][j]))));
        }
    }

    @Test
    void multipliesLargeFloat32OperandsInPieces() {
        SplittableRandom random = new SplittableRandom(8);
        int[][] sizes = {{700, 1100, 3}, {5, 70_001, 2}, {70_001, 5, 2}, {1, 300_001, 1}, {300_001, 1, 1}};
        for (int[] size : sizes) {
            for (Layout layout : LAYOUTS) {
                situation = "multiply float32 " + size[0] + "×" + size[1] + " " + layout;
                double[][] a = Reference.random(random, size[0], size[1], FLOAT32);
                double[][] b = Reference.random(random, size[1], size[2], FLOAT64);
                try (MemoryScope inner = MemoryScope.open()) {
                    Operand x = upload(inner, a, FLOAT32, layout);
                    Operand y = upload(inner, b, FLOAT64, next(LAYOUTS));
                    Matrix c = session.allocate(inner, FLOAT64, 1, size[0], size[2], COLUMN_MAJOR);
                    Matrix d = session.allocate(inner, FLOAT64, 1, size[2], size[0], COLUMN_MAJOR);
                    session.multiply(1, x.view(), y.view(), 0, c);
                    session.multiply(1, y.view().transposed(), x.view().transposed(), 0, d);
                    double[][][] none = new double[1][][];
                    double[][][] ax = {a};
                    double[][][] bx = {b};
                    assertProduct(Operand.download(session, c), 1, ax, bx, 0, none, size[2], FLOAT64);
                    assertProduct(Operand.download(session, d.transposed()), 1, ax, bx, 0, none, size[2], FLOAT64);
                }
            }
        }
    }

    @Test
    void multipliesPartsOfOneMatrix() {
        for (Layout layout : LAYOUTS) {
            double[][] values = {{1, 2, 0, 0, 5, 6}, {3, 4, 0, 0, 7, 8}};
            Operand a = upload(scope, values, FLOAT64, layout);
            Matrix x = a.view();
            session.multiply(1, x.columns(0, 2), x.columns(4, 6), 0, x.columns(2, 4));
            assertThat(a.download()[0]).isDeepEqualTo(new double[][] {{1, 2, 19, 22, 5, 6}, {3, 4, 43, 50, 7, 8}});
        }
    }

    @Test
    void nonFiniteEntriesSpreadInProducts() {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {1, 3}) {
                double[][] a = {{1, Double.NaN}, {1, 2}, {Double.POSITIVE_INFINITY, 1}};
                double[][] b = new double[2][n];
                for (int j = 0; j < n; j++) {
                    b[0][j] = 1;
                    b[1][j] = 2;
                }
                Operand x = upload(scope, a, FLOAT64, layout);
                Operand y = upload(scope, b, FLOAT64, next(LAYOUTS));
                Matrix c = session.allocate(scope, FLOAT64, 1, 3, n, COLUMN_MAJOR);
                session.multiply(1, x.view(), y.view(), 0, c);
                double[][] result = Operand.download(session, c)[0];
                for (int j = 0; j < n; j++) {
                    assertThat(result[0][j]).isNaN();
                    assertThat(result[1][j]).isEqualTo(5);
                    assertThat(result[2][j]).isEqualTo(Double.POSITIVE_INFINITY);
                }
            }
        }
    }

    @Test
    void gramFloat64() {
        grams(FLOAT64, FLOAT64);
    }

    @Test
    void gramFloat32() {
        grams(FLOAT32, FLOAT32);
    }

    @Test
    void gramFloat32InFloat64() {
        grams(FLOAT32, FLOAT64);
    }

    private void grams(Precision ofA, Precision ofC) {
        SplittableRandom random = new SplittableRandom(9);
        for (Layout layoutA : LAYOUTS) {
            for (Layout layoutC : LAYOUTS) {
                for (int n : SIZES) {
                    for (int d : SIZES) {
                        for (int repeat = 0; repeat < 3; repeat++) {
                            gram(random, n, d, ofA, layoutA, ofC, layoutC);
                        }
                    }
                }
            }
        }
        // Wide enough for several pieces wherever a backend works on pieces.
        for (int repeat = 0; repeat < (ofA == ofC ? 1 : 5); repeat++) {
            gram(random, 33, 40_001, ofA, next(LAYOUTS), ofC, next(LAYOUTS));
        }
    }

    private void gram(
            SplittableRandom random, int n, int d, Precision ofA, Layout layoutA, Precision ofC, Layout layoutC) {
        int[] batches = next(new int[][] {{1, 1}, {3, 3}, {0, 0}, {1, 3}});
        double alpha = next(1.0, -0.5, 2.0);
        double beta = next(0.0, 1.0, -1.5, 0.0, 0.5);
        double above = next(Double.NaN, 17.0);
        Shape shapeA = new Shape(batches[0], n, d);
        Shape shapeC = new Shape(batches[1], n, n);
        situation = "gram " + alpha + " " + ofA + " " + layoutA + " " + shapeA + " plus " + beta + " " + ofC + " "
                + layoutC;
        double[][][] a = batch(random, shapeA, ofA);
        double[][][] c = beta == 0 ? shapeC.filled(Double.NaN) : batch(random, shapeC, ofC);
        forEach(c, (p, i, j) -> c[p][i][j] = j > i ? above : c[p][i][j]);
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shapeA, a, ofA, layoutA, framed());
            Operand z = upload(inner, shapeC, c, ofC, layoutC, framed());
            session.gram(alpha, x.view(), beta, z.view());
            double[][][] result = z.download();
            for (int p = 0; p < shapeC.batch(); p++) {
                double[][] v = a[p % a.length];
                double[][] before = c[p];
                double[][] product = Reference.multiply(v, Reference.transpose(v, d), n);
                double[][] m = Reference.magnitudes(v);
                double[][] bound = Reference.multiply(m, Reference.transpose(m, d), n);
                double error = 2 * (d + 3) * ofC.epsilon();
                assertClose(
                        new double[][][] {result[p]},
                        (q, i, j) -> j > i ? above : alpha * product[i][j] + (beta == 0 ? 0 : beta * before[i][j]),
                        (q, i, j) -> j > i
                                ? 0
                                : error
                                        * (Math.abs(alpha) * bound[i][j]
                                                + (beta == 0 ? 0 : Math.abs(beta * before[i][j]))));
            }
            z.assertFrameUntouched();
        }
    }

    @ParameterizedTest
    @EnumSource
    void solvesTriangularSystems(Precision precision) {
        SplittableRandom random = new SplittableRandom(10);
        for (Triangle triangle : Triangle.values()) {
            for (Layout layoutT : LAYOUTS) {
                for (Layout layoutB : LAYOUTS) {
                    for (int n : SIZES) {
                        for (int k : SIZES) {
                            solveTriangular(random, triangle, n, k, precision, layoutT, layoutB);
                        }
                    }
                }
            }
        }
    }

    private void solveTriangular(
            SplittableRandom random,
            Triangle triangle,
            int n,
            int k,
            Precision precision,
            Layout layoutT,
            Layout layoutB) {
        int[] batches = next(new int[][] {{1, 1}, {3, 3}, {0, 0}, {1, 3}});
        Shape shapeT = new Shape(batches[0], n, n);
        Shape shapeB = new Shape(batches[1], n, k);
        boolean lower = triangle == Triangle.LOWER;
        situation = "solveTriangular " + triangle + " " + precision + " " + layoutT + " " + shapeT + ", " + layoutB
                + " " + shapeB;
        double[][][] t = batch(random, shapeT, precision);
        forEach(t, (p, i, j) -> {
            if (i == j) {
                t[p][i][j] = Reference.round(Math.copySign(2 + Math.abs(t[p][i][j]), t[p][i][j]), precision);
            } else if (lower ? j > i : j < i) {
                t[p][i][j] = Double.NaN;
            } else {
                t[p][i][j] = Reference.round(t[p][i][j] / Math.sqrt(n), precision);
            }
        });
        double[][][] b = batch(random, shapeB, precision);
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shapeT, t, precision, layoutT, framed());
            Operand y = upload(inner, shapeB, b, precision, layoutB, framed());
            session.solveTriangular(triangle, x.view(), y.view());
            double[][][] result = y.download();
            for (int p = 0; p < shapeB.batch(); p++) {
                double[][] half = Reference.copy(t[p % t.length]);
                forEach(new double[][][] {half}, (q, i, j) -> half[i][j] = Double.isNaN(half[i][j]) ? 0 : half[i][j]);
                double[][] product = Reference.multiply(half, result[p], k);
                double[][] bound = Reference.multiply(Reference.magnitudes(half), Reference.magnitudes(result[p]), k);
                double[][] right = b[p];
                assertClose(
                        new double[][][] {product},
                        (q, i, j) -> right[i][j],
                        (q, i, j) -> 2 * (n + 3) * precision.epsilon() * bound[i][j]);
            }
            y.assertFrameUntouched();
        }
    }

    // ---- factorizations

    @ParameterizedTest
    @EnumSource
    void choleskyAndInverse(Precision precision) {
        SplittableRandom random = new SplittableRandom(11);
        for (Layout layout : LAYOUTS) {
            for (int n : SIZES) {
                for (int batch : new int[] {1, 3, 0}) {
                    choleskyAndInverse(random, n, batch, precision, layout);
                }
            }
        }
    }

    private void choleskyAndInverse(SplittableRandom random, int n, int batch, Precision precision, Layout layout) {
        Shape shape = new Shape(batch, n, n);
        double above = next(Double.NaN, 17.0);
        situation = "cholesky " + precision + " " + layout + " " + shape;
        double[][][] a = new double[batch][][];
        for (int p = 0; p < batch; p++) {
            double[][] x = Reference.random(random, n, n + 5, precision);
            a[p] = Reference.multiply(x, Reference.transpose(x, n + 5), n);
        }
        forEach(a, (p, i, j) -> a[p][i][j] = j > i ? above : Reference.round(a[p][i][j], precision));
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shape, a, precision, layout, framed());
            Status status = session.status(inner, batch);
            session.cholesky(x.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            double[][][] factor = x.download();
            double[][][] lower = new double[batch][n][n];
            forEach(factor, (p, i, j) -> lower[p][i][j] = j > i ? 0 : factor[p][i][j]);
            for (int p = 0; p < batch; p++) {
                double[][] before = a[p];
                double[][] product = Reference.multiply(lower[p], Reference.transpose(lower[p], n), n);
                double[][] m = Reference.magnitudes(lower[p]);
                double[][] bound = Reference.multiply(m, Reference.transpose(m, n), n);
                double[][] untouched = factor[p];
                assertClose(
                        new double[][][] {product},
                        (q, i, j) -> j > i ? product[i][j] : before[i][j],
                        (q, i, j) -> 2 * (n + 3) * precision.epsilon() * bound[i][j]);
                assertClose(new double[][][] {untouched}, (q, i, j) -> j > i ? above : untouched[i][j], (q, i, j) -> 0);
            }
            session.invertLower(x.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            double[][][] inverse = x.download();
            for (int p = 0; p < batch; p++) {
                double[][] half = new double[n][n];
                double[][] whole = inverse[p];
                forEach(new double[][][] {whole}, (q, i, j) -> half[i][j] = j > i ? 0 : whole[i][j]);
                double[][] product = Reference.multiply(lower[p], half, n);
                double[][] bound = Reference.multiply(Reference.magnitudes(lower[p]), Reference.magnitudes(half), n);
                double[][] spread = Reference.multiply(bound, bound, n);
                assertClose(
                        new double[][][] {product},
                        (q, i, j) -> i == j ? 1 : 0,
                        (q, i, j) -> 2 * (n + 3) * precision.epsilon() * (bound[i][j] + spread[i][j]));
                assertClose(new double[][][] {whole}, (q, i, j) -> j > i ? above : whole[i][j], (q, i, j) -> 0);
            }
            x.assertFrameUntouched();
        }
    }

    @ParameterizedTest
    @EnumSource
    void choleskyNamesTheFirstBadMinor(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {1, 7, 65, 400}) {
                for (int bad : new int[] {0, n / 2, n - 1}) {
                    for (double value : new double[] {-1, 0, Double.NaN, Double.POSITIVE_INFINITY}) {
                        situation = "cholesky " + precision + " " + layout + " " + n + ", " + value + " at " + bad;
                        double[][][] a = {Reference.identity(n), Reference.identity(n), Reference.identity(n)};
                        a[1][bad][bad] = value;
                        try (MemoryScope inner = MemoryScope.open()) {
                            Operand x = upload(inner, new Shape(3, n, n), a, precision, layout, framed());
                            Status status = session.status(inner, 3);
                            session.cholesky(x.view(), status);
                            assertThat(session.read(status)).as(situation).containsExactly(0, bad + 1, 0);
                            double[][][] factor = x.download();
                            assertThat(factor[0]).isDeepEqualTo(a[0]);
                            assertThat(factor[2]).isDeepEqualTo(a[2]);
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void choleskySeesNaNBelowTheDiagonal(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {2, 33, 400}) {
                double[][] a = Reference.identity(n);
                a[n - 1][n / 2 - 1] = Double.NaN;
                Operand x = upload(scope, a, precision, layout);
                Status status = session.status(scope, 1);
                session.cholesky(x.view(), status);
                assertThat(session.read(status)).containsExactly(n);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void invertLowerNamesTheFirstZero(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {1, 7, 65}) {
                double[][][] a = {Reference.identity(n), Reference.identity(n), Reference.identity(n)};
                a[0][n / 2][n / 2] = 0;
                a[2][n - 1][n - 1] = 0;
                a[2][n / 3][n / 3] = -0.0;
                Operand x = upload(scope, new Shape(3, n, n), a, precision, layout, true);
                Status status = session.status(scope, 3);
                session.invertLower(x.view(), status);
                assertThat(session.read(status)).containsExactly(n / 2 + 1, 0, n / 3 + 1);
                assertThat(x.download()[1]).isDeepEqualTo(a[1]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void factorsAndAppliesQ(Precision precision) {
        SplittableRandom random = new SplittableRandom(12);
        for (int m : SIZES) {
            for (int n : SIZES) {
                for (int batch : new int[] {1, 3, 0}) {
                    factorAndApplyQ(random, m, n, batch, precision);
                }
            }
        }
        factorAndApplyQ(random, 300, 40, 1, precision);
        factorAndApplyQ(random, 40, 300, 1, precision);
    }

    private void factorAndApplyQ(SplittableRandom random, int m, int n, int batch, Precision precision) {
        Shape shape = new Shape(batch, m, n);
        int l = Math.min(m, n);
        situation = "qr " + precision + " " + shape;
        double[][][] a = batch(random, shape, precision);
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
            Shape column = new Shape(batch, l, 1);
            Operand tau = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            session.qr(x.view(), tau.view());
            x.assertFrameUntouched();
            tau.assertFrameUntouched();
            double[][][] factored = x.download();
            double[][][] factors = tau.download();
            double[][][] q = new double[batch][][];
            for (int p = 0; p < batch; p++) {
                q[p] = Reference.q(factored[p], factors[p], m);
                double[][] r = new double[m][n];
                double[][] f = factored[p];
                forEach(new double[][][] {f}, (b, i, j) -> r[i][j] = j < i ? 0 : f[i][j]);
                double[][] before = a[p];
                double error = 8 * (m + 3) * precision.epsilon() * frobenius(before);
                assertClose(
                        new double[][][] {Reference.multiply(q[p], r, n)},
                        (b, i, j) -> before[i][j],
                        (b, i, j) -> error);
                assertOrthonormalColumns(q[p], m, 8 * (m + 3) * precision.epsilon());
            }
            for (Layout layout : LAYOUTS) {
                for (boolean transposed : new boolean[] {false, true}) {
                    int k = next(1, 5, 0, 33);
                    int batchQ = batch == 3 ? next(3, 1) : batch;
                    Shape shapeC = new Shape(batch, m, k);
                    situation = "applyQ " + precision + " " + l + " reflectors, transposed " + transposed + ", "
                            + layout + " " + shapeC;
                    double[][][] c = batch(random, shapeC, precision);
                    Operand y = upload(inner, shapeC, c, precision, layout, framed());
                    Matrix reflectors = x.view().columns(0, l);
                    session.applyQ(
                            batchQ == batch ? reflectors : reflectors.problem(0),
                            batchQ == batch ? tau.view() : tau.view().problem(0),
                            transposed,
                            y.view());
                    double[][][] result = y.download();
                    for (int p = 0; p < batch; p++) {
                        double[][] qp = q[batchQ == batch ? p : 0];
                        double[][] expected = Reference.multiply(transposed ? Reference.transpose(qp, m) : qp, c[p], k);
                        double error = 8 * (m + 3) * precision.epsilon() * frobenius(c[p]);
                        assertClose(new double[][][] {result[p]}, (b, i, j) -> expected[i][j], (b, i, j) -> error);
                    }
                    y.assertFrameUntouched();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void decomposesIntoSingularValues(Precision precision) {
        SplittableRandom random = new SplittableRandom(13);
        for (int m : SIZES) {
            for (int n : SIZES) {
                if (m >= n) {
                    for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
                        svd(random, algorithm, m, n, next(1, 3, 0), precision, next(1.0, 0.0, 1.0));
                    }
                }
            }
        }
        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
            svd(random, algorithm, 400, 7, 1, precision, 1);
            svd(random, algorithm, 300, 60, 1, precision, 1);
            svd(random, algorithm, 66, 65, 1, precision, 1);
            svd(random, algorithm, 100, 65, 1, precision, 1);
            svd(random, algorithm, 130, 65, 1, precision, 1e-30);
            svd(random, algorithm, 100, 100, 1, precision, 1e30);
        }
    }

    private void svd(
            SplittableRandom random,
            SvdAlgorithm algorithm,
            int m,
            int n,
            int batch,
            Precision precision,
            double scale) {
        Shape shape = new Shape(batch, m, n);
        situation = "svd " + algorithm + " " + precision + " " + shape + " scale " + scale;
        double[][][] a = batch(random, shape, precision);
        forEach(a, (p, i, j) -> {
            // The last column repeats the first where there are several: one singular value is zero.
            double value = n > 2 && j == n - 1 ? a[p][i][0] : Reference.round(a[p][i][j] * scale, precision);
            a[p][i][j] = value;
        });
        try (MemoryScope inner = MemoryScope.open()) {
            Operand u = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
            Operand destroyed = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
            Shape column = new Shape(batch, n, 1);
            Shape square = new Shape(batch, n, n);
            Operand s = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            Operand only = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            Operand vt = upload(inner, square, square.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            Status status = session.status(inner, batch);
            session.svd(algorithm, u.view(), s.view(), vt.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            session.singularValues(destroyed.view(), only.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            double[][][] left = u.download();
            double[][][] values = s.download();
            double[][][] right = vt.download();
            double[][][] alone = only.download();
            for (int p = 0; p < batch; p++) {
                double[][] before = a[p];
                double norm = frobenius(before);
                double[][] scaled = Reference.copy(right[p]);
                for (int i = 0; i < n; i++) {
                    assertThat(values[p][i][0] >= 0).as(situation).isTrue();
                    if (i > 0) {
                        assertThat(values[p][i][0]).as(situation).isLessThanOrEqualTo(values[p][i - 1][0]);
                    }
                    for (int j = 0; j < n; j++) {
                        scaled[i][j] *= values[p][i][0];
                    }
                }
                double[][] sp = values[p];
                double error = 8 * (m + 3) * precision.epsilon();
                assertClose(
                        new double[][][] {Reference.multiply(left[p], scaled, n)},
                        (b, i, j) -> before[i][j],
                        (b, i, j) -> error * norm);
                assertClose(new double[][][] {alone[p]}, (b, i, j) -> sp[i][0], (b, i, j) -> error * norm);
                assertOrthonormalColumns(left[p], n, error);
                assertOrthonormalColumns(Reference.transpose(right[p], n), n, error);
            }
            for (Operand written : List.of(u, s, vt, destroyed, only)) {
                written.assertFrameUntouched();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsPlantedSpectra(Precision precision) {
        SplittableRandom random = new SplittableRandom(14);
        int n = 40;
        double[] planted = new double[n];
        for (int i = 0; i < n; i++) {
            planted[i] = i < 3 ? 2 : Math.pow(10, -i / 4.0);
        }
        double[][] left = Reference.orthogonal(random, 90);
        double[][] right = Reference.orthogonal(random, n);
        double[][] scaled = Reference.copy(right);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                scaled[i][j] *= planted[i];
            }
        }
        double[][] general = Reference.multiply(Reference.transpose(left, 90), pad(scaled, 90), n);
        double[][] symmetric = Reference.multiply(Reference.transpose(right, n), scaled, n);
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                symmetric[i][j] = Double.NaN;
            }
        }
        Matrix s = session.allocate(scope, precision, 1, n, 1, COLUMN_MAJOR);
        Matrix vt = session.allocate(scope, precision, 1, n, n, COLUMN_MAJOR);
        Status status = session.status(scope, 1);
        double error = 100 * precision.epsilon();
        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
            Operand a = upload(scope, general, precision, COLUMN_MAJOR);
            session.svd(algorithm, a.view(), s, vt, status);
            assertThat(session.read(status)).containsExactly(0);
            assertClose(Operand.download(session, s), (p, i, j) -> planted[i], (p, i, j) -> error);
        }
        Operand a = upload(scope, symmetric, precision, COLUMN_MAJOR);
        session.eigenvalues(a.view(), s, status);
        assertThat(session.read(status)).containsExactly(0);
        assertClose(Operand.download(session, s), (p, i, j) -> planted[n - 1 - i], (p, i, j) -> error);
    }

    @ParameterizedTest
    @EnumSource
    void findsEigenvalues(Precision precision) {
        SplittableRandom random = new SplittableRandom(15);
        for (int n : SIZES) {
            for (int batch : new int[] {1, 3, 0}) {
                Shape shape = new Shape(batch, n, n);
                situation = "eigenvalues " + precision + " " + shape;
                double[][][] a = new double[batch][][];
                double[][] planted = new double[batch][n];
                for (int p = 0; p < batch; p++) {
                    double[][] q = Reference.orthogonal(random, n);
                    double[][] scaled = Reference.copy(q);
                    for (int i = 0; i < n; i++) {
                        planted[p][i] = i == 0 ? -1 : (double) i / n;
                        for (int j = 0; j < n; j++) {
                            scaled[i][j] *= planted[p][i];
                        }
                    }
                    a[p] = Reference.multiply(Reference.transpose(q, n), scaled, n);
                }
                forEach(a, (p, i, j) -> a[p][i][j] = j > i ? Double.NaN : a[p][i][j]);
                try (MemoryScope inner = MemoryScope.open()) {
                    Operand x = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
                    Shape column = new Shape(batch, n, 1);
                    Operand values =
                            upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
                    Status status = session.status(inner, batch);
                    session.eigenvalues(x.view(), values.view(), status);
                    assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
                    assertClose(
                            values.download(),
                            (p, i, j) -> planted[p][i],
                            (p, i, j) -> 4 * (n + 3) * precision.epsilon());
                    values.assertFrameUntouched();
                    x.assertFrameUntouched();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void iterationsEndOnNonFiniteEntries(Precision precision) {
        double[] bad = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        for (double value : bad) {
            for (int[] size : new int[][] {{1, 1}, {7, 7}, {33, 7}, {65, 33}, {200, 120}}) {
                int m = size[0];
                int n = size[1];
                SplittableRandom random = new SplittableRandom(16);
                double[][][] a = batch(random, new Shape(3, m, n), precision);
                double[][][] square = batch(random, new Shape(3, n, n), precision);
                double[][][] clean = {Reference.copy(a[0]), Reference.copy(a[1]), Reference.copy(a[2])};
                a[1][m - 1][n / 2] = value;
                square[1][n - 1][n / 2] = value;
                situation = value + " in " + m + "×" + n + " " + precision;
                Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
                    try (MemoryScope inner = MemoryScope.open()) {
                        Matrix s = session.allocate(inner, precision, 3, n, 1, COLUMN_MAJOR);
                        Matrix vt = session.allocate(inner, precision, 3, n, n, COLUMN_MAJOR);
                        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
                            Operand x = upload(inner, new Shape(3, m, n), a, precision, COLUMN_MAJOR, false);
                            Status status = session.status(inner, 3);
                            session.svd(algorithm, x.view(), s, vt, status);
                            assertOnlySecondFailed(session.read(status), s);
                            Operand y = upload(inner, new Shape(3, m, n), clean, precision, COLUMN_MAJOR, false);
                            Matrix values = session.allocate(inner, precision, 3, n, 1, COLUMN_MAJOR);
                            session.singularValues(y.view(), values, status);
                            double[][][] expected = Operand.download(session, values);
                            double[][][] got = Operand.download(session, s);
                            for (int p : new int[] {0, 2}) {
                                double[][] e = expected[p];
                                assertClose(
                                        new double[][][] {got[p]},
                                        (q, i, j) -> e[i][0],
                                        (q, i, j) -> 100 * precision.epsilon() * e[0][0]);
                            }
                        }
                        Operand x = upload(inner, new Shape(3, m, n), a, precision, COLUMN_MAJOR, false);
                        Status status = session.status(inner, 3);
                        session.singularValues(x.view(), s, status);
                        assertOnlySecondFailed(session.read(status), s);
                        Operand z = upload(inner, new Shape(3, n, n), square, precision, COLUMN_MAJOR, false);
                        session.eigenvalues(z.view(), s, status);
                        assertOnlySecondFailed(session.read(status), s);
                    }
                });
            }
        }
    }

    private void assertOnlySecondFailed(int[] words, Matrix values) {
        assertThat(words[0]).as(situation).isZero();
        assertThat(words[1]).as(situation).isPositive();
        assertThat(words[2]).as(situation).isZero();
        double[][][] s = Operand.download(session, values);
        for (int i = 0; i < s[1].length; i++) {
            assertThat(s[1][i][0]).as(situation).isNaN();
            assertThat(s[0][i][0]).as(situation).isFinite();
            assertThat(s[2][i][0]).as(situation).isFinite();
        }
    }

    @Test
    void factorizationsWithoutIterationEndOnNaN() {
        for (Precision precision : Precision.values()) {
            double[][] a = new Shape(1, 65, 33).filled(Double.NaN)[0];
            Operand x = upload(scope, a, precision, COLUMN_MAJOR);
            Matrix tau = session.allocate(scope, precision, 1, 33, 1, COLUMN_MAJOR);
            session.qr(x.view(), tau);
            session.applyQ(x.view(), tau, true, x.view().problem(0).columns(0, 0));
            session.solveTriangular(
                    Triangle.UPPER, x.view().rows(0, 33), session.allocate(scope, precision, 1, 33, 2, ROW_MAJOR));
            assertThat(Operand.download(session, x.view())[0][0][0]).isNaN();
        }
    }

    // ---- large operands, which backends may treat in other ways

    @ParameterizedTest
    @EnumSource
    void multipliesLargeOperands(Precision precision) {
        SplittableRandom random = new SplittableRandom(17);
        for (int[] size :
                new int[][] {{300, 290, 280}, {1200, 130, 70}, {70, 130, 1200}, {1500, 700, 1}, {1, 700, 1500}}) {
            multiply(
                    random,
                    size[0],
                    size[1],
                    size[2],
                    precision,
                    next(LAYOUTS),
                    precision,
                    next(LAYOUTS),
                    precision,
                    next(LAYOUTS));
            multiply(
                    random,
                    size[0],
                    size[1],
                    size[2],
                    FLOAT32,
                    next(LAYOUTS),
                    FLOAT64,
                    next(LAYOUTS),
                    FLOAT64,
                    next(LAYOUTS));
        }
        for (Layout layoutA : LAYOUTS) {
            for (Layout layoutC : LAYOUTS) {
                gram(random, 333, 200, precision, layoutA, precision, layoutC);
                gram(random, 190, 700, FLOAT32, layoutA, FLOAT64, layoutC);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void solvesAndFactorsLargeOperands(Precision precision) {
        SplittableRandom random = new SplittableRandom(18);
        for (Triangle triangle : Triangle.values()) {
            solveTriangular(random, triangle, 270, 260, precision, next(LAYOUTS), next(LAYOUTS));
            solveTriangular(random, triangle, 270, 260, precision, next(LAYOUTS), next(LAYOUTS));
        }
        for (Layout layout : LAYOUTS) {
            choleskyAndInverse(random, 300, 1, precision, layout);
        }
        factorAndApplyQ(random, 400, 200, 1, precision);
        factorAndApplyQ(random, 200, 400, 1, precision);
        svd(random, session.svdAlgorithms().get(0), 400, 200, 1, precision, 1);
    }

    @ParameterizedTest
    @EnumSource
    void appliesQToManyColumns(Precision precision) {
        SplittableRandom random = new SplittableRandom(19);
        int m = 400;
        int l = 150;
        double[][] a = Reference.random(random, m, l, precision);
        Operand x = upload(scope, a, precision, COLUMN_MAJOR);
        Matrix tau = session.allocate(scope, precision, 1, l, 1, COLUMN_MAJOR);
        session.qr(x.view(), tau);
        double[][] q = Reference.q(x.download()[0], Operand.download(session, tau)[0], m);
        for (int k : new int[] {2, 3, 20, 300}) {
            for (Layout layout : LAYOUTS) {
                for (boolean transposed : new boolean[] {false, true}) {
                    situation = "applyQ to " + k + " columns, " + layout + ", transposed " + transposed;
                    double[][] c = Reference.random(random, m, k, precision);
                    Operand y = upload(scope, c, precision, layout);
                    session.applyQ(x.view(), tau, transposed, y.view());
                    double[][] expected = Reference.multiply(transposed ? Reference.transpose(q, m) : q, c, k);
                    double error = 8 * m * precision.epsilon() * frobenius(c);
                    assertClose(y.download(), (p, i, j) -> expected[i][j], (p, i, j) -> error);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void visitsLargeOperands(Precision precision) {
        SplittableRandom random = new SplittableRandom(20);
        for (int[] size : new int[][] {{600, 500}, {300_000, 1}, {1, 300_000}, {3, 100_001}, {100_001, 3}}) {
            int rows = size[0];
            int columns = size[1];
            Shape shape = new Shape(1, rows, columns);
            double[][] a = Reference.random(random, rows, columns, precision);
            double[][] b = Reference.random(random, rows, columns, precision);
            double[][] d = Reference.random(random, rows, 1, precision);
            double[] squares = new double[columns];
            forEach(new double[][][] {a}, (p, i, j) -> squares[j] += a[i][j] * a[i][j]);
            for (Layout layoutA : LAYOUTS) {
                for (Layout layoutB : LAYOUTS) {
                    situation = rows + "×" + columns + " " + precision + " " + layoutA + " " + layoutB;
                    try (MemoryScope inner = MemoryScope.open()) {
                        Operand x = upload(inner, shape, new double[][][] {a}, precision, layoutA, framed());
                        Operand y = upload(inner, shape, new double[][][] {b}, precision, layoutB, framed());
                        Operand factors = upload(inner, d, precision, next(LAYOUTS));
                        Matrix norms = session.allocate(inner, FLOAT64, 1, 1, columns, ROW_MAJOR);
                        Matrix largest = session.allocate(inner, FLOAT64, 1, 1, 1, ROW_MAJOR);
                        session.columnNorms(x.view(), norms);
                        session.maxMagnitude(x.view(), largest);
                        assertClose(
                                Operand.download(session, norms),
                                (p, i, j) -> Math.sqrt(squares[j]),
                                (p, i, j) -> rows * FLOAT64.epsilon() * Math.sqrt(squares[j]));
                        assertThat(Operand.download(session, largest)[0][0][0])
                                .as(situation)
                                .isEqualTo(largest(a));
                        session.add(0.5, x.view(), -2, y.view());
                        session.scaleRows(factors.view(), y.view());
                        assertClose(
                                y.download(),
                                (p, i, j) -> d[i][0] * (0.5 * a[i][j] - 2 * b[i][j]),
                                (p, i, j) -> 8 * precision.epsilon());
                        session.copy(x.view(), y.view());
                        assertClose(y.download(), (p, i, j) -> a[i][j], (p, i, j) -> 0);
                        session.fill(y.view(), 3);
                        assertClose(y.download(), (p, i, j) -> 3, (p, i, j) -> 0);
                        y.assertFrameUntouched();
                    }
                }
            }
        }
    }

    // ---- misuse

    @Test
    void namesOperationAndShapesOfMisfits() {
        Matrix a = session.allocate(scope, FLOAT64, 1, 3, 4, COLUMN_MAJOR);
        Matrix b = session.allocate(scope, FLOAT64, 1, 5, 6, COLUMN_MAJOR);
        Matrix c = session.allocate(scope, FLOAT64, 1, 3, 6, COLUMN_MAJOR);
        Matrix s = session.allocate(scope, FLOAT64, 1, 4, 1, COLUMN_MAJOR);
        Matrix square = session.allocate(scope, FLOAT64, 1, 4, 4, COLUMN_MAJOR);
        Matrix tall = session.allocate(scope, FLOAT64, 1, 9, 4, COLUMN_MAJOR);
        Status one = session.status(scope, 1);
        misfit("multiply", () -> session.multiply(1, a, b, 0, c), "3×4", "5×6", "3×6");
        misfit("multiply", () -> session.multiply(1, a, square, 0, c), "3×4", "4×4", "3×6");
        misfit("copy", () -> session.copy(a, b), "3×4", "5×6");
        misfit("add", () -> session.add(1, a, 1, b), "3×4", "5×6");
        misfit("scaleRows", () -> session.scaleRows(s, a), "4×1", "3×4");
        misfit("scaleRows", () -> session.scaleRows(a, a.transposed()), "3×4", "4×3");
        misfit("keepTriangle", () -> session.keepTriangle(Triangle.LOWER, a), "3×4");
        misfit("columnNorms", () -> session.columnNorms(a, s), "3×4", "4×1");
        misfit("maxMagnitude", () -> session.maxMagnitude(a, s), "3×4", "4×1");
        misfit("gram", () -> session.gram(1, a, 0, square), "3×4", "4×4");
        misfit("solveTriangular", () -> session.solveTriangular(Triangle.LOWER, a, c), "3×4", "3×6");
        misfit("solveTriangular", () -> session.solveTriangular(Triangle.LOWER, square, c), "4×4", "3×6");
        misfit("cholesky", () -> session.cholesky(a, one), "3×4");
        misfit("cholesky", () -> session.cholesky(square, session.status(scope, 2)), "4×4", "2");
        misfit("invertLower", () -> session.invertLower(a, one), "3×4");
        misfit("qr", () -> session.qr(a, s), "3×4", "4×1");
        misfit("applyQ", () -> session.applyQ(tall, s, false, c), "9×4", "3×6");
        misfit("applyQ", () -> session.applyQ(a, s, false, c), "3×4", "4×1");
        misfit("svd", () -> session.svd(SvdAlgorithm.QR_ITERATION, a, s, square, one), "3×4");
        misfit("svd", () -> session.svd(SvdAlgorithm.QR_ITERATION, tall, s, b, one), "9×4", "5×6");
        misfit(
                "svd",
                () -> session.svd(
                        SvdAlgorithm.QR_ITERATION, tall, tall.rows(0, 3).columns(0, 1), square, one),
                "3×1");
        misfit("singularValues", () -> session.singularValues(a, s, one), "3×4");
        misfit("eigenvalues", () -> session.eigenvalues(a, s, one), "3×4");
        misfit("eigenvalues", () -> session.eigenvalues(square, c.columns(0, 1), one), "4×4", "3×1");
    }

    private static void misfit(String operation, Runnable work, String... words) {
        assertThatThrownBy(work::run)
                .as(operation)
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining(operation)
                .hasMessageContainingAll(words);
    }

    @Test
    void namesOperationOfOtherMisuse() {
        Matrix a = session.allocate(scope, FLOAT64, 1, 4, 4, COLUMN_MAJOR);
        Matrix b = session.allocate(scope, FLOAT64, 1, 4, 4, COLUMN_MAJOR);
        Matrix narrow = session.allocate(scope, FLOAT32, 1, 4, 4, COLUMN_MAJOR);
        Matrix other = session.allocate(scope, FLOAT32, 1, 4, 4, COLUMN_MAJOR);
        Matrix rowMajor = session.allocate(scope, FLOAT64, 1, 4, 4, ROW_MAJOR);
        Matrix s = session.allocate(scope, FLOAT64, 1, 4, 1, COLUMN_MAJOR);
        Matrix wide = session.allocate(scope, FLOAT64, 1, 4, 9, ROW_MAJOR);
        Status one = session.status(scope, 1);
        misuse("add", () -> session.add(1, narrow, 1, a));
        misuse("multiply", () -> session.multiply(1, a, b, 0, narrow));
        misuse("multiply", () -> session.multiply(1, narrow, other, 0, a));
        misuse("gram", () -> session.gram(1, a, 0, narrow));
        misuse("solveTriangular", () -> session.solveTriangular(Triangle.LOWER, narrow, a));
        misuse("scaleRows", () -> session.scaleRows(narrow.columns(0, 1), a));
        misuse("columnNorms", () -> session.columnNorms(narrow, other.rows(0, 1)));
        misuse("maxMagnitude", () -> session.maxMagnitude(a, narrow.rows(0, 1).columns(0, 1)));
        misuse("qr", () -> session.qr(rowMajor, s));
        misuse("applyQ", () -> session.applyQ(rowMajor, s, true, a));
        misuse("svd", () -> session.svd(SvdAlgorithm.QR_ITERATION, rowMajor, s, b, one));
        misuse("svd", () -> session.svd(SvdAlgorithm.QR_ITERATION, a, s, rowMajor, one));
        misuse("svd", () -> session.svd(SvdAlgorithm.QR_ITERATION, a, narrow.columns(0, 1), b, one));
        misuse("singularValues", () -> session.singularValues(rowMajor, s, one));
        misuse("singularValues", () -> session.singularValues(a, wide.columns(0, 1), one));
        misuse("eigenvalues", () -> session.eigenvalues(rowMajor, s, one));
        // Overlap of what is written.
        misuse("multiply", () -> session.multiply(1, a, b, 0, a));
        misuse("multiply", () -> session.multiply(1, a, b, 0, b.transposed()));
        misuse("gram", () -> session.gram(1, a, 0, a));
        misuse("solveTriangular", () -> session.solveTriangular(Triangle.LOWER, a, a));
        misuse("add", () -> session.add(1, a, 1, a.transposed()));
        misuse("add", () -> session.add(1, wide.columns(0, 5), 1, wide.columns(4, 9)));
        misuse("copy", () -> session.copy(wide.columns(0, 5), wide.columns(4, 9)));
        misuse("scaleRows", () -> session.scaleRows(a.columns(1, 2), a));
        misuse("applyQ", () -> session.applyQ(a, s, false, a));
        misuse("svd", () -> session.svd(SvdAlgorithm.QR_ITERATION, a, s, a, one));
        misuse("eigenvalues", () -> session.eigenvalues(a, a.columns(0, 1), one));
    }

    private static void misuse(String operation, Runnable work) {
        assertThatThrownBy(work::run)
                .as(operation)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(operation)
                .hasMessageContaining("4×");
    }

    @Test
    void batchesMustFit() {
        Matrix one = session.allocate(scope, FLOAT64, 1, 2, 2, ROW_MAJOR);
        Matrix two = session.allocate(scope, FLOAT64, 2, 2, 2, ROW_MAJOR);
        Matrix three = session.allocate(scope, FLOAT64, 3, 2, 2, ROW_MAJOR);
        Matrix result = session.allocate(scope, FLOAT64, 3, 2, 2, ROW_MAJOR);
        misfit("multiply", () -> session.multiply(1, two, three, 0, result), "2×2×2", "3×2×2");
        misfit("multiply", () -> session.multiply(1, three, one, 0, two), "3×2×2", "2×2×2");
        misfit("add", () -> session.add(1, three, 0, one), "3×2×2");
        misfit("copy", () -> session.copy(three, one), "3×2×2");
        misfit("gram", () -> session.gram(1, two, 0, three), "2×2×2", "3×2×2");
        misfit("qr", () -> session.qr(three.transposed(), two.transposed().columns(0, 1)), "3×2×2", "2×2×1");
        misfit("maxMagnitude", () -> session.maxMagnitude(two, one.rows(0, 1).columns(0, 1)), "2×2×2");
    }

    @Test
    void misuseChangesNothing() {
        double[][] values = {{1, 2}, {3, 4}};
        Operand c = upload(scope, values, FLOAT64, ROW_MAJOR);
        Matrix a = session.allocate(scope, FLOAT64, 1, 2, 3, ROW_MAJOR);
        assertThatThrownBy(() -> session.multiply(1, a, a, 0, c.view())).isInstanceOf(ShapeMismatchException.class);
        assertThatThrownBy(() -> session.gram(1, c.view().columns(0, 1), 0, c.view()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(c.download()[0]).isDeepEqualTo(values);
    }

    // ---- several sessions

    @Test
    void sessionsWorkSideBySide() throws InterruptedException {
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            int seed = t;
            threads.add(new Thread(() -> {
                try (Session own = openSession();
                        MemoryScope inner = MemoryScope.open()) {
                    SplittableRandom random = new SplittableRandom(seed);
                    for (int size : new int[] {5, 40, 5, 300, 12, 5, 160, 5}) {
                        double[][] a = Reference.random(random, size, size, FLOAT64);
                        Operand x = Operand.upload(
                                own, inner, new Shape(1, size, size), new double[][][] {a}, FLOAT64, ROW_MAJOR, false);
                        Matrix c = own.allocate(inner, size, size);
                        own.multiply(1, x.view(), x.view(), 0, c);
                        double[][] got = Operand.download(own, c)[0];
                        double[][] expected = Reference.multiply(a, a, size);
                        for (int i = 0; i < size; i++) {
                            for (int j = 0; j < size; j++) {
                                if (Math.abs(got[i][j] - expected[i][j]) > size * size * 1e-15) {
                                    throw new AssertionError(size + ": " + got[i][j] + " != " + expected[i][j]);
                                }
                            }
                        }
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void sessionsShareReflectors() throws InterruptedException {
        SplittableRandom random = new SplittableRandom(21);
        int m = 300;
        int l = 40;
        Operand x = upload(scope, Reference.random(random, m, l, FLOAT64), FLOAT64, COLUMN_MAJOR);
        Matrix tau = session.allocate(scope, FLOAT64, 1, l, 1, COLUMN_MAJOR);
        session.qr(x.view(), tau);
        session.synchronize();
        double[][] c = Reference.random(random, m, 20, FLOAT64);
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int columns : new int[] {1, 5, 20}) {
            threads.add(new Thread(() -> {
                try (Session own = openSession();
                        MemoryScope inner = MemoryScope.open()) {
                    Shape shape = new Shape(1, m, columns);
                    double[][][] first = null;
                    for (int repeat = 0; repeat < 100; repeat++) {
                        Operand y =
                                Operand.upload(own, inner, shape, new double[][][] {c}, FLOAT64, COLUMN_MAJOR, false);
                        own.applyQ(x.view(), tau, false, y.view());
                        double[][][] result = y.download();
                        first = first == null ? result : first;
                        assertThat(result).isDeepEqualTo(first);
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    // ---- helpers

    /** The next of some choices: over many cases, every combination of independent choices comes up. */
    @SafeVarargs
    private <T> T next(T... choices) {
        turn++;
        return choices[Math.floorMod(turn * 0x9E3779B9 >>> 8, choices.length)];
    }

    private boolean framed() {
        return next(true, false, true);
    }

    private Operand upload(
            MemoryScope owner, Shape shape, double[][][] values, Precision precision, Layout layout, boolean framed) {
        return Operand.upload(session, owner, shape, values, precision, layout, framed);
    }

    private Operand upload(MemoryScope owner, double[][] values, Precision precision, Layout layout) {
        Shape shape = new Shape(1, values.length, values[0].length);
        return upload(owner, shape, new double[][][] {values}, precision, layout, false);
    }

    private static double[][][] batch(SplittableRandom random, Shape shape, Precision precision) {
        double[][][] values = new double[shape.batch()][][];
        for (int p = 0; p < values.length; p++) {
            values[p] = Reference.random(random, shape.rows(), shape.columns(), precision);
        }
        return values;
    }

    private static double[][] rounded(double[][] values, Precision precision) {
        double[][] result = Reference.copy(values);
        forEach(new double[][][] {result}, (p, i, j) -> result[i][j] = Reference.round(result[i][j], precision));
        return result;
    }

    private static double[][] pad(double[][] a, int rows) {
        double[][] padded = new double[rows][a[0].length];
        System.arraycopy(a, 0, padded, 0, a.length);
        return padded;
    }

    private static double frobenius(double[][] a) {
        double norm = 0;
        for (double[] row : a) {
            for (double x : row) {
                norm = Math.hypot(norm, x);
            }
        }
        return norm;
    }

    private void assertOrthonormalColumns(double[][] q, int columns, double error) {
        assertClose(
                new double[][][] {Reference.multiply(Reference.transpose(q, columns), q, columns)},
                (p, i, j) -> i == j ? 1 : 0,
                (p, i, j) -> error);
    }

    private interface Entry {
        double at(int p, int i, int j);
    }

    private interface Visitor {
        void visit(int p, int i, int j);
    }

    private static void forEach(double[][][] values, Visitor visitor) {
        for (int p = 0; p < values.length; p++) {
            for (int i = 0; i < values[p].length; i++) {
                for (int j = 0; j < values[p][i].length; j++) {
                    visitor.visit(p, i, j);
                }
            }
        }
    }

    /** Compares entries with a bound for each; NaN is equal to NaN only. */
    private void assertClose(double[][][] actual, Entry expected, Entry bound) {
        forEach(actual, (p, i, j) -> {
            double got = actual[p][i][j];
            double wanted = expected.at(p, i, j);
            boolean same = Double.compare(got, wanted) == 0 || Math.abs(got - wanted) <= bound.at(p, i, j);
            if (!same) {
                throw new AssertionError(situation + ": entry (" + p + ", " + i + ", " + j + ") is " + got
                        + ", expected " + wanted + " within " + bound.at(p, i, j));
            }
        });
    }
}
