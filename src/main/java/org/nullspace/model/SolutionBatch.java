package org.nullspace.model;

import java.util.List;
import org.nullspace.matrix.Matrix;
import org.nullspace.random.SplitMix64;

/**
 * The solution sets of a batch of regressions of one shape: X B×n×d, Y B×n×k, coefficients B×d×k.
 *
 * <p><b>Trouble stays within a problem.</b> A problem that failed has rank −1, all that belongs to it is NaN, and it leaves the others alone.
 *
 * <p><b>Members for all problems</b> ({@link #closestTo}, {@link #random}, …) are what {@link SolutionSet} says of each problem, but for
 * rounding. An argument of batch size 1 serves all problems. Results are new float64 host matrices that belong to the caller.
 *
 * <p><b>Memory.</b> The batch keeps views of X, which must stay alive and unchanged until it is closed, and a copy of Y. Factorizations are
 * kept only where they take little; otherwise what needs one factorizes again, a tile at a time.
 *
 * <p><b>Threads.</b> Any thread may call; calls on one batch may wait for each other.
 */
public interface SolutionBatch extends AutoCloseable {
    // ---- what it is

    /**
     * Number of problems.
     *
     * @return B
     */
    int size();

    /**
     * The solution set of one problem; ends with the batch. It may be made when it is first asked for, which takes the time and memory of a
     * single solve. Any thread may ask; the same object is returned each time.
     *
     * @param index index of the problem
     * @return its solution set
     * @throws org.nullspace.error.ClosedException if it has still to be made and the batch has been closed
     */
    SolutionSet problem(int index);

    /**
     * What happened to each problem.
     *
     * @return a new array
     */
    Outcome[] outcomes();

    /**
     * What happened to one problem.
     *
     * @param index index of the problem
     * @return its outcome
     */
    Outcome outcome(int index);

    /**
     * Problems that were lost because a device failed.
     *
     * @return in ascending order; empty if there are none
     */
    List<BatchFailure> failures();

    /**
     * Rank of each problem.
     *
     * @return a new array; −1 for a problem that failed
     */
    int[] ranks();

    /**
     * Rank of one problem.
     *
     * @param index index of the problem
     * @return r; −1 for a problem that failed
     */
    int rank(int index);

    /**
     * Backend and device that computed, for people.
     *
     * @return one line
     */
    String backend();

    /**
     * Singular values of all problems. Computed on the first call unless {@link SolveOptions#spectrum()} was set.
     *
     * @return B×p×1, float64, in descending order, p = min(n,d); with weights or an intercept, as {@link SolutionSet#singularValues()} says.
     *     A view that is valid until the batch is closed
     */
    Matrix singularValues();

    /**
     * The rank decision of one problem, from {@link #singularValues()}.
     *
     * @param index index of the problem
     * @return the decision
     * @throws org.nullspace.error.NoSolutionException if the problem failed
     */
    RankDecision rankDecision(int index);

    /**
     * ‖Xw − y‖ for each target, the same for all members. Computed on the first call.
     *
     * @return B×1×k, float64, NaN also where a device has been lost meanwhile; a view that is valid until the batch is closed
     */
    Matrix residualNorms();

    // ---- members

    /**
     * Minimum-norm solutions. Those of small problems that were solved together differ by rounding from {@code problem(b).minimumNorm()}.
     *
     * @return B×d×k, in the precision of X; a view that is valid until the batch is closed
     */
    Matrix minimumNorm();

    /**
     * Constant terms of the minimum-norm solutions, 0 without {@link InterceptRule#UNPENALISED}.
     *
     * @return B×1×k, float64; a view that is valid until the batch is closed
     */
    Matrix intercepts();

    /**
     * The members nearest to prior guesses.
     *
     * @param prior B×d×k or 1×d×k
     * @return B×d×k
     */
    Matrix closestTo(Matrix prior);

    /**
     * What gradient descent converges to: {@link SolutionSet#gradientDescentLimit}.
     *
     * @param start first iterates, B×d×k or 1×d×k
     * @return B×d×k
     */
    Matrix gradientDescentLimit(Matrix start);

    /**
     * Random members at a given distance from the minimum-norm solutions: for problem b that of {@link SolutionSet#random} with
     * {@link #seedOf seedOf(seed, b)}, so that problems are independent of each other and of the size of the batch.
     *
     * @param seed seed of the generator
     * @param radius distance ‖w − w₀‖ of each column, at least 0
     * @return B×d×k
     */
    Matrix random(long seed, double radius);

    /**
     * The seed that {@link #random} uses for a problem: of each seed, all problems have different ones.
     *
     * @param seed seed of the batch
     * @param index index of the problem
     * @return the seed of the problem
     */
    static long seedOf(long seed, long index) {
        return SplitMix64.at(seed, index);
    }

    /**
     * Members with some coefficients prescribed, the same coefficients in all problems.
     *
     * @param indices indices of the coefficients, without repetition
     * @param values their values, one row for each index: B×m×1 or 1×m×1, the same for all targets of a problem
     * @return the members of least norm, or the nearest misses
     */
    FixedCoefficientsBatch fixing(int[] indices, Matrix values);

    /**
     * Ridge solutions with one penalty for all problems: {@link SolutionSet#ridge}.
     *
     * @param lambda penalty, finite and at least 0
     * @return B×d×k
     */
    Matrix ridge(double lambda);

    /**
     * The null spaces of all problems.
     *
     * @return an operator that ends with the batch
     */
    NullSpaceBatch nullSpaces();

    // ---- predictions

    /**
     * Predictions of the minimum-norm solutions, intercepts included.
     *
     * @param x samples, B×m×d or 1×m×d
     * @return B×m×k
     */
    Matrix predict(Matrix x);

    /**
     * Predictions of given coefficients, with the intercepts that belong to them.
     *
     * @param x samples, B×m×d or 1×m×d
     * @param w coefficients, B×d×k or 1×d×k
     * @return B×m×k
     */
    Matrix predict(Matrix x, Matrix w);

    /** Frees the memory of all problems. */
    @Override
    void close();
}
