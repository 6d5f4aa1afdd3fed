package org.nullspace.solve;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/**
 * What one solve with the Cholesky factor of XXᵀ has left of XW = Y or XP = 0, measured on X itself, each row beside its own norm: with D the
 * inverses of the norms of the rows of X, all of DX have norm 1.
 *
 * <p>Few columns are measured one by one. Of many, a bound tells which can be off, and sums are measured, so that nothing else goes unseen: the residual of a column made
 * from α is Eα with the error E of the Gram matrix and its factor, and ‖DED‖ is of the order of √p·ε, so that it is rounding unless D⁻¹α is large beside what
 * the column solves and is. One column that is off shows in a sum of unit columns if it is off by more than rounding errors of all of them together.
 */
final class GramResiduals {
    /** Norms outside of this and its inverse have lost digits, or their inverses would. */
    private static final double SMALLEST_SIZE = 0x1p-500;

    /** Sums of columns with random signs: that something is hidden in all of them by another column has a probability of 2^−{@value}. */
    private static final int PROBES = 4;

    /** Columns at most that are measured one by one. */
    static final int MEASURED = 2 * PROBES;

    /** Largest ‖D⁻¹α‖, in units of the size of a column, that leaves a residual of the size of rounding errors. */
    private static final double LARGEST_GROWTH = 4;

    /** Norms of rows that differ by less are not told apart. */
    private static final double EVEN = 2;

    private final Session session;
    private final Matrix x;
    private final double[] rowNorms;
    private final double longest;
    private final boolean even;
    private final Matrix units;

    /**
     * Prepares.
     *
     * @param scope owner of what is kept: n numbers
     * @param x X, n×d
     * @param rowNorms norms of its rows, positive
     */
    GramResiduals(Session session, MemoryScope scope, Matrix x, double[] rowNorms) {
        this.session = session;
        this.x = x;
        this.rowNorms = rowNorms;
        double[] inverses = new double[rowNorms.length];
        Arrays.setAll(inverses, i -> 1 / rowNorms[i]);
        this.longest = Arrays.stream(rowNorms).max().orElse(1);
        this.even = longest <= EVEN * Arrays.stream(rowNorms).min().orElse(1);
        this.units = copy(scope, Matrix.column(inverses));
    }

    /**
     * Whether W solves XW = Y to rounding; false where that is not known.
     *
     * @param y Y
     * @param alpha α with W = Xᵀα
     * @param w W
     */
    boolean areSolved(Matrix y, Matrix alpha, Matrix w) {
        try (MemoryScope scratch = MemoryScope.open()) {
            if (y.columns() <= MEASURED) {
                return eachIsSmall(scratch, y, w);
            }
            double[][] norms =
                    Norms.columnsOf(session, lengthened(scratch, alpha), even ? y : scaled(scratch, units, y));
            double[] columns = norms[1];
            for (int j = 0; j < columns.length && even; j++) {
                norms[0][j] *= longest;
                columns[j] /= longest;
            }
            if (!isBounded(norms[0], columns)) {
                double[] ofW = Norms.columns(session, w);
                Arrays.setAll(columns, j -> columns[j] + ofW[j]);
                if (!isBounded(norms[0], columns)) {
                    return false;
                }
            }
            Matrix probes = probes(scratch, columns);
            if (probes == null) {
                return false;
            }
            Matrix someY = product(scratch, y, probes);
            Matrix someW = product(scratch, w, probes);
            return areSmall(residuals(scratch, someY, someW), Math.sqrt(columns.length));
        }
    }

