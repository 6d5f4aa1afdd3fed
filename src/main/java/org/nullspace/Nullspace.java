package org.nullspace;

import java.util.List;
import org.nullspace.backend.Session;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendReport;
import org.nullspace.model.BatchPlan;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.BatchReport;
import org.nullspace.model.BatchSink;
import org.nullspace.model.BatchSource;
import org.nullspace.model.Factorization;
import org.nullspace.model.Plan;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionList;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.solve.BatchPlanner;
import org.nullspace.solve.Planner;
import org.nullspace.solve.SmallBatch;

/**
 * Front door. Given X (n samples × d features) and targets Y, all solutions of min ‖XW − Y‖: the minimum-norm solution, the rank, the null
 * space and every other member of the solution set. Any shape and any rank.
 *
 * <p>Matrices handed in are only read. Solution sets and factorizations keep a view of X, which must stay alive and unchanged until they
 * have been closed. All methods may be called from any thread.
 */
public final class Nullspace {
    private Nullspace() {}

    /**
     * Solves one regression with one target, with all defaults.
     *
     * @param x n rows of d entries, all finite; copied
     * @param y n entries, all finite; copied
     * @return the solution set, to be closed by the caller
     * @throws ShapeMismatchException if rows differ in length or y does not have one entry per row
     * @throws InvalidInputException if an entry is NaN or infinite; the message says which
     */
    public static SolutionSet solve(double[][] x, double[] y) {
        InvalidInputException.requireNonNull("X", x);
        InvalidInputException.requireNonNull("y", y);
        if (x.length != y.length) {
            throw new ShapeMismatchException(
                    "X has " + x.length + " rows, y has " + y.length + " entries: y must have one entry per row of X");
        }
        Matrix rows = Matrix.of(x);
        requireFinite("X", x);
        requireFinite("y", new double[][] {y});
        Matrix targets = Matrix.column(y);
        return Regression.solve(rows, targets, SolveOptions.defaults());
    }

    /**
     * Solves one regression with any number of targets, with all defaults.
     *
     * @param x n×d, on the host; a view of it is kept
     * @param y n×k, on the host; only read during the call
     * @return the solution set, to be closed by the caller. NaN and infinities in the input are an outcome, not an exception
     * @throws ShapeMismatchException if the numbers of rows differ, or there is more than one problem in the batch
     */
    public static SolutionSet solve(Matrix x, Matrix y) {
        return solve(x, y, SolveOptions.defaults());
    }

    /**
     * Solves one regression with any number of targets.
     *
     * @param x n×d, on the host; a view of it is kept
     * @param y n×k, on the host; only read during the call
     * @param options how to solve
     * @return the solution set, to be closed by the caller. NaN and infinities in the input are an outcome, not an exception
     * @throws ShapeMismatchException if the numbers of rows differ, or there is more than one problem in the batch
     * @throws org.nullspace.error.BackendUnavailableException if a backend was asked for that cannot be used
     * @throws org.nullspace.error.InsufficientMemoryException if the workspace does not fit; nothing has been allocated then
     */
    public static SolutionSet solve(Matrix x, Matrix y, SolveOptions options) {
        requireSingle(x, "X");
        requireSingle(y, "Y");
        requireOptions(options);
        requireSameRows(x, y);
        return Regression.solve(x, y, options);
    }

    /**
     * Factorizes X, to be solved for any number of Y.
     *
     * @param x n×d, on the host; a view of it is kept
     * @param options how to factorize
     * @return the factorization, to be closed by the caller
     */
    public static Factorization factor(Matrix x, SolveOptions options) {
        requireSingle(x, "X");
        requireOptions(options);
        return Regression.factor(x, options);
    }

    /**
     * Solves a batch of regressions of one shape: {@link #solveBatch(Matrix, Matrix, SolveOptions, BatchProgress)} without progress.
     *
     * @param x B×n×d, or 1×n×d for one X with many Y, on the host; a view of it is kept
     * @param y B×n×k, or 1×n×k for one Y with many X, on the host; copied
     * @param options how to solve each
     * @return the solution sets, to be closed by the caller
     */
    public static SolutionBatch solveBatch(Matrix x, Matrix y, SolveOptions options) {
        return solveBatch(x, y, options, BatchProgress.NONE);
    }

