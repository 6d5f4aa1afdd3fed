package org.nullspace.backend.openblas;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;

/**
 * The threads that share large operations. OpenBLAS itself is kept to one thread for the whole process: its own threads spin while they wait
 * for each other, several times in every call, so that a busy machine, a processor quota or a second caller slows it down a hundredfold.
 * Here an operation is cut into independent parts, each one call of OpenBLAS, which the caller and the workers take from a common counter;
 * nobody spins, the only wait is at the end, and a worker that is busy elsewhere costs nothing but its help.
 *
 * <p>Parts are cut by shape and by {@link #size()} alone, so that results are the same, bit for bit, in every run with that many threads.
 */
final class Team {
    /**
     * Floating-point operations from which an operation is worth sharing: to wake a worker costs some 30 µs, the time of about a million
     * operations of one thread (2 cores with AVX2, OpenBLAS 0.3.31, 35 GFLOP/s a thread).
     */
    static final double SHARED_FLOPS = 4e6;

    /** System property for the number of threads; the default is the number of available processors. */
    static final String PROPERTY = "nullspace.threads";

    private static final int MAX_THREADS = 256;

    private final int size;
    private final ExecutorService workers;

    /**
     * A team.
     *
     * @param size number of threads, the caller's included
     */
    Team(int size) {
        this.size = size;
        this.workers = Executors.newFixedThreadPool(Math.max(1, size - 1), work -> {
            Thread thread = new Thread(work, "nullspace-worker");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * The team of this process; the first call loads OpenBLAS and sets its thread count to 1.
     *
     * @return the team
     * @throws LinkageError if OpenBLAS cannot be loaded
     * @throws InvalidInputException if the system property is not a number of threads
     */
    static Team shared() {
        return Shared.INSTANCE;
    }

    private static final class Shared {
        private static final Team INSTANCE = make();

        private static Team make() {
            int size = configured();
            BlasThreadCount.setter().accept(1);
            return new Team(size);
        }
    }

    private static int configured() {
        String value = System.getProperty(PROPERTY);
        if (value == null) {
            return Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors());
        }
        try {
            int count = Integer.parseInt(value.trim());
            if (count >= 1 && count <= MAX_THREADS) {
                return count;
            }
        } catch (NumberFormatException e) {
            // The message below is for this case too.
        }
        throw new InvalidInputException(
                "system property " + PROPERTY + " is \"" + value + "\": it must be a number from 1 to " + MAX_THREADS);
    }

    /**
     * Number of threads, the caller's included.
     *
     * @return at least 1
     */
    int size() {
        return size;
    }

    /**
     * Number of parts that work along one dimension is cut into.
     *
     * @param flops floating-point operations of the whole
     * @param length size of the dimension
     * @param least size of a part at least
     * @return 1 if it is not worth sharing
     */
    int parts(double flops, long length, long least) {
        if (size == 1 || flops < SHARED_FLOPS) {
            return 1;
        }
        return (int) Math.max(1, Math.min(size, length / least));
    }

    /**
     * Runs all parts and returns when they are done. Safe for use by several callers at a time.
     *
     * @param parts number of parts
     * @param part runs one part, given its index; parts run in any order, several at a time
     */
    void run(int parts, IntConsumer part) {
        if (parts == 1) {
            part.accept(0);
            return;
        }
        Job job = new Job(parts, part);
        for (int i = 1; i < Math.min(parts, size); i++) {
            workers.execute(job);
        }
        job.run();
        job.await();
    }

    /** Parts that are taken by whoever comes. */
    private static final class Job implements Runnable {
        private final int parts;
        private final IntConsumer part;
        private final Thread caller = Thread.currentThread();
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger unfinished;
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        private Job(int parts, IntConsumer part) {
            this.parts = parts;
            this.part = part;
            this.unfinished = new AtomicInteger(parts);
        }

        @Override
        public void run() {
            for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
                try {
                    part.accept(i);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                } finally {
                    if (unfinished.decrementAndGet() == 0) {
                        LockSupport.unpark(caller);
                    }
                }
            }
        }

        private void await() {
            while (unfinished.get() > 0) {
                LockSupport.park(this);
            }
            Throwable thrown = failure.get();
            if (thrown instanceof RuntimeException e) {
                throw e;
            }
            if (thrown instanceof Error e) {
                throw e;
            }
        }
    }

    /**
     * Where a part begins; it ends where the next begins. Boundaries are multiples of 8 entries but for the last.
     *
     * @param length size of the dimension
     * @param parts number of parts
     * @param index index of the part, up to {@code parts}
     * @return first entry
     */
    static long start(long length, int parts, int index) {
        return index == parts ? length : length * index / parts / 8 * 8;
    }
}
