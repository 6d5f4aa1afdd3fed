package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.Nullspace;
import org.nullspace.RandomMatrices;
import org.nullspace.error.CancelledException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchPlan;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.BatchReport;
import org.nullspace.model.BatchSink;
import org.nullspace.model.BatchSource;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** A batch that is cut into tiles is the same batch; it tells how far it has come, stops when told to, and keeps within its memory. */
abstract class BatchTilesConformance extends Conformance {
    private static final int N = 3;
    private static final int D = 5;
    private static final int K = 2;

    /** What is planted at the borders of tiles. */
    private enum Plant {
        NAN_IN_X(Outcome.NON_FINITE_INPUT),
        INFINITY_IN_Y(Outcome.NON_FINITE_INPUT),
        DUPLICATE_ROWS(Outcome.RANK_REDUCED),
        ZERO(Outcome.RANK_REDUCED),
        HUGE_TARGETS(Outcome.OVERFLOW);

        private final Outcome outcome;

        Plant(Outcome outcome) {
            this.outcome = outcome;
        }

        private void into(Matrix x, Matrix y, long b) {
            for (int j = 0; j < D; j++) {
                switch (this) {
                    case NAN_IN_X -> x.set(b, 1, 2, Double.NaN);
                    case INFINITY_IN_Y -> y.set(b, 2, 1, Double.POSITIVE_INFINITY);
                    case DUPLICATE_ROWS -> x.set(b, 2, j, x.get(b, 0, j));
                    case ZERO -> {
                        for (int i = 0; i < N; i++) {
                            x.set(b, i, j, 0);
                        }
                    }
                    case HUGE_TARGETS -> {
                        for (int i = 0; i < N; i++) {
                            x.set(b, i, j, 1e-200 * x.get(b, i, j));
                            y.set(
                                    b,
                                    i,
                                    j % K,
                                    1e200 * (j == 0 || j == 1 ? y.get(b, i, j % K) : 1e-200 * y.get(b, i, j % K)));
                        }
                    }
                }
            }
        }
    }

    private static Matrix random(int seed, long batch, long rows, long columns, Precision precision) {
        return RandomMatrices.uniform(seed, precision, batch, rows, columns);
    }

    /** The smallest budget that a tile of one problem fits into: that which the refusals of smaller ones name. */
    private long smallestBudget() {
        Matrix x = random(1, 4, N, D, Precision.FLOAT64);
        Matrix y = random(2, 4, N, K, Precision.FLOAT64);
        long budget = 1;
        while (true) {
            SolveOptions options = options().memoryBudget(budget).build();
            try {
                Nullspace.planBatch(4, N, D, K, Precision.FLOAT64, options);
                Nullspace.streamBatch(source(x, y), (first, tile) -> {}, options, BatchProgress.NONE);
                return budget;
            } catch (InsufficientMemoryException e) {
                assertThat(e).hasMessageContainingAll("memoryBudget", N + "×" + D, budget + " bytes available");
                assertThat(e.requestedBytes()).isGreaterThan(budget);
                budget = e.requestedBytes();
            }
        }
    }

    /** Two arrays as a source. */
    static BatchSource source(Matrix x, Matrix y) {
        return new BatchSource() {
            @Override
            public long problems() {
                return x.batch();
            }

            @Override
            public long samples() {
                return x.rows();
            }

            @Override
            public long features() {
                return x.columns();
            }

            @Override
            public long targets() {
                return y.columns();
            }

            @Override
            public Precision precision() {
                return x.precision();
            }

            @Override
            public void read(long first, Matrix xTile, Matrix yTile) {
                xTile.copyFrom(x.problems(first, first + xTile.batch()));
                yTile.copyFrom(y.problems(first, first + yTile.batch()));
            }
        };
    }

