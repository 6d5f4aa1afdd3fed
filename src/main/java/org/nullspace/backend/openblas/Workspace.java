package org.nullspace.backend.openblas;

import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.MemoryScope;

/** Memory for intermediate results that a session keeps from call to call: grown on demand, large pieces are given back after the call. */
final class Workspace implements AutoCloseable {
    /** What is kept between calls at most, in bytes. */
    private static final long KEPT = 32L << 20;

    private @Nullable HostMemory memory;
    private @Nullable MemoryScope scope;

    /**
     * Memory with undefined content, valid until the next call of any method.
     *
     * @param bytes size
     * @param what what it is for, for the message of a failure
     * @return memory of at least that size
     */
    HostMemory atLeast(long bytes, String what) {
        HostMemory current = memory;
        if (current != null && current.byteSize() >= bytes) {
            return current;
        }
        close();
        MemoryScope fresh = MemoryScope.open();
        HostMemory allocated = HostMemory.allocate(fresh, bytes, false, what);
        scope = fresh;
        memory = allocated;
        return allocated;
    }

    /** Gives memory back that is too large to be kept. */
    void trim() {
        if (memory != null && memory.byteSize() > KEPT) {
            close();
        }
    }

    @Override
    public void close() {
        if (scope != null) {
            scope.close();
        }
        scope = null;
        memory = null;
    }
}
