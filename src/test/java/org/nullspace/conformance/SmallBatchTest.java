package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.Nullspace;
import org.nullspace.backend.Backends;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.ClosedException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** Small problems that are solved together are what they are alone. */
class SmallBatchTest {
    private static final int[][] SHAPES = {
        {1, 1}, {1, 2}, {2, 1}, {1, 60}, {60, 1}, {2, 2}, {3, 4}, {4, 3}, {5, 5}, {6, 12}, {12, 6}, {7, 13}, {16, 16},
        {9, 33}, {33, 9}, {16, 64}, {20, 60}, {60, 20}, {11, 231}, {231, 11}, {53, 51}
    };

    /** Problems of which the first, a middle and the last of a batch are made. */
    private enum Plant {
        NAN_IN_X,
        INFINITY_IN_X,
        NAN_IN_Y,
        INFINITY_IN_Y,
        ZERO,
        DUPLICATE_ROWS,
        RANK_DEFICIENT,
        HUGE,
        TINY,
        DENORMAL,
        HUGE_TARGET,
        NEARLY_SINGULAR
    }

    private static SolveOptions.Builder cpu() {
        return SolveOptions.builder().backend(BackendChoice.CPU);
    }

    // ---- problems

    /** A batch inside a larger matrix, so that lines and problems have gaps between them; the gaps are NaN. */
    private static Matrix padded(Precision precision, int batch, int rows, int columns, Layout layout) {
        Matrix frame = Matrix.zeros(precision, batch, rows + 2L, columns + 3L, layout);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < rows + 2; i++) {
                for (int j = 0; j < columns + 3; j++) {
                    frame.set(b, i, j, Double.NaN);
                }
            }
        }
        return frame.rows(1, rows + 1L).columns(2, columns + 2L);
    }

    private static Matrix random(
            SplittableRandom random,
            Precision precision,
            int batch,
            int rows,
            int columns,
            Layout layout,
            boolean gaps) {
        Matrix m = gaps
                ? padded(precision, batch, rows, columns, layout)
                : Matrix.zeros(precision, batch, rows, columns, layout);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextDouble(-1, 1));
                }
            }
        }
        return m;
    }

    private static void plant(Plant plant, Matrix x, Matrix y, int b, SplittableRandom random) {
        long n = x.rows();
        long d = x.columns();
        long i = random.nextLong(n);
        long j = random.nextLong(d);
        boolean narrow = x.precision() == Precision.FLOAT32;
        switch (plant) {
            case NAN_IN_X -> x.set(b, i, j, Double.NaN);
            case INFINITY_IN_X -> x.set(b, i, j, Double.NEGATIVE_INFINITY);
            case NAN_IN_Y -> y.set(b, i, 0, Double.NaN);
            case INFINITY_IN_Y -> y.set(b, i, y.columns() - 1, Double.POSITIVE_INFINITY);
            case ZERO -> scale(x, b, 0);
            case DUPLICATE_ROWS -> {
                for (long c = 0; c < d; c++) {
                    x.set(b, n - 1, c, x.get(b, 0, c));
                }
            }
            case RANK_DEFICIENT -> {
                for (long r = 0; r < n; r++) {
                    x.set(b, r, d - 1, 2 * x.get(b, r, 0));
                }
                for (long c = 0; c < d; c++) {
                    x.set(b, n - 1, c, -0.5 * x.get(b, 0, c));
                }
            }
            case HUGE -> scale(x, b, narrow ? 1e37 : 1e150);
            case TINY -> scale(x, b, narrow ? 1e-37 : 1e-150);
            case DENORMAL -> scale(x, b, narrow ? 1e-43 : 1e-320);
            case HUGE_TARGET -> scale(y, b, narrow ? 3e38 : 1e308);
            case NEARLY_SINGULAR -> {
                for (long c = 0; c < d; c++) {
                    x.set(b, n - 1, c, x.get(b, 0, c) * (1 + (n == 1 ? 0 : 1e-13 * c)));
                }
            }
        }
    }

    private static void scale(Matrix m, int b, double factor) {
        for (long i = 0; i < m.rows(); i++) {
            for (long j = 0; j < m.columns(); j++) {
                m.set(b, i, j, factor * m.get(b, i, j));
            }
        }
    }

    // ---- comparison with single solves

    private static void requireAlone(String where, Matrix x, Matrix y, SolveOptions options, int... which) {
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
            assertThat(batch.size()).as(where).isEqualTo((int) x.batch());
            Outcome[] outcomes = batch.outcomes();
            int[] ranks = batch.ranks();
            for (int b : which) {
                try (SolutionSet alone = Nullspace.solve(x.problem(b), y.problem(b), options)) {
                    String at = where + ", problem " + b;
                    assertThat(outcomes[b]).as(at).isEqualTo(alone.outcome());
                    assertThat(ranks[b]).as(at).isEqualTo(alone.outcome().isSolved() ? alone.rank() : -1);
                    requireClose(at, batch.minimumNorm().problem(b), alone);
                }
            }
        }
    }

    /** Two backward stable solutions differ by a small multiple of κε, and of κ²ε times the residual, relative to their norm. */
    private static void requireClose(String where, Matrix actual, SolutionSet alone) {
        Matrix expected = alone.minimumNorm();
        if (!alone.outcome().isSolved()) {
            for (int j = 0; j < actual.columns(); j++) {
                for (int i = 0; i < actual.rows(); i++) {
                    assertThat(actual.get(i, j)).as(where).isNaN();
                }
            }
            return;
        }
        double condition = alone.rank() == 0 ? 1 : alone.condition();
        double largest = alone.rank() == 0 ? 1 : alone.singularValues()[0];
        for (int j = 0; j < actual.columns(); j++) {
            double difference = 0;
            double size = 0;
            for (int i = 0; i < actual.rows(); i++) {
                difference = Math.hypot(difference, actual.get(i, j) - expected.get(i, j));
                size = Math.hypot(size, expected.get(i, j));
            }
            double residual = alone.residualNorms()[j] / largest;
            double bound = 100 * Math.ulp(1.0) * condition * (size + condition * residual)
                    + actual.precision().epsilon() * size
                    + Math.sqrt((double) actual.rows())
                            * (actual.precision() == Precision.FLOAT64 ? Double.MIN_VALUE : Float.MIN_VALUE);
            assertThat(difference).as(where + ", target " + j).isLessThanOrEqualTo(bound);
        }
    }

    @Test
    void itemsAreWhatTheyAreAloneInEveryForm() {
        int turn = 0;
        for (int[] shape : SHAPES) {
            for (Precision precision : Precision.values()) {
                for (Layout layout : Layout.values()) {
                    for (int k = 1; k <= 3; k++) {
                        boolean gaps = turn++ % 2 == 0;
                        long seed = 40_000 + turn;
                        SplittableRandom random = new SplittableRandom(seed);
                        Matrix x = random(random, precision, 9, shape[0], shape[1], layout, gaps);
                        Matrix y = random(random, precision, 9, shape[0], k, layout.transposed(), !gaps);
                        String where = Arrays.toString(shape) + " " + precision + " " + layout + " k=" + k + " gaps="
                                + gaps + " seed " + seed;
                        requireAlone(where, x, y, cpu().build(), 0, 4, 8);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 31, 32, 33, 1003})
    void anySizeOfBatch(int size) {
        SplittableRandom random = new SplittableRandom(41_000 + size);
        Matrix x = random(random, Precision.FLOAT64, size, 5, 8, Layout.ROW_MAJOR, false);
        Matrix y = random(random, Precision.FLOAT64, size, 5, 2, Layout.ROW_MAJOR, false);
        int[] which = size <= 33
                ? java.util.stream.IntStream.range(0, size).toArray()
                : new int[] {0, 31, 32, 500, 991, 992, 1002};
        requireAlone("size " + size, x, y, cpu().build(), which);
    }

    @Test
    void aBadProblemChangesOnlyItself() {
        int size = 67;
        for (Precision precision : Precision.values()) {
            for (int[] shape : new int[][] {{3, 5}, {6, 12}, {12, 6}, {5, 5}}) {
                long seed = 42_000 + 100 * shape[0] + shape[1];
                Matrix goodX = random(
                        new SplittableRandom(seed), precision, size, shape[0], shape[1], Layout.ROW_MAJOR, false);
                Matrix goodY =
                        random(new SplittableRandom(seed + 1), precision, size, shape[0], 2, Layout.ROW_MAJOR, false);
                try (SolutionBatch good = Nullspace.solveBatch(goodX, goodY, cpu().build())) {
                    for (Plant plant : Plant.values()) {
                        for (int at : new int[] {0, 40, size - 1}) {
                            Matrix x = goodX.copy(Layout.ROW_MAJOR);
                            Matrix y = goodY.copy(Layout.ROW_MAJOR);
                            plant(plant, x, y, at, new SplittableRandom(seed + at));
                            String where = plant + " at " + at + " of " + Arrays.toString(shape) + " " + precision
                                    + " seed " + seed;
                            requireAlone(where, x, y, cpu().build(), at);
                            try (SolutionBatch batch = Nullspace.solveBatch(x, y, cpu().build())) {
                                for (int b = 0; b < size; b++) {
                                    if (b != at) {
                                        assertThat(batch.minimumNorm()
                                                        .problem(b)
                                                        .hasSameEntries(good.minimumNorm()
                                                                .problem(b)))
                                                .as(where + ", problem " + b)
                                                .isTrue();
                                        assertThat(batch.outcomes()[b])
                                                .as(where)
                                                .isEqualTo(Outcome.FULL_RANK);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void aPermutedBatchGivesPermutedBits() {
        int size = 333;
        SplittableRandom random = new SplittableRandom(43_000);
        Matrix x = random(random, Precision.FLOAT64, size, 7, 10, Layout.COLUMN_MAJOR, true);
        Matrix y = random(random, Precision.FLOAT64, size, 7, 3, Layout.ROW_MAJOR, false);
        for (int b = 0; b < size; b += 17) {
            plant(Plant.values()[b / 17 % Plant.values().length], x, y, b, random);
        }
        int[] order = java.util.stream.IntStream.range(0, size)
                .map(b -> (b * 200 + 61) % size)
                .toArray();
        Matrix px = Matrix.zeros(Precision.FLOAT64, size, 7, 10, Layout.COLUMN_MAJOR);
        Matrix py = Matrix.zeros(Precision.FLOAT64, size, 7, 3, Layout.ROW_MAJOR);
        for (int b = 0; b < size; b++) {
            px.problem(b).copyFrom(x.problem(order[b]));
            py.problem(b).copyFrom(y.problem(order[b]));
        }
        try (SolutionBatch straight = Nullspace.solveBatch(x, y, cpu().build());
                SolutionBatch permuted = Nullspace.solveBatch(px, py, cpu().build())) {
            for (int b = 0; b < size; b++) {
                assertThat(permuted.minimumNorm()
                                .problem(b)
                                .hasSameEntries(straight.minimumNorm().problem(order[b])))
                        .as("problem " + b)
                        .isTrue();
                assertThat(permuted.ranks()[b]).isEqualTo(straight.ranks()[order[b]]);
                assertThat(permuted.outcomes()[b]).isEqualTo(straight.outcomes()[order[b]]);
            }
        }
    }

    // ---- independent oracle

    @Test
    void agreesWithAnIndependentOracle() {
        long seed = 44_000;
        SplittableRandom shapes = new SplittableRandom(seed);
        for (int turn = 0; turn < 60; turn++) {
            int n = shapes.nextInt(1, 21);
            int d = shapes.nextInt(1, 61);
            int size = shapes.nextInt(1, 40);
            Matrix x = random(shapes, Precision.FLOAT64, size, n, d, Layout.values()[turn % 2], turn % 3 == 0);
            Matrix y = random(shapes, Precision.FLOAT64, size, n, 1, Layout.ROW_MAJOR, false);
            String where = n + "×" + d + ", turn " + turn + " of seed " + seed;
            try (SolutionBatch batch = Nullspace.solveBatch(x, y, cpu().build())) {
                for (int b = 0; b < size; b += 5) {
                    SingularValueDecomposition svd = new SingularValueDecomposition(
                            new Array2DRowRealMatrix(x.problem(b).toArray()));
                    double[] sigma = svd.getSingularValues();
                    double condition = sigma[0] / sigma[Math.min(n, d) - 1];
                    double[] w = svd.getSolver()
                            .solve(new Array2DRowRealMatrix(y.problem(b).toArray()))
                            .getColumn(0);
                    double difference = 0;
                    double norm = 0;
                    for (int j = 0; j < d; j++) {
                        difference = Math.hypot(
                                difference, w[j] - batch.minimumNorm().get(b, j, 0));
                        norm = Math.hypot(norm, w[j]);
                    }
                    assertThat(batch.ranks()[b]).as(where).isEqualTo(svd.getRank());
                    assertThat(difference)
                            .as(where)
                            .isLessThanOrEqualTo(
                                    1e-13 * (1 + condition) * norm + 1e-14 * condition * condition / sigma[0]);
                }
            }
        }
    }

    // ---- ranks

    /** Triangles whose diagonal hides how close to singular they are, at every distance from the cut-off, against the whole spectrum. */
    @Test
    void neverCallsATriangleOfFullRankThatIsNot() {
        int size = 64;
        int reduced = 0;
        int full = 0;
        for (int p = 2; p <= 24; p += 2) {
            Matrix x = Matrix.zeros(Precision.FLOAT64, size, p, p + 3L, Layout.ROW_MAJOR);
            Matrix y = Matrix.zeros(Precision.FLOAT64, size, p, 1, Layout.ROW_MAJOR);
            for (int b = 0; b < size; b++) {
                double angle = 0.05 + 1.5 * b / size;
                double s = Math.sin(angle);
                double c = Math.cos(angle);
                for (int i = 0; i < p; i++) {
                    y.set(b, i, 0, 1);
                    for (int j = i; j < p; j++) {
                        double entry = Math.pow(s, i) * (j == i ? 1 : -c);
                        x.set(b, b % 2 == 0 ? i : j, b % 2 == 0 ? j : i, entry);
                    }
                }
            }
            for (RankTolerance tolerance : new RankTolerance[] {
                RankTolerance.standard(),
                RankTolerance.numpy(),
                RankTolerance.scipy(),
                RankTolerance.relative(1e-3),
                RankTolerance.absolute(1e-6),
                RankTolerance.noise(1e-4)
            }) {
                try (SolutionBatch batch = Nullspace.solveBatch(
                        x, y, cpu().rankTolerance(tolerance).build())) {
                    SolveOptions whole =
                            cpu().rankTolerance(tolerance).method(Method.GESVD).build();
                    for (int b = 0; b < size; b++) {
                        try (SolutionSet alone = Nullspace.solve(x.problem(b), y.problem(b), whole)) {
                            String where = "triangle " + b + " of order " + p + ", " + tolerance;
                            if (batch.outcomes()[b] == Outcome.FULL_RANK) {
                                assertThat(alone.rank()).as(where).isEqualTo(p);
                                full++;
                            } else {
                                reduced++;
                            }
                        }
                    }
                }
            }
        }
        assertThat(full).isPositive();
        assertThat(reduced).isPositive();
    }

    // ---- the operation

    @Test
    void theOperationRefusesWhatDoesNotFit() {
        Matrix x = Matrix.zeros(Precision.FLOAT64, 3, 4, 6, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(Precision.FLOAT64, 3, 4, 2, Layout.ROW_MAJOR);
        Matrix w = Matrix.zeros(Precision.FLOAT64, 3, 6, 2, Layout.ROW_MAJOR);
        Matrix bounds = Matrix.zeros(Precision.FLOAT64, 3, 1, 2, Layout.ROW_MAJOR);
        try (Session session = Backends.providers(DeviceKind.CPU).get(0).open(0)) {
            BatchSolver solver = Objects.requireNonNull(session.batchSolver());
            assertThat(solver.covers(4, 6, 2)).isTrue();
            assertThat(solver.covers(0, 6, 2)).isFalse();
            assertThat(solver.covers(1000, 1000, 1)).isFalse();
            assertThatThrownBy(() -> solver.minimumNorm(x, y, w.rows(0, 5), bounds, null))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("minimumNorm", "3×5×2");
            assertThatThrownBy(() -> solver.minimumNorm(x, y.rows(0, 3), w, bounds, null))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("minimumNorm", "3×3×2");
            Matrix large = Matrix.zeros(Precision.FLOAT64, 1, 500, 600, Layout.ROW_MAJOR);
            assertThatThrownBy(() -> solver.minimumNorm(large, y, w, bounds, null))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("500×600");
        }
    }

    @Test
    void aMillionAndThreeProblemsAreAMillionAndThreeProblems() {
        int size = 1_000_003;
        int n = 2;
        int d = 3;
        Matrix x = Matrix.zeros(Precision.FLOAT32, size, n, d, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(Precision.FLOAT32, size, n, 1, Layout.ROW_MAJOR);
        long seed = 46_000;
        SplittableRandom random = new SplittableRandom(seed);
        float[] entries = new float[size * n * d];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = (float) random.nextDouble(-1, 1);
        }
        int[] nan = {0, size / 2, size - 1};
        int[] deficient = {1, size / 3, size - 2};
        for (int b : nan) {
            entries[b * n * d + 4] = Float.NaN;
        }
        for (int b : deficient) {
            System.arraycopy(entries, b * n * d, entries, b * n * d + d, d);
        }
        ((HostMemory) x.memory()).write(0, entries, 0, entries.length);
        ((HostMemory) y.memory()).write(0, entries, 0, size * n);
        // The targets are entries, too: none of them may be NaN.
        for (int b : nan) {
            y.set((b * n * d + 4) / n % size, (b * n * d + 4) % n, 0, 0.5);
        }
        List<Long> told = new ArrayList<>();
        try (x;
                y;
                SolutionBatch batch = Nullspace.solveBatch(
                        x, y, cpu().memoryBudget(16 << 20).build(), (done, total) -> told.add(done))) {
            assertThat(told)
                    .as("several tiles")
                    .hasSizeGreaterThan(1)
                    .isSorted()
                    .endsWith((long) size);
            int full = 0;
            for (int b = 0; b < size; b++) {
                full += batch.outcome(b) == Outcome.FULL_RANK ? 1 : 0;
            }
            assertThat(full).as("seed " + seed).isEqualTo(size - nan.length - deficient.length);
            for (int b : nan) {
                assertThat(batch.outcome(b)).isEqualTo(Outcome.NON_FINITE_INPUT);
                assertThat(batch.minimumNorm().get(b, 1, 0)).isNaN();
            }
            for (int b : deficient) {
                assertThat(batch.outcome(b)).isEqualTo(Outcome.RANK_REDUCED);
                assertThat(batch.rank(b)).isEqualTo(1);
            }
            for (int b = 2; b < size; b += 99_991) {
                try (SolutionSet alone = Nullspace.solve(x.problem(b), y.problem(b), cpu().build())) {
                    for (int j = 0; j < d; j++) {
                        double w = alone.minimumNorm().get(j, 0);
                        assertThat(batch.minimumNorm().get(b, j, 0))
                                .as("problem " + b + ", seed " + seed)
                                .isCloseTo(w, within(2e-7 * (1 + Math.abs(w))));
                    }
                }
            }
        }
    }

    // ---- life

    @Test
    void solutionSetsOnDemandOutliveTheirTargetsButNotTheBatch() {
        SplittableRandom random = new SplittableRandom(45_000);
        Matrix x = random(random, Precision.FLOAT64, 40, 4, 9, Layout.ROW_MAJOR, false);
        Matrix y = random(random, Precision.FLOAT64, 40, 4, 2, Layout.COLUMN_MAJOR, true);
        Matrix kept = y.problem(7).copy(Layout.ROW_MAJOR);
        SolutionBatch batch = Nullspace.solveBatch(x, y, cpu().build());
        scale(y, 7, Double.NaN);
        SolutionSet seventh = batch.problem(7);
        assertThat(batch.problem(7)).isSameAs(seventh);
        try (SolutionSet alone = Nullspace.solve(x.problem(7), kept, cpu().build())) {
            assertThat(seventh.minimumNorm().hasSameEntries(alone.minimumNorm()))
                    .isTrue();
            assertThat(seventh.history()).isEqualTo(alone.history());
            assertThat(seventh.singularValues()).containsExactly(alone.singularValues());
        }
        batch.close();
        batch.close();
        assertThatThrownBy(seventh::rank).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> batch.problem(8))
                .isInstanceOf(ClosedException.class)
                .hasMessageContainingAll("problem 8", "40×4×9");
        assertThat(batch.ranks()).containsOnly(4);
    }

    @Test
    void sharesSolutionSetsBetweenThreads() throws InterruptedException {
        SplittableRandom random = new SplittableRandom(46_000);
        Matrix x = random(random, Precision.FLOAT64, 64, 3, 5, Layout.ROW_MAJOR, false);
        Matrix y = random(random, Precision.FLOAT64, 64, 3, 1, Layout.ROW_MAJOR, false);
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, cpu().build())) {
            SolutionSet[][] seen = new SolutionSet[4][64];
            Thread[] threads = new Thread[seen.length];
            for (int t = 0; t < threads.length; t++) {
                SolutionSet[] mine = seen[t];
                threads[t] = new Thread(() -> Arrays.setAll(mine, batch::problem));
                threads[t].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            for (SolutionSet[] mine : seen) {
                assertThat(mine).containsExactly(seen[0]).doesNotContainNull();
            }
        }
    }
}
