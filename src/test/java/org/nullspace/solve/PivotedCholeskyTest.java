package org.nullspace.solve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.conformance.CheckedSession;
import org.nullspace.conformance.SmallDevice;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** K·Kᵀ is the semidefinite matrix, on the host and on a device. */
class PivotedCholeskyTest {
    private static Session session(boolean ownMemory) {
        Session host = Backends.providers(DeviceKind.CPU).get(0).open(0);
        return ownMemory ? new SmallDevice(host, 0, 8L << 20) : host;
    }

    /** The lower triangle of FFᵀ, with NaN above. */
    private static double[][] semidefinite(long seed, int p, int rank) {
        SplitMix64 random = new SplitMix64(seed);
        double[][] f = new double[p][rank];
        for (double[] row : f) {
            Arrays.setAll(row, j -> random.nextGaussian());
        }
        double[][] g = new double[p][p];
        for (int i = 0; i < p; i++) {
            for (int j = 0; j < p; j++) {
                for (int l = 0; l < rank; l++) {
                    g[i][j] += f[i][l] * f[j][l];
                }
                g[i][j] = j > i ? Double.NaN : g[i][j];
            }
        }
        return g;
    }

    private static Matrix upload(Session session, MemoryScope scope, double[][] g) {
        Matrix out = session.allocate(scope, Precision.FLOAT64, 1, g.length, g.length, Layout.COLUMN_MAJOR);
        session.copy(Matrix.of(g), out);
        return out;
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, false",
        "7, 3, false",
        "40, 40, true",
        "40, 32, false",
        "70, 33, true",
        "130, 64, false",
        "130, 65, true"
    })
    void factorizes(int p, int rank, boolean ownMemory) {
        double[][] g = semidefinite(p + rank, p, rank);
        try (Session session = session(ownMemory);
                MemoryScope scope = MemoryScope.open()) {
            PivotedCholesky.Result found = PivotedCholesky.factor(session, scope, upload(session, scope, g), p);
            assertThat(found).isNotNull();
            assertThat(found.pivots()).hasSize(rank).doesNotHaveDuplicates();
            double[][] k = session.toHost(found.k()).toArray();
            double size = 0;
            for (int i = 0; i < p; i++) {
                size = Math.max(size, g[i][i]);
            }
            for (int i = 0; i < p; i++) {
                for (int j = 0; j <= i; j++) {
                    double product = 0;
                    for (int l = 0; l < rank; l++) {
                        product += k[i][l] * k[j][l];
                    }
                    assertThat(Math.abs(product - g[i][j])).isLessThan(1e-14 * p * size);
                }
            }
            double before = found.largest();
            for (int l = 0; l < rank; l++) {
                double[] row = k[found.pivots()[l]];
                assertThat(row[l]).isPositive().isLessThanOrEqualTo(before * (1 + 1e-12));
                before = row[l];
                for (int later = l + 1; later < rank; later++) {
                    assertThat(row[later]).isZero();
                }
            }
            assertThat(before).isEqualTo(found.smallest());
        }
    }

    /** Three panels: what is read from a device, and that the bits do not depend on how. */
    @Test
    void readsADeviceOnceForEachPanelOrOnceForEachColumn() {
        int rank = 70;
        double[][] g = semidefinite(5, 130, rank);
        try (Session host = session(false);
                CheckedSession device = new CheckedSession(session(true));
                MemoryScope scope = MemoryScope.open()) {
            PivotedCholesky.Result expected =
                    PivotedCholesky.factor(host, scope, upload(host, scope, g), rank + 5, 130);
            assertThat(expected).isNotNull();
            for (int whole : new int[] {130, 129}) {
                Matrix onDevice = upload(device, scope, g);
                device.resetCounts();
                PivotedCholesky.Result found = PivotedCholesky.factor(device, scope, onDevice, rank + 5, whole);
                assertThat(found).isNotNull();
                boolean panels = whole >= 130;
                assertThat(device.downloads()).as("reads").isEqualTo(panels ? 3 : 1 + rank);
                assertThat(device.downloadedBytes())
                        .as("bytes read")
                        .isEqualTo(130L * 8 * (panels ? 3 * 130 : 1 + rank));
                assertThat(device.uploads()).isEqualTo(3);
                assertThat(found.pivots()).isEqualTo(expected.pivots());
                assertThat(found.smallest()).isEqualTo(expected.smallest());
                assertThat(device.toHost(found.k()).hasSameEntries(expected.k()))
                        .isTrue();
            }
        }
    }

    @Test
    void givesUpWhereItIsOfNoUse() {
        try (Session session = session(false);
                MemoryScope scope = MemoryScope.open()) {
            double[][] g = semidefinite(3, 50, 40);
            assertThat(PivotedCholesky.factor(session, scope, upload(session, scope, g), 39))
                    .isNull();
            assertThat(PivotedCholesky.factor(session, scope, upload(session, scope, g), 40))
                    .isNotNull();
            assertThat(PivotedCholesky.factor(session, scope, upload(session, scope, new double[5][5]), 5))
                    .isNull();
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
                double[][] broken = semidefinite(4, 50, 10);
                broken[44][44] = bad;
                assertThat(PivotedCholesky.factor(session, scope, upload(session, scope, broken), 40))
                        .isNull();
            }
        }
    }
}
