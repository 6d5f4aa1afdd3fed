package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nullspace.matrix.Layout.COLUMN_MAJOR;
import static org.nullspace.matrix.Layout.ROW_MAJOR;
import static org.nullspace.matrix.Precision.FLOAT64;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.conformance.Operand.Shape;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;
import org.nullspace.solve.ComposedBatch;

/** What batches that are composed of a session's operations must do on every session. */
public abstract class ComposedBatchConformance extends SessionUnderTest {
    private static final double EPSILON = FLOAT64.epsilon();

    private static final int[][] SHAPES = {
        {1, 1}, {1, 7}, {7, 1}, {2, 2}, {5, 5}, {6, 12}, {12, 6}, {16, 64}, {64, 16}, {33, 40}, {40, 33}, {64, 64},
        {3, 700}, {700, 3}, {2, 4095}, {4095, 1}, {64, 512}
    };

    private ComposedBatch solver;

    @BeforeEach
    void compose() {
        solver = new ComposedBatch(session);
    }

    /** Entries of a batch by problem, row and column. */
    private record Problems(long seed, Precision precision, double[][][] x, double[][][] y) {
        int size() {
            return x.length;
        }

        int n() {
            return x[0].length;
        }

        int d() {
            return x[0][0].length;
        }

        int k() {
            return y[0][0].length;
        }

        Problems copy() {
            return new Problems(seed, precision, copied(x), copied(y));
        }

        Problems pick(int... order) {
            return new Problems(seed, precision, picked(x, order), picked(y, order));
        }

        @Override
        public String toString() {
            return size() + "×" + n() + "×" + d() + " k=" + k() + " " + precision + " seed " + seed;
        }
    }

    private static double[][][] copied(double[][][] a) {
        return Arrays.stream(a).map(Reference::copy).toArray(double[][][]::new);
    }

    private static double[][][] picked(double[][][] a, int... order) {
        return Arrays.stream(order).mapToObj(b -> a[b]).toArray(double[][][]::new);
    }

    /** Problems with a rank and a condition number, a residual, and spectra of all kinds. */
    private static Problems planted(
            long seed, int batch, int n, int d, int k, int rank, double condition, Precision precision) {
        double[][][] x = new double[batch][][];
        double[][][] y = new double[batch][][];
        for (int b = 0; b < batch; b++) {
            Spectrum spectrum = Spectrum.values()[b % Spectrum.values().length];
            Planted planted = Planted.of(seed + b, n, d, k, rank, spectrum, condition, 0.3, precision);
            x[b] = planted.x();
            y[b] = planted.y();
        }
        return new Problems(seed, precision, x, y);
    }

    private static Problems fullRank(long seed, int batch, int n, int d, int k, Precision precision) {
        return planted(seed, batch, n, d, k, Math.min(n, d), 100, precision);
    }

    /** What minimumNorm wrote. */
    private record Solved(double[][][] w, double[][][] bounds, double[] @Nullable [] sigma) {
        void assertSameBits(String where, int at, Solved other, int otherAt) {
            requireSameBits("W of " + where, w[at], other.w[otherAt]);
            requireSameBits("bounds of " + where, bounds[at], other.bounds[otherAt]);
            if (sigma != null && other.sigma != null) {
                assertThat(sigma[at]).as("singular values of " + where).isEqualTo(other.sigma[otherAt]);
            }
        }
    }

    private static void requireSameBits(String where, double[][] actual, double[][] expected) {
        assertThat(Arrays.deepEquals(actual, expected))
                .as(where + ": " + Arrays.deepToString(actual) + " is not " + Arrays.deepToString(expected))
                .isTrue();
    }

    private Matrix x(MemoryScope inner, Problems problems, Layout layout, boolean framed) {
        Shape shape = new Shape(problems.size(), problems.n(), problems.d());
        return upload(inner, shape, problems.x, problems.precision, layout, framed)
                .view();
    }

    private Matrix y(MemoryScope inner, Problems problems, Layout layout, boolean framed) {
        Shape shape = new Shape(problems.size(), problems.n(), problems.k());
        return upload(inner, shape, problems.y, problems.precision, layout, framed)
                .view();
    }

    private Operand filled(
            MemoryScope inner, Shape shape, double value, Precision precision, Layout layout, boolean framed) {
        return upload(inner, shape, shape.filled(value), precision, layout, framed);
    }

    private static double[][] columns(double[][][] batch) {
        double[][] columns = new double[batch.length][];
        for (int b = 0; b < batch.length; b++) {
            columns[b] = Dense.column(batch[b], 0);
        }
        return columns;
    }

