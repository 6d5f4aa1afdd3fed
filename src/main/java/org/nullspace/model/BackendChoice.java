package org.nullspace.model;

/** Where to compute. */
public enum BackendChoice {
    /** A GPU if one can be used, otherwise the CPU; the result says which and why. */
    AUTO,
    /** The CPU. */
    CPU,
    /** A CUDA device; an error with all reasons if none can be used. */
    CUDA
}
