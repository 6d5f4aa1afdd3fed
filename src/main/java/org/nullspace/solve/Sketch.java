package org.nullspace.solve;

import java.util.List;
import java.util.function.Function;
import org.nullspace.backend.Session;
import org.nullspace.backend.SparseSigns;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SvdChoice;

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
 *   <li><b>Precondition, orthogonalize, certify and decompose</b>: {@link PreconditionedQr}, with P = Lᵀ or R. SB has nearly orthonormal columns
 *       for B = AZP⁻¹, so B is well conditioned if S has preserved the range of A.
 * </ol>
 *
 * <p>Where a check fails, nothing is returned but the reason, and the next method has its turn.
 */
final class Sketch {
    /** Seed of the sketch and of Ω: results are the same on every run. */
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
            if (!Double.isFinite(largest) && !Double.isFinite(Norms.maxMagnitude(session, x))) {
                return Attempt.failed(Outcome.NON_FINITE_INPUT, "SKETCH: X holds a NaN or an infinity");
            }
            if (largest == 0 || Scaling.factor(largest, Precision.FLOAT64) != 1) {
                return Attempt.declined(
                        "SKETCH: entries of X are all 0, or too large or too small for the products of a sketch");
            }
            PreconditionedQr.Bracket bracket = bracket(scratch, r);
            long rank = bracket.pt().rows();
            if (mustPay && !pays(rank, p)) {
                return Attempt.declined("SKETCH: a rank of some " + rank + " of " + p + " is too high for it to pay");
            }
            return new PreconditionedQr(session, scope, Method.SKETCH, x, bracket).factor(algorithms, decide);
        }
    }

    // ---- the sketch

    /** R of the sketch, with zeros below; returns the largest magnitude of the sketch. */
    private double sketch(Matrix r) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix y = session.allocate(scratch, (long) rows(p), p);
            Matrix tau = session.allocate(scratch, p, 1);
            session.sketch(SEED, a, y);
            double largest = Norms.maxMagnitude(session, y);
            session.qr(y, tau);
            session.copy(y.rows(0, p), r);
            session.keepTriangle(Triangle.UPPER, r);
            return largest;
        }
    }

    private PreconditionedQr.Bracket bracket(MemoryScope owner, Matrix r) {
        double noise = NOISE * EPS * Norms.frobenius(session, r);
        if (isAbove(r, noise)) {
            return new PreconditionedQr.Bracket(null, null, Triangle.LOWER, r.transposed(), r);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix g = session.allocate(scratch, p, p);
            Matrix tau = session.allocate(scratch, p, 1);
            session.multiply(1, r, RandomMatrix.uniform(session, scratch, p, p, 1.0 / p, SEED + 1), 0, g);
            session.qr(g, tau);
            long l = leading(g, noise);
            Matrix c = session.allocate(scratch, p, p);
            session.copy(r, c);
            session.applyQ(g.columns(0, l), tau.rows(0, l), true, c);
            if (l < p && Norms.frobenius(session, c.rows(l, p)) > 2 * noise) {
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
            return new PreconditionedQr.Bracket(basis, null, Triangle.UPPER, pt, pt.transposed());
        }
    }

    /** Whether all singular values of an upper triangular matrix certainly lie above a level. */
    private boolean isAbove(Matrix r, double level) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix inverse = session.allocate(scratch, p, p);
            Status status = session.status(scratch, 1);
            session.copy(r.transposed(), inverse);
            session.invertLower(inverse, status);
            return Norms.frobenius(session, inverse) * level < 1 && session.read(status)[0] == 0;
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
            norms = Norms.columns(session, upper.transposed());
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
}
