package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.OnSession;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.Certificate;
import org.nullspace.model.Factorization;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.Plan;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.solve.Planner;

/** X several times as large as the memory of the device: planted answers, everything a set can be asked, and never more memory than there is. */
class LargerThanDeviceTest {
    private static final int SHORT = 80;
    private static final int LONG = 8_000;
    private static final long MEMORY = 1_200_000;

    static Stream<Planted> planted() {
        List<Planted> cases = new ArrayList<>();
        long seed = 42_000;
        for (Precision precision : Precision.values()) {
            for (boolean wide : new boolean[] {true, false}) {
                for (int rank : new int[] {SHORT, SHORT - 7}) {
                    int n = wide ? SHORT : LONG;
                    int d = wide ? LONG : SHORT;
                    int k = rank == SHORT ? 1 : 2;
                    double steep = precision == Precision.FLOAT64 ? 1e3 : 1e2;
                    cases.add(Planted.of(seed++, n, d, k, rank, Spectrum.STEEP, steep, 0.3, precision));
                }
            }
        }
        return cases.stream();
    }

    private static Plan plan(Planted p, SolveOptions options, SmallDevice device) {
        return Planner.plan(p.n(), p.d(), p.k(), p.precision(), Place.HOST, options, device);
    }

    @ParameterizedTest
    @MethodSource("planted")
    void findsThePlantedSolutionAndItsSet(Planted p) {
        Matrix x = p.matrixX(p.seed() % 2 == 0 ? Storage.ROW_MAJOR : Storage.COLUMN_MAJOR_PADDED);
        Matrix before = x.copy(Layout.ROW_MAJOR);
        Matrix y = p.matrixY(Storage.ROW_MAJOR);
        assertThat(x.byteSize()).isGreaterThan(2 * MEMORY);
        for (Mode mode : Mode.of(p.precision())) {
            if (mode.method() == Method.GESVD || mode.method() == Method.AUTO) {
                continue;
            }
            String where = mode + " on " + p;
            SmallDevice device = SmallDeviceProvider.device(0, MEMORY);
            SolveOptions options = mode.on(SolveOptions.builder()).build();
            Plan plan = plan(p, options, device);
            assertThat(plan.streamed()).as(where + plan.explain()).isTrue();
            try (SolutionSet s = OnSession.solve(device, x, y, options)) {
                boolean first = s.method() == plan.methods().get(0);
                Checks.atMost(
                        "memory over plan",
                        where,
                        device.peakBytes(),
                        first ? plan.workspaceBytes() : plan.worstWorkspaceBytes());
                // What SKETCH keeps is as large as X.
                boolean declines = p.rank() < SHORT || mode.method() == Method.SKETCH;
                assertThat(s.method()).as(where).isEqualTo(declines ? Method.QR_SVD : mode.method());
                SolverConformance.requireSolution(where, p, s);
                SolverConformance.requireDecision(where, p, s, mode.working());
                requireSet(where, p, s, mode.working().epsilon());
                assertThat(device.peakBytes()).as(where).isLessThanOrEqualTo(MEMORY);
            }
            assertThat(device.isClosed()).as(where).isTrue();
            assertThat(device.liveBytes()).as(where).isZero();
            assertThat(x.hasSameEntries(before)).as(where + ": X is untouched").isTrue();
        }
    }

    /** Certificate, projections, coordinates, members, ridge. */
    private static void requireSet(String where, Planted p, SolutionSet s, double eps) {
        double unit = SolverConformance.ROOM * Math.max(eps, p.precision().epsilon());
        Certificate c = s.certificate();
        Checks.atMost("null space seen by X", where, c.nullSpaceResidual(), unit * p.sensitivity() * c.xNorm());
        Checks.atMost(
                "orthonormality of the basis", where, c.orthonormalityDefect(), SolverConformance.ROOM * eps * SHORT);

        double[][] w = Dense.gaussian(new org.nullspace.random.SplitMix64(p.seed()), p.d(), p.k());
        Matrix any = Matrix.of(w);
        double[][] inRow = Dense.multiply(p.v(), Dense.multiply(Dense.transpose(p.v()), w));
        double size = unit * p.sensitivity() * Dense.norm(w);
        double[][] nullPart = Conformance.entries(s.nullSpace().project(any));
        Checks.close("projection on the null space", where, nullPart, Dense.subtract(w, inRow), size);
        Checks.close(
                "projection on the row space",
                where,
                Conformance.entries(s.rowSpace().project(any)),
                inRow,
                size);
        Checks.close(
                "combination of coordinates",
                where,
                Conformance.entries(s.rowSpace().combine(s.rowSpace().coordinates(any))),
                inRow,
                size);
        Matrix z = s.nullSpace().coordinates(any);
        Checks.close(
                "combination of coordinates in the null space",
                where,
                Conformance.entries(s.nullSpace().combine(z)),
                Dense.subtract(w, inRow),
                size);
        double[][] base = s.minimumNorm().toArray();
        double[][] moved = Conformance.entries(s.member(z));
        Checks.close("member", where, Dense.subtract(moved, base), nullPart, size + unit * Dense.norm(base));
        Checks.close(
                "nearest member",
                where,
                Dense.subtract(Conformance.entries(s.closestTo(any)), base),
                nullPart,
                size + unit * Dense.norm(base));
        assertThat(s.contains(Matrix.of(moved), 1e-3)).as(where).isTrue();
        if (p.rank() < p.d()) {
            assertThat(s.fixing(new int[] {1, 3}, new double[] {2, -1}).feasible())
                    .as(where)
                    .isTrue();
        }
        double[][] predicted = Conformance.entries(s.predict(p.matrixX(Storage.COLUMN_MAJOR), Matrix.of(moved)));
        Checks.close(
                "prediction of a member",
                where,
                predicted,
                Dense.multiply(p.x(), base),
                unit * p.sensitivity() * (Dense.norm(base) + Dense.norm(w)));

        double lambda = 0.01;
        double[][] uy = Dense.multiply(Dense.transpose(p.u()), p.y());
        for (int i = 0; i < p.rank(); i++) {
            double sigma = p.sigma()[i];
            for (int j = 0; j < p.k(); j++) {
                uy[i][j] *= sigma / (sigma * sigma + lambda);
            }
        }
        double[][] ridge = Dense.multiply(p.v(), uy);
        Checks.close(
                "ridge",
                where,
                Conformance.entries(s.ridge(lambda)),
                ridge,
                unit * Math.sqrt(SHORT) * (Dense.norm(ridge) + Dense.norm(p.y())) / lambda);
    }

