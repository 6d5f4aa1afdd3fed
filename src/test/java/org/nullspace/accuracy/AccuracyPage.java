package org.nullspace.accuracy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32;
import org.nullspace.Nullspace;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/**
 * The page {@code src/site/markdown/accuracy.md}. To write it anew:
 *
 * <pre>mvn -q test-compile exec:java -Dmain.class=org.nullspace.accuracy.AccuracyPage -Dexec.classpathScope=test</pre>
 */
public final class AccuracyPage {
    /** Where the page is, seen from the root of the project. */
    static final Path FILE = Path.of("src", "site", "markdown", "accuracy.md");

    private AccuracyPage() {}

    /**
     * Digits reached on one set.
     *
     * @param set the set
     * @param chosen the method that AUTO chose
     * @param rank rank at the standard tolerance
     * @param condition σ₁/σ_min
     * @param digits digits of AUTO, QR_SVD, GESVD with the standard tolerance, of QR_SVD and GESVD with {@code relative(0)}, and of QR_SVD
     *     with columns scaled to norms between 1 and 2
     */
    record Measured(Nist set, Method chosen, int rank, double condition, double[] digits) {}

    /** Writes the page. */
    public static void main(String[] arguments) throws IOException {
        Files.writeString(FILE, render(measure(), Conditioning.measure(), fingerprint()));
    }

    static List<Measured> measure() {
        List<Measured> all = new ArrayList<>();
        for (Nist set : Nist.sets()) {
            double[] digits = new double[6];
            digits[1] = digits(set, Method.QR_SVD, RankTolerance.standard());
            digits[2] = digits(set, Method.GESVD, RankTolerance.standard());
            digits[3] = digits(set, Method.QR_SVD, RankTolerance.relative(0));
            digits[4] = digits(set, Method.GESVD, RankTolerance.relative(0));
            digits[5] = scaledDigits(set);
            try (SolutionSet s = set.solve(options(Method.AUTO, RankTolerance.standard()))) {
                digits[0] = set.digits(s);
                double[] sigma = s.singularValues();
                all.add(new Measured(set, s.method(), s.rank(), sigma[0] / sigma[sigma.length - 1], digits));
            }
        }
        return all;
    }

    private static double digits(Nist set, Method method, RankTolerance tolerance) {
        try (SolutionSet s = set.solve(options(method, tolerance))) {
            return set.digits(s);
        }
    }

    /** Digits after scaling the columns by powers of two, which is exact, and scaling the coefficients back. */
    private static double scaledDigits(Nist set) {
        int d = set.certified().length;
        double[][] x = new double[set.x().length][d];
        double[] scale = new double[d];
        for (int j = 0; j < d; j++) {
            double norm = 0;
            for (double[] row : set.x()) {
                norm = Math.hypot(norm, row[j]);
            }
            scale[j] = Math.scalb(1.0, -Math.getExponent(norm));
            for (int i = 0; i < x.length; i++) {
                x[i][j] = set.x()[i][j] * scale[j];
            }
        }
        try (SolutionSet s = Nullspace.solve(
                Matrix.of(x), Matrix.column(set.y()), options(Method.QR_SVD, RankTolerance.standard()))) {
            double[] w = s.minimumNorm().columnToArray(0);
            double least = 15;
            for (int j = 0; j < d; j++) {
                least = Math.min(least, Nist.logRelativeError(w[j] * scale[j], set.certified()[j]));
            }
            return least;
        }
    }

    static SolveOptions options(Method method, RankTolerance tolerance) {
        return SolveOptions.builder()
                .backend(BackendChoice.CPU)
                .method(method)
                .rankTolerance(tolerance)
                .build();
    }

    /**
     * A number that stands for the order in which the machine's kernels add: a checksum of matrix products. Machines with the same number
     * round alike.
     */
    static String fingerprint() {
        SplitMix64 random = new SplitMix64(1);
        BackendProvider provider = Backends.providers(DeviceKind.CPU).get(0);
        CRC32 sum = new CRC32();
        try (Session session = provider.open(0);
                MemoryScope scope = MemoryScope.open()) {
            Matrix a = session.allocate(scope, 24, 90);
            Matrix c = session.allocate(scope, 24, 24);
            for (int i = 0; i < 24; i++) {
                for (int j = 0; j < 90; j++) {
                    a.set(0, i, j, random.nextGaussian());
                }
            }
            for (int columns : new int[] {1, 5, 24}) {
                session.multiply(1, a, a.rows(0, columns).transposed(), 0, c.columns(0, columns));
                for (int j = 0; j < columns; j++) {
                    for (double value : c.columnToArray(j)) {
                        long bits = Double.doubleToLongBits(value);
                        for (int shift = 0; shift < 64; shift += 8) {
                            sum.update((int) (bits >>> shift) & 0xff);
                        }
                    }
                }
            }
        }
        return String.format(Locale.ROOT, "%08x", sum.getValue());
    }

