package org.nullspace.solve;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.backend.SparseSigns;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SvdChoice;
import org.nullspace.random.SplitMix64;

/**
 * The method {@link Method#SKETCH}: A ≈ QTZᵀ for the tall one of X and Xᵀ (q×p), with orthonormal Q (q×ℓ) and Z (p×ℓ), at the speed of matrix products; then the
 * singular value decomposition of the small T (ℓ×ℓ). ℓ is the rank of A to rounding: what is left out is at most a multiple of ε‖A‖_F, whatever
 * the rank tolerance, so that the truncation at the user's tolerance is made by the decomposition of T. All arithmetic is float64.
 *
 * <ol>
 *   <li><b>Sketch.</b> Y = SA with some 2p rows, QR factorization Y = Q_Y R. The singular values of R are those of √ζA to within a small
 *       factor: {@link SparseSigns}.
 *   <li><b>Bracket.</b> If 1/‖R⁻¹‖_F, a lower bound on σ_p(R), lies above the noise level 4ε‖R‖_F, then ℓ = p and Z = I. Otherwise R is
 *       compressed from both sides, a QLP factorization (Stewart, SIAM J. Sci. Comput. 20, 1999) with random instead of pivoted columns
 *       (Demmel, Dumitriu, Holtz, Numer. Math. 108, 2007): RΩ = Q₁G, (Q₁ᵀR)ᵀ = ZL, both cut off where the rest is below the noise level. R ≈
 *       Q₁LᵀZᵀ, and the row space Z comes out to rounding, since Q₁ᵀR has it whatever angle Q₁ makes with the column space.
 *   <li><b>Precondition.</b> B = AZP⁻¹ with P = Lᵀ, or R. SB has nearly orthonormal columns, so B is well conditioned if S has preserved the
 *       range of A; the rows of the computed B satisfy bP = a + O(ε)‖b‖‖P‖, whatever the condition of P (Higham, Accuracy and Stability,
 *       2nd ed., theorem 8.5).
 *   <li><b>Cholesky QR.</b> BᵀB = CᵀC, Q = BC⁻¹ and T = CP: as orthonormal as εκ(B)², which is rounding level here (Balabanov, "Randomized
 *       Cholesky QR factorizations", 2022; Higgins, Szyld, Boman, Yamazaki, "Analysis of randomized Householder-Cholesky QR", 2023). Q is
 *       kept as the pair of B and C⁻¹. If it is not orthonormal enough, once more with Q for B (CholeskyQR2: Yamamoto, Nakatsukasa, Yanagisawa, Fukaya, ETNA 44, 2015).
 *   <li><b>Certificate.</b> None of this is believed: ‖QᵀQ − I‖ and ‖A − QTZᵀ‖ are measured on Gaussian vectors. For any matrix E, ‖E‖₂ ≤
 *       2.5√(2/π) max ‖Eg_i‖ over 24 such vectors but for a probability of 2.5⁻²⁴ ≈ 3·10⁻¹⁰ (Halko, Martinsson, Tropp, SIAM Review 53, 2011, lemma
 *       4.1). No singular value of A differs by more than ‖E‖₂ from that of QTZᵀ (Weyl), so that none above the cut-off is
 *       missed while the bound lies below the cut-off.
 * </ol>
 *
 * <p>The p − ℓ singular values that are left out are reported as 0. Like all others they are off by at most the certified ‖A − QTZᵀ‖₂, a small
 * multiple of εσ₁, which is the accuracy that LAPACK's decompositions have too.
 *
 * <p>Where a check fails, nothing is returned but the reason, and the next method has its turn.
 */
final class Sketch {
    /** Seeds of the sketch, of Ω and of the vectors that probe the result: results are the same on every run. */
    static final long SEED = 0x6e756c6c73706163L;

    private static final double EPS = Precision.FLOAT64.epsilon();

    /**
     * Rows of the sketch beyond 2p. For few columns, twice as many would not be enough for the singular values to concentrate, and what rounding
     * does to the sketch reaches the row space divided by the smallest of S.
     */
    private static final long MORE_ROWS = 128;

    /** Largest share of full rank for which this was quicker than QR_SVD in all measurements: see {@link #pays}. */
    private static final double LARGEST_SHARE = 0.35;

    /**
     * Noise level of the sketch in units of ε‖R‖_F: what lies below is rounding. What is left of exactly rank-deficient matrices of 20×200 to
     * 200×100,000 entries was 0.2 to 1.5 units.
     */
    private static final double NOISE = 4;

    /** Vectors that the result is probed with. */
    static final int PROBES = 24;

    /** 2.5√(2/π). */
    private static final double PROBE_FACTOR = 2;

