package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.Nullspace;
import org.nullspace.OnSession;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/**
 * What a sketch could get wrong: ranks near the cut-off however ill-conditioned X is, matrices that sparse sketches are weak at, and sketches
 * that have missed something. Wherever the test does not say otherwise, SKETCH must have had the last word itself.
 */
abstract class SketchConformance extends AgainstQr {
    private SolveOptions.Builder sketch() {
        return new Mode(Method.SKETCH, Precision.FLOAT64).on(options());
    }

    private static double[] spectrum(int above, double least, int below, double most) {
        double[] sigma = new double[above + below];
        for (int i = 0; i < above; i++) {
            sigma[i] = above == 1 ? 1 : Math.pow(least, i / (above - 1.0));
        }
        for (int i = above; i < sigma.length; i++) {
            sigma[i] = most * (1 - 1e-3 * (i - above));
        }
        return sigma;
    }

    /** Gaps of 10 on either side of the cut-off, condition numbers of 10/cut-off in all. */
    @Test
    void findsThePlantedRankAtEveryCutoff() {
        long seed = 61_000;
        for (int[] shape : new int[][] {{40, 400}, {400, 40}, {64, 260}, {20, 3000}, {90, 100}}) {
            int p = Math.min(shape[0], shape[1]);
            for (double cutoff : new double[] {1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-13, 1e-14}) {
                for (int rank : new int[] {p - 1, p / 2, 2}) {
                    double[] sigma = spectrum(rank, 10 * cutoff, p - rank, cutoff / 10);
                    Planted problem = Planted.of(seed++, shape[0], shape[1], 1, sigma, 0, Precision.FLOAT64);
                    SolveOptions options = sketch().rankTolerance(RankTolerance.relative(cutoff))
                            .build();
                    try (SolutionSet s = solve(problem, options)) {
                        String where = "cut-off " + cutoff + ", rank " + rank + ", " + problem + s.history();
                        assertThat(s.rank()).as(where).isEqualTo(rank);
                        // At 10⁻¹⁴ the certificate need not reach down to the cut-off.
                        if (cutoff > 2e-14) {
                            assertThat(s.method()).as(where).isEqualTo(Method.SKETCH);
                        }
                        double[] found = s.singularValues();
                        for (int i = 0; i < p; i++) {
                            Checks.atMost(
                                    "singular value",
                                    where,
                                    Math.abs(found[i] - sigma[i]),
                                    SolverConformance.ROOM * 0x1p-52 * Math.sqrt(p));
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void findsThePlantedRankAtTheStandardCutoff(Precision precision) {
        long seed = 62_000;
        for (int[] shape : new int[][] {{40, 400}, {400, 40}, {100, 800}, {30, 30}}) {
            int p = Math.min(shape[0], shape[1]);
            double cutoff = standardCutoff(shape[0], shape[1], precision, Precision.FLOAT64);
            for (int rank : new int[] {p - 1, p / 2, 3}) {
                double[] sigma = spectrum(rank, 10 * cutoff, p - rank, cutoff / 10);
                Planted problem = Planted.of(seed++, shape[0], shape[1], 1, sigma, 0, precision);
                try (SolutionSet s = solve(problem, sketch().build())) {
                    assertThat(s.rank()).as(problem + " " + s.history()).isEqualTo(rank);
                    assertThat(s.method()).as(problem + " " + s.history()).isEqualTo(Method.SKETCH);
                }
            }
        }
    }

    @Test
    void separatesClustersAtTheCutoff() {
        long seed = 63_000;
        for (double cutoff : new double[] {1e-3, 1e-7, 1e-11}) {
            for (int[] shape : new int[][] {{50, 500}, {300, 45}}) {
                int p = Math.min(shape[0], shape[1]);
                double[] sigma = spectrum(p / 3, 0.1, 0, 0);
                sigma = Arrays.copyOf(sigma, p);
                for (int i = p / 3; i < p; i++) {
                    double side = i < p / 2 ? 1.05 : 1 / 1.05;
                    sigma[i] = cutoff * side * (1 - 1e-5 * i);
                }
                Planted problem = Planted.of(seed++, shape[0], shape[1], 2, sigma, 0.1, Precision.FLOAT64);
                SolveOptions options =
                        sketch().rankTolerance(RankTolerance.relative(cutoff)).build();
                try (SolutionSet s = solve(problem, options)) {
                    assertThat(s.rank()).as(problem + " " + s.history()).isEqualTo(p / 2);
                    assertThat(s.method()).as(problem + " " + s.history()).isEqualTo(Method.SKETCH);
                }
            }
        }
    }

    // ---- coherent matrices

    private static double[][] diagonal(int q, int p, double ratio) {
        double[][] a = new double[q][p];
        for (int i = 0; i < p; i++) {
            a[i][i] = Math.pow(ratio, i);
        }
        return a;
    }

    /** Tall matrices of which a few rows or columns carry everything. */
    private static Map<String, double[][]> coherent() {
        int q = 480;
        int p = 60;
        SplitMix64 random = new SplitMix64(7);
        Map<String, double[][]> all = new LinkedHashMap<>();
        all.put("identity above zeros", diagonal(q, p, 1));
        double[][] last = new double[q][];
        double[][] graded = diagonal(q, p, 0.7);
        for (int i = 0; i < q; i++) {
            last[q - 1 - i] = graded[i];
        }
        all.put("graded diagonal below zeros", last);
        double[][] huge = Dense.gaussian(random, q, p);
        huge[77] = Dense.scale(1e8, huge)[77];
        all.put("one huge row", huge);
        double[][] few = new double[q][p];
        for (int i = 0; i < 25; i++) {
            few[19 * i] = Dense.gaussian(random, 1, p)[0];
        }
        all.put("25 rows that are not zero", few);
        double[][] one = new double[q][p];
        one[401] = Dense.gaussian(random, 1, p)[0];
        all.put("one row that is not zero", one);
        double[][] twice = Dense.gaussian(random, q, p);
        for (int i = 1; i < q; i += 2) {
            twice[i] = twice[i - 1];
        }
        all.put("every row twice", twice);
        double[][] columns = Dense.gaussian(random, q, p);
        for (double[] row : columns) {
            for (int j = 0; j < p / 2; j++) {
                row[j + p / 2] = row[j];
            }
        }
        all.put("every column twice", columns);
        double[][] holes = Dense.gaussian(random, q, p);
        for (int i = 0; i < q; i++) {
            for (int j = 0; j < p; j++) {
                holes[i][j] = j % 3 == 0 || i % 5 == 0 ? 0 : holes[i][j];
            }
        }
        all.put("zero rows and columns", holes);
        double[][] block = Dense.scale(1e-6, Dense.gaussian(random, q, p));
        for (int i = 0; i < p / 2; i++) {
            block[8 * i][i] += 1;
        }
        all.put("half an identity in small noise", block);
        double[][] single = Dense.gaussian(random, q, p);
        for (int i = 0; i < q; i++) {
            single[i][5] = i == 300 ? 1e-3 : 0;
        }
        all.put("a column with one small entry", single);
        return all;
    }

    @Test
    void takesCoherentMatricesLikeAnyOther() {
        coherent().forEach((name, a) -> {
            for (double[][] x : new double[][][] {a, Dense.transpose(a)}) {
                requireSameAsQr(name + " " + x.length + "×" + x[0].length, x, Nullspace::solve, true);
            }
        });
    }

    private void requireSameAsQr(String where, double[][] x, Way way, boolean certified) {
        SolveOptions options = sketch().build();
        requireSameAsQr(where, x, way, options, certified ? Method.SKETCH : Method.QR_SVD, certified ? 1 : 2);
    }

    // ---- sketches that have missed something

    /** What a sketch has missed is noticed, and left to QR_SVD or found in X itself. */
    private void requireCaught(String where, double[][] x, boolean full, Consumer<double[][]> change) {
        Way way = (a, b, options) -> OnSession.solve(altered("sketch", 2, change), a, b, options);
        if (full) {
            requireSameAsQr(where, x, way, false);
        } else {
            requireSameAsQr(where, x, way, sketch().build(), null, 0);
        }
    }

    /** Cholesky QR of a preconditioned matrix whose Gram matrix has lost digits is not orthonormal: once more, then. */
    @Test
    void makesOrthonormalWhatIsNot() {
        SplitMix64 random = new SplitMix64(18);
        double[][] x = Dense.multiply(Dense.gaussian(random, 40, 25), Dense.gaussian(random, 25, 500));
        for (double loss : new double[] {0, 1e-12, 1e-7}) {
            AtomicInteger calls = new AtomicInteger();
            Way way = (a, b, options) -> OnSession.solve(
                    altered("gram", 3, g -> {
                        if (calls.getAndIncrement() == 0) {
                            g[0][0] *= 1 + loss;
                        }
                    }),
                    a,
                    b,
                    options);
            requireSameAsQr("loss of " + loss, x, way, true);
            assertThat(calls.get()).as("Gram matrices, loss of " + loss).isEqualTo(loss == 0 ? 1 : 2);
        }
    }

    @Test
    void noticesThatASketchHasMissedSomething() {
        SplitMix64 random = new SplitMix64(17);
        double[][] fullRank = Dense.gaussian(random, 40, 500);
        double[][] tallFullRank = Dense.transpose(fullRank);
        double[][] deficient = Dense.multiply(Dense.gaussian(random, 40, 25), Dense.gaussian(random, 25, 500));
        for (double[][] x : new double[][][] {fullRank, deficient, tallFullRank, Dense.transpose(deficient)}) {
            boolean full = x == fullRank || x == tallFullRank;
            requireCaught("a column is gone", x, full, y -> setColumn(y, 3, null));
            requireCaught("two columns are one", x, full, y -> setColumn(y, 3, 4));
            requireCaught("only the first 20 rows are there", x, full, y -> {
                for (int i = 20; i < y.length; i++) {
                    Arrays.fill(y[i], 0);
                }
            });
            requireCaught("only one row is there", x, full, y -> {
                for (int i = 1; i < y.length; i++) {
                    Arrays.fill(y[i], 0);
                }
            });
            requireCaught("the sketch is of another matrix of low rank", x, full, y -> {
                double[][] other = Dense.multiply(
                        Dense.gaussian(new SplitMix64(1), y.length, 5),
                        Dense.gaussian(new SplitMix64(2), 5, y[0].length));
                for (int i = 0; i < y.length; i++) {
                    y[i] = other[i];
                }
            });
        }
        // A direction of size 10⁻⁹, far above the cut-off of 10⁻¹³ and far below everything else.
        double[][] small = Planted.of(64_000, 30, 400, 1, spectrum(29, 0.5, 1, 1e-9), 0, Precision.FLOAT64)
                .x();
        requireCaught("a small direction is gone", small, true, y -> {
            double[][] noise = Dense.multiply(
                    Dense.gaussian(new SplitMix64(1), y.length, 29), Dense.gaussian(new SplitMix64(2), 29, 30));
            for (int i = 0; i < y.length; i++) {
                y[i] = noise[i];
            }
        });
    }

    private static void setColumn(double[][] y, int j, @org.jspecify.annotations.Nullable Integer from) {
        for (double[] row : y) {
            row[j] = from == null ? 0 : row[from];
        }
    }

    @Test
    void noticesNumbersThatAreNone() {
        double[][] x = Dense.gaussian(new SplitMix64(18), 20, 200);
        requireCaught("a NaN in the sketch alone", x, true, y -> y[0][0] = Double.NaN);
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            double[][] broken = Dense.copy(x);
            broken[7][150] = bad;
            try (SolutionSet s = Nullspace.solve(
                    Storage.ROW_MAJOR.of(broken, 200, Precision.FLOAT64),
                    Matrix.of(new double[20][1]),
                    sketch().build())) {
                assertThat(s.outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                assertThat(s.history()).hasSize(1);
            }
        }
    }

    // ---- when it has its turn

    @Test
    void leavesCutoffsBelowTheRoundingLevelToOthers() {
        Planted p = Planted.of(64_100, 30, 300, 1, 12, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (RankTolerance tolerance : new RankTolerance[] {RankTolerance.relative(0), RankTolerance.relative(1e-17)}) {
            try (SolutionSet s = solve(p, sketch().rankTolerance(tolerance).build())) {
                assertThat(s.method()).isEqualTo(Method.QR_SVD);
                assertThat(s.history().get(0)).startsWith("SKETCH: the cut-off");
                assertThat(s.history()).hasSize(2);
            }
        }
    }

    @Test
    void hasItsTurnWhereALowRankIsInSight() {
        SplitMix64 random = new SplitMix64(19);
        int p = 256;
        int q = 1100;
        // From 1 down to what a Gram matrix does not see any more, without a gap.
        double[][] low = Planted.of(64_400, p, q, 1, spectrum(60, 1e-11, 0, 0), 0, Precision.FLOAT64)
                .x();
        requireHistory(low, 60, Method.SKETCH, "GRAM: the Gram", "SKETCH: rank 60 of 256");
        double[][] high = Dense.multiply(Dense.gaussian(random, p, 200), Dense.gaussian(random, 200, q));
        requireHistory(high, 200, Method.QR_SVD, "GRAM: the Gram", "SKETCH: left out", "QR_SVD: rank 200 of 256");
        // Low to the Gram matrix, which sees half of the digits; not so low to the sketch.
        double[][] misleading = Planted.of(64_401, p, q, 1, spectrum(150, 1e-13, 0, 0), 0, Precision.FLOAT64)
                .x();
        try (SolutionSet s = solve(misleading, new double[p][1], options().build())) {
            assertThat(s.method()).isEqualTo(Method.QR_SVD);
            assertThat(s.history()).hasSize(3);
            assertThat(s.history().get(1)).startsWith("SKETCH: a rank of some").endsWith("is too high for it to pay");
        }
        // A gap, and noise below it: no reason to expect a low rank.
        double[][] noisy = Planted.of(64_402, p, q, 1, spectrum(30, 1e-3, 226, 1e-9), 0, Precision.FLOAT64)
                .x();
        requireHistory(noisy, 256, Method.QR_SVD, "GRAM: the Gram", "SKETCH: left out", "QR_SVD: rank 256 of 256");
        double[][] full = Dense.gaussian(random, p, q);
        requireHistory(full, 256, Method.GRAM, "GRAM: full rank");
    }

    private void requireHistory(double[][] x, int rank, Method method, String... history) {
        try (SolutionSet s = solve(x, new double[x.length][1], options().build())) {
            assertThat(s.rank()).as(s.history().toString()).isEqualTo(rank);
            assertThat(s.method()).isEqualTo(method);
            assertThat(s.history()).hasSize(history.length);
            for (int i = 0; i < history.length; i++) {
                assertThat(s.history().get(i)).startsWith(history[i]);
            }
        }
    }

    @Test
    void decidesByTheGapToo() {
        for (int rank : new int[] {12, 29}) {
            Planted p = Planted.of(64_200, 30, 300, 1, rank, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
            try (SolutionSet s =
                    solve(p, sketch().rankTolerance(RankTolerance.gap()).build())) {
                assertThat(s.method()).isEqualTo(Method.SKETCH);
                assertThat(s.rank()).isEqualTo(rank);
            }
        }
    }

    @Test
    void givesTheSameBitsOnEveryRun() {
        Planted p = Planted.of(64_300, 70, 900, 2, 41, Spectrum.STEEP, 1e6, 0.1, Precision.FLOAT64);
        for (Layout layout : Layout.values()) {
            Matrix x = Matrix.of(p.x()).copy(layout);
            try (SolutionSet first = Nullspace.solve(x, Matrix.of(p.y()), sketch().build())) {
                for (int run = 0; run < 3; run++) {
                    try (SolutionSet s = Nullspace.solve(x, Matrix.of(p.y()), sketch().build())) {
                        assertThat(s.method()).isEqualTo(Method.SKETCH);
                        assertThat(s.minimumNorm().hasSameEntries(first.minimumNorm()))
                                .isTrue();
                        assertThat(s.singularValues()).isEqualTo(first.singularValues());
                    }
                }
            }
        }
    }
}
