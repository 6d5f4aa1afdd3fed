package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.hipparchus.linear.DecompositionSolver;
import org.hipparchus.linear.QRDecomposition;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.Session;
import org.nullspace.backend.openblas.SmallBatches.Form;
import org.nullspace.backend.openblas.SmallBatches.Planted;
import org.nullspace.matrix.Matrix;

/** Minimum-norm solutions of problems that are too large for lanes. */
class MediumProblemsTest {
    private static final int[][] SHAPES = {{40, 300}, {64, 512}, {300, 40}, {100, 100}, {64, 2000}, {2600, 1}, {1, 2600}
    };
    private static final Session SESSION = SmallBatches.session();
    private static final BatchSolver SOLVER = SmallBatches.solver(SESSION);

    @AfterAll
    static void close() {
        SESSION.close();
    }

    /** Results of one call. */
    private static final class Result {
        final Matrix w;
        final Matrix bounds;
        final Matrix sigma;

        Result(BatchSolver solver, Form form, Matrix x, Matrix y) {
            int size = (int) Math.max(x.batch(), y.batch());
            w = SmallBatches.empty(form, size, (int) x.columns(), (int) y.columns());
            bounds = SmallBatches.empty(form.wide(), size, 1, 2);
            sigma = SmallBatches.empty(form.wide(), size, (int) Math.min(x.rows(), x.columns()), 1);
            solver.minimumNorm(x, y, w, bounds, sigma);
        }

        Result(Form form, Matrix x, Matrix y) {
            this(SOLVER, form, x, y);
        }

        boolean isTrusted(int b) {
            return Double.isFinite(bounds.get(b, 0, 0)) && Double.isFinite(bounds.get(b, 0, 1));
        }

        double condition(int b) {
            return bounds.get(b, 0, 0) * bounds.get(b, 0, 1);
        }

        boolean isSame(int b, Result other, int c) {
            boolean same = bounds.problem(b).hasSameEntries(other.bounds.problem(c))
                    && sigma.problem(b).hasSameEntries(other.sigma.problem(c));
            return same && (!isTrusted(b) || w.problem(b).hasSameEntries(other.w.problem(c)));
        }
    }

    /** By Hipparchus: QR of a tall X, QR of XXᵀ with one step of refinement for a wide one. */
    private static RealMatrix oracle(RealMatrix x, RealMatrix y) {
        if (x.getRowDimension() > x.getColumnDimension()) {
            return new QRDecomposition(x).getSolver().solve(y);
        }
        DecompositionSolver gram = new QRDecomposition(x.multiplyTransposed(x)).getSolver();
        RealMatrix w = x.transposeMultiply(gram.solve(y));
        for (int pass = 0; pass < 2; pass++) {
            w = w.add(x.transposeMultiply(gram.solve(y.subtract(x.multiply(w)))));
        }
        return w;
    }

    private static double norm(RealMatrix a) {
        return a.getFrobeniusNorm();
    }

