package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.ClosedException;
import org.nullspace.error.DeviceLostException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** A batch on several devices is the same batch. */
class SeveralDevicesTest {
    private static final int SIZE = 9;
    private static final int N = 7;
    private static final int D = 30;
    private static final long MEMORY = 1 << 20;

    private final Matrix x = Matrix.zeros(Precision.FLOAT64, SIZE, N, D, Layout.ROW_MAJOR);
    private final Matrix y = Matrix.zeros(Precision.FLOAT64, SIZE, N, 2, Layout.ROW_MAJOR);

    @BeforeEach
    void plant() {
        for (int b = 0; b < SIZE; b++) {
            Planted p = Planted.of(7300 + b, N, D, 2, b % 4 == 1 ? 4 : N, Spectrum.STEEP, 20, 0.3, Precision.FLOAT64);
            x.problem(b).copyFrom(p.matrixX(Storage.ROW_MAJOR));
            y.problem(b).copyFrom(p.matrixY(Storage.ROW_MAJOR));
        }
        x.set(5, 2, 3, Double.NaN);
        SmallDeviceProvider.plugIn(3, MEMORY);
    }

    @AfterEach
    void unplug() {
        SmallDeviceProvider.unplug();
    }

    private static SolveOptions.Builder cuda() {
        return SolveOptions.builder().backend(BackendChoice.CUDA);
    }

    private static void requireNothingOpen() {
        for (SmallDevice device : SmallDeviceProvider.opened()) {
            assertThat(device.isClosed()).as(device.description()).isTrue();
            assertThat(device.liveBytes()).as(device.description()).isZero();
        }
    }

    @Test
    void givesTheSameResultsAsOneDevice() {
        try (SolutionBatch one = Nullspace.solveBatch(x, y, cuda().device(1).build())) {
            for (SolveOptions options : List.of(
                    cuda().devices(0, 1).build(),
                    cuda().devices(2, 0, 1).build(),
                    cuda().allDevices().build())) {
                SmallDeviceProvider.plugIn(3, MEMORY);
                int count = options.devices().length == 0 ? 3 : options.devices().length;
                try (SolutionBatch many = Nullspace.solveBatch(x, y, options)) {
                    assertThat(SmallDeviceProvider.opened()).hasSize(count);
                    for (SmallDevice device : SmallDeviceProvider.opened()) {
                        assertThat(device.peakBytes()).as(device.description()).isPositive();
                    }
                    assertThat(many.outcomes()).containsExactly(one.outcomes());
                    assertThat(many.outcomes()[5]).as("one bad problem").isEqualTo(Outcome.NON_FINITE_INPUT);
                    assertThat(many.ranks()).containsExactly(one.ranks());
                    assertThat(many.minimumNorm().hasSameEntries(one.minimumNorm()))
                            .isTrue();
                    for (int b = 0; b < SIZE; b++) {
                        if (b == 5) {
                            continue;
                        }
                        SolutionSet s = many.problem(b);
                        SolutionSet t = one.problem(b);
                        assertThat(s.history()).isEqualTo(t.history());
                        assertThat(s.backend())
                                .startsWith("small device "
                                        + SmallDeviceProvider.opened()
                                                .get(((b + 1) * count - 1) / SIZE)
                                                .place()
                                                .device());
                        assertThat(s.singularValues()).containsExactly(t.singularValues());
                        assertThat(Conformance.entries(s.random(b, 2)))
                                .isDeepEqualTo(Conformance.entries(t.random(b, 2)));
                        assertThat(s.certificate()).isEqualTo(t.certificate());
                    }
                }
                requireNothingOpen();
            }
        }
    }

    @Test
    void setsEndWithTheBatch() {
        SolutionBatch batch = Nullspace.solveBatch(x, y, cuda().allDevices().build());
        SolutionSet last = batch.problem(SIZE - 1);
        last.random(1, 1).close();
        batch.close();
        batch.close();
        assertThatThrownBy(last::rank).isInstanceOf(ClosedException.class);
        requireNothingOpen();
    }

    @Test
    void aBatchMayBeSmallerThanTheGroup() {
        try (SolutionBatch batch = Nullspace.solveBatch(
                Matrix.zeros(Precision.FLOAT64, 2, 3, 4, Layout.ROW_MAJOR),
                Matrix.zeros(Precision.FLOAT64, 2, 3, 1, Layout.ROW_MAJOR),
                cuda().allDevices().build())) {
            assertThat(batch.ranks()).containsExactly(0, 0);
        }
        try (SolutionBatch none = Nullspace.solveBatch(
                Matrix.zeros(Precision.FLOAT64, 0, 3, 4, Layout.ROW_MAJOR),
                Matrix.zeros(Precision.FLOAT64, 0, 3, 1, Layout.ROW_MAJOR),
                cuda().allDevices().build())) {
            assertThat(none.size()).isZero();
        }
        requireNothingOpen();
    }

