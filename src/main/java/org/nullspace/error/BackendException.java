package org.nullspace.error;

/** A routine of a backend failed in a way that is neither misuse nor a numerical outcome. The message names routine, code and shapes. */
public sealed class BackendException extends RuntimeException permits DeviceLostException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message routine, code with its meaning, shapes
     */
    public BackendException(String message) {
        super(message);
    }
}