    @ParameterizedTest
    @EnumSource
    void solvesLikeAnIndependentLibrary(Form form) {
        long seed = 2026_12_01L + form.ordinal();
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : SHAPES) {
            for (int k : new int[] {1, 3}) {
                Matrix x = SmallBatches.random(random, form, 3, shape[0], shape[1]);
                Matrix y = SmallBatches.random(random, form, 3, shape[0], k);
                Result result = new Result(form, x, y);
                Matrix alone = SmallBatches.empty(form, 3, shape[1], k);
                Matrix bounds = SmallBatches.empty(Form.ROWS, 3, 1, 2);
                SOLVER.minimumNorm(x, y, alone, bounds, null);
                for (int b = 0; b < 3; b++) {
                    String where = shape[0] + "×" + shape[1] + ", k = " + k + ", problem " + b + ", seed " + seed;
                    RealMatrix exactX = SmallBatches.get(x, b);
                    RealMatrix exactY = SmallBatches.get(y, b);
                    assertThat(result.isTrusted(b)).as(where).isTrue();
                    assertThat(alone.problem(b).hasSameEntries(result.w.problem(b)))
                            .as("%s: without singular values", where)
                            .isTrue();
                    RealMatrix expected = oracle(exactX, exactY);
                    double residual = norm(exactY.subtract(exactX.multiply(expected)));
                    double size = norm(expected) + result.bounds.get(b, 0, 1) * residual;
                    double growth = result.condition(b) + Math.sqrt(Math.max(shape[0], shape[1]));
                    double allowed =
                            4 * SmallBatches.EPSILON * growth * size + form.precision.epsilon() * norm(expected);
                    assertThat(norm(SmallBatches.get(result.w, b).subtract(expected)))
                            .as(where)
                            .isLessThanOrEqualTo(allowed);
                    if (b == 0) {
                        requireSpectrum(where, exactX, result);
                    }
                }
            }
        }
    }

    /** Of problem 0, and the bounds. */
    private static void requireSpectrum(String where, RealMatrix x, Result result) {
        double[] expected = new SingularValueDecomposition(x).getSingularValues();
        double[] found = SmallBatches.get(result.sigma, 0).getColumn(0);
        double squares = 0;
        double root = Math.sqrt(Math.max(x.getRowDimension(), x.getColumnDimension()));
        for (int i = 0; i < expected.length; i++) {
            squares += 1 / (expected[i] * expected[i]);
            assertThat(Math.abs(found[i] - expected[i]))
                    .as("%s: singular value %d", where, i)
                    .isLessThanOrEqualTo(6 * (expected.length + root) * SmallBatches.EPSILON * expected[0]);
        }
        assertThat(result.bounds.get(0, 0, 0)).as(where).isCloseTo(norm(x), withinPercentage(1e-10));
        assertThat(result.bounds.get(0, 0, 1)).as(where).isCloseTo(Math.sqrt(squares), withinPercentage(1e-5));
    }

    @Test
    void illConditionedProblemsAreSolvedUntilTheyAreSingular() {
        long seed = 2026_12_10L;
        SplittableRandom random = new SplittableRandom(seed);
        double[] smallest = {1e-2, 1e-3, 1e-4, 3e-5, 1e-5, 1e-6, 1e-8, 1e-12, 0};
        for (int[] shape : new int[][] {{40, 300}, {300, 40}, {70, 70}}) {
            int p = Math.min(shape[0], shape[1]);
            Matrix x = SmallBatches.empty(Form.COLUMNS_WITH_GAPS, smallest.length, shape[0], shape[1]);
            Matrix y = SmallBatches.empty(Form.ROWS, smallest.length, shape[0], 2);
            Planted[] planted = new Planted[smallest.length];
            RealMatrix[] expected = new RealMatrix[smallest.length];
            for (int b = 0; b < smallest.length; b++) {
                double last = smallest[b];
                double[] sigma = IntStream.range(0, p)
                        .mapToDouble(i -> i == p - 1 ? last : Math.pow(Math.max(last, 1e-3), i / (p - 1.0)))
                        .toArray();
                planted[b] = new Planted(random, shape[0], shape[1], sigma);
                SmallBatches.set(x, b, planted[b].x);
                expected[b] = planted[b].v.multiply(SmallBatches.random(random, p, 2));
                SmallBatches.set(y, b, planted[b].x.multiply(expected[b]));
            }
            Result result = new Result(Form.ROWS, x, y);
            for (int b = 0; b < smallest.length; b++) {
                String where = shape[0] + "×" + shape[1] + ", smallest " + smallest[b] + ", seed " + seed;
                if (smallest[b] == 0) {
                    assertThat(result.isTrusted(b) && result.condition(b) < 1e14)
                            .as(where)
                            .isFalse();
                } else {
                    assertThat(result.isTrusted(b)).as(where).isTrue();
                    assertThat(result.condition(b)).as(where).isBetween((1 - 1e-3) / smallest[b], 2 * p / smallest[b]);
                    assertThat(norm(SmallBatches.get(result.w, b).subtract(expected[b])))
                            .as(where)
                            .isLessThanOrEqualTo(8 * SmallBatches.EPSILON * p / smallest[b] * norm(expected[b]));
                }
                double[] found = SmallBatches.get(result.sigma, b).getColumn(0);
                for (int i = 0; i < p; i++) {
                    assertThat(Math.abs(found[i] - planted[b].sigma[i]))
                            .as("%s: singular value %d", where, i)
                            .isLessThanOrEqualTo(6 * p * SmallBatches.EPSILON);
                }
            }
        }
    }

    @Test
    void sizesOfProblemsAndTargetsAreOfNoImportance() {
        long seed = 2026_12_11L;
        SplittableRandom random = new SplittableRandom(seed);
        int[][] scales = {
            {0, 0},
            {0, 498},
            {0, -498},
            {0, 1000},
            {0, -1000},
            {-250, 700},
            {250, -700},
            {498, 498},
            {-498, 0},
            {1000, 0}
        };
        for (int[] shape : new int[][] {{40, 300}, {300, 40}}) {
            RealMatrix one = SmallBatches.random(random, shape[0], shape[1]);
            RealMatrix target = SmallBatches.random(random, shape[0], 2);
            Matrix x = SmallBatches.empty(Form.ROWS, scales.length, shape[0], shape[1]);
            Matrix y = SmallBatches.empty(Form.ROWS, scales.length, shape[0], 2);
            for (int b = 0; b < scales.length; b++) {
                SmallBatches.set(x, b, power(one, scales[b][0]));
                SmallBatches.set(y, b, power(target, scales[b][1]));
            }
            Result result = new Result(Form.COLUMNS, x, y);
            RealMatrix expected = oracle(one, target);
            for (int b = 0; b < scales.length; b++) {
                String where = Arrays.toString(shape) + ", scales " + Arrays.toString(scales[b]) + ", seed " + seed;
                assertThat(result.isTrusted(b)).as(where).isTrue();
                RealMatrix found = power(SmallBatches.get(result.w, b), scales[b][0] - scales[b][1]);
                assertThat(norm(found.subtract(expected))).as(where).isLessThanOrEqualTo(1e-13 * norm(expected));
                double last = Math.scalb(result.sigma.get(b, 39, 0), -scales[b][0]);
                assertThat(last).as(where).isCloseTo(result.sigma.get(0, 39, 0), withinPercentage(1e-10));
            }
        }
    }

    private static RealMatrix power(RealMatrix a, int exponent) {
        RealMatrix out = a.copy();
        for (int i = 0; i < a.getRowDimension(); i++) {
            for (int j = 0; j < a.getColumnDimension(); j++) {
                out.setEntry(i, j, Math.scalb(a.getEntry(i, j), exponent));
            }
        }
        return out;
    }

    @Test
    void solutionsThatLeaveThePrecisionAreRefused() {
        SplittableRandom random = new SplittableRandom(2026_12_12L);
        Matrix x = SmallBatches.random(random, Form.ROWS, 3, 40, 300);
        Matrix y = SmallBatches.random(random, Form.ROWS, 3, 40, 1);
        SmallBatches.set(x, 1, power(SmallBatches.get(x, 1), -100));
        SmallBatches.set(y, 1, power(SmallBatches.get(y, 1), 100));
        Result narrow = new Result(Form.NARROW_COLUMNS_WITH_GAPS, x, y);
        assertThat(narrow.isTrusted(0)).isTrue();
        assertThat(narrow.isTrusted(1)).isFalse();
        assertThat(narrow.isTrusted(2)).isTrue();
        assertThat(new Result(Form.ROWS, x, y).isTrusted(1)).isTrue();
        SmallBatches.set(x, 1, power(SmallBatches.get(x, 1), -100));
        SmallBatches.set(y, 1, power(SmallBatches.get(y, 1), 900));
        assertThat(new Result(Form.ROWS, x, y).isTrusted(1)).isFalse();
    }

    @Test
    void entriesThatAreNotFiniteSpoilTheirProblemOnly() {
        for (int[] shape : new int[][] {{40, 300}, {300, 40}, {100, 100}}) {
            for (Form form : new Form[] {Form.ROWS, Form.COLUMNS_WITH_GAPS, Form.NARROW_ROWS}) {
                for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                    SplittableRandom random = new SplittableRandom(2026_12_13L);
                    Matrix x = SmallBatches.random(random, form, 9, shape[0], shape[1]);
                    Matrix y = SmallBatches.random(random, form, 9, shape[0], 2);
                    Result clean = new Result(form, x, y);
                    x.set(0, shape[0] - 1, 0, bad);
                    x.set(4, random.nextInt(shape[0]), random.nextInt(shape[1]), bad);
                    x.set(8, 0, shape[1] - 1, bad);
                    y.set(3, shape[0] - 1, 1, bad);
                    Result result = new Result(form, x, y);
                    for (int b = 0; b < 9; b++) {
                        String where = Arrays.toString(shape) + " " + form + ", " + bad + ", problem " + b;
                        double[] sigma = SmallBatches.entries(result.sigma, b);
                        if (b == 0 || b == 4 || b == 8) {
                            assertThat(result.isTrusted(b)).as(where).isFalse();
                            assertThat(sigma).as(where).containsOnly(Double.NaN);
                        } else if (b == 3) {
                            assertThat(result.isTrusted(b)).as(where).isFalse();
                            assertThat(sigma).as(where).containsExactly(SmallBatches.entries(clean.sigma, b));
                        } else {
                            assertThat(result.isSame(b, clean, b)).as(where).isTrue();
                        }
                    }
                }
            }
        }
    }

    @Test
    void resultsDoNotDependOnPlaceAndCompany() {
        long seed = 2026_12_14L;
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : new int[][] {{64, 512}, {61, 203}, {203, 61}, {97, 101}}) {
            for (int k : new int[] {1, 3}) {
                Matrix x = SmallBatches.random(random, Form.ROWS, 40, shape[0], shape[1]);
                Matrix y = SmallBatches.random(random, Form.COLUMNS, 40, shape[0], k);
                Result all = new Result(Form.ROWS, x, y);
                for (int b = 0; b < 40; b += 13) {
                    String where = Arrays.toString(shape) + ", k = " + k + ", problem " + b + ", seed " + seed;
                    Result alone = new Result(Form.ROWS, x.problem(b), y.problem(b));
                    assertThat(all.isSame(b, alone, 0)).as("%s: alone", where).isTrue();
                    // The same layout with gaps: other addresses, and others modulo the width of vectors.
                    Matrix elsewhere = SmallBatches.empty(Form.ROWS_WITH_GAPS, 3, shape[0], shape[1]);
                    Matrix target = SmallBatches.empty(Form.COLUMNS_WITH_GAPS, 3, shape[0], k);
                    for (int c = 0; c < 3; c++) {
                        elsewhere.problem(c).copyFrom(x.problem(c == 2 ? b : 0));
                        target.problem(c).copyFrom(y.problem(c == 2 ? b : 0));
                    }
                    Result last = new Result(Form.ROWS, elsewhere, target);
                    assertThat(all.isSame(b, last, 2))
                            .as("%s: in another batch", where)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void sharedOperandsAreThoseOfEachProblem() {
        SplittableRandom random = new SplittableRandom(2026_12_15L);
        for (int[] shape : new int[][] {{40, 300}, {300, 40}}) {
            for (Form form : new Form[] {Form.ROWS, Form.NARROW_COLUMNS_WITH_GAPS}) {
                Matrix x = SmallBatches.random(random, form, 20, shape[0], shape[1]);
                Matrix y = SmallBatches.random(random, form, 20, shape[0], 1);
                Result sharedX = new Result(form, x.problem(3), y);
                Result sharedY = new Result(form, x, y.problem(3));
                for (int b = 0; b < 20; b++) {
                    assertThat(sharedX.isSame(b, new Result(form, x.problem(3), y.problem(b)), 0))
                            .isTrue();
                    assertThat(sharedY.isSame(b, new Result(form, x.problem(b), y.problem(3)), 0))
                            .isTrue();
                }
            }
        }
    }

    /** Panels of reflections beside each other, ranks that change from problem to problem, one X for all. */
    @Test
    void transformsWithSharedFactors() {
        SplittableRandom random = new SplittableRandom(2026_12_16L);
        for (int[] shape : new int[][] {{100, 150}, {150, 100}}) {
            int d = shape[1];
            Matrix x = SmallBatches.random(random, Form.ROWS, 1, shape[0], d);
            int[] ranks = {100, 70, 70, 0, 33, -1, 99, 100};
            Matrix c = SmallBatches.random(random, Form.ROWS, ranks.length, d, 2);
            Matrix projected = c.copy(c.layout());
            SOLVER.transform(Transform.PROJECT_ON_NULL_SPACE, x, ranks, projected);
            RealMatrix v = new SingularValueDecomposition(SmallBatches.get(x, 0)).getV();
            for (int b = 0; b < ranks.length; b++) {
                String where = Arrays.toString(shape) + ", rank " + ranks[b];
                RealMatrix found = SmallBatches.get(projected, b);
                if (ranks[b] < 0) {
                    assertThat(SmallBatches.entries(projected, b)).as(where).containsOnly(Double.NaN);
                    continue;
                }
                RealMatrix exact = SmallBatches.get(c, b);
                RealMatrix expected = exact;
                if (ranks[b] > 0) {
                    RealMatrix rows = v.getSubMatrix(0, d - 1, 0, ranks[b] - 1);
                    expected = exact.subtract(rows.multiply(rows.transposeMultiply(exact)));
                }
                assertThat(norm(found.subtract(expected))).as(where).isLessThan(1e-10);
                Matrix alone = c.problem(b).copy(c.layout());
                SOLVER.transform(Transform.PROJECT_ON_NULL_SPACE, x, new int[] {ranks[b]}, alone);
                assertThat(alone.hasSameEntries(projected.problem(b))).as(where).isTrue();
            }
        }
    }

    @Test
    void allocatesNothingForAProblemAndCountsItsScratch() {
        SplittableRandom random = new SplittableRandom(2026_12_17L);
        try (Session session = new OpenBlasSession(new OpenBlasThreads(1))) {
            BatchSolver solver = SmallBatches.solver(session);
            Form form = Form.NARROW_COLUMNS_WITH_GAPS;
            Matrix x = SmallBatches.random(random, form, 200, 30, 100);
            Matrix y = SmallBatches.random(random, form, 200, 30, 2);
            Matrix few = SmallBatches.random(random, form, 20, 30, 100);
            Matrix fewY = SmallBatches.random(random, form, 20, 30, 2);
            new Result(solver, form, few, fewY);
            Matrix w = SmallBatches.empty(form, 200, 100, 2);
            Matrix bounds = SmallBatches.empty(Form.ROWS, 200, 1, 2);
            Matrix sigma = SmallBatches.empty(Form.ROWS, 200, 30, 1);
            Matrix fewW = SmallBatches.empty(form, 20, 100, 2);
            Matrix fewBounds = SmallBatches.empty(Form.ROWS, 20, 1, 2);
            Matrix fewSigma = SmallBatches.empty(Form.ROWS, 20, 30, 1);
            int[] all = SmallBatches.indices(200, true);
            int[] ranks = random.ints(200, 0, 31).toArray();
            int[] some = SmallBatches.indices(20, true);
            long more = bytes(() -> solver.minimumNorm(x, y, w, bounds, sigma))
                    - bytes(() -> solver.minimumNorm(few, fewY, fewW, fewBounds, fewSigma));
            assertThat(more).isLessThan(10_000);
            solver.truncated(few, fewY, some, Arrays.copyOf(ranks, 20), 0, fewW);
            more = bytes(() -> solver.truncated(x, y, all, ranks, 0, w))
                    - bytes(() -> solver.truncated(few, fewY, some, Arrays.copyOf(ranks, 20), 0, fewW));
            assertThat(more).isLessThan(10_000);
        }
        // X, its Gram matrix twice, a QR factorization, four square matrices and LAPACK's workspace at least.
        long entries = 2 * 64 * 512 + 6 * 64 * 64;
        assertThat(SOLVER.scratchBytes(1000, 64, 512, 1)).isBetween(3 * 8 * entries, 3 * 16 * entries);
        assertThat(SOLVER.scratchBytes(1, 64, 512, 1)).isEqualTo(SOLVER.scratchBytes(1000, 64, 512, 1) / 3);
    }

    /** Bytes that this thread allocates in Java's heap. */
    private static long bytes(Runnable work) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        work.run();
        return threads.getCurrentThreadAllocatedBytes() - before;
    }
}
