package org.nullspace.model;

import java.util.List;
import org.nullspace.matrix.Matrix;

/**
 * All solutions of one regression: the affine set {W₀ + NC : C any (d−r)×k} of the minimizers of ‖XW − Y‖. All members predict the same on
 * the training samples.
 *
 * <p><b>Shapes.</b> X n×d, Y n×k, coefficients d×k. Methods that take {@code double[]} are for k = 1.
 *
 * <p><b>Memory.</b> Matrices returned are new float64 host matrices that belong to the caller, unless said otherwise. The set keeps a view
 * of X, which must stay alive and unchanged until the set is closed.
 *
 * <p><b>Threads.</b> Calls from several threads are carried out one after the other.
 *
 * <p><b>Trouble.</b> A set whose {@link #outcome()} is a failure has NaN coefficients; whatever else is asked of it throws
 * {@link org.nullspace.error.NoSolutionException}. Arguments of the wrong shape throw
 * {@link org.nullspace.error.ShapeMismatchException}; {@link org.nullspace.error.InvalidInputException} says that an argument is
 * missing or out of its range. Non-finite numbers in coefficients or samples spread into the results that depend on them. Once the set is
 * closed, its shape and outcome can still be asked for, and residual norms that were asked for before; whatever else is asked throws
 * {@link org.nullspace.error.ClosedException}.
 */
public interface SolutionSet extends AutoCloseable {
    // ---- what it is

    /**
     * Number of samples.
     *
     * @return n
     */
    long samples();

    /**
     * Number of features.
     *
     * @return d
     */
    long features();

    /**
     * Number of targets.
     *
     * @return k
     */
    long targets();

    /**
     * What happened.
     *
     * @return the outcome
     */
    Outcome outcome();

    /**
     * The method that was used.
     *
     * @return never {@link Method#AUTO}
     */
    Method method();

    /**
     * What was tried and why it was kept or dropped, one sentence each; includes why a GPU was not used.
     *
     * @return the history, oldest first
     */
    List<String> history();

    /**
     * Backend and device that computed, for people.
     *
     * @return one line
     */
    String backend();

    /**
     * Rank of X (of the weighted and centred X when there are weights or an intercept) at the tolerance used.
     *
     * @return r
     */
    int rank();

    /**
     * Dimension of the set, d − r.
     *
     * @return nullity
     */
    long nullity();

    /**
     * All min(n,d) singular values in descending order. Computed on the first call unless {@link SolveOptions#spectrum()} was set. With
     * weights or an intercept, those of the weighted and centred X, in which n counts the samples of positive weight, less one with an
     * intercept.
     *
     * @return a new array
     */
    double[] singularValues();

    /**
     * The rank decision: cut-off, the singular values on both sides of it, ranks under other policies. Computes the spectrum if need be.
     *
     * @return the decision
     */
    RankDecision rankDecision();

    /**
     * Condition number σ₁/σ_r. Computes the spectrum if need be.
     *
     * @return the ratio; NaN for rank 0
     */
    double condition();

    /**
     * ‖Xw − y‖ for each target, the same for all members. Computed on the first call, in one pass over X.
     *
     * @return k norms
     */
    double[] residualNorms();

    /**
     * How the minimum-norm solution was refined and what backward error it has, measured on X: three passes over X.
     *
     * @return steps and errors
     */
    Refinement refinement();

    /**
     * Measures the evidence. Costs about as much as the factorization.
     *
     * @return the certificate
     */
    Certificate certificate();

    // ---- members

    /**
     * The member of least norm, W₀ = X⁺Y, for each target.
     *
     * @return d×k, in the precision of X; a view that is valid until the set is closed, only to be read
     */
    Matrix minimumNorm();

    /**
     * The constant term that belongs to coefficients: mean(Y) − mean(X)·W with {@link InterceptRule#UNPENALISED}, otherwise 0.
     *
     * @param w coefficients, d×k
     * @return k constants
     */
    double[] intercept(Matrix w);

    /**
     * The constant term of the minimum-norm solution.
     *
     * @return k constants
     */
    double[] intercept();

    /**
     * The member W₀ + Nz.
     *
     * @param z coordinates in the basis of {@link #nullSpace()}, (d−r)×k
     * @return d×k
     */
    Matrix member(Matrix z);

    /**
     * The member w₀ + Nz of a set with one target.
     *
     * @param z d−r coordinates
     * @return d entries
     */
    double[] member(double... z);

    /**
     * A random member at a given distance from W₀: for each target the direction is uniform on the sphere of the null space. The same
     * seed gives the same member on every platform, up to rounding.
     *
     * @param seed seed of the generator
     * @param radius distance ‖w − w₀‖ of each column, at least 0
     * @return d×k; W₀ itself if the null space is {0}
     */
    Matrix random(long seed, double radius);

    /**
     * The member nearest to a prior guess: W₀ + P(prior), P the projector on the null space.
     *
     * @param prior coefficients, d×k
     * @return d×k
     */
    Matrix closestTo(Matrix prior);

