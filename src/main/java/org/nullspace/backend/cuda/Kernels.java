package org.nullspace.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.nullspace.error.BackendException;

/**
 * This project's kernels on one device. A source is compiled for the device when one of its kernels is first launched, or taken from the
 * {@linkplain KernelCache cache on disk}. Thread-safe.
 *
 * <p>Every kernel takes one struct whose members are 8 bytes each, so that the arguments of a launch are an array of {@code long}.
 */
final class Kernels {
    private final CudaDevice device;
    private final Map<String, CUmodule> modules = new HashMap<>();
    private final Map<String, CUfunction> functions = new HashMap<>();
    private final Set<String> enlarged = new HashSet<>();

    Kernels(CudaDevice device) {
        this.device = device;
    }

    /** The text of a source: {@code native/kernels/NAME.cu}. */
    static String source(String name) {
        String resource = "kernels/" + name + ".cu";
        try (InputStream in = Kernels.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new BackendException(
                        "the jar lacks " + resource + ", a kernel source of package " + Kernels.class.getPackageName());
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new BackendException("the kernel source " + resource + " cannot be read: " + e.getMessage());
        }
    }

    private synchronized CUfunction function(String source, String name) {
        CUfunction known = functions.get(name);
        if (known == null) {
            CUmodule module = modules.get(source);
            if (module == null) {
                module = load(source);
                modules.put(source, module);
            }
            CUmodule in = module;
            CUfunction found = new CUfunction();
            CudaCheck.driver(
                    "cuModuleGetFunction",
                    () -> JCudaDriver.cuModuleGetFunction(found, in, name),
                    () -> name + " of " + source + ".cu");
            functions.put(name, found);
            known = found;
        }
        return known;
    }

    private CUmodule load(String source) {
        KernelCache cache = new KernelCache(source, source(source), device.capability());
        byte[] stored = cache.read();
        if (stored != null) {
            try {
                return load(source, stored);
            } catch (BackendException e) {
                device.requireUsable();
                // Code that this driver does not take: compiled again.
            }
        }
        byte[] compiled = new KernelCompiler(source, source(source), device.capability()).compile();
        CUmodule module = load(source, compiled);
        cache.write(compiled);
        return module;
    }

    private CUmodule load(String source, byte[] code) {
        CUmodule module = new CUmodule();
        CudaCheck.driver(
                "cuModuleLoadData",
                () -> JCudaDriver.cuModuleLoadData(module, code),
                () -> source + ".cu, " + code.length + " bytes for " + device.place());
        return module;
    }

    /** A kernel that may be launched with this many bytes of shared memory. */
    private synchronized CUfunction function(String source, String name, int sharedBytes) {
        CUfunction function = function(source, name);
        if (sharedBytes > 0 && !enlarged.contains(name)) {
            CudaCheck.driver(
                    "cuFuncSetAttribute",
                    () -> JCudaDriver.cuFuncSetAttribute(
                            function,
                            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                            sharedBytes),
                    () -> sharedBytes + " bytes of shared memory for " + name);
            enlarged.add(name);
        }
        return function;
    }

    /**
     * Queues a launch.
     *
     * @param queue a queue of this device
     * @param source name of the kernel's source
     * @param name name of the kernel
     * @param gridX blocks in x, at least 1
     * @param gridY blocks in y
     * @param gridZ blocks in z
     * @param blockX threads of a block in x
     * @param blockY threads of a block in y
     * @param arguments the members of the kernel's struct: addresses, integers, {@code double}s as their bits
     */
    void launch(
            CudaQueue queue,
            String source,
            String name,
            long gridX,
            long gridY,
            long gridZ,
            int blockX,
            int blockY,
            long... arguments) {
        launch(queue, source, name, gridX, gridY, gridZ, blockX, blockY, 0, arguments);
    }

    /**
     * Queues a launch with dynamic shared memory.
     *
     * @param sharedBytes bytes for each thread block, the same in all launches of a kernel
     */
    void launch(
            CudaQueue queue,
            String source,
            String name,
            long gridX,
            long gridY,
            long gridZ,
            int blockX,
            int blockY,
            int sharedBytes,
            long[] arguments) {
        CUfunction function = function(source, name, sharedBytes);
        Pointer parameters = Pointer.to(Pointer.to(arguments));
        int x = (int) Math.min(gridX, Integer.MAX_VALUE);
        int y = (int) Math.min(gridY, 65_535);
        int z = (int) Math.min(gridZ, 65_535);
        Supplier<String> operands = () -> name + ", " + x + "×" + y + "×" + z + " blocks of " + blockX + "×" + blockY
                + " threads on " + device.place();
        CudaCheck.driver(
                "cuLaunchKernel",
                () -> JCudaDriver.cuLaunchKernel(
                        function, x, y, z, blockX, blockY, 1, sharedBytes, queue.stream(), parameters, null),
                operands);
    }

    /** The steps that unload everything. */
    synchronized List<Runnable> release() {
        List<Runnable> steps = new ArrayList<>();
        modules.forEach((source, module) -> steps.add(() ->
                CudaCheck.driver("cuModuleUnload", () -> JCudaDriver.cuModuleUnload(module), () -> source + ".cu")));
        functions.clear();
        enlarged.clear();
        modules.clear();
        return steps;
    }
}
