package org.nullspace.error;

/**
 * A device failed in a way that makes its context useless to this process: sessions on it are dead, what lies in its memory is lost, and
 * only a new process can use it again. Everything on the host is untouched.
 */
public final class DeviceLostException extends BackendException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message device, routine, code with its meaning, shapes
     */
    public DeviceLostException(String message) {
        super(message);
    }
}
