package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/** Sample weights and the unpenalised intercept, against centring and weighting by hand. */
abstract class InterceptConformance extends Conformance {
    private static final double ROOM = 64;

    /** A problem with weights or an intercept or both. */
    record Affine(
            String name,
            double[][] x,
            double[][] y,
            double @Nullable [] weights,
            boolean intercept,
            Precision precision) {
        SolveOptions.Builder on(SolveOptions.Builder options) {
            if (weights != null) {
                options.sampleWeights(weights);
            }
            return options.intercept(intercept ? InterceptRule.UNPENALISED : InterceptRule.NONE);
        }

        double weight(int i) {
            return weights == null ? 1 : weights[i];
        }

        /** Weighted mean of each column. */
        double[] means(double[][] a) {
            double total = 0;
            double[] mean = new double[Dense.columns(a)];
            for (int i = 0; i < a.length; i++) {
                total += weight(i);
                for (int j = 0; j < mean.length; j++) {
                    mean[j] += weight(i) * a[i][j];
                }
            }
            for (int j = 0; j < mean.length; j++) {
                mean[j] = intercept ? mean[j] / total : 0;
            }
            return mean;
        }

        /** Rows times √ω, means removed. */
        double[][] reduced(double[][] a) {
            double[] mean = means(a);
            double[][] out = Dense.copy(a);
            for (int i = 0; i < out.length; i++) {
                for (int j = 0; j < out[i].length; j++) {
                    out[i][j] = Math.sqrt(weight(i)) * (out[i][j] - mean[j]);
                }
            }
            return out;
        }

        Matrix matrix(double[][] a) {
            return Storage.ROW_MAJOR.of(a, Dense.columns(a), precision);
        }

        @Override
        public String toString() {
            return name + " " + x.length + "×" + x[0].length + (intercept ? " intercept" : "")
                    + (weights == null ? "" : " weights") + " " + precision;
        }
    }

    static Stream<Affine> problems() {
        List<Affine> out = new ArrayList<>();
        SplitMix64 random = new SplitMix64(6000);
        for (Precision precision : Precision.values()) {
            for (int[] shape : new int[][] {{6, 11}, {14, 5}, {7, 7}, {1, 4}, {9, 1}, {25, 60}}) {
                for (int kind = 0; kind < 3; kind++) {
                    boolean intercept = kind != 1;
                    double[] weights = null;
                    if (kind > 0) {
                        weights = new double[shape[0]];
                        for (int i = 0; i < weights.length; i++) {
                            weights[i] = 0.25 + 3 * random.nextDouble();
                        }
                    }
                    double[][] x = Dense.gaussian(random, shape[0], shape[1]);
                    double[][] y = Dense.gaussian(random, shape[0], 2);
                    for (int i = 0; i < x.length; i++) {
                        for (int j = 0; j < x[i].length; j++) {
                            x[i][j] += 3 + j % 3;
                        }
                        y[i][1] += 20;
                    }
                    if (precision == Precision.FLOAT32) {
                        x = Dense.rounded(x);
                        y = Dense.rounded(y);
                    }
                    out.add(new Affine("full", x, y, weights, intercept, precision));
                    if (shape[1] > 4) {
                        double[][] low = Dense.copy(x);
                        for (double[] row : low) {
                            row[1] = 2.5;
                            row[3] = row[0];
                        }
                        out.add(new Affine("constant and repeated column", low, y, weights, intercept, precision));
                    }
                }
            }
        }
        return out.stream();
    }

    private SolutionSet solve(Affine a, Mode mode) {
        return Nullspace.solve(
                a.matrix(a.x), a.matrix(a.y), a.on(mode.on(options())).build());
    }

    /** Relative size of what rounding does: ε times the condition of the centred matrix times what centring cancels. */
    private static double unit(Affine a, double[][] f) {
        double[] s = Oracle.singularValues(f);
        int rank = (int) Arrays.stream(s).filter(v -> v > 1e-5 * s[0]).count();
        double condition = s[0] == 0 ? 1 : s[0] / s[rank - 1];
        double cancelled = s[0] == 0 ? 1 : Dense.norm(a.x) / s[0];
        return ROOM * a.precision.epsilon() * condition * Math.max(1, cancelled);
    }

