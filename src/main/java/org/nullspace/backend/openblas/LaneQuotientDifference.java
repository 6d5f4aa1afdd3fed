package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Singular values of bidiagonal matrices of one order in all lanes, by the algorithm of {@link QuotientDifference}: every lane finds its last value,
 * then the one before it, and so on, each with shifts of its own. A transformation counts for the lanes that asked for it and did not fail;
 * the others keep their numbers as they are. A lane that has not found a value after {@link #ROUNDS} transformations, as one that falls apart
 * into blocks may, is finished alone by {@link QuotientDifference}.
 *
 * <p>Not to be shared by threads.
 */
final class LaneQuotientDifference {
    /** Transformations for a value, at most. Some 3 are needed. */
    private static final int ROUNDS = 16;

    private final int p;
    private final double[][] q;
    private final double[][] e;
    private final double[][] nextQ;
    private final double[][] nextE;
    private final double[][] values;
    private final double[] largest = new double[Lanes.COUNT];
    private final double[] shift = new double[Lanes.COUNT];
    private final double[] tau = new double[Lanes.COUNT];
    private final double[] kept = new double[Lanes.COUNT];
    private final double[] taken = new double[Lanes.COUNT];
    private final double[] pivot = new double[Lanes.COUNT];
    private final double[] before = new double[Lanes.COUNT];
    private final double[] mu = new double[Lanes.COUNT];
    private final double[] residual = new double[Lanes.COUNT];
    private final double[] trace = new double[Lanes.COUNT];
    private final double[] leastEarlier = new double[Lanes.COUNT];

    /** Pivots of the last transformation that counted: the one before the last, and the least of those above. */
    private final double[] second = new double[Lanes.COUNT];

    private final double[] least = new double[Lanes.COUNT];
    private final int[] known = new int[Lanes.COUNT];
    private final int[] failures = new int[Lanes.COUNT];
    private final int[] foundAlone = new int[Lanes.COUNT];
    private final boolean[] right = new boolean[Lanes.COUNT];
    private final double[] order;
    private final QuotientDifference alone;

    /**
     * Scratch for one order.
     *
     * @param p order
     */
    LaneQuotientDifference(int p) {
        this.p = p;
        q = Lanes.rows(p);
        e = Lanes.rows(p);
        nextQ = Lanes.rows(p);
        nextE = Lanes.rows(p);
        values = Lanes.rows(p);
        order = new double[p];
        alone = new QuotientDifference(p);
    }

    /** Entries of the scratch for one problem. */
    static double entries(double p) {
        return 6 * p + 16;
    }

    /** Singular values in descending order, after {@link #find}. */
    double[][] values() {
        return values;
    }

    /** Whether the values of a lane were found. */
    boolean found(int l) {
        return right[l];
    }

    /**
     * Finds the singular values of all lanes. The largest entry in each is to be of moderate size, or zero.
     *
     * @param diagonal read
     * @param offDiagonal read: entry i is to the right of entry i of the diagonal
     */
    void find(double[][] diagonal, double[][] offDiagonal) {
        Arrays.fill(largest, 0);
        for (int i = 0; i < p; i++) {
            Lanes.square(q[i], diagonal[i], largest);
            if (i + 1 < p) {
                Lanes.square(e[i], offDiagonal[i], largest);
            }
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            foundAlone[l] = -1;
            right[l] = largest[l] < Double.POSITIVE_INFINITY;
            if (!right[l]) {
                largest[l] = 0;
                for (int i = 0; i < p; i++) {
                    q[i][l] = 0;
                    e[i][l] = 0;
                }
            }
            shift[l] = 0;
            known[l] = 0;
            if (q[0][l] < 0.5 * q[p - 1][l]) {
                turn(l);
            }
        }
        for (int i = 0; i < p - 1; i++) {
            Lanes.atLeast(e[i], QuotientDifference.TINY);
        }
        for (int to = p - 1; to >= 0; to--) {
            if (to >= 2) {
                converge(to);
            }
            for (int l = 0; l < Lanes.COUNT; l++) {
                if (foundAlone[l] < 0) {
                    finish(to, l);
                }
            }
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            sort(l);
        }
    }

    private void finish(int to, int l) {
        if (to != 1) {
            values[to][l] = to == 0 && p > 1 ? values[0][l] : shift[l] + q[to][l];
            known[l]--;
            return;
        }
        double large = QuotientDifference.largeOfPair(q[0][l], e[0][l], q[1][l]);
        values[0][l] = shift[l] + large;
        values[1][l] = shift[l] + (large > 0 ? q[0][l] * (q[1][l] / large) : 0);
    }

    /** Brings the small end to the bottom. */
    private void turn(int l) {
        for (int i = 0, j = p - 1; i < j; i++, j--) {
            double swapped = q[i][l];
            q[i][l] = q[j][l];
            q[j][l] = swapped;
        }
        for (int i = 0, j = p - 2; i < j; i++, j--) {
            double swapped = e[i][l];
            e[i][l] = e[j][l];
            e[j][l] = swapped;
        }
    }

    /** Transforms until the off-diagonal entry above place {@code to} is negligible in all lanes. */
    private void converge(int to) {
        Arrays.fill(failures, 0);
        for (int round = 0; propose(to, round); round++) {
            transform(to);
            for (int l = 0; l < Lanes.COUNT; l++) {
                if (taken[l] != 0) {
                    judge(l);
                }
            }
            for (int l = 0; l < Lanes.COUNT; l++) {
                kept[l] = 1 - taken[l];
            }
            for (int i = 0; i < to; i++) {
                Lanes.replace(taken, kept, q[i], nextQ[i]);
                Lanes.replace(taken, kept, e[i], nextE[i]);
            }
            Lanes.replace(taken, kept, q[to], pivot);
        }
    }

    /** Sets the shift of each lane and whether it takes part; false if none does. */
    private boolean propose(int to, int round) {
        boolean any = false;
        boolean unknown = false;
        Lanes.tail(mu, residual, q[to], e[to - 1], q[to - 1], e[to - 2]);
        double[] end = q[to];
        double[] off = e[to - 1];
        for (int l = 0; l < Lanes.COUNT; l++) {
            taken[l] = 0;
            if (foundAlone[l] >= 0 || QuotientDifference.isNegligible(off[l], end[l], shift[l], largest[l])) {
                continue;
            }
            if (round == ROUNDS) {
                finishAlone(to, l);
                continue;
            }
            any = true;
            taken[l] = 1;
            if (failures[l] == 0) {
                tau[l] = known[l] <= 0 ? 0 : guess(l);
            }
            unknown |= tau[l] == 0 && failures[l] < 2;
        }
        if (unknown) {
            bound(to);
        }
        return any;
    }

    /**
     * Shifts for the lanes that have no guess: with f the squares of the lengths of the rows of B⁻¹, Σf is the trace of (BBᵀ)⁻¹, so that 1/Σf is at
     * most the smallest eigenvalue, and close to it if that one stands apart.
     */
    private void bound(int to) {
        Arrays.fill(trace, 0);
        Arrays.fill(before, 0);
        for (int i = to; i >= 0; i--) {
            Lanes.addQuotient(before, trace, q[i], e[i]);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            if (taken[l] != 0 && failures[l] < 2 && tau[l] == 0) {
                tau[l] = (1 - 0x1p-40) / trace[l];
            }
        }
    }

    private double guess(int l) {
        double smallest = known[l] == 2 ? least[l] : Math.min(least[l], second[l]);
        return QuotientDifference.guess(mu[l], residual[l], smallest);
    }

    private void transform(int to) {
        for (int l = 0; l < Lanes.COUNT; l++) {
            double d = q[0][l] - tau[l];
            leastEarlier[l] = to > 1 ? d : Double.POSITIVE_INFINITY;
            before[l] = d;
            pivot[l] = Math.max(d, 0);
        }
        for (int i = 0; i < to; i++) {
            if (i == to - 1) {
                System.arraycopy(pivot, 0, before, 0, Lanes.COUNT);
                Lanes.lastQuotient(pivot, tau, q[i + 1], e[i], nextQ[i], nextE[i]);
            } else {
                Lanes.quotient(pivot, leastEarlier, tau, q[i + 1], e[i], nextQ[i], nextE[i]);
            }
        }
    }

    /** Whether the transformation counts for a lane that took part, and the next shift if it does not. */
    private void judge(int l) {
        if (leastEarlier[l] >= 0 && pivot[l] >= 0) {
            second[l] = before[l];
            least[l] = leastEarlier[l];
            known[l] = 2;
            shift[l] += tau[l];
            failures[l] = 0;
            return;
        }
        taken[l] = 0;
        failures[l]++;
        boolean late = failures[l] == 1 && leastEarlier[l] >= 0;
        tau[l] = late ? Math.max(0, QuotientDifference.closeBound(tau[l], pivot[l])) : 0;
    }

    private void finishAlone(int to, int l) {
        for (int i = 0; i <= to; i++) {
            alone.squares(i, q[i][l], i < to ? e[i][l] : 0);
        }
        right[l] &= alone.find(to + 1, shift[l], largest[l]);
        for (int i = 0; i <= to; i++) {
            values[i][l] = alone.squaredValues()[i];
        }
        foundAlone[l] = to;
    }

    private void sort(int l) {
        for (int i = 0; i < p; i++) {
            order[i] = values[i][l];
            right[l] &= order[i] >= 0;
            if (order[i] < QuotientDifference.NEXT_TO_NOTHING) {
                order[i] = 0;
            }
        }
        Arrays.sort(order);
        for (int i = 0; i < p; i++) {
            values[i][l] = Math.sqrt(order[p - 1 - i]);
        }
    }
}