    private Solved minimumNorm(Problems problems, Layout layout, boolean framed, boolean spectra, Precision ofW) {
        try (MemoryScope inner = MemoryScope.open()) {
            Operand w = filled(inner, new Shape(problems.size(), problems.d(), problems.k()), 7, ofW, layout, framed);
            Operand bounds = filled(inner, new Shape(problems.size(), 1, 2), 7, FLOAT64, layout.transposed(), framed);
            int p = Math.min(problems.n(), problems.d());
            Operand sigma = filled(inner, new Shape(problems.size(), p, 1), 7, FLOAT64, COLUMN_MAJOR, framed);
            solver.minimumNorm(
                    x(inner, problems, layout, framed),
                    y(inner, problems, layout.transposed(), framed),
                    w.view(),
                    bounds.view(),
                    spectra ? sigma.view() : null);
            w.assertFrameUntouched();
            bounds.assertFrameUntouched();
            sigma.assertFrameUntouched();
            return new Solved(w.download(), bounds.download(), spectra ? columns(sigma.download()) : null);
        }
    }

    private Solved minimumNorm(Problems problems) {
        return minimumNorm(problems, ROW_MAJOR, false, true, FLOAT64);
    }

    /** W = V_r·diag(σ/(σ² + λ))·U_rᵀ·Y by an independent library, and how far from it a good solution may be. */
    private record Oracle(double[][] w, double[] sigma, double[] error) {
        static Oracle of(double[][] x, double[][] y, int rank, double lambda) {
            SingularValueDecomposition svd = new SingularValueDecomposition(new Array2DRowRealMatrix(x));
            RealMatrix u = svd.getU();
            RealMatrix v = svd.getV();
            double[] sigma = svd.getSingularValues();
            double[][] w = new double[v.getRowDimension()][y[0].length];
            double[] error = new double[y[0].length];
            for (int j = 0; j < y[0].length; j++) {
                for (int i = 0; i < rank; i++) {
                    double dot = Dense.dot(u.getColumn(i), Dense.column(y, j));
                    for (int l = 0; l < w.length; l++) {
                        w[l][j] += v.getEntry(l, i) * dot * (sigma[i] / (sigma[i] * sigma[i] + lambda));
                    }
                }
                double condition = rank == 0 ? 1 : sigma[0] / sigma[rank - 1];
                double residual = rank == 0 ? 0 : Dense.norm(Dense.column(y, j)) / sigma[0];
                error[j] = 64
                        * Math.sqrt((double) Math.min(x.length, w.length))
                        * EPSILON
                        * condition
                        * (Dense.norm(Dense.column(w, j)) + condition * residual);
            }
            return new Oracle(w, sigma, error);
        }

        void assertClose(String where, double[][] actual, Precision precision) {
            for (int j = 0; j < error.length; j++) {
                double[] wanted = Dense.column(w, j);
                double[] got = Dense.column(actual, j);
                double difference = 0;
                for (int i = 0; i < wanted.length; i++) {
                    difference = Math.hypot(difference, got[i] - wanted[i]);
                }
                double bound = error[j] + (precision == FLOAT64 ? 0 : precision.epsilon() * Dense.norm(wanted));
                assertThat(difference).as(where + ", target " + j).isLessThanOrEqualTo(bound);
            }
        }
    }

    // ---- minimum-norm solutions

    @ParameterizedTest
    @EnumSource
    void agreesWithAnIndependentLibrary(Precision precision) {
        int turn = 0;
        for (int[] shape : SHAPES) {
            int k = shape[0] * shape[1] > 2000 ? 2 : next(1, 2, 5, 20);
            Problems problems = fullRank(51_000 + turn, 3, shape[0], shape[1], k, precision);
            Precision ofW = turn++ % 3 == 0 ? Precision.FLOAT32 : FLOAT64;
            Solved solved = minimumNorm(problems, LAYOUTS[turn % 2], framed(), true, ofW);
            int p = Math.min(shape[0], shape[1]);
            for (int b = 0; b < problems.size(); b++) {
                String where = "problem " + b + " of " + problems;
                Oracle oracle = Oracle.of(problems.x[b], problems.y[b], p, 0);
                oracle.assertClose(where, solved.w[b], ofW);
                double inverse = 0;
                for (int i = 0; i < p; i++) {
                    assertThat(Math.abs(solved.sigma[b][i] - oracle.sigma[i]))
                            .as(where)
                            .isLessThanOrEqualTo(32 * p * EPSILON * oracle.sigma[0]);
                    inverse = Math.hypot(inverse, 1 / oracle.sigma[i]);
                }
                double norm = frobenius(problems.x[b]);
                assertThat(Math.abs(solved.bounds[b][0][0] - norm)).as(where).isLessThanOrEqualTo(1e-13 * norm);
                assertThat(Math.abs(solved.bounds[b][0][1] - inverse)).as(where).isLessThanOrEqualTo(1e-11 * inverse);
            }
        }
    }

    /** X tall has the accuracy of Householder's method at any condition number, and more targets than fit beside X at a time. */
    @Test
    void tallProblemsMayBeIllConditioned() {
        for (int[] shape : new int[][] {{12, 6}, {40, 33}, {700, 3}}) {
            Problems problems = planted(52_000, 3, shape[0], shape[1], 45, shape[1], 1e9, FLOAT64);
            Solved solved = minimumNorm(problems);
            for (int b = 0; b < problems.size(); b++) {
                Oracle.of(problems.x[b], problems.y[b], shape[1], 0)
                        .assertClose("problem " + b + " of " + problems, solved.w[b], FLOAT64);
                assertThat(solved.bounds[b][0][1]).isFinite();
            }
        }
    }

