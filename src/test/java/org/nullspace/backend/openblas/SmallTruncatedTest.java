package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Session;
import org.nullspace.backend.openblas.SmallBatches.Form;
import org.nullspace.backend.openblas.SmallBatches.Planted;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Solutions of small problems from their leading singular triplets. */
class SmallTruncatedTest {
    private static final int TARGETS = 3;
    private static final Session SESSION = SmallBatches.session();
    private static final BatchSolver SOLVER = SmallBatches.solver(SESSION);

    @AfterAll
    static void close() {
        SESSION.close();
    }

    /** V_r·diag(σ/(σ² + λ))·U_rᵀ·Y. */
    private static RealMatrix solution(RealMatrix u, double[] s, RealMatrix v, RealMatrix y, int rank, double lambda) {
        RealMatrix coefficients = u.transposeMultiply(y);
        for (int i = 0; i < coefficients.getRowDimension(); i++) {
            for (int t = 0; t < coefficients.getColumnDimension(); t++) {
                coefficients.multiplyEntry(i, t, i < rank ? s[i] / (s[i] * s[i] + lambda) : 0);
            }
        }
        return v.multiply(coefficients);
    }

    /** Error allowed for a backward stable method: that of the solution and that of a residual which a perturbed row space lets in. */
    private static double allowed(RealMatrix x, RealMatrix y, RealMatrix w, double[] s, int rank, double unit) {
        double last = s[rank - 1];
        double condition = s[0] / last;
        double gap = rank < s.length ? last / (last - s[rank]) : 1;
        double residual = y.subtract(x.multiply(w)).getFrobeniusNorm();
        return unit * s.length * condition * gap * (w.getFrobeniusNorm() + condition * residual / s[0]);
    }

    private static void requireClose(String where, Matrix w, int b, RealMatrix expected, double allowed) {
        double error = SmallBatches.get(w, b).subtract(expected).getFrobeniusNorm();
        assertThat(error).as(where).isLessThanOrEqualTo(allowed);
    }

    @ParameterizedTest
    @EnumSource
    void areThoseOfAnIndependentLibrary(Form form) {
        long seed = 2026_11_02L + form.ordinal();
        SplittableRandom random = new SplittableRandom(seed);
        int batch = 45;
        double unit = 16 * SmallBatches.EPSILON;
        for (int[] shape : SmallBatches.SHAPES) {
            int n = shape[0];
            int d = shape[1];
            int p = Math.min(n, d);
            Matrix x = SmallBatches.random(random, form, batch, n, d);
            Matrix y = SmallBatches.random(random, form, batch, n, TARGETS);
            for (double lambda : new double[] {0, 0.25}) {
                int[] which = SmallBatches.indices(batch, lambda > 0);
                int[] ranks = random.ints(which.length, 0, p + 1).toArray();
                Matrix w = SmallBatches.empty(form, batch, d, TARGETS);
                SOLVER.truncated(x, y, which, ranks, lambda, w);
                for (int b = 0; b < batch; b++) {
                    int at = Arrays.binarySearch(which, b);
                    RealMatrix found = SmallBatches.get(w, b);
                    if (at < 0) {
                        assertThat(SmallBatches.entries(w, b))
                                .as("not listed: %d", b)
                                .containsOnly(Double.NaN);
                        continue;
                    }
                    String where = n + "×" + d + ", problem " + b + ", rank " + ranks[at] + ", lambda " + lambda
                            + ", seed " + seed;
                    RealMatrix exactX = SmallBatches.get(x, b);
                    RealMatrix exactY = SmallBatches.get(y, b);
                    if (ranks[at] == 0) {
                        assertThat(found.getFrobeniusNorm()).as(where).isZero();
                        continue;
                    }
                    SingularValueDecomposition svd = new SingularValueDecomposition(exactX);
                    double[] s = svd.getSingularValues();
                    RealMatrix expected = solution(svd.getU(), s, svd.getV(), exactY, ranks[at], lambda);
                    double rounding = form.precision.epsilon() * expected.getFrobeniusNorm();
                    requireClose(
                            where, w, b, expected, allowed(exactX, exactY, expected, s, ranks[at], unit) + rounding);
                }
            }
        }
    }

