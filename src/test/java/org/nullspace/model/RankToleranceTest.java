package org.nullspace.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

class RankToleranceTest {
    private static final double EPS = 0x1p-52;
    private static final double EPS32 = 0x1p-23;

    // ---- formulas

    static Stream<Arguments> formulas() {
        return Stream.of(
                Arguments.of(
                        RankTolerance.standard(),
                        "standard",
                        4 * 8 * (Math.sqrt(3) + Math.sqrt(5)) * EPS,
                        4 * 8 * (Math.sqrt(3) * EPS32 + Math.sqrt(5) * EPS)),
                Arguments.of(RankTolerance.numpy(), "numpy", 4 * 5 * EPS, 4 * 5 * EPS32),
                Arguments.of(RankTolerance.scipy(), "scipy", 4 * EPS, 4 * EPS32),
                Arguments.of(RankTolerance.relative(0.25), "relative(0.25)", 1, 1),
                Arguments.of(RankTolerance.relative(0), "relative(0.0)", 0, 0),
                Arguments.of(RankTolerance.absolute(0.125), "absolute(0.125)", 0.125, 0.125),
                Arguments.of(
                        RankTolerance.noise(0.5),
                        "noise(0.5)",
                        0.5 * (Math.sqrt(3) + Math.sqrt(5)),
                        0.5 * (Math.sqrt(3) + Math.sqrt(5))));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("formulas")
    void cutoffsAreAsDocumented(RankTolerance tolerance, String name, double cutoff64, double cutoff32) {
        double[] sigma = {4, 2, 0};
        for (boolean wide : new boolean[] {true, false}) {
            long n = wide ? 3 : 5;
            long d = wide ? 5 : 3;
            assertThat(tolerance.decide(sigma, n, d, Precision.FLOAT64).cutoff())
                    .isCloseTo(cutoff64, within(4e-16 * cutoff64));
            assertThat(tolerance.decide(sigma, n, d, Precision.FLOAT32).cutoff())
                    .isCloseTo(cutoff32, within(4e-16 * cutoff32));
        }
        assertThat(tolerance.name()).isEqualTo(name).isEqualTo(tolerance.toString());
        assertThat(sigma).containsExactly(4, 2, 0);
    }

    @Test
    void theRankIsTheNumberOfSingularValuesAboveTheCutoff() {
        RankTolerance t = RankTolerance.absolute(1);
        assertThat(rank(t, 3, 1.0000001, 1, 0.9)).isEqualTo(2);
        assertThat(rank(t, 1, 1, 1)).isZero();
        assertThat(rank(t, 3, 2)).isEqualTo(2);
        assertThat(rank(t)).isZero();
        // The zero matrix has rank 0 under every relative policy, since 0 is not above 0.
        for (RankTolerance each : RankTolerance.named()) {
            assertThat(rank(each, 0, 0, 0)).as(each.name()).isZero();
        }
        assertThat(rank(RankTolerance.relative(0), 1e-300, 0)).isEqualTo(1);
    }

    private static int rank(RankTolerance t, double... sigma) {
        return t.decide(sigma, sigma.length, sigma.length, Precision.FLOAT64).rank();
    }

    @Test
    void longRowsOfFloat32KeepTheirRank() {
        double[] sigma = geometric(64, 1e3);
        RankDecision decision = RankTolerance.standard().decide(sigma, 64, 200_000, Precision.FLOAT32);
        assertThat(decision.rank()).isEqualTo(64);
        RankDecision inFloat32 =
                RankTolerance.standard().decide(sigma, 64, 200_000, Precision.FLOAT32, Precision.FLOAT32);
        assertThat(inFloat32.rank()).isEqualTo(64);
        assertThat(inFloat32.cutoff()).isCloseTo(8 * (8 + Math.sqrt(200_000)) * EPS32, within(1e-18));
        // max(n,d)·ε calls the same matrix deficient, which is why it is not the default.
        assertThat(decision.ranksUnderOtherPolicies())
                .containsEntry("numpy", 35)
                .containsEntry("scipy", 64);
    }

    private static double[] geometric(int count, double condition) {
        double[] sigma = new double[count];
        for (int i = 0; i < count; i++) {
            sigma[i] = Math.pow(condition, -i / (count - 1.0));
        }
        return sigma;
    }

    // ---- the decision

    @Test
    void theDecisionSaysHowSafeItIs() {
        double[] sigma = {8, 4, 2, 0x1p-30, 0x1p-57};
        RankDecision d = RankTolerance.relative(1e-6).decide(sigma, 5, 9, Precision.FLOAT64);
        assertThat(d.rank()).isEqualTo(3);
        assertThat(d.policy()).isEqualTo("relative(1.0E-6)");
        assertThat(d.cutoff()).isEqualTo(8e-6);
        assertThat(d.sigmaMax()).isEqualTo(8);
        assertThat(d.sigmaRank()).isEqualTo(2);
        assertThat(d.sigmaNext()).isEqualTo(0x1p-30);
        assertThat(d.gap()).isEqualTo(0x1p31);
        assertThat(d.condition()).isEqualTo(4);
        assertThat(d.ranksUnderOtherPolicies())
                .containsExactly(
                        Map.entry("standard", 4), Map.entry("numpy", 4), Map.entry("scipy", 4), Map.entry("gap", 3));
    }

    @Test
    void aPolicyIsNotListedAmongTheOthers() {
        double[] sigma = {1, 0.5};
        for (RankTolerance each : RankTolerance.named()) {
            assertThat(each.decide(sigma, 2, 2, Precision.FLOAT64)
                            .ranksUnderOtherPolicies()
                            .keySet())
                    .containsExactlyElementsOf(RankTolerance.named().stream()
                            .filter(t -> !t.equals(each))
                            .map(RankTolerance::name)
                            .toList());
        }
    }

    @Test
    void extremesOfTheDecision() {
        RankDecision full = RankTolerance.standard().decide(new double[] {2, 1}, 2, 3, Precision.FLOAT64);
        assertThat(full.sigmaNext()).isZero();
        assertThat(full.gap()).isInfinite();
        RankDecision zero = RankTolerance.standard().decide(new double[] {0, 0}, 2, 3, Precision.FLOAT64);
        assertThat(zero.rank()).isZero();
        assertThat(zero.sigmaRank()).isZero();
        assertThat(zero.gap()).isNaN();
        assertThat(zero.condition()).isNaN();
        RankDecision empty = RankTolerance.standard().decide(new double[0], 0, 3, Precision.FLOAT64);
        assertThat(empty.rank()).isZero();
        assertThat(empty.sigmaMax()).isZero();
        assertThat(empty.cutoff()).isZero();
    }

    @Test
    void theMapOfOtherRanksIsACopyThatCannotBeChanged() {
        RankDecision d = RankTolerance.standard().decide(new double[] {2, 1}, 2, 3, Precision.FLOAT64);
        assertThatThrownBy(() -> d.ranksUnderOtherPolicies().put("x", 1))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    // ---- the gap policy

    @Test
    void theGapPolicyCutsInsideTheWidestGap() {
        RankDecision d = RankTolerance.gap().decide(new double[] {100, 50, 1e-10, 5e-11}, 4, 9, Precision.FLOAT64);
        assertThat(d.rank()).isEqualTo(2);
        // A noise level of 1e-3 is a narrower gap than the one from there down to rounding: gap() is for exact
        // deficiency.
        assertThat(rank(RankTolerance.gap(), 100, 50, 1e-3, 5e-4)).isEqualTo(4);
        assertThat(d.cutoff()).isCloseTo(Math.sqrt(50 * 1e-10), within(1e-18));
    }

    @Test
    void whatLiesBelowTheRoundingLevelCountsAsTheRoundingLevel() {
        // 1e-3/1e-300 would be the widest gap; but everything below the standard cut-off is noise, and 1/1e-3 ...
        // decides.
        double floor = 8 * (Math.sqrt(3) + Math.sqrt(3)) * EPS;
        RankDecision d = RankTolerance.gap().decide(new double[] {1, 1e-3, 1e-300}, 3, 3, Precision.FLOAT64);
        assertThat(d.rank()).isEqualTo(2);
        assertThat(d.cutoff()).isCloseTo(Math.sqrt(1e-3 * floor), within(1e-20));
        assertThat(rank(RankTolerance.gap(), 1, 1e-9, 1e-300)).isEqualTo(1);
        assertThat(rank(RankTolerance.gap(), 1, 1e-16, 1e-17)).isEqualTo(1);
    }

    @Test
    void ofTwoEqualGapsTheHigherRankWins() {
        assertThat(rank(RankTolerance.gap(), 1, 0x1p-20, 0x1p-40)).isEqualTo(2);
        assertThat(rank(RankTolerance.gap(), 1, 0x1p-21, 0x1p-40)).isEqualTo(1);
    }

    @Test
    void aSpectrumWithoutAGapIsOfFullRank() {
        assertThat(rank(RankTolerance.gap(), 4, 3, 2, 1)).isEqualTo(4);
        assertThat(rank(RankTolerance.gap(), 0, 0)).isZero();
    }

    // ---- identity and misuse

    @Test
    void equalityIsByKindAndParameter() {
        List<RankTolerance> different = List.of(
                RankTolerance.standard(),
                RankTolerance.numpy(),
                RankTolerance.scipy(),
                RankTolerance.gap(),
                RankTolerance.relative(1e-3),
                RankTolerance.relative(1e-4),
                RankTolerance.absolute(1e-3),
                RankTolerance.noise(1e-3));
        for (RankTolerance a : different) {
            assertThat(different.stream().filter(a::equals)).hasSize(1);
            assertThat(a).isNotEqualTo("standard");
        }
        assertThat(RankTolerance.relative(1e-3))
                .isEqualTo(RankTolerance.relative(1e-3))
                .hasSameHashCodeAs(RankTolerance.relative(1e-3));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1e-300, -1, Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY})
    void parametersOutsideTheirRange(double bad) {
        assertThatThrownBy(() -> RankTolerance.relative(bad))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("relative rank tolerance " + bad + " is not in [0, 1)");
        assertThatThrownBy(() -> RankTolerance.absolute(bad))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("absolute rank tolerance " + bad + " is not a finite number of at least 0");
        assertThatThrownBy(() -> RankTolerance.noise(bad))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("noise level " + bad + " is not a finite number of at least 0");
    }

    @Test
    void aRelativeToleranceOfOneWouldLeaveNothing() {
        assertThatThrownBy(() -> RankTolerance.relative(1)).isExactlyInstanceOf(InvalidInputException.class);
        assertThat(RankTolerance.relative(Math.nextDown(1.0)).name()).startsWith("relative(0.99");
    }

    @Test
    void spectraThatAreNone() {
        RankTolerance t = RankTolerance.standard();
        assertThatThrownBy(() -> t.decide(new double[] {2, 1}, 3, 4, Precision.FLOAT64))
                .isExactlyInstanceOf(ShapeMismatchException.class)
                .hasMessage("2 singular values for X of shape 3×4: there must be 3");
        assertThatThrownBy(() -> t.decide(new double[] {2, Double.NaN}, 2, 4, Precision.FLOAT64))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("singular value 1 is NaN: they are numbers of at least 0");
        assertThatThrownBy(() -> t.decide(new double[] {2, -1}, 2, 4, Precision.FLOAT64))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("singular value 1 is -1.0: they are numbers of at least 0");
        assertThatThrownBy(() -> t.decide(new double[] {1, 2}, 2, 4, Precision.FLOAT64))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "singular value 1 (2.0) is larger than the one before (1.0): they must be in descending order");
        assertThatThrownBy(() -> t.decide(null, 2, 4, Precision.FLOAT64))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("the array of singular values is null");
    }

