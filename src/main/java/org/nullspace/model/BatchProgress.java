package org.nullspace.model;

/**
 * Told how far work on a batch has come, and asked whether to go on. Called on the thread that called, never at the same time from two
 * threads, after every tile of problems.
 */
@FunctionalInterface
public interface BatchProgress {
    /** Tells nobody and always goes on. */
    BatchProgress NONE = (done, total) -> true;

    /**
     * Some more problems are done.
     *
     * @param done problems done so far, the failed ones among them
     * @param total problems in all
     * @return true to go on; false to stop, upon which {@link org.nullspace.error.CancelledException} is thrown
     */
    boolean at(long done, long total);
}
