package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.Nullspace;
import org.nullspace.OnSession;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/**
 * What GRAM could get wrong where the rank is not full: it picks rows by a matrix that does not see singular values below √ε·σ₁, so whatever lies
 * between that and the cut-off must be noticed.
 */
abstract class LowRankGramConformance extends AgainstQr {
    private SolveOptions gram() {
        return new Mode(Method.GRAM, Precision.FLOAT64).on(options()).build();
    }

    private void requireSame(String where, double[][] x, Method method) {
        for (double[][] a : new double[][][] {x, Dense.transpose(x)}) {
            String shape = where + " " + a.length + "×" + a[0].length;
            requireSameAsQr(shape, a, Nullspace::solve, gram(), method, method == Method.GRAM ? 1 : 2);
        }
    }

    private static double[][] planted(long seed, int n, int d, double[] sigma) {
        return Planted.of(seed, n, d, 1, sigma, 0, Precision.FLOAT64).x();
    }

    @ParameterizedTest
    @CsvSource({
        "70, 300, 1, 1",
        "70, 300, 15, 10",
        "70, 300, 19, 1e3",
        "80, 80, 20, 1e2",
        "100, 400, 39, 1e4",
        "256, 600, 170, 10",
        "256, 300, 30, 1e4",
        "130, 3000, 60, 5"
    })
    void isQrOnExactlyDeficientMatrices(int n, int d, int rank, double condition) {
        double[] sigma = Spectrum.STEEP.values(rank, condition, 1);
        requireSame("κ " + condition, planted(71_000 + n + rank, n, d, sigma), Method.GRAM);
    }

    /** With more below the gap than rounding, the rank at the standard cut-off is full, and only a look at all of X shows it. */
    @Test
    void noticesWhatLiesBelowTheGap() {
        for (double noise : new double[] {1e-6, 1e-8, 1e-9, 1e-10, 1e-12}) {
            double[] sigma = new double[80];
            Arrays.fill(sigma, noise);
            Arrays.fill(sigma, 0, 20, 1);
            requireSame("noise " + noise, planted(71_100, 80, 400, sigma), Method.QR_SVD);
        }
        // A single direction in 80.
        for (double small : new double[] {1e-6, 1e-9, 1e-12}) {
            double[] sigma = new double[80];
            Arrays.fill(sigma, 0, 20, 1);
            sigma[20] = small;
            requireSame("one of " + small, planted(71_101, 80, 400, sigma), Method.QR_SVD);
        }
    }

    @Test
    void leavesSpectraWithoutAGapToOthers() {
        for (double least : new double[] {1e-9, 1e-12, 1e-15}) {
            double[] sigma = new double[70];
            for (int i = 0; i < 70; i++) {
                sigma[i] = Math.pow(least, i / 69.0);
            }
            requireSame("down to " + least, planted(71_200, 70, 300, sigma), Method.QR_SVD);
        }
    }

    @Test
    void takesRowsOfAnySizeAndOrder() {
        SplitMix64 random = new SplitMix64(72);
        double[][] base = Dense.multiply(Dense.gaussian(random, 96, 20), Dense.gaussian(random, 20, 300));
        double[][] zeros = Dense.copy(base);
        for (int i = 0; i < 96; i += 2) {
            Arrays.fill(zeros[i], 0);
        }
        requireSame("zero rows", zeros, Method.GRAM);
        double[][] twice = Dense.copy(base);
        for (int i = 1; i < 90; i++) {
            twice[i] = twice[i / 4].clone();
        }
        requireSame("repeated rows", twice, Method.GRAM);
        double[][] graded = Dense.copy(base);
        for (int i = 0; i < 96; i++) {
            for (int j = 0; j < 300; j++) {
                graded[i][j] *= Math.pow(10, -(i % 7));
            }
        }
        requireSame("rows from 1 to 10⁻⁶", graded, Method.GRAM);
        double[][] one = new double[96][300];
        one[57] = base[57];
        requireSame("a single row", one, Method.GRAM);
        for (double scale : new double[] {1e60, 1e-60}) {
            requireSame("times " + scale, Dense.scale(scale, base), Method.GRAM);
        }
    }

