package org.nullspace.backend.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What to do next, one line for each situation that a machine can be in. */
final class CudaAdvice {
    private static final String CPU = "without one, compute on the CPU: --device cpu, or auto";

    private CudaAdvice() {}

    static String noDriver() {
        return noDriver(
                Files.exists(Path.of("/dev/dxg")),
                Files.exists(Path.of("/proc/driver/nvidia/version")) || Files.exists(Path.of("/dev/nvidiactl")),
                Files.exists(Path.of("/.dockerenv")) || Files.exists(Path.of("/run/.containerenv")));
    }

    /**
     * Advice where {@code libcuda.so.1} is not found.
     *
     * @param wsl whether this is Linux inside Windows
     * @param kernel whether the kernel has the NVIDIA driver
     * @param container whether this is a container
     */
    static String noDriver(boolean wsl, boolean kernel, boolean container) {
        if (wsl) {
            return "install NVIDIA's driver for Windows; it brings libcuda.so.1 to /usr/lib/wsl/lib. Install no driver inside Linux";
        }
        if (kernel) {
            return "the kernel has the NVIDIA driver, but its libcuda.so.1 is not here: start the container with --gpus all (NVIDIA Container"
                    + " Toolkit), or install the driver's user libraries (Debian and Ubuntu: libcuda1, libnvidia-compute-*)";
        }
        if (container) {
            return "this is a container: if the host has an NVIDIA GPU, start it with --gpus all (NVIDIA Container Toolkit); "
                    + CPU;
        }
        return "if this machine has an NVIDIA GPU, install its driver, 525 or newer, after which nvidia-smi shows the GPU; "
                + CPU;
    }

    static String noLibraries() {
        return "give CUDA's libraries, in one of these ways: the Maven profile cuda-redist (mvn -Pcuda-redist compile exec:java"
                + " -Dexec.args=doctor, 2 GB, once); apt-get install cuda-libraries-12-6 from NVIDIA's repository; pip install"
                + " nvidia-cublas-cu12 nvidia-cusolver-cu12 nvidia-cuda-nvrtc-cu12; or, if they are on this machine, -D"
                + LibraryPlaces.PROPERTY + "=FOLDER";
    }

    static String noDevice(@Nullable String visible) {
        if (visible != null) {
            return "CUDA_VISIBLE_DEVICES is \"" + visible + "\": unset it, or name a device that nvidia-smi shows";
        }
        return "check that nvidia-smi shows a GPU; in a container, that it was started with --gpus all";
    }

    static String oldDriver(int major) {
        return "install a newer NVIDIA driver, " + (major == 13 ? "580" : "525") + " or newer for CUDA " + major;
    }

    static String driverFails(String status) {
        return switch (status) {
            case "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" ->
                "the driver was updated and the kernel still runs the old one: restart the machine";
            case "CUDA_ERROR_SYSTEM_NOT_READY" -> "start the services that the GPU needs (nvidia-fabricmanager)";
            case "CUDA_ERROR_STUB_LIBRARY" ->
                "the libcuda.so.1 found is the toolkit's stub: take its folder off LD_LIBRARY_PATH";
            default -> "check that nvidia-smi works for this user, and that /dev/nvidia* can be read and written";
        };
    }
}
