package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nullspace.matrix.Layout.COLUMN_MAJOR;
import static org.nullspace.matrix.Layout.ROW_MAJOR;
import static org.nullspace.matrix.Precision.FLOAT32;
import static org.nullspace.matrix.Precision.FLOAT64;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.Operand.Shape;
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
public abstract class SessionConformance extends FactorizationConformance {
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

    /** Columns that a backend may cut into pieces or not, each of a size of its own, some with an entry that is not finite. */
    @ParameterizedTest
    @EnumSource
    void normsOfLargeOperandsOfAnySize(Precision precision) {
        SplittableRandom random = new SplittableRandom(22);
        double[] sizes =
                precision == FLOAT64 ? new double[] {1, 1e200, 1e-200, 0, 0x1p-1060} : new double[] {1, 1e35, 1e-35, 0};
        int[][] shapes = {{200_000, 1}, {50_001, 9}, {600, 11}, {300, 1300}, {5000, 300}, {9, 40_000}, {70, 35_000}};
        for (int[] shape : shapes) {
            int rows = shape[0];
            int columns = shape[1];
            double[][] a = Reference.random(random, rows, columns, precision);
            forEach(
                    new double[][][] {a},
                    (p, i, j) -> a[i][j] = Reference.round(a[i][j] * sizes[j % sizes.length], precision));
            if (columns > 8) {
                a[rows - 1][5] = Double.NaN;
                a[0][6] = Double.NEGATIVE_INFINITY;
                a[0][7] = Double.POSITIVE_INFINITY;
                a[rows / 2][7] = Double.NaN;
            }
            double[] expected = new double[columns];
            forEach(new double[][][] {a}, (p, i, j) -> {
                double scaled = sizes[j % sizes.length] == 0 ? 0 : a[i][j] / sizes[j % sizes.length];
                expected[j] += scaled * scaled;
            });
            if (columns > 8) {
                expected[7] = Double.NaN;
            }
            for (Layout layout : LAYOUTS) {
                situation = "columnNorms " + rows + "×" + columns + " " + precision + " " + layout;
                try (MemoryScope inner = MemoryScope.open()) {
                    Operand x = upload(
                            inner, new Shape(1, rows, columns), new double[][][] {a}, precision, layout, framed());
                    Matrix norms = session.allocate(inner, FLOAT64, 1, 1, columns, ROW_MAJOR);
                    session.columnNorms(x.view(), norms);
                    assertClose(
                            Operand.download(session, norms),
                            (p, i, j) -> Math.sqrt(expected[j]) * sizes[j % sizes.length],
                            (p, i, j) -> rows * FLOAT64.epsilon() * Math.sqrt(expected[j]) * sizes[j % sizes.length]
                                    + Double.MIN_VALUE);
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
        misfit("eigenvectors", () -> session.eigenvectors(a, s, one), "3×4");
        misfit("tridiagonalize", () -> session.tridiagonalize(a, s, s, one), "3×4");
        misfit("scaledNorms", () -> session.scaledNorms(s, a, s.transposed()), "3×4", "4×1");
        misfit("tridiagonalize", () -> session.tridiagonalize(square, s, s, one), "4×1", "3 entries");
        misfit("eigenvalues", () -> session.eigenvalues(square, c.columns(0, 1), one), "4×4", "3×1");
    }

    static void misfit(String operation, Runnable work, String... words) {
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
        misuse("eigenvectors", () -> session.eigenvectors(rowMajor, s, one));
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

    static void misuse(String operation, Runnable work) {
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
}
