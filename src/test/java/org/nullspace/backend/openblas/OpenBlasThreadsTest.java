package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.InvalidInputException;

class OpenBlasThreadsTest {
    @ParameterizedTest
    @CsvSource({"1,100,16", "2,100,16", "3,100,16", "5,17,16", "5,16,16", "4,1000000007,64", "7,7,1", "3,0,16"})
    void slicesCoverTheExtentOnce(int count, long extent, long unit) {
        OpenBlasThreads threads = new OpenBlasThreads(count);
        List<long[]> ranges = Collections.synchronizedList(new ArrayList<>());
        threads.split(true, extent, unit, (slice, from, to) -> ranges.add(new long[] {slice, from, to}));
        ranges.sort((x, y) -> Long.compare(x[0], y[0]));
        assertThat(ranges.size()).isBetween(1, count);
        long end = 0;
        for (int i = 0; i < ranges.size(); i++) {
            assertThat(ranges.get(i)[0]).isEqualTo(i);
            assertThat(ranges.get(i)[1])
                    .isEqualTo(end)
                    .satisfies(start -> assertThat(start % unit).isZero());
            end = ranges.get(i)[2];
        }
        assertThat(end).isEqualTo(extent);
    }

    @Test
    void smallOperationsStayOnTheCaller() {
        OpenBlasThreads threads = new OpenBlasThreads(4);
        List<Thread> seen = Collections.synchronizedList(new ArrayList<>());
        threads.split(false, 1_000_000, 1, (slice, from, to) -> seen.add(Thread.currentThread()));
        assertThat(seen).containsExactly(Thread.currentThread());
    }

    @Test
    void slicesRunAtTheSameTime() {
        OpenBlasThreads threads = new OpenBlasThreads(3);
        CountDownLatch all = new CountDownLatch(3);
        AtomicInteger met = new AtomicInteger();
        threads.run(3, i -> {
            all.countDown();
            try {
                if (all.await(30, TimeUnit.SECONDS)) {
                    met.incrementAndGet();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        assertThat(met).hasValue(3);
    }

    @Test
    void everyCallerGetsItsWorkDoneThoughHelpersAreFew() throws InterruptedException {
        OpenBlasThreads threads = new OpenBlasThreads(2);
        AtomicIntegerArray done = new AtomicIntegerArray(8 * 50);
        List<Thread> callers = new ArrayList<>();
        for (int c = 0; c < 8; c++) {
            int caller = c;
            callers.add(new Thread(() -> {
                for (int round = 0; round < 10; round++) {
                    int first = caller * 50 + round * 5;
                    threads.run(5, i -> done.incrementAndGet(first + i));
                }
            }));
        }
        callers.forEach(Thread::start);
        for (Thread caller : callers) {
            caller.join();
        }
        for (int i = 0; i < done.length(); i++) {
            assertThat(done.get(i)).isEqualTo(1);
        }
    }

    @Test
    void failuresReachTheCallerAfterAllSlices() {
        OpenBlasThreads threads = new OpenBlasThreads(2);
        AtomicInteger ended = new AtomicInteger();
        assertThatThrownBy(() -> threads.run(6, i -> {
                    ended.incrementAndGet();
                    if (i == 3) {
                        throw new IllegalStateException("slice 3");
                    }
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("slice 3");
        assertThat(ended).hasValue(6);
    }

    @Test
    void interruptionIsKeptForTheCaller() {
        OpenBlasThreads threads = new OpenBlasThreads(2);
        Thread.currentThread().interrupt();
        AtomicInteger ended = new AtomicInteger();
        threads.run(2, i -> ended.incrementAndGet());
        assertThat(ended).hasValue(2);
        assertThat(Thread.interrupted()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "two", "", "1e3", "99999999999"})
    void refusesOtherThanNumbersOfThreads(String value) {
        assertThatThrownBy(() -> OpenBlasThreads.configured(value, 8))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("nullspace.threads")
                .hasMessageContaining("\"" + value + "\"");
    }

    @Test
    void takesTheNumberOfThreadsFromTheProperty() {
        assertThat(OpenBlasThreads.configured(null, 8)).isEqualTo(8);
        assertThat(OpenBlasThreads.configured(" 3 ", 8)).isEqualTo(3);
    }
}