    @ParameterizedTest
    @MethodSource("problems")
    void solvesTheWeightedCentredProblem(Affine a) {
        double[][] f = a.reduced(a.x);
        double[][] g = a.reduced(a.y);
        // With one sample and an intercept nothing is left but rounding errors of the means.
        boolean nothing = a.intercept && a.x.length == 1;
        double[][] expected = nothing ? new double[Dense.columns(a.x)][2] : Oracle.minimumNorm(f, g, 1e-5);
        double[] meanX = a.means(a.x);
        double[] meanY = a.means(a.y);
        double[][] residual = nothing ? new double[1][2] : Dense.multiplySubtract(f, expected, g);
        double unit = nothing ? 1e-15 : unit(a, f);
        double size = Dense.norm(expected) + Dense.norm(g) / Math.max(1e-300, Dense.norm(f));
        for (Mode mode : Mode.of(a.precision)) {
            String where = mode + " on " + a;
            try (SolutionSet s = solve(a, mode)) {
                double[][] w = s.minimumNorm().toArray();
                Checks.close("solution with weights or intercept", where, w, expected, unit * size);
                double[] b = s.intercept();
                for (int j = 0; j < 2; j++) {
                    double constant = a.intercept ? meanY[j] - Dense.dot(meanX, Dense.column(w, j)) : 0;
                    Checks.atMost(
                            "intercept",
                            where,
                            Math.abs(b[j] - constant),
                            ROOM * a.precision.epsilon() * (Dense.norm(meanY) + Dense.norm(meanX) * size));
                    Checks.atMost(
                            "residual norm with weights or intercept",
                            where,
                            Math.abs(s.residualNorms()[j] - Dense.norm(Dense.column(residual, j))),
                            unit * (Dense.norm(a.y) + Dense.norm(a.x) * size));
                }
                if (!nothing) {
                    double[] sigma = s.singularValues();
                    double[] reference = Oracle.singularValues(f);
                    int rank = (int) Arrays.stream(reference)
                            .filter(v -> v > 1e-5 * reference[0])
                            .count();
                    assertThat(s.rank()).as(where + s.history()).isEqualTo(rank);
                    Checks.close(
                            "spectrum with weights or intercept",
                            where,
                            Arrays.copyOf(sigma, rank),
                            Arrays.copyOf(reference, rank),
                            ROOM * a.precision.epsilon() * Dense.norm(a.x) * 2);
                }
                requireAffineSet(where, a, s, w, b, unit * size);
            }
        }
    }

    /** Members predict alike, intercept included; coefficients of others get their own intercept. */
    private static void requireAffineSet(
            String where, Affine a, SolutionSet s, double[][] w, double[] b, double error) {
        double room =
                error * (1 + Dense.norm(a.x)) + ROOM * a.precision.epsilon() * (Dense.norm(a.y) + Dense.norm(a.x));
        double[][] predicted = entries(s.predict(a.matrix(a.x)));
        double[][] byHand = Dense.multiply(a.x, w);
        for (double[] row : byHand) {
            row[0] += b[0];
            row[1] += b[1];
        }
        Checks.close("prediction with intercept", where, predicted, byHand, room);
        double[][] member = entries(s.random(3, 2));
        Checks.close(
                "prediction of a member with its intercept",
                where,
                entries(s.predict(a.matrix(a.x), Matrix.of(member))),
                predicted,
                room * 4);
        double[] constants = s.intercept(Matrix.of(member));
        double[] meanX = a.means(a.x);
        double[] meanY = a.means(a.y);
        for (int j = 0; j < 2 && a.intercept; j++) {
            Checks.atMost(
                    "intercept of a member",
                    where,
                    Math.abs(constants[j] - (meanY[j] - Dense.dot(meanX, Dense.column(member, j)))),
                    room * 4);
        }
        assertThat(s.contains(Matrix.of(member))).as(where).isTrue();
    }