    /** X wide has residuals at the level of rounding up to the limit that is documented, and no certificate beyond. */
    @Test
    void wideProblemsAreCorrectedOrRefused() {
        for (int[] shape : new int[][] {{2, 9}, {6, 12}, {33, 40}, {64, 64}}) {
            int n = shape[0];
            double limit = 1 / (4 * Math.sqrt(n * EPSILON));
            for (double condition : new double[] {1e3, limit / (4 * n), 30 * limit}) {
                Problems problems = planted(53_000 + n, 6, n, shape[1], 2, n, condition, FLOAT64);
                Solved solved = minimumNorm(problems);
                for (int b = 0; b < problems.size(); b++) {
                    String where = "problem " + b + " of " + problems + " κ=" + condition;
                    if (condition > limit && b % 3 != 0) {
                        assertThat(solved.bounds[b][0]).as(where).containsOnly(Double.NaN);
                        continue;
                    }
                    assertThat(solved.bounds[b][0][1]).as(where).isFinite();
                    double[][] residual = Dense.multiplySubtract(problems.x[b], solved.w[b], problems.y[b]);
                    for (int j = 0; j < 2; j++) {
                        double size = frobenius(problems.x[b]) * Dense.norm(Dense.column(solved.w[b], j));
                        assertThat(Dense.norm(Dense.column(residual, j)))
                                .as(where)
                                .isLessThanOrEqualTo(8 * Math.sqrt((double) n + shape[1]) * EPSILON * size);
                    }
                }
            }
        }
    }

    @Test
    void oneMatrixIsSharedByAllProblems() {
        for (int[] shape : new int[][] {{6, 12}, {12, 6}}) {
            Problems one = fullRank(54_000, 1, shape[0], shape[1], 3, FLOAT64);
            Problems several = fullRank(54_100, 5, shape[0], shape[1], 3, FLOAT64);
            Problems sharedX = new Problems(54_000, FLOAT64, picked(one.x, 0, 0, 0, 0, 0), several.y);
            Problems sharedY = new Problems(54_000, FLOAT64, several.x, picked(one.y, 0, 0, 0, 0, 0));
            try (MemoryScope inner = MemoryScope.open()) {
                Operand w = filled(inner, new Shape(5, shape[1], 3), 7, FLOAT64, ROW_MAJOR, false);
                Operand bounds = filled(inner, new Shape(5, 1, 2), 7, FLOAT64, ROW_MAJOR, false);
                solver.minimumNorm(
                        x(inner, one, ROW_MAJOR, true),
                        y(inner, several, ROW_MAJOR, false),
                        w.view(),
                        bounds.view(),
                        null);
                assertThat(w.download()).isDeepEqualTo(minimumNorm(sharedX).w);
                solver.minimumNorm(
                        x(inner, several, ROW_MAJOR, false),
                        y(inner, one, ROW_MAJOR, true),
                        w.view(),
                        bounds.view(),
                        null);
                assertThat(w.download()).isDeepEqualTo(minimumNorm(sharedY).w);
                assertThat(bounds.download()).isDeepEqualTo(minimumNorm(sharedY).bounds);
            }
        }
    }

    /** Shapes, numbers, layouts and ranks at random. */
    @Test
    void anyShapeAgreesWithAnIndependentLibrary() {
        long seed = 54_500;
        SplittableRandom random = new SplittableRandom(seed);
        for (int turn = 0; turn < 60; turn++) {
            int n = 1 + random.nextInt(24);
            int d = 1 + random.nextInt(60);
            int k = 1 + random.nextInt(4);
            int size = 1 + random.nextInt(9);
            int rank = 1 + random.nextInt(Math.min(n, d));
            Precision precision = Precision.values()[turn % 2];
            boolean full = turn % 3 > 0;
            Problems problems = full
                    ? fullRank(seed + turn, size, n, d, k, precision)
                    : planted(seed + turn, size, n, d, k, rank, 10, precision);
            double[][][] w;
            if (full) {
                rank = Math.min(n, d);
                w = minimumNorm(problems, LAYOUTS[turn / 2 % 2], turn % 5 > 0, turn % 4 == 0, FLOAT64).w;
            } else {
                int[] ranks = new int[size];
                Arrays.fill(ranks, rank);
                w = truncated(problems, identityOrder(size), ranks, 0, FLOAT64);
            }
            for (int b = 0; b < size; b++) {
                Oracle.of(problems.x[b], problems.y[b], rank, 0)
                        .assertClose("turn " + turn + ", rank " + rank + " of " + problems, w[b], FLOAT64);
            }
        }
    }

    // ---- company

