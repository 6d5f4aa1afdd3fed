package org.nullspace.select;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * Columns that depend on a penalty as u(λ)/(σ² + λ) does, for many penalties: made for the nodes of a {@link FilterBasis} where there is one, and
 * combined.
 */
final class FilteredColumns {
    private final Session session;
    private final double[] nodes;
    private final double @Nullable [][] combinations;

    /** Makes columns. */
    interface Columns {
        /**
         * Writes them, side by side.
         *
         * @param penalties penalties
         * @param result written: a block of columns for each penalty
         */
        void write(double[] penalties, Matrix result);
    }

    /**
     * Prepares.
     *
     * @param penalties λ
     * @param basis nodes among them, or null
     * @param unit u
     */
    FilteredColumns(Session session, double[] penalties, @Nullable FilterBasis basis, DoubleUnaryOperator unit) {
        this.session = session;
        if (basis == null) {
            this.nodes = penalties;
            this.combinations = null;
            return;
        }
        this.nodes = Arrays.stream(basis.nodes()).mapToDouble(l -> penalties[l]).toArray();
        double[][] factors = new double[penalties.length][nodes.length];
        for (int l = 0; l < penalties.length; l++) {
            double own = unit.applyAsDouble(penalties[l]);
            for (int m = 0; m < nodes.length; m++) {
                factors[l][m] = basis.combinations()[l][m] * (own / unit.applyAsDouble(nodes[m]));
            }
        }
        this.combinations = factors;
    }

    /** The penalties that columns are made for: all, without a basis. */
    double[] nodes() {
        return nodes;
    }

    /**
     * Numbers for all penalties from those for the nodes.
     *
     * @param values [node][i]
     * @return [penalty][i]; the argument itself without a basis
     */
    double[][] combine(double[][] values) {
        double[][] factors = combinations;
        if (factors == null) {
            return values;
        }
        double[][] out = new double[factors.length][values[0].length];
        for (int l = 0; l < out.length; l++) {
            for (int m = 0; m < values.length; m++) {
                Sums.add(factors[l][m], values[m], out[l]);
            }
        }
        return out;
    }

    /**
     * Writes the columns for all penalties.
     *
     * @param columns makes them
     * @param result written: column-major, packed, a block of columns for each penalty
     * @param count columns of a block
     */
    void write(Columns columns, Matrix result, long count) {
        double[][] factors = combinations;
        if (factors == null) {
            columns.write(nodes, result);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Precision precision = result.precision();
            Matrix parts =
                    session.allocate(scratch, precision, 1, result.rows(), count * nodes.length, Layout.COLUMN_MAJOR);
            columns.write(nodes, parts);
            Matrix right = inPlace(session, scratch, Matrix.of(scratch, factors), precision);
            Matrix stack = parts.stackedColumns(count);
            Matrix target = result.stackedColumns(count);
            long height = session.maxDimension();
            for (long top = 0; top < stack.rows(); top += height) {
                long bottom = Math.min(stack.rows(), top + height);
                session.multiply(1, stack.rows(top, bottom), right.transposed(), 0, target.rows(top, bottom));
            }
        }
    }

    /**
     * diag(f)·C for several f, side by side.
     *
     * @param c C in the session's place
     * @param filters f: [block][i]
     * @param result written
     */
    static void scale(Session session, Matrix c, double[][] filters, Matrix result) {
        long count = c.columns();
        try (MemoryScope scratch = MemoryScope.open()) {
            for (int m = 0; m < filters.length; m++) {
                Matrix block = result.columns(m * count, (m + 1) * count);
                Matrix factors = Matrix.of(scratch, new double[][] {filters[m]}).transposed();
                session.copy(c, block);
                session.scaleRows(inPlace(session, scratch, factors, c.precision()), block);
            }
        }
    }

    /** The columns on the host. */
    static double[][] byColumn(Session session, Matrix matrix) {
        Matrix host = session.toHost(matrix);
        double[][] out = new double[Math.toIntExact(matrix.columns())][];
        Arrays.setAll(out, host::columnToArray);
        return out;
    }

    /** A host matrix in the session's place and a given precision; itself if it is that already. */
    static Matrix inPlace(Session session, MemoryScope scratch, Matrix host, Precision precision) {
        if (session.place().isHost() && host.precision() == precision) {
            return host;
        }
        Matrix out = session.allocate(scratch, precision, host.batch(), host.rows(), host.columns(), host.layout());
        session.copy(host, out);
        return out;
    }
}
