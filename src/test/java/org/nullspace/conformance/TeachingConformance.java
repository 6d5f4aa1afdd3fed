package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.nullspace.Nullspace;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.SolutionSet;
import org.nullspace.random.SplitMix64;

/** The two examples that every introduction to the subject has, to the digits that are printed there. */
abstract class TeachingConformance extends Conformance {
    @Test
    void sixSamplesOfTwelveFeatures() {
        SplitMix64 random = new SplitMix64(0);
        double[][] x = Dense.gaussian(random, 6, 12);
        double[] truth = Dense.gaussian(random, 12);
        double[] y = Dense.column(Dense.multiply(x, Dense.column(truth)), 0);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = Nullspace.solve(Matrix.of(x), Matrix.column(y), options(mode))) {
                assertThat(s.rank()).isEqualTo(6);
                assertThat(s.nullity()).isEqualTo(6);
                double[] w0 = s.minimumNorm().columnToArray(0);
                // w₁ = w₀ + 10z with z the last vector of the basis.
                double[] w1 = s.member(0, 0, 0, 0, 0, 10);
                double[] z = Dense.column(entries(s.nullSpace().basis()), 5);
                Checks.close("X z", mode, Dense.column(Dense.multiply(x, Dense.column(z)), 0), new double[6], 1e-14);
                double distance = 0;
                double[] predicted0 = s.predict(x);
                double[] predicted1 = entries1(s.predict(Matrix.of(x), Matrix.column(w1)));
                for (int j = 0; j < 12; j++) {
                    distance = Math.hypot(distance, w1[j] - w0[j]);
                    assertThat(w1[j]).isCloseTo(w0[j] + 10 * z[j], offset(1e-14));
                }
                assertThat(distance).as(mode + ": ‖w₁ − w₀‖").isCloseTo(10, offset(2e-14));
                for (int i = 0; i < 6; i++) {
                    assertThat(predicted1[i]).as(mode + ": prediction " + i).isCloseTo(predicted0[i], offset(3e-14));
                    assertThat(predicted0[i]).isCloseTo(y[i], offset(1e-14));
                }
                assertThat(Dense.norm(w0)).isLessThan(Dense.norm(truth));
                assertThat(s.contains(truth)).isTrue();
                assertThat(s.contains(w1)).isTrue();
            }
        }
    }

    private static double[] entries1(Matrix m) {
        return Dense.column(entries(m), 0);
    }

    /** The cubic through (5, 2), (3, 5), (1, 3): β = q + β₃·c with q the quadratic and c the cubic that vanishes at 1, 3 and 5. */
    @Test
    void cubicThroughThreePoints() {
        double[] points = {5, 3, 1};
        double[][] x = new double[3][];
        for (int i = 0; i < 3; i++) {
            double t = points[i];
            x[i] = new double[] {1, t, t * t, t * t * t};
        }
        double[] y = {2, 5, 3};
        double[] q = {0.125, 3.5, -0.625, 0};
        double[] c = {-15, 23, -9, 1};
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            try (SolutionSet s = Nullspace.solve(Matrix.of(x), Matrix.column(y), options(mode))) {
                assertThat(s.rank()).isEqualTo(3);
                assertThat(s.nullity()).isEqualTo(1);
                double[] sigma = s.singularValues();
                assertThat(String.format(Locale.ROOT, "%.1f %.1f %.2f", sigma[0], sigma[1], sigma[2]))
                        .as(mode + "")
                        .isEqualTo("130.7 4.2 0.84");

                double least = -Dense.dot(q, c) / Dense.dot(c, c);
                requireCoefficients(mode + ": minimum norm", s.minimumNorm().columnToArray(0), q, c, least);
                FixedCoefficients f = s.fixing(3, 2.0);
                assertThat(f.feasible()).isTrue();
                assertThat(f.remainingFreedom()).isZero();
                double[] fixed = entries1(f.weights());
                assertThat(fixed[3]).isEqualTo(2.0);
                requireCoefficients(mode + ": fixing(3, 2.0)", fixed, q, c, 2);
                assertThat(fixed).containsExactly(new double[] {-29.875, 49.5, -18.625, 2}, offset(1e-11));
                for (long seed = 1; seed <= 4; seed++) {
                    double[] w = entries1(s.random(seed, 10));
                    requireCoefficients(mode + ": random member " + seed, w, q, c, w[3]);
                    double[] predicted = entries1(s.predict(Matrix.of(x), Matrix.column(w)));
                    for (int i = 0; i < 3; i++) {
                        assertThat(predicted[i])
                                .as(mode + ": through the points")
                                .isCloseTo(y[i], offset(1e-11));
                    }
                }
            }
        }
    }

    private static void requireCoefficients(String where, double[] w, double[] q, double[] c, double cubic) {
        for (int j = 0; j < 4; j++) {
            assertThat(w[j]).as(where + ", β" + j).isCloseTo(q[j] + cubic * c[j], offset(1e-11));
        }
    }
}
