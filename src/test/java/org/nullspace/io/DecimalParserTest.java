package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.io.DecimalParser.Kind;
import org.nullspace.random.SplitMix64;

class DecimalParserTest {
    private final DecimalParser parser = new DecimalParser();

    private void assertSameAsJava(String text) {
        char[] padded = ("7" + text + "7").toCharArray();
        Kind kind = parser.parse(padded, 1, padded.length - 1);
        double expected = Double.parseDouble(text);
        if (Double.isInfinite(expected)) {
            assertThat(kind).as(text).isEqualTo(Kind.TOO_LARGE);
        } else if (kind != Kind.FINITE
                || Double.doubleToRawLongBits(parser.value()) != Double.doubleToRawLongBits(expected)) {
            assertThat(kind).as(text).isEqualTo(Kind.FINITE);
            assertThat(parser.value()).as(text).isEqualTo(expected);
        }
    }

    @Test
    void shortestDecimalsOfAllDoublesGiveTheSameBits() {
        SplitMix64 random = new SplitMix64(1);
        for (int i = 0; i < 200_000; i++) {
            double value = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(value)) {
                assertSameAsJava(Double.toString(value));
            }
        }
    }

    @Test
    void everydayNumbersGiveTheSameBits() {
        SplitMix64 random = new SplitMix64(2);
        for (int i = 0; i < 200_000; i++) {
            double value = random.nextGaussian() * Math.pow(10, random.nextInt(12) - 6);
            assertSameAsJava(Double.toString(value));
            assertSameAsJava(new BigDecimal(value, new MathContext(1 + random.nextInt(19))).toString());
        }
    }

    @Test
    void digitsWithAnyExponentGiveTheSameBits() {
        SplitMix64 random = new SplitMix64(3);
        for (int i = 0; i < 300_000; i++) {
            StringBuilder text = new StringBuilder(random.nextInt(2) == 0 ? "-" : "");
            int digits = 1 + random.nextInt(22);
            int point = random.nextInt(digits + 1);
            for (int k = 0; k < digits; k++) {
                if (k == point) {
                    text.append('.');
                }
                text.append((char) ('0' + random.nextInt(10)));
            }
            text.append('e').append(random.nextInt(700) - 360);
            assertSameAsJava(text.toString());
        }
    }

    /** The decimals nearest to a point halfway between two doubles, where rounding is decided by the last digits. */
    @Test
    void numbersNextToRoundingBoundariesGiveTheSameBits() {
        SplitMix64 random = new SplitMix64(4);
        for (int i = 0; i < 40_000; i++) {
            double value = Double.longBitsToDouble(random.nextLong() & Long.MAX_VALUE);
            if (!Double.isFinite(value) || value > Double.MAX_VALUE / 2) {
                continue;
            }
            BigDecimal halfway = new BigDecimal(value)
                    .add(new BigDecimal(Math.nextUp(value)))
                    .divide(BigDecimal.valueOf(2));
            for (int digits : new int[] {16, 17, 18, 19, 20}) {
                assertSameAsJava(halfway.round(new MathContext(digits, RoundingMode.DOWN))
                        .toString());
                assertSameAsJava(
                        halfway.round(new MathContext(digits, RoundingMode.UP)).toString());
            }
        }
    }

    /** Integers beyond 2^53, half of which lie exactly halfway between two doubles. */
    @Test
    void tiesGoToEven() {
        SplitMix64 random = new SplitMix64(5);
        for (int i = 0; i < 50_000; i++) {
            long mantissa = (1L << 53) + (random.nextLong() >>> 11);
            int shift = random.nextInt(9);
            assertSameAsJava(Long.toString(((mantissa << 1) + 1) << shift));
            assertSameAsJava(Long.toUnsignedString((((mantissa << 1) + 1) << shift) + random.nextInt(3) - 1));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-0",
                "0.0",
                "-0e99",
                "1",
                "-1.5",
                "+3",
                ".5",
                "5.",
                "1e5",
                "1E+5",
                "1e-5",
                "00012",
                "0.000000000001",
                "4.9e-324",
                "2.4703282292062327e-324",
                "2.4703282292062328e-324",
                "2.2250738585072011e-308",
                "2.2250738585072014e-308",
                "1.7976931348623157e308",
                "1.7976931348623158e308",
                "1.7976931348623159e308",
                "9007199254740993",
                "9007199254740992.9999999999",
                "18446744073709551615",
                "9999999999999999999",
                "1e22",
                "1e23",
                "123456789012345678901234567890",
                "1e-400",
                "1e400",
                "1e99999999999",
                "1e-99999999999",
                "0.1000000000000000055511151231257827021181583404541015625",
                "8.5",
                "89255e-22",
                "104110013277974872254e-225"
            })
    void specialNumbersGiveTheSameBits(String text) {
        assertSameAsJava(text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"|EMPTY",
                "\"  \t\"|EMPTY",
                "\" 1.5 \"|FINITE",
                "\"\t-2\"|FINITE",
                "nan|NOT_FINITE",
                "NaN|NOT_FINITE",
                "-inf|NOT_FINITE",
                "+Infinity|NOT_FINITE",
                "INF|NOT_FINITE",
                "1e309|TOO_LARGE",
                "-2e308|TOO_LARGE",
                "abc|TEXT",
                "-|TEXT",
                "+|TEXT",
                ".|TEXT",
                "-.|TEXT",
                "e5|TEXT",
                "1e|TEXT",
                "1e+|TEXT",
                "1e5.0|TEXT",
                "1.2.3|TEXT",
                "1 2|TEXT",
                "--1|TEXT",
                "+-1|TEXT",
                "1d|TEXT",
                "1f|TEXT",
                "1L|TEXT",
                "0x10|TEXT",
                "0x1p3|TEXT",
                "1_000|TEXT",
                "1,5|TEXT",
                "12%|TEXT",
                "NA|TEXT",
                "nanx|TEXT",
                "infinit|TEXT",
                "1-2|TEXT",
                "2024-01-05|TEXT",
                "\u0663|TEXT",
                "1\u00a0|TEXT"
            })
    void everythingElseIsRecognised(String text, Kind kind) {
        assertThat(parser.parse(text.toCharArray(), 0, text.length())).isEqualTo(kind);
    }
}
