package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.random.SplitMix64;

class CsvGroupsTest {
    @TempDir
    Path dir;

    private CsvGroups read(String content, String column, String... targets) throws IOException {
        Path file = Files.write(dir.resolve("data.csv"), content.getBytes(StandardCharsets.UTF_8));
        return CsvGroups.read(null, file, List.of(targets), column, Progress.NONE);
    }

    @Test
    void rowsInAnyOrderAreSorted() throws IOException {
        try (CsvGroups groups = read(
                "a,store,y,b,note\n1,north,10,2,x\n3,south,20,4,x\n5,north,30,6,x\n7,\"a, b\",40,8,x\n",
                "store",
                "y")) {
            assertThat(groups.names()).containsExactly("north", "south", "a, b");
            assertThat(groups.size()).isEqualTo(3);
            assertThat(groups.rows()).isEqualTo(4);
            assertThat(groups.featureNames()).containsExactly("a", "b");
            assertThat(groups.targetNames()).containsExactly("y");
            assertThat(groups.skippedColumns()).containsExactly("note");
            assertThat(groups.features(0).toArray()).isDeepEqualTo(new double[][] {{1, 2}, {5, 6}});
            assertThat(groups.targets(0).toArray()).isDeepEqualTo(new double[][] {{10}, {30}});
            assertThat(groups.features(1).toArray()).isDeepEqualTo(new double[][] {{3, 4}});
            assertThat(groups.name(2)).isEqualTo("a, b");
            assertThat(groups.targets(2).toArray()).isDeepEqualTo(new double[][] {{40}});
        }
    }

    /** Names are text: numbers that are written differently are different, blanks around them do not count. */
    @Test
    void numbersNameGroupsAsTheyAreWritten() throws IOException {
        try (CsvGroups groups = read("g,a,y\n1,2,3\n 1 ,4,5\n1.0,6,7\nx,8,9\n01,1,1\n", "g", "y")) {
            assertThat(groups.names()).containsExactly("1", "1.0", "x", "01");
            assertThat(groups.featureNames()).containsExactly("a");
            assertThat(groups.features(0).toArray()).isDeepEqualTo(new double[][] {{2}, {4}});
        }
    }

    /** More rows than a block of the store has, against a map of lists. */
    @Test
    void manyRows() throws IOException {
        StringBuilder text = new StringBuilder("g,y");
        int features = 40;
        for (int j = 0; j < features; j++) {
            text.append(",x").append(j);
        }
        text.append('\n');
        SplitMix64 random = new SplitMix64(5);
        Map<String, List<Integer>> rows = new TreeMap<>();
        for (int i = 0; i < 30_000; i++) {
            String name = "g" + Math.floorMod(random.nextLong(), 97);
            rows.computeIfAbsent(name, n -> new ArrayList<>()).add(i);
            text.append(name).append(',').append(-i);
            for (int j = 0; j < features; j++) {
                text.append(',').append(i).append('.').append(j);
            }
            text.append('\n');
        }
        try (CsvGroups groups = read(text.toString(), "g", "y")) {
            assertThat(groups.names()).containsExactlyInAnyOrderElementsOf(rows.keySet());
            for (int g = 0; g < groups.size(); g++) {
                List<Integer> wanted = rows.get(groups.name(g));
                assertThat(groups.features(g).rows()).isEqualTo(wanted.size());
                for (int i = 0; i < wanted.size(); i++) {
                    assertThat(groups.targets(g).get(i, 0)).isEqualTo(-wanted.get(i));
                    assertThat(groups.features(g).get(i, 39)).isEqualTo(Double.parseDouble(wanted.get(i) + ".39"));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        g,a,y~n,1,2~,3,4~          | g | line 3, column "g": the field is empty, the name of a group was expected
        g,a,y~" ",1,2~             | g | line 2, column "g": the field is empty
        g,a,y~n,1,2~               | h | no column "h"; the columns are "g", "a", "y"
        group,a,y~n,1,2~           | grup | did you mean "group"?
        g,a,y~n,1,2~               | y | column "y" cannot be a target and name the groups, too
        g,a,y~n,1,2~m,x,3~         | g | line 3, column "a": "x" is not a number
        g,a,y~n,1,2~m,1~           | g | line 3: 3 fields expected as in the header, found 2
        g,y~n,1~                   | g | no features
        g,a,y~                     | g | no rows after the header
        """)
    void whatCannotBeUsedIsNamed(String content, String column, String message) {
        assertThatThrownBy(() -> read(content.replace('~', '\n'), column, "y"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(dir.resolve("data.csv").toString())
                .hasMessageContaining(message);
    }

    @Test
    void aScopeOwnsTheMatrices() throws IOException {
        CsvGroups kept;
        try (MemoryScope scope = MemoryScope.open()) {
            Path file = Files.writeString(dir.resolve("s.csv"), "g,a,y\nn,1,2\n");
            kept = CsvGroups.read(scope, file, List.of("y"), "g", Progress.NONE);
            assertThat(kept.features(0).get(0, 0)).isEqualTo(1);
        }
        assertThatThrownBy(() -> kept.features(0).get(0, 0)).isInstanceOf(ClosedException.class);
    }
}
