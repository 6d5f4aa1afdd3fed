package org.nullspace.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

class StandardizerTest {
    private static Matrix random(long rows, long columns, double shift, double scale) {
        SplitMix64 random = new SplitMix64(17);
        Matrix m = Matrix.zeros(Precision.FLOAT64, 1, rows, columns, Layout.ROW_MAJOR);
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                m.set(0, i, j, shift + scale * (j + 1) * random.nextGaussian());
            }
        }
        return m;
    }

    @Test
    void trainingColumnsGetMeanZeroAndPopulationDeviationOne() {
        Matrix x = random(300, 5, 7, 3);
        Matrix z = new Standardizer().fit(x).apply(x);
        for (int j = 0; j < 5; j++) {
            double sum = 0;
            double squares = 0;
            for (double v : z.columnToArray(j)) {
                sum += v;
                squares += v * v;
            }
            assertThat(sum / 300).isCloseTo(0, within(1e-15));
            assertThat(squares / 300).isCloseTo(1, within(1e-14));
        }
    }

    @Test
    void aSmallExampleByHand() {
        Matrix x = Matrix.of(new double[][] {{2, 1}, {4, 1}, {4, 1}, {4, 1}, {5, 1}, {5, 1}, {7, 1}, {9, 1}});
        Standardizer.Fitted fitted = new Standardizer().fit(x);
        assertThat(fitted.means()).containsExactly(5, 1);
        assertThat(fitted.scales()).containsExactly(2, 1);
        assertThat(fitted.apply(Matrix.of(new double[][] {{6, 1}, {0, 3}})).toArray())
                .isDeepEqualTo(new double[][] {{0.5, 0}, {-2.5, 2}});
        assertThat(fitted.inputs()).isEqualTo(2);
        assertThat(fitted.outputs()).isEqualTo(2);
        assertThat(fitted.outputNames(List.of("a", "b"))).containsExactly("a", "b");
    }

    /** A mean 10^9 times larger than the deviation costs a one-pass formula all digits. */
    @Test
    void aLargeMeanCostsNoAccuracy() {
        Matrix x = random(100_000, 1, 1e9, 1);
        MathContext digits = new MathContext(40);
        BigDecimal mean = BigDecimal.ZERO;
        for (double v : x.columnToArray(0)) {
            mean = mean.add(new BigDecimal(v));
        }
        mean = mean.divide(BigDecimal.valueOf(100_000), digits);
        BigDecimal variance = BigDecimal.ZERO;
        for (double v : x.columnToArray(0)) {
            variance = variance.add(new BigDecimal(v).subtract(mean).pow(2));
        }
        double deviation = variance.divide(BigDecimal.valueOf(100_000), digits)
                .sqrt(digits)
                .doubleValue();
        Standardizer.Fitted fitted = new Standardizer().fit(x);
        assertThat(fitted.means()[0]).isCloseTo(mean.doubleValue(), within(Math.ulp(1e9)));
        assertThat(fitted.scales()[0]).isCloseTo(deviation, within(1e-13));
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e307, 1e200, 1, 1e-200, 1e-305, 0x1p-1050})
    void theScaleOfAColumnDoesNotMatter(double scale) {
        Matrix x = Matrix.of(new double[][] {{-8 * scale}, {2 * scale}, {3 * scale}, {3 * scale}});
        Matrix z = new Standardizer().fit(x).apply(x);
        double deviation = Math.sqrt((64 + 4 + 9 + 9) / 4.0);
        assertThat(z.columnToArray(0))
                .containsExactly(
                        new double[] {-8 / deviation, 2 / deviation, 3 / deviation, 3 / deviation}, within(1e-12));
    }

    @Test
    void theLargestNumbersDoNotOverflow() {
        double max = Double.MAX_VALUE;
        Matrix x = Matrix.of(new double[][] {{max, max}, {-max, max}});
        assertThat(new Standardizer().fit(x).apply(x).toArray()).isDeepEqualTo(new double[][] {{1, 0}, {-1, 0}});
    }

    /** 0.1 cannot be written exactly and its computed mean is not 0.1: the zeros are exact nevertheless. */
    @Test
    void constantColumnsBecomeExactZeros() {
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 7, 3, Layout.COLUMN_MAJOR);
        for (long i = 0; i < 7; i++) {
            x.set(0, i, 0, 0.1);
            x.set(0, i, 1, -1e-310);
        }
        Standardizer.Fitted fitted = new Standardizer().fit(x);
        assertThat(fitted.apply(x).toArray()).isDeepEqualTo(new double[7][3]);
        assertThat(fitted.scales()).containsExactly(1, 1, 1);
        assertThat(fitted.apply(Matrix.of(new double[][] {{0.35, 0, 5}})).get(0, 0))
                .isCloseTo(0.25, within(1e-16));
        assertThat(fitted.apply(Matrix.of(new double[][] {{0.35, 0, 5}})).get(0, 2))
                .isEqualTo(5);
    }

    @Test
    void oneRowIsConstant() {
        Matrix x = Matrix.of(new double[][] {{3, -4}});
        assertThat(new Standardizer().fit(x).apply(x).toArray()).isDeepEqualTo(new double[][] {{0, 0}});
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void layoutsPrecisionsAndViewsGiveTheSameNumbers(Layout layout) {
        Matrix x = random(3000, 70, 1, 2);
        double[][] expected = new Standardizer().fit(x).apply(x).toArray();
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix padded = Matrix.zeros(scope, Precision.FLOAT64, 1, 3003, 75, layout);
            Matrix view = padded.rows(2, 3002).columns(1, 71);
            view.copyFrom(x);
            Matrix z = new Standardizer().fit(view).apply(scope, view);
            assertThat(z.toArray()).isDeepEqualTo(expected);
            assertThat(z.layout()).isEqualTo(Layout.ROW_MAJOR);
            assertThat(view.hasSameEntries(x)).as("input untouched").isTrue();

            Matrix single = Matrix.zeros(scope, Precision.FLOAT32, 1, 3000, 70, layout);
            single.copyFrom(x);
            Matrix zSingle = new Standardizer().fit(single).apply(scope, single);
            assertThat(zSingle.precision()).isEqualTo(Precision.FLOAT32);
            for (int i = 0; i < 3000; i++) {
                for (int j = 0; j < 70; j++) {
                    assertThat(Math.abs(zSingle.get(i, j) - expected[i][j])).isLessThan(2e-6);
                }
            }
        }
    }

    @Test
    void writesIntoAViewAndNothingElse() {
        Matrix x = Matrix.of(new double[][] {{1, 2}, {3, 6}});
        Matrix whole = Matrix.zeros(Precision.FLOAT64, 1, 4, 4, Layout.ROW_MAJOR);
        new Standardizer().fit(x).applyTo(x, whole.rows(1, 3).columns(1, 3));
        assertThat(whole.toArray())
                .isDeepEqualTo(new double[][] {{0, 0, 0, 0}, {0, -1, -1, 0}, {0, 1, 1, 0}, {0, 0, 0, 0}});
    }

    @Test
    void misuseNamesBothSides() {
        Matrix x = random(4, 3, 0, 1);
        Standardizer.Fitted fitted = new Standardizer().fit(x);
        assertThatThrownBy(() -> fitted.apply(random(4, 5, 0, 1)))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessage("rows have shape 4×5, standardizer was fitted on rows of 3 columns");
        assertThatThrownBy(() -> fitted.outputNames(List.of("a")))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("1 names")
                .hasMessageContaining("3 columns");
        assertThatThrownBy(() -> fitted.applyTo(x, random(3, 3, 0, 1)))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("3×3")
                .hasMessageContaining("4×3");
        assertThatThrownBy(() -> fitted.applyTo(x, random(3, 4, 0, 1).transposed()))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("row-major");
        assertThatThrownBy(() -> new Standardizer().fit(Matrix.zeros(Precision.FLOAT64, 2, 3, 3, Layout.ROW_MAJOR)))
                .isInstanceOf(ShapeMismatchException.class);
        assertThatThrownBy(() -> new Standardizer().fit(Matrix.zeros(Precision.FLOAT64, 1, 0, 3, Layout.ROW_MAJOR)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("0×3");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void valuesThatAreNotFiniteAreNamed(double bad) {
        Matrix x = random(2000, 50, 0, 1);
        Standardizer.Fitted fitted = new Standardizer().fit(x);
        x.set(0, 1700, 31, bad);
        String message = "row 1700, column 31 (counted from 0) is " + bad + ", a finite number is needed";
        assertThatThrownBy(() -> new Standardizer().fit(x))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(message);
        assertThatThrownBy(() -> fitted.apply(x)).hasMessage(message);
    }

    @Test
    void resultsBeyondFloat32AreErrors() {
        Matrix x = Matrix.zeros(Precision.FLOAT32, 1, 2, 1, Layout.ROW_MAJOR);
        x.set(0, 0, 0, 1e-30);
        Standardizer.Fitted fitted = new Standardizer().fit(x);
        Matrix large = Matrix.zeros(Precision.FLOAT32, 1, 2, 1, Layout.ROW_MAJOR);
        large.set(0, 1, 0, 1e30);
        assertThatThrownBy(() -> fitted.apply(large))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("row 1, feature 0 (counted from 0) exceeds the range of FLOAT32");
    }
}
