package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
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

/** Singular values of batches of small problems. */
class SmallSpectraTest {
    private static final Session SESSION = SmallBatches.session();
    private static final BatchSolver SOLVER = SmallBatches.solver(SESSION);

    @AfterAll
    static void close() {
        SESSION.close();
    }

    private static double[][] singularValues(Matrix x, int... which) {
        Matrix sigma = SmallBatches.empty(Form.ROWS, which.length, (int) Math.min(x.rows(), x.columns()), 1);
        SOLVER.singularValues(x, which, sigma);
        double[][] values = new double[which.length][];
        Arrays.setAll(values, i -> sigma.problem(i).columnToArray(0));
        return values;
    }

    private static void requireClose(String where, double[] found, double[] expected, double units) {
        double allowed = units * found.length * SmallBatches.EPSILON * expected[0];
        assertThat(found).as(where).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).as("%s, value %d", where, i).isCloseTo(expected[i], within(allowed));
        }
    }

    @ParameterizedTest
    @EnumSource
    void areThoseOfAnIndependentLibrary(Form form) {
        long seed = 2026_11_01L + form.ordinal();
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : SmallBatches.SHAPES) {
            Matrix x = SmallBatches.random(random, form, 45, shape[0], shape[1]);
            for (boolean all : new boolean[] {true, false}) {
                int[] which = SmallBatches.indices(45, all);
                double[][] found = singularValues(x, which);
                for (int i = 0; i < which.length; i++) {
                    String where = shape[0] + "×" + shape[1] + ", problem " + which[i] + ", seed " + seed;
                    double[] expected =
                            new SingularValueDecomposition(SmallBatches.get(x, which[i])).getSingularValues();
                    requireClose(where, found[i], expected, 6);
                }
            }
        }
    }

    @Test
    void arePlantedOnesInAllKindsOfSpectra() {
        long seed = 2026_11_10L;
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : SmallBatches.SHAPES) {
            int p = Math.min(shape[0], shape[1]);
            double[][] spectra = {
                spectrum(p, i -> 1),
                spectrum(p, i -> Math.pow(10, -15.0 * i / Math.max(1, p - 1))),
                spectrum(p, i -> i < (p + 1) / 2 ? 1 : 1e-8),
                spectrum(p, i -> i < (p + 1) / 2 ? 3 - 2.0 * i / p : 0),
                spectrum(p, i -> i == 0 ? 1 : 1e-14),
                spectrum(p, i -> 1 + 1e-13 * (p - i)),
                spectrum(p, i -> 1.0 / (1 + i)),
                spectrum(p, i -> i == p - 1 ? 1e-3 : 1),
            };
            for (double scale : new double[] {1, 0x1p-500, 0x1p500, 0x1p-980, 0x1p1000}) {
                Matrix x = SmallBatches.empty(Form.COLUMNS, spectra.length, shape[0], shape[1]);
                for (int b = 0; b < spectra.length; b++) {
                    Planted planted = new Planted(random, shape[0], shape[1], spectra[b]);
                    SmallBatches.set(x, b, planted.x.scalarMultiply(scale));
                }
                double[][] found = singularValues(x, SmallBatches.indices(spectra.length, true));
                for (int b = 0; b < spectra.length; b++) {
                    double[] expected =
                            Arrays.stream(spectra[b]).map(s -> s * scale).toArray();
                    requireClose(
                            shape[0] + "×" + shape[1] + ", spectrum " + b + ", scale " + scale + ", seed " + seed,
                            found[b],
                            expected,
                            8);
                }
            }
        }
    }

    private static double[] spectrum(int p, java.util.function.IntToDoubleFunction value) {
        return IntStream.range(0, p).mapToDouble(value).toArray();
    }

    @Test
    void ofExactlySingularAndZeroProblems() {
        Matrix x = SmallBatches.empty(Form.ROWS, 6, 4, 7);
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 7; j++) {
                x.set(0, i, j, 0);
                x.set(1, i, j, 1);
                x.set(2, i, j, i == j ? i : 0);
                x.set(3, i, j, i == 2 && j == 5 ? -3 : 0);
                x.set(4, i, j, i == j ? Math.pow(10, -100 * i) : 0);
                x.set(5, i, j, Double.MIN_VALUE * (i == j ? 1 + i : 0));
            }
        }
        double[][] found = singularValues(x, 0, 1, 2, 3, 4, 5);
        assertThat(found[0]).containsExactly(0, 0, 0, 0);
        requireClose("ones", found[1], new double[] {Math.sqrt(28), 0, 0, 0}, 4);
        requireClose("diagonal", found[2], new double[] {3, 2, 1, 0}, 4);
        requireClose("one entry", found[3], new double[] {3, 0, 0, 0}, 4);
        requireClose("graded", found[4], new double[] {1, 1e-100, 1e-200, 1e-300}, 4);
        assertThat(found[5])
                .containsExactly(4 * Double.MIN_VALUE, 3 * Double.MIN_VALUE, 2 * Double.MIN_VALUE, Double.MIN_VALUE);
    }

    @Test
    void areNaNWhereAnEntryIsNotFiniteOrTheyLeaveTheNumberFormat() {
        long seed = 2026_11_11L;
        for (int[] shape : SmallBatches.SHAPES) {
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                SplittableRandom random = new SplittableRandom(seed);
                Matrix x = SmallBatches.random(random, Form.ROWS, 70, shape[0], shape[1]);
                int[] which = SmallBatches.indices(70, true);
                double[][] clean = singularValues(x, which);
                for (int b : new int[] {0, 33, 69}) {
                    x.set(b, random.nextInt(shape[0]), random.nextInt(shape[1]), bad);
                }
                double[][] found = singularValues(x, which);
                for (int b = 0; b < 70; b++) {
                    if (b == 0 || b == 33 || b == 69) {
                        assertThat(found[b]).as("problem %d", b).containsOnly(Double.NaN);
                    } else {
                        assertThat(found[b]).as("problem %d", b).containsExactly(clean[b]);
                    }
                }
            }
        }
        for (int[] shape : new int[][] {{2, 3}, {10, 300}}) {
            Matrix large = SmallBatches.empty(Form.ROWS, 1, shape[0], shape[1]);
            SESSION.fill(large, Double.MAX_VALUE);
            assertThat(singularValues(large, 0)[0]).containsOnly(Double.NaN);
        }
    }

    @Test
    void comeWithTheSolutionToTheBit() {
        long seed = 2026_11_12L;
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : SmallBatches.SHAPES) {
            int n = shape[0];
            int d = shape[1];
            Matrix x = SmallBatches.random(random, Form.ROWS, 50, n, d);
            Matrix y = SmallBatches.random(random, Form.ROWS, 50, n, 2);
            x.set(7, 0, 0, Double.NaN);
            y.set(9, 0, 0, Double.NaN);
            SESSION.fill(x.problem(11), 0);
            Matrix[] w = {SmallBatches.empty(Form.ROWS, 50, d, 2), SmallBatches.empty(Form.ROWS, 50, d, 2)};
            Matrix[] bounds = {SmallBatches.empty(Form.ROWS, 50, 1, 2), SmallBatches.empty(Form.ROWS, 50, 1, 2)};
            Matrix sigma = SmallBatches.empty(Form.COLUMNS_WITH_GAPS, 50, Math.min(n, d), 1);
            SOLVER.minimumNorm(x, y, w[0], bounds[0], null);
            SOLVER.minimumNorm(x, y, w[1], bounds[1], sigma);
            assertThat(w[1].hasSameEntries(w[0]))
                    .as("%d×%d, seed %d", n, d, seed)
                    .isTrue();
            assertThat(bounds[1].hasSameEntries(bounds[0])).isTrue();
            double[][] alone = singularValues(x, SmallBatches.indices(50, true));
            for (int b = 0; b < 50; b++) {
                double[] found = sigma.problem(b).columnToArray(0);
                if (b == 7 || SmallProblems.areSmall(n, d)) {
                    assertThat(found).as("problem %d", b).containsExactly(alone[b]);
                } else {
                    // Those of the Cholesky factor, where they are good enough.
                    requireClose("problem " + b, found, alone[b], 6);
                }
            }
            assertThat(alone[7]).containsOnly(Double.NaN);
            assertThat(alone[9]).doesNotContain(Double.NaN);
            assertThat(alone[11]).containsOnly(0);
        }
    }

    @Test
    void ofOneSharedProblemAreFoundForAll() {
        SplittableRandom random = new SplittableRandom(2026_11_13L);
        Matrix x = SmallBatches.random(random, Form.ROWS, 1, 4, 9);
        Matrix y = SmallBatches.random(random, Form.ROWS, 100, 4, 1);
        Matrix w = SmallBatches.empty(Form.ROWS, 100, 9, 1);
        Matrix bounds = SmallBatches.empty(Form.ROWS, 100, 1, 2);
        Matrix sigma = SmallBatches.empty(Form.ROWS, 100, 4, 1);
        SOLVER.minimumNorm(x, y, w, bounds, sigma);
        double[] alone = singularValues(x, 0)[0];
        Matrix one = SmallBatches.empty(Form.ROWS, 1, 9, 1);
        for (int b = 0; b < 100; b++) {
            assertThat(sigma.problem(b).columnToArray(0)).as("problem %d", b).containsExactly(alone);
            SOLVER.minimumNorm(x, y.problem(b), one, bounds.problem(0), null);
            assertThat(w.problem(b).hasSameEntries(one)).as("problem %d", b).isTrue();
        }
    }
}
