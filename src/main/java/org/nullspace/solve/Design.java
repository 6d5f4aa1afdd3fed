package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.SolveOptions;

/**
 * The matrix that is factorized: X itself, or X with weighted rows and without its weighted mean.
 *
 * <p>Samples of weight 0 are left out. Weights multiply rows by √ω. An unpenalised intercept is eliminated by an orthogonal transformation
 * rather than by subtracting means: with v = √ω/‖√ω‖, the Householder reflection that maps v to ±e₁ leaves in its other n−1 rows exactly
 * the part of the problem that no intercept can fit. That matrix has the singular values, row space and null space of the centred one but
 * full row rank wherever the data allow it. Before that, one sample is subtracted from all, which changes nothing mathematically and makes
 * constant columns exactly zero. It is one of largest weight: a distant sample that hardly counts would take digits from all others.
 */
public final class Design {
    private final Session session;
    private final MemoryScope scope;
    private final Matrix x;
    private final boolean intercept;
    private final double @Nullable [] weights;
    private final int[] used;
    private final long samples;
    private final @Nullable Matrix featureMeans;

    private Design(
            Session session,
            MemoryScope scope,
            Matrix x,
            boolean intercept,
            double @Nullable [] weights,
            int[] used,
            long samples,
            @Nullable Matrix featureMeans) {
        this.session = session;
        this.scope = scope;
        this.x = x;
        this.intercept = intercept;
        this.weights = weights;
        this.used = used;
        this.samples = samples;
        this.featureMeans = featureMeans;
    }

