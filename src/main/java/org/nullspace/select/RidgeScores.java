package org.nullspace.select;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.Design;
import org.nullspace.solve.TridiagonalForm;

/**
 * Leave-one-out and generalized cross-validation scores of ridge solutions from I − H(λ) = λ·Q(T + λI)⁻¹Qᵀ + (I − QQᵀ), in the coordinates of
 * the weighted samples. Where QQᵀ is all of the space that a fit can move in, a common factor cancels in every score: with a + λ in place of the
 * factor λ, a being the least eigenvalue of T, nothing vanishes for λ → 0.
 */
final class RidgeScores {
    /** Entries of the errors that are held at a time: 8 MiB, which stay in a large cache. */
    private static final int MOST_ERRORS = 1 << 20;

    /** In units of σ₁²: everything is shrunk to nothing already. */
    private static final double LARGEST_PENALTY = 1e100;

    private final Session session;
    private final MemoryScope scratch;
    private final Design design;
    private final Resolvent resolvent;
    private final FilteredColumns filtered;
    private final double[] penalties;
    private final int rank;
    private final int count;
    private final int samples;
    private final boolean complete;
    private final Matrix q;
    private final Matrix products;
    private final Matrix rest;

    /**
     * Prepares.
     *
     * @param scratch owner of what is held until the scores are made
     * @param design how X was made
     * @param form XXᵀ reduced
     * @param reducedY targets as they fit the design, n'×k, float64
     * @param given L penalties
     */
    RidgeScores(
            Session session,
            MemoryScope scratch,
            Design design,
            TridiagonalForm form,
            Matrix reducedY,
            double[] given) {
        this.session = session;
        this.scratch = scratch;
        this.design = design;
        this.rank = form.diagonal().length;
        this.count = Math.toIntExact(reducedY.columns());
        this.complete = rank == reducedY.rows();
        this.resolvent = Resolvent.of(session, form);
        this.penalties = new double[given.length];
        for (int l = 0; l < given.length; l++) {
            double root = rank == 0 ? 0 : Math.sqrt(given[l]) / form.unit();
            penalties[l] = Math.min(root * root, LARGEST_PENALTY);
        }
        FilterBasis basis = FilterBasis.of(penalties, form.least(), form.largest(), rank, Precision.FLOAT64.epsilon());
        this.filtered = new FilteredColumns(session, penalties, basis, lambda -> form.least() + lambda);
        Matrix reducedQ = session.allocate(scratch, reducedY.rows(), rank);
        this.products = session.allocate(scratch, rank, count);
        if (rank > 0) {
            form.q().writeTo(reducedQ);
            session.multiply(1, reducedQ.transposed(), reducedY, 0, products);
        }
        this.q = design.expand(scratch, reducedQ);
        this.samples = Math.toIntExact(q.rows());
        // What no λ can fit: (I − QQᵀ)Y.
        this.rest = session.allocate(scratch, complete ? 0 : samples, count);
        if (!complete) {
            session.copy(design.expand(scratch, reducedY), rest);
            if (rank > 0) {
                session.multiply(-1, q, products, 1, rest);
            }
        }
    }

    /**
     * Means of squared errors e_i/(1 − h_ii) of predictions without the sample.
     *
     * @return [λ][target]
     */
    double[][] leaveOneOut() {
        double[][] free = leverages();
        try (MemoryScope own = MemoryScope.open()) {
            Matrix inverses =
                    Matrix.uninitialized(own, Precision.FLOAT64, penalties.length, samples, 1, Layout.COLUMN_MAJOR);
            for (int l = 0; l < penalties.length; l++) {
                for (int i = 0; i < samples; i++) {
                    inverses.set(l, i, 0, 1 / free[l][i]);
                }
            }
            double[] units = new double[penalties.length];
            Arrays.fill(units, 1);
            return means(units, FilteredColumns.inPlace(session, own, inverses, Precision.FLOAT64));
        }
    }

    /**
     * Means of squared errors with all 1 − h_ii replaced by their mean.
     *
     * @return [λ][target]
     */
    double[][] generalized() {
        double[][] free = leverages();
        double[] units = new double[penalties.length];
        for (int l = 0; l < units.length; l++) {
            double trace = 0;
            for (double each : free[l]) {
                trace += Double.isNaN(each) ? 0 : each;
            }
            units[l] = samples / trace;
        }
        return means(units, null);
    }

    /** Means of the squares of errors, multiplied by a unit for each penalty and, if there are some, factors for each penalty and sample. */
    private double[][] means(double[] units, @Nullable Matrix factors) {
        double[][] out = new double[penalties.length][count];
        double total = design.totalWeight();
        long each = Math.max(1, (long) samples * penalties.length);
        int most = (int) Math.max(1, Math.min(count, MOST_ERRORS / each));
        for (int from = 0; from < count && out.length > 0; from += most) {
            int to = Math.min(count, from + most);
            try (MemoryScope own = MemoryScope.open()) {
                Matrix errors = errors(own, from, to);
                Matrix norms =
                        session.allocate(own, Precision.FLOAT64, penalties.length, 1, to - from, Layout.COLUMN_MAJOR);
                if (factors == null) {
                    session.columnNorms(errors, norms);
                } else {
                    session.scaledNorms(factors, errors, norms);
                }
                Matrix host = session.toHost(norms);
                for (int l = 0; l < out.length; l++) {
                    for (int t = from; t < to; t++) {
                        double size = units[l] * host.get(l, 0, t - from);
                        out[l][t] = size * size / total;
                    }
                }
            }
        }
        return out;
    }

    /** (I − H(λ))Y for all penalties and some targets. */
    private Matrix errors(MemoryScope own, int from, int to) {
        int width = to - from;
        Matrix errors = session.allocate(own, Precision.FLOAT64, penalties.length, samples, width, Layout.COLUMN_MAJOR);
        if (rank == 0) {
            session.fill(errors, 0);
        } else {
            Matrix c = products.columns(from, to);
            filtered.write(
                    (some, target) -> session.multiply(1, q, resolvent.apply(own, some, c), 0, target),
                    errors.sideBySide(),
                    width);
        }
        for (int l = 0; l < penalties.length && !complete; l++) {
            session.add(1, rest.columns(from, to), share(penalties[l]), errors.problem(l));
        }
        return errors;
    }

    /** λ/(a + λ). */
    private double share(double lambda) {
        return rank == 0 ? 0 : lambda / (resolvent.form.least() + lambda);
    }

    /** 1 − h_ii for each penalty; NaN where a sample alone determines a direction and cannot be left out. */
    private double[][] leverages() {
        double[][] out = rank == 0 || penalties.length == 0
                ? new double[penalties.length][samples]
                : filtered.combine(resolvent.diagonals(filtered.nodes(), q));
        if (complete) {
            return out;
        }
        double[] free = new double[samples];
        double[] constant = design.constantShares(samples);
        Arrays.setAll(free, i -> 1 - constant[i]);
        for (double[] column : FilteredColumns.byColumn(session, q)) {
            for (int i = 0; i < samples; i++) {
                free[i] -= column[i] * column[i];
            }
        }
        double noise = 8 * samples * Precision.FLOAT64.epsilon();
        for (int l = 0; l < out.length; l++) {
            double share = share(penalties[l]);
            for (int i = 0; i < samples; i++) {
                double left = share * out[l][i] + Math.max(0, free[i]);
                out[l][i] = left <= noise ? Double.NaN : left;
            }
        }
        return out;
    }
}
