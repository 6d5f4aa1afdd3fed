package org.nullspace.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.error.InvalidInputException;

class AxisTest {
    private static List<String> labels(Axis axis) {
        return axis.ticks().stream().map(axis::label).toList();
    }

    @Test
    void linearTicksAreRound() {
        assertThat(labels(Axis.linear("", 0, 6))).containsExactly("0", "1", "2", "3", "4", "5", "6");
        assertThat(labels(Axis.linear("", -5, 15))).containsExactly("−5", "0", "5", "10", "15");
        assertThat(labels(Axis.linear("", 0, 0.61))).containsExactly("0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6");
        assertThat(labels(Axis.linear("", -1.6, 50.1))).containsExactly("0", "10", "20", "30", "40", "50");
    }

    @Test
    void decadesAreWholeAndNotTooMany() {
        assertThat(labels(Axis.decades("", 0.02, 50))).containsExactly("0.01", "0.1", "1", "10", "100");
        assertThat(labels(Axis.decades("", 1e-12, 1)))
                .containsExactly("10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰");
        assertThat(labels(Axis.decades("", 1e-300, 1e300)).size()).isLessThanOrEqualTo(10);
        Axis one = Axis.decades("", 1, 1);
        assertThat(one.max() / one.min()).isEqualTo(10);
    }

    @Test
    void anAxisHasALength() {
        assertThatThrownBy(() -> Axis.linear("index", 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("\"index\" cannot reach from 1.0 to 1.0");
    }

    @Test
    void valuesLieBetweenTheLimits() {
        assertThat(Axis.linear("", -5, 15).fraction(0)).isEqualTo(0.25);
        assertThat(Axis.decades("", 1e-4, 1).fraction(1e-3)).isEqualTo(0.25);
    }

    @ParameterizedTest
    @CsvSource({
        "0,0",
        "3.3,3.30",
        "-0.5,−0.500",
        "1e-4,10⁻⁴",
        "2.13e-11,2.1 × 10⁻¹¹",
        "123456,1.2 × 10⁵",
        "1000,1000",
        "0.001,0.00100"
    })
    void numbersForLabels(double value, String text) {
        assertThat(Axis.number(value)).isEqualTo(text);
    }
}
