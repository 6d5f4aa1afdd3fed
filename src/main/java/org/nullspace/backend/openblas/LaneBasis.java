package org.nullspace.backend.openblas;

import java.util.Arrays;
import org.nullspace.backend.BatchSolver.Transform;

/**
 * An orthonormal basis of R^d whose leading r vectors span the row space of X, from a {@link LaneQr}, applied to columns. It is a product of
 * reflections and so orthogonal to rounding whatever X is: B = Q·diag(H, I) where X is wide and B = H where it is tall, H being the reflections
 * of a QR factorization of the r leading singular vectors, left ones of R in the first case and right ones in the second, from
 * {@link LaneJacobi}. For r = p and r = 0, H = I. Not to be shared by threads.
 */
final class LaneBasis {
    private final LaneQr qr;
    private final int p;
    private final int d;
    private final LaneJacobi jacobi;
    private final LaneUnits units = new LaneUnits();
    private final LaneColumns columns;
    private final double[][][] h;
    private final double[][] factors;
    private final double[] sum = new double[Lanes.COUNT];
    private final double[] unused = new double[Lanes.COUNT];
    private final double[] verdict = new double[Lanes.COUNT];
    private final int[] none = new int[Lanes.COUNT];
    private int reflections;

    /**
     * Scratch for one shape.
     *
     * @param qr where the factorizations will be
     * @param d columns of X
     * @param m columns of C
     */
    LaneBasis(LaneQr qr, int d, int m) {
        this.qr = qr;
        this.d = d;
        p = qr.p();
        jacobi = new LaneJacobi(p, false);
        columns = new LaneColumns(d, m);
        h = new double[p][][];
        Arrays.setAll(h, c -> Lanes.rows(p));
        factors = Lanes.rows(p);
    }

    /** Entries of the scratch for one problem. */
    static double entries(double n, double d, double m) {
        double p = Math.min(n, d);
        return LaneJacobi.entries(p) + LaneColumns.entries(d, m) + p + 4;
    }

    /** The lanes of entry (i, t) of C: to be filled before {@link #apply}, and its result. */
    double[] c(int i, int t) {
        return columns.entry(i, t);
    }

    /**
     * Finds H for all lanes, from the factorizations that are in the lanes of the QR.
     *
     * @param ranks r of each lane; there is no basis where it is negative
     */
    void decompose(int[] ranks) {
        reflections = 0;
        Arrays.fill(verdict, 0);
        Lanes.spoil(verdict, qr.squares());
        for (int l = 0; l < Lanes.COUNT; l++) {
            if (ranks[l] < 0) {
                verdict[l] = Double.NaN;
            } else if (ranks[l] < p) {
                reflections = Math.max(reflections, ranks[l]);
            }
        }
        if (reflections == 0) {
            return;
        }
        units.set(qr);
        boolean wide = qr.wide();
        for (int c = 0; c < p; c++) {
            for (int i = 0; i < p; i++) {
                if (wide ? i > c : i < c) {
                    Arrays.fill(jacobi.g(c)[i], 0);
                } else {
                    Lanes.product(jacobi.g(c)[i], wide ? qr.r(i, c) : qr.r(c, i), units.powers());
                }
            }
        }
        jacobi.solve();
        for (int l = 0; l < Lanes.COUNT; l++) {
            boolean reduced = ranks[l] > 0 && ranks[l] < p;
            if (reduced) {
                verdict[l] += jacobi.verdict()[l];
            }
            choose(l, reduced ? ranks[l] : 0);
        }
        for (int k = 0; k < reflections; k++) {
            for (int i = 0; i < k; i++) {
                reflect(i, h[k]);
            }
            Lanes.dot(factors[k], h[k], h[k], k, p);
            Lanes.reflector(h[k][k], factors[k], unused, unused);
        }
    }

    /** The leading singular vectors of a lane; the columns after them are zero, which makes no reflections. */
    private void choose(int l, int rank) {
        for (int k = 0; k < reflections; k++) {
            int c = jacobi.order(l)[k];
            double length = jacobi.lengths(c)[l];
            for (int i = 0; i < p; i++) {
                h[k][i][l] = k < rank && length > 0 ? jacobi.g(c)[i][l] / length : 0;
            }
        }
    }

    /**
     * Transforms the columns of C in all lanes.
     *
     * @param transform what to do
     * @param ranks as in {@link #decompose}
     */
    void apply(Transform transform, int[] ranks) {
        columns.scale(d);
        for (int t = 0; t < columns.count(); t++) {
            double[][] c = columns.column(t);
            if (transform != Transform.FROM_COORDINATES) {
                toCoordinates(c);
            }
            if (transform == Transform.PROJECT_ON_NULL_SPACE) {
                for (int i = 0; i < p; i++) {
                    for (int l = 0; l < Lanes.COUNT; l++) {
                        c[i][l] = i < ranks[l] ? 0 : c[i][l];
                    }
                }
            }
            if (transform != Transform.TO_COORDINATES) {
                fromCoordinates(c);
            }
            columns.restore(t, d, none);
            Lanes.spoil(columns.verdict(t), verdict);
            for (double[] entry : c) {
                Lanes.add(entry, columns.verdict(t));
            }
        }
    }

    private void toCoordinates(double[][] c) {
        if (qr.wide()) {
            qr.applyTransposedQ(c);
        }
        for (int k = 0; k < reflections; k++) {
            reflect(k, c);
        }
    }

    private void fromCoordinates(double[][] c) {
        for (int k = reflections - 1; k >= 0; k--) {
            reflect(k, c);
        }
        if (qr.wide()) {
            qr.applyQ(c);
        }
    }

    private void reflect(int k, double[][] column) {
        Lanes.dot(sum, h[k], column, k, p);
        Lanes.multiply(sum, factors[k]);
        Lanes.subtract(sum, h[k], column, k, p);
    }
}