    static String render(List<Measured> all, List<Conditioning.Case> conditioning, String fingerprint) {
        StringBuilder page = new StringBuilder();
        page.append("""
                # Accuracy

                NIST's [Statistical Reference Datasets](https://www.itl.nist.gov/div898/strd/lls/lls.shtml) come with coefficients that were
                computed in 500 digits and certified to 15. A program's accuracy on a set is the number of digits it shares with them: the log
                relative error −log₁₀(|b − c|/|c|) of the worst coefficient, held to 0 … 15 (McCullough, *The American Statistician* 52, 1998).

                | set | NIST's grade | n×d | σ₁/σ_min | NumPy `lstsq` | `AUTO` (chosen) | `QR_SVD` | `GESVD` | `QR_SVD`, columns scaled | best possible |
                |---|---|---|---|---|---|---|---|---|---|
                """);
        Map<String, Map<String, String>> numpy = numpyDigits();
        for (Measured m : all) {
            Map<String, String> peer = numpy.get(m.set().name());
            page.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %d×%d | %.0e | %s | %.1f (%s) | %.1f | %.1f | %.1f | %s |%n",
                    m.set().name(),
                    m.set().difficulty(),
                    m.set().x().length,
                    m.set().certified().length,
                    m.condition(),
                    peer.get("digits_default"),
                    m.digits()[0],
                    m.chosen(),
                    m.digits()[1],
                    m.digits()[2],
                    m.digits()[5],
                    peer.get("digits_rounded")));
        }
        page.append("""

                *NumPy* is `numpy.linalg.lstsq(X, y, rcond=None)`, see `src/test/python/nist_lstsq.py`. *Best possible* is what a solver without
                rounding errors of its own would reach: the exact solution of the problem whose entries are the decimal data rounded to
                float64 once, with powers formed by repeated multiplication.

                The digits that are lost are about log₁₀(σ₁/σ_min), up to twice as many where the residual is large (Wampler 3 to 5), to NumPy
                and to `QR_SVD` and `GESVD` alike. They take the columns of X as they are, because in an underdetermined problem a scaled
                column is another problem, with another solution of least norm. In these sets the solution is unique. There the
                columns may be scaled and the coefficients scaled back; *columns scaled* shows what powers of two that bring all
                columns to norms between 1 and 2 do for the digits. `GRAM`, which `AUTO` chooses where X provably has full rank, does not see the size of the
                columns of a tall X, or of the rows of a wide one, and corrects its solution with residuals computed from X: Pontius and Wampler 2 gain what
                the scaling gains.

                """);
        for (Measured m : all) {
            if (m.rank() < m.set().certified().length) {
                Map<String, String> peer = numpy.get(m.set().name());
                page.append(String.format(
                        Locale.ROOT,
                        """
                        **%s** is the set to be warned by. Its σ₁/σ_min of %.0e is beyond the standard tolerance, so rank %d of %d is reported,
                        and the minimum-norm solution of that rank is returned: a good fit with other coefficients than the certified
                        ones. NumPy's default does the same. Who trusts every digit of the data says so:

                        | %s | NumPy `rcond=0` | `QR_SVD`, `relative(0)` | `GESVD`, `relative(0)` | best possible |
                        |---|---|---|---|---|
                        | digits | %s | %.1f | %.1f | %s |

                        """,
                        m.set().name(),
                        m.condition(),
                        m.rank(),
                        m.set().certified().length,
                        m.set().name(),
                        peer.get("digits_rcond0"),
                        m.digits()[3],
                        m.digits()[4],
                        peer.get("digits_rounded")));
            }
        }
        page.append(Conditioning.render(conditioning));
        page.append(String.format(Locale.ROOT, """
                ## How to read it, and how it is kept true

                The methods differ in the last digit by the luck of rounding. So does one method between machines, whose kernels add in
                different orders: with OpenBLAS's kernels for six generations of x86-64 processors the digits of a set differ by up to 1.9.

                This page is written by `org.nullspace.accuracy.AccuracyPage` in the test sources, on a machine whose kernels have the
                fingerprint `%s`. A test measures again: where the fingerprint is the same, every number must be within 0.1 of the page;
                everywhere, no backward error may be more than ten times that of gelsd, and every number must be above a floor. The command:

                    mvn -q test-compile exec:java -Dexec.classpathScope=test -Dmain.class=org.nullspace.accuracy.AccuracyPage
                """, fingerprint));
        return page.toString();
    }

    private static Map<String, Map<String, String>> numpyDigits() {
        Map<String, Map<String, String>> bySet = new java.util.LinkedHashMap<>();
        for (Map<String, String> row : Nist.table("numpy_digits.csv")) {
            bySet.put(row.get("set"), row);
        }
        return bySet;
    }
}
