package org.nullspace.solve;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.Session;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolveOptions;

/**
 * Problems of a batch that are solved many at a time by the operations of a {@link BatchSolver}. With p = min(n,d), ‖R‖_F ≥ σ₁ and
 * ‖R⁻¹‖_F ≥ 1/σ_p for the triangular factor of X or Xᵀ: where these bounds alone put σ_p above the cut-off, the rank is p. Of the others,
 * and where the spectrum is wanted, the singular values decide. What neither can tell, entries that are not finite among it, is left to the
 * methods that look at one problem at a time.
 *
 * <p>X, Y and results may lie on the host or in the session's place; where that is a device with memory of its own, copies are made there
 * for the time of a call.
 */
public final class SmallBatch {
    /** Rank of a problem that was not solved here. */
    public static final int UNSOLVED = -1;

    /** Norms outside of this and its inverse have lost digits, or their products would. */
    private static final double SMALLEST_NORM = 0x1p-960;

    /** Floating-point operations of the factorization of a small problem. */
    private static final double SMALL_FLOPS = 1e8;

    /** Entries that are read at a time. */
    private static final int CHUNK = 1 << 14;

    private final Session session;
    private final BatchSolver solver;
    private final SolveOptions options;
    private final long n;
    private final long d;
    private final Precision data;

    private SmallBatch(Session session, BatchSolver solver, long n, long d, Precision data, SolveOptions options) {
        this.session = session;
        this.solver = solver;
        this.options = options;
        this.n = n;
        this.d = d;
        this.data = data;
    }

    /**
     * Whether the operations on one problem are so small that a device does better with several problems at the same time.
     *
     * @param n samples
     * @param d features
     * @return true if the factorization takes at most 10⁸ of them
     */
    public static boolean isSmall(long n, long d) {
        double p = Math.min(n, d);
        return 2 * p * p * Math.max(n, d) <= SMALL_FLOPS;
    }

    /**
     * What solves problems of a shape together, if a session has it for the shape and the options leave that open: no weights, no intercept,
     * float64 arithmetic, and a method that ends with a certificate.
     *
     * @param session where to compute
     * @param n samples
     * @param d features
     * @param k targets
     * @param data precision of X
     * @param options what is wanted
     * @return the way to solve, or null if problems are solved alone
     */
    public static @Nullable SmallBatch of(
            Session session, long n, long d, long k, Precision data, SolveOptions options) {
        BatchSolver solver = solverOf(session);
        boolean open = (options.method() == Method.AUTO || options.method() == Method.GRAM)
                && options.precision() == Precision.FLOAT64
                && options.intercept() == InterceptRule.NONE
                && options.sampleWeights() == null;
        if (solver == null || !open || !solver.covers(n, d, k)) {
            return null;
        }
        return new SmallBatch(session, solver, n, d, data, options);
    }

    /** The session's own operations on whole problems; on a device that has none, those that are composed of its others. */
    private static @Nullable BatchSolver solverOf(Session session) {
        BatchSolver own = session.batchSolver();
        return own != null || session.place().isHost() ? own : new ComposedBatch(session);
    }

    /**
     * Bytes that a call takes in the session's place beside matrices that lie there.
     *
     * @param problems problems of the tile
     * @param k targets, or vectors
     * @return scratch, and copies of X, Y and W where the session's place is not the host
     */
    public double bytes(long problems, long k) {
        double copies = session.place().isHost()
                ? 0
                : (double) problems * (data.bytes() * ((double) n * d + (double) (n + d) * k));
        double bounds = 8.0 * problems * (2 + Math.min(n, d));
        return copies + bounds + solver.scratchBytes(problems, n, d, k);
    }

    /**
     * Largest product ‖R‖_F·‖R⁻¹‖_F for which the computed R is trusted: it is off by about (p + √q)ε‖X‖ in norm, q = max(n,d), which must be
     * small against σ_p. With a product of at most this, it is at most 1/100 of σ_p.
     */
    private double largestCondition() {
        return 0.01 / ((Math.min(n, d) + Math.sqrt((double) Math.max(n, d))) * Precision.FLOAT64.epsilon());
    }

    // ---- solving

