package org.nullspace.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One backend on this machine: whether it can be used, everything that it looked for, and what to do if it cannot.
 *
 * @param name name of the backend, {@code openblas} or {@code cuda}
 * @param gpu whether it computes on a GPU
 * @param usable whether problems can be solved with it
 * @param devices one line for each device
 * @param parts each thing that the backend needs, in the order in which it is needed
 * @param reasons if it is not usable: every reason, each naming what was looked for and where
 * @param advice what to do next, the first thing first; empty if there is nothing to do
 */
public record BackendReport(
        String name,
        boolean gpu,
        boolean usable,
        List<String> devices,
        List<Part> parts,
        List<String> reasons,
        List<String> advice) {
    /**
     * Copies the lists.
     *
     * @param name name of the backend
     * @param gpu whether it computes on a GPU
     * @param usable whether it can be used
     * @param devices its devices
     * @param parts what it needs
     * @param reasons why it cannot be used
     * @param advice what to do next
     */
    public BackendReport {
        devices = List.copyOf(devices);
        parts = List.copyOf(parts);
        reasons = List.copyOf(reasons);
        advice = List.copyOf(advice);
    }

    /**
     * Something that a backend needs: a driver, a library.
     *
     * @param name what it is, for example {@code libcublas.so.12}
     * @param found whether it is there and can be used
     * @param path its file; null if it was not found or is none
     * @param version its version; null if that is not known
     * @param detail what else there is to say, in one line; empty if nothing
     * @param searched if it was not found: every place where it was looked for, in that order
     */
    public record Part(
            String name,
            boolean found,
            @Nullable String path,
            @Nullable String version,
            String detail,
            List<String> searched) {
        /**
         * Copies the list.
         *
         * @param name what it is
         * @param found whether it can be used
         * @param path its file
         * @param version its version
         * @param detail what else there is to say
         * @param searched where it was looked for
         */
        public Part {
            searched = List.copyOf(searched);
        }
    }
}
