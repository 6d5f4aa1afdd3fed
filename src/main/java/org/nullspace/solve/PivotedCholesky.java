package org.nullspace.solve;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * Cholesky factorization with pivoting of a positive semidefinite G, stopped where what is left of the diagonal is rounding: G ≈ KKᵀ, K p×ℓ, with
 * the pivots' rows of K in the order of the pivots a lower triangle. Higham, Accuracy and Stability, 2nd ed., §10.3. Rows are not moved; panels
 * of columns are made on the host and taken off the rest by a product in the session's place.
 *
 * <p>From a device, G is read once for each panel as long as that takes less time than a read for each of its columns would: what a read costs is
 * the wait for the device.
 */
final class PivotedCholesky {
    private static final int PANEL = 32;

    /**
     * Rows of a G that is read as a whole, at most: 18 MB, which by estimate (20 GB/s, 30 µs for a read of any size) cross the bus in the time of
     * {@value #PANEL} short reads.
     */
    private static final int WHOLE = 1_500;

    private static final double EPS = Precision.FLOAT64.epsilon();

    private final Session session;
    private final Matrix g;
    private final int p;
    private final double[] diagonal;
    private final int[] pivots;
    private final boolean[] taken;
    private final double[][] panel = new double[PANEL][];
    private final int whole;
    private int count;

    /** On the host: G as it was before the panel, or a single column of it where {@link #line} is not null. */
    private Matrix host;

    /** A column of G in the session's place, or null if G is read as a whole. */
    private @Nullable Matrix line;

    private PivotedCholesky(Session session, Matrix g, int most, int whole) {
        this.session = session;
        this.whole = whole;
        this.host = g;
        this.g = g;
        this.p = Math.toIntExact(g.rows());
        this.diagonal = new double[p];
        this.pivots = new int[most];
        this.taken = new boolean[p];
    }

    /**
     * What was found.
     *
     * @param pivots indices of the ℓ pivots, in their order
     * @param k K, p×ℓ
     * @param smallest the last and smallest pivot, a diagonal entry of K
     * @param largest the first and largest one
     */
    record Result(int[] pivots, Matrix k, double smallest, double largest) {}

    /**
     * Factorizes.
     *
     * @param owner owner of K
     * @param g symmetric, in the lower triangle; destroyed
     * @param most largest ℓ that is of use
     * @return K, or null if more than {@code most} columns would be needed or an entry is not finite
     */
    static @Nullable Result factor(Session session, MemoryScope owner, Matrix g, int most) {
        return factor(session, owner, g, most, WHOLE);
    }

    /**
     * As {@link #factor(Session, MemoryScope, Matrix, int)}.
     *
     * @param whole rows of a G that is read as a whole from a device, at most
     */
    static @Nullable Result factor(Session session, MemoryScope owner, Matrix g, int most, int whole) {
        PivotedCholesky cholesky = new PivotedCholesky(session, g, most, whole);
        try (MemoryScope scratch = MemoryScope.open()) {
            cholesky.start(scratch);
            return cholesky.run(owner);
        }
    }

    /** Makes room for what is read, and reads the diagonal. */
    private void start(MemoryScope scratch) {
        if (session.place().isHost()) {
            readWhole();
        } else if (p <= whole) {
            host = Matrix.uninitialized(scratch, Precision.FLOAT64, 1, p, p, g.layout());
            readWhole();
        } else {
            host = Matrix.uninitialized(scratch, Precision.FLOAT64, 1, p, 1, Layout.COLUMN_MAJOR);
            line = session.allocate(scratch, p, 1);
            session.copy(diagonalOf(g).transposed(), line);
            session.copy(line, host);
        }
        for (int i = 0; i < p; i++) {
            diagonal[i] = host.get(0, i, line == null ? i : 0);
        }
    }

