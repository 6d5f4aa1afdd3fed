package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

class NpyReaderTest {
    @TempDir
    Path dir;

    /** What entry (b, i, j) holds; exact in float32. */
    private static double value(long b, long i, long j) {
        return b + 0.25 * i - 0.0625 * j;
    }

    /** Written byte by byte, as the format's description says. */
    private Path array(Precision precision, boolean fortran, int batch, int rows, int columns) throws IOException {
        String header = "{'descr': '" + (precision == Precision.FLOAT64 ? "<f8" : "<f4") + "', 'fortran_order': "
                + (fortran ? "True" : "False") + ", 'shape': (" + batch + ", " + rows + ", " + columns + "), }\n";
        ByteBuffer out = ByteBuffer.allocate(10 + header.length() + batch * rows * columns * precision.bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        out.put(NpyFile.MAGIC).put((byte) 1).put((byte) 0).putShort((short) header.length());
        out.put(header.getBytes(StandardCharsets.US_ASCII));
        for (int at = 0; at < batch * rows * columns; at++) {
            long b = fortran ? at % batch : at / (rows * columns);
            long i = fortran ? at / batch % rows : at / columns % rows;
            long j = fortran ? at / batch / rows : at % columns;
            if (precision == Precision.FLOAT64) {
                out.putDouble(value(b, i, j));
            } else {
                out.putFloat((float) value(b, i, j));
            }
        }
        return Files.write(dir.resolve("a.npy"), out.array());
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, false, FLOAT64",
        "FLOAT64, true, FLOAT64",
        "FLOAT32, false, FLOAT32",
        "FLOAT32, true, FLOAT32",
        "FLOAT32, false, FLOAT64",
        "FLOAT32, true, FLOAT64"
    })
    void problemsFromAnywhereInTheFile(Precision stored, boolean fortran, Precision wanted) throws IOException {
        int batch = 11;
        NpyFile file = NpyFile.open(array(stored, fortran, batch, 3, 4));
        try (MemoryScope scope = MemoryScope.open();
                NpyReader reader = file.reader()) {
            for (int first = 0; first <= batch; first++) {
                for (int count = 0; first + count <= batch; count++) {
                    // Room in the middle of a larger matrix, so that writing beside it would show.
                    Matrix room = Matrix.zeros(scope, wanted, count + 2, 3, 4, Layout.ROW_MAJOR);
                    reader.read(first, room.problems(1, count + 1));
                    for (int b = 0; b < count + 2; b++) {
                        boolean inside = b > 0 && b <= count;
                        for (int i = 0; i < 3; i++) {
                            for (int j = 0; j < 4; j++) {
                                assertThat(room.get(b, i, j)).isEqualTo(inside ? value(first + b - 1, i, j) : 0);
                            }
                        }
                    }
                }
            }
        }
    }

    /** Larger than the reader's buffer, in one call and in several, as the whole file is read. */
    @ParameterizedTest
    @CsvSource({"FLOAT64, false", "FLOAT64, true", "FLOAT32, true"})
    void manyProblems(Precision precision, boolean fortran) throws IOException {
        int batch = 60_000;
        NpyFile file = NpyFile.open(array(precision, fortran, batch, 5, 3));
        try (MemoryScope scope = MemoryScope.open();
                NpyReader reader = file.reader()) {
            Matrix whole = file.read(scope);
            Matrix atOnce = Matrix.zeros(scope, Precision.FLOAT64, batch, 5, 3, Layout.ROW_MAJOR);
            Matrix inParts = Matrix.zeros(scope, precision, batch, 5, 3, Layout.ROW_MAJOR);
            if (precision == Precision.FLOAT64) {
                reader.read(0, atOnce);
                assertThat(atOnce.hasSameEntries(whole)).isTrue();
            }
            for (long first = 0; first < batch; first += 25_001) {
                reader.read(first, inParts.problems(first, Math.min(batch, first + 25_001)));
            }
            assertThat(inParts.hasSameEntries(whole)).isTrue();
        }
    }

    @Test
    void fewProblemsOfALargeShape() throws IOException {
        NpyFile file = NpyFile.open(array(Precision.FLOAT64, true, 3, 700, 500));
        try (MemoryScope scope = MemoryScope.open();
                NpyReader reader = file.reader()) {
            Matrix whole = file.read(scope);
            Matrix two = Matrix.zeros(scope, Precision.FLOAT64, 2, 700, 500, Layout.ROW_MAJOR);
            reader.read(1, two);
            assertThat(two.hasSameEntries(whole.problems(1, 3))).isTrue();
            Matrix all = Matrix.zeros(scope, Precision.FLOAT64, 3, 700, 500, Layout.ROW_MAJOR);
            reader.read(0, all);
            assertThat(all.hasSameEntries(whole)).isTrue();
        }
    }

