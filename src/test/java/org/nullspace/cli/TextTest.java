package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextTest {
    @ParameterizedTest
    @CsvSource({
        "0,0",
        "1,1.00",
        "130.7,131",
        "9994,9994",
        "9999.4,1.00e4",
        "12345,1.23e4",
        "0.00123456,0.00123",
        "0.000123,1.23e-4",
        "-2.5,-2.50",
        "9.999,10.0",
        "1e-300,1.00e-300",
        "Infinity,infinite",
        "NaN,undefined"
    })
    void threeDigits(double value, String text) {
        assertThat(Text.number(value)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0.2,0 s", "99.4,99 s", "100,2 min", "5990,100 min", "6000,1.7 h", "360000,100.0 h"})
    void durations(double seconds, String text) {
        assertThat(Text.duration(seconds)).isEqualTo(text);
    }

    @Test
    void longListsAreShortened() {
        assertThat(Text.numbers(new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2))
                .isEqualTo("1.0  2.0  3.0  4.0  5.0  …  11  12");
        assertThat(Text.numbers(new double[] {1, 2}, 2)).isEqualTo("1.0  2.0");
    }

    @Test
    void columnsAreAligned() {
        assertThat(Text.table(List.of(List.of("name", "n"), List.of("λ", "12"))))
                .containsExactly("name   n", "λ     12");
    }

    @Test
    void bytes() {
        assertThat(List.of(Text.bytes(12), Text.bytes(1_500), Text.bytes(41_200_000)))
                .containsExactly("12 bytes", "1.50 kB", "41.2 MB");
    }

    @Test
    void jsonIsAsciiAndHasNoNaN() {
        assertThat(Json.write(Map.of("λ", List.of(Double.NaN, 1.5, "×\"", true))))
                .isEqualTo("{\"\\u03bb\":[null,1.5,\"\\u00d7\\\"\",true]}");
    }
}