    /**
     * The member nearest to a prior guess, for one target.
     *
     * @param prior d coefficients
     * @return d entries
     */
    double[] closestTo(double[] prior);

    /**
     * Members with one coefficient prescribed, the same for all targets.
     *
     * @param index index of the coefficient
     * @param value its value
     * @return the member of least norm, or the nearest miss
     */
    FixedCoefficients fixing(int index, double value);

    /**
     * Members with some coefficients prescribed, the same for all targets.
     *
     * @param indices indices of the coefficients, without repetition
     * @param values their values
     * @return the member of least norm, or the nearest miss
     */
    FixedCoefficients fixing(int[] indices, double[] values);

    /**
     * What gradient descent on ‖XW − Y‖² with a small enough step converges to from a given start: W₀ + P(start). The null part of the
     * start is never touched by a gradient, since gradients lie in the row space. With an unpenalised intercept, the intercept is
     * fitted along.
     *
     * @param start first iterate, d×k
     * @return the limit, d×k
     */
    Matrix gradientDescentLimit(Matrix start);

    /**
     * What gradient descent converges to from a given start, for one target.
     *
     * @param start first iterate, d entries
     * @return the limit, d entries
     */
    double[] gradientDescentLimit(double[] start);

    /**
     * Ridge solutions argmin ‖XW − Y‖² + λ‖W‖² from the one factorization. Not members of the set for λ &gt; 0; for λ → 0 they tend to W₀.
     * λ = 0 gives W₀.
     *
     * @param lambda penalty, finite and at least 0
     * @return d×k
     */
    Matrix ridge(double lambda);

    /**
     * Ridge solutions with a penalty of its own for each target.
     *
     * @param penalties λ for each of the k targets, finite and at least 0
     * @return d×k
     */
    Matrix ridge(double[] penalties);

    /**
     * Ridge solutions for many penalties and their scores, from one factorization. What they need of it is made when it is asked for.
     *
     * @param penalties finite numbers of at least 0, in any order; copied
     * @return the path, to be closed by the caller; ends with the set
     */
    RidgePath ridgePath(double... penalties);

    /**
     * Banded ridge: argmin ‖XW − Y‖² + Σ_j λ_j‖w_j‖² with w_j the coefficients of feature j, one penalty for each band of features. X with its
     * columns divided by √λ_j is copied and factorized, and the path is that of its penalties: entry l of the path has the penalties
     * {@code multipliers[l] · featurePenalties[j]}.
     *
     * @param featurePenalties λ for each of the d features, finite and greater than 0
     * @param multipliers finite numbers of at least 0, in any order; copied
     * @return the path, to be closed by the caller; ends with the set
     * @throws org.nullspace.error.InsufficientMemoryException if the copy of X does not fit
     */
    RidgePath bandedRidgePath(double[] featurePenalties, double... multipliers);

    // ---- spaces and tests

    /**
     * The null space of X (of the weighted and centred X when there are weights or an intercept).
     *
     * @return an operator that ends with the set
     */
    NullSpace nullSpace();

    /**
     * The row space of X, the orthogonal complement of the null space.
     *
     * @return an operator that ends with the set
     */
    Subspace rowSpace();

    /**
     * Splits coefficients into the part that the data see and the part that they do not.
     *
     * @param w coefficients, d×k
     * @return the two parts
     */
    Decomposition decompose(Matrix w);

    /**
     * Splits coefficients of one target.
     *
     * @param w d coefficients
     * @return the two parts, d×1 each
     */
    Decomposition decompose(double[] w);

    /**
     * Whether coefficients are members: the row part of w − W₀ is at most {@code tolerance} times the larger of ‖w‖ and ‖W₀‖, for each
     * target.
     *
     * @param w coefficients, d×k
     * @param tolerance relative size of what counts as zero, at least 0
     * @return true if every column is a member
     */
    boolean contains(Matrix w, double tolerance);

    /**
     * Whether coefficients are members, with the tolerance √ε of the precision of X, 1.5e-8 for float64 and 3.5e-4 for float32: see
     * {@link #contains(Matrix, double)}.
     *
     * @param w coefficients, d×k
     * @return true if every column is a member
     */
    boolean contains(Matrix w);

    /**
     * Whether coefficients of one target are a member, with the default tolerance.
     *
     * @param w d coefficients
     * @return true if they are
     */
    boolean contains(double[] w);

    // ---- predictions

    /**
     * Predictions of the minimum-norm solution, intercept included.
     *
     * @param x samples, m×d
     * @return m×k
     */
    Matrix predict(Matrix x);

    /**
     * Predictions of the minimum-norm solution for one target, intercept included.
     *
     * @param x samples, m rows of d entries
     * @return m predictions
     */
    double[] predict(double[][] x);

    /**
     * Predictions of given coefficients, with the intercept that belongs to them.
     *
     * @param x samples, m×d
     * @param w coefficients, d×k
     * @return m×k
     */
    Matrix predict(Matrix x, Matrix w);

    /** Frees the memory of the set. Closing again has no effect. */
    @Override
    void close();
}