    // ---- the certificate never promises more than the decision

    @Test
    void fullRankIsNeverCertifiedWhereTheDecisionSaysLess() {
        SplitMix64 random = new SplitMix64(20261121);
        int certified = 0;
        int refused = 0;
        for (int trial = 0; trial < 40_000; trial++) {
            int p = 1 + random.nextInt(12);
            long q = p + (random.nextInt(4) == 0 ? random.nextInt(2_000_000) : random.nextInt(30));
            boolean wide = random.nextInt(2) == 0;
            double[] sigma = new double[p];
            double scale = Math.pow(10, 20 * random.nextDouble() - 10);
            double steep = 20 * random.nextDouble();
            for (int i = 0; i < p; i++) {
                sigma[i] = scale * Math.pow(10, -steep * random.nextDouble());
            }
            Arrays.sort(sigma);
            for (int i = 0; i < p / 2; i++) {
                double t = sigma[i];
                sigma[i] = sigma[p - 1 - i];
                sigma[p - 1 - i] = t;
            }
            RankTolerance tolerance = anyTolerance(random, scale);
            Precision precision = Precision.values()[random.nextInt(2)];
            long n = wide ? p : q;
            long d = wide ? q : p;
            // Any valid bounds, from tight to what two Frobenius norms of p terms give.
            double upper = sigma[0] * Math.pow(p, 0.5 * random.nextDouble());
            double lower = sigma[p - 1] * Math.pow(p, -0.5 * random.nextDouble());
            boolean certificate = tolerance.certifiesFullRank(upper, lower, n, d, precision);
            int rank = tolerance.decide(sigma, n, d, precision).rank();
            if (certificate) {
                certified++;
                assertThat(rank)
                        .as("%s of %d×%d %s, σ = %s", tolerance, n, d, precision, Arrays.toString(sigma))
                        .isEqualTo(p);
            } else {
                refused++;
            }
        }
        // Both answers occur, or nothing has been tested.
        assertThat(certified).isGreaterThan(4_000);
        assertThat(refused).isGreaterThan(4_000);
    }

