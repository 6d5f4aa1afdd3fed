package org.nullspace.backend.openblas;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import org.nullspace.error.InvalidInputException;

/**
 * The one owner of OpenBLAS's thread count, which belongs to the whole process. Its threads spin while they wait, so several Java
 * threads that each use several BLAS threads bring each other to a halt. Hence two kinds of calls:
 *
 * <ul>
 *   <li><b>Small</b>: one BLAS thread each, any number of Java threads at the same time.
 *   <li><b>Large</b> (at least {@link #LARGE_FLOPS}): alone in the process, with all threads.
 * </ul>
 *
 * <p>This is a read/write lock made for the readers: a small call writes a flag of its own session and reads one that hardly ever
 * changes; there is no shared counter and no system call. A large call raises the common flag, then waits until no session is inside a
 * small call, each of which takes less than a few milliseconds. A small call that meets the raised flag steps back and queues for the lock.
 *
 * <p>Other users of the same OpenBLAS in this process who change its thread count change the speed of small calls, never a result.
 */
final class OpenBlasThreads {
    /**
     * Floating-point operations from which a call gets all threads.
     */
    static final double LARGE_FLOPS = 4e6;

    /** System property for the number of threads of large calls; the default is the number of available processors. */
    static final String PROPERTY = "nullspace.threads";

    /** OpenBLAS is built for at most so many. */
    private static final int MAX_THREADS = 64;

    private static final long WAIT_NANOS = 20_000;

    private final IntConsumer setCount;
    private final int threads;
    private final ReentrantLock turn = new ReentrantLock(true);
    private final Set<Caller> callers = ConcurrentHashMap.newKeySet();
    private volatile boolean exclusive;

    /**
     * Takes over the thread count.
     *
     * @param setCount sets the thread count of the process
     * @param threads threads of large calls
     */
    OpenBlasThreads(IntConsumer setCount, int threads) {
        this.setCount = setCount;
        this.threads = threads;
        setCount.accept(1);
    }

    /**
     * The owner of this process, made (and OpenBLAS loaded) by the first call.
     *
     * @return the owner
     * @throws LinkageError if OpenBLAS cannot be loaded
     * @throws InvalidInputException if the system property is not a number of threads
     */
    static OpenBlasThreads shared() {
        return Shared.INSTANCE;
    }

    private static final class Shared {
        private static final OpenBlasThreads INSTANCE = new OpenBlasThreads(BlasThreadCount.setter(), configured());
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
     * Threads of large calls.
     *
     * @return number of threads
     */
    int count() {
        return threads;
    }

    /**
     * A new caller. One thread at a time may use it.
     *
     * @return a caller, to be closed
     */
    Caller caller() {
        Caller caller = new Caller();
        callers.add(caller);
        return caller;
    }

    /** Somebody who calls OpenBLAS from one thread at a time: a session. */
    final class Caller implements AutoCloseable {
        private volatile boolean inside;

        private Caller() {}

        /**
         * Runs calls of OpenBLAS, alone with all threads if they are large.
         *
         * @param flops floating-point operations of the work
         * @param work the calls; must not use this class
         * @return what the work returns
         */
        int run(double flops, IntSupplier work) {
            return flops < LARGE_FLOPS || threads == 1 ? runSmall(work) : runLarge(work);
        }

        private int runSmall(IntSupplier work) {
            inside = true;
            if (exclusive) {
                inside = false;
                turn.lock();
                inside = true;
                turn.unlock();
            }
            try {
                return work.getAsInt();
            } finally {
                inside = false;
            }
        }

        private int runLarge(IntSupplier work) {
            turn.lock();
            try {
                exclusive = true;
                awaitSmallCalls();
                setCount.accept(threads);
                try {
                    return work.getAsInt();
                } finally {
                    setCount.accept(1);
                    exclusive = false;
                }
            } finally {
                turn.unlock();
            }
        }

        @Override
        public void close() {
            callers.remove(this);
        }
    }

    private void awaitSmallCalls() {
        for (Caller caller : callers) {
            for (int spins = 0; caller.inside; spins++) {
                if (spins < 100) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(WAIT_NANOS);
                }
            }
        }
    }
}
