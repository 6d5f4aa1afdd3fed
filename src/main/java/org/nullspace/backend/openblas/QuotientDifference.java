package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Singular values of a bidiagonal matrix by the differential quotient-difference algorithm with shifts: Fernando and Parlett, Accurate singular
 * values and differential qd algorithms, Numer. Math. 67 (1994), 191–229. With q the squares of the diagonal and e those of the
 * off-diagonal, a transformation with shift τ turns B into B̂ with B̂ᵀB̂ = BBᵀ − τI, by products, quotients and sums of positive numbers but for
 * the subtraction of τ. It succeeds if and only if τ is at most the smallest eigenvalue of BBᵀ; a shift that was too large is taken back, and
 * at the latest the third attempt is made with τ = 0, which cannot fail.
 *
 * <p>The errors are a few units in the last place of σ₁ for each order. Not to be shared by threads.
 */
final class QuotientDifference {
    /** Squares of off-diagonal entries below this part of the largest square count as zero: each moves the σ by at most 2⁻⁵⁷σ₁. */
    private static final double NEGLIGIBLE = 0x1p-114;

    /** Transformations for each row, at most. Some 3 are needed. */
    private static final int MOST = 60;

    private static final double TIMID = 0.25;

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

    /** The part of the least pivot that is tried as a shift where nothing better is known: it grows until an attempt fails. */
    private double boldness;

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

    /** Sets an entry of the diagonal. */
    void diagonal(int i, double value) {
        q[i] = value * value;
    }

    /** Sets the entry to the right of an entry of the diagonal. */
    void offDiagonal(int i, double value) {
        e[i] = value * value;
    }

    /** Singular values in descending order, after {@link #find}. */
    double[] values() {
        return values;
    }

    /**
     * Finds the singular values of the matrix that has been set. Its largest entry must be of moderate size.
     *
     * @param order its order
     * @return whether they were found; if an entry is not finite, they are not
     */
    boolean find(int order) {
        double largest = 0;
        for (int i = 0; i < order; i++) {
            largest = Math.max(largest, i + 1 < order ? Math.max(q[i], e[i]) : q[i]);
        }
        if (!(largest < Double.POSITIVE_INFINITY)) {
            return false;
        }
        double negligible = largest * NEGLIGIBLE;
        int found = 0;
        int waiting = 0;
        int left = MOST * order;
        int from = 0;
        int to = order - 1;
        double shift = 0;
        boolean fresh = true;
        while (found < order) {
            if (from == to || e[to - 1] <= negligible) {
                values[found++] = shift + q[to];
                to--;
            } else if (to == from + 1) {
                found = pair(from, shift, found);
                to = from - 1;
            } else {
                int split = split(from, to, negligible);
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
                double tau = transform(from, to, fresh);
                shift += tau;
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
        Arrays.sort(values, 0, order);
        for (int i = 0, j = order - 1; i <= j; i++, j--) {
            double low = Math.sqrt(values[i]);
            values[i] = Math.sqrt(values[j]);
            values[j] = low;
        }
        return !Double.isNaN(values[0]);
    }

    /** Both eigenvalues of a block of order 2. */
    private int pair(int i, double shift, int found) {
        double difference = q[i] - q[i + 1] + e[i];
        double trace = q[i] + q[i + 1] + e[i];
        double large = 0.5 * (trace + Math.sqrt(difference * difference + 4 * q[i + 1] * e[i]));
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
        if (fresh) {
            boldness = TIMID;
        }
        double tau = fresh ? 0 : guess(from, to);
        for (int attempt = 0; attempt < 2 && tau > 0; attempt++) {
            if (attempt(from, to, tau)) {
                accept(from, to);
                boldness += (1 - boldness) / 3;
                return tau;
            }
            boldness = TIMID;
            // With only the last pivot negative, T − τI − d·eeᵀ is semidefinite, so that τ + d is a lower bound, and a
            // close one.
            tau = failedAt == to && tau + pivots[to] > 0 ? (tau + pivots[to]) * (1 - 0x1p-50) : tau / 8;
        }
        attempt(from, to, 0);
        accept(from, to);
        return 0;
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

    /**
     * A shift close to the smallest eigenvalue of T = BBᵀ, if possible below it. Where the last row of T is nearly decoupled, the eigenvalue is
     * its diagonal entry less the square of the off-diagonal entry over the gap to the rest of the spectrum.
     */
    private double guess(int from, int to) {
        double end = q[to];
        double coupling = end * e[to - 1];
        double next = q[to - 1] + e[to - 1];
        double above = to - 2 >= from ? Math.sqrt(q[to - 1] * e[to - 2]) : 0;
        double gap = next - above - end;
        double least = pivots[to];
        for (int i = from; i < to; i++) {
            least = Math.min(least, pivots[i]);
        }
        if (pivots[to] <= least && gap > 0 && gap * gap > coupling) {
            return Math.max(end - coupling / gap, boldness * least);
        }
        return boldness * least;
    }
}
