package org.nullspace.solve;

import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.RankTolerance;

/**
 * The method {@link org.nullspace.model.Method#GRAM}. With LLᵀ = AAᵀ and p = min(n,d), ‖L‖_F and ‖L⁻¹‖_F bound the extreme singular values: σ₁ ≤
 * ‖L‖_F and σ_p ≥ 1/‖L⁻¹‖_F. If these bounds alone put σ_p above the cut-off, the rank is p without a singular value having been computed;
 * the price is p³/3 operations. Non-finite entries of X make the diagonal of the Gram matrix non-finite and so fail the certificate.
 */
final class Gram {
    /**
     * Singular values must lie between this and its inverse: then neither their squares, nor targets of a size in the same range multiplied
     * or divided by these squares, leave the range of the number format.
     */
    private static final double SMALLEST_SIGMA = 0x1p-300;

    private Gram() {}

    static Attempt factor(
            Session session, MemoryScope parent, Matrix x, RankTolerance tolerance, Precision dataPrecision) {
        Matrix a = x.rows() <= x.columns() ? x : x.transposed();
        long p = a.rows();
        MemoryScope scope = parent.nested();
        Matrix g = GramFactors.emptyGram(session, scope, p);
        double normL;
        double normInverse;
        int info;
        try (MemoryScope scratch = MemoryScope.open()) {
            session.gram(1, a, 0, g);
            Status factored = session.status(scratch, 1);
            session.cholesky(g, factored);
            info = session.read(factored)[0];
            if (info != 0) {
                scope.close();
                return Attempt.declined(
                        "GRAM: the Gram matrix is not numerically positive definite (leading minor " + info + " of " + p
                                + "): X is rank deficient or too ill-conditioned for it",
                        info - 1L);
            }
            Matrix inverse = session.allocate(scratch, p, p);
            Status inverted = session.status(scratch, 1);
            session.copy(g, inverse);
            session.invertLower(inverse, inverted);
            normL = frobenius(session, scratch, g);
            normInverse = frobenius(session, scratch, inverse);
            info = session.read(inverted)[0];
        }
        double condition = normL * normInverse;
        double sigmaMin = 1 / normInverse;
        String bounds = String.format(java.util.Locale.ROOT, "condition number at most %.3g", condition);
        if (info != 0
                || !(condition < Double.POSITIVE_INFINITY)
                || !(sigmaMin > SMALLEST_SIGMA)
                || !(normL < 1 / SMALLEST_SIGMA)) {
            scope.close();
            return Attempt.declined(
                    "GRAM: entries of X are too large or too small to be squared, or hold a NaN or an" + " infinity");
        }
        double trusted = GramLimits.largestCondition(p, a.columns());
        if (condition > trusted) {
            scope.close();
            return Attempt.declined("GRAM: no certificate, " + bounds + ", and the Gram matrix is trusted up to "
                    + String.format(java.util.Locale.ROOT, "%.3g", trusted));
        }
        if (!tolerance.certifiesFullRank(normL, sigmaMin, x.rows(), x.columns(), dataPrecision)) {
            scope.close();
            return Attempt.declined(
                    "GRAM: no certificate of full rank under the tolerance " + tolerance + " (" + bounds + ")");
        }
        return Attempt.done(
                new GramFactors(session, scope, x, g, condition), "GRAM: full rank " + p + " certified, " + bounds);
    }

    private static double frobenius(Session session, MemoryScope scratch, Matrix a) {
        Matrix norms = session.allocate(scratch, 1, a.columns());
        session.columnNorms(a, norms);
        double sum = 0;
        for (double norm : Factors.toHost(session, norms)) {
            sum = Math.hypot(sum, norm);
        }
        return sum;
    }
}