    /**
     * Solves a batch of regressions of one shape on the devices that the options name. A problem that fails, or a tile that is lost with a
     * device, leaves the others alone. Results do not depend on the number of devices, nor on a problem's place in the batch.
     *
     * <p><b>One X, many Y</b> (X of batch size 1): X is factorized once and all targets are solved for side by side. <b>One Y, many X</b> (Y of
     * batch size 1): Y is shared without a copy for each.
     *
     * <p>Small problems are solved together, many times faster than one after the other, where the options ask for no weights, intercept,
     * float32 arithmetic, or method other than {@code GRAM}. Their ranks and outcomes are those of single solves;
     * {@link SolutionBatch#minimumNorm()} agrees with them but for rounding. A problem's {@linkplain SolutionBatch#problem solution set} is
     * then made when it is first asked for, and is that of a single solve to the last bit. The other problems are solved as if each were
     * alone. {@link #planBatch} says which way a batch goes.
     *
     * @param x B×n×d or 1×n×d, on the host, any layout and strides; a view of it is kept
     * @param y B×n×k or 1×n×k, on the host, any layout and strides; copied
     * @param options how to solve each
     * @param progress told after every tile, and asked whether to go on
     * @return the solution sets, to be closed by the caller
     * @throws ShapeMismatchException if the batch sizes or the numbers of rows differ
     * @throws org.nullspace.error.CancelledException if {@code progress} said no; nothing stays open
     * @throws org.nullspace.error.InsufficientMemoryException if the results, or a tile of one problem, do not fit; nothing has been computed
     * @throws org.nullspace.error.BackendException if devices failed before anything was computed; the message says which, and at which
     *     problem. Nothing stays open then. What was lost otherwise is in {@link SolutionBatch#failures()}
     */
    public static SolutionBatch solveBatch(Matrix x, Matrix y, SolveOptions options, BatchProgress progress) {
        InvalidInputException.requireNonNull("X", x);
        InvalidInputException.requireNonNull("Y", y);
        InvalidInputException.requireNonNull("progress", progress);
        requireOptions(options);
        if (x.batch() != y.batch() && x.batch() != 1 && y.batch() != 1) {
            throw new ShapeMismatchException("X is a batch of " + x.batch() + " (shape " + x.shape()
                    + "), Y is a batch of " + y.batch() + " (shape " + y.shape()
                    + "): both must have the same number of problems, or one of them 1");
        }
        requireSameRows(x, y);
        if (x.batch() == 1 && y.batch() != 1) {
            return SharedDesignBatch.solve(x, y, options, progress);
        }
        BackendSelection selection = BackendSelection.of(options);
        boolean confined = x.memory().scope().isConfined();
        DeviceGroup devices = selection.group(x.batch(), SmallBatch.isSmall(x.rows(), x.columns()), confined);
        try {
            return RegressionBatch.solve(devices, true, selection.notes(), x, y, options, progress, false);
        } catch (RuntimeException | Error e) {
            try (devices) {
                throw e;
            }
        }
    }

    /**
     * Solves a list of regressions, each in its own memory and of its own shape. Problems of one shape are copied side by side and solved as a
     * batch.
     *
     * @param xs n×d for each problem, on the host; copied
     * @param ys n×k for each problem, on the host; copied
     * @param options how to solve each; sample weights fit only if all problems have the same number of samples
     * @return the solution sets, to be closed by the caller
     * @throws ShapeMismatchException if the lists differ in length, or X and Y of a problem in rows; the message says which
     */
    public static SolutionList solveAll(List<Matrix> xs, List<Matrix> ys, SolveOptions options) {
        return solveAll(xs, ys, options, BatchProgress.NONE);
    }

    /**
     * Solves a list of regressions, telling how far it has come: {@link #solveAll(List, List, SolveOptions)}.
     *
     * @param xs n×d for each problem, on the host; copied
     * @param ys n×k for each problem, on the host; copied
     * @param options how to solve each
     * @param progress told after every tile, and asked whether to go on
     * @return the solution sets, to be closed by the caller
     * @throws org.nullspace.error.CancelledException if {@code progress} said no; nothing stays open
     */
    public static SolutionList solveAll(
            List<Matrix> xs, List<Matrix> ys, SolveOptions options, BatchProgress progress) {
        requireOptions(options);
        InvalidInputException.requireNonNull("progress", progress);
        return ProblemList.solve(xs, ys, options, progress);
    }

