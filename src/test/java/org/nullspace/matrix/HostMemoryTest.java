package org.nullspace.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;

class HostMemoryTest {
    @Test
    void buffersAreViewsInNativeOrder() {
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory memory = HostMemory.allocate(scope, 100, true, "test");
            ByteBuffer buffer = memory.buffer(8, 16);
            assertThat(buffer.order()).isEqualTo(ByteOrder.nativeOrder());
            assertThat(buffer.remaining()).isEqualTo(16);
            buffer.putDouble(0, 2.5);
            assertThat(memory.getDouble(1)).isEqualTo(2.5);
            assertThat(memory.buffer(100, 0).remaining()).isZero();
            assertThat(memory.buffer(0, 100).capacity()).isEqualTo(100);
        }
    }

    @Test
    void buffersEndWhereTheMemoryEnds() {
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory memory = HostMemory.allocate(scope, 100, false, "test");
            for (long[] bad : new long[][] {{-1, 4}, {0, -1}, {0, 101}, {97, 4}, {101, 0}, {Long.MAX_VALUE, 4}}) {
                assertThatThrownBy(() -> memory.buffer(bad[0], (int) bad[1]))
                        .isExactlyInstanceOf(IndexOutOfBoundsException.class)
                        .hasMessage(bad[1] + " bytes from byte " + bad[0] + " on, of a memory of 100 bytes");
            }
            assertThatThrownBy(() -> memory.getDouble(13)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void memoryIsAlignedAndCounted() {
        try (MemoryScope scope = MemoryScope.open()) {
            long sum = 0;
            for (long bytes : new long[] {1, 63, 64, 65, 4097}) {
                HostMemory memory = HostMemory.allocate(scope, bytes, false, "test");
                sum += bytes;
                assertThat(memory.address() % 64).isZero();
                assertThat(memory.byteSize()).isEqualTo(bytes);
                assertThat(scope.liveBytes()).isEqualTo(sum);
            }
            HostMemory nothing = HostMemory.allocate(scope, 0, true, "test");
            assertThat(nothing.byteSize()).isZero();
            assertThat(scope.liveBytes()).isEqualTo(sum);
            assertThatThrownBy(() -> HostMemory.allocate(scope, -1, true, "thing"))
                    .isExactlyInstanceOf(InvalidInputException.class)
                    .hasMessage("thing: -1 bytes is not a size");
        }
    }

    @Test
    void moreThanTheMachineHasIsRefused() {
        try (MemoryScope scope = MemoryScope.open()) {
            long tooMuch = HostMemory.physicalBytes() + 1;
            assertThatThrownBy(() -> HostMemory.allocate(scope, tooMuch, false, "a huge thing"))
                    .isExactlyInstanceOf(InsufficientMemoryException.class)
                    .hasMessage("a huge thing does not fit into this machine's memory: " + tooMuch + " bytes needed, "
                            + HostMemory.physicalBytes() + " bytes available")
                    .satisfies(e -> {
                        InsufficientMemoryException refused = (InsufficientMemoryException) e;
                        assertThat(refused.requestedBytes()).isEqualTo(tooMuch);
                        assertThat(refused.availableBytes()).isEqualTo(HostMemory.physicalBytes());
                    });
            assertThat(scope.liveBytes()).isZero();
        }
    }

    @Test
    void unreachableMatricesAreFreedLongBeforeMemoryRunsOut() {
        long each = Math.max(1L << 28, HostMemory.physicalBytes() / 64);
        long total = 4 * HostMemory.physicalBytes();
        long highest = 0;
        for (long done = 0; done < total; done += each) {
            Matrix m = Matrix.zeros(Precision.FLOAT64, 1, 1, each / 8, Layout.ROW_MAJOR);
            m.set(0, 0, 0, 1);
            highest = Math.max(highest, AutomaticMemory.liveBytes());
        }
        assertThat(highest).isLessThan(HostMemory.physicalBytes() / 2);
    }

    @Test
    void reachableMatricesSurviveTheCollection() {
        Matrix view = Matrix.of(new double[][] {{1, 2}, {3, 4}}).rows(1, 2);
        System.gc();
        Matrix.zeros(Precision.FLOAT64, 1, 100, 100, Layout.ROW_MAJOR).close();
        assertThat(view.toArray()).isDeepEqualTo(new double[][] {{3, 4}});
    }

    @Test
    void aDirectBufferIsUsedAsItIs() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
        buffer.position(16);
        buffer.putDouble(24, 3.5);
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory memory = HostMemory.over(scope, buffer);
            assertThat(memory.byteSize()).isEqualTo(48);
            assertThat(memory.getDouble(1)).isEqualTo(3.5);
            Matrix m = Matrix.strided(memory, Precision.FLOAT64, 1, 2, 2, Layout.ROW_MAJOR, 1, 3, 0);
            m.set(0, 1, 1, -2);
            assertThat(buffer.getDouble(16 + 8 * 5)).isEqualTo(-2);
            assertThat(m.get(0, 0)).isEqualTo(3.5);
            assertThat(HostMemory.over(scope, ByteBuffer.allocateDirect(0)).byteSize())
                    .isZero();
            assertThatThrownBy(() -> HostMemory.over(scope, ByteBuffer.allocate(8)))
                    .isExactlyInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("not direct");
        }
    }

    @Test
    void closingGivesAutomaticMemoryBackAtOnce() {
        long bytes = 1L << 22;
        Matrix m = Matrix.zeros(Precision.FLOAT64, 1, 1, bytes / 8, Layout.ROW_MAJOR);
        assertThat(m.memory().scope().liveBytes()).isEqualTo(bytes);
        m.close();
        assertThat(m.memory().scope().liveBytes()).isZero();
        assertThat(m.memory().scope().isClosed()).isTrue();
    }
}
