package org.nullspace.solve;

import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;
import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.RankDecision;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SvdChoice;

/**
 * The method {@link Method#GRAM}, with A the wide one of X and Xᵀ (p×q).
 *
 * <p><b>Full rank.</b> With LLᵀ = AAᵀ, norms of L and L⁻¹ bound the extreme singular values ({@link GramCertificate}). If these bounds alone
 * put σ_p above the cut-off, the rank is p without a singular value having been computed; the price is p³/3 operations. How far L can be
 * trusted is a question of the condition of A with rows of norm 1, DA: Cholesky factorization and triangular solves of DAAᵀD make the same
 * rounding errors as those of AAᵀ (Higham, Accuracy and Stability, 2nd ed., §10.1.1), and the rows of D are nearly the best scaling there is (van der Sluis, Numer.
 * Math. 14, 1969). So rows of any size are equilibrated without being touched.
 *
 * <p><b>Lower rank.</b> Where the factorization breaks down, one with pivoting ({@link PivotedCholesky}) finds ℓ rows of A that the others are
 * combinations of, provided that there is a gap: A Gram matrix does not see singular values below √ε·σ₁. Whether these rows are all of A to
 * rounding is then measured on A itself, and the rank is decided by singular values: {@link PreconditionedQr}.
 *
 * <p>Non-finite entries of X make the diagonal of the Gram matrix non-finite and so fail the certificate.
 */
final class Gram {
    /**
     * Singular values must lie between this and its inverse: then neither their squares, nor targets of a size in the same range multiplied
     * or divided by these squares, leave the range of the number format.
     */
    private static final double SMALLEST_SIGMA = 0x1p-300;

    /**
     * Least p, and largest share of full rank, for which a lower rank is looked for here; for less than {@value #ALL} rows the share is
     * p/{@value #ALL}. Measured gains, QR_SVD/GRAM, for q/p = 1, 4 and 16 (2 cores of an AMD EPYC with AVX-512, float64): at a tenth of the rank 1.6, 1.4,
     * 1.4 for p = 64, 3.2, 2.4, 1.6 for 128 and 6.7, 4.0, 2.5 for 256; at half the rank 1.0, 0.9, 0.8 for 64, 1.3, 1.1, 1.0 for 128 and 1.9, 2.1, 1.5
     * for 256; at 0.78 of it 0.5, 0.7, 0.6 for 64, 0.6, 0.8, 0.8 for 128 and 0.6, 1.0, 1.1 for 256.
     */
    private static final int LEAST = 64;

    private static final double LARGEST_SHARE = 0.7;

    private static final double ALL = 256;

    private static final double EPS = Precision.FLOAT64.epsilon();

    private final Session session;
    private final MemoryScope parent;
    private final Matrix x;
    private final Matrix a;
    private final int p;
    private final SvdChoice svd;
    private final Function<double[], RankDecision> decide;
    private final double heldBytes;

    /**
     * Prepares.
     *
     * @param x n×d with at least one entry, on the host or in the session's place
     * @param svd how a small factor is decomposed where the rank is not full
     * @param decide the rank for given singular values
     * @param heldBytes memory of the session's place that the problem takes otherwise, X included
     */
    Gram(
            Session session,
            MemoryScope parent,
            Matrix x,
            SvdChoice svd,
            Function<double[], RankDecision> decide,
            double heldBytes) {
        this.session = session;
        this.parent = parent;
        this.x = x;
        this.a = x.rows() <= x.columns() ? x : x.transposed();
        this.p = Math.toIntExact(a.rows());
        this.svd = svd;
        this.decide = decide;
        this.heldBytes = heldBytes;
    }

    Attempt factor(RankTolerance tolerance, Precision dataPrecision) {
        MemoryScope scope = parent.nested();
        Attempt attempt = certified(scope, tolerance, dataPrecision);
        if (attempt.factors() == null) {
            scope.close();
        }
        return attempt;
    }

