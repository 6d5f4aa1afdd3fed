package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasStatus;
import jcuda.jcusolver.JCusolver;
import jcuda.jcusolver.cusolverStatus;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcResult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nullspace.Nullspace;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.error.BackendException;
import org.nullspace.error.DeviceLostException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.model.SvdChoice;
import org.nullspace.natives.NativeFiles;

/**
 * Every call that the backend makes of CUDA's libraries fails once, on the software device: the failure must surface as an exception that names
 * the routine, nothing may leak, and the next piece of work must succeed.
 */
@OnCudaDevice
class CudaFaultTest {
    /** Asked for texts and versions only; what they answer goes into messages. */
    private static final Set<String> HARMLESS = Set.of("cuGetErrorString", "cuGetErrorName", "nvrtcGetProgramLog");

    @TempDir
    static Path cache;

    private String formerCache = "";
    private Remains before = new Remains(0, List.of());

    /** What the device holds. */
    private record Remains(long bytes, List<String> objects) {
        static Remains now() {
            return new Remains(SoftwareDevice.liveBytes(0), List.of(SoftwareDevice.liveObjects()));
        }
    }

    /** Keeps the context alive: what a failing routine has left in it is then no fault of its last user. */
    @BeforeAll
    static void retainContext() {
        if (SoftwareDevice.isPresent()) {
            CUdevice device = new CUdevice();
            JCudaDriver.cuDeviceGet(device, 0);
            JCudaDriver.cuDevicePrimaryCtxRetain(new CUcontext(), device);
        }
    }

    @BeforeEach
    void start() {
        assumeTrue(SoftwareDevice.isPresent(), "only the software device fails on request");
        formerCache = System.getProperty(NativeFiles.PROPERTY, "");
        CudaDevice.releaseAll();
        SoftwareDevice.reset();
        before = Remains.now();
    }

    @AfterEach
    void end() {
        if (!SoftwareDevice.isPresent()) {
            return;
        }
        CudaDevice.releaseAll();
        if (formerCache.isEmpty()) {
            System.clearProperty(NativeFiles.PROPERTY);
        } else {
            System.setProperty(NativeFiles.PROPERTY, formerCache);
        }
        assertNothingLeaked("at the end");
    }

    private void assertNothingLeaked(String when) {
        assertThat(Remains.now()).as("live bytes and objects " + when).isEqualTo(before);
        assertThat(SoftwareDevice.violations()).as("violations " + when).isEmpty();
    }

    /** No queue, no kernel, no context; kernels will be compiled again. */
    private static void cold() {
        CudaDevice.releaseAll();
        System.setProperty(
                NativeFiles.PROPERTY, cache.resolve("cold-" + System.nanoTime()).toString());
        SoftwareDevice.reset();
    }

    private static void warm() {
        SoftwareDevice.reset();
    }

    // ---- every call

    private static int failureOf(String routine) {
        if (routine.startsWith("cublas")) {
            return cublasStatus.CUBLAS_STATUS_INTERNAL_ERROR;
        }
        if (routine.startsWith("cusolver")) {
            return cusolverStatus.CUSOLVER_STATUS_INTERNAL_ERROR;
        }
        return routine.startsWith("nvrtc") ? nvrtcResult.NVRTC_ERROR_INTERNAL_ERROR : CUresult.CUDA_ERROR_NOT_PERMITTED;
    }

    /** A routine's name as programmers know it: without the versions that the exported symbol carries. */
    private static String plainName(String exported) {
        return exported.replaceAll("_v2|_64", "");
    }

    /** Whether a routine gives something back, or is needed for that: what it fails on stays where it is. */
    private static boolean givesBack(String routine) {
        return routine.contains("Free")
                || routine.contains("Destroy")
                || routine.contains("Release")
                || routine.contains("Unload")
                || routine.contains("CtxPushCurrent")
                || routine.contains("CtxPopCurrent");
    }

    @TestFactory
    Stream<DynamicTest> everyCallFailsOnce() {
        Set<String> failed = new TreeSet<>();
        return Scenario.pieces().entrySet().stream()
                .map(each -> DynamicTest.dynamicTest(
                        each.getKey(), () -> failEachCallOf(each.getKey(), each.getValue(), failed)));
    }

