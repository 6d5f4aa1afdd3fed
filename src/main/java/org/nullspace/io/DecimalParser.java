package org.nullspace.io;

import java.math.BigInteger;

/**
 * Reads decimal numbers from characters: the {@code double} nearest to the written number, ties to even, the same bits as {@link
 * Double#parseDouble}, without making a string for almost all inputs.
 *
 * <p>Syntax: {@code [+-] digits [. digits] [(e|E) [+-] digits]} with at least one digit before or after the point, and blanks or tabs
 * around it. Java's own suffixes and hexadecimal numbers are no numbers here.
 *
 * <p>Method. Up to 19 significant digits form an integer w, the number is w·10^q. With both w and 10^|q| exact as {@code double}, one
 * division or product rounds correctly (W. Clinger, "How to read floating point numbers accurately", PLDI 1990). Otherwise w, shifted
 * to 64 bits, is multiplied by the upper 64 bits of 5^q; the upper half of the product is off by less than 2 units, so it gives the
 * correctly rounded 53 bits unless a rounding boundary lies within these 2 units, about one case in 500 (compare D. Lemire, "Number
 * parsing at a gigabyte per second", Software: Practice and Experience 51(8), 2021). Those cases, powers of ten
 * beyond ±100 and more digits go to {@code Double.parseDouble}.
 *
 * <p>Not thread-safe: the outcome of the last call is kept in the object.
 */
final class DecimalParser {
    /** What the characters were. */
    enum Kind {
        /** A number within the range of float64. */
        FINITE,
        /** A number too large for float64. */
        TOO_LARGE,
        /** NaN or an infinity, as a word. */
        NOT_FINITE,
        /** Nothing but blanks. */
        EMPTY,
        /** Anything else. */
        TEXT
    }

    private static final double[] EXACT_POWERS = new double[23];

    private static final int MIN_POWER = -100;
    private static final int MAX_POWER = 100;
    /** For q from MIN_POWER: the upper 64 bits of 5^q, rounded down, highest bit set. */
    private static final long[] FIVE_BITS = new long[MAX_POWER - MIN_POWER + 1];
    /** For q from MIN_POWER: k with 5^q in [FIVE_BITS, FIVE_BITS + 1)·2^k. */
    private static final int[] FIVE_EXPONENTS = new int[MAX_POWER - MIN_POWER + 1];

    static {
        double power = 1;
        for (int i = 0; i < EXACT_POWERS.length; i++) {
            EXACT_POWERS[i] = power;
            power *= 10;
        }
        BigInteger five = BigInteger.valueOf(5);
        BigInteger n = BigInteger.ONE;
        for (int q = 0; q <= MAX_POWER; q++) {
            setPower(q, n, 0);
            n = n.multiply(five);
        }
        n = five;
        for (int q = -1; q >= MIN_POWER; q--) {
            // 2^shift / 5^|q| has at least 64 bits.
            int shift = n.bitLength() + 64;
            setPower(q, BigInteger.ONE.shiftLeft(shift).divide(n), -shift);
            n = n.multiply(five);
        }
    }

    private static void setPower(int q, BigInteger value, int exponent) {
        int excess = value.bitLength() - 64;
        FIVE_BITS[q - MIN_POWER] = (excess >= 0 ? value.shiftRight(excess) : value.shiftLeft(-excess)).longValue();
        FIVE_EXPONENTS[q - MIN_POWER] = exponent + excess;
    }

    private double value;

    /**
     * The number read by the last call of {@link #parse}, if it was finite.
     *
     * @return the number
     */
    double value() {
        return value;
    }

