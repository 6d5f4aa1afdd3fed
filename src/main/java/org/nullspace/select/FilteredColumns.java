package org.nullspace.select;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * A linear map of diag(f)C for many filters f, C r×k: through a {@link FilterBasis} where there is one, so that the map has fewer columns to
 * work on.
 */
final class FilteredColumns {
    private final Session session;
    private final Matrix columns;
    private final double[][] filters;
    private final Map map;
    private final @Nullable FilterBasis basis;
    private final @Nullable Matrix parts;

    /** A linear map of columns. */
    interface Map {
        /**
         * Applies it.
         *
         * @param c read, r×m
         * @param result written
         */
        void apply(Matrix c, Matrix result);
    }

    /**
     * Prepares; where there is a basis, the map is applied to it here.
     *
     * @param scope owner of what is kept
     * @param columns C in the session's place and the precision of the arithmetic; a view is kept
     * @param filters f: [l][i]
     * @param map the map
     * @param height rows of its results
     */
    FilteredColumns(Session session, MemoryScope scope, Matrix columns, double[][] filters, Map map, long height) {
        this.session = session;
        this.columns = columns;
        this.filters = filters;
        this.map = map;
        Precision precision = columns.precision();
        this.basis = FilterBasis.of(filters, byColumn(session, columns), precision.epsilon());
        if (basis == null) {
            this.parts = null;
            return;
        }
        long width = columns.columns() * basis.functions().length;
        Matrix made = session.allocate(scope, precision, 1, height, width, Layout.COLUMN_MAJOR);
        apply(basis.functions(), made);
        this.parts = made;
    }

    /**
     * Result ← the map of diag(f)C for some of the filters, side by side.
     *
     * @param from first filter
     * @param to filter after the last
     * @param result written: column-major, packed
     */
    void write(int from, int to, Matrix result) {
        if (basis == null || parts == null) {
            apply(Arrays.copyOfRange(filters, from, to), result);
            return;
        }
        long count = columns.columns();
        try (MemoryScope scratch = MemoryScope.open()) {
            double[][] some = Arrays.copyOfRange(basis.combinations(), from, to);
            Matrix factors = inPlace(session, scratch, Matrix.of(scratch, some), columns.precision());
            Matrix stack = parts.stackedColumns(count);
            Matrix target = result.stackedColumns(count);
            long height = session.maxDimension();
            for (long top = 0; top < stack.rows(); top += height) {
                long bottom = Math.min(stack.rows(), top + height);
                session.multiply(1, stack.rows(top, bottom), factors.transposed(), 0, target.rows(top, bottom));
            }
        }
    }

    private void apply(double[][] some, Matrix result) {
        long count = columns.columns();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix c = session.allocate(
                    scratch, columns.precision(), 1, columns.rows(), count * some.length, Layout.COLUMN_MAJOR);
            for (int m = 0; m < some.length; m++) {
                Matrix block = c.columns(m * count, (m + 1) * count);
                Matrix factors = Matrix.of(scratch, new double[][] {some[m]}).transposed();
                session.copy(columns, block);
                session.scaleRows(inPlace(session, scratch, factors, columns.precision()), block);
            }
            map.apply(c, result);
        }
    }

    /** The columns on the host. */
    static double[][] byColumn(Session session, Matrix matrix) {
        Matrix host = session.toHost(matrix);
        double[][] out = new double[Math.toIntExact(matrix.columns())][];
        for (int j = 0; j < out.length; j++) {
            out[j] = host.columnToArray(j);
        }
        return out;
    }

    /** A host matrix in the session's place and a given precision; itself if it is that already. */
    static Matrix inPlace(Session session, MemoryScope scratch, Matrix host, Precision precision) {
        if (session.place().isHost() && host.precision() == precision) {
            return host;
        }
        Matrix out = session.allocate(scratch, precision, 1, host.rows(), host.columns(), host.layout());
        session.copy(host, out);
        return out;
    }
}
