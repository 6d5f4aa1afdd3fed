package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.Nullspace;
import org.nullspace.RandomMatrices;
import org.nullspace.io.NpyFile;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** Batches from and to disk. */
class SolveBatchTest {
    @TempDir
    Path dir;

    private Path out;

    @BeforeEach
    void outDirectory() {
        out = dir.resolve("made").resolve("out");
    }

    private static Matrix random(long seed, Precision precision, long batch, long rows, long columns) {
        return RandomMatrices.gaussian(seed, precision, batch, rows, columns, Layout.ROW_MAJOR);
    }

    private Path npy(String name, Matrix m) {
        Path file = dir.resolve(name);
        NpyWriter.write(file, m, 3, NpyOrder.C);
        return file;
    }

    /** The array in Fortran order, which the writer does not have for three dimensions. */
    private Path fortran(String name, Matrix m) throws IOException {
        boolean wide = m.precision() == Precision.FLOAT64;
        String header = "{'descr': '" + (wide ? "<f8" : "<f4") + "', 'fortran_order': True, 'shape': (" + m.batch()
                + ", " + m.rows() + ", " + m.columns() + "), }\n";
        ByteBuffer bytes =
                ByteBuffer.allocate((int) (10 + header.length() + m.byteSize())).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) header.length());
        bytes.put(header.getBytes(StandardCharsets.US_ASCII));
        for (long j = 0; j < m.columns(); j++) {
            for (long i = 0; i < m.rows(); i++) {
                for (long b = 0; b < m.batch(); b++) {
                    if (wide) {
                        bytes.putDouble(m.get(b, i, j));
                    } else {
                        bytes.putFloat((float) m.get(b, i, j));
                    }
                }
            }
        }
        return Files.write(dir.resolve(name), bytes.array());
    }

    private static double largest(Matrix m) {
        double most = 0;
        for (long i = 0; i < m.rows(); i++) {
            for (long j = 0; j < m.columns(); j++) {
                most = Math.max(most, Math.abs(m.get(i, j)));
            }
        }
        return most;
    }

    /** Entries agree up to rounding. */
    private static void requireSame(Matrix found, Matrix wanted, double relative, String what) {
        assertThat(found.shape()).as(what).isEqualTo(wanted.shape());
        double allowed = relative * Math.max(largest(wanted), Double.MIN_NORMAL);
        for (long i = 0; i < wanted.rows(); i++) {
            for (long j = 0; j < wanted.columns(); j++) {
                assertThat(found.get(i, j))
                        .as("%s, entry [%d, %d]", what, i, j)
                        .isCloseTo(wanted.get(i, j), within(allowed));
            }
        }
    }

    private List<String[]> table() throws IOException {
        return Files.readAllLines(out.resolve("problems.csv")).stream()
                .map(line -> line.split(",", -1))
                .toList();
    }

    private static double[] doubles(Object list) {
        return Cli.numbers(list);
    }

    // ---- each problem is that of a single solve

    /** Every file and the whole summary, against solving each problem alone, for shapes of both kinds and all options that matter. */
    @ParameterizedTest
    @CsvSource({
        "4, 7, 1, FLOAT64, FLOAT64, false, false",
        "4, 7, 3, FLOAT64, FLOAT32, true, false",
        "7, 4, 2, FLOAT32, FLOAT32, false, false",
        "5, 9, 2, FLOAT32, FLOAT64, true, false",
        "4, 7, 2, FLOAT64, FLOAT64, false, true",
        "30, 40, 2, FLOAT64, FLOAT64, true, false"
    })
    void everyProblemIsThatOfASingleSolve(
            int n, int d, int k, Precision ofX, Precision ofY, boolean fortran, boolean intercept) throws IOException {
        int count = 41;
        Matrix x = random(n + d, ofX, count, n, d);
        Matrix y = random(k, ofY, count, n, k);
        // Of lower rank, and zero, in between.
        for (int j = 0; j < d; j++) {
            x.set(5, 1, j, 2 * x.get(5, 0, j));
            for (int i = 0; i < n; i++) {
                x.set(20, i, j, 0);
            }
        }
        x.set(0, n - 1, d - 1, Double.NaN);
        y.set(17, 0, k - 1, Double.POSITIVE_INFINITY);
        y.set(count - 1, n - 1, 0, Double.NaN);
        List<Object> words = new ArrayList<>(List.of("solve", "--x", fortran ? fortran("x.npy", x) : npy("x.npy", x)));
        words.addAll(List.of("--y", fortran ? fortran("y.npy", y) : npy("y.npy", y), "--out", out, "--json"));
        words.add("--null-space");
        if (intercept) {
            words.add("--intercept");
        }
        Cli.Result r = Cli.run(words.toArray());
        assertThat(r.code()).as(r.err()).isEqualTo(1);
        assertThat(r.errLines()).hasSize(3);
        Map<String, Object> json = r.json();
        assertThat(JSON.std.mapFrom(Files.readString(out.resolve("summary.json"))))
                .isEqualTo(json);
        SolveOptions options = SolveOptions.builder()
                .spectrum(true)
                .intercept(intercept ? InterceptRule.UNPENALISED : InterceptRule.NONE)
                .build();
        double tolerance = ofX == Precision.FLOAT32 ? 1e-6 : 1e-11;
        List<String[]> table = table();
        assertThat(table).hasSize(count + 1);
        Map<String, Integer> outcomes = new TreeMap<>();
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix w = NpyFile.open(out.resolve("weights.npy")).read(scope);
            Matrix s = NpyFile.open(out.resolve("singular_values.npy")).read(scope);
            Matrix bases = NpyFile.open(out.resolve("null_space.npy")).read(scope);
            Matrix constants =
                    intercept ? NpyFile.open(out.resolve("intercept.npy")).read(scope) : null;
            long[] offsets = offsets(count);
            assertThat(w.shape()).isEqualTo(count + "×" + d + "×" + k);
            assertThat(w.precision()).isEqualTo(ofX);
            assertThat(s.rows()).isEqualTo(count);
            assertThat(s.precision()).isEqualTo(Precision.FLOAT64);
            for (int b = 0; b < count; b++) {
                try (SolutionSet set = Nullspace.solve(x.problem(b), y.problem(b), options)) {
                    String what = "problem " + b;
                    outcomes.merge(set.outcome().name(), 1, Integer::sum);
                    assertThat(((List<?>) json.get("outcome")).get(b))
                            .isEqualTo(set.outcome().name());
                    assertThat(table.get(b + 1))
                            .as(what)
                            .startsWith(String.valueOf(b), set.outcome().name());
                    if (!set.outcome().isSolved()) {
                        assertThat(((List<?>) json.get("rank")).get(b)).isNull();
                        assertThat(((List<?>) json.get("singularValues")).get(b))
                                .isNull();
                        assertThat(w.get(b, 0, 0)).isNaN();
                        assertThat(w.get(b, d - 1, k - 1)).isNaN();
                        assertThat(s.get(b, 0)).isNaN();
                        assertThat(offsets[b + 1]).isEqualTo(offsets[b]);
                        assertThat(Arrays.copyOfRange(table.get(b + 1), 2, 5 + 2 * k))
                                .containsOnly("");
                        continue;
                    }
                    requireSame(w.problem(b), set.minimumNorm(), tolerance, what);
                    double[] sigma = set.singularValues();
                    assertThat(s.columns()).isEqualTo(sigma.length);
                    for (int i = 0; i < sigma.length; i++) {
                        assertThat(s.get(b, i)).as(what).isCloseTo(sigma[i], within(1e-12 * (1 + sigma[0])));
                    }
                    requireFacts(json, b, set, tolerance);
                    requireRow(table.get(b + 1), set, k, tolerance);
                    if (constants != null) {
                        for (int t = 0; t < k; t++) {
                            assertThat(constants.get(b, t)).isCloseTo(set.intercept()[t], within(1e-11));
                        }
                    }
                    Matrix basis = bases.columns(offsets[b], offsets[b + 1]);
                    assertThat(basis.columns()).as(what).isEqualTo(set.nullity());
                    // Orthonormal, and left alone by the projection.
                    requireOrthonormal(basis, what);
                    try (Matrix projected = set.nullSpace().project(basis.copy(Layout.COLUMN_MAJOR))) {
                        requireSame(projected, basis, 1e-10, what);
                    }
                }
            }
        }
        assertThat(json.get("outcomes")).isEqualTo(outcomes);
        assertThat(outcomes).containsEntry("NON_FINITE_INPUT", 3).containsKeys("FULL_RANK", "RANK_REDUCED");
    }

    private static void requireFacts(Map<String, Object> json, int b, SolutionSet set, double tolerance) {
        assertThat(((List<?>) json.get("rank")).get(b)).isEqualTo(set.rank());
        assertThat(((List<?>) json.get("nullity")).get(b)).isEqualTo((int) set.nullity());
        assertThat(((List<?>) json.get("rankPolicy")).get(b)).isEqualTo("standard");
        assertThat(((List<?>) json.get("rankUnderOtherPolicies")).get(b))
                .isEqualTo(set.rankDecision().ranksUnderOtherPolicies());
        assertThat(((Number) ((List<?>) json.get("rankTolerance")).get(b)).doubleValue())
                .isCloseTo(
                        set.rankDecision().cutoff(),
                        within(1e-12 * (1e-9 + set.rankDecision().cutoff())));
        double[] norms = Errors.columnNorms(set.minimumNorm());
        double[] found = doubles(((List<?>) json.get("minimumNorm")).get(b));
        double[] residuals = doubles(((List<?>) json.get("residualNormPerTarget")).get(b));
        for (int t = 0; t < norms.length; t++) {
            assertThat(found[t]).isCloseTo(norms[t], within(tolerance * (1 + norms[t])));
            assertThat(residuals[t]).isCloseTo(set.residualNorms()[t], within(1e-11 * (1 + norms[t])));
        }
    }

    private static void requireRow(String[] row, SolutionSet set, int k, double tolerance) {
        assertThat(row).hasSize(5 + 2 * k);
        assertThat(row[2]).isEqualTo(String.valueOf(set.rank()));
        assertThat(row[3]).isEqualTo(String.valueOf(set.nullity()));
        if (set.rank() == 0) {
            assertThat(row[4]).isEmpty();
        } else {
            assertThat(Double.parseDouble(row[4])).isCloseTo(set.condition(), within(1e-9 * set.condition()));
        }
        double[] norms = Errors.columnNorms(set.minimumNorm());
        for (int t = 0; t < k; t++) {
            assertThat(Double.parseDouble(row[5 + t]))
                    .isCloseTo(set.residualNorms()[t], within(1e-11 * (1 + norms[t])));
            assertThat(Double.parseDouble(row[5 + k + t])).isCloseTo(norms[t], within(tolerance * (1 + norms[t])));
        }
    }

    private static void requireOrthonormal(Matrix basis, String what) {
        for (long i = 0; i < basis.columns(); i++) {
            for (long j = 0; j <= i; j++) {
                double product = 0;
                for (long t = 0; t < basis.rows(); t++) {
                    product += basis.get(t, i) * basis.get(t, j);
                }
                assertThat(product).as(what).isCloseTo(i == j ? 1 : 0, within(1e-12));
            }
        }
    }

    private long[] offsets(int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(out.resolve("null_space_offsets.npy")))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(bytes.capacity() - 8 * (count + 1));
        long[] offsets = new long[count + 1];
        bytes.asLongBuffer().get(offsets);
        return offsets;
    }

    // ---- size

    /** More problems than are reported one by one, in many tiles; bad ones at both ends and at the borders of tiles. */
    @Test
    void manyTiles() throws IOException {
        int count = 100_003;
        Matrix x = random(1, Precision.FLOAT64, count, 2, 3);
        Matrix y = random(2, Precision.FLOAT64, count, 2, 1);
        Path probe = npy("y0.npy", y);
        Path probeX = npy("x0.npy", x);
        int tile = (int) Cli.run("solve", "--x", probeX, "--y", probe, "--memory", "2M", "--json")
                .json()
                .get("tile");
        assertThat(tile).isBetween(1000, count / 8);
        List<Integer> bad = List.of(0, tile - 1, tile, 3 * tile - 1, 3 * tile, count / 2, count - 1);
        for (int b : bad) {
            x.set(b, b % 2, b % 3, Double.NaN);
        }
        Path xFile = npy("x.npy", x);
        Cli.Result r = Cli.run("solve", "--x", xFile, "--y", probe, "--memory", "2M", "--json", "--out", out);
        assertThat(r.code()).isEqualTo(1);
        Map<String, Object> json = r.json();
        assertThat(json)
                .containsEntry("batch", count)
                .containsEntry("tile", tile)
                .containsEntry("rank", Map.of("min", 2, "max", 2))
                .containsEntry("nullity", Map.of("min", 1, "max", 1))
                .containsEntry("method", "BATCHED_QR")
                .containsEntry("perProblem", "problems.csv")
                .containsEntry("outcomes", Map.of("FULL_RANK", count - bad.size(), "NON_FINITE_INPUT", bad.size()))
                .doesNotContainKeys("singularValues", "outcome");
        assertThat(JSON.std.mapFrom(Files.readString(out.resolve("summary.json"))))
                .isEqualTo(json);
        assertThat(r.errLines().stream().filter(line -> line.contains("has no solution")))
                .hasSize(5)
                .element(2)
                .asString()
                .contains("problem " + tile + " ", xFile.toString(), "[" + tile + ", ", " is NaN");
        assertThat(r.errLines()).last().asString().contains("7 problems have no solution in all");
        List<String[]> table = table();
        double least = Double.MAX_VALUE;
        double most = 0;
        try (Matrix w = NpyFile.read(out.resolve("weights.npy"));
                Matrix s = NpyFile.read(out.resolve("singular_values.npy"))) {
            for (int b = 0; b < count; b++) {
                boolean good = !bad.contains(b);
                assertThat(Double.isNaN(w.get(b, 0, 0))).isEqualTo(!good);
                assertThat(Double.isNaN(s.get(b, 1))).isEqualTo(!good);
                assertThat(table.get(b + 1)[1]).isEqualTo(good ? "FULL_RANK" : "NON_FINITE_INPUT");
                if (good) {
                    least = Math.min(least, Double.parseDouble(table.get(b + 1)[4]));
                    most = Math.max(most, Double.parseDouble(table.get(b + 1)[4]));
                }
            }
            for (int b = 1; b < count - 1; b += 5003) {
                try (SolutionSet set = Nullspace.solve(x.problem(b), y.problem(b))) {
                    requireSame(w.problem(b), set.minimumNorm(), 1e-9, "problem " + b);
                    assertThat(s.get(b, 1)).isCloseTo(set.singularValues()[1], within(1e-12));
                }
            }
        }
        assertThat(json).containsEntry("condition", Map.of("min", least, "max", most));
    }

    @Test
    void onlyBatchesOfModerateSizeAreReportedProblemByProblem() {
        assertThat(BatchFacts.canKeep(100_000, 50)).isTrue();
        assertThat(BatchFacts.canKeep(100_000, 51)).isFalse();
        assertThat(BatchFacts.canKeep(100_001, 1)).isFalse();
        assertThat(BatchFacts.canKeep(2, 2_500_001)).isFalse();
    }

    @Test
    void tilesAndOrderOfTheFileMakeNoDifference() throws IOException {
        Matrix x = random(3, Precision.FLOAT64, 5000, 3, 5);
        Matrix y = random(4, Precision.FLOAT64, 5000, 3, 2);
        List<Path> results = new ArrayList<>();
        for (boolean fortran : new boolean[] {false, true}) {
            Path xFile = fortran ? fortran("xf.npy", x) : npy("x.npy", x);
            Path yFile = fortran ? fortran("yf.npy", y) : npy("y.npy", y);
            for (String memory : List.of("300K", "1G")) {
                Path to = dir.resolve("out" + results.size());
                Cli.Result r = Cli.run("solve", "--x", xFile, "--y", yFile, "--memory", memory, "--out", to, "--json");
                assertThat(r.code()).as(r.err()).isZero();
                assertThat((int) r.json().get("tile"))
                        .satisfies(t -> assertThat(t < 2000).isEqualTo(memory.equals("300K")));
                results.add(to);
            }
        }
        for (Path other : results.subList(1, 4)) {
            for (String name : List.of("weights.npy", "singular_values.npy", "problems.csv")) {
                assertThat(Files.mismatch(results.get(0).resolve(name), other.resolve(name)))
                        .as("%s of %s", name, other)
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void noProblems() throws IOException {
        Path x = npy("x.npy", Matrix.zeros(Precision.FLOAT64, 0, 3, 5, Layout.ROW_MAJOR));
        Path y = npy("y.npy", Matrix.zeros(Precision.FLOAT64, 0, 3, 2, Layout.ROW_MAJOR));
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--out", out, "--json");
        assertThat(r.code()).as(r.err()).isZero();
        assertThat(r.json())
                .containsEntry("batch", 0)
                .containsEntry("rank", List.of())
                .containsEntry("outcomes", Map.of());
        assertThat(NpyFile.open(out.resolve("weights.npy")).shape()).containsExactly(0L, 5L, 2L);
        assertThat(NpyFile.open(out.resolve("singular_values.npy")).shape()).containsExactly(0L, 3L);
        assertThat(table()).hasSize(1);
        assertThat(Cli.run("solve", "--x", x, "--y", y).out()).contains("0 of 0 problems solved");
    }

    /** Problems without samples, features or targets have an answer, too. */
    @ParameterizedTest
    @CsvSource({"0, 4, 2", "3, 0, 2", "3, 4, 0"})
    void emptyProblems(long n, long d, long k) throws IOException {
        Path x = npy("x.npy", random(1, Precision.FLOAT64, 5, n, d));
        Path y = npy("y.npy", random(2, Precision.FLOAT64, 5, n, k));
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--out", out, "--json", "--null-space");
        assertThat(r.code()).as(r.err()).isZero();
        int rank = (int) Math.min(n, d);
        assertThat(r.json())
                .containsEntry("rank", Collections.nCopies(5, rank))
                .containsEntry("nullity", Collections.nCopies(5, (int) d - rank));
        assertThat(NpyFile.open(out.resolve("weights.npy")).shape()).containsExactly(5L, d, k);
        assertThat(NpyFile.open(out.resolve("singular_values.npy")).shape()).containsExactly(5L, (long) rank);
        assertThat(NpyFile.open(out.resolve("null_space.npy")).shape()).containsExactly(d, 5 * (d - rank));
        assertThat(table()).hasSize(6);
    }

    @Test
    void forPeople() throws IOException {
        Matrix x = random(5, Precision.FLOAT64, 3, 4, 7);
        x.set(2, 0, 0, Double.NaN);
        Cli.Result r = Cli.run(
                "solve",
                "--x",
                npy("x.npy", x),
                "--y",
                npy("y.npy", random(6, Precision.FLOAT64, 3, 4, 2)),
                "--out",
                out);
        assertThat(r.code()).isEqualTo(1);
        assertThat(r.out())
                .contains("3 problems of 4 samples × 7 features, 2 targets")
                .containsPattern("outcome +2 of 3 problems solved")
                .containsPattern("rank +4 of 4; nullity 3")
                .containsPattern("cut-off +\\S+ to \\S+ \\(standard\\)")
                .containsPattern("condition +\\S+ to \\S+")
                .containsPattern("method +BATCHED_QR on \\S+")
                .containsPattern("written .*weights.npy, singular_values.npy, problems.csv, summary.json");
        assertThat(Files.readString(out.resolve("problems.csv")))
                .startsWith(
                        "problem,outcome,rank,nullity,condition,residual[0],residual[1],norm[0],norm[1]\r\n0,FULL_RANK,4,3,")
                .endsWith("2,NON_FINITE_INPUT,,,,,,,\r\n");
    }

    // ---- memory

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        100      | does not fit into the memory budget: raise --memory # bytes needed # 100 bytes available
        0        | --memory 0 is not between
        512MB    | --memory 512MB is not a number of bytes like 1000000, 512M or 2G
        -1       | --memory -1 is not a number of bytes
        9999999T | --memory 9999999T is not between
        """)
    void memoryThatIsTooLittleOrNone(String memory, String parts) throws IOException {
        Path x = npy("x.npy", random(5, Precision.FLOAT64, 3, 4, 7));
        Path y = npy("y.npy", random(6, Precision.FLOAT64, 3, 4, 2));
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--memory", memory, "--out", out);
        assertThat(r.code()).isEqualTo(2);
        assertThat(r.errLines()).hasSize(1);
        assertThat(r.err())
                .contains(Arrays.stream(parts.split("#")).map(String::strip).toList());
        assertThat(dir.resolve("made")).doesNotExist();
    }

    @Test
    void basesCountAsMemoryToo() throws IOException {
        Path x = npy("x.npy", random(5, Precision.FLOAT64, 300, 2, 60));
        Path y = npy("y.npy", random(6, Precision.FLOAT64, 300, 2, 1));
        Object plain = Cli.run("solve", "--x", x, "--y", y, "--memory", "1M", "--json")
                .json()
                .get("tile");
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--memory", "1M", "--json", "--out", out, "--null-space");
        assertThat(r.code()).as(r.err()).isZero();
        // A basis is 60×58 float64 numbers.
        assertThat((int) r.json().get("tile")).isLessThan((int) plain).isLessThan((1 << 20) / (8 * 60 * 58));
        assertThat(NpyFile.open(out.resolve("null_space.npy")).shape()).containsExactly(60L, 300L * 58);
        Cli.Result less = Cli.run("solve", "--x", x, "--y", y, "--memory", "20K", "--out", out, "--null-space");
        assertThat(less.code()).isEqualTo(2);
        assertThat(less.err()).contains("basis of its null space", "2×60", "raise --memory", "20480 bytes available");
    }

    // ---- trouble

    /** A file of zeros of which nothing is on the disk. */
    private Path sparse(String name, long batch, long rows, long columns) throws IOException {
        Path file = dir.resolve(name);
        NpyWriter.write(file, Matrix.zeros(Precision.FLOAT64, 0, rows, columns, Layout.ROW_MAJOR), 3, NpyOrder.C);
        String header = Files.readString(file, StandardCharsets.ISO_8859_1);
        String longer = header.replace("(0, ", "(" + batch + ", ");
        longer = longer.replaceFirst(" {" + (longer.length() - header.length()) + "}\\n$", "\n");
        assertThat(longer).hasSameSizeAs(header);
        Files.writeString(file, longer, StandardCharsets.ISO_8859_1);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), header.length() + 8 * batch * rows * columns - 1);
        }
        return file;
    }

    /** Waits until some results have been written to the staging directory. */
    private static void awaitResults(Path out) throws Exception {
        long limit = System.nanoTime() + 60_000_000_000L;
        while (System.nanoTime() < limit) {
            if (Files.isDirectory(out)) {
                try (Stream<Path> files = Files.walk(out)) {
                    if (files.anyMatch(SolveBatchTest::isWeightsWithContent)) {
                        return;
                    }
                }
            }
            Thread.sleep(5);
        }
        throw new AssertionError("no results have been written");
    }

    private static boolean isWeightsWithContent(Path file) {
        try {
            return file.endsWith("weights.npy") && Files.size(file) > 1000;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aFailureInTheMiddleLeavesNothing() throws Exception {
        Path x = sparse("x.npy", 4_000_000, 2, 3);
        Path y = sparse("y.npy", 4_000_000, 2, 1);
        CompletableFuture<Cli.Result> run = CompletableFuture.supplyAsync(
                () -> Cli.run("solve", "--x", x, "--y", y, "--memory", "8M", "--out", out));
        awaitResults(out);
        try (FileChannel channel = FileChannel.open(x, StandardOpenOption.WRITE)) {
            channel.truncate(5000);
        }
        Cli.Result r = run.get(60, TimeUnit.SECONDS);
        assertThat(r.code()).isEqualTo(2);
        assertThat(r.out()).isEmpty();
        assertThat(r.errLines())
                .last()
                .asString()
                .contains(x.toString(), "truncated while it was read", "192000000 bytes");
        assertThat(dir.resolve("made")).doesNotExist();
    }

    @Test
    void anInterruptedRunLeavesNothing() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self")), "signals as on Unix");
        Path x = sparse("x.npy", 4_000_000, 2, 3);
        Path y = sparse("y.npy", 4_000_000, 2, 1);
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        List<Object> words = List.of(
                java,
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "solve",
                "--x",
                x,
                "--y",
                y,
                "--memory",
                "8M",
                "--null-space",
                "--out",
                out);
        Process process = new ProcessBuilder(words.stream().map(String::valueOf).toList())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve("printed").toFile())
                .start();
        try {
            awaitResults(out);
            String signal = heedsInterrupts(process) ? "-INT" : "-TERM";
            new ProcessBuilder("kill", signal, String.valueOf(process.pid()))
                    .start()
                    .waitFor();
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isGreaterThan(128);
        } finally {
            process.destroyForcibly();
        }
        assertThat(dir.resolve("made")).doesNotExist();
        assertThat(Files.readString(dir.resolve("printed"))).doesNotContain("failed", "Exception");
    }

    /** A shell that runs something in the background lets it ignore interrupts, and whatever it starts. */
    private static boolean heedsInterrupts(Process process) throws IOException {
        String ignored = Files.readAllLines(Path.of("/proc", String.valueOf(process.pid()), "status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .map(line -> line.substring(7).strip())
                .findFirst()
                .orElse("0");
        return (Long.parseUnsignedLong(ignored, 16) & 2) == 0;
    }

    @Test
    void problemsThatWereLostAreToldTogether() {
        BatchFacts facts = new BatchFacts(12, true, false);
        for (int b = 0; b < 12; b++) {
            double[] none = {};
            Outcome outcome = b < 3 ? Outcome.NOT_CONVERGED : Outcome.NOT_COMPUTED;
            facts.add(b, new Facts(outcome, null, -1, none, none, none, none, "GRAM", List.of()));
        }
        RuntimeException gone = new IllegalStateException("cuda:0 is gone");
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        facts.tellFailures(
                new Console(stream, stream, false),
                List.of(new BatchFailure(3, 8, gone), new BatchFailure(11, 1, gone)),
                b -> "group " + (char) ('a' + b),
                b -> null);
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .hasSize(5)
                .endsWith(
                        "nullspace: problems 3 to 10 were not computed: cuda:0 is gone",
                        "nullspace: group l was not computed: cuda:0 is gone");
        assertThat(facts.failed()).isEqualTo(12);
    }
}
