package org.nullspace.solve;

import java.util.Arrays;
import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/**
 * Bounds on the singular values of a lower triangular matrix L of order p, from L and L⁻¹ alone.
 *
 * <p>They are Frobenius norms at first: σ₁ ≤ ‖L‖_F and 1/σ_p ≤ ‖L⁻¹‖_F, each too large by a factor of up to √p. Sharper ones are those of the
 * squares, σ₁² ≤ ‖LLᵀ‖_F and 1/σ_p² ≤ ‖L⁻ᵀL⁻¹‖_F, too large by a factor of p^¼ at most; they take two products of p×p matrices. Rows of
 * L and columns of L⁻¹ bound the same numbers from below, which tells whether that can help.
 */
final class GramCertificate {
    /**
     * Vectors of independent entries of mean 0 and variance 1 that an inverse is tried on: ‖(I − LX)v‖² is ‖I − LX‖_F² in the mean. That all show less
     * than a hundredth of it has a probability of some 10⁻⁸, as a product of uniform densities.
     */
    private static final int PROBES = 4;

    /** Largest norm that leaves 1/σ_p ≤ ‖X‖/(1 − ‖I − LX‖) within a percent or two, should it be some times as large as it looks. */
    private static final double LARGEST_RESIDUAL = 1e-3;

    /** Makes entries of variance 1 of integers of 53 bits and a sign bit. */
    private static final double DEVIATION = 0x1p-52 * Math.sqrt(3);

    private final Session session;
    private final Matrix l;
    private final Matrix inverse;
    private final double[] rows;
    private final double[] columns;
    private final double residual;
    private final double scaledFrobenius;
    private double sigmaMax;
    private double inverseNorm;
    private double scaled;
    private boolean sharp;

    /**
     * The first bounds.
     *
     * @param l L, zeros above the diagonal
     * @param inverse X = L⁻¹, likewise
     * @param tried whether to measure I − LX
     */
    GramCertificate(Session session, Matrix l, Matrix inverse, boolean tried) {
        this.session = session;
        this.l = l;
        this.inverse = inverse;
        try (MemoryScope scratch = MemoryScope.open()) {
            double[][] norms = tried
                    ? Norms.columnsOf(session, l.transposed(), inverse, residuals(scratch))
                    : Norms.columnsOf(session, l.transposed(), inverse);
            this.rows = norms[0];
            this.columns = norms[1];
            this.residual = tried ? Arrays.stream(norms[2]).max().orElse(0) : 0;
        }
        double scaledInverse = 0;
        for (int i = 0; i < rows.length; i++) {
            sigmaMax = Math.hypot(sigmaMax, rows[i]);
            inverseNorm = Math.hypot(inverseNorm, columns[i]);
            scaledInverse = Math.hypot(scaledInverse, rows[i] * columns[i]);
        }
        scaledFrobenius = Math.min(condition(), Math.sqrt(rows.length) * scaledInverse);
        scaled = scaledFrobenius;
    }

    /** V − LXV. */
    private Matrix residuals(MemoryScope scratch) {
        int p = Math.toIntExact(l.rows());
        SplitMix64 random = new SplitMix64(PROBES);
        Matrix host = Matrix.zeros(scratch, Precision.FLOAT64, 1, p, PROBES, Layout.COLUMN_MAJOR);
        for (int j = 0; j < PROBES; j++) {
            for (int i = 0; i < p; i++) {
                host.set(0, i, j, (random.nextLong() >> 11) * DEVIATION);
            }
        }
        Matrix tries = session.allocate(scratch, p, PROBES);
        Matrix product = session.allocate(scratch, p, PROBES);
        session.copy(host, tries);
        session.multiply(1, inverse, tries, 0, product);
        session.multiply(-1, l, product, 1, tries);
        return tries;
    }

    /** Whether X is the inverse as far as it was tried. */
    boolean isInverse() {
        return residual <= LARGEST_RESIDUAL;
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

    /** At least κ₂ of L with its rows as they are or of norm 1, whichever is less. */
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

    /** Whether sharper bounds may bring {@link #scaled()} to a limit. */
    boolean mayScaleTo(double limit) {
        double least = 1;
        for (int i = 0; i < rows.length; i++) {
            least = Math.max(least, rows[i] * columns[i]);
        }
        return !sharp && Math.min(least, sigmaMaxLower() / sigmaMinUpper()) <= limit;
    }

    /** Whether bounds are as sharp as they get. */
    boolean isSharp() {
        return sharp;
    }

    /**
     * Sharpens all bounds.
     *
     * @param square p×p with zeros above the diagonal; destroyed below it
     */
    void sharpen(Matrix square) {
        double[] inverses = new double[rows.length];
        double[] units = new double[rows.length];
        double[] lengths = new double[rows.length];
        for (int i = 0; i < rows.length; i++) {
            inverses[i] = 1 / rows[i];
            units[i] = 1;
            lengths[i] = rows[i] * columns[i];
        }
        session.gram(1, l, 0, square);
        sigmaMax = Math.min(sigmaMax, Math.sqrt(norm(square, rows)));
        scaleBothSides(square, inverses);
        double largest = norm(square, units);
        session.gram(1, inverse.transposed(), 0, square);
        inverseNorm = Math.min(inverseNorm, Math.sqrt(norm(square, columns)));
        scaleBothSides(square, rows);
        scaled = Math.min(Math.min(scaled, condition()), Math.sqrt(largest) * Math.sqrt(norm(square, lengths)));
        sharp = true;
    }

    private void scaleBothSides(Matrix square, double[] factors) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix there = session.allocate(scratch, factors.length, 1);
            session.copy(Matrix.column(factors), there);
            session.scaleRows(there, square);
            session.scaleRows(there, square.transposed());
        }
    }

    /**
     * ‖AAᵀ‖_F.
     *
     * @param lower its lower triangle, zeros above
     * @param rowNorms norms of the rows of A
     */
    private double norm(Matrix lower, double[] rowNorms) {
        double half = Norms.frobenius(session, lower);
        double diagonal = 0;
        for (double each : rowNorms) {
            diagonal = Math.hypot(diagonal, each * each);
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
        int p = rows.length;
        return GramLimits.contractions(
                Math.min(GramLimits.contraction(scaledFrobenius, p, q), GramLimits.provenContraction(scaled, p, q)));
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
