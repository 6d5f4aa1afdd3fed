package org.nullspace;

import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.diagnose.Evidence;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Certificate;
import org.nullspace.model.Decomposition;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.Method;
import org.nullspace.model.NullSpace;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.Refinement;
import org.nullspace.model.RidgePath;
import org.nullspace.model.Subspace;
import org.nullspace.select.Prescribed;
import org.nullspace.select.RandomDirections;
import org.nullspace.solve.Factors;
import org.nullspace.solve.Norms;

/** The solution set of one regression on top of its factorization. */
final class Solved extends OneTarget {
    private final Regression regression;
    private final boolean owning;
    private final MemoryScope scope;
    private final long samples;
    private final long features;
    private final long targets;
    private final MinimumNorm minimum;
    private volatile double @Nullable [] residuals;

    private Solved(Regression regression, boolean owning, MemoryScope scope, MinimumNorm minimum) {
        this.regression = regression;
        this.owning = owning;
        this.scope = scope;
        this.samples = regression.x().rows();
        this.features = regression.x().columns();
        this.targets = minimum.delivered().columns();
        this.minimum = minimum;
    }

    static Solved of(Regression regression, Matrix y, boolean owning) {
        MemoryScope scope = regression.scope().nested();
        try {
            return new Solved(regression, owning, scope, MinimumNorm.of(regression, scope, y));
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    // ---- what it is

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public long features() {
        return features;
    }

    @Override
    public long targets() {
        return targets;
    }

    @Override
    public Outcome outcome() {
        return minimum.outcome();
    }

    @Override
    public Method method() {
        return regression.method();
    }

    @Override
    public List<String> history() {
        return regression.history();
    }

    @Override
    public String backend() {
        return regression.session().description();
    }

    @Override
    public int rank() {
        return solved(() -> regression.rank());
    }

    @Override
    public long nullity() {
        return features - rank();
    }

    @Override
    public double[] singularValues() {
        return solved(() -> regression.factors().singularValues().clone());
    }

    @Override
    public RankDecision rankDecision() {
        return solved(regression::rankDecision);
    }

    @Override
    public double condition() {
        return rankDecision().condition();
    }

    @Override
    public double[] residualNorms() {
        double[] known = residuals;
        if (known == null) {
            known = minimum.outcome().isSolved()
                    ? solved(() -> minimum.residualNorms(regression))
                    : minimum.residualNorms(regression);
            residuals = known;
        }
        return known.clone();
    }

    @Override
    public Refinement refinement() {
        return solved(() -> minimum.refinement(regression));
    }

    @Override
    public Certificate certificate() {
        return solved(() -> Evidence.measure(
                regression.session(),
                regression.factors(),
                regression.design().x(),
                minimum.targets().y(),
                minimum.weights(),
                regression.rankDecision()));
    }

    // ---- members

    @Override
    public Matrix minimumNorm() {
        return minimum.delivered();
    }

    @Override
    public double[] intercept() {
        return solved(() -> regression.design().intercept(minimum.targets().means(), minimum.weights()));
    }

    @Override
    public double[] intercept(Matrix coefficients) {
        requireCoefficients("w", coefficients);
        return solved(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Session session = regression.session();
                Matrix copy = session.allocate(scratch, features, targets);
                session.copy(coefficients, copy);
                return regression.design().intercept(minimum.targets().means(), copy);
            }
        });
    }

    @Override
    public Matrix member(Matrix z) {
        Operand.requireShape(
                "z",
                z,
                nullity(),
                targets,
                "one row for each of the " + nullity() + " dimensions of the null space of X ("
                        + regression.x().shape() + "), one column per target");
        return solved(() -> {
            Matrix out = nullSpaceOperator().combine(z);
            addMinimumNorm(out);
            return out;
        });
    }

    @Override
    public Matrix random(long seed, double radius) {
        if (!(radius >= 0 && radius < Double.POSITIVE_INFINITY)) {
            throw new InvalidInputException("radius " + radius + " is not a finite number of at least 0");
        }
        return fromMinimumNorm(
                (factors, move) -> RandomDirections.fill(regression.session(), factors, seed, radius, move));
    }

    @Override
    public Matrix closestTo(Matrix prior) {
        requireCoefficients("prior", prior);
        return fromMinimumNorm((factors, move) -> {
            regression.session().copy(prior, move);
            factors.projectOnNullSpace(move);
        });
    }

    @Override
    public Matrix gradientDescentLimit(Matrix start) {
        requireCoefficients("start", start);
        return closestTo(start);
    }

