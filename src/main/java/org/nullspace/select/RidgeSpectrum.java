package org.nullspace.select;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.Design;
import org.nullspace.solve.Factors;

/**
 * Ridge solutions and their scores for any number of penalties from the singular triplets X = U·diag(σ)·Vᵀ: W(λ) = V·diag(σ/(σ² + λ))·UᵀY. One
 * product with V for all penalties. Hastie and Tibshirani, Biostatistics 5 (2004); Golub and Van Loan, Matrix Computations, 4th ed., §6.1.4.
 */
public final class RidgeSpectrum {
    private final MemoryScope scope;
    private final Session session;
    private final Factors factors;
    private final Design design;
    private final Matrix targets;
    private final int rank;
    private final int count;
    private @Nullable Matrix products;

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
        this.scope = scope;
        this.session = session;
        this.factors = factors;
        this.design = design;
        this.targets = targets;
        this.rank = factors.rank();
        this.count = Math.toIntExact(targets.columns());
    }

    /** UᵀY. */
    private Matrix products() {
        Matrix known = products;
        if (known == null) {
            known = factors.vectors(scope, rank, count);
            if (!known.isEmpty()) {
                factors.triplets().u().applyTransposed(targets, known);
            }
            products = known;
        }
        return known;
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
        Matrix c = products();
        FilterBasis basis = basis(penalties);
        new FilteredColumns(session, penalties, basis, lambda -> 1)
                .write((some, result) -> solve(c, some, result), w, count);
    }

    /**
     * Number of solutions that those for all penalties are made of, which are held beside them.
     *
     * @param penalties the penalties
     * @return a number less than that of the penalties; 0 where each is made for itself
     */
    public int nodes(double[] penalties) {
        FilterBasis basis = rank == 0 ? null : basis(penalties);
        return basis == null ? 0 : basis.nodes().length;
    }

    private @Nullable FilterBasis basis(double[] penalties) {
        double[] sigma = factors.triplets().sigma();
        double[] relative = new double[penalties.length];
        for (int l = 0; l < relative.length; l++) {
            double root = Math.sqrt(penalties[l]) / sigma[0];
            relative[l] = root * root;
        }
        double ratio = sigma[rank - 1] / sigma[0];
        return FilterBasis.of(
                relative, ratio * ratio, 1, rank, factors.precision().epsilon());
    }

    private void solve(Matrix c, double[] penalties, Matrix w) {
        double[][] filters = new double[penalties.length][];
        for (int l = 0; l < filters.length; l++) {
            filters[l] = filter(penalties[l]);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix filtered = factors.vectors(scratch, rank, (long) count * penalties.length);
            FilteredColumns.scale(session, c, filters, filtered);
            factors.triplets().v().apply(filtered, w);
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
            double[][] own = FilteredColumns.byColumn(session, products());
            for (int j = 0; j < count; j++) {
                Sums.multiply(filter(penalties[j]), own[j]);
            }
            Matrix c = FilteredColumns.inPlace(session, scratch, Matrix.of(scratch, own), factors.precision())
                    .transposed();
            factors.triplets().v().apply(c, w);
        }
    }

    private double[] filter(double lambda) {
        double root = Math.sqrt(lambda);
        double[] out = new double[rank];
        for (int i = 0; i < rank; i++) {
            double sigma = factors.triplets().sigma()[i];
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
            sum += factors.triplets().sigma()[i] * filter[i];
        }
        return sum;
    }

    // ---- scores

    /**
     * Leave-one-out scores.
     *
     * @param penalties L penalties
     * @return [λ][target], means of squared errors
     */
    public double[][] leaveOneOut(double[] penalties) {
        try (MemoryScope scratch = MemoryScope.open()) {
            return scores(scratch, penalties).leaveOneOut();
        }
    }

    /**
     * Generalized cross-validation scores.
     *
     * @param penalties L penalties
     * @return [λ][target]
     */
    public double[][] generalized(double[] penalties) {
        try (MemoryScope scratch = MemoryScope.open()) {
            return scores(scratch, penalties).generalized();
        }
    }

    private RidgeScores scores(MemoryScope scratch, double[] penalties) {
        return new RidgeScores(session, scratch, design, factors.tridiagonal(), inFloat64(scratch, targets), penalties);
    }

    private Matrix inFloat64(MemoryScope scratch, Matrix matrix) {
        if (matrix.precision() == Precision.FLOAT64) {
            return matrix;
        }
        Matrix wide = session.allocate(scratch, matrix.rows(), matrix.columns());
        session.copy(matrix, wide);
        return wide;
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
