package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.nullspace.Nullspace;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Status;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.model.SvdChoice;
import org.nullspace.solve.ComposedBatch;

/** Pieces of work that together make every call that the CUDA backend ever makes. Each checks its own result. */
final class Scenario {
    private static final int N = 7;
    private static final int D = 19;

    private Scenario() {}

    /** All pieces by name, in a fixed order. */
    static Map<String, Runnable> pieces() {
        Map<String, Runnable> pieces = new LinkedHashMap<>();
        pieces.put("GRAM, one target", () -> solve(Precision.FLOAT64, 1, false, options(Method.GRAM)));
        pieces.put("GRAM, float32, targets", () -> solve(Precision.FLOAT32, 3, false, options(Method.GRAM)));
        pieces.put("QR_SVD, rank deficient", () -> solve(Precision.FLOAT64, 2, true, options(Method.QR_SVD)));
        pieces.put("GESVD", () -> solve(Precision.FLOAT64, 1, false, options(Method.GESVD)));
        pieces.put(
                "GESVD in float32",
                () -> solve(Precision.FLOAT32, 2, false, options(Method.GESVD).precision(Precision.FLOAT32)));
        pieces.put(
                "intercept",
                () -> solve(Precision.FLOAT64, 1, false, options(Method.AUTO).intercept(InterceptRule.UNPENALISED)));
        if (CusolverBridge.isLoaded()) {
            for (SvdChoice choice : List.of(SvdChoice.JACOBI, SvdChoice.POLAR)) {
                pieces.put(
                        "QR_SVD by " + choice,
                        // The polar decomposition does not vouch for vanishing singular values.
                        () -> solve(
                                Precision.FLOAT64,
                                1,
                                choice != SvdChoice.POLAR,
                                options(Method.QR_SVD).svd(choice)));
            }
        }
        pieces.put("batch", Scenario::batch);
        pieces.put("streamed", Scenario::streamed);
        pieces.put("batched routines in float32", Scenario::batchedNarrow);
        pieces.put("composed batch", Scenario::composed);
        return pieces;
    }

    static SolveOptions.Builder options(Method method) {
        return SolveOptions.builder().backend(BackendChoice.CUDA).method(method);
    }