    @ParameterizedTest
    @MethodSource("planted")
    void transformsXOnTheHost(Planted p) {
        Matrix x = p.matrixX(Storage.ROW_MAJOR);
        Matrix y = p.matrixY(Storage.ROW_MAJOR);
        double[] weights = new double[p.n()];
        Arrays.setAll(weights, i -> i % 5 == 2 ? 0 : 1 + i % 3);
        for (Mode mode : Mode.of(p.precision())) {
            if (mode.method() == Method.GESVD || mode.method() == Method.AUTO) {
                continue;
            }
            for (InterceptRule rule : InterceptRule.values()) {
                SolveOptions options = mode.on(SolveOptions.builder())
                        .intercept(rule)
                        .sampleWeights(weights)
                        .backend(BackendChoice.CPU)
                        .build();
                String where = mode + " " + rule + " on " + p;
                SmallDevice device = SmallDeviceProvider.device(0, MEMORY);
                Plan plan = plan(p, options, device);
                assertThat(plan.streamed()).as(where).isTrue();
                assertThat(plan.hostBytes()).as(where).isGreaterThanOrEqualTo(x.byteSize());
                try (SolutionSet s = OnSession.solve(device, x, y, options);
                        SolutionSet expected = Nullspace.solve(x, y, options)) {
                    Checks.atMost("memory over plan", where, device.peakBytes(), plan.worstWorkspaceBytes());
                    assertThat(s.rank()).as(where).isEqualTo(expected.rank());
                    double[][] w = expected.minimumNorm().toArray();
                    double bound = SolverConformance.ROOM * p.precision().epsilon() * p.sensitivity();
                    Checks.close("forward error", where, s.minimumNorm().toArray(), w, bound * 4 * Dense.norm(w));
                    double size = Dense.norm(w) + Dense.norm(p.y());
                    Checks.close("intercept", where, s.intercept(), expected.intercept(), bound * size);
                    Checks.close("residual", where, s.residualNorms(), expected.residualNorms(), bound * 4 * size);
                    assertThat(device.peakBytes()).as(where).isLessThanOrEqualTo(MEMORY);
                }
                assertThat(device.liveBytes()).as(where).isZero();
            }
        }
    }

    @Test
    void saysWhatDoesNotFitAndWhatToDo() {
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, SHORT, LONG, Layout.ROW_MAJOR);
        for (Method method : new Method[] {Method.GESVD, Method.QR_SVD, Method.GRAM}) {
            long memory = method == Method.GESVD ? MEMORY : 1 << 16;
            SmallDevice device = SmallDeviceProvider.device(0, memory);
            SolveOptions options = SolveOptions.builder().method(method).build();
            assertThatThrownBy(() -> OnSession.factor(device, x, options))
                    .isInstanceOf(InsufficientMemoryException.class)
                    .hasMessageContainingAll(
                            "80×8000", method.name(), method == Method.GESVD ? "QR_SVD" : "bytes", "available");
            assertThat(device.peakBytes()).as("nothing has been allocated").isZero();
            device.close();
        }
    }

    @Test
    void takesXOnTheDeviceInPlace() {
        Planted p = Planted.of(42_100, 30, 3000, 1, 25, Spectrum.STEEP, 100, 0.3, Precision.FLOAT64);
        // X takes 0.7 MB of 1.3: no second one fits, so that its QR factorization is blocked.
        SmallDevice device = SmallDeviceProvider.device(0, 1_300_000);
        try (device;
                MemoryScope scope = MemoryScope.open()) {
            Matrix x = device.allocate(scope, Precision.FLOAT64, 1, 30, 3000, Layout.ROW_MAJOR);
            device.copy(p.matrixX(Storage.ROW_MAJOR), x);
            Plan plan = Planner.plan(30, 3000, 1, Precision.FLOAT64, device.place(), SolveOptions.defaults(), device);
            assertThat(plan.streamed()).isFalse();
            assertThat(plan.hostBytes()).isPositive();
            long held = device.liveBytes();
            device.resetPeak();
            try (Factorization f = OnSession.factor(device, x, SolveOptions.defaults());
                    SolutionSet s = f.solve(p.matrixY(Storage.ROW_MAJOR))) {
                assertThat(device.peakBytes() - held).isLessThanOrEqualTo(plan.worstWorkspaceBytes());
                SolverConformance.requireSolution("X on the device, " + p, p, s);
            }
            assertThat(device.liveBytes()).isEqualTo(held);
        }
    }
}