    private void failEachCallOf(String name, Runnable piece, Set<String> failed) {
        cold();
        before = Remains.now();
        piece.run();
        CudaDevice.releaseAll();
        Map<String, Long> calls = new TreeMap<>();
        for (String routine : SoftwareDevice.routines()) {
            calls.put(routine, SoftwareDevice.calls(routine));
        }
        assertThat(calls.keySet()).as(name).contains("cuMemAllocAsync", "cuLaunchKernel", "nvrtcCompileProgram");
        assertNothingLeaked("after " + name);
        calls.keySet().removeAll(HARMLESS);
        calls.forEach((routine, count) -> {
            Set<Long> which = new TreeSet<>(Set.of((count + 1) / 2));
            if (failed.add(routine)) {
                which.addAll(List.of(1L, count));
            }
            for (long nth : which) {
                failOnce(name, piece, routine, nth);
            }
        });
    }

    private void failOnce(String name, Runnable piece, String routine, long nth) {
        String where = routine + " failing at call " + nth + " of " + name;
        cold();
        before = Remains.now();
        SoftwareDevice.failCall(routine, nth, failureOf(routine));
        Throwable failure = catchThrowable(() -> {
            piece.run();
            CudaDevice.releaseAll();
        });
        assertThat(failure)
                .as(where)
                .isInstanceOf(BackendException.class)
                .isNotInstanceOf(DeviceLostException.class)
                .hasMessageContaining(plainName(routine))
                .hasMessageMatching("(?s).*(INTERNAL_ERROR|NOT_PERMITTED).*");
        CudaDevice.releaseAll();
        if (givesBack(routine)) {
            before = Remains.now();
        }
        assertNothingLeaked("after " + where);
        warm();
        piece.run();
        CudaDevice.releaseAll();
        assertNothingLeaked("after the piece that came after " + where);
    }

    // ---- memory

    @Test
    void memoryRunsOutAtAnyAllocation() {
        for (Map.Entry<String, Runnable> each : Scenario.pieces().entrySet()) {
            cold();
            each.getValue().run();
            long allocations = SoftwareDevice.calls("cuMemAllocAsync") + SoftwareDevice.calls("cuMemHostAlloc");
            for (long nth = 1; nth <= allocations; nth += Math.max(1, allocations / 7)) {
                String where = "allocation " + nth + " of " + each.getKey();
                CudaDevice.releaseAll();
                warm();
                before = Remains.now();
                // The first failure is made good by giving back what is idle; only a second one counts.
                SoftwareDevice.failAllocation(nth);
                SoftwareDevice.failAllocation(nth + 1);
                Throwable failure = catchThrowable(each.getValue()::run);
                if (failure != null) {
                    assertThat(failure).as(where).isInstanceOf(InsufficientMemoryException.class);
                    assertThat(failure.getMessage()).as(where).containsPattern("\\d+ bytes");
                }
                warm();
                each.getValue().run();
                CudaDevice.releaseAll();
                assertNothingLeaked("after " + where);
            }
        }
    }

    @Test
    void aSingleShortageIsMadeGood() {
        Runnable piece = Scenario.pieces().get("GRAM, one target");
        cold();
        piece.run();
        CudaDevice.releaseAll();
        warm();
        SoftwareDevice.failCall("cuMemAllocAsync", 2, CUresult.CUDA_ERROR_OUT_OF_MEMORY);
        piece.run();
        assertThat(SoftwareDevice.calls("cuMemAllocAsync")).isGreaterThan(2);
    }

    // ---- a lost device

    @TestFactory
    Stream<DynamicTest> theDeviceIsLost() {
        return Stream.of(
                        "cuLaunchKernel",
                        "cuMemcpyHtoDAsync_v2",
                        "cuStreamSynchronize",
                        "cuMemAllocAsync",
                        "cublasDsyrk_v2_64",
                        "cusolverDnDpotrf")
                .map(routine -> DynamicTest.dynamicTest(routine, () -> loseAt(routine, "GRAM, one target")));
    }

    @TestFactory
    Stream<DynamicTest> theDeviceIsLostInABatch() {
        return Stream.of(
                        "cublasDgeqrfBatched",
                        "cublasDtrsmBatched_64",
                        "cublasDgemmStridedBatched_64",
                        "cusolverDnDormqr")
                .map(routine -> DynamicTest.dynamicTest(routine, () -> loseAt(routine, "composed batch")));
    }