    @Test
    void ofPlantedRankAreThoseThatWerePlanted() {
        long seed = 2026_11_20L;
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : SmallBatches.SHAPES) {
            int p = Math.min(shape[0], shape[1]);
            Planted[] planted = new Planted[p];
            Matrix x = SmallBatches.empty(Form.ROWS, p, shape[0], shape[1]);
            Matrix y = SmallBatches.random(random, Form.ROWS, p, shape[0], TARGETS);
            Matrix w = SmallBatches.empty(Form.COLUMNS, p, shape[1], TARGETS);
            for (int r = 1; r <= p; r++) {
                double ratio = random.nextDouble(1, 1e4);
                int rank = r;
                double[] sigma = IntStream.range(0, r)
                        .mapToDouble(i -> rank == 1 ? 1 : Math.pow(ratio, -i / (rank - 1.0)))
                        .toArray();
                planted[r - 1] = new Planted(random, shape[0], shape[1], sigma);
                SmallBatches.set(x, r - 1, planted[r - 1].x);
            }
            SOLVER.truncated(
                    x,
                    y,
                    SmallBatches.indices(p, true),
                    IntStream.rangeClosed(1, p).toArray(),
                    0,
                    w);
            for (int r = 1; r <= p; r++) {
                Planted one = planted[r - 1];
                RealMatrix exactY = SmallBatches.get(y, r - 1);
                RealMatrix expected = solution(one.u, one.sigma, one.v, exactY, r, 0);
                requireClose(
                        shape[0] + "×" + shape[1] + ", rank " + r + ", seed " + seed,
                        w,
                        r - 1,
                        expected,
                        allowed(one.x, exactY, expected, one.sigma, r, 16 * SmallBatches.EPSILON));
            }
        }
    }

    @Test
    void scaleWithTheProblem() {
        long seed = 2026_11_21L;
        SplittableRandom random = new SplittableRandom(seed);
        int[][] scales = {
            {-1000, -500}, {-600, -600}, {0, 900}, {900, 0}, {500, 1010}, {-1060, -400}, {1000, 1000}, {0, -1000}
        };
        for (int[] shape : new int[][] {{4, 9}, {9, 4}, {10, 300}, {300, 10}}) {
            Planted planted = new Planted(random, shape[0], shape[1], 1, 0.5, 0.01);
            RealMatrix target = SmallBatches.random(random, shape[0], 1);
            RealMatrix expected = solution(planted.u, planted.sigma, planted.v, target, 3, 0);
            RealMatrix ridge = solution(planted.u, planted.sigma, planted.v, target, 3, 0.125);
            Matrix x = SmallBatches.empty(Form.ROWS, scales.length, shape[0], shape[1]);
            Matrix y = SmallBatches.empty(Form.ROWS, scales.length, shape[0], 1);
            Matrix w = SmallBatches.empty(Form.ROWS, scales.length, shape[1], 1);
            for (int b = 0; b < scales.length; b++) {
                SmallBatches.set(x, b, power(planted.x, scales[b][0]));
                SmallBatches.set(y, b, power(target, scales[b][1]));
            }
            int[] ranks = new int[scales.length];
            Arrays.fill(ranks, 3);
            SOLVER.truncated(x, y, SmallBatches.indices(scales.length, true), ranks, 0, w);
            for (int b = 0; b < scales.length; b++) {
                // Below 2⁻¹⁰²² entries of X have lost digits when they were made.
                double unit = scales[b][0] < -1000 ? 1e-3 * Math.max(shape[0], shape[1]) : 1e-12;
                RealMatrix found = power(SmallBatches.get(w, b), scales[b][0] - scales[b][1]);
                assertThat(found.subtract(expected).getFrobeniusNorm())
                        .as("scale %d of %s, seed %d", b, Arrays.toString(shape), seed)
                        .isLessThan(unit * expected.getFrobeniusNorm());
            }
            SOLVER.truncated(x, y, new int[] {2}, new int[] {3}, 0.125, w);
            RealMatrix found = power(SmallBatches.get(w, 2), -scales[2][1]);
            assertThat(found.subtract(ridge).getFrobeniusNorm()).isLessThan(1e-13 * ridge.getFrobeniusNorm());
            // With λ far above σ², W = XᵀY/λ.
            SOLVER.truncated(x, y, new int[] {1}, new int[] {3}, 1, w);
            RealMatrix large = power(planted.x, -300).transposeMultiply(power(target, -300));
            RealMatrix tiny = power(SmallBatches.get(w, 1), 600);
            assertThat(tiny.subtract(large).getFrobeniusNorm()).isLessThanOrEqualTo(1e-14 * large.getFrobeniusNorm());
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
    void areNaNWhereThereIsNone() {
        SplittableRandom random = new SplittableRandom(2026_11_22L);
        for (int[] shape : new int[][] {{5, 8}, {8, 5}, {1, 3}, {3, 1}, {51, 52}, {301, 9}}) {
            for (Form form : new Form[] {Form.ROWS, Form.NARROW_COLUMNS_WITH_GAPS}) {
                Matrix x = SmallBatches.random(random, form, 70, shape[0], shape[1]);
                Matrix y = SmallBatches.random(random, form, 70, shape[0], 2);
                int[] which = SmallBatches.indices(70, true);
                int[] ranks = new int[70];
                Arrays.fill(ranks, 1);
                Matrix clean = SmallBatches.empty(form, 70, shape[1], 2);
                SOLVER.truncated(x, y, which, ranks, 0, clean);
                ranks[69] = 0;
                x.set(0, 0, shape[1] - 1, Double.NaN);
                y.set(32, shape[0] - 1, 1, Double.POSITIVE_INFINITY);
                x.set(69, shape[0] - 1, 0, Double.NEGATIVE_INFINITY);
                double most = form.precision == Precision.FLOAT32 ? 1e-30 : 1e-200;
                for (int i = 0; i < shape[0]; i++) {
                    y.set(33, i, 0, 1 / most);
                    for (int j = 0; j < shape[1]; j++) {
                        x.set(33, i, j, most);
                        x.set(34, i, j, 0);
                    }
                }
                Matrix w = SmallBatches.empty(form, 70, shape[1], 2);
                SOLVER.truncated(x, y, which, ranks, 0, w);
                for (int b = 0; b < 70; b++) {
                    if (b == 0 || (b >= 32 && b <= 34) || b == 69) {
                        assertThat(SmallBatches.entries(w, b))
                                .as("problem %d", b)
                                .containsOnly(Double.NaN);
                    } else {
                        assertThat(w.problem(b).hasSameEntries(clean.problem(b)))
                                .as("problem %d", b)
                                .isTrue();
                    }
                }
            }
        }
    }
}
