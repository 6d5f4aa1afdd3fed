package org.nullspace.backend.cuda;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * The CUDA devices of this machine, asked for through the driver; no context is made and no memory taken. Asks for nothing unless
 * {@link CudaLibraries#usable()}.
 *
 * @param driver CUDA version that the driver supports, as 1000·major + 10·minor; 0 if it did not say
 * @param devices the devices, in the driver's order
 * @param reasons why none can be used, empty if one can
 * @param advice what to do then
 */
record CudaDevices(int driver, List<Device> devices, List<String> reasons, List<String> advice) {
    /**
     * A device.
     *
     * @param name its name
     * @param major compute capability
     * @param minor compute capability
     * @param memoryBytes its memory
     */
    record Device(String name, int major, int minor, long memoryBytes) {
        @Override
        public String toString() {
            return name + ", compute capability " + major + "." + minor + ", " + (memoryBytes >> 20) + " MiB";
        }
    }

    private static final class Once {
        private static final CudaDevices INSTANCE = new Query().devices();
    }

    /**
     * Asks the driver with the first call; later calls have the same answer.
     *
     * @return the devices
     */
    static CudaDevices find() {
        return Once.INSTANCE;
    }

    /** The CUDA version that the driver supports: {@code 12.6}, or null if it did not say. */
    @Nullable String driverVersion() {
        return driver == 0 ? null : driver / 1000 + "." + driver % 1000 / 10;
    }

    private static final class Query {
        private final List<Device> devices = new ArrayList<>();
        private final List<String> reasons = new ArrayList<>();
        private final List<String> advice = new ArrayList<>();
        private int driver;

        CudaDevices devices() {
            try {
                ask();
            } catch (RuntimeException | LinkageError e) {
                // JCuda throws instead of returning a status if anybody in this process has told it to.
                reasons.add("the NVIDIA driver cannot be asked: " + e);
                advice.add(CudaAdvice.driverFails(""));
            }
            return new CudaDevices(driver, List.copyOf(devices), List.copyOf(reasons), List.copyOf(advice));
        }

        private void ask() {
            CudaLibraries libraries = CudaLibraries.load();
            int[] value = new int[1];
            // Needs no cuInit, so it tells of a driver that is too old to start.
            if (ok("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(value))) {
                driver = value[0];
                if (driver / 1000 < libraries.major()) {
                    reasons.add("the NVIDIA driver supports CUDA " + driver / 1000 + "." + driver % 1000 / 10
                            + ", the libraries are of CUDA " + libraries.major());
                    advice.add(CudaAdvice.oldDriver(libraries.major()));
                }
            }
            int status = JCudaDriver.cuInit(0);
            if (status == CUresult.CUDA_ERROR_NO_DEVICE) {
                none();
                return;
            }
            if (!ok("cuInit", status)) {
                advice.add(CudaAdvice.driverFails(CUresult.stringFor(status)));
                return;
            }
            if (!ok("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(value))) {
                return;
            }
            int count = value[0];
            if (count == 0) {
                none();
            }
            for (int i = 0; i < count; i++) {
                Device device = device(i);
                if (device != null) {
                    devices.add(device);
                }
            }
        }

        private void none() {
            reasons.add("the NVIDIA driver is there, but it has no device");
            advice.add(CudaAdvice.noDevice(System.getenv("CUDA_VISIBLE_DEVICES")));
        }

        private @Nullable Device device(int index) {
            CUdevice device = new CUdevice();
            byte[] name = new byte[256];
            long[] memory = new long[1];
            int[] major = new int[1];
            int[] minor = new int[1];
            boolean all = ok("cuDeviceGet", JCudaDriver.cuDeviceGet(device, index))
                    && ok("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device))
                    && ok("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(memory, device))
                    && ok(
                            "cuDeviceGetAttribute",
                            JCudaDriver.cuDeviceGetAttribute(
                                    major, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device))
                    && ok(
                            "cuDeviceGetAttribute",
                            JCudaDriver.cuDeviceGetAttribute(
                                    minor, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
            return all ? new Device(text(name), major[0], minor[0], memory[0]) : null;
        }

        private boolean ok(String routine, int status) {
            if (status == CUresult.CUDA_SUCCESS) {
                return true;
            }
            reasons.add(routine + " returned " + status + " (" + CUresult.stringFor(status) + ")");
            return false;
        }

        private static String text(byte[] bytes) {
            int length = 0;
            while (length < bytes.length && bytes[length] != 0) {
                length++;
            }
            return new String(bytes, 0, length, StandardCharsets.UTF_8).strip();
        }
    }
}
