package org.nullspace.backend;

/** Kinds of machines that a backend computes on. */
public enum DeviceKind {
    /** The host's processor. */
    CPU,
    /** A CUDA device. */
    CUDA
}
