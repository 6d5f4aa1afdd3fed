package org.nullspace.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

class PolynomialFeaturesTest {
    @Test
    void degreeTwoInTheDocumentedOrder() {
        Matrix x = Matrix.of(new double[][] {{2, 3, 5}, {-1, 0, 7}});
        FittedTransformer fitted = new PolynomialFeatures(2).fit(x);
        assertThat(fitted.outputNames(List.of("a", "b", "c")))
                .containsExactly("a", "b", "c", "a^2", "a*b", "a*c", "b^2", "b*c", "c^2");
        assertThat(fitted.apply(x).toArray())
                .isDeepEqualTo(new double[][] {{2, 3, 5, 4, 6, 10, 9, 15, 25}, {-1, 0, 7, 1, -0.0, -7, 0, 0, 49}});
    }

    @Test
    void degreeThreeInTheDocumentedOrder() {
        Matrix x = Matrix.of(new double[][] {{2, 3}});
        FittedTransformer fitted = new PolynomialFeatures(3).fit(x);
        assertThat(fitted.outputNames(List.of("a", "b")))
                .containsExactly("a", "b", "a^2", "a*b", "b^2", "a^3", "a^2*b", "a*b^2", "b^3");
        assertThat(fitted.apply(x).toArray()).isDeepEqualTo(new double[][] {{2, 3, 4, 6, 9, 8, 12, 18, 27}});
    }

    @Test
    void degreeOneCopies() {
        Matrix x = Matrix.of(new double[][] {{2, 3}, {4, 5}});
        assertThat(new PolynomialFeatures(1).fit(x).apply(x).toArray()).isDeepEqualTo(x.toArray());
    }

    @ParameterizedTest
    @CsvSource({
        "100, 2, 5150",
        "3, 2, 9",
        "2, 3, 9",
        "1, 7, 7",
        "12, 4, 1819",
        "0, 3, 0",
        "5, 1, 5",
        "1000, 3, 167668500"
    })
    void numberOfFeatures(long columns, int degree, long expected) {
        assertThat(PolynomialFeatures.count(columns, degree)).isEqualTo(expected);
    }

    @Test
    void numbersOfFeaturesAreExactUpToTheLimitOf64Bits() {
        for (int columns = 1; columns < 200; columns += 13) {
            for (int degree = 1; degree < 80; degree++) {
                BigInteger exact = BigInteger.ONE;
                for (int k = 1; k <= degree; k++) {
                    exact = exact.multiply(BigInteger.valueOf(columns + k)).divide(BigInteger.valueOf(k));
                }
                int c = columns;
                int k = degree;
                if (exact.bitLength() < 64) {
                    assertThat(PolynomialFeatures.count(c, k)).isEqualTo(exact.longValue() - 1);
                } else {
                    assertThatThrownBy(() -> PolynomialFeatures.count(c, k))
                            .isInstanceOf(InvalidInputException.class)
                            .hasMessageContaining("degree " + k + " in " + c + " columns");
                }
            }
        }
    }

    /** Every monomial once, each equal to its product, and the names say which it is. */
    @ParameterizedTest
    @CsvSource({"1, 6", "4, 5", "7, 3", "100, 2", "130, 2"})
    void everyFeatureIsTheProductThatItsNameSays(int columns, int degree) {
        SplitMix64 random = new SplitMix64(columns);
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 3, columns, Layout.COLUMN_MAJOR);
        List<String> names = new ArrayList<>();
        for (int j = 0; j < columns; j++) {
            names.add("x" + j);
            for (int i = 0; i < 3; i++) {
                // Small integers: products are exact.
                x.set(0, i, j, random.nextInt(9) - 4);
            }
        }
        FittedTransformer fitted = new PolynomialFeatures(degree).fit(x);
        List<String> made = fitted.outputNames(names);
        Matrix out = fitted.apply(x);
        assertThat(fitted.outputs()).isEqualTo(PolynomialFeatures.count(columns, degree));
        assertThat(made).hasSize((int) fitted.outputs()).doesNotHaveDuplicates();
        assertThat(out.columns()).isEqualTo(fitted.outputs());
        for (int i = 0; i < 3; i++) {
            for (int f = 0; f < made.size(); f++) {
                double product = 1;
                int factors = 0;
                for (String part : made.get(f).split("\\*")) {
                    String[] power = part.substring(1).split("\\^");
                    int exponent = power.length == 1 ? 1 : Integer.parseInt(power[1]);
                    factors += exponent;
                    product *= Math.pow(x.get(i, Integer.parseInt(power[0])), exponent);
                }
                assertThat(factors).isBetween(1, degree);
                assertThat(out.get(i, f) == product).as(made.get(f)).isTrue();
            }
        }
    }

    @Test
    void float32IsRoundedOnceAtTheEnd() {
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix x = Matrix.zeros(scope, Precision.FLOAT32, 1, 1, 1, Layout.ROW_MAJOR);
            x.set(0, 0, 0, 1.1);
            double value = x.get(0, 0);
            Matrix out = new PolynomialFeatures(3).fit(x).apply(scope, x);
            assertThat(out.precision()).isEqualTo(Precision.FLOAT32);
            assertThat(out.get(0, 2)).isEqualTo((float) (value * (value * value)));
        }
    }

    @Test
    void noRowsAndNoColumns() {
        Matrix noRows = Matrix.zeros(Precision.FLOAT64, 1, 0, 4, Layout.ROW_MAJOR);
        assertThat(new PolynomialFeatures(2).fit(noRows).apply(noRows).shape()).isEqualTo("0×14");
        Matrix noColumns = Matrix.zeros(Precision.FLOAT64, 1, 4, 0, Layout.ROW_MAJOR);
        assertThat(new PolynomialFeatures(2).fit(noColumns).apply(noColumns).shape())
                .isEqualTo("4×0");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void degreesStartAtOne(int degree) {
        assertThatThrownBy(() -> new PolynomialFeatures(degree))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("polynomial degree " + degree + " must be at least 1");
    }

    @Test
    void misuseNamesBothSides() {
        Matrix x = Matrix.of(new double[][] {{1, 2}});
        FittedTransformer fitted = new PolynomialFeatures(2).fit(x);
        assertThatThrownBy(() -> fitted.apply(Matrix.of(new double[][] {{1, 2, 3}})))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessage("rows have shape 1×3, polynomial features of degree 2 was fitted on rows of 2 columns");
        assertThatThrownBy(() -> fitted.apply(Matrix.of(new double[][] {{1, Double.NaN}})))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("row 0, column 1");
        assertThatThrownBy(() -> fitted.apply(Matrix.of(new double[][] {{1, 2}, {1, 1e200}})))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("row 1, feature 4 (counted from 0) exceeds the range of FLOAT64");
    }

    @Test
    void tooManyFeaturesAreRefusedBeforeAnythingIsAllocated() {
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 200, 50_000, Layout.ROW_MAJOR);
        FittedTransformer quadratic = new PolynomialFeatures(3).fit(x);
        assertThat(quadratic.outputs()).isEqualTo(PolynomialFeatures.count(50_000, 3));
        try (MemoryScope scope = MemoryScope.open()) {
            assertThatThrownBy(() -> quadratic.apply(scope, x))
                    .isInstanceOf(InsufficientMemoryException.class)
                    .hasMessageContaining(
                            quadratic.outputs() + " features of 200 rows by polynomial features of degree 3");
            assertThat(scope.liveBytes()).isZero();
        }
        assertThatThrownBy(() -> new PolynomialFeatures(20).fit(x))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("exceeds 64 bits");
    }
}
