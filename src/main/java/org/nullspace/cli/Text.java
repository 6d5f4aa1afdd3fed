package org.nullspace.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Numbers and tables for people. */
final class Text {
    private Text() {}

    /** A number in a given number of significant digits, in the shorter of the usual and the scientific notation. */
    static String number(double value, int digits) {
        if (value == 0) {
            return "0";
        }
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "undefined" : value > 0 ? "infinite" : "-infinite";
        }
        int exponent = exponent(value, digits);
        if (exponent >= -3 && exponent < Math.max(digits, 4)) {
            return String.format(Locale.ROOT, "%." + Math.max(0, digits - 1 - exponent) + "f", value);
        }
        String text = String.format(Locale.ROOT, "%." + (digits - 1) + "e", value);
        return text.replaceFirst("e\\+0*", "e").replaceFirst("e-0*", "e-");
    }

    private static int exponent(double value, int digits) {
        String text = String.format(Locale.ROOT, "%." + (digits - 1) + "e", value);
        return Integer.parseInt(text.substring(text.indexOf('e') + 1));
    }

    /** A number in three significant digits. */
    static String number(double value) {
        return number(value, 3);
    }

    /** Numbers, separated by blanks; all but the first and last few left out if there are many. */
    static String numbers(double[] values, int digits) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            if (values.length > 9 && i == 5) {
                parts.add("…");
                i = values.length - 2;
            }
            parts.add(number(values[i], digits));
        }
        return String.join("  ", parts);
    }

    /** A number of bytes in the unit that suits it. */
    static String bytes(long bytes) {
        String[] units = {"bytes", "kB", "MB", "GB", "TB", "PB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return (unit == 0 ? String.valueOf(bytes) : number(value, 3)) + " " + units[unit];
    }

    /** A time in the unit that suits it. */
    static String duration(double seconds) {
        if (seconds < 100) {
            return String.format(Locale.ROOT, "%.0f s", seconds);
        }
        return seconds < 6000
                ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
                : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }

    /** A count with its noun. */
    static String count(long n, String noun) {
        return n + " " + noun + (n == 1 ? "" : "s");
    }

    /** Rows of cells in aligned columns: the first column to the left, the others to the right. */
    static List<String> table(List<List<String>> rows) {
        List<Integer> widths = new ArrayList<>();
        for (List<String> row : rows) {
            for (int c = 0; c < row.size(); c++) {
                int width = row.get(c).codePointCount(0, row.get(c).length());
                if (c == widths.size()) {
                    widths.add(width);
                } else {
                    widths.set(c, Math.max(widths.get(c), width));
                }
            }
        }
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < row.size(); c++) {
                String cell = row.get(c);
                String pad = " ".repeat(widths.get(c) - cell.codePointCount(0, cell.length()));
                line.append(c == 0 ? cell + pad : "  " + pad + cell);
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }
}
