package org.nullspace.backend.openblas;

/**
 * Singular values of a bidiagonal matrix by the differential quotient-difference algorithm with shifts: Fernando and Parlett, Accurate singular
 * values and differential qd algorithms, Numer. Math. 67 (1994), 191–229. With q the squares of the diagonal and e those of the
 * off-diagonal, a transformation with shift τ turns B into B̂ with B̂ᵀB̂ = BBᵀ − τI, by products, quotients and sums of positive numbers but for
 * the subtraction of τ. It succeeds if and only if τ is at most the smallest eigenvalue of BBᵀ; a shift that was too large is taken back, and
 * at the latest the third attempt is made with τ = 0, which cannot fail.
 *
 * <p>Blocks between negligible off-diagonal entries are treated one after the other. The errors are a few units in the last place of σ₁ for each
 * order. Not to be shared by threads.
 */
final class QuotientDifference {
    /** Off-diagonal entries of B that may be set to zero move the σ by at most 2⁻⁵⁷σ₁ each; this is the square. */
    private static final double NEGLIGIBLE = 0x1p-114;

    /** Squares of off-diagonal entries that are smaller are taken to be this. */
    static final double TINY = 0x1p-700;

    /** Squares of singular values that are smaller come from {@link #TINY} and are zero. */
    static final double NEXT_TO_NOTHING = 0x1p-680;

    /** Transformations for each row, at most. Some 3 are needed. */
    private static final int MOST = 60;

    private final double[] values;
    private final int[] waitingFrom;
    private final int[] waitingTo;
    private final double[] waitingShift;
    private final double[] q;
    private final double[] e;
    private final double[] nextQ;
    private final double[] nextE;

    /** Pivots of the last transformation; each is at least the smallest eigenvalue of what it leaves behind. */
    private final double[] pivots;

    private int failedAt;

    /**
     * Scratch.
     *
     * @param order largest order
     */
    QuotientDifference(int order) {
        values = new double[order];
        waitingFrom = new int[order];
        waitingTo = new int[order];
        waitingShift = new double[order];
        q = new double[order];
        e = new double[order];
        nextQ = new double[order];
        nextE = new double[order];
        pivots = new double[order];
    }

    /** Sets q and e in a place. */
    void squares(int i, double diagonal, double offDiagonal) {
        q[i] = diagonal;
        e[i] = offDiagonal;
    }

    /** Squares of the singular values in any order, after {@link #find}. */
    double[] squaredValues() {
        return values;
    }

    /**
     * Finds the singular values of the matrix that has been set.
     *
     * @param order its order
     * @param start what is added to the eigenvalues of BᵀB
     * @param largest the largest square of an entry of the matrix from which this one comes, of moderate size
     * @return whether they were found
     */
    boolean find(int order, double start, double largest) {
        int found = 0;
        int waiting = 0;
        int left = MOST * order;
        int from = 0;
        int to = order - 1;
        double shift = start;
        boolean fresh = true;
        while (found < order) {
            if (from == to || isNegligible(e[to - 1], q[to], shift, largest)) {
                values[found++] = shift + q[to];
                to--;
            } else if (to == from + 1) {
                found = pair(from, shift, found);
                to = from - 1;
            } else {
                int split = split(from, to, largest * NEGLIGIBLE);
                if (split >= 0) {
                    waitingFrom[waiting] = from;
                    waitingTo[waiting] = split;
                    waitingShift[waiting++] = shift;
                    from = split + 1;
                    fresh = true;
                    continue;
                }
                if (fresh) {
                    turn(from, to);
                }
                shift += transform(from, to, fresh);
                fresh = false;
                if (--left < 0) {
                    return false;
                }
            }
            if (to < from && waiting > 0) {
                waiting--;
                from = waitingFrom[waiting];
                to = waitingTo[waiting];
                shift = waitingShift[waiting];
                fresh = true;
            }
        }
        return true;
    }

    /**
     * Whether the off-diagonal entry above the last place may be set to zero. With ŝ the singular values of B after all shifts, this moves a
     * small ŝ² by no more than about e + √(qe), and σ² = ŝ² + shift by the same.
     */
    static boolean isNegligible(double e, double q, double shift, double largest) {
        return e <= NEGLIGIBLE * largest || 4 * e * (e + q) <= NEGLIGIBLE * largest * (shift + q);
    }

    /** The larger eigenvalue of a block of order 2. */
    static double largeOfPair(double q, double e, double nextQ) {
        double difference = q - nextQ + e;
        return 0.5 * (q + nextQ + e + Math.sqrt(difference * difference + 4 * nextQ * e));
    }

    /**
     * A lower bound, and a close one, after a shift that made the last pivot d negative and no other: T − τI − d·eeᵀ is semidefinite then, so
     * that τ + d is at most the smallest eigenvalue.
     */
    static double closeBound(double tau, double pivot) {
        return (tau + pivot) * (1 - 0x1p-50);
    }

