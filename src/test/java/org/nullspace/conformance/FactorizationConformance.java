package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.nullspace.matrix.Layout.COLUMN_MAJOR;
import static org.nullspace.matrix.Layout.ROW_MAJOR;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.conformance.Operand.Shape;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Cholesky, QR, singular values, eigenvalues and eigenvectors. */
abstract class FactorizationConformance extends ProductConformance {
    @ParameterizedTest
    @EnumSource
    void choleskyAndInverse(Precision precision) {
        SplittableRandom random = new SplittableRandom(11);
        for (Layout layout : LAYOUTS) {
            for (int n : SIZES) {
                for (int batch : new int[] {1, 3, 0}) {
                    choleskyAndInverse(random, n, batch, precision, layout);
                }
            }
            choleskyAndInverse(random, 333, 1, precision, layout);
        }
    }

    void choleskyAndInverse(SplittableRandom random, int n, int batch, Precision precision, Layout layout) {
        Shape shape = new Shape(batch, n, n);
        double above = next(Double.NaN, 17.0);
        situation = "cholesky " + precision + " " + layout + " " + shape;
        double[][][] a = new double[batch][][];
        for (int p = 0; p < batch; p++) {
            double[][] x = Reference.random(random, n, n + 5, precision);
            a[p] = Reference.multiply(x, Reference.transpose(x, n + 5), n);
        }
        forEach(a, (p, i, j) -> a[p][i][j] = j > i ? above : Reference.round(a[p][i][j], precision));
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shape, a, precision, layout, framed());
            Status status = session.status(inner, batch);
            session.cholesky(x.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            double[][][] factor = x.download();
            double[][][] lower = new double[batch][n][n];
            forEach(factor, (p, i, j) -> lower[p][i][j] = j > i ? 0 : factor[p][i][j]);
            for (int p = 0; p < batch; p++) {
                double[][] before = a[p];
                double[][] product = Reference.multiply(lower[p], Reference.transpose(lower[p], n), n);
                double[][] m = Reference.magnitudes(lower[p]);
                double[][] bound = Reference.multiply(m, Reference.transpose(m, n), n);
                double[][] untouched = factor[p];
                assertClose(
                        new double[][][] {product},
                        (q, i, j) -> j > i ? product[i][j] : before[i][j],
                        (q, i, j) -> 2 * (n + 3) * precision.epsilon() * bound[i][j]);
                assertClose(new double[][][] {untouched}, (q, i, j) -> j > i ? above : untouched[i][j], (q, i, j) -> 0);
            }
            session.invertLower(x.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            double[][][] inverse = x.download();
            for (int p = 0; p < batch; p++) {
                double[][] half = new double[n][n];
                double[][] whole = inverse[p];
                forEach(new double[][][] {whole}, (q, i, j) -> half[i][j] = j > i ? 0 : whole[i][j]);
                double[][] product = Reference.multiply(lower[p], half, n);
                double[][] bound = Reference.multiply(Reference.magnitudes(lower[p]), Reference.magnitudes(half), n);
                double[][] spread = Reference.multiply(bound, bound, n);
                assertClose(
                        new double[][][] {product},
                        (q, i, j) -> i == j ? 1 : 0,
                        (q, i, j) -> 2 * (n + 3) * precision.epsilon() * (bound[i][j] + spread[i][j]));
                assertClose(new double[][][] {whole}, (q, i, j) -> j > i ? above : whole[i][j], (q, i, j) -> 0);
            }
            x.assertFrameUntouched();
        }
    }

