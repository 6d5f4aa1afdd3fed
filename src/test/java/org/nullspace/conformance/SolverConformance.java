package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Factorization;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/** Every method finds planted solutions, of every shape, rank, spectrum, scale and storage; and says so when there is none. */
abstract class SolverConformance extends Conformance {
    /** Factor on {@link Planted#sensitivity()}; measured errors stay below a third of it. */
    static final double ROOM = 16;

    /** Shapes: wide, square, tall, single rows and columns, sizes on and off multiples of 32. */
    private static final int[][] SHAPES = {
        {6, 12}, {1, 9}, {9, 1}, {1, 1}, {7, 7}, {32, 32}, {33, 65}, {12, 5}, {65, 31}, {3, 200}, {257, 20}, {40, 413}
    };

    static Stream<Planted> planted() {
        List<Planted> cases = new ArrayList<>();
        long seed = 1000;
        for (Precision precision : Precision.values()) {
            double steep = precision == Precision.FLOAT64 ? 1e6 : 1e3;
            for (int[] shape : SHAPES) {
                int p = Math.min(shape[0], shape[1]);
                for (int rank : p == 1 ? new int[] {1} : new int[] {p, Math.max(1, p / 2), p - 1}) {
                    for (Spectrum spectrum : p == 1 ? new Spectrum[] {Spectrum.FLAT} : Spectrum.values()) {
                        int k = 1 + (int) (seed % 3);
                        double inconsistency = seed % 2 == 0 ? 0 : 0.5;
                        cases.add(Planted.of(
                                seed++, shape[0], shape[1], k, rank, spectrum, steep, inconsistency, precision));
                    }
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("planted")
    void findsThePlantedSolution(Planted p) {
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            try (SolutionSet s = solve(p, mode)) {
                requireSolution(where, p, s);
                requireDecision(where, p, s, mode.working());
            }
        }
    }

    /**
     * Samples of a wide X, or features of a tall one, from 1 down to 2⁻³⁰ in size: the condition of X is 10⁹ and more, that of X with lines of
     * equal size is small, and GRAM loses no digits.
     */
    @Test
    void linesOfAnySizeCostNoDigits() {
        SplitMix64 random = new SplitMix64(1_900);
        int p = 24;
        int q = 150;
        double[][] even = Dense.gaussian(random, p, q);
        double[][] scaled = Dense.copy(even);
        for (int i = 0; i < p; i++) {
            for (int j = 0; j < q; j++) {
                scaled[i][j] = Math.scalb(even[i][j], -(7 * i % 31));
            }
        }
        SolveOptions options = options().build();
        // Wide: a solution in the row space, which does not depend on the scaling; targets are sums of products, row by
        // row.
        double[][] w = Dense.multiply(Dense.transpose(even), Dense.gaussian(random, p, 12));
        double[][] y = Dense.multiply(scaled, w);
        try (SolutionSet s = solve(scaled, y, options)) {
            assertThat(s.method()).as(s.history().toString()).isEqualTo(Method.GRAM);
            assertThat(s.outcome()).isEqualTo(Outcome.FULL_RANK);
            assertThat(s.condition()).isGreaterThan(1e8);
            Checks.close("wide", s.history().toString(), s.minimumNorm().toArray(), w, 100 * 0x1p-52 * Dense.norm(w));
            double[][] any = Dense.gaussian(random, q, 20);
            double[][] seen = Dense.multiply(even, entries(s.nullSpace().project(Matrix.of(any))));
            Checks.atMost(
                    "projection", s.history().toString(), Dense.norm(seen), 100 * 0x1p-52 * Dense.norm(even) * 20);
        }
        // Tall: coefficients, each beside its own size.
        double[][] b = Dense.gaussian(random, p, 3);
        double[][] tall = Dense.transpose(scaled);
        double[][] own = Dense.copy(b);
        for (int i = 0; i < p; i++) {
            for (int j = 0; j < 3; j++) {
                own[i][j] = Math.scalb(b[i][j], 7 * i % 31);
            }
        }
        try (SolutionSet s = solve(tall, Dense.multiply(tall, own), options)) {
            assertThat(s.method()).as(s.history().toString()).isEqualTo(Method.GRAM);
            double[][] found = s.minimumNorm().toArray();
            for (int i = 0; i < p; i++) {
                for (int j = 0; j < 3; j++) {
                    found[i][j] = Math.scalb(found[i][j], -(7 * i % 31));
                }
            }
            Checks.close("tall", s.history().toString(), found, b, 100 * 0x1p-52 * Dense.norm(b));
        }
        // A cut-off above the small lines is respected: the rank is the user's decision, not that of the scaled matrix.
        SolveOptions coarse =
                options().rankTolerance(RankTolerance.relative(1e-5)).build();
        try (SolutionSet s = solve(scaled, y, coarse)) {
            assertThat(s.outcome()).isEqualTo(Outcome.RANK_REDUCED);
            assertThat(s.rank()).isLessThan(p);
        }
    }

    /** Requires everything that is known about the solution. */
    static void requireSolution(String where, Planted p, SolutionSet s) {
        double eps = p.precision().epsilon();
        int full = Math.min(p.n(), p.d());
        assertThat(s.rank()).as(where + " (history " + s.history() + ")").isEqualTo(p.rank());
        assertThat(s.outcome()).as(where).isEqualTo(p.rank() == full ? Outcome.FULL_RANK : Outcome.RANK_REDUCED);
        assertThat(s.nullity()).as(where).isEqualTo(p.d() - p.rank());
        assertThat(new long[] {s.samples(), s.features(), s.targets()})
                .as(where)
                .containsExactly(p.n(), p.d(), p.k());
        assertThat(s.method()).as(where).isNotEqualTo(Method.AUTO);
        assertThat(s.history()).as(where).isNotEmpty();

        double[][] w = s.minimumNorm().toArray();
        double normW = Dense.norm(p.w());
        Checks.close("forward error", where, w, p.w(), ROOM * eps * p.sensitivity() * normW);

        // Weyl: what rounding X and a backward stable factorization do to singular values.
        double largest = p.sigma()[0];
        double[] sigma = s.singularValues();
        assertThat(sigma).as(where).hasSize(full).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        for (int i = 0; i < full; i++) {
            Checks.atMost(
                    "singular value",
                    where,
                    Math.abs(sigma[i] - p.spectrum()[i]),
                    ROOM * eps * Math.sqrt(full) * largest);
        }

        double[][] r = Dense.multiplySubtract(p.x(), w, p.y());
        double normX = Dense.norm(p.x());
        double normY = Dense.norm(p.y());
        Checks.atMost(
                "gradient at the solution",
                where,
                Dense.norm(Dense.multiply(Dense.transpose(p.x()), r)),
                ROOM * eps * Math.sqrt(full) * normX * (normX * Dense.norm(w) + normY));
        double[] norms = s.residualNorms();
        for (int j = 0; j < p.k(); j++) {
            Checks.atMost(
                    "residual norm",
                    where,
                    Math.abs(norms[j] - Dense.norm(Dense.column(r, j))),
                    ROOM * eps * Math.sqrt(full) * (normX * Dense.norm(w) + normY));
        }

        double[][] inRow = Dense.multiply(p.v(), Dense.multiply(Dense.transpose(p.v()), w));
        Checks.close("part outside the row space", where, w, inRow, ROOM * eps * p.sensitivity() * normW);
        assertThat(s.rowSpace().contains(s.minimumNorm(), ROOM * eps * p.sensitivity()))
                .as(where)
                .isTrue();
        for (long seed = 1; seed <= 2 && s.nullity() > 0; seed++) {
            double[][] other = entries(s.random(seed, normW));
            for (int j = 0; j < p.k(); j++) {
                assertThat(Dense.norm(Dense.column(other, j)))
                        .as(where + ": norm of a random member")
                        .isGreaterThan(Dense.norm(Dense.column(w, j)));
            }
        }
    }

    static void requireDecision(String where, Planted p, SolutionSet s, Precision arithmetic) {
        double[] sigma = s.singularValues();
        RankDecision decision = s.rankDecision();
        double cutoff = sigma[0] * standardCutoff(p.n(), p.d(), p.precision(), arithmetic);
        assertThat(decision.rank()).as(where).isEqualTo(p.rank());
        assertThat(decision.policy()).as(where).isEqualTo("standard");
        assertThat(decision.cutoff()).as(where).isBetween(cutoff * (1 - 1e-14), cutoff * (1 + 1e-14));
        assertThat(decision.sigmaMax()).as(where).isEqualTo(sigma[0]);
        assertThat(decision.sigmaRank())
                .as(where)
                .isEqualTo(sigma[p.rank() - 1])
                .isGreaterThan(cutoff);
        double next = p.rank() < sigma.length ? sigma[p.rank()] : 0;
        assertThat(decision.sigmaNext()).as(where).isEqualTo(next).isLessThanOrEqualTo(cutoff);
        assertThat(decision.gap()).as(where).isEqualTo(decision.sigmaRank() / decision.sigmaNext());
        assertThat(decision.condition()).as(where).isEqualTo(sigma[0] / sigma[p.rank() - 1]);
        assertThat(s.condition()).as(where).isEqualTo(decision.condition());
        assertThat(decision.ranksUnderOtherPolicies())
                .as(where)
                .containsOnlyKeys("numpy", "scipy", "gap")
                .containsEntry(
                        "numpy",
                        above(
                                sigma,
                                sigma[0]
                                        * Math.max(p.n(), p.d())
                                        * p.precision().epsilon()))
                .containsEntry("scipy", above(sigma, sigma[0] * p.precision().epsilon()));
    }

    private static int above(double[] sigma, double cutoff) {
        return (int) Arrays.stream(sigma).filter(v -> v > cutoff).count();
    }

    /**
     * Two long rows, one constant and one that leaves it by ±δ: rounding errors of all inner products add up with one sign. The answer has two
     * values in turn, a and b, which are known exactly.
     */
    @Test
    void solvesLongRowsThatAreNearlyConstant() {
        int d = 1 << 16;
        for (double c : new double[] {1, 0.1, 3.7}) {
            for (int exponent : new int[] {4, 10, 16, 20, 22}) {
                double high = c * (1 + Math.scalb(1.0, -exponent));
                double low = c * (1 - Math.scalb(1.0, -exponent));
                Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 2, d, Layout.ROW_MAJOR);
                for (int j = 0; j < d; j++) {
                    x.set(0, 0, j, c);
                    x.set(0, 1, j, j % 2 == 0 ? high : low);
                }
                // c(a + b)d/2 = 1 and (high·a + low·b)d/2 = 2
                BigDecimal half = new BigDecimal(d / 2);
                BigDecimal sum = BigDecimal.ONE.divide(new BigDecimal(c).multiply(half), MathContext.DECIMAL128);
                BigDecimal target = new BigDecimal(2).divide(half, MathContext.DECIMAL128);
                BigDecimal spread = new BigDecimal(high).subtract(new BigDecimal(low));
                BigDecimal a =
                        target.subtract(new BigDecimal(low).multiply(sum)).divide(spread, MathContext.DECIMAL128);
                double[] w = new double[d];
                for (int j = 0; j < d; j++) {
                    w[j] = (j % 2 == 0 ? a : sum.subtract(a)).doubleValue();
                }
                for (Mode mode : Mode.of(Precision.FLOAT64)) {
                    try (SolutionSet s = Nullspace.solve(x, Matrix.column(1, 2), options(mode))) {
                        String where = mode + ", rows of " + c + " and " + c + "(1±2^-" + exponent + ") " + s.history();
                        assertThat(s.rank()).as(where).isEqualTo(2);
                        double condition = Math.scalb(2.0, exponent);
                        Checks.close(
                                "forward error for nearly constant rows",
                                where,
                                s.minimumNorm().columnToArray(0),
                                w,
                                2 * Math.sqrt(d) * 0x1p-52 * condition * Dense.norm(w));
                        Checks.atMost(
                                "null part for nearly constant rows",
                                where,
                                Dense.norm(s.nullSpace().project(w)),
                                2 * Math.sqrt(d) * 0x1p-52 * condition * Dense.norm(w));
                    }
                }
            }
        }
    }

    // ---- storage

    @ParameterizedTest
    @EnumSource(Storage.class)
    void findsTheSameSolutionHoweverDataLieInMemory(Storage storage) {
        for (Precision precision : Precision.values()) {
            for (int[] shape : new int[][] {{13, 37}, {37, 13}, {20, 20}}) {
                Planted p = Planted.of(77, shape[0], shape[1], 2, 11, Spectrum.STEEP, 100, 0.3, precision);
                for (Mode mode : Mode.of(precision)) {
                    for (Storage other : List.of(Storage.ROW_MAJOR_PADDED, Storage.COLUMN_MAJOR)) {
                        String where = mode + ", X " + storage + ", Y " + other + " on " + p;
                        try (SolutionSet s = Nullspace.solve(p.matrixX(storage), p.matrixY(other), options(mode))) {
                            double bound = ROOM * precision.epsilon() * p.sensitivity() * Dense.norm(p.w());
                            Checks.close("forward error", where, s.minimumNorm().toArray(), p.w(), bound);
                            Matrix prior = storage.of(p.w(), p.k(), precision);
                            Checks.close("forward error", where, entries(s.closestTo(prior)), p.w(), bound);
                            Checks.close(
                                    "prediction",
                                    where,
                                    entries(s.predict(p.matrixX(storage))),
                                    Dense.multiply(p.x(), p.w()),
                                    bound);
                        }
                    }
                }
            }
        }
    }

    @Test
    void leavesTheMatricesOfTheCallerUntouched() {
        for (Precision precision : Precision.values()) {
            Planted p = Planted.of(78, 9, 17, 2, 7, Spectrum.STEEP, 100, 0.3, precision);
            for (Mode mode : Mode.of(precision)) {
                for (Storage storage : Storage.values()) {
                    Matrix x = p.matrixX(storage);
                    Matrix y = p.matrixY(storage);
                    Matrix prior = storage.of(p.w(), 2, precision);
                    Matrix xBefore = x.copy(Layout.ROW_MAJOR);
                    Matrix yBefore = y.copy(Layout.ROW_MAJOR);
                    Matrix priorBefore = prior.copy(Layout.ROW_MAJOR);
                    try (SolutionSet s = Nullspace.solve(x, y, options(mode))) {
                        s.certificate();
                        s.closestTo(prior).close();
                        s.decompose(prior);
                        s.contains(prior);
                        s.nullSpace().project(prior).close();
                        s.nullSpace().coordinates(prior).close();
                        s.predict(x, prior).close();
                        s.ridge(0.1).close();
                        s.random(1, 1).close();
                        s.fixing(new int[] {1, 2}, new double[] {3, 4});
                    }
                    String where = mode + " " + storage + " " + precision;
                    assertThat(x.hasSameEntries(xBefore)).as(where).isTrue();
                    assertThat(y.hasSameEntries(yBefore)).as(where).isTrue();
                    assertThat(prior.hasSameEntries(priorBefore)).as(where).isTrue();
                }
            }
        }
    }

    // ---- scale

    static Stream<double[]> units() {
        return Stream.of(
                new double[] {1e150, 1e150},
                new double[] {1e-150, 1e-150},
                new double[] {1e150, 1},
                new double[] {1, 1e150},
                new double[] {1e-150, 1},
                new double[] {1, 1e-150},
                new double[] {1e150, 1e-140},
                new double[] {1e-140, 1e150},
                new double[] {1e150, 1e-50},
                new double[] {1e-130, 1e50},
                new double[] {1e300, 1e300},
                new double[] {1e-300, 1e-300},
                new double[] {1e300, 1e10},
                new double[] {1e-300, 1e-10},
                new double[] {1e-300, 1},
                new double[] {1e100, 1e-100},
                new double[] {1, 1e300},
                new double[] {1, 1e-290});
    }

    @ParameterizedTest
    @MethodSource("units")
    void isIndifferentToTheUnitsOfXAndY(double[] units) {
        for (int[] shape : new int[][] {{6, 12}, {12, 6}, {5, 5}}) {
            for (int rank : new int[] {Math.min(shape[0], shape[1]), 3}) {
                Planted p = Planted.of(91, shape[0], shape[1], 2, rank, Spectrum.STEEP, 50, 0.3, Precision.FLOAT64)
                        .scaled(units[0], units[1]);
                for (Mode mode : Mode.of(Precision.FLOAT64)) {
                    requireScaled(p, mode, units[0], units[1]);
                }
            }
        }
    }

    @Test
    void isIndifferentToTheUnitsOfFloat32Data() {
        double[][] units = {
            {1e18f, 1e18f},
            {1e-18f, 1e-18f},
            {1e30f, 1},
            {1, 1e30f},
            {1e-30f, 1},
            {1e30f, 1e30f},
            {1e-30f, 1e-30f},
            {1e25f, 1e-10f}
        };
        for (double[] unit : units) {
            for (int[] shape : new int[][] {{6, 12}, {12, 6}}) {
                Planted q = Planted.of(92, shape[0], shape[1], 2, 5, Spectrum.STEEP, 50, 0.3, Precision.FLOAT32)
                        .scaled(unit[0], unit[1]);
                Planted p = new Planted(
                        q.seed(),
                        q.precision(),
                        q.u(),
                        q.sigma(),
                        q.v(),
                        Dense.rounded(q.x()),
                        q.w(),
                        Dense.rounded(q.y()),
                        q.residual());
                for (Mode mode : Mode.of(Precision.FLOAT32)) {
                    requireScaled(p, mode, unit[0], unit[1]);
                }
            }
        }
    }

    private void requireScaled(Planted p, Mode mode, double xUnit, double yUnit) {
        String where = mode + ", X in units of " + xUnit + ", Y in units of " + yUnit + ", " + p;
        double eps = p.precision().epsilon();
        try (SolutionSet s = solve(p, mode)) {
            assertThat(s.rank()).as(where + " (history " + s.history() + ")").isEqualTo(p.rank());
            Checks.close(
                    "forward error in extreme units",
                    where,
                    s.minimumNorm().toArray(),
                    p.w(),
                    ROOM * eps * p.sensitivity() * Dense.norm(p.w()));
            double[] sigma = s.singularValues();
            for (int i = 0; i < sigma.length; i++) {
                Checks.atMost(
                        "singular value in extreme units",
                        where,
                        Math.abs(sigma[i] - p.spectrum()[i]) / xUnit,
                        ROOM * eps * Math.sqrt(sigma.length));
            }
            double residual = 0;
            for (double norm : s.residualNorms()) {
                residual = Math.hypot(residual, norm / yUnit);
            }
            Checks.atMost(
                    "residual norm in extreme units",
                    where,
                    Math.abs(residual - p.residual() / yUnit),
                    ROOM * eps * Math.sqrt(sigma.length) * Dense.norm(p.y()) / yUnit);
            Checks.close(
                    "ridge(0) in extreme units",
                    where,
                    entries(s.ridge(0)),
                    s.minimumNorm().toArray(),
                    eps * Dense.norm(p.w()));
            Matrix minimum = s.minimumNorm();
            assertThat(s.contains(minimum)).as(where).isTrue();
            Checks.atMost(
                    "null part of W0 in extreme units",
                    where,
                    Dense.norm(entries(s.nullSpace().project(minimum))),
                    ROOM * eps * p.sensitivity() * Dense.norm(p.w()));
        }
    }

    @Test
    void solvesDenormalData() {
        // Rounding to multiples of 2^-1074 takes the place of ε.
        double unit = 1e-310;
        double eps = Double.MIN_VALUE / unit;
        for (int[] shape : new int[][] {{6, 12}, {12, 6}}) {
            Planted p = Planted.of(93, shape[0], shape[1], 1, 6, Spectrum.STEEP, 5, 0, Precision.FLOAT64)
                    .scaled(unit, unit);
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                try (SolutionSet s = solve(p, mode)) {
                    String where = mode + " on denormal " + p;
                    assertThat(s.rank()).as(where + s.history()).isEqualTo(6);
                    Checks.close(
                            "forward error with denormals",
                            where,
                            s.minimumNorm().toArray(),
                            p.w(),
                            20 * eps * p.sensitivity() * Dense.norm(p.w()));
                }
            }
        }
    }

    @Test
    void saysWhenCoefficientsExceedTheNumberFormat() {
        Planted p = Planted.of(94, 4, 7, 1, 4, Spectrum.STEEP, 5, 0, Precision.FLOAT64);
        Planted tooLarge = new Planted(
                p.seed(),
                p.precision(),
                p.u(),
                p.sigma(),
                p.v(),
                Dense.scale(1e-200, p.x()),
                p.w(),
                Dense.scale(1e200, p.y()),
                0);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            requireFailure(mode.toString(), Outcome.OVERFLOW, solve(tooLarge, mode));
        }
        Planted q = Planted.of(95, 4, 7, 1, 4, Spectrum.STEEP, 5, 0, Precision.FLOAT32);
        Planted tooLarge32 = new Planted(
                q.seed(),
                q.precision(),
                q.u(),
                q.sigma(),
                q.v(),
                Dense.rounded(Dense.scale(1e-25, q.x())),
                q.w(),
                Dense.rounded(Dense.scale(1e25, q.y())),
                0);
        for (Mode mode : Mode.of(Precision.FLOAT32)) {
            requireFailure(mode.toString(), Outcome.OVERFLOW, solve(tooLarge32, mode));
        }
    }

