package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.Session;
import org.nullspace.backend.openblas.SmallBatches.Form;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Matrix;

/** Batch operations: no problem depends on another one or on its place, and operands that do not fit are refused. */
class SmallBatchSolverTest {
    private static final Session SESSION = SmallBatches.session();
    private static final BatchSolver SOLVER = SmallBatches.solver(SESSION);

    @AfterAll
    static void close() {
        SESSION.close();
    }

    /** Problems with the rank that is named for each, and results of all operations. */
    private static final class Batch {
        final Matrix x;
        final Matrix y;
        final Matrix c;
        final int[] ranks;

        Batch(Matrix x, Matrix y, Matrix c, int[] ranks) {
            this.x = x;
            this.y = y;
            this.c = c;
            this.ranks = ranks;
        }

        static Batch of(SplittableRandom random, int size, int n, int d) {
            Matrix x = SmallBatches.random(random, Form.ROWS, size, n, d);
            for (int b = 0; b < size; b += 3) {
                double factor = b % 2 == 0 ? 1 : 1e-8;
                for (int j = 0; j < d; j++) {
                    x.set(b, n - 1, j, x.get(b, 0, j) * factor);
                }
            }
            if (size > 20) {
                x.set(17, 0, 0, Double.NaN);
                SESSION.fill(x.problem(18), 0);
                for (int i = 0; i < n; i++) {
                    for (int j = 0; j < d; j++) {
                        x.set(19, i, j, x.get(19, i, j) * 1e-200);
                        x.set(20, i, j, x.get(20, i, j) * 1e250);
                    }
                }
            }
            return new Batch(
                    x,
                    SmallBatches.random(random, Form.COLUMNS, size, n, 2),
                    SmallBatches.random(random, Form.ROWS, size, d, 2),
                    random.ints(size, 0, Math.min(n, d) + 1).toArray());
        }

        Batch of(int... which) {
            return new Batch(pick(x, which), pick(y, which), pick(c, which), pick(ranks, which));
        }

        private static Matrix pick(Matrix m, int... which) {
            Matrix out = Matrix.zeros(m.precision(), which.length, m.rows(), m.columns(), m.layout());
            for (int b = 0; b < which.length; b++) {
                out.problem(b).copyFrom(m.problem(which[b]));
            }
            return out;
        }

        private static int[] pick(int[] values, int... which) {
            return Arrays.stream(which).map(b -> values[b]).toArray();
        }

