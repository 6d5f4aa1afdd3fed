package org.nullspace.error;

import org.jspecify.annotations.Nullable;

/**
 * Data or an option that cannot be used: malformed files, non-finite numbers where only finite ones are allowed, values outside
 * their range. The message names what is wrong and where (file, row, column or option).
 */
public final class InvalidInputException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what is wrong and where
     */
    public InvalidInputException(String message) {
        super(message);
    }

    /**
     * Creates the exception with the failure underneath.
     *
     * @param message what is wrong and where
     * @param cause the failure underneath
     */
    public InvalidInputException(String message, Throwable cause) {
        super(message, cause);
    }

    /**
     * Checks that an argument is there.
     *
     * @param name name of the argument, for the message
     * @param value the argument
     * @param <T> its type
     * @return the argument
     * @throws InvalidInputException if the argument is null
     */
    public static <T> T requireNonNull(String name, @Nullable T value) {
        if (value == null) {
            throw new InvalidInputException(name + " is null");
        }
        return value;
    }
}
