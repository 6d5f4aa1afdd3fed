package org.nullspace.error;

/** Something was used after it, or the memory scope that it lives in, had been closed. */
public final class ClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what was used and what had been closed
     */
    public ClosedException(String message) {
        super(message);
    }
}
