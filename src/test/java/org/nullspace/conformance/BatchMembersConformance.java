package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.ClosedException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.FixedCoefficientsBatch;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.NullSpaceBatch;
import org.nullspace.model.Outcome;
import org.nullspace.model.PaddedBasis;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionList;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** What is asked of all problems of a batch at once is what each would answer alone. */
abstract class BatchMembersConformance extends Conformance {
    private static final int SIZE = 9;

    /** Rank by rank: full, two less, 0, 1, a problem with NaN in X, one with an infinity in Y. */
    private static Planted[] problems(int n, int d, int k, Precision precision) {
        int full = Math.min(n, d);
        Planted[] p = new Planted[SIZE];
        for (int b = 0; b < SIZE; b++) {
            int rank = b % 4 == 1 ? Math.max(0, full - 2) : b == 6 ? 0 : b == 7 ? Math.min(1, full) : full;
            double[] sigma = rank == 0 ? new double[0] : Spectrum.STEEP.values(rank, 15, b == 2 ? 1e-9 : 1);
            p[b] = Planted.of(8200 + b, n, d, k, sigma, n > rank ? 0.3 : 0, precision);
        }
        p[3].x()[n - 1][d / 2] = Double.NaN;
        p[8].y()[0][k - 1] = Double.POSITIVE_INFINITY;
        return p;
    }

    private static Matrix x(Planted[] p, Layout layout) {
        Matrix m = Matrix.zeros(p[0].precision(), p.length, p[0].x().length, p[0].x()[0].length, layout);
        for (int b = 0; b < p.length; b++) {
            m.problem(b).copyFrom(Matrix.of(p[b].x()));
        }
        return m;
    }

    private static Matrix y(Planted[] p, Layout layout) {
        Matrix m = Matrix.zeros(p[0].precision(), p.length, p[0].y().length, p[0].y()[0].length, layout);
        for (int b = 0; b < p.length; b++) {
            m.problem(b).copyFrom(Matrix.of(p[b].y()));
        }
        return m;
    }

