package org.nullspace.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/** Bounds of the eigenvalues of a matrix whose eigenvalues are known. */
class TridiagonalFormTest {
    private static TridiagonalForm form(double[] diagonal, double[] beside) {
        try (Session session = Backends.providers(DeviceKind.CPU).get(0).open(0);
                MemoryScope scope = MemoryScope.open()) {
            Matrix q = session.allocate(scope, diagonal.length, diagonal.length);
            return TridiagonalForm.of(new DenseColumns(session, q), diagonal, beside);
        }
    }

    /** Second differences: eigenvalues 2 + s − 2cos(kπ/(n + 1)). */
    @ParameterizedTest
    @CsvSource({"1, 0.5, 1", "2, 1, 1e200", "7, 1e-3, 1e-200", "300, 1, 1", "300, 1e-6, 3"})
    void boundsTheEigenvalues(int n, double shift, double unit) {
        double[] diagonal = new double[n];
        double[] beside = new double[n - 1];
        Arrays.fill(diagonal, (2 + shift) * unit);
        Arrays.setAll(beside, i -> i % 3 == 0 ? unit : -unit);
        double least = (2 + shift - 2 * Math.cos(Math.PI / (n + 1))) * unit;
        double largest = (2 + shift + 2 * Math.cos(Math.PI / (n + 1))) * unit;
        TridiagonalForm form = form(diagonal, beside);
        double square = form.unit() * form.unit();
        assertThat(form.least() * square).isBetween(0.98 * least, 1.0000001 * least);
        assertThat(form.largest() * square).isBetween(0.9999999 * largest, 1.02 * largest);
        assertThat(form.largest()).isLessThanOrEqualTo(1);
        assertThat(form.isDiagonal()).isEqualTo(n == 1);
    }

    @ParameterizedTest
    @CsvSource({"3, 1, 2", "5, 5, 0.1"})
    void aSpectrumHasItsOwnBounds(double a, double b, double c) {
        TridiagonalForm form = form(new double[] {a, b, c}, new double[2]);
        double most = Math.max(a, Math.max(b, c));
        double least = Math.min(a, Math.min(b, c));
        assertThat(form.isDiagonal()).isTrue();
        assertThat(form.unit() * form.unit()).isCloseTo(most, within(1e-12 * most));
        assertThat(form.least()).isBetween(0.98 * least / most, 1.0000001 * least / most);
    }
}
