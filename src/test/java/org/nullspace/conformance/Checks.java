package org.nullspace.conformance;

import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Comparisons of measured errors with bounds. With {@code -Dconformance.margins=FILE} the largest ratio of error and bound of each kind is
 * appended to a file, which shows how much room the bounds leave.
 */
public final class Checks {
    private static final String MARGINS = System.getProperty("conformance.margins", "");
    private static final Map<String, Double> LARGEST = new ConcurrentSkipListMap<>();
    private static final Map<String, String> WHERE = new ConcurrentSkipListMap<>();

    static {
        if (!MARGINS.isEmpty()) {
            Runtime.getRuntime().addShutdownHook(new Thread(Checks::writeMargins));
        }
    }

    private Checks() {}

    /**
     * Requires an error to be within a bound.
     *
     * @param kind what is measured
     * @param where the case
     * @param error measured, at least 0
     * @param bound largest that is allowed
     */
    static void atMost(String kind, Object where, double error, double bound) {
        if (!MARGINS.isEmpty()) {
            double ratio = error == 0 ? 0 : error / bound;
            Double before = LARGEST.get(kind);
            if (before == null || !(ratio <= before)) {
                LARGEST.put(kind, ratio);
                WHERE.put(kind, where.toString());
            }
        }
        if (!(error <= bound)) {
            throw new AssertionError(
                    String.format(Locale.ROOT, "%s: %s is %.3e, at most %.3e is right", where, kind, error, bound));
        }
    }

    /** Requires ‖a − b‖ ≤ bound in the Frobenius norm. */
    static void close(String kind, Object where, double[][] a, double[][] b, double bound) {
        if (a.length != b.length || Dense.columns(a) != Dense.columns(b)) {
            throw new AssertionError(where + ": " + kind + " has shape " + a.length + "×" + Dense.columns(a)
                    + " instead of " + b.length + "×" + Dense.columns(b));
        }
        atMost(kind, where, Dense.norm(Dense.subtract(a, b)), bound);
    }

    /** Requires ‖a − b‖ ≤ bound. */
    static void close(String kind, Object where, double[] a, double[] b, double bound) {
        close(kind, where, new double[][] {a}, new double[][] {b}, bound);
    }

    private static void writeMargins() {
        StringBuilder text = new StringBuilder();
        LARGEST.forEach((kind, ratio) ->
                text.append(String.format(Locale.ROOT, "%.3f\t%s\t%s%n", ratio, kind, WHERE.get(kind))));
        try {
            java.nio.file.Files.writeString(
                    java.nio.file.Path.of(MARGINS),
                    text,
                    java.nio.file.StandardOpenOption.CREATE,
                    java.nio.file.StandardOpenOption.APPEND);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
