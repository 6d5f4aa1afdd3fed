package org.nullspace.model;

import java.util.List;
import org.nullspace.matrix.Matrix;

/**
 * X, factorized once, to be solved for any number of Y. Calls from several threads are carried out one after the other.
 *
 * <p><b>Memory.</b> Keeps a view of X (not a copy), which must stay alive and unchanged until the factorization and the solution sets and ridge paths made
 * from it have been closed, and memory of its own, which {@link #close()} frees.
 */
public interface Factorization extends AutoCloseable {
    /**
     * The solution set for targets Y.
     *
     * @param y targets, n×k, on the host; only read during the call
     * @return the solution set; it uses the memory of this factorization and ends with it
     */
    SolutionSet solve(Matrix y);

    /**
     * Ridge solutions for targets Y and their scores, without the solution set: nothing is computed before it is asked for.
     *
     * @param y targets, n×k, on the host; only read during the call
     * @param penalties finite numbers of at least 0, in any order; copied
     * @return the path, to be closed by the caller; ends with this factorization
     * @throws org.nullspace.error.ShapeMismatchException if Y does not have n rows
     * @throws org.nullspace.error.InvalidInputException if an entry of Y is not finite, or a penalty is not a finite number of at least 0
     * @throws org.nullspace.error.NoSolutionException if X has no factorization
     */
    RidgePath ridgePath(Matrix y, double... penalties);

    /**
     * What happened to X.
     *
     * @return the outcome
     */
    Outcome outcome();

    /**
     * Rank of X at the tolerance used.
     *
     * @return rank
     */
    int rank();

    /**
     * The method that produced the factorization.
     *
     * @return never {@link Method#AUTO}
     */
    Method method();

    /**
     * What was tried and why it was kept or dropped, one sentence for each method.
     *
     * @return the history, oldest first
     */
    List<String> history();

    /** Frees the memory of the factorization. Solution sets and ridge paths made from it cannot be used afterwards. */
    @Override
    void close();
}
