package org.nullspace.solve;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** Bounds on singular values beside the singular values. */
class GramCertificateTest {
    private final Session session = Backends.providers(DeviceKind.CPU).stream()
            .filter(p -> p.probe().usable())
            .findFirst()
            .orElseThrow()
            .open(0);
    private final MemoryScope scope = MemoryScope.open();

    @AfterEach
    void close() {
        scope.close();
        session.close();
    }

    /** A lower triangle whose rows shrink by a factor and lean on each other. */
    private Matrix triangle(int p, double shrink) {
        Matrix l = GramFactors.emptyGram(session, scope, p);
        SplitMix64 random = new SplitMix64(p);
        for (int i = 0; i < p; i++) {
            double size = Math.pow(shrink, i / (p - 1.0));
            for (int j = 0; j <= i; j++) {
                l.set(0, i, j, size * (i == j ? 1 : 0.4 * (random.nextLong() >> 11) * 0x1p-52));
            }
        }
        return l;
    }

    private Matrix inverse(Matrix l) {
        Matrix x = session.allocate(scope, l.rows(), l.rows());
        session.copy(l, x);
        Status status = session.status(scope, 1);
        session.invertLower(x, status);
        assertThat(session.read(status)).containsExactly(0);
        return x;
    }

    private double[] singularValues(Matrix l) {
        Matrix copy = session.allocate(scope, Precision.FLOAT64, 1, l.rows(), l.rows(), Layout.COLUMN_MAJOR);
        session.copy(l, copy);
        Matrix values = session.allocate(scope, l.rows(), 1);
        session.singularValues(copy, values, session.status(scope, 1));
        double[] sigma = new double[Math.toIntExact(l.rows())];
        for (int i = 0; i < sigma.length; i++) {
            sigma[i] = session.toHost(values).get(0, i, 0);
        }
        return sigma;
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 1e-3, 1e-100})
    void boundsAreBoundsAndSharpOnesAreSharper(double shrink) {
        for (int p : new int[] {2, 30, 100}) {
            Matrix l = triangle(p, shrink);
            double[] sigma = singularValues(l);
            GramCertificate bounds = new GramCertificate(session, l, inverse(l), true);
            double largest = sigma[0];
            double smallest = sigma[p - 1];
            assertThat(bounds.isInverse()).isTrue();
            assertThat(bounds.sigmaMaxLower()).isLessThanOrEqualTo(largest * (1 + 1e-12));
            assertThat(bounds.sigmaMax()).isBetween(largest * (1 - 1e-12), largest * Math.sqrt(p) * (1 + 1e-12));
            if (shrink > 1e-10) {
                assertThat(bounds.sigmaMinUpper()).isGreaterThanOrEqualTo(smallest * (1 - 1e-9));
                assertThat(bounds.sigmaMin()).isBetween(smallest / Math.sqrt(p) * (1 - 1e-9), smallest * (1 + 1e-9));
            }
            double first = bounds.condition();
            double scaled = bounds.scaled();
            bounds.sharpen(GramFactors.emptyGram(session, scope, p));
            double root = Math.sqrt(Math.sqrt(p));
            assertThat(bounds.sigmaMax()).isBetween(largest * (1 - 1e-12), largest * root * (1 + 1e-12));
            if (shrink > 1e-10) {
                assertThat(bounds.sigmaMin()).isBetween(smallest / root * (1 - 1e-9), smallest * (1 + 1e-9));
            }
            assertThat(bounds.condition()).isLessThanOrEqualTo(first);
            assertThat(bounds.scaled()).isLessThanOrEqualTo(scaled);
            if (p > 2) {
                double[] even = singularValues(triangle(p, 1));
                // Rows of norm 1: those of the triangle without shrinking are not far from it.
                assertThat(bounds.scaled()).isLessThan(10 * even[0] / even[p - 1] * root * root);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 64, 200})
    void noticesAnInverseThatIsNone(int p) {
        Matrix l = triangle(p, 1);
        Matrix x = inverse(l);
        x.set(0, p - 1, p / 2, x.get(0, p - 1, p / 2) + 0.01);
        assertThat(new GramCertificate(session, l, x, true).isInverse()).isFalse();
        assertThat(new GramCertificate(session, l, inverse(l), true).isInverse())
                .isTrue();
    }
}
