package org.nullspace.solve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.SmallDevice;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** Q and R of a tall matrix in blocks of rows, on the host and on a device that has room for one block. */
class BlockedReflectionsTest {
    static Stream<Arguments> shapes() {
        return Stream.of(
                        new int[] {1, 1, 1},
                        new int[] {2, 1, 1},
                        new int[] {7, 7, 7},
                        new int[] {8, 7, 7},
                        new int[] {14, 7, 7},
                        new int[] {15, 7, 7},
                        new int[] {60, 7, 11},
                        new int[] {61, 7, 11},
                        new int[] {200, 33, 33},
                        new int[] {300, 70, 80},
                        new int[] {500, 1, 3})
                .flatMap(s -> Stream.of(Precision.values())
                        .flatMap(p -> Stream.of(false, true).map(own -> Arguments.of(s[0], s[1], s[2], p, own))));
    }

    private static Session session(boolean ownMemory) {
        Session host = Backends.providers(DeviceKind.CPU).get(0).open(0);
        return ownMemory ? new SmallDevice(host, 0, 8L << 20) : host;
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void isAnOrthogonalFactorization(int m, int p, int blockRows, Precision precision, boolean ownMemory) {
        try (Session session = session(ownMemory);
                MemoryScope scope = MemoryScope.open()) {
            SplitMix64 random = new SplitMix64(31L * m + p);
            Matrix a = Matrix.zeros(scope, precision, 1, m, p, Layout.ROW_MAJOR);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < p; j++) {
                    // The last column repeats the first: rank p − 1, so that Q is not determined by A.
                    a.set(0, i, j, j == p - 1 && j > 0 ? a.get(0, i, 0) : random.nextGaussian());
                }
            }
            HouseholderQr qr = BlockedReflections.factor(session, scope, a, 0.5, precision, blockRows);
            assertThat(qr.q().rows()).isEqualTo(m);
            assertThat(qr.q().precision()).isEqualTo(precision);
            double unit = 8 * precision.epsilon() * Math.sqrt((double) m * p);

            // QᵀQ = I, and Q[R; 0] = A/2.
            Matrix q = session.allocate(scope, precision, 1, m, m, Layout.COLUMN_MAJOR);
            session.identity(q);
            qr.q().apply(false, q);
            requireIdentity(session, scope, q, m, unit);
            Matrix product = session.allocate(scope, precision, 1, m, p, Layout.ROW_MAJOR);
            Matrix r = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
            session.fill(product, 0);
            session.copy(qr.r(), r);
            session.keepTriangle(Triangle.UPPER, r);
            session.copy(r, product.rows(0, p));
            qr.q().apply(false, product);
            Matrix back = session.toHost(product);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < p; j++) {
                    assertThat(back.get(0, i, j))
                            .isBetween(a.get(0, i, j) / 2 - 4 * unit, a.get(0, i, j) / 2 + 4 * unit);
                }
            }
            // Qᵀ undoes Q.
            qr.q().apply(true, q);
            Matrix identity = session.toHost(q);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < m; j++) {
                    double exact = i == j ? 1 : 0;
                    assertThat(identity.get(0, i, j)).isBetween(exact - unit, exact + unit);
                }
            }
        }
    }

    private static void requireIdentity(Session session, MemoryScope scope, Matrix q, int m, double unit) {
        Matrix gram = session.allocate(scope, q.precision(), 1, m, m, Layout.COLUMN_MAJOR);
        session.multiply(1, q.transposed(), q, 0, gram);
        Matrix host = session.toHost(gram);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < m; j++) {
                double exact = i == j ? 1 : 0;
                assertThat(host.get(0, i, j)).isBetween(exact - unit, exact + unit);
            }
        }
    }

    @Test
    void keepsItsReflectionsOnTheHost() {
        try (MemoryScope scope = MemoryScope.open()) {
            SmallDevice device = (SmallDevice) session(true);
            Matrix a = Matrix.zeros(scope, Precision.FLOAT64, 1, 4000, 20, Layout.COLUMN_MAJOR);
            try (device) {
                BlockedReflections.factor(device, scope, a, 1, Precision.FLOAT64, 80);
                // R, the reflector factors, and for the time of the factorization one block.
                assertThat(device.liveBytes()).isLessThan(8 * (400 + 4000 + 20));
                assertThat(device.peakBytes()).isLessThan(8 * (400 + 4000 + 20 + 100 * 20));
            }
        }
    }
}
