package org.nullspace.matrix;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;
import org.nullspace.error.InsufficientMemoryException;

/**
 * Host memory that belongs to nobody's scope and is freed after it has become unreachable. The garbage collector does not see how much
 * memory hangs on its small objects, so that it is asked to run whenever the memory allocated here and not yet freed has grown by a
 * quarter of the machine's memory above its last low, and before an allocation is refused.
 */
final class AutomaticMemory {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicLong LIVE_BYTES = new AtomicLong();
    private static final long LONGEST_PAUSE_MILLIS = 64;

    private static final long GROWTH = HostMemory.physicalBytes() / 4;

    private static long low;

    private AutomaticMemory() {}

    /** Bytes that have been allocated and not yet freed. */
    static long liveBytes() {
        return LIVE_BYTES.get();
    }

    static HostMemory allocate(long bytes, boolean zeroed, String what) {
        collectIfDue(bytes);
        try {
            return allocateNow(bytes, zeroed, what);
        } catch (InsufficientMemoryException e) {
            if (bytes > HostMemory.physicalBytes() || LIVE_BYTES.get() == 0) {
                throw e;
            }
            collect(0);
            return allocateNow(bytes, zeroed, what);
        }
    }

    private static HostMemory allocateNow(long bytes, boolean zeroed, String what) {
        MemoryScope scope = MemoryScope.open();
        HostMemory memory = HostMemory.allocate(scope, bytes, zeroed, what);
        LIVE_BYTES.addAndGet(bytes);
        scope.register(() -> LIVE_BYTES.addAndGet(-bytes), 0);
        CLEANER.register(memory, scope::close);
        return memory;
    }

    private static synchronized void collectIfDue(long bytes) {
        low = Math.min(low, LIVE_BYTES.get());
        if (LIVE_BYTES.get() + bytes - low > GROWTH && LIVE_BYTES.get() > 0) {
            collect(low);
            low = LIVE_BYTES.get();
        }
    }

    /** Asks for a collection and gives the cleaner some time to bring the live bytes down to a target. */
    private static void collect(long target) {
        System.gc();
        try {
            for (long pause = 1; pause <= LONGEST_PAUSE_MILLIS && LIVE_BYTES.get() > target; pause *= 2) {
                Thread.sleep(pause);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
