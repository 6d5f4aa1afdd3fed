package org.nullspace.accuracy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;

/** Digits shared with NIST's certified coefficients, and the page that reports them. */
class AccuracyTest {
    private static final Pattern NUMBER = Pattern.compile("\\d+\\.\\d+");

    /**
     * Least digits of AUTO, QR_SVD, GESVD, of the latter two with relative(0), and of QR_SVD with scaled columns: half a digit below the least that OpenBLAS's kernels for
     * Prescott, Nehalem, Sandybridge, Haswell, Zen and SkylakeX reached.
     */
    private static final Map<String, double[]> FLOORS = floors();

    private static Map<String, double[]> floors() {
        Map<String, double[]> floors = new HashMap<>();
        floors.put("Norris", new double[] {12.9, 11.9, 12.5, 11.9, 12.5, 12.0});
        floors.put("Pontius", new double[] {5.7, 5.7, 5.7, 5.7, 5.7, 11.5});
        floors.put("NoInt1", new double[] {14.2, 14.2, 14.2, 14.2, 14.2, 14.2});
        floors.put("NoInt2", new double[] {14.5, 14.5, 14.5, 14.5, 14.5, 14.5});
        floors.put("Filip", new double[] {0, 0, 0, 4.7, 4.6, 6.9});
        floors.put("Longley", new double[] {10.0, 10.0, 10.3, 10.0, 10.3, 10.0});
        floors.put("Wampler1", new double[] {8.2, 8.2, 8.7, 8.2, 8.7, 8.4});
        floors.put("Wampler2", new double[] {9.6, 9.6, 9.6, 9.6, 9.6, 11.8});
        floors.put("Wampler3", new double[] {8.3, 8.3, 8.6, 8.3, 8.6, 8.6});
        floors.put("Wampler4", new double[] {7.0, 7.0, 7.2, 7.0, 7.2, 7.0});
        floors.put("Wampler5", new double[] {5.0, 5.0, 5.2, 5.0, 5.2, 5.0});
        return floors;
    }

    private static List<AccuracyPage.Measured> measured;
    private static List<Conditioning.Case> conditioning;

    @BeforeAll
    static void measure() {
        measured = AccuracyPage.measure();
        conditioning = Conditioning.measure();
    }

    @Test
    void everySetReachesItsFloor() {
        assertThat(measured).hasSize(FLOORS.size());
        for (AccuracyPage.Measured m : measured) {
            double[] floor = FLOORS.get(m.set().name());
            for (int i = 0; i < floor.length; i++) {
                assertThat(m.digits()[i]).as(m.set().name() + ", column " + i).isGreaterThanOrEqualTo(floor[i]);
            }
        }
    }

    @Test
    void ranksAreFullExceptFilip() {
        for (AccuracyPage.Measured m : measured) {
            int d = m.set().certified().length;
            assertThat(m.rank()).as(m.set().name()).isEqualTo(m.set().name().equals("Filip") ? d - 1 : d);
        }
    }

    @Test
    void residualStandardDeviationsAreTheCertifiedOnes() {
        for (AccuracyPage.Measured m : measured) {
            Nist set = m.set();
            int n = set.x().length;
            int d = set.certified().length;
            for (Method method : List.of(Method.QR_SVD, Method.GESVD)) {
                try (SolutionSet s = set.solve(AccuracyPage.options(method, RankTolerance.relative(0)))) {
                    double deviation = s.residualNorms()[0] / Math.sqrt(n - d);
                    // What a normwise backward stable solver owes: the residual of an exact fit is what rounding
                    // leaves.
                    double owed = norm(set.x()) * norm(s.minimumNorm().toArray()) / Math.sqrt(n - d);
                    double tolerance = 10 * 0x1p-52 * (owed + set.certifiedDeviation());
                    assertThat(deviation)
                            .as(set.name() + " " + method)
                            .isCloseTo(set.certifiedDeviation(), within(tolerance));
                }
            }
        }
    }

    private static double norm(double[][] a) {
        double norm = 0;
        for (double[] row : a) {
            for (double value : row) {
                norm = Math.hypot(norm, value);
            }
        }
        return norm;
    }

