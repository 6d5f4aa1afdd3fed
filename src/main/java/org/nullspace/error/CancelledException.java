package org.nullspace.error;

/** Work on a batch was stopped at the caller's wish. The message says how much had been done. */
public final class CancelledException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Problems that had been done. */
    private final long done;

    /** Problems in all. */
    private final long total;

    /**
     * Creates the exception.
     *
     * @param done problems that had been done
     * @param total problems in all
     */
    public CancelledException(long done, long total) {
        super("cancelled after " + done + " of " + total + " problems");
        this.done = done;
        this.total = total;
    }

    /**
     * Problems that had been done.
     *
     * @return number of problems
     */
    public long done() {
        return done;
    }

    /**
     * Problems in all.
     *
     * @return number of problems
     */
    public long total() {
        return total;
    }
}
