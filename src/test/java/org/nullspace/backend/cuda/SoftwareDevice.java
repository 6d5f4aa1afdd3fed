package org.nullspace.backend.cuda;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Control of the software CUDA device of {@code native/hostcuda}: what a test asks of it, and what it has seen.
 *
 * <p>The device is in use when {@code -Dnullspace.cuda.libraries} names the folder that it was built into. Everything here
 * is process-wide, as the device is; tests that use it do not run side by side.
 *
 * <p>Routines are named as the libraries export them: {@code cuMemAllocAsync}, {@code cublasDgemm_v2},
 * {@code cusolverDnDpotrf}.
 */
final class SoftwareDevice {
    private static final boolean PRESENT = load();

    private SoftwareDevice() {}

    /**
     * Whether the CUDA libraries that this process uses are those of the software device. False where it was not built, on a
     * real GPU, and without the system property.
     */
    static boolean isPresent() {
        return PRESENT;
    }

    private static boolean load() {
        for (String folder : System.getProperty("nullspace.cuda.libraries", "").split(File.pathSeparator)) {
            Path driver = Path.of(folder, "libcuda.so.1").toAbsolutePath();
            if (!folder.isEmpty() && Files.exists(driver)) {
                try {
                    System.load(driver.toRealPath().toString());
                    return present0();
                } catch (java.io.IOException | UnsatisfiedLinkError e) {
                    return false;
                }
            }
        }
        return false;
    }

    private static native boolean present0();

    /**
     * Sets how many devices there are (at most 16) and how many bytes each has. What is in use stays in use. The environment
     * variables {@code NULLSPACE_HOSTCUDA_DEVICES} and {@code NULLSPACE_HOSTCUDA_BYTES} set the same at the start; otherwise
     * there is one device with 2 GiB.
     */
    static native void configure(int devices, long bytesPerDevice);

    /** Forgets faults, counters and violations; a lost device works again, and what it still had queued is dropped. */
    static native void reset();

    /** The nth next call of the routine returns the status and has no other effect; 1 is the next call. */
    static native void failCall(String routine, long nth, int status);

    /**
     * The nth next call of the routine loses the device that it works on: this and every later call on it fails with
     * {@code CUDA_ERROR_ILLEGAL_ADDRESS}, {@code CUBLAS_STATUS_EXECUTION_FAILED} or {@code CUSOLVER_STATUS_EXECUTION_FAILED}
     * until {@link #reset()}. Routines that give something back do so all the same.
     */
    static native void loseDevice(String routine, long nth);

    /** The nth next allocation, of device memory or pinned host memory, fails with {@code CUDA_ERROR_OUT_OF_MEMORY}. */
    static native void failAllocation(long nth);

    /** The nth next call of the cuSOLVER routine writes this info; of a batched one, for the first problem. */
    static native void forgeInfo(String routine, long nth, int info);

    /** Bytes of device memory that the program has allocated and not given back. */
    static native long liveBytes(int device);

    /** The largest {@link #liveBytes} since {@link #reset()}. */
    static native long peakBytes(int device);

    /** Streams, events, modules, library handles, pinned blocks and so on that are alive: {@code "stream: 2"}, one line a kind. */
    static native String[] liveObjects();

    /** How often the routine was called since {@link #reset()}. */
    static native long calls(String routine);

    /** All routines that were called since {@link #reset()}, in alphabetical order. */
    static native String[] routines();

    /** Kernel launches since {@link #reset()}. */
    static native long launches();

    /**
     * What the program did that it must not do, since {@link #reset()}: foreign pointers, operands out of range, memory used
     * after it was freed, overwritten guards, routines that the device does not have, and so on. At most 1000.
     */
    static native String[] violations();
}
