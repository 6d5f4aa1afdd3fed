package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** A Cholesky factor and its inverse in one sweep. */
@OnCudaDevice
class CholeskySweepTest {
    private static final double EPS = Precision.FLOAT64.epsilon();

    private final Session session = new CudaProvider().open(0);
    private final MemoryScope scope = MemoryScope.open();

    @AfterEach
    void close() {
        scope.close();
        session.close();
    }

    private static double[][] product(double[][] a, double[][] b) {
        int n = a.length;
        double[][] c = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                for (int j = 0; j < n; j++) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return c;
    }

    private static double[][] magnitudes(double[][] a) {
        double[][] m = new double[a.length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) {
                m[i][j] = Math.abs(a[i][j]);
            }
        }
        return m;
    }

    private static double[][] transposed(double[][] a) {
        double[][] t = new double[a.length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) {
                t[j][i] = a[i][j];
            }
        }
        return t;
    }

    /** GGᵀ with rows of G of very unlike sizes, two of them nearly parallel, and NaN above the diagonal. */
    private static double[][] gram(int n) {
        SplitMix64 random = new SplitMix64(n);
        double[][] g = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                g[i][j] = (random.nextLong() >> 11) * 0x1p-52 * Math.pow(10, i % 7 - 3)
                        + (i == j ? Math.pow(10, i % 7 - 3) : 0);
            }
        }
        if (n > 4) {
            for (int j = 0; j < n; j++) {
                g[3][j] = g[2][j] + 1e-4 * g[3][j];
            }
        }
        return product(g, transposed(g));
    }

    private Matrix upload(double[][] a) {
        Matrix host = Matrix.zeros(scope, Precision.FLOAT64, 1, a.length, a.length, Layout.COLUMN_MAJOR);
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) {
                host.set(0, i, j, j > i ? Double.NaN : a[i][j]);
            }
        }
        Matrix padded = session.allocate(scope, Precision.FLOAT64, 1, a.length + 3, a.length + 1, Layout.COLUMN_MAJOR);
        session.fill(padded, 7);
        Matrix there = padded.rows(2, a.length + 2).columns(0, a.length);
        session.copy(host, there);
        return there;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 63, 64, 65, 130, 200, 257})
    void isAFactorAndItsInverse(int n) {
        double[][] exact = gram(n);
        Matrix a = upload(exact);
        Matrix inverse = session.allocate(scope, Precision.FLOAT64, 1, n, n, Layout.ROW_MAJOR);
        session.fill(inverse, Double.NaN);
        Status status = session.status(scope, 1);
        assertThat(session.choleskyWithInverse(a, inverse, status)).isTrue();
        assertThat(session.read(status)).containsExactly(0);
        double[][] l = session.toHost(a).toArray();
        double[][] m = session.toHost(inverse).toArray();
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                assertThat(l[i][j]).isNaN();
                assertThat(m[i][j]).isZero();
                l[i][j] = 0;
            }
        }
        double[][] back = product(l, transposed(l));
        double[][] size = product(magnitudes(l), transposed(magnitudes(l)));
        double[][] identity = product(l, m);
        double[][] growth = product(magnitudes(l), magnitudes(m));
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                // Of a sum of n products each step rounds once (Higham, Accuracy and Stability, Theorems 10.3 and 8.5).
                double off = Math.abs(back[i][j] - exact[i][j]);
                assertThat(off).as("LLᵀ [%d, %d]", i, j).isLessThanOrEqualTo(2 * (n + 4) * EPS * size[i][j]);
                double left = Math.abs(identity[i][j] - (i == j ? 1 : 0));
                assertThat(left).as("L·L⁻¹ [%d, %d]", i, j).isLessThanOrEqualTo(2 * (n + 4) * EPS * growth[i][j]);
            }
        }
    }

    @Test
    void namesTheFirstMinorThatIsNotPositive() {
        for (int bad : new int[] {0, 37, 64, 149}) {
            for (double value : new double[] {-1, 0, Double.NaN, Double.POSITIVE_INFINITY}) {
                int n = 150;
                double[][] a = new double[n][n];
                for (int i = 0; i < n; i++) {
                    a[i][i] = i == bad ? value : 1;
                }
                Status status = session.status(scope, 1);
                Matrix inverse = session.allocate(scope, Precision.FLOAT64, 1, n, n, Layout.ROW_MAJOR);
                assertThat(session.choleskyWithInverse(upload(a), inverse, status))
                        .isTrue();
                assertThat(session.read(status)).as("%s at %d", value, bad).containsExactly(bad + 1);
            }
        }
    }

    @Test
    void leavesOtherOperandsToTheOperationsApart() {
        Matrix a = session.allocate(scope, Precision.FLOAT64, 1, 5, 5, Layout.ROW_MAJOR);
        Matrix inverse = session.allocate(scope, Precision.FLOAT64, 1, 5, 5, Layout.ROW_MAJOR);
        session.fill(a, 3);
        assertThat(session.choleskyWithInverse(a, inverse, session.status(scope, 1)))
                .isFalse();
        assertThat(session.toHost(a).get(0, 2, 1)).isEqualTo(3);
    }
}
