package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.OnSession;
import org.nullspace.backend.Session;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.RidgePath;
import org.nullspace.model.RidgePath.Criterion;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** What is done costs what it should: operations on matrices as long as X are counted, by what they multiply. */
abstract class WorkConformance extends Conformance {
    private static final int N = 70;
    private static final int D = 900;

    /** Multiplications by operation, of those that have an operand as long as X. */
    private static final class Work {
        private final Map<String, Double> multiplications = new TreeMap<>();
        private int residuals;

        private void add(String operation, Object[] args) {
            double count = switch (operation) {
                case "gram" -> product((Matrix) args[1], (Matrix) args[3]);
                case "multiply" -> product((Matrix) args[1], (Matrix) args[4]);
                case "qr", "singularValues" -> shape((Matrix) args[0]);
                case "svd" -> shape((Matrix) args[1]);
                case "sketch" -> shape((Matrix) args[1]);
                default -> 0;
            };
            if (count > 0) {
                multiplications.merge(operation, count, Double::sum);
            }
            if (operation.equals("multiply") && (double) args[0] == -1 && ((Matrix) args[1]).columns() == D) {
                residuals++;
            }
        }

        private static double product(Matrix a, Matrix c) {
            boolean isLong = Math.max(a.columns(), c.rows()) >= D / 2;
            return isLong ? (double) c.rows() * a.columns() * c.columns() : 0;
        }

        private static double shape(Matrix a) {
            double shorter = Math.min(a.rows(), a.columns());
            return Math.max(a.rows(), a.columns()) >= D / 2 ? shorter * shorter * Math.max(a.rows(), a.columns()) : 0;
        }

        private double of(String operation) {
            return multiplications.getOrDefault(operation, 0.0);
        }

        private void clear() {
            multiplications.clear();
            residuals = 0;
        }
    }

    private Session counted(Work work) {
        return watched(provider().open(0), work::add);
    }

    private SolutionSet solve(Work work, Planted p, Method method) {
        SolveOptions options = options().method(method).build();
        return OnSession.solve(counted(work), p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options);
    }

    private static Planted planted(int rank, double condition) {
        return Planted.of(12_000 + rank, N, D, 2, rank, Spectrum.STEEP, condition, 0, Precision.FLOAT64);
    }

    @Test
    void aCertifiedSolutionCostsOneGramMatrix() {
        Work work = new Work();
        try (SolutionSet s = solve(work, planted(N, 3), Method.AUTO)) {
            assertThat(s.method()).isEqualTo(Method.GRAM);
            assertThat(work.multiplications.keySet()).containsOnly("gram", "multiply");
            assertThat(work.of("gram")).isEqualTo((double) N * N * D);
            // Xᵀα and one residual.
            assertThat(work.of("multiply")).isEqualTo(2.0 * N * D * 2);
        }
    }

    /** Where products take less time: no triangular solve for a few targets, and no trust in an inverse that is none. */
    @Test
    void anInverseMadeOfProductsIsTriedAndUsed() {
        for (boolean spoilt : new boolean[] {false, true}) {
            Map<String, Integer> calls = new TreeMap<>();
            Session open = provider().open(0);
            assumeTrue(open.prefersProducts(), "this backend solves with triangles");
            Session session = watched(open, (operation, args) -> {
                calls.merge(operation, 1, Integer::sum);
                if (spoilt && operation.equals("invertWellConditioned")) {
                    open.fill(((Matrix) args[0]).rows(N - 1, N).columns(N / 2, N / 2 + 1), 0.1);
                }
            });
            Planted p = planted(N, 3);
            SolveOptions options = options().method(Method.GRAM).build();
            try (SolutionSet s =
                    OnSession.solve(session, p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options)) {
                assertThat(s.method()).isEqualTo(Method.GRAM);
                assertThat(s.refinement().backwardError()).isLessThan(1e-15);
                assertThat(calls.getOrDefault("invertLower", 0)).isEqualTo(spoilt ? 1 : 0);
                assertThat(calls).doesNotContainKey("solveTriangular");
            }
        }
    }

    @Test
    void stepsAreCorrectionsThatWereMade() {
        for (double condition : new double[] {3, 1e3, 1e4}) {
            Work work = new Work();
            try (SolutionSet s = solve(work, planted(N, condition), Method.GRAM)) {
                // A residual for each correction, and one that told whether any was needed.
                assertThat(work.residuals).isEqualTo(s.refinement().steps() + 1);
                assertThat(s.method()).isEqualTo(Method.GRAM);
                if (condition > 3) {
                    assertThat(s.refinement().steps()).isPositive();
                } else {
                    assertThat(s.refinement().steps()).isZero();
                }
            }
        }
    }

    /** No certificate for GRAM, then QR: what it costs alone, and one Gram matrix. */
    @Test
    void fallingThroughCostsTheFailedAttempt() {
        Planted p = planted(N, 1e9);
        Work direct = new Work();
        try (SolutionSet s = solve(direct, p, Method.QR_SVD)) {
            assertThat(s.outcome().isSolved()).isTrue();
        }
        Work both = new Work();
        try (SolutionSet s = solve(both, p, Method.AUTO)) {
            assertThat(s.method()).isEqualTo(Method.QR_SVD);
        }
        direct.multiplications.merge("gram", (double) N * N * D, Double::sum);
        assertThat(both.multiplications).isEqualTo(direct.multiplications);
    }

    /** Solutions for all penalties and both scores from what solving has made. */
    @ParameterizedTest
    @EnumSource(names = {"GRAM", "QR_SVD", "GESVD"})
    void pathsFactorizeNothing(Method method) {
        double[] penalties = new double[150];
        Arrays.setAll(penalties, l -> Math.pow(10, 3 - l / 15.0));
        Work work = new Work();
        try (SolutionSet s = solve(work, planted(N, 3), method)) {
            work.clear();
            try (RidgePath path = s.ridgePath(penalties)) {
                path.scores(Criterion.LEAVE_ONE_OUT).close();
                path.scores(Criterion.GENERALIZED_CROSS_VALIDATION).close();
                assertThat(work.multiplications).as("scores").isEmpty();
                path.coefficients().close();
                path.select(3, 140).close();
                assertThat(work.multiplications.keySet()).isSubsetOf("multiply");
                // Fewer products with a factor as long as X than one for each of 150 penalties and 2 targets.
                assertThat(work.of("multiply")).isLessThan(0.7 * 150 * 2 * N * D);
            }
        }
    }

    /** The row space that was found is kept: projections multiply by it, twice. */
    @Test
    void projectionsUseTheKeptBasis() {
        Work work = new Work();
        Planted p = planted(20, 100);
        SolveOptions options = options().method(Method.SKETCH).build();
        try (SolutionSet s =
                OnSession.solve(counted(work), p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options)) {
            assertThat(s.method()).isEqualTo(Method.SKETCH);
            work.clear();
            double[][] z = new double[D][5];
            z[3][2] = 1;
            entries(s.nullSpace().project(Matrix.of(z)));
            assertThat(work.multiplications.keySet()).containsOnly("multiply");
            assertThat(work.of("multiply")).isCloseTo(2.0 * 2 * 20 * D * 5, within(0.5 * 2 * 20 * D * 5));
        }
    }
}