    /** Largest accepted ‖(QᵀQ − I)h‖/‖h‖ in units of ε; 3 to 5 for the matrices above after a single Cholesky factorization. */
    private static final double LARGEST_DEFECT = 32;

    /** Rows of a block on the host at least, and entries of A in it: 8 MiB, which third-level caches hold. */
    private static final long BLOCK_ROWS = 512;

    private static final long BLOCK_ENTRIES = 1 << 20;

    private final Session session;
    private final MemoryScope scope;
    private final Matrix x;
    private final Matrix a;
    private final long p;
    private final List<SvdAlgorithm> algorithms;

    private Sketch(Session session, MemoryScope scope, Matrix x, List<SvdAlgorithm> algorithms) {
        this.session = session;
        this.scope = scope;
        this.x = x;
        this.a = x.rows() <= x.columns() ? x.transposed() : x;
        this.p = a.columns();
        this.algorithms = algorithms;
    }

    /**
     * Whether a rank is low enough for this to be quicker than QR_SVD. What it saves lies in the columns that it leaves out. Measured gains, QR_SVD/SKETCH,
     * for min(n,d) = 256, 512 and 1,000 with max(n,d) 4 to 50 times as large (2 cores of an AMD EPYC, float64, other work on the machine): 1.1 to
     * 3.4 for a tenth of the rank, 1.2 to 2.0 for a quarter, 0.8 to 1.2 for a half, 0.5 to 0.8 for full rank.
     */
    static boolean pays(long rank, long p) {
        return rank <= LARGEST_SHARE * p;
    }

    /** Rows of the sketch of a matrix with p columns. */
    static double rows(double p) {
        return 2 * p + MORE_ROWS;
    }

    /**
     * Factorizes.
     *
     * @param x n×d with at least one entry, on the host or in the session's place
     * @param svd how T is decomposed
     * @param decide the rank for given singular values
     * @param heldBytes memory of the session's place that the problem takes otherwise, X included
     * @param mustPay whether to decline as soon as the rank turns out to be too high for this to be quicker than QR_SVD
     */
    static Attempt factor(
            Session session,
            MemoryScope parent,
            Matrix x,
            SvdChoice svd,
            Function<double[], RankDecision> decide,
            double heldBytes,
            boolean mustPay) {
        List<SvdAlgorithm> algorithms = ThinSvd.algorithms(session, svd);
        Budget budget = Budget.of(session);
        double q = Math.max(x.rows(), x.columns());
        if (!budget.holdsFactors(heldBytes + budget.sketchBytes(q, Math.min(x.rows(), x.columns())))) {
            return Attempt.declined("SKETCH: an orthonormal factor of the size of X does not fit beside X");
        }
        MemoryScope scope = parent.nested();
        Attempt attempt = new Sketch(session, scope, x, algorithms).attempt(decide, mustPay);
        if (attempt.factors() == null) {
            scope.close();
        }
        return attempt;
    }

