package org.nullspace.plot;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.nullspace.error.InvalidInputException;

/**
 * One axis: limits, scale and ticks.
 *
 * @param title quantity and unit
 * @param min lower limit, positive on a logarithmic scale
 * @param max upper limit, larger than {@code min}
 * @param logarithmic whether equal factors, rather than equal differences, are equally long
 */
record Axis(String title, double min, double max, boolean logarithmic) {
    private static final int MOST_DECADES = 9;
    private static final int MOST_TICKS = 7;
    private static final int LEAST_EXPONENT = -300;
    private static final int LARGEST_EXPONENT = 300;

    Axis {
        if (!(min < max) || !Double.isFinite(max - min) || (logarithmic && !(min > 0))) {
            throw new InvalidInputException("axis \"" + title + "\" cannot reach from " + min + " to " + max);
        }
    }

    static Axis linear(String title, double min, double max) {
        return new Axis(title, min, max, false);
    }

    /** A logarithmic axis over whole decades. */
    static Axis decades(String title, double least, double largest) {
        int low = Math.max(LEAST_EXPONENT, Math.min(LARGEST_EXPONENT - 1, (int) Math.floor(Math.log10(least) + 1e-9)));
        int high = Math.max(low + 1, Math.min(LARGEST_EXPONENT, (int) Math.ceil(Math.log10(largest) - 1e-9)));
        return new Axis(title, Math.pow(10, low), Math.pow(10, high), true);
    }

    /** Where a value lies between the limits: 0 at the lower, 1 at the upper. */
    double fraction(double value) {
        return logarithmic
                ? (Math.log10(value) - Math.log10(min)) / (Math.log10(max) - Math.log10(min))
                : (value - min) / (max - min);
    }

    List<Double> ticks() {
        List<Double> out = new ArrayList<>();
        if (logarithmic) {
            int low = (int) Math.rint(Math.log10(min));
            int high = (int) Math.rint(Math.log10(max));
            int stride = (high - low + MOST_DECADES - 1) / MOST_DECADES;
            for (int e = high; e >= low; e -= stride) {
                out.add(0, Math.pow(10, e));
            }
            return out;
        }
        double step = step();
        for (long i = (long) Math.ceil(min / step - 1e-9); i * step <= max + 1e-9 * step; i++) {
            out.add(i * step);
        }
        return out;
    }

    /** The least of 1, 2 and 5 times a power of ten that gives few enough ticks. */
    private double step() {
        double raw = (max - min) / MOST_TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        for (double factor : new double[] {1, 2, 5}) {
            if (factor * power >= raw * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    String label(double tick) {
        if (logarithmic) {
            int e = (int) Math.rint(Math.log10(tick));
            boolean plain = min >= 0.9e-3 && max <= 1.1e4;
            return plain
                    ? (e < 0 ? String.format(Locale.ROOT, "%." + -e + "f", tick) : String.valueOf(Math.round(tick)))
                    : power(e);
        }
        int decimals = Math.max(0, (int) -Math.floor(Math.log10(step()) + 1e-9));
        return minus(String.format(Locale.ROOT, "%." + decimals + "f", tick == 0 ? 0.0 : tick));
    }

    /** A power of ten as it is printed in books. */
    private static String power(int exponent) {
        StringBuilder out = new StringBuilder("10");
        for (char c : String.valueOf(exponent).toCharArray()) {
            out.append(c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(c - '0'));
        }
        return out.toString();
    }

    /** A number in three significant digits, as a product with a power of ten where that is shorter. */
    static String number(double value) {
        if (value == 0) {
            return "0";
        }
        if (!Double.isFinite(value)) {
            return String.valueOf(value);
        }
        int e = (int) Math.floor(Math.log10(Math.abs(value)) + 1e-9);
        if (e >= -3 && e < 5) {
            return minus(String.format(Locale.ROOT, "%." + Math.max(0, 2 - e) + "f", value));
        }
        String digits =
                String.format(Locale.ROOT, "%.1f", value / Math.pow(10, e)).replaceFirst("\\.0$", "");
        return digits.equals("1") ? power(e) : minus(digits) + " × " + power(e);
    }

    private static String minus(String number) {
        return number.replace('-', '−');
    }
}
