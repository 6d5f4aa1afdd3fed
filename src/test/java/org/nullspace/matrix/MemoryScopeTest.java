package org.nullspace.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.nullspace.error.ClosedException;
import org.nullspace.error.ConfinementException;

class MemoryScopeTest {
    @Test
    void closingReleasesTheNewestFirstAndOnce() {
        List<String> order = new ArrayList<>();
        MemoryScope scope = MemoryScope.open();
        scope.register(() -> order.add("first"), 10);
        MemoryScope inner = scope.nested();
        inner.register(() -> order.add("inner"), 5);
        scope.register(() -> order.add("last"), 20);
        assertThat(scope.liveBytes()).isEqualTo(30);
        assertThat(inner.liveBytes()).isEqualTo(5);
        assertThat(scope.isClosed()).isFalse();
        scope.close();
        scope.close();
        inner.close();
        assertThat(order).containsExactly("last", "inner", "first");
        assertThat(scope.liveBytes()).isZero();
        assertThat(inner.liveBytes()).isZero();
        assertThat(scope.isClosed()).isTrue();
        assertThat(inner.isClosed()).isTrue();
    }

    @Test
    void aNestedScopeMayBeClosedBefore() {
        List<String> order = new ArrayList<>();
        try (MemoryScope scope = MemoryScope.open()) {
            MemoryScope inner = scope.nested();
            inner.register(() -> order.add("inner"), 5);
            inner.close();
            assertThat(order).containsExactly("inner");
            scope.register(() -> order.add("outer"), 1);
            assertThat(scope.liveBytes()).isEqualTo(1);
        }
        assertThat(order).containsExactly("inner", "outer");
    }

    @Test
    void nestedScopesThatCameAndWentLeaveNothingBehind() {
        List<String> order = new ArrayList<>();
        try (MemoryScope scope = MemoryScope.open()) {
            for (int i = 0; i < 1000; i++) {
                try (MemoryScope inner = scope.nested()) {
                    Matrix.zeros(inner, Precision.FLOAT64, 1, 3, 3, Layout.ROW_MAJOR);
                }
            }
            scope.register(() -> order.add("only"), 0);
            assertThat(scope.liveBytes()).isZero();
        }
        assertThat(order).containsExactly("only");
    }

    @Test
    void aClosedScopeTakesNothing() {
        MemoryScope scope = MemoryScope.open();
        scope.close();
        assertThatThrownBy(() -> scope.register(() -> {}, 1))
                .isExactlyInstanceOf(ClosedException.class)
                .hasMessage("a memory scope was used after it had been closed");
        assertThatThrownBy(scope::nested).isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> scope.checkUsable("the thing"))
                .isExactlyInstanceOf(ClosedException.class)
                .hasMessage("the thing was used after its memory scope had been closed");
    }

    @Test
    void aFailingReleaseStopsNoOther() {
        List<String> order = new ArrayList<>();
        MemoryScope scope = MemoryScope.open();
        scope.register(() -> order.add("first"), 1);
        scope.register(
                () -> {
                    throw new IllegalStateException("second");
                },
                1);
        MemoryScope inner = scope.nested();
        inner.register(
                () -> {
                    throw new AssertionError("inner");
                },
                1);
        scope.register(() -> order.add("last"), 1);
        Throwable failure = catchThrowable(scope::close);
        assertThat(failure).isExactlyInstanceOf(AssertionError.class).hasMessage("inner");
        assertThat(failure.getSuppressed())
                .singleElement()
                .satisfies(e -> assertThat(e)
                        .isExactlyInstanceOf(IllegalStateException.class)
                        .hasMessage("second"));
        assertThat(order).containsExactly("last", "first");
        assertThat(scope.liveBytes()).isZero();
        scope.close();
    }

    @Test
    void aConfinedScopeBelongsToItsThread() throws InterruptedException {
        Thread here = Thread.currentThread();
        try (MemoryScope scope = MemoryScope.confined()) {
            MemoryScope inner = scope.nested();
            Matrix m = Matrix.zeros(scope, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR);
            Matrix n = Matrix.zeros(inner, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR);
            m.set(0, 0, 0, 1);
            List<Runnable> uses = List.of(
                    () -> m.get(0, 0),
                    () -> m.set(0, 0, 0, 2),
                    () -> n.get(0, 0),
                    () -> m.transposed().get(0, 0),
                    () -> m.copy(Layout.ROW_MAJOR),
                    () -> ((HostMemory) m.memory()).buffer(0, 8),
                    () -> Matrix.zeros(scope, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR),
                    scope::nested,
                    inner::close,
                    scope::close);
            for (Runnable use : uses) {
                assertThat(onThread("other", use))
                        .isExactlyInstanceOf(ConfinementException.class)
                        .hasMessageContaining("belongs to thread \"" + here.getName() + "\"")
                        .hasMessageEndingWith("was used from thread \"other\"");
            }
            assertThat(m.get(0, 0)).isEqualTo(1);
            assertThat(scope.isClosed()).isFalse();
        }
    }

    @Test
    void aSharedScopeMayBeUsedAndClosedAnywhere() throws InterruptedException {
        MemoryScope scope = MemoryScope.open();
        Matrix m = Matrix.zeros(scope, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR);
        assertThat(onThread("other", () -> m.set(0, 1, 1, 7))).isNull();
        assertThat(m.get(1, 1)).isEqualTo(7);
        assertThat(onThread("other", scope::close)).isNull();
        assertThatThrownBy(() -> m.get(1, 1)).isExactlyInstanceOf(ClosedException.class);
    }

    @Test
    void manyThreadsRegisterWithoutLoss() throws InterruptedException {
        MemoryScope scope = MemoryScope.open();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Thread thread = new Thread(() -> {
                for (int i = 0; i < 1000; i++) {
                    scope.register(() -> {}, 1);
                    scope.nested().close();
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(scope.liveBytes()).isEqualTo(4000);
        scope.close();
    }

    private static Throwable onThread(String name, Runnable work) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = new Thread(() -> failure.set(catchThrowable(work::run)), name);
        thread.start();
        thread.join();
        return failure.get();
    }

    @Test
    void saysWhetherItIsConfined() {
        try (MemoryScope shared = MemoryScope.open();
                MemoryScope confined = MemoryScope.confined()) {
            assertThat(shared.isConfined()).isFalse();
            assertThat(shared.nested().isConfined()).isFalse();
            assertThat(confined.isConfined()).isTrue();
            assertThat(confined.nested().isConfined()).isTrue();
        }
    }
}
