package org.nullspace.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.nullspace.Nullspace;
import org.nullspace.io.AtomicOutput;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.SolutionSet;
import org.nullspace.plot.Curve;
import org.nullspace.plot.Pictures;
import org.nullspace.random.SplitMix64;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** {@code nullspace demo}: the two teaching examples. */
final class DemoCommand {
    static final String NAME = "demo";

    /** Abscissas and ordinates of the polynomial example. */
    private static final double[] POLYNOMIAL_X = {5, 3, 1};

    private static final double[] POLYNOMIAL_Y = {2, 5, 3};
    private static final int MEMBERS = 4;
    /** The random members lie once, twice, … that far from the minimum-norm solution. */
    private static final double MEMBER_STEP = 10;

    private static final long SEED = 1;

    private final Console console;

    private DemoCommand(Console console) {
        this.console = console;
    }

    static CommandSpec spec() {
        CommandSpec spec = Main.command(
                NAME, "Two teaching examples: six equations in twelve unknowns, and cubics through three points.", "");
        spec.addOption(SolveArguments.value(
                "--out",
                "DIR",
                Path.class,
                "Write polynomial.png and polynomial.svg there; default nullspace-demo, target/demo in the project."));
        return spec;
    }

    static int run(ParseResult result, Console console) {
        Path directory = result.matchedOptionValue("--out", defaultDirectory("demo"));
        try (AtomicOutput output = AtomicOutput.in(directory)) {
            DemoCommand demo = new DemoCommand(console);
            demo.wide();
            console.line();
            demo.polynomial(output);
            output.commit();
            if (!output.files().isEmpty()) {
                console.line("  written: " + SolveCommand.paths(output.files()));
            }
            return Main.DONE;
        }
    }

    /** Where a command writes unless told otherwise: into the build directory of the project, where there is one. */
    static Path defaultDirectory(String name) {
        return Files.isRegularFile(Path.of("pom.xml")) && Files.isDirectory(Path.of("target", "classes"))
                ? Path.of("target", name)
                : Path.of("nullspace-" + name);
    }

    // ---- six equations, twelve unknowns
    // ------------------------------------------------------------------------------------------

    private void wide() {
        SplitMix64 random = new SplitMix64(SEED);
        double[][] x = new double[6][12];
        for (double[] row : x) {
            for (int j = 0; j < row.length; j++) {
                row[j] = random.nextGaussian();
            }
        }
        double[] truth = new double[12];
        for (int j = 0; j < truth.length; j++) {
            truth[j] = random.nextGaussian();
        }
        double[] y = times(x, truth);
        try (SolutionSet set = Nullspace.solve(x, y)) {
            double[] w0 = set.minimumNorm().columnToArray(0);
            double[] z = new double[Math.toIntExact(set.nullity())];
            z[z.length - 1] = 10;
            double[] w1 = set.member(z);
            double[] direction = new double[w0.length];
            for (int j = 0; j < direction.length; j++) {
                direction[j] = (w1[j] - w0[j]) / 10;
            }
            console.line("1. Six equations, twelve unknowns: X is 6×12, random (seed " + SEED + "), y = X w_true");
            console.line("  singular values          " + Text.numbers(set.singularValues(), 3));
            console.line("  rank, nullity            " + set.rank() + ", " + set.nullity());
            console.line("  ‖w_true‖, ‖w₀‖           " + Text.number(norm(truth), 4) + ", " + Text.number(norm(w0), 4)
                    + "   w₀, the solution of least norm, is shorter");
            console.line("  ‖X w₀ − y‖               " + Text.number(distance(times(x, w0), y)));
            console.line("  ‖X z‖                    " + Text.number(norm(times(x, direction)))
                    + "   z, a unit vector of the null space");
            console.line("  ‖w₁ − w₀‖                " + Text.number(distance(w1, w0), 4) + "   w₁ = w₀ + 10 z");
            console.line("  ‖X w₁ − X w₀‖            " + Text.number(distance(times(x, w1), times(x, w0)))
                    + "   the predictions do not notice");
        }
    }

    // ---- cubics through three points
    // ---------------------------------------------------------------------------------------------

