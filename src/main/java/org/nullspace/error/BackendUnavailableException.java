package org.nullspace.error;

import java.util.List;

/** A backend that was asked for by name cannot be used on this machine. Carries every reason that was found. */
public final class BackendUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Every reason found, in the order of the checks. */
    private final String[] reasons;

    /**
     * Creates the exception.
     *
     * @param backend the backend asked for
     * @param reasons every reason found, in the order of the checks
     */
    public BackendUnavailableException(String backend, List<String> reasons) {
        super(backend + " cannot be used on this machine:\n  - " + String.join("\n  - ", reasons));
        this.reasons = reasons.toArray(String[]::new);
    }

    /**
     * Every reason found.
     *
     * @return the reasons, in the order of the checks
     */
    public List<String> reasons() {
        return List.of(reasons);
    }
}