    // ---- no solution

    private static void requireFailure(String where, Outcome outcome, SolutionSet s) {
        try (s) {
            assertThat(s.outcome()).as(where + " (history " + s.history() + ")").isEqualTo(outcome);
            assertThat(s.outcome().isSolved()).isFalse();
            for (double[] row : s.minimumNorm().toArray()) {
                assertThat(row).as(where).containsOnly(Double.NaN);
            }
            assertThat(s.residualNorms()).as(where).hasSize((int) s.targets()).containsOnly(Double.NaN);
            assertThatThrownBy(s::nullSpace)
                    .as(where)
                    .isInstanceOf(NoSolutionException.class)
                    .hasMessageContaining(outcome.text());
            assertThatThrownBy(() -> s.random(1, 1)).isInstanceOf(NoSolutionException.class);
            assertThatThrownBy(s::certificate).isInstanceOf(NoSolutionException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void callsNonFiniteDataByTheirName(Precision precision) {
        for (int[] shape : new int[][] {{5, 9}, {9, 5}, {1, 6}, {6, 1}, {4, 4}}) {
            int n = shape[0];
            int d = shape[1];
            Planted p = Planted.of(96, n, d, 2, Math.min(n, d), Spectrum.STEEP, 3, 0, precision);
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                for (int[] at : new int[][] {{0, 0}, {n / 2, d / 2}, {n - 1, d - 1}, {n - 1, 0}}) {
                    for (Mode mode : Mode.of(precision)) {
                        String where = mode + ", " + bad + " at " + Arrays.toString(at) + " of X, " + p;
                        Matrix x = p.matrixX(Storage.ROW_MAJOR);
                        x.set(0, at[0], at[1], bad);
                        requireFailure(
                                where,
                                Outcome.NON_FINITE_INPUT,
                                Nullspace.solve(x, p.matrixY(Storage.ROW_MAJOR), options(mode)));
                        try (Factorization f = Nullspace.factor(x, options(mode))) {
                            assertThat(f.outcome()).as(where).isEqualTo(Outcome.NON_FINITE_INPUT);
                            assertThatThrownBy(f::rank).as(where).isInstanceOf(NoSolutionException.class);
                        }
                    }
                }
                for (int row : new int[] {0, n / 2, n - 1}) {
                    for (Mode mode : Mode.of(precision)) {
                        Matrix y = p.matrixY(Storage.COLUMN_MAJOR);
                        y.set(0, row, 1, bad);
                        requireFailure(
                                mode + ", " + bad + " in row " + row + " of Y, " + p,
                                Outcome.NON_FINITE_INPUT,
                                Nullspace.solve(p.matrixX(Storage.COLUMN_MAJOR), y, options(mode)));
                    }
                }
            }
        }
    }

    @Test
    void refusesArraysWithNonFiniteEntriesAndSaysWhere() {
        assertThatThrownBy(() -> Nullspace.solve(new double[][] {{1, 2}, {3, Double.NaN}}, new double[] {1, 2}))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("X[1][1] is NaN");
        assertThatThrownBy(() -> Nullspace.solve(new double[][] {{1, 2}}, new double[] {Double.NEGATIVE_INFINITY}))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("y[0] is -Infinity");
    }

    // ---- degenerate

    @ParameterizedTest
    @EnumSource(Precision.class)
    void solvesProblemsWithoutEntries(Precision precision) {
        for (int[] shape : new int[][] {{0, 5, 2}, {5, 0, 2}, {4, 6, 0}, {0, 0, 0}, {6, 4, 0}, {0, 3, 0}}) {
            Matrix x = Matrix.zeros(precision, 1, shape[0], shape[1], Layout.ROW_MAJOR);
            Matrix y = Matrix.zeros(precision, 1, shape[0], shape[2], Layout.ROW_MAJOR);
            for (int i = 0; i < shape[0]; i++) {
                for (int j = 0; j < shape[1]; j++) {
                    x.set(0, i, j, 1 + i * j);
                }
                for (int j = 0; j < shape[2]; j++) {
                    y.set(0, i, j, i + 1);
                }
            }
            int rank = Math.min(2, Math.min(shape[0], shape[1]));
            for (Mode mode : Mode.of(precision)) {
                String where = mode + " " + Arrays.toString(shape);
                try (SolutionSet s = Nullspace.solve(x, y, options(mode))) {
                    assertThat(s.rank()).as(where).isEqualTo(rank);
                    assertThat(s.nullity()).as(where).isEqualTo(shape[1] - rank);
                    Matrix w = s.minimumNorm();
                    assertThat(new long[] {w.rows(), w.columns()}).as(where).containsExactly(shape[1], shape[2]);
                    for (double[] row : w.toArray()) {
                        for (double v : row) {
                            assertThat(v).as(where).isZero();
                        }
                    }
                    assertThat(s.singularValues()).as(where).hasSize(Math.min(shape[0], shape[1]));
                    assertThat(s.residualNorms()).as(where).hasSize(shape[2]);
                    if (shape[1] == 0 && shape[0] > 0) {
                        assertThat(s.residualNorms()[0]).as(where).isEqualTo(Math.sqrt(55));
                    }
                    assertThat(s.certificate().nullSpaceResidual())
                            .as(where)
                            .isLessThanOrEqualTo(1e-5 * s.certificate().xNorm());
                    try (Matrix basis = s.nullSpace().basis();
                            Matrix random = s.random(1, 1);
                            Matrix predicted = s.predict(x);
                            Matrix ridge = s.ridge(1)) {
                        assertThat(new long[] {basis.rows(), basis.columns()})
                                .as(where)
                                .containsExactly(shape[1], shape[1] - rank);
                        assertThat(new long[] {random.rows(), random.columns()})
                                .as(where)
                                .containsExactly(shape[1], shape[2]);
                        assertThat(new long[] {predicted.rows(), predicted.columns()})
                                .as(where)
                                .containsExactly(shape[0], shape[2]);
                        assertThat(new long[] {ridge.rows(), ridge.columns()})
                                .as(where)
                                .containsExactly(shape[1], shape[2]);
                        assertThat(s.contains(random)).as(where).isTrue();
                    }
                    if (shape[1] > 0 && shape[0] == 0) {
                        assertThat(s.fixing(1, 2.0).feasible()).as(where).isTrue();
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void solvesTheZeroMatrix(Precision precision) {
        for (int[] shape : new int[][] {{4, 7}, {7, 4}, {1, 3}, {3, 1}, {5, 5}}) {
            Planted p = Planted.of(97, shape[0], shape[1], 2, new double[0], 1, precision);
            for (Mode mode : Mode.of(precision)) {
                String where = mode + " on " + p;
                try (SolutionSet s = solve(p, mode)) {
                    assertThat(s.rank()).as(where + s.history()).isZero();
                    assertThat(s.outcome()).as(where).isEqualTo(Outcome.RANK_REDUCED);
                    assertThat(s.nullity()).as(where).isEqualTo(shape[1]);
                    assertThat(Dense.norm(s.minimumNorm().toArray())).as(where).isZero();
                    assertThat(s.singularValues()).as(where).containsOnly(0.0);
                    assertThat(s.condition()).as(where).isNaN();
                    assertThat(s.rankDecision().gap()).as(where).isNaN();
                    for (int j = 0; j < 2; j++) {
                        assertThat(s.residualNorms()[j])
                                .as(where)
                                .isCloseTo(
                                        Dense.norm(Dense.column(p.y(), j)),
                                        org.assertj.core.data.Offset.offset(precision.epsilon() * 4));
                    }
                    double[][] basis = entries(s.nullSpace().basis());
                    Checks.close(
                            "basis of everything",
                            where,
                            Dense.multiply(Dense.transpose(basis), basis),
                            Dense.identity(shape[1]),
                            ROOM * precision.epsilon());
                    assertThat(s.fixing(0, 3.0).feasible()).as(where).isTrue();
                    assertThat(s.fixing(0, 3.0).weights().get(0, 0)).as(where).isEqualTo(3.0);
                }
            }
        }
    }

    @Test
    void treatsRepeatedRowsAndColumnsAlike() {
        Planted base = Planted.of(98, 5, 11, 2, 5, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            double tolerance = ROOM * base.precision().epsilon() * base.sensitivity() * Dense.norm(base.w());
            // Repeated rows with the same targets change nothing; with other targets their mean decides.
            double[][] rows = Dense.above(base.x(), Dense.rows(base.x(), 0, 3));
            double[][] targets = Dense.above(base.y(), Dense.rows(base.y(), 0, 3));
            try (SolutionSet s = solve(rows, targets, options(mode))) {
                assertThat(s.rank()).as(mode + "").isEqualTo(5);
                Checks.close("repeated rows", mode, s.minimumNorm().toArray(), base.w(), tolerance);
            }
            double[][] contradicting = Dense.copy(targets);
            for (int j = 0; j < 2; j++) {
                contradicting[0][j] += 0.5;
                contradicting[5][j] -= 0.5;
            }
            try (SolutionSet s = solve(rows, contradicting, options(mode))) {
                Checks.close("contradicting rows", mode, s.minimumNorm().toArray(), base.w(), 4 * tolerance);
                assertThat(s.residualNorms()[0]).isCloseTo(Math.sqrt(0.5), org.assertj.core.data.Offset.offset(1e-13));
            }
            // A repeated column shares its weight.
            double[][] columns = Dense.beside(base.x(), Dense.pickColumns(base.x(), 2));
            try (SolutionSet s = solve(columns, base.y(), options(mode))) {
                double[][] w = s.minimumNorm().toArray();
                assertThat(s.rank()).as(mode + "").isEqualTo(5);
                Checks.close("repeated column", mode, w[2], w[11], tolerance);
            }
            // [X X]: both halves are W₀/2 and the rank stays.
            try (SolutionSet s = solve(Dense.beside(base.x(), base.x()), base.y(), options(mode))) {
                double[][] half = Dense.scale(0.5, base.w());
                Checks.close("[X X]", mode, s.minimumNorm().toArray(), Dense.above(half, half), tolerance);
            }
            // A column of zeros gets no weight, exactly.
            double[][] zero = Dense.beside(base.x(), new double[5][1]);
            try (SolutionSet s = solve(zero, base.y(), options(mode))) {
                double[][] w = s.minimumNorm().toArray();
                assertThat(Dense.norm(w[11])).as(mode + "").isLessThan(tolerance);
            }
        }
    }

    // ---- pseudoinverse

    @ParameterizedTest
    @MethodSource("penroseShapes")
    void givesThePseudoinverse(int n, int d, int rank) {
        for (Precision precision : Precision.values()) {
            Planted p = Planted.of(99 + n, n, d, 1, rank, Spectrum.STEEP, 20, 0, precision);
            for (Mode mode : Mode.of(precision)) {
                String where = mode + " on " + p;
                Matrix identity = Storage.COLUMN_MAJOR.of(Dense.identity(n), n, precision);
                try (SolutionSet s = Nullspace.solve(p.matrixX(Storage.ROW_MAJOR), identity, options(mode))) {
                    double[][] a = p.x();
                    double[][] g = s.minimumNorm().toArray();
                    double[][] ag = Dense.multiply(a, g);
                    double[][] ga = Dense.multiply(g, a);
                    double unit = ROOM * precision.epsilon() * p.sensitivity() * Math.sqrt(rank);
                    Checks.close("A A+ A = A", where, Dense.multiply(ag, a), a, unit);
                    Checks.close("A+ A A+ = A+", where, Dense.multiply(g, ag), g, unit * Dense.norm(g));
                    Checks.close("(A A+)' = A A+", where, Dense.transpose(ag), ag, unit);
                    Checks.close("(A+ A)' = A+ A", where, Dense.transpose(ga), ga, unit);
                    double trace = 0;
                    for (int i = 0; i < d; i++) {
                        trace += ga[i][i];
                    }
                    Checks.atMost("trace of A+ A", where, Math.abs(trace - rank), unit);
                }
            }
        }
    }

    static Stream<org.junit.jupiter.params.provider.Arguments> penroseShapes() {
        return Stream.of(
                        new int[] {6, 12, 6},
                        new int[] {6, 12, 4},
                        new int[] {12, 6, 6},
                        new int[] {12, 6, 3},
                        new int[] {8, 8, 8},
                        new int[] {8, 8, 5},
                        new int[] {1, 7, 1},
                        new int[] {7, 1, 1},
                        new int[] {33, 70, 31})
                .map(a -> org.junit.jupiter.params.provider.Arguments.of(a[0], a[1], a[2]));
    }

    // ---- factor once

    @Test
    void solvesManyTargetsFromOneFactorization() {
        for (Precision precision : Precision.values()) {
            Planted p = Planted.of(100, 9, 21, 6, 7, Spectrum.STEEP, 50, 0.4, precision);
            for (Mode mode : Mode.of(precision)) {
                Matrix x = p.matrixX(Storage.ROW_MAJOR);
                Matrix y = p.matrixY(Storage.COLUMN_MAJOR);
                SolveOptions options = options(mode);
                try (Factorization f = Nullspace.factor(x, options);
                        SolutionSet all = f.solve(y);
                        SolutionSet direct = Nullspace.solve(x, y, options)) {
                    assertThat(f.rank()).isEqualTo(7);
                    assertThat(f.outcome()).isEqualTo(Outcome.RANK_REDUCED);
                    assertThat(f.method()).isEqualTo(direct.method());
                    assertThat(f.history()).isEqualTo(direct.history());
                    assertThat(all.minimumNorm().hasSameEntries(direct.minimumNorm()))
                            .as(mode + ": factor and solve against solve")
                            .isTrue();
                    for (int j = 0; j < 6; j++) {
                        try (SolutionSet one = f.solve(y.columns(j, j + 1))) {
                            Checks.close(
                                    "one target of many",
                                    mode + " on " + p,
                                    one.minimumNorm().columnToArray(0),
                                    all.minimumNorm().columnToArray(j),
                                    ROOM * precision.epsilon() * p.sensitivity() * Dense.norm(p.w()));
                        }
                    }
                }
            }
        }
    }

    @Test
    void computesTheSpectrumAtOnceWhenAsked() {
        Planted p = Planted.of(101, 9, 21, 1, 9, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet lazy = solve(p, mode);
                    SolutionSet eager =
                            solve(p, mode.on(options()).spectrum(true).build())) {
                assertThat(eager.singularValues()).as(mode + "").containsExactly(lazy.singularValues());
                double[] once = eager.singularValues();
                once[0] = -1;
                assertThat(eager.singularValues()[0]).as("a copy is handed out").isPositive();
            }
        }
    }

    // ---- misuse

    @Test
    void refusesShapesThatDoNotFit() {
        Matrix x = Matrix.of(new double[][] {{1, 2, 3}, {4, 5, 6}});
        SolveOptions options = options().build();
        assertThatThrownBy(() -> Nullspace.solve(x, Matrix.column(1, 2, 3), options))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("2×3", "3×1");
        assertThatThrownBy(() -> Nullspace.solve(new double[][] {{1, 2}, {3}}, new double[] {1, 2}))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("row 1", "2", "1");
        assertThatThrownBy(() -> Nullspace.solve(new double[][] {{1, 2}}, new double[] {1, 2}))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("1 row", "2 entries");
        try (Factorization f = Nullspace.factor(x, options)) {
            assertThatThrownBy(() -> f.solve(Matrix.column(1, 2, 3)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("2×3", "3×1");
        }
        Matrix batch = Matrix.zeros(Precision.FLOAT64, 3, 2, 3, Layout.ROW_MAJOR);
        assertThatThrownBy(() -> Nullspace.solve(batch, Matrix.column(1, 2), options))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("batch of 3", "solveBatch");
        try (SolutionSet s = Nullspace.solve(x, Matrix.of(new double[][] {{1, 2}, {3, 4}}), options)) {
            assertThatThrownBy(() -> s.closestTo(Matrix.column(1, 2, 3)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("prior", "3×1", "3×2");
            assertThatThrownBy(() -> s.closestTo(new double[] {1, 2, 3}))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContaining("2 targets");
            assertThatThrownBy(() -> s.member(Matrix.column(1)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("z", "1×1", "1×2");
            assertThatThrownBy(() -> s.predict(Matrix.column(1, 2)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("samples", "2×1", "2×3");
            assertThatThrownBy(() -> s.nullSpace().project(Matrix.column(1, 2)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("null space", "2×1", "3");
            assertThatThrownBy(() -> s.random(1, -1)).isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> s.random(1, Double.NaN)).isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> s.ridge(-1)).isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> s.ridge(Double.POSITIVE_INFINITY)).isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> s.contains(s.minimumNorm(), Double.NaN)).isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> s.fixing(3, 1.0))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContainingAll("index 3", "[0, 3)");
            assertThatThrownBy(() -> s.fixing(-1, 1.0)).isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> s.fixing(1, Double.NaN))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("coefficient 1");
            assertThatThrownBy(() -> s.fixing(new int[] {1, 1}, new double[] {1, 1}))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("twice");
            assertThatThrownBy(() -> s.fixing(new int[] {1}, new double[] {1, 1}))
                    .isInstanceOf(ShapeMismatchException.class);
        }
    }
}
