package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Solutions from the leading singular triplets, from a {@link LaneQr}. {@link LaneJacobi} finds RᵀJ = VS, where J holds the left singular vectors of
 * R and V the right ones. With f = s/(s² + λ), the solution is Q·Σ J·f·vᵀY where X is wide and Σ v·f·JᵀQᵀY where it is tall. Not to be shared
 * by threads.
 */
final class LaneTruncated {
    private final LaneQr qr;
    private final int p;
    private final LaneJacobi jacobi;
    private final LaneUnits units = new LaneUnits();
    private final LaneColumns columns;
    private final double[][] weights;
    private final double[][] coefficients;
    private final int[] exponents = new int[Lanes.COUNT];
    private final double[] verdict = new double[Lanes.COUNT];

    /**
     * Scratch for one shape.
     *
     * @param qr where the factorizations will be
     * @param k columns of Y
     */
    LaneTruncated(LaneQr qr, int k) {
        this.qr = qr;
        p = qr.p();
        jacobi = new LaneJacobi(p, true);
        columns = new LaneColumns(qr.m(), k);
        weights = Lanes.rows(p);
        coefficients = Lanes.rows(p);
    }

    /** Entries of the scratch for one problem. */
    static double entries(double n, double d, double k) {
        double p = Math.min(n, d);
        return LaneJacobi.entries(p) + LaneColumns.entries(Math.max(n, d), k) + 2 * p + 4;
    }

    /** The lanes of entry (i, t) of Y: to be filled before {@link #solve}, which destroys them. */
    double[] y(int i, int t) {
        return columns.entry(i, t);
    }

    /** The lanes of entry (j, t) of W, after {@link #solve}. */
    double[] w(int j, int t) {
        return columns.entry(j, t);
    }

    /** 0, or NaN where there is no solution. */
    double[] verdict() {
        return verdict;
    }

    /**
     * Solves all lanes, from the factorizations that are in the lanes of the QR.
     *
     * @param ranks number of triplets in each lane
     * @param lambda λ
     */
    void solve(int[] ranks, double lambda) {
        columns.scale(qr.wide() ? p : qr.m());
        Arrays.fill(verdict, 0);
        Lanes.spoil(verdict, qr.squares());
        for (int t = 0; t < columns.count(); t++) {
            Lanes.spoil(verdict, columns.verdict(t));
        }
        decompose(ranks);
        for (int l = 0; l < Lanes.COUNT; l++) {
            weigh(l, ranks[l], lambda);
        }
        for (int t = 0; t < columns.count(); t++) {
            solve(columns.column(t));
            columns.restore(t, qr.wide() ? qr.m() : p, exponents);
        }
    }

    private void decompose(int[] ranks) {
        units.set(qr);
        for (int c = 0; c < p; c++) {
            for (int i = 0; i < p; i++) {
                if (i < c) {
                    Arrays.fill(jacobi.g(c)[i], 0);
                } else {
                    Lanes.product(jacobi.g(c)[i], qr.r(c, i), units.powers());
                }
            }
        }
        jacobi.solve();
        for (int l = 0; l < Lanes.COUNT; l++) {
            if (ranks[l] > 0) {
                verdict[l] += jacobi.verdict()[l];
            }
        }
    }

    /** 1/(s² + λ) in the unit of the scaled problem for the leading triplets of a lane, 0 for the others. */
    private void weigh(int l, int rank, double lambda) {
        int exponent = units.exponent(l);
        double scaled = Math.scalb(lambda, 2 * exponent);
        exponents[l] = exponent;
        if (scaled > Double.MAX_VALUE) {
            // s² is nothing beside λ.
            scaled = lambda;
            exponents[l] = -exponent;
        }
        boolean negligible = exponents[l] != exponent;
        int[] order = jacobi.order(l);
        for (int place = 0; place < p; place++) {
            int c = order[place];
            double length = negligible ? 0 : jacobi.lengths(c)[l];
            weights[c][l] = place < rank ? 1 / (length * length + scaled) : 0;
        }
    }

    private void solve(double[][] target) {
        boolean wide = qr.wide();
        if (!wide) {
            qr.applyTransposedQ(target);
        }
        for (int c = 0; c < p; c++) {
            Lanes.dot(coefficients[c], wide ? jacobi.g(c) : jacobi.j(c), target, 0, p);
            Lanes.negativeProduct(coefficients[c], coefficients[c], weights[c]);
        }
        for (double[] entry : target) {
            Arrays.fill(entry, 0);
        }
        for (int c = 0; c < p; c++) {
            Lanes.subtract(coefficients[c], wide ? jacobi.j(c) : jacobi.g(c), target, 0, p);
        }
        if (wide) {
            qr.applyQ(target);
        }
    }
}
