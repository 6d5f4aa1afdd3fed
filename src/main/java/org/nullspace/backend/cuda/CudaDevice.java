package org.nullspace.backend.cuda;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.DeviceLostException;
import org.nullspace.matrix.Place;

/**
 * One device of the process: its primary context, which all libraries of the process share, its kernels, and queues that wait for the next
 * session, since their library handles are expensive to make. Thread-safe.
 */
final class CudaDevice {
    /** Queues that are kept at most. */
    private static final int KEPT_QUEUES = 4;

    private static final Map<Integer, CudaDevice> DEVICES = new ConcurrentHashMap<>();

    private final Place place;
    private final CUdevice device;
    private final CUcontext context;
    private final String name;
    private final long totalBytes;
    private final int capability;
    private final int multiprocessors;
    private final int sharedBytes;
    private final boolean streamOrderedAllocator;
    private final Kernels kernels;
    private final Deque<CudaQueue> idle = new ArrayDeque<>();
    private volatile @Nullable DeviceLostException lost;

    private CudaDevice(int index) {
        place = Place.cuda(index);
        device = new CUdevice();
        context = new CUcontext();
        CudaCheck.driver("cuDeviceGet", () -> JCudaDriver.cuDeviceGet(device, index), () -> "device " + index);
        byte[] text = new byte[256];
        CudaCheck.driver(
                "cuDeviceGetName", () -> JCudaDriver.cuDeviceGetName(text, text.length, device), place::toString);
        name = textOf(text);
        long[] bytes = new long[1];
        CudaCheck.driver("cuDeviceTotalMem", () -> JCudaDriver.cuDeviceTotalMem(bytes, device), place::toString);
        totalBytes = bytes[0];
        capability = 10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        sharedBytes = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
        streamOrderedAllocator = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) != 0;
        CudaCheck.driver(
                "cuDevicePrimaryCtxRetain",
                () -> JCudaDriver.cuDevicePrimaryCtxRetain(context, device),
                place::toString);
        kernels = new Kernels(this);
    }

    private static String textOf(byte[] zeroTerminated) {
        int end = 0;
        while (end < zeroTerminated.length && zeroTerminated[end] != 0) {
            end++;
        }
        return new String(zeroTerminated, 0, end, StandardCharsets.UTF_8);
    }

    private int attribute(int which) {
        int[] value = new int[1];
        CudaCheck.driver(
                "cuDeviceGetAttribute",
                () -> JCudaDriver.cuDeviceGetAttribute(value, which, device),
                () -> "attribute " + which + " of " + place);
        return value[0];
    }

    /**
     * The device with an index; its context is made when it is first asked for, and kept as long as the process lives.
     *
     * @param index index of a device that the driver has
     */
    static CudaDevice get(int index) {
        return DEVICES.computeIfAbsent(index, CudaDevice::new);
    }

    /** Gives everything back that is kept for later: queues, kernels, contexts. No session may be open. */
    static synchronized void releaseAll() {
        List<CudaDevice> all = new ArrayList<>(DEVICES.values());
        DEVICES.clear();
        for (CudaDevice each : all) {
            each.release();
        }
    }

    private void release() {
        List<Runnable> steps = new ArrayList<>();
        steps.add(this::releaseIdleQueues);
        steps.add(() -> giveUp(kernels.release()));
        steps.add(() -> CudaCheck.driver(
                "cuDevicePrimaryCtxRelease", () -> JCudaDriver.cuDevicePrimaryCtxRelease(device), place::toString));
        CudaQueue.runAll(steps);
    }

    // ---- what the device is

    Place place() {
        return place;
    }

    String name() {
        return name;
    }

    long totalBytes() {
        return totalBytes;
    }

    /** The memory less a sixteenth, for libraries and others. */
    long usableBytes() {
        return totalBytes - totalBytes / 16;
    }

    /** Ten times the major plus the minor number of the compute capability. */
    int capability() {
        return capability;
    }

    /** Bytes of shared memory that a thread block can be given. */
    int sharedBytes() {
        return sharedBytes;
    }

    int multiprocessors() {
        return multiprocessors;
    }

    boolean hasStreamOrderedAllocator() {
        return streamOrderedAllocator;
    }

    Kernels kernels() {
        return kernels;
    }

    /** Bytes of free memory now, of all processes' use; needs this device's context to be current. */
    long freeBytes() {
        long[] free = new long[1];
        long[] total = new long[1];
        CudaCheck.driver("cuMemGetInfo", () -> JCudaDriver.cuMemGetInfo(free, total), place::toString);
        return free[0];
    }

    // ---- context

    /** Runs work with this device's context as the current one; the context that was current before is current again afterwards. */
    void within(Runnable work) {
        within(() -> {
            work.run();
            return null;
        });
    }

    /** As {@link #within(Runnable)}, with a result. */
    <T extends @Nullable Object> T within(Supplier<T> work) {
        requireUsable();
        CudaCheck.driver("cuCtxPushCurrent", () -> JCudaDriver.cuCtxPushCurrent(context), place::toString);
        T result;
        try {
            result = work.get();
        } catch (RuntimeException | Error e) {
            if (e instanceof DeviceLostException failure) {
                lost = failure;
            }
            try {
                pop();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
        pop();
        return result;
    }

    /** Runs all steps in this device's context, whichever fails. Of a lost device, failures are not reported. */
    void giveUp(List<Runnable> steps) {
        if (lost == null) {
            within(() -> CudaQueue.runAll(steps));
            return;
        }
        try {
            CudaCheck.driver("cuCtxPushCurrent", () -> JCudaDriver.cuCtxPushCurrent(context), place::toString);
            try {
                CudaQueue.runAll(steps);
            } finally {
                pop();
            }
        } catch (RuntimeException e) {
            // What a lost device does not take back is lost with it.
        }
    }

    private void pop() {
        CudaCheck.driver("cuCtxPopCurrent", () -> JCudaDriver.cuCtxPopCurrent(new CUcontext()), place::toString);
    }

    /** Fails if the device has been lost. */
    void requireUsable() {
        DeviceLostException cause = lost;
        if (cause != null) {
            throw new DeviceLostException(place + " (" + name + ") was lost before: " + cause.getMessage());
        }
    }

    boolean isLost() {
        return lost != null;
    }

    // ---- queues

    /** A queue for one session. */
    CudaQueue takeQueue() {
        CudaQueue queue;
        synchronized (idle) {
            queue = idle.poll();
        }
        return queue != null ? queue : newQueue();
    }

    private CudaQueue newQueue() {
        AtomicReference<@Nullable CudaQueue> made = new AtomicReference<>();
        CudaQueue.orUndo(() -> within(() -> made.set(new CudaQueue(this))), () -> {
            CudaQueue queue = made.get();
            if (queue != null) {
                queue.close();
            }
        });
        return Objects.requireNonNull(made.get());
    }

    /** Takes a queue back from a session that has waited for it. */
    void giveBack(CudaQueue queue) {
        boolean kept = false;
        synchronized (idle) {
            if (!isLost() && idle.size() < KEPT_QUEUES) {
                idle.push(queue);
                kept = true;
            }
        }
        if (!kept) {
            queue.close();
        }
    }

    /** Frees the memory and handles of queues that no session uses. */
    void releaseIdleQueues() {
        while (true) {
            CudaQueue queue;
            synchronized (idle) {
                queue = idle.poll();
            }
            if (queue == null) {
                return;
            }
            queue.close();
        }
    }
}
