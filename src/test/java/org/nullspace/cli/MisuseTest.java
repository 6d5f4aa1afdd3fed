package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Wrong use ends with the right exit code and one line that says what and where, and leaves nothing behind. */
class MisuseTest {
    @TempDir
    Path dir;

    @BeforeEach
    void files() throws Exception {
        Cli.write(dir.resolve("ok.csv"), "a,b,c,y\n1,2,3,4\n2,0,1,1\n5,1,1,0\n");
        Cli.write(dir.resolve("ragged.csv"), "a,b,y\n1,2,3\n1,2,3,4\n");
        Cli.write(dir.resolve("text.csv"), "a,b,y\n1,2,3\n4,oops,6\n");
        Cli.write(dir.resolve("nan.csv"), "a,b,y\n1,2,3\n4,NaN,6\n");
        Cli.write(dir.resolve("missing.csv"), "a,b,y\n1,2,3\n4,,6\n");
        Cli.write(dir.resolve("empty.csv"), "");
        Cli.write(dir.resolve("header.csv"), "a,b,y\n");
        Matrix x = Matrix.of(new double[][] {{1, 2, 3}, {4, 5, 7}});
        npy("x.npy", x, 2);
        npy("y.npy", Matrix.column(1, 2), 1);
        npy("y3.npy", Matrix.column(1, 2, 3), 1);
        npy("xf.npy", Matrix.of(new double[][] {{1, 2, Double.POSITIVE_INFINITY}, {4, 5, 7}}), 2);
        npy("yn.npy", Matrix.column(1, Double.NaN), 1);
        npy("xb.npy", Matrix.zeros(Precision.FLOAT64, 2, 2, 3, Layout.ROW_MAJOR), 3);
        npy("yb.npy", Matrix.zeros(Precision.FLOAT64, 2, 2, 1, Layout.ROW_MAJOR), 3);
        byte[] whole = Files.readAllBytes(dir.resolve("x.npy"));
        Files.write(dir.resolve("short.npy"), Arrays.copyOf(whole, whole.length - 8));
        Cli.write(dir.resolve("text.npy"), "this is no array at all");
        Cli.write(dir.resolve("file"), "");
    }

