package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Decomposition;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.SolutionSet;
import org.nullspace.random.SplitMix64;

/** Members of the solution set, and who is none: planted sets, whose null space is known without the library. */
abstract class MembersConformance extends Conformance {
    private static final double ROOM = 16;

    static Stream<Planted> planted() {
        List<Planted> cases = new ArrayList<>();
        int[][] shapes = {{6, 12, 6, 1}, {6, 12, 4, 3}, {12, 6, 4, 2}, {7, 7, 5, 1}, {1, 8, 1, 1}, {21, 60, 20, 3}};
        long seed = 3000;
        for (Precision precision : Precision.values()) {
            for (int[] s : shapes) {
                cases.add(Planted.of(seed++, s[0], s[1], s[3], s[2], Spectrum.STEEP, 10, 0.3, precision));
            }
        }
        return cases.stream();
    }

    private static double unit(Planted p) {
        return ROOM * p.precision().epsilon() * p.sensitivity();
    }

    /** Requires that w predicts on the training samples what W₀ predicts, and is at a given distance from it. */
    private static void requireMember(String kind, String where, Planted p, double[][] w, double size) {
        double[][] predicted = Dense.multiply(p.x(), w);
        Checks.close(
                kind + ": predictions",
                where,
                predicted,
                Dense.multiply(p.x(), p.w()),
                unit(p) * (size + Dense.norm(p.w())));
    }

    // ---- member, random

