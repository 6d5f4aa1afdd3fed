package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;

/** Singular values of bidiagonal matrices. */
class QuotientDifferenceTest {
    private static final int[] ORDERS = {1, 2, 3, 4, 5, 8, 13, 16, 31, 50};

    /** By the algorithm for one matrix and by the one for all lanes. */
    private static double[][] find(double[] diagonal, double[] off) {
        int order = diagonal.length;
        QuotientDifference alone = new QuotientDifference(order);
        double largest = 0;
        double[][] lanes = new double[order][Lanes.COUNT];
        double[][] offLanes = new double[order][Lanes.COUNT];
        for (int i = 0; i < order; i++) {
            double e = i + 1 < order ? off[i] : 0;
            alone.squares(i, diagonal[i] * diagonal[i], e * e);
            largest = Math.max(largest, Math.max(diagonal[i] * diagonal[i], e * e));
            lanes[i][3] = diagonal[i];
            offLanes[i][3] = e;
        }
        LaneQuotientDifference together = new LaneQuotientDifference(order);
        together.find(lanes, offLanes);
        assertThat(alone.find(order, 0, largest) && together.found(3))
                .as("%s %s", Arrays.toString(diagonal), Arrays.toString(off))
                .isTrue();
        double[] values = new double[order];
        double[] inLane = new double[order];
        for (int i = 0; i < order; i++) {
            values[i] = -Math.sqrt(alone.squaredValues()[i]);
            inLane[i] = together.values()[i][3];
        }
        Arrays.sort(values);
        return new double[][] {Arrays.stream(values).map(v -> -v).toArray(), inLane};
    }

    private static void requireRight(String where, double[] diagonal, double[] off) {
        int order = diagonal.length;
        Array2DRowRealMatrix b = new Array2DRowRealMatrix(order, order);
        for (int i = 0; i < order; i++) {
            b.setEntry(i, i, diagonal[i]);
            if (i + 1 < order) {
                b.setEntry(i, i + 1, off[i]);
            }
        }
        double[] expected = new SingularValueDecomposition(b).getSingularValues();
        for (double[] found : find(diagonal, off)) {
            assertThat(found).as(where).isSortedAccordingTo((x, y) -> Double.compare(y, x));
            for (int i = 0; i < order; i++) {
                assertThat(found[i])
                        .as("%s, value %d", where, i)
                        .isCloseTo(expected[i], within(4 * order * SmallBatches.EPSILON * expected[0]));
            }
        }
    }

    @Test
    void areThoseOfAnIndependentLibrary() {
        for (int order : ORDERS) {
            IntToDoubleFunction[] profiles = {
                i -> 1,
                i -> Math.pow(0.1, i),
                i -> Math.pow(0.1, order - i),
                i -> Math.abs(i - order / 2.0) + 0.5,
                i -> i % 3 == 0 ? 0 : 1,
                i -> i % 4 == 1 ? 1e-9 : 1,
                i -> i == 0 ? 0 : 1,
                i -> i == order - 1 ? 0 : 1,
                i -> i == 0 ? 1 : 1e-100,
                i -> 0,
            };
            for (int d = 0; d < profiles.length; d++) {
                for (int e = 0; e < profiles.length; e++) {
                    long seed = 2026_11_50L + 1000L * order + 10L * d + e;
                    SplittableRandom random = new SplittableRandom(seed);
                    for (double spread : new double[] {0, 1}) {
                        double[] diagonal = entries(random, order, profiles[d], spread);
                        double[] off = entries(random, order, profiles[e], spread);
                        requireRight(
                                "order " + order + ", profiles " + d + " and " + e + ", seed " + seed, diagonal, off);
                    }
                }
            }
        }
    }

    private static double[] entries(SplittableRandom random, int order, IntToDoubleFunction profile, double spread) {
        return IntStream.range(0, order)
                .mapToDouble(i -> profile.applyAsDouble(i) * (1 - spread * random.nextDouble(2)))
                .toArray();
    }

    /** Diagonals of equal entries with next to nothing beside them, in which the smallest value may be anywhere. */
    @Test
    void ofClustersAreFound() {
        for (int order : ORDERS) {
            for (int round = 0; round < 200; round++) {
                long seed = 2026_11_60L + 1000L * order + round;
                SplittableRandom random = new SplittableRandom(seed);
                double small = Math.pow(10, -random.nextDouble(16));
                double[] diagonal = entries(random, order, i -> i < (order + 1) / 2 ? 1 : small, 1e-16);
                double[] off = entries(random, order, i -> Math.pow(10, -random.nextDouble(5, 20)), 0);
                requireRight("order " + order + ", seed " + seed, diagonal, off);
            }
        }
    }

    /** The bidiagonal matrix of ones: 2·cos(iπ/(2n+1)). */
    @Test
    void ofOnesHaveAClosedForm() {
        for (int order : new int[] {3, 10, 100}) {
            double[] ones = new double[order];
            Arrays.fill(ones, 1);
            for (double[] found : find(ones, ones)) {
                for (int i = 0; i < order; i++) {
                    assertThat(found[i])
                            .as("order %d, value %d", order, i)
                            .isCloseTo(2 * Math.cos((i + 1) * Math.PI / (2 * order + 1)), within(2e-15));
                }
            }
        }
    }

    @Test
    void areNotFoundWhereAnEntryIsNotFinite() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, 1e200}) {
            for (int at = 0; at < 5; at++) {
                double[][] diagonal = new double[3][Lanes.COUNT];
                double[][] off = new double[3][Lanes.COUNT];
                for (int i = 0; i < 3; i++) {
                    Arrays.fill(diagonal[i], 1);
                    Arrays.fill(off[i], 1);
                }
                (at < 3 ? diagonal[at] : off[at - 3])[7] = bad;
                LaneQuotientDifference iteration = new LaneQuotientDifference(3);
                iteration.find(diagonal, off);
                for (int l = 0; l < Lanes.COUNT; l++) {
                    assertThat(iteration.found(l))
                            .as("%s at %d, lane %d", bad, at, l)
                            .isEqualTo(l != 7);
                }
            }
        }
    }
}
