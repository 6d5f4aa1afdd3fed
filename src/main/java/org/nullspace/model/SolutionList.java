package org.nullspace.model;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.Matrix;

/**
 * The solution sets of a list of regressions whose shapes may differ (ragged). Problems of one shape are solved as one batch; what is asked of
 * all of them is asked of each {@linkplain Group group}. Arguments and results are lists with one matrix for each problem; results are float64
 * host matrices, those of one group views of one memory.
 */
public interface SolutionList extends AutoCloseable {
    /**
     * Problems of one shape.
     *
     * @param problems their indices in the list, in ascending order
     * @param solutions their solutions, in that order; closed with the list
     */
    record Group(int[] problems, SolutionBatch solutions) {
        /**
         * Copies the array.
         *
         * @param problems indices in the list
         * @param solutions their solutions
         */
        public Group {
            problems = problems.clone();
        }

        /**
         * Indices of the problems in the list.
         *
         * @return a new array
         */
        @Override
        public int[] problems() {
            return problems.clone();
        }
    }

    /**
     * Number of problems.
     *
     * @return B
     */
    int size();

    /**
     * The groups, in the order of their first problems.
     *
     * @return an unmodifiable list
     */
    List<Group> groups();

    /**
     * The solution set of one problem; ends with the list: {@link SolutionBatch#problem}.
     *
     * @param index index of the problem
     * @return its solution set
     */
    SolutionSet problem(int index);

    /**
     * What happened to each problem.
     *
     * @return a new array
     */
    Outcome[] outcomes();

    /**
     * Problems that were lost because a device failed.
     *
     * @return one entry for each problem, in ascending order
     */
    List<BatchFailure> failures();

    /**
     * Rank of each problem.
     *
     * @return a new array; −1 for a problem that failed
     */
    int[] ranks();

    /**
     * The minimum-norm solution of a problem.
     *
     * @param index index of the problem
     * @return d×k, in the precision of X; a view that is valid until the list is closed
     */
    Matrix minimumNorm(int index);

    /**
     * The members nearest to prior guesses.
     *
     * @param priors d×k for each problem
     * @return d×k for each problem
     */
    List<Matrix> closestTo(List<Matrix> priors);

    /**
     * What gradient descent converges to: {@link SolutionSet#gradientDescentLimit}.
     *
     * @param starts first iterates, d×k for each problem
     * @return d×k for each problem
     */
    List<Matrix> gradientDescentLimit(List<Matrix> starts);

    /**
     * Random members: for problem i that of {@link SolutionSet#random} with {@link SolutionBatch#seedOf seedOf(seed, i)}, i its index in the
     * list.
     *
     * @param seed seed of the generator
     * @param radius distance ‖w − w₀‖ of each column, at least 0
     * @return d×k for each problem
     */
    List<Matrix> random(long seed, double radius);

    /**
     * Members with some coefficients prescribed, the same for all problems and targets.
     *
     * @param indices indices of the coefficients, without repetition, within every problem's features
     * @param values their values
     * @return one result for each problem; null where the problem failed
     */
    List<@Nullable FixedCoefficients> fixing(int[] indices, double[] values);

    /**
     * Orthogonal projections on the null spaces.
     *
     * @param w d×l for each problem, with the same l for problems of one shape
     * @return d×l for each problem
     */
    List<Matrix> project(List<Matrix> w);

    /**
     * Predictions of the minimum-norm solutions.
     *
     * @param x samples, m×d for each problem
     * @return m×k for each problem
     */
    List<Matrix> predict(List<Matrix> x);

    /** Frees the memory of all problems. */
    @Override
    void close();
}