    private void loseAt(String routine, String piece) {
        cold();
        before = Remains.now();
        SoftwareDevice.loseDevice(routine, 3);
        try (MemoryScope scope = MemoryScope.open()) {
            Session session = new CudaProvider().open(0);
            Matrix survivor = session.allocate(scope, 5, 5);
            Throwable failure = catchThrowable(() -> {
                for (int i = 0; i < 4; i++) {
                    Scenario.pieces().get(piece).run();
                }
            });
            assertThat(failure).isInstanceOf(BackendException.class);
            assertThatThrownBy(() -> {
                        session.fill(survivor, 1);
                        session.synchronize();
                    })
                    .isInstanceOf(DeviceLostException.class)
                    .hasMessageContaining("cuda:0");
            assertThatThrownBy(() -> new CudaProvider().open(0).allocate(scope, 2, 2))
                    .isInstanceOf(DeviceLostException.class)
                    .hasMessageContaining("lost before");
            session.close();
        }
        CudaDevice.releaseAll();
        assertThat(Remains.now().objects()).as("live objects").isEqualTo(before.objects());
        SoftwareDevice.reset();
        before = Remains.now();
        Scenario.pieces().get(piece).run();
    }

    // ---- status words

    @Test
    void readingStatusWordsWaitsOnceAndTellsOfEverythingBefore() {
        try (Session session = new CudaProvider().open(0);
                MemoryScope scope = MemoryScope.open()) {
            Matrix a = session.allocate(scope, 60, 20);
            Matrix tau = session.allocate(scope, 20, 1);
            session.identity(a);
            Status status = session.status(scope, 1);
            session.read(status);
            SoftwareDevice.reset();
            session.fill(tau, 0);
            assertThat(session.read(status)).containsExactly(0);
            assertThat(SoftwareDevice.calls("cuStreamSynchronize")).isEqualTo(1);
            assertThat(session.read(session.status(scope, 0))).isEmpty();
            assertThat(SoftwareDevice.calls("cuStreamSynchronize")).isEqualTo(2);

            for (int words : new int[] {1, 0}) {
                Status clean = session.status(scope, words);
                SoftwareDevice.forgeInfo("cusolverDnDgeqrf", 1, -3);
                session.qr(a, tau);
                assertThatThrownBy(() -> session.read(clean))
                        .isInstanceOf(BackendException.class)
                        .hasMessageContaining("refused argument 3");
                assertThat(session.read(clean)).containsOnly(new int[words]);
            }
            for (String routine : List.of("cuMemcpyDtoHAsync_v2", "cuStreamSynchronize")) {
                SoftwareDevice.failCall(routine, 1, failureOf(routine));
                assertThatThrownBy(() -> session.read(status))
                        .isInstanceOf(BackendException.class)
                        .hasMessageContaining(plainName(routine));
                assertThat(session.read(status)).containsExactly(0);
            }
        }
    }

    /** Work that fails when it runs: the words are not believed. */
    @Test
    void readingStatusWordsTellsOfADeviceThatWasLostBefore() {
        try (MemoryScope scope = MemoryScope.open()) {
            Session session = new CudaProvider().open(0);
            Matrix a = session.allocate(scope, 60, 20);
            Status status = session.status(scope, 1);
            SoftwareDevice.loseDevice("cuStreamSynchronize", 1);
            session.fill(a, 1);
            assertThatThrownBy(() -> session.read(status)).isInstanceOf(DeviceLostException.class);
            assertThatThrownBy(() -> session.read(status)).isInstanceOf(DeviceLostException.class);
            session.close();
        }
        CudaDevice.releaseAll();
        SoftwareDevice.reset();
        before = Remains.now();
    }

    // ---- iterations

    @Test
    void anIterationThatDoesNotConvergeIsTriedOtherwise() {
        double[][] x = {{1, 2, 3, 4}, {2, 3, 5, 7}, {3, 5, 8, 11}};
        SoftwareDevice.forgeInfo("cusolverDnDgesvd", 1, 2);
        try (SolutionSet s = Nullspace.solve(
                Matrix.of(x),
                Matrix.column(1, 2, 3),
                Scenario.options(Method.QR_SVD).build())) {
            assertThat(s.rank()).isEqualTo(2);
            assertThat(SoftwareDevice.calls("cusolverDnDgesvdj")).isEqualTo(CusolverBridge.isLoaded() ? 1 : 0);
        }
    }

