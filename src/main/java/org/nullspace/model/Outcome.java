package org.nullspace.model;

/** What happened to one problem. A value, never an exception, so that one problem of a batch does not spoil another. */
public enum Outcome {
    /** Solved; rank(X) = min(n, d). */
    FULL_RANK(true, "solved, X has full rank"),
    /** Solved; rank(X) is less than min(n, d) at the tolerance used. */
    RANK_REDUCED(
            true,
            "solved, X has less than full rank at the tolerance used: rankDecision() shows the gap and the rank under other tolerances"),
    /** X, Y or a sample weight holds NaN or an infinity. All results of this problem are NaN. */
    NON_FINITE_INPUT(false, "the input holds NaN or an infinity: remove or impute those samples"),
    /** The singular value iteration did not converge with any algorithm. All results of this problem are NaN. */
    NOT_CONVERGED(
            false,
            "the singular value iteration did not converge: rescale the columns, or solve with another method or backend"),
    /** The coefficients exceed the largest number of the precision, or σ₁ that of float64. All results of this problem are NaN. */
    OVERFLOW(
            false,
            "the coefficients or the singular values exceed the range of the number format: rescale X or Y, or use float64"),
    /** Of a batch: the device or its memory failed while the problem was solved. All results of this problem are NaN. */
    NOT_COMPUTED(
            false,
            "the device failed before the problem was solved: failures() of the batch says how, solve with another device");

    private final boolean solved;
    private final String text;

    Outcome(boolean solved, String text) {
        this.solved = solved;
        this.text = text;
    }

    /**
     * Whether there is a solution.
     *
     * @return true if the problem was solved
     */
    public boolean isSolved() {
        return solved;
    }

    /**
     * What happened and what to do.
     *
     * @return one sentence
     */
    public String text() {
        return text;
    }
}
