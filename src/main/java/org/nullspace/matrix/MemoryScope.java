package org.nullspace.matrix;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.ClosedException;
import org.nullspace.error.ConfinementException;

/**
 * Owner of off-heap memory: closing the scope frees everything that was allocated in it, and every later access fails with
 * {@link ClosedException}. Scopes nest: a scope opened with {@link #nested()} is closed with its parent at the latest.
 *
 * <p><b>Threads.</b> A {@linkplain #open() shared} scope may be used from any thread; the caller makes sure that no thread still reads
 * its memory when it is closed. A {@linkplain #confined() confined} scope and its memory may be used by the thread that opened it only;
 * any other gets a {@link ConfinementException}.
 */
public final class MemoryScope implements AutoCloseable {
    private final @Nullable Thread owner;
    private final @Nullable MemoryScope parent;
    private final Deque<Runnable> releases = new ArrayDeque<>();
    private long liveBytes;
    private volatile boolean closed;

    private MemoryScope(@Nullable Thread owner, @Nullable MemoryScope parent) {
        this.owner = owner;
        this.parent = parent;
    }

    /**
     * Opens a scope that any thread may use.
     *
     * @return a new scope, to be closed by the caller
     */
    public static MemoryScope open() {
        return new MemoryScope(null, null);
    }

    /**
     * Opens a scope that only the calling thread may use.
     *
     * @return a new scope, to be closed by the caller on the same thread
     */
    public static MemoryScope confined() {
        return new MemoryScope(Thread.currentThread(), null);
    }

    /**
     * Opens a scope inside this one, with the same thread rule.
     *
     * @return a new scope; closed by the caller, or with this scope
     */
    public MemoryScope nested() {
        MemoryScope child = new MemoryScope(owner, this);
        register(new ChildClose(child), 0);
        return child;
    }

    /**
     * Bytes that are allocated in this scope and not yet freed, those of nested scopes not counted.
     *
     * @return bytes
     */
    public synchronized long liveBytes() {
        return liveBytes;
    }

    /**
     * Whether only the thread that opened the scope may use it and its memory.
     *
     * @return true for a {@linkplain #confined() confined} scope and those nested in it
     */
    public boolean isConfined() {
        return owner != null;
    }

    /**
     * Whether the scope has been closed.
     *
     * @return true once {@link #close()} has been called
     */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Hands a release action to the scope; it runs once, when the scope is closed. For those who allocate memory of their own kind
     * (backends).
     *
     * @param release frees the memory
     * @param bytes how many bytes it frees
     */
    public void register(Runnable release, long bytes) {
        checkThread("a memory scope");
        synchronized (this) {
            if (closed) {
                throw new ClosedException("a memory scope was used after it had been closed");
            }
            releases.push(release);
            liveBytes += bytes;
        }
    }

    /**
     * Checks that memory of this scope may be touched now, by this thread.
     *
     * @param what what is being used, for the message
     * @throws ClosedException if the scope has been closed
     * @throws ConfinementException if the scope is confined to another thread
     */
    public void checkUsable(Object what) {
        if (closed) {
            throw new ClosedException(what + " was used after its memory scope had been closed");
        }
        checkThread(what);
    }

    private void checkThread(Object what) {
        if (owner != null && owner != Thread.currentThread()) {
            throw new ConfinementException(what.toString(), owner);
        }
    }

    /**
     * Frees all memory of this scope and of the scopes nested in it, the newest first. Closing again has no effect. If releases fail, the
     * others run nevertheless; the first failure is thrown with the later ones suppressed in it.
     *
     * @throws ConfinementException if the scope is confined to another thread
     */
    @Override
    public void close() {
        checkThread("a memory scope");
        Deque<Runnable> toRun;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            toRun = new ArrayDeque<>(releases);
            releases.clear();
            liveBytes = 0;
        }
        Throwable failure = null;
        for (Runnable release : toRun) {
            try {
                release.run();
            } catch (RuntimeException | Error e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (parent != null) {
            parent.forget(this);
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException exception) {
            throw exception;
        }
    }

    private synchronized void forget(MemoryScope child) {
        if (!closed) {
            releases.removeIf(release -> release instanceof ChildClose c && c.child() == child);
        }
    }

    private record ChildClose(MemoryScope child) implements Runnable {
        @Override
        public void run() {
            child.close();
        }
    }
}