    @Test
    void outcomesAtTheBordersOfTilesStayWithTheirProblems() {
        SolveOptions options = options().memoryBudget(2 * smallestBudget()).build();
        Matrix probe = random(3, 500, N, D, Precision.FLOAT64);
        Matrix probeY = random(4, 500, N, K, Precision.FLOAT64);
        BatchReport report =
                Nullspace.streamBatch(source(probe, probeY), (first, tile) -> {}, options, BatchProgress.NONE);
        int tile = (int) report.tileProblems();
        assertThat(tile).as("a small budget makes several tiles").isBetween(1, 250);
        int size = 3 * tile + Math.max(1, tile / 2);
        int[] places = {0, tile / 2, tile - 1, tile, 2 * tile - 1, 2 * tile, 3 * tile - 1, 3 * tile, size - 1};
        Matrix clean = random(5, size, N, D, Precision.FLOAT64);
        Matrix cleanY = random(6, size, N, K, Precision.FLOAT64);
        Matrix expected = Matrix.zeros(Precision.FLOAT64, size, D, K, Layout.ROW_MAJOR);
        try (SolutionBatch whole = Nullspace.solveBatch(clean, cleanY, options().build())) {
            assertThat(whole.outcomes()).containsOnly(Outcome.FULL_RANK);
            expected.copyFrom(whole.minimumNorm());
        }
        for (Plant plant : Plant.values()) {
            Matrix x = clean.copy(Layout.ROW_MAJOR);
            Matrix y = cleanY.copy(Layout.ROW_MAJOR);
            for (int place : Arrays.stream(places).distinct().toArray()) {
                plant.into(x, y, place);
            }
            List<Outcome> outcomes = new ArrayList<>();
            Matrix weights = Matrix.zeros(Precision.FLOAT64, size, D, K, Layout.ROW_MAJOR);
            List<Long> firsts = new ArrayList<>();
            BatchSink sink = (first, solved) -> {
                firsts.add(first);
                outcomes.addAll(List.of(solved.outcomes()));
                weights.problems(first, first + solved.size()).copyFrom(solved.minimumNorm());
            };
            BatchReport done = Nullspace.streamBatch(source(x, y), sink, options, BatchProgress.NONE);
            assertThat(firsts).as("tiles in order").isSorted().hasSizeGreaterThan(3);
            long planted = Arrays.stream(places).distinct().count();
            assertThat(done.count(plant.outcome)).as(plant.name()).isEqualTo(planted);
            assertThat(done.count(Outcome.FULL_RANK)).as(plant.name()).isEqualTo(size - planted);
            for (int b = 0; b < size; b++) {
                int problem = b;
                String where = plant + ", problem " + b + " of " + size + " in tiles of " + tile;
                if (Arrays.stream(places).anyMatch(place -> place == problem)) {
                    assertThat(outcomes.get(b)).as(where).isEqualTo(plant.outcome);
                    requireAlone(where, x.problem(b), y.problem(b), weights.problem(b));
                } else {
                    assertThat(outcomes.get(b)).as(where).isEqualTo(Outcome.FULL_RANK);
                    assertThat(weights.problem(b).hasSameEntries(expected.problem(b)))
                            .as(where)
                            .isTrue();
                }
            }
        }
    }

