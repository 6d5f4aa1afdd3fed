package org.nullspace.solve;

import java.util.Arrays;
import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Bounds on the singular values of a lower triangular matrix L of order p, from L and L⁻¹ alone.
 *
 * <p>They are Frobenius norms at first: σ₁ ≤ ‖L‖_F and 1/σ_p ≤ ‖L⁻¹‖_F, each too large by a factor of up to √p. Sharper ones are those of the
 * squares, σ₁² ≤ ‖LLᵀ‖_F and 1/σ_p² ≤ ‖L⁻ᵀL⁻¹‖_F, too large by a factor of p^¼ at most; they take two more products of triangular matrices. Rows of
 * L and columns of L⁻¹ bound the same numbers from below, which tells whether that can help.
 */
final class GramCertificate {
    private final Session session;
    private final Matrix l;
    private final Matrix inverse;
    private final double[] rows;
    private final double[] columns;
    private final double scaledFrobenius;
    private double sigmaMax;
    private double inverseNorm;
    private double scaled;

    /**
     * The first bounds.
     *
     * @param l L, zeros above the diagonal
     * @param inverse L⁻¹, likewise
     */
    GramCertificate(Session session, Matrix l, Matrix inverse) {
        this.session = session;
        this.l = l;
        this.inverse = inverse;
        double[][] norms = Norms.columnsOf(session, l.transposed(), inverse);
        this.rows = norms[0];
        this.columns = norms[1];
        double scaledInverse = 0;
        for (int i = 0; i < rows.length; i++) {
            sigmaMax = Math.hypot(sigmaMax, rows[i]);
            inverseNorm = Math.hypot(inverseNorm, columns[i]);
            scaledInverse = Math.hypot(scaledInverse, rows[i] * columns[i]);
        }
        scaledFrobenius = Math.min(condition(), Math.sqrt(rows.length) * scaledInverse);
        scaled = scaledFrobenius;
    }

    /** Norms of the rows of L. */
    double[] rows() {
        return rows;
    }

    /** At least σ₁. */
    double sigmaMax() {
        return sigmaMax;
    }

    /** At most σ_p. */
    double sigmaMin() {
        return 1 / inverseNorm;
    }

    /** At least κ₂ of L. */
    double condition() {
        return sigmaMax * inverseNorm;
    }

    /** At least κ₂ of L with rows of norm 1. */
    double scaled() {
        return scaled;
    }

    /** At most σ₁: the longest row of L. */
    double sigmaMaxLower() {
        return Arrays.stream(rows).max().orElse(0);
    }

    /** At least σ_p. */
    double sigmaMinUpper() {
        return 1 / Arrays.stream(columns).max().orElse(0);
    }

    /** At most κ₂ of L with rows of norm 1. */
    private double scaledLower() {
        double least = 1;
        for (int i = 0; i < rows.length; i++) {
            least = Math.max(least, rows[i] * columns[i]);
        }
        return least;
    }

    /** Sharpens the bounds on σ₁ and σ_p. */
    void sharpen() {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix square = GramFactors.emptyGram(session, scratch, rows.length);
            sigmaMax = Math.min(sigmaMax, Math.sqrt(squareNorm(l, square, rows)));
            inverseNorm = Math.min(inverseNorm, Math.sqrt(squareNorm(inverse.transposed(), square, columns)));
        }
    }

    /** Sharpens the bound on the condition number with rows of norm 1 if that can bring it to a limit. */
    void sharpenScaled(double limit) {
        if (scaledLower() > limit) {
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix square = GramFactors.emptyGram(session, scratch, rows.length);
            Matrix part = GramFactors.emptyGram(session, scratch, rows.length);
            double[] lengths = new double[rows.length];
            double[] inverses = new double[rows.length];
            double[] units = new double[rows.length];
            for (int i = 0; i < rows.length; i++) {
                inverses[i] = 1 / rows[i];
                lengths[i] = rows[i] * columns[i];
                units[i] = 1;
            }
            session.copy(l, part);
            session.scaleRows(column(scratch, inverses), part);
            double norm = squareNorm(part, square, units);
            session.copy(inverse, part);
            session.scaleRows(column(scratch, rows), part.transposed());
            norm = Math.sqrt(norm) * Math.sqrt(squareNorm(part.transposed(), square, lengths));
            scaled = Math.min(scaled, norm);
        }
    }

    private Matrix column(MemoryScope scratch, double[] entries) {
        Matrix there = session.allocate(scratch, entries.length, 1);
        session.copy(Matrix.column(entries), there);
        return there;
    }

    /**
     * ‖AAᵀ‖_F.
     *
     * @param a A
     * @param square zeros above the diagonal; destroyed below it
     * @param rowNorms norms of the rows of A
     */
    private double squareNorm(Matrix a, Matrix square, double[] rowNorms) {
        session.gram(1, a, 0, square);
        double half = Norms.frobenius(session, square);
        double diagonal = 0;
        for (double norm : rowNorms) {
            diagonal = Math.hypot(diagonal, norm * norm);
        }
        double share = Math.min(1, diagonal / half);
        return half * Math.sqrt(2 - share * share);
    }

    /**
     * Applications of (LLᵀ)⁻¹ that bring the error of a solution to rounding level.
     *
     * @param q length of the rows of A with AAᵀ = LLᵀ
     */
    int contractions(long q) {
        double rate = GramLimits.contraction(scaledFrobenius, rows.length, q);
        double trusted = scaled / GramLimits.largestCondition(rows.length, q);
        return GramLimits.contractions(Math.min(rate, 0.01 * trusted * trusted));
    }

    /** Text: an upper bound on the condition number in three digits, rounded upwards; {@code String.format} takes as long as a small factorization. */
    String conditionText() {
        double condition = condition();
        int exponent = (int) Math.floor(Math.log10(condition));
        double digits = Math.ceil(condition * Math.pow(10, 2 - exponent) * (1 - 1e-12)) / 100;
        String number = exponent < 3 ? "" + (float) (digits * Math.pow(10, exponent)) : digits + "e" + exponent;
        return "condition number at most " + number;
    }

    /** Whether bounds are numbers that squares of singular values can be formed of. */
    boolean isInRange(double smallestSigma) {
        return condition() < Double.POSITIVE_INFINITY && sigmaMin() > smallestSigma && sigmaMax() < 1 / smallestSigma;
    }
}
