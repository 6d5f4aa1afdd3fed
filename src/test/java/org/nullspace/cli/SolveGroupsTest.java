package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.io.CsvTable;
import org.nullspace.io.NpyFile;
import org.nullspace.matrix.Matrix;
import org.nullspace.random.SplitMix64;

/** One regression for each group of a table. */
class SolveGroupsTest {
    private static final String HEADER = "a,region,b,c,note,u,v\n";

    @TempDir
    Path dir;

    private Path table;

    /** For each group a table of its rows, without the column of the groups. */
    private final Map<String, StringBuilder> own = new LinkedHashMap<>();

    /** Groups of 1 to 9 rows, mixed up; some names need quotes. */
    private Path groups() {
        String[] names = {"north", "\"south, far\"", "\"the \"\"best\"\"\"", "7", "7.0", "é", "last", "x", "y"};
        StringBuilder all = new StringBuilder(HEADER);
        SplitMix64 random = new SplitMix64(11);
        int[] left = {1, 2, 3, 4, 5, 6, 7, 3, 3};
        int rows = 34;
        while (rows > 0) {
            int g = (int) Math.floorMod(random.nextLong(), (long) names.length);
            if (left[g] > 0) {
                left[g]--;
                rows--;
                double a = random.nextGaussian();
                double b = random.nextGaussian();
                // Of one group, two features are multiples of each other.
                double c = g == 4 ? 2 * b : random.nextGaussian();
                String rest = b + "," + c + ",text," + random.nextGaussian() + "," + random.nextGaussian() + "\n";
                all.append(a).append(',').append(names[g]).append(',').append(rest);
                own.computeIfAbsent(plain(names[g]), n -> new StringBuilder(HEADER.replace("region,", "")))
                        .append(a)
                        .append(',')
                        .append(rest);
            }
        }
        table = Cli.write(dir.resolve("all.csv"), all.toString());
        return table;
    }

    private static String plain(String quoted) {
        return quoted.startsWith("\"")
                ? quoted.substring(1, quoted.length() - 1).replace("\"\"", "\"")
                : quoted;
    }

    private static double[] numbers(Map<String, Object> json, String name, int g) {
        return Cli.numbers(((List<?>) json.get(name)).get(g));
    }

    /** Every group is the regression of a table that holds nothing but its rows. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "--intercept",
                "--rcond 0.2",
                "--polynomial 2",
                "--standardize --intercept",
                "--random-features 9 --seed 3"
            })
    void everyGroupIsThatOfATableOfItsOwn(String options) throws IOException {
        groups();
        Path out = dir.resolve("out");
        List<Object> words = new ArrayList<>(List.of("--target", "v,u", "--json"));
        words.addAll(List.of(options.isEmpty() ? new String[0] : options.split(" ")));
        List<Object> whole = new ArrayList<>(List.of("solve", table, "--group", "region", "--out", out));
        whole.addAll(words);
        Cli.Result r = Cli.run(whole.toArray());
        assertThat(r.code()).as(r.err()).isZero();
        assertThat(r.errLines()).singleElement().asString().contains("\"note\"", "left out");
        Map<String, Object> json = r.json();
        assertThat(JSON.std.mapFrom(Files.readString(out.resolve("summary.json"))))
                .isEqualTo(json);
        assertThat(json.get("group")).isEqualTo(List.copyOf(own.keySet()));
        assertThat(json).containsEntry("batch", 9).containsEntry("targetNames", List.of("v", "u"));
        boolean intercept = options.contains("--intercept");
        List<String> names = Files.readAllLines(out.resolve("feature_names.txt"));
        int d = names.size();
        try (Matrix weights = NpyFile.read(out.resolve("weights.npy"));
                CsvTable results = CsvTable.read(withoutText(out.resolve("groups.csv")), List.of("rank"))) {
            assertThat(weights.shape()).isEqualTo("9×" + d + "×2");
            int g = 0;
            for (Map.Entry<String, StringBuilder> entry : own.entrySet()) {
                String what = "group " + entry.getKey();
                Path alone = dir.resolve("out" + g);
                List<Object> one = new ArrayList<>(List.of(
                        "solve",
                        Cli.write(dir.resolve("one.csv"), entry.getValue().toString()),
                        "--out",
                        alone));
                one.addAll(words);
                Map<String, Object> single = Cli.run(one.toArray()).json();
                for (String name : List.of("rank", "nullity", "outcome", "rankPolicy", "samples")) {
                    assertThat(((List<?>) json.get(name)).get(g)).as(what).isEqualTo(single.get(name));
                }
                for (String name : List.of("singularValues", "minimumNorm", "residualNormPerTarget")) {
                    assertThat(numbers(json, name, g))
                            .as("%s, %s", what, name)
                            .containsExactly(Cli.numbers(single.get(name)), within(1e-10));
                }
                try (Matrix w = NpyFile.read(alone.resolve("weights.npy"))) {
                    assertThat(Files.readAllLines(alone.resolve("feature_names.txt")))
                            .isEqualTo(names);
                    for (int i = 0; i < d; i++) {
                        for (int t = 0; t < 2; t++) {
                            assertThat(weights.get(g, i, t)).as(what).isCloseTo(w.get(i, t), within(1e-10));
                            String column = "coefficient[" + names.get(i) + "][" + (t == 0 ? "v" : "u") + "]";
                            assertThat(value(results, g, column)).isEqualTo(weights.get(g, i, t));
                        }
                    }
                }
                assertThat(results.targets().get(g, 0)).isEqualTo(((Number) single.get("rank")).doubleValue());
                assertThat(value(results, g, "samples")).isEqualTo(((Number) single.get("samples")).doubleValue());
                assertThat(value(results, g, "norm[u]")).isCloseTo(numbers(json, "minimumNorm", g)[1], within(1e-15));
                if (intercept) {
                    double[] constants = Cli.numbers(single.get("intercept"));
                    assertThat(numbers(json, "intercept", g)).containsExactly(constants, within(1e-10));
                    assertThat(value(results, g, "intercept[v]")).isCloseTo(constants[0], within(1e-10));
                    assertThat(NpyFile.read(out.resolve("intercept.npy")).get(g, 1))
                            .isCloseTo(constants[1], within(1e-10));
                }
                g++;
            }
        }
    }

    /** The table of results, with 0 where a condition is undefined, so that all columns but two are numbers. */
    private Path withoutText(Path results) throws IOException {
        String text = Files.readString(results).replace(",,", ",0,");
        return Cli.write(
                dir.resolve("numbers.csv"), text.replace("\n7,", "\ng7,").replace("\n7.0,", "\ng7.0,"));
    }

