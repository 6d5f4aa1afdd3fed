package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.RankDecision;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/** The rank is the planted one: near the cut-off, under every policy, and where the long side is very long. */
abstract class RankConformance extends Conformance {
    private static final int[][] SHAPES = {{6, 12}, {12, 6}, {20, 20}, {33, 200}, {200, 33}, {3, 700}};

    /** σ₁ = 1 and all others 1 but the last, which is what matters. */
    private static double[] withSmallest(int p, double smallest) {
        double[] sigma = new double[p];
        Arrays.fill(sigma, 1);
        sigma[p - 1] = smallest;
        return sigma;
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void decidesRightlyJustAboveAndJustBelowTheStandardCutoff(Precision precision) {
        long seed = 5000;
        for (int[] shape : SHAPES) {
            int p = Math.min(shape[0], shape[1]);
            for (double factor : new double[] {10, 2, 0.5, 0.1}) {
                for (Mode mode : Mode.of(precision)) {
                    double cutoff = standardCutoff(shape[0], shape[1], precision, mode.working());
                    Planted problem =
                            Planted.of(seed++, shape[0], shape[1], 1, withSmallest(p, factor * cutoff), 0, precision);
                    try (SolutionSet s = solve(problem, mode)) {
                        String where = mode + ", σ at " + factor + " of the cut-off, " + problem;
                        assertThat(s.rank()).as(where + s.history()).isEqualTo(factor > 1 ? p : p - 1);
                        assertThat(s.rankDecision().cutoff()).as(where).isCloseTo(cutoff, offset(cutoff * 1e-2));
                    }
                }
            }
        }
    }

    /** Frobenius norms alone would prove neither: on these spectra they are too large by 5.5 and by 3.2. */
    @Test
    void certifiesMoreThanFrobeniusNormsCan() {
        int n = 70;
        int d = 900;
        Planted thousand = Planted.of(5050, n, d, 2, n, Spectrum.STEEP, 1e3, 0, Precision.FLOAT64);
        for (double cutoff : new double[] {2e-4, 4.5e-4, 2e-3}) {
            SolveOptions options =
                    options().rankTolerance(RankTolerance.relative(cutoff)).build();
            try (SolutionSet s = solve(thousand, options)) {
                Method expected = cutoff < 3e-4 ? Method.GRAM : Method.QR_SVD;
                assertThat(s.method()).as("cut-off %s: %s", cutoff, s.history()).isEqualTo(expected);
                assertThat(s.rank()).isEqualTo(cutoff < 1e-3 ? n : 63);
            }
        }
        Planted steep = Planted.of(5051, n, d, 2, n, Spectrum.STEEP, 4e5, 0, Precision.FLOAT64);
        try (SolutionSet s = solve(steep, options().build())) {
            assertThat(s.method()).as("%s", s.history()).isEqualTo(Method.GRAM);
            assertThat(s.refinement().backwardError()).isLessThan(1e-16);
        }
    }

    private record Policy(RankTolerance tolerance, double cutoff) {}

    private static Stream<Policy> policies(int n, int d, Precision precision) {
        return Stream.of(
                new Policy(RankTolerance.relative(1e-3), 1e-3),
                new Policy(RankTolerance.relative(0.2), 0.2),
                new Policy(RankTolerance.absolute(1e-3), 1e-3),
                new Policy(RankTolerance.noise(1e-4), 1e-4 * (Math.sqrt(n) + Math.sqrt(d))),
                new Policy(RankTolerance.numpy(), Math.max(n, d) * precision.epsilon()));
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void decidesRightlyJustAboveAndJustBelowTheOtherCutoffs(Precision precision) {
        long seed = 5100;
        for (int[] shape : new int[][] {{33, 200}, {200, 33}, {40, 60}}) {
            int p = Math.min(shape[0], shape[1]);
            for (Policy policy : policies(shape[0], shape[1], precision).toList()) {
                for (double factor : new double[] {2, 0.5}) {
                    double smallest = Math.min(1, factor * policy.cutoff);
                    Planted problem =
                            Planted.of(seed++, shape[0], shape[1], 1, withSmallest(p, smallest), 0, precision);
                    for (Mode mode : Mode.of(precision)) {
                        SolveOptions options = mode.on(options())
                                .rankTolerance(policy.tolerance)
                                .build();
                        try (SolutionSet s = solve(problem, options)) {
                            String where = mode + ", " + policy.tolerance + " σ at " + factor + ", " + problem;
                            RankDecision decision = s.rankDecision();
                            assertThat(s.rank()).as(where + s.history()).isEqualTo(factor > 1 ? p : p - 1);
                            assertThat(decision.rank()).as(where).isEqualTo(s.rank());
                            assertThat(decision.policy()).as(where).isEqualTo(policy.tolerance.name());
                            assertThat(decision.cutoff())
                                    .as(where)
                                    .isCloseTo(policy.cutoff, offset(1e-5 * policy.cutoff));
                        }
                    }
                }
            }
        }
    }

    @Test
    void findsTheWidestGap() {
        double[] sigma = {5, 4, 3, 1e-4, 5e-5, 2e-5};
        for (int[] shape : new int[][] {{6, 15}, {15, 6}}) {
            Planted p = Planted.of(5200, shape[0], shape[1], 1, sigma, 0, Precision.FLOAT64);
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                SolveOptions options =
                        mode.on(options()).rankTolerance(RankTolerance.gap()).build();
                try (SolutionSet s = solve(p, options)) {
                    String where = mode + " on " + p + " " + s.history();
                    // The gap 1e-4/5e-5 is narrow, 3/1e-4 is wide, 2e-5/(rounding level) is wider still.
                    assertThat(s.rank()).as(where).isEqualTo(6);
                    assertThat(s.method()).as(where).isNotEqualTo(Method.GRAM);
                }
            }
            double[] noisy = {5, 4, 3, 1e-10, 5e-11, 2e-11};
            Planted q = Planted.of(5201, shape[0], shape[1], 1, noisy, 0, Precision.FLOAT64);
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                SolveOptions options =
                        mode.on(options()).rankTolerance(RankTolerance.gap()).build();
                try (SolutionSet s = solve(q, options);
                        SolutionSet standard = solve(q, mode)) {
                    assertThat(s.rank()).as(mode + " on " + q).isEqualTo(3);
                    assertThat(s.rankDecision().cutoff()).isCloseTo(Math.sqrt(3e-10), offset(1e-8));
                    assertThat(s.rankDecision().gap()).isCloseTo(3e10, offset(1e6));
                    assertThat(standard.rank()).as(mode + " on " + q).isEqualTo(6);
                    assertThat(standard.rankDecision().ranksUnderOtherPolicies())
                            .isEqualTo(Map.of("numpy", 6, "scipy", 6, "gap", 3));
                }
            }
        }
    }

