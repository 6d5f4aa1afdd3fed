package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Factorization;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.RidgePath;
import org.nullspace.model.RidgePath.Criterion;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** Ridge paths are their solutions, and their scores are what leaving samples out and fitting again gives. */
abstract class RidgePathConformance extends Conformance {
    private static final double[] PENALTIES = {10, 1, 0.1, 1e-3, 1e-8, 1e-20, 0};

    private static Planted problem(int n, int d, int rank, double condition, Precision precision) {
        double[] sigma = Spectrum.STEEP.values(rank, condition, 2);
        return Planted.of(9_300 + 31L * n + d, n, d, 3, sigma, n > rank ? 0.7 : 0, precision);
    }

    @ParameterizedTest
    @CsvSource({
        "6, 15, 6, 8, FLOAT64, AUTO, NONE",
        "6, 15, 6, 1e6, FLOAT64, AUTO, NONE",
        "6, 15, 4, 8, FLOAT64, AUTO, NONE",
        "15, 6, 6, 8, FLOAT64, AUTO, NONE",
        "15, 6, 4, 8, FLOAT64, GESVD, NONE",
        "7, 7, 7, 20, FLOAT64, QR_SVD, NONE",
        "6, 15, 6, 8, FLOAT64, AUTO, UNPENALISED",
        "15, 6, 6, 8, FLOAT64, AUTO, UNPENALISED",
        "6, 15, 6, 8, FLOAT32, AUTO, NONE",
        "15, 6, 5, 8, FLOAT32, QR_SVD, UNPENALISED"
    })
    void coefficientsAreThoseOfEachPenalty(
            int n, int d, int rank, double condition, Precision precision, Method method, InterceptRule rule) {
        Planted p = problem(n, d, rank, condition, precision);
        SolveOptions options = options().method(method).intercept(rule).build();
        try (SolutionSet set = solve(p, options)) {
            RidgePath path = set.ridgePath(PENALTIES);
            assertThat(path.penalties()).containsExactly(PENALTIES);
            Matrix all = path.coefficients();
            assertThat(all.shape()).isEqualTo(PENALTIES.length + "×" + d + "×3");
            for (int l = 0; l < PENALTIES.length; l++) {
                double[][] single = entries(set.ridge(PENALTIES[l]));
                double size = Dense.norm(single);
                double tolerance = 1e-12 * Math.max(1, Math.min(condition, 1e2));
                assertThat(Dense.norm(Dense.subtract(all.problem(l).toArray(), single)))
                        .as("penalty " + PENALTIES[l])
                        .isLessThanOrEqualTo(tolerance * size);
                assertThat(Dense.norm(Dense.subtract(entries(path.coefficients(l)), single)))
                        .as("penalty " + PENALTIES[l])
                        .isLessThanOrEqualTo(tolerance * size);
            }
            int[] chosen = {2, 0, 6};
            double[][] selected = entries(path.select(chosen));
            double[] own = Arrays.stream(chosen).mapToDouble(i -> PENALTIES[i]).toArray();
            double[][] each = entries(set.ridge(own));
            for (int j = 0; j < 3; j++) {
                for (int i = 0; i < d; i++) {
                    double expected = all.get(chosen[j], i, j);
                    double room = 1e-11 * Dense.norm(all.problem(chosen[j]).toArray());
                    assertThat(selected[i][j]).isCloseTo(expected, within(room));
                    assertThat(each[i][j]).isCloseTo(expected, within(room));
                }
            }
        }
    }

