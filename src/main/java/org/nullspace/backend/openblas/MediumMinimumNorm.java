package org.nullspace.backend.openblas;

import java.nio.DoubleBuffer;
import org.nullspace.backend.GramLimits;

/**
 * Minimum-norm solutions of one problem after another: from the Gram matrix ({@link MediumGram}) where its condition number allows that, from a QR
 * factorization ({@link MediumQr}) otherwise. Not to be shared by threads.
 */
final class MediumMinimumNorm {
    private final MediumGram gram;
    private final MediumQr qr;
    private final int d;
    private final int q;
    private final long bounds;
    private final DoubleBuffer pair;
    private boolean byGram;
    private boolean byQr;
    private long singularValues;

    /**
     * Scratch for one shape.
     *
     * @param arena where it is taken from
     * @param k columns of Y
     * @param copied whether X must be copied to be read, for its precision
     */
    MediumMinimumNorm(Blas64 blas, Arena arena, int n, int d, int k, boolean copied) {
        this.d = d;
        q = Math.max(n, d);
        gram = new MediumGram(blas, arena, n, d, k, copied);
        qr = new MediumQr(blas, arena, n, d, k);
        bounds = arena.take(2);
        pair = arena.view(bounds, 2);
    }

    /**
     * Factors a problem.
     *
     * @param x the tall one of X and Xᵀ
     * @param spectrum whether singular values are wanted
     */
    void factor(BatchColumns x, long problem, boolean spectrum) {
        byGram = gram.factor(x, problem);
        byQr = false;
        singularValues = 0;
        // The bound exceeds the condition number by a factor of at most p.
        if (spectrum && byGram && gram.norm() * gram.normOfInverse() <= GramLimits.SPECTRUM_CONDITION * x.columns()) {
            singularValues = qr.singularValuesOf(gram.factor(), GramLimits.SPECTRUM_CONDITION);
        }
        boolean unknown = spectrum && singularValues == 0;
        if (unknown || !byGram) {
            qr.factor(x, problem);
        }
        if (!byGram) {
            byQr = qr.measure();
        }
        if (unknown) {
            singularValues = qr.singularValues();
        }
    }

    /** Where the singular values are, if they were wanted; NaN if there are none. */
    long singularValues() {
        return singularValues;
    }

    /**
     * Solves with the factors that were found last.
     *
     * @return whether there is a finite solution
     */
    boolean solve(BatchColumns targets, long problem) {
        return byGram ? gram.solve(targets, problem) : byQr && qr.solve(targets, problem);
    }

    /** Where the solution is. */
    long solution() {
        return byGram ? gram.solution() : qr.result();
    }

    /** Distance of its columns. */
    int height() {
        return byGram ? d : q;
    }

    /**
     * Where ‖X‖_F and a bound of 1/σ_p are.
     *
     * @param solved whether there is a solution; both are NaN otherwise
     */
    long bounds(boolean solved) {
        pair.put(0, !solved ? Double.NaN : byGram ? gram.norm() : qr.norm());
        pair.put(1, !solved ? Double.NaN : byGram ? gram.normOfInverse() : qr.normOfInverse());
        return bounds;
    }
}