    @Test
    void truncatesTheSolutionAtTheCutoff() {
        double[] sigma = {3, 2, 1, 1e-3, 5e-4};
        Planted p = Planted.of(5300, 5, 9, 2, sigma, 0, Precision.FLOAT64);
        // The part of W₀ along the leading three right singular vectors.
        double[][] v3 = Dense.columns(p.v(), 0, 3);
        double[][] expected = Dense.multiply(v3, Dense.multiply(Dense.transpose(v3), p.w()));
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            SolveOptions options = mode.on(options())
                    .rankTolerance(RankTolerance.absolute(0.01))
                    .build();
            try (SolutionSet s = solve(p, options)) {
                String where = mode + " on " + p;
                assertThat(s.rank()).as(where).isEqualTo(3);
                assertThat(s.nullity()).as(where).isEqualTo(6);
                // Singular vectors move by ε·σ₁/(σ₃ − σ₄).
                Checks.close(
                        "truncated solution", where, s.minimumNorm().toArray(), expected, 1e-13 * Dense.norm(p.w()));
                assertThat(s.rankDecision().gap()).as(where).isCloseTo(1000, offset(1e-6));
                // Evidence that is not at rounding level: what X sees of the space that was declared null.
                double tail = Math.hypot(1e-3, 5e-4);
                assertThat(s.certificate().nullSpaceResidual()).as(where).isCloseTo(tail, offset(1e-12));
                assertThat(s.certificate().holds(1e-6)).as(where).isFalse();
                double[][] r = Dense.multiplySubtract(p.x(), s.minimumNorm().toArray(), p.y());
                assertThat(s.certificate().residual()).as(where).isCloseTo(Dense.norm(r), offset(1e-12));
                assertThat(s.certificate().stationarity())
                        .as(where)
                        .isCloseTo(Dense.norm(Dense.multiply(Dense.transpose(p.x()), r)), offset(1e-12))
                        .isGreaterThan(1e-8);
            }
        }
    }

    // ---- noise below the cut-off

    static Stream<Planted> deficient() {
        int[][] shapes = {{6, 12}, {12, 6}, {16, 16}, {40, 40}, {10, 1000}, {1000, 10}, {64, 320}, {2, 5000}, {65, 66}};
        List<Planted> cases = new ArrayList<>();
        long seed = 5400;
        for (Precision precision : Precision.values()) {
            for (int[] s : shapes) {
                int p = Math.min(s[0], s[1]);
                for (int rank : new int[] {1, p / 2, p - 1}) {
                    Spectrum spectrum = Spectrum.values()[(int) (seed % 3)];
                    cases.add(Planted.of(seed++, s[0], s[1], 1, Math.max(1, rank), spectrum, 100, 0, precision));
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("deficient")
    void noiseStaysFarBelowTheStandardCutoff(Planted p) {
        for (Mode mode : Mode.of(p.precision())) {
            double cutoff = standardCutoff(p.n(), p.d(), p.precision(), mode.working());
            try (SolutionSet s = solve(p, mode)) {
                double[] sigma = s.singularValues();
                String where = mode + " on " + p;
                assertThat(s.rank()).as(where).isEqualTo(p.rank());
                String kind = "noise over cut-off, " + p.precision() + ", " + mode;
                Checks.atMost(kind, where, sigma[p.rank()] / sigma[0], cutoff / 4);
            }
        }
    }

    /** Constant columns: rounding errors of long inner products all have the same sign. */
    @ParameterizedTest
    @EnumSource(Precision.class)
    void constantColumnsHaveRankOne(Precision precision) {
        SplitMix64 random = new SplitMix64(5450);
        for (int[] shape :
                new int[][] {{2, 50}, {8, 200}, {3, 1000}, {8, 3000}, {40, 1000}, {2, 30_000}, {8, 50_000}}) {
            int p = shape[0];
            int q = shape[1];
            double[] constants = new double[p];
            for (int i = 0; i < p; i++) {
                constants[i] = (float) ((0.1 + random.nextDouble()) * Math.pow(10, random.nextInt(3) - 1));
            }
            Matrix tall = Matrix.zeros(precision, 1, q, p, Layout.ROW_MAJOR);
            for (int j = 0; j < q; j++) {
                for (int i = 0; i < p; i++) {
                    tall.set(0, j, i, constants[i]);
                }
            }
            for (boolean wide : new boolean[] {false, true}) {
                Matrix x = wide ? tall.transposed() : tall;
                Matrix y = Matrix.zeros(precision, 1, x.rows(), 1, Layout.COLUMN_MAJOR);
                for (Mode mode : Mode.of(precision)) {
                    try (SolutionSet s = Nullspace.solve(x, y, options(mode))) {
                        String where = mode + " " + precision + ", constants, " + x.shape() + " " + s.history();
                        double[] sigma = s.singularValues();
                        assertThat(s.rank()).as(where).isEqualTo(1);
                        Checks.atMost(
                                "noise of constant columns over cut-off",
                                where,
                                sigma[1] / sigma[0],
                                standardCutoff(p, q, precision, mode.working()) / 1.5);
                    }
                }
            }
        }
    }

    /** A full set of indicators beside a column of ones: the commonest deficient design there is. */
    @Test
    void indicatorsBesideAnInterceptColumnAreDeficientByOne() {
        for (int n : new int[] {30, 1000, 20_000}) {
            Matrix x = Matrix.zeros(Precision.FLOAT64, 1, n, 8, Layout.COLUMN_MAJOR);
            SplitMix64 random = new SplitMix64(5451);
            for (int i = 0; i < n; i++) {
                x.set(0, i, 0, 1);
                x.set(0, i, 1 + (i < 7 ? i : random.nextInt(7)), 1);
            }
            Matrix y = Matrix.column(Dense.gaussian(random, n));
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                try (SolutionSet s = Nullspace.solve(x, y, options(mode))) {
                    assertThat(s.rank()).as(mode + " n=" + n + s.history()).isEqualTo(7);
                    double[] z = s.nullSpace().project(new double[] {1, 0, 0, 0, 0, 0, 0, 0});
                    double[] expected = {1, -1, -1, -1, -1, -1, -1, -1};
                    for (int j = 0; j < 8; j++) {
                        assertThat(z[j]).as(mode + " n=" + n).isCloseTo(expected[j] / 8, offset(1e-12));
                    }
                }
            }
        }
    }

    // ---- very long rows

    /**
     * X = U·diag(σ)·Vᵀ with the columns of V taken from the discrete cosine transform and random signs of its rows: orthonormal, dense
     * and cheap for any length.
     */
    private static Matrix longRows(int n, int d, double condition, Precision precision) {
        SplitMix64 random = new SplitMix64(5500);
        double[][] u = Dense.orthonormal(random, n, n);
        double[] sigma = Spectrum.STEEP.values(n, condition, 1);
        Matrix x = Matrix.zeros(precision, 1, n, d, Layout.COLUMN_MAJOR);
        double[] v = new double[n];
        for (int j = 0; j < d; j++) {
            double sign = random.nextDouble() < 0.5 ? 1 : -1;
            for (int i = 0; i < n; i++) {
                double angle = Math.PI * (2L * j + 1) * (i + 1) / (2.0 * d);
                v[i] = sign * Math.sqrt(2.0 / d) * Math.cos(angle) * sigma[i];
            }
            for (int i = 0; i < n; i++) {
                double sum = 0;
                for (int l = 0; l < n; l++) {
                    sum += u[i][l] * v[l];
                }
                x.set(0, i, j, sum);
            }
        }
        return x;
    }

    @Test
    void findsRank64Of64By200000InFloat32() {
        int n = 64;
        int d = 200_000;
        double[] y = Dense.gaussian(new SplitMix64(5501), n);
        try (Matrix x = longRows(n, d, 1e3, Precision.FLOAT32);
                Matrix target = Storage.COLUMN_MAJOR.of(Dense.column(y), 1, Precision.FLOAT32)) {
            for (Mode mode : List.of(
                    new Mode(Method.AUTO, Precision.FLOAT64),
                    new Mode(Method.QR_SVD, Precision.FLOAT64),
                    new Mode(Method.QR_SVD, Precision.FLOAT32),
                    new Mode(Method.GESVD, Precision.FLOAT32))) {
                try (SolutionSet s = Nullspace.solve(x, target, options(mode))) {
                    String where = mode + " " + s.history();
                    assertThat(s.rank()).as(where).isEqualTo(64);
                    assertThat(s.nullity()).as(where).isEqualTo(d - 64L);
                    assertThat(s.condition()).as(where).isCloseTo(1e3, offset(20.0));
                    assertThat(s.rankDecision().ranksUnderOtherPolicies())
                            .as(where + ": max(n, d)·ε as cut-off destroys the fit")
                            .containsEntry("numpy", 35);
                    double residual = relativeResidual(x, s.minimumNorm(), y);
                    // Float32 arithmetic throughout leaves ε·κ, rounding the solution of float64 arithmetic ε·κ·√(n/d).
                    double limit = mode.working() == Precision.FLOAT64 ? 4e-6 : 4e-4;
                    Checks.atMost("training residual of 64×200,000, " + mode, where, residual, limit);
                }
            }
        }
    }

    private static double relativeResidual(Matrix x, Matrix w, double[] y) {
        double[] r = y.clone();
        for (int i = 0; i < r.length; i++) {
            r[i] = -(float) r[i];
        }
        for (int j = 0; j < x.columns(); j++) {
            double wj = w.get(j, 0);
            for (int i = 0; i < r.length; i++) {
                r[i] += x.get(i, j) * wj;
            }
        }
        return Dense.norm(r) / Dense.norm(y);
    }
}