    /** Enough penalties for solutions to be made from those of a few filters, whatever the coordinates of the targets. */
    @ParameterizedTest
    @CsvSource({
        "40, 90, 40, 3, FLOAT64, AUTO",
        "40, 90, 40, 1e6, FLOAT64, AUTO",
        "90, 40, 33, 1e3, FLOAT64, AUTO",
        "40, 90, 40, 10, FLOAT32, QR_SVD"
    })
    void longPathsAreTheirSolutions(int n, int d, int rank, double condition, Precision precision, Method method) {
        Planted p = problem(n, d, rank, condition, precision);
        double[] penalties = new double[150];
        Arrays.setAll(penalties, l -> Math.pow(10, 6 - l / 10.0));
        SolveOptions options = options().method(method).precision(precision).build();
        try (SolutionSet set = solve(p, options)) {
            double eps = precision == Precision.FLOAT32 ? 1.2e-7 : 2.3e-16;
            RidgePath path = set.ridgePath(penalties);
            Matrix all = path.coefficients();
            for (int l = 0; l < penalties.length; l += 7) {
                double[][] single = entries(path.coefficients(l));
                for (int j = 0; j < 3; j++) {
                    double difference = 0;
                    double size = 0;
                    for (int i = 0; i < d; i++) {
                        difference = Math.hypot(difference, all.get(l, i, j) - single[i][j]);
                        size = Math.hypot(size, single[i][j]);
                    }
                    assertThat(difference)
                            .as("penalty " + penalties[l] + ", target " + j)
                            .isLessThanOrEqualTo(200 * eps * size);
                }
            }
            // Scores of all at once, and of each alone.
            Matrix scores = path.scores(Criterion.LEAVE_ONE_OUT);
            Matrix general = path.scores(Criterion.GENERALIZED_CROSS_VALIDATION);
            for (int l = 0; l < penalties.length; l += 29) {
                RidgePath alone = set.ridgePath(penalties[l]);
                for (int j = 0; j < 3; j++) {
                    double one = alone.scores(Criterion.LEAVE_ONE_OUT).get(0, j);
                    assertThat(scores.get(l, j)).isCloseTo(one, within(1e4 * eps * one));
                    double other =
                            alone.scores(Criterion.GENERALIZED_CROSS_VALIDATION).get(0, j);
                    assertThat(general.get(l, j)).isCloseTo(other, within(1e4 * eps * other));
                }
            }
        }
    }

    /** Where the square of the condition number is all that a Gram matrix can hold: penalties near the least σ². */
    @Test
    void smallPenaltiesFilterSmallSingularValues() {
        for (double condition : new double[] {1e3, 1e5}) {
            Planted p = problem(20, 60, 20, condition, Precision.FLOAT64);
            double least = p.sigma()[19] * p.sigma()[19];
            double[] penalties = {least / 100, least, 100 * least};
            double[][] c = Dense.multiply(Dense.transpose(p.u()), p.y());
            try (SolutionSet set = solve(p, options().build());
                    RidgePath path = set.ridgePath(penalties)) {
                Matrix all = path.coefficients();
                for (int l = 0; l < 3; l++) {
                    double[][] filtered = Dense.copy(c);
                    for (int i = 0; i < 20; i++) {
                        double sigma = p.sigma()[i];
                        for (int j = 0; j < 3; j++) {
                            filtered[i][j] *= sigma / (sigma * sigma + penalties[l]);
                        }
                    }
                    double[][] expected = Dense.multiply(p.v(), filtered);
                    // Rounding X moves small singular values by ε, relative to them εκ.
                    assertThat(Dense.norm(Dense.subtract(all.problem(l).toArray(), expected)))
                            .as("condition " + condition + ", penalty " + penalties[l])
                            .isLessThanOrEqualTo(64 * 0x1p-52 * condition * Dense.norm(expected));
                }
            }
        }
    }

