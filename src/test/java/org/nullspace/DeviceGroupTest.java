package org.nullspace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;

/** Problems of a batch over several devices. */
class DeviceGroupTest {
    /** A helper ends while the caller is told of its own share: what was done meanwhile is told all the same. */
    @Test
    @Timeout(60)
    void theLastProgressIsTold() {
        BackendProvider cpu = Backends.providers(DeviceKind.CPU).get(0);
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        AtomicReference<Thread> helper = new AtomicReference<>();
        List<Long> progress = new ArrayList<>();
        try (DeviceGroup devices = new DeviceGroup(List.of(cpu.open(0), cpu.open(0)), 2, false)) {
            devices.onDevices(
                    2,
                    1,
                    (done, total) -> {
                        progress.add(done);
                        told.countDown();
                        await(begun);
                        join(helper.get());
                        return true;
                    },
                    DeviceGroup.Trouble.FATAL,
                    (session, from, to) -> {
                        if (from == 1) {
                            helper.set(Thread.currentThread());
                            begun.countDown();
                            await(told);
                        }
                    });
        }
        assertThat(progress).containsExactly(1L, 2L);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
