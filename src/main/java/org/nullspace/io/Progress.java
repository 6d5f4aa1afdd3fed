package org.nullspace.io;

/** Told how far a long read or write has come. Called on the thread that reads or writes, after every few megabytes. */
@FunctionalInterface
public interface Progress {
    /** Tells nobody. */
    Progress NONE = (done, total) -> {};

    /**
     * Some more bytes are done.
     *
     * @param done bytes done so far
     * @param total bytes in all, or a negative number where that is not known
     */
    void at(long done, long total);
}
