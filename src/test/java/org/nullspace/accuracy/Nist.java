package org.nullspace.accuracy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nullspace.Nullspace;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * A linear regression of NIST's Statistical Reference Datasets with its certified coefficients.
 *
 * @param name name of the set
 * @param difficulty as NIST grades it: lower, average, higher
 * @param x design matrix: decimal data rounded once, powers formed as x^k = x^(k−1)·x
 * @param y response
 * @param certified certified coefficients, in full
 * @param certifiedDeviation certified residual standard deviation
 */
record Nist(
        String name, String difficulty, double[][] x, double[] y, BigDecimal[] certified, double certifiedDeviation) {
    private static final String FOLDER = "/org/nullspace/nist/";

    /** All sets, in the order of {@code sets.csv}. */
    static List<Nist> sets() {
        List<Nist> sets = new ArrayList<>();
        for (Map<String, String> entry : table("sets.csv")) {
            List<Map<String, String>> rows = table(entry.get("data"));
            double[][] x = new double[rows.size()][];
            double[] y = new double[rows.size()];
            for (int i = 0; i < x.length; i++) {
                x[i] = design(rows.get(i), entry.get("design"), Integer.parseInt(entry.get("degree")));
                y[i] = Double.parseDouble(rows.get(i).get("y"));
            }
            BigDecimal[] certified = table(entry.get("certified")).stream()
                    .map(row -> new BigDecimal(row.get("value")))
                    .toArray(BigDecimal[]::new);
            if (x.length != Integer.parseInt(entry.get("observations"))
                    || certified.length != Integer.parseInt(entry.get("coefficients"))
                    || x[0].length != certified.length) {
                throw new AssertionError(entry.get("set") + ": the files do not hold the sizes in sets.csv");
            }
            sets.add(new Nist(
                    entry.get("set"),
                    entry.get("difficulty"),
                    x,
                    y,
                    certified,
                    Double.parseDouble(entry.get("certified_residual_sd"))));
        }
        return sets;
    }

    private static double[] design(Map<String, String> row, String kind, int degree) {
        double[] values = row.entrySet().stream()
                .filter(e -> !e.getKey().equals("y"))
                .mapToDouble(e -> Double.parseDouble(e.getValue()))
                .toArray();
        return switch (kind) {
            case "plain" -> values;
            case "intercept" -> {
                double[] out = new double[values.length + 1];
                out[0] = 1;
                System.arraycopy(values, 0, out, 1, values.length);
                yield out;
            }
            case "polynomial" -> {
                double[] out = new double[degree + 1];
                out[0] = 1;
                for (int k = 1; k <= degree; k++) {
                    out[k] = out[k - 1] * values[0];
                }
                yield out;
            }
            default -> throw new AssertionError("unknown design " + kind);
        };
    }

    /** The rows of a table by column name; lines that start with # are comments. */
    static List<Map<String, String>> table(String file) {
        try (InputStream in = Nist.class.getResourceAsStream(FOLDER + file)) {
            if (in == null) {
                throw new AssertionError("no file " + FOLDER + file);
            }
            BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            List<Map<String, String>> rows = new ArrayList<>();
            String[] names = null;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.startsWith("#")) {
                    continue;
                }
                String[] fields = line.split(",", -1);
                if (names == null) {
                    names = fields;
                    continue;
                }
                Map<String, String> row = new LinkedHashMap<>();
                for (int i = 0; i < names.length; i++) {
                    row.put(names[i], fields[i]);
                }
                rows.add(row);
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Solves the set; the solution set is to be closed by the caller. */
    SolutionSet solve(SolveOptions options) {
        return Nullspace.solve(Matrix.of(x), Matrix.column(y), options);
    }

    /** The log relative error of the worst coefficient, held to 0 … 15. McCullough, The American Statistician 52 (1998), 358–366. */
    double digits(SolutionSet solution) {
        double[] w = solution.minimumNorm().columnToArray(0);
        double least = 15;
        for (int j = 0; j < w.length; j++) {
            least = Math.min(least, logRelativeError(w[j], certified[j]));
        }
        return least;
    }

    static double logRelativeError(double value, BigDecimal certified) {
        if (!Double.isFinite(value)) {
            return 0;
        }
        BigDecimal error = new BigDecimal(value).subtract(certified).abs();
        if (error.signum() == 0) {
            return 15;
        }
        BigDecimal relative = certified.signum() == 0 ? error : error.divide(certified.abs(), MathContext.DECIMAL64);
        // The logarithm of a decimal number, without overflow or underflow of a double.
        int scale = relative.precision() - relative.scale();
        double mantissa = relative.movePointLeft(scale).doubleValue();
        return Math.min(15, Math.max(0, -(Math.log10(mantissa) + scale)));
    }
}