    @Test
    void decidesAtTheTolerance() {
        // 30 singular values from 1 to 10⁻³, cut in the middle.
        double[] sigma = Spectrum.STEEP.values(30, 1e3, 1);
        double[][] x = planted(71_300, 120, 500, sigma);
        double cutoff = Math.sqrt(sigma[17] * sigma[18]);
        SolveOptions options = gram().toBuilder()
                .rankTolerance(RankTolerance.relative(cutoff / sigma[0]))
                .build();
        try (SolutionSet s = solve(x, new double[120][1], options)) {
            assertThat(s.method()).isEqualTo(Method.GRAM);
            assertThat(s.rank()).isEqualTo(18);
            assertThat(s.rankDecision().sigmaNext()).isCloseTo(sigma[18], within(1e-13));
        }
    }

    @ParameterizedTest
    @EnumSource
    void takesBothPrecisions(Precision precision) {
        Planted p = Planted.of(71_400, 90, 500, 3, 25, Spectrum.STEEP, 10, 0, precision);
        SolveOptions options =
                options().rankTolerance(RankTolerance.relative(1e-5)).build();
        try (SolutionSet s = solve(p, options)) {
            assertThat(s.rank()).isEqualTo(25);
            // Rounding to float32 leaves more below the gap than the Gram matrix shows.
            assertThat(s.method()).isEqualTo(precision == Precision.FLOAT64 ? Method.GRAM : Method.QR_SVD);
        }
    }

    @Test
    void noticesThatTheGramMatrixIsWrong() {
        SplitMix64 random = new SplitMix64(73);
        double[][] x = Dense.multiply(Dense.gaussian(random, 80, 20), Dense.gaussian(random, 20, 300));
        requireCaught("a row is gone", x, g -> {
            for (int i = 0; i < g.length; i++) {
                for (int j = 0; j < g.length; j++) {
                    g[i][j] = i < 70 || j < 70 ? 0 : g[i][j];
                }
            }
        });
        requireCaught("the matrix is that of others", x, g -> {
            double[][] other = Dense.gaussian(new SplitMix64(1), 80, 10);
            double[][] square = Dense.multiply(other, Dense.transpose(other));
            for (int i = 0; i < g.length; i++) {
                g[i] = square[i].clone();
            }
        });
    }

    private void requireCaught(String where, double[][] x, Consumer<double[][]> change) {
        AtomicInteger calls = new AtomicInteger();
        Way way = (a, b, options) -> OnSession.solve(
                altered("gram", 3, g -> {
                    if (g.length == 80 && calls.getAndIncrement() == 0) {
                        change.accept(g);
                    }
                }),
                a,
                b,
                options);
        requireSameAsQr(where, x, way, gram(), Method.QR_SVD, 2);
    }

    @Test
    void givesTheSameBitsOnEveryRun() {
        Planted p = Planted.of(71_500, 100, 900, 2, 31, Spectrum.STEEP, 1e3, 0.1, Precision.FLOAT64);
        for (Layout layout : Layout.values()) {
            Matrix x = Matrix.of(p.x()).copy(layout);
            try (SolutionSet first = Nullspace.solve(x, Matrix.of(p.y()), gram())) {
                assertThat(first.method()).isEqualTo(Method.GRAM);
                for (int run = 0; run < 3; run++) {
                    try (SolutionSet s = Nullspace.solve(x, Matrix.of(p.y()), gram())) {
                        assertThat(s.minimumNorm().hasSameEntries(first.minimumNorm()))
                                .isTrue();
                        assertThat(s.singularValues()).isEqualTo(first.singularValues());
                    }
                }
            }
        }
    }
}
