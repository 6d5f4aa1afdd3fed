package org.nullspace.error;

/** Two operands have shapes that do not fit together. The message names both operands and both shapes. */
public final class ShapeMismatchException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message both operands, both shapes, and what was expected
     */
    public ShapeMismatchException(String message) {
        super(message);
    }
}
