package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.backend.Triangle;
import org.nullspace.error.NoSolutionException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.SvdChoice;

/**
 * X of certified full rank p = min(n,d) through the Cholesky factor of its Gram matrix: LLᵀ = AAᵀ, where A (p×q) is X if wide and Xᵀ if tall.
 * All arithmetic is float64. Solutions are refined with residuals computed from X: the corrected seminormal equations, Björck, Numerical
 * Methods for Least Squares Problems (1996), §2.4.6 and §6.6.5.
 */
final class GramFactors extends Factors {
    private final boolean wide;
    private final Matrix cholesky;
    private final @Nullable Matrix inverse;
    private final int rank;
    private final int contractions;
    private final GramResiduals residuals;
    private final double conditionBound;
    private double @Nullable [] sigma;
    private @Nullable Factors spectral;
    private @Nullable Triplets triplets;
    private @Nullable TridiagonalForm tridiagonal;

    /**
     * Factors of certified full rank.
     *
     * @param session where to compute
     * @param scope owner of {@code cholesky}
     * @param x n×d
     * @param cholesky L in the lower triangle, zeros above
     * @param inverse L⁻¹ likewise, or null; belongs to the same scope
     * @param certificate bounds on what L is
     */
    GramFactors(
            Session session,
            MemoryScope scope,
            Matrix x,
            Matrix cholesky,
            @Nullable Matrix inverse,
            GramCertificate certificate) {
        super(session, scope, x);
        this.wide = x.rows() <= x.columns();
        this.cholesky = cholesky;
        this.inverse = inverse;
        this.rank = Math.toIntExact(cholesky.rows());
        this.conditionBound = certificate.condition();
        this.residuals = new GramResiduals(session, scope, x, certificate.rows());
        this.contractions = certificate.contractions(Math.max(x.rows(), x.columns()));
    }

    @Override
    public Method method() {
        return Method.GRAM;
    }

    @Override
    public Precision precision() {
        return Precision.FLOAT64;
    }

    @Override
    public int rank() {
        return rank;
    }

    /** b ← (LLᵀ)⁻¹b. */
    private void solveGram(Matrix b) {
        session.solveTriangular(Triangle.LOWER, cholesky, b);
        session.solveTriangular(Triangle.UPPER, cholesky.transposed(), b);
    }

    /**
     * b ← (LLᵀ)⁻¹b for a few columns where there is an inverse: quick, and off by more than rounding where X is ill-conditioned.
     *
     * @return whether that was done
     */
    private boolean solveGramQuickly(MemoryScope scratch, Matrix b) {
        Matrix known = inverse;
        if (known == null || b.columns() > GramResiduals.MEASURED) {
            return false;
        }
        Matrix half = vectors(scratch, rank, b.columns());
        session.multiply(1, known, b, 0, half);
        session.multiply(1, known.transposed(), half, 0, b);
        return true;
    }

    @Override
    public Solving solve(Matrix y, Matrix w) {
        if (y.isEmpty()) {
            return new Solving(0, true);
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            double[] units = Norms.columns(session, y);
            boolean moderate = true;
            for (int j = 0; j < units.length; j++) {
                units[j] = Scaling.factor(units[j], Precision.FLOAT64);
                moderate &= units[j] == 1;
            }
            if (moderate) {
                return refine(y, w);
            }
            // Targets of extreme size: products with σ⁻² would leave the number format where W does not.
            Matrix scaled = vectors(scratch, y.rows(), y.columns());
            session.copy(y, scaled);
            session.scaleRows(column(scratch, units), scaled.transposed());
            int corrections = refine(scaled, w).corrections();
            for (int j = 0; j < units.length; j++) {
                units[j] = 1 / units[j];
            }
            session.scaleRows(column(scratch, units), w.transposed());
            return new Solving(corrections, false);
        }
    }

