package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

class NpyFileTest {
    @TempDir
    Path dir;

    // ---- files made by NumPy
    // ---------------------------------------------------------------------------------------------------------

    record Sample(String file, String expect, String dtype, String order, List<Long> shape) {
        Path path() {
            try {
                return Path.of(NpyFileTest.class
                        .getResource("/org/nullspace/npy/" + file)
                        .toURI());
            } catch (URISyntaxException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public String toString() {
            return file;
        }
    }

    static List<Sample> samples() throws IOException, URISyntaxException {
        Path manifest = Path.of(
                NpyFileTest.class.getResource("/org/nullspace/npy/manifest.csv").toURI());
        List<Sample> out = new ArrayList<>();
        for (String line : Files.readAllLines(manifest)) {
            if (!line.startsWith("#") && !line.startsWith("file,")) {
                String[] f = line.split(",", -1);
                List<Long> shape = f[4].isEmpty()
                        ? List.of()
                        : Arrays.stream(f[4].split("x")).map(Long::valueOf).toList();
                out.add(new Sample(f[0], f[1], f[2], f[3], shape));
            }
        }
        assertThat(out).hasSizeGreaterThan(50);
        return out;
    }

    static Stream<Sample> readable() throws IOException, URISyntaxException {
        return samples().stream().filter(s -> s.expect().equals("ok"));
    }

    static Stream<Sample> notReadable() throws IOException, URISyntaxException {
        return samples().stream().filter(s -> !s.expect().equals("ok"));
    }

    @ParameterizedTest
    @MethodSource("readable")
    void readsWhatNumPyWrote(Sample sample) {
        NpyFile file = NpyFile.open(sample.path());
        assertThat(file.shape()).isEqualTo(sample.shape());
        assertThat(file.dimensions()).isEqualTo(sample.shape().size());
        assertThat(file.precision())
                .isEqualTo(sample.dtype().equals("float32") ? Precision.FLOAT32 : Precision.FLOAT64);
        try (MemoryScope scope = MemoryScope.open()) {
            for (Matrix matrix : new Matrix[] {file.read(scope), NpyFile.read(sample.path())}) {
                assertThat(matrix.precision()).isEqualTo(file.precision());
                assertThat(matrix.layout()).isEqualTo(file.layout());
                int last = sample.shape().size() - 1;
                assertThat(matrix.batch()).isEqualTo(last == 2 ? sample.shape().get(0) : 1);
                assertThat(matrix.rows()).isEqualTo(sample.shape().get(Math.max(0, last - 1)));
                assertThat(matrix.columns())
                        .isEqualTo(last == 0 ? 1 : sample.shape().get(last));
                if (!matrix.isEmpty() && last > 0 && !file.fortranOrder()) {
                    assertThat(matrix.layout()).isEqualTo(Layout.ROW_MAJOR);
                }
                double[] special = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -0.0};
                long index = 0;
                for (long b = 0; b < matrix.batch(); b++) {
                    for (long i = 0; i < matrix.rows(); i++) {
                        for (long j = 0; j < matrix.columns(); j++) {
                            double expected =
                                    sample.file().equals("nan_inf.npy") ? special[(int) index] : index / 2.0 - 3;
                            assertThat(Double.doubleToLongBits(matrix.get(b, i, j)))
                                    .as("(%d, %d, %d)", b, i, j)
                                    .isEqualTo(Double.doubleToLongBits(expected));
                            index++;
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("notReadable")
    void refusesEverythingElseNamingTheFile(Sample sample) {
        assertThatThrownBy(() -> NpyFile.open(sample.path()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(sample.path() + ": ");
    }

    /** What the messages say beside the name of the file. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "trailing_bytes.npy   | trailing bytes, 96 bytes of data expected for 3×4 entries of FLOAT64, found 120",
                "big_endian_f8.npy    | big-endian floating-point numbers ('>f8'), only little-endian float32",
                "dtype_i8.npy         | integers ('<i8')",
                "dtype_i8.npy         | numpy.save(file, a.astype('<f8'))",
                "dtype_u1.npy         | unsigned integers ('|u1')",
                "dtype_b1.npy         | truth values ('|b1')",
                "dtype_f2.npy         | floating-point numbers of another size or byte order ('<f2')",
                "dtype_c16.npy        | complex numbers ('<c16')",
                "dtype_structured.npy | structured ([(",
                "dtype_string.npy     | text (",
                "dtype_object.npy     | pickled Python objects ('|O')",
                "dimensions_0.npy     | 0 dimensions (a single number); 1, 2 or 3",
                "dimensions_4.npy     | 4 dimensions, shape ",
                "truncated_data.npy   | truncated, 96 bytes of data expected for 3×4 entries of FLOAT64, found 84",
                "truncated_no_data.npy| truncated, 96 bytes of data expected",
                "truncated_header.npy | truncated, the header takes ",
                "truncated_length.npy | truncated, the file ends within the header",
                "truncated_magic.npy  | truncated, the file ends within the header",
                "zero_bytes.npy       | the file is empty",
                "bad_magic.npy        | not an .npy file, it begins with the bytes",
                "text.npy             | not an .npy file, it begins with the bytes",
                "zip.npy              | ZIP archive (.npz?)",
                "bad_version.npy      | version 9.0 of the .npy format is not known; 1.0, 2.0 and 3.0 are",
                "no_descr.npy         | 'descr' is missing",
                "no_shape.npy         | 'shape' is missing",
                "no_order.npy         | 'fortran_order' is missing",
                "not_a_dictionary.npy | malformed .npy header, expected '{'",
                "negative_shape.npy   | a length, a number without sign",
                "overflow_shape.npy   | exceeds 64 bits",
                "huge_shape.npy       | truncated, ",
                "huge_header_length.npy | truncated, the header takes 4294967",
                "text_shape.npy       | a length, a number without sign",
            })
    void saysWhatWasFound(String name, String message) throws IOException, URISyntaxException {
        Sample sample = samples().stream()
                .filter(s -> s.file().equals(name))
                .findFirst()
                .orElseThrow();
        assertThatThrownBy(() -> NpyFile.read(sample.path())).hasMessageContaining(message);
    }

    // ---- files that are none
    // ---------------------------------------------------------------------------------------------------------

    @Test
    void refusesPathsThatAreNoFiles() {
        assertThatThrownBy(() -> NpyFile.open(dir.resolve("absent.npy")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(dir.resolve("absent.npy") + ": no such file");
        assertThatThrownBy(() -> NpyFile.open(dir))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(dir + ": a directory, a file was expected");
        Path device = Path.of("/dev/null");
        if (Files.exists(device)) {
            assertThatThrownBy(() -> NpyFile.open(device))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("/dev/null: not a regular file");
        }
    }

    @Test
    void refusesAFileThatBecameShorterAfterItWasOpened() throws IOException {
        Path path = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", doubles(1, 2, 3, 4));
        NpyFile file = NpyFile.open(path);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(Files.size(path) - 12);
        }
        assertThatThrownBy(file::read)
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(path + ": truncated while it was read, 32 bytes of data expected, found 20");
    }

    @Test
    void anArrayLargerThanTheMachineIsRefusedBeforeItIsAllocated() throws IOException {
        long entries = HostMemory.physicalBytes() / 8 + 1024;
        Path path = dir.resolve("sparse.npy");
        byte[] header = header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + entries + ",), }");
        Files.write(path, header);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(header.length + entries * 8);
        } catch (IOException e) {
            assumeTrue(false, "no sparse files of this size here");
        }
        NpyFile file = NpyFile.open(path);
        assertThat(file.byteSize()).isEqualTo(entries * 8);
        try (MemoryScope scope = MemoryScope.open()) {
            assertThatThrownBy(() -> file.read(scope)).isInstanceOf(InsufficientMemoryException.class);
            assertThat(scope.liveBytes()).isZero();
        }
    }

    @Test
    void aMatrixReadIntoAScopeEndsWithIt() throws IOException {
        Path path = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", doubles(1, 2));
        Matrix matrix;
        try (MemoryScope scope = MemoryScope.open()) {
            matrix = NpyFile.open(path).read(scope);
            assertThat(scope.liveBytes()).isEqualTo(16);
            assertThat(matrix.get(1, 0)).isEqualTo(2);
        }
        assertThatThrownBy(() -> matrix.get(1, 0)).isInstanceOf(ClosedException.class);
    }

    // ---- headers
    // ---------------------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }",
                "{'descr':'<f8','fortran_order':False,'shape':(2,3)}",
                "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (2, 3,)}",
                "{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f8'}",
                " { 'shape' : ( 2 , 3 ) , 'fortran_order' : False , 'descr' : '<f8' , } ",
            })
    void acceptsTheSameDictionaryInAnySpelling(String header) throws IOException {
        NpyFile file = NpyFile.open(npy(header, doubles(1, 2, 3, 4, 5, 6)));
        assertThat(file.shape()).containsExactly(2L, 3L);
        assertThat(file.read().toArray()).isDeepEqualTo(new double[][] {{1, 2, 3}, {4, 5, 6}});
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``                                                                     | expected '{' at character 0, found its end",
                "('descr', '<f8')                                                       | expected '{' at character 0",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2), }               | one number in parentheses is not a tuple",
                "{'descr': '<f8', 'fortran_order': False, 'shape': 2, }                 | expected '('",
                "{'descr': '<f8', 'fortran_order': False, 'shape': [2], }               | expected '('",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2,,), }             | expected a length",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (,), }               | expected a length",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2 3), }             | expected ',' or ')'",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2.0,), }            | expected ',' or ')'",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }             | expected a length",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1+1,), }            | expected ',' or ')'",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), } | a length below 2^63",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)                 | expected '}'",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} x              | expected nothing after the dictionary",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'more': 1}     | expected the key 'descr', 'fortran_order' or 'shape'",
                "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)} | expected the key 'descr' only once",
                "{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}                    | expected True or False",
                "{'descr': '<f8', 'fortran_order': Falsey, 'shape': (2,)}               | expected True or False",
                "{'descr': '<f8', 'fortran_order': false, 'shape': (2,)}                | expected True or False",
                "{'descr' '<f8', 'fortran_order': False, 'shape': (2,)}                 | expected ':'",
                "{descr: '<f8', 'fortran_order': False, 'shape': (2,)}                  | expected a quoted string",
                "{'descr: <f8}                                                          | expected a quoted string without escapes",
                "{'descr': '<\\x668', 'fortran_order': False, 'shape': (2,)}            | expected a quoted string without escapes",
                "{'descr': <f8, 'fortran_order': False, 'shape': (2,)}                  | the description of the entries",
                "{'descr': [('a', '<f8'), 'fortran_order': False, 'shape': (2,)}        | the description of the entries",
                "{'descr': '', 'fortran_order': False, 'shape': (2,)}                   | entries are of an unknown kind ('')",
                "{'descr': '<f8 ', 'fortran_order': False, 'shape': (2,)}               | ('<f8 ')",
            })
    void refusesMalformedHeaders(String header, String message) throws IOException {
        Path path = npy(header, doubles(1, 2));
        assertThatThrownBy(() -> NpyFile.open(path))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(path + ": ")
                .hasMessageContaining(message);
    }

    // ---- large arrays
    // ----------------------------------------------------------------------------------------------------------------

    /** More than a segment of 1 GiB, in a file whose zeros take no space. */
    @Test
    void readsAcrossTheSegmentsOfTheMemory() throws IOException {
        assumeTrue(HostMemory.physicalBytes() > 4L << 30, "needs 4 GiB of memory");
        long entries = (1L << 27) + (1L << 20) + 3;
        long[] places = {0, 1, (1L << 20) - 1, 1L << 20, (1L << 27) - 1, 1L << 27, (1L << 27) + 1, entries - 1};
        Path path = dir.resolve("large.npy");
        byte[] header = header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + entries + ",), }");
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(header));
            for (long place : places) {
                channel.write(ByteBuffer.wrap(doubles(place + 0.5)), header.length + place * 8);
            }
        }
        List<Long> told = new ArrayList<>();
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix matrix = NpyFile.open(path).read(scope, (done, total) -> {
                assertThat(total).isEqualTo(entries * 8);
                told.add(done);
            });
            assertThat(matrix.rows()).isEqualTo(entries);
            for (long place : places) {
                assertThat(matrix.get(place, 0)).as("entry %d", place).isEqualTo(place + 0.5);
            }
            assertThat(matrix.get(2, 0)).isZero();
            assertThat(matrix.get(entries - 2, 0)).isZero();
        }
        assertThat(told).isSorted().doesNotHaveDuplicates().endsWith(entries * 8);
    }

    static Stream<long[]> interleaved() {
        return Stream.of(
                new long[] {3, 700, 500},
                new long[] {1_100_000, 2, 1},
                new long[] {2, 1, 700_000},
                new long[] {7, 1, 1},
                new long[] {1, 40, 30},
                new long[] {5000, 6, 12});
    }

    /** Entry (b, i, j) of a Fortran-ordered array lies at b + B·(i + n·j) in the file. */
    @ParameterizedTest
    @MethodSource("interleaved")
    void rearrangesBatchesInFortranOrder(long[] shape) throws IOException {
        long count = shape[0];
        long n = shape[1];
        long d = shape[2];
        for (Precision precision : Precision.values()) {
            int width = precision.bytes();
            ByteBuffer data = ByteBuffer.allocate((int) (count * n * d * width)).order(ByteOrder.LITTLE_ENDIAN);
            for (long e = 0; e < count * n * d; e++) {
                if (width == 8) {
                    data.putDouble(e);
                } else {
                    data.putFloat(e);
                }
            }
            Path path = npy(
                    "{'descr': '<f" + width + "', 'fortran_order': True, 'shape': (" + count + ", " + n + ", " + d
                            + "), }",
                    data.array());
            Matrix matrix = NpyFile.read(path);
            assertThat(matrix.layout()).isEqualTo(Layout.COLUMN_MAJOR);
            assertThat(matrix.batch()).isEqualTo(count);
            long wrong = 0;
            for (long b = 0; b < count; b++) {
                for (long i = 0; i < n; i++) {
                    for (long j = 0; j < d; j++) {
                        wrong += matrix.get(b, i, j) == (double) (b + count * (i + n * j)) ? 0 : 1;
                    }
                }
            }
            assertThat(wrong).isZero();
            matrix.close();
            Files.delete(path);
        }
    }

    // ---- help
    // ------------------------------------------------------------------------------------------------------------------------

    private Path npy(String header, byte[] data) throws IOException {
        Path path = Files.createTempFile(dir, "made", ".npy");
        Files.write(path, header(header));
        Files.write(path, data, StandardOpenOption.APPEND);
        return path;
    }

    private static byte[] header(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return ByteBuffer.allocate(10 + bytes.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(NpyFile.MAGIC)
                .put((byte) 1)
                .put((byte) 0)
                .putShort((short) bytes.length)
                .put(bytes)
                .array();
    }

    private static byte[] doubles(double... values) {
        ByteBuffer out = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            out.putDouble(value);
        }
        return out.array();
    }
}
