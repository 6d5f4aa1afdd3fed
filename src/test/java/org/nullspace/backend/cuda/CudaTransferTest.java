package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Copies of more than one pinned buffer, wherever the host's matrix lies. */
@OnCudaDevice
class CudaTransferTest {
    private static final int COLUMNS = 3001;

    /** More than three pinned buffers of float32, six of float64, with lines that cross the borders. */
    private static final int ROWS = (int) (3.3 * Staging.BUFFER_BYTES / Float.BYTES / COLUMNS);

    private static Matrix numbered(MemoryScope scope, Precision precision, Layout layout) {
        Matrix m = Matrix.uninitialized(scope, precision, 1, ROWS + 2L, COLUMNS + 3L, layout)
                .rows(1, ROWS + 1L)
                .columns(2, COLUMNS + 2L);
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                m.set(0, i, j, i + 1024.0 * j);
            }
        }
        return m;
    }

    @ParameterizedTest
    @EnumSource
    void paddedMatricesOfAnyLayoutAndPrecision(Precision precision) {
        for (Layout from : Layout.values()) {
            for (Layout to : Layout.values()) {
                try (Session session = new CudaProvider().open(0);
                        MemoryScope scope = MemoryScope.open()) {
                    Matrix host = numbered(scope, precision, from);
                    Matrix device = session.allocate(scope, Precision.FLOAT64, 1, ROWS, COLUMNS, to);
                    session.copy(host, device);
                    Matrix back = numbered(scope, precision, from);
                    for (int j = 0; j < COLUMNS; j++) {
                        back.set(0, j % ROWS, j, -1);
                    }
                    session.copy(device, back);
                    assertThat(back.hasSameEntries(host)).as(from + " to " + to).isTrue();
                    assertThat(session.toHost(device).hasSameEntries(host)).isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void memoryOfThisThreadOnly(boolean confined) {
        try (Session session = new CudaProvider().open(0);
                MemoryScope scope = confined ? MemoryScope.confined() : MemoryScope.open()) {
            Matrix host = numbered(scope, Precision.FLOAT64, Layout.ROW_MAJOR);
            Matrix device = session.allocate(scope, Precision.FLOAT64, 1, ROWS, COLUMNS, Layout.ROW_MAJOR);
            session.copy(host, device);
            Matrix back = Matrix.zeros(scope, Precision.FLOAT64, 1, ROWS, COLUMNS, Layout.ROW_MAJOR);
            session.copy(device, back);
            assertThat(back.hasSameEntries(host)).isTrue();
        }
    }

    @Test
    void hostMemoryMayBeFreedWhenTheCopyReturns() {
        try (Session session = new CudaProvider().open(0);
                MemoryScope scope = MemoryScope.open()) {
            Matrix device = session.allocate(scope, Precision.FLOAT64, 1, ROWS, COLUMNS, Layout.ROW_MAJOR);
            Matrix small = session.allocate(scope, 3, 1);
            try (MemoryScope brief = MemoryScope.open()) {
                session.copy(numbered(brief, Precision.FLOAT64, Layout.ROW_MAJOR), device);
                Matrix little = Matrix.zeros(brief, Precision.FLOAT64, 1, 3, 1, Layout.COLUMN_MAJOR);
                little.set(0, 2, 0, 5);
                session.copy(little, small);
                little.set(0, 2, 0, 6);
            }
            Matrix back = session.toHost(device);
            assertThat(back.get(ROWS - 1, COLUMNS - 1)).isEqualTo(ROWS - 1 + 1024.0 * (COLUMNS - 1));
            assertThat(session.toHost(small).get(2, 0)).isEqualTo(5);
        }
    }
}