    /**
     * Prepares X.
     *
     * @param session where to compute
     * @param scope owner of copies
     * @param x n×d, host or the session's place; a view of it is kept where nothing needs to change
     * @param options weights and intercept rule
     * @param streamed whether what is factorized stays on the host
     * @return the design
     */
    public static Design of(Session session, MemoryScope scope, Matrix x, SolveOptions options, boolean streamed) {
        double[] weights = options.sampleWeights();
        boolean intercept = options.intercept() == InterceptRule.UNPENALISED;
        if (weights != null && weights.length != x.rows()) {
            throw new ShapeMismatchException("there are " + weights.length + " sample weights, X has shape " + x.shape()
                    + ": one weight per row is needed");
        }
        if ((weights == null && !intercept) || x.rows() == 0) {
            Matrix here = streamed ? x : resident(session, scope, x);
            return new Design(session, scope, here, intercept, null, new int[0], x.rows(), null);
        }
        double[] all = weights == null ? ones(Math.toIntExact(x.rows())) : weights;
        int[] used = positive(all);
        double[] kept = new double[used.length];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = all[used[i]];
        }
        Matrix means = session.allocate(scope, Precision.FLOAT64, 1, 1, x.columns(), Layout.ROW_MAJOR);
        boolean rounds = x.precision() == Precision.FLOAT32 && options.precision() == Precision.FLOAT32;
        if (streamed) {
            Matrix reduced = onHost(session, scope, x, intercept, kept, used, means, rounds);
            return new Design(session, scope, reduced, intercept, kept, used, x.rows(), intercept ? means : null);
        }
        if (!rounds) {
            Matrix reduced = new Design(session, scope, x, intercept, kept, used, x.rows(), null).reduce(x, means);
            return new Design(session, scope, reduced, intercept, kept, used, x.rows(), intercept ? means : null);
        }
        try (MemoryScope scratch = scope.nested()) {
            Matrix reduced = new Design(session, scratch, x, intercept, kept, used, x.rows(), null).reduce(x, means);
            Matrix rounded =
                    session.allocate(scope, Precision.FLOAT32, 1, reduced.rows(), reduced.columns(), reduced.layout());
            session.copy(reduced, rounded);
            return new Design(session, scope, rounded, intercept, kept, used, x.rows(), intercept ? means : null);
        }
    }

    /** The transformed copy on the host, made in blocks of columns, since no column of it depends on another. */
    private static Matrix onHost(
            Session session,
            MemoryScope scope,
            Matrix x,
            boolean intercept,
            double[] weights,
            int[] used,
            Matrix means,
            boolean rounds) {
        Precision precision = rounds ? Precision.FLOAT32 : Precision.FLOAT64;
        long rows = used.length - (intercept ? 1L : 0L);
        Matrix out = Matrix.uninitialized(scope, precision, 1, rows, x.columns(), Layout.ROW_MAJOR);
        long width = blockColumns(Budget.of(session), (double) x.rows());
        for (long from = 0; from < x.columns(); from += width) {
            long to = Math.min(x.columns(), from + width);
            try (MemoryScope scratch = MemoryScope.open()) {
                Design block = new Design(session, scratch, x, intercept, weights, used, x.rows(), null);
                session.copy(block.reduce(x.columns(from, to), means.columns(from, to)), out.columns(from, to));
            }
        }
        return out;
    }

    /** Columns that are transformed at a time. */
    private static long blockColumns(Budget budget, double rows) {
        return (long) Math.max(1, budget.memoryBytes() / 16.0 / (8 * rows));
    }

    /** Bytes of the columns that are transformed at a time. */
    static double blockBytes(Budget budget, double rows) {
        return 8 * rows * blockColumns(budget, Math.max(1, rows));
    }

    private static double[] ones(int n) {
        double[] ones = new double[n];
        java.util.Arrays.fill(ones, 1);
        return ones;
    }

    private static int[] positive(double[] weights) {
        return java.util.stream.IntStream.range(0, weights.length)
                .filter(i -> weights[i] > 0)
                .toArray();
    }

    private static Matrix resident(Session session, MemoryScope scope, Matrix a) {
        if (a.place().equals(session.place())) {
            return a;
        }
        Matrix copy = session.allocate(scope, a.precision(), 1, a.rows(), a.columns(), a.layout());
        session.copy(a, copy);
        return copy;
    }

    /**
     * The matrix that is to be factorized.
     *
     * @return n'×d, n' ≤ n; in the session's place, or on the host if it is streamed
     */
    public Matrix x() {
        return x;
    }

    /**
     * Targets in the form that fits {@link #x()}.
     *
     * @param owner owner of the result
     * @param y n×k, on the host or in the session's place
     * @param precision precision of the result
     * @return targets and their weighted means
     */
    public Targets targets(MemoryScope owner, Matrix y, Precision precision) {
        if (y.rows() != samples) {
            throw new ShapeMismatchException("X has " + samples + " samples (rows), Y has shape " + y.shape()
                    + ": both must have the same number of rows");
        }
        double[] means = new double[Math.toIntExact(y.columns())];
        if (weights == null) {
            Matrix copy = session.allocate(owner, precision, 1, y.rows(), y.columns(), Layout.COLUMN_MAJOR);
            session.copy(y, copy);
            return new Targets(copy, means);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Design here = new Design(session, scratch, y, intercept, weights, used, samples, null);
            Matrix mean = session.allocate(scratch, Precision.FLOAT64, 1, 1, y.columns(), Layout.ROW_MAJOR);
            Matrix reduced = here.reduce(y, mean);
            if (intercept) {
                means = Factors.toHost(session, mean);
            }
            Matrix copy = session.allocate(owner, precision, 1, reduced.rows(), reduced.columns(), Layout.COLUMN_MAJOR);
            session.copy(reduced, copy);
            session.synchronize();
            return new Targets(copy, means);
        }
    }

    /**
     * Targets.
     *
     * @param y n'×k
     * @param means weighted mean of each target, 0 without an intercept
     */
    public record Targets(Matrix y, double[] means) {}

    /**
     * The constant term for each target: mean(y) − mean(x)·w, or 0 without an intercept.
     *
     * @param targetMeans mean of each target
     * @param w coefficients in the session's place, float64, d×k
     * @return k constants
     */
    public double[] intercept(double[] targetMeans, Matrix w) {
        double[] constants = targetMeans.clone();
        if (featureMeans != null && w.columns() > 0) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix product = session.allocate(scratch, 1, w.columns());
                session.multiply(1, featureMeans, w, 0, product);
                double[] part = Factors.toHost(session, product);
                for (int j = 0; j < constants.length; j++) {
                    constants[j] -= part[j];
                }
            }
        }
        return constants;
    }

    /**
     * Rows of {@link #x()} in the coordinates of the weighted samples: the transpose of the transformation that eliminates the intercept. What is
     * returned has one row for each sample of positive weight.
     *
     * @param owner owner of the result
     * @param reduced n'×m in the session's place, float64
     * @return the matrix itself without an intercept; otherwise (n'+1)×m, its columns orthogonal to the intercept's
     */
    public Matrix expand(MemoryScope owner, Matrix reduced) {
        if (!intercept || samples == 0) {
            return reduced;
        }
        Matrix rows = session.allocate(owner, reduced.rows() + 1, reduced.columns());
        session.fill(rows, 0);
        session.copy(reduced, rows.rows(1, rows.rows()));
        reflect(rows);
        return rows;
    }

    /**
     * The diagonal of what the intercept alone fits, ω/Σω for each sample of positive weight.
     *
     * @param count number of those samples
     * @return shares that sum up to 1; zeros without an intercept
     */
    public double[] constantShares(int count) {
        double[] shares = new double[count];
        if (intercept && count > 0) {
            double[] all = positiveWeights();
            double total = totalWeight();
            for (int i = 0; i < count; i++) {
                shares[i] = all[i] / total;
            }
        }
        return shares;
    }

    /**
     * Sum of the weights; the number of samples if all count alike.
     *
     * @return Σω
     */
    public double totalWeight() {
        double[] w = weights;
        if (w == null) {
            return samples;
        }
        double total = 0;
        for (double each : w) {
            total += each;
        }
        return total;
    }

    /** The rows of positive weight, centred and weighted, as a float64 copy; with an intercept, writes the mean. */
    private Matrix reduce(Matrix source, Matrix mean) {
        Matrix rows = gather(source);
        if (intercept) {
            removeMean(rows, mean);
        }
        return weigh(rows);
    }

    /** The samples with positive weight, as a float64 copy. */
    private Matrix gather(Matrix source) {
        Matrix rows = session.allocate(scope, Precision.FLOAT64, 1, used.length, source.columns(), Layout.ROW_MAJOR);
        int from = 0;
        while (from < used.length) {
            int to = from + 1;
            while (to < used.length && used[to] == used[to - 1] + 1) {
                to++;
            }
            session.copy(source.rows(used[from], used[to - 1] + 1L), rows.rows(from, to));
            from = to;
        }
        return rows;
    }

    /** Subtracts the row of largest weight from all rows; writes the weighted mean of the original rows, 1×columns. */
    private void removeMean(Matrix rows, Matrix mean) {
        double[] w = positiveWeights();
        int heaviest = 0;
        for (int i = 1; i < w.length; i++) {
            heaviest = w[i] > w[heaviest] ? i : heaviest;
        }
        double total = 0;
        for (double each : w) {
            total += each / w[heaviest];
        }
        double[] shares = new double[w.length];
        for (int i = 0; i < w.length; i++) {
            shares[i] = w[i] / w[heaviest] / total;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix ones = session.allocate(scratch, rows.rows(), 1);
            session.fill(ones, 1);
            session.copy(rows.rows(heaviest, heaviest + 1L), mean);
            session.multiply(-1, ones, mean, 1, rows);
            session.multiply(1, upload(scratch, shares).transposed(), rows, 1, mean);
            session.synchronize();
        }
    }

    /** Multiplies rows by √ω and, with an intercept, drops what the intercept can fit. */
    private Matrix weigh(Matrix rows) {
        double[] roots = positiveWeights();
        for (int i = 0; i < roots.length; i++) {
            roots[i] = Math.sqrt(roots[i]);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            session.scaleRows(upload(scratch, roots), rows);
            session.synchronize();
        }
        if (!intercept) {
            return rows;
        }
        reflect(rows);
        return rows.rows(1, rows.rows());
    }

    /** rows ← H·rows: H = I − u·uᵀ/u₁ with u = v + e₁ maps v = √ω/‖√ω‖ to −e₁ (all entries of v are positive). */
    private void reflect(Matrix rows) {
        double[] u = positiveWeights();
        double norm = 0;
        for (int i = 0; i < u.length; i++) {
            u[i] = Math.sqrt(u[i]);
            norm = Math.hypot(norm, u[i]);
        }
        for (int i = 0; i < u.length; i++) {
            u[i] /= norm;
        }
        u[0] += 1;
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix vector = upload(scratch, u);
            Matrix product = session.allocate(scratch, Precision.FLOAT64, 1, 1, rows.columns(), Layout.ROW_MAJOR);
            session.multiply(1 / u[0], vector.transposed(), rows, 0, product);
            session.multiply(-1, vector, product, 1, rows);
            session.synchronize();
        }
    }

    private double[] positiveWeights() {
        double[] w = weights;
        if (w == null) {
            throw new IllegalStateException("a design without weights is not transformed");
        }
        return w.clone();
    }

    private Matrix upload(MemoryScope owner, double[] values) {
        Matrix host = Matrix.zeros(owner, Precision.FLOAT64, 1, values.length, 1, Layout.COLUMN_MAJOR);
        for (int i = 0; i < values.length; i++) {
            host.set(0, i, 0, values[i]);
        }
        Matrix device = session.allocate(owner, values.length, 1);
        session.copy(host, device);
        return device;
    }
}
