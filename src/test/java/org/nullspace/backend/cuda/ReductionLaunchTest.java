package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** What a reduction costs before it has read an entry: launches, of which each takes as long as 10⁵ entries do. */
@OnCudaDevice
class ReductionLaunchTest {
    @Test
    void normsTakeALaunchOrTwo() {
        assumeTrue(SoftwareDevice.isPresent(), "only the software device counts");
        int[][] once = {{100, 7}, {500, 500}, {3, 10_000}, {40, 2}, {20, 5000}};
        int[][] cut = {{100_000, 2}};
        try (Session session = new CudaProvider().open(0);
                MemoryScope scope = MemoryScope.open()) {
            for (Precision precision : Precision.values()) {
                for (int[] shape : once) {
                    assertThat(launches(session, scope, precision, shape, Layout.COLUMN_MAJOR))
                            .isEqualTo(1);
                }
                assertThat(launches(session, scope, precision, once[0], Layout.ROW_MAJOR))
                        .isEqualTo(1);
                for (Layout layout : Layout.values()) {
                    assertThat(launches(session, scope, precision, cut[0], layout))
                            .isEqualTo(2);
                }
            }
        }
    }

    /** Of a matrix whose squares leave the range of numbers. */
    private static long launches(Session session, MemoryScope scope, Precision precision, int[] shape, Layout layout) {
        Matrix a = session.allocate(scope, precision, 1, shape[0], shape[1], layout);
        Matrix norms = session.allocate(scope, 1, shape[1]);
        session.fill(a, precision == Precision.FLOAT64 ? 1e-180 : 1e-40);
        session.synchronize();
        long before = SoftwareDevice.launches();
        session.columnNorms(a, norms);
        session.synchronize();
        long launches = SoftwareDevice.launches() - before;
        assertThat(session.toHost(norms).get(0, 0)).isPositive();
        return launches;
    }
}