    private static double value(CsvTable table, int row, String column) {
        int index = table.featureNames().indexOf(column);
        assertThat(index).as(column + " of " + table.featureNames()).isNotNegative();
        return table.features().get(row, index);
    }

    @Test
    void theTableOfResultsIsCsvAsTheStandardHasIt() throws IOException {
        Path file = Cli.write(
                dir.resolve("d.csv"), "store,x,y\n\"a,b\",1,2\n\"say \"\"hi\"\"\",2,2\n\"a,b\",2,4\nplain,0,1\n");
        Path out = dir.resolve("out");
        Cli.Result r = Cli.run("solve", file, "--target", "y", "--group", "store", "--out", out);
        assertThat(r.code()).isZero();
        assertThat(Cli.files(out)).containsExactly("feature_names.txt", "groups.csv", "summary.json", "weights.npy");
        String[] lines = Files.readString(out.resolve("groups.csv")).split("\r\n");
        assertThat(lines).hasSize(4);
        assertThat(lines[0]).isEqualTo("group,samples,outcome,rank,nullity,condition,residual,norm,coefficient[x]");
        assertThat(lines[1]).startsWith("\"a,b\",2,FULL_RANK,1,0,1.0,");
        assertThat(lines[2]).startsWith("\"say \"\"hi\"\"\",1,FULL_RANK,1,0,1.0,");
        assertThat(lines[3]).isEqualTo("plain,1,RANK_REDUCED,0,1,,1.0,0.0,0.0");
    }

    @Test
    void forPeople() {
        groups();
        Cli.Result r = Cli.run("solve", table, "--target", "u", "--group", "region", "--intercept");
        assertThat(r.code()).isZero();
        List<String> lines = r.out().lines().toList();
        assertThat(lines.get(0)).matches("region +samples +rank +nullity +condition +residual +norm");
        assertThat(lines).anyMatch(line -> line.matches("south, far +2 +1 +3 +1.00 .*"));
        assertThat(r.out())
                .contains("9 groups of column region, 34 samples × 4 features, target u")
                .containsPattern("outcome +9 of 9 groups solved")
                .containsPattern("intercept +\\S+ to \\S+")
                .containsPattern("method +.* on \\S+");
    }

    @Test
    void oneGroupIsAGroup() {
        Path file = Cli.write(dir.resolve("d.csv"), "g,x,y\nonly,1,2\nonly,3,4\n");
        Cli.Result r = Cli.run("solve", file, "--target", "y", "--group", "g", "--json", "--memory", "64M");
        assertThat(r.code()).as(r.err()).isZero();
        assertThat(r.json())
                .containsEntry("group", List.of("only"))
                .containsEntry("samples", List.of(2))
                .containsEntry("rank", List.of(1));
    }

    /** Coefficients beyond float64: only that group fails. */
    @Test
    void aGroupWithoutASolutionLeavesTheOthersAlone() throws IOException {
        Path file = Cli.write(dir.resolve("d.csv"), "g,x,y\ngood,1,2\nbad,1e-300,1e300\ngood,3,4\nfine,1,1\n");
        Path out = dir.resolve("out");
        Cli.Result r = Cli.run("solve", file, "--target", "y", "--group", "g", "--json", "--out", out);
        assertThat(r.code()).isEqualTo(1);
        assertThat(r.errLines())
                .singleElement()
                .asString()
                .contains("group \"bad\" has no solution, its results are NaN", "exceed the range");
        assertThat(r.json().get("outcome")).isEqualTo(List.of("FULL_RANK", "OVERFLOW", "FULL_RANK"));
        assertThat(Files.readAllLines(out.resolve("groups.csv")).get(2)).isEqualTo("bad,1,OVERFLOW,,,,,,");
        Cli.Result people = Cli.run("solve", file, "--target", "y", "--group", "g");
        assertThat(people.out()).containsPattern("bad +1 +OVERFLOW").contains("2 of 3 groups solved");
    }

    @Test
    void manyGroups() throws IOException {
        StringBuilder text = new StringBuilder("g,x,y,z\n");
        for (int i = 0; i < 6000; i++) {
            text.append(i % 2000)
                    .append(',')
                    .append(i % 7 + 1)
                    .append(',')
                    .append(2 * (i % 7 + 1))
                    .append(',')
                    .append(i % 5)
                    .append('\n');
        }
        Path file = Cli.write(dir.resolve("d.csv"), text.toString());
        Cli.Result r = Cli.run("solve", file, "--target", "y", "--group", "g", "--json");
        assertThat(r.code()).isZero();
        assertThat((List<?>) r.json().get("rank")).hasSize(2000);
        assertThat((List<?>) r.json().get("method")).first().isEqualTo("BATCHED_QR");
        for (Object residual : (List<?>) r.json().get("residualNorm")) {
            assertThat(((Number) residual).doubleValue()).isLessThan(1e-12);
        }
    }
}
