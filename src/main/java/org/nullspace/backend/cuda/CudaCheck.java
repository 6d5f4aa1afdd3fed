package org.nullspace.backend.cuda;

import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.CudaException;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;
import jcuda.jcusolver.cusolverStatus;
import jcuda.nvrtc.nvrtcResult;
import org.nullspace.error.BackendException;
import org.nullspace.error.DeviceLostException;
import org.nullspace.error.InsufficientMemoryException;

/**
 * The one place where status codes of CUDA's libraries become exceptions. JCuda reports a failure by its return value or, if anybody in the
 * process has switched that on, by a {@link CudaException}: both end here, with the routine, the code, its meaning and the operands.
 */
final class CudaCheck {
    /** Codes after which no call on the device's context succeeds any more. */
    private static final Set<String> FATAL = Set.of(
            "CUDA_ERROR_DEINITIALIZED",
            "CUDA_ERROR_CONTEXT_IS_DESTROYED",
            "CUDA_ERROR_ECC_UNCORRECTABLE",
            "CUDA_ERROR_NVLINK_UNCORRECTABLE",
            "CUDA_ERROR_ILLEGAL_ADDRESS",
            "CUDA_ERROR_LAUNCH_TIMEOUT",
            "CUDA_ERROR_ASSERT",
            "CUDA_ERROR_HARDWARE_STACK_ERROR",
            "CUDA_ERROR_ILLEGAL_INSTRUCTION",
            "CUDA_ERROR_MISALIGNED_ADDRESS",
            "CUDA_ERROR_INVALID_ADDRESS_SPACE",
            "CUDA_ERROR_INVALID_PC",
            "CUDA_ERROR_LAUNCH_FAILED",
            "CUDA_ERROR_DEVICE_UNAVAILABLE",
            "CUDA_ERROR_UNKNOWN");

    private static final Set<String> OUT_OF_MEMORY =
            Set.of("CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED", "CUSOLVER_STATUS_ALLOC_FAILED");

    private CudaCheck() {}

    /** A call of the driver. */
    static void driver(String routine, IntSupplier call, Supplier<String> operands) {
        int status;
        try {
            status = call.getAsInt();
        } catch (CudaException e) {
            throw failure(routine, nameIn(e), "", operands);
        }
        if (status != CUresult.CUDA_SUCCESS) {
            String[] meaning = new String[1];
            try {
                JCudaDriver.cuGetErrorString(status, meaning);
            } catch (CudaException e) {
                meaning[0] = null;
            }
            throw failure(routine, CUresult.stringFor(status), meaning[0] == null ? "" : meaning[0], operands);
        }
    }

    /** A call of cuBLAS. */
    static void cublas(String routine, IntSupplier call, Supplier<String> operands) {
        library(routine, call, operands, cublasStatus.CUBLAS_STATUS_SUCCESS, cublasStatus::stringFor);
    }

    /** A call of cuSOLVER. */
    static void cusolver(String routine, IntSupplier call, Supplier<String> operands) {
        library(routine, call, operands, cusolverStatus.CUSOLVER_STATUS_SUCCESS, cusolverStatus::stringFor);
    }

    /** A call of NVRTC. */
    static void nvrtc(String routine, IntSupplier call, Supplier<String> operands) {
        library(routine, call, operands, nvrtcResult.NVRTC_SUCCESS, nvrtcResult::stringFor);
    }

    private interface Names {
        String nameOf(int status);
    }

    private static void library(String routine, IntSupplier call, Supplier<String> operands, int success, Names names) {
        String name;
        try {
            int status = call.getAsInt();
            if (status == success) {
                return;
            }
            name = names.nameOf(status);
        } catch (CudaException e) {
            name = nameIn(e);
        }
        throw failure(routine, name, meaning(name), operands);
    }

    /** What the codes of cuBLAS and cuSOLVER say, in words. */
    private static String meaning(String name) {
        int from = name.indexOf("_STATUS_");
        return switch (from < 0 ? name : name.substring(from + "_STATUS_".length())) {
            case "NOT_INITIALIZED" -> "the library could not be initialised";
            case "ALLOC_FAILED" -> "not enough device memory for the library's own needs";
            case "INVALID_VALUE" -> "an argument was refused";
            case "ARCH_MISMATCH" -> "the device does not support this routine";
            case "MAPPING_ERROR" -> "device memory could not be accessed";
            case "EXECUTION_FAILED" -> "the work could not be launched or failed on the device";
            case "INTERNAL_ERROR" -> "an internal operation failed";
            case "NOT_SUPPORTED" -> "not supported by this version";
            default -> "";
        };
    }

    private static String nameIn(CudaException e) {
        String message = e.getMessage();
        return message == null ? e.toString() : message;
    }

    /** Functions that have been called and that this machine's CUDA lacks, behind the forwarding libraries. */
    private static String lacking() {
        List<String> names = CudaLibraries.load().missingCalls();
        return names.isEmpty() ? "" : "; this CUDA lacks " + String.join(", ", names);
    }

    private static RuntimeException failure(String routine, String name, String meaning, Supplier<String> operands) {
        String where = operands.get();
        String text = routine + (where.isEmpty() ? "" : " (" + where + ")") + " failed: " + name
                + (meaning.isEmpty() ? "" : ", " + meaning) + lacking();
        for (String code : OUT_OF_MEMORY) {
            if (name.contains(code)) {
                return new InsufficientMemoryException(text);
            }
        }
        for (String code : FATAL) {
            if (name.contains(code)) {
                return new DeviceLostException(text + "; restart the process to use the device again");
            }
        }
        return new BackendException(text);
    }
}
