package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.ComposedBatch;

/** The batched routines of CUDA's libraries, and what composed batches make of them. */
@OnCudaDevice
class BatchedRoutinesTest {
    private static Session openSession() {
        return new CudaProvider().open(0);
    }

    private static Matrix random(SplittableRandom random, Precision precision, int batch, int rows, int columns) {
        Matrix m = Matrix.zeros(precision, batch, rows, columns, Layout.COLUMN_MAJOR);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextDouble(-1, 1) + (i == j ? 3 : 0));
                }
            }
        }
        return m;
    }

    private static Matrix upload(Session session, MemoryScope scope, Matrix host) {
        Matrix device =
                session.allocate(scope, host.precision(), host.batch(), host.rows(), host.columns(), host.layout());
        session.copy(host, device);
        return device;
    }

    // ---- batched routines

    /** More problems than one call takes: each is what it is among seven. */
    @Test
    void batchesLargerThanASlice() {
        Precision precision = Precision.FLOAT64;
        int size = Slices.MOST + 17;
        Matrix few = random(new SplittableRandom(67_000), precision, 7, 3, 3);
        Matrix many = Matrix.zeros(precision, size, 3, 3, Layout.COLUMN_MAJOR);
        for (int b = 0; b < size; b++) {
            many.problem(b).copyFrom(few.problem(b % 7));
        }
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.open()) {
            Matrix[] expected = everything(session, scope, few);
            Matrix[] actual = everything(session, scope, many);
            for (int i = 0; i < expected.length; i++) {
                for (int b : new int[] {0, 6, Slices.MOST - 1, Slices.MOST, size - 1}) {
                    assertThat(actual[i].problem(b).hasSameEntries(expected[i].problem(b % 7)))
                            .as("result " + i + ", problem " + b)
                            .isTrue();
                }
            }
        }
    }

    /** Results of all operations that have batched routines. */
    private static Matrix[] everything(Session session, MemoryScope scope, Matrix host) {
        Precision precision = host.precision();
        int size = (int) host.batch();
        Matrix qr = upload(session, scope, host);
        Matrix tau = session.allocate(scope, precision, size, 3, 1, Layout.COLUMN_MAJOR);
        session.qr(qr, tau);
        Matrix solved = upload(session, scope, host);
        session.solveTriangular(Triangle.UPPER, qr, solved);
        Matrix gram = session.allocate(scope, precision, size, 3, 3, Layout.COLUMN_MAJOR);
        session.multiply(1, solved, solved.transposed(), 0, gram);
        Status status = session.status(scope, size);
        session.cholesky(gram, status);
        assertThat(session.read(status)).containsOnly(0);
        Matrix inverse = session.allocate(scope, precision, size, 3, 3, Layout.COLUMN_MAJOR);
        session.copy(gram, inverse);
        session.invertLower(inverse, status);
        assertThat(session.read(status)).containsOnly(0);
        Matrix s = session.allocate(scope, precision, size, 3, 1, Layout.COLUMN_MAJOR);
        Matrix vt = session.allocate(scope, precision, size, 3, 3, Layout.COLUMN_MAJOR);
        Matrix u = upload(session, scope, host);
        session.svd(
                session.svdAlgorithms().contains(SvdAlgorithm.JACOBI) ? SvdAlgorithm.JACOBI : SvdAlgorithm.QR_ITERATION,
                u,
                s,
                vt,
                status);
        assertThat(session.read(status)).containsOnly(0);
        Matrix values = session.allocate(scope, precision, size, 3, 1, Layout.COLUMN_MAJOR);
        session.singularValues(upload(session, scope, host), values, status);
        assertThat(session.read(status)).containsOnly(0);
        return Arrays.stream(new Matrix[] {qr, tau, solved, gram, inverse, u, s, vt, values})
                .map(session::toHost)
                .toArray(Matrix[]::new);
    }

    @Test
    void manyProblemsAreOneCall() {
        assumeTrue(SoftwareDevice.isPresent(), "only the software device counts calls");
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.open()) {
            Matrix host = random(new SplittableRandom(67_100), Precision.FLOAT64, 100, 3, 3);
            SoftwareDevice.reset();
            everything(session, scope, host);
            Map<String, Long> calls = new TreeMap<>();
            for (String routine : SoftwareDevice.routines()) {
                if (routine.matches("(cublas|cusolver).*") && !routine.matches(".*(Create|SetStream|_bufferSize).*")) {
                    calls.put(routine, SoftwareDevice.calls(routine));
                }
            }
            Map<String, Long> expected = new TreeMap<>(Map.of(
                    "cublasDgeqrfBatched", 1L,
                    "cublasDtrsmBatched_64", 2L,
                    "cublasDgemmStridedBatched_64", 1L,
                    "cusolverDnDpotrfBatched", 1L));
            if (CusolverBridge.isLoaded()) {
                expected.put("cusolverDnDgesvdjBatched", 2L);
            } else {
                expected.put("cusolverDnDgesvd", 200L);
            }
            assertThat(calls).isEqualTo(expected);
        }
    }

    // ---- composed batches

    @Test
    void rotationsThatDoNotConvergeAreReplaced() {
        assumeTrue(
                SoftwareDevice.isPresent() && CusolverBridge.isLoaded(), "rotations fail on the software device only");
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.open()) {
            Matrix x = upload(session, scope, random(new SplittableRandom(67_200), Precision.FLOAT64, 4, 5, 9));
            Matrix y = upload(session, scope, random(new SplittableRandom(67_201), Precision.FLOAT64, 4, 5, 1));
            int[] which = {0, 1, 2, 3};
            int[] ranks = {4, 4, 4, 4};
            Matrix w = session.allocate(scope, Precision.FLOAT64, 4, 9, 1, Layout.COLUMN_MAJOR);
            new ComposedBatch(session).truncated(x, y, which, ranks, 0, w);
            Matrix expected = session.toHost(w);
            SoftwareDevice.reset();
            SoftwareDevice.forgeInfo("cusolverDnDgesvdjBatched", 1, 6);
            new ComposedBatch(session).truncated(x, y, which, ranks, 0, w);
            Matrix actual = session.toHost(w);
            assertThat(SoftwareDevice.calls("cusolverDnDgesvd")).isEqualTo(1);
            for (int b = 0; b < 4; b++) {
                for (int i = 0; i < 9; i++) {
                    assertThat(Math.abs(actual.get(b, i, 0) - expected.get(b, i, 0)))
                            .isLessThan(1e-13);
                }
            }
        }
    }

    /** What the device has had to allocate, memory that the pool rounds up included, is what was said beforehand. */
    @ParameterizedTest
    @ValueSource(strings = {"minimumNorm", "singularValues", "truncated", "transform"})
    void theDeviceHoldsNoMoreThanWasSaidAndNothingAfterwards(String operation) {
        assumeTrue(SoftwareDevice.isPresent(), "only the software device knows its peak");
        // A takes a little more than 1 MiB, from where on the pool rounds up to multiples of 2 MiB.
        for (int[] shape : new int[][] {{6, 12}, {32, 32}, {40, 33}}) {
            int p = Math.min(shape[0], shape[1]);
            int batch = (1 << 20) / (8 * shape[0] * shape[1]) + 3;
            CudaDevice.releaseAll();
            long before = SoftwareDevice.liveBytes(0);
            try (Session session = openSession();
                    MemoryScope scope = MemoryScope.open()) {
                ComposedBatch solver = new ComposedBatch(session);
                SplittableRandom random = new SplittableRandom(67_300);
                Matrix x = upload(session, scope, random(random, Precision.FLOAT64, batch, shape[0], shape[1]));
                Matrix y = upload(session, scope, random(random, Precision.FLOAT64, batch, shape[0], 1));
                Matrix w = upload(session, scope, random(random, Precision.FLOAT64, batch, shape[1], 1));
                Matrix bounds = session.allocate(scope, Precision.FLOAT64, batch, 1, 2, Layout.ROW_MAJOR);
                Matrix sigma = session.allocate(scope, Precision.FLOAT64, batch, p, 1, Layout.COLUMN_MAJOR);
                session.synchronize();
                int[] ranks = new int[batch];
                Arrays.fill(ranks, p - 1);
                int[] which = IntStream.range(0, batch).toArray();
                SoftwareDevice.reset();
                long held = SoftwareDevice.liveBytes(0);
                switch (operation) {
                    case "minimumNorm" -> solver.minimumNorm(x, y, w, bounds, sigma);
                    case "singularValues" -> solver.singularValues(x, which, sigma);
                    case "truncated" -> solver.truncated(x, y, which, ranks, 0, w);
                    default -> solver.transform(Transform.PROJECT_ON_NULL_SPACE, x, ranks, w);
                }
                session.synchronize();
                assertThat(SoftwareDevice.peakBytes(0) - held)
                        .as(operation + " of " + batch + "×" + shape[0] + "×" + shape[1])
                        .isLessThanOrEqualTo(solver.scratchBytes(batch, shape[0], shape[1], 1));
            }
            CudaDevice.releaseAll();
            assertThat(SoftwareDevice.liveBytes(0)).isEqualTo(before);
        }
    }
}