    /** Places in which the same few problems are computed: alone, in twos, and in other orders. */
    private static int[][] companies(int size) {
        int[] reversed = IntStream.range(0, size).map(b -> size - 1 - b).toArray();
        int[] shuffled = IntStream.range(0, size).map(b -> (b * 7 + 3) % size).toArray();
        return new int[][] {reversed, shuffled, {0}, {size / 2}, {size - 1}, {size - 1, 1}, {3, 4, 5}};
    }

    @Test
    void resultsDoNotDependOnTheCompany() {
        int size = 17;
        for (int[] shape : new int[][] {{1, 1}, {5, 8}, {8, 5}, {33, 40}, {40, 33}}) {
            Problems all = fullRank(55_000, size, shape[0], shape[1], 2, FLOAT64);
            all.x[2][0][0] = Double.NaN;
            all.x[4] = Dense.scale(1e200, all.x[4]);
            all.x[7] = Dense.scale(0, all.x[7]);
            int p = Math.min(shape[0], shape[1]);
            int[] ranks = IntStream.range(0, size)
                    .map(b -> b == 2 ? -1 : b == 7 ? 0 : b % 4 == 0 ? p : Math.max(0, p - b % 4))
                    .toArray();
            Solved solved = minimumNorm(all);
            double[][][] truncated = truncated(all, identityOrder(size), nonNegative(ranks), 0.1, FLOAT64);
            double[][][] vectors = vectors(55_500, size, shape[1], 3);
            double[][][][] transformed = new double[3][][][];
            for (Transform transform : Transform.values()) {
                transformed[transform.ordinal()] = transform(transform, all, ranks, vectors);
            }
            for (int[] order : companies(size)) {
                String where = Arrays.toString(order) + " of " + all;
                Problems some = all.pick(order);
                int[] someRanks = Arrays.stream(order).map(b -> ranks[b]).toArray();
                Solved again = minimumNorm(some);
                double[][][] truncatedAgain =
                        truncated(some, identityOrder(order.length), nonNegative(someRanks), 0.1, FLOAT64);
                for (int i = 0; i < order.length; i++) {
                    again.assertSameBits("place " + i + " in " + where, i, solved, order[i]);
                    requireSameBits("truncated, place " + i + " in " + where, truncatedAgain[i], truncated[order[i]]);
                }
                for (Transform transform : Transform.values()) {
                    double[][][] transformedAgain = transform(transform, some, someRanks, picked(vectors, order));
                    for (int i = 0; i < order.length; i++) {
                        requireSameBits(
                                transform + " of problem " + order[i] + ", " + where,
                                transformedAgain[i],
                                transformed[transform.ordinal()][order[i]]);
                    }
                }
            }
        }
    }

    private static int[] identityOrder(int size) {
        return IntStream.range(0, size).toArray();
    }

