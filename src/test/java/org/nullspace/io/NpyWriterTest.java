package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

class NpyWriterTest {
    @TempDir
    Path dir;

    /** Read and written again, a file of {@code numpy.save} comes out byte for byte. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "f8_c_1d",
                "f8_c_2d",
                "f8_f_2d",
                "f8_c_3d",
                "f4_c_1d",
                "f4_c_2d",
                "f4_f_2d",
                "f4_c_3d",
                "one_element",
                "nan_inf",
                "empty_0x5",
                "empty_5x0"
            })
    void writesTheBytesThatNumPyWrites(String name) throws IOException, URISyntaxException {
        Path sample = Path.of(NpyWriterTest.class
                .getResource("/org/nullspace/npy/" + name + ".npy")
                .toURI());
        NpyFile file = NpyFile.open(sample);
        Path copy = dir.resolve("copy.npy");
        NpyWriter.write(copy, file.read(), file.dimensions(), NpyOrder.AS_STORED);
        assertThat(copy).hasSameBinaryContentAs(sample);
    }

    record Case(String name, Precision precision, Layout layout, long batch, long rows, long columns, boolean view) {
        @Override
        public String toString() {
            return name + " " + batch + "×" + rows + "×" + columns + " " + precision + " " + layout
                    + (view ? " view" : "");
        }
    }

    static Stream<Case> cases() {
        List<long[]> shapes = List.of(
                new long[] {1, 5, 7},
                new long[] {1, 4, 2},
                new long[] {1, 2, 4},
                new long[] {1, 1, 9},
                new long[] {1, 9, 1},
                new long[] {1, 1, 1},
                new long[] {1, 0, 4},
                new long[] {1, 4, 0},
                new long[] {4, 3, 5},
                new long[] {4, 1, 5},
                new long[] {4, 5, 1},
                new long[] {0, 3, 5},
                new long[] {1, 3, 800_000},
                new long[] {1, 800_000, 3},
                new long[] {1, 1100, 1300});
        return shapes.stream()
                .flatMap(s -> Stream.of(Precision.values())
                        .flatMap(p -> Stream.of(Layout.values())
                                .flatMap(l -> Stream.of(false, true)
                                        .map(v -> new Case("shape", p, l, s[0], s[1], s[2], v)))));
    }

    /** What is written in C order is read back row-major with the same entries, whatever layout and gaps the matrix had. */
    @ParameterizedTest
    @MethodSource("cases")
    void writesEveryLayout(Case c) {
        try (MemoryScope scope = MemoryScope.open()) {
            int gap = c.view() ? 2 : 0;
            Matrix whole = Matrix.zeros(
                    scope, c.precision(), c.batch(), c.rows() + 2 * gap, c.columns() + 2 * gap, c.layout());
            Matrix matrix = whole.rows(gap, c.rows() + gap).columns(gap, c.columns() + gap);
            for (long b = 0, value = 1; b < c.batch(); b++) {
                for (long i = 0; i < c.rows(); i++) {
                    for (long j = 0; j < c.columns(); j++) {
                        matrix.set(b, i, j, value++);
                    }
                }
            }
            int dimensions = c.batch() == 1 ? 2 : 3;
            for (NpyOrder order : NpyOrder.values()) {
                Path path = dir.resolve(order + ".npy");
                NpyWriter.write(path, matrix, dimensions, order);
                NpyFile file = NpyFile.open(path);
                assertThat(file.dimensions()).isEqualTo(dimensions);
                assertThat(file.precision()).isEqualTo(c.precision());
                assertThat(file.fortranOrder())
                        .isEqualTo(order == NpyOrder.AS_STORED && dimensions == 2 && c.layout() == Layout.COLUMN_MAJOR);
                assertThat(file.read(scope).hasSameEntries(matrix)).isTrue();
            }
        }
    }

    @Test
    void aBatchOfOneKeepsItsThreeDimensionsWhenAsked() {
        Path path = dir.resolve("b1.npy");
        NpyWriter.write(path, Matrix.of(new double[][] {{1, 2}, {3, 4}}), 3, NpyOrder.C);
        assertThat(NpyFile.open(path).shape()).containsExactly(1L, 2L, 2L);
    }

    @Test
    void writesVectors() {
        Path path = dir.resolve("s.npy");
        NpyWriter.write(path, new double[] {3, 2, 1});
        assertThat(NpyFile.open(path).shape()).containsExactly(3L);
        assertThat(NpyFile.read(path).columnToArray(0)).containsExactly(3, 2, 1);

        NpyWriter.write(path, Matrix.of(new double[][] {{4, 5, 6}}), 1, NpyOrder.C);
        assertThat(NpyFile.open(path).shape()).containsExactly(3L);
        assertThat(NpyFile.read(path).columnToArray(0)).containsExactly(4, 5, 6);

        double[] large = new double[3_000_000];
        for (int i = 0; i < large.length; i++) {
            large[i] = i;
        }
        NpyWriter.write(path, large);
        assertThat(NpyFile.read(path).columnToArray(0)).isEqualTo(large);

        NpyWriter.write(path, new double[0]);
        assertThat(NpyFile.open(path).shape()).containsExactly(0L);
    }

    @Test
    void refusesShapesThatDoNotFitAndLeavesTheFileAlone() throws IOException {
        Path path = dir.resolve("kept.npy");
        Files.writeString(path, "before");
        Matrix square = Matrix.of(new double[][] {{1, 2}, {3, 4}});
        assertThatThrownBy(() -> NpyWriter.write(path, square, 1, NpyOrder.C))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("2×2");
        assertThatThrownBy(() -> NpyWriter.write(path, square, 4, NpyOrder.C))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("4");
        Matrix batch = Matrix.zeros(Precision.FLOAT64, 3, 2, 2, Layout.ROW_MAJOR);
        assertThatThrownBy(() -> NpyWriter.write(path, batch, 2, NpyOrder.C))
                .isInstanceOf(ShapeMismatchException.class);
        batch.close();
        assertThatThrownBy(() -> NpyWriter.write(path, batch)).isInstanceOf(ClosedException.class);
        assertThat(path).hasContent("before");
        assertThat(dir).isDirectoryNotContaining("glob:**.nullspace-*");
    }

    @Test
    void namesThePathThatCannotBeWritten() throws IOException {
        double[] data = {1};
        assertThatThrownBy(() -> NpyWriter.write(dir, data))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(dir + ": a directory, a file was expected");
        Path below = dir.resolve("absent").resolve("a.npy");
        assertThatThrownBy(() -> NpyWriter.write(below, data))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(below.toString())
                .hasMessageContaining("there is no directory");
    }

    @Test
    void aFullDiskIsAnError() throws IOException {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.isWritable(full), "only Linux has a device that is always full");
        try (FileChannel channel = FileChannel.open(full, StandardOpenOption.WRITE)) {
            assertThatThrownBy(() -> NpyWriter.write(channel, new double[] {1}))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("No space left");
        }
    }
}
