package org.nullspace;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.RidgePath;
import org.nullspace.select.RidgeSpectrum;
import org.nullspace.solve.Factors;
import org.nullspace.solve.Norms;

/** The ridge path of a solution set. */
final class PenaltyPath implements RidgePath {
    /** Part of the device's memory that solutions may take before they are brought to the host. */
    private static final long SHARE = 8;

    private final Regression regression;
    private final MemoryScope life;
    private final Factors factors;
    private final RidgeSpectrum spectrum;
    private final double[] penalties;
    private final double @Nullable [] units;
    private final long features;
    private final int targets;
    private final Map<Criterion, double[][]> scores = new EnumMap<>(Criterion.class);

    /**
     * A path.
     *
     * @param life owner of the path's memory, inside of the solution set's scope; closed with the path
     * @param factors X, or X with scaled columns, factorized
     * @param y targets as they fit the design
     * @param penalties checked penalties
     * @param units factors that solutions are multiplied by, row by row, or null
     */
    private PenaltyPath(
            Regression regression,
            MemoryScope life,
            Factors factors,
            Matrix y,
            double[] penalties,
            double @Nullable [] units) {
        this.regression = regression;
        this.life = life;
        this.factors = factors;
        this.penalties = penalties;
        this.units = units;
        this.features = regression.x().columns();
        this.targets = Math.toIntExact(y.columns());
        this.spectrum = new RidgeSpectrum(life, regression.session(), factors, regression.design(), y);
    }

    /** The path of one penalty for all features. */
    static PenaltyPath of(Regression regression, MemoryScope set, Matrix y, double[] penalties) {
        return inside(set, life -> new PenaltyPath(regression, life, regression.factors(), y, penalties, null));
    }

    /** The path of one penalty for all features, for targets of its own. */
    static PenaltyPath of(Regression regression, Matrix y, double[] penalties) {
        Factors factors = regression.factors();
        return inside(regression.scope(), life -> {
            Matrix targets =
                    regression.design().targets(life, y, factors.precision()).y();
            if (!Double.isFinite(Norms.maxMagnitude(regression.session(), targets))) {
                throw new InvalidInputException(
                        whereNotFinite(regression.session().toHost(y)));
            }
            return new PenaltyPath(regression, life, factors, targets, penalties, null);
        });
    }

    private static String whereNotFinite(Matrix y) {
        for (long i = 0; i < y.rows(); i++) {
            for (long j = 0; j < y.columns(); j++) {
                if (!Double.isFinite(y.get(0, i, j))) {
                    return "entry [" + i + ", " + j + "] of Y is " + y.get(0, i, j) + "; all entries must be finite";
                }
            }
        }
        return "Y (" + y.shape() + ") is not finite in the precision of the computation";
    }

    /** The path of multiples of a penalty for each feature. */
    static PenaltyPath banded(
            Regression regression, MemoryScope set, Matrix y, double[] featurePenalties, double[] multipliers) {
        double[] units = new double[featurePenalties.length];
        for (int j = 0; j < units.length; j++) {
            units[j] = 1 / Math.sqrt(featurePenalties[j]);
        }
        return inside(set, life -> {
            Factors factors = regression.factorScaled(life, units);
            return new PenaltyPath(regression, life, factors, y, multipliers, units);
        });
    }

    private static PenaltyPath inside(MemoryScope set, Function<MemoryScope, PenaltyPath> make) {
        MemoryScope life = set.nested();
        try {
            return make.apply(life);
        } catch (RuntimeException | Error e) {
            life.close();
            throw e;
        }
    }

    static void requirePenalties(double[] penalties) {
        InvalidInputException.requireNonNull("the array of penalties", penalties);
        for (int i = 0; i < penalties.length; i++) {
            if (!(penalties[i] >= 0 && penalties[i] < Double.POSITIVE_INFINITY)) {
                throw new InvalidInputException(
                        "penalty " + i + " is " + penalties[i] + ": penalties are finite numbers of at least 0");
            }
        }
    }

    private <T> T run(Supplier<T> work) {
        return regression.locked(() -> {
            life.checkUsable("a ridge path of X (" + regression.x().shape() + ")");
            return work.get();
        });
    }

    @Override
    public double[] penalties() {
        return penalties.clone();
    }

    @Override
    public double[] degreesOfFreedom() {
        return run(() -> {
            boolean intercept = regression.options().intercept() != InterceptRule.NONE;
            double[] out = new double[penalties.length];
            for (int l = 0; l < out.length; l++) {
                out[l] = spectrum.degreesOfFreedom(penalties[l]) + (intercept ? 1 : 0);
            }
            return out;
        });
    }