    private Attempt attempt(Function<double[], RankDecision> decide, boolean mustPay) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix r = session.allocate(scratch, p, p);
            double largest = sketch(r);
            if (!Double.isFinite(largest) && !Double.isFinite(Scaling.maxMagnitude(session, x))) {
                return Attempt.failed(Outcome.NON_FINITE_INPUT, "SKETCH: X holds a NaN or an infinity");
            }
            if (largest == 0 || Scaling.factor(largest, Precision.FLOAT64) != 1) {
                return Attempt.declined(
                        "SKETCH: entries of X are all 0, or too large or too small for the products of a sketch");
            }
            Bracket bracket = bracket(scratch, r);
            long rank = bracket.pt().rows();
            if (mustPay && !pays(rank, p)) {
                return Attempt.declined("SKETCH: a rank of some " + rank + " of " + p + " is too high for it to pay");
            }
            return orthogonalized(scratch, bracket, decide);
        }
    }

    // ---- the sketch

    /** R of the sketch, with zeros below; returns the largest magnitude of the sketch. */
    private double sketch(Matrix r) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix y = session.allocate(scratch, (long) rows(p), p);
            Matrix tau = session.allocate(scratch, p, 1);
            session.sketch(SEED, a, y);
            double largest = Scaling.maxMagnitude(session, y);
            session.qr(y, tau);
            session.copy(y.rows(0, p), r);
            session.keepTriangle(Triangle.UPPER, r);
            return largest;
        }
    }

    /**
     * What B = AZP⁻¹ is made with.
     *
     * @param z Z, or null for the unit matrix
     * @param triangle where the entries of Pᵀ are
     * @param pt Pᵀ, triangular with zeros in the other half
     */
    private record Bracket(@Nullable Matrix z, Triangle triangle, Matrix pt) {}

    private Bracket bracket(MemoryScope owner, Matrix r) {
        double noise = NOISE * EPS * frobenius(r);
        if (isAbove(r, noise)) {
            return new Bracket(null, Triangle.LOWER, r.transposed());
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix g = session.allocate(scratch, p, p);
            Matrix tau = session.allocate(scratch, p, 1);
            session.multiply(1, r, random(scratch, p, p, uniform(SEED + 1)), 0, g);
            session.qr(g, tau);
            long l = leading(g, noise);
            Matrix c = session.allocate(scratch, p, p);
            session.copy(r, c);
            session.applyQ(g.columns(0, l), tau.rows(0, l), true, c);
            if (l < p && frobenius(c.rows(l, p)) > 2 * noise) {
                // The random columns have missed something.
                l = p;
                session.copy(r, c);
                session.applyQ(g, tau, true, c);
            }
            Matrix z = session.allocate(scratch, p, l);
            session.copy(c.rows(0, l).transposed(), z);
            session.qr(z, tau.rows(0, l));
            long rank = Math.max(1, leading(z.rows(0, l), noise));
            Matrix pt = session.allocate(owner, rank, rank);
            session.copy(z.rows(0, rank).columns(0, rank), pt);
            session.keepTriangle(Triangle.UPPER, pt);
            Matrix basis = session.allocate(owner, p, rank);
            session.identity(basis);
            session.applyQ(z.columns(0, rank), tau.rows(0, rank), false, basis);
            return new Bracket(basis, Triangle.UPPER, pt);
        }
    }

    /** Whether all singular values of an upper triangular matrix certainly lie above a level. */
    private boolean isAbove(Matrix r, double level) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix inverse = session.allocate(scratch, p, p);
            Status status = session.status(scratch, 1);
            session.copy(r.transposed(), inverse);
            session.invertLower(inverse, status);
            return frobenius(inverse) * level < 1 && session.read(status)[0] == 0;
        }
    }

    /** Number of leading rows of an upper triangle after which the rest is not above a level in the Frobenius norm. */
    private long leading(Matrix factored, double level) {
        long n = factored.columns();
        double[] norms;
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix upper = session.allocate(scratch, n, n);
            session.copy(factored.rows(0, n), upper);
            session.keepTriangle(Triangle.UPPER, upper);
            Matrix rows = session.allocate(scratch, 1, n);
            session.columnNorms(upper.transposed(), rows);
            norms = Factors.toHost(session, rows);
        }
        double rest = 0;
        int count = norms.length;
        while (count > 0) {
            rest = Math.hypot(rest, norms[count - 1]);
            if (!(rest <= level)) {
                break;
            }
            count--;
        }
        return count;
    }

    // ---- the factorization

    private Attempt orthogonalized(MemoryScope scratch, Bracket bracket, Function<double[], RankDecision> decide) {
        long l = bracket.pt().rows();
        Matrix z = bracket.z();
        Matrix g = random(scratch, p, PROBES, gaussian(SEED + 2));
        Matrix ct = session.allocate(scratch, l, l);
        Matrix t = session.allocate(scratch, l, l);
        // B, and beside it A times the vectors that probe the result, so that A is read once for both.
        Matrix all = session.allocate(scope, Precision.FLOAT64, 1, a.rows(), l + PROBES, a.layout());
        Matrix b = all.columns(0, l);
        Matrix ag = all.columns(l, l + PROBES);
        session.fill(ct, 0);
        if (z == null) {
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
        if (!factored(ct)) {
            return Attempt.declined("SKETCH: the preconditioned matrix is not well conditioned");
        }
        session.multiply(1, ct.transposed(), bracket.pt().transposed(), 0, t);
        Errors errors = errors(b, ag, ct, t, z, g);
        if (!(errors.defect() <= LARGEST_DEFECT * EPS)) {
            Matrix first = session.allocate(scratch, l, l);
            Matrix product = session.allocate(scratch, l, l);
            session.copy(ct, first);
            session.copy(t, product);
            session.fill(ct, 0);
            inBlocks((from, to) -> precondition(Triangle.LOWER, first, b.rows(from, to), ct));
            if (!factored(ct)) {
                return Attempt.declined("SKETCH: the preconditioned matrix is not well conditioned");
            }
            session.multiply(1, ct.transposed(), product, 0, t);
            errors = errors(b, ag, ct, t, z, g);
        }
        double bound = PROBE_FACTOR * errors.residual();
        if (!(errors.defect() <= LARGEST_DEFECT * EPS) || !(bound <= largestResidual() * EPS * frobenius(t))) {
            return Attempt.declined(String.format(
                    Locale.ROOT,
                    "SKETCH: no certificate, the residual is at most %.2g, the orthogonality is off by %.2g",
                    bound,
                    errors.defect()));
        }
        return decomposed(b, ct, t, z, bound, decide);
    }

    /** What is done with some of the rows. */
    private interface Rows {
        void visit(long from, long to);
    }

    /** Rows of a block on the host. */
    static long blockRows(long p) {
        return Math.max(BLOCK_ROWS, BLOCK_ENTRIES / Math.max(1, p));
    }

    /** Visits all rows, on the host in blocks that stay in the cache from one operation to the next. */
    private void inBlocks(Rows rows) {
        long height = session.place().isHost() ? blockRows(p) : a.rows();
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
     * Largest accepted bound on ‖A − QTZᵀ‖₂ in units of ε‖A‖_F. It contains the rounding errors of its own evaluation, sums of p products. 8 for
     * 20 columns, 28 for 500.
     */
    private double largestResidual() {
        return 16 + 2 * Math.sqrt(p);
    }

    /** Cᵀ in the lower triangle; false if BᵀB is singular to rounding or not finite. */
    private boolean factored(Matrix gram) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Status status = session.status(scratch, 1);
            session.cholesky(gram, status);
            return session.read(status)[0] == 0;
        }
    }

    private Attempt decomposed(
            Matrix b, Matrix ct, Matrix t, @Nullable Matrix z, double bound, Function<double[], RankDecision> decide) {
        long l = t.rows();
        Matrix inner = session.allocate(scope, l, l);
        Matrix zt = session.allocate(scope, l, l);
        double[] leading = ThinSvd.decompose(session, algorithms, target -> session.copy(t, target), inner, zt);
        double[] sigma = leading == null ? null : Arrays.copyOf(leading, Math.toIntExact(p));
        if (sigma != null) {
            RankDecision decision = decide.apply(sigma);
            if (l < p && !(bound < decision.cutoff())) {
                return Attempt.declined(String.format(
                        Locale.ROOT,
                        "SKETCH: the cut-off %.2g lies below %.2g, what is certain about the singular values that were left out",
                        decision.cutoff(),
                        bound));
            }
            session.solveTriangular(Triangle.UPPER, ct.transposed(), inner);
        }
        Matrix shortSide = zt.transposed();
        if (z != null) {
            shortSide = session.allocate(scope, p, l);
            session.multiply(1, z, zt.transposed(), 0, shortSide);
        }
        return SpectralFactors.attempt(
                session,
                scope,
                x,
                Method.SKETCH,
                new ProductColumns(session, b, inner),
                new DenseColumns(session, shortSide),
                sigma,
                1,
                values -> decide.apply(values).rank());
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
    private Errors errors(Matrix b, Matrix ag, Matrix ct, Matrix t, @Nullable Matrix z, Matrix g) {
        long l = ct.rows();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix h = random(scratch, l, PROBES, gaussian(SEED + 3));
            Matrix inside = g;
            if (z != null) {
                inside = session.allocate(scratch, l, PROBES);
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
                    double[] norms = norms(difference);
                    Arrays.setAll(residuals, i -> Math.hypot(residuals[i], norms[i]));
                }
            });
            session.solveTriangular(Triangle.LOWER, ct, back);
            session.add(-1, h, 1, back);
            double[] errors = norms(back);
            double[] sizes = norms(h);
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

    // ---- helpers

    private double[] norms(Matrix m) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix norms = session.allocate(scratch, 1, m.columns());
            session.columnNorms(m, norms);
            return Factors.toHost(session, norms);
        }
    }

    private double frobenius(Matrix m) {
        double sum = 0;
        for (double norm : norms(m)) {
            sum = Math.hypot(sum, norm);
        }
        return sum;
    }

    private static DoubleSupplier gaussian(long seed) {
        return new SplitMix64(seed)::nextGaussian;
    }

    /** Uniform with mean 0 and variance 1/p. */
    private DoubleSupplier uniform(long seed) {
        SplitMix64 random = new SplitMix64(seed);
        double width = 2 * Math.sqrt(3.0 / p);
        return () -> width * (random.nextDouble() - 0.5);
    }

    /** Random numbers, column by column. */
    private Matrix random(MemoryScope owner, long rows, long columns, DoubleSupplier numbers) {
        Matrix host = Matrix.uninitialized(owner, Precision.FLOAT64, 1, rows, columns, Layout.COLUMN_MAJOR);
        HostLines lines = HostLines.of(host, 0);
        double[] chunk = new double[lines.chunk()];
        for (long c = 0; c < columns; c++) {
            for (long i = 0; i < rows; i += chunk.length) {
                int part = (int) Math.min(chunk.length, rows - i);
                for (int j = 0; j < part; j++) {
                    chunk[j] = numbers.getAsDouble();
                }
                lines.write(c, i, chunk, 0, part);
            }
        }
        if (session.place().isHost()) {
            return host;
        }
        Matrix device = session.allocate(owner, rows, columns);
        session.copy(host, device);
        return device;
    }
}