    /** The diagonal as a row, as a view. */
    private static Matrix diagonalOf(Matrix g) {
        return Matrix.strided(
                g.memory(),
                g.precision(),
                1,
                1,
                g.rows(),
                Layout.COLUMN_MAJOR,
                (g.address(0) - g.memory().address()) / g.precision().bytes(),
                g.leadingDimension() + 1,
                0);
    }

    private void readWhole() {
        if (session.place().isHost()) {
            host = session.toHost(g);
        } else {
            session.copy(g, host);
        }
    }

    private @Nullable Result run(MemoryScope owner) {
        double tolerance = p * EPS * diagonal[largest()];
        if (!(tolerance > 0 && tolerance < Double.POSITIVE_INFINITY)) {
            return null;
        }
        Matrix k = session.allocate(owner, p, pivots.length);
        double first = Math.sqrt(diagonal[largest()]);
        double last = first;
        while (true) {
            int begin = count;
            boolean more = diagonal[largest()] > tolerance;
            while (more && count < pivots.length && count - begin < PANEL) {
                last = column(begin);
                more = diagonal[largest()] > tolerance;
            }
            if (count > begin) {
                subtract(k, begin, more);
            }
            if (!more) {
                return new Result(Arrays.copyOf(pivots, count), k.columns(0, count), last, first);
            }
            if (count == pivots.length) {
                return null;
            }
            if (line == null) {
                readWhole();
            }
        }
    }

    /** A column of G as it was before the panel. */
    private double[] read(int pivot) {
        // Column of a symmetric matrix: a row up to the diagonal, a column below.
        Matrix from = line == null ? host : g;
        Matrix left = from.rows(pivot, pivot + 1L).columns(0, pivot).transposed();
        Matrix below = from.rows(pivot, p).columns(pivot, pivot + 1L);
        Matrix gathered = line;
        if (gathered != null) {
            session.copy(left, gathered.rows(0, pivot));
            session.copy(below, gathered.rows(pivot, p));
            session.copy(gathered, host);
            return host.columnToArray(0);
        }
        double[] column = Arrays.copyOf(left.columnToArray(0), p);
        System.arraycopy(below.columnToArray(0), 0, column, pivot, p - pivot);
        return column;
    }

    /** Index of the largest entry of the diagonal, or of one that is NaN. */
    private int largest() {
        int best = 0;
        for (int i = 1; i < p; i++) {
            best = diagonal[i] > diagonal[best] || Double.isNaN(diagonal[i]) ? i : best;
        }
        return best;
    }

    /** The next column of K in the panel; returns its pivot. */
    private double column(int begin) {
        int pivot = largest();
        double[] column = read(pivot);
        for (int m = 0; m < count - begin; m++) {
            double[] before = panel[m];
            double factor = before[pivot];
            for (int i = 0; i < p; i++) {
                column[i] -= factor * before[i];
            }
        }
        double root = Math.sqrt(diagonal[pivot]);
        for (int i = 0; i < p; i++) {
            // Rows of earlier pivots have zeros here, above the triangle.
            column[i] = taken[i] ? 0 : column[i] / root;
            diagonal[i] -= column[i] * column[i];
        }
        column[pivot] = root;
        diagonal[pivot] = 0;
        taken[pivot] = true;
        panel[count - begin] = column;
        pivots[count] = pivot;
        count++;
        return root;
    }

    /** Stores the panel in K and takes it off G. */
    private void subtract(Matrix k, int begin, boolean more) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix fresh = Matrix.uninitialized(scratch, Precision.FLOAT64, 1, p, count - begin, Layout.COLUMN_MAJOR);
            HostLines lines = HostLines.of(fresh, 0);
            for (int m = 0; m < count - begin; m++) {
                for (int i = 0; i < p; i += lines.chunk()) {
                    lines.write(m, i, panel[m], i, Math.min(lines.chunk(), p - i));
                }
            }
            Matrix stored = k.columns(begin, count);
            session.copy(fresh, stored);
            if (more) {
                session.gram(-1, stored, 1, g);
            }
        }
    }
}
