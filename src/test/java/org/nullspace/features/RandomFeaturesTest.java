package org.nullspace.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.RandomMatrices;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

class RandomFeaturesTest {
    private static Matrix random(int rows, int columns, long seed) {
        return RandomMatrices.gaussian(seed, Precision.FLOAT64, 1, rows, columns, Layout.ROW_MAJOR);
    }

    /** From an independent implementation of the documented rule in Python. */
    @Test
    void featuresAreThoseOfTheDocumentedRule() {
        Matrix x = Matrix.of(new double[][] {{1, 2, 3}, {-1, 0.5, 0}});
        double[][] made = new RandomFeatures(4, 9, 2.0).fit(x).apply(x).toArray();
        double[][] expected = GOLDEN;
        for (int i = 0; i < 2; i++) {
            assertThat(made[i]).containsExactly(expected[i], within(1e-14));
        }
    }

    private static final double[][] GOLDEN = {
        {-0.043042082967934846, 0.7068360956468318, 0.7058900805280706, 0.4163448968429798},
        {-0.07639870539438322, 0.6766047098203087, 0.4976757134530129, 0.5940406658501013}
    };

    /** Inner products tend to the Gaussian kernel with an error of order 1/√count. */
    @Test
    void innerProductsApproximateTheGaussianKernel() {
        Matrix x = random(12, 6, 3);
        double bandwidth = 2.5;
        int count = 40_000;
        Matrix z = new RandomFeatures(count, 1, bandwidth).fit(x).apply(x);
        for (int i = 0; i < 12; i++) {
            for (int k = 0; k <= i; k++) {
                double squares = 0;
                for (int j = 0; j < 6; j++) {
                    squares += Math.pow(x.get(i, j) - x.get(k, j), 2);
                }
                double product = 0;
                for (int f = 0; f < count; f++) {
                    product += z.get(i, f) * z.get(k, f);
                }
                assertThat(product)
                        .isCloseTo(Math.exp(-squares / (2 * bandwidth * bandwidth)), within(4.5 / Math.sqrt(count)));
            }
        }
    }

    @Test
    void theBandwidthIsTheMedianDistanceOfTwoTrainingRows() {
        // Distances 3, 4, 5.
        Matrix triangle = Matrix.of(new double[][] {{0, 0}, {3, 0}, {0, 4}});
        assertThat(new RandomFeatures(5, 1).fit(triangle).bandwidth()).isEqualTo(4);
        // With the first row twice: 3, 3, 4, 4, 5 and a pair of equal rows.
        Matrix repeated = Matrix.of(new double[][] {{0, 0}, {3, 0}, {0, 4}, {0, 0}});
        assertThat(new RandomFeatures(5, 1).fit(repeated).bandwidth()).isEqualTo(4);
        // An even number of distances: 1, 2, 3, 4, 6, 7.
        Matrix line = Matrix.of(new double[][] {{0}, {1}, {3}, {7}});
        assertThat(new RandomFeatures(5, 1).fit(line).bandwidth()).isEqualTo(3.5);
        Matrix equal = Matrix.of(new double[][] {{2, 2}, {2, 2}});
        assertThat(new RandomFeatures(5, 1).fit(equal).bandwidth()).isEqualTo(1);
        Matrix huge = Matrix.of(new double[][] {{1e300, 0}, {0, 1e300}});
        assertThat(new RandomFeatures(5, 1).fit(huge).bandwidth()).isCloseTo(Math.sqrt(2) * 1e300, within(1e286));
    }

    /** Of standard normal rows the median distance tends to √(2d); 500 of many rows are enough to see it. */
    @Test
    void theBandwidthOfManyRowsComesFromASample() {
        assertThat(new RandomFeatures(5, 1).fit(random(5000, 100, 8)).bandwidth())
                .isCloseTo(Math.sqrt(200), within(0.15));
    }

    @Test
    void theSeedDecidesAndTheFirstFeaturesDoNotDependOnTheCount() {
        Matrix x = random(9, 4, 2);
        double[][] few = new RandomFeatures(10, 5, 1.5).fit(x).apply(x).toArray();
        double[][] many = new RandomFeatures(1000, 5, 1.5).fit(x).apply(x).toArray();
        double[][] other = new RandomFeatures(10, 6, 1.5).fit(x).apply(x).toArray();
        double ratio = Math.sqrt(2.0 / 1000) / Math.sqrt(2.0 / 10);
        for (int i = 0; i < 9; i++) {
            for (int f = 0; f < 10; f++) {
                assertThat(many[i][f]).isCloseTo(few[i][f] * ratio, within(1e-15));
                assertThat(other[i][f]).isNotEqualTo(few[i][f]);
            }
        }
    }

    /** Whichever rows come together, a row gives the same bits: 70,000 columns make a block of one row. */
    @ParameterizedTest
    @ValueSource(ints = {3, 70_000})
    void rowsAreTransformedOneByOne(int columns) {
        Matrix x = random(7, columns, 4);
        FittedTransformer fitted = new RandomFeatures(70, 5).fit(x);
        Matrix together = fitted.apply(x);
        for (int i = 0; i < 7; i++) {
            assertThat(fitted.apply(x.rows(i, i + 1)).hasSameEntries(together.rows(i, i + 1)))
                    .isTrue();
        }
    }

    @Test
    void namesAndShapes() {
        Matrix x = random(3, 2, 1);
        FittedTransformer fitted = new RandomFeatures(3, 1).fit(x);
        assertThat(fitted.outputNames(List.of("a", "b"))).containsExactly("fourier_1", "fourier_2", "fourier_3");
        assertThat(fitted.outputs()).isEqualTo(3);
        assertThatThrownBy(() -> fitted.apply(random(3, 5, 1)))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("3×5")
                .hasMessageContaining("2 columns");
    }

    @Test
    void misuseIsNamed() {
        assertThatThrownBy(() -> new RandomFeatures(0, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("number of random features 0 must be at least 1");
        for (double bandwidth : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new RandomFeatures(3, 1, bandwidth))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("bandwidth " + bandwidth);
        }
        RandomFeatures features = new RandomFeatures(3, 1);
        assertThatThrownBy(() -> features.fit(Matrix.zeros(Precision.FLOAT64, 1, 0, 2, Layout.ROW_MAJOR)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("0×2");
        assertThatThrownBy(() -> features.fit(Matrix.of(new double[][] {{1, 2}, {Double.NaN, 3}})))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("row 1, column 0");
        assertThatThrownBy(() -> features.fit(Matrix.of(new double[][] {{1.7e308}, {-1.7e308}})))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("standardize");
        assertThatThrownBy(() -> new RandomFeatures(3, 1, 1e-200)
                        .fit(random(2, 2, 1))
                        .apply(Matrix.of(new double[][] {{1e200, 1e200}})))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("exceeds the range");
    }
}
