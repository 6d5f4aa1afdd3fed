package org.nullspace.backend;

import java.util.List;

/**
 * Entry point of a backend, found by {@link java.util.ServiceLoader}. Loading a provider must never fail because a library, driver or
 * device is missing: that is what {@link #probe()} tells.
 */
public interface BackendProvider {
    /**
     * Short lower-case name, for example {@code openblas} or {@code cuda}.
     *
     * @return the name
     */
    String name();

    /**
     * Whether this backend computes on the CPU or on a CUDA device.
     *
     * @return the kind
     */
    DeviceKind kind();

    /**
     * Whether the backend can be used on this machine, with all reasons if not. Cheap after the first call.
     *
     * @return the verdict
     */
    Availability probe();

    /**
     * What {@link #probe()} looked at, found or not. Never fails.
     *
     * @return findings and advice; nothing unless the backend has more to say than {@link #probe()}
     */
    default Report report() {
        return new Report(List.of(), List.of());
    }

    /**
     * Opens an ordered queue of work on one device.
     *
     * @param device index of the device, 0 for the CPU
     * @return a new session, to be closed by the caller
     * @throws org.nullspace.error.BackendUnavailableException if {@link #probe()} says no
     */
    Session open(int device);
}