    /**
     * Whether XP = 0 to rounding; false where that is not known.
     *
     * @param alpha α with P = (something) − Xᵀα
     * @param w P
     */
    boolean areProjected(Matrix alpha, Matrix w) {
        if (w.columns() <= MEASURED) {
            return false;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            double[][] norms = Norms.columnsOf(session, lengthened(scratch, alpha), w);
            for (int j = 0; j < norms[0].length && even; j++) {
                norms[0][j] *= longest;
            }
            Matrix probes = isBounded(norms[0], norms[1]) ? probes(scratch, norms[1]) : null;
            if (probes == null) {
                return false;
            }
            Matrix seen = product(scratch, x, product(scratch, w, probes));
            session.scaleRows(units, seen);
            return areSmall(seen, Math.sqrt(norms[1].length));
        }
    }

    /** D⁻¹α; α itself, to be multiplied by the longest norm, where rows are even. */
    private Matrix lengthened(MemoryScope scratch, Matrix alpha) {
        return even ? alpha : scaled(scratch, copy(scratch, Matrix.column(rowNorms)), alpha);
    }

    private static boolean isBounded(double[] alpha, double[] sizes) {
        for (int j = 0; j < alpha.length; j++) {
            if (!(alpha[j] <= LARGEST_GROWTH * sizes[j])) {
                return false;
            }
        }
        return true;
    }

    /** D(Y − XW). */
    private Matrix residuals(MemoryScope scratch, Matrix y, Matrix w) {
        Matrix out = copy(scratch, y);
        session.multiply(-1, x, w, 1, out);
        session.scaleRows(units, out);
        return out;
    }

    /** Whether D(Y − XW) is small beside W and DY, column by column. */
    private boolean eachIsSmall(MemoryScope scratch, Matrix y, Matrix w) {
        long k = y.columns();
        Matrix both = session.allocate(scratch, y.rows(), 2 * k);
        session.copy(y, both.columns(0, k));
        session.copy(y, both.columns(k, 2 * k));
        session.multiply(-1, x, w, 1, both.columns(0, k));
        session.scaleRows(units, both);
        double[][] norms = Norms.columnsOf(session, both, w);
        for (int j = 0; j < k; j++) {
            if (!(norms[0][j]
                    <= GramLimits.roundingLevel(x.rows(), 1, norms[1][j], norms[0][Math.toIntExact(k) + j]))) {
                return false;
            }
        }
        return true;
    }

    private boolean areSmall(Matrix residuals, double size) {
        for (double norm : Norms.columns(session, residuals)) {
            if (!(norm <= GramLimits.roundingLevel(x.rows(), 1, size, 0))) {
                return false;
            }
        }
        return true;
    }

    /**
     * Factors of columns that make sums of unit columns with random signs.
     *
     * @param sizes what the columns are to be divided by; zeros belong to columns of zeros
     * @return k×{@value #PROBES}, or null where that would leave the number format
     */
    private @Nullable Matrix probes(MemoryScope scratch, double[] sizes) {
        Matrix host = Matrix.zeros(scratch, Precision.FLOAT64, 1, sizes.length, PROBES, Layout.COLUMN_MAJOR);
        SplitMix64 random = new SplitMix64(PROBES);
        for (int j = 0; j < sizes.length; j++) {
            if (sizes[j] != 0 && !(sizes[j] >= SMALLEST_SIZE && sizes[j] <= 1 / SMALLEST_SIZE)) {
                return null;
            }
            double unit = sizes[j] == 0 ? 0 : 1 / sizes[j];
            for (int p = 0; p < PROBES; p++) {
                host.set(0, j, p, random.nextLong() < 0 ? -unit : unit);
            }
        }
        return copy(scratch, host);
    }

    private Matrix product(MemoryScope scratch, Matrix a, Matrix b) {
        Matrix out = session.allocate(scratch, a.rows(), b.columns());
        session.multiply(1, a, b, 0, out);
        return out;
    }

    private Matrix scaled(MemoryScope scratch, Matrix factors, Matrix a) {
        Matrix out = copy(scratch, a);
        session.scaleRows(factors, out);
        return out;
    }

    private Matrix copy(MemoryScope scratch, Matrix a) {
        Matrix out = session.allocate(scratch, a.rows(), a.columns());
        session.copy(a, out);
        return out;
    }
}
