package org.nullspace.backend.openblas;

import org.nullspace.backend.Status;
import org.nullspace.matrix.MemoryScope;

/** Status words on the host. */
final class HostStatus implements Status {
    private final MemoryScope scope;
    private final int[] words;

    HostStatus(MemoryScope scope, int size) {
        this.scope = scope;
        this.words = new int[size];
    }

    @Override
    public int size() {
        return words.length;
    }

    /** The words themselves, as long as the scope is open. */
    int[] words() {
        scope.checkUsable("the status");
        return words;
    }
}
