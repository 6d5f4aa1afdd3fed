package org.nullspace.solve;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.RankDecision;

/**
 * A ≈ QTZᵀ for a tall A (q×p), with orthonormal Q (q×ℓ) and Z, at the speed of matrix products; then the singular value decomposition of the
 * small T. What a {@link Bracket} leaves out of A must be rounding, whatever the rank tolerance, so that the truncation at the user's tolerance
 * is made by the decomposition of T. All arithmetic is float64.
 *
 * <ol>
 *   <li><b>Precondition.</b> B = AM·P⁻¹, which is well conditioned if the bracket is good; the rows of the computed B satisfy bP = a +
 *       O(ε)‖b‖‖P‖, whatever the condition of P (Higham, Accuracy and Stability, 2nd ed., theorem 8.5).
 *   <li><b>Cholesky QR.</b> BᵀB = CᵀC, Q = BC⁻¹: as orthonormal as εκ(B)², which is rounding level here (Balabanov, "Randomized
 *       Cholesky QR factorizations", 2022; Higgins, Szyld, Boman, Yamazaki, "Analysis of randomized Householder-Cholesky QR", 2023). Q is
 *       kept as the pair of B and C⁻¹. If it is not orthonormal enough, once more with Q for B (CholeskyQR2: Yamamoto, Nakatsukasa, Yanagisawa,
 *       Fukaya, ETNA 44, 2015).
 *   <li><b>Certificate.</b> None of this is believed: ‖QᵀQ − I‖ and ‖A − QTZᵀ‖ are measured on Gaussian vectors. For any matrix E, ‖E‖₂ ≤
 *       2.5√(2/π) max ‖Eg_i‖ over 24 such vectors but for a probability of 2.5⁻²⁴ ≈ 3·10⁻¹⁰ (Halko, Martinsson, Tropp, SIAM Review 53, 2011, lemma
 *       4.1). No singular value of A differs by more than ‖E‖₂ from that of QTZᵀ (Weyl), so that none above the cut-off is
 *       missed while the bound lies below the cut-off.
 * </ol>
 *
 * <p>The p − ℓ singular values that are left out are reported as 0. Like all others they are off by at most the certified ‖A − QTZᵀ‖₂, a small
 * multiple of εσ₁, which is the accuracy that LAPACK's decompositions have too.
 */
final class PreconditionedQr {
    /** Vectors that the result is probed with. */
    static final int PROBES = 24;

    /** Seed of these vectors: results are the same on every run. */
    private static final long SEED = 0x6e756c6c73706165L;

    private static final double EPS = Precision.FLOAT64.epsilon();

    /** 2.5√(2/π). */
    private static final double PROBE_FACTOR = 2;

    /** Largest accepted ‖(QᵀQ − I)h‖/‖h‖ in units of ε; 3 to 5 for matrices of 20×200 to 200×100,000 entries after a single Cholesky factorization. */
    private static final double LARGEST_DEFECT = 32;

    /** Rows of a block on the host at least, and entries of A in it: 8 MiB, which third-level caches hold. */
    private static final long BLOCK_ROWS = 512;

    private static final long BLOCK_ENTRIES = 1 << 20;

    private final Session session;
    private final MemoryScope scope;
    private final Method method;
    private final Matrix x;
    private final Matrix a;
    private final long p;
    private final Bracket bracket;
    private final long l;
    private @Nullable Matrix z;

    /**
     * Prepares.
     *
     * @param scope owner of the factors
     * @param method which method the factors belong to
     * @param x n×d, of whose tall form the bracket is
     */
    PreconditionedQr(Session session, MemoryScope scope, Method method, Matrix x, Bracket bracket) {
        this.session = session;
        this.scope = scope;
        this.method = method;
        this.x = x;
        this.a = x.rows() <= x.columns() ? x.transposed() : x;
        this.p = a.columns();
        this.bracket = bracket;
        this.l = bracket.pt().rows();
        this.z = bracket.z();
    }

    /**
     * A ≈ (AMP⁻¹)·K·Zᵀ.
     *
     * @param z Z, p×m with orthonormal columns, or null for the unit matrix
     * @param columns M: the columns of A whose indices these are, or null for M = Z
     * @param triangle where the entries of Pᵀ are
     * @param pt Pᵀ, ℓ×ℓ, triangular with zeros in the other half
     * @param core K, ℓ×m; of chosen columns, those that belong to others are improved
     */
    record Bracket(@Nullable Matrix z, int @Nullable [] columns, Triangle triangle, Matrix pt, Matrix core) {}