    @ParameterizedTest
    @MethodSource("planted")
    void movesByCoordinates(Planted p) {
        int m = p.d() - p.rank();
        double[][] z = Dense.gaussian(new SplitMix64(p.seed()), m, p.k());
        double size = Dense.norm(z);
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            try (SolutionSet s = solve(p, mode)) {
                double[][] w0 = s.minimumNorm().toArray();
                double[][] w = entries(s.member(Matrix.of(z)));
                requireMember("member", where, p, w, size);
                double[][] move = Dense.subtract(w, w0);
                for (int j = 0; j < p.k(); j++) {
                    Checks.atMost(
                            "length of a move",
                            where,
                            Math.abs(Dense.norm(Dense.column(move, j)) - Dense.norm(Dense.column(z, j))),
                            unit(p) * (size + Dense.norm(w0)));
                }
                Checks.close(
                        "basis times coordinates",
                        where,
                        move,
                        Dense.multiply(entries(s.nullSpace().basis()), z),
                        unit(p) * (size + Dense.norm(w0)));
                Checks.close(
                        "coordinates of the move",
                        where,
                        entries(s.nullSpace().coordinates(Matrix.of(move))),
                        z,
                        unit(p) * (size + Dense.norm(w0)));
                if (p.k() == 1) {
                    assertThat(s.member(Dense.column(z, 0))).containsExactly(Dense.column(w, 0));
                }
                Checks.close(
                        "member(0)",
                        where,
                        entries(s.member(Matrix.of(new double[m][p.k()]))),
                        w0,
                        p.precision().epsilon() * Dense.norm(w0));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("planted")
    void drawsMembersAtAGivenDistance(Planted p) {
        double[][] truth = Oracle.projector(p.v());
        for (double radius : new double[] {0, 1e-3, 1, 1e5}) {
            double[][] expected = Dense.add(1, p.w(), 1, direction(p, truth, 42, radius));
            for (Mode mode : Mode.of(p.precision())) {
                String where = mode + " radius " + radius + " on " + p;
                try (SolutionSet s = solve(p, mode)) {
                    double[][] w = entries(s.random(42, radius));
                    double[][] again = entries(s.random(42, radius));
                    assertThat(again).as(where + ": same seed").isDeepEqualTo(w);
                    double size = radius + Dense.norm(p.w());
                    requireMember("random member", where, p, w, size);
                    double[][] move = Dense.subtract(w, s.minimumNorm().toArray());
                    for (int j = 0; j < p.k(); j++) {
                        Checks.atMost(
                                "radius",
                                where,
                                Math.abs(Dense.norm(Dense.column(move, j)) - radius),
                                ROOM * p.precision().epsilon() * size);
                    }
                    // The documented recipe, carried out without the library: every method and backend gives this
                    // member.
                    Checks.close("member of a seed", where, w, expected, unit(p) * size);
                    assertThat(s.contains(Matrix.of(w))).as(where).isTrue();
                    if (radius > 0) {
                        double[][] other = entries(s.random(43, radius));
                        assertThat(Dense.norm(Dense.subtract(w, other)))
                                .as(where + ": another seed")
                                .isGreaterThan(0.01 * radius);
                    }
                }
            }
        }
    }

    private static double[][] direction(Planted p, double[][] projector, long seed, double radius) {
        SplitMix64 random = new SplitMix64(seed);
        double[][] byTarget = Dense.gaussian(random, p.k(), p.d());
        double[][] z = Dense.multiply(projector, Dense.transpose(byTarget));
        for (int j = 0; j < p.k(); j++) {
            double factor = radius / Dense.norm(Dense.column(z, j));
            for (double[] row : z) {
                row[j] *= factor;
            }
        }
        return z;
    }

    @Test
    void drawsDirectionsUniformly() {
        int draws = 4000;
        Mode mode = Mode.of(Precision.FLOAT64).get(0);
        // Nullity 2: the angle is uniform on the circle. Nullity 3: each coordinate is uniform on [−1, 1] (Archimedes).
        Planted circle = Planted.of(3100, 3, 5, 2, 3, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        Planted sphere = Planted.of(3101, 2, 5, 1, 2, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        double[] angles = new double[draws];
        double[] angleDifferences = new double[draws];
        try (SolutionSet s = solve(circle, mode)) {
            for (int i = 0; i < draws; i++) {
                double[][] c = coordinates(s, i);
                angles[i] = angle(c, 0);
                double difference = angle(c, 1) - angles[i];
                angleDifferences[i] = difference < 0 ? difference + 1 : difference;
            }
        }
        // 99.9 % point of the Kolmogorov distribution, asymptotically 1.95/√n; the seeds are fixed.
        double limit = 1.95 / Math.sqrt(draws);
        assertThat(kolmogorovSmirnov(angles)).as("angles").isLessThan(limit);
        assertThat(kolmogorovSmirnov(angleDifferences))
                .as("targets are independent of each other")
                .isLessThan(limit);
        double[][] heights = new double[3][draws];
        try (SolutionSet s = solve(sphere, mode)) {
            for (int i = 0; i < draws; i++) {
                double[][] c = coordinates(s, i);
                for (int axis = 0; axis < 3; axis++) {
                    heights[axis][i] = (c[axis][0] + 1) / 2;
                }
            }
        }
        for (int axis = 0; axis < 3; axis++) {
            assertThat(kolmogorovSmirnov(heights[axis])).as("axis " + axis).isLessThan(limit);
        }
    }

    private static double[][] coordinates(SolutionSet s, long seed) {
        double[][] move =
                Dense.subtract(entries(s.random(seed, 1)), s.minimumNorm().toArray());
        return entries(s.nullSpace().coordinates(Matrix.of(move)));
    }

    private static double angle(double[][] c, int target) {
        double turns = Math.atan2(c[1][target], c[0][target]) / (2 * Math.PI);
        return turns < 0 ? turns + 1 : turns;
    }

    /** Largest distance between the empirical distribution and the uniform one on [0, 1]. */
    private static double kolmogorovSmirnov(double[] sample) {
        double[] sorted = sample.clone();
        Arrays.sort(sorted);
        double largest = 0;
        for (int i = 0; i < sorted.length; i++) {
            double n = sorted.length;
            largest = Math.max(largest, Math.max(sorted[i] - i / n, (i + 1) / n - sorted[i]));
        }
        return largest;
    }

    // ---- closestTo, gradient descent

    @ParameterizedTest
    @MethodSource("planted")
    void findsTheMemberNearestToAPrior(Planted p) {
        double[][] projector = Oracle.projector(p.v());
        double[][] prior = Dense.gaussian(new SplitMix64(p.seed()), p.d(), p.k());
        double size = Dense.norm(prior) + Dense.norm(p.w());
        double[][] expected = Dense.add(1, p.w(), 1, Dense.multiply(projector, prior));
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            try (SolutionSet s = solve(p, mode)) {
                double[][] w = entries(s.closestTo(Matrix.of(prior)));
                Checks.close("closest member", where, w, expected, unit(p) * size);
                double[][] n = entries(s.nullSpace().basis());
                double[][] w0 = s.minimumNorm().toArray();
                double[][] throughBasis = Dense.add(
                        1, w0, 1, Dense.multiply(n, Dense.multiply(Dense.transpose(n), Dense.subtract(prior, w0))));
                Checks.close("closest member through the basis", where, w, throughBasis, unit(p) * size);
                requireMember("closest member", where, p, w, size);
                for (int j = 0; j < p.k(); j++) {
                    double nearest = distance(w, prior, j);
                    for (long seed = 1; seed <= 5; seed++) {
                        for (double radius : new double[] {1e-2, 1}) {
                            assertThat(distance(entries(s.random(seed, radius)), prior, j))
                                    .as(where + ": no member is nearer")
                                    .isGreaterThanOrEqualTo(nearest - unit(p) * size);
                        }
                    }
                }
                assertThat(entries(s.gradientDescentLimit(Matrix.of(prior)))).isDeepEqualTo(w);
                if (p.k() == 1) {
                    assertThat(s.closestTo(Dense.column(prior, 0))).containsExactly(Dense.column(w, 0));
                    assertThat(s.gradientDescentLimit(Dense.column(prior, 0))).containsExactly(Dense.column(w, 0));
                }
                Checks.close(
                        "closest member to a member", where, entries(s.closestTo(Matrix.of(w))), w, unit(p) * size);
            }
        }
    }

    private static double distance(double[][] a, double[][] b, int target) {
        return Dense.norm(Dense.column(Dense.subtract(a, b), target));
    }

    @Test
    void gradientDescentEndsAtTheLimit() {
        for (int[] shape : new int[][] {{5, 11, 5}, {5, 11, 3}, {11, 6, 4}}) {
            Planted p = Planted.of(3200, shape[0], shape[1], 2, shape[2], Spectrum.STEEP, 3, 0.5, Precision.FLOAT64);
            double[][] start = Dense.gaussian(new SplitMix64(8), p.d(), 2);
            double[][] w = Dense.copy(start);
            double[][] xt = Dense.transpose(p.x());
            // σ₁ = 1: the step 1 contracts by 1 − 1/κ² = 8/9 a time.
            for (int step = 0; step < 500; step++) {
                w = Dense.subtract(w, Dense.multiply(xt, Dense.multiplySubtract(p.x(), w, p.y())));
            }
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                try (SolutionSet s = solve(p, mode)) {
                    Checks.close(
                            "gradient descent",
                            mode + " on " + p,
                            entries(s.gradientDescentLimit(Matrix.of(start))),
                            w,
                            unit(p) * Dense.norm(start));
                }
            }
        }
    }

    // ---- fixing

    /** The nearest point of the set to prescribed coefficients, by brute force on an explicit basis. */
    private static double[][] fixed(Planted p, int[] indices, double[] values) {
        double[][] basis = Oracle.complement(p.v());
        double[][] e = Dense.rows(basis, indices);
        double[][] delta = new double[indices.length][p.k()];
        for (int c = 0; c < indices.length; c++) {
            for (int j = 0; j < p.k(); j++) {
                delta[c][j] = values[c] - p.w()[indices[c]][j];
            }
        }
        return Dense.add(1, p.w(), 1, Dense.multiply(basis, Oracle.minimumNorm(e, delta, 1e-9)));
    }

    private static double[] miss(double[][] w, int[] indices, double[] values, int targets) {
        double[] distance = new double[targets];
        for (int j = 0; j < targets; j++) {
            for (int c = 0; c < indices.length; c++) {
                distance[j] = Math.hypot(distance[j], w[indices[c]][j] - values[c]);
            }
        }
        return distance;
    }

    @ParameterizedTest
    @MethodSource("planted")
    void prescribesCoefficients(Planted p) {
        int freedom = p.d() - p.rank();
        List<int[]> choices = new ArrayList<>(List.of(new int[] {0}, new int[] {p.d() - 1}, new int[] {3, 1}));
        // As many as there is freedom: one member is left. One more: too many.
        choices.add(firstIndices(freedom));
        choices.add(firstIndices(freedom + 1));
        for (int[] indices : choices) {
            double[] values = Dense.gaussian(new SplitMix64(p.seed() + indices.length), indices.length);
            boolean feasible = indices.length <= freedom;
            double[][] expected = fixed(p, indices, values);
            // The constraints may be ill-conditioned: the sine of the smallest angle to the null space divides the
            // error.
            double[] sines = Oracle.singularValues(Dense.rows(Oracle.complement(p.v()), indices));
            double sine = sines[Math.min(indices.length, freedom) - 1];
            double bound = unit(p) / (sine * sine) * (Dense.norm(values) + Dense.norm(expected));
            if (bound > 0.05) {
                continue;
            }
            for (Mode mode : Mode.of(p.precision())) {
                String where = mode + " fixing " + Arrays.toString(indices) + " on " + p;
                try (SolutionSet s = solve(p, mode)) {
                    FixedCoefficients f = s.fixing(indices, values);
                    double[][] w = entries(f.weights());
                    assertThat(f.feasible())
                            .as(where + ", distance " + Arrays.toString(f.distance()))
                            .isEqualTo(feasible);
                    Checks.close("fixed member", where, w, expected, bound);
                    Checks.close("distance", where, f.distance(), miss(expected, indices, values, p.k()), bound);
                    if (feasible) {
                        assertThat(miss(w, indices, values, p.k())).as(where).containsOnly(0.0);
                        assertThat(s.contains(Matrix.of(w))).as(where).isTrue();
                    } else {
                        Checks.close(
                                "distance of the miss",
                                where,
                                f.distance(),
                                miss(w, indices, values, p.k()),
                                p.precision().epsilon() * Dense.norm(expected));
                    }
                    requireMember("fixed member", where, p, w, Dense.norm(expected));
                    assertThat(f.remainingFreedom()).as(where).isEqualTo(Math.max(0, freedom - indices.length));
                    if (indices.length == 1) {
                        FixedCoefficients one = s.fixing(indices[0], values[0]);
                        assertThat(entries(one.weights())).as(where).isDeepEqualTo(w);
                    }
                }
            }
        }
    }

    private static int[] firstIndices(int count) {
        int[] out = new int[count];
        Arrays.setAll(out, i -> i);
        return out;
    }

    @Test
    void saysWhenTheDataDetermineACoefficient() {
        // β₀ is determined; β₁ + β₂ is, each alone is free; β₃ is never seen.
        double[][] x = {{2, 0, 0, 0}, {0, 1, 1, 0}, {2, 1, 1, 0}};
        double[][] y = {{4, 2, 0}, {3, 1, 0}, {7, 3, 0}};
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = solve(x, y, options(mode))) {
                assertThat(s.rank()).isEqualTo(2);
                FixedCoefficients determined = s.fixing(0, 5);
                assertThat(determined.feasible()).as(mode + "").isFalse();
                Checks.close("distance", mode, determined.distance(), new double[] {3, 4, 5}, 1e-13);
                assertThat(determined.remainingFreedom()).isEqualTo(2);
                Checks.close(
                        "nearest miss is W0",
                        mode,
                        entries(determined.weights()),
                        s.minimumNorm().toArray(),
                        1e-13);

                FixedCoefficients free = s.fixing(1, 10);
                assertThat(free.feasible()).isTrue();
                assertThat(free.remainingFreedom()).isEqualTo(1);
                Checks.close(
                        "the partner takes the rest",
                        mode,
                        entries(free.weights()),
                        new double[][] {{2, 1, 0}, {10, 10, 10}, {-7, -9, -10}, {0, 0, 0}},
                        1e-12);

                FixedCoefficients unseen = s.fixing(3, -2);
                assertThat(unseen.feasible()).isTrue();
                assertThat(unseen.weights().get(3, 1)).isCloseTo(-2, offset(1e-14));

                // Redundant and consistent for the first target, contradicting for the others.
                FixedCoefficients both = s.fixing(new int[] {1, 2}, new double[] {1, 2});
                assertThat(both.feasible()).isFalse();
                assertThat(both.remainingFreedom()).isEqualTo(1);
                Checks.close(
                        "distance to a line",
                        mode,
                        both.distance(),
                        new double[] {0, 2 / Math.sqrt(2), 3 / Math.sqrt(2)},
                        1e-13);
                try (SolutionSet first = solve(x, Dense.columns(y, 0, 1), options(mode))) {
                    assertThat(first.fixing(new int[] {1, 2}, new double[] {1, 2})
                                    .feasible())
                            .as("redundant but consistent")
                            .isTrue();
                    assertThat(first.fixing(0, 2).feasible())
                            .as("the value the data ask for")
                            .isTrue();
                    assertThat(first.fixing(0, 2 + 1e-6).feasible()).isFalse();
                    FixedCoefficients all = first.fixing(new int[] {3, 2, 1, 0}, new double[] {9, 1.5, 1.5, 2});
                    assertThat(all.feasible()).isTrue();
                    assertThat(all.remainingFreedom()).isZero();
                    Checks.close(
                            "all prescribed",
                            mode,
                            entries(all.weights()),
                            new double[][] {{2}, {1.5}, {1.5}, {9}},
                            1e-12);
                    FixedCoefficients none = first.fixing(new int[0], new double[0]);
                    assertThat(none.feasible()).isTrue();
                    assertThat(none.remainingFreedom()).isEqualTo(2);
                    Checks.close(
                            "nothing prescribed",
                            mode,
                            entries(none.weights()),
                            first.minimumNorm().toArray(),
                            0);
                }
            }
        }
    }

