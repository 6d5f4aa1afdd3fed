package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.SessionConformance;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** OpenBLAS passes the suite for all backends, with large operations in three slices also on a machine with one core. */
class OpenBlasSessionTest extends SessionConformance {
    private static final OpenBlasThreads THREADS = threads();

    private static OpenBlasThreads threads() {
        BlasThreadCount.set(1);
        return new OpenBlasThreads(3);
    }

    @Override
    protected Session openSession() {
        return new OpenBlasSession(THREADS);
    }

    @Test
    void refusesSizesThatBlasCannotCount() {
        long many = Integer.MAX_VALUE + 1L;
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.open()) {
            Matrix a = session.allocate(scope, many, 0);
            Matrix none = session.allocate(scope, 0, 0);
            Matrix c = session.allocate(scope, many, 0);
            assertThatThrownBy(() -> session.multiply(1, a, none, 0, c))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("multiply")
                    .hasMessageContaining("2147483648×0")
                    .hasMessageContaining("2147483647");
            Matrix wide = session.allocate(scope, Precision.FLOAT64, 1, 0, many, Layout.ROW_MAJOR);
            assertThatThrownBy(() -> session.gram(1, wide, 0, none))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("gram");
            session.fill(a, 1);
            session.copy(a, c);
        }
    }

    @Test
    void toHostIsAView() {
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.open()) {
            Matrix a = session.allocate(scope, 2, 2);
            session.fill(a, 1);
            assertThat(session.toHost(a)).isSameAs(a);
        }
    }

    @Test
    void helpersMayTouchConfinedScopes() {
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.confined()) {
            int n = 600;
            Matrix a = session.allocate(scope, Precision.FLOAT32, 1, n, n, Layout.ROW_MAJOR);
            Matrix b = session.allocate(scope, n, n);
            Matrix c = session.allocate(scope, n, n);
            session.fill(a, 0.5);
            session.copy(a, b);
            session.gram(1, a, 0, c);
            session.multiply(1, a, b, 0, c);
            assertThat(c.get(n - 1, n - 1)).isEqualTo(n / 4.0);
        }
    }

    @Test
    void resultsDoNotDependOnWhoDoesTheWork() {
        int n = 400;
        SplittableRandom random = new SplittableRandom(1);
        double[][] entries = new double[n][n];
        for (double[] row : entries) {
            for (int j = 0; j < n; j++) {
                row[j] = random.nextDouble() - 0.5;
            }
        }
        try (Session session = openSession();
                MemoryScope scope = MemoryScope.open()) {
            Matrix a = Matrix.of(scope, entries);
            Matrix first = results(session, scope, a);
            for (int repeat = 0; repeat < 5; repeat++) {
                assertThat(results(session, scope, a).hasSameEntries(first)).isTrue();
            }
        }
    }

    private static Matrix results(Session session, MemoryScope scope, Matrix a) {
        long n = a.rows();
        Matrix all = session.allocate(scope, Precision.FLOAT64, 4, n, n, Layout.COLUMN_MAJOR);
        Status status = session.status(scope, 1);
        session.fill(all, 0);
        session.multiply(1, a, a, 0, all.problem(0));
        session.gram(1, a, 0, all.problem(1));
        session.copy(all.problem(1), all.problem(2));
        session.cholesky(all.problem(2), status);
        session.copy(a, all.problem(3));
        session.solveTriangular(Triangle.LOWER, all.problem(2), all.problem(3));
        session.qr(all.problem(0), session.allocate(scope, n, 1));
        return all;
    }
}