    @ParameterizedTest
    @MethodSource("problems")
    void aConstantInYMovesOnlyTheIntercept(Affine a) {
        if (!a.intercept) {
            return;
        }
        double[][] shifted = Dense.copy(a.y);
        for (double[] row : shifted) {
            row[0] += 1024;
        }
        if (a.precision == Precision.FLOAT32) {
            shifted = Dense.rounded(shifted);
        }
        Affine moved = new Affine(a.name + ", y + 1024", a.x, shifted, a.weights, true, a.precision);
        double unit = a.x.length == 1 ? 1e-15 : unit(a, a.reduced(a.x));
        double f = Math.max(1, Dense.norm(a.reduced(a.x)));
        for (Mode mode : Mode.of(a.precision)) {
            try (SolutionSet s = solve(a, mode);
                    SolutionSet t = solve(moved, mode)) {
                String where = mode + " on " + a;
                double error = unit * Dense.norm(shifted) / f * 8;
                Checks.close(
                        "W for y + c",
                        where,
                        t.minimumNorm().toArray(),
                        s.minimumNorm().toArray(),
                        error);
                Checks.atMost(
                        "intercept for y + c",
                        where,
                        Math.abs(t.intercept()[0] - s.intercept()[0] - 1024),
                        error * Dense.norm(a.x) + ROOM * a.precision.epsilon() * 1024);
                Checks.atMost(
                        "the other intercept",
                        where,
                        Math.abs(t.intercept()[1] - s.intercept()[1]),
                        error * Dense.norm(a.x));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("problems")
    void aConstantInAColumnOfXLeavesWAlone(Affine a) {
        if (!a.intercept || a.precision == Precision.FLOAT32) {
            return;
        }
        double[][] shifted = Dense.copy(a.x);
        int column = shifted[0].length - 1;
        for (double[] row : shifted) {
            row[column] += 256;
        }
        Affine moved = new Affine(a.name + ", x + 256", shifted, a.y, a.weights, true, a.precision);
        double unit = a.x.length == 1 ? 1e-13 : unit(moved, a.reduced(a.x));
        for (Mode mode : Mode.of(a.precision)) {
            try (SolutionSet s = solve(a, mode);
                    SolutionSet t = solve(moved, mode)) {
                String where = mode + " on " + a;
                double size = Dense.norm(a.y);
                assertThat(t.rank()).as(where).isEqualTo(s.rank());
                Checks.close(
                        "W for x + c",
                        where,
                        t.minimumNorm().toArray(),
                        s.minimumNorm().toArray(),
                        unit * size);
                for (int j = 0; j < 2; j++) {
                    double moveOfIntercept = -256 * s.minimumNorm().get(column, j);
                    Checks.atMost(
                            "intercept for x + c",
                            where,
                            Math.abs(t.intercept()[j] - s.intercept()[j] - moveOfIntercept),
                            unit * size * 256);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("problems")
    void isTheLimitOfRidgeWithAnUnpenalisedIntercept(Affine a) {
        if (a.precision == Precision.FLOAT32 || a.x.length == 1) {
            return;
        }
        int d = Dense.columns(a.x);
        // [√ω·X √ω]: the last column carries the intercept and is not penalised.
        double[][] extended = new double[a.x.length][d + (a.intercept ? 1 : 0)];
        double[][] targets = new double[a.x.length][2];
        for (int i = 0; i < extended.length; i++) {
            double root = Math.sqrt(a.weight(i));
            for (int j = 0; j < extended[i].length; j++) {
                extended[i][j] = root * (j < d ? a.x[i][j] : 1);
            }
            targets[i] = new double[] {root * a.y[i][0], root * a.y[i][1]};
        }
        for (double lambda : new double[] {10, 1e-2}) {
            double[][] expected = penalised(extended, targets, lambda, d);
            for (Mode mode : Mode.of(a.precision)) {
                String where = mode + " λ=" + lambda + " on " + a;
                try (SolutionSet s = solve(a, mode)) {
                    double[][] w = entries(s.ridge(lambda));
                    double error = 1e-9 / lambda * Dense.norm(expected);
                    Checks.close("ridge with intercept", where, w, Dense.rows(expected, indices(d)), error);
                    if (a.intercept) {
                        Checks.close(
                                "intercept of ridge", where, s.intercept(Matrix.of(w)), expected[d], error * d * 10);
                    }
                }
            }
        }
    }

    private static int[] indices(int count) {
        int[] out = new int[count];
        Arrays.setAll(out, i -> i);
        return out;
    }

    /** argmin ‖XW − Y‖² + λ‖the first d rows of W‖², as a least-squares problem with √λ·I below X. */
    private static double[][] penalised(double[][] x, double[][] y, double lambda, int d) {
        double[][] below = new double[d][x[0].length];
        for (int j = 0; j < d; j++) {
            below[j][j] = Math.sqrt(lambda);
        }
        return Oracle.minimumNorm(Dense.above(x, below), Dense.above(y, new double[d][2]), 1e-14);
    }

    @Test
    void integerWeightsAreRepeatedSamples() {
        SplitMix64 random = new SplitMix64(6100);
        for (boolean intercept : new boolean[] {false, true}) {
            for (int[] shape : new int[][] {{5, 9}, {8, 3}}) {
                double[][] x = Dense.gaussian(random, shape[0], shape[1]);
                double[][] y = Dense.gaussian(random, shape[0], 2);
                double[] weights = new double[shape[0]];
                List<Integer> repeated = new ArrayList<>();
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = 1 + i % 3;
                    for (int c = 0; c < weights[i]; c++) {
                        repeated.add(i);
                    }
                }
                int[] order = repeated.stream().mapToInt(Integer::intValue).toArray();
                Affine weighted = new Affine("weighted", x, y, weights, intercept, Precision.FLOAT64);
                Affine listed = new Affine(
                        "listed", Dense.rows(x, order), Dense.rows(y, order), null, intercept, Precision.FLOAT64);
                for (Mode mode : Mode.of(Precision.FLOAT64)) {
                    try (SolutionSet s = solve(weighted, mode);
                            SolutionSet t = solve(listed, mode)) {
                        String where = mode + " on " + weighted;
                        assertThat(s.rank()).as(where).isEqualTo(t.rank());
                        double error = unit(weighted, weighted.reduced(x))
                                * (1 + Dense.norm(t.minimumNorm().toArray()));
                        Checks.close(
                                "weights and repetition",
                                where,
                                s.minimumNorm().toArray(),
                                t.minimumNorm().toArray(),
                                error);
                        Checks.close("weights and repetition", where, s.intercept(), t.intercept(), error * 10);
                        Checks.close("weights and repetition", where, s.residualNorms(), t.residualNorms(), error * 10);
                        Checks.close(
                                "weights and repetition",
                                where,
                                Arrays.copyOf(s.singularValues(), s.rank()),
                                Arrays.copyOf(t.singularValues(), t.rank()),
                                error * 10);
                        double[][] prior = Dense.gaussian(new SplitMix64(4), shape[1], 2);
                        Checks.close(
                                "weights and repetition",
                                where,
                                entries(s.closestTo(Matrix.of(prior))),
                                entries(t.closestTo(Matrix.of(prior))),
                                error * 10);
                    }
                }
            }
        }
    }

    @Test
    void theUnitOfTheWeightsDoesNotMatter() {
        SplitMix64 random = new SplitMix64(6101);
        double[][] x = Dense.gaussian(random, 6, 9);
        double[][] y = Dense.gaussian(random, 6, 2);
        double[] weights = {1, 2, 0.5, 3, 1, 4};
        for (boolean intercept : new boolean[] {false, true}) {
            for (double factor : new double[] {1e-8, 1e8, 4e307}) {
                double[] other = weights.clone();
                for (int i = 0; i < other.length; i++) {
                    other[i] *= factor;
                }
                for (Mode mode : Mode.of(Precision.FLOAT64)) {
                    Affine a = new Affine("weights", x, y, weights, intercept, Precision.FLOAT64);
                    Affine b = new Affine("weights in other units", x, y, other, intercept, Precision.FLOAT64);
                    try (SolutionSet s = solve(a, mode);
                            SolutionSet t = solve(b, mode)) {
                        Checks.close(
                                "weights in other units",
                                mode,
                                t.minimumNorm().toArray(),
                                s.minimumNorm().toArray(),
                                unit(a, a.reduced(x))
                                        * Dense.norm(s.minimumNorm().toArray()));
                        Checks.close("weights in other units", mode, t.intercept(), s.intercept(), 1e-11);
                    }
                }
            }
        }
    }

    @Test
    void aSampleOfWeightZeroHasNoInfluenceWhateverItHolds() {
        SplitMix64 random = new SplitMix64(6102);
        for (int[] shape : new int[][] {{6, 9}, {9, 4}}) {
            double[][] x = Dense.gaussian(random, shape[0], shape[1]);
            double[][] y = Dense.gaussian(random, shape[0], 2);
            double[] weights = new double[shape[0]];
            Arrays.fill(weights, 2);
            int[] out = {0, 3, shape[0] - 1};
            double[][] spoiled = Dense.copy(x);
            double[][] spoiledY = Dense.copy(y);
            for (int i : out) {
                weights[i] = 0;
                spoiled[i][i % shape[1]] = i == 0 ? Double.NaN : Double.POSITIVE_INFINITY;
                spoiledY[i][i % 2] = Double.NaN;
            }
            int[] kept = java.util.stream.IntStream.range(0, shape[0])
                    .filter(i -> weights[i] > 0)
                    .toArray();
            double[] keptWeights = new double[kept.length];
            Arrays.fill(keptWeights, 2);
            for (boolean intercept : new boolean[] {false, true}) {
                Affine a = new Affine("spoiled", spoiled, spoiledY, weights, intercept, Precision.FLOAT64);
                Affine b = new Affine(
                        "without", Dense.rows(x, kept), Dense.rows(y, kept), keptWeights, intercept, Precision.FLOAT64);
                for (Mode mode : Mode.of(Precision.FLOAT64)) {
                    try (SolutionSet s = solve(a, mode);
                            SolutionSet t = solve(b, mode)) {
                        String where = mode + " on " + a;
                        assertThat(s.outcome().isSolved()).as(where).isTrue();
                        assertThat(s.minimumNorm().hasSameEntries(t.minimumNorm()))
                                .as(where)
                                .isTrue();
                        assertThat(s.intercept()).as(where).containsExactly(t.intercept());
                        assertThat(s.residualNorms()).as(where).containsExactly(t.residualNorms());
                        assertThat(s.rank()).as(where).isEqualTo(t.rank());
                    }
                }
            }
        }
    }

    @Test
    void aDistantSampleThatHardlyCountsTakesNoDigitsFromTheOthers() {
        SplitMix64 random = new SplitMix64(6103);
        int n = 6;
        double[][] x = Dense.gaussian(random, n, 10);
        double[][] y = Dense.gaussian(random, n, 2);
        for (int j = 0; j < x[0].length; j++) {
            x[0][j] *= 1e10;
        }
        for (int outlier : new int[] {0, 3, n - 1}) {
            double[][] rows = x.clone();
            double[][] targets = y.clone();
            rows[0] = x[outlier];
            rows[outlier] = x[0];
            targets[0] = y[outlier];
            targets[outlier] = y[0];
            double[] weights = new double[n];
            Arrays.fill(weights, 1);
            weights[outlier] = 1e-20;
            Affine a = new Affine("outlier at " + outlier, rows, targets, weights, true, Precision.FLOAT64);
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                try (SolutionSet s = solve(a, mode)) {
                    double[] constants = s.intercept();
                    double[][] predicted = Dense.multiply(rows, entries(s.minimumNorm()));
                    for (int i = 0; i < n; i++) {
                        double size = i == outlier ? 1e10 : 1;
                        for (int t = 0; t < 2; t++) {
                            assertThat(predicted[i][t] + constants[t])
                                    .as(mode + " on " + a + ", sample " + i)
                                    .isCloseTo(targets[i][t], offset(1e-12 * size));
                        }
                    }
                }
            }
        }
    }

    @Test
    void nonFiniteSamplesOfPositiveWeightAreCalledSo() {
        double[][] x = {{1, 2, 3}, {4, Double.NaN, 6}, {7, 8, 10}};
        double[][] y = {{1, 2}, {3, 4}, {5, 6}};
        for (boolean intercept : new boolean[] {false, true}) {
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                Affine a = new Affine("NaN", x, y, new double[] {1, 1, 0}, intercept, Precision.FLOAT64);
                try (SolutionSet s = solve(a, mode)) {
                    assertThat(s.outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                    assertThatThrownBy(s::intercept).isInstanceOf(NoSolutionException.class);
                }
                double[][] badY = {{1, 2}, {3, Double.NEGATIVE_INFINITY}, {5, 6}};
                Affine b = new Affine(
                        "infinite y", Dense.gaussian(new SplitMix64(1), 3, 3), badY, null, true, Precision.FLOAT64);
                try (SolutionSet s = solve(b, mode)) {
                    assertThat(s.outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                }
            }
        }
    }

    @Test
    void predictsTheMeanWhereThereAreNoFeatures() {
        double[][] y = {{1, 10}, {2, 20}, {6, 60}};
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            for (double[] weights : new double[][] {{1, 1, 1}, {1, 2, 0}}) {
                Affine a = new Affine("no features", new double[3][0], y, weights, true, Precision.FLOAT64);
                try (SolutionSet s = solve(a, mode)) {
                    double mean = weights[2] == 0 ? 5.0 / 3 : 3;
                    assertThat(s.intercept()[0]).as(mode + "").isCloseTo(mean, offset(1e-14));
                    assertThat(s.intercept()[1]).as(mode + "").isCloseTo(10 * mean, offset(1e-13));
                    double[][] predicted = entries(s.predict(a.matrix(new double[2][0])));
                    assertThat(predicted[1][0]).isCloseTo(mean, offset(1e-14));
                    double residual = weights[2] == 0 ? Math.sqrt(2.0 / 3) : Math.sqrt(14);
                    assertThat(s.residualNorms()[0]).as(mode + "").isCloseTo(residual, offset(1e-13));
                }
            }
        }
    }

    @Test
    void refusesWeightsThatAreNone() {
        Matrix x = Matrix.of(new double[][] {{1, 2}, {3, 4}});
        Matrix y = Matrix.column(1, 2);
        assertThatThrownBy(() ->
                        Nullspace.solve(x, y, options().sampleWeights(1, 2, 3).build()))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContainingAll("3 sample weights", "2×2");
        for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> options().sampleWeights(1, bad))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("sample weight 1");
        }
        assertThatThrownBy(() -> options().sampleWeights(0, 0)).isInstanceOf(InvalidInputException.class);
    }
}
