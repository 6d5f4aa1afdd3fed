package org.nullspace.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import jcuda.jcusolver.cusolverDnParams;
import jcuda.runtime.cudaStream_t;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.BackendException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * A stream of one device with everything that works on it: library handles, memory pool, staging memory. Used by one session at a time, with
 * the device's context current; only the pool may be used by other threads.
 */
final class CudaQueue {
    private static final int THREADS = 256;

    /** Scope of memory that a single operation borrows; never closed. */
    static final MemoryScope FOREVER = MemoryScope.open();

    private final CudaDevice device;
    private final CUstream stream;
    private final DevicePool pool;
    private final WorkSizes workSizes = new WorkSizes();
    private @Nullable cublasHandle cublas;
    private @Nullable cusolverDnHandle cusolver;
    private @Nullable cusolverDnParams parameters;
    private long jacobi;
    private @Nullable Staging staging;
    private DevicePool.@Nullable Block refusals;
    private String latest = "nothing";

    CudaQueue(CudaDevice device) {
        this.device = device;
        this.stream = newStream(device);
        this.pool = new DevicePool(this);
    }

    /** A stream that does not wait for the process's legacy stream. */
    static CUstream newStream(CudaDevice device) {
        CUstream stream = new CUstream();
        CudaCheck.driver(
                "cuStreamCreate",
                () -> JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING),
                () -> device.place().toString());
        return stream;
    }

    CudaDevice device() {
        return device;
    }

    CUstream stream() {
        return stream;
    }

    DevicePool pool() {
        return pool;
    }

    WorkSizes workSizes() {
        return workSizes;
    }

    boolean isLost() {
        return device.isLost();
    }

    // ---- libraries

    cublasHandle cublas() {
        cublasHandle known = cublas;
        if (known == null) {
            cublasHandle made = new cublasHandle();
            CudaCheck.cublas("cublasCreate", () -> JCublas2.cublasCreate(made), this::where);
            orUndo(
                    () -> CudaCheck.cublas(
                            "cublasSetStream",
                            () -> JCublas2.cublasSetStream(made, new cudaStream_t(stream)),
                            this::where),
                    () -> destroy(made));
            cublas = made;
            known = made;
        }
        return known;
    }

    cusolverDnHandle cusolver() {
        cusolverDnHandle known = cusolver;
        if (known == null) {
            cusolverDnHandle made = new cusolverDnHandle();
            CudaCheck.cusolver("cusolverDnCreate", () -> JCusolverDn.cusolverDnCreate(made), this::where);
            orUndo(
                    () -> CudaCheck.cusolver(
                            "cusolverDnSetStream",
                            () -> JCusolverDn.cusolverDnSetStream(made, new cudaStream_t(stream)),
                            this::where),
                    () -> destroy(made));
            cusolver = made;
            known = made;
        }
        return known;
    }

    private void destroy(cublasHandle handle) {
        CudaCheck.cublas("cublasDestroy", () -> JCublas2.cublasDestroy(handle), this::where);
    }

    private void destroy(cusolverDnHandle handle) {
        CudaCheck.cusolver("cusolverDnDestroy", () -> JCusolverDn.cusolverDnDestroy(handle), this::where);
    }

    /** Runs a step; if it fails, what was made before it is given back. */
    static void orUndo(Runnable step, Runnable undo) {
        try {
            step.run();
        } catch (RuntimeException e) {
            try {
                undo.run();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    /** The standard parameters of cuSOLVER's generic routines. */
    cusolverDnParams parameters() {
        cusolverDnParams known = parameters;
        if (known == null) {
            cusolverDnParams made = new cusolverDnParams();
            CudaCheck.cusolver("cusolverDnCreateParams", () -> JCusolverDn.cusolverDnCreateParams(made), this::where);
            parameters = made;
            known = made;
        }
        return known;
    }

    /** Address of the standard parameters of gesvdj: as accurate as the precision allows. */
    long jacobi() {
        if (jacobi == 0) {
            long[] made = hostWords(
                    1,
                    words -> CudaCheck.cusolver(
                            "cusolverDnCreateGesvdjInfo", () -> CusolverBridge.createGesvdj(words), this::where));
            jacobi = made[0];
        }
        return jacobi;
    }

    /** What a routine writes into words of host memory. */
    static long[] hostWords(int count, LongConsumer routine) {
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory words = HostMemory.allocate(scope, (long) count * Long.BYTES, true, "results of a routine");
            routine.accept(words.address());
            long[] values = new long[count];
            words.buffer(0, count * Long.BYTES).asLongBuffer().get(values);
            return values;
        }
    }

    Staging staging() {
        Staging known = staging;
        if (known == null) {
            known = new Staging(this);
            staging = known;
        }
        return known;
    }

    String where() {
        return device.place() + ", " + device.name();
    }

    // ---- order

    /** Remembers what was queued, for the message of a failure that shows only when the work runs. */
    void queued(String operation) {
        latest = operation;
    }

    /** Waits for everything that has been queued, and fails if some of it has failed. */
    void synchronize() {
        DevicePool.Block word = refusals;
        if (word != null) {
            refusals = null;
            int refused;
            try {
                refused = staging().readInt(word.address());
            } finally {
                pool.giveBack(word);
            }
            if (refused != 0) {
                throw new BackendException("cuSOLVER refused argument " + -refused + " of a factorization queued on "
                        + where() + "; the latest operation was " + latest);
            }
            return;
        }
        CudaCheck.driver(
                "cuStreamSynchronize",
                () -> JCudaDriver.cuStreamSynchronize(stream),
                () -> where() + ", the latest operation was " + latest);
    }

    /**
     * Has an info looked at that can only mean a refused argument; read at the next {@link #synchronize()}.
     *
     * @param info device address of the info
     */
    void note(long info) {
        DevicePool.Block word = refusals;
        if (word == null) {
            DevicePool.Block fresh = pool.take(Integer.BYTES, () -> "a word for refused arguments");
            orUndo(() -> zero(fresh.address(), Integer.BYTES), () -> pool.giveBack(fresh));
            word = fresh;
            refusals = word;
        }
        device.kernels().launch(this, "status", "nullspace_note_info", 1, 1, 1, 1, 1, info, word.address());
    }

    /** Sets device memory to zero bytes. */
    void zero(long address, long bytes) {
        CudaCheck.driver(
                "cuMemsetD8Async",
                () -> JCudaDriver.cuMemsetD8Async(Addresses.device(address), (byte) 0, bytes, stream),
                () -> bytes + " bytes on " + device.place());
    }

    /** Sets a word of device memory to a positive number: an info that stands for failure. */
    void mark(long address) {
        CudaCheck.driver(
                "cuMemsetD8Async",
                () -> JCudaDriver.cuMemsetD8Async(Addresses.device(address), (byte) 1, Integer.BYTES, stream),
                () -> Integer.BYTES + " bytes on " + device.place());
    }

    // ---- scratch memory

    /** Device memory for the time of one operation: handed back in stream order. */
    final class Scratch implements AutoCloseable {
        private final List<DevicePool.Block> blocks = new ArrayList<>();

        /** Address of new device memory, 0 for no bytes. */
        long take(long bytes, Supplier<String> what) {
            if (bytes == 0) {
                return 0;
            }
            DevicePool.Block block = pool.take(bytes, what);
            blocks.add(block);
            return block.address();
        }

        /** A new packed matrix with undefined content. */
        Matrix matrix(Precision precision, long rows, long columns, Layout layout) {
            return matrix(precision, 1, rows, columns, layout);
        }

        /** New packed matrices with undefined content. */
        Matrix matrix(Precision precision, long batch, long rows, long columns, Layout layout) {
            long bytes = batch * rows * columns * precision.bytes();
            long address = take(
                    bytes, () -> "workspace of " + batch + "×" + rows + "×" + columns + " " + precision + " entries");
            return Matrix.over(
                    new CudaMemory(device.place(), address, bytes, FOREVER), precision, batch, rows, columns, layout);
        }

        /**
         * The addresses of matrices of a batch in device memory, in their order, as batched routines take them. They are written there by
         * a kernel: nothing crosses the bus.
         *
         * @param m the matrices; one that is shared is named for each problem
         * @param count number of problems
         */
        Pointer addresses(Matrix m, long count) {
            long array = take(count * Long.BYTES, () -> "the addresses of the matrices of a " + m);
            device.kernels()
                    .launch(
                            CudaQueue.this,
                            "pointers",
                            "nullspace_pointers",
                            (count + THREADS - 1) / THREADS,
                            1,
                            1,
                            THREADS,
                            1,
                            array,
                            m.address(0),
                            m.batch() == 1 ? 0 : m.batchStride() * m.precision().bytes(),
                            count);
            return Addresses.pointer(array);
        }

        Pointer pointer(long bytes, Supplier<String> what) {
            return Addresses.pointer(take(bytes, what));
        }

        @Override
        public void close() {
            for (DevicePool.Block block : blocks) {
                pool.giveBack(block);
            }
        }
    }

    Scratch scratch() {
        return new Scratch();
    }

    // ---- end of life

    /** Idle memory beyond a small rest is freed; the queue can be used by another session. */
    void rest() {
        pool.releaseIdle(DevicePool.kept(device.totalBytes()));
    }

    /**
     * Frees everything; memory that is still in use is freed when its scope is closed. On a lost device, what can still be given back is
     * given back, and failures are not reported.
     */
    void close() {
        List<Runnable> steps = new ArrayList<>();
        cublasHandle blas = cublas;
        if (blas != null) {
            steps.add(() -> destroy(blas));
        }
        cusolverDnHandle solver = cusolver;
        if (solver != null) {
            steps.add(() -> destroy(solver));
        }
        cusolverDnParams standard = parameters;
        if (standard != null) {
            steps.add(() -> CudaCheck.cusolver(
                    "cusolverDnDestroyParams", () -> JCusolverDn.cusolverDnDestroyParams(standard), this::where));
        }
        long rotations = jacobi;
        if (rotations != 0) {
            steps.add(() -> CudaCheck.cusolver(
                    "cusolverDnDestroyGesvdjInfo", () -> CusolverBridge.destroyGesvdj(rotations), this::where));
        }
        Staging pinned = staging;
        if (pinned != null) {
            steps.addAll(pinned.release());
        }
        DevicePool.Block word = refusals;
        if (word != null) {
            steps.add(() -> pool.giveBack(word));
        }
        steps.addAll(pool.release());
        steps.add(() ->
                CudaCheck.driver("cuStreamSynchronize", () -> JCudaDriver.cuStreamSynchronize(stream), this::where));
        steps.add(() -> CudaCheck.driver("cuStreamDestroy", () -> JCudaDriver.cuStreamDestroy(stream), this::where));
        device.giveUp(steps);
    }

    /** Runs all steps, whichever fails; the first failure is thrown with the later ones suppressed in it. */
    static void runAll(List<Runnable> steps) {
        RuntimeException failure = null;
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