    @Test
    void aDeviceThatDiesLosesItsShareAndNothingElse() {
        for (InterceptRule rule : InterceptRule.values()) {
            // With an intercept, problems are solved one by one; without, many at a time.
            SolveOptions options = cuda().intercept(rule).allDevices().build();
            SmallDeviceProvider.plugIn(3, MEMORY);
            try (SolutionBatch whole = Nullspace.solveBatch(x, y, options)) {
                for (int mortal = 0; mortal < 3; mortal++) {
                    int lost = 0;
                    for (int calls : new int[] {0, 1, 7, 13, 40, 60}) {
                        SmallDeviceProvider.plugIn(3, MEMORY);
                        SmallDeviceProvider.killAfter(mortal, calls);
                        String where = rule + ", device " + mortal + " dies after " + calls + " calls";
                        try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
                            lost += requireOnlyItsShareIsLost(where, batch, whole, mortal);
                        }
                        assertThat(SmallDeviceProvider.opened()).hasSize(3);
                        requireNothingOpen();
                    }
                    assertThat(lost).as(rule + ", device " + mortal).isGreaterThanOrEqualTo(5);
                }
            }
        }
    }

    /** What is lost fell to the device that died: its third of the problems, or the one that is solved alone after the others. */
    private static int requireOnlyItsShareIsLost(String where, SolutionBatch batch, SolutionBatch whole, int mortal) {
        boolean[] lost = new boolean[SIZE];
        int count = 0;
        for (BatchFailure failure : batch.failures()) {
            assertThat(failure.cause())
                    .as(where)
                    .isInstanceOf(DeviceLostException.class)
                    .hasMessageContainingAll("problem", " of a batch of 9", "small device " + mortal, "has died");
            assertThat(failure.text()).as(where).contains("not computed", "has died");
            for (long b = failure.first(); b < failure.first() + failure.count(); b++) {
                assertThat(b == 5 || b / 3 == mortal)
                        .as(where + ", problem " + b)
                        .isTrue();
                lost[(int) b] = true;
                count++;
            }
        }
        for (int b = 0; b < SIZE; b++) {
            String which = where + ", problem " + b;
            if (lost[b]) {
                assertThat(batch.outcomes()[b]).as(which).isEqualTo(Outcome.NOT_COMPUTED);
                assertThat(batch.ranks()[b]).as(which).isEqualTo(-1);
                assertThat(batch.minimumNorm().get(b, 3, 1)).as(which).isNaN();
            } else {
                assertThat(batch.outcomes()[b]).as(which).isEqualTo(whole.outcomes()[b]);
                assertThat(batch.ranks()[b]).as(which).isEqualTo(whole.ranks()[b]);
                assertThat(batch.minimumNorm()
                                .problem(b)
                                .hasSameEntries(whole.minimumNorm().problem(b)))
                        .as(which)
                        .isTrue();
            }
        }
        return count;
    }

    @Test
    void progressGrowsOnAllDevicesTogether() {
        for (InterceptRule rule : InterceptRule.values()) {
            List<Long> told = new ArrayList<>();
            SmallDeviceProvider.plugIn(3, MEMORY);
            SolveOptions options = cuda().intercept(rule).allDevices().build();
            Nullspace.solveBatch(x, y, options, (done, total) -> told.add(done)).close();
            assertThat(told).as(rule.name()).isSorted().endsWith((long) SIZE).allMatch(done -> done >= 0);
        }
    }

    @Test
    void aBatchOfWhichNothingCouldBeComputedFails() {
        SmallDeviceProvider.plugIn(1, MEMORY);
        SmallDeviceProvider.killAfter(0, 1);
        assertThatThrownBy(() -> Nullspace.solveBatch(x, y, cuda().build()))
                .isInstanceOf(DeviceLostException.class)
                .hasMessageContainingAll("problems 0 to 8 of a batch of 9", "small device 0", "has died")
                .hasCauseInstanceOf(DeviceLostException.class);
        requireNothingOpen();
    }

    @Test
    void memoryThatDoesNotSufficeIsSaidAsForOneProblem() {
        SmallDeviceProvider.plugIn(2, 1000);
        assertThatThrownBy(() -> Nullspace.solveBatch(x, y, cuda().allDevices().build()))
                .isInstanceOf(InsufficientMemoryException.class)
                .hasMessageContaining("7×30");
        requireNothingOpen();
    }

    @Test
    void aDeviceThatIsNotThereIsMisuse() {
        assertThatThrownBy(() -> Nullspace.solveBatch(x, y, cuda().devices(0, 3).build()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("device 3", "3 devices", "small device 2");
        assertThat(SmallDeviceProvider.opened()).isEmpty();
    }

    @Test
    void aSingleProblemTakesTheFirstDevice() {
        try (SolutionSet s =
                Nullspace.solve(x.problem(0), y.problem(0), cuda().devices(2, 1).build())) {
            assertThat(s.backend()).startsWith("small device 2");
        }
        requireNothingOpen();
    }
}