    @Override
    public Matrix coefficients(int index) {
        if (index < 0 || index >= penalties.length) {
            throw new IndexOutOfBoundsException("penalty " + index + " of " + penalties.length);
        }
        return run(() -> {
            Matrix out = Matrix.zeros(Precision.FLOAT64, 1, features, targets, Layout.COLUMN_MAJOR);
            solve(new double[] {penalties[index]}, out);
            return out;
        });
    }

    @Override
    public Matrix coefficients() {
        double each = 8.0 * features * targets;
        double bytes = each * penalties.length;
        if (2 * bytes > HostMemory.physicalBytes()) {
            bytes += each * run(() -> spectrum.nodes(penalties));
        }
        if (bytes > HostMemory.physicalBytes()) {
            throw new InsufficientMemoryException(
                    "the coefficients of " + penalties.length + " ridge solutions (" + features + "×" + targets
                            + " each) and those that they are made of do not fit: ask for them one by one",
                    (long) bytes,
                    HostMemory.physicalBytes());
        }
        return run(() -> {
            Matrix out = Matrix.zeros(Precision.FLOAT64, penalties.length, features, targets, Layout.COLUMN_MAJOR);
            solve(penalties, out.sideBySide());
            return out;
        });
    }

    /** Solves as many penalties at a time as the device has room for. */
    private void solve(double[] all, Matrix out) {
        Session session = regression.session();
        boolean inPlace = session.place().isHost() && factors.precision() == Precision.FLOAT64;
        double each = 8.0 * Math.max(1, features) * Math.max(1, targets);
        int most = inPlace ? all.length : (int) Math.max(1, session.memoryBytes() / SHARE / each);
        for (int from = 0; from < all.length; from += most) {
            int to = Math.min(all.length, from + most);
            Matrix part = out.columns((long) from * targets, (long) to * targets);
            double[] some = Arrays.copyOfRange(all, from, to);
            if (inPlace) {
                spectrum.solve(some, part);
                unscale(part);
                continue;
            }
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix w = factors.vectors(scratch, features, part.columns());
                spectrum.solve(some, w);
                unscale(w);
                session.copy(w, part);
                session.synchronize();
            }
        }
    }

    @Override
    public Matrix select(int... indices) {
        InvalidInputException.requireNonNull("the array of indices", indices);
        if (indices.length != targets) {
            throw new ShapeMismatchException(
                    indices.length + " penalties for " + targets + " targets: one for each is needed");
        }
        double[] each = new double[targets];
        for (int j = 0; j < targets; j++) {
            if (indices[j] < 0 || indices[j] >= penalties.length) {
                throw new InvalidInputException(
                        "target " + j + " is to have penalty " + indices[j] + " of " + penalties.length);
            }
            each[j] = penalties[indices[j]];
        }
        return run(() -> each(each));
    }

    /** Solutions with a penalty of its own for each target. */
    Matrix each(double[] own) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix w = factors.vectors(scratch, features, own.length);
            spectrum.solveEach(own, w);
            unscale(w);
            return Operand.deliver(regression.session(), w);
        }
    }

    /** Coefficients of the scaled features become those of the features. */
    private void unscale(Matrix w) {
        double[] all = units;
        if (all == null || w.isEmpty()) {
            return;
        }
        Session session = regression.session();
        try (MemoryScope scratch = MemoryScope.open()) {
            session.scaleRows(Operand.column(session, scratch, w.precision(), all), w);
            session.synchronize();
        }
    }

    /** Scores by penalty and target. */
    private double[][] found(Criterion criterion) {
        return scores.computeIfAbsent(criterion, each -> switch (each) {
            case LEAVE_ONE_OUT -> spectrum.leaveOneOut(penalties);
            case GENERALIZED_CROSS_VALIDATION -> spectrum.generalized(penalties);
        });
    }

    @Override
    public Matrix scores(Criterion criterion) {
        InvalidInputException.requireNonNull("criterion", criterion);
        return run(() -> {
            double[][] found = found(criterion);
            Matrix out = Matrix.zeros(Precision.FLOAT64, 1, penalties.length, targets, Layout.ROW_MAJOR);
            for (int l = 0; l < penalties.length; l++) {
                for (int j = 0; j < targets; j++) {
                    out.set(0, l, j, found[l][j]);
                }
            }
            return out;
        });
    }

    @Override
    public int[] best(Criterion criterion) {
        InvalidInputException.requireNonNull("criterion", criterion);
        return run(() -> {
            double[][] found = found(criterion);
            int[] out = new int[targets];
            for (int j = 0; j < targets; j++) {
                double[] own = new double[penalties.length];
                for (int l = 0; l < own.length; l++) {
                    own[l] = found[l][j];
                }
                out[j] = RidgeSpectrum.best(own, penalties);
            }
            return out;
        });
    }

    @Override
    public void close() {
        regression.close(life);
    }
}
