package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.Nullspace;
import org.nullspace.RandomMatrices;
import org.nullspace.backend.Session;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.Method;
import org.nullspace.model.Plan;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** X larger than the device, and several devices, on the software device, which can pretend to be either. */
@OnCudaDevice
class CudaDevicesTest {
    private static final long USUAL_BYTES = 2L << 30;

    @AfterEach
    void restore() {
        if (SoftwareDevice.isPresent()) {
            CudaDevice.releaseAll();
            SoftwareDevice.configure(2, USUAL_BYTES);
        }
    }

    private static Matrix random(long seed, long batch, long rows, long columns) {
        return RandomMatrices.uniform(seed, Precision.FLOAT64, batch, rows, columns);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void largerThanTheDevice(boolean deficient) {
        assumeTrue(SoftwareDevice.isPresent(), "a real device is as large as it is");
        long bytes = 24L << 20;
        CudaDevice.releaseAll();
        SoftwareDevice.configure(2, bytes);
        SoftwareDevice.reset();
        int n = 20;
        int d = 200_000;
        Matrix x = random(1, 1, n, d);
        Matrix y = random(2, 1, n, 1);
        if (deficient) {
            x.rows(n - 1, n).copyFrom(x.rows(0, 1));
            y.rows(n - 1, n).copyFrom(y.rows(0, 1));
        }
        assertThat(x.byteSize()).isGreaterThan(bytes);
        SolveOptions onDevice =
                SolveOptions.builder().backend(BackendChoice.CUDA).build();
        SolveOptions onHost = SolveOptions.builder().backend(BackendChoice.CPU).build();
        Plan plan = Nullspace.plan(n, d, 1, Precision.FLOAT64, onDevice);
        assertThat(plan.streamed()).isTrue();
        try (SolutionSet s = Nullspace.solve(x, y, onDevice);
                SolutionSet expected = Nullspace.solve(x, y, onHost)) {
            assertThat(s.method()).isEqualTo(deficient ? Method.QR_SVD : Method.GRAM);
            assertThat(s.rank()).isEqualTo(deficient ? n - 1 : n);
            Matrix w = s.minimumNorm();
            Matrix reference = expected.minimumNorm();
            for (int j = 0; j < d; j += 997) {
                assertThat(w.get(j, 0)).isCloseTo(reference.get(j, 0), within(1e-13));
            }
            Matrix fitted = s.predict(x);
            for (int i = 0; i < n; i++) {
                assertThat(fitted.get(i, 0)).isCloseTo(y.get(i, 0), within(1e-10));
            }
            assertThat(s.contains(s.random(3, 1))).isTrue();
        }
        assertThat(SoftwareDevice.peakBytes(0)).isPositive().isLessThanOrEqualTo(bytes);
        x.close();
    }

    @Test
    void memoryOfTheLastSessionIsUsedAgain() {
        assumeTrue(SoftwareDevice.isPresent(), "only the software device counts");
        long entries = 12L << 20;
        // Enough of it stays with the queue on a large device only.
        for (int share : new int[] {128, 16}) {
            CudaDevice.releaseAll();
            SoftwareDevice.configure(2, share * entries * Double.BYTES);
            SoftwareDevice.reset();
            for (int call = 0; call < 3; call++) {
                try (Session session = new CudaProvider().open(0);
                        MemoryScope scope = MemoryScope.open()) {
                    session.fill(session.allocate(scope, entries, 1), call);
                    scope.close();
                }
            }
            assertThat(SoftwareDevice.calls("cuMemAllocAsync")).isEqualTo(share == 128 ? 1 : 3);
            assertThat(SoftwareDevice.liveBytes(0)).isEqualTo(share == 128 ? entries * Double.BYTES : 0);
        }
    }

    @Test
    void aBatchIsSpreadOverAllDevices() {
        assumeTrue(new CudaProvider().probe().devices().size() > 1, "there is only one device");
        Matrix x = random(4, 31, 6, 12);
        Matrix y = random(5, 31, 6, 2);
        SolveOptions one =
                SolveOptions.builder().backend(BackendChoice.CUDA).device(1).build();
        SolveOptions all =
                SolveOptions.builder().backend(BackendChoice.CUDA).allDevices().build();
        try (SolutionBatch alone = Nullspace.solveBatch(x, y, one);
                SolutionBatch spread = Nullspace.solveBatch(x, y, all)) {
            assertThat(spread.ranks()).containsOnly(6);
            assertThat(spread.minimumNorm().hasSameEntries(alone.minimumNorm())).isTrue();
        }
        if (SoftwareDevice.isPresent()) {
            assertThat(SoftwareDevice.peakBytes(0)).isPositive();
            assertThat(SoftwareDevice.peakBytes(1)).isPositive();
        }
    }

    @Test
    void aDeviceThatIsNotThere() {
        int count = new CudaProvider().probe().devices().size();
        assertThatThrownBy(() -> new CudaProvider().open(count))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("device " + count);
    }
}