    @Test
    void filipFitsAsWellWithOneDirectionLess() {
        Nist filip = measured.stream()
                .map(AccuracyPage.Measured::set)
                .filter(s -> s.name().equals("Filip"))
                .findFirst()
                .orElseThrow();
        try (SolutionSet all = filip.solve(AccuracyPage.options(Method.QR_SVD, RankTolerance.relative(0)));
                SolutionSet standard = filip.solve(AccuracyPage.options(Method.AUTO, RankTolerance.standard()))) {
            assertThat(standard.residualNorms()[0])
                    .isGreaterThan(all.residualNorms()[0])
                    .isLessThan(1.2 * all.residualNorms()[0]);
            assertThat(standard.rankDecision().gap())
                    .as("no wide gap: the decision is not a safe one, and says so")
                    .isLessThan(100);
            assertThat(standard.rankDecision().ranksUnderOtherPolicies())
                    .containsEntry("scipy", 11)
                    .containsEntry("numpy", 10);
        }
    }

    /** At most ten times the backward error of gelsd, one digit. */
    @Test
    void noMethodIsLessStableThanGelsdByMoreThanADigit() {
        for (Conditioning.Case each : conditioning) {
            Conditioning.Reached gelsd = each.reached().get("gelsd");
            for (Map.Entry<String, Conditioning.Reached> entry : each.reached().entrySet()) {
                String where = entry.getKey() + ", " + each.precision() + ", κ = " + each.condition() + ", rank "
                        + each.rank();
                Conditioning.Reached r = entry.getValue();
                assertThat(r.backward()).as(where).isGreaterThanOrEqualTo(gelsd.backward() - 1);
                if (!Double.isNaN(r.orthogonality())) {
                    // X moves the null space by what it holds below the cut-off.
                    boolean all = r.rank() == Conditioning.N;
                    double held = all ? 14.5 : each.precision() == Precision.FLOAT64 ? 13 : 5.5;
                    assertThat(r.orthogonality()).as(where).isGreaterThanOrEqualTo(held);
                    assertThat(r.rank())
                            .as(where)
                            .isEqualTo(each.reached().get("GESVD").rank());
                    if (each.condition() < (each.precision() == Precision.FLOAT64 ? 1e13 : 1e5)) {
                        assertThat(r.rank()).as(where).isEqualTo(each.rank());
                    }
                }
            }
        }
    }

    @Test
    void thePageSaysWhatIsMeasured() throws IOException {
        String page = Files.readString(AccuracyPage.FILE);
        String fingerprint = AccuracyPage.fingerprint();
        boolean sameKernels = page.contains("`" + fingerprint + "`");
        List<String> written = page.lines().toList();
        List<String> expected =
                AccuracyPage.render(measured, conditioning, fingerprint).lines().toList();
        assertThat(written)
                .as("lines of the page: write it anew, see AccuracyPage")
                .hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            if (expected.get(i).contains("fingerprint `")) {
                continue;
            }
            assertThat(withoutNumbers(written.get(i))).as("line " + (i + 1)).isEqualTo(withoutNumbers(expected.get(i)));
            Matcher a = NUMBER.matcher(written.get(i));
            Matcher b = NUMBER.matcher(expected.get(i));
            while (a.find() && b.find()) {
                double tolerance = sameKernels ? 0.1000001 : 3;
                assertThat(Double.parseDouble(a.group()))
                        .as("a number in line " + (i + 1) + ", " + written.get(i))
                        .isCloseTo(Double.parseDouble(b.group()), within(tolerance));
            }
        }
    }

    private static String withoutNumbers(String line) {
        return NUMBER.matcher(line).replaceAll("#");
    }

    @Test
    void logRelativeErrorCountsDigits() {
        assertThat(Nist.logRelativeError(1, BigDecimal.ONE)).isEqualTo(15);
        assertThat(Nist.logRelativeError(1.001, BigDecimal.ONE)).isCloseTo(3, within(1e-9));
        assertThat(Nist.logRelativeError(-1.001e-200, new BigDecimal("-1e-200")))
                .isCloseTo(3, within(1e-9));
        assertThat(Nist.logRelativeError(1e-4, BigDecimal.ZERO)).isCloseTo(4, within(1e-9));
        assertThat(Nist.logRelativeError(-1, BigDecimal.ONE)).isZero();
        assertThat(Nist.logRelativeError(Double.NaN, BigDecimal.ONE)).isZero();
        assertThat(Nist.logRelativeError(Math.nextUp(1.0), BigDecimal.ONE)).isEqualTo(15);
    }
}