        Matrix[] results() {
            int size = (int) x.batch();
            int d = (int) x.columns();
            int p = (int) Math.min(x.rows(), d);
            int[] all = SmallBatches.indices(size, true);
            Matrix w = SmallBatches.empty(Form.ROWS, size, d, 2);
            Matrix bounds = SmallBatches.empty(Form.ROWS, size, 1, 2);
            Matrix sigma = SmallBatches.empty(Form.ROWS, size, p, 1);
            SOLVER.minimumNorm(x, y, w, bounds, sigma);
            for (int b = 0; b < size; b++) {
                if (!(Double.isFinite(bounds.get(b, 0, 0)) && Double.isFinite(bounds.get(b, 0, 1)))) {
                    SESSION.fill(w.problem(b), Double.NaN);
                    SESSION.fill(bounds.problem(b), Double.NaN);
                }
            }
            Matrix spectra = SmallBatches.empty(Form.ROWS, size, p, 1);
            SOLVER.singularValues(x, all, spectra);
            Matrix truncated = SmallBatches.empty(Form.ROWS, size, d, 2);
            SOLVER.truncated(x, y, all, ranks, 0, truncated);
            Matrix ridge = SmallBatches.empty(Form.ROWS, size, d, 2);
            SOLVER.truncated(x, y, all, ranks, 0.5, ridge);
            Matrix to = c.copy(c.layout());
            SOLVER.transform(Transform.TO_COORDINATES, x, ranks, to);
            Matrix from = c.copy(c.layout());
            SOLVER.transform(Transform.FROM_COORDINATES, x, ranks, from);
            Matrix projected = c.copy(c.layout());
            SOLVER.transform(Transform.PROJECT_ON_NULL_SPACE, x, ranks, projected);
            return new Matrix[] {w, bounds, sigma, spectra, truncated, ridge, to, from, projected};
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 33, 100})
    void resultsDoNotDependOnPlaceAndCompany(int size) {
        long seed = 2026_11_04L + size;
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : new int[][] {
            {1, 4}, {4, 1}, {5, 5}, {6, 12}, {12, 6}, {17, 40}, {40, 17}, {11, 301}, {301, 11}, {53, 51}
        }) {
            Batch batch = Batch.of(random, size, shape[0], shape[1]);
            Matrix[] results = batch.results();
            int[] order = SmallBatches.indices(size, true);
            for (int b = size - 1; b > 0; b--) {
                int other = random.nextInt(b + 1);
                int swapped = order[b];
                order[b] = order[other];
                order[other] = swapped;
            }
            requireSame("in another order", batch, results, order, seed);
            requireSame("one alone", batch, results, new int[] {size - 1}, seed);
            requireSame("every second", batch, results, SmallBatches.indices(size, size == 1), seed);
        }
    }

    private static void requireSame(String how, Batch batch, Matrix[] results, int[] which, long seed) {
        Matrix[] others = batch.of(which).results();
        for (int r = 0; r < results.length; r++) {
            for (int b = 0; b < which.length; b++) {
                assertThat(others[r].problem(b).hasSameEntries(results[r].problem(which[b])))
                        .as("%s: %s, result %d, problem %d, seed %d", batch.x, how, r, which[b], seed)
                        .isTrue();
            }
        }
    }

    @Test
    void listedProblemsAreWhatTheyAreAlone() {
        SplittableRandom random = new SplittableRandom(2026_11_40L);
        Batch batch = Batch.of(random, 200, 7, 11);
        int[] which = SmallBatches.indices(200, false);
        int[] ranks = random.ints(which.length, 0, 8).toArray();
        Matrix w = SmallBatches.empty(Form.NARROW_COLUMNS_WITH_GAPS, 200, 11, 2);
        SOLVER.truncated(batch.x, batch.y, which, ranks, 0, w);
        Matrix one = SmallBatches.empty(Form.NARROW_ROWS, 1, 11, 2);
        int[] first = {0};
        for (int i = 0; i < which.length; i++) {
            int b = which[i];
            SOLVER.truncated(batch.x.problem(b), batch.y.problem(b), first, new int[] {ranks[i]}, 0, one);
            assertThat(w.problem(b).hasSameEntries(one)).as("problem %d", b).isTrue();
        }
    }

    @Test
    void sharedOperandsAreThoseOfEachProblem() {
        SplittableRandom random = new SplittableRandom(2026_11_41L);
        Matrix x = SmallBatches.random(random, Form.COLUMNS_WITH_GAPS, 1, 6, 10);
        Matrix xs = SmallBatches.empty(Form.ROWS, 75, 6, 10);
        for (int b = 0; b < 75; b++) {
            xs.problem(b).copyFrom(x);
        }
        Matrix y = SmallBatches.random(random, Form.ROWS, 75, 6, 2);
        int[] ranks = random.ints(75, -1, 7).toArray();
        int[] atLeast = Arrays.stream(ranks).map(r -> Math.max(r, 0)).toArray();
        int[] all = SmallBatches.indices(75, true);
        Matrix c = SmallBatches.random(random, Form.ROWS, 75, 10, 1);
        for (BiFunction<Matrix, Matrix, Matrix> operation : List.<BiFunction<Matrix, Matrix, Matrix>>of(
                (a, b) -> {
                    Matrix w = SmallBatches.empty(Form.ROWS, 75, 10, 2);
                    SOLVER.truncated(a, b, all, atLeast, 0, w);
                    return w;
                },
                (a, b) -> {
                    Matrix projected = c.copy(c.layout());
                    SOLVER.transform(Transform.PROJECT_ON_NULL_SPACE, a, ranks, projected);
                    return projected;
                })) {
            assertThat(operation.apply(x, y).hasSameEntries(operation.apply(xs, y)))
                    .isTrue();
        }
        Matrix shared = y.problem(3);
        Matrix w = SmallBatches.empty(Form.ROWS, 75, 10, 2);
        Matrix bounds = SmallBatches.empty(Form.ROWS, 75, 1, 2);
        SOLVER.minimumNorm(xs, shared, w, bounds, null);
        assertThat(w.problem(74).hasSameEntries(w.problem(0))).isTrue();
    }

    @Test
    void emptyListsAndBatchesAreNothingToDo() {
        Matrix x = SmallBatches.empty(Form.ROWS, 0, 3, 4);
        Matrix y = SmallBatches.empty(Form.ROWS, 0, 3, 1);
        Matrix w = SmallBatches.empty(Form.ROWS, 0, 4, 1);
        SOLVER.minimumNorm(x, y, w, SmallBatches.empty(Form.ROWS, 0, 1, 2), SmallBatches.empty(Form.ROWS, 0, 3, 1));
        SOLVER.singularValues(x, new int[0], SmallBatches.empty(Form.ROWS, 0, 3, 1));
        SOLVER.transform(Transform.TO_COORDINATES, x, new int[0], SmallBatches.empty(Form.ROWS, 0, 4, 1));
        Matrix kept = SmallBatches.empty(Form.ROWS, 2, 4, 1);
        SOLVER.truncated(
                SmallBatches.empty(Form.ROWS, 2, 3, 4),
                SmallBatches.empty(Form.ROWS, 2, 3, 1),
                new int[0],
                new int[0],
                0,
                kept);
        assertThat(SmallBatches.entries(kept, 1)).containsOnly(Double.NaN);
    }

    @Test
    void scratchGrowsWithTheShapeAndNotWithTheBatch() {
        assertThat(SOLVER.scratchBytes(1000, 6, 12, 1)).isEqualTo(SOLVER.scratchBytes(1_000_000_000L, 6, 12, 1));
        assertThat(SOLVER.scratchBytes(32, 6, 12, 1)).isLessThan(SOLVER.scratchBytes(33, 6, 12, 1));
    }

    @Test
    void allocatesWhatIsCountedOnceForAllProblems() {
        SplittableRandom random = new SplittableRandom(2026_11_42L);
        try (Session session = new OpenBlasSession(new OpenBlasThreads(1))) {
            BatchSolver solver = SmallBatches.solver(session);
            for (int[] shape : new int[][] {{1, 1}, {3, 5}, {24, 20}, {16, 64}, {2, 900}}) {
                int n = shape[0];
                int d = shape[1];
                long[][] allocated = new long[4][2];
                for (int size : new int[] {64, 32, 640}) {
                    Batch batch = Batch.of(random, size, n, d);
                    Matrix w = SmallBatches.empty(Form.NARROW_ROWS, size, d, 2);
                    Matrix bounds = SmallBatches.empty(Form.ROWS, size, 1, 2);
                    Matrix sigma = SmallBatches.empty(Form.ROWS, size, Math.min(n, d), 1);
                    int[] all = SmallBatches.indices(size, true);
                    int run = size == 640 ? 1 : 0;
                    allocated[0][run] = bytes(() -> solver.minimumNorm(batch.x, batch.y, w, bounds, sigma));
                    allocated[1][run] = bytes(() -> solver.singularValues(batch.x, all, sigma));
                    allocated[2][run] = bytes(() -> solver.truncated(batch.x, batch.y, all, batch.ranks, 0, w));
                    allocated[3][run] = bytes(
                            () -> solver.transform(Transform.PROJECT_ON_NULL_SPACE, batch.x, batch.ranks, batch.c));
                }
                for (long[] pair : allocated) {
                    String where = n + "×" + d + ": " + Arrays.deepToString(allocated);
                    assertThat(pair[0]).as(where).isLessThanOrEqualTo(solver.scratchBytes(32, n, d, 2));
                    assertThat(pair[1] - pair[0]).as(where).isLessThan(20_000);
                }
                assertThat(Arrays.stream(allocated)
                                .mapToLong(pair -> pair[0])
                                .max()
                                .orElseThrow())
                        .isGreaterThan(solver.scratchBytes(32, n, d, 2) / 4);
            }
        }
    }

    /** Bytes that this thread allocates in Java's heap. */
    private static long bytes(Runnable work) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        work.run();
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    // ---- refusals

    private static void requireRefused(Class<? extends Exception> kind, ThrowingCallable call, String... parts) {
        assertThatThrownBy(call).isInstanceOf(kind).hasMessageContainingAll(parts);
    }

    @Test
    void refusesOperandsThatDoNotFit() {
        Matrix x = SmallBatches.empty(Form.ROWS, 5, 3, 4);
        Matrix y = SmallBatches.empty(Form.ROWS, 5, 3, 1);
        Matrix w = SmallBatches.empty(Form.ROWS, 5, 4, 1);
        Matrix bounds = SmallBatches.empty(Form.ROWS, 5, 1, 2);
        Matrix sigma = SmallBatches.empty(Form.ROWS, 5, 3, 1);
        int[] all = {0, 1, 2, 3, 4};
        Class<ShapeMismatchException> shape = ShapeMismatchException.class;
        Class<InvalidInputException> input = InvalidInputException.class;
        requireRefused(shape, () -> SOLVER.minimumNorm(x, y, w, bounds, w), "minimumNorm", "3×1", "5×4×1");
        requireRefused(
                input,
                () -> SOLVER.minimumNorm(x, y, w, bounds, SmallBatches.empty(Form.NARROW_ROWS, 5, 3, 1)),
                "sigma must be float64");
        requireRefused(input, () -> SOLVER.minimumNorm(x, y, w, bounds, y), "sigma", "overlaps Y");
        requireRefused(shape, () -> SOLVER.minimumNorm(x, y, w, sigma, null), "bounds must be 1×2");
        requireRefused(shape, () -> SOLVER.singularValues(x, new int[] {1, 2}, sigma), "one matrix for each index, 2");
        requireRefused(shape, () -> SOLVER.singularValues(x, all, w), "singularValues", "sigma must be 3×1");
        requireRefused(
                input, () -> SOLVER.singularValues(x, new int[] {0, 1, 2, 2, 4}, sigma), "index 2 at position 3");
        requireRefused(
                input, () -> SOLVER.singularValues(x, new int[] {0, 1, 2, 3, 5}, sigma), "index 5", "from 0 to 4");
        requireRefused(input, () -> SOLVER.singularValues(x, new int[] {-1, 1, 2, 3, 4}, sigma), "index -1");
        requireRefused(input, () -> SOLVER.singularValues(x, all, x.columns(0, 1)), "sigma is written and overlaps X");
        requireRefused(
                input, () -> SOLVER.truncated(x, y, all, new int[4], 0, w), "truncated", "4 ranks: 5 are needed");
        requireRefused(
                input, () -> SOLVER.truncated(x, y, all, new int[] {0, 0, 0, 4, 0}, 0, w), "rank 4 at position 3");
        requireRefused(input, () -> SOLVER.truncated(x, y, all, new int[] {-1, 0, 0, 0, 0}, 0, w), "rank -1");
        requireRefused(input, () -> SOLVER.truncated(x, y, all, new int[5], -1, w), "lambda is -1.0");
        requireRefused(input, () -> SOLVER.truncated(x, y, all, new int[5], Double.NaN, w), "lambda is NaN");
        requireRefused(shape, () -> SOLVER.truncated(x, w, all, new int[5], 0, w), "as many rows as X");
        requireRefused(shape, () -> SOLVER.truncated(x, y, all, new int[5], 0, y), "a row per column of X");
        requireRefused(
                shape, () -> SOLVER.transform(Transform.TO_COORDINATES, x, new int[5], sigma), "C must have a row");
        requireRefused(
                input, () -> SOLVER.transform(Transform.TO_COORDINATES, x, new int[] {4, 0, 0, 0, 0}, w), "at most 3");
        requireRefused(
                input,
                () -> SOLVER.transform(
                        Transform.TO_COORDINATES, x, new int[5], SmallBatches.empty(Form.NARROW_ROWS, 5, 4, 1)),
                "C must be float64");
    }

    @Test
    void refusesShapesThatItDoesNotCover() {
        Matrix large = SmallBatches.empty(Form.ROWS, 1, 2000, 2000);
        assertThat(SOLVER.covers(6, 12, 1000)).isFalse();
        assertThat(SOLVER.covers(368, 368, 1)).isTrue();
        assertThat(SOLVER.covers(369, 369, 1)).isFalse();
        assertThat(SOLVER.covers(5, 200_000, 1)).isFalse();
        assertThat(SOLVER.covers(64, 2000, 500)).isFalse();
        requireRefused(
                UnsupportedOperationException.class,
                () -> SOLVER.singularValues(large, new int[] {0}, large.columns(0, 1)),
                "singularValues",
                "2000×2000");
    }

    @Test
    void refusesToWorkAfterTheSessionIsClosed() {
        Session session = SmallBatches.session();
        BatchSolver solver = SmallBatches.solver(session);
        session.close();
        Matrix x = SmallBatches.empty(Form.ROWS, 1, 3, 4);
        Matrix sigma = SmallBatches.empty(Form.ROWS, 1, 3, 1);
        requireRefused(ClosedException.class, () -> solver.singularValues(x, new int[] {0}, sigma), "closed");
    }
}
