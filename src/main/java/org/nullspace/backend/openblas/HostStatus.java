package org.nullspace.backend.openblas;

import org.nullspace.backend.Status;
import org.nullspace.matrix.MemoryScope;

/**
 * Status words on the host.
 *
 * @param scope the scope they were made in
 * @param words one per problem
 */
record HostStatus(MemoryScope scope, int[] words) implements Status {
    @Override
    public int size() {
        return words.length;
    }
}
