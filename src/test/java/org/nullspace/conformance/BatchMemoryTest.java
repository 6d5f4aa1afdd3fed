package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nullspace.Nullspace;
import org.nullspace.RandomMatrices;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.BatchPlan;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolveOptions;

/** A batch several times the size of the device's memory keeps within the budget, whatever is asked of it. */
class BatchMemoryTest {
    private static final int SIZE = 1500;
    private static final int N = 6;
    private static final int D = 40;
    private static final long MEMORY = 1 << 20;

    @AfterEach
    void unplug() {
        SmallDeviceProvider.unplug();
    }

    private static Matrix random(long seed, long batch, long rows, long columns) {
        return RandomMatrices.uniform(seed, Precision.FLOAT64, batch, rows, columns);
    }

    private static Map<String, Function<SolutionBatch, Matrix>> questions() {
        Matrix prior = random(3, SIZE, D, 1);
        Matrix values = random(4, 1, 2, 1);
        Map<String, Function<SolutionBatch, Matrix>> all = new LinkedHashMap<>();
        all.put("closest", batch -> batch.closestTo(prior));
        all.put("random", batch -> batch.random(1, 1));
        all.put("ridge", batch -> batch.ridge(0.5));
        all.put("spectra", SolutionBatch::singularValues);
        all.put("residuals", SolutionBatch::residualNorms);
        all.put("fixing", batch -> batch.fixing(new int[] {0, 7}, values).weights());
        all.put("bases", batch -> batch.nullSpaces().basis().vectors());
        all.put("predictions", batch -> batch.predict(random(5, 1, 3, D)));
        return all;
    }

    @Test
    void aBatchLargerThanTheDeviceKeepsWithinItsBudget() {
        Matrix x = random(1, SIZE, N, D);
        Matrix y = random(2, SIZE, N, 1);
        for (int b = 5; b < SIZE; b += 100) {
            x.problem(b).rows(1, 2).copyFrom(x.problem(b).rows(0, 1));
        }
        assertThat(x.byteSize()).as("X is larger than the device").isGreaterThan(2 * MEMORY);
        SolveOptions cpu = SolveOptions.builder().backend(BackendChoice.CPU).build();
        SmallDeviceProvider.plugIn(1, MEMORY);
        SolveOptions options = SolveOptions.builder()
                .backend(BackendChoice.CUDA)
                .memoryBudget(MEMORY / 3)
                .build();
        BatchPlan plan = Nullspace.planBatch(SIZE, N, D, 1, Precision.FLOAT64, options);
        assertThat(plan.together()).isTrue();
        assertThat(plan.tileProblems()).as("several tiles").isLessThan(SIZE / 2);
        assertThat(plan.tileBytes()).isLessThanOrEqualTo(MEMORY / 3);
        SmallDeviceProvider.plugIn(1, MEMORY);
        try (SolutionBatch expected = Nullspace.solveBatch(x, y, cpu);
                SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
            SmallDevice device = SmallDeviceProvider.opened().get(0);
            assertThat(device.peakBytes())
                    .as("bytes taken to solve, of those that were planned")
                    .isLessThanOrEqualTo(plan.tileBytes());
            assertThat(batch.outcomes()).containsExactly(expected.outcomes());
            assertThat(batch.ranks()).containsExactly(expected.ranks());
            questions().forEach((name, question) -> {
                device.resetPeak();
                Matrix found = question.apply(batch);
                assertThat(device.peakBytes()).as(name + " on the device").isBetween(1L, MEMORY / 3);
                if (!name.equals("bases")) {
                    requireClose(name, found, question.apply(expected));
                }
            });
        }
    }

    private static void requireClose(String name, Matrix actual, Matrix expected) {
        assertThat(actual.shape()).isEqualTo(expected.shape());
        for (long b = 0; b < actual.batch(); b++) {
            double difference = 0;
            double size = 1e-3;
            for (long i = 0; i < actual.rows(); i++) {
                for (long j = 0; j < actual.columns(); j++) {
                    difference = Math.hypot(difference, actual.get(b, i, j) - expected.get(b, i, j));
                    size = Math.max(size, Math.abs(expected.get(b, i, j)));
                }
            }
            assertThat(difference).as(name + ", problem " + b).isLessThanOrEqualTo(1e-10 * size);
        }
    }
}
