package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nullspace.matrix.Layout.COLUMN_MAJOR;
import static org.nullspace.matrix.Precision.FLOAT32;
import static org.nullspace.matrix.Precision.FLOAT64;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.SparseSigns;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.Operand.Shape;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Products of matrices and triangular systems. */
abstract class ProductConformance extends EntryConformance {
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

    void multiplies(Precision ofA, Precision ofB, Precision ofC) {
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

    void multiply(
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

    void assertProduct(
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

    void grams(Precision ofA, Precision ofC) {
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

    void gram(SplittableRandom random, int n, int d, Precision ofA, Layout layoutA, Precision ofC, Layout layoutC) {
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

    @Test
    void sketches() {
        SplittableRandom random = new SplittableRandom(21);
        for (int q : new int[] {0, 1, 7, 65, 700}) {
            for (int p : SIZES) {
                for (int k : new int[] {1, 5, 8, 131}) {
                    for (int turn = 0; turn < 3; turn++) {
                        sketch(random, q, p, k, next(FLOAT32, FLOAT64), next(LAYOUTS), next(LAYOUTS));
                    }
                }
            }
        }
        // More rows of the sketch than a thread block sums up, and operands that several threads share.
        for (Layout layout : LAYOUTS) {
            sketch(random, 1300, 150, 2400, FLOAT64, layout, COLUMN_MAJOR);
            sketch(random, 6000, 130, 292, FLOAT64, layout, COLUMN_MAJOR);
        }
    }

    /** Sums of entries in the order of the rows: exactly the same on every backend. */
    private void sketch(SplittableRandom random, int q, int p, int k, Precision ofA, Layout layoutA, Layout layoutY) {
        int[] batches = next(new int[][] {{1, 1}, {2, 2}, {0, 0}, {1, 2}});
        Shape shapeA = new Shape(batches[0], q, p);
        Shape shapeY = new Shape(batches[1], k, p);
        situation = "sketch of " + ofA + " " + layoutA + " " + shapeA + " in " + layoutY + " " + shapeY;
        double[][][] a = batch(random, shapeA, ofA);
        long seed = random.nextLong();
        int perRow = SparseSigns.perRow(k);
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shapeA, a, ofA, layoutA, framed());
            Operand y = upload(inner, shapeY, shapeY.filled(Double.NaN), FLOAT64, layoutY, framed());
            session.sketch(seed, x.view(), y.view());
            double[][][] result = y.download();
            for (int b = 0; b < shapeY.batch(); b++) {
                double[][] expected = new double[k][p];
                for (int i = 0; i < q; i++) {
                    for (int t = 0; t < perRow; t++) {
                        long bits = SparseSigns.bits(seed, i, t, perRow);
                        long start = SparseSigns.blockStart(k, t);
                        long row = start + SparseSigns.rowInBlock(bits, SparseSigns.blockStart(k, t + 1) - start);
                        for (int j = 0; j < p; j++) {
                            expected[(int) row][j] += SparseSigns.sign(bits) * a[b % a.length][i][j];
                        }
                    }
                }
                assertThat(result[b]).as(situation).isDeepEqualTo(expected);
            }
            y.assertFrameUntouched();
        }
    }

    @Test
    void refusesSketchesThatDoNotFit() {
        Matrix a = session.allocate(scope, 6, 4);
        Matrix narrow = session.allocate(scope, FLOAT32, 1, 3, 4, COLUMN_MAJOR);
        session.fill(a, 1);
        assertThatThrownBy(() -> session.sketch(1, a, session.allocate(scope, 3, 5)))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("sketch", "6×4", "3×5");
        assertThatThrownBy(() -> session.sketch(1, a, session.allocate(scope, 0, 4)))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("0×4");
        assertThatThrownBy(() -> session.sketch(1, a, narrow))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("float64");
        assertThatThrownBy(() -> session.sketch(1, a, a.rows(0, 3)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("overlaps");
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

    void solveTriangular(
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
}