    private void npy(String name, Matrix m, int dimensions) {
        NpyWriter.write(dir.resolve(name), m, dimensions, NpyOrder.C);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        solve                                              | 2 | DATA.csv with --target, or --x and --y, are needed
        solve @ok.csv                                      | 2 | --target NAME
        solve @ok.csv --target z                           | 2 | ok.csv # no column "z"; the columns are "a", "b", "c", "y"
        solve @ok.csv --target ,y                          | 2 | empty name
        solve @ok.csv --target y,y                         | 2 | "y" # twice
        solve @none.csv --target y                         | 2 | none.csv: no such file
        solve @ragged.csv --target y                       | 2 | ragged.csv, line 3 # 3 fields # 4
        solve @text.csv --target y                         | 2 | text.csv, line 3, column "b" # "oops"
        solve @nan.csv --target y                          | 2 | nan.csv, line 3, column "b" # NaN
        solve @missing.csv --target y                      | 2 | missing.csv, line 3, column "b"
        solve @empty.csv --target y                        | 2 | empty.csv # empty
        solve @header.csv --target y                       | 2 | header.csv # no rows
        solve @ok.csv --target y --x @x.npy                | 2 | cannot be combined
        solve @ok.csv @ok.csv --target y                   | 2 | ok.csv
        solve --x @x.npy                                   | 2 | --x needs --y
        solve --y @y.npy                                   | 2 | --y needs --x
        solve --x @x.npy --y @y.npy --target y             | 2 | --target names columns
        solve --x @x.npy --x @x.npy --y @y.npy             | 2 | --x # once
        solve --x @x.npy --y @y3.npy                       | 2 | x.npy has shape (2, 3) # y3.npy has shape (3,) # (2,) or (2, k)
        solve --x @y.npy --y @y.npy                        | 2 | y.npy has shape (2,) # two dimensions
        solve --x @xb.npy --y @y.npy                       | 2 | xb.npy has shape (2, 2, 3) # (2, 2, k)
        solve --x @short.npy --y @y.npy                    | 2 | short.npy # truncated
        solve --x @text.npy --y @y.npy                     | 2 | text.npy
        solve --x @xf.npy --y @y.npy                       | 2 | xf.npy # [0, 2] # Infinity
        solve --x @x.npy --y @yn.npy                       | 2 | yn.npy # [1, 0] # NaN
        solve --x @xf.npy --y @y.npy --standardize         | 2 | xf.npy # [0, 2] # Infinity
        solve --x @dir --y @y.npy                          | 2 | directory
        solve --x @x.npy --y @y.npy --foo                  | 2 | '--foo'
        solve --x @x.npy --y @y.npy --jsn                  | 2 | '--jsn'
        solve --x @x.npy --y @y.npy --rcond                | 2 | --rcond
        solve --x @x.npy --y @y.npy --rcond -1e-3          | 2 | --rcond -1e-3 # 0 <= R < 1
        solve --x @x.npy --y @y.npy --rcond 1              | 2 | --rcond 1 # 0 <= R < 1
        solve --x @x.npy --y @y.npy --rcond NaN            | 2 | --rcond NaN is not a number
        solve --x @x.npy --y @y.npy --rcond small          | 2 | --rcond small is not a number
        solve --x @x.npy --y @y.npy --method lu            | 2 | --method lu # gesvd
        solve --x @x.npy --y @y.npy --device tpu           | 2 | --device tpu # cuda
        solve --x @x.npy --y @y.npy --null-space           | 2 | --null-space needs --out
        solve --x @xb.npy --y @yb.npy --group a            | 2 | --group names a column of a DATA.csv
        solve @ok.csv --target y --group y                 | 2 | "y" cannot be both --target and --group
        solve @ok.csv --target y --group z                 | 2 | ok.csv # no column "z"
        solve @ok.csv --target y --group                   | 2 | --group
        solve @ok.csv --target y --group a --holdout .5    | 2 | --holdout cannot be combined with --group
        solve @ok.csv --target y --group a --null-space --out @new | 2 | --null-space cannot be combined with --group
        solve @missing.csv --target y --group b            | 2 | missing.csv, line 3, column "b": the field is empty # name of a group
        solve @nan.csv --target y --group a                | 2 | nan.csv, line 3, column "b" # NaN
        solve @ok.csv --target y --memory 1G               | 2 | --memory # a table needs --group
        solve --x @xb.npy --y @yb.npy --polynomial 2       | 2 | xb.npy is a batch
        solve --x @xb.npy --y @yb.npy --holdout 0.5        | 2 | xb.npy is a batch
        solve --x @x.npy --y @y.npy --polynomial 0         | 2 | --polynomial 0 # at least 1
        solve --x @x.npy --y @y.npy --polynomial 1.5       | 2 | --polynomial 1.5 # whole
        solve --x @x.npy --y @y.npy --random-features -3   | 2 | --random-features -3 # at least 1
        solve --x @x.npy --y @y.npy --holdout 0            | 2 | --holdout 0 # between 0 and 1
        solve --x @x.npy --y @y.npy --holdout 1            | 2 | --holdout 1 # between 0 and 1
        solve --x @x.npy --y @y.npy --holdout half         | 2 | --holdout half # not a number
        solve --x @x.npy --y @y.npy --seed 1               | 2 | --seed has no effect
        solve --x @x.npy --y @y.npy --holdout .5 --seed x  | 2 | --seed x # whole
        solve --x @x.npy --y @y.npy --out @file            | 2 | file: a file, a directory was expected
        solve --x @x.npy --y @y.npy --out @file/deeper     | 2 | file
        solv --x @x.npy                                    | 2 | solv
        demo --seed 3                                      | 2 | '--seed'
        demo --out @file                                   | 2 | file: a file
        meats --splits -1                                  | 2 | --splits -1 # at least 0
        meats --out @file                                  | 2 | file: a file
        """)
    void endsWithOneLine(String command, int code, String parts) {
        requireOneLine(command, code, parts);
    }

    /** More than any machine has, each time: 7 TB and more. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        solve --x @tall.npy --y @tally.npy --random-features 2147483647 | 2147483647 features # 1000 rows # bytes needed # bytes available
        solve --x @wide.npy --y @one.npy --polynomial 2                 | degree 2 # bytes needed # bytes available
        solve --x @wide.npy --y @one.npy --null-space --out @new        | explicit basis # null space (1000000×999999) # bytes needed
        """)
    void refusesWhatNeedsMoreMemoryThanThereIs(String command, String parts) {
        npy("tall.npy", Matrix.zeros(Precision.FLOAT64, 1, 1000, 1, Layout.ROW_MAJOR), 2);
        npy("tally.npy", Matrix.zeros(Precision.FLOAT64, 1, 1000, 1, Layout.ROW_MAJOR), 2);
        Matrix wide = Matrix.zeros(Precision.FLOAT64, 1, 1, 1_000_000, Layout.ROW_MAJOR);
        wide.set(0, 0, 5, 1);
        npy("wide.npy", wide, 2);
        npy("one.npy", Matrix.column(1), 1);
        requireOneLine(command, 2, parts);
    }

    private void requireOneLine(String command, int code, String parts) {
        List<Object> words = new ArrayList<>();
        for (String word : command.strip().split(" +")) {
            words.add(
                    word.equals("@dir")
                            ? dir
                            : word.startsWith("@")
                                    ? dir.resolve(word.substring(1)).toString()
                                    : word);
        }
        List<String> before = Cli.files(dir);
        Cli.Result r = Cli.run(words.toArray());
        assertThat(r.code()).as(r.err()).isEqualTo(code);
        assertThat(r.out()).isEmpty();
        assertThat(r.errLines()).hasSize(1);
        assertThat(r.err()).startsWith("nullspace: ").doesNotContain("Exception", "\tat ");
        for (String part : parts.split("#")) {
            assertThat(r.err()).contains(part.strip());
        }
        assertThat(Cli.files(dir)).isEqualTo(before);
    }

    @Test
    void nothingIsLeftInADirectoryThatWasThereAndItsFilesStay() {
        Path out = dir.resolve("out");
        assertThat(Cli.run("solve", "--x", dir.resolve("x.npy"), "--y", dir.resolve("y.npy"), "--out", out)
                        .code())
                .isEqualTo(0);
        List<String> before = Cli.files(out);
        Cli.Result r = Cli.run("solve", "--x", dir.resolve("xf.npy"), "--y", dir.resolve("y.npy"), "--out", out);
        assertThat(r.code()).isEqualTo(2);
        assertThat(Cli.files(out)).isEqualTo(before);
    }

    @Test
    void aFullStandardOutputIsAFailure() {
        java.io.PrintStream full = new java.io.PrintStream(new java.io.OutputStream() {
            @Override
            public void write(int b) throws java.io.IOException {
                throw new java.io.IOException("no space left");
            }
        });
        java.io.ByteArrayOutputStream err = new java.io.ByteArrayOutputStream();
        int code = Main.run(new String[] {"--version"}, full, new java.io.PrintStream(err));
        assertThat(code).isEqualTo(1);
        assertThat(err.toString(java.nio.charset.StandardCharsets.UTF_8)).contains("standard output");
    }
}
