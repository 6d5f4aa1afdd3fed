package org.nullspace.error;

/** A result was asked of a problem that has none, because its outcome was a failure. The message says what happened and what to do. */
public final class NoSolutionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message the outcome, where, and what to do
     */
    public NoSolutionException(String message) {
        super(message);
    }
}
