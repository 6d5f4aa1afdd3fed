package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** The police is policed: each kind of finding is provoked once. */
class CheckedSessionTest {
    private final Session inner = Backends.providers(DeviceKind.CPU).get(0).open(0);
    private final CheckedSession session = new CheckedSession(inner);

    @AfterEach
    void close() {
        session.close();
    }

    @Test
    void countsLiveAndPeakBytes() {
        try (MemoryScope scope = MemoryScope.open()) {
            session.allocate(scope, 3, 4);
            try (MemoryScope nested = scope.nested()) {
                session.allocate(nested, Precision.FLOAT32, 2, 5, 5, Layout.ROW_MAJOR);
                assertThat(session.liveBytes()).isEqualTo(96 + 200);
            }
            assertThat(session.liveBytes()).isEqualTo(96);
            assertThatThrownBy(session::assertClean)
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("96 live");
        }
        assertThat(session.liveBytes()).isZero();
        assertThat(session.peakBytes()).isEqualTo(296);
        session.assertClean();
    }

    @Test
    void poisonsFreshOperands() {
        try (MemoryScope scope = MemoryScope.open()) {
            assertThat(session.allocate(scope, 2, 2).get(1, 1)).isNaN();
        }
    }

    @Test
    void countsCallsAndCopies() {
        try (MemoryScope scope = MemoryScope.open();
                Matrix host = Matrix.of(new double[][] {{1, 2}, {3, 4}})) {
            Matrix a = session.allocate(scope, 2, 2);
            Matrix b = session.allocate(scope, 2, 2);
            session.copy(host, a);
            session.copy(a, b);
            session.copy(b, host);
            session.toHost(b);
            session.synchronize();
            session.read(session.status(scope, 1));
            assertThat(session.uploads()).isEqualTo(1);
            assertThat(session.uploadedBytes()).isEqualTo(32);
            assertThat(session.downloads()).isEqualTo(2);
            assertThat(session.downloadedBytes()).isEqualTo(64);
            assertThat(session.calls("copy")).isEqualTo(3);
            assertThat(session.calls("multiply")).isZero();
            assertThat(session.calls()).containsKeys("allocate", "copy", "read", "status", "synchronize", "toHost");
            session.resetCounts();
            assertThat(session.calls()).isEmpty();
            assertThat(session.uploads() + session.downloads()).isZero();
            assertThat(session.peakBytes()).isEqualTo(64);
        }
    }

    @Test
    void failsTheChosenAllocation() {
        try (MemoryScope scope = MemoryScope.open()) {
            session.allocate(scope, 1, 1);
            session.failAllocation(2);
            session.allocate(scope, 1, 1);
            assertThatThrownBy(() -> session.allocate(scope, 1, 1)).isInstanceOf(InsufficientMemoryException.class);
            session.allocate(scope, 1, 1);
            assertThat(session.liveBytes()).isEqualTo(24);
        }
    }

    @Test
    void forgesTheChosenStatus() {
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix a = session.allocate(scope, Precision.FLOAT64, 2, 1, 1, Layout.ROW_MAJOR);
            session.fill(a, 1);
            session.status(scope, 2);
            session.forgeStatus(2, 7);
            Status first = session.status(scope, 2);
            Status second = session.status(scope, 2);
            session.cholesky(a, first);
            session.cholesky(a, second);
            assertThat(session.read(first)).containsExactly(0, 0);
            assertThat(session.read(second)).containsExactly(7, 7);
        }
    }

    @Test
    void findsChangedReadOnlyOperands() {
        Session spoiling = (Session) Proxy.newProxyInstance(
                Session.class.getClassLoader(), new Class<?>[] {Session.class}, (proxy, method, arguments) -> {
                    Object result = method.invoke(inner, arguments);
                    if (method.getName().equals("gram")) {
                        ((Matrix) arguments[1]).set(0, 0, 0, 99);
                    }
                    return result;
                });
        CheckedSession checked = new CheckedSession(spoiling);
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix a = checked.allocate(scope, 2, 3);
            Matrix c = checked.allocate(scope, 2, 2);
            checked.fill(a, 1);
            checked.gram(1, a, 0, c);
        }
        assertThat(checked.violations()).singleElement().asString().contains("gram", "2×3");
        assertThatThrownBy(checked::assertClean)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("gram");
    }
}
