package org.nullspace.backend.cuda;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Supplier;
import jcuda.CudaException;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import org.nullspace.error.BackendException;

/**
 * Compiles one kernel source with NVRTC on the user's machine: to machine code if the compiler knows the device, otherwise to PTX of the
 * newest older architecture, which the driver translates.
 */
final class KernelCompiler {
    private final String name;
    private final String source;
    private final int capability;

    /**
     * A compilation.
     *
     * @param name name of the source, for messages
     * @param source its text
     * @param capability ten times the major plus the minor number of the device's compute capability
     */
    KernelCompiler(String name, String source, int capability) {
        this.name = name;
        this.source = source;
        this.capability = capability;
    }

    /** Version of the compiler: {@code 12.6}. */
    static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        CudaCheck.nvrtc("nvrtcVersion", () -> JNvrtc.nvrtcVersion(major, minor), () -> "");
        return major[0] + "." + minor[0];
    }

    private static int[] architectures() {
        int[] count = new int[1];
        CudaCheck.nvrtc("nvrtcGetNumSupportedArchs", () -> JNvrtc.nvrtcGetNumSupportedArchs(count), () -> "");
        int[] known = new int[count[0]];
        CudaCheck.nvrtc("nvrtcGetSupportedArchs", () -> JNvrtc.nvrtcGetSupportedArchs(known), () -> "");
        return known;
    }

    /**
     * Compiles.
     *
     * @return what {@code cuModuleLoadData} takes
     * @throws BackendException if the compiler rejects the source; the message ends with the compiler's log
     */
    byte[] compile() {
        int[] known = architectures();
        boolean exact = Arrays.stream(known).anyMatch(each -> each == capability);
        int target = Arrays.stream(known)
                .filter(each -> each <= capability)
                .max()
                .orElseThrow(() -> new BackendException("NVRTC " + version()
                        + " compiles for compute capabilities " + Arrays.toString(known) + ", none of them as old as "
                        + capability + " of this device"));
        nvrtcProgram program = new nvrtcProgram();
        Supplier<String> what = () -> name + ".cu";
        CudaCheck.nvrtc(
                "nvrtcCreateProgram",
                () -> JNvrtc.nvrtcCreateProgram(program, source, name + ".cu", 0, null, null),
                what);
        try {
            String[] options = {
                (exact ? "--gpu-architecture=sm_" : "--gpu-architecture=compute_") + target,
                "--std=c++17",
                "-default-device"
            };
            try {
                CudaCheck.nvrtc(
                        "nvrtcCompileProgram",
                        () -> JNvrtc.nvrtcCompileProgram(program, options.length, options),
                        () -> name + ".cu with " + Arrays.toString(options));
            } catch (BackendException e) {
                throw new BackendException(e.getMessage() + "\n" + log(program));
            }
            return exact ? machineCode(program, what) : ptx(program, what);
        } finally {
            CudaCheck.nvrtc("nvrtcDestroyProgram", () -> JNvrtc.nvrtcDestroyProgram(program), what);
        }
    }

    private static byte[] machineCode(nvrtcProgram program, Supplier<String> what) {
        long[] size = new long[1];
        CudaCheck.nvrtc("nvrtcGetCUBINSize", () -> JNvrtc.nvrtcGetCUBINSize(program, size), what);
        byte[] code = new byte[Math.toIntExact(size[0])];
        CudaCheck.nvrtc("nvrtcGetCUBIN", () -> JNvrtc.nvrtcGetCUBIN(program, code), what);
        return code;
    }

    /** Text that ends with a zero byte. */
    private static byte[] ptx(nvrtcProgram program, Supplier<String> what) {
        String[] text = new String[1];
        CudaCheck.nvrtc("nvrtcGetPTX", () -> JNvrtc.nvrtcGetPTX(program, text), what);
        byte[] bytes = text[0].getBytes(StandardCharsets.US_ASCII);
        return Arrays.copyOf(bytes, bytes.length + 1);
    }

    private static String log(nvrtcProgram program) {
        String[] text = new String[1];
        try {
            JNvrtc.nvrtcGetProgramLog(program, text);
        } catch (CudaException e) {
            return "(no log: " + e.getMessage() + ")";
        }
        return text[0] == null ? "(no log)" : text[0].strip();
    }
}