    private static int[] nonNegative(int[] ranks) {
        return Arrays.stream(ranks).map(r -> Math.max(0, r)).toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 10, 20})
    void aBadProblemChangesOnlyItself(int at) {
        for (int[] shape : new int[][] {{6, 12}, {12, 6}, {5, 5}, {1, 3}, {3, 1}}) {
            int p = Math.min(shape[0], shape[1]);
            Problems good = fullRank(56_000, 21, shape[0], shape[1], 2, FLOAT64);
            Solved expected = minimumNorm(good);
            for (String plant :
                    new String[] {"NaN in X", "infinity in X", "NaN in Y", "infinity in Y", "zero", "repeated"}) {
                Problems bad = good.copy();
                switch (plant) {
                    case "NaN in X" -> bad.x[at][shape[0] - 1][shape[1] / 2] = Double.NaN;
                    case "infinity in X" -> bad.x[at][0][shape[1] - 1] = Double.NEGATIVE_INFINITY;
                    case "NaN in Y" -> bad.y[at][shape[0] / 2][0] = Double.NaN;
                    case "infinity in Y" -> bad.y[at][0][1] = Double.POSITIVE_INFINITY;
                    case "zero" -> bad.x[at] = Dense.scale(0, bad.x[at]);
                    default -> repeat(bad.x[at]);
                }
                Solved actual = minimumNorm(bad);
                String where = plant + " at " + at + " of " + bad;
                for (int b = 0; b < good.size(); b++) {
                    if (b != at) {
                        actual.assertSameBits("problem " + b + ", " + where, b, expected, b);
                    }
                }
                double[] bounds = actual.bounds[at][0];
                if (plant.equals("repeated")) {
                    assertThat(bounds[0] * bounds[1] <= 1e14 && p > 1).as(where).isFalse();
                } else {
                    assertThat(bounds).as(where).containsOnly(Double.NaN);
                }
                if (plant.endsWith("in X")) {
                    assertThat(actual.sigma[at]).as(where).containsOnly(Double.NaN);
                } else if (plant.equals("zero")) {
                    assertThat(Dense.norm(actual.sigma[at])).as(where).isZero();
                } else if (plant.equals("repeated") && p > 1) {
                    assertThat(actual.sigma[at][p - 1])
                            .as(where)
                            .isLessThanOrEqualTo(32 * p * EPSILON * actual.sigma[at][0]);
                }
            }
        }
    }

    /** Makes the first two lines of the short side equal. */
    private static void repeat(double[][] x) {
        if (x.length <= x[0].length) {
            x[x.length - 1] = x[0].clone();
        } else {
            for (double[] row : x) {
                row[row.length - 1] = row[0];
            }
        }
    }

    /** A power of two in X or Y changes results by a power of two, as long as they are in range, and nothing else. */
    @Test
    void extremeMagnitudesAreScaled() {
        for (int[] shape : new int[][] {{6, 12}, {12, 6}, {5, 5}, {1, 1}}) {
            Problems plain = fullRank(57_000, 4, shape[0], shape[1], 2, FLOAT64);
            Solved expected = minimumNorm(plain);
            for (double unit : new double[] {0x1p500, 0x1p-500, 0x1p1000, 0x1p-1000}) {
                for (double inY : new double[] {1, unit}) {
                    Problems scaled = plain.copy();
                    scaled.x[1] = Dense.scale(unit, plain.x[1]);
                    scaled.y[1] = Dense.scale(inY, plain.y[1]);
                    Solved actual = minimumNorm(scaled);
                    String where = unit + ", " + inY + " in " + plain;
                    if (inY == 1 && unit < 0x1p-600) {
                        // ‖W‖ is about 2¹⁰⁰⁰ and in range.
                        assertThat(Dense.norm(actual.w[1])).as(where).isFinite();
                    }
                    double[][] back = Dense.scale(unit / inY, actual.w[1]);
                    double[][] difference = Dense.subtract(back, expected.w[1]);
                    assertThat(frobenius(difference)).as(where).isLessThanOrEqualTo(1e-11 * frobenius(expected.w[1]));
                    assertThat(actual.bounds[1][0][0] / unit).as(where).isEqualTo(expected.bounds[1][0][0]);
                    assertThat(actual.bounds[1][0][1] * unit).as(where).isEqualTo(expected.bounds[1][0][1]);
                    for (int i = 0; i < expected.sigma[1].length; i++) {
                        assertThat(Math.abs(actual.sigma[1][i] / unit - expected.sigma[1][i]))
                                .as(where)
                                .isLessThanOrEqualTo(1e-13 * expected.sigma[1][0]);
                    }
                    for (int b : new int[] {0, 2, 3}) {
                        actual.assertSameBits(where, b, expected, b);
                    }
                }
            }
        }
    }

    @Test
    void denormalsAndOverflowsAreHonest() {
        Problems problems = fullRank(58_000, 4, 4, 6, 1, FLOAT64);
        problems.x[0] = Dense.scale(1e-320, problems.x[0]);
        problems.y[1] = Dense.scale(1e308, problems.y[1]);
        problems.x[1] = Dense.scale(1e-5, problems.x[1]);
        problems.y[2] = Dense.scale(1e-315, problems.y[2]);
        Solved solved = minimumNorm(problems);
        // 1/σ exceeds the range, and so does W.
        assertThat(solved.bounds[0][0]).containsOnly(Double.NaN);
        assertThat(solved.bounds[1][0]).containsOnly(Double.NaN);
        assertThat(solved.bounds[2][0][1]).isFinite();
        assertThat(frobenius(solved.w[2])).isBetween(1e-316, 1e-312);
        double norm = frobenius(problems.x[0]);
        assertThat(solved.sigma[0][0]).isBetween(norm / 3, norm);
        Solved narrow = minimumNorm(problems.pick(3, 3), ROW_MAJOR, true, false, Precision.FLOAT32);
        assertThat(narrow.bounds[0][0][1]).isFinite();
        problems.y[3] = Dense.scale(1e39, problems.y[3]);
        narrow = minimumNorm(problems.pick(3, 3), ROW_MAJOR, true, false, Precision.FLOAT32);
        assertThat(narrow.bounds[0][0]).containsOnly(Double.NaN);
    }

    // ---- singular values and truncated solutions

    @Test
    void singularValuesOfSomeProblems() {
        for (int[] shape : SHAPES) {
            int p = Math.min(shape[0], shape[1]);
            Problems problems = planted(59_000, 7, shape[0], shape[1], 1, Math.max(1, p - 2), 1e3, FLOAT64);
            problems.x[5][0][0] = Double.POSITIVE_INFINITY;
            for (int[] which : new int[][] {{}, {3}, {0, 1, 4, 5, 6}}) {
                try (MemoryScope inner = MemoryScope.open()) {
                    Operand sigma = filled(inner, new Shape(which.length, p, 1), 7, FLOAT64, COLUMN_MAJOR, framed());
                    solver.singularValues(x(inner, problems, next(LAYOUTS), framed()), which, sigma.view());
                    sigma.assertFrameUntouched();
                    double[][] values = columns(sigma.download());
                    for (int i = 0; i < which.length; i++) {
                        if (which[i] == 5) {
                            assertThat(values[i]).containsOnly(Double.NaN);
                            continue;
                        }
                        double[] expected = Oracle.of(problems.x[which[i]], problems.y[0], 0, 0).sigma;
                        for (int j = 0; j < p; j++) {
                            assertThat(Math.abs(values[i][j] - expected[j]))
                                    .as("problem " + which[i] + " of " + problems)
                                    .isLessThanOrEqualTo(32 * p * EPSILON * expected[0]);
                        }
                    }
                }
            }
        }
    }

    /** Problems that are not asked for keep a 7 in every entry. */
    private double[][][] truncated(Problems problems, int[] which, int[] ranks, double lambda, Precision ofW) {
        try (MemoryScope inner = MemoryScope.open()) {
            Operand w = filled(
                    inner,
                    new Shape(problems.size(), problems.d(), problems.k()),
                    7,
                    ofW,
                    which.length % 2 == 0 ? ROW_MAJOR : COLUMN_MAJOR,
                    true);
            solver.truncated(
                    x(inner, problems, ROW_MAJOR, true),
                    y(inner, problems, COLUMN_MAJOR, false),
                    which,
                    ranks,
                    lambda,
                    w.view());
            w.assertFrameUntouched();
            return w.download();
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.01})
    void truncatedSolutions(double lambda) {
        for (int[] shape : SHAPES) {
            int p = Math.min(shape[0], shape[1]);
            for (int rank : new int[] {p, Math.max(1, p / 2), 1}) {
                Problems problems = planted(60_000 + rank, 6, shape[0], shape[1], next(1, 3, 40), rank, 1e4, FLOAT64);
                if (shape[0] * shape[1] > 2000 && problems.k() > 3) {
                    continue;
                }
                int[] which = {0, 1, 3, 5};
                int[] ranks = {rank, rank, 0, rank};
                Precision ofW = next(FLOAT64, Precision.FLOAT32);
                double[][][] w = truncated(problems, which, ranks, lambda, ofW);
                for (int i = 0; i < which.length; i++) {
                    String where = "rank " + ranks[i] + " λ=" + lambda + " problem " + which[i] + " of " + problems;
                    Oracle.of(problems.x[which[i]], problems.y[which[i]], ranks[i], lambda)
                            .assertClose(where, w[which[i]], ofW);
                }
                for (int other : new int[] {2, 4}) {
                    for (double[] row : w[other]) {
                        assertThat(row).containsOnly(7);
                    }
                }
            }
        }
    }

    @Test
    void truncatedSolutionsThatDoNotExistAreNaN() {
        for (int[] shape : new int[][] {{4, 6}, {6, 4}}) {
            Problems problems = planted(61_000, 8, shape[0], shape[1], 20, 3, 10, FLOAT64);
            problems.x[1][0][0] = Double.NaN;
            problems.y[2][3][19] = Double.NEGATIVE_INFINITY;
            problems.x[3] = Dense.scale(0x1p-600, problems.x[3]);
            problems.x[4] = Dense.scale(1e-300, problems.x[4]);
            problems.y[4] = Dense.scale(1e300, problems.y[4]);
            problems.x[6] = Dense.scale(1e-20, problems.x[6]);
            problems.y[6] = Dense.scale(1e25, problems.y[6]);
            int[] which = {0, 1, 2, 3, 4, 6};
            int[] ranks = {3, 3, 3, 3, 3, 3};
            for (Precision ofW : Precision.values()) {
                double[][][] w = truncated(problems, which, ranks, 0, ofW);
                for (int b : new int[] {1, 2, 4, 6, 3}) {
                    boolean exists = ofW == FLOAT64 && (b == 6 || b == 3);
                    for (double[] row : w[b]) {
                        for (double entry : row) {
                            assertThat(Double.isNaN(entry)).as(b + " " + ofW).isEqualTo(!exists);
                        }
                    }
                }
                Oracle.of(problems.x[0], problems.y[0], 3, 0).assertClose("beside the bad ones", w[0], ofW);
            }
        }
    }

    @Test
    void anIterationThatDoesNotConvergeIsTriedOtherwise() {
        for (int[] shape : new int[][] {{4, 6}, {6, 4}}) {
            Problems problems = planted(62_000, 3, shape[0], shape[1], 2, 3, 10, FLOAT64);
            problems.x[1][0][0] = Double.NaN;
            int before = session.calls("svd");
            session.forgeStatus(1, 3);
            double[][][] w = truncated(problems, new int[] {0, 1, 2}, new int[] {3, 3, 3}, 0, FLOAT64);
            boolean another = session.svdAlgorithms().size() > 1;
            assertThat(session.calls("svd") - before).isEqualTo(another ? 3 : 1);
            for (int b : new int[] {0, 2}) {
                if (another) {
                    Oracle.of(problems.x[b], problems.y[b], 3, 0).assertClose("problem " + b, w[b], FLOAT64);
                } else {
                    assertThat(w[b][0][0]).isNaN();
                }
            }
            assertThat(w[1][0][0]).isNaN();
        }
    }

    // ---- bases

    private static double[][][] vectors(long seed, int batch, int d, int m) {
        double[][][] vectors = new double[batch][][];
        for (int b = 0; b < batch; b++) {
            vectors[b] = Dense.gaussian(new SplitMix64(seed + b), d, m);
        }
        return vectors;
    }

    private double[][][] transform(Transform transform, Problems problems, int[] ranks, double[][][] vectors) {
        try (MemoryScope inner = MemoryScope.open()) {
            Operand c = upload(
                    inner,
                    new Shape(problems.size(), problems.d(), vectors[0][0].length),
                    vectors,
                    FLOAT64,
                    vectors.length % 2 == 0 ? ROW_MAJOR : COLUMN_MAJOR,
                    true);
            solver.transform(transform, x(inner, problems, COLUMN_MAJOR, true), ranks, c.view());
            c.assertFrameUntouched();
            return c.download();
        }
    }

    @Test
    void basesAreOrthonormalAndSplitTheSpace() {
        for (int[] shape :
                new int[][] {{1, 1}, {1, 7}, {7, 1}, {5, 5}, {6, 12}, {12, 6}, {33, 40}, {40, 33}, {3, 200}}) {
            int d = shape[1];
            int p = Math.min(shape[0], d);
            int[] ranks = {p, Math.max(0, p - 1), p / 2, 0, -1};
            Problems problems = fullRank(63_000, ranks.length, shape[0], d, 1, FLOAT64);
            for (int b = 0; b < ranks.length - 1; b++) {
                problems.x[b] = ranks[b] == 0
                        ? new double[shape[0]][d]
                        : Planted.of(63_100 + b, shape[0], d, 1, ranks[b], Spectrum.STEEP, 100, 0, FLOAT64)
                                .x();
            }
            double[][][] identity = new double[ranks.length][][];
            Arrays.fill(identity, Reference.identity(d));
            double[][][] basis = transform(Transform.FROM_COORDINATES, problems, ranks, identity);
            double[][][] transposed = transform(Transform.TO_COORDINATES, problems, ranks, identity);
            double[][][] projector = transform(Transform.PROJECT_ON_NULL_SPACE, problems, ranks, identity);
            for (int b = 0; b < ranks.length; b++) {
                situation = "basis of rank " + ranks[b] + ", problem " + b + " of " + problems;
                if (ranks[b] < 0) {
                    assertThat(basis[b][d - 1][0]).isNaN();
                    assertThat(transposed[b][0][d - 1]).isNaN();
                    assertThat(projector[b][0][0]).isNaN();
                    continue;
                }
                double error = 8 * (d + 3) * EPSILON;
                assertOrthonormalColumns(basis[b], d, error);
                double[][] bt = Dense.transpose(basis[b], d);
                assertClose(new double[][][] {transposed[b]}, (q, i, j) -> bt[i][j], (q, i, j) -> error);
                double[][] nullBasis = Dense.columns(basis[b], ranks[b], d);
                double[][] expected = ranks[b] == d
                        ? Dense.zeros(d, d)
                        : Dense.multiply(nullBasis, Dense.transpose(nullBasis, d - ranks[b]));
                assertClose(new double[][][] {projector[b]}, (q, i, j) -> expected[i][j], (q, i, j) -> error);
                if (ranks[b] < d) {
                    assertThat(frobenius(Dense.multiply(problems.x[b], nullBasis)))
                            .as(situation)
                            .isLessThanOrEqualTo(error * 4 * frobenius(problems.x[b]));
                }
                if (ranks[b] == 0) {
                    assertThat(projector[b]).isDeepEqualTo(identity[b]);
                }
            }
        }
    }

    /** What is left of a vector that is nearly in the row space is small; it must be orthogonal to the row space all the same. */
    @Test
    void projectionsAreOrthogonalToRoundingOfTheResult() {
        for (int[] shape : new int[][] {{6, 12}, {12, 6}, {5, 5}, {33, 40}}) {
            int d = shape[1];
            int rank = Math.min(shape[0], d) - 1;
            Problems problems = planted(64_000, 4, shape[0], d, 1, rank, 10, FLOAT64);
            problems.x[2] = Dense.scale(0x1p700, problems.x[2]);
            double[][][] noise = vectors(64_500, 4, d, 2);
            double[][][] vectors = new double[4][][];
            for (int b = 0; b < 4; b++) {
                double unit = b == 2 ? 0x1p-700 : 1;
                double[][] row = Dense.multiply(
                        Dense.transpose(Dense.scale(unit, problems.x[b]), d), vectors(b, 1, shape[0], 2)[0]);
                vectors[b] = Dense.add(1, row, 1e-9, noise[b]);
            }
            vectors[3] = Dense.scale(0x1p900, vectors[3]);
            int[] ranks = {rank, rank, rank, rank};
            double[][][] projected = transform(Transform.PROJECT_ON_NULL_SPACE, problems, ranks, vectors);
            for (int b = 0; b < 4; b++) {
                double unit = b == 2 ? 0x1p-700 : 1;
                double[][] result = Dense.scale(b == 3 ? 0x1p-900 : 1, projected[b]);
                double[][] product = Dense.multiply(Dense.scale(unit, problems.x[b]), result);
                double size = frobenius(Dense.scale(unit, problems.x[b])) * frobenius(result);
                assertThat(frobenius(result)).isBetween(1e-11, 1e-8);
                assertThat(frobenius(product))
                        .as("problem " + b + " of " + problems)
                        .isLessThanOrEqualTo(16 * (d + 3) * EPSILON * size);
            }
        }
    }

    // ---- contract

    @Test
    void nothingIsLeftAndTheScratchIsWhatWasSaid() {
        for (int[] shape : new int[][] {{1, 1}, {6, 12}, {12, 6}, {33, 40}, {40, 33}, {64, 64}}) {
            for (int k : new int[] {1, 30}) {
                Problems problems = planted(
                        65_000, 20, shape[0], shape[1], k, Math.max(1, Math.min(shape[0], shape[1]) - 1), 10, FLOAT64);
                int[] ranks = new int[20];
                Arrays.fill(ranks, Math.min(shape[0], shape[1]) - 1);
                try (MemoryScope inner = MemoryScope.open()) {
                    Matrix x = x(inner, problems, ROW_MAJOR, false);
                    Matrix y = y(inner, problems, ROW_MAJOR, false);
                    Matrix w = session.allocate(inner, FLOAT64, 20, shape[1], k, ROW_MAJOR);
                    Matrix bounds = session.allocate(inner, FLOAT64, 20, 1, 2, ROW_MAJOR);
                    Matrix sigma = session.allocate(inner, FLOAT64, 20, Math.min(shape[0], shape[1]), 1, COLUMN_MAJOR);
                    long held = session.liveBytes();
                    assertThat(held).isGreaterThanOrEqualTo(session.peakBytes());
                    long allowed = solver.scratchBytes(20, shape[0], shape[1], k);
                    solver.minimumNorm(x, y, w, bounds, sigma);
                    solver.truncated(x, y, identityOrder(20), nonNegative(ranks), 0.1, w);
                    solver.singularValues(x, identityOrder(20), sigma);
                    for (Transform transform : Transform.values()) {
                        solver.transform(transform, x, ranks, w);
                    }
                    assertThat(session.peakBytes() - held)
                            .as("k=" + k + " " + problems)
                            .isLessThanOrEqualTo(allowed)
                            .isGreaterThan(allowed / 16);
                    assertThat(session.liveBytes()).isEqualTo(held);
                }
                session.close();
                scope.close();
                open();
                compose();
            }
        }
    }

    @Test
    void emptyBatchesAndWrongShapes() {
        Shape none = new Shape(0, 3, 5);
        Matrix x = filled(scope, none, 1, FLOAT64, ROW_MAJOR, false).view();
        Matrix y =
                filled(scope, new Shape(0, 3, 1), 1, FLOAT64, ROW_MAJOR, false).view();
        Matrix w =
                filled(scope, new Shape(0, 5, 1), 1, FLOAT64, ROW_MAJOR, false).view();
        Matrix bounds =
                filled(scope, new Shape(0, 1, 2), 1, FLOAT64, ROW_MAJOR, false).view();
        solver.minimumNorm(x, y, w, bounds, null);
        solver.transform(Transform.TO_COORDINATES, x, new int[0], w);
        Matrix two =
                filled(scope, new Shape(2, 3, 5), 1, FLOAT64, ROW_MAJOR, false).view();
        Matrix short2 =
                filled(scope, new Shape(2, 4, 1), 1, FLOAT64, ROW_MAJOR, false).view();
        Matrix w2 =
                filled(scope, new Shape(2, 5, 1), 1, FLOAT64, ROW_MAJOR, false).view();
        assertThatThrownBy(() -> solver.minimumNorm(two, short2, w2, bounds, null))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("minimumNorm: X is 2×3×5");
        assertThatThrownBy(() -> solver.transform(Transform.TO_COORDINATES, two, new int[1], w2))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("1 ranks for 2 problems");
        assertThatThrownBy(() -> solver.singularValues(two, new int[] {0}, w2))
                .isInstanceOf(ShapeMismatchException.class);
        assertThatThrownBy(() -> solver.truncated(two, short2, new int[] {0}, new int[] {1}, 0, w2))
                .isInstanceOf(ShapeMismatchException.class);
        assertThat(solver.covers(6, 12, 1)).isTrue();
        assertThat(solver.covers(64, 512, 64)).isTrue();
        for (long[] shape :
                new long[][] {{0, 5, 1}, {5, 5, 0}, {65, 65, 1}, {1, 5000, 1}, {64, 513, 1}, {16, 64, 600}}) {
            assertThat(solver.covers(shape[0], shape[1], shape[2]))
                    .as(Arrays.toString(shape))
                    .isFalse();
        }
    }
}
