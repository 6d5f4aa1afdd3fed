package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Certificate;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.Refinement;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/** The numbers of a certificate are what they are said to be: measured again by hand, from X and the explicit basis. */
abstract class EvidenceConformance extends Conformance {
    /** Tolerances at which something is left to be seen, and at which nothing is. */
    private static final RankTolerance[] TOLERANCES = {RankTolerance.standard(), RankTolerance.relative(0.05)};

    @Test
    void statesWhatIsMeasuredByHand() {
        int[][] shapes = {{7, 15, 7}, {7, 15, 5}, {15, 7, 7}, {15, 7, 4}, {9, 9, 8}, {1, 6, 1}};
        for (Precision precision : Precision.values()) {
            for (int[] shape : shapes) {
                Planted p = Planted.of(
                        10_000 + shape[0], shape[0], shape[1], 2, shape[2], Spectrum.STEEP, 100, 0.4, precision);
                for (RankTolerance tolerance : TOLERANCES) {
                    for (Mode mode : Mode.of(precision)) {
                        SolveOptions options =
                                mode.on(options()).rankTolerance(tolerance).build();
                        try (SolutionSet s = solve(p, options)) {
                            requireMeasured(mode + " " + tolerance + " on " + p, s, p.x(), p.y(), mode.working());
                        }
                    }
                }
            }
        }
    }

    /** The smaller of two estimates for each target, as the definition says. */
    private static void requireBackwardErrors(String where, SolutionSet s, double[][] x, double[][] r, double room) {
        double[] found = s.refinement().backwardErrors();
        double[][] w = s.minimumNorm().toArray();
        assertThat(found).as(where).hasSize(w[0].length);
        double largest = 0;
        for (int j = 0; j < found.length; j++) {
            double[][] own = new double[r.length][1];
            double size = 0;
            for (int i = 0; i < r.length; i++) {
                own[i][0] = r[i][j];
            }
            for (double[] row : w) {
                size = Math.hypot(size, row[j]);
            }
            double residual = Dense.norm(own);
            double gradient = Dense.norm(Dense.multiply(Dense.transpose(x), own));
            double expected = Math.min(residual / size, gradient / residual) / Dense.norm(x);
            assertThat(found[j]).as(where).isBetween(0.0, expected + 4 * room);
            if (expected > 100 * room) {
                assertThat(found[j]).as(where).isCloseTo(expected, offset(0.01 * expected + room));
            }
            largest = Math.max(largest, found[j]);
        }
        assertThat(s.refinement().backwardError()).as(where).isEqualTo(largest);
    }

    @Test
    void saysHowOftenItWasRefinedAndWhatThatReached() {
        for (double condition : new double[] {2, 1e3, 1e5}) {
            for (int[] shape : new int[][] {{20, 60}, {60, 20}}) {
                Planted p = Planted.of(
                        10_200, shape[0], shape[1], 3, 20, Spectrum.STEEP, condition, 0.3, Precision.FLOAT64);
                for (Mode mode : Mode.of(Precision.FLOAT64)) {
                    try (SolutionSet s = solve(p, mode)) {
                        String where = mode + " on " + p + s.history();
                        Refinement refinement = s.refinement();
                        boolean gram = s.method() == Method.GRAM;
                        if (!gram || (condition == 2 && p.n() < p.d())) {
                            assertThat(refinement.steps()).as(where).isZero();
                        } else if (p.n() > p.d()) {
                            assertThat(refinement.steps()).as(where).isPositive();
                        }
                        assertThat(refinement.backwardErrors()).as(where).hasSize(3);
                        // With a residual, what is estimated is ‖X'r‖/‖r‖, and ‖X'r‖ is rounding of ‖X‖(‖r‖ + ‖X‖‖w‖).
                        double[][] w = s.minimumNorm().toArray();
                        double[][] r = Dense.multiplySubtract(p.x(), w, p.y());
                        double tall = Dense.norm(p.x()) * Dense.norm(w) / Dense.norm(r);
                        assertThat(refinement.backwardError())
                                .as(where)
                                .isLessThan(16 * 0x1p-52 * (p.n() > p.d() ? 1 + tall : 1));
                    }
                }
            }
        }
        try (SolutionSet s = solve(
                new double[][] {{1, 2}, {3, 4}}, new double[2][1], options().build())) {
            assertThat(s.refinement().backwardError()).isZero();
        }
        try (SolutionSet s =
                solve(new double[2][2], new double[][] {{1}, {2}}, options().build())) {
            assertThat(s.refinement().backwardError()).isZero();
        }
    }

