package org.nullspace.select;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Combinations of few filters are the filters: sums with 40 decimal digits, at points between those that were looked at. */
class FilterBasisTest {
    private static final double EPS = 0x1p-52;
    private static final MathContext DIGITS = new MathContext(40);

    private static double[] penalties(int count, double least, double most) {
        double[] penalties = new double[count];
        Arrays.setAll(penalties, l -> least * Math.pow(most / least, l / (count - 1.0)));
        return penalties;
    }

    private static BigDecimal filter(double s, double penalty) {
        return BigDecimal.ONE.divide(new BigDecimal(s).add(new BigDecimal(penalty)), DIGITS);
    }

    /** Largest relative error of a sum anywhere in the interval, in units of ε. */
    private static double error(FilterBasis basis, double[] penalties, double least, double largest) {
        double worst = 0;
        int points = 61;
        for (int i = 0; i < points; i++) {
            double s = Math.min(largest, least * Math.pow(largest / least, i / (points - 1.0)));
            for (int l = 0; l < penalties.length; l += 7) {
                BigDecimal sum = BigDecimal.ZERO;
                for (int m = 0; m < basis.nodes().length; m++) {
                    BigDecimal factor = new BigDecimal(basis.combinations()[l][m]);
                    sum = sum.add(factor.multiply(filter(s, penalties[basis.nodes()[m]]), DIGITS));
                }
                BigDecimal expected = filter(s, penalties[l]);
                worst = Math.max(
                        worst,
                        sum.subtract(expected).divide(expected, DIGITS).abs().doubleValue());
            }
        }
        return worst / EPS;
    }

    @ParameterizedTest
    @CsvSource({
        "60, 1, 1e-8, 1e8, 1",
        "60, 4, 1e-8, 1e8, 18",
        "300, 4, 1e-8, 1e8, 18",
        "300, 4, 1e-3, 1e5, 18",
        "300, 4, 1e-150, 1e150, 20",
        "300, 100, 1e-8, 1e8, 31",
        "500, 1e4, 1e-8, 1e8, 50"
    })
    void fewFiltersAreEnough(int rank, double ratio, double from, double to, int most) {
        double[] penalties = penalties(120, from, to);
        penalties[119] = 0;
        FilterBasis basis = FilterBasis.of(penalties, 1 / ratio, 1, rank, EPS);
        assertThat(basis).isNotNull();
        assertThat(basis.nodes().length).isLessThanOrEqualTo(most);
        assertThat(error(basis, penalties, 1 / ratio, 1)).isLessThan(100);
    }

    @Test
    void fewerAreEnoughForFewerDigits() {
        double[] penalties = penalties(120, 1e-8, 1e8);
        FilterBasis basis = FilterBasis.of(penalties, 0.01, 1, 300, 0x1p-23);
        assertThat(basis).isNotNull();
        assertThat(basis.nodes().length).isLessThanOrEqualTo(17);
        assertThat(error(basis, penalties, 0.01, 1) * EPS).isLessThan(0x1p-23);
    }

    /** A node is its own combination. */
    @Test
    void equalPenaltiesHaveEqualFilters() {
        double[] penalties = new double[90];
        Arrays.setAll(penalties, l -> l % 3 == 0 ? 0.5 : 1 + l % 3);
        FilterBasis basis = FilterBasis.of(penalties, 0.1, 1, 40, EPS);
        assertThat(basis).isNotNull();
        assertThat(basis.nodes()).hasSize(3);
        for (int l = 0; l < penalties.length; l++) {
            for (int m = 0; m < 3; m++) {
                double expected = penalties[basis.nodes()[m]] == penalties[l] ? 1 : 0;
                assertThat(basis.combinations()[l][m]).isCloseTo(expected, within(8 * EPS));
            }
        }
    }

    @Test
    void nothingIsMadeOfLittle() {
        assertThat(FilterBasis.of(new double[0], 0.1, 1, 50, EPS)).isNull();
        assertThat(FilterBasis.of(penalties(100, 1, 2), 0.1, 1, 0, EPS)).isNull();
        assertThat(FilterBasis.of(penalties(2, 1, 2), 0.1, 1, 3, EPS)).isNull();
        // As many filters as eigenvalues that matter.
        assertThat(FilterBasis.of(penalties(100, 1e-14, 1), 1e-12, 1, 20, EPS)).isNull();
        assertThat(FilterBasis.of(penalties(100, 1, 2), 0, 1, 50, EPS)).isNull();
        assertThat(FilterBasis.of(penalties(100, 1, 2), 0.1, Double.POSITIVE_INFINITY, 50, EPS))
                .isNull();
        double[] infinite = penalties(100, 1, 2);
        infinite[7] = Double.POSITIVE_INFINITY;
        assertThat(FilterBasis.of(infinite, 0.1, 1, 50, EPS)).isNull();
    }
}
