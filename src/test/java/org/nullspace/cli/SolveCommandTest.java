package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nullspace.Nullspace;
import org.nullspace.RandomMatrices;
import org.nullspace.features.FittedTransformer;
import org.nullspace.features.Holdout;
import org.nullspace.features.Pipeline;
import org.nullspace.features.PolynomialFeatures;
import org.nullspace.features.Standardizer;
import org.nullspace.io.NpyFile;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

class SolveCommandTest {
    private static final List<String> CONTRACT = List.of(
            "samples",
            "features",
            "targets",
            "batch",
            "rank",
            "nullity",
            "singularValues",
            "rankTolerance",
            "condition",
            "residualNorm",
            "minimumNorm",
            "method",
            "backend",
            "device",
            "seconds");

    @TempDir
    Path dir;

    private Path out;

    @BeforeEach
    void outDirectory() {
        out = dir.resolve("made").resolve("out");
    }

    private static Matrix random(long seed, Precision precision, long batch, long rows, long columns, Layout layout) {
        return RandomMatrices.gaussian(seed, precision, batch, rows, columns, layout);
    }

    private Path npy(String name, Matrix m, int dimensions) {
        Path file = dir.resolve(name);
        NpyWriter.write(file, m, dimensions, NpyOrder.AS_STORED);
        return file;
    }

    /** The polynomial example as a table, with a column of labels. */
    private Path table() {
        return Cli.write(dir.resolve("cubic.csv"), """
                label,one,x,x2,x3,y
                a,1,5,25,125,2
                b,1,3,9,27,5
                c,1,1,1,1,3
                """);
    }

