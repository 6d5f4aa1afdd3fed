package org.nullspace.docs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nullspace.matrix.Matrix;

/** Compares values with what the documentation says about them; called by the programs made from its pages. */
public final class Says {
    private static final Pattern NUMBER = Pattern.compile("[-−]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    private static final String AT_MOST = "at most ";

    private Says() {}

    /** Work that may throw anything. */
    public interface Work {
        /**
         * Runs.
         *
         * @throws Exception whatever the example is about
         */
        void run() throws Exception;
    }

    /**
     * Checks that an expression has the value that a page gives: numbers to the digits given, everything else to the letter; {@code at most
     * 1e-12} is a bound.
     *
     * @param value the value
     * @param said what the page says
     * @param where the line of the page
     */
    public static void check(Object value, String said, String where) {
        String actual = text(value);
        if (said.startsWith(AT_MOST)) {
            double bound = Double.parseDouble(said.substring(AT_MOST.length()));
            require(((Number) value).doubleValue() <= bound, where, said, actual);
            return;
        }
        require(skeleton(actual).equals(skeleton(said)), where, said, actual);
        List<String> is = numbers(actual);
        List<String> should = numbers(said);
        for (int i = 0; i < should.size(); i++) {
            double difference = Math.abs(Double.parseDouble(is.get(i)) - Double.parseDouble(should.get(i)));
            require(difference <= 0.5000001 * lastDigit(should.get(i)), where, said, actual);
        }
    }

    /**
     * Checks that a statement throws what a page says.
     *
     * @param type simple name of the exception
     * @param work the statement
     * @param where the line of the page
     */
    public static void checkThrows(String type, Work work, String where) {
        try {
            work.run();
        } catch (Exception e) {
            require(e.getClass().getSimpleName().equals(type), where, type, e.toString());
            return;
        }
        throw new AssertionError(where + ": nothing was thrown");
    }

    private static void require(boolean holds, String where, String said, String actual) {
        if (!holds) {
            throw new AssertionError(where + " says " + said + ", but it is " + actual);
        }
    }

    private static String text(Object value) {
        if (value instanceof double[] array) {
            return Arrays.toString(array);
        }
        if (value instanceof int[] array) {
            return Arrays.toString(array);
        }
        if (value instanceof Object[] array) {
            return Arrays.deepToString(array);
        }
        if (value instanceof Matrix matrix && matrix.batch() == 1 && matrix.columns() == 1) {
            return Arrays.toString(matrix.columnToArray(0));
        }
        return String.valueOf(value);
    }

    private static String skeleton(String text) {
        return NUMBER.matcher(text).replaceAll("#").replaceAll("\\s+", "");
    }

    private static List<String> numbers(String text) {
        List<String> found = new ArrayList<>();
        Matcher m = NUMBER.matcher(text);
        while (m.find()) {
            found.add(m.group().replace('−', '-'));
        }
        return found;
    }

    /** Unit of the last digit: 0.01 for 0.84. */
    private static double lastDigit(String number) {
        String[] parts = number.toLowerCase(java.util.Locale.ROOT).split("e");
        int point = parts[0].indexOf('.');
        int decimals = point < 0 ? 0 : parts[0].length() - point - 1;
        int exponent = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
        return Math.pow(10, exponent - decimals);
    }
}