    @Test
    void smallPenaltiesMeetTheMinimumNormSolution() {
        for (double condition : new double[] {8, 1e5, 1e9}) {
            Planted p = problem(6, 15, 6, condition, Precision.FLOAT64);
            try (SolutionSet set = solve(p, options().build())) {
                double[] sigma = set.singularValues();
                double least = sigma[sigma.length - 1];
                double[] penalties = new double[12];
                Arrays.setAll(penalties, l -> least * least * Math.pow(10, -l));
                Matrix all = set.ridgePath(penalties).coefficients();
                double[][] limit = set.minimumNorm().toArray();
                double size = Dense.norm(limit);
                for (int l = 0; l < penalties.length; l++) {
                    double difference = Dense.norm(Dense.subtract(all.problem(l).toArray(), limit));
                    // λ/(σ² + λ) of the part that belongs to the smallest singular value, and rounding.
                    assertThat(difference)
                            .as("κ = " + condition + ", λ = 10^-" + l + "·σ²")
                            .isLessThanOrEqualTo(size * (Math.pow(10, -l) + 1e-14 * condition));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "7, 12, 7, NONE, false",
        "12, 5, 5, NONE, false",
        "9, 12, 5, NONE, false",
        "7, 12, 7, UNPENALISED, false",
        "12, 5, 5, UNPENALISED, false",
        "12, 5, 5, NONE, true",
        "9, 14, 9, UNPENALISED, true"
    })
    void leavingOneOutIsWhatFittingWithoutItGives(int n, int d, int rank, InterceptRule rule, boolean weighted) {
        Planted p = problem(n, d, rank, 6, Precision.FLOAT64);
        double[][] y = p.y();
        for (int i = 0; i < n; i++) {
            // Noise, so that there is something to predict badly.
            for (int j = 0; j < 3; j++) {
                y[i][j] += 0.3 * Math.sin(7 * i + 3 * j);
            }
        }
        double[] weights = new double[n];
        Arrays.setAll(weights, i -> weighted ? (i == 3 ? 0 : 0.5 + (i * 37 % 11) / 4.0) : 1);
        SolveOptions.Builder builder = options().intercept(rule);
        SolveOptions options = (weighted ? builder.sampleWeights(weights) : builder).build();
        double[] penalties = {2, 0.3, 1e-2, 1e-9, 0};
        try (SolutionSet set = solve(p.x(), y, options)) {
            boolean interpolates = rank == n;
            RidgePath path = set.ridgePath(penalties);
            Matrix scores = path.scores(Criterion.LEAVE_ONE_OUT);
            for (int l = 0; l < penalties.length; l++) {
                // Without a sample, a fit of deficient rank may lose a direction: only the exact limit is another
                // matter.
                if (penalties[l] < 1e-3 && !interpolates && rank < d) {
                    continue;
                }
                double[] expected = bruteForce(p.x(), y, weights, builder, weighted, penalties[l]);
                for (int j = 0; j < 3; j++) {
                    assertThat(scores.get(l, j))
                            .as("λ = " + penalties[l] + ", target " + j)
                            .isCloseTo(expected[j], within(1e-6 * expected[j]));
                }
            }
        }
    }

    private double[] bruteForce(
            double[][] x,
            double[][] y,
            double[] weights,
            SolveOptions.Builder builder,
            boolean weighted,
            double lambda) {
        double[] out = new double[3];
        double total = Arrays.stream(weights).sum();
        for (int i = 0; i < x.length; i++) {
            if (weights[i] == 0) {
                continue;
            }
            int left = i;
            int[] rows = IntStream.range(0, x.length).filter(r -> r != left).toArray();
            double[][] xs = Arrays.stream(rows).mapToObj(r -> x[r]).toArray(double[][]::new);
            double[][] ys = Arrays.stream(rows).mapToObj(r -> y[r]).toArray(double[][]::new);
            double[] ws = Arrays.stream(rows).mapToDouble(r -> weights[r]).toArray();
            SolveOptions options = (weighted ? builder.build().toBuilder().sampleWeights(ws) : builder).build();
            try (SolutionSet without = solve(xs, ys, options)) {
                Matrix w = without.ridge(lambda);
                double[][] predicted = entries(without.predict(Matrix.of(new double[][] {x[i]}), w));
                for (int j = 0; j < 3; j++) {
                    double error = y[i][j] - predicted[0][j];
                    out[j] += weights[i] * error * error / total;
                }
            }
        }
        return out;
    }

    @ParameterizedTest
    @CsvSource({"7, 12, NONE", "12, 5, NONE", "12, 5, UNPENALISED", "7, 12, UNPENALISED"})
    void generalizedCrossValidationIsItsDefinition(int n, int d, InterceptRule rule) {
        Planted p = problem(n, d, Math.min(n, d), 6, Precision.FLOAT64);
        double[] penalties = {3, 0.2, 1e-2};
        try (SolutionSet set = solve(p, options().intercept(rule).build())) {
            RidgePath path = set.ridgePath(penalties);
            Matrix scores = path.scores(Criterion.GENERALIZED_CROSS_VALIDATION);
            double[] freedom = path.degreesOfFreedom();
            for (int l = 0; l < penalties.length; l++) {
                // The matrix that maps Y to the fit, column by column: what becomes of the axes.
                double trace = 0;
                double[][] axes = Dense.identity(n);
                try (SolutionSet ofAxes =
                        solve(p.x(), axes, options().intercept(rule).build())) {
                    double[][] fit = entries(ofAxes.predict(Matrix.of(p.x()), ofAxes.ridge(penalties[l])));
                    for (int i = 0; i < n; i++) {
                        trace += fit[i][i];
                    }
                }
                assertThat(freedom[l]).isCloseTo(trace, within(1e-9));
                double[][] fit = entries(set.predict(Matrix.of(p.x()), set.ridge(penalties[l])));
                for (int j = 0; j < 3; j++) {
                    double squares = 0;
                    for (int i = 0; i < n; i++) {
                        squares += (p.y()[i][j] - fit[i][j]) * (p.y()[i][j] - fit[i][j]);
                    }
                    double expected = n * squares / ((n - trace) * (n - trace));
                    assertThat(scores.get(l, j)).isCloseTo(expected, within(1e-8 * expected));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"6, 15, NONE", "15, 6, NONE", "15, 6, UNPENALISED", "6, 15, UNPENALISED"})
    void bandsOfFeaturesHavePenaltiesOfTheirOwn(int n, int d, InterceptRule rule) {
        Planted p = problem(n, d, Math.min(n, d), 8, Precision.FLOAT64);
        double[] bands = new double[d];
        Arrays.setAll(bands, j -> j < d / 3 ? 0.01 : j < d / 2 ? 1 : 30);
        double[] multipliers = {0.5, 2, 1e-12};
        try (SolutionSet set = solve(p, options().intercept(rule).build());
                RidgePath path = set.bandedRidgePath(bands, multipliers)) {
            Matrix all = path.coefficients();
            for (int l = 0; l < 2; l++) {
                // Penalties as samples: rows √λ_j·e_j with target 0, none of which an intercept may fit.
                double[][] x = centred(p.x(), rule);
                double[][] y = centred(p.y(), rule);
                double[][] xs = new double[n + d][d];
                double[][] ys = new double[n + d][3];
                for (int i = 0; i < n; i++) {
                    xs[i] = x[i];
                    ys[i] = y[i];
                }
                for (int j = 0; j < d; j++) {
                    xs[n + j][j] = Math.sqrt(multipliers[l] * bands[j]);
                }
                double[][] expected = Oracle.minimumNorm(xs, ys, 1e-15);
                assertThat(Dense.norm(Dense.subtract(all.problem(l).toArray(), expected)))
                        .as("multiplier " + multipliers[l])
                        .isLessThanOrEqualTo(1e-11 * Dense.norm(expected));
            }
            // Equal bands are ridge.
            double[] equal = new double[d];
            Arrays.fill(equal, 0.25);
            try (RidgePath same = set.bandedRidgePath(equal, 4)) {
                double[][] ridge = entries(set.ridge(1));
                assertThat(Dense.norm(Dense.subtract(entries(same.coefficients(0)), ridge)))
                        .isLessThanOrEqualTo(1e-12 * Dense.norm(ridge));
                assertThat(same.scores(Criterion.LEAVE_ONE_OUT).get(0, 1))
                        .isCloseTo(
                                set.ridgePath(1).scores(Criterion.LEAVE_ONE_OUT).get(0, 1), within(1e-10));
            }
            assertThatThrownBy(() -> set.bandedRidgePath(new double[d + 1], 1))
                    .isInstanceOf(ShapeMismatchException.class);
            assertThatThrownBy(() -> set.bandedRidgePath(new double[d], 1))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("feature 0 is 0.0");
        }
    }

    private static double[][] centred(double[][] m, InterceptRule rule) {
        double[][] out = Arrays.stream(m).map(double[]::clone).toArray(double[][]::new);
        for (int j = 0; rule == InterceptRule.UNPENALISED && j < m[0].length; j++) {
            double mean = 0;
            for (double[] row : m) {
                mean += row[j] / m.length;
            }
            for (double[] row : out) {
                row[j] -= mean;
            }
        }
        return out;
    }

    @Test
    void theBestPenaltyHasTheLeastScore() {
        Planted p = problem(12, 9, 9, 30, Precision.FLOAT64);
        try (SolutionSet set = solve(p, options().build())) {
            double[] penalties = {1e-4, 1, 1e-2, 1, 100};
            RidgePath path = set.ridgePath(penalties);
            for (Criterion criterion : Criterion.values()) {
                Matrix scores = path.scores(criterion);
                int[] best = path.best(criterion);
                for (int j = 0; j < 3; j++) {
                    for (int l = 0; l < penalties.length; l++) {
                        assertThat(scores.get(best[j], j)).isLessThanOrEqualTo(scores.get(l, j));
                    }
                }
            }
            assertThat(set.ridgePath().coefficients().batch()).isZero();
            assertThat(set.ridgePath().best(Criterion.LEAVE_ONE_OUT)).containsExactly(-1, -1, -1);
        }
    }

    @Test
    void aSampleThatCannotBeLeftOutHasNoScore() {
        // The first sample alone sees the first feature.
        double[][] x = {{1, 0}, {0, 1}, {0, 2}, {0, 3}};
        double[][] y = {{1}, {2}, {3}, {5}};
        try (SolutionSet set = solve(x, y, options().build())) {
            RidgePath path = set.ridgePath(0, 0.5);
            assertThat(path.scores(Criterion.LEAVE_ONE_OUT).get(0, 0)).isNaN();
            assertThat(path.scores(Criterion.LEAVE_ONE_OUT).get(1, 0)).isFinite();
            assertThat(path.best(Criterion.LEAVE_ONE_OUT)).containsExactly(1);
        }
    }

    @Test
    void aZeroMatrixHasAPath() {
        try (SolutionSet set = solve(
                new double[3][4], new double[][] {{1}, {2}, {2}}, options().build())) {
            RidgePath path = set.ridgePath(1, 0);
            assertThat(path.coefficients().get(1, 3, 0)).isZero();
            assertThat(path.degreesOfFreedom()).containsExactly(0, 0);
            assertThat(path.scores(Criterion.LEAVE_ONE_OUT).get(0, 0)).isCloseTo(3, within(1e-12));
            assertThat(path.scores(Criterion.GENERALIZED_CROSS_VALIDATION).get(1, 0))
                    .isCloseTo(3, within(1e-12));
        }
    }

    @ParameterizedTest
    @CsvSource({"6, 15, NONE, FLOAT64", "15, 6, UNPENALISED, FLOAT64", "80, 200, NONE, FLOAT32"})
    void factorizationsHavePathsOfTheirOwn(int n, int d, InterceptRule rule, Precision precision) {
        Planted p = problem(n, d, Math.min(n, d), 5, precision);
        SolveOptions options = options().intercept(rule).build();
        Matrix x = p.matrixX(Storage.ROW_MAJOR);
        Matrix y = p.matrixY(Storage.COLUMN_MAJOR);
        try (Factorization f = Nullspace.factor(x, options);
                SolutionSet set = f.solve(y);
                RidgePath expected = set.ridgePath(PENALTIES)) {
            RidgePath path = f.ridgePath(y, PENALTIES);
            for (Criterion criterion : Criterion.values()) {
                assertThat(path.scores(criterion).toArray())
                        .isDeepEqualTo(expected.scores(criterion).toArray());
                assertThat(path.best(criterion)).isEqualTo(expected.best(criterion));
            }
            assertThat(path.coefficients(2).toArray())
                    .isDeepEqualTo(expected.coefficients(2).toArray());
            assertThat(path.degreesOfFreedom()).isEqualTo(expected.degreesOfFreedom());
            assertThatThrownBy(() -> f.ridgePath(y.rows(0, n - 1), 1)).isInstanceOf(ShapeMismatchException.class);
            assertThatThrownBy(() -> f.ridgePath(y, 1, -1)).hasMessageContaining("penalty 1 is -1.0");
            y.set(0, n - 1, 2, Double.NaN);
            assertThatThrownBy(() -> f.ridgePath(y, 1))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("entry [" + (n - 1) + ", 2] of Y is NaN");
            path.close();
            assertThatThrownBy(() -> path.coefficients(0)).isInstanceOf(ClosedException.class);
            RidgePath open = f.ridgePath(p.matrixY(Storage.ROW_MAJOR), 1);
            f.close();
            assertThatThrownBy(() -> open.coefficients(0)).isInstanceOf(ClosedException.class);
        }
    }

    @Test
    void penaltiesBeyondAllMeasureShrinkEverything() {
        for (double unit : new double[] {1, 1e-100, 1e100}) {
            double[][] x = Dense.scale(unit, new double[][] {{1, 2, 0, 1}, {3, -4, 1, 0}, {5, 6, 2, 1}});
            double[][] y = {{1}, {-2}, {4}};
            try (SolutionSet set = solve(x, y, options().build())) {
                RidgePath path = set.ridgePath(1e300, 1e250, 0);
                for (Criterion criterion : Criterion.values()) {
                    double score = path.scores(criterion).get(unit > 1 ? 0 : 1, 0);
                    assertThat(score).as(criterion + ", unit " + unit).isCloseTo(7, within(1e-10));
                    assertThat(path.scores(criterion).get(2, 0)).isFinite();
                }
            }
        }
    }

    @Test
    void penaltiesThatAreNoneAreRefused() {
        Planted p = problem(5, 8, 5, 4, Precision.FLOAT64);
        SolutionSet set = solve(p, options().build());
        RidgePath path = set.ridgePath(1, 2);
        for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> set.ridgePath(1, bad))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("penalty 1 is " + bad);
        }
        assertThatThrownBy(() -> set.ridge(new double[] {1, 2}))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("2 penalties for 3 targets");
        assertThatThrownBy(() -> path.select(0, 1)).isInstanceOf(ShapeMismatchException.class);
        assertThatThrownBy(() -> path.select(0, 1, 2)).hasMessageContaining("target 2 is to have penalty 2 of 2");
        assertThatThrownBy(() -> path.coefficients(2)).isInstanceOf(IndexOutOfBoundsException.class);
        RidgePath shortLived = set.ridgePath(1);
        shortLived.close();
        shortLived.close();
        assertThatThrownBy(() -> shortLived.coefficients(0)).isInstanceOf(ClosedException.class);
        assertThat(path.coefficients(0).get(0, 0)).isFinite();
        set.close();
        assertThatThrownBy(() -> path.coefficients(0)).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> path.scores(Criterion.LEAVE_ONE_OUT)).isInstanceOf(ClosedException.class);
    }
}