    private static Matrix random(SplittableRandom random, long batch, long rows, long columns) {
        Matrix m = Matrix.zeros(Precision.FLOAT64, batch, rows, columns, Layout.ROW_MAJOR);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextDouble(-2, 2));
                }
            }
        }
        return m;
    }

    private static void requireClose(String where, Matrix actual, Matrix expected, double tolerance) {
        assertThat(actual.shape()).as(where).isEqualTo(expected.shape());
        double difference = 0;
        double size = 1e-300;
        for (int i = 0; i < actual.rows(); i++) {
            for (int j = 0; j < actual.columns(); j++) {
                difference = Math.hypot(difference, actual.get(i, j) - expected.get(i, j));
                size = Math.max(size, Math.abs(expected.get(i, j)));
            }
        }
        assertThat(difference).as(where).isLessThanOrEqualTo(tolerance * size);
    }

    private static void requireNaN(String where, Matrix m) {
        for (int i = 0; i < m.rows(); i++) {
            for (int j = 0; j < m.columns(); j++) {
                assertThat(m.get(i, j)).as(where).isNaN();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "5, 9, 2, FLOAT64, NONE, false",
        "5, 9, 1, FLOAT32, NONE, false",
        "9, 5, 2, FLOAT64, NONE, true",
        "6, 6, 1, FLOAT64, NONE, true",
        "5, 9, 2, FLOAT64, UNPENALISED, false",
        "9, 5, 1, FLOAT32, UNPENALISED, true"
    })
    void answersForAllAsEachWouldAlone(int n, int d, int k, Precision precision, InterceptRule rule, boolean spectrum) {
        Planted[] p = problems(n, d, k, precision);
        for (Layout layout : Layout.values()) {
            Matrix x = x(p, layout);
            Matrix y = y(p, layout.transposed());
            SolveOptions options = options().intercept(rule).spectrum(spectrum).build();
            try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
                requireEachAlone(layout + "", batch, x, y, options);
            }
        }
    }

    /** Compares everything that a batch can be asked with the answers of single solves. */
    private static void requireEachAlone(String label, SolutionBatch batch, Matrix x, Matrix y, SolveOptions options) {
        SplittableRandom random = new SplittableRandom(77);
        int d = (int) x.columns();
        int k = (int) y.columns();
        boolean narrow = x.precision() == Precision.FLOAT32;
        double tolerance = narrow ? 1e-6 : 1e-11;
        Matrix prior = random(random, batch.size(), d, k);
        Matrix sharedPrior = random(random, 1, d, k);
        Matrix vectors = random(random, batch.size(), d, 3);
        Matrix samples = random(random, batch.size(), 4, d);
        Matrix sharedSamples = random(random, 1, 4, d);
        Matrix values = random(random, batch.size(), 2, 1);
        int[] indices = {0, d - 1};
        NullSpaceBatch free = batch.nullSpaces();
        Matrix closest = batch.closestTo(prior);
        Matrix limit = batch.gradientDescentLimit(sharedPrior);
        Matrix members = batch.random(11, 2.5);
        Matrix ridge = batch.ridge(0.125);
        Matrix ridgeOfNothing = batch.ridge(0);
        Matrix projected = free.project(vectors);
        Matrix predicted = batch.predict(samples);
        Matrix predictedClosest = batch.predict(sharedSamples, closest);
        FixedCoefficientsBatch fixed = batch.fixing(indices, values);
        Matrix sigma = batch.singularValues();
        Matrix residuals = batch.residualNorms();
        int[] dimensions = free.dimensions();
        int widest = 0;
        for (int b = 0; b < batch.size(); b++) {
            String where = label + ", problem " + b;
            try (SolutionSet alone =
                    Nullspace.solve(x.problem(x.batch() == 1 ? 0 : b), y.problem(y.batch() == 1 ? 0 : b), options)) {
                assertThat(batch.outcome(b))
                        .as(where)
                        .isEqualTo(alone.outcome())
                        .isEqualTo(batch.outcomes()[b]);
                if (!alone.outcome().isSolved()) {
                    assertThat(batch.rank(b)).as(where).isEqualTo(-1);
                    assertThat(dimensions[b]).as(where).isEqualTo(-1);
                    assertThat(fixed.feasible()[b]).as(where).isFalse();
                    assertThat(fixed.remainingFreedom()[b]).as(where).isEqualTo(-1);
                    int index = b;
                    assertThatThrownBy(() -> batch.rankDecision(index)).isInstanceOf(NoSolutionException.class);
                    for (Matrix m : List.of(
                            batch.minimumNorm(),
                            closest,
                            limit,
                            members,
                            ridge,
                            ridgeOfNothing,
                            projected,
                            predicted,
                            predictedClosest,
                            fixed.weights(),
                            fixed.distance(),
                            sigma,
                            residuals,
                            batch.intercepts())) {
                        requireNaN(where, m.problem(b));
                    }
                    continue;
                }
                assertThat(batch.rank(b)).as(where).isEqualTo(alone.rank());
                assertThat(dimensions[b]).as(where).isEqualTo((int) alone.nullity());
                widest = Math.max(widest, dimensions[b]);
                requireClose(
                        where,
                        batch.minimumNorm().problem(b),
                        alone.minimumNorm(),
                        narrow ? 2 * Precision.FLOAT32.epsilon() : tolerance);
                requireClose(where, closest.problem(b), alone.closestTo(prior.problem(b)), tolerance);
                requireClose(where, limit.problem(b), alone.gradientDescentLimit(sharedPrior), tolerance);
                requireClose(where, members.problem(b), alone.random(SolutionBatch.seedOf(11, b), 2.5), tolerance);
                requireClose(where, ridge.problem(b), alone.ridge(0.125), tolerance);
                requireClose(where, ridgeOfNothing.problem(b), alone.ridge(0), tolerance);
                requireClose(
                        where,
                        projected.problem(b),
                        alone.nullSpace().project(vectors.problem(b)),
                        Math.max(tolerance, 1e-13));
                requireClose(where, predicted.problem(b), alone.predict(samples.problem(b)), tolerance);
                requireClose(
                        where,
                        predictedClosest.problem(b),
                        alone.predict(sharedSamples, closest.problem(b)),
                        tolerance);
                requireSameFixed(
                        where, fixed, b, alone.fixing(indices, values.problem(b).columnToArray(0)), tolerance);
                double[] spectrum = alone.singularValues();
                for (int i = 0; i < spectrum.length; i++) {
                    assertThat(sigma.get(b, i, 0)).as(where).isCloseTo(spectrum[i], within(1e-13 * spectrum[0]));
                }
                assertThat(batch.rankDecision(b).policy())
                        .isEqualTo(alone.rankDecision().policy());
                assertThat(batch.rankDecision(b).rank()).isEqualTo(alone.rank());
                for (int j = 0; j < k; j++) {
                    double size = frobenius(y.problem(y.batch() == 1 ? 0 : b));
                    assertThat(residuals.get(b, 0, j))
                            .as(where)
                            .isCloseTo(alone.residualNorms()[j], within(tolerance * size));
                    assertThat(batch.intercepts().get(b, 0, j))
                            .as(where)
                            .isCloseTo(alone.intercept()[j], within(tolerance * size));
                }
            }
        }
        assertThat(free.largestDimension()).as(label).isEqualTo(widest);
        requireBases(label, free, batch, x, options.intercept() == InterceptRule.NONE);
    }

    private static double frobenius(Matrix m) {
        double sum = 0;
        for (int i = 0; i < m.rows(); i++) {
            for (int j = 0; j < m.columns(); j++) {
                sum = Math.hypot(sum, m.get(i, j));
            }
        }
        return sum;
    }

    private static void requireSameFixed(
            String where, FixedCoefficientsBatch all, int b, FixedCoefficients alone, double tolerance) {
        assertThat(all.feasible()[b]).as(where).isEqualTo(alone.feasible());
        assertThat(all.remainingFreedom()[b]).as(where).isEqualTo(alone.remainingFreedom());
        requireClose(where, all.weights().problem(b), alone.weights(), 1e3 * tolerance);
        for (int j = 0; j < alone.distance().length; j++) {
            assertThat(all.distance().get(b, 0, j))
                    .as(where)
                    .isCloseTo(alone.distance()[j], within(1e3 * tolerance * (1 + frobenius(alone.weights()))));
        }
    }

    /** The padded bases are orthonormal, annihilated by X, zero where there is no vector, and agree with coordinates and combine. */
    private static void requireBases(String label, NullSpaceBatch free, SolutionBatch batch, Matrix x, boolean plain) {
        PaddedBasis padded = free.basis();
        Matrix mask = padded.mask();
        int m = free.largestDimension();
        assertThat(free.basisBytes()).isEqualTo(8L * batch.size() * x.columns() * m);
        Matrix c = random(new SplittableRandom(5), batch.size(), m, 2);
        Matrix combined = free.combine(c);
        Matrix back = free.coordinates(combined);
        for (int b = 0; b < batch.size(); b++) {
            String where = label + ", basis of problem " + b;
            int dimension = padded.dimensions()[b];
            if (dimension < 0) {
                requireNaN(where, padded.vectors().problem(b));
                requireNaN(where, combined.problem(b));
                int index = b;
                assertThatThrownBy(() -> padded.basis(index)).hasMessageContaining("problem " + b);
                continue;
            }
            Matrix basis = padded.basis(b);
            assertThat(basis.columns()).isEqualTo(dimension);
            double[][] v = basis.toArray();
            for (int i = 0; i < dimension; i++) {
                assertThat(mask.get(b, 0, i)).isEqualTo(1);
                for (int j = 0; j <= i; j++) {
                    double dot = 0;
                    for (double[] row : v) {
                        dot += row[i] * row[j];
                    }
                    assertThat(dot).as(where).isCloseTo(i == j ? 1 : 0, within(1e-13));
                }
            }
            for (int j = dimension; j < m; j++) {
                assertThat(mask.get(b, 0, j)).isZero();
                for (int i = 0; i < x.columns(); i++) {
                    assertThat(padded.vectors().get(b, i, j)).as(where).isZero();
                }
                assertThat(back.get(b, j, 0)).as(where).isZero();
            }
            for (int j = 0; j < 2; j++) {
                for (int i = 0; i < x.columns(); i++) {
                    double sum = 0;
                    for (int l = 0; l < dimension; l++) {
                        sum += v[i][l] * c.get(b, l, j);
                    }
                    assertThat(combined.get(b, i, j)).as(where).isCloseTo(sum, within(1e-12));
                }
                for (int l = 0; l < dimension; l++) {
                    assertThat(back.get(b, l, j)).as(where).isCloseTo(c.get(b, l, j), within(1e-12));
                }
            }
            if (plain) {
                Matrix own = x.problem(x.batch() == 1 ? 0 : b);
                double norm = frobenius(own);
                double limit = own.precision() == Precision.FLOAT32 ? 1e-6 : 1e-13;
                for (int i = 0; i < own.rows(); i++) {
                    for (int j = 0; j < dimension; j++) {
                        double sum = 0;
                        for (int l = 0; l < own.columns(); l++) {
                            sum += own.get(i, l) * v[l][j];
                        }
                        assertThat(Math.abs(sum)).as(where).isLessThanOrEqualTo(limit * norm);
                    }
                }
            }
        }
    }

    /** However many vectors there are at a time: more than a solver takes at once, too. */
    @Test
    void theBasisIsTheSameForAnyNumberOfVectors() {
        Planted[] p = problems(5, 400, 1, Precision.FLOAT64);
        Matrix x = x(p, Layout.ROW_MAJOR);
        try (SolutionBatch batch =
                Nullspace.solveBatch(x, y(p, Layout.ROW_MAJOR), options().build())) {
            NullSpaceBatch free = batch.nullSpaces();
            PaddedBasis padded = free.basis();
            assertThat(padded.vectors().columns()).isEqualTo(400);
            Matrix vector = random(new SplittableRandom(3), 1, 400, 1);
            Matrix few = free.coordinates(vector);
            for (int b = 0; b < SIZE; b++) {
                for (int j = 0; j < padded.dimensions()[b]; j++) {
                    double dot = 0;
                    for (int i = 0; i < 400; i++) {
                        dot += padded.vectors().get(b, i, j) * vector.get(0, i, 0);
                    }
                    assertThat(few.get(b, j, 0))
                            .as("problem " + b + ", vector " + j)
                            .isCloseTo(dot, within(1e-11));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void oneXServesManyY(Precision precision) {
        for (int b : new int[] {0, 1, 6}) {
            for (InterceptRule rule : InterceptRule.values()) {
                Planted[] p = problems(5, 9, 2, precision);
                Matrix x = Matrix.zeros(precision, 1, 5, 9, Layout.ROW_MAJOR);
                x.copyFrom(Matrix.of(p[b].x()));
                Matrix y = y(p, Layout.ROW_MAJOR);
                SolveOptions options = options().intercept(rule).build();
                try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
                    assertThat(batch.size()).isEqualTo(SIZE);
                    assertThat(batch.outcomes()[8]).isEqualTo(Outcome.NON_FINITE_INPUT);
                    requireEachAlone("X " + b + " " + rule, batch, x, y, options);
                    assertThat(batch.problem(4)).isSameAs(batch.problem(4));
                    assertThat(batch.problem(8).outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                    assertThat(batch.problem(8).minimumNorm().get(0, 0)).isNaN();
                }
            }
        }
    }

    @Test
    void oneXWithNaNFailsForAllY() {
        Planted[] p = problems(5, 9, 2, Precision.FLOAT64);
        Matrix x = Matrix.of(p[3].x());
        Matrix y = y(p, Layout.COLUMN_MAJOR);
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, options().build())) {
            assertThat(batch.outcomes()).containsOnly(Outcome.NON_FINITE_INPUT);
            assertThat(batch.ranks()).containsOnly(-1);
            requireNaN(
                    "closest",
                    batch.closestTo(Matrix.zeros(Precision.FLOAT64, 1, 9, 2, Layout.ROW_MAJOR))
                            .problem(4));
            requireNaN("weights", batch.minimumNorm().problem(0));
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void oneYServesManyX(Precision precision) {
        Planted[] p = problems(5, 9, 2, precision);
        Matrix x = x(p, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(precision, 1, 5, 2, Layout.ROW_MAJOR);
        y.copyFrom(Matrix.of(p[0].y()));
        SolveOptions options = options().build();
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
            requireEachAlone("one Y", batch, x, y, options);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aListOfAnyShapesIsItsProblems(Precision precision) {
        List<Matrix> xs = new ArrayList<>();
        List<Matrix> ys = new ArrayList<>();
        List<Matrix> priors = new ArrayList<>();
        List<Matrix> samples = new ArrayList<>();
        int[][] shapes = {{3, 7}, {5, 9}, {3, 7}, {1, 4}, {9, 5}, {5, 9}, {3, 7}, {4, 1}};
        SplittableRandom random = new SplittableRandom(31);
        for (int i = 0; i < shapes.length; i++) {
            int rank = Math.min(shapes[i][0], shapes[i][1]) - (i == 2 ? 1 : 0);
            Planted p =
                    Planted.of(8400 + i, shapes[i][0], shapes[i][1], 1 + i % 2, rank, Spectrum.STEEP, 9, 0, precision);
            xs.add(p.matrixX(i % 3 == 0 ? Storage.ROW_MAJOR : Storage.COLUMN_MAJOR));
            ys.add(p.matrixY(Storage.ROW_MAJOR));
            priors.add(random(random, 1, shapes[i][1], 1 + i % 2));
            samples.add(random(random, 1, 2, shapes[i][1]));
        }
        xs.get(5).set(0, 1, 1, Double.NaN);
        SolveOptions options = options().build();
        try (SolutionList list = Nullspace.solveAll(xs, ys, options)) {
            assertThat(list.size()).isEqualTo(shapes.length);
            assertThat(list.groups().stream().mapToInt(g -> g.problems().length).sum())
                    .isEqualTo(shapes.length);
            assertThat(list.groups().get(0).problems()).containsExactly(0, 2, 6);
            List<Matrix> closest = list.closestTo(priors);
            List<Matrix> limits = list.gradientDescentLimit(priors);
            List<Matrix> members = list.random(3, 1.5);
            List<Matrix> projected = list.project(priors);
            List<Matrix> predicted = list.predict(samples);
            var fixed = list.fixing(new int[] {0}, new double[] {0.5});
            double tolerance = precision == Precision.FLOAT32 ? 1e-6 : 1e-12;
            for (int i = 0; i < shapes.length; i++) {
                String where = precision + ", problem " + i;
                try (SolutionSet alone = Nullspace.solve(xs.get(i), ys.get(i), options)) {
                    assertThat(list.outcomes()[i]).as(where).isEqualTo(alone.outcome());
                    if (i == 5) {
                        assertThat(list.ranks()[i]).isEqualTo(-1);
                        requireNaN(where, closest.get(i));
                        assertThat(fixed.get(i)).isNull();
                        continue;
                    }
                    assertThat(list.ranks()[i]).as(where).isEqualTo(alone.rank());
                    assertThat(list.problem(i).singularValues()).containsExactly(alone.singularValues());
                    requireClose(
                            where,
                            list.minimumNorm(i),
                            alone.minimumNorm(),
                            precision == Precision.FLOAT32 ? 2.4e-7 : tolerance);
                    requireClose(where, closest.get(i), alone.closestTo(priors.get(i)), tolerance);
                    requireClose(where, limits.get(i), alone.closestTo(priors.get(i)), tolerance);
                    requireClose(where, members.get(i), alone.random(SolutionBatch.seedOf(3, i), 1.5), tolerance);
                    requireClose(where, projected.get(i), alone.nullSpace().project(priors.get(i)), tolerance);
                    requireClose(where, predicted.get(i), alone.predict(samples.get(i)), tolerance);
                    FixedCoefficients one = alone.fixing(0, 0.5);
                    assertThat(fixed.get(i).feasible()).as(where).isEqualTo(one.feasible());
                    requireClose(where, fixed.get(i).weights(), one.weights(), 1e3 * tolerance);
                }
            }
            assertThat(list.failures()).isEmpty();
        }
        try (SolutionList none = Nullspace.solveAll(List.of(), List.of(), options)) {
            assertThat(none.size()).isZero();
            assertThat(none.ranks()).isEmpty();
        }
    }

    @Test
    void listsThatDoNotFitNameTheProblem() {
        SolveOptions options = options().build();
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 2, 3, Layout.ROW_MAJOR);
        Matrix y = Matrix.column(1, 2);
        assertThatThrownBy(() -> Nullspace.solveAll(List.of(x, x), List.of(y), options))
                .hasMessageContainingAll("2 matrices X", "1 matrices Y");
        assertThatThrownBy(() -> Nullspace.solveAll(List.of(x, x), List.of(y, Matrix.column(1)), options))
                .hasMessageContainingAll("problem 1", "2×3", "1×1");
        Matrix two = Matrix.zeros(Precision.FLOAT64, 2, 2, 3, Layout.ROW_MAJOR);
        assertThatThrownBy(() -> Nullspace.solveAll(List.of(x, two), List.of(y, y), options))
                .hasMessageContainingAll("X of problem 1", "2×2×3");
        try (SolutionList list = Nullspace.solveAll(List.of(x, x), List.of(y, y), options)) {
            assertThatThrownBy(() -> list.closestTo(List.of(Matrix.column(1, 2, 3))))
                    .hasMessageContainingAll("1 matrices", "2 problems");
            assertThatThrownBy(() -> list.closestTo(List.of(Matrix.column(1, 2, 3), Matrix.column(1, 2))))
                    .hasMessageContainingAll("problem 1", "2×1", "3×1");
            assertThatThrownBy(() -> list.problem(2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> list.fixing(new int[] {3}, new double[] {1}))
                    .hasMessageContaining("index 3");
        }
    }

    @Test
    void everyRankToleranceHoldsForTheWholeBatch() {
        Planted[] p = problems(5, 9, 1, Precision.FLOAT64);
        Matrix x = x(p, Layout.ROW_MAJOR);
        Matrix y = y(p, Layout.ROW_MAJOR);
        for (RankTolerance tolerance : List.of(
                RankTolerance.gap(),
                RankTolerance.numpy(),
                RankTolerance.relative(0.2),
                RankTolerance.absolute(0.3),
                RankTolerance.noise(0.1))) {
            SolveOptions options = options().rankTolerance(tolerance).build();
            try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
                for (int b = 0; b < SIZE; b++) {
                    try (SolutionSet alone = Nullspace.solve(x.problem(b), y.problem(b), options)) {
                        String where = tolerance + ", problem " + b;
                        assertThat(batch.outcome(b)).as(where).isEqualTo(alone.outcome());
                        if (alone.outcome().isSolved()) {
                            assertThat(batch.rank(b)).as(where).isEqualTo(alone.rank());
                            requireClose(where, batch.minimumNorm().problem(b), alone.minimumNorm(), 1e-11);
                        }
                    }
                }
            }
        }
    }

    @Test
    void confinedMemoryMayBeUsedByItsThread() {
        Planted[] p = problems(5, 9, 2, Precision.FLOAT64);
        try (MemoryScope confined = MemoryScope.confined()) {
            Matrix x = Matrix.zeros(confined, Precision.FLOAT64, SIZE, 5, 9, Layout.ROW_MAJOR);
            Matrix y = Matrix.zeros(confined, Precision.FLOAT64, SIZE, 5, 2, Layout.ROW_MAJOR);
            x.copyFrom(x(p, Layout.ROW_MAJOR));
            y.copyFrom(y(p, Layout.ROW_MAJOR));
            for (InterceptRule rule : InterceptRule.values()) {
                SolveOptions options = options().intercept(rule).build();
                try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
                    requireEachAlone("confined " + rule, batch, x, y, options);
                }
            }
        }
    }

    @Test
    void endsWithAllThatWasAskedOfIt() {
        Planted[] p = problems(5, 9, 1, Precision.FLOAT64);
        Matrix x = x(p, Layout.ROW_MAJOR);
        Matrix y = y(p, Layout.ROW_MAJOR);
        Matrix prior = Matrix.zeros(Precision.FLOAT64, 1, 9, 1, Layout.ROW_MAJOR);
        for (Matrix design : List.of(x, x.problem(0))) {
            SolutionBatch batch = Nullspace.solveBatch(design, y, options().build());
            NullSpaceBatch free = batch.nullSpaces();
            Matrix sigma = batch.singularValues();
            Matrix kept = batch.closestTo(prior);
            batch.close();
            assertThatThrownBy(() -> free.project(prior)).isInstanceOf(ClosedException.class);
            assertThatThrownBy(() -> batch.closestTo(prior)).isInstanceOf(ClosedException.class);
            assertThatThrownBy(() -> batch.singularValues()).isInstanceOf(ClosedException.class);
            assertThatThrownBy(() -> sigma.get(0, 0, 0)).isInstanceOf(ClosedException.class);
            assertThat(kept.get(0, 0, 0)).isFinite();
            assertThat(Arrays.stream(batch.outcomes()).filter(Outcome::isSolved).count())
                    .isPositive();
        }
    }
}
