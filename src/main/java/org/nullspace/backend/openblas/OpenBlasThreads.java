package org.nullspace.backend.openblas;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;

/**
 * The one owner of the backend's threads. OpenBLAS itself always computes with one thread; a large operation is split here, into slices
 * that write disjoint parts of the result, one call of OpenBLAS or one loop each.
 *
 * <p><b>Why not OpenBLAS's own threads.</b> Their number belongs to the whole process, so that callers from several Java threads would have
 * to take turns, and they spin while they wait for each other, many times inside one operation: when something else runs on the machine,
 * each of these waits costs a time slice of the operating system. Measured with 2 cores under load, 1 against 2 OpenBLAS threads: Cholesky
 * of order 192, 0.06 ms against 130 ms; SVD of 128×64, 0.5 ms against 108 ms; QR of 2048×1024, 105 ms against 490 ms. Slices wait for
 * each other once, at the end, and sleep while they do.
 *
 * <p><b>Sharing.</b> The calling thread works on its own slices; helpers, {@code count() − 1} threads for the whole process, take slices
 * while they are free. Many small operations in many Java threads never meet: below the limits nothing is shared, and above them callers
 * share the helpers. The partition depends on the shapes and on {@link #count()} alone, so results do not depend on who does the work.
 *
 * <p>Whoever else changes OpenBLAS's thread count in this process changes the speed, never a result.
 */
final class OpenBlasThreads {
    /**
     * Floating-point operations from which an operation is split: 0.2 ms for one thread at 50 GFLOP/s, against 0.015 to 0.035 ms until a
     * sleeping helper has begun (AMD EPYC, 2 cores, OpenBLAS 0.3.31 with Haswell kernels, OpenJDK 17, other processes running). Two slices
     * together took 0 to 3 % more processor time than one thread for products, QR, Cholesky and inversion from 1 GFLOP on, and 10 % more
     * for a Gram product of 64×20000.
     */
    static final double LARGE_FLOPS = 1e7;

    /** Bytes from which an operation that visits every entry once is split: 0.2 to 0.4 ms for one thread at 10 to 20 GB/s. */
    static final double LARGE_BYTES = 4 << 20;

    /** System property for the number of threads of a large operation; the default is the number of available processors. */
    static final String PROPERTY = "nullspace.threads";

    private static final int MAX_THREADS = 1024;
    private static final int SPINS = 200;
    private static final long IDLE_SECONDS = 10;

    private final int count;
    private final @Nullable ThreadPoolExecutor helpers;

    /**
     * Makes a pool of helpers.
     *
     * @param count threads of a large operation, the caller's among them
     */
    OpenBlasThreads(int count) {
        this.count = count;
        this.helpers = count == 1 ? null : helpers(count - 1);
    }

    private static ThreadPoolExecutor helpers(int size) {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                size, size, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "nullspace-cpu-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /**
     * The owner of this process. The first call loads OpenBLAS and sets its thread count to 1.
     *
     * @return the owner
     * @throws LinkageError if OpenBLAS cannot be loaded
     * @throws InvalidInputException if the system property is not a number of threads
     */
    static OpenBlasThreads shared() {
        return Shared.INSTANCE;
    }

    private static final class Shared {
        private static final OpenBlasThreads INSTANCE = create();

        private static OpenBlasThreads create() {
            int count = configured(
                    System.getProperty(PROPERTY), Runtime.getRuntime().availableProcessors());
            BlasThreadCount.set(1);
            return new OpenBlasThreads(count);
        }
    }

    static int configured(@Nullable String value, int processors) {
        if (value == null) {
            return processors;
        }
        try {
            int count = Integer.parseInt(value.trim());
            if (count >= 1 && count <= MAX_THREADS) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Reported below, like a number out of range.
        }
        throw new InvalidInputException(
                "system property " + PROPERTY + " is \"" + value + "\": it must be a number from 1 to " + MAX_THREADS);
    }

    /**
     * Threads of a large operation.
     *
     * @return number of threads
     */
    int count() {
        return count;
    }

    /** Part of an operation. */
    interface Range {
        /**
         * Does the part.
         *
         * @param slice index of the part
         * @param from first index
         * @param to index after the last
         */
        void run(int slice, long from, long to);
    }

    /**
     * Runs an operation, in equal slices at the same time if it is large.
     *
     * @param large whether it is
     * @param extent number of rows, columns or entries that are divided
     * @param unit slices begin at multiples of this
     * @param body called for consecutive ranges that cover 0 to {@code extent}, at the same time from several threads
     */
    void split(boolean large, long extent, long unit, Range body) {
        long units = (extent + unit - 1) / unit;
        int slices = large ? (int) Math.min(count, units) : 1;
        if (slices <= 1) {
            body.run(0, 0, extent);
            return;
        }
        run(slices, i -> body.run(i, units * i / slices * unit, Math.min(extent, units * (i + 1) / slices * unit)));
    }

    /**
     * Runs slices at the same time and waits for all of them.
     *
     * @param slices number of slices
     * @param work does the slice of a given index
     */
    void run(int slices, IntConsumer work) {
        Job job = new Job(slices, work);
        if (helpers != null) {
            for (int i = 1; i < Math.min(slices, count); i++) {
                helpers.execute(job);
            }
        }
        job.run();
        job.await();
    }

    /** Slices that are taken one by one by whoever is free. */
    private static final class Job implements Runnable {
        private final int slices;
        private final IntConsumer work;
        private final Thread caller = Thread.currentThread();
        private final AtomicInteger taken = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        private Job(int slices, IntConsumer work) {
            this.slices = slices;
            this.work = work;
        }

        @Override
        public void run() {
            for (int i = taken.getAndIncrement(); i < slices; i = taken.getAndIncrement()) {
                try {
                    work.accept(i);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                }
                if (done.incrementAndGet() == slices) {
                    LockSupport.unpark(caller);
                }
            }
        }

        private void await() {
            boolean interrupted = false;
            for (int spins = 0; done.get() < slices; spins++) {
                if (spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                    interrupted |= Thread.interrupted();
                }
            }
            if (interrupted) {
                caller.interrupt();
            }
            Throwable first = failure.get();
            if (first instanceof Error error) {
                throw error;
            }
            if (first instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }
}
