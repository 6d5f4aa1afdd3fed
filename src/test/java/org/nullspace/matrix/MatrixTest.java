package org.nullspace.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;

class MatrixTest {
    /** A matrix whose entry (b, i, j) is 100b + 10i + j. */
    private static Matrix numbered(Precision precision, long batch, long rows, long columns, Layout layout) {
        Matrix m = Matrix.zeros(precision, batch, rows, columns, layout);
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                for (long j = 0; j < columns; j++) {
                    m.set(b, i, j, number(b, i, j));
                }
            }
        }
        return m;
    }

    private static double number(long b, long i, long j) {
        return 100.0 * b + 10.0 * i + j;
    }

    static Stream<Arguments> formats() {
        return Stream.of(Precision.values())
                .flatMap(p -> Stream.of(Layout.values()).map(l -> Arguments.of(p, l)));
    }

    // ---- making

    @ParameterizedTest
    @MethodSource("formats")
    void zerosAreZeroAndPacked(Precision precision, Layout layout) {
        try (Matrix m = Matrix.zeros(precision, 3, 4, 5, layout)) {
            assertThat(m.batch()).isEqualTo(3);
            assertThat(m.rows()).isEqualTo(4);
            assertThat(m.columns()).isEqualTo(5);
            assertThat(m.precision()).isEqualTo(precision);
            assertThat(m.layout()).isEqualTo(layout);
            assertThat(m.place()).isEqualTo(Place.HOST);
            assertThat(m.leadingDimension()).isEqualTo(layout == Layout.ROW_MAJOR ? 5 : 4);
            assertThat(m.batchStride()).isEqualTo(20);
            assertThat(m.byteSize()).isEqualTo(60L * precision.bytes());
            assertThat(m.memory().byteSize()).isEqualTo(m.byteSize());
            assertThat(m.isPacked()).isTrue();
            assertThat(m.isEmpty()).isFalse();
            assertThat(m.address(0) % 64).isZero();
            for (long b = 0; b < 3; b++) {
                for (long i = 0; i < 4; i++) {
                    for (long j = 0; j < 5; j++) {
                        assertThat(m.get(b, i, j)).isZero();
                    }
                }
            }
        }
    }

    @Test
    void entriesOfAnArrayAreCopied() {
        double[][] rows = {{1, 2, 3}, {4, 5, 6}};
        Matrix m = Matrix.of(rows);
        rows[0][0] = 9;
        assertThat(m.toArray()).isDeepEqualTo(new double[][] {{1, 2, 3}, {4, 5, 6}});
        assertThat(m.layout()).isEqualTo(Layout.ROW_MAJOR);
        assertThat(m.precision()).isEqualTo(Precision.FLOAT64);
    }

    @Test
    void columnHasOneColumn() {
        Matrix m = Matrix.column(1, 2, 3);
        assertThat(m.shape()).isEqualTo("3×1");
        assertThat(m.columnToArray(0)).containsExactly(1, 2, 3);
        assertThat(Matrix.column().shape()).isEqualTo("0×1");
    }

    @Test
    void float32RoundsAndOverflows() {
        Matrix m = Matrix.zeros(Precision.FLOAT32, 1, 1, 3, Layout.ROW_MAJOR);
        m.set(0, 0, 0, 0.1);
        m.set(0, 0, 1, 1e300);
        m.set(0, 0, 2, 1e-300);
        assertThat(m.get(0, 0)).isEqualTo(0.1f).isNotEqualTo(0.1);
        assertThat(m.get(0, 1)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(m.get(0, 2)).isZero();
    }

    @Test
    void emptyMatrices() {
        for (long[] s : new long[][] {{0, 2, 3}, {1, 0, 3}, {1, 2, 0}, {1, 0, 0}}) {
            for (Layout layout : Layout.values()) {
                Matrix m = Matrix.zeros(Precision.FLOAT64, s[0], s[1], s[2], layout);
                assertThat(m.isEmpty()).isTrue();
                assertThat(m.byteSize()).isZero();
                assertThat(m.leadingDimension()).isPositive();
                assertThat(m.copy(layout.transposed()).isEmpty()).isTrue();
                assertThat(m.hasSameEntries(m.copy(layout))).isTrue();
            }
        }
        assertThat(Matrix.of(new double[0][]).shape()).isEqualTo("0×0");
        assertThat(Matrix.of(new double[][] {{}, {}}).shape()).isEqualTo("2×0");
        assertThat(Matrix.of(new double[][] {{}, {}}).toArray()).hasDimensions(2, 0);
    }

    @Test
    void stridedSeesWindowsOfATable() {
        Matrix table = Matrix.of(new double[][] {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}});
        // Windows of two rows and the last two columns, each a row further down.
        Matrix windows = Matrix.strided(table.memory(), Precision.FLOAT64, 3, 2, 2, Layout.ROW_MAJOR, 1, 3, 3);
        assertThat(windows.problem(0).toArray()).isDeepEqualTo(new double[][] {{2, 3}, {5, 6}});
        assertThat(windows.problem(2).toArray()).isDeepEqualTo(new double[][] {{8, 9}, {11, 12}});
        assertThat(windows.problems(1, 3).get(1, 1, 0)).isEqualTo(11);
        assertThat(windows.transposed().problem(1).toArray()).isDeepEqualTo(new double[][] {{5, 8}, {6, 9}});
        assertThatThrownBy(() -> Matrix.strided(table.memory(), Precision.FLOAT64, 4, 2, 2, Layout.ROW_MAJOR, 1, 3, 3))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("ends after 15 entries", "the memory has 12");
        for (long[] bad : new long[][] {{-1, 3, 3}, {0, 1, 3}, {0, 3, 0}}) {
            assertThatThrownBy(() -> Matrix.strided(
                            table.memory(), Precision.FLOAT64, 2, 2, 2, Layout.ROW_MAJOR, bad[0], bad[1], bad[2]))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContainingAll(
                            "offset " + bad[0], "leading dimension " + bad[1], "batch stride " + bad[2]);
        }
    }

    @Test
    void gatheredReadsAnyStrides() {
        for (Precision precision : Precision.values()) {
            try (MemoryScope scope = MemoryScope.open()) {
                // Entry (i, j) of problem b at 3·(2·i + j) + b: problems interleaved.
                Matrix memory = Matrix.zeros(precision, 1, 1, 18, Layout.ROW_MAJOR);
                for (int at = 0; at < 18; at++) {
                    memory.set(0, 0, at, at);
                }
                HostMemory host = (HostMemory) memory.memory();
                Matrix interleaved = Matrix.gathered(scope, host, precision, 3, 3, 2, 0, 1, 6, 3);
                assertThat(interleaved.problem(2).toArray()).isDeepEqualTo(new double[][] {{2, 5}, {8, 11}, {14, 17}});
                Matrix backwards = Matrix.gathered(scope, host, precision, 2, 2, 2, 17, 0, -6, -1);
                assertThat(backwards.problem(1).toArray()).isDeepEqualTo(new double[][] {{17, 16}, {11, 10}});
                assertThat(Matrix.gathered(scope, host, precision, 0, 3, 2, 99, 1, 1, 1)
                                .batch())
                        .isZero();
                for (long[] bad : new long[][] {{1, 1, 6, 3}, {0, 1, 6, -3}, {-1, 1, 6, 3}}) {
                    assertThatThrownBy(() ->
                                    Matrix.gathered(scope, host, precision, 3, 3, 2, bad[0], bad[1], bad[2], bad[3]))
                            .isInstanceOf(ShapeMismatchException.class)
                            .hasMessageContainingAll("offset " + bad[0], "reaches from entry", "the memory has 18");
                }
            }
        }
    }

    @Test
    void matricesOfABatchLieSideBySide() {
        Matrix batch = Matrix.zeros(Precision.FLOAT64, 2, 2, 2, Layout.COLUMN_MAJOR);
        batch.set(1, 0, 1, 5);
        Matrix wide = batch.sideBySide();
        assertThat(wide.shape()).isEqualTo("2×4");
        assertThat(wide.get(0, 3)).isEqualTo(5);
        wide.set(0, 1, 0, 7);
        assertThat(batch.get(0, 1, 0)).isEqualTo(7);
        assertThat(batch.rows(0, 1).sideBySide().get(0, 3)).isEqualTo(5);
        assertThatThrownBy(() -> batch.columns(0, 1).sideBySide()).isInstanceOf(InvalidInputException.class);
        assertThatThrownBy(() -> Matrix.zeros(Precision.FLOAT64, 2, 2, 2, Layout.ROW_MAJOR)
                        .sideBySide())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("column-major");
    }

    @Test
    void groupsOfColumnsOnTopOfEachOther() {
        Matrix m = Matrix.of(new double[][] {{1, 3, 5, 7}, {2, 4, 6, 8}}).copy(Layout.COLUMN_MAJOR);
        assertThat(m.stackedColumns(2).toArray()).isDeepEqualTo(new double[][] {{1, 5}, {2, 6}, {3, 7}, {4, 8}});
        assertThat(m.stackedColumns(1).toArray()).isDeepEqualTo(m.toArray());
        assertThat(m.columns(2, 4).stackedColumns(2).toArray()).isDeepEqualTo(new double[][] {{5}, {6}, {7}, {8}});
        m.stackedColumns(4).set(0, 5, 0, -6);
        assertThat(m.get(1, 2)).isEqualTo(-6);
        assertThatThrownBy(() -> m.stackedColumns(3)).isInstanceOf(InvalidInputException.class);
        assertThatThrownBy(() -> m.stackedColumns(0)).isInstanceOf(InvalidInputException.class);
        assertThatThrownBy(() -> m.rows(0, 1).stackedColumns(2)).isInstanceOf(InvalidInputException.class);
        assertThatThrownBy(() -> m.transposed().stackedColumns(2)).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void overTakesMemoryAsItIs() {
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix rows = Matrix.of(scope, new double[][] {{1, 2, 3}, {4, 5, 6}});
            Matrix columns = Matrix.over(rows.memory(), Precision.FLOAT64, 1, 3, 2, Layout.COLUMN_MAJOR);
            assertThat(columns.toArray()).isDeepEqualTo(new double[][] {{1, 4}, {2, 5}, {3, 6}});
            columns.set(0, 2, 0, 30);
            assertThat(rows.get(0, 2)).isEqualTo(30);
            assertThatThrownBy(() -> Matrix.over(rows.memory(), Precision.FLOAT64, 1, 3, 3, Layout.COLUMN_MAJOR))
                    .isExactlyInstanceOf(ShapeMismatchException.class)
                    .hasMessage("a 3×3 matrix of FLOAT64 needs 72 bytes, the memory has 48 bytes");
        }
    }

    // ---- views

    @ParameterizedTest
    @MethodSource("formats")
    void viewsShareMemory(Precision precision, Layout layout) {
        try (Matrix m = numbered(precision, 2, 5, 7, layout)) {
            Matrix view = m.problem(1).rows(1, 4).columns(2, 7).transposed();
            assertThat(view.shape()).isEqualTo("5×3");
            assertThat(view.layout()).isEqualTo(layout.transposed());
            assertThat(view.leadingDimension()).isEqualTo(m.leadingDimension());
            assertThat(view.isPacked()).isFalse();
            for (long i = 0; i < 5; i++) {
                for (long j = 0; j < 3; j++) {
                    assertThat(view.get(i, j)).isEqualTo(number(1, j + 1, i + 2));
                }
            }
            view.set(0, 4, 2, -1);
            assertThat(m.get(1, 3, 6)).isEqualTo(-1);
            assertThat(view.address(0))
                    .isEqualTo(m.address(1)
                            + (layout == Layout.ROW_MAJOR ? 1 * 7 + 2 : 2 * 5 + 1) * (long) precision.bytes());
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void viewsOfABatchKeepTheBatch(Precision precision, Layout layout) {
        Matrix m = numbered(precision, 3, 4, 6, layout);
        Matrix view = m.columns(1, 5).rows(2, 4);
        assertThat(view.shape()).isEqualTo("3×2×4");
        assertThat(view.batchStride()).isEqualTo(24);
        for (long b = 0; b < 3; b++) {
            assertThat(view.get(b, 1, 3)).isEqualTo(number(b, 3, 4));
        }
        assertThat(view.problem(2).toArray())
                .isDeepEqualTo(new double[][] {{221, 222, 223, 224}, {231, 232, 233, 234}});
    }

    @Test
    void linesAreGaplessWhereTheyAre() {
        Matrix m = numbered(Precision.FLOAT64, 1, 4, 6, Layout.ROW_MAJOR);
        assertThat(m.rows(1, 3).isPacked()).isTrue();
        assertThat(m.columns(1, 3).isPacked()).isFalse();
        assertThat(m.rows(1, 2).columns(2, 4).isPacked()).isTrue();
        assertThat(m.transposed().isPacked()).isTrue();
    }

    @Test
    void emptyViewsAtTheEnd() {
        Matrix m = numbered(Precision.FLOAT64, 1, 4, 6, Layout.ROW_MAJOR);
        assertThat(m.rows(4, 4).shape()).isEqualTo("0×6");
        assertThat(m.columns(6, 6).shape()).isEqualTo("4×0");
        assertThat(m.rows(4, 4).address(0)).isEqualTo(m.address(0));
    }

    @Test
    void aViewDoesNotOwnTheMemory() {
        Matrix m = numbered(Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR);
        Matrix view = m.rows(0, 1);
        view.close();
        assertThat(m.get(1, 1)).isEqualTo(11);
        m.close();
        m.close();
        for (Matrix closed : List.of(m, view, m.transposed())) {
            assertThatThrownBy(() -> closed.get(0, 0))
                    .isExactlyInstanceOf(ClosedException.class)
                    .hasMessageContaining(closed.toString())
                    .hasMessageContaining("closed");
        }
    }

    @Test
    void aMatrixInAScopeEndsWithTheScope() {
        MemoryScope scope = MemoryScope.open();
        Matrix m = Matrix.zeros(scope, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR);
        m.close();
        assertThat(m.get(0, 0)).isZero();
        assertThat(scope.liveBytes()).isEqualTo(32);
        scope.close();
        assertThatThrownBy(() -> m.set(0, 0, 0, 1)).isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> m.copy(Layout.ROW_MAJOR)).isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> Matrix.zeros(Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR)
                        .copyFrom(m))
                .isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> Matrix.zeros(scope, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR))
                .isExactlyInstanceOf(ClosedException.class)
                .hasMessage("a 2×2 matrix of FLOAT64 was used after its memory scope had been closed");
    }

    // ---- copies

    static Stream<Arguments> pairs() {
        return formats().flatMap(a -> formats().map(b -> Arguments.of(a.get()[0], a.get()[1], b.get()[0], b.get()[1])));
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void copyFromConvertsLayoutAndPrecision(Precision p, Layout l, Precision q, Layout k) {
        // Long enough for several tiles and chunks, with sizes off their multiples.
        for (long[] shape : new long[][] {{2, 3, 5}, {1, 1, 1500}, {1, 1500, 1}, {1, 70, 130}, {2, 129, 65}}) {
            Matrix source = numbered(p, shape[0], shape[1], shape[2], l);
            Matrix target = Matrix.zeros(q, shape[0], shape[1], shape[2], k);
            target.copyFrom(source);
            assertThat(target.hasSameEntries(source)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void copyBetweenViewsLeavesTheRestAlone(Precision p, Layout l, Precision q, Layout k) {
        Matrix source = numbered(p, 2, 9, 11, l);
        Matrix whole = Matrix.zeros(q, 2, 8, 10, k);
        whole.rows(1, 7).columns(3, 8).copyFrom(source.columns(2, 7).rows(3, 9));
        for (long b = 0; b < 2; b++) {
            for (long i = 0; i < 8; i++) {
                for (long j = 0; j < 10; j++) {
                    boolean inside = i >= 1 && i < 7 && j >= 3 && j < 8;
                    assertThat(whole.get(b, i, j)).isEqualTo(inside ? number(b, i + 2, j - 1) : 0);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void copyIsPackedAndIndependent(Layout layout) {
        Matrix m = numbered(Precision.FLOAT32, 2, 4, 6, Layout.ROW_MAJOR);
        Matrix copy = m.columns(1, 4).copy(layout);
        assertThat(copy.isPacked()).isTrue();
        assertThat(copy.layout()).isEqualTo(layout);
        assertThat(copy.precision()).isEqualTo(Precision.FLOAT32);
        m.set(1, 2, 2, -5);
        assertThat(copy.get(1, 2, 1)).isEqualTo(number(1, 2, 2));
    }

    @Test
    void sameEntriesMeansBitForBit() {
        Matrix a = Matrix.of(new double[][] {{0.0, Double.NaN}});
        assertThat(a.hasSameEntries(Matrix.of(new double[][] {{0.0, Double.NaN}})))
                .isTrue();
        assertThat(a.hasSameEntries(Matrix.of(new double[][] {{-0.0, Double.NaN}})))
                .isFalse();
        assertThat(a.hasSameEntries(Matrix.of(new double[][] {{0.0}, {Double.NaN}})))
                .isFalse();
    }

    @Test
    void shapeMismatchOfACopyNamesBothShapes() {
        Matrix a = Matrix.zeros(Precision.FLOAT64, 1, 2, 3, Layout.ROW_MAJOR);
        Matrix b = Matrix.zeros(Precision.FLOAT64, 4, 3, 2, Layout.ROW_MAJOR);
        assertThatThrownBy(() -> a.copyFrom(b))
                .isExactlyInstanceOf(ShapeMismatchException.class)
                .hasMessage("source has shape 4×3×2, this matrix has shape 2×3");
    }

    // ---- bounds

    static Stream<Arguments> outOfBounds() {
        return Stream.of(
                out("get(0, 2, 0)", m -> m.get(0, 2, 0), "entry (0, 2, 0) of a matrix of shape 1×2×3"),
                out("get(0, 0, 3)", m -> m.get(0, 0, 3), "entry (0, 0, 3) of a matrix of shape 1×2×3"),
                out("get(0, -1, 0)", m -> m.get(0, -1, 0), "entry (0, -1, 0) of a matrix of shape 1×2×3"),
                out("get(0, 0, -1)", m -> m.get(0, 0, -1), "entry (0, 0, -1) of a matrix of shape 1×2×3"),
                out("get(1, 0, 0)", m -> m.get(1, 0, 0), "entry (1, 0, 0) of a matrix of shape 1×2×3"),
                out("get(-1, 0, 0)", m -> m.get(-1, 0, 0), "entry (-1, 0, 0) of a matrix of shape 1×2×3"),
                out("get(2^40, 0)", m -> m.get(1L << 40, 0), "entry (0, 1099511627776, 0) of a matrix of shape 1×2×3"),
                out("set(0, 2, 0)", m -> m.set(0, 2, 0, 1), "entry (0, 2, 0) of a matrix of shape 1×2×3"),
                out("rows(0, 3)", m -> m.rows(0, 3), "rows 0 to 3 of a matrix of shape 2×3"),
                out("rows(2, 1)", m -> m.rows(2, 1), "rows 2 to 1 of a matrix of shape 2×3"),
                out("rows(-1, 1)", m -> m.rows(-1, 1), "rows -1 to 1 of a matrix of shape 2×3"),
                out("columns(1, 4)", m -> m.columns(1, 4), "columns 1 to 4 of a matrix of shape 2×3"),
                out("problem(1)", m -> m.problem(1), "problem 1 of a batch of 1 (shape 2×3)"),
                out(
                        "problem(MAX)",
                        m -> m.problem(Long.MAX_VALUE),
                        "problem 9223372036854775807 of a batch of 1 (shape 2×3)"),
                out("columnToArray(3)", m -> m.columnToArray(3), "entry (0, 0, 3) of a matrix of shape 1×2×3"));
    }

    private static Arguments out(String name, Consumer<Matrix> use, String message) {
        return Arguments.of(name, use, message);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void outOfBounds(String name, Consumer<Matrix> use, String message) {
        Matrix m = numbered(Precision.FLOAT64, 1, 2, 3, Layout.COLUMN_MAJOR);
        assertThatThrownBy(() -> use.accept(m))
                .isExactlyInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage(message);
        // A view is no way around: the memory goes on beyond its last row.
        assertThatThrownBy(() -> m.rows(0, 1).get(1, 0)).isExactlyInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aBatchIsNotASingleMatrix() {
        Matrix batch = numbered(Precision.FLOAT64, 2, 2, 3, Layout.ROW_MAJOR);
        List<Consumer<Matrix>> uses =
                List.of(m -> m.get(0, 0), Matrix::toArray, m -> m.columnToArray(0), Matrix::requireSingle);
        for (Consumer<Matrix> use : uses) {
            assertThatThrownBy(() -> use.accept(batch))
                    .isExactlyInstanceOf(ShapeMismatchException.class)
                    .hasMessage("a single matrix is needed here, this is a batch of 2 (shape 2×2×3): choose one with"
                            + " problem(index)");
        }
    }

    @Test
    void sizesThatAreNone() {
        assertThatThrownBy(() -> Matrix.zeros(Precision.FLOAT64, 1, -2, 3, Layout.ROW_MAJOR))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("a -2×3 matrix of FLOAT64: sizes must not be negative");
        assertThatThrownBy(() -> Matrix.zeros(Precision.FLOAT64, 1, 1L << 40, 1L << 40, Layout.ROW_MAJOR))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("a 1099511627776×1099511627776 matrix of FLOAT64: its size in bytes exceeds 64 bits");
    }

    // ---- 64-bit sizes

    @ParameterizedTest
    @EnumSource(Precision.class)
    void indicesGoBeyondTheSegmentsOfTheMemory(Precision precision) {
        // Zeroed memory is mapped when it is first touched: of these 2.5 GiB only a few pages ever exist.
        long lineLength = (5L << 28) / precision.bytes() - 3;
        try (Matrix m = Matrix.zeros(precision, 1, 2, lineLength, Layout.ROW_MAJOR)) {
            long perSegment = (1L << 30) / precision.bytes();
            long[] places = {
                0, perSegment - 1, perSegment, perSegment + 1, 2 * perSegment - 1, 2 * perSegment, 2 * lineLength - 1
            };
            for (int p = 0; p < places.length; p++) {
                m.set(0, places[p] / lineLength, places[p] % lineLength, p + 1);
            }
            for (int p = 0; p < places.length; p++) {
                assertThat(m.get(places[p] / lineLength, places[p] % lineLength))
                        .isEqualTo(p + 1);
            }
            // A bulk copy of a stretch that lies across the border, both ways.
            Matrix across = m.rows(0, 1).columns(perSegment - 2, perSegment + 3);
            assertThat(across.copy(Layout.COLUMN_MAJOR).toArray()).isDeepEqualTo(new double[][] {{0, 2, 3, 4, 0}});
            across.copyFrom(numbered(Precision.FLOAT64, 1, 1, 5, Layout.ROW_MAJOR));
            assertThat(m.get(0, perSegment - 2)).isZero();
            assertThat(m.get(0, perSegment)).isEqualTo(2);
            assertThat(m.get(0, perSegment + 2)).isEqualTo(4);
            Matrix same = Matrix.zeros(precision, 1, 1, 5, Layout.ROW_MAJOR);
            same.copyFrom(across);
            assertThat(same.toArray()).isDeepEqualTo(new double[][] {{0, 1, 2, 3, 4}});
            assertThat(m.address(0)).isEqualTo(m.memory().address());
            assertThat(m.rows(1, 2).address(0)).isEqualTo(m.memory().address() + lineLength * precision.bytes());
        }
    }

    @Test
    void addressesAreComputedIn64Bits() {
        // Memory that is described but not there: addresses never touch it.
        Memory huge = new Described(1L << 32, 1L << 46);
        Matrix m = Matrix.over(huge, Precision.FLOAT64, 1 << 10, 1 << 16, 1 << 16, Layout.COLUMN_MAJOR);
        assertThat(m.byteSize()).isEqualTo(1L << 45);
        assertThat(m.address(1023)).isEqualTo((1L << 32) + 1023 * (1L << 35));
        assertThat(m.problem(1023).columns(65535, 65536).rows(65535, 65536).address(0))
                .isEqualTo((1L << 32) + (1L << 45) - 8);
        assertThatThrownBy(() -> m.get(0, 0, 0))
                .isExactlyInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "matrix 1024×65536×65536 FLOAT64 COLUMN_MAJOR on cuda:1 lies in the memory of cuda:1: copy it to"
                                + " the host before reading its entries");
    }

    private record Described(long address, long byteSize) implements Memory {
        @Override
        public Place place() {
            return Place.cuda(1);
        }

        @Override
        public MemoryScope scope() {
            return MemoryScope.open();
        }
    }

    // ---- texts

    @Test
    void texts() {
        assertThat(Matrix.zeros(Precision.FLOAT32, 1, 6, 12, Layout.ROW_MAJOR))
                .hasToString("matrix 6×12 FLOAT32 ROW_MAJOR on host");
        assertThat(Matrix.zeros(Precision.FLOAT64, 100, 6, 12, Layout.COLUMN_MAJOR))
                .hasToString("matrix 100×6×12 FLOAT64 COLUMN_MAJOR on host");
    }

    @Test
    void layoutsAreEachOthersTranspose() {
        assertThat(Layout.ROW_MAJOR.transposed()).isEqualTo(Layout.COLUMN_MAJOR);
        assertThat(Layout.COLUMN_MAJOR.transposed()).isEqualTo(Layout.ROW_MAJOR);
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void epsilonIsTheDistanceFromOneToTheNextNumber(Precision precision) {
        double next = precision == Precision.FLOAT64 ? Math.nextUp(1.0) : Math.nextUp(1f);
        assertThat(precision.epsilon()).isEqualTo(next - 1);
        assertThat(precision.bytes()).isEqualTo(precision == Precision.FLOAT64 ? Double.BYTES : Float.BYTES);
    }

    @Test
    void places() {
        assertThat(Place.HOST).hasToString("host").isEqualTo(new Place(Place.Kind.HOST, 0));
        assertThat(Place.HOST.isHost()).isTrue();
        assertThat(Place.cuda(2)).hasToString("cuda:2").isEqualTo(Place.cuda(2)).isNotEqualTo(Place.cuda(0));
        assertThat(Place.cuda(0).isHost()).isFalse();
        assertThatThrownBy(() -> Place.cuda(-1))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("device index -1 is negative");
        assertThatThrownBy(() -> new Place(Place.Kind.HOST, 1))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("device index 1 for the host: it has no devices but 0");
    }
}
