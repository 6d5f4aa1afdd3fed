package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Singular values from a {@link LaneQr}: R is brought to bidiagonal form in all lanes by reflections from both sides (Golub and Van Loan, Matrix
 * Computations, 4th ed., §5.4.8), then goes through {@link LaneQuotientDifference}. Not to be shared by threads.
 */
final class LaneSpectrum {
    private final LaneQr qr;
    private final int p;
    private final double[][][] columns;
    private final double[][][] rows;
    private final double[][] diagonal;
    private final double[][] offDiagonal;
    private final double[] factor = new double[Lanes.COUNT];
    private final double[] sum = new double[Lanes.COUNT];
    private final double[] unused = new double[Lanes.COUNT];
    private final LaneUnits units = new LaneUnits();
    private final LaneQuotientDifference iteration;

    /**
     * Scratch for one shape.
     *
     * @param qr where the factorizations will be
     */
    LaneSpectrum(LaneQr qr) {
        this.qr = qr;
        p = qr.p();
        columns = new double[p][][];
        Arrays.setAll(columns, j -> Lanes.rows(p));
        rows = new double[p][p][];
        for (int i = 0; i < p; i++) {
            for (int j = 0; j < p; j++) {
                rows[i][j] = columns[j][i];
            }
        }
        diagonal = Lanes.rows(p);
        offDiagonal = Lanes.rows(p);
        iteration = new LaneQuotientDifference(p);
    }

    /** Entries of the scratch for one problem. */
    static double entries(double n, double d) {
        double p = Math.min(n, d);
        return 1.04 * p * p + 2 * p + 7 + LaneQuotientDifference.entries(p);
    }

    /** The lanes of the singular values, in descending order. */
    double[] sigma(int i) {
        return iteration.values()[i];
    }

    /** Finds the singular values of all lanes, from the factorizations that are in the lanes of the QR. */
    void solve() {
        units.set(qr);
        for (int j = 0; j < p; j++) {
            for (int i = 0; i <= j; i++) {
                Lanes.product(columns[j][i], qr.r(i, j), units.powers());
            }
            for (int i = j + 1; i < p; i++) {
                Arrays.fill(columns[j][i], 0);
            }
        }
        bidiagonalize();
        iteration.find(diagonal, offDiagonal);
        for (int l = 0; l < Lanes.COUNT; l++) {
            // Values descend: the first is the first to leave the number format.
            if (!iteration.found(l) || !(units.back(iteration.values()[0][l], l) <= Double.MAX_VALUE)) {
                for (int i = 0; i < p; i++) {
                    iteration.values()[i][l] = Double.NaN;
                }
            }
        }
        units.back(iteration.values());
    }

    private void bidiagonalize() {
        for (int k = 0; k < p; k++) {
            if (k == 0 || k == p - 1) {
                // The first column has no entries below the diagonal, the last has none that could be there.
                System.arraycopy(columns[k][k], 0, diagonal[k], 0, Lanes.COUNT);
            } else {
                reflect(columns[k], k, columns, diagonal[k], k + 1);
            }
            if (k == p - 2) {
                System.arraycopy(rows[k][p - 1], 0, offDiagonal[k], 0, Lanes.COUNT);
            } else if (k < p - 2) {
                reflect(rows[k], k + 1, rows, offDiagonal[k], k + 1);
            }
        }
    }

    /** Makes a reflection of the part of a vector from {@code head} on and applies it to the lines from {@code first} on. */
    private void reflect(double[][] vector, int head, double[][][] lines, double[] result, int first) {
        Lanes.dot(factor, vector, vector, head, p);
        Lanes.reflector(vector[head], factor, unused, result);
        for (int j = first; j < p; j++) {
            Lanes.dot(sum, vector, lines[j], head, p);
            Lanes.multiply(sum, factor);
            Lanes.subtract(sum, vector, lines[j], head, p);
        }
    }
}