    @ParameterizedTest
    @EnumSource
    void choleskyNamesTheFirstBadMinor(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {1, 7, 65, 400}) {
                for (int bad : new int[] {0, n / 2, n - 1}) {
                    for (double value : new double[] {-1, 0, Double.NaN, Double.POSITIVE_INFINITY}) {
                        situation = "cholesky " + precision + " " + layout + " " + n + ", " + value + " at " + bad;
                        double[][][] a = {Reference.identity(n), Reference.identity(n), Reference.identity(n)};
                        a[1][bad][bad] = value;
                        try (MemoryScope inner = MemoryScope.open()) {
                            Operand x = upload(inner, new Shape(3, n, n), a, precision, layout, framed());
                            Status status = session.status(inner, 3);
                            session.cholesky(x.view(), status);
                            assertThat(session.read(status)).as(situation).containsExactly(0, bad + 1, 0);
                            double[][][] factor = x.download();
                            assertThat(factor[0]).isDeepEqualTo(a[0]);
                            assertThat(factor[2]).isDeepEqualTo(a[2]);
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void choleskySeesNaNBelowTheDiagonal(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {2, 33, 400}) {
                double[][] a = Reference.identity(n);
                a[n - 1][n / 2 - 1] = Double.NaN;
                Operand x = upload(scope, a, precision, layout);
                Status status = session.status(scope, 1);
                session.cholesky(x.view(), status);
                assertThat(session.read(status)).containsExactly(n);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void invertLowerNamesTheFirstZero(Precision precision) {
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {1, 7, 65}) {
                double[][][] a = {Reference.identity(n), Reference.identity(n), Reference.identity(n)};
                a[0][n / 2][n / 2] = 0;
                a[2][n - 1][n - 1] = 0;
                a[2][n / 3][n / 3] = -0.0;
                Operand x = upload(scope, new Shape(3, n, n), a, precision, layout, true);
                Status status = session.status(scope, 3);
                session.invertLower(x.view(), status);
                assertThat(session.read(status)).containsExactly(n / 2 + 1, 0, n / 3 + 1);
                assertThat(x.download()[1]).isDeepEqualTo(a[1]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void invertsWellConditionedTriangles(Precision precision) {
        SplittableRandom random = new SplittableRandom(13);
        for (Layout layout : LAYOUTS) {
            for (int n : new int[] {0, 1, 2, 32, 33, 65, 130, 257, 513}) {
                for (int batch : n < 100 ? new int[] {1, 3} : new int[] {1}) {
                    situation = "invertWellConditioned " + precision + " " + layout + " " + batch + "×" + n;
                    double[][][] a = new double[batch][][];
                    for (int p = 0; p < batch; p++) {
                        a[p] = Reference.random(random, n, n, precision);
                        for (int i = 0; i < n; i++) {
                            a[p][i][i] = 1 + i % 3;
                            for (int j = 0; j < n; j++) {
                                a[p][i][j] =
                                        j > i ? Double.NaN : Reference.round(a[p][i][j] / (i == j ? 1 : 16), precision);
                            }
                        }
                    }
                    try (MemoryScope inner = MemoryScope.open()) {
                        Operand x = upload(inner, new Shape(batch, n, n), a, precision, layout, true);
                        Status status = session.status(inner, batch);
                        session.invertWellConditioned(x.view(), status);
                        assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
                        double[][][] inverse = x.download();
                        for (int p = 0; p < batch; p++) {
                            double[][] l = a[p];
                            double[][] whole = inverse[p];
                            double[][] half = new double[n][n];
                            double[][] lower = new double[n][n];
                            forEach(new double[][][] {whole}, (q, i, j) -> {
                                half[i][j] = j > i ? 0 : whole[i][j];
                                lower[i][j] = j > i ? 0 : l[i][j];
                            });
                            double[][] product = Reference.multiply(lower, half, n);
                            double[][] bound =
                                    Reference.multiply(Reference.magnitudes(lower), Reference.magnitudes(half), n);
                            double[][] spread = Reference.multiply(bound, bound, n);
                            assertClose(
                                    new double[][][] {product},
                                    (q, i, j) -> i == j ? 1 : 0,
                                    (q, i, j) -> 2 * (n + 3) * precision.epsilon() * (bound[i][j] + spread[i][j]));
                            assertClose(
                                    new double[][][] {whole},
                                    (q, i, j) -> j > i ? Double.NaN : whole[i][j],
                                    (q, i, j) -> 0);
                        }
                        x.assertFrameUntouched();
                    }
                }
            }
            for (int zero : new int[] {0, 40, 99}) {
                double[][] a = Reference.identity(100);
                a[zero][zero] = 0;
                Operand x = upload(scope, a, precision, layout);
                Status status = session.status(scope, 1);
                session.invertWellConditioned(x.view(), status);
                assertThat(session.read(status)).containsExactly(zero + 1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void factorsAndAppliesQ(Precision precision) {
        SplittableRandom random = new SplittableRandom(12);
        for (int m : SIZES) {
            for (int n : SIZES) {
                for (int batch : new int[] {1, 3, 0}) {
                    factorAndApplyQ(random, m, n, batch, precision);
                }
            }
        }
        factorAndApplyQ(random, 300, 40, 1, precision);
        factorAndApplyQ(random, 40, 300, 1, precision);
    }

    void factorAndApplyQ(SplittableRandom random, int m, int n, int batch, Precision precision) {
        Shape shape = new Shape(batch, m, n);
        int l = Math.min(m, n);
        situation = "qr " + precision + " " + shape;
        double[][][] a = batch(random, shape, precision);
        try (MemoryScope inner = MemoryScope.open()) {
            Operand x = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
            Shape column = new Shape(batch, l, 1);
            Operand tau = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            session.qr(x.view(), tau.view());
            x.assertFrameUntouched();
            tau.assertFrameUntouched();
            double[][][] factored = x.download();
            double[][][] factors = tau.download();
            double[][][] q = new double[batch][][];
            for (int p = 0; p < batch; p++) {
                q[p] = Reference.q(factored[p], factors[p], m);
                double[][] r = new double[m][n];
                double[][] f = factored[p];
                forEach(new double[][][] {f}, (b, i, j) -> r[i][j] = j < i ? 0 : f[i][j]);
                double[][] before = a[p];
                double error = 8 * (m + 3) * precision.epsilon() * frobenius(before);
                assertClose(
                        new double[][][] {Reference.multiply(q[p], r, n)},
                        (b, i, j) -> before[i][j],
                        (b, i, j) -> error);
                assertOrthonormalColumns(q[p], m, 8 * (m + 3) * precision.epsilon());
            }
            for (Layout layout : LAYOUTS) {
                for (boolean transposed : new boolean[] {false, true}) {
                    int k = next(1, 5, 0, 33);
                    int batchQ = batch == 3 ? next(3, 1) : batch;
                    Shape shapeC = new Shape(batch, m, k);
                    situation = "applyQ " + precision + " " + l + " reflectors, transposed " + transposed + ", "
                            + layout + " " + shapeC;
                    double[][][] c = batch(random, shapeC, precision);
                    Operand y = upload(inner, shapeC, c, precision, layout, framed());
                    Matrix reflectors = x.view().columns(0, l);
                    session.applyQ(
                            batchQ == batch ? reflectors : reflectors.problem(0),
                            batchQ == batch ? tau.view() : tau.view().problem(0),
                            transposed,
                            y.view());
                    double[][][] result = y.download();
                    for (int p = 0; p < batch; p++) {
                        double[][] qp = q[batchQ == batch ? p : 0];
                        double[][] expected = Reference.multiply(transposed ? Reference.transpose(qp, m) : qp, c[p], k);
                        double error = 8 * (m + 3) * precision.epsilon() * frobenius(c[p]);
                        assertClose(new double[][][] {result[p]}, (b, i, j) -> expected[i][j], (b, i, j) -> error);
                    }
                    y.assertFrameUntouched();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void decomposesIntoSingularValues(Precision precision) {
        SplittableRandom random = new SplittableRandom(13);
        for (int m : SIZES) {
            for (int n : SIZES) {
                if (m >= n) {
                    for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
                        svd(random, algorithm, m, n, next(1, 3, 0), precision, next(1.0, 0.0, 1.0));
                    }
                }
            }
        }
        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
            svd(random, algorithm, 400, 7, 1, precision, 1);
            svd(random, algorithm, 300, 60, 1, precision, 1);
            svd(random, algorithm, 66, 65, 1, precision, 1);
            svd(random, algorithm, 100, 65, 1, precision, 1);
            svd(random, algorithm, 130, 65, 1, precision, 1e-30);
            svd(random, algorithm, 100, 100, 1, precision, 1e30);
        }
    }

    /** The polar decomposition may say that it has lost small singular values. Nothing else may. */
    static boolean declines(SvdAlgorithm algorithm, int word) {
        return algorithm == SvdAlgorithm.POLAR && word != 0;
    }

    void svd(
            SplittableRandom random,
            SvdAlgorithm algorithm,
            int m,
            int n,
            int batch,
            Precision precision,
            double scale) {
        Shape shape = new Shape(batch, m, n);
        situation = "svd " + algorithm + " " + precision + " " + shape + " scale " + scale;
        double[][][] a = batch(random, shape, precision);
        forEach(a, (p, i, j) -> {
            // The last column repeats the first where there are several: one singular value is zero.
            double value = n > 2 && j == n - 1 ? a[p][i][0] : Reference.round(a[p][i][j] * scale, precision);
            a[p][i][j] = value;
        });
        try (MemoryScope inner = MemoryScope.open()) {
            Operand u = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
            Operand destroyed = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
            Shape column = new Shape(batch, n, 1);
            Shape square = new Shape(batch, n, n);
            Operand s = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            Operand only = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            Operand vt = upload(inner, square, square.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
            Status status = session.status(inner, batch);
            session.svd(algorithm, u.view(), s.view(), vt.view(), status);
            int[] words = session.read(status);
            session.singularValues(destroyed.view(), only.view(), status);
            assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
            double[][][] left = u.download();
            double[][][] values = s.download();
            double[][][] right = vt.download();
            double[][][] alone = only.download();
            for (int p = 0; p < batch; p++) {
                if (declines(algorithm, words[p])) {
                    assertThat(values[p][0][0]).as(situation).isNaN();
                    continue;
                }
                assertThat(words[p]).as(situation).isZero();
                double[][] before = a[p];
                double norm = frobenius(before);
                double[][] scaled = Reference.copy(right[p]);
                for (int i = 0; i < n; i++) {
                    assertThat(values[p][i][0] >= 0).as(situation).isTrue();
                    if (i > 0) {
                        assertThat(values[p][i][0]).as(situation).isLessThanOrEqualTo(values[p][i - 1][0]);
                    }
                    for (int j = 0; j < n; j++) {
                        scaled[i][j] *= values[p][i][0];
                    }
                }
                double[][] sp = values[p];
                double error = 8 * (m + 3) * precision.epsilon();
                assertClose(
                        new double[][][] {Reference.multiply(left[p], scaled, n)},
                        (b, i, j) -> before[i][j],
                        (b, i, j) -> error * norm);
                assertClose(new double[][][] {alone[p]}, (b, i, j) -> sp[i][0], (b, i, j) -> error * norm);
                assertOrthonormalColumns(left[p], n, error);
                assertOrthonormalColumns(Reference.transpose(right[p], n), n, error);
            }
            for (Operand written : List.of(u, s, vt, destroyed, only)) {
                written.assertFrameUntouched();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsPlantedSpectra(Precision precision) {
        SplittableRandom random = new SplittableRandom(14);
        int n = 40;
        double[] planted = new double[n];
        for (int i = 0; i < n; i++) {
            planted[i] = i < 3 ? 2 : Math.pow(10, -i / 4.0);
        }
        double[][] left = Reference.orthogonal(random, 90);
        double[][] right = Reference.orthogonal(random, n);
        double[][] scaled = Reference.copy(right);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                scaled[i][j] *= planted[i];
            }
        }
        double[][] general = Reference.multiply(Reference.transpose(left, 90), pad(scaled, 90), n);
        double[][] symmetric = Reference.multiply(Reference.transpose(right, n), scaled, n);
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                symmetric[i][j] = Double.NaN;
            }
        }
        Matrix s = session.allocate(scope, precision, 1, n, 1, COLUMN_MAJOR);
        Matrix vt = session.allocate(scope, precision, 1, n, n, COLUMN_MAJOR);
        Status status = session.status(scope, 1);
        double error = 100 * precision.epsilon();
        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
            Operand a = upload(scope, general, precision, COLUMN_MAJOR);
            session.svd(algorithm, a.view(), s, vt, status);
            int[] words = session.read(status);
            if (declines(algorithm, words[0])) {
                assertThat(Operand.download(session, s)[0][0][0]).isNaN();
                continue;
            }
            assertThat(words).containsExactly(0);
            assertClose(Operand.download(session, s), (p, i, j) -> planted[i], (p, i, j) -> error);
        }
        Operand a = upload(scope, symmetric, precision, COLUMN_MAJOR);
        session.eigenvalues(a.view(), s, status);
        assertThat(session.read(status)).containsExactly(0);
        assertClose(Operand.download(session, s), (p, i, j) -> planted[n - 1 - i], (p, i, j) -> error);
        Operand z = upload(scope, symmetric, precision, COLUMN_MAJOR);
        session.eigenvectors(z.view(), s, status);
        assertThat(session.read(status)).containsExactly(0);
        assertClose(Operand.download(session, s), (p, i, j) -> planted[n - 1 - i], (p, i, j) -> error);
    }

    @ParameterizedTest
    @EnumSource
    void findsEigenvalues(Precision precision) {
        SplittableRandom random = new SplittableRandom(15);
        for (int n : SIZES) {
            for (int batch : new int[] {1, 3, 0}) {
                Shape shape = new Shape(batch, n, n);
                situation = "eigenvalues " + precision + " " + shape;
                double[][][] a = new double[batch][][];
                double[][] planted = new double[batch][n];
                for (int p = 0; p < batch; p++) {
                    double[][] q = Reference.orthogonal(random, n);
                    double[][] scaled = Reference.copy(q);
                    for (int i = 0; i < n; i++) {
                        planted[p][i] = i == 0 ? -1 : (double) i / n;
                        for (int j = 0; j < n; j++) {
                            scaled[i][j] *= planted[p][i];
                        }
                    }
                    a[p] = Reference.multiply(Reference.transpose(q, n), scaled, n);
                }
                forEach(a, (p, i, j) -> a[p][i][j] = j > i ? Double.NaN : a[p][i][j]);
                try (MemoryScope inner = MemoryScope.open()) {
                    Operand x = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
                    Shape column = new Shape(batch, n, 1);
                    Operand values =
                            upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
                    Status status = session.status(inner, batch);
                    session.eigenvalues(x.view(), values.view(), status);
                    assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
                    double error = 4 * (n + 3) * precision.epsilon();
                    assertClose(values.download(), (p, i, j) -> planted[p][i], (p, i, j) -> error);
                    values.assertFrameUntouched();
                    x.assertFrameUntouched();

                    Operand z = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
                    session.eigenvectors(z.view(), values.view(), status);
                    assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
                    assertClose(values.download(), (p, i, j) -> planted[p][i], (p, i, j) -> error);
                    assertDecomposes(a, planted, new double[batch][n], z.download(), error);
                    values.assertFrameUntouched();
                    z.assertFrameUntouched();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void reducesToTridiagonalForm(Precision precision) {
        SplittableRandom random = new SplittableRandom(17);
        for (int n : SIZES) {
            for (int batch : new int[] {1, 3, 0}) {
                Shape shape = new Shape(batch, n, n);
                situation = "tridiagonal " + precision + " " + shape;
                double[][][] a = batch(random, shape, precision);
                forEach(a, (p, i, j) -> a[p][i][j] = j > i ? Double.NaN : a[p][i][j]);
                Shape column = new Shape(batch, n, 1);
                Shape shorter = new Shape(batch, Math.max(0, n - 1), 1);
                try (MemoryScope inner = MemoryScope.open()) {
                    Operand q = upload(inner, shape, a, precision, COLUMN_MAJOR, framed());
                    Operand d = upload(inner, column, column.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
                    Operand e = upload(inner, shorter, shorter.filled(Double.NaN), precision, COLUMN_MAJOR, framed());
                    Status status = session.status(inner, batch);
                    session.tridiagonalize(q.view(), d.view(), e.view(), status);
                    assertThat(session.read(status)).as(situation).isEqualTo(new int[batch]);
                    double error = 4 * n * (n + 3) * precision.epsilon();
                    assertDecomposes(a, columns(d.download()), columns(e.download()), q.download(), error);
                    q.assertFrameUntouched();
                    d.assertFrameUntouched();
                    e.assertFrameUntouched();
                }
            }
        }
    }

    private static double[][] columns(double[][][] batch) {
        return Arrays.stream(batch)
                .map(one -> Arrays.stream(one).mapToDouble(row -> row[0]).toArray())
                .toArray(double[][]::new);
    }

    /** A = Z·T·Zᵀ in the lower triangle, and ZᵀZ = I; T tridiagonal. */
    private void assertDecomposes(double[][][] a, double[][] d, double[][] e, double[][][] z, double error) {
        for (int p = 0; p < a.length; p++) {
            int n = d[p].length;
            for (int i = 0; i < n; i++) {
                for (int j = 0; j <= i; j++) {
                    double product = 0;
                    double inner = 0;
                    for (int l = 0; l < n; l++) {
                        product += z[p][i][l] * d[p][l] * z[p][j][l];
                        if (l > 0) {
                            product += z[p][i][l] * e[p][l - 1] * z[p][j][l - 1];
                            product += z[p][i][l - 1] * e[p][l - 1] * z[p][j][l];
                        }
                        inner += z[p][l][i] * z[p][l][j];
                    }
                    assertThat(product).as(situation).isCloseTo(a[p][i][j], within(error));
                    assertThat(inner).as(situation).isCloseTo(i == j ? 1 : 0, within(error));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void iterationsEndOnNonFiniteEntries(Precision precision) {
        double[] bad = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        for (double value : bad) {
            for (int[] size : new int[][] {{1, 1}, {7, 7}, {33, 7}, {65, 33}, {200, 120}}) {
                int m = size[0];
                int n = size[1];
                SplittableRandom random = new SplittableRandom(16);
                double[][][] a = batch(random, new Shape(3, m, n), precision);
                double[][][] square = batch(random, new Shape(3, n, n), precision);
                double[][][] clean = {Reference.copy(a[0]), Reference.copy(a[1]), Reference.copy(a[2])};
                a[1][m - 1][n / 2] = value;
                square[1][n - 1][n / 2] = value;
                situation = value + " in " + m + "×" + n + " " + precision;
                Assertions.assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
                    try (MemoryScope inner = MemoryScope.open()) {
                        Matrix s = session.allocate(inner, precision, 3, n, 1, COLUMN_MAJOR);
                        Matrix vt = session.allocate(inner, precision, 3, n, n, COLUMN_MAJOR);
                        for (SvdAlgorithm algorithm : session.svdAlgorithms()) {
                            Operand x = upload(inner, new Shape(3, m, n), a, precision, COLUMN_MAJOR, false);
                            Status status = session.status(inner, 3);
                            session.svd(algorithm, x.view(), s, vt, status);
                            assertOnlySecondFailed(session.read(status), s);
                            Operand y = upload(inner, new Shape(3, m, n), clean, precision, COLUMN_MAJOR, false);
                            Matrix values = session.allocate(inner, precision, 3, n, 1, COLUMN_MAJOR);
                            session.singularValues(y.view(), values, status);
                            double[][][] expected = Operand.download(session, values);
                            double[][][] got = Operand.download(session, s);
                            for (int p : new int[] {0, 2}) {
                                double[][] e = expected[p];
                                assertClose(
                                        new double[][][] {got[p]},
                                        (q, i, j) -> e[i][0],
                                        (q, i, j) -> 8 * (m + 3) * precision.epsilon() * e[0][0]);
                            }
                        }
                        Operand x = upload(inner, new Shape(3, m, n), a, precision, COLUMN_MAJOR, false);
                        Status status = session.status(inner, 3);
                        session.singularValues(x.view(), s, status);
                        assertOnlySecondFailed(session.read(status), s);
                        Operand z = upload(inner, new Shape(3, n, n), square, precision, COLUMN_MAJOR, false);
                        session.eigenvalues(z.view(), s, status);
                        assertOnlySecondFailed(session.read(status), s);
                        Operand v = upload(inner, new Shape(3, n, n), square, precision, COLUMN_MAJOR, false);
                        session.eigenvectors(v.view(), s, status);
                        assertOnlySecondFailed(session.read(status), s);
                        Operand q = upload(inner, new Shape(3, n, n), square, precision, COLUMN_MAJOR, false);
                        Matrix beside = session.allocate(inner, precision, 3, n - 1, 1, COLUMN_MAJOR);
                        session.tridiagonalize(q.view(), s, beside, status);
                        assertOnlySecondFailed(session.read(status), s);
                    }
                });
            }
        }
    }

    void assertOnlySecondFailed(int[] words, Matrix values) {
        assertThat(words[0]).as(situation).isZero();
        assertThat(words[1]).as(situation).isPositive();
        assertThat(words[2]).as(situation).isZero();
        double[][][] s = Operand.download(session, values);
        for (int i = 0; i < s[1].length; i++) {
            assertThat(s[1][i][0]).as(situation).isNaN();
            assertThat(s[0][i][0]).as(situation).isFinite();
            assertThat(s[2][i][0]).as(situation).isFinite();
        }
    }

    @Test
    void factorizationsWithoutIterationEndOnNaN() {
        for (Precision precision : Precision.values()) {
            double[][] a = new Shape(1, 65, 33).filled(Double.NaN)[0];
            Operand x = upload(scope, a, precision, COLUMN_MAJOR);
            Matrix tau = session.allocate(scope, precision, 1, 33, 1, COLUMN_MAJOR);
            session.qr(x.view(), tau);
            session.applyQ(x.view(), tau, true, x.view().problem(0).columns(0, 0));
            session.solveTriangular(
                    Triangle.UPPER, x.view().rows(0, 33), session.allocate(scope, precision, 1, 33, 2, ROW_MAJOR));
            assertThat(Operand.download(session, x.view())[0][0][0]).isNaN();
        }
    }
}
