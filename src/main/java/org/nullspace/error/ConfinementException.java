package org.nullspace.error;

/** Memory or a session that is confined to one thread was used from another. The message names both threads. */
public final class ConfinementException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param what the confined object
     * @param owner the thread it belongs to
     */
    public ConfinementException(String what, Thread owner) {
        super(what + " belongs to thread \"" + owner.getName() + "\" and was used from thread \""
                + Thread.currentThread().getName() + "\"");
    }
}