    private void requireAlone(String where, Matrix x, Matrix y, Matrix weights) {
        try (SolutionSet alone = Nullspace.solve(x, y, options().build())) {
            for (int i = 0; i < D; i++) {
                for (int j = 0; j < K; j++) {
                    double expected = alone.minimumNorm().get(i, j);
                    if (Double.isNaN(expected)) {
                        assertThat(weights.get(i, j)).as(where).isNaN();
                    } else {
                        assertThat(Math.abs(weights.get(i, j) - expected))
                                .as(where)
                                .isLessThanOrEqualTo(1e-11 * (1 + Math.abs(expected)));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 33, 100})
    void aPermutedBatchHasPermutedResults(int size) {
        Matrix x = random(7, size, N, D, Precision.FLOAT64);
        Matrix y = random(8, size, N, K, Precision.FLOAT64);
        for (int b = 0; b < size; b += 7) {
            Plant.values()[b / 7 % Plant.values().length].into(x, y, b);
        }
        Matrix xs = Matrix.zeros(Precision.FLOAT64, size, N, D, Layout.ROW_MAJOR);
        Matrix ys = Matrix.zeros(Precision.FLOAT64, size, N, K, Layout.ROW_MAJOR);
        int[] order = new int[size];
        Arrays.setAll(order, b -> (b * 37 + 11) % Math.max(1, size));
        if (size % 37 == 0 && size > 0) {
            throw new IllegalStateException("not a permutation");
        }
        for (int b = 0; b < size; b++) {
            xs.problem(b).copyFrom(x.problem(order[b]));
            ys.problem(b).copyFrom(y.problem(order[b]));
        }
        for (boolean spectrum : new boolean[] {false, true}) {
            SolveOptions options = options().spectrum(spectrum).build();
            try (SolutionBatch straight = Nullspace.solveBatch(x, y, options);
                    SolutionBatch permuted = Nullspace.solveBatch(xs, ys, options)) {
                assertThat(straight.size()).isEqualTo(size);
                Matrix one = straight.closestTo(random(9, 1, D, K, Precision.FLOAT64));
                Matrix other = permuted.closestTo(random(9, 1, D, K, Precision.FLOAT64));
                for (int b = 0; b < size; b++) {
                    String where = "problem " + b + " of " + size + ", spectrum " + spectrum;
                    assertThat(permuted.outcome(b)).as(where).isEqualTo(straight.outcome(order[b]));
                    assertThat(permuted.rank(b)).as(where).isEqualTo(straight.rank(order[b]));
                    assertSame(
                            where,
                            permuted.minimumNorm().problem(b),
                            straight.minimumNorm().problem(order[b]));
                    assertSame(
                            where,
                            permuted.singularValues().problem(b),
                            straight.singularValues().problem(order[b]));
                    assertSame(
                            where,
                            permuted.residualNorms().problem(b),
                            straight.residualNorms().problem(order[b]));
                    assertSame(where, other.problem(b), one.problem(order[b]));
                }
            }
        }
    }

    private static void assertSame(String where, Matrix actual, Matrix expected) {
        assertThat(actual.hasSameEntries(expected)).as(where).isTrue();
    }

    @ParameterizedTest
    @EnumSource(InterceptRule.class)
    void progressIsToldAndCancellingHeeded(InterceptRule rule) {
        int size = 200;
        SolveOptions options = options()
                .intercept(rule)
                .memoryBudget(Math.max(4 << 20, 2 * smallestBudget()))
                .build();
        Matrix x = random(10, size, N, D, Precision.FLOAT64);
        Matrix y = random(11, size, N, K, Precision.FLOAT64);
        Thread caller = Thread.currentThread();
        List<Long> told = new ArrayList<>();
        BatchProgress progress = (done, total) -> {
            assertThat(Thread.currentThread()).isSameAs(caller);
            assertThat(total).isEqualTo(size);
            told.add(done);
            return true;
        };
        Nullspace.solveBatch(x, y, options, progress).close();
        assertThat(told).isSorted().isNotEmpty().allMatch(done -> done >= 0 && done <= size);
        told.clear();
        Nullspace.solveBatch(x.problem(0), y, options, progress).close();
        assertThat(told).isSorted().endsWith((long) size);
        for (Matrix design : List.of(x, x.problem(0))) {
            assertThatThrownBy(() -> Nullspace.solveBatch(design, y, options, (done, total) -> false))
                    .isInstanceOfSatisfying(CancelledException.class, e -> {
                        assertThat(e.done()).isBetween(1L, (long) size);
                        assertThat(e.total()).isEqualTo(size);
                    })
                    .hasMessageContaining("of 200 problems");
        }
        assertThatThrownBy(() -> Nullspace.solveBatch(x, y, options, (done, total) -> {
                    throw new IllegalStateException("said the listener");
                }))
                .hasMessage("said the listener");
    }

    @Test
    void aStreamStopsWhereItIsToldTo() {
        SolveOptions options = options().memoryBudget(2 * smallestBudget()).build();
        Matrix x = random(12, 900, N, D, Precision.FLOAT64);
        Matrix y = random(13, 900, N, K, Precision.FLOAT64);
        List<Long> taken = new ArrayList<>();
        assertThatThrownBy(() -> Nullspace.streamBatch(
                        source(x, y),
                        (first, tile) -> taken.add(first + tile.size()),
                        options,
                        (done, total) -> done < 500))
                .isInstanceOf(CancelledException.class);
        assertThat(taken.get(taken.size() - 1)).isBetween(500L, 899L);
        BatchSink broken = (first, tile) -> {
            if (first > 0) {
                throw new IllegalStateException("the sink is full at " + first);
            }
        };
        assertThatThrownBy(() -> Nullspace.streamBatch(source(x, y), broken, options, BatchProgress.NONE))
                .hasMessageContaining("the sink is full at ");
        BatchSource failing = new BatchSource() {
            private final BatchSource good = source(x, y);

            @Override
            public long problems() {
                return good.problems();
            }

            @Override
            public long samples() {
                return good.samples();
            }

            @Override
            public long features() {
                return good.features();
            }

            @Override
            public long targets() {
                return good.targets();
            }

            @Override
            public Precision precision() {
                return good.precision();
            }

            @Override
            public void read(long first, Matrix xTile, Matrix yTile) {
                if (first > 300) {
                    throw new IllegalStateException("the source is dry at " + first);
                }
                good.read(first, xTile, yTile);
            }
        };
        List<Long> before = new ArrayList<>();
        assertThatThrownBy(() ->
                        Nullspace.streamBatch(failing, (first, tile) -> before.add(first), options, BatchProgress.NONE))
                .hasMessageContaining("the source is dry at ");
        assertThat(before).isNotEmpty().allMatch(first -> first <= 300);
    }

    @Test
    void plansSayWhatABatchTakes() {
        SolveOptions options = options().build();
        BatchPlan plan = Nullspace.planBatch(1000, N, D, K, Precision.FLOAT64, options);
        assertThat(plan.problems()).isEqualTo(1000);
        assertThat(plan.heldBytes()).isGreaterThanOrEqualTo(1000L * 8 * (D * K + N * K));
        assertThat(plan.tileBytes()).isPositive().isLessThanOrEqualTo(plan.budgetBytes());
        assertThat(plan.streamedBytes()).isGreaterThan(8 * plan.tileProblems() * (N * D + N * K));
        assertThat(plan.tileProblems()).isBetween(1L, 1000L);
        assertThat(plan.explain()).contains("1000 problems", "tiles of", "bytes");
        assertThat(Nullspace.planBatch(1000, 400, 700, K, Precision.FLOAT64, options)
                        .together())
                .isFalse();
        assertThat(Nullspace.planBatch(0, N, D, K, Precision.FLOAT64, options).problems())
                .isZero();
        assertThatThrownBy(() -> Nullspace.planBatch(-1, N, D, K, Precision.FLOAT64, options))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("-1 problems");
        assertThatThrownBy(() -> SolveOptions.builder().memoryBudget(-5))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("-5");
    }
}