    /**
     * Reads a number.
     *
     * @param chars characters
     * @param from first character
     * @param to character after the last
     * @return what the characters are
     */
    Kind parse(char[] chars, int from, int to) {
        int at = from;
        int end = to;
        while (at < end && isBlank(chars[at])) {
            at++;
        }
        while (end > at && isBlank(chars[end - 1])) {
            end--;
        }
        if (at == end) {
            return Kind.EMPTY;
        }
        int start = at;
        boolean negative = chars[at] == '-';
        if (negative || chars[at] == '+') {
            at++;
        }
        long w = 0;
        int significant = 0;
        int digits = 0;
        int scale = 0;
        boolean point = false;
        for (; at < end; at++) {
            char c = chars[at];
            if (c >= '0' && c <= '9') {
                digits++;
                if (significant > 0 || c != '0') {
                    significant++;
                    if (significant <= 19) {
                        w = w * 10 + (c - '0');
                    }
                }
                if (point) {
                    scale--;
                }
            } else if (c == '.' && !point) {
                point = true;
            } else {
                break;
            }
        }
        if (digits == 0) {
            return isNotFiniteWord(chars, at, end) ? Kind.NOT_FINITE : Kind.TEXT;
        }
        if (at < end) {
            if (chars[at] != 'e' && chars[at] != 'E') {
                return Kind.TEXT;
            }
            at++;
            boolean negativeExponent = at < end && chars[at] == '-';
            if (negativeExponent || (at < end && chars[at] == '+')) {
                at++;
            }
            if (at == end) {
                return Kind.TEXT;
            }
            int exponent = 0;
            for (; at < end; at++) {
                int digit = chars[at] - '0';
                if (digit < 0 || digit > 9) {
                    return Kind.TEXT;
                }
                exponent = Math.min(exponent * 10 + digit, 100_000_000);
            }
            scale += negativeExponent ? -exponent : exponent;
        }
        if (w == 0) {
            value = negative ? -0.0 : 0.0;
            return Kind.FINITE;
        }
        double magnitude = significant <= 19 ? fast(w, scale) : -1;
        if (magnitude < 0) {
            value = Double.parseDouble(new String(chars, start, end - start));
        } else {
            value = negative ? -magnitude : magnitude;
        }
        return Double.isInfinite(value) ? Kind.TOO_LARGE : Kind.FINITE;
    }

    /**
     * w·10^q correctly rounded, or a negative number where this method cannot tell.
     *
     * @param w not 0, unsigned, below 10^19
     * @param q power of ten
     */
    private static double fast(long w, int q) {
        if (w > 0 && w <= 1L << 53 && q >= -22 && q <= 22) {
            return q < 0 ? w / EXACT_POWERS[-q] : w * EXACT_POWERS[q];
        }
        if (q < MIN_POWER || q > MAX_POWER) {
            return -1;
        }
        int zeros = Long.numberOfLeadingZeros(w);
        long high = multiplyHighUnsigned(w << zeros, FIVE_BITS[q - MIN_POWER]);
        int excess = 11 - Long.numberOfLeadingZeros(high);
        long half = 1L << (excess - 1);
        long low = high & ((1L << excess) - 1);
        if (low == half || low == half - 1) {
            return -1;
        }
        long mantissa = high >>> excess;
        int exponent = excess + 64 + FIVE_EXPONENTS[q - MIN_POWER] + q - zeros;
        if (exponent < -1074 || exponent > 970) {
            return -1;
        }
        long bits = ((exponent + 1075L) << 52) + (mantissa - (1L << 52)) + (low > half ? 1 : 0);
        return Double.longBitsToDouble(bits);
    }

    private static long multiplyHighUnsigned(long a, long b) {
        return Math.multiplyHigh(a, b) + ((a >> 63) & b) + ((b >> 63) & a);
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }

    private static boolean isNotFiniteWord(char[] chars, int from, int to) {
        return equalsIgnoringCase(chars, from, to, "nan")
                || equalsIgnoringCase(chars, from, to, "inf")
                || equalsIgnoringCase(chars, from, to, "infinity");
    }

    private static boolean equalsIgnoringCase(char[] chars, int from, int to, String word) {
        if (to - from != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if ((chars[from + i] | 0x20) != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