    private void polynomial(AtomicOutput output) {
        double[][] x = new double[POLYNOMIAL_X.length][];
        for (int i = 0; i < x.length; i++) {
            double t = POLYNOMIAL_X[i];
            x[i] = new double[] {1, t, t * t, t * t * t};
        }
        try (SolutionSet set = Nullspace.solve(x, POLYNOMIAL_Y)) {
            double[] w0 = set.minimumNorm().columnToArray(0);
            console.line("2. Cubics through three points: x = 5, 3, 1; y = 2, 5, 3; features 1, x, x^2, x^3");
            console.line("  singular values          " + roundedToCents(set.singularValues()));
            console.line("  rank, nullity            " + set.rank() + ", " + set.nullity());
            console.line("  f₀, minimum norm         " + coefficients(w0));
            console.line("  every solution           " + inTermsOfLast(set));
            FixedCoefficients fixed = set.fixing(3, 2.0);
            try (Matrix weights = fixed.weights()) {
                console.line("  fixing(3, 2.0)           " + coefficients(weights.columnToArray(0))
                        + (fixed.feasible() ? "" : "   (not feasible)"));
            }
            drawPolynomials(set, w0, output);
        }
    }

    /** Two decimals without trailing zeros, as the example is printed. */
    private static String roundedToCents(double[] values) {
        List<String> parts = new ArrayList<>();
        for (double value : values) {
            parts.add(withoutTrailingZeros(String.format(Locale.ROOT, "%.2f", value)));
        }
        return String.join("  ", parts);
    }

    private static String coefficients(double[] w) {
        List<String> parts = new ArrayList<>();
        for (int j = 0; j < w.length; j++) {
            parts.add("β" + (char) ('₀' + j) + " = " + plain(w[j]));
        }
        return String.join(", ", parts);
    }

    /** The solutions as functions of the last coefficient: two members determine the line. */
    private static String inTermsOfLast(SolutionSet set) {
        double[] at0;
        double[] at1;
        try (Matrix a = set.fixing(3, 0.0).weights();
                Matrix b = set.fixing(3, 1.0).weights()) {
            at0 = a.columnToArray(0);
            at1 = b.columnToArray(0);
        }
        List<String> parts = new ArrayList<>();
        for (int j = 0; j < 3; j++) {
            double slope = at1[j] - at0[j];
            parts.add("β" + (char) ('₀' + j) + " = " + plain(at0[j]) + (slope < 0 ? " − " : " + ")
                    + plain(Math.abs(slope)) + " β₃");
        }
        return String.join(", ", parts);
    }

    private static String plain(double value) {
        String text = withoutTrailingZeros(String.format(Locale.ROOT, "%.4f", value));
        return text.equals("-0") ? "0" : text.replace('-', '−');
    }

    private static String withoutTrailingZeros(String decimal) {
        return decimal.replaceFirst("\\.?0+$", "");
    }

    private void drawPolynomials(SolutionSet set, double[] w0, AtomicOutput output) {
        List<Curve> curves = new ArrayList<>();
        curves.add(curve(0, w0));
        SplitMix64 seeds = new SplitMix64(SEED);
        for (int m = 1; m <= MEMBERS; m++) {
            try (Matrix w = set.random(seeds.nextLong(), MEMBER_STEP * m)) {
                double[] beta = w.columnToArray(0);
                curves.add(curve(m, beta));
                console.line("  f" + (char) ('₀' + m) + ", a random member      " + coefficients(beta));
            }
        }
        Drawing.write(
                output,
                console,
                "polynomial",
                () -> Pictures.functions(
                        "Five of infinitely many cubics through three points",
                        "All of them fit the points exactly. f₀ has the least norm.",
                        new double[] {0, 6, -5, 15},
                        curves,
                        new Curve("data", POLYNOMIAL_X, POLYNOMIAL_Y)));
    }

    private static Curve curve(int index, double[] beta) {
        int points = 121;
        double[] xs = new double[points];
        double[] ys = new double[points];
        for (int i = 0; i < points; i++) {
            double t = 6.0 * i / (points - 1);
            xs[i] = t;
            ys[i] = beta[0] + t * (beta[1] + t * (beta[2] + t * beta[3]));
        }
        String value = String.format(Locale.ROOT, "%.2f", beta[3]).replace('-', '−');
        return new Curve("f" + (char) ('₀' + index) + ", β₃ = " + value, xs, ys);
    }

    // ---- small vectors
    // -----------------------------------------------------------------------------------------------------------

    private static double[] times(double[][] x, double[] w) {
        double[] out = new double[x.length];
        for (int i = 0; i < out.length; i++) {
            for (int j = 0; j < w.length; j++) {
                out[i] += x[i][j] * w[j];
            }
        }
        return out;
    }

    private static double distance(double[] a, double[] b) {
        double[] difference = new double[a.length];
        for (int i = 0; i < a.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return norm(difference);
    }

    private static double norm(double[] v) {
        return Errors.total(v);
    }
}
