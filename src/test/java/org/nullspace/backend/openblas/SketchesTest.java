package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** The same sketch whatever the number of threads. */
class SketchesTest {
    @ParameterizedTest
    @EnumSource(Layout.class)
    void doesNotDependOnTheNumberOfThreads(Layout layout) {
        try (MemoryScope scope = MemoryScope.open()) {
            SplitMix64 random = new SplitMix64(5);
            Matrix a = Matrix.zeros(scope, Precision.FLOAT64, 1, 5003, 149, layout);
            assertThat((double) a.byteSize()).isGreaterThan(OpenBlasThreads.LARGE_BYTES);
            for (int i = 0; i < a.rows(); i++) {
                for (int j = 0; j < a.columns(); j++) {
                    a.set(0, i, j, random.nextGaussian());
                }
            }
            Matrix one = Matrix.zeros(scope, Precision.FLOAT64, 1, 330, 149, Layout.COLUMN_MAJOR);
            new Sketches(new OpenBlasThreads(1)).sketch(42, a, one);
            for (int threads = 2; threads <= 5; threads++) {
                Matrix y = Matrix.zeros(scope, Precision.FLOAT64, 1, 330, 149, Layout.COLUMN_MAJOR);
                new Sketches(new OpenBlasThreads(threads)).sketch(42, a, y);
                assertThat(y.hasSameEntries(one)).as(threads + " threads").isTrue();
            }
        }
    }
}
