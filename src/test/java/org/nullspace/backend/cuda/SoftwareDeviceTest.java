package org.nullspace.backend.cuda;

import static jcuda.driver.JCudaDriver.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import jcuda.jcusolver.cusolverDnParams;
import jcuda.jcusolver.gesvdjInfo;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.runtime.cudaStream_t;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The software CUDA device itself, through the real JCuda natives: what it computes, and what it does not let pass. */
@Tag("gpu")
class SoftwareDeviceTest {
    private static final int OK = 0;
    private static final int INVALID_VALUE = 1;
    private static final int OUT_OF_MEMORY = 2;
    private static final int INVALID_IMAGE = 200;
    private static final int INVALID_CONTEXT = 201;
    private static final int NOT_FOUND = 500;
    private static final int NOT_READY = 600;
    private static final int ILLEGAL_ADDRESS = 700;
    private static final int LAUNCH_FAILED = 719;
    private static final int NON_BLOCKING = 1;
    private static final int R_64F = 1;
    private static final long MEBI = 1L << 20;

    private final CUcontext context = new CUcontext();
    private final CUstream stream = new CUstream();
    private final cublasHandle blas = new cublasHandle();
    private final cusolverDnHandle solver = new cusolverDnHandle();
    private final List<CUdeviceptr> blocks = new ArrayList<>();

    @BeforeAll
    static void load() {
        boolean present = SoftwareDevice.isPresent();
        if (!present) {
            System.out.println("SoftwareDeviceTest is skipped: the software CUDA device was not built or not asked for"
                    + " (-Dnullspace.cuda.libraries=target/native/hostcuda)");
        }
        assumeTrue(present, "the software CUDA device was not built");
        assumeTrue(
                Files.exists(libraries().resolve("libcublas.so.12")),
                "the CUDA 13 variant needs the forwarding libraries");
        Loader.load(openblas.class);
        for (String name : List.of("libnvrtc.so.12", "libcublas.so.12", "libcusolver.so.11", "libcusolverMg.so.11")) {
            System.load(libraries().resolve(name).toAbsolutePath().toString());
        }
    }

    private static Path libraries() {
        return Path.of(System.getProperty("nullspace.cuda.libraries"));
    }

    @BeforeEach
    void open() {
        SoftwareDevice.reset();
        SoftwareDevice.configure(1, 256 * MEBI);
        assertThat(cuInit(0)).isEqualTo(OK);
        assertThat(cuDevicePrimaryCtxRetain(context, device(0))).isEqualTo(OK);
        assertThat(cuCtxSetCurrent(context)).isEqualTo(OK);
        assertThat(cuStreamCreate(stream, NON_BLOCKING)).isEqualTo(OK);
        assertThat(JCublas2.cublasCreate(blas)).isEqualTo(OK);
        assertThat(JCublas2.cublasSetStream(blas, new cudaStream_t(stream))).isEqualTo(OK);
        assertThat(JCusolverDn.cusolverDnCreate(solver)).isEqualTo(OK);
        assertThat(JCusolverDn.cusolverDnSetStream(solver, new cudaStream_t(stream)))
                .isEqualTo(OK);
    }

