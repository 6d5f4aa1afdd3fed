package org.nullspace.select;

import java.util.Arrays;
import org.nullspace.backend.Session;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.Design;

/**
 * Leave-one-out and generalized cross-validation scores of ridge solutions from I − H(λ) = U·diag(c)·Uᵀ + (I − UUᵀ) with c = λ/(σ² + λ), in the
 * coordinates of the weighted samples. Where UUᵀ is all of the space that a fit can move in, a common factor of c cancels in every score; with
 * c = (σ_r² + λ)/(σ² + λ) nothing vanishes for λ → 0.
 */
final class RidgeScores {
    /** Entries of the errors that are held at a time: 1 MiB, which stays in the cache. */
    private static final int MOST_ERRORS = 1 << 17;

    private final Session session;
    private final MemoryScope scratch;
    private final Design design;
    private final double[] sigma;
    private final double[] penalties;
    private final int rank;
    private final int count;
    private final int samples;
    private final boolean complete;
    private final Matrix u;
    private final Matrix products;
    private final Matrix rest;

    /**
     * Prepares.
     *
     * @param scratch owner of what is held until the scores are made
     * @param design how X was made
     * @param sigma r singular values
     * @param products UᵀY, r×k, float64
     * @param reducedU U as it fits the design, n'×r, float64
     * @param reducedY targets as they fit the design, n'×k, float64
     * @param penalties L penalties
     */
    RidgeScores(
            Session session,
            MemoryScope scratch,
            Design design,
            double[] sigma,
            Matrix products,
            Matrix reducedU,
            Matrix reducedY,
            double[] penalties) {
        this.session = session;
        this.scratch = scratch;
        this.design = design;
        this.sigma = sigma;
        this.penalties = penalties;
        this.rank = sigma.length;
        this.count = Math.toIntExact(products.columns());
        this.complete = rank == reducedY.rows();
        this.u = design.expand(scratch, reducedU);
        this.products = products;
        this.samples = Math.toIntExact(u.rows());
        // What no λ can fit: (I − UUᵀ)Y.
        this.rest = session.allocate(scratch, samples, count);
        if (complete) {
            session.fill(rest, 0);
            return;
        }
        session.copy(design.expand(scratch, reducedY), rest);
        if (rank > 0) {
            session.multiply(-1, u, products, 1, rest);
        }
    }

    /**
     * Means of squared errors.
     *
     * @param leaveOneOut written: [λ][target]
     * @param generalized written: [λ][target]
     */
    void score(double[][] leaveOneOut, double[][] generalized) {
        if (penalties.length == 0) {
            return;
        }
        double[][] shrunk = new double[penalties.length][];
        for (int l = 0; l < penalties.length; l++) {
            shrunk[l] = shrinkage(penalties[l]);
        }
        double[][] leverages = leverages(shrunk);
        int most = (int) Math.max(1, MOST_ERRORS / Math.max(1, (long) samples * count));
        FilteredColumns fitted = new FilteredColumns(
                session, scratch, products, shrunk, (c, part) -> session.multiply(1, u, c, 0, part), samples);
        try (MemoryScope own = MemoryScope.open()) {
            Matrix tile = session.allocate(own, samples, (long) Math.min(most, penalties.length) * count);
            for (int from = 0; from < penalties.length; from += most) {
                int to = Math.min(penalties.length, from + most);
                Matrix errors = tile.columns(0, (long) (to - from) * count);
                if (rank == 0) {
                    session.fill(errors, 0);
                } else {
                    fitted.write(from, to, errors);
                }
                Matrix host = complete ? session.toHost(errors) : session.toHost(withRest(errors));
                for (int l = from; l < to; l++) {
                    Matrix part = host.columns((long) (l - from) * count, (l - from + 1L) * count);
                    judge(part, leverages[l], leaveOneOut[l], generalized[l]);
                }
            }
        }
    }

    private Matrix withRest(Matrix errors) {
        for (long first = 0; first < errors.columns(); first += count) {
            session.add(1, rest, 1, errors.columns(first, first + count));
        }
        return errors;
    }

    /** 1 − h_ii for each penalty; NaN where a sample alone determines a direction and cannot be left out. */
    private double[][] leverages(double[][] shrunk) {
        double[][] out = new double[penalties.length][samples];
        double[] constant = design.constantShares(samples);
        // The squares of U, and beside them their sums over the rank.
        Matrix squares = Matrix.uninitialized(scratch, Precision.FLOAT64, 1, samples, rank, Layout.COLUMN_MAJOR);
        double[] free = new double[samples];
        Arrays.fill(free, complete ? 0 : 1);
        Matrix host = session.toHost(u);
        HostLines lines = HostLines.of(squares, 0);
        for (int j = 0; j < rank; j++) {
            double[] column = host.columnToArray(j);
            for (int i = 0; i < samples; i++) {
                column[i] *= column[i];
                free[i] -= complete ? 0 : column[i];
            }
            lines.write(j, 0, column, 0, samples);
        }
        for (int i = 0; i < samples && !complete; i++) {
            free[i] = Math.max(0, free[i] - constant[i]);
        }
        Matrix sums = session.allocate(scratch, samples, penalties.length);
        Matrix shares = FilteredColumns.inPlace(session, scratch, Matrix.of(scratch, shrunk), Precision.FLOAT64);
        session.fill(sums, 0);
        if (rank > 0) {
            session.multiply(
                    1,
                    FilteredColumns.inPlace(session, scratch, squares, Precision.FLOAT64),
                    shares.transposed(),
                    0,
                    sums);
        }
        double noise = complete ? 0 : 8 * samples * Precision.FLOAT64.epsilon();
        Matrix found = session.toHost(sums);
        for (int l = 0; l < out.length; l++) {
            out[l] = found.columnToArray(l);
            for (int i = 0; i < samples; i++) {
                double rest = out[l][i] + free[i];
                out[l][i] = rest <= noise ? Double.NaN : rest;
            }
        }
        return out;
    }

    private double[] shrinkage(double lambda) {
        double[] c = new double[rank];
        double least = rank == 0 ? 0 : sigma[rank - 1];
        double root = Math.sqrt(lambda);
        double scale = rank == 0 ? 1 : Math.max(sigma[0], root);
        for (int i = 0; i < rank; i++) {
            // Quotients of squares of numbers at most 1.
            double s = sigma[i] / scale;
            double r = root / scale;
            double below = s * s + r * r;
            double t = least / scale;
            c[i] = (complete ? t * t + r * r : r * r) / below;
        }
        return c;
    }

    private void judge(Matrix errors, double[] leverage, double[] leaveOneOut, double[] generalized) {
        double total = design.totalWeight();
        double trace = 0;
        for (double each : leverage) {
            trace += Double.isNaN(each) ? 0 : each;
        }
        double[] inverse = new double[samples];
        Arrays.setAll(inverse, i -> 1 / leverage[i]);
        for (int t = 0; t < count; t++) {
            double[] e = errors.columnToArray(t);
            double squares = Sums.product(e, e);
            for (int i = 0; i < samples; i++) {
                e[i] *= inverse[i];
            }
            leaveOneOut[t] = Sums.product(e, e) / total;
            generalized[t] = (samples / trace) * (samples / trace) * squares / total;
        }
    }
}
