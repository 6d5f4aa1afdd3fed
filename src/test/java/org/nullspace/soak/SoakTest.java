package org.nullspace.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nullspace.Nullspace;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.BatchReport;
import org.nullspace.model.BatchSource;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** What only shows after a long time: a hundred million problems in the memory of a few thousand. */
@Tag("soak")
class SoakTest {
    private static final int N = 4;
    private static final int D = 8;

    /** A prime number of different problems, so that no tile begins like another. */
    private static final int KINDS = 100_003;

    /** Every so manieth problem holds a NaN, or two equal rows. */
    private static final int NAN = 1_009;

    private static final int DEFICIENT = 997;

    private final double[] x =
            new SplittableRandom(1).doubles((long) KINDS * N * D, -1, 1).toArray();
    private final double[] y =
            new SplittableRandom(2).doubles((long) KINDS * N, -1, 1).toArray();

    SoakTest() {
        for (int kind = 0; kind < KINDS; kind++) {
            if (kind % NAN == 0) {
                x[kind * N * D + 3] = Double.NaN;
            } else if (kind % DEFICIENT == 0) {
                System.arraycopy(x, kind * N * D, x, kind * N * D + D, D);
            }
        }
    }

    private static Outcome expected(long problem) {
        int kind = (int) (problem % KINDS);
        return kind % NAN == 0
                ? Outcome.NON_FINITE_INPUT
                : kind % DEFICIENT == 0 ? Outcome.RANK_REDUCED : Outcome.FULL_RANK;
    }

    private BatchSource source(long problems) {
        return new BatchSource() {
            @Override
            public long problems() {
                return problems;
            }

            @Override
            public long samples() {
                return N;
            }

            @Override
            public long features() {
                return D;
            }

            @Override
            public long targets() {
                return 1;
            }

            @Override
            public Precision precision() {
                return Precision.FLOAT64;
            }

            @Override
            public void read(long first, Matrix xs, Matrix ys) {
                for (int b = 0; b < xs.batch(); ) {
                    int kind = (int) ((first + b) % KINDS);
                    int count = (int) Math.min(xs.batch() - b, KINDS - kind);
                    ((HostMemory) xs.memory()).write((long) b * N * D, x, kind * N * D, count * N * D);
                    ((HostMemory) ys.memory()).write((long) b * N, y, kind * N, count * N);
                    b += count;
                }
            }
        };
    }

    @Test
    void aHundredMillionProblemsTakeNoMoreMemoryThanTheFirstMillion() throws IOException {
        SolveOptions options = SolveOptions.builder()
                .backend(BackendChoice.CPU)
                .memoryBudget(32 << 20)
                .build();
        double[][] alone = new double[KINDS][];
        long[] checked = new long[1];
        long[] resident = new long[2];
        long total = 100_000_000;
        BatchReport report = Nullspace.streamBatch(
                source(total), (first, tile) -> checked[0] += check(first, tile, alone), options, (done, all) -> {
                    if (resident[0] == 0 && done > 5_000_000) {
                        resident[0] = residentKilobytes();
                    }
                    return true;
                });
        resident[1] = residentKilobytes();
        long nan = 0;
        long deficient = 0;
        for (long kind = 0; kind < KINDS; kind++) {
            long times = total / KINDS + (kind < total % KINDS ? 1 : 0);
            nan += expected(kind) == Outcome.NON_FINITE_INPUT ? times : 0;
            deficient += expected(kind) == Outcome.RANK_REDUCED ? times : 0;
        }
        assertThat(report.count(Outcome.NON_FINITE_INPUT)).isEqualTo(nan);
        assertThat(report.count(Outcome.RANK_REDUCED)).isEqualTo(deficient);
        assertThat(report.count(Outcome.FULL_RANK)).isEqualTo(total - nan - deficient);
        assertThat(report.failures()).isEmpty();
        assertThat(checked[0]).isGreaterThan(10_000);
        if (resident[0] > 0) {
            assertThat(resident[1])
                    .as("kilobytes of the process at the end, against %d after five million problems", resident[0])
                    .isLessThan(resident[0] + (64 << 10));
        }
    }

    /** Outcomes of all problems of a tile, and the solutions of some against those of single solves. */
    private long check(long first, SolutionBatch tile, double[][] alone) {
        long checked = 0;
        for (int b = 0; b < tile.size(); b++) {
            if (tile.outcome(b) != expected(first + b)) {
                throw new AssertionError("problem " + (first + b) + " is " + tile.outcome(b));
            }
            if ((first + b) % 7919 == 0 || b == 0 || b == tile.size() - 1) {
                int kind = (int) ((first + b) % KINDS);
                double[] w = alone[kind];
                if (w == null) {
                    w = solve(kind);
                    alone[kind] = w;
                }
                for (int i = 0; i < D; i++) {
                    double difference = Math.abs(tile.minimumNorm().get(b, i, 0) - w[i]);
                    boolean same =
                            Double.isNaN(w[i]) ? Double.isNaN(difference) : difference <= 1e-9 * (1 + Math.abs(w[i]));
                    if (!same) {
                        throw new AssertionError("problem " + (first + b) + ", coefficient " + i);
                    }
                }
                checked++;
            }
        }
        return checked;
    }

    private double[] solve(int kind) {
        Matrix xs = Matrix.zeros(Precision.FLOAT64, 1, N, D, Layout.ROW_MAJOR);
        Matrix ys = Matrix.zeros(Precision.FLOAT64, 1, N, 1, Layout.ROW_MAJOR);
        ((HostMemory) xs.memory()).write(0, x, kind * N * D, N * D);
        ((HostMemory) ys.memory()).write(0, y, kind * N, N);
        try (xs;
                ys;
                SolutionSet set = Nullspace.solve(
                        xs,
                        ys,
                        SolveOptions.builder().backend(BackendChoice.CPU).build())) {
            return set.minimumNorm().columnToArray(0);
        }
    }

    /** Memory of this process, where the operating system tells; otherwise 0. */
    private static long residentKilobytes() {
        Path status = Path.of("/proc/self/status");
        try {
            return Files.exists(status)
                    ? Files.readAllLines(status).stream()
                            .filter(line -> line.startsWith("VmRSS:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .findFirst()
                            .orElse(0)
                    : 0;
        } catch (IOException e) {
            return 0;
        }
    }
}