    @Test
    void neverBendsAMemberToMeetAPrescription() {
        // β₀ is determined to rounding. β₁ is determined too, but so weakly that its error is large, and with it that
        // of the set.
        for (double weak : new double[] {1e-6, 1e-10, 1e-12, 1e-13}) {
            double[][] x = {{1, 0, 0, 0}, {0, weak, 0, 0}};
            double[][] y = {{1}, {weak}};
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                try (SolutionSet s = solve(x, y, options(mode))) {
                    assertThat(s.rank()).isEqualTo(2);
                    for (double value : new double[] {1 + 1e-7, 1 + 1e-4, 1.01, 1.1}) {
                        FixedCoefficients f = s.fixing(0, value);
                        String where = mode + ", σ₂ = " + weak + ", β₀ = " + value;
                        assertThat(f.feasible()).as(where).isFalse();
                        assertThat(f.distance()[0]).as(where).isCloseTo(value - 1, offset(1e-12));
                        assertThat(s.contains(f.weights())).as(where).isTrue();
                    }
                    for (double value : new double[] {1, 1 + 1e-15}) {
                        FixedCoefficients f = s.fixing(0, value);
                        assertThat(f.feasible()).isTrue();
                        assertThat(s.contains(f.weights())).isTrue();
                    }
                }
            }
        }
    }

    @Test
    void findsNothingToMoveWhereTheSolutionIsUnique() {
        Planted p = Planted.of(3300, 9, 5, 1, 5, Spectrum.STEEP, 10, 0.2, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = solve(p, mode)) {
                assertThat(s.nullity()).isZero();
                double[][] w0 = s.minimumNorm().toArray();
                assertThat(entries(s.random(1, 100))).isDeepEqualTo(w0);
                assertThat(entries(s.closestTo(Matrix.column(1, 2, 3, 4, 5)))).isDeepEqualTo(w0);
                assertThat(s.member()).containsExactly(Dense.column(w0, 0));
                FixedCoefficients f = s.fixing(2, w0[2][0] + 1);
                assertThat(f.feasible()).isFalse();
                assertThat(f.distance()[0]).isCloseTo(1, offset(1e-12));
                assertThat(f.remainingFreedom()).isZero();
                assertThat(s.fixing(2, w0[2][0]).feasible()).isTrue();
                Decomposition parts = s.decompose(Matrix.column(1, 2, 3, 4, 5));
                assertThat(parts.unseenShare()[0]).isZero();
                assertThat(s.contains(Matrix.column(Dense.column(w0, 0)))).isTrue();
                w0[0][0] += 1e-6;
                assertThat(s.contains(Matrix.of(w0))).isFalse();
            }
        }
    }

    // ---- decompose, contains

    @ParameterizedTest
    @MethodSource("planted")
    void splitsCoefficientsIntoSeenAndUnseen(Planted p) {
        double[][] projector = Oracle.projector(p.v());
        double[][] w = Dense.gaussian(new SplitMix64(p.seed() + 5), p.d(), p.k());
        double[][] unseen = Dense.multiply(projector, w);
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            double bound = unit(p) * Dense.norm(w);
            try (SolutionSet s = solve(p, mode)) {
                Decomposition parts = s.decompose(Matrix.of(w));
                double[][] row = entries(parts.rowPart());
                double[][] null0 = entries(parts.nullPart());
                Checks.close("null part", where, null0, unseen, bound);
                Checks.close("row part", where, row, Dense.subtract(w, unseen), bound);
                Checks.close("sum of the parts", where, Dense.add(1, row, 1, null0), w, 0x1p-52 * Dense.norm(w));
                for (int j = 0; j < p.k(); j++) {
                    double[] a = Dense.column(row, j);
                    double[] b = Dense.column(null0, j);
                    Checks.atMost(
                            "angle between the parts",
                            where,
                            Math.abs(Dense.dot(a, b)) / Dense.norm(a) / Dense.norm(b),
                            unit(p) * Dense.norm(w) / Math.min(Dense.norm(a), Dense.norm(b)));
                    double share = Math.pow(Dense.norm(Dense.column(unseen, j)) / Dense.norm(Dense.column(w, j)), 2);
                    assertThat(parts.unseenShare()[j]).as(where).isCloseTo(share, offset(unit(p)));
                }
                Decomposition again = s.decompose(Matrix.of(row));
                Checks.close("a row part is its own row part", where, entries(again.rowPart()), row, bound);
                assertThat(again.unseenShare()[0]).as(where).isLessThan(unit(p) * unit(p) * 100);
                if (p.k() == 1) {
                    Decomposition one = s.decompose(Dense.column(w, 0));
                    assertThat(entries(one.nullPart())).isDeepEqualTo(null0);
                }
                assertThat(s.decompose(Matrix.of(new double[p.d()][p.k()])).unseenShare())
                        .as("zero has no unseen part")
                        .containsOnly(0.0);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("planted")
    void knowsItsMembersAtTheTolerance(Planted p) {
        double tolerance = 1e-3;
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            try (SolutionSet s = solve(p, mode)) {
                double[][] member = entries(s.random(5, 3));
                assertThat(s.contains(Matrix.of(member))).as(where).isTrue();
                assertThat(s.contains(s.minimumNorm())).as(where).isTrue();
                for (double share : new double[] {0.97, 1.03}) {
                    // Off the set in the last target only, by a part of the row space relative to the larger of ‖w‖ and
                    // ‖W₀‖.
                    int j = p.k() - 1;
                    double size = Math.max(
                            Dense.norm(Dense.column(member, j)),
                            Dense.norm(Dense.column(s.minimumNorm().toArray(), j)));
                    double[][] w = Dense.copy(member);
                    for (int i = 0; i < p.d(); i++) {
                        w[i][j] += share * tolerance * size * p.v()[i][p.rank() - 1];
                    }
                    assertThat(s.contains(Matrix.of(w), tolerance)).as(where).isEqualTo(share < 1);
                    assertThat(s.contains(Matrix.of(w))).as(where).isFalse();
                }
                double[][] zero = new double[p.d()][p.k()];
                assertThat(s.contains(Matrix.of(zero), 0.99)).as(where).isFalse();
                double[][] nan = Dense.copy(member);
                nan[0][0] = Double.NaN;
                assertThat(s.contains(Matrix.of(nan), 1e300)).as(where).isFalse();
            }
        }
    }

    // ---- ridge, predict

    @ParameterizedTest
    @MethodSource("planted")
    void solvesRidgeRegressionFromTheSameFactorization(Planted p) {
        double smallest = p.sigma()[p.rank() - 1];
        for (double lambda : new double[] {1e-3, 0.1, 1, 100}) {
            double[][] expected = Oracle.ridge(p.x(), p.y(), lambda);
            for (Mode mode : Mode.of(p.precision())) {
                String where = mode + " λ=" + lambda + " on " + p;
                try (SolutionSet s = solve(p, mode)) {
                    double[][] w = entries(s.ridge(lambda));
                    // The oracle solves normal equations with condition number (1 + λ)/λ at most.
                    double bound =
                            unit(p) * Dense.norm(p.w()) + ROOM * 0x1p-52 * (1 + 1 / lambda) * Dense.norm(expected);
                    Checks.close("ridge", where, w, expected, bound);
                    // |σ/(σ²+λ) − 1/σ| ≤ λ/σ² · 1/σ
                    double distance =
                            Dense.norm(Dense.subtract(w, s.minimumNorm().toArray()));
                    assertThat(distance)
                            .as(where + ": distance to W0")
                            .isLessThanOrEqualTo(
                                    lambda / (smallest * smallest) * Dense.norm(p.w()) * (1 + 1e-4) + bound);
                }
            }
        }
    }

    @Test
    void meetsTheMinimumNormSolutionAsThePenaltyVanishes() {
        Planted p = Planted.of(3400, 8, 20, 2, 6, Spectrum.STEEP, 100, 0.4, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = solve(p, mode)) {
                double[][] w0 = s.minimumNorm().toArray();
                double before = Double.POSITIVE_INFINITY;
                double norm = 0;
                for (double lambda = 1e4; lambda > 1e-30; lambda /= 100) {
                    double[][] w = entries(s.ridge(lambda));
                    double distance = Dense.norm(Dense.subtract(w, w0));
                    assertThat(distance).as(mode + " λ=" + lambda).isLessThanOrEqualTo(before + unit(p));
                    assertThat(Dense.norm(w)).isGreaterThanOrEqualTo(norm - unit(p));
                    before = distance;
                    norm = Dense.norm(w);
                }
                Checks.atMost("ridge(0+)", mode, before, unit(p) * Dense.norm(w0));
                assertThat(entries(s.ridge(0))).isDeepEqualTo(w0);
                Checks.atMost("ridge(huge)", mode, Dense.norm(entries(s.ridge(1e300))), 1e-290);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("planted")
    void predicts(Planted p) {
        SplitMix64 random = new SplitMix64(p.seed() + 9);
        double[][] fresh = Dense.gaussian(random, 4, p.d());
        double[][] w = Dense.gaussian(random, p.d(), p.k());
        double working = p.precision().epsilon();
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            try (SolutionSet s = solve(p, mode)) {
                double[][] w0 = s.minimumNorm().toArray();
                double unit = ROOM * working * Dense.norm(fresh);
                Checks.close(
                        "prediction",
                        where,
                        entries(s.predict(Matrix.of(fresh))),
                        Dense.multiply(fresh, w0),
                        unit * Dense.norm(w0));
                Checks.close(
                        "prediction of given coefficients",
                        where,
                        entries(s.predict(Matrix.of(fresh), Matrix.of(w))),
                        Dense.multiply(fresh, w),
                        unit * Dense.norm(w));
                if (p.k() == 1) {
                    Checks.close(
                            "prediction of arrays",
                            where,
                            s.predict(fresh),
                            Dense.column(Dense.multiply(fresh, w0), 0),
                            unit * Dense.norm(w0));
                }
                assertThat(s.intercept()).as(where).hasSize(p.k()).containsOnly(0.0);
                assertThat(s.intercept(Matrix.of(w))).as(where).containsOnly(0.0);
            }
        }
    }
}
