package org.nullspace.model;

/** What role a constant term plays. */
public enum InterceptRule {
    /** No constant term, unless X has a column of ones. Such a column counts in the norm like any other. */
    NONE,
    /**
     * A constant term that the norm does not count: X and Y are centred (by weighted means when there are sample weights), the centred
     * problem is solved, and the constant is recovered as the mean of Y minus the mean of X times W. This is the limit of ridge
     * regression with an unpenalised intercept as the penalty goes to 0. Adding a constant to Y moves only the intercept; adding a
     * constant to a column of X leaves W alone.
     */
    UNPENALISED
}
