package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.OnSession;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.NullSpace;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.Subspace;
import org.nullspace.random.SplitMix64;

/** Null space and row space are orthogonal complements, as operators and as explicit bases, and those of the planted X. */
abstract class SubspaceConformance extends Conformance {
    private static final double ROOM = 16;

    static Stream<Planted> planted() {
        List<Planted> cases = new ArrayList<>();
        int[][] shapes = {
            {6, 12, 6},
            {6, 12, 4},
            {12, 6, 4},
            {12, 6, 6},
            {8, 8, 5},
            {8, 8, 8},
            {1, 7, 1},
            {7, 1, 1},
            {33, 70, 31},
            {5, 130, 5},
            {9, 4, 1}
        };
        long seed = 2000;
        for (Precision precision : Precision.values()) {
            for (int[] s : shapes) {
                cases.add(Planted.of(seed++, s[0], s[1], 1, s[2], Spectrum.STEEP, 30, 0.2, precision));
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("planted")
    void projectsOnTheNullSpaceOfThePlantedMatrix(Planted p) {
        int d = p.d();
        int r = p.rank();
        double[][] truth = Oracle.projector(p.v());
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            double unit = ROOM * p.precision().epsilon() * Math.sqrt(r) * p.condition();
            try (SolutionSet s = solve(p, mode)) {
                NullSpace space = s.nullSpace();
                assertThat(space.dimension()).as(where).isEqualTo(d - r);
                assertThat(space.ambientDimension()).as(where).isEqualTo(d);
                double[][] projector = entries(space.project(Matrix.of(Dense.identity(d))));
                Checks.close("projector", where, projector, truth, unit);
                Checks.close("P = P'", where, projector, Dense.transpose(projector), unit);
                Checks.close("PP = P", where, Dense.multiply(projector, projector), projector, unit);
                double working = mode.working() == Precision.FLOAT32 ? Precision.FLOAT32.epsilon() : 0x1p-52;
                Checks.atMost(
                        "X P = 0",
                        where,
                        Dense.norm(Dense.multiply(p.x(), projector)),
                        ROOM * Math.sqrt(d) * dataError(p, working));
                double trace = 0;
                for (int i = 0; i < d; i++) {
                    trace += projector[i][i];
                }
                Checks.atMost("trace P", where, Math.abs(trace - (d - r)), unit);

                double[][] row = entries(s.rowSpace().project(Matrix.of(Dense.identity(d))));
                Checks.close("row and null projector", where, Dense.add(1, row, 1, projector), Dense.identity(d), unit);
                assertThat(s.rowSpace().dimension()).as(where).isEqualTo(r);

                requireBasis(where, space, projector, unit);
                requireBasis(where, s.rowSpace(), row, unit);
                double[][] null0 = entries(space.basis());
                double[][] row0 = entries(s.rowSpace().basis());
                Checks.atMost(
                        "bases orthogonal to each other",
                        where,
                        r == 0 || r == d ? 0 : Dense.norm(Dense.multiply(Dense.transpose(null0), row0)),
                        ROOM * working * Math.sqrt(d));
            }
        }
    }

    /** A damped solve is no reason for another projector: I − X'(XX' + λI)⁻¹X is none. */
    @ParameterizedTest
    @MethodSource("planted")
    void staysAProjectorWhenTheSolveIsDamped(Planted p) {
        int d = p.d();
        double[][] identity = Dense.identity(d);
        for (Mode mode : Mode.of(p.precision())) {
            String where = mode + " on " + p;
            try (SolutionSet s = solve(p, mode)) {
                double[][] before = entries(s.nullSpace().project(Matrix.of(identity)));
                double lambda = 3;
                double[][] damped = entries(s.ridge(lambda));
                s.ridgePath(1e-6, lambda, 1e6).coefficients().close();
                double[][] after = entries(s.nullSpace().project(Matrix.of(identity)));
                assertThat(after).as(where).isDeepEqualTo(before);
                double unit = ROOM * p.precision().epsilon() * Math.sqrt(p.rank()) * p.condition();
                Checks.close("PP = P", where, Dense.multiply(after, after), after, unit);
                // Moved along the null space, the damped solution predicts what it has predicted.
                double[][] moved = Dense.add(1, damped, 1, Dense.multiply(after, Dense.scale(1e3, damped)));
                double working = mode.working() == Precision.FLOAT32 ? Precision.FLOAT32.epsilon() : 0x1p-52;
                Checks.atMost(
                        "predictions of a damped solution",
                        where,
                        Dense.norm(Dense.multiply(p.x(), Dense.subtract(moved, damped))),
                        1e3 * ROOM * Math.sqrt(d) * dataError(p, working) * Dense.norm(damped));
            }
        }
    }

    /** A basis of this null space would take 80 GB; nothing of it is made that was not asked for. */
    /** Vectors that one step does not project, few or many, among others that it does; of any size. */
    @Test
    void projectsEveryVectorOfABlock() {
        for (double condition : new double[] {1e2, 1e4}) {
            Planted p = Planted.of(2_200, 40, 120, 1, 40, Spectrum.STEEP, condition, 0, Precision.FLOAT64);
            SplitMix64 random = new SplitMix64(7);
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                try (SolutionSet s = solve(p, mode)) {
                    for (int k : new int[] {1, 9, 500}) {
                        double[][] z = Dense.gaussian(random, 120, k);
                        for (int i = 0; i < 120; i++) {
                            z[i][k / 2] = 1e-20 * (p.v()[i][39] + p.v()[i][5] + 1e-6 * z[i][k / 2]);
                        }
                        double[][] out = entries(s.nullSpace().project(Matrix.of(z)));
                        double[][] seen = Dense.multiply(p.x(), out);
                        for (int j = 0; j < k; j++) {
                            double size = Dense.norm(p.x()) * Dense.norm(Dense.column(out, j));
                            assertThat(Dense.norm(Dense.column(seen, j)))
                                    .as(mode + ", condition " + condition + ", vector " + j + " of " + k)
                                    .isLessThan(ROOM * 0x1p-52 * size);
                        }
                    }
                }
            }
        }
    }

    @Test
    void needsNoBasisInManyDimensions() {
        int d = 100_000;
        SplitMix64 random = new SplitMix64(2_900);
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 3, d, Layout.ROW_MAJOR);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < d; j++) {
                x.set(0, i, j, random.nextGaussian());
            }
        }
        CheckedSession session = new CheckedSession(provider().open(0));
        try (SolutionSet s =
                OnSession.solve(session, x, Matrix.column(1, 2, 3), options().build())) {
            assertThat(s.nullity()).isEqualTo(d - 3L);
            Matrix sample = s.random(5, 10);
            double[][] entries = x.toArray();
            double[][] predicted = Dense.multiply(entries, sample.toArray());
            for (int i = 0; i < 3; i++) {
                assertThat(predicted[i][0]).isCloseTo(i + 1, within(1e-10));
            }
            Matrix vectors = Matrix.zeros(Precision.FLOAT64, 1, d, 4, Layout.COLUMN_MAJOR);
            for (int j = 0; j < 4; j++) {
                vectors.set(0, 17L * j, j, 1);
            }
            Matrix projected = s.nullSpace().project(vectors);
            Matrix columns = s.nullSpace().basis(d - 10L, d - 6L);
            Matrix back = s.nullSpace().combine(s.nullSpace().coordinates(projected));
            for (Matrix each : new Matrix[] {projected, columns, back}) {
                double[][] seen = Dense.multiply(entries, each.toArray());
                assertThat(Dense.norm(seen)).isLessThan(1e-11);
            }
            double most = 0;
            for (int j = 0; j < 4; j++) {
                for (int i = 0; i < d; i++) {
                    most = Math.max(most, Math.abs(back.get(i, j) - projected.get(i, j)));
                }
            }
            assertThat(most).isLessThan(1e-13);
            assertThat(session.peakBytes()).isLessThan(40L * 8 * d);
        }
        session.assertClean();
    }

    /** What X leaves of its own null space: the noise singular values of rounded data, or rounding of the arithmetic. */
    private static double dataError(Planted p, double working) {
        boolean full = p.rank() == Math.min(p.n(), p.d());
        return full ? working : p.precision().epsilon();
    }

    /** Blocks of columns are those of the basis, but for rounding. */
    private static void requireBlocks(String where, Subspace space, Matrix basis, double unit) {
        long m = space.dimension();
        for (long[] block : new long[][] {{0, m}, {0, 0}, {m / 3, (m + 1) / 2}, {m - 1, m}}) {
            try (Matrix some = space.basis(block[0], block[1])) {
                assertThat(some.columns()).as(where).isEqualTo(block[1] - block[0]);
                Checks.close(
                        "block of columns",
                        where,
                        some.toArray(),
                        basis.columns(block[0], block[1]).toArray(),
                        unit);
            }
        }
        for (long[] bad : new long[][] {{-1, 0}, {1, 0}, {0, m + 1}}) {
            assertThatThrownBy(() -> space.basis(bad[0], bad[1]))
                    .as(where)
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("columns " + bad[0] + " to " + bad[1]);
        }
    }

    private static void requireBasis(String where, Subspace space, double[][] projector, double unit) {
        int d = (int) space.ambientDimension();
        int m = (int) space.dimension();
        assertThat(space.basisBytes()).as(where).isEqualTo(8L * d * m);
        try (Matrix basis = space.basis();
                Matrix again = space.basis()) {
            assertThat(basis.layout()).as(where).isEqualTo(Layout.COLUMN_MAJOR);
            assertThat(basis.precision()).as(where).isEqualTo(Precision.FLOAT64);
            assertThat(new long[] {basis.rows(), basis.columns()}).as(where).containsExactly(d, m);
            assertThat(basis.hasSameEntries(again))
                    .as(where + ": the basis is fixed")
                    .isTrue();
            if (m == 0) {
                assertThat(Dense.norm(projector)).as(where).isLessThan(unit);
                return;
            }
            requireBlocks(where, space, basis, unit);
            double[][] b = basis.toArray();
            Checks.close(
                    "B'B = I", where, Dense.multiply(Dense.transpose(b), b), Dense.identity(m), unit * Math.sqrt(m));
            Checks.close("BB' = P", where, Dense.multiply(b, Dense.transpose(b)), projector, unit * Math.sqrt(m));

            SplitMix64 random = new SplitMix64(d * 31L + m);
            for (int count : new int[] {1, 3}) {
                double[][] w = Dense.gaussian(random, d, count);
                double[][] c = Dense.gaussian(random, m, count);
                double normW = Dense.norm(w);
                double normC = Dense.norm(c);
                for (Storage storage : List.of(Storage.COLUMN_MAJOR, Storage.ROW_MAJOR_PADDED)) {
                    Matrix mw = storage.of(w, count, Precision.FLOAT64);
                    Matrix mc = storage.of(c, count, Precision.FLOAT64);
                    double[][] coordinates = entries(space.coordinates(mw));
                    double[][] combined = entries(space.combine(mc));
                    Checks.close(
                            "coordinates", where, coordinates, Dense.multiply(Dense.transpose(b), w), unit * normW);
                    Checks.close("combine", where, combined, Dense.multiply(b, c), unit * normC);
                    Checks.close(
                            "coordinates of a combination",
                            where,
                            entries(space.coordinates(Matrix.of(combined))),
                            c,
                            unit * normC);
                    Checks.close(
                            "combination of coordinates",
                            where,
                            entries(space.combine(Matrix.of(coordinates))),
                            entries(space.project(mw)),
                            unit * normW);
                }
            }
            double[] vector = Dense.gaussian(random, d);
            close(
                    "projection of an array",
                    where,
                    space.project(vector),
                    entries(space.project(Matrix.column(vector))));
        }
    }

    private static void close(String kind, String where, double[] a, double[][] b) {
        Checks.close(kind, where, Dense.column(a), b, 0);
    }

    @Test
    void takesNoVectorsAndVectorsOfEitherPrecision() {
        Planted p = Planted.of(2100, 4, 9, 1, 4, Spectrum.STEEP, 5, 0, Precision.FLOAT64);
        double[][] truth = Oracle.projector(p.v());
        double[][] w = Dense.rounded(Dense.gaussian(new SplitMix64(1), 9, 2));
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = solve(p, mode)) {
                Matrix none = Matrix.zeros(Precision.FLOAT64, 1, 9, 0, Layout.COLUMN_MAJOR);
                try (Matrix out = s.nullSpace().project(none);
                        Matrix coordinates = s.nullSpace().coordinates(none)) {
                    assertThat(new long[] {out.rows(), out.columns()}).containsExactly(9, 0);
                    assertThat(new long[] {coordinates.rows(), coordinates.columns()})
                            .containsExactly(5, 0);
                }
                Checks.close(
                        "projection of float32 vectors",
                        mode,
                        entries(s.nullSpace().project(Storage.ROW_MAJOR.of(w, 2, Precision.FLOAT32))),
                        Dense.multiply(truth, w),
                        ROOM * 0x1p-52 * 10 * Dense.norm(w));
            }
        }
    }

    @Test
    void tellsMembersFromOthersAtTheTolerance() {
        for (Precision precision : Precision.values()) {
            Planted p = Planted.of(2101, 5, 14, 1, 5, Spectrum.STEEP, 5, 0, precision);
            double tolerance = 1e-3;
            double[] row = Dense.column(p.v(), 0);
            for (Mode mode : Mode.of(precision)) {
                try (SolutionSet s = solve(p, mode)) {
                    double[] z = s.nullSpace().project(Dense.gaussian(new SplitMix64(2), 14));
                    double size = Dense.norm(z);
                    for (double share : new double[] {0.98, 1.02}) {
                        // sin of the angle to the null space: share · tolerance.
                        double sine = share * tolerance;
                        double length = size * sine / Math.sqrt(1 - sine * sine);
                        double[] w = z.clone();
                        for (int i = 0; i < w.length; i++) {
                            w[i] += length * row[i];
                        }
                        assertThat(s.nullSpace().contains(Matrix.column(w), tolerance))
                                .as(mode + " " + precision + " at " + share + " of the tolerance")
                                .isEqualTo(share < 1);
                        double[][] both = Dense.transpose(new double[][] {z, w});
                        assertThat(s.nullSpace().contains(Matrix.of(both), tolerance))
                                .as("one column outside is enough")
                                .isEqualTo(share < 1);
                    }
                    assertThat(s.rowSpace().contains(Matrix.column(row), 1e-4)).isTrue();
                    assertThat(s.rowSpace().contains(Matrix.column(z), 0.9)).isFalse();
                    assertThat(s.nullSpace().contains(Matrix.column(new double[14]), 0))
                            .as("zero lies in every subspace")
                            .isTrue();
                    assertThatThrownBy(() -> s.nullSpace().contains(Matrix.column(z), -1))
                            .isInstanceOf(InvalidInputException.class);
                }
            }
        }
    }

    @Test
    void refusesABasisThatDoesNotFitBeforeItAllocates() {
        int d = 3_000_000;
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 1, d, Layout.ROW_MAJOR);
        for (int j = 0; j < d; j++) {
            x.set(0, 0, j, 1);
        }
        for (Method method : List.of(Method.GRAM, Method.QR_SVD)) {
            try (SolutionSet s = Nullspace.solve(x, Matrix.column(d), options(new Mode(method, Precision.FLOAT64)))) {
                assertThat(s.nullity()).isEqualTo(d - 1L);
                assertThat(s.minimumNorm().get(d - 1, 0)).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-12));
                long bytes = 8L * d * (d - 1);
                assertThat(s.nullSpace().basisBytes()).isEqualTo(bytes);
                assertThatThrownBy(() -> s.nullSpace().basis())
                        .isInstanceOfSatisfying(InsufficientMemoryException.class, e -> {
                            assertThat(e.requestedBytes()).isGreaterThanOrEqualTo(bytes);
                            assertThat(e.availableBytes()).isPositive().isLessThan(bytes);
                        })
                        .hasMessageContainingAll("null space", d + "×" + (d - 1), "project");
                // The operator works all the same: P e₀ = e₀ − 1/d.
                try (Matrix unit = Matrix.zeros(Precision.FLOAT64, 1, d, 1, Layout.COLUMN_MAJOR)) {
                    unit.set(0, 0, 0, 1);
                    try (Matrix projected = s.nullSpace().project(unit)) {
                        assertThat(projected.get(0, 0))
                                .isCloseTo(1 - 1.0 / d, org.assertj.core.data.Offset.offset(1e-14));
                        assertThat(projected.get(d - 1, 0))
                                .isCloseTo(-1.0 / d, org.assertj.core.data.Offset.offset(1e-14));
                    }
                }
            }
        }
        x.close();
    }
}
