package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.io.NpyFile;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * Answers that were computed in 60-digit arithmetic and compared with SciPy and NumPy when they were made, see
 * {@code src/test/python/make_golden.py}; and the ranks that NumPy and SciPy report.
 */
abstract class GoldenConformance extends Conformance {
    private static final double ROOM = 16;

    /** A row of a table whose first line that is no comment holds the names of the columns. */
    record Row(Map<String, String> fields) {
        String get(String name) {
            String value = fields.get(name);
            if (value == null) {
                throw new AssertionError("no column " + name + " in " + fields.keySet());
            }
            return value;
        }

        @Override
        public String toString() {
            return fields.values().iterator().next();
        }
    }

    static List<Row> table(Path file) {
        try {
            List<Row> rows = new ArrayList<>();
            String[] names = null;
            for (String line : Files.readAllLines(file)) {
                if (line.startsWith("#")) {
                    continue;
                }
                String[] fields = line.split(",", -1);
                if (names == null) {
                    names = fields;
                } else {
                    Map<String, String> row = new LinkedHashMap<>();
                    for (int i = 0; i < names.length; i++) {
                        row.put(names[i], fields[i]);
                    }
                    rows.add(new Row(row));
                }
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path folder() {
        try {
            return Path.of(GoldenConformance.class
                            .getResource("/org/nullspace/golden/manifest.csv")
                            .toURI())
                    .getParent();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static Stream<Row> cases() {
        return table(folder().resolve("manifest.csv")).stream();
    }

    private static Matrix file(Row row, String name) {
        return NpyFile.read(folder().resolve(row.get("case")).resolve(name + ".npy"));
    }

    private static boolean has(Row row, String name) {
        return Files.exists(folder().resolve(row.get("case")).resolve(name + ".npy"));
    }

    private static double[] vector(Row row, String name) {
        Matrix m = file(row, name);
        return m.columns() == 1 ? m.columnToArray(0) : m.transposed().columnToArray(0);
    }

    private SolveOptions.Builder options(Row row, Mode mode) {
        SolveOptions.Builder options = mode.on(options());
        if (!row.get("rcond").isEmpty()) {
            options.rankTolerance(RankTolerance.relative(Double.parseDouble(row.get("rcond"))));
        }
        if (Boolean.parseBoolean(row.get("intercept"))) {
            options.intercept(InterceptRule.UNPENALISED);
        }
        if (Boolean.parseBoolean(row.get("weights"))) {
            options.sampleWeights(vector(row, "weights"));
        }
        return options;
    }

    private static Precision precision(Row row) {
        return Precision.valueOf(row.get("dtype").toUpperCase(java.util.Locale.ROOT));
    }

    @Test
    void readsAllCases() {
        assertThat(cases().count()).isGreaterThanOrEqualTo(20);
        assertThat(table(folder().resolve("ranks.csv"))).hasSizeGreaterThanOrEqualTo(100);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agreesWithAnswersOfSixtyDigits(Row row) {
        Matrix x = file(row, "X");
        Matrix y = file(row, "Y");
        double[][] w = file(row, "W").toArray();
        double[] sigma = vector(row, "s");
        double[] residual = vector(row, "residual");
        int rank = Integer.parseInt(row.get("rank"));
        double condition = Double.parseDouble(row.get("condition"));
        double normW = Dense.norm(w);
        for (Mode mode : Mode.of(precision(row))) {
            String where = mode + " on " + row;
            double working = mode.working().epsilon();
            double cutoff = standardCutoff((int) x.rows(), (int) x.columns(), precision(row), mode.working());
            if (row.get("rcond").isEmpty() && 1 / condition < 2 * cutoff) {
                // Float32 arithmetic cannot tell the smallest singular value from noise, and does not claim to.
                assertThat(mode.working()).as(where).isEqualTo(Precision.FLOAT32);
                continue;
            }
            // Perturbation theory of least squares, and the rounding of W to the precision of the data.
            double tilt = rank == 0 || normW == 0 ? 0 : condition * Dense.norm(residual) / sigma[0] / normW;
            double unit =
                    ROOM * working * condition * (1 + tilt) + precision(row).epsilon();
            try (SolutionSet s = Nullspace.solve(x, y, options(row, mode).build())) {
                assertThat(s.rank()).as(where + s.history()).isEqualTo(rank);
                Checks.close("golden solution", where, s.minimumNorm().toArray(), w, unit * normW);

                double[] computed = s.singularValues();
                assertThat(computed.length).as(where).isLessThanOrEqualTo(sigma.length);
                Checks.close(
                        "golden singular values",
                        where,
                        Arrays.copyOf(computed, sigma.length),
                        sigma,
                        rank == 0 ? 0 : ROOM * working * sigma[0]);
                double size = normW * (rank == 0 ? 0 : sigma[0]) + Dense.norm(y.toArray());
                Checks.close("golden residual", where, s.residualNorms(), residual, ROOM * working * condition * size);
                if (has(row, "b")) {
                    Checks.close(
                            "golden intercept",
                            where,
                            s.intercept(),
                            vector(row, "b"),
                            unit * (normW * Dense.norm(x.toArray()) + Dense.norm(y.toArray())));
                }
                if (has(row, "V")) {
                    double[][] v = file(row, "V").toArray();
                    Checks.close(
                            "golden row space",
                            where,
                            entries(s.rowSpace().project(Matrix.of(v))),
                            v,
                            ROOM * working * condition);
                }
                if (has(row, "P")) {
                    Checks.close(
                            "golden projector",
                            where,
                            entries(s.rowSpace().project(Matrix.of(Dense.identity((int) s.features())))),
                            file(row, "P").toArray(),
                            ROOM * working * condition);
                }
            }
        }
    }

    static Stream<Row> ranks() {
        return table(folder().resolve("ranks.csv")).stream().filter(r -> Boolean.parseBoolean(r.get("robust")));
    }

    @ParameterizedTest
    @MethodSource("ranks")
    void reportsTheRanksOfNumpyAndScipy(Row expected) {
        Row row = cases().filter(r -> r.get("case").equals(expected.get("case")))
                .findFirst()
                .orElseThrow();
        Matrix x = file(row, "X");
        Matrix y = file(row, "Y");
        int rank = Integer.parseInt(expected.get("rank"));
        String policy = expected.get("policy");
        for (Mode mode : Mode.of(precision(row))) {
            if (mode.working() != Precision.FLOAT64) {
                continue;
            }
            String where = mode + " on " + row + " under " + policy;
            RankTolerance relative = RankTolerance.relative(Double.parseDouble(expected.get("relative_cutoff")));
            try (SolutionSet s = Nullspace.solve(
                    x, y, options(row, mode).rankTolerance(relative).build())) {
                assertThat(s.rank()).as(where).isEqualTo(rank);
            }
            RankTolerance named = switch (policy) {
                case "numpy_matrix_rank" -> RankTolerance.numpy();
                case "scipy_lstsq" -> RankTolerance.scipy();
                default -> null;
            };
            if (named == null) {
                continue;
            }
            try (SolutionSet s = Nullspace.solve(
                            x, y, options(row, mode).rankTolerance(named).build());
                    SolutionSet standard = Nullspace.solve(
                            x,
                            y,
                            options(row, mode)
                                    .rankTolerance(RankTolerance.standard())
                                    .build())) {
                assertThat(s.rank()).as(where).isEqualTo(rank);
                assertThat(s.rankDecision().policy()).isEqualTo(named.name());
                // SciPy's cut-off lies below the rounding level, where SKETCH has no singular values but 0.
                if (standard.method() != Method.SKETCH || !named.equals(RankTolerance.scipy())) {
                    assertThat(standard.rankDecision().ranksUnderOtherPolicies())
                            .as(where)
                            .containsEntry(named.name(), rank);
                }
            }
        }
    }
}
