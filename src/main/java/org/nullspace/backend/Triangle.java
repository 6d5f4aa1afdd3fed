package org.nullspace.backend;

/** Which half of a square matrix an operation reads; the entries of the other half are never touched. */
public enum Triangle {
    /** On and below the diagonal. */
    LOWER,
    /** On and above the diagonal. */
    UPPER
}
