package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Precision;
import org.nullspace.model.SolutionSet;
import org.nullspace.random.SplitMix64;

/** Changes of a problem whose effect on the solution is known, whatever the solution is. */
abstract class KnownEffectConformance extends Conformance {
    private static final double ROOM = 16;

    /** What is looked at: solution, singular values, residual norms. */
    private record Answer(double[][] w, double[] sigma, double[] residuals, int rank) {}

    static Stream<Planted> planted() {
        int[][] shapes = {{6, 12, 6}, {6, 12, 4}, {12, 6, 6}, {12, 6, 4}, {8, 8, 8}, {8, 8, 6}, {33, 66, 30}};
        return Arrays.stream(shapes)
                .map(s -> Planted.of(
                        4000 + s[0] * 7L + s[2], s[0], s[1], 2, s[2], Spectrum.STEEP, 20, 0.5, Precision.FLOAT64));
    }

    private Answer answer(double[][] x, double[][] y, Mode mode) {
        try (SolutionSet s = solve(x, y, options(mode))) {
            return new Answer(s.minimumNorm().toArray(), s.singularValues(), s.residualNorms(), s.rank());
        }
    }

    private static void require(
            String where, Planted p, Answer actual, double[][] w, double[] sigma, double[] residuals) {
        double eps = p.precision().epsilon();
        assertThat(actual.rank).as(where).isEqualTo(p.rank());
        Checks.close("solution after a move", where, actual.w, w, ROOM * eps * p.sensitivity() * Dense.norm(w));
        int common = Math.min(sigma.length, actual.sigma.length);
        Checks.close(
                "singular values after a move",
                where,
                Arrays.copyOf(actual.sigma, common),
                Arrays.copyOf(sigma, common),
                ROOM * eps * p.n() * sigma[0]);
        Checks.close(
                "residual norms after a move",
                where,
                actual.residuals,
                residuals,
                ROOM * eps * p.condition() * Dense.norm(p.y()) * (1 + Dense.norm(residuals)));
    }

    private static double[] times(double factor, double[] a) {
        return Dense.scale(factor, new double[][] {a})[0];
    }

    private static int[] permutation(SplitMix64 random, int size) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    @ParameterizedTest
    @MethodSource("planted")
    void movesHaveTheirKnownEffect(Planted p) {
        double[][] x = p.x();
        double[][] y = p.y();
        SplitMix64 random = new SplitMix64(p.seed());
        int[] rows = permutation(random, p.n());
        int[] columns = permutation(random, p.d());
        double[][] q = Dense.orthonormal(random, p.d(), p.d());
        double[][] u = Dense.orthonormal(random, p.n(), p.n());
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            String where = mode + " on " + p;
            Answer base = answer(x, y, mode);
            double[][] w = base.w;
            double[] s = base.sigma;
            double[] r = base.residuals;

            require(where + ", rows permuted", p, answer(Dense.rows(x, rows), Dense.rows(y, rows), mode), w, s, r);
            require(
                    where + ", columns permuted",
                    p,
                    answer(Dense.pickColumns(x, columns), y, mode),
                    Dense.rows(w, columns),
                    s,
                    r);
            require(
                    where + ", features rotated",
                    p,
                    answer(Dense.multiply(x, q), y, mode),
                    Dense.multiply(Dense.transpose(q), w),
                    s,
                    r);
            require(where + ", samples rotated", p, answer(Dense.multiply(u, x), Dense.multiply(u, y), mode), w, s, r);
            require(
                    where + ", X times 1000",
                    p,
                    answer(Dense.scale(1000, x), y, mode),
                    Dense.scale(1e-3, w),
                    times(1000, s),
                    r);
            require(where + ", Y times −8", p, answer(x, Dense.scale(-8, y), mode), Dense.scale(-8, w), s, times(8, r));
            require(
                    where + ", [X X]/2",
                    p,
                    answer(Dense.scale(0.5, Dense.beside(x, x)), y, mode),
                    Dense.above(w, w),
                    times(Math.sqrt(0.5), s),
                    r);
            require(
                    where + ", [X; X]",
                    p,
                    answer(Dense.above(x, x), Dense.above(y, y), mode),
                    w,
                    times(Math.sqrt(2), s),
                    times(Math.sqrt(2), r));
            require(
                    where + ", rows of zeros below",
                    p,
                    answer(Dense.above(x, new double[3][p.d()]), Dense.above(y, new double[3][2]), mode),
                    w,
                    s,
                    r);
            double[][] combined = {{3, 1}, {-1, 0.5}};
            Answer linear = answer(x, Dense.multiply(y, combined), mode);
            Checks.close(
                    "linear in Y",
                    where,
                    linear.w,
                    Dense.multiply(w, combined),
                    ROOM * p.precision().epsilon() * p.sensitivity() * 4 * Dense.norm(w));

            double[][] inverse = answer(x, Dense.identity(p.n()), mode).w;
            double[][] inverseOfTranspose = answer(Dense.transpose(x), Dense.identity(p.d()), mode).w;
            Checks.close(
                    "pseudoinverse of the transpose",
                    where,
                    inverseOfTranspose,
                    Dense.transpose(inverse),
                    ROOM * p.precision().epsilon() * p.condition() * p.condition() * p.n());
        }
    }

    @ParameterizedTest
    @MethodSource("planted")
    void whatNoSampleSeesHasNoInfluence(Planted p) {
        double[][] unseen = Dense.multiply(Oracle.projector(p.v()), Dense.gaussian(new SplitMix64(5), p.d(), 2));
        double[][] truth = Dense.add(1, p.w(), 10, unseen);
        double[][] y = Dense.multiply(p.x(), truth);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            Checks.close(
                    "solution for targets made by another member",
                    mode + " on " + p,
                    answer(p.x(), y, mode).w,
                    p.w(),
                    ROOM * p.precision().epsilon() * p.sensitivity() * Dense.norm(truth));
        }
    }
}