    @Test
    void tableWithJsonHasTheContractedNamesAndTheKnownAnswer() {
        Cli.Result r = Cli.run("solve", table(), "--target", "y", "--json");
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.out().strip().lines()).hasSize(1);
        Map<String, Object> json = r.json();
        assertThat(json).containsKeys(CONTRACT.toArray(String[]::new));
        assertThat(json)
                .containsEntry("samples", 3)
                .containsEntry("features", 4)
                .containsEntry("targets", 1)
                .containsEntry("batch", 1)
                .containsEntry("rank", 3)
                .containsEntry("nullity", 1)
                .containsEntry("device", "cpu")
                .containsEntry("outcome", "FULL_RANK")
                .containsEntry("targetNames", List.of("y"));
        assertThat(Cli.numbers(json.get("singularValues")))
                .containsExactly(new double[] {130.7, 4.2, 0.84}, within(0.05));
        double[] w0 = {1.6367, 1.1821, 0.2820, -0.1008};
        double norm = Math.sqrt(w0[0] * w0[0] + w0[1] * w0[1] + w0[2] * w0[2] + w0[3] * w0[3]);
        assertThat(Cli.numbers(json.get("minimumNorm"))).containsExactly(new double[] {norm}, within(1e-3));
        assertThat(((Number) json.get("residualNorm")).doubleValue()).isLessThan(1e-11);
        assertThat(((Number) json.get("condition")).doubleValue()).isCloseTo(130.7 / 0.84, within(1.0));
        assertThat(json.get("rankUnderOtherPolicies")).isEqualTo(Map.of("numpy", 3, "scipy", 3, "gap", 3));
        assertThat(r.errLines()).singleElement().asString().contains("\"label\"", "text", "left out");
    }

    @Test
    void tableForPeople() {
        Cli.Result r = Cli.run("solve", table(), "--target", "y");
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.out())
                .contains("3 samples × 4 features, target y")
                .containsPattern("rank +3 of 3; nullity 1")
                .containsPattern("cut-off .*standard.*singular value 3 is 0\\.84")
                .containsPattern("condition +15\\d")
                .containsPattern("residual +\\S+")
                .containsPattern("norm +2\\.0")
                .containsPattern("method +\\w+ on \\S+")
                .containsPattern("time +\\S+ s");
    }

    @Test
    void rcondDecidesTheRank() {
        Map<String, Object> json = Cli.run("solve", table(), "--target", "y", "--json", "--rcond", "0.01")
                .json();
        assertThat(json)
                .containsEntry("rank", 2)
                .containsEntry("nullity", 2)
                .containsEntry("rankPolicy", "relative(0.01)")
                .containsEntry("outcome", "RANK_REDUCED");
        assertThat(((Number) json.get("rankTolerance")).doubleValue()).isCloseTo(1.307, within(1e-3));
        assertThat(((Number) json.get("gap")).doubleValue()).isCloseTo(4.2 / 0.84, within(0.05));
    }

    @Test
    void everyMethodGivesTheSameSolutionAndSaysWhichItWas() {
        for (String method : List.of("gesvd", "qr-svd", "QR_SVD", "gram")) {
            Path to = dir.resolve("out-" + method);
            Cli.Result r = Cli.run("solve", table(), "--target", "y", "--json", "--method", method, "--out", to);
            assertThat(r.code()).as(method).isEqualTo(0);
            assertThat(r.json().get("method"))
                    .isEqualTo(method.toUpperCase(Locale.ROOT).replace('-', '_'));
            try (Matrix w = NpyFile.read(to.resolve("weights.npy"))) {
                assertThat(w.columnToArray(0))
                        .as(method)
                        .containsExactly(new double[] {1.63669, 1.18208, 0.28201, -0.10078}, within(1e-4));
            }
        }
    }

    @Test
    void filesHoldTheSolutionAndNothingElseIsLeft() throws Exception {
        Matrix x = random(1, Precision.FLOAT64, 1, 6, 12, Layout.ROW_MAJOR);
        Matrix y = random(2, Precision.FLOAT64, 1, 6, 2, Layout.ROW_MAJOR);
        Cli.Result r = Cli.run(
                "solve", "--x", npy("x.npy", x, 2), "--y", npy("y.npy", y, 2), "--out", out, "--null-space", "--json");
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.err()).isEmpty();
        assertThat(Cli.files(out))
                .containsExactly("null_space.npy", "singular_values.npy", "summary.json", "weights.npy");
        assertThat(JSON.std.mapFrom(Files.readString(out.resolve("summary.json"))))
                .isEqualTo(r.json());
        try (SolutionSet set = Nullspace.solve(x, y);
                Matrix w = NpyFile.read(out.resolve("weights.npy"));
                Matrix n = NpyFile.read(out.resolve("null_space.npy"));
                Matrix s = NpyFile.read(out.resolve("singular_values.npy"))) {
            assertThat(w.shape()).isEqualTo("12×2");
            assertThat(w.hasSameEntries(set.minimumNorm())).isTrue();
            assertThat(n.shape()).isEqualTo("12×6");
            for (int j = 0; j < 6; j++) {
                double[] column = n.columnToArray(j);
                for (int i = 0; i < 6; i++) {
                    double product = 0;
                    for (int t = 0; t < 12; t++) {
                        product += x.get(i, t) * column[t];
                    }
                    assertThat(product).isCloseTo(0, within(1e-13));
                }
                assertThat(Errors.columnNorms(n)[j]).isCloseTo(1, within(1e-13));
            }
            assertThat(NpyFile.open(out.resolve("singular_values.npy")).dimensions())
                    .isEqualTo(1);
            assertThat(s.columnToArray(0)).containsExactly(set.singularValues(), within(1e-12));
            assertThat(Cli.numbers(r.json().get("minimumNorm")))
                    .containsExactly(Errors.columnNorms(set.minimumNorm()), within(1e-12));
        }
    }

    @Test
    void arraysOfAnyOrderAndPrecisionGiveTheSame() {
        Matrix x = random(3, Precision.FLOAT32, 1, 5, 9, Layout.COLUMN_MAJOR);
        Matrix y = random(4, Precision.FLOAT32, 1, 5, 1, Layout.COLUMN_MAJOR);
        Path yFile = npy("y.npy", y, 1);
        Map<String, Object> fortran = Cli.run("solve", "--x", npy("xf.npy", x, 2), "--y", yFile, "--json")
                .json();
        Map<String, Object> c = Cli.run(
                        "solve", "--x", npy("xc.npy", x.copy(Layout.ROW_MAJOR), 2), "--y", yFile, "--json")
                .json();
        assertThat(Cli.numbers(fortran.get("singularValues")))
                .containsExactly(Cli.numbers(c.get("singularValues")), within(1e-12));
        assertThat(fortran).containsEntry("rank", 5).containsEntry("nullity", 4);
    }

    @Test
    void batchHasArraysPerProblem() {
        Matrix x = random(5, Precision.FLOAT64, 3, 4, 7, Layout.ROW_MAJOR);
        Matrix y = random(6, Precision.FLOAT64, 3, 4, 2, Layout.ROW_MAJOR);
        Cli.Result r = Cli.run("solve", "--x", npy("x.npy", x, 3), "--y", npy("y.npy", y, 3), "--out", out, "--json");
        assertThat(r.code()).isEqualTo(0);
        Map<String, Object> json = r.json();
        assertThat(json).containsKeys(CONTRACT.toArray(String[]::new));
        assertThat(json)
                .containsEntry("batch", 3)
                .containsEntry("samples", 4)
                .containsEntry("targets", 2)
                .containsEntry("rank", List.of(4, 4, 4))
                .containsEntry("nullity", List.of(3, 3, 3));
        for (String name :
                List.of("singularValues", "minimumNorm", "rankTolerance", "condition", "residualNorm", "method")) {
            assertThat((List<?>) json.get(name)).as(name).hasSize(3);
        }
        assertThat((List<?>) ((List<?>) json.get("minimumNorm")).get(0)).hasSize(2);
        assertThat((List<?>) ((List<?>) json.get("singularValues")).get(2)).hasSize(4);
        try (Matrix w = NpyFile.read(out.resolve("weights.npy"));
                SolutionSet second = Nullspace.solve(x.problem(1), y.problem(1))) {
            assertThat(w.shape()).isEqualTo("3×7×2");
            assertThat(w.problem(1).columnToArray(1))
                    .containsExactly(second.minimumNorm().columnToArray(1), within(1e-12));
        }
        assertThat(NpyFile.open(out.resolve("singular_values.npy")).shape()).containsExactly(3L, 4L);
    }

    @Test
    void batchOfOneKeepsThreeDimensions() {
        Matrix x = random(7, Precision.FLOAT64, 1, 4, 7, Layout.ROW_MAJOR);
        Matrix y = random(8, Precision.FLOAT64, 1, 4, 1, Layout.ROW_MAJOR);
        Cli.Result r = Cli.run(
                "solve",
                "--x",
                npy("x.npy", x, 3),
                "--y",
                npy("y.npy", y, 3),
                "--out",
                out,
                "--json",
                "--null-space",
                "--memory",
                "1G");
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.json()).containsEntry("rank", 4).containsEntry("batch", 1);
        assertThat(Cli.files(out))
                .containsExactly(
                        "null_space.npy",
                        "null_space_offsets.npy",
                        "problems.csv",
                        "singular_values.npy",
                        "summary.json",
                        "weights.npy");
        assertThat(NpyFile.open(out.resolve("null_space.npy")).shape()).containsExactly(7L, 3L);
        assertThat(out.resolve("problems.csv"))
                .content()
                .startsWith("problem,outcome,rank,nullity,condition,residual,norm\r\n0,FULL_RANK,4,3,");
        assertThat(NpyFile.open(out.resolve("weights.npy")).shape()).containsExactly(1L, 7L, 1L);
        assertThat(NpyFile.open(out.resolve("singular_values.npy")).shape()).containsExactly(1L, 4L);
    }

    @Test
    void oneBadProblemOfABatchLeavesTheOthersAlone() {
        Matrix x = random(9, Precision.FLOAT64, 3, 4, 7, Layout.ROW_MAJOR);
        Matrix y = random(10, Precision.FLOAT64, 3, 4, 1, Layout.ROW_MAJOR);
        x.set(1, 2, 5, Double.NaN);
        Path xFile = npy("x.npy", x, 3);
        Cli.Result r = Cli.run("solve", "--x", xFile, "--y", npy("y.npy", y, 3), "--out", out, "--json");
        assertThat(r.code()).isEqualTo(1);
        assertThat(r.errLines()).singleElement().asString().contains("problem 1", xFile.toString(), "[1, 2, 5] is NaN");
        assertThat(r.json().get("outcome")).isEqualTo(List.of("FULL_RANK", "NON_FINITE_INPUT", "FULL_RANK"));
        assertThat((List<?>) r.json().get("rank")).isEqualTo(java.util.Arrays.asList(4, null, 4));
        try (Matrix w = NpyFile.read(out.resolve("weights.npy"));
                SolutionSet last = Nullspace.solve(x.problem(2), y.problem(2))) {
            assertThat(w.get(1, 0, 0)).isNaN();
            assertThat(w.problem(2).columnToArray(0))
                    .containsExactly(last.minimumNorm().columnToArray(0), within(1e-12));
        }
    }

    @Test
    void interceptIsReportedAndWritten() {
        Matrix x = random(11, Precision.FLOAT64, 1, 5, 9, Layout.ROW_MAJOR);
        Matrix y = random(12, Precision.FLOAT64, 1, 5, 1, Layout.COLUMN_MAJOR);
        Cli.Result r = Cli.run(
                "solve", "--x", npy("x.npy", x, 2), "--y", npy("y.npy", y, 1), "--intercept", "--out", out, "--json");
        SolveOptions options =
                SolveOptions.builder().intercept(InterceptRule.UNPENALISED).build();
        try (SolutionSet set = Nullspace.solve(x, y, options);
                Matrix b = NpyFile.read(out.resolve("intercept.npy"))) {
            assertThat(Cli.numbers(r.json().get("intercept"))).containsExactly(set.intercept(), within(1e-13));
            assertThat(b.columnToArray(0)).containsExactly(set.intercept(), within(1e-13));
            assertThat(r.json()).containsEntry("rank", set.rank());
        }
    }

    @Test
    void featuresAreMadeOfTrainingRowsOnlyAndErrorsAreThoseOfThePredictions() throws Exception {
        StringBuilder csv = new StringBuilder("a,b,c,y\n");
        SplitMix64 random = new SplitMix64(13);
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 24, 3, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(Precision.FLOAT64, 1, 24, 1, Layout.ROW_MAJOR);
        for (int i = 0; i < 24; i++) {
            for (int j = 0; j < 3; j++) {
                x.set(0, i, j, random.nextGaussian());
                csv.append(x.get(i, j)).append(',');
            }
            y.set(0, i, 0, random.nextGaussian());
            csv.append(y.get(i, 0)).append('\n');
        }
        Path file = Cli.write(dir.resolve("data.csv"), csv.toString());
        Cli.Result r = Cli.run(
                "solve",
                file,
                "--target",
                "y",
                "--polynomial",
                2,
                "--standardize",
                "--holdout",
                0.25,
                "--seed",
                7,
                "--intercept",
                "--out",
                out,
                "--json");
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.json()).containsEntry("samples", 18).containsEntry("features", 9);
        assertThat(Files.readAllLines(out.resolve("feature_names.txt")))
                .containsExactly("a", "b", "c", "a^2", "a*b", "a*c", "b^2", "b*c", "c^2");

        try (MemoryScope scope = MemoryScope.open()) {
            Holdout.Split split = new Holdout(0.25, 7).split(24);
            Matrix training = split.training(scope, x);
            FittedTransformer features =
                    Pipeline.of(new PolynomialFeatures(2), new Standardizer()).fit(training);
            Matrix made = features.apply(scope, training);
            Matrix held = features.apply(scope, split.heldOut(scope, x));
            SolveOptions options =
                    SolveOptions.builder().intercept(InterceptRule.UNPENALISED).build();
            try (SolutionSet set = Nullspace.solve(made, split.training(scope, y), options)) {
                Errors expected = Errors.of(set.predict(held), split.heldOut(scope, y));
                Errors expectedTraining = Errors.of(set.predict(made), split.training(scope, y));
                Map<?, ?> heldOut = (Map<?, ?>) r.json().get("holdoutError");
                Map<?, ?> trained = (Map<?, ?>) r.json().get("trainError");
                assertThat(heldOut.get("samples")).isEqualTo(6);
                assertThat(trained.get("samples")).isEqualTo(18);
                assertThat(Cli.numbers(heldOut.get("rmse"))).containsExactly(expected.rmse(), within(1e-9));
                assertThat(Cli.numbers(trained.get("rmse"))).containsExactly(expectedTraining.rmse(), within(1e-9));
                assertThat(expected.rmse()[0]).isGreaterThan(0.1);
            }
        }
    }

    @Test
    void randomFeaturesAreReproducibleAndFollowTheSeed() {
        Matrix x = random(14, Precision.FLOAT64, 1, 10, 3, Layout.ROW_MAJOR);
        Matrix y = random(15, Precision.FLOAT64, 1, 10, 1, Layout.ROW_MAJOR);
        Object[] args = {
            "solve",
            "--x",
            npy("x.npy", x, 2),
            "--y",
            npy("y.npy", y, 2),
            "--random-features",
            40,
            "--json",
            "--seed",
            1
        };
        Map<String, Object> first = Cli.run(args).json();
        Map<String, Object> again = Cli.run(args).json();
        args[args.length - 1] = 2;
        Map<String, Object> other = Cli.run(args).json();
        assertThat(first)
                .containsEntry("features", 40)
                .containsEntry("rank", 10)
                .containsEntry("nullity", 30);
        assertThat(again.get("minimumNorm")).isEqualTo(first.get("minimumNorm"));
        assertThat(other.get("minimumNorm")).isNotEqualTo(first.get("minimumNorm"));
    }

    @Test
    void zeroAndEmptyMatricesHaveAnAnswer() {
        Matrix zero = Matrix.zeros(Precision.FLOAT64, 1, 3, 5, Layout.ROW_MAJOR);
        Matrix y = random(16, Precision.FLOAT64, 1, 3, 1, Layout.ROW_MAJOR);
        Cli.Result r = Cli.run("solve", "--x", npy("x.npy", zero, 2), "--y", npy("y.npy", y, 2), "--json");
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.json())
                .containsEntry("rank", 0)
                .containsEntry("nullity", 5)
                .containsEntry("condition", null);
        assertThat(Cli.numbers(r.json().get("minimumNorm"))).containsExactly(0);
        Cli.Result forPeople = Cli.run("solve", "--x", dir.resolve("x.npy"), "--y", dir.resolve("y.npy"));
        assertThat(forPeople.code()).isEqualTo(0);
        assertThat(forPeople.out()).containsPattern("rank +0 of 3, less than full; nullity 5");

        Matrix none = Matrix.zeros(Precision.FLOAT64, 1, 0, 5, Layout.ROW_MAJOR);
        Matrix noY = Matrix.zeros(Precision.FLOAT64, 1, 0, 1, Layout.ROW_MAJOR);
        Cli.Result empty = Cli.run("solve", "--x", npy("x0.npy", none, 2), "--y", npy("y0.npy", noY, 2), "--json");
        assertThat(empty.code()).isEqualTo(0);
        assertThat(empty.json())
                .containsEntry("samples", 0)
                .containsEntry("rank", 0)
                .containsEntry("nullity", 5);
    }

    @Test
    void severalTargetsInOneGo() {
        Path file = Cli.write(dir.resolve("two.csv"), "a,b,c,u,v\n1,2,3,4,5\n2,1,0,1,2\n");
        Cli.Result r = Cli.run("solve", file, "--target", "v,u", "--json");
        assertThat(r.json())
                .containsEntry("targets", 2)
                .containsEntry("features", 3)
                .containsEntry("targetNames", List.of("v", "u"));
        assertThat((List<?>) r.json().get("minimumNorm")).hasSize(2);
        Cli.Result people = Cli.run("solve", file, "--target", "v", "--target", "u");
        assertThat(people.out()).contains("targets v, u").containsPattern("norm +v \\S+, u \\S+");
    }
}
