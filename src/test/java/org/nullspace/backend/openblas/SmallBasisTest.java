package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.BatchSolver.Transform;
import org.nullspace.backend.Session;
import org.nullspace.backend.openblas.SmallBatches.Form;
import org.nullspace.backend.openblas.SmallBatches.Planted;
import org.nullspace.matrix.Matrix;

/** Bases of row space and null space of small problems. */
class SmallBasisTest {
    private static final Session SESSION = SmallBatches.session();
    private static final BatchSolver SOLVER = SmallBatches.solver(SESSION);

    @AfterAll
    static void close() {
        SESSION.close();
    }

    /** Problems of all ranks from 0 to p, with gaps behind the last singular value that counts. */
    private static final class Batch {
        final int n;
        final int d;
        final int p;
        final Planted[] planted;
        final int[] ranks;
        final Matrix x;
        final String where;

        Batch(SplittableRandom random, Form form, int n, int d, long seed) {
            this.n = n;
            this.d = d;
            p = Math.min(n, d);
            where = n + "×" + d + " " + form + ", seed " + seed;
            ranks = IntStream.range(0, 2 * (p + 1)).map(b -> b / 2).toArray();
            planted = new Planted[ranks.length];
            x = SmallBatches.empty(form, ranks.length, n, d);
            for (int b = 0; b < ranks.length; b++) {
                // Every other problem has rounding errors where the rank ends, as a problem of reduced rank has.
                double rest = b % 2 == 0 ? 0 : 1e-16;
                int rank = ranks[b];
                double[] sigma = IntStream.range(0, p)
                        .mapToDouble(i -> i < rank ? 2 - i / (double) p : rest)
                        .toArray();
                planted[b] = new Planted(random, n, d, sigma);
                SmallBatches.set(x, b, planted[b].x);
            }
        }

        /** All problems' results for the same vectors. */
        Matrix apply(Transform transform, RealMatrix c) {
            Matrix vectors = SmallBatches.empty(Form.COLUMNS, ranks.length, d, c.getColumnDimension());
            for (int i = 0; i < ranks.length; i++) {
                SmallBatches.set(vectors, i, c);
            }
            SOLVER.transform(transform, x, ranks, vectors);
            return vectors;
        }
    }

    private static double norm(RealMatrix a) {
        return a.getFrobeniusNorm();
    }