    @Test
    void oneMatrixIsABatchOfOne() throws IOException {
        Matrix m = Matrix.of(new double[][] {{1, 2, 3}, {4, 5, 6}});
        NpyWriter.write(dir.resolve("f.npy"), m.copy(Layout.COLUMN_MAJOR), 2, NpyOrder.AS_STORED);
        try (NpyReader reader = NpyFile.open(dir.resolve("f.npy")).reader()) {
            Matrix read = Matrix.zeros(Precision.FLOAT64, 1, 2, 3, Layout.ROW_MAJOR);
            reader.read(0, read);
            assertThat(read.hasSameEntries(m)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void aFileThatBecomesShorterIsFound(boolean fortran) throws IOException {
        Path path = array(Precision.FLOAT64, fortran, 5, 2, 3);
        NpyFile file = NpyFile.open(path);
        try (NpyReader reader = file.reader()) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate(channel.size() - 12);
            }
            Matrix first = Matrix.zeros(Precision.FLOAT64, 1, 2, 3, Layout.ROW_MAJOR);
            reader.read(0, first);
            assertThat(first.get(0, 1, 2)).isEqualTo(value(0, 1, 2));
            assertThatThrownBy(() -> reader.read(4, first))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(path + ": truncated while it was read, 240 bytes of data expected, found 228");
        }
    }

    @Test
    void misuseIsRefused() throws IOException {
        Path path = array(Precision.FLOAT64, false, 5, 2, 3);
        try (NpyReader reader = NpyFile.open(path).reader()) {
            assertThatThrownBy(() -> reader.read(0, Matrix.zeros(Precision.FLOAT64, 1, 3, 2, Layout.ROW_MAJOR)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll(path.toString(), "2×3", "3×2");
            Matrix two = Matrix.zeros(Precision.FLOAT64, 2, 2, 3, Layout.ROW_MAJOR);
            assertThatThrownBy(() -> reader.read(4, two))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContainingAll("problems 4 to 5", "there are 5");
            assertThatThrownBy(() -> reader.read(-1, two)).isInstanceOf(IndexOutOfBoundsException.class);
            for (Matrix wrong : new Matrix[] {
                Matrix.zeros(Precision.FLOAT32, 1, 2, 3, Layout.ROW_MAJOR),
                Matrix.zeros(Precision.FLOAT64, 1, 2, 3, Layout.COLUMN_MAJOR),
                Matrix.zeros(Precision.FLOAT64, 1, 2, 5, Layout.ROW_MAJOR).columns(1, 4)
            }) {
                assertThatThrownBy(() -> reader.read(0, wrong)).isInstanceOf(InvalidInputException.class);
            }
        }
    }

    // ---- columns

    @ParameterizedTest
    @CsvSource({"FLOAT64, ROW_MAJOR", "FLOAT64, COLUMN_MAJOR", "FLOAT32, ROW_MAJOR", "FLOAT32, COLUMN_MAJOR"})
    void columnsFromAnywhereInTheFile(Precision precision, Layout layout) {
        Matrix all = Matrix.zeros(precision, 1, 4, 9, Layout.ROW_MAJOR);
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 9; j++) {
                all.set(0, i, j, value(0, i, j));
            }
        }
        Path path = dir.resolve("columns.npy");
        NpyWriter.write(path, all.copy(layout), 2, NpyOrder.AS_STORED);
        try (NpyReader reader = NpyFile.open(path).reader()) {
            for (int first = 0; first <= 9; first++) {
                for (int count = 0; first + count <= 9; count++) {
                    Matrix room = Matrix.zeros(precision, 1, 4, count, layout);
                    reader.readColumns(first, room);
                    for (int i = 0; i < 4; i++) {
                        for (int j = 0; j < count; j++) {
                            assertThat(room.get(i, j)).isEqualTo(value(0, i, first + j));
                        }
                    }
                }
            }
            assertThatThrownBy(() -> reader.readColumns(8, Matrix.zeros(precision, 1, 4, 2, layout)))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("columns 8 to 9");
            assertThatThrownBy(() -> reader.readColumns(0, Matrix.zeros(precision, 1, 3, 2, layout)))
                    .isInstanceOf(ShapeMismatchException.class);
            assertThatThrownBy(() -> reader.readColumns(0, Matrix.zeros(precision, 1, 4, 2, layout.transposed())))
                    .isInstanceOf(InvalidInputException.class);
            Precision other = precision == Precision.FLOAT32 ? Precision.FLOAT64 : Precision.FLOAT32;
            assertThatThrownBy(() -> reader.readColumns(0, Matrix.zeros(other, 1, 4, 2, layout)))
                    .isInstanceOf(InvalidInputException.class);
        }
    }
}
