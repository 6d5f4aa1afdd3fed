package org.nullspace.error;

/**
 * An allocation was refused before it was made, or failed. The message names what was to be stored, how many bytes it needs, how many
 * there are, and what to do instead.
 */
public final class InsufficientMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Bytes that were asked for, or a negative number where that is not known. */
    private final long requestedBytes;

    /** Bytes that could be had at most, or a negative number where that is not known. */
    private final long availableBytes;

    /**
     * Creates the exception.
     *
     * @param what what was to be stored, and the way out
     * @param requestedBytes bytes asked for
     * @param availableBytes bytes that could be had, negative when unknown
     */
    public InsufficientMemoryException(String what, long requestedBytes, long availableBytes) {
        super(what + ": " + requestedBytes + " bytes needed"
                + (availableBytes < 0 ? "" : ", " + availableBytes + " bytes available"));
        this.requestedBytes = requestedBytes;
        this.availableBytes = availableBytes;
    }

    /**
     * Creates the exception for a library that does not say how much it needs.
     *
     * @param message what failed, where
     */
    public InsufficientMemoryException(String message) {
        super(message);
        this.requestedBytes = -1;
        this.availableBytes = -1;
    }

    /**
     * Bytes that were asked for.
     *
     * @return bytes that were asked for, negative when unknown
     */
    public long requestedBytes() {
        return requestedBytes;
    }

    /**
     * Bytes that could be had at most.
     *
     * @return bytes that could be had at most, negative when unknown
     */
    public long availableBytes() {
        return availableBytes;
    }
}
