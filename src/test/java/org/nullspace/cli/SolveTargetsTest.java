package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.RandomMatrices;
import org.nullspace.io.NpyFile;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** One X with so many targets that they are read, solved and written in blocks. */
class SolveTargetsTest {
    @TempDir
    Path dir;

    private Path out;

    @BeforeEach
    void outDirectory() {
        out = dir.resolve("out");
    }

    private static Matrix random(long seed, Precision precision, long rows, long columns) {
        return RandomMatrices.gaussian(seed, precision, 1, rows, columns, Layout.ROW_MAJOR);
    }

    private Path npy(String name, Matrix m, Layout order) {
        NpyWriter.write(dir.resolve(name), m.copy(order), 2, NpyOrder.AS_STORED);
        return dir.resolve(name);
    }

    /** What a run with next to no memory asks for: room for one target. */
    private static long leastMemory(Path x, Path y) {
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--memory", "1K");
        assertThat(r.code()).isEqualTo(2);
        return Long.parseLong(r.err().replaceAll("(?s).*?(\\d+) bytes needed.*", "$1"));
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, ROW_MAJOR, false",
        "FLOAT64, COLUMN_MAJOR, true",
        "FLOAT32, ROW_MAJOR, true",
        "FLOAT32, COLUMN_MAJOR, false"
    })
    void blocksAreTheWhole(Precision precision, Layout order, boolean intercept) {
        int k = 431;
        Path x = npy("x.npy", random(1, precision, 20, 60), Layout.ROW_MAJOR);
        Path y = npy("y.npy", random(2, precision, 20, k), order);
        Path whole = dir.resolve("whole");
        String extra = intercept ? "--intercept" : "--method=auto";
        String memory = String.valueOf(leastMemory(x, y) + (200 << 10));
        Cli.Result one = Cli.run("solve", "--x", x, "--y", y, "--out", whole, "--null-space", "--json", extra);
        Cli.Result r =
                Cli.run("solve", "--x", x, "--y", y, "--memory", memory, "--out", out, "--null-space", "--json", extra);
        assertThat(one.code()).as(one.err()).isZero();
        assertThat(r.code()).as(r.err()).isZero();
        int tile = (int) r.json().get("tile");
        assertThat(tile).isBetween(2, k / 2);
        assertThat(r.json().get("targets")).isEqualTo(k);
        assertThat(r.json().get("rank")).isEqualTo(one.json().get("rank"));
        double error = precision == Precision.FLOAT64 ? 1e-13 : 1e-6;
        for (String name : List.of("minimumNorm", "residualNormPerTarget")) {
            assertThat(Cli.numbers(r.json().get(name)))
                    .as(name)
                    .containsExactly(Cli.numbers(one.json().get(name)), within(error));
        }
        NpyFile weights = NpyFile.open(out.resolve("weights.npy"));
        assertThat(weights.shape()).containsExactly(60L, (long) k);
        assertThat(weights.precision()).isEqualTo(precision);
        try (Matrix found = weights.read();
                Matrix expected = NpyFile.open(whole.resolve("weights.npy")).read()) {
            for (int i = 0; i < 60; i++) {
                for (int j = 0; j < k; j++) {
                    assertThat(found.get(i, j)).isCloseTo(expected.get(i, j), within(error));
                }
            }
        }
        for (String name : intercept ? List.of("intercept", "singular_values") : List.of("singular_values")) {
            try (Matrix found = NpyFile.open(out.resolve(name + ".npy")).read();
                    Matrix expected = NpyFile.open(whole.resolve(name + ".npy")).read()) {
                assertThat(found.columnToArray(0)).containsExactly(expected.columnToArray(0), within(10 * error));
            }
        }
        try (Matrix found = NpyFile.open(out.resolve("null_space.npy")).read();
                Matrix expected = NpyFile.open(whole.resolve("null_space.npy")).read()) {
            assertThat(found.toArray()).isDeepEqualTo(expected.toArray());
        }
    }

    @Test
    void oneTargetAtATimeIfNeedBe() {
        Path x = npy("x.npy", random(3, Precision.FLOAT64, 20, 60), Layout.ROW_MAJOR);
        Path y = npy("y.npy", random(4, Precision.FLOAT64, 20, 7), Layout.ROW_MAJOR);
        Cli.Result little = Cli.run("solve", "--x", x, "--y", y, "--memory", "20K", "--out", out);
        assertThat(little.code()).isEqualTo(2);
        assertThat(little.err()).contains("x.npy (20×60)", "one target", "raise --memory", "20480 bytes available");
        assertThat(out).doesNotExist();
        String needed = String.valueOf(leastMemory(x, y));
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--memory", needed, "--out", out, "--json");
        assertThat(r.code()).as(r.err()).isZero();
        assertThat(r.json().get("tile")).isEqualTo(1);
        assertThat(NpyFile.open(out.resolve("weights.npy")).shape()).containsExactly(60L, 7L);
        Cli.Result words = Cli.run("solve", "--x", x, "--y", y, "--memory", needed);
        assertThat(words.out()).contains("7 targets, 1 at a time", "rank       20 of 20");
    }

    @ParameterizedTest
    @EnumSource
    void anEntryThatIsNoNumberIsNamed(Layout order) {
        Matrix targets = random(5, Precision.FLOAT64, 20, 300);
        targets.set(0, 7, 256, Double.NaN);
        Path x = npy("x.npy", random(6, Precision.FLOAT64, 20, 60), Layout.ROW_MAJOR);
        Path y = npy("y.npy", targets, order);
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--memory", "300K", "--out", out);
        assertThat(r.code()).isEqualTo(2);
        assertThat(r.err()).contains("y.npy: entry [7, 256] is NaN");
        assertThat(out).doesNotExist();
        Matrix design = random(6, Precision.FLOAT64, 20, 60);
        design.set(0, 19, 59, Double.POSITIVE_INFINITY);
        Path bad = npy("bad.npy", design, order);
        Cli.Result inX = Cli.run("solve", "--x", bad, "--y", y, "--memory", "300K", "--out", out);
        assertThat(inX.code()).isEqualTo(2);
        assertThat(inX.err()).contains("bad.npy: entry [19, 59] is Infinity");
    }

    @Test
    void whatNeedsAllTargetsIsRefused() {
        Path x = npy("x.npy", random(7, Precision.FLOAT64, 20, 6), Layout.ROW_MAJOR);
        Path y = npy("y.npy", random(8, Precision.FLOAT64, 20, 3), Layout.ROW_MAJOR);
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--memory", "1G", "--holdout", "0.2");
        assertThat(r.code()).isEqualTo(2);
        assertThat(r.err()).contains("y.npy is read in blocks of targets", "without --memory");
        NpyWriter.write(dir.resolve("one.npy"), Matrix.column(1, 2, 3), 1, NpyOrder.C);
        NpyWriter.write(dir.resolve("three.npy"), random(9, Precision.FLOAT64, 3, 5), 2, NpyOrder.C);
        Cli.Result vector = Cli.run(
                "solve", "--x", dir.resolve("three.npy"), "--y", dir.resolve("one.npy"), "--memory", "1G", "--json");
        assertThat(vector.code()).as(vector.err()).isZero();
        assertThat(vector.json().get("targets")).isEqualTo(1);
    }
}
