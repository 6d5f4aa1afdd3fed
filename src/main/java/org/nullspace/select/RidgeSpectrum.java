package org.nullspace.select;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.Design;
import org.nullspace.solve.Factors;
import org.nullspace.solve.Triplets;

/**
 * Ridge solutions and their scores for any number of penalties from the singular triplets X = U·diag(σ)·Vᵀ: W(λ) = V·diag(σ/(σ² + λ))·UᵀY. One
 * product with V for all penalties. Hastie and Tibshirani, Biostatistics 5 (2004); Golub and Van Loan, Matrix Computations, 4th ed., §6.1.4.
 *
 * <p>Scores come from I − H(λ) = U·diag(c)·Uᵀ + (I − UUᵀ) with c = λ/(σ² + λ), in the coordinates of the weighted samples. Where UUᵀ is all of
 * the space that a fit can move in, a common factor of c cancels in every score; with c = (σ_r² + λ)/(σ² + λ) nothing vanishes for λ → 0.
 */
public final class RidgeSpectrum {
    /** Entries of the errors that are held at a time: 64 MiB. */
    private static final int MOST_ERRORS = 8 << 20;

    private final Session session;
    private final Factors factors;
    private final Design design;
    private final Triplets triplets;
    private final Matrix targets;
    private final Matrix products;
    private final int rank;
    private final int count;

    /**
     * Prepares for given targets.
     *
     * @param scope owner of what is kept: r×k numbers
     * @param session where to compute
     * @param factors X factorized
     * @param design how X was made
     * @param targets n'×k in the session's place, as they fit the design; a view of them is kept
     */
    public RidgeSpectrum(MemoryScope scope, Session session, Factors factors, Design design, Matrix targets) {
        this.session = session;
        this.factors = factors;
        this.design = design;
        this.triplets = factors.triplets();
        this.targets = targets;
        this.rank = triplets.sigma().length;
        this.count = Math.toIntExact(targets.columns());
        this.products = factors.vectors(scope, rank, count);
        if (!products.isEmpty()) {
            triplets.u().applyTransposed(targets, products);
        }
    }

    // ---- solutions

    /**
     * W ← solutions, side by side.
     *
     * @param penalties λ for each block of k columns
     * @param w written: d×(k·penalties), in the precision of the factors
     */
    public void solve(double[] penalties, Matrix w) {
        if (rank == 0 || w.isEmpty()) {
            session.fill(w, 0);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix c = factors.vectors(scratch, rank, (long) count * penalties.length);
            for (int l = 0; l < penalties.length; l++) {
                Matrix block = c.columns((long) l * count, (l + 1L) * count);
                session.copy(products, block);
                session.scaleRows(column(scratch, filter(penalties[l])), block);
            }
            triplets.v().apply(c, w);
        }
    }

    /**
     * W ← solutions with a penalty of its own for each target.
     *
     * @param penalties λ for each target
     * @param w written: d×k, in the precision of the factors
     */
    public void solveEach(double[] penalties, Matrix w) {
        if (rank == 0 || w.isEmpty()) {
            session.fill(w, 0);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix c = factors.vectors(scratch, rank, count);
            session.copy(products, c);
            for (int j = 0; j < count; j++) {
                session.scaleRows(column(scratch, filter(penalties[j])), c.columns(j, j + 1L));
            }
            triplets.v().apply(c, w);
        }
    }

    private double[] filter(double lambda) {
        double root = Math.sqrt(lambda);
        double[] out = new double[rank];
        for (int i = 0; i < rank; i++) {
            double sigma = triplets.sigma()[i];
            out[i] = 1 / (sigma + root * (root / sigma));
        }
        return out;
    }

    /**
     * Effective degrees of freedom, Σ σ²/(σ² + λ).
     *
     * @param lambda λ, at least 0
     * @return a number of at most r
     */
    public double degreesOfFreedom(double lambda) {
        double sum = 0;
        double[] filter = filter(lambda);
        for (int i = 0; i < rank; i++) {
            sum += triplets.sigma()[i] * filter[i];
        }
        return sum;
    }

    // ---- scores