    @Test
    void anIterationThatDoesNotConvergeAtAllIsTheOutcomeOfItsProblem() {
        int size = 5;
        Matrix x = Matrix.zeros(Precision.FLOAT64, size, 3, 4, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(Precision.FLOAT64, size, 3, 1, Layout.ROW_MAJOR);
        for (int b = 0; b < size; b++) {
            x.problem(b).copyFrom(Matrix.of(new double[][] {{1, 2, 3, 4}, {2, 3, 5, 7 + b}, {3, 5, 9, 11}}));
            y.problem(b).copyFrom(Matrix.column(1, 2, 3));
        }
        SolveOptions options =
                Scenario.options(Method.QR_SVD).svd(SvdChoice.QR_ITERATION).build();
        for (int lost : new int[] {0, size / 2, size - 1}) {
            // One iteration for each problem, in the order of the batch.
            SoftwareDevice.forgeInfo("cusolverDnDgesvd", lost + 1L, 2);
            try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
                for (int b = 0; b < size; b++) {
                    boolean fails = b == lost;
                    assertThat(batch.outcome(b))
                            .as("problem " + b + ", lost " + lost)
                            .isEqualTo(fails ? Outcome.NOT_CONVERGED : Outcome.FULL_RANK);
                    assertThat(Double.isNaN(batch.minimumNorm().get(b, 0, 0)))
                            .as("problem " + b + ", lost " + lost)
                            .isEqualTo(fails);
                    assertThat(batch.outcome(b).isSolved()).isEqualTo(!fails);
                }
            }
        }
    }

    // ---- somebody else's switches

    @Test
    void exceptionsOfJCudaAreTheSameFailures() {
        cold();
        JCudaDriver.setExceptionsEnabled(true);
        JCublas2.setExceptionsEnabled(true);
        JCusolver.setExceptionsEnabled(true);
        JNvrtc.setExceptionsEnabled(true);
        try {
            Runnable piece = Scenario.pieces().get("GRAM, one target");
            piece.run();
            for (String routine :
                    List.of("cuMemcpyDtoHAsync_v2", "cublasDsyrk_v2_64", "cusolverDnDpotrf", "cuLaunchKernel")) {
                SoftwareDevice.failCall(routine, 1, failureOf(routine));
                assertThatThrownBy(piece::run)
                        .as(routine)
                        .isInstanceOf(BackendException.class)
                        .hasMessageContaining(plainName(routine))
                        .hasMessageMatching("(?s).*(INTERNAL_ERROR|NOT_PERMITTED).*");
            }
            SoftwareDevice.failCall("cuMemAllocAsync", 1, CUresult.CUDA_ERROR_OUT_OF_MEMORY);
            piece.run();
        } finally {
            JCudaDriver.setExceptionsEnabled(false);
            JCublas2.setExceptionsEnabled(false);
            JCusolver.setExceptionsEnabled(false);
            JNvrtc.setExceptionsEnabled(false);
        }
    }

    @Test
    void theCallersContextStaysCurrent() {
        CUcontext none = new CUcontext();
        JCudaDriver.cuCtxGetCurrent(none);
        Scenario.pieces().get("GRAM, one target").run();
        CUcontext after = new CUcontext();
        JCudaDriver.cuCtxGetCurrent(after);
        assertThat(after).isEqualTo(none);
    }

    // ---- many times

    @Test
    void tenThousandSolvesLeaveNothingBehind() {
        double[][] x = {{1, 2, 3}, {4, 5, 7}};
        Matrix matrix = Matrix.of(x);
        Matrix y = Matrix.column(1, 2);
        SolveOptions options = Scenario.options(Method.GRAM).build();
        Remains cold = before;
        long bytes = -1;
        for (int i = 0; i < 10_000; i++) {
            try (SolutionSet s = Nullspace.solve(matrix, y, options)) {
                assertThat(s.rank()).isEqualTo(2);
            }
            if (i == 10) {
                bytes = SoftwareDevice.liveBytes(0);
                before = Remains.now();
            }
        }
        assertThat(Remains.now()).isEqualTo(before);
        assertThat(bytes).as("what is kept between solves").isLessThan(DevicePool.KEPT + (1 << 20));
        CudaDevice.releaseAll();
        before = cold;
        assertNothingLeaked("after ten thousand solves");
    }
}