    @AfterEach
    void nothingIsLeft() {
        SoftwareDevice.reset();
        cuCtxSetCurrent(context);
        blocks.forEach(block -> cuMemFree(block));
        JCusolverDn.cusolverDnDestroy(solver);
        JCublas2.cublasDestroy(blas);
        cuStreamDestroy(stream);
        cuDevicePrimaryCtxRelease(device(0));
        SoftwareDevice.configure(1, 256 * MEBI);
        assertThat(SoftwareDevice.liveBytes(0)).isZero();
        assertThat(SoftwareDevice.liveObjects()).isEmpty();
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    // ------------------------------------------------------------------------------------------------------- helpers

    private static CUdevice device(int ordinal) {
        CUdevice device = new CUdevice();
        assertThat(cuDeviceGet(device, ordinal)).isEqualTo(OK);
        return device;
    }

    private CUdeviceptr allocate(long bytes) {
        CUdeviceptr pointer = new CUdeviceptr();
        assertThat(cuMemAlloc(pointer, bytes)).isEqualTo(OK);
        blocks.add(pointer);
        return pointer;
    }

    private CUdeviceptr put(double... values) {
        CUdeviceptr pointer = allocate(8L * values.length);
        assertThat(cuMemcpyHtoD(pointer, Pointer.to(values), 8L * values.length))
                .isEqualTo(OK);
        return pointer;
    }

    private double[] get(CUdeviceptr from, int count) {
        assertThat(cuStreamSynchronize(stream)).isEqualTo(OK);
        return getNow(from, count);
    }

    private static double[] getNow(CUdeviceptr from, int count) {
        double[] values = new double[count];
        assertThat(cuMemcpyDtoH(Pointer.to(values), from, 8L * count)).isEqualTo(OK);
        return values;
    }

    private int info(CUdeviceptr info) {
        assertThat(cuStreamSynchronize(stream)).isEqualTo(OK);
        int[] value = new int[1];
        assertThat(cuMemcpyDtoH(Pointer.to(value), info, 4)).isEqualTo(OK);
        return value[0];
    }

    private static Pointer host(double value) {
        return Pointer.to(new double[] {value});
    }

    private static void assertViolation(String... parts) {
        assertThat(SoftwareDevice.violations()).hasSize(1);
        assertThat(SoftwareDevice.violations()[0]).contains(parts);
    }

    private CUmodule module() throws Exception {
        nvrtcProgram program = new nvrtcProgram();
        String source = Files.readString(Path.of("native/hostcuda/test/blocks.cu"));
        assertThat(JNvrtc.nvrtcCreateProgram(program, source, "blocks.cu", 0, null, null))
                .isEqualTo(OK);
        assertThat(JNvrtc.nvrtcCompileProgram(program, 1, new String[] {"--gpu-architecture=sm_90"}))
                .isEqualTo(OK);
        long[] size = new long[1];
        assertThat(JNvrtc.nvrtcGetCUBINSize(program, size)).isEqualTo(OK);
        byte[] cubin = new byte[(int) size[0]];
        assertThat(JNvrtc.nvrtcGetCUBIN(program, cubin)).isEqualTo(OK);
        assertThat(JNvrtc.nvrtcDestroyProgram(program)).isEqualTo(OK);
        CUmodule module = new CUmodule();
        assertThat(cuModuleLoadData(module, cubin)).isEqualTo(OK);
        return module;
    }

    private static CUfunction function(CUmodule module, String name) {
        CUfunction function = new CUfunction();
        assertThat(cuModuleGetFunction(function, module, name)).isEqualTo(OK);
        return function;
    }

    private int launch(CUfunction function, int grid, int block, int shared, Pointer... arguments) {
        return cuLaunchKernel(function, grid, 1, 1, block, 1, 1, shared, stream, Pointer.to(arguments), null);
    }

    private static Pointer argument(CUdeviceptr pointer) {
        return Pointer.to(pointer);
    }

    private static Pointer argument(long value) {
        return Pointer.to(new long[] {value});
    }

    private static Pointer argument(int value) {
        return Pointer.to(new int[] {value});
    }

    // ------------------------------------------------------------------------------------------------------- devices

    @Test
    void describesItself() {
        assertThat(SoftwareDevice.isPresent()).isTrue();
        int[] value = new int[1];
        assertThat(cuDriverGetVersion(value)).isEqualTo(OK);
        assertThat(value[0]).isEqualTo(13000);
        byte[] name = new byte[100];
        assertThat(cuDeviceGetName(name, 100, device(0))).isEqualTo(OK);
        assertThat(new String(name, java.nio.charset.StandardCharsets.US_ASCII).trim())
                .isEqualTo("Nullspace software device");
        assertThat(cuDeviceGetAttribute(
                        value, jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device(0)))
                .isEqualTo(OK);
        assertThat(value[0]).isEqualTo(9);
        long[] free = new long[1];
        long[] total = new long[1];
        allocate(MEBI);
        assertThat(cuMemGetInfo(free, total)).isEqualTo(OK);
        assertThat(total[0]).isEqualTo(256 * MEBI);
        assertThat(free[0]).isEqualTo(255 * MEBI);
        String[] text = new String[1];
        assertThat(cuGetErrorName(700, text)).isEqualTo(OK);
        assertThat(text[0]).isEqualTo("CUDA_ERROR_ILLEGAL_ADDRESS");
        assertThat(cuGetErrorString(2, text)).isEqualTo(OK);
        assertThat(text[0]).isEqualTo("out of memory");
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    @Test
    void severalSmallDevices() {
        SoftwareDevice.configure(4, MEBI);
        int[] count = new int[1];
        assertThat(cuDeviceGetCount(count)).isEqualTo(OK);
        assertThat(count[0]).isEqualTo(4);
        CUdeviceptr mine = put(1, 2, 3);
        CUdeviceptr tooMuch = new CUdeviceptr();
        assertThat(cuMemAlloc(tooMuch, MEBI)).isEqualTo(OUT_OF_MEMORY);

        CUcontext other = new CUcontext();
        assertThat(cuDevicePrimaryCtxRetain(other, device(3))).isEqualTo(OK);
        assertThat(cuCtxPushCurrent(other)).isEqualTo(OK);
        CUdeviceptr theirs = new CUdeviceptr();
        assertThat(cuMemAlloc(theirs, MEBI)).isEqualTo(OK);
        assertThat(SoftwareDevice.liveBytes(3)).isEqualTo(MEBI);
        assertThat(SoftwareDevice.liveBytes(0)).isEqualTo(24);
        assertThat(cuMemcpyPeer(theirs, other, mine, context, 24)).isEqualTo(OK);
        assertThat(cuCtxSynchronize()).isEqualTo(OK);
        assertThat(getNow(theirs, 3)).containsExactly(1, 2, 3);
        assertThat(SoftwareDevice.violations()).isEmpty();

        // Memory of one device in a call on another.
        assertThat(cuMemcpyHtoD(mine, Pointer.to(new double[3]), 24)).isEqualTo(INVALID_VALUE);
        assertViolation("cuMemcpyHtoD_v2", "destination", "memory of device 0", "on device 3");
        SoftwareDevice.reset();
        // A handle of one device with the context of another.
        assertThat(JCublas2.cublasDscal(blas, 3, host(2), mine, 1)).isEqualTo(7);
        assertViolation("cublasDscal_v2", "handle is of device 0", "context of device 3");
        SoftwareDevice.reset();
        assertThat(cuMemFree(theirs)).isEqualTo(OK);
        assertThat(cuCtxPopCurrent(other)).isEqualTo(OK);
        assertThat(cuDevicePrimaryCtxRelease(device(3))).isEqualTo(OK);
    }

    @Test
    void noContext() throws Exception {
        int[] status = new int[2];
        Thread thread = new Thread(() -> {
            status[0] = cuMemAlloc(new CUdeviceptr(), 8);
            status[1] = JCublas2.cublasDscal(blas, 0, host(1), new CUdeviceptr(), 1);
        });
        thread.start();
        thread.join();
        assertThat(status).containsExactly(INVALID_CONTEXT, 1);
        assertThat(SoftwareDevice.violations()).hasSize(2).allMatch(v -> v.contains("no context is current"));
    }

    // -------------------------------------------------------------------------------------------------------- memory

    @Test
    void copiesThereAndBack() {
        CUdeviceptr a = put(1, 2, 3, 4);
        CUdeviceptr b = allocate(32);
        assertThat(getNow(b, 4)).containsOnly(Double.NaN); // Fresh memory.
        assertThat(cuMemcpyDtoDAsync(b, a, 32, stream)).isEqualTo(OK);
        assertThat(get(b, 4)).containsExactly(1, 2, 3, 4);
        assertThat(cuMemsetD32Async(b.withByteOffset(8), 0, 2, stream)).isEqualTo(OK);
        assertThat(get(b, 4)).containsExactly(1, 0, 3, 4);
        // The middle two of four rows: a column-major 4 x 2 from a 2 x 2.
        CUdeviceptr c = put(0, 0, 0, 0, 0, 0, 0, 0);
        jcuda.driver.CUDA_MEMCPY2D copy = new jcuda.driver.CUDA_MEMCPY2D();
        copy.srcMemoryType = jcuda.driver.CUmemorytype.CU_MEMORYTYPE_HOST;
        copy.srcHost = Pointer.to(new double[] {5, 6, 7, 8});
        copy.srcPitch = 16;
        copy.dstMemoryType = jcuda.driver.CUmemorytype.CU_MEMORYTYPE_DEVICE;
        copy.dstDevice = c;
        copy.dstXInBytes = 8;
        copy.dstPitch = 32;
        copy.WidthInBytes = 16;
        copy.Height = 2;
        assertThat(cuMemcpy2D(copy)).isEqualTo(OK);
        assertThat(getNow(c, 8)).containsExactly(0, 5, 6, 0, 0, 7, 8, 0);
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    @Test
    void asynchronousWorkIsSeenOnlyAfterAWait() {
        CUdeviceptr a = put(1, 2, 3, 4);
        Pointer pinned = new Pointer();
        assertThat(cuMemHostAlloc(pinned, 32, 0)).isEqualTo(OK);
        ByteBuffer buffer = pinned.getByteBuffer(0, 32).order(ByteOrder.nativeOrder());
        buffer.putDouble(0, 42);
        assertThat(cuMemcpyDtoHAsync(pinned, a, 32, stream)).isEqualTo(OK);
        assertThat(cuStreamQuery(stream)).isEqualTo(NOT_READY);
        assertThat(buffer.getDouble(0)).isEqualTo(42);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(OK);
        assertThat(cuStreamQuery(stream)).isEqualTo(OK);
        assertThat(buffer.getDouble(0)).isEqualTo(1);

        // A pinned source is read when the copy runs, a pageable one at the call.
        buffer.putDouble(0, 7);
        double[] pageable = {8};
        assertThat(cuMemcpyHtoDAsync(a, pinned, 8, stream)).isEqualTo(OK);
        assertThat(cuMemcpyHtoDAsync(a.withByteOffset(8), Pointer.to(pageable), 8, stream))
                .isEqualTo(OK);
        buffer.putDouble(0, -7);
        pageable[0] = -8;
        assertThat(get(a, 2)).containsExactly(-7, 8);

        // A pageable target is complete on return.
        double[] target = new double[1];
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(OK);
        assertThat(cuMemcpyDtoHAsync(Pointer.to(target), a, 8, stream)).isEqualTo(OK);
        assertThat(target[0]).isEqualTo(-14);

        // A synchronous copy does not wait for a non-blocking stream.
        assertThat(JCublas2.cublasDscal(blas, 1, host(10), a, 1)).isEqualTo(OK);
        assertThat(getNow(a, 1)).containsExactly(-14);
        assertThat(get(a, 1)).containsExactly(-140);
        assertThat(SoftwareDevice.violations()).isEmpty();

        // Freeing pinned memory that queued work still reads.
        assertThat(cuMemcpyHtoDAsync(a, pinned, 8, stream)).isEqualTo(OK);
        assertThat(cuMemFreeHost(pinned)).isEqualTo(OK);
        assertViolation("cuMemFreeHost", "has not run yet");
    }

    @Test
    void eventsOrderStreams() {
        CUstream second = new CUstream();
        CUevent event = new CUevent();
        CUevent later = new CUevent();
        assertThat(cuStreamCreate(second, NON_BLOCKING)).isEqualTo(OK);
        assertThat(cuEventCreate(event, 0)).isEqualTo(OK);
        assertThat(cuEventCreate(later, 0)).isEqualTo(OK);
        assertThat(cuEventQuery(event)).isEqualTo(OK); // Never recorded.
        CUdeviceptr a = put(1, 1);
        CUdeviceptr b = allocate(16);
        assertThat(JCublas2.cublasDscal(blas, 2, host(3), a, 1)).isEqualTo(OK);
        assertThat(cuEventRecord(event, stream)).isEqualTo(OK);
        assertThat(cuEventQuery(event)).isEqualTo(NOT_READY);
        assertThat(cuStreamWaitEvent(second, event, 0)).isEqualTo(OK);
        assertThat(cuMemcpyDtoDAsync(b, a, 16, second)).isEqualTo(OK);
        assertThat(cuEventRecord(later, second)).isEqualTo(OK);
        float[] time = new float[1];
        assertThat(cuEventElapsedTime(time, event, later)).isEqualTo(NOT_READY);
        assertThat(cuEventSynchronize(later)).isEqualTo(OK);
        assertThat(cuEventQuery(event)).isEqualTo(OK);
        assertThat(cuEventElapsedTime(time, event, later)).isEqualTo(OK);
        assertThat(time[0]).isGreaterThanOrEqualTo(0);
        assertThat(getNow(b, 2)).containsExactly(3, 3);

        // Without the event the second stream does not see the work of the first.
        assertThat(JCublas2.cublasDscal(blas, 2, host(3), a, 1)).isEqualTo(OK);
        assertThat(cuMemcpyDtoDAsync(b, a, 16, second)).isEqualTo(OK);
        assertThat(cuStreamSynchronize(second)).isEqualTo(OK);
        assertThat(getNow(b, 2)).containsExactly(3, 3);
        assertThat(get(a, 2)).containsExactly(9, 9);
        assertThat(cuEventDestroy(event)).isEqualTo(OK);
        assertThat(cuEventDestroy(later)).isEqualTo(OK);
        assertThat(cuStreamDestroy(second)).isEqualTo(OK);
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    @Test
    void stagedFreesKeepTheStreamsOrder() {
        CUdeviceptr a = new CUdeviceptr();
        assertThat(cuMemAllocAsync(a, 16, stream)).isEqualTo(OK);
        CUdeviceptr b = allocate(16);
        assertThat(cuMemcpyHtoDAsync(a, Pointer.to(new double[] {1, 2}), 16, stream))
                .isEqualTo(OK);
        assertThat(cuMemcpyDtoDAsync(b, a, 16, stream)).isEqualTo(OK);
        assertThat(cuMemFreeAsync(a, stream)).isEqualTo(OK);
        assertThat(SoftwareDevice.liveBytes(0)).isEqualTo(16);
        assertThat(get(b, 2)).containsExactly(1, 2);
        assertThat(SoftwareDevice.violations()).isEmpty();
        assertThat(cuMemcpyDtoDAsync(b, a, 16, stream)).isEqualTo(INVALID_VALUE);
        assertViolation("cuMemcpyDtoDAsync_v2", "source", "freed memory");
    }

    @Test
    void memoryFreedInAnotherStreamWhileWorkIsQueued() {
        CUstream second = new CUstream();
        assertThat(cuStreamCreate(second, NON_BLOCKING)).isEqualTo(OK);
        CUdeviceptr a = new CUdeviceptr();
        assertThat(cuMemAlloc(a, 16)).isEqualTo(OK);
        assertThat(cuMemsetD8Async(a, (byte) 0, 16, stream)).isEqualTo(OK);
        assertThat(cuMemFreeAsync(a, second)).isEqualTo(OK);
        assertThat(cuStreamSynchronize(second)).isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(ILLEGAL_ADDRESS);
        assertViolation("cuMemsetD8Async", "had been freed already");
        SoftwareDevice.reset();
        assertThat(cuStreamDestroy(second)).isEqualTo(OK);
    }

    @Test
    void foreignPointersAreRefused() {
        CUdeviceptr a = put(1, 2, 3, 4);
        // Beyond the end.
        assertThat(cuMemcpyHtoD(a, Pointer.to(new double[5]), 40)).isEqualTo(INVALID_VALUE);
        assertViolation("cuMemcpyHtoD_v2", "destination", "8 bytes past the end", "32 bytes");
        SoftwareDevice.reset();
        // Host memory where the device's is wanted.
        Pointer pinned = new Pointer();
        assertThat(cuMemHostAlloc(pinned, 32, 0)).isEqualTo(OK);
        assertThat(JCublas2.cublasDscal(blas, 4, host(2), pinned, 1)).isEqualTo(13);
        assertViolation("cublasDscal_v2", "operand x", "pinned host memory");
        SoftwareDevice.reset();
        try (org.bytedeco.javacpp.DoublePointer memory = new org.bytedeco.javacpp.DoublePointer(4)) {
            Pointer plain = new Pointer().withByteOffset(memory.address());
            assertThat(JCublas2.cublasDscal(blas, 4, host(2), plain, 1)).isEqualTo(13);
        }
        assertViolation("cublasDscal_v2", "operand x", "not device memory");
        SoftwareDevice.reset();
        // Device memory where the host's is wanted.
        assertThat(JCublas2.cublasDscal(blas, 3, a, a, 1)).isEqualTo(13);
        assertViolation("cublasDscal_v2", "operand alpha", "must be host memory");
        SoftwareDevice.reset();
        // The leading dimension takes the last column out of the memory.
        CUdeviceptr b = put(1, 2, 3, 4);
        assertThat(JCublas2.cublasDgemm(blas, 0, 0, 2, 2, 2, host(1), a, 3, b, 2, host(0), allocate(32), 2))
                .isEqualTo(13);
        assertViolation("cublasDgemm_v2", "operand A", "40 bytes", "8 bytes past the end");
        SoftwareDevice.reset();
        assertThat(JCublas2.cublasDgemm(blas, 0, 0, 2, 2, 2, host(1), a, 1, b, 2, host(0), allocate(32), 2))
                .isEqualTo(7);
        assertThat(SoftwareDevice.violations()).isEmpty();
        // Twice freed.
        assertThat(cuMemFree(b)).isEqualTo(OK);
        blocks.remove(b);
        assertThat(cuMemFree(b)).isEqualTo(INVALID_VALUE);
        assertViolation("cuMemFree_v2", "freed memory");
        assertThat(cuMemFreeHost(pinned)).isEqualTo(OK);
    }

    // -------------------------------------------------------------------------------------------------------- cuBLAS

    @Test
    void products() {
        CUdeviceptr a = put(1, 2, 3, 4); // (1 3; 2 4)
        CUdeviceptr b = put(5, 6, 7, 8);
        CUdeviceptr c = allocate(32);
        assertThat(JCublas2.cublasDgemm(blas, 0, 1, 2, 2, 2, host(2), a, 2, b, 2, host(0), c, 2))
                .isEqualTo(OK);
        assertThat(getNow(c, 4)).containsOnly(Double.NaN);
        assertThat(get(c, 4)).containsExactly(52, 76, 60, 88);
        // Scalars on the device.
        CUdeviceptr scalars = put(1, 1);
        assertThat(JCublas2.cublasSetPointerMode(blas, 1)).isEqualTo(OK);
        assertThat(JCublas2.cublasDgemm_v2_64(
                        blas, 0, 0, 2, 2, 2, scalars, a, 2, b, 2, scalars.withByteOffset(8), c, 2))
                .isEqualTo(OK);
        assertThat(JCublas2.cublasSetPointerMode(blas, 0)).isEqualTo(OK);
        assertThat(get(c, 4)).containsExactly(52 + 23, 76 + 34, 60 + 31, 88 + 46);

        CUdeviceptr gram = put(0, 0, -1, 0);
        assertThat(JCublas2.cublasDsyrk(blas, 0, 0, 2, 2, host(1), a, 2, host(0), gram, 2))
                .isEqualTo(OK);
        assertThat(get(gram, 4)).containsExactly(10, 14, -1, 20);

        CUdeviceptr x = put(3, 8);
        assertThat(JCublas2.cublasDtrsm(blas, 0, 0, 0, 0, 2, 1, host(1), a, 2, x, 2))
                .isEqualTo(OK);
        assertThat(get(x, 2)).containsExactly(3, 0.5);

        CUdeviceptr transposed = allocate(32);
        assertThat(JCublas2.cublasDgeam(blas, 1, 0, 2, 2, host(1), a, 2, host(0), new CUdeviceptr(), 2, transposed, 2))
                .isEqualTo(OK);
        assertThat(get(transposed, 4)).containsExactly(1, 3, 2, 4);

        double[] norm = new double[1];
        assertThat(JCublas2.cublasDnrm2(blas, 4, a, 1, Pointer.to(norm))).isEqualTo(OK);
        assertThat(norm[0]).isCloseTo(Math.sqrt(30), within(1e-15));
        int[] index = new int[1];
        assertThat(JCublas2.cublasIdamax(blas, 4, a, 1, Pointer.to(index))).isEqualTo(OK);
        assertThat(index[0]).isEqualTo(4);
        CUdeviceptr strided = put(1, 2, 3, 4, 5, 6);
        CUdeviceptr out = put(0, 0, 0);
        assertThat(JCublas2.cublasDgemmStridedBatched(
                        blas, 1, 0, 1, 1, 2, host(1), strided, 2, 2, strided, 2, 2, host(0), out, 1, 1, 3))
                .isEqualTo(OK);
        assertThat(get(out, 3)).containsExactly(5, 25, 61);
        assertThat(SoftwareDevice.violations()).isEmpty();
        assertThat(SoftwareDevice.calls("cublasDgemm_v2")).isEqualTo(1);
        assertThat(SoftwareDevice.routines()).contains("cublasDgemm_v2_64", "cuMemcpyDtoH_v2");
    }

    @Test
    void pointersOfABatchAreFollowedOnTheDevice() {
        CUdeviceptr a = put(2, 8);
        CUdeviceptr b = put(4, 8);
        CUdeviceptr as = allocate(16);
        CUdeviceptr bs = allocate(16);
        assertThat(cuMemcpyHtoD(as, Pointer.to(new Pointer[] {a, a.withByteOffset(8)}), 16))
                .isEqualTo(OK);
        assertThat(cuMemcpyHtoD(bs, Pointer.to(new Pointer[] {b, b.withByteOffset(8)}), 16))
                .isEqualTo(OK);
        assertThat(JCublas2.cublasDtrsmBatched(blas, 0, 0, 0, 0, 1, 1, host(1), as, 1, bs, 1, 2))
                .isEqualTo(OK);
        assertThat(get(b, 2)).containsExactly(2, 1);
        // Memory that is freed in the stream's order after the routine is there when it runs.
        CUdeviceptr c = new CUdeviceptr();
        assertThat(cuMemAllocAsync(c, 16, stream)).isEqualTo(OK);
        assertThat(cuMemcpyDtoDAsync(c, b, 16, stream)).isEqualTo(OK);
        assertThat(cuMemcpyHtoD(bs, Pointer.to(new Pointer[] {c, c.withByteOffset(8)}), 16))
                .isEqualTo(OK);
        assertThat(JCublas2.cublasDtrsmBatched(blas, 0, 0, 0, 0, 1, 1, host(1), as, 1, bs, 1, 2))
                .isEqualTo(OK);
        assertThat(cuMemcpyDtoDAsync(b, c, 16, stream)).isEqualTo(OK);
        assertThat(cuMemFreeAsync(c, stream)).isEqualTo(OK);
        assertThat(get(b, 2)).containsExactly(1, 0.125);
        assertThat(SoftwareDevice.violations()).isEmpty();
        // After that it is not.
        assertThat(JCublas2.cublasDtrsmBatched(blas, 0, 0, 0, 0, 1, 1, host(1), as, 1, bs, 1, 2))
                .isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(ILLEGAL_ADDRESS);
        assertViolation("cublasDtrsmBatched", "Barray", "freed memory");
        SoftwareDevice.reset();
        // The second pointer leads out of the memory.
        assertThat(cuMemcpyHtoD(bs, Pointer.to(new Pointer[] {b, b.withByteOffset(16)}), 16))
                .isEqualTo(OK);
        assertThat(JCublas2.cublasDtrsmBatched(blas, 0, 0, 0, 0, 1, 1, host(1), as, 1, bs, 1, 2))
                .isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(ILLEGAL_ADDRESS);
        assertViolation("cublasDtrsmBatched", "Barray");
    }

    // ------------------------------------------------------------------------------------------------------ cuSOLVER

    @Test
    void choleskyAndItsInfo() {
        CUdeviceptr a = put(4, 2, 2, 10);
        CUdeviceptr info = allocate(4);
        int[] size = new int[1];
        assertThat(JCusolverDn.cusolverDnDpotrf_bufferSize(solver, 0, 2, a, 2, size))
                .isEqualTo(OK);
        CUdeviceptr work = allocate(8L * size[0]);
        assertThat(JCusolverDn.cusolverDnDpotrf(solver, 0, 2, a, 2, work, size[0], info))
                .isEqualTo(OK);
        assertThat(info(info)).isZero();
        assertThat(get(a, 4)).containsExactly(2, 1, 2, 3);
        CUdeviceptr b = put(8, 14);
        assertThat(JCusolverDn.cusolverDnDpotrs(solver, 0, 2, 1, a, 2, b, 2, info))
                .isEqualTo(OK);
        assertThat(get(b, 2)).containsExactly(new double[] {13.0 / 9, 10.0 / 9}, within(1e-15));

        // Not positive definite: LAPACK's info, on the device.
        CUdeviceptr indefinite = put(1, 2, 2, 1);
        assertThat(JCusolverDn.cusolverDnDpotrf(solver, 0, 2, indefinite, 2, work, size[0], info))
                .isEqualTo(OK);
        assertThat(info(info)).isEqualTo(2);

        // The 64-bit interface, with a forged info.
        cusolverDnParams params = new cusolverDnParams();
        assertThat(JCusolverDn.cusolverDnCreateParams(params)).isEqualTo(OK);
        // The size queries of this interface cannot be called: JCuda passes a long[] where its natives want a Pointer.
        CUdeviceptr again = put(4, 2, 2, 10);
        SoftwareDevice.forgeInfo("cusolverDnXpotrf", 1, 5);
        assertThat(JCusolverDn.cusolverDnXpotrf(
                        solver, params, 0, 2, R_64F, again, 2, R_64F, work, 8L * size[0], new Pointer(), 0, info))
                .isEqualTo(OK);
        assertThat(info(info)).isEqualTo(5);
        assertThat(get(again, 4)).containsExactly(2, 1, 2, 3);
        assertThat(JCusolverDn.cusolverDnDestroyParams(params)).isEqualTo(OK);
        assertThat(SoftwareDevice.violations()).isEmpty();

        // A workspace that is too small.
        assertThat(JCusolverDn.cusolverDnDpotrf(solver, 0, 2, a, 2, work, size[0] - 1, info))
                .isEqualTo(3);
        assertViolation("cusolverDnDpotrf", "the size query says");
    }

    @Test
    void choleskyOfABatchTakesTheOtherTriangle() {
        for (int uplo : new int[] {0, 1}) {
            CUdeviceptr a = put(4, 2, 2, 10, 9, 3, 3, 2);
            CUdeviceptr as = allocate(16);
            CUdeviceptr info = allocate(8);
            assertThat(cuMemcpyHtoD(as, Pointer.to(new Pointer[] {a, a.withByteOffset(32)}), 16))
                    .isEqualTo(OK);
            assertThat(JCusolverDn.cusolverDnDpotrfBatched(solver, uplo, 2, as, 2, info, 2))
                    .isEqualTo(OK);
            double lost = Double.NaN;
            assertThat(get(a, 8))
                    .containsExactly(
                            uplo == 0
                                    ? new double[] {2, 1, lost, 3, 3, 1, lost, 1}
                                    : new double[] {2, lost, 1, 3, 3, lost, 1, 1});
            assertThat(info(info)).isZero();
        }
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    @Test
    void qr() {
        CUdeviceptr a = put(3, 4, 0, 1, 1, 2); // 3 x 2
        CUdeviceptr tau = allocate(16);
        CUdeviceptr info = allocate(4);
        int[] size = new int[1];
        assertThat(JCusolverDn.cusolverDnDgeqrf_bufferSize(solver, 3, 2, a, 3, size))
                .isEqualTo(OK);
        CUdeviceptr work = allocate(8L * size[0]);
        assertThat(JCusolverDn.cusolverDnDgeqrf(solver, 3, 2, a, 3, tau, work, size[0], info))
                .isEqualTo(OK);
        double[] r = get(a, 6);
        assertThat(r[0]).isCloseTo(-5, within(1e-14));
        assertThat(r[3]).isCloseTo(-1.4, within(1e-14));
        // Qᵀ times the first column is (r, 0, 0).
        CUdeviceptr c = put(3, 4, 0);
        assertThat(JCusolverDn.cusolverDnDormqr_bufferSize(solver, 0, 1, 3, 1, 2, a, 3, tau, c, 3, size))
                .isEqualTo(OK);
        work = allocate(8L * size[0]);
        assertThat(JCusolverDn.cusolverDnDormqr(solver, 0, 1, 3, 1, 2, a, 3, tau, c, 3, work, size[0], info))
                .isEqualTo(OK);
        assertThat(info(info)).isZero();
        double[] q = get(c, 3);
        assertThat(q[0]).isCloseTo(-5, within(1e-14));
        assertThat(q[1]).isCloseTo(0, within(1e-14));
        assertThat(q[2]).isCloseTo(0, within(1e-14));
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    /**
     * Creates a gesvdjInfo. JCuda's own call cannot: it hands cuSOLVER the object's pointer, which is null, as the place for the
     * result.
     */
    private static gesvdjInfo jacobiInfo() throws ReflectiveOperationException {
        gesvdjInfo info = new gesvdjInfo();
        assertThat(JCusolverDn.cusolverDnCreateGesvdjInfo(info)).isEqualTo(3);
        java.lang.reflect.Field pointer = jcuda.NativePointerObject.class.getDeclaredField("nativePointer");
        pointer.setAccessible(true);
        try (org.bytedeco.javacpp.LongPointer result = new org.bytedeco.javacpp.LongPointer(1)) {
            pointer.setLong(info, result.address());
            assertThat(JCusolverDn.cusolverDnCreateGesvdjInfo(info)).isEqualTo(OK);
            pointer.setLong(info, result.get());
        }
        return info;
    }

    @Test
    void singularValueDecompositions() throws ReflectiveOperationException {
        double[] matrix = {3, 0, 0, 0, 0, 2}; // 3 x 2: diag(3, .) with 2 in the last row
        CUdeviceptr s = allocate(16);
        CUdeviceptr u = allocate(72);
        CUdeviceptr v = allocate(32);
        CUdeviceptr info = allocate(4);
        int[] size = new int[1];
        assertThat(JCusolverDn.cusolverDnDgesvd_bufferSize(solver, 3, 2, size)).isEqualTo(OK);
        CUdeviceptr work = allocate(8L * size[0]);
        CUdeviceptr a = put(matrix);
        assertThat(JCusolverDn.cusolverDnDgesvd(
                        solver, 'A', 'A', 3, 2, a, 3, s, u, 3, v, 2, work, size[0], new CUdeviceptr(), info))
                .isEqualTo(OK);
        assertThat(getNow(s, 2)).containsExactly(3, 2); // gesvd waits itself.
        assertThat(info(info)).isZero();
        // More columns than rows.
        assertThat(JCusolverDn.cusolverDnDgesvd(
                        solver, 'N', 'N', 2, 3, put(matrix), 2, s, u, 2, v, 3, work, size[0], new CUdeviceptr(), info))
                .isEqualTo(3);

        gesvdjInfo jacobi = jacobiInfo();
        CUdeviceptr wide = put(3, 0, 0, 0, 0, 2); // 2 x 3: rows (3 0 0), (0 0 2)
        CUdeviceptr u2 = allocate(32);
        CUdeviceptr v2 = allocate(48);
        assertThat(JCusolverDn.cusolverDnDgesvdj_bufferSize(solver, 1, 1, 2, 3, wide, 2, s, u2, 2, v2, 3, size, jacobi))
                .isEqualTo(OK);
        CUdeviceptr workJ = allocate(8L * size[0]);
        assertThat(JCusolverDn.cusolverDnDgesvdj(
                        solver, 1, 1, 2, 3, wide, 2, s, u2, 2, v2, 3, workJ, size[0], info, jacobi))
                .isEqualTo(OK);
        assertThat(getNow(s, 2)).containsExactly(3, 2);
        double[] vectors = getNow(v2, 6); // V, not its transpose: columns e1, e3.
        assertThat(Math.abs(vectors[0])).isEqualTo(1);
        assertThat(Math.abs(vectors[5])).isEqualTo(1);
        // A plain address: the natives of this routine do not look into arrays and buffers.
        try (org.bytedeco.javacpp.DoublePointer residual = new org.bytedeco.javacpp.DoublePointer(new double[] {-1})) {
            Pointer address = new Pointer().withByteOffset(residual.address());
            assertThat(JCusolverDn.cusolverDnXgesvdjGetResidual(solver, jacobi, address))
                    .isEqualTo(OK);
            assertThat(residual.get()).isZero();
        }
        assertThat(JCusolverDn.cusolverDnDestroyGesvdjInfo(jacobi)).isEqualTo(OK);

        cusolverDnParams params = new cusolverDnParams();
        assertThat(JCusolverDn.cusolverDnCreateParams(params)).isEqualTo(OK);
        CUdeviceptr b = put(matrix);
        CUdeviceptr workP = allocate(8192);
        // Plain addresses here too.
        org.bytedeco.javacpp.BytePointer hostWork = new org.bytedeco.javacpp.BytePointer(8192);
        org.bytedeco.javacpp.DoublePointer error = new org.bytedeco.javacpp.DoublePointer(new double[] {-1});
        assertThat(JCusolverDn.cusolverDnXgesvdp(
                        solver,
                        params,
                        1,
                        1,
                        3,
                        2,
                        R_64F,
                        b,
                        3,
                        R_64F,
                        s,
                        R_64F,
                        u,
                        3,
                        R_64F,
                        v,
                        2,
                        R_64F,
                        workP,
                        8192,
                        new Pointer().withByteOffset(hostWork.address()),
                        8192,
                        info,
                        new Pointer().withByteOffset(error.address())))
                .isEqualTo(OK);
        assertThat(getNow(s, 2)).containsExactly(3, 2);
        assertThat(error.get()).isZero();
        hostWork.close();
        error.close();
        assertThat(JCusolverDn.cusolverDnDestroyParams(params)).isEqualTo(OK);
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    @Test
    void symmetricEigenvalues() {
        CUdeviceptr a = put(2, 1, 1, 2);
        CUdeviceptr w = allocate(16);
        CUdeviceptr info = allocate(4);
        int[] size = new int[1];
        assertThat(JCusolverDn.cusolverDnDsyevd_bufferSize(solver, 1, 0, 2, a, 2, w, size))
                .isEqualTo(OK);
        CUdeviceptr work = allocate(8L * size[0]);
        assertThat(JCusolverDn.cusolverDnDsyevd(solver, 1, 0, 2, a, 2, w, work, size[0], info))
                .isEqualTo(OK);
        double[] values = getNow(w, 2);
        assertThat(values[0]).isCloseTo(1, within(1e-15));
        assertThat(values[1]).isCloseTo(3, within(1e-15));
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    // ------------------------------------------------------------------------------------------------------- kernels

    @Test
    void kernelsWithBarriersSharedMemoryAndShuffles() throws Exception {
        CUmodule module = module();
        double[] values = new double[1000];
        Arrays.setAll(values, i -> i % 7 - 3);
        CUdeviceptr x = put(values);
        CUdeviceptr partial = allocate(24);
        assertThat(launch(
                        function(module, "hostcuda_test_tree_f64"),
                        3,
                        256,
                        0,
                        argument(x),
                        argument(1000L),
                        argument(partial)))
                .isEqualTo(OK);
        assertThat(getNow(partial, 3)).containsOnly(Double.NaN);
        assertThat(Arrays.stream(get(partial, 3)).sum())
                .isEqualTo(Arrays.stream(values).map(v -> v * v).sum());

        CUdeviceptr reversed = allocate(8 * 1000);
        CUfunction reverse = function(module, "hostcuda_test_reverse");
        assertThat(launch(reverse, 2, 500, 500 * 8, argument(x), argument(reversed)))
                .isEqualTo(OK);
        double[] back = get(reversed, 1000);
        for (int i = 0; i < 1000; i++) {
            assertThat(back[i]).isEqualTo(values[i / 500 * 500 + 499 - i % 500]);
        }

        CUdeviceptr sums = allocate(8 * 4);
        CUdeviceptr largest = allocate(4 * 128);
        CUdeviceptr positive = allocate(4 * 4);
        assertThat(launch(
                        function(module, "hostcuda_test_warp"),
                        2,
                        64,
                        0,
                        argument(x),
                        argument(sums),
                        argument(largest),
                        argument(positive)))
                .isEqualTo(OK);
        double[] warpSums = get(sums, 4);
        float[] maxima = new float[128];
        int[] votes = new int[4];
        assertThat(cuMemcpyDtoH(Pointer.to(maxima), largest, 4 * 128)).isEqualTo(OK);
        assertThat(cuMemcpyDtoH(Pointer.to(votes), positive, 16)).isEqualTo(OK);
        for (int warp = 0; warp < 4; warp++) {
            double sum = 0;
            int vote = 0;
            for (int lane = 0; lane < 32; lane++) {
                sum += values[32 * warp + lane];
                vote |= (values[32 * warp + lane] > 0 ? 1 : 0) << lane;
                assertThat(maxima[32 * warp + lane]).isEqualTo(3);
            }
            assertThat(warpSums[warp]).isEqualTo(sum);
            assertThat(votes[warp]).isEqualTo(vote);
        }
        assertThat(SoftwareDevice.launches()).isEqualTo(3);
        assertThat(SoftwareDevice.violations()).isEmpty();

        // Geometry and shared memory beyond the limits, without and with the opt-in.
        assertThat(launch(reverse, 1, 1025, 0, argument(x), argument(reversed))).isEqualTo(INVALID_VALUE);
        assertThat(launch(reverse, 1, 10, 49153, argument(x), argument(reversed)))
                .isEqualTo(INVALID_VALUE);
        assertThat(cuFuncSetAttribute(reverse, 8, 100_000)).isEqualTo(OK);
        assertThat(launch(reverse, 1, 10, 49153, argument(x), argument(reversed)))
                .isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(OK);
        assertThat(SoftwareDevice.violations()).isEmpty();
        assertThat(cuModuleUnload(module)).isEqualTo(OK);
    }

    @Test
    void wrongKernelsAreFound() throws Exception {
        CUmodule module = module();
        CUdeviceptr y = put(new double[64]);
        assertThat(launch(function(module, "hostcuda_test_diverge"), 1, 64, 0, argument(y)))
                .isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(LAUNCH_FAILED);
        assertViolation("hostcuda_test_diverge", "32 have left", "32 wait at __syncthreads()");
        SoftwareDevice.reset();

        CUfunction store = function(module, "hostcuda_test_store");
        double[] one = {1};
        assertThat(launch(store, 1, 1, 0, argument(y), argument(63L), Pointer.to(one)))
                .isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(OK);
        assertThat(SoftwareDevice.violations()).isEmpty();
        CUdeviceptr damaged = new CUdeviceptr();
        assertThat(cuMemAlloc(damaged, 512)).isEqualTo(OK);
        assertThat(launch(store, 1, 1, 0, argument(damaged), argument(64L), Pointer.to(one)))
                .isEqualTo(OK);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(ILLEGAL_ADDRESS);
        assertViolation("hostcuda_test_store", "after its end", "512 bytes");
        SoftwareDevice.reset();
        assertThat(cuMemFree(damaged)).isEqualTo(OK);
        assertViolation("was overwritten");
        SoftwareDevice.reset();

        // A host array, and memory that has been freed, as arguments.
        assertThat(launch(store, 1, 1, 0, Pointer.to(new long[] {8}), argument(0L), Pointer.to(one)))
                .isEqualTo(ILLEGAL_ADDRESS);
        assertViolation("argument 0 of hostcuda_test_store", "not memory of device 0");
        SoftwareDevice.reset();
        assertThat(launch(store, 1, 1, 0, argument(damaged), argument(0L), Pointer.to(one)))
                .isEqualTo(ILLEGAL_ADDRESS);
        assertViolation("freed memory");
        SoftwareDevice.reset();
        CUfunction none = new CUfunction();
        assertThat(cuModuleGetFunction(none, module, "nullspace_no_such_kernel"))
                .isEqualTo(NOT_FOUND);
        assertThat(cuModuleLoadData(new CUmodule(), new byte[] {0x7f, 'E', 'L', 'F', 0}))
                .isEqualTo(INVALID_IMAGE);
        assertThat(cuModuleUnload(module)).isEqualTo(OK);
    }

    @Test
    void sourcesThatDoNotCompile() {
        compile(
                "extern \"C\" __global__ void nullspace_no_such_kernel(int n) {}",
                "--gpu-architecture=sm_90",
                6,
                "no_such_kernel");
        compile(
                "extern \"C\" __global__ void hostcuda_test_reverse(int n) {",
                "--gpu-architecture=sm_90",
                6,
                "expected a '}'");
        compile("#include <cmath>\n", "-arch=sm_90", 6, "#include");
        compile("", "--gpu-architecture=sm_17", 5, "sm_17");
        compile("", "--no-such-option", 5, "no-such-option");
    }

    private static void compile(String source, String option, int status, String log) {
        nvrtcProgram program = new nvrtcProgram();
        assertThat(JNvrtc.nvrtcCreateProgram(program, source, "test.cu", 0, null, null))
                .isEqualTo(OK);
        assertThat(JNvrtc.nvrtcCompileProgram(program, 1, new String[] {option}))
                .isEqualTo(status);
        String[] text = new String[1];
        assertThat(JNvrtc.nvrtcGetProgramLog(program, text)).isEqualTo(OK);
        assertThat(text[0]).contains(log);
        assertThat(JNvrtc.nvrtcDestroyProgram(program)).isEqualTo(OK);
    }

    // -------------------------------------------------------------------------------------------------------- faults

    @Test
    void failingCallsAndAllocations() {
        SoftwareDevice.failCall("cublasDscal_v2", 2, 14);
        CUdeviceptr a = put(1);
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(OK);
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(14);
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(OK);
        assertThat(get(a, 1)).containsExactly(4);
        SoftwareDevice.failAllocation(2);
        allocate(8);
        assertThat(cuMemAlloc(new CUdeviceptr(), 8)).isEqualTo(OUT_OF_MEMORY);
        allocate(8);
        assertThat(SoftwareDevice.liveBytes(0)).isEqualTo(24);
        assertThat(SoftwareDevice.peakBytes(0)).isEqualTo(24);
        assertThat(SoftwareDevice.liveObjects()).containsExactly("cuBLAS handle: 1", "cuSOLVER handle: 1", "stream: 1");
        assertThat(SoftwareDevice.violations()).isEmpty();
    }

    @Test
    void aLostDevice() {
        CUdeviceptr a = put(1);
        CUdeviceptr dropped = new CUdeviceptr();
        assertThat(cuMemAlloc(dropped, 8)).isEqualTo(OK);
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(OK);
        SoftwareDevice.loseDevice("cublasDscal_v2", 1);
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(13);
        assertThat(JCublas2.cublasDscal(blas, 1, host(2), a, 1)).isEqualTo(13);
        assertThat(cuStreamSynchronize(stream)).isEqualTo(ILLEGAL_ADDRESS);
        assertThat(cuMemAlloc(new CUdeviceptr(), 8)).isEqualTo(ILLEGAL_ADDRESS);
        assertThat(JCusolverDn.cusolverDnDpotrf_bufferSize(solver, 0, 1, a, 1, new int[1]))
                .isEqualTo(6);
        assertThat(cuMemFree(dropped)).isEqualTo(ILLEGAL_ADDRESS);
        assertThat(SoftwareDevice.liveBytes(0)).isEqualTo(8);
        SoftwareDevice.reset();
        assertThat(get(a, 1)).containsExactly(1); // What was queued is gone.
    }

    @Test
    void routinesThatItDoesNotHave() {
        assertThat(JCublas2.cublasDsymv(
                        blas, 0, 1, host(1), new CUdeviceptr(), 1, new CUdeviceptr(), 1, host(0), new CUdeviceptr(), 1))
                .isEqualTo(15);
        assertViolation("cublasDsymv_v2", "does not have this routine");
        SoftwareDevice.reset();
        assertThat(cuCtxGetLimit(new long[1], 0)).isEqualTo(801);
        assertViolation("cuCtxGetLimit");
    }

    @Test
    void threadsWithStreamsOfTheirOwn() throws Exception {
        int threads = 4;
        CountDownLatch start = new CountDownLatch(threads);
        List<String> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        List<Thread> running = new ArrayList<>();
        CUmodule module = module();
        CUfunction tree = function(module, "hostcuda_test_tree_f64");
        for (int t = 0; t < threads; t++) {
            int mine = t + 1;
            Thread thread = new Thread(() -> {
                try {
                    start.countDown();
                    start.await();
                    cuCtxSetCurrent(context);
                    CUstream own = new CUstream();
                    cuStreamCreate(own, NON_BLOCKING);
                    cublasHandle handle = new cublasHandle();
                    JCublas2.cublasCreate(handle);
                    JCublas2.cublasSetStream(handle, new cudaStream_t(own));
                    double[] result = new double[1];
                    for (int i = 0; i < 50; i++) {
                        CUdeviceptr x = new CUdeviceptr();
                        CUdeviceptr sum = new CUdeviceptr();
                        cuMemAllocAsync(x, 8 * 256, own);
                        cuMemAllocAsync(sum, 8, own);
                        double[] values = new double[256];
                        Arrays.fill(values, mine);
                        cuMemcpyHtoDAsync(x, Pointer.to(values), 8 * 256, own);
                        JCublas2.cublasDscal(handle, 256, host(2), x, 1);
                        cuLaunchKernel(
                                tree,
                                1,
                                1,
                                1,
                                256,
                                1,
                                1,
                                0,
                                own,
                                Pointer.to(argument(x), argument(256L), argument(sum)),
                                null);
                        cuMemFreeAsync(x, own);
                        cuMemcpyDtoHAsync(Pointer.to(result), sum, 8, own);
                        cuMemFreeAsync(sum, own);
                        if (result[0] != 256.0 * 4 * mine * mine) {
                            failures.add(mine + ": " + result[0]);
                        }
                    }
                    JCublas2.cublasDestroy(handle);
                    cuStreamDestroy(own);
                } catch (InterruptedException e) {
                    failures.add(e.toString());
                }
            });
            running.add(thread);
            thread.start();
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(SoftwareDevice.launches()).isEqualTo(200);
        assertThat(SoftwareDevice.violations()).isEmpty();
        assertThat(cuModuleUnload(module)).isEqualTo(OK);
        assertThat(cuCtxSynchronize()).isEqualTo(OK);
    }
}
