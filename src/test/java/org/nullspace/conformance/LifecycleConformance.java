package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.ClosedException;
import org.nullspace.error.ConfinementException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Factorization;
import org.nullspace.model.NullSpace;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;

/** What lives how long, and on which threads. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
abstract class LifecycleConformance extends Conformance {
    private static final Planted P = Planted.of(8000, 8, 19, 2, 7, Spectrum.STEEP, 10, 0.2, Precision.FLOAT64);

    private static Map<String, ThrowingCallable> uses(SolutionSet s) {
        Matrix w = Matrix.of(P.w());
        Map<String, ThrowingCallable> uses = new LinkedHashMap<>();
        uses.put("rank", s::rank);
        uses.put("nullity", s::nullity);
        uses.put("singularValues", s::singularValues);
        uses.put("rankDecision", s::rankDecision);
        uses.put("condition", s::condition);
        uses.put("certificate", s::certificate);
        uses.put("intercept", () -> s.intercept());
        uses.put("intercept(w)", () -> s.intercept(w));
        uses.put("random", () -> s.random(1, 1));
        uses.put("closestTo", () -> s.closestTo(w));
        uses.put("gradientDescentLimit", () -> s.gradientDescentLimit(w));
        uses.put("fixing", () -> s.fixing(0, 1));
        uses.put("ridge", () -> s.ridge(1));
        uses.put("ridgePath", () -> s.ridgePath(1));
        uses.put("nullSpace", s::nullSpace);
        uses.put("rowSpace", s::rowSpace);
        uses.put("decompose", () -> s.decompose(w));
        uses.put("contains", () -> s.contains(w));
        uses.put("predict", () -> s.predict(Matrix.of(P.x())));
        uses.put("predict(w)", () -> s.predict(Matrix.of(P.x()), w));
        return uses;
    }

    private static void requireClosed(SolutionSet s, NullSpace space, Matrix w) {
        uses(s).forEach((name, use) -> assertThatThrownBy(use).as(name).isInstanceOf(ClosedException.class));
        Matrix prior = Matrix.of(P.w());
        assertThatThrownBy(() -> space.project(prior)).isInstanceOf(ClosedException.class);
        assertThatThrownBy(space::basis).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> w.get(0, 0)).isInstanceOf(ClosedException.class);
        // What needs no memory can still be asked for.
        assertThat(s.samples()).isEqualTo(8);
        assertThat(s.outcome().isSolved()).isTrue();
    }

    @Test
    void aClosedSetSaysSo() {
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            SolutionSet s = solve(P, mode);
            NullSpace space = s.nullSpace();
            Matrix w = s.minimumNorm();
            uses(s).forEach((name, use) -> assertThat(org.assertj.core.api.Assertions.catchThrowable(use))
                    .as(name + " before")
                    .isNull());
            s.close();
            s.close();
            requireClosed(s, space, w);
        }
    }

    @Test
    void setsOfAFactorizationEndAloneOrWithIt() {
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            Factorization f = Nullspace.factor(P.matrixX(Storage.ROW_MAJOR), options(mode));
            SolutionSet first = f.solve(P.matrixY(Storage.ROW_MAJOR));
            SolutionSet second = f.solve(P.matrixY(Storage.ROW_MAJOR));
            NullSpace space = first.nullSpace();
            Matrix w = first.minimumNorm();
            first.close();
            requireClosed(first, space, w);
            assertThat(second.rank()).as("the other set lives on").isEqualTo(7);
            second.random(1, 1).close();
            NullSpace secondSpace = second.nullSpace();
            Matrix secondW = second.minimumNorm();
            f.close();
            f.close();
            requireClosed(second, secondSpace, secondW);
            assertThatThrownBy(() -> f.solve(P.matrixY(Storage.ROW_MAJOR))).isInstanceOf(ClosedException.class);
        }
    }

    @Test
    void xThatWasClosedTooEarlyIsNamed() {
        MemoryScope scope = MemoryScope.open();
        Matrix x = Matrix.of(scope, P.x());
        scope.close();
        assertThatThrownBy(() -> Nullspace.solve(
                        x, P.matrixY(Storage.ROW_MAJOR), options().build()))
                .isInstanceOf(ClosedException.class)
                .hasMessageContaining("8×19");
    }

    @Test
    void xThatBelongsToAnotherThreadIsNamed() throws Exception {
        try (MemoryScope scope = MemoryScope.confined()) {
            Matrix x = Matrix.of(scope, P.x());
            Matrix y = P.matrixY(Storage.ROW_MAJOR);
            ExecutorService other = Executors.newSingleThreadExecutor(r -> new Thread(r, "another thread"));
            try {
                Future<?> future = other.submit(() -> assertThatThrownBy(
                                () -> Nullspace.solve(x, y, options().build()))
                        .isInstanceOf(ConfinementException.class)
                        .hasMessageContaining("another thread"));
                future.get();
            } finally {
                other.shutdown();
            }
        }
    }

    // ---- threads

    /** Everything that one set is asked for in the tests below, in one result that can be compared. */
    private static List<Object> answers(SolutionSet s, int which) {
        List<Object> out = new ArrayList<>();
        double[][] w = entries(s.random(which, 1 + which));
        out.add(List.of(java.util.Arrays.deepToString(w)));
        out.add(java.util.Arrays.deepToString(entries(s.closestTo(Matrix.of(w)))));
        out.add(java.util.Arrays.deepToString(entries(s.ridge(0.1 * (1 + which)))));
        out.add(java.util.Arrays.deepToString(entries(s.nullSpace().project(Matrix.of(w)))));
        out.add(java.util.Arrays.deepToString(entries(s.nullSpace().coordinates(Matrix.of(w)))));
        out.add(java.util.Arrays.deepToString(entries(s.fixing(which % 19, 2).weights())));
        out.add(s.contains(Matrix.of(w)));
        out.add(java.util.Arrays.toString(s.singularValues()));
        out.add(s.certificate());
        return out;
    }

    private static <T> List<T> inParallel(List<Callable<T>> work) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            List<T> results = new ArrayList<>();
            for (Future<T> future : pool.invokeAll(work)) {
                results.add(future.get());
            }
            return results;
        } finally {
            pool.shutdown();
        }
    }

    @Test
    void oneSetServesManyThreads() throws Exception {
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = solve(P, mode);
                    SolutionSet alone = solve(P, mode)) {
                List<Callable<List<Object>>> work = new ArrayList<>();
                for (int i = 0; i < 24; i++) {
                    int which = i % 6;
                    work.add(() -> answers(s, which));
                }
                List<List<Object>> results = inParallel(work);
                for (int i = 0; i < results.size(); i++) {
                    assertThat(results.get(i)).as(mode + " " + i).isEqualTo(answers(alone, i % 6));
                }
            }
        }
    }

    @Test
    void oneFactorizationServesManyThreads() throws Exception {
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            Matrix y = P.matrixY(Storage.ROW_MAJOR);
            try (Factorization f = Nullspace.factor(P.matrixX(Storage.ROW_MAJOR), options(mode));
                    SolutionSet alone = solve(P, mode)) {
                List<Callable<List<Object>>> work = new ArrayList<>();
                for (int i = 0; i < 12; i++) {
                    int which = i % 6;
                    work.add(() -> {
                        try (SolutionSet s = f.solve(y)) {
                            return answers(s, which);
                        }
                    });
                }
                List<List<Object>> results = inParallel(work);
                for (int i = 0; i < results.size(); i++) {
                    assertThat(results.get(i)).as(mode + " " + i).isEqualTo(answers(alone, i % 6));
                }
            }
        }
    }

    @Test
    void problemsOfABatchServeManyThreads() throws Exception {
        Matrix x = Matrix.zeros(Precision.FLOAT64, 6, 8, 19, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(Precision.FLOAT64, 6, 8, 2, Layout.ROW_MAJOR);
        for (int b = 0; b < 6; b++) {
            Planted p = Planted.of(8100 + b, 8, 19, 2, b % 2 == 0 ? 8 : 5, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
            x.problem(b).copyFrom(p.matrixX(Storage.ROW_MAJOR));
            y.problem(b).copyFrom(p.matrixY(Storage.ROW_MAJOR));
        }
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionBatch batch = Nullspace.solveBatch(x, y, options(mode))) {
                List<Callable<List<Object>>> work = new ArrayList<>();
                for (int i = 0; i < 24; i++) {
                    int which = i % 6;
                    work.add(() -> answers(batch.problem(which), which));
                }
                List<List<Object>> results = inParallel(work);
                for (int i = 0; i < results.size(); i++) {
                    int b = i % 6;
                    try (SolutionSet alone = Nullspace.solve(x.problem(b), y.problem(b), options(mode))) {
                        assertThat(results.get(i)).as(mode + " " + i).isEqualTo(answers(alone, b));
                    }
                }
            }
        }
    }

    @Test
    void manyThreadsSolveAtTheSameTime() throws Exception {
        List<Planted> problems = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            // One of them large enough to be cut into parts.
            int d = i == 0 ? 4000 : 30 + 17 * i;
            problems.add(
                    Planted.of(8200 + i, 40, d, 2, i % 2 == 0 ? 40 : 33, Spectrum.STEEP, 50, 0.1, Precision.FLOAT64));
        }
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            List<double[][]> alone = new ArrayList<>();
            for (Planted p : problems) {
                try (SolutionSet s = solve(p, mode)) {
                    alone.add(s.minimumNorm().toArray());
                }
            }
            List<Callable<double[][]>> work = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                Planted p = problems.get(i % problems.size());
                work.add(() -> {
                    try (SolutionSet s = solve(p, mode)) {
                        return s.minimumNorm().toArray();
                    }
                });
            }
            List<double[][]> results = inParallel(work);
            for (int i = 0; i < results.size(); i++) {
                assertThat(results.get(i))
                        .as(mode + ": the same bits as alone, " + problems.get(i % problems.size()))
                        .isDeepEqualTo(alone.get(i % problems.size()));
            }
        }
    }

    @Test
    void closingWhileOthersWorkEndsInAnAnswerOrAnError() throws Exception {
        Planted p = Planted.of(8300, 30, 500, 2, 30, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            SolutionSet s = solve(p, mode);
            List<Callable<Integer>> work = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int seed = i;
                work.add(() -> {
                    int answers = 0;
                    while (answers < 100_000) {
                        try {
                            double[][] w = entries(s.random(seed, 1));
                            if (!Double.isFinite(Dense.norm(w))) {
                                return -1;
                            }
                            answers++;
                        } catch (ClosedException e) {
                            return answers;
                        }
                    }
                    return -2;
                });
            }
            work.add(() -> {
                Thread.sleep(20);
                s.close();
                return 0;
            });
            for (int answers : inParallel(work)) {
                assertThat(answers).as(mode + "").isNotNegative();
            }
        }
    }
}
