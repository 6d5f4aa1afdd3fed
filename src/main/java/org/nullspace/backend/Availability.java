package org.nullspace.backend;

import java.util.List;

/**
 * Whether a backend can be used, and why not.
 *
 * @param usable whether sessions can be opened
 * @param devices one line for each device that can be used, in the order of their indices
 * @param reasons if not usable: every reason that was found, each naming what was looked for and where
 */
public record Availability(boolean usable, List<String> devices, List<String> reasons) {
    /**
     * Copies the lists.
     *
     * @param usable whether sessions can be opened
     * @param devices one line for each usable device
     * @param reasons why the backend cannot be used
     */
    public Availability {
        devices = List.copyOf(devices);
        reasons = List.copyOf(reasons);
    }
}