    /**
     * Leave-one-out and generalized cross-validation scores.
     *
     * @param penalties L penalties
     * @param leaveOneOut written: [λ][target], means of squared errors
     * @param generalized written: [λ][target]
     */
    public void score(double[] penalties, double[][] leaveOneOut, double[][] generalized) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix u = session.allocate(scratch, targets.rows(), rank);
            Matrix y = session.allocate(scratch, targets.rows(), count);
            session.copy(targets, y);
            if (rank > 0) {
                Matrix axes = factors.vectors(scratch, rank, rank);
                Matrix columns = factors.vectors(scratch, targets.rows(), rank);
                session.identity(axes);
                triplets.u().apply(axes, columns);
                session.copy(columns, u);
            }
            Matrix samplesU = design.expand(scratch, u);
            Matrix samplesY = design.expand(scratch, y);
            new Scores(scratch, penalties, samplesU, samplesY).score(leaveOneOut, generalized);
        }
    }

    /** The scores in the coordinates of the m samples. */
    private final class Scores {
        private final MemoryScope scratch;
        private final double[] penalties;
        private final int samples;
        private final boolean complete;
        private final Matrix u;
        private final Matrix rest;
        private final Matrix wideProducts;

        private Scores(MemoryScope scratch, double[] penalties, Matrix u, Matrix y) {
            this.scratch = scratch;
            this.penalties = penalties;
            this.samples = Math.toIntExact(u.rows());
            this.complete = rank == targets.rows();
            this.u = u;
            this.wideProducts = session.allocate(scratch, rank, count);
            session.copy(products, wideProducts);
            // What no λ can fit: (I − UUᵀ)Y.
            this.rest = session.allocate(scratch, samples, count);
            if (complete) {
                session.fill(rest, 0);
                return;
            }
            session.copy(y, rest);
            if (rank > 0) {
                session.multiply(-1, u, wideProducts, 1, rest);
            }
        }

        private void score(double[][] leaveOneOut, double[][] generalized) {
            double[][] shrunk = new double[penalties.length][];
            for (int l = 0; l < penalties.length; l++) {
                shrunk[l] = shrinkage(penalties[l]);
            }
            double[][] leverages = leverages(shrunk);
            int most = (int) Math.max(1, MOST_ERRORS / Math.max(1, (long) samples * count));
            for (int from = 0; from < penalties.length; from += most) {
                int to = Math.min(penalties.length, from + most);
                try (MemoryScope tile = MemoryScope.open()) {
                    Matrix errors = session.toHost(errors(tile, shrunk, from, to));
                    for (int l = from; l < to; l++) {
                        Matrix own = errors.columns((long) (l - from) * count, (l - from + 1L) * count);
                        judge(own, leverages[l], leaveOneOut[l], generalized[l]);
                    }
                }
            }
        }

        /** (I − H)Y for some penalties, side by side. */
        private Matrix errors(MemoryScope tile, double[][] shrunk, int from, int to) {
            Matrix scaled = session.allocate(tile, rank, (long) (to - from) * count);
            Matrix errors = session.allocate(tile, samples, (long) (to - from) * count);
            for (int l = from; l < to; l++) {
                long first = (long) (l - from) * count;
                session.copy(rest, errors.columns(first, first + count));
                if (rank > 0) {
                    Matrix block = scaled.columns(first, first + count);
                    session.copy(wideProducts, block);
                    session.scaleRows(wideColumn(tile, shrunk[l]), block);
                }
            }
            if (rank > 0) {
                session.multiply(1, u, scaled, 1, errors);
            }
            return errors;
        }

        /** 1 − h_ii for each penalty; NaN where a sample alone determines a direction and cannot be left out. */
        private double[][] leverages(double[][] shrunk) {
            double[][] out = new double[penalties.length][samples];
            double[] constant = design.constantShares(samples);
            double[][] squares = new double[rank][];
            Matrix host = session.toHost(u);
            for (int j = 0; j < rank; j++) {
                squares[j] = host.columnToArray(j);
                for (int i = 0; i < samples; i++) {
                    squares[j][i] *= squares[j][i];
                }
            }
            double[] free = new double[samples];
            for (int i = 0; i < samples && !complete; i++) {
                double reached = 0;
                for (double[] column : squares) {
                    reached += column[i];
                }
                free[i] = Math.max(0, 1 - constant[i] - reached);
            }
            double noise = complete ? 0 : 8 * samples * Precision.FLOAT64.epsilon();
            for (int l = 0; l < out.length; l++) {
                double[] sum = out[l];
                System.arraycopy(free, 0, sum, 0, samples);
                for (int j = 0; j < rank; j++) {
                    double c = shrunk[l][j];
                    double[] column = squares[j];
                    for (int i = 0; i < samples; i++) {
                        sum[i] += c * column[i];
                    }
                }
                for (int i = 0; i < samples; i++) {
                    sum[i] = sum[i] <= noise ? Double.NaN : sum[i];
                }
            }
            return out;
        }

        private double[] shrinkage(double lambda) {
            double[] c = new double[rank];
            double[] sigma = triplets.sigma();
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
            for (int t = 0; t < count; t++) {
                double[] e = errors.columnToArray(t);
                double squares = 0;
                double out = 0;
                for (int i = 0; i < samples; i++) {
                    squares += e[i] * e[i];
                    double one = e[i] / leverage[i];
                    out += one * one;
                }
                leaveOneOut[t] = out / total;
                generalized[t] = (samples / trace) * (samples / trace) * squares / total;
            }
        }
    }

    private Matrix column(MemoryScope scratch, double[] values) {
        Matrix host = Matrix.zeros(scratch, factors.precision(), 1, values.length, 1, Layout.COLUMN_MAJOR);
        return filled(scratch, host, values);
    }

    private Matrix wideColumn(MemoryScope scratch, double[] values) {
        return filled(
                scratch, Matrix.zeros(scratch, Precision.FLOAT64, 1, values.length, 1, Layout.COLUMN_MAJOR), values);
    }

    private Matrix filled(MemoryScope scratch, Matrix host, double[] values) {
        for (int i = 0; i < values.length; i++) {
            host.set(0, i, 0, values[i]);
        }
        if (session.place().isHost()) {
            return host;
        }
        Matrix device = session.allocate(scratch, host.precision(), 1, values.length, 1, Layout.COLUMN_MAJOR);
        session.copy(host, device);
        return device;
    }

    /**
     * The best of some scores.
     *
     * @param scores numbers or NaN
     * @param penalties the penalties that they belong to
     * @return index of the smallest number, that of the largest penalty where several share it; −1 if all are NaN
     */
    public static int best(double[] scores, double[] penalties) {
        int best = -1;
        for (int l = 0; l < scores.length; l++) {
            boolean better = best < 0
                    || scores[l] < scores[best]
                    || (scores[l] == scores[best] && penalties[l] > penalties[best]);
            best = !Double.isNaN(scores[l]) && better ? l : best;
        }
        return best;
    }
}
