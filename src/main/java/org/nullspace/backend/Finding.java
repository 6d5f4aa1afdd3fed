package org.nullspace.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing that a backend needs, and what became of it.
 *
 * @param name what it is, for example {@code libcublas.so.12} or {@code NVIDIA driver}
 * @param found whether it is there and can be used
 * @param path where it was found; null if it was not, or is no file
 * @param version its version; null if that is not known
 * @param detail what else there is to say, in one line; empty if nothing
 * @param searched if it was not found: every place where it was looked for, in that order
 */
public record Finding(
        String name,
        boolean found,
        @Nullable String path,
        @Nullable String version,
        String detail,
        List<String> searched) {
    /**
     * Copies the list.
     *
     * @param name what it is
     * @param found whether it can be used
     * @param path where it was found
     * @param version its version
     * @param detail what else there is to say
     * @param searched where it was looked for
     */
    public Finding {
        searched = List.copyOf(searched);
    }
}
