package org.nullspace.model;

import java.util.List;

/**
 * What would be done for a problem of a given shape, without doing it.
 *
 * @param methods the methods that will be tried, in order; the first that can vouch for its result ends the list
 * @param reasons why, one sentence each
 * @param backend the backend that will compute, with its device
 * @param workspaceBytes most memory of the device that will be taken at one time in addition to X and Y where they were handed in, when
 *     the first method succeeds; on a device with memory of its own, its copies of X and Y count
 * @param worstWorkspaceBytes the same for the method that needs most
 * @param availableBytes memory of the device in all
 * @param streamed whether X stays on the host, although the device has memory of its own, and is read there whenever it is needed
 * @param hostBytes most memory of the host that will be taken in addition to X and Y, where the device has memory of its own
 */
public record Plan(
        List<Method> methods,
        List<String> reasons,
        String backend,
        long workspaceBytes,
        long worstWorkspaceBytes,
        long availableBytes,
        boolean streamed,
        long hostBytes) {
    /**
     * Copies the lists.
     *
     * @param methods methods in the order in which they are tried
     * @param reasons why
     * @param backend backend and device
     * @param workspaceBytes memory for the first method
     * @param worstWorkspaceBytes memory for the method that needs most
     * @param availableBytes memory of the device
     * @param streamed whether X stays on the host
     * @param hostBytes memory of the host beside that of the device
     */
    public Plan {
        methods = List.copyOf(methods);
        reasons = List.copyOf(reasons);
    }

    /**
     * The plan for people.
     *
     * @return a few lines
     */
    public String explain() {
        return "methods: " + methods + " on " + backend + "\n  - " + String.join("\n  - ", reasons) + "\nworkspace: "
                + workspaceBytes + " bytes, at most " + worstWorkspaceBytes + " bytes; the device has " + availableBytes
                + " bytes"
                + (hostBytes == 0 ? "" : "; on the host at most " + hostBytes + " bytes");
    }
}
