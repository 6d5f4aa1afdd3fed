package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.RandomMatrices;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Arrays that are written piece by piece: problem after problem, and side by side. */
class NpyPiecewiseTest {
    @TempDir
    Path dir;

    private FileChannel channel(String name) throws IOException {
        return FileChannel.open(dir.resolve(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static Matrix random(Precision precision, long batch, long rows, long columns, Layout layout) {
        return RandomMatrices.gaussian(batch * 31 + rows, precision, batch, rows, columns, layout);
    }

    // ---- problem after problem

    /** The same bytes as the array written as a whole; more than the buffer holds. */
    @ParameterizedTest
    @CsvSource({
        "FLOAT64, ROW_MAJOR, 3",
        "FLOAT64, COLUMN_MAJOR, 3",
        "FLOAT32, COLUMN_MAJOR, 3",
        "FLOAT32, ROW_MAJOR, 1",
        "FLOAT64, COLUMN_MAJOR, 1"
    })
    void pieceByPieceIsTheSameFile(Precision precision, Layout layout, long columns) throws IOException {
        Matrix all = random(precision, 30_000, 5, columns, layout);
        try (FileChannel to = channel("pieces.npy")) {
            NpyAppender appender = new NpyAppender(to, precision, 30_000, 5, columns);
            for (long first = 0; first < 30_000; ) {
                long next = Math.min(30_000, 3 * first + 7);
                appender.append(all.problems(first, next));
                first = next;
            }
            appender.finish();
        }
        NpyWriter.write(dir.resolve("whole.npy"), all, 3, NpyOrder.C);
        assertThat(Files.mismatch(dir.resolve("pieces.npy"), dir.resolve("whole.npy")))
                .isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT64, ROW_MAJOR", "FLOAT64, COLUMN_MAJOR", "FLOAT32, COLUMN_MAJOR"})
    void columnAfterColumnIsTheSameFile(Precision precision, Layout layout) throws IOException {
        Matrix all = random(precision, 1, 700, 900, layout);
        try (FileChannel to = channel("columns.npy")) {
            NpyAppender appender = NpyAppender.ofColumns(to, precision, 700, 900);
            for (long first = 0; first < 900; ) {
                long next = Math.min(900, 2 * first + 7);
                appender.appendColumns(all.columns(first, next));
                first = next;
            }
            assertThatThrownBy(() -> appender.appendColumns(all.columns(0, 1)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContaining("(700, 900)");
            appender.finish();
        }
        NpyWriter.write(dir.resolve("whole.npy"), all.copy(Layout.COLUMN_MAJOR), 2, NpyOrder.AS_STORED);
        assertThat(Files.mismatch(dir.resolve("columns.npy"), dir.resolve("whole.npy")))
                .isEqualTo(-1);
    }

    @Test
    void partsOfALargerMatrix() throws IOException {
        Matrix large = random(Precision.FLOAT64, 4, 6, 5, Layout.COLUMN_MAJOR);
        Matrix part = large.rows(1, 4).columns(2, 4);
        Matrix one = large.rows(2, 3);
        try (FileChannel to = channel("part.npy");
                FileChannel rows = channel("rows.npy")) {
            NpyAppender appender = new NpyAppender(to, Precision.FLOAT64, 4, 3, 2);
            appender.append(part);
            appender.finish();
            NpyAppender flat = new NpyAppender(rows, Precision.FLOAT64, 4, 5);
            flat.append(one);
            flat.finish();
        }
        assertThat(NpyFile.read(dir.resolve("part.npy")).hasSameEntries(part)).isTrue();
        Matrix read = NpyFile.read(dir.resolve("rows.npy"));
        assertThat(read.shape()).isEqualTo("4×5");
        for (int b = 0; b < 4; b++) {
            for (int j = 0; j < 5; j++) {
                assertThat(read.get(b, j)).isEqualTo(one.get(b, 0, j));
            }
        }
    }

    @Test
    void nothing() throws IOException {
        try (FileChannel to = channel("none.npy")) {
            NpyAppender appender = new NpyAppender(to, Precision.FLOAT32, 0, 3, 2);
            appender.append(Matrix.zeros(Precision.FLOAT32, 0, 3, 2, Layout.ROW_MAJOR));
            appender.finish();
        }
        assertThat(NpyFile.open(dir.resolve("none.npy")).shape()).containsExactly(0L, 3L, 2L);
    }

    @Test
    void aWrongNumberOfProblemsOrEntriesIsRefused() throws IOException {
        try (FileChannel to = channel("wrong.npy")) {
            NpyAppender appender = new NpyAppender(to, Precision.FLOAT64, 3, 2, 2);
            assertThatThrownBy(() -> appender.append(Matrix.zeros(Precision.FLOAT64, 1, 2, 3, Layout.ROW_MAJOR)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContainingAll("2×3", "(3, 2, 2)");
            assertThatThrownBy(() -> appender.append(Matrix.zeros(Precision.FLOAT32, 1, 2, 2, Layout.ROW_MAJOR)))
                    .isInstanceOf(InvalidInputException.class);
            appender.append(Matrix.zeros(Precision.FLOAT64, 2, 2, 2, Layout.ROW_MAJOR));
            assertThatThrownBy(appender::finish)
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContaining("after 2 of 3 problems");
            assertThatThrownBy(() -> appender.append(Matrix.zeros(Precision.FLOAT64, 2, 2, 2, Layout.ROW_MAJOR)))
                    .isInstanceOf(ShapeMismatchException.class);
            assertThatThrownBy(() -> new NpyAppender(to, Precision.FLOAT64, 3))
                    .isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> new NpyAppender(to, Precision.FLOAT64, 3, -1))
                    .isInstanceOf(InvalidInputException.class);
        }
    }

    // ---- side by side

    @Test
    void matricesSideBySide() throws IOException {
        int[] widths = new int[20_000];
        Matrix all = random(Precision.FLOAT64, widths.length, 7, 4, Layout.COLUMN_MAJOR);
        try (FileChannel entries = channel("n.npy");
                FileChannel offsets = channel("o.npy")) {
            NpyRagged ragged = new NpyRagged(entries, offsets, 7, widths.length);
            for (int b = 0; b < widths.length; b++) {
                widths[b] = b % 5;
                ragged.append(all.problem(b).columns(0, widths[b]));
            }
            ragged.finish();
        }
        NpyFile file = NpyFile.open(dir.resolve("n.npy"));
        assertThat(file.shape()).containsExactly(7L, 40_000L);
        assertThat(file.fortranOrder()).isTrue();
        Matrix read = file.read();
        ByteBuffer offsets =
                ByteBuffer.wrap(Files.readAllBytes(dir.resolve("o.npy"))).order(ByteOrder.LITTLE_ENDIAN);
        int start = offsets.capacity() - 8 * (widths.length + 1);
        assertThat(start).isEqualTo(128);
        assertThat(new String(offsets.array(), 10, 60, java.nio.charset.StandardCharsets.US_ASCII))
                .contains("'descr': '<i8'", "'shape': (20001,)");
        long at = 0;
        for (int b = 0; b < widths.length; b++) {
            assertThat(offsets.getLong(start + 8 * b)).isEqualTo(at);
            Matrix wanted = all.problem(b).columns(0, widths[b]);
            assertThat(read.columns(at, at + widths[b]).hasSameEntries(wanted)).isTrue();
            at += widths[b];
        }
        assertThat(offsets.getLong(start + 8 * widths.length)).isEqualTo(at);
    }

    @Test
    void misuseOfRaggedMatricesIsRefused() throws IOException {
        try (FileChannel entries = channel("n.npy");
                FileChannel offsets = channel("o.npy")) {
            NpyRagged ragged = new NpyRagged(entries, offsets, 3, 1);
            assertThatThrownBy(ragged::finish).isInstanceOf(ShapeMismatchException.class);
            assertThatThrownBy(() -> ragged.append(Matrix.zeros(Precision.FLOAT64, 1, 2, 2, Layout.COLUMN_MAJOR)))
                    .isInstanceOf(ShapeMismatchException.class);
            assertThatThrownBy(() -> ragged.append(Matrix.zeros(Precision.FLOAT64, 1, 3, 2, Layout.ROW_MAJOR)))
                    .isInstanceOf(InvalidInputException.class);
            assertThatThrownBy(() -> ragged.append(Matrix.zeros(Precision.FLOAT32, 1, 3, 2, Layout.COLUMN_MAJOR)))
                    .isInstanceOf(InvalidInputException.class);
            ragged.append(Matrix.zeros(Precision.FLOAT64, 1, 3, 2, Layout.COLUMN_MAJOR));
            assertThatThrownBy(() -> ragged.append(Matrix.zeros(Precision.FLOAT64, 1, 3, 2, Layout.COLUMN_MAJOR)))
                    .isInstanceOf(ShapeMismatchException.class);
            ragged.finish();
        }
        assertThat(NpyFile.open(dir.resolve("n.npy")).shape()).containsExactly(3L, 2L);
    }
}