    private Attempt certified(MemoryScope scope, RankTolerance tolerance, Precision dataPrecision) {
        Matrix g = GramFactors.emptyGram(session, scope, p);
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix second = session.allocate(scratch, p, p);
            session.gram(1, a, 0, g);
            session.copy(g, second);
            int info = Factors.cholesky(session, g);
            if (info != 0) {
                scope.close();
                return lowRank(
                        second,
                        "GRAM: the Gram matrix is not numerically positive definite (leading minor " + info + " of " + p
                                + "): X is rank deficient or too ill-conditioned for it",
                        info - 1L);
            }
            boolean kept = session.prefersProducts();
            Matrix inverse = kept ? session.allocate(scope, p, p) : second;
            Supplier<Matrix> square = kept ? () -> second : () -> GramFactors.emptyGram(session, scratch, p);
            Status inverted = session.status(scratch, 1);
            GramCertificate bounds = inverted(g, inverse, inverted, kept);
            if (session.read(inverted)[0] != 0 || !bounds.isInRange(SMALLEST_SIGMA)) {
                return Attempt.declined(
                        "GRAM: entries of X are too large or too small to be squared, or hold a NaN or an"
                                + " infinity");
            }
            double trusted = GramLimits.largestCondition(p, a.columns());
            if (bounds.scaled() > trusted && bounds.mayScaleTo(trusted)) {
                bounds.sharpen(square.get());
            }
            if (bounds.scaled() > trusted) {
                String note = String.format(
                        Locale.ROOT,
                        "GRAM: no certificate, %s, %.3g with rows scaled, and the Gram matrix is trusted up to %.3g",
                        bounds.conditionText(),
                        bounds.scaled(),
                        trusted);
                // What is left of a vanishing σ is about √(pε)σ₁ at most.
                if (bounds.scaled() * Math.sqrt(p * EPS) < 0.1) {
                    return Attempt.declined(note);
                }
                session.gram(1, g, 0, second);
                scope.close();
                return lowRank(second, note, Long.MAX_VALUE);
            }
            if (!certifies(tolerance, bounds.sigmaMax(), bounds.sigmaMin(), dataPrecision)
                    && !bounds.isSharp()
                    && certifies(tolerance, bounds.sigmaMaxLower(), bounds.sigmaMinUpper(), dataPrecision)) {
                bounds.sharpen(square.get());
            }
            if (!certifies(tolerance, bounds.sigmaMax(), bounds.sigmaMin(), dataPrecision)) {
                return Attempt.declined("GRAM: no certificate of full rank under the tolerance " + tolerance + " ("
                        + bounds.conditionText() + ")");
            }
            return Attempt.done(
                    new GramFactors(session, scope, x, g, kept ? inverse : null, bounds),
                    "GRAM: full rank " + p + " certified, " + bounds.conditionText());
        }
    }

    /**
     * Makes L⁻¹.
     *
     * @param l L, zeros above the diagonal
     * @param inverse written
     * @param byProducts whether to make it of products; where a trial shows that this is none, it is made by substitution
     */
    private GramCertificate inverted(Matrix l, Matrix inverse, Status status, boolean byProducts) {
        session.copy(l, inverse);
        if (!byProducts) {
            session.invertLower(inverse, status);
            return new GramCertificate(session, l, inverse, false);
        }
        session.invertWellConditioned(inverse, status);
        GramCertificate bounds = new GramCertificate(session, l, inverse, true);
        return bounds.isInRange(SMALLEST_SIGMA) && !bounds.isInverse() ? inverted(l, inverse, status, false) : bounds;
    }

    private boolean certifies(RankTolerance tolerance, double largest, double smallest, Precision dataPrecision) {
        return tolerance.certifiesFullRank(largest, smallest, x.rows(), x.columns(), dataPrecision);
    }

    /**
     * The factorization for ℓ < p.
     *
     * @param g AAᵀ in the lower triangle; destroyed
     * @param note why the rank cannot be certified to be full
     * @param rankHint what the rank may be if this comes to nothing
     */
    private Attempt lowRank(Matrix g, String note, long rankHint) {
        Budget budget = Budget.of(session);
        int most = p < LEAST ? 0 : (int) (Math.min(LARGEST_SHARE, p / ALL) * p);
        if (most == 0 || !budget.holdsSketch(heldBytes, a.columns(), p)) {
            return Attempt.declined(note, rankHint);
        }
        MemoryScope scope = parent.nested();
        try (MemoryScope scratch = MemoryScope.open()) {
            PivotedCholesky.Result found = PivotedCholesky.factor(session, scratch, g, most);
            Attempt attempt = found == null ? Attempt.declined(note) : lowRank(scope, scratch, found, note);
            if (attempt.factors() == null) {
                scope.close();
            }
            return attempt;
        }
    }

    private Attempt lowRank(MemoryScope scope, MemoryScope scratch, PivotedCholesky.Result found, String note) {
        int l = found.pivots().length;
        if (!(found.largest() < 1 / SMALLEST_SIGMA
                && found.smallest() > SMALLEST_SIGMA
                && found.largest() <= found.smallest() * GramLimits.largestCondition(l, a.columns()))) {
            return Attempt.declined(note, l);
        }
        Matrix top = session.allocate(scratch, l, l);
        Matrix core = found.k().transposed();
        session.copyColumns(core, found.pivots(), top.transposed(), PreconditionedQr.inOrder(l));
        PreconditionedQr.Bracket bracket =
                new PreconditionedQr.Bracket(null, found.pivots(), Triangle.LOWER, top, core);
        Attempt attempt = new PreconditionedQr(session, scope, Method.GRAM, x, bracket)
                .factor(ThinSvd.algorithms(session, svd), decide);
        // More than ℓ directions, then, and nobody knows how many: noise has all of them.
        return attempt.factors() == null && attempt.verdict() == null
                ? Attempt.declined(note + "; " + attempt.note())
                : attempt;
    }
}