    /** W ← X⁺Y for targets of moderate size. */
    private Solving refine(Matrix y, Matrix w) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix step = vectors(scratch, rank, y.columns());
            boolean quick = false;
            if (wide) {
                session.copy(y, step);
                quick = solveGramQuickly(scratch, step);
                if (!quick) {
                    solveGram(step);
                }
                session.multiply(1, x.transposed(), step, 0, w);
                // Measures of all columns would not be finite if one of them were not.
                if (residuals.areSolved(y, step, w)) {
                    return new Solving(0, true);
                }
            } else {
                session.multiply(1, x.transposed(), y, 0, w);
                solveGram(w);
            }
            Matrix residual = wide ? step : vectors(scratch, y.rows(), y.columns());
            // A quick solution is none of those that count.
            int corrections = quick ? contractions : contractions - 1;
            for (int pass = 0; pass < corrections; pass++) {
                session.copy(y, residual);
                session.multiply(-1, x, w, 1, residual);
                if (wide) {
                    solveGram(step);
                    session.multiply(1, x.transposed(), step, 1, w);
                } else {
                    session.multiply(1, x.transposed(), residual, 0, step);
                    solveGram(step);
                    session.add(1, step, 1, w);
                }
            }
            return new Solving(corrections, false);
        }
    }

    @Override
    boolean subtractRowPart(Matrix w) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix c = vectors(scratch, rank, w.columns());
            session.multiply(1, x, w, 0, c);
            solveGram(c);
            session.multiply(-1, x.transposed(), c, 1, w);
            return residuals.areProjected(c, w);
        }
    }

    @Override
    int projectionSteps() {
        return contractions;
    }

    @Override
    CompleteBasis makeCompleteBasis() {
        return wide
                ? CompleteBasis.spanning(session, scope, x.transposed(), precision(), heldBytes())
                : CompleteBasis.spanning(session, scope, identity(), precision(), heldBytes());
    }

    /** X, L and its inverse, and one more orthonormal factor: the basis and the spectrum have each their own. */
    private double heldBytes() {
        return Budget.residentBytes(session, x)
                + Budget.bytes(precision(), Math.max(x.rows(), x.columns()) + (inverse == null ? 4L : 5L) * rank, rank);
    }

    private Matrix identity() {
        Matrix identity = vectors(scope, x.columns(), x.columns());
        session.identity(identity);
        return identity;
    }

    @Override
    public double[] singularValues() {
        double[] known = sigma;
        if (known == null) {
            known = triplets == null ? values() : triplets.sigma();
            sigma = known;
        }
        return known;
    }

    private double[] values() {
        double[] found = null;
        if (mayHaveSpectrum()) {
            try (MemoryScope scratch = MemoryScope.open()) {
                found = GramSpectrum.of(session, cholesky, vectors(scratch, rank, rank), false);
            }
        }
        return found == null ? spectral().singularValues() : found;
    }

    @Override
    public Triplets triplets() {
        Triplets known = triplets;
        if (known == null) {
            known = mayHaveSpectrum() ? fromCholesky() : null;
            if (known == null) {
                known = spectral().triplets();
            }
            triplets = known;
        }
        return known;
    }

    /** Whether the condition number may be small enough for {@link GramSpectrum}: the bound in the Frobenius norm exceeds κ₂ by a factor of at most p. */
    private boolean mayHaveSpectrum() {
        return conditionBound <= GramLimits.SPECTRUM_CONDITION * rank;
    }

    @Override
    public TridiagonalForm tridiagonal() {
        TridiagonalForm known = tridiagonal;
        if (known == null) {
            known = wide && triplets == null && mayHaveSpectrum() ? reduced() : null;
            if (known == null) {
                known = super.tridiagonal();
            }
            tridiagonal = known;
        }
        return known;
    }

    /** LLᵀ in tridiagonal form, or null where that would lose accuracy. */
    private @Nullable TridiagonalForm reduced() {
        MemoryScope own = scope.nested();
        Matrix q = vectors(own, rank, rank);
        TridiagonalForm form = GramSpectrum.reduced(session, cholesky, q);
        if (form == null) {
            own.close();
            return null;
        }
        if (form.isDiagonal()) {
            double[] sigma = form.diagonal().clone();
            for (int i = 0; i < rank; i++) {
                sigma[i] = form.unit() * Math.sqrt(sigma[i]);
            }
            triplets = tripletsOf(own, q, sigma);
        }
        return form;
    }

    /** Triplets from LLᵀ = Z·diag(σ²)·Zᵀ, or null where they would lose accuracy. */
    private @Nullable Triplets fromCholesky() {
        MemoryScope own = scope.nested();
        Matrix z = vectors(own, rank, rank);
        double[] values = GramSpectrum.of(session, cholesky, z, true);
        if (values == null) {
            own.close();
            return null;
        }
        return tripletsOf(own, z, values);
    }

    private Triplets tripletsOf(MemoryScope own, Matrix z, double[] values) {
        Matrix inner = vectors(own, rank, rank);
        try (MemoryScope scratch = MemoryScope.open()) {
            double[] inverses = new double[rank];
            for (int i = 0; i < rank; i++) {
                inverses[i] = 1 / values[i];
            }
            session.copy(z, inner);
            session.scaleRows(column(scratch, inverses), inner.transposed());
        }
        // Z belongs to the short side; the vectors of the long side are those of A = X or Xᵀ times it.
        OrthonormalColumns shortSide = new DenseColumns(session, z);
        OrthonormalColumns longSide = new ProductColumns(session, wide ? x.transposed() : x, inner);
        return new Triplets(wide ? shortSide : longSide, values, wide ? longSide : shortSide);
    }

    /** X once more, by QR and SVD; made when a result needs singular vectors or an accurate small singular value. */
    private Factors spectral() {
        Factors factors = spectral;
        if (factors == null) {
            Attempt attempt =
                    QrSvd.factor(session, scope, x, Precision.FLOAT64, SvdChoice.AUTO, sigmas -> rank, heldBytes());
            factors = attempt.factors();
            if (factors == null) {
                throw new NoSolutionException("the spectrum is not available: " + attempt.note());
            }
            spectral = factors;
        }
        return factors;
    }

    @Override
    public void ridge(double lambda, Matrix y, Matrix w) {
        Triplets t = triplets();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix c = vectors(scratch, rank, y.columns());
            t.u().applyTransposed(y, c);
            double root = Math.sqrt(lambda);
            double[] filter = new double[rank];
            for (int i = 0; i < rank; i++) {
                double sigma = t.sigma()[i];
                filter[i] = 1 / (sigma + root * (root / sigma));
            }
            session.scaleRows(column(scratch, filter), c);
            t.v().apply(c, w);
        }
    }

    /** The Cholesky factor as a column-major matrix with zeros above the diagonal. */
    static Matrix emptyGram(Session session, MemoryScope scope, long p) {
        Matrix g = session.allocate(scope, Precision.FLOAT64, 1, p, p, Layout.COLUMN_MAJOR);
        session.fill(g, 0);
        return g;
    }
}
