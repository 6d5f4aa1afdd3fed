package org.nullspace.model;

/**
 * Neighbouring problems of a batch that were lost because a device, or its memory, failed under them. Their outcome is
 * {@link Outcome#NOT_COMPUTED}.
 *
 * @param first index of the first problem
 * @param count number of problems
 * @param cause what failed
 */
public record BatchFailure(long first, long count, RuntimeException cause) {
    /**
     * The problems and what happened, for people.
     *
     * @return one sentence
     */
    public String text() {
        return (count == 1 ? "problem " + first : "problems " + first + " to " + (first + count - 1))
                + (count == 1 ? " was" : " were") + " not computed: " + cause.getMessage();
    }
}
