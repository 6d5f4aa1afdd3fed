package org.nullspace.backend;

import java.util.List;

/**
 * What a backend found on this machine, for people who want to know why it can or cannot be used.
 *
 * @param findings each thing that the backend needs, in the order in which it is needed
 * @param advice what to do next, the first thing first; empty if there is nothing to do
 */
public record Report(List<Finding> findings, List<String> advice) {
    /**
     * Copies the lists.
     *
     * @param findings each thing that is needed
     * @param advice what to do next
     */
    public Report {
        findings = List.copyOf(findings);
        advice = List.copyOf(advice);
    }
}
