package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nullspace.backend.Backends;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;
import org.nullspace.solve.ComposedBatch;

/** Composed batches on the CPU, and on a device that has room for a few problems at a time. */
class ComposedBatchTest extends ComposedBatchConformance {
    private static final int SIZE = 700;

    @Override
    protected Session openSession() {
        return Backends.providers(DeviceKind.CPU).get(0).open(0);
    }

    /** W of minimumNorm, of truncated for every third problem, and the projected vectors. */
    private static Matrix[] results(Session session, MemoryScope scope, Matrix hostX, Matrix hostY) {
        long n = hostX.rows();
        long d = hostX.columns();
        ComposedBatch solver = new ComposedBatch(session);
        Matrix x = session.allocate(scope, Precision.FLOAT64, SIZE, n, d, Layout.ROW_MAJOR);
        Matrix y = session.allocate(scope, Precision.FLOAT64, SIZE, n, 1, Layout.ROW_MAJOR);
        Matrix w = session.allocate(scope, Precision.FLOAT64, SIZE, d, 1, Layout.ROW_MAJOR);
        Matrix truncated = session.allocate(scope, Precision.FLOAT64, SIZE, d, 1, Layout.ROW_MAJOR);
        Matrix bounds = session.allocate(scope, Precision.FLOAT64, SIZE, 1, 2, Layout.ROW_MAJOR);
        session.copy(hostX, x);
        session.copy(hostY, y);
        session.fill(truncated, 0);
        int[] which = IntStream.range(0, SIZE).filter(b -> b % 3 > 0).toArray();
        int[] ranks = new int[which.length];
        Arrays.fill(ranks, (int) Math.min(n, d) - 1);
        int[] all = new int[SIZE];
        Arrays.fill(all, (int) Math.min(n, d) - 1);
        boolean limited = session instanceof SmallDevice;
        long held = limited ? ((SmallDevice) session).liveBytes() : 0;
        if (session instanceof SmallDevice device) {
            device.resetPeak();
        }
        solver.minimumNorm(x, y, w, bounds, null);
        solver.truncated(x, y, which, ranks, 0, truncated);
        Matrix projected = session.allocate(scope, Precision.FLOAT64, SIZE, d, 1, Layout.ROW_MAJOR);
        session.copy(w, projected);
        solver.transform(Transform.PROJECT_ON_NULL_SPACE, x, all, projected);
        if (session instanceof SmallDevice device) {
            long allowed = solver.scratchBytes(SIZE, n, d, 1);
            assertThat(allowed).isLessThanOrEqualTo(device.memoryBytes() / Session.TILE_SHARE);
            assertThat(device.peakBytes() - held - projected.byteSize()).isLessThanOrEqualTo(allowed);
        }
        return new Matrix[] {
            session.toHost(w).copy(Layout.ROW_MAJOR),
            session.toHost(truncated).copy(Layout.ROW_MAJOR),
            session.toHost(projected).copy(Layout.ROW_MAJOR)
        };
    }

    @Test
    void chunksChangeNoResult() {
        for (int[] shape : new int[][] {{6, 12}, {12, 6}}) {
            SplitMix64 random = new SplitMix64(66_000 + shape[0]);
            Matrix x = Matrix.zeros(Precision.FLOAT64, SIZE, shape[0], shape[1], Layout.ROW_MAJOR);
            Matrix y = Matrix.zeros(Precision.FLOAT64, SIZE, shape[0], 1, Layout.ROW_MAJOR);
            for (int b = 0; b < SIZE; b++) {
                for (int i = 0; i < shape[0]; i++) {
                    y.set(b, i, 0, random.nextGaussian());
                    for (int j = 0; j < shape[1]; j++) {
                        x.set(b, i, j, random.nextGaussian());
                    }
                }
            }
            try (Session whole = openSession();
                    SmallDevice device = new SmallDevice(openSession(), 0, 16L << 20);
                    MemoryScope inner = MemoryScope.open()) {
                Matrix[] expected = results(whole, inner, x, y);
                Matrix[] actual = results(device, inner, x, y);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(actual[i].hasSameEntries(expected[i]))
                            .as("result " + i)
                            .isTrue();
                    assertThat(actual[i].get(SIZE - 2L, 0, 0)).isFinite().isNotZero();
                }
                // 1 MiB of scratch at a time is room for some hundred problems.
                assertThat(new ComposedBatch(device).scratchBytes(SIZE, shape[0], shape[1], 1))
                        .isLessThan(new ComposedBatch(whole).scratchBytes(SIZE, shape[0], shape[1], 1) / 2);
            }
        }
    }
}