    /** One target that depends on the smallest singular value, among many that do not, however small it is. */
    @Test
    void noTargetIsHiddenByOthers() {
        for (double condition : new double[] {1e2, 1e3, 1e4, 1e5}) {
            for (int k : new int[] {9, 20, 600}) {
                for (double size : new double[] {1, 1 / condition, 1e-10}) {
                    Planted p = Planted.of(10_300, 40, 120, 1, 40, Spectrum.STEEP, condition, 0, Precision.FLOAT64);
                    double[][] y = new double[40][k];
                    for (int i = 0; i < 40; i++) {
                        for (int j = 0; j < k; j++) {
                            y[i][j] = j == 7 ? size * p.u()[i][39] : (1 + j % 20) * p.u()[i][0];
                        }
                    }
                    try (SolutionSet s = solve(p.x(), y, options().build())) {
                        double[] errors = s.refinement().backwardErrors();
                        for (int j = 0; j < k; j++) {
                            assertThat(errors[j])
                                    .as("target " + j + " of " + k + ", condition " + condition + ", size " + size)
                                    .isLessThan(8 * 0x1p-52);
                        }
                    }
                }
            }
        }
    }

    /** A residual that is small beside the longest row need not be small beside its own. */
    @Test
    void rowsAreSolvedEachBesideItsOwnSize() {
        Planted p = Planted.of(10_400, 30, 90, 1, 30, Spectrum.STEEP, 1e5, 0, Precision.FLOAT64);
        double[][] x = Dense.copy(p.x());
        double[][] y = Dense.copy(p.y());
        for (int i = 0; i < 30; i++) {
            double unit = Math.scalb(1.0, -i);
            y[i][0] *= unit;
            for (int j = 0; j < 90; j++) {
                x[i][j] *= unit;
            }
        }
        try (SolutionSet s = solve(x, y, options().build())) {
            assertThat(s.method()).isEqualTo(Method.GRAM);
            double[][] w = s.minimumNorm().toArray();
            double[][] r = Dense.multiplySubtract(x, w, y);
            for (int i = 0; i < 30; i++) {
                double size = Dense.norm(new double[][] {x[i]}) * Dense.norm(w) + Math.abs(y[i][0]);
                assertThat(Math.abs(r[i][0])).as("row " + i).isLessThan(16 * 0x1p-52 * size);
            }
        }
    }

    @Test
    void backwardErrorsDoNotDependOnUnits() {
        double[][] x = {{1, 2}, {3, -4}, {5, 6}};
        double[][] y = {{1}, {-2}, {7}};
        for (double unit : new double[] {1, 0x1p530, 0x1p660, 0x1p-530, 0x1p-660}) {
            try (SolutionSet s =
                    solve(Dense.scale(unit, x), Dense.scale(unit, y), options().build())) {
                assertThat(s.refinement().backwardError()).as("unit " + unit).isBetween(1e-19, 4e-15);
            }
        }
    }

    private static void requireMeasured(String where, SolutionSet s, double[][] x, double[][] y, Precision arithmetic) {
        Certificate c = s.certificate();
        double eps = arithmetic.epsilon();
        double[][] n = entries(s.nullSpace().basis());
        double[][] w = s.minimumNorm().toArray();
        double normX = Dense.norm(x);
        double normW = Dense.norm(w);
        double[][] r = Dense.multiplySubtract(x, w, y);
        double room = 64 * Math.max(eps, 0x1p-52);
        assertThat(c.xNorm()).as(where).isCloseTo(normX, offset(room * normX));
        assertThat(c.minimumNorm()).as(where).isCloseTo(normW, offset(room * normW + dataRounding(s) * normW));
        double size = normX * normW + Dense.norm(y);
        assertThat(c.residual()).as(where).isCloseTo(Dense.norm(r), offset((room + dataRounding(s)) * size));
        assertThat(c.stationarity())
                .as(where)
                .isCloseTo(
                        Dense.norm(Dense.multiply(Dense.transpose(x), r)),
                        offset((room + dataRounding(s)) * normX * size));
        double seen = n[0].length == 0 ? 0 : Dense.norm(Dense.multiply(x, n));
        assertThat(c.nullSpaceResidual()).as(where).isCloseTo(seen, offset(room * normX));
        assertThat(c.predictionChangePerUnit()).as(where).isEqualTo(c.nullSpaceResidual());
        assertThat(c.columnsChecked()).as(where).isEqualTo(s.nullity());
        double defect = n[0].length == 0
                ? 0
                : Dense.norm(Dense.subtract(Dense.multiply(Dense.transpose(n), n), Dense.identity(n[0].length)));
        assertThat(c.orthonormalityDefect()).as(where).isCloseTo(defect, offset(room));
        double removable = n[0].length == 0 ? 0 : Dense.norm(Dense.multiply(Dense.transpose(n), w));
        assertThat(c.minimumNormDefect()).as(where).isCloseTo(removable, offset((room + dataRounding(s)) * normW));
        assertThat(c.rank()).as(where).isEqualTo(s.rankDecision());
        requireBackwardErrors(where, s, x, r, room + dataRounding(s));

        // No move along the null space changes a prediction by more than the certificate allows.
        SplitMix64 random = new SplitMix64(3);
        for (int i = 0; i < 5 && n[0].length > 0; i++) {
            double[][] z = Dense.gaussian(random, n[0].length, 1);
            double change = Dense.norm(Dense.multiply(x, Dense.multiply(n, z)));
            assertThat(change)
                    .as(where + ": change of predictions")
                    .isLessThanOrEqualTo((c.predictionChangePerUnit() + room * normX) * Dense.norm(z));
        }
    }