    /** Both eigenvalues of a block of order 2. */
    private int pair(int i, double shift, int found) {
        double large = largeOfPair(q[i], e[i], q[i + 1]);
        values[found] = shift + large;
        values[found + 1] = shift + q[i] * (q[i + 1] / large);
        return found + 2;
    }

    /** Index of the last off-diagonal entry that is negligible, or −1. */
    private int split(int from, int to, double negligible) {
        for (int i = to - 2; i >= from; i--) {
            if (e[i] <= negligible) {
                return i;
            }
        }
        return -1;
    }

    /** Brings the small end of a block to the bottom, where values are found: the same singular values in the opposite order. */
    private void turn(int from, int to) {
        if (q[from] >= 0.5 * q[to]) {
            return;
        }
        for (int i = from, j = to; i < j; i++, j--) {
            double swapped = q[i];
            q[i] = q[j];
            q[j] = swapped;
        }
        for (int i = from, j = to - 1; i < j; i++, j--) {
            double swapped = e[i];
            e[i] = e[j];
            e[j] = swapped;
        }
    }

    /** One successful transformation; returns its shift. */
    private double transform(int from, int to, boolean fresh) {
        double tau = fresh ? 0 : guess(from, to);
        if (tau > 0) {
            if (attempt(from, to, tau)) {
                accept(from, to);
                return tau;
            }
            tau = failedAt == to ? closeBound(tau, pivots[to]) : 0;
        }
        if (tau <= 0) {
            tau = bound(from, to);
        }
        if (!attempt(from, to, tau)) {
            tau = 0;
            attempt(from, to, tau);
        }
        accept(from, to);
        return tau;
    }

    /**
     * A lower bound of the smallest eigenvalue, the better one of two. With f the squares of the lengths of the rows of B⁻¹, Σf is the trace of (BBᵀ)⁻¹:
     * 1/Σf is close if the eigenvalue stands apart. Of each entry of the diagonal of B, half of its neighbours to the right and above may
     * be missing in the smallest singular value (Johnson, Linear Algebra Appl. 112 (1989), 1–7): close if B is nearly diagonal.
     */
    private double bound(int from, int to) {
        double f = 1 / q[to];
        double trace = f;
        double right = 0;
        double left = Math.sqrt(e[to - 1]);
        double johnson = Math.sqrt(q[to]) - 0.5 * left;
        for (int i = to - 1; i >= from; i--) {
            f = (1 + e[i] * f) / q[i];
            trace += f;
            right = left;
            left = i > from ? Math.sqrt(e[i - 1]) : 0;
            johnson = Math.min(johnson, Math.sqrt(q[i]) - 0.5 * (left + right));
        }
        return (1 - 0x1p-40) * Math.max(1 / trace, johnson > 0 ? johnson * johnson : 0);
    }

    /** Other blocks stay where they are. */
    private void accept(int from, int to) {
        System.arraycopy(nextQ, from, q, from, to - from + 1);
        System.arraycopy(nextE, from, e, from, to - from);
    }

    private boolean attempt(int from, int to, double tau) {
        double[] qs = q;
        double[] es = e;
        double[] newQ = nextQ;
        double[] newE = nextE;
        double[] ds = pivots;
        double d = qs[from] - tau;
        for (int i = from; i < to; i++) {
            if (!(d >= 0)) {
                failedAt = i;
                return false;
            }
            double sum = d + es[i];
            double ratio = qs[i + 1] / sum;
            newQ[i] = sum;
            newE[i] = es[i] * ratio;
            ds[i] = d;
            d = d * ratio - tau;
        }
        ds[to] = d;
        newQ[to] = d;
        failedAt = to;
        return d >= 0;
    }

    private double guess(int from, int to) {
        double coupling = q[to] * e[to - 1];
        double small = q[to - 1] * (q[to] / largeOfPair(q[to - 1], e[to - 1], q[to]));
        double rest = q[to - 1] + e[to - 1] - small;
        double residual = q[to - 1] * e[to - 2] * (coupling / (coupling + rest * rest));
        double least = pivots[from];
        for (int i = from + 1; i < to - 1; i++) {
            least = Math.min(least, pivots[i]);
        }
        return guess(small, residual, least);
    }

    /**
     * A shift close to the smallest eigenvalue of T = BBᵀ, if possible below it.
     *
     * @param mu the smaller eigenvalue of the last two rows and columns of T
     * @param residual square of the residual of its eigenvector in T
     * @param least the least pivot above them: about the smallest eigenvalue of the rest
     * @return the eigenvalue less the second-order effect of the residual, or 0 if that leads nowhere
     */
    static double guess(double mu, double residual, double least) {
        double gap = 0.75 * least - mu;
        double correction = gap > 0 && gap * gap > residual ? residual / gap : Math.sqrt(residual);
        double guess = mu - correction;
        return least > mu && guess > 0 ? guess : 0;
    }
}
