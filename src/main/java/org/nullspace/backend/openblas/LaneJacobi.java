package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * One-sided Jacobi in all lanes: the columns of G, p×p, are made orthogonal by rotations, so that GJ = U·S with the singular values as lengths of
 * the columns. Golub and Van Loan, Matrix Computations, 4th ed., §8.6.3; Drmač and Veselić, SIAM J. Matrix Anal. Appl. 29 (2008), 1322–1342
 * and 1343–1362. Cyclic by rows; a pair is orthogonal if |a·b| ≤ √p·ε·‖a‖‖b‖ with ε = 2⁻⁵².
 *
 * <p>A pair that is orthogonal in a lane is not touched there, and lengths are computed anew from the entries at the start of each sweep: a lane
 * without a rotation in a whole sweep is as it will stay, however many sweeps the others need.
 *
 * <p>Norms of G are to be of moderate size. Columns shorter than {@link #SHORTEST} are not told from zero. Not to be shared by threads.
 */
final class LaneJacobi {
    /** Sweeps, at most. Some 6 to 10 are needed. */
    private static final int SWEEPS = 30;

    private static final double SHORTEST = 0x1p-220;

    private final int p;
    private final double[][][] g;
    private final double[][][] j;
    private final double[][] squares;
    private final double[][] lengths;
    private final int[][] order;
    private final double[] cosines = new double[Lanes.COUNT];
    private final double[] sines = new double[Lanes.COUNT];
    private final double[] product = new double[Lanes.COUNT];
    private final double[] excess = new double[Lanes.COUNT];
    private final double[] verdict = new double[Lanes.COUNT];
    private final boolean[] rotated = new boolean[Lanes.COUNT];
    private final double tolerance;

    /**
     * Scratch for one order.
     *
     * @param p order of G
     * @param accumulate whether J is wanted
     */
    LaneJacobi(int p, boolean accumulate) {
        this.p = p;
        g = new double[p][][];
        Arrays.setAll(g, c -> Lanes.rows(p));
        j = new double[accumulate ? p : 0][][];
        Arrays.setAll(j, c -> Lanes.rows(p));
        squares = Lanes.rows(p);
        lengths = Lanes.rows(p);
        order = new int[Lanes.COUNT][p];
        tolerance = p * 0x1p-104;
    }

    /** Entries of the scratch for one problem, J included. */
    static double entries(double p) {
        return 2 * p * p + 3 * p + 7;
    }

    /** Column c of G, to be filled before {@link #solve()}, which multiplies G by J. */
    double[][] g(int c) {
        return g[c];
    }

    /** Column c of J, after {@link #solve()}. */
    double[][] j(int c) {
        return j[c];
    }

    /** Lengths of column c. */
    double[] lengths(int c) {
        return lengths[c];
    }

    /** Columns of a lane in the order of their lengths, the longest first. */
    int[] order(int l) {
        return order[l];
    }

    /** 0, or NaN if an entry is not finite or the columns of the lane did not become orthogonal. */
    double[] verdict() {
        return verdict;
    }

    /** Makes the columns orthogonal. */
    void solve() {
        for (int c = 0; c < j.length; c++) {
            for (int i = 0; i < p; i++) {
                Arrays.fill(j[c][i], i == c ? 1 : 0);
            }
        }
        boolean more = true;
        for (int sweep = 0; sweep < SWEEPS && more; sweep++) {
            Arrays.fill(rotated, false);
            for (int c = 0; c < p; c++) {
                Lanes.dot(squares[c], g[c], g[c], 0, p);
            }
            for (int a = 0; a < p - 1; a++) {
                for (int b = a + 1; b < p; b++) {
                    rotate(a, b);
                }
            }
            more = false;
            for (boolean lane : rotated) {
                more |= lane;
            }
        }
        for (int c = 0; c < p; c++) {
            Lanes.dot(squares[c], g[c], g[c], 0, p);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            verdict[l] = more && rotated[l] ? Double.NaN : 0;
            sort(l);
        }
    }

    private void rotate(int a, int b) {
        Lanes.dot(product, g[a], g[b], 0, p);
        Lanes.excess(excess, product, tolerance, squares[a], squares[b]);
        boolean any = false;
        for (int l = 0; l < Lanes.COUNT; l++) {
            any |= excess[l] > 0;
        }
        if (!any || !angles(a, b)) {
            return;
        }
        Lanes.rotate(cosines, sines, g[a], g[b]);
        if (j.length > 0) {
            Lanes.rotate(cosines, sines, j[a], j[b]);
        }
        for (int l = 0; l < Lanes.COUNT; l++) {
            if (sines[l] != 0) {
                double change = sines[l] / cosines[l] * product[l];
                squares[a][l] = changed(squares[a][l], -change, g[a], l);
                squares[b][l] = changed(squares[b][l], change, g[b], l);
            }
        }
    }

    /** Angles of the lanes in which two columns are not orthogonal; whether there are any. */
    private boolean angles(int a, int b) {
        boolean any = false;
        for (int l = 0; l < Lanes.COUNT; l++) {
            cosines[l] = 1;
            sines[l] = 0;
            double first = squares[a][l];
            double second = squares[b][l];
            if (excess[l] > 0 && Math.min(first, second) > SHORTEST * SHORTEST) {
                double cotangent = (second - first) / (2 * product[l]);
                double tangent =
                        Math.copySign(1 / (Math.abs(cotangent) + Math.sqrt(1 + cotangent * cotangent)), cotangent);
                cosines[l] = 1 / Math.sqrt(1 + tangent * tangent);
                sines[l] = tangent * cosines[l];
                rotated[l] = true;
                any = true;
            }
        }
        return any;
    }

    /** The square of a length after a rotation, from the entries where little is left of it. */
    private static double changed(double square, double change, double[][] column, int l) {
        double sum = square + change;
        if (sum > 0x1p-10 * square) {
            return sum;
        }
        double anew = 0;
        for (double[] entry : column) {
            anew += entry[l] * entry[l];
        }
        return anew;
    }

    private void sort(int l) {
        int[] columns = order[l];
        for (int c = 0; c < p; c++) {
            double length = Math.sqrt(squares[c][l]);
            lengths[c][l] = length;
            if (!(length <= Double.MAX_VALUE)) {
                verdict[l] = Double.NaN;
            }
            int at = c;
            while (at > 0 && lengths[columns[at - 1]][l] < length) {
                columns[at] = columns[at - 1];
                at--;
            }
            columns[at] = c;
        }
    }
}