    /**
     * Carries it out.
     *
     * @param algorithms how T is decomposed
     * @param decide the rank for given singular values
     * @return factors, or why there are none; the scope is not closed then
     */
    Attempt factor(List<SvdAlgorithm> algorithms, Function<double[], RankDecision> decide) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix g = RandomMatrix.gaussian(session, scratch, p, PROBES, SEED);
            Matrix ct = session.allocate(scratch, l, l);
            Matrix t = session.allocate(scratch, l, bracket.core().columns());
            // B, and beside it A times the vectors that probe the result, so that A is read once for both.
            Matrix all = session.allocate(scope, Precision.FLOAT64, 1, a.rows(), l + PROBES, a.layout());
            Matrix b = all.columns(0, l);
            Matrix ag = all.columns(l, l + PROBES);
            makeB(scratch, g, all, ct);
            if (!factored(ct)) {
                return Attempt.declined(method + ": the preconditioned matrix is not well conditioned");
            }
            session.multiply(1, ct.transposed(), bracket.core(), 0, t);
            Errors errors = errors(b, ag, ct, t, g);
            if (!(errors.defect() <= LARGEST_DEFECT * EPS)) {
                Matrix first = session.allocate(scratch, l, l);
                Matrix product = session.allocate(scratch, l, t.columns());
                session.copy(ct, first);
                session.copy(t, product);
                session.fill(ct, 0);
                inBlocks((from, to) -> precondition(Triangle.LOWER, first, b.rows(from, to), ct));
                if (!factored(ct)) {
                    return Attempt.declined(method + ": the preconditioned matrix is not well conditioned");
                }
                session.multiply(1, ct.transposed(), product, 0, t);
                errors = errors(b, ag, ct, t, g);
            }
            if (z != null && !(errors.residual() <= 0.25 * largestResidual(t))) {
                // What Z has missed of the row space is in QᵀA, if Q has all of the column space.
                t = projected(scratch, b, ct);
                z = null;
                errors = errors(b, ag, ct, t, g);
            }
            double bound = PROBE_FACTOR * errors.residual();
            if (!(errors.defect() <= LARGEST_DEFECT * EPS) || !(bound <= largestResidual(t))) {
                return Attempt.declined(String.format(
                        Locale.ROOT,
                        "%s: no certificate, the residual is at most %.2g, the orthogonality is off by %.2g",
                        method,
                        bound,
                        errors.defect()));
            }
            return decomposed(algorithms, b, ct, t, bound, decide);
        }
    }

    /** B, Ag and BᵀB in the lower triangle. */
    private void makeB(MemoryScope scratch, Matrix g, Matrix all, Matrix ct) {
        Matrix b = all.columns(0, l);
        Matrix ag = all.columns(l, l + PROBES);
        session.fill(ct, 0);
        int[] chosen = bracket.columns();
        if (chosen != null) {
            chosenColumns(scratch, chosen, g, b, ag, ct);
        } else if (z == null) {
            inBlocks((from, to) -> {
                session.copy(a.rows(from, to), b.rows(from, to));
                session.multiply(1, a.rows(from, to), g, 0, ag.rows(from, to));
                precondition(bracket.triangle(), bracket.pt(), b.rows(from, to), ct);
            });
        } else {
            Matrix zg = session.allocate(scratch, p, l + PROBES);
            session.copy(z, zg.columns(0, l));
            session.copy(g, zg.columns(l, l + PROBES));
            inBlocks((from, to) -> {
                session.multiply(1, a.rows(from, to), zg, 0, all.rows(from, to));
                precondition(bracket.triangle(), bracket.pt(), b.rows(from, to), ct);
            });
        }
    }

    /** B, Ag and BᵀB for chosen columns, and the columns of K that belong to the others: (BᵀB)⁻¹Bᵀa. */
    private void chosenColumns(MemoryScope scratch, int[] chosen, Matrix g, Matrix b, Matrix ag, Matrix ct) {
        int[] others = others(chosen);
        Matrix part = session.allocate(
                scratch, Precision.FLOAT64, 1, Math.min(a.rows(), blockHeight()), others.length, a.layout());
        Matrix products = session.allocate(scratch, l, others.length);
        session.fill(products, 0);
        inBlocks((from, to) -> {
            Matrix rows = a.rows(from, to);
            Matrix rest = part.rows(0, to - from);
            session.copyColumns(rows, chosen, b.rows(from, to), inOrder(chosen.length));
            session.copyColumns(rows, others, rest, inOrder(others.length));
            session.multiply(1, rows, g, 0, ag.rows(from, to));
            precondition(bracket.triangle(), bracket.pt(), b.rows(from, to), ct);
            session.multiply(1, b.rows(from, to).transposed(), rest, 1, products);
        });
        Matrix factor = session.allocate(scratch, l, l);
        session.copy(ct, factor);
        if (factored(factor)) {
            session.solveTriangular(Triangle.LOWER, factor, products);
            session.solveTriangular(Triangle.UPPER, factor.transposed(), products);
            session.copyColumns(products, inOrder(others.length), bracket.core(), others);
        }
    }

    /** QᵀA. */
    private Matrix projected(MemoryScope scratch, Matrix b, Matrix ct) {
        Matrix t = session.allocate(scratch, l, p);
        session.fill(t, 0);
        inBlocks((from, to) -> session.multiply(1, b.rows(from, to).transposed(), a.rows(from, to), 1, t));
        session.solveTriangular(Triangle.LOWER, ct, t);
        return t;
    }

    private int[] others(int[] chosen) {
        boolean[] taken = new boolean[Math.toIntExact(p)];
        for (int column : chosen) {
            taken[column] = true;
        }
        int[] others = new int[taken.length - chosen.length];
        int count = 0;
        for (int j = 0; j < taken.length; j++) {
            if (!taken[j]) {
                others[count++] = j;
            }
        }
        return others;
    }

    /** The indices of all columns of a matrix of so many. */
    static int[] inOrder(int columns) {
        int[] indices = new int[columns];
        Arrays.setAll(indices, j -> j);
        return indices;
    }

    /** What is done with some of the rows. */
    private interface Rows {
        void visit(long from, long to);
    }

    /** Rows of a block on the host. */
    static long blockRows(long p) {
        return Math.max(BLOCK_ROWS, BLOCK_ENTRIES / Math.max(1, p));
    }

    private long blockHeight() {
        return session.place().isHost() ? blockRows(p) : a.rows();
    }

    /** Visits all rows, on the host in blocks that stay in the cache from one operation to the next. */
    private void inBlocks(Rows rows) {
        long height = blockHeight();
        for (long from = 0; from < a.rows(); from += height) {
            rows.visit(from, Math.min(a.rows(), from + height));
        }
    }

    /** B ← BP⁻¹ for some rows; the lower triangle of G ← G + BᵀB. */
    private void precondition(Triangle triangle, Matrix pt, Matrix b, Matrix gram) {
        session.solveTriangular(triangle, pt, b.transposed());
        session.gram(1, b.transposed(), 1, gram);
    }

    /**
     * Largest accepted bound on ‖A − QTZᵀ‖₂, a multiple of ε‖A‖_F. It contains the rounding errors of its own evaluation, sums of p products. 8 units
     * for 20 columns, 28 for 500.
     */
    private double largestResidual(Matrix t) {
        return (16 + 2 * Math.sqrt(p)) * EPS * Norms.frobenius(session, t);
    }

    /** Cᵀ in the lower triangle; false if BᵀB is singular to rounding or not finite. */
    private boolean factored(Matrix gram) {
        return Factors.cholesky(session, gram) == 0;
    }

    private Attempt decomposed(
            List<SvdAlgorithm> algorithms,
            Matrix b,
            Matrix ct,
            Matrix t,
            double bound,
            Function<double[], RankDecision> decide) {
        Matrix u = session.allocate(scope, t.columns(), l);
        Matrix wt = session.allocate(scope, l, l);
        Matrix inner;
        double[] leading = wellConditioned(t, wt, u);
        if (leading == null) {
            inner = wt.transposed();
            leading = ThinSvd.decompose(session, algorithms, target -> session.copy(t.transposed(), target), u, wt);
        } else {
            inner = wt;
        }
        double[] sigma = leading == null ? null : Arrays.copyOf(leading, Math.toIntExact(p));
        if (sigma != null) {
            RankDecision decision = decide.apply(sigma);
            if (l < p && !(bound < decision.cutoff())) {
                return Attempt.declined(String.format(
                        Locale.ROOT,
                        "%s: the cut-off %.2g lies below %.2g, what is certain about the singular values that were left out",
                        method,
                        decision.cutoff(),
                        bound));
            }
            session.solveTriangular(Triangle.UPPER, ct.transposed(), inner);
        }
        Matrix shortSide = u;
        if (z != null) {
            shortSide = session.allocate(scope, p, l);
            session.multiply(1, z, u, 0, shortSide);
        }
        return SpectralFactors.attempt(
                session,
                scope,
                x,
                method,
                new ProductColumns(session, b, inner),
                new DenseColumns(session, shortSide),
                sigma,
                1,
                values -> decide.apply(values).rank());
    }

    /**
     * T = W·diag(σ)·Uᵀ from TTᵀ where the bracket comes from a Gram matrix too; null where it would lose accuracy.
     *
     * @param w written: W
     * @param u written: U
     */
    private double @Nullable [] wellConditioned(Matrix t, Matrix w, Matrix u) {
        double[] sigma = method == Method.GRAM ? GramSpectrum.of(session, t, w, true) : null;
        if (sigma == null) {
            return null;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            double[][] inverses = new double[1][sigma.length];
            Arrays.setAll(inverses[0], i -> 1 / sigma[i]);
            Matrix units = session.allocate(scratch, l, 1);
            session.copy(Matrix.of(scratch, inverses).transposed(), units);
            session.multiply(1, t.transposed(), w, 0, u);
            session.scaleRows(units, u.transposed());
        }
        return sigma;
    }

    // ---- the certificate

    /**
     * What the result is off by on Gaussian vectors.
     *
     * @param defect largest ‖(QᵀQ − I)h‖/‖h‖
     * @param residual largest ‖(A − QTZᵀ)g‖
     */
    private record Errors(double defect, double residual) {}

    /** Reads B once for both. */
    private Errors errors(Matrix b, Matrix ag, Matrix ct, Matrix t, Matrix g) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix h = RandomMatrix.gaussian(session, scratch, l, PROBES, SEED + 1);
            Matrix inside = g;
            if (z != null) {
                inside = session.allocate(scratch, t.columns(), PROBES);
                session.multiply(1, z.transposed(), g, 0, inside);
            }
            // C⁻¹h and C⁻¹TZᵀg, side by side.
            Matrix u = session.allocate(scratch, l, 2L * PROBES);
            session.copy(h, u.columns(0, PROBES));
            session.multiply(1, t, inside, 0, u.columns(PROBES, 2L * PROBES));
            session.solveTriangular(Triangle.UPPER, ct.transposed(), u);
            Matrix back = session.allocate(scratch, l, PROBES);
            session.fill(back, 0);
            double[] residuals = new double[PROBES];
            inBlocks((from, to) -> {
                try (MemoryScope own = MemoryScope.open()) {
                    Matrix v = session.allocate(own, to - from, 2L * PROBES);
                    Matrix difference = v.columns(PROBES, 2L * PROBES);
                    session.multiply(1, b.rows(from, to), u, 0, v);
                    session.multiply(1, b.rows(from, to).transposed(), v.columns(0, PROBES), 1, back);
                    session.add(1, ag.rows(from, to), -1, difference);
                    double[] norms = Norms.columns(session, difference);
                    Arrays.setAll(residuals, i -> Math.hypot(residuals[i], norms[i]));
                }
            });
            session.solveTriangular(Triangle.LOWER, ct, back);
            session.add(-1, h, 1, back);
            double[] errors = Norms.columns(session, back);
            double[] sizes = Norms.columns(session, h);
            double defect = 0;
            double residual = 0;
            for (int i = 0; i < PROBES; i++) {
                defect = largerOrNaN(defect, errors[i] / sizes[i]);
                residual = largerOrNaN(residual, residuals[i]);
            }
            return new Errors(defect, residual);
        }
    }

    private static double largerOrNaN(double m, double value) {
        return value > m || Double.isNaN(value) ? value : m;
    }
}