    /** The minimum-norm solution is handed out in the precision of the data. */
    private static double dataRounding(SolutionSet s) {
        return s.minimumNorm().precision() == Precision.FLOAT32 ? Precision.FLOAT32.epsilon() : 0;
    }

    @Test
    void statesTheTransformedProblemWithWeightsAndIntercept() {
        SplitMix64 random = new SplitMix64(10_100);
        double[][] x = Dense.gaussian(random, 8, 12);
        double[][] y = Dense.gaussian(random, 8, 2);
        double[] weights = {1, 2, 3, 0, 1, 0.5, 4, 2};
        InterceptConformance.Affine a =
                new InterceptConformance.Affine("weights", x, y, weights, true, Precision.FLOAT64);
        double[][] f = a.reduced(x);
        double[][] g = a.reduced(y);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            SolveOptions options = a.on(mode.on(options())).build();
            try (SolutionSet s = Nullspace.solve(Matrix.of(x), Matrix.of(y), options)) {
                requireMeasured(mode + "", s, f, g, Precision.FLOAT64);
                assertThat(options.intercept()).isEqualTo(InterceptRule.UNPENALISED);
                assertThat(s.certificate().holds(1e-12)).isTrue();
            }
        }
    }

    @Test
    void checksASampleOfALargeBasis() {
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 3, 2000, Layout.ROW_MAJOR);
        SplitMix64 random = new SplitMix64(10_200);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 2000; j++) {
                x.set(0, i, j, random.nextGaussian());
            }
        }
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = Nullspace.solve(x, Matrix.column(1, 2, 3), options(mode))) {
                Certificate c = s.certificate();
                assertThat(c.columnsChecked()).isEqualTo(256);
                assertThat(c.holds(1e-13)).as(mode + " " + c).isTrue();
                assertThat(c.holds(1e-18)).as(mode + " " + c).isFalse();
            }
        }
    }

    @Test
    void takesNoMoreMemoryForItThanXOrALittle() {
        // 256 columns of length 500,000 are 1 GB.
        int d = 500_000;
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 3, d, Layout.ROW_MAJOR);
        for (int i = 0; i < 3; i++) {
            x.set(0, i, 7 * i, 1);
            x.set(0, i, d - 1 - i, 2);
        }
        try (SolutionSet s = Nullspace.solve(
                x, Matrix.column(1, 2, 3), options(Mode.of(Precision.FLOAT64).get(0)))) {
            Certificate c = s.certificate();
            // A device may have room for fewer.
            assertThat(c.columnsChecked()).isBetween(1L, (64L << 20) / (8 * d));
            assertThat(c.holds(1e-13)).as(c.toString()).isTrue();
        }
    }

    @Test
    void holdsForEveryWellConditionedProblemAndTellsWhenItDoesNot() {
        Planted p = Planted.of(10_300, 10, 24, 1, 10, Spectrum.STEEP, 100, 0, Precision.FLOAT64);
        double[] cut = {1e-12, 1e-3};
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            boolean[] holds = new boolean[2];
            for (int i = 0; i < 2; i++) {
                // The second tolerance declares null what X sees at a twentieth of its norm.
                RankTolerance tolerance = i == 0 ? RankTolerance.standard() : RankTolerance.relative(0.05);
                try (SolutionSet s =
                        solve(p, mode.on(options()).rankTolerance(tolerance).build())) {
                    holds[i] = s.certificate().holds(cut[i]);
                }
            }
            assertThat(holds).as(mode + " " + Arrays.toString(cut)).containsExactly(true, false);
        }
    }
}
