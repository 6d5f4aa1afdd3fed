package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** Gram matrices in tiles, entry by entry beside those of the CPU. */
@OnCudaDevice
class GramTilesTest {
    private final Session host = Backends.providers(DeviceKind.CPU).stream()
            .filter(p -> p.probe().usable())
            .findFirst()
            .orElseThrow()
            .open(0);
    private final Session device = new CudaProvider().open(0);
    private final MemoryScope scope = MemoryScope.open();

    @BeforeEach
    void tensorCores() {
        CudaDevice first = CudaDevice.get(0);
        assumeTrue(first.capability() >= 90, "no FP64 tensor cores with the instructions of compute capability 9.0");
    }

    @AfterEach
    void close() {
        scope.close();
        device.close();
        host.close();
    }

    private Matrix random(Session session, Precision precision, long rows, long stride, long columns, long seed) {
        Matrix all = Matrix.uninitialized(scope, precision, 1, rows, stride, Layout.ROW_MAJOR);
        SplitMix64 random = new SplitMix64(seed);
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < stride; j++) {
                all.set(0, i, j, j < columns ? (random.nextLong() >> 11) * 0x1p-52 : Double.NaN);
            }
        }
        if (session.place().isHost()) {
            return all.columns(0, columns);
        }
        Matrix there = session.allocate(scope, precision, 1, rows, stride, Layout.ROW_MAJOR);
        session.copy(all, there);
        return there.columns(0, columns);
    }

    private long launches(Matrix a, double alpha, double beta, Matrix c) {
        long before = SoftwareDevice.isPresent() ? SoftwareDevice.launches() : 0;
        device.gram(alpha, a, beta, c);
        device.synchronize();
        return SoftwareDevice.isPresent() ? SoftwareDevice.launches() - before : -1;
    }

    static Stream<Arguments> shapes() {
        // One tile; one row more; a last tile that overlaps; groups of lines; columns that end within 16 bytes.
        return Stream.of(
                        new long[] {128, 1000, 1000},
                        new long[] {129, 1001, 1002},
                        new long[] {200, 1015, 1020},
                        new long[] {300, 1003, 1003},
                        new long[] {1100, 1000, 1000})
                .flatMap(shape -> Stream.of(Precision.values())
                        .flatMap(precision -> Stream.of(Layout.values())
                                .map(layout -> Arguments.of(shape[0], shape[1], shape[2], precision, layout))))
                .filter(a -> (long) a.get()[0] < 1000
                        || a.get()[3] == Precision.FLOAT64 && a.get()[4] == Layout.COLUMN_MAJOR);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void areThoseOfTheCpu(long rows, long columns, long stride, Precision precision, Layout layout) {
        Matrix a = random(device, precision, rows, stride, columns, rows);
        Matrix exact = Matrix.zeros(scope, Precision.FLOAT64, 1, rows, rows, layout);
        host.gram(1, random(host, precision, rows, stride, columns, rows), 0, exact);
        Matrix c = device.allocate(scope, Precision.FLOAT64, 1, rows, rows, layout);
        device.fill(c, Double.NaN);
        // Tiles and, where columns are cut, their sum; cuBLAS launches no kernel of ours.
        assertThat(launches(a, 1, 0, c)).isIn(-1L, 1L, 2L);
        requireLower(c, exact, 1, 0, Double.NaN);
        device.fill(c, 3);
        device.gram(-0.5, a, 2, c);
        requireLower(c, exact, -0.5, 6, 3);
    }

    /** One part is written to C at once, others are summed; rows begin at 16 bytes, at 8 and at 4. */
    @ParameterizedTest
    @EnumSource
    void doNotDependOnTheNumberOfParts(Precision precision) {
        int rows = 140;
        int columns = 3000;
        CudaDevice first = CudaDevice.get(0);
        CudaQueue queue = first.takeQueue();
        try {
            for (int offset : new int[] {0, 1, 4}) {
                Matrix a = random(device, precision, rows, columns + 8, columns + offset, 11)
                        .columns(offset, columns + offset);
                Matrix exact = Matrix.zeros(scope, Precision.FLOAT64, 1, rows, rows, Layout.COLUMN_MAJOR);
                host.gram(
                        1,
                        random(host, precision, rows, columns + 8, columns + offset, 11)
                                .columns(offset, columns + offset),
                        0,
                        exact);
                for (long parts : offset == 0 ? new long[] {1, 2, 40} : new long[] {1, 7}) {
                    Matrix c = device.allocate(scope, Precision.FLOAT64, 1, rows, rows, Layout.COLUMN_MAJOR);
                    device.fill(c, 3);
                    device.synchronize();
                    first.within(() -> {
                        new GramTiles(queue).gram(-0.5, a, 2, c, parts);
                        queue.synchronize();
                    });
                    requireLower(c, exact, -0.5, 6, 3);
                }
            }
        } finally {
            first.giveBack(queue);
        }
    }

    private void requireLower(Matrix c, Matrix exact, double factor, double summand, double above) {
        Matrix got = device.toHost(c);
        double unit = 0;
        for (long i = 0; i < exact.rows(); i++) {
            unit = Math.max(unit, exact.get(0, i, i));
        }
        for (long i = 0; i < exact.rows(); i++) {
            for (long j = 0; j < exact.rows(); j++) {
                double entry = got.get(0, i, j);
                double wanted = j > i ? above : factor * exact.get(0, i, j) + summand;
                boolean right = j > i ? Double.compare(entry, wanted) == 0 : Math.abs(entry - wanted) <= 1e-14 * unit;
                if (!right) {
                    fail("entry [%d, %d] is %s, not %s", i, j, entry, wanted);
                }
            }
        }
    }

    @Test
    void valuesThatAreNoNumbersStayInTheirRows() {
        Matrix a = random(device, Precision.FLOAT64, 200, 1000, 1000, 5);
        device.fill(a.rows(130, 131), Double.NaN);
        Matrix c = device.allocate(scope, Precision.FLOAT64, 1, 200, 200, Layout.COLUMN_MAJOR);
        device.gram(1, a, 0, c);
        Matrix got = device.toHost(c);
        for (int i = 0; i < 200; i++) {
            for (int j = 0; j <= i; j++) {
                assertThat(Double.isNaN(got.get(0, i, j))).isEqualTo(i == 130 || j == 130);
            }
        }
    }

    @Test
    void theSameBitsEachTime() {
        Matrix a = random(device, Precision.FLOAT64, 150, 5000, 5000, 7);
        List<Matrix> twice = Stream.of(1, 2)
                .map(i -> {
                    Matrix c = device.allocate(scope, Precision.FLOAT64, 1, 150, 150, Layout.ROW_MAJOR);
                    device.fill(c, 0);
                    device.gram(1, a, 0, c);
                    return device.toHost(c);
                })
                .toList();
        for (int i = 0; i < 150; i++) {
            for (int j = 0; j <= i; j++) {
                assertThat(twice.get(0).get(0, i, j)).isEqualTo(twice.get(1).get(0, i, j));
            }
        }
    }
}
