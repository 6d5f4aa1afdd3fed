package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/**
 * Random batches: shapes, sizes, layouts, gaps, ranks, units, entries that are not finite. Each problem is solved by Hipparchus as well. The seed is
 * in the message of a failure.
 */
abstract class BatchOracleConformance extends Conformance {
    private static final double ROOM = 64;
    private static final long BATCHES = 60;

    static LongStream seeds() {
        return LongStream.range(0, BATCHES);
    }

    /** Room for a batch in a larger memory, with NaN in between. */
    private static Matrix room(SplitMix64 random, Precision precision, int batch, int rows, int columns) {
        Layout layout = Layout.values()[random.nextInt(2)];
        int length = layout == Layout.ROW_MAJOR ? columns : rows;
        int lines = layout == Layout.ROW_MAJOR ? rows : columns;
        int ld = length + random.nextInt(3);
        boolean interleaved = random.nextInt(3) == 0;
        // Problems one after the other, or line by line beside each other.
        int leading = interleaved ? ld * batch : ld;
        long stride = interleaved ? ld : (long) ld * lines + random.nextInt(4);
        int offset = random.nextInt(3);
        long size = offset + (long) (batch - 1) * stride + (long) (lines - 1) * leading + length;
        Matrix memory = Matrix.zeros(precision, 1, 1, size, Layout.ROW_MAJOR);
        for (long i = 0; i < size; i++) {
            memory.set(0, 0, i, Double.NaN);
        }
        return Matrix.strided(memory.memory(), precision, batch, rows, columns, layout, offset, leading, stride);
    }

    private static Planted problem(SplitMix64 random, long seed, int n, int d, int k, Precision precision) {
        int full = Math.min(n, d);
        int rank = random.nextInt(4) == 0 ? random.nextInt(full + 1) : full;
        double condition = Math.pow(10, (precision == Precision.FLOAT32 ? 1 : 3) * random.nextDouble());
        double range = precision == Precision.FLOAT32 ? 10 : 40;
        double[] sigma = rank == 0
                ? new double[0]
                : Spectrum.values()[random.nextInt(3)].values(
                        rank, condition, Math.pow(10, range * random.nextDouble() - range / 2));
        return Planted.of(seed, n, d, k, sigma, random.nextInt(2) * random.nextDouble(), precision);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void eachProblemAgreesWithHipparchus(long seed) {
        SplitMix64 random = new SplitMix64(70_000 + seed);
        Precision precision = Precision.values()[random.nextInt(2)];
        int n = 1 + random.nextInt(random.nextInt(5) == 0 ? 24 : 9);
        int d = 1 + random.nextInt(random.nextInt(5) == 0 ? 24 : 9);
        int k = 1 + random.nextInt(3);
        int size = 1 + random.nextInt(40);
        boolean spectrum = random.nextInt(3) == 0;
        Matrix x = room(random, precision, size, n, d);
        Matrix y = room(random, precision, size, n, k);
        Planted[] planted = new Planted[size];
        boolean[] bad = new boolean[size];
        for (int b = 0; b < size; b++) {
            planted[b] = problem(random, 71_000 + 100 * seed + b, n, d, k, precision);
            x.problem(b).copyFrom(Matrix.of(planted[b].x()));
            y.problem(b).copyFrom(Matrix.of(planted[b].y()));
            bad[b] = random.nextInt(9) == 0;
            if (bad[b]) {
                (random.nextInt(2) == 0 ? x : y)
                        .set(b, random.nextInt(n), 0, random.nextInt(2) == 0 ? Double.NaN : Double.NEGATIVE_INFINITY);
            }
        }
        SolveOptions options = options().spectrum(spectrum).build();
        String which = "seed " + seed + ": " + size + " problems of " + n + "×" + d + ", " + k + " targets, "
                + precision + ", " + x.layout() + " " + x.leadingDimension() + " " + x.batchStride();
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
            Matrix sigma = batch.singularValues();
            for (int b = 0; b < size; b++) {
                String where = which + ", problem " + b;
                if (bad[b]) {
                    assertThat(batch.outcome(b)).as(where).isEqualTo(Outcome.NON_FINITE_INPUT);
                    assertThat(batch.minimumNorm().get(b, d - 1, k - 1))
                            .as(where)
                            .isNaN();
                    continue;
                }
                requireAgreement(where, planted[b], batch, b, sigma, precision);
            }
        }
    }

    private static void requireAgreement(
            String where, Planted p, SolutionBatch batch, int b, Matrix sigma, Precision precision) {
        int rank = p.sigma().length;
        assertThat(batch.rank(b)).as(where).isEqualTo(rank);
        double[] values = Oracle.singularValues(p.x());
        for (int i = 0; i < values.length; i++) {
            assertThat(Math.abs(sigma.get(b, i, 0) - values[i]))
                    .as(where + ", singular value " + i)
                    .isLessThanOrEqualTo(ROOM * 0x1p-52 * values[0]);
        }
        double[][] w = new double[(int) batch.minimumNorm().rows()][];
        for (int i = 0; i < w.length; i++) {
            w[i] = new double[(int) batch.minimumNorm().columns()];
            for (int j = 0; j < w[i].length; j++) {
                w[i][j] = batch.minimumNorm().get(b, i, j);
            }
        }
        if (rank == 0) {
            assertThat(Dense.norm(w)).as(where).isZero();
            return;
        }
        double[][] oracle = Oracle.minimumNorm(p.x(), p.y(), Math.sqrt(precision.epsilon() / p.condition()));
        double scale = Math.max(Dense.norm(oracle), Dense.norm(p.y()) / values[0]);
        double sensitivity = p.condition() * (1 + p.condition() * p.residual() / Math.max(1e-300, Dense.norm(p.y())));
        double bound = ROOM * 0x1p-52 * sensitivity * Dense.norm(p.y()) / (values[0] / p.condition())
                + precision.epsilon() * scale;
        assertThat(Dense.norm(Dense.subtract(w, oracle))).as(where).isLessThanOrEqualTo(bound);
    }
}
