package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

class CsvTableTest {
    @TempDir
    Path dir;

    private Path csv(String content) throws IOException {
        return Files.write(dir.resolve("data.csv"), content.getBytes(StandardCharsets.UTF_8));
    }

    private CsvTable read(String content, String... targets) throws IOException {
        return CsvTable.read(csv(content), List.of(targets));
    }

    @Test
    void everyOtherNumericColumnIsAFeature() throws IOException {
        try (CsvTable table = read("a,label,y,b\n1,red,10,-2.5\n3,blue,20,4e-1\n", "y")) {
            assertThat(table.featureNames()).containsExactly("a", "b");
            assertThat(table.targetNames()).containsExactly("y");
            assertThat(table.skippedColumns()).containsExactly("label");
            assertThat(table.features().toArray()).isDeepEqualTo(new double[][] {{1, -2.5}, {3, 0.4}});
            assertThat(table.targets().toArray()).isDeepEqualTo(new double[][] {{10}, {20}});
            assertThat(table.features().layout()).isEqualTo(Layout.ROW_MAJOR);
            assertThat(table.features().precision()).isEqualTo(Precision.FLOAT64);
            assertThat(table.file()).isEqualTo(dir.resolve("data.csv"));
        }
    }

    @Test
    void targetsComeInTheOrderAskedFor() throws IOException {
        CsvTable table = read("y1,a,y2,b,y3\n1,2,3,4,5\n6,7,8,9,10\n", "y3", "y1");
        assertThat(table.targetNames()).containsExactly("y3", "y1");
        assertThat(table.targets().toArray()).isDeepEqualTo(new double[][] {{5, 1}, {10, 6}});
        assertThat(table.featureNames()).containsExactly("a", "y2", "b");
        assertThat(table.features().toArray()).isDeepEqualTo(new double[][] {{2, 3, 4}, {7, 8, 9}});
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a,y\n1,2\n3,4\n",
                "a,y\n1,2\n3,4",
                "a,y\r\n1,2\r\n3,4\r\n",
                "a,y\r1,2\r3,4\r",
                "\ufeffa,y\n1,2\n3,4\n",
                "\"a\",\"y\"\n\"1\",\"2\"\n\"3\",\"4\"\n",
                "\ufeff\"a\",y\r\n1,2\r\n3,4",
                " a , y \n 1 ,\t2\n3, 4 \n",
                "a,y\n\n1,2\n\n\n3,4\n\n",
                "a,y,note\n1,2,\n3,4,\n",
                "a,y,note\n1,2,\"two\nlines, one field\"\n3,4,\"a \"\"word\"\"\"\n",
            })
    void spellingsOfTheSameTable(String content) throws IOException {
        CsvTable table = read(content, "y");
        assertThat(table.features().toArray()).isDeepEqualTo(new double[][] {{1}, {3}});
        assertThat(table.targets().toArray()).isDeepEqualTo(new double[][] {{2}, {4}});
        assertThat(table.featureNames()).containsExactly("a");
        assertThat(table.targetNames()).containsExactly("y");
    }

    @Test
    void readsUtf16WithAByteOrderMark() throws IOException {
        Path file = dir.resolve("utf16.csv");
        Files.write(file, "\ufeffgröße,y\n1,2\n".getBytes(StandardCharsets.UTF_16LE));
        assertThat(CsvTable.read(file, List.of("y")).featureNames()).containsExactly("größe");
    }

    @Test
    void columnsOfWordsForMissingValuesAreSkipped() throws IOException {
        CsvTable table = read("a,none,nan,y\n1,NA,nan,2\n3,,NaN,4\n", "y");
        assertThat(table.skippedColumns()).containsExactly("none", "nan");
    }

    /** {@code →} stands for the end of a line, {@code ⇥} for a tab, {@code @} for the file. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                // The file as a whole.
                "``                          | y   | @: the file is empty, a header line was expected",
                "→→                          | y   | @: the file is empty, a header line was expected",
                "a,y                         | y   | @: no rows after the header line",
                "a,y→→                       | y   | @: no rows after the header line",
                "y→1→                        | y   | @: no features, no column besides the target \"y\" holds numbers",
                "y,c→1,x→                    | y   | @: no features, no column besides the target \"y\" holds numbers",
                // The header.
                "a;b;y→1;2;3→                | y   | @, line 1: the header is one field with ';' in it; columns must be separated by commas",
                "a⇥y→1⇥2→                    | y   | @, line 1: the header is one field with tabs in it; columns must be separated by commas",
                "a,b,a,y→1,2,3,4→            | y   | @, line 1: columns 1 and 3 are both named \"a\"",
                "a,\" a\",y→1,2,3→           | y   | @, line 1: columns 1 and 2 are both named \"a\"",
                ",a,y→1,2,3→                 | y   | @, line 1: column 1 has no name in the header (row numbers?",
                "a,y,→1,2,3→                 | y   | @, line 1: column 3 has no name in the header",
                "a,b→1,2→                    | y   | @: no column \"y\"; the columns are \"a\", \"b\"",
                "fat,water→1,2→              | Fat | @: no column \"Fat\"; did you mean \"fat\"?",
                "protein,water→1,2→          | protien | did you mean \"protein\"?",
                "1,2→3,4→                    | y   | line 1 holds numbers only, it must be a header",
                "a,y→1,2→                    | Y,y,z | did you mean \"y\"?",
                // Rows.
                "a,b,y→1,2,3→4,5→            | y   | @, line 3: 3 fields expected as in the header, found 2",
                "a,b,y→1,2,3,4→              | y   | @, line 2: 3 fields expected as in the header, found 4",
                "a,b,y→1,2,3→→4,5,6,→        | y   | @, line 4: 3 fields expected as in the header, found 4",
                "a,b,y→1,2,3→4,\"5→6\",7,8→  | y   | @, line 3: 3 fields expected as in the header, found 4",
                // Fields.
                "a,b,y→1,2,3→4,n/a,6→        | y   | @, line 3, column \"b\": \"n/a\" is not a number",
                "a,b,y→1,2,3→4,,6→           | y   | @, line 3, column \"b\": the field is empty, a number was expected",
                "a,b,y→1,2,3→4,nan,6→        | y   | @, line 3, column \"b\": \"nan\" is not a finite number",
                "a,b,y→1,2,3→4,-Inf,6→       | y   | @, line 3, column \"b\": \"-Inf\" is not a finite number",
                "a,b,y→1,2,3→4,1e999,6→      | y   | @, line 3, column \"b\": \"1e999\" is too large for float64",
                "a,b,y→1,1e999,3→            | y   | @, line 2, column \"b\": \"1e999\" is too large for float64",
                "a,b,y→1,2,3→4,\"5,5\",6→    | y   | @, line 3, column \"b\": \"5,5\" is not a number, the decimal separator must be a point",
                "a,b,y→1,2,3→4,5 %,6→        | y   | @, line 3, column \"b\": \"5 %\" is not a number",
                "a,b,y→1,,3→4,5,6→           | y   | @, line 2, column \"b\": the field is empty, a number was expected (line 3 has the number 5)",
                "a,b,y→1,?,3→4,?,6→7,8,9→    | y   | @, line 2, column \"b\": \"?\" is not a number (line 4 has the number 8)",
                "a,b,y→1,nan,3→4,5,6→        | y   | @, line 2, column \"b\": \"nan\" is not a finite number (line 3 has the number 5)",
                "a,b,y→1,?,3→4,1e999,6→      | y   | @, line 2, column \"b\": \"?\" is not a number (line 3 has the number 1e999)",
                "a,b,y→1,2,x→                | y   | @, line 2, column \"y\": \"x\" is not a number; a target column must hold numbers",
                "a,b,y→1,2,→                 | y   | @, line 2, column \"y\": the field is empty, a number was expected; a target column must hold numbers",
                "a,b,y→1,2,3→4,5,x→          | y   | @, line 3, column \"y\": \"x\" is not a number",
                "a,b,y→1,2,3→x,z,6→          | y   | @, line 3, column \"a\": \"x\" is not a number",
                "a,y→1,2→\"3,4→              | y   | @, line 3 or after: malformed CSV",
                "a,y→1,2→\"3\"x,4→           | y   | @, line 3 or after: malformed CSV",
                // The request.
                "a,y→1,2→                    | y,y | target column \"y\" is named twice",
            })
    void refusesTablesThatCannotBeUsed(String content, String targets, String message) throws IOException {
        Path file = csv(content.replace('→', '\n').replace('⇥', '\t'));
        assertThatThrownBy(() -> CsvTable.read(file, List.of(targets.split(","))))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message.replace("@", file.toString()));
    }

    @Test
    void refusesARequestWithoutTargets() throws IOException {
        Path file = csv("a,y\n1,2\n");
        assertThatThrownBy(() -> CsvTable.read(file, List.of()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("no target column");
    }

    @Test
    void refusesPathsThatAreNoFiles() {
        Path absent = dir.resolve("absent.csv");
        assertThatThrownBy(() -> CsvTable.read(absent, List.of("y")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(absent + ": no such file");
        assertThatThrownBy(() -> CsvTable.read(dir, List.of("y")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(dir + ": a directory, a file was expected");
    }

    @Test
    void longMessagesAreCutShort() throws IOException {
        StringBuilder header = new StringBuilder("y");
        StringBuilder row = new StringBuilder("1");
        for (int i = 0; i < 1000; i++) {
            header.append(",column").append(i);
            row.append(",1");
        }
        Path file = csv(header + "\n" + row + "\n");
        assertThatThrownBy(() -> CsvTable.read(file, List.of("zzz"))).hasMessageContaining("and 991 more");
        Path text = csv("a,y\n1,2\n" + "x".repeat(100_000) + ",3\n");
        assertThatThrownBy(() -> CsvTable.read(text, List.of("y")))
                .satisfies(e -> assertThat(e.getMessage().length())
                        .isLessThan(300 + text.toString().length()))
                .hasMessageContaining("x…\" is not a number");
    }

    @Test
    void nothingStaysAllocatedAfterAnError() throws IOException {
        Path file = csv("a,y\n1,2\n3,x\n");
        try (MemoryScope scope = MemoryScope.open()) {
            assertThatThrownBy(() -> CsvTable.read(scope, file, List.of("y")))
                    .isInstanceOf(InvalidInputException.class);
            assertThat(scope.liveBytes()).isZero();
        }
    }

    @Test
    void matricesBelongToTheScopeOrToTheTable() throws IOException {
        Path file = csv("a,b,y\n1,2,3\n4,5,6\n");
        Matrix inScope;
        try (MemoryScope scope = MemoryScope.open()) {
            CsvTable table = CsvTable.read(scope, file, List.of("y"));
            table.close();
            inScope = table.features();
            assertThat(inScope.get(1, 1)).isEqualTo(5);
            assertThat(scope.liveBytes()).isEqualTo(6 * 8);
        }
        assertThatThrownBy(() -> inScope.get(0, 0)).isInstanceOf(ClosedException.class);
        CsvTable table = CsvTable.read(file, List.of("y"));
        table.close();
        assertThatThrownBy(() -> table.targets().get(0, 0)).isInstanceOf(ClosedException.class);
    }

    /** More rows than one block holds, and more columns than rows. */
    @ParameterizedTest
    @CsvSource({"70000, 20", "1, 3", "30, 20000", "3, 600000"})
    void tablesOfEveryShapeComeBackBitForBit(int rows, int columns) throws IOException {
        Path file = dir.resolve("table.csv");
        SplitMix64 random = new SplitMix64(rows);
        double[] kept = new double[Math.multiplyExact(rows, columns)];
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int j = 0; j < columns; j++) {
                out.write((j == 0 ? "c" : ",c") + j);
            }
            for (int i = 0; i < rows; i++) {
                out.write('\n');
                for (int j = 0; j < columns; j++) {
                    double value = j % 3 == 0 ? random.nextInt(2000) - 1000 : random.nextDouble() - 0.5;
                    kept[i * columns + j] = value;
                    out.write((j == 0 ? "" : ",") + value);
                }
            }
        }
        int target = columns / 2;
        List<long[]> told = new ArrayList<>();
        CsvTable table =
                CsvTable.read(null, file, List.of("c" + target), (done, total) -> told.add(new long[] {done, total}));
        assertThat(table.features().rows()).isEqualTo(rows);
        assertThat(table.features().columns()).isEqualTo(columns - 1);
        long wrong = 0;
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                double found = j == target
                        ? table.targets().get(i, 0)
                        : table.features().get(i, j < target ? j : j - 1);
                wrong += found == kept[i * columns + j] ? 0 : 1;
            }
        }
        assertThat(wrong).isZero();
        long size = Files.size(file);
        assertThat(told).allSatisfy(t -> assertThat(t[1]).isEqualTo(size));
        assertThat(told.get(told.size() - 1)[0]).isEqualTo(size);
        table.close();
    }
}