    private static Matrix random(SplittableRandom random, Precision precision, long batch, long rows, long columns) {
        Matrix m = Matrix.zeros(precision, batch, rows, columns, Layout.ROW_MAJOR);
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                for (long j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextDouble(-1, 1));
                }
            }
        }
        return m;
    }

    /** A solve and every kind of question to its solution set. */
    private static void solve(Precision precision, int targets, boolean deficient, SolveOptions.Builder options) {
        SplittableRandom random = new SplittableRandom(targets);
        Matrix x = random(random, precision, 1, N, D);
        if (deficient) {
            x.rows(N - 1, N).copyFrom(x.rows(0, 1));
        }
        Matrix y = random(random, precision, 1, N, targets);
        if (deficient) {
            y.rows(N - 1, N).copyFrom(y.rows(0, 1));
        }
        SolveOptions chosen = options.build();
        int centred = chosen.intercept() == InterceptRule.UNPENALISED ? 1 : 0;
        try (SolutionSet s = Nullspace.solve(x, y, chosen)) {
            assertThat(s.rank()).isEqualTo(N - (deficient ? 1 : 0) - centred);
            assertThat(s.singularValues()).hasSize(N - centred);
            double tolerance = chosen.precision() == Precision.FLOAT32 || precision == Precision.FLOAT32 ? 1e-4 : 1e-10;
            Matrix fitted = s.predict(x);
            for (int i = 0; i < N; i++) {
                for (int j = 0; j < targets; j++) {
                    assertThat(fitted.get(i, j)).isCloseTo(y.get(i, j), within(tolerance));
                }
            }
            assertThat(s.certificate().holds(tolerance)).isTrue();
            Matrix other = s.random(1, 2);
            assertThat(s.contains(other)).isTrue();
            assertThat(s.decompose(other)).isNotNull();
            s.ridge(0.1).close();
            s.nullSpace().basis().close();
        }
        x.close();
        y.close();
    }

    private static void batch() {
        SplittableRandom random = new SplittableRandom(5);
        Matrix x = random(random, Precision.FLOAT64, 5, N, D);
        Matrix y = random(random, Precision.FLOAT64, 5, N, 1);
        try (SolutionBatch all = Nullspace.solveBatch(x, y, options(Method.AUTO).build())) {
            assertThat(all.ranks()).containsOnly(N);
        }
        x.close();
        y.close();
    }

    /** The operations with operands of the host, and batches of products, which no solve needs at this size. */
    private static void streamed() {
        SplittableRandom random = new SplittableRandom(6);
        Matrix x = random(random, Precision.FLOAT64, 1, 40, 2000);
        try (CudaSession session = new CudaSession(CudaDevice.get(0));
                MemoryScope scope = MemoryScope.open()) {
            Matrix gram = session.allocate(scope, 40, 40);
            session.gram(1, x, 0, gram);
            Matrix product = session.allocate(scope, 40, 40);
            Matrix device = session.allocate(scope, Precision.FLOAT64, 1, 40, 2000, Layout.COLUMN_MAJOR);
            session.copy(x, device);
            session.multiply(1, x, device.transposed(), 0, product);
            session.add(-1, gram, 1, product);
            session.keepTriangle(Triangle.LOWER, product);
            Matrix most = session.allocate(scope, 1, 1);
            session.maxMagnitude(product, most);
            assertThat(session.toHost(most).get(0, 0)).isLessThan(1e-10);
            session.maxMagnitude(x, most);
            Matrix norms = session.allocate(scope, 1, 2000);
            session.columnNorms(x, norms);
            session.copyColumns(device, new int[] {7, 3}, product, new int[] {0, 39});
            session.copyColumns(x, new int[] {5}, product, new int[] {1});
            assertThat(session.toHost(product).get(2, 39)).isEqualTo(x.get(2, 3));
            assertThat(session.toHost(product).get(2, 1)).isEqualTo(x.get(2, 5));
            Matrix three = session.allocate(scope, Precision.FLOAT64, 3, 4, 4, Layout.COLUMN_MAJOR);
            session.identity(three);
            Matrix squares = session.allocate(scope, Precision.FLOAT64, 3, 4, 4, Layout.COLUMN_MAJOR);
            session.multiply(1, three, three, 0, squares);
            assertThat(session.toHost(squares).get(2, 3, 3)).isEqualTo(1);
            Matrix narrow = session.allocate(scope, Precision.FLOAT32, 1, 8, 8, Layout.COLUMN_MAJOR);
            session.identity(narrow);
            Matrix result = session.allocate(scope, Precision.FLOAT32, 1, 8, 8, Layout.COLUMN_MAJOR);
            session.multiply(1, narrow, narrow, 0, result);
            session.gram(1, narrow, 0, result);
            session.solveTriangular(Triangle.LOWER, narrow, result);
            session.cholesky(narrow, session.status(scope, 1));
            session.eigenvalues(
                    narrow,
                    session.allocate(scope, Precision.FLOAT32, 1, 8, 1, Layout.COLUMN_MAJOR),
                    session.status(scope, 1));
            session.synchronize();
        }
        x.close();
    }

    /** Operations on batches, which no solve needs in float32. */
    private static void batchedNarrow() {
        SplittableRandom random = new SplittableRandom(7);
        Matrix host = random(random, Precision.FLOAT32, 3, 4, 4);
        try (CudaSession session = new CudaSession(CudaDevice.get(0));
                MemoryScope scope = MemoryScope.open()) {
            Matrix a = session.allocate(scope, Precision.FLOAT32, 3, 4, 4, Layout.COLUMN_MAJOR);
            session.copy(host, a);
            Matrix tau = session.allocate(scope, Precision.FLOAT32, 3, 4, 1, Layout.COLUMN_MAJOR);
            session.qr(a, tau);
            session.keepTriangle(Triangle.UPPER, a);
            Matrix gram = session.allocate(scope, Precision.FLOAT32, 3, 4, 4, Layout.COLUMN_MAJOR);
            session.multiply(1, a.transposed(), a, 0, gram);
            Status status = session.status(scope, 3);
            session.cholesky(gram, status);
            assertThat(session.read(status)).containsOnly(0);
            session.keepTriangle(Triangle.LOWER, gram);
            // L = Rᵀ but for signs, so that L⁻¹Rᵀ is diagonal with ones and minus ones.
            Matrix signs = session.allocate(scope, Precision.FLOAT32, 3, 4, 4, Layout.COLUMN_MAJOR);
            session.copy(a.transposed(), signs);
            session.solveTriangular(Triangle.LOWER, gram, signs);
            Matrix product = session.toHost(signs);
            for (int b = 0; b < 3; b++) {
                assertThat(Math.abs(product.get(b, 3, 3))).isCloseTo(1, within(1e-3));
            }
            Matrix s = session.allocate(scope, Precision.FLOAT32, 3, 4, 1, Layout.COLUMN_MAJOR);
            session.singularValues(signs, s, status);
            assertThat(session.read(status)).containsOnly(0);
            assertThat(session.toHost(s).get(2, 0, 0)).isCloseTo(1, within(1e-2));
        }
        host.close();
    }

    /** Every operation on batches of small problems that are composed of others. */
    private static void composed() {
        SplittableRandom random = new SplittableRandom(8);
        for (int[] shape : new int[][] {{N, D}, {D, N}}) {
            Matrix x = random(random, Precision.FLOAT64, 3, shape[0], shape[1]);
            Matrix y = random(random, Precision.FLOAT64, 3, shape[0], 2);
            try (CudaSession session = new CudaSession(CudaDevice.get(0));
                    MemoryScope scope = MemoryScope.open()) {
                ComposedBatch solver = new ComposedBatch(session);
                Matrix hereX = session.allocate(scope, Precision.FLOAT64, 3, shape[0], shape[1], Layout.ROW_MAJOR);
                session.copy(x, hereX);
                Matrix hereY = session.allocate(scope, Precision.FLOAT64, 3, shape[0], 2, Layout.ROW_MAJOR);
                session.copy(y, hereY);
                Matrix w = session.allocate(scope, Precision.FLOAT64, 3, shape[1], 2, Layout.ROW_MAJOR);
                Matrix bounds = session.allocate(scope, Precision.FLOAT64, 3, 1, 2, Layout.ROW_MAJOR);
                Matrix sigma = session.allocate(scope, Precision.FLOAT64, 3, N, 1, Layout.COLUMN_MAJOR);
                solver.minimumNorm(hereX, hereY, w, bounds, sigma);
                Matrix direct = session.toHost(w).copy(Layout.ROW_MAJOR);
                assertThat(session.toHost(bounds).get(2, 0, 1)).isFinite();
                solver.truncated(hereX, hereY, new int[] {0, 1, 2}, new int[] {N, N, N}, 0, w);
                Matrix spectral = session.toHost(w);
                assertThat(spectral.get(2, 0, 1)).isCloseTo(direct.get(2, 0, 1), within(1e-10));
                solver.singularValues(hereX, new int[] {0, 2}, sigma.problems(0, 2));
                solver.transform(BatchSolver.Transform.PROJECT_ON_NULL_SPACE, hereX, new int[] {N, N, N}, w);
                solver.transform(BatchSolver.Transform.TO_COORDINATES, hereX, new int[] {2, N, 0}, w);
                assertThat(session.toHost(w).get(1, 0, 0)).isCloseTo(0, within(1e-12));
            }
            x.close();
            y.close();
        }
    }
}