    private static RankTolerance anyTolerance(SplitMix64 random, double scale) {
        return switch (random.nextInt(7)) {
            case 0 -> RankTolerance.standard();
            case 1 -> RankTolerance.numpy();
            case 2 -> RankTolerance.scipy();
            case 3 -> RankTolerance.gap();
            case 4 -> RankTolerance.relative(Math.pow(10, -16 * random.nextDouble()) * 0.999);
            case 5 -> RankTolerance.absolute(scale * Math.pow(10, -20 * random.nextDouble()));
            default -> RankTolerance.noise(scale * Math.pow(10, -20 * random.nextDouble()));
        };
    }

    @Test
    void theCertificateKeepsAFactorTwoInReserve() {
        RankTolerance t = RankTolerance.absolute(1);
        assertThat(t.certifiesFullRank(10, 2, 3, 4, Precision.FLOAT64)).isFalse();
        assertThat(t.certifiesFullRank(10, Math.nextUp(2.0), 3, 4, Precision.FLOAT64))
                .isTrue();
        assertThat(t.certifiesFullRank(10, Double.NaN, 3, 4, Precision.FLOAT64)).isFalse();
        assertThat(RankTolerance.standard().certifiesFullRank(Double.NaN, 1, 3, 4, Precision.FLOAT64))
                .isFalse();
        assertThat(RankTolerance.standard().certifiesFullRank(Double.POSITIVE_INFINITY, 1, 3, 4, Precision.FLOAT64))
                .isFalse();
        assertThat(RankTolerance.relative(0).certifiesFullRank(1, 0, 3, 4, Precision.FLOAT64))
                .isFalse();
    }

    @Test
    void theGapPolicyIsNeverCertified() {
        List<Boolean> answers = new ArrayList<>();
        for (double lower : new double[] {0, 1e-9, 0.5, 1}) {
            answers.add(RankTolerance.gap().certifiesFullRank(1, lower, 3, 4, Precision.FLOAT64));
        }
        assertThat(answers).containsOnly(false);
    }
}