    /**
     * Solves a batch of any size tile by tile, in memory that does not grow with the number of problems: {@link SolveOptions#memoryBudget()}.
     * The next tile is read while one is solved.
     *
     * @param source where X and Y come from
     * @param sink where the solutions go
     * @param options how to solve each
     * @param progress told after every tile, and asked whether to go on
     * @return how many problems had which outcome, and what was lost with a device
     * @throws org.nullspace.error.CancelledException if {@code progress} said no; the sink has had all tiles before
     * @throws org.nullspace.error.InsufficientMemoryException if a tile of one problem does not fit; nothing has been read
     * @throws org.nullspace.error.BackendException if devices failed and nothing at all was computed
     */
    public static BatchReport streamBatch(
            BatchSource source, BatchSink sink, SolveOptions options, BatchProgress progress) {
        InvalidInputException.requireNonNull("source", source);
        InvalidInputException.requireNonNull("sink", sink);
        InvalidInputException.requireNonNull("progress", progress);
        requireOptions(options);
        return BatchStream.run(source, sink, options, progress);
    }

    /**
     * What would be done for a batch with X and Y on the host, and how much memory it takes, without doing it.
     *
     * @param problems B
     * @param n samples
     * @param d features
     * @param k targets
     * @param precision precision of X and Y
     * @param options how to solve
     * @return the plan
     * @throws org.nullspace.error.InsufficientMemoryException if a tile of one problem does not fit into the budget
     */
    public static BatchPlan planBatch(
            long problems, long n, long d, long k, Precision precision, SolveOptions options) {
        InvalidInputException.requireNonNull("precision", precision);
        requireOptions(options);
        if (problems < 0 || n < 0 || d < 0 || k < 0) {
            throw new InvalidInputException("a plan for " + problems + " problems of X " + n + "×" + d + " and " + k
                    + " targets: sizes must not be negative");
        }
        BackendSelection selection = BackendSelection.of(options);
        try (Session session = selection.open()) {
            return BatchPlanner.plan(session, problems, n, d, k, precision, options);
        }
    }

    /**
     * What would be done for problems of a given shape with X on the host, and how much memory it takes, without doing it.
     *
     * @param n samples
     * @param d features
     * @param k targets
     * @param precision precision of X
     * @param options how to solve
     * @return the plan
     */
    public static Plan plan(long n, long d, long k, Precision precision, SolveOptions options) {
        InvalidInputException.requireNonNull("precision", precision);
        requireOptions(options);
        if (n < 0 || d < 0 || k < 0) {
            throw new InvalidInputException(
                    "a plan for X of shape " + n + "×" + d + " and " + k + " targets: sizes must not be negative");
        }
        BackendSelection selection = BackendSelection.of(options);
        try (Session session = selection.open()) {
            return Planner.plan(n, d, k, precision, Place.HOST, options, session);
        }
    }

    /**
     * The backends of this version: whether they can be used on this machine, what they looked for, and what to do where something is
     * missing. The first call of a process loads their libraries, as solving with them does.
     *
     * @return one report for each backend; never fails because a backend cannot be used
     */
    public static List<BackendReport> backends() {
        return BackendReports.all();
    }

    private static void requireOptions(SolveOptions options) {
        InvalidInputException.requireNonNull("options", options);
    }

    private static void requireSingle(Matrix a, String name) {
        if (InvalidInputException.requireNonNull(name, a).batch() != 1) {
            throw new ShapeMismatchException(name + " is a batch of " + a.batch() + " problems (shape " + a.shape()
                    + "): use solveBatch, or choose one with problem(index)");
        }
    }

    private static void requireSameRows(Matrix x, Matrix y) {
        if (x.rows() != y.rows()) {
            throw new ShapeMismatchException(
                    "X has shape " + x.shape() + ", Y has shape " + y.shape() + ": both must have one row per sample");
        }
    }

    private static void requireFinite(String name, double[][] rows) {
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < rows[i].length; j++) {
                if (!Double.isFinite(rows[i][j])) {
                    String where = rows.length == 1 && name.equals("y") ? "[" + j + "]" : "[" + i + "][" + j + "]";
                    throw new InvalidInputException(name + where + " is " + rows[i][j] + ": entries must be finite");
                }
            }
        }
    }
}