    @ParameterizedTest
    @EnumSource(names = {"ROWS", "COLUMNS_WITH_GAPS", "NARROW_COLUMNS_WITH_GAPS"})
    void areOrthonormalAndSplitAtTheRank(Form form) {
        long seed = 2026_11_03L + form.ordinal();
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : SmallBatches.SHAPES) {
            Batch batch = new Batch(random, form, shape[0], shape[1], seed);
            int d = batch.d;
            double allowed = 10 * batch.p * SmallBatches.EPSILON;
            double allowedBasis = allowed * Math.sqrt(d);
            RealMatrix identity = MatrixUtils.createRealIdentityMatrix(d);
            Matrix bases = batch.apply(Transform.FROM_COORDINATES, identity);
            Matrix inverses = batch.apply(Transform.TO_COORDINATES, identity);
            Matrix projections = batch.apply(Transform.PROJECT_ON_NULL_SPACE, identity);
            for (int b = 0; b < batch.ranks.length; b++) {
                int rank = batch.ranks[b];
                String where = batch.where + ", problem " + b;
                RealMatrix basis = SmallBatches.get(bases, b);
                assertThat(norm(basis.transposeMultiply(basis).subtract(identity)))
                        .as("%s: BᵀB − I", where)
                        .isLessThanOrEqualTo(allowedBasis);
                RealMatrix inverse = SmallBatches.get(inverses, b);
                assertThat(norm(inverse.subtract(basis.transpose())))
                        .as("%s: coordinates", where)
                        .isLessThanOrEqualTo(allowedBasis);
                RealMatrix projection = SmallBatches.get(projections, b);
                assertThat(norm(projection.multiply(projection).subtract(projection)))
                        .as("%s: P² − P", where)
                        .isLessThanOrEqualTo(allowedBasis);
                if (rank > 0) {
                    // Float32 data have the planted space to their own rounding only.
                    double unit = Math.max(1, form.precision.epsilon() / SmallBatches.EPSILON);
                    RealMatrix rows = batch.planted[b].v.getSubMatrix(0, d - 1, 0, rank - 1);
                    assertThat(norm(rows.transposeMultiply(projection)))
                            .as("%s: VᵀP", where)
                            .isLessThanOrEqualTo(unit * allowed * Math.sqrt(rank));
                    RealMatrix leading = basis.getSubMatrix(0, d - 1, 0, rank - 1);
                    assertThat(norm(rows.subtract(leading.multiply(leading.transposeMultiply(rows)))))
                            .as("%s: row space", where)
                            .isLessThanOrEqualTo(unit * allowed * Math.sqrt(rank));
                }
                assertThat(projection.getTrace()).as("%s: dimension", where).isCloseTo(d - rank, within(1e-12 * d));
                if (rank == batch.p && batch.n >= d) {
                    assertThat(norm(projection)).as(where).isZero();
                }
            }
        }
    }

    /** Vectors that lie in the row space but for a small part: what is left is orthogonal to the row space in its own size. */
    @Test
    void projectionsAreOrthogonalToRoundingOfTheResult() {
        long seed = 2026_11_30L;
        SplittableRandom random = new SplittableRandom(seed);
        for (int[] shape : new int[][] {{6, 12}, {5, 5}, {12, 6}, {16, 64}, {20, 60}}) {
            Batch batch = new Batch(random, Form.ROWS, shape[0], shape[1], seed);
            for (int b = 2; b < batch.ranks.length - 2; b++) {
                RealMatrix rows = batch.planted[b].v.getSubMatrix(0, batch.d - 1, 0, batch.ranks[b] - 1);
                RealMatrix c = rows.multiply(SmallBatches.random(random, batch.ranks[b], 2))
                        .add(SmallBatches.random(random, batch.d, 2).scalarMultiply(1e-9));
                RealMatrix projected = SmallBatches.get(batch.apply(Transform.PROJECT_ON_NULL_SPACE, c), b);
                assertThat(norm(rows.transposeMultiply(projected)))
                        .as("%s, problem %d", batch.where, b)
                        .isLessThanOrEqualTo(10 * batch.p * SmallBatches.EPSILON * norm(projected));
                assertThat(norm(projected)).isBetween(1e-11, 1e-8);
            }
        }
    }

    @Test
    void areThereForZeroAndForVectorsOfAnySize() {
        Matrix x = SmallBatches.empty(Form.ROWS, 3, 4, 6);
        SESSION.fill(x, 0);
        x.set(1, 2, 3, 1e-300);
        x.set(2, 1, 1, 1e200);
        Matrix c = SmallBatches.empty(Form.ROWS, 3, 6, 3);
        double[] sizes = {1e300, 1e-310, 1};
        for (int b = 0; b < 3; b++) {
            for (int i = 0; i < 6; i++) {
                for (int t = 0; t < 3; t++) {
                    c.set(b, i, t, sizes[t] * (1 + i));
                }
            }
        }
        SOLVER.transform(Transform.PROJECT_ON_NULL_SPACE, x, new int[] {0, 1, 1}, c);
        for (int b = 0; b < 3; b++) {
            for (int i = 0; i < 6; i++) {
                for (int t = 0; t < 3; t++) {
                    double expected = (b == 1 && i == 3) || (b == 2 && i == 1) ? 0 : sizes[t] * (1 + i);
                    assertThat(c.get(b, i, t))
                            .as("problem %d, entry %d, column %d", b, i, t)
                            .isCloseTo(expected, within(1e-13 * sizes[t]));
                }
            }
        }
    }

    @Test
    void areNaNForNegativeRanksAndEntriesThatAreNotFinite() {
        SplittableRandom random = new SplittableRandom(2026_11_31L);
        for (Transform transform : Transform.values()) {
            for (int[] shape : new int[][] {{3, 7}, {7, 3}, {3, 1000}, {1000, 3}}) {
                Matrix x = SmallBatches.random(random, Form.ROWS, 70, shape[0], shape[1]);
                Matrix c = SmallBatches.random(random, Form.ROWS, 70, shape[1], 2);
                Matrix clean = c.copy(c.layout());
                int[] ranks = random.ints(70, 0, 4).toArray();
                SOLVER.transform(transform, x, ranks, clean);
                ranks[0] = -1;
                ranks[69] = Integer.MIN_VALUE;
                x.set(31, 0, 0, Double.NaN);
                x.set(32, 2, 2, Double.POSITIVE_INFINITY);
                Matrix found = c.copy(c.layout());
                found.set(40, 1, 0, transform == Transform.TO_COORDINATES ? Double.NaN : Double.POSITIVE_INFINITY);
                found.set(41, 2, 0, Double.NEGATIVE_INFINITY);
                SOLVER.transform(transform, x, ranks, found);
                for (int b = 0; b < 70; b++) {
                    if (b == 0 || b == 31 || b == 32 || b == 69) {
                        assertThat(SmallBatches.entries(found, b))
                                .as("problem %d", b)
                                .containsOnly(Double.NaN);
                    } else if (b == 40 || b == 41) {
                        assertThat(found.problem(b).columnToArray(0)).containsOnly(Double.NaN);
                        assertThat(found.problem(b).columnToArray(1))
                                .containsExactly(clean.problem(b).columnToArray(1));
                    } else {
                        assertThat(found.problem(b).hasSameEntries(clean.problem(b)))
                                .as("problem %d", b)
                                .isTrue();
                    }
                }
            }
        }
    }

    @Test
    void dependOnTheProblemAndTheRankAlone() {
        SplittableRandom random = new SplittableRandom(2026_11_32L);
        Matrix x = SmallBatches.random(random, Form.ROWS, 40, 6, 9);
        int[] ranks = random.ints(40, 0, 7).toArray();
        Matrix identity = SmallBatches.empty(Form.ROWS, 40, 9, 9);
        SESSION.identity(identity);
        SOLVER.transform(Transform.FROM_COORDINATES, x, ranks, identity);
        for (int b = 0; b < 40; b++) {
            Matrix c = SmallBatches.random(random, Form.COLUMNS, 1, 9, 1);
            RealMatrix expected = SmallBatches.get(identity, b).multiply(SmallBatches.get(c, 0));
            SOLVER.transform(Transform.FROM_COORDINATES, x.problem(b), Arrays.copyOfRange(ranks, b, b + 1), c);
            assertThat(norm(SmallBatches.get(c, 0).subtract(expected)))
                    .as("problem %d", b)
                    .isLessThan(1e-14);
        }
    }
}