    @Override
    public FixedCoefficients fixing(int[] indices, double[] values) {
        Prescription.require(indices, values, features, regression.x().shape());
        return solved(() -> {
            Session session = regression.session();
            Factors factors = regression.factors();
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix moved = factors.vectors(scratch, features, targets);
                session.copy(minimum.weights(), moved);
                double tolerance = freedomTolerance();
                Prescribed.Result result = indices.length == 0
                        ? new Prescribed.Result(0, new double[Math.toIntExact(targets)])
                        : Prescribed.move(session, factors, indices, values, tolerance, moved);
                boolean feasible = true;
                double[] sizes = Norms.columns(session, moved);
                for (int j = 0; j < sizes.length; j++) {
                    feasible &= Prescribed.isMet(
                            result.distance()[j], tolerance, values, sizes[j], regression.dataPrecision());
                }
                Matrix weights = deliver(moved);
                for (int i = 0; feasible && i < indices.length; i++) {
                    for (long j = 0; j < targets; j++) {
                        weights.set(0, indices[i], j, values[i]);
                    }
                }
                return new FixedCoefficients(feasible, weights, result.distance(), nullity() - result.rank());
            }
        });
    }

    private double freedomTolerance() {
        RankDecision decision = regression.rankDecision();
        return Prescribed.tolerance(
                samples,
                features,
                decision.rank(),
                decision.condition(),
                regression.factors().precision().epsilon());
    }

    @Override
    public Matrix ridge(double lambda) {
        if (!(lambda >= 0 && lambda < Double.POSITIVE_INFINITY)) {
            throw new InvalidInputException("ridge penalty " + lambda + " is not a finite number of at least 0");
        }
        return solved(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Factors factors = regression.factors();
                Matrix out = factors.vectors(scratch, features, targets);
                if (lambda == 0) {
                    regression.session().copy(minimum.weights(), out);
                } else {
                    factors.ridge(lambda, minimum.targets().y(), out);
                }
                return deliver(out);
            }
        });
    }

    @Override
    public Matrix ridge(double[] penalties) {
        PenaltyPath.requirePenalties(penalties);
        if (penalties.length != targets) {
            throw new ShapeMismatchException(penalties.length + " penalties for " + targets
                    + (targets == 1 ? " target" : " targets") + ": one for each is needed");
        }
        return solved(() -> {
            try (PenaltyPath path =
                    PenaltyPath.of(regression, scope, minimum.targets().y(), penalties)) {
                return path.each(penalties);
            }
        });
    }

    @Override
    public RidgePath ridgePath(double... penalties) {
        PenaltyPath.requirePenalties(penalties);
        return solved(() -> PenaltyPath.of(regression, scope, minimum.targets().y(), penalties.clone()));
    }

    @Override
    public RidgePath bandedRidgePath(double[] featurePenalties, double... multipliers) {
        InvalidInputException.requireNonNull("the array of feature penalties", featurePenalties);
        PenaltyPath.requirePenalties(multipliers);
        if (featurePenalties.length != features) {
            throw new ShapeMismatchException(featurePenalties.length + " feature penalties for X of shape "
                    + regression.x().shape() + ": one for each feature is needed");
        }
        for (int j = 0; j < featurePenalties.length; j++) {
            if (!(featurePenalties[j] > 0 && featurePenalties[j] < Double.POSITIVE_INFINITY)) {
                throw new InvalidInputException("the penalty of feature " + j + " is " + featurePenalties[j]
                        + ": penalties of features are finite numbers greater than 0");
            }
        }
        return solved(() ->
                PenaltyPath.banded(regression, scope, minimum.targets().y(), featurePenalties, multipliers.clone()));
    }

    /** Computes a move in the null space. */
    private interface Move {
        void fill(Factors factors, Matrix move);
    }

    private Matrix fromMinimumNorm(Move how) {
        return solved(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Factors factors = regression.factors();
                Matrix move = factors.vectors(scratch, features, targets);
                how.fill(factors, move);
                regression.session().add(1, minimum.weights(), 1, move);
                return deliver(move);
            }
        });
    }

    private void addMinimumNorm(Matrix host) {
        Matrix base = regression.session().toHost(minimum.weights());
        for (long j = 0; j < targets; j++) {
            for (long i = 0; i < features; i++) {
                host.set(0, i, j, host.get(0, i, j) + base.get(0, i, j));
            }
        }
    }

    private Matrix deliver(Matrix device) {
        return Operand.deliver(regression.session(), device);
    }

    // ---- spaces and tests

    @Override
    public NullSpace nullSpace() {
        return solved(this::nullSpaceOperator);
    }

    private NullSpaceOperator nullSpaceOperator() {
        return new NullSpaceOperator(regression, scope);
    }

    @Override
    public Subspace rowSpace() {
        return solved(() -> new RowSpaceOperator(regression, scope));
    }

    @Override
    public Decomposition decompose(Matrix coefficients) {
        requireCoefficients("w", coefficients);
        return solved(() -> {
            Matrix nullPart = nullSpaceOperator().project(coefficients);
            Matrix rowPart = Matrix.zeros(Precision.FLOAT64, 1, features, targets, Layout.COLUMN_MAJOR);
            double[] share = new double[Math.toIntExact(targets)];
            for (int j = 0; j < share.length; j++) {
                double unseen = 0;
                double seen = 0;
                for (long i = 0; i < features; i++) {
                    double z = nullPart.get(0, i, j);
                    double v = coefficients.get(0, i, j) - z;
                    rowPart.set(0, i, j, v);
                    unseen = Math.hypot(unseen, z);
                    seen = Math.hypot(seen, v);
                }
                double norm = Math.hypot(unseen, seen);
                share[j] = norm == 0 ? 0 : (unseen / norm) * (unseen / norm);
            }
            return new Decomposition(rowPart, nullPart, share);
        });
    }

    @Override
    public boolean contains(Matrix coefficients, double tolerance) {
        requireCoefficients("w", coefficients);
        Operand.requireTolerance(tolerance);
        return solved(() -> {
            Matrix base = regression.session().toHost(minimum.weights());
            Matrix difference = Matrix.zeros(Precision.FLOAT64, 1, features, targets, Layout.COLUMN_MAJOR);
            double[] size = new double[Math.toIntExact(targets)];
            for (int j = 0; j < size.length; j++) {
                double norm = 0;
                double baseNorm = 0;
                for (long i = 0; i < features; i++) {
                    norm = Math.hypot(norm, coefficients.get(0, i, j));
                    baseNorm = Math.hypot(baseNorm, base.get(0, i, j));
                    difference.set(0, i, j, coefficients.get(0, i, j) - base.get(0, i, j));
                }
                size[j] = Math.max(norm, baseNorm);
            }
            Matrix rowPart = new RowSpaceOperator(regression, scope).project(difference);
            for (int j = 0; j < size.length; j++) {
                double distance = 0;
                for (long i = 0; i < features; i++) {
                    distance = Math.hypot(distance, rowPart.get(0, i, j));
                }
                if (!(distance <= tolerance * size[j])) {
                    return false;
                }
            }
            return true;
        });
    }

    @Override
    public boolean contains(Matrix coefficients) {
        return contains(coefficients, Math.sqrt(regression.dataPrecision().epsilon()));
    }

    // ---- predictions

    @Override
    public Matrix predict(Matrix x) {
        Operand.requireSingle("x", x);
        return solved(() -> predict(x, minimum.weights(), intercept()));
    }

    @Override
    public Matrix predict(Matrix x, Matrix coefficients) {
        Operand.requireSingle("x", x);
        requireCoefficients("w", coefficients);
        return solved(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix operand = Operand.resident(regression, scratch, coefficients);
                return predict(x, operand, intercept(coefficients));
            }
        });
    }

    private Matrix predict(Matrix x, Matrix coefficients, double[] constants) {
        if (x.columns() != features) {
            throw new ShapeMismatchException(
                    "samples have shape " + x.shape() + ", the regression was fitted to X of shape "
                            + regression.x().shape() + ": both must have the same number of columns");
        }
        Session session = regression.session();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix samplesOperand = Operand.readable(regression, scratch, x);
            Matrix product = regression.factors().vectors(scratch, x.rows(), targets);
            session.multiply(1, samplesOperand, coefficients, 0, product);
            Matrix out = deliver(product);
            for (int j = 0; j < constants.length; j++) {
                if (constants[j] != 0) {
                    for (long i = 0; i < out.rows(); i++) {
                        out.set(0, i, j, out.get(0, i, j) + constants[j]);
                    }
                }
            }
            return out;
        }
    }

    // ---- checks

    private <T> T solved(Supplier<T> work) {
        return regression.locked(() -> {
            if (scope.isClosed()) {
                throw new ClosedException(
                        "the solution set of X (" + regression.x().shape() + ") was used after it had been closed");
            }
            if (!minimum.outcome().isSolved()) {
                throw new NoSolutionException(
                        "this regression (X " + regression.x().shape() + ") has no solution set: "
                                + minimum.outcome().text());
            }
            return work.get();
        });
    }

    private void requireCoefficients(String name, Matrix a) {
        Operand.requireShape(
                name,
                a,
                features,
                targets,
                "one row per column of X (" + regression.x().shape() + "), one column per target");
    }

    @Override
    public void close() {
        if (owning) {
            regression.close();
        } else {
            regression.close(scope);
        }
    }
}