    /**
     * Solves what can be solved here.
     *
     * @param x B×n×d or 1×n×d
     * @param y B×n×k or 1×n×k
     * @param w written: B×d×k, float32 or float64; undefined for problems that are not solved here
     * @param sigma written where the spectrum is wanted: B×p×1 on the host, packed, float64; otherwise null
     * @return rank of each problem, or {@link #UNSOLVED}
     */
    public int[] solve(Matrix x, Matrix y, Matrix w, @Nullable Matrix sigma) {
        int count = Math.toIntExact(w.batch());
        boolean wanted = sigma != null || options.rankTolerance().equals(RankTolerance.gap());
        long p = Math.min(n, d);
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix hereX = here(scratch, x);
            Matrix hereY = here(scratch, y);
            Matrix hereW = place(scratch, w);
            Matrix bounds = session.allocate(scratch, Precision.FLOAT64, count, 1, 2, Layout.ROW_MAJOR);
            Matrix values =
                    wanted ? session.allocate(scratch, Precision.FLOAT64, count, p, 1, Layout.COLUMN_MAJOR) : null;
            solver.minimumNorm(hereX, hereY, hereW, bounds, values);
            Matrix hostValues = values == null ? null : session.toHost(values);
            if (sigma != null && hostValues != null) {
                sigma.copyFrom(hostValues);
            }
            int[] ranks = new int[count];
            boolean[] certified = new boolean[count];
            judge(session.toHost(bounds), hostValues, ranks, certified);
            truncate(scratch, hereX, hereY, hereW, ranks, certified, hostValues != null);
            if (hereW != w) {
                session.copy(hereW, w);
                session.synchronize();
            }
            return ranks;
        }
    }

    /** Ranks from the bounds, and from the singular values where there are any; UNSOLVED where neither tells. */
    private void judge(Matrix bounds, @Nullable Matrix values, int[] ranks, boolean[] certified) {
        RankTolerance tolerance = options.rankTolerance();
        Entries pairs = new Entries(bounds, 2);
        Entries spectra = values == null ? null : new Entries(values, (int) values.rows());
        double trusted = largestCondition();
        double[] pair = new double[2];
        double[] sigma = new double[values == null ? 0 : (int) values.rows()];
        for (int b = 0; b < ranks.length; b++) {
            pairs.read(b, pair);
            boolean sound = inRange(pair[0]) && inRange(pair[1]) && pair[0] * pair[1] <= trusted;
            ranks[b] = UNSOLVED;
            if (spectra != null) {
                spectra.read(b, sigma);
                if (isSpectrum(sigma)) {
                    ranks[b] = tolerance.rank(sigma, n, d, data);
                    certified[b] = sound && ranks[b] == sigma.length;
                }
            } else if (sound && tolerance.certifiesFullRank(pair[0], 1 / pair[1], n, d, data)) {
                ranks[b] = (int) Math.min(n, d);
                certified[b] = true;
            }
        }
    }

    private static boolean isSpectrum(double[] sigma) {
        for (double value : sigma) {
            if (!(value < Double.POSITIVE_INFINITY)) {
                return false;
            }
        }
        return true;
    }

    /** Solves what is not certified from its singular value decomposition; what has no finite solution becomes UNSOLVED. */
    private void truncate(
            MemoryScope scratch, Matrix x, Matrix y, Matrix w, int[] ranks, boolean[] certified, boolean ranksKnown) {
        int[] doubtful = new int[ranks.length];
        int count = 0;
        for (int b = 0; b < ranks.length; b++) {
            if (!certified[b] && (!ranksKnown || ranks[b] != UNSOLVED)) {
                doubtful[count++] = b;
            }
        }
        if (count == 0) {
            return;
        }
        doubtful = Arrays.copyOf(doubtful, count);
        if (!ranksKnown) {
            doubtful = decide(scratch, x, doubtful, ranks);
        }
        solver.truncated(x, y, doubtful, chosen(doubtful, ranks), 0, w);
        Matrix host = w.place().isHost() ? w : session.toHost(w);
        for (int b : doubtful) {
            if (Double.isNaN(host.get(b, 0, 0))) {
                ranks[b] = UNSOLVED;
            }
        }
    }

    private static int[] chosen(int[] which, int[] ranks) {
        int[] out = new int[which.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = ranks[which[i]];
        }
        return out;
    }

    /** Ranks of some problems from their singular values; the problems that have any. */
    private int[] decide(MemoryScope scratch, Matrix x, int[] which, int[] ranks) {
        int p = (int) Math.min(n, d);
        Matrix values = session.allocate(scratch, Precision.FLOAT64, which.length, p, 1, Layout.COLUMN_MAJOR);
        solver.singularValues(x, which, values);
        Entries spectra = new Entries(session.toHost(values), p);
        double[] sigma = new double[p];
        int[] known = new int[which.length];
        int count = 0;
        for (int i = 0; i < which.length; i++) {
            spectra.read(i, sigma);
            if (isSpectrum(sigma)) {
                ranks[which[i]] = options.rankTolerance().rank(sigma, n, d, data);
                known[count++] = which[i];
            }
        }
        return Arrays.copyOf(known, count);
    }

    private static boolean inRange(double norm) {
        return norm >= SMALLEST_NORM && norm <= 1 / SMALLEST_NORM;
    }

    // ---- what is asked of solved problems

    /**
     * How many vectors are transformed at a time: as many as the solver takes at once and the memory budget has room for with one problem.
     *
     * @param vectors number of vectors, at least 1
     * @return at most that number, at least 1
     */
    public long width(long vectors) {
        double budget = BatchPlanner.budget(session, options);
        long width = Math.max(1, vectors);
        while (width > 1 && !(solver.covers(n, d, width) && bytes(1, width) <= budget)) {
            width = (width + 1) / 2;
        }
        return width;
    }

    /**
     * Singular values of problems that were solved here.
     *
     * @param x B×n×d or 1×n×d
     * @param which their indices, in ascending order
     * @param sigma B×p×1 on the host, float64; written for those problems
     */
    public void singularValues(Matrix x, int[] which, Matrix sigma) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix values =
                    session.allocate(scratch, Precision.FLOAT64, which.length, Math.min(n, d), 1, Layout.COLUMN_MAJOR);
            solver.singularValues(here(scratch, x), which, values);
            Matrix host = session.toHost(values);
            for (int i = 0; i < which.length; i++) {
                sigma.problem(which[i]).copyFrom(host.problem(i));
            }
        }
    }

    /**
     * Ridge solutions of problems that were solved here.
     *
     * @param x B×n×d or 1×n×d
     * @param y B×n×k or 1×n×k
     * @param which their indices, in ascending order
     * @param ranks rank of each problem of the batch
     * @param lambda λ, at least 0
     * @param w B×d×k; written for those problems
     */
    public void ridge(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix hereW = here(scratch, w);
            solver.truncated(here(scratch, x), here(scratch, y), which, chosen(which, ranks), lambda, hereW);
            back(hereW, w);
        }
    }

    /**
     * Transforms vectors of problems that were solved here.
     *
     * @param transform what to do
     * @param x B×n×d or 1×n×d
     * @param ranks rank of each problem; of one with {@link #UNSOLVED}, the vectors become NaN
     * @param c B×d×l, float64; overwritten
     */
    public void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
        long width = width(c.columns());
        for (long from = 0; from < c.columns(); from += width) {
            Matrix some = c.columns(from, Math.min(c.columns(), from + width));
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix hereC = here(scratch, some);
                solver.transform(transform, here(scratch, x), ranks, hereC);
                back(hereC, some);
            }
        }
    }

    // ---- places

    private boolean isHere(Matrix a) {
        return a.place().equals(session.place());
    }

    /** The matrix, or a copy of it in the session's place. */
    private Matrix here(MemoryScope scratch, Matrix a) {
        if (isHere(a)) {
            return a;
        }
        Matrix copy = place(scratch, a);
        session.copy(a, copy);
        return copy;
    }

    /** The matrix, or a new one of its shape in the session's place. */
    private Matrix place(MemoryScope scratch, Matrix a) {
        return isHere(a) ? a : session.allocate(scratch, a.precision(), a.batch(), a.rows(), a.columns(), a.layout());
    }

    private void back(Matrix here, Matrix a) {
        if (here != a) {
            session.copy(here, a);
        }
        session.synchronize();
    }

    /** Small packed float64 matrices of a batch on the host, read in bulk. */
    private static final class Entries {
        private final HostMemory memory;
        private final long first;
        private final long batch;
        private final int size;
        private final double[] buffer;
        private long begin;
        private long end;

        private Entries(Matrix packed, int size) {
            if (!(packed.memory() instanceof HostMemory host)) {
                throw new IllegalStateException(packed + " lies in the memory of " + packed.place());
            }
            this.memory = host;
            this.first = packed.isEmpty() ? 0 : (packed.address(0) - host.address()) / Double.BYTES;
            this.batch = packed.batch();
            this.size = size;
            this.buffer = new double[Math.max(1, CHUNK / size) * size];
        }

        /** The entries of problem b. */
        private void read(long b, double[] target) {
            if (b < begin || b >= end) {
                begin = b;
                end = Math.min(batch, b + buffer.length / size);
                memory.read(first + begin * size, buffer, 0, (int) (end - begin) * size);
            }
            System.arraycopy(buffer, (int) (b - begin) * size, target, 0, size);
        }
    }
}
