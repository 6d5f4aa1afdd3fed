package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * An array in NumPy's {@code .npy} format: what its header says, and a way to read the entries. Format versions 1.0, 2.0 and 3.0,
 * little-endian float32 ({@code <f4}) and float64 ({@code <f8}), C or Fortran order, one to three dimensions. Everything else is
 * refused with a message that says what was found.
 *
 * <table>
 * <caption>Array and matrix</caption>
 * <tr><th>array</th><th>matrix</th></tr>
 * <tr><td>n</td><td>n×1</td></tr>
 * <tr><td>n×d, C order</td><td>n×d, row-major</td></tr>
 * <tr><td>n×d, Fortran order</td><td>n×d, column-major</td></tr>
 * <tr><td>B×n×d, C order</td><td>batch of B, n×d, row-major</td></tr>
 * <tr><td>B×n×d, Fortran order</td><td>batch of B, n×d, column-major; rearranged while it is read</td></tr>
 * </table>
 *
 * <p><b>Memory.</b> {@link #open} reads the header only. Reading puts the entries straight into the matrix's off-heap memory: the array
 * is held once, whatever its size. Only a three-dimensional array in Fortran order goes through a buffer of a few megabytes, because
 * its first index, which numbers the problems, runs fastest. {@link #reader()} reads a few problems at a time.
 *
 * <p><b>Threads.</b> Immutable; may be used from any thread.
 *
 * <p>Source of the format: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays", and the documentation of
 * {@code numpy.lib.format}.
 */
public final class NpyFile {
    static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    private static final int MAX_HEADER_BYTES = 1 << 20;
    private static final int PIECE_BYTES = 8 << 20;

    private final Path path;
    private final Precision precision;
    private final boolean fortranOrder;
    private final List<Long> shape;
    private final long dataOffset;
    private final long byteSize;

    private NpyFile(
            Path path, Precision precision, boolean fortranOrder, List<Long> shape, long dataOffset, long byteSize) {
        this.path = path;
        this.precision = precision;
        this.fortranOrder = fortranOrder;
        this.shape = shape;
        this.dataOffset = dataOffset;
        this.byteSize = byteSize;
    }

    /**
     * Reads the header of a file and checks the file's size against it.
     *
     * @param path the file
     * @return what the header says
     * @throws InvalidInputException if there is no such file, it cannot be read, it is no {@code .npy} file, holds something other than
     *     the supported arrays, or is shorter or longer than its header says; the message names the file
     */
    public static NpyFile open(Path path) {
        InputFiles.requireReadable(path);
        if (!Files.isRegularFile(path)) {
            throw new InvalidInputException(path + ": not a regular file; an .npy file cannot be read from a pipe");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return open(path, channel);
        } catch (IOException e) {
            throw InputFiles.failed(path, e);
        }
    }

    /**
     * Reads the array of a file into a new matrix that belongs to nobody's scope: see {@link Matrix#close()}.
     *
     * @param path the file
     * @return a new matrix
     * @throws InvalidInputException as {@link #open}
     */
    public static Matrix read(Path path) {
        return open(path).read();
    }

    private static NpyFile open(Path path, FileChannel channel) throws IOException {
        long size = channel.size();
        ByteBuffer start = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        readFully(channel, start);
        start.flip();
        checkMagic(path, start);
        int major = start.get(6) & 0xff;
        int minor = start.get(7) & 0xff;
        if (major < 1 || major > 3 || minor != 0) {
            throw new InvalidInputException(path + ": version " + major + "." + minor
                    + " of the .npy format is not known; 1.0, 2.0 and 3.0 are");
        }
        int lengthBytes = major == 1 ? 2 : 4;
        if (start.limit() < 8 + lengthBytes) {
            throw new InvalidInputException(
                    path + ": truncated, the file ends within the header after " + size + " bytes");
        }
        long headerBytes = major == 1 ? start.getShort(8) & 0xffffL : start.getInt(8) & 0xffffffffL;
        long dataOffset = 8 + lengthBytes + headerBytes;
        if (dataOffset > size) {
            throw new InvalidInputException(
                    path + ": truncated, the header takes " + dataOffset + " bytes, the file has " + size + " bytes");
        }
        if (headerBytes > MAX_HEADER_BYTES) {
            throw new InvalidInputException(
                    path + ": a header of " + headerBytes + " bytes is longer than any array of numbers needs");
        }
        ByteBuffer header = ByteBuffer.allocate((int) headerBytes);
        channel.position(8 + lengthBytes);
        readFully(channel, header);
        String text = new String(header.array(), major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
        NpyHeader parsed = NpyHeader.parse(text, path.toString());

        Precision precision = precision(path, parsed);
        List<Long> shape = parsed.shape();
        if (shape.isEmpty() || shape.size() > 3) {
            throw new InvalidInputException(path + ": an array of " + shape.size() + " dimensions"
                    + (shape.isEmpty() ? " (a single number)" : ", shape " + describe(shape))
                    + "; 1, 2 or 3 dimensions can be read: n, n×d or B×n×d");
        }
        long byteSize;
        try {
            byteSize = precision.bytes();
            for (long length : shape) {
                byteSize = Math.multiplyExact(byteSize, length);
            }
        } catch (ArithmeticException e) {
            throw new InvalidInputException(
                    path + ": the size in bytes of an array of shape " + describe(shape) + " exceeds 64 bits", e);
        }
        long found = size - dataOffset;
        if (found != byteSize) {
            throw new InvalidInputException(path + ": " + (found < byteSize ? "truncated" : "trailing bytes")
                    + ", " + byteSize + " bytes of data expected for " + describe(shape) + " entries of " + precision
                    + ", found " + found);
        }
        return new NpyFile(path, precision, parsed.fortranOrder(), shape, dataOffset, byteSize);
    }

    private static void checkMagic(Path path, ByteBuffer start) {
        int length = Math.min(start.limit(), MAGIC.length);
        boolean same = true;
        StringBuilder found = new StringBuilder();
        for (int i = 0; i < length; i++) {
            same &= start.get(i) == MAGIC[i];
            found.append(String.format(" %02x", start.get(i) & 0xff));
        }
        if (length == 0) {
            throw new InvalidInputException(path + ": the file is empty, an .npy file was expected");
        }
        if (!same) {
            boolean zip = start.limit() >= 4 && start.getInt(0) == 0x04034b50;
            throw new InvalidInputException(path + ": not an .npy file, it begins with the bytes" + found
                    + (zip
                            ? " of a ZIP archive (.npz?): save each array with numpy.save"
                            : " instead of 93 4e 55 4d 50 59"));
        }
        if (start.limit() < 8) {
            throw new InvalidInputException(
                    path + ": truncated, the file ends within the header after " + start.limit() + " bytes");
        }
    }

    private static Precision precision(Path path, NpyHeader header) {
        String descr = header.descr();
        if (header.plain() && descr.equals("<f8")) {
            return Precision.FLOAT64;
        }
        if (header.plain() && descr.equals("<f4")) {
            return Precision.FLOAT32;
        }
        throw new InvalidInputException(path + ": entries are " + (header.plain() ? kind(descr) : "structured") + " ("
                + (header.plain() ? "'" + descr + "'" : descr)
                + "), only little-endian float32 ('<f4') and float64 ('<f8') can be read"
                + (header.plain() && CONVERTIBLE.indexOf(letter(descr)) >= 0
                        ? "; in NumPy: numpy.save(file, a.astype('<f8'))"
                        : ""));
    }

    private static final String CONVERTIBLE = "fiub";

    private static char letter(String descr) {
        int at = !descr.isEmpty() && "<>=|".indexOf(descr.charAt(0)) >= 0 ? 1 : 0;
        return at < descr.length() ? descr.charAt(at) : '?';
    }

    private static String kind(String descr) {
        String kind = switch (letter(descr)) {
            case 'f' -> "floating-point numbers of another size or byte order";
            case 'i' -> "integers";
            case 'u' -> "unsigned integers";
            case 'b' -> "truth values";
            case 'c' -> "complex numbers";
            case 'O' -> "pickled Python objects";
            case 'S', 'a', 'U' -> "text";
            case 'M', 'm' -> "dates or times";
            case 'V' -> "raw bytes";
            default -> "of an unknown kind";
        };
        return descr.startsWith(">") ? "big-endian " + kind.replace(" of another size or byte order", "") : kind;
    }

    private static String describe(List<Long> shape) {
        StringBuilder out = new StringBuilder();
        for (long length : shape) {
            out.append(out.length() == 0 ? "" : "×").append(length);
        }
        return out.toString();
    }

    /**
     * The file.
     *
     * @return the path as it was given
     */
    public Path path() {
        return path;
    }

    /**
     * Number format of the entries.
     *
     * @return the precision
     */
    public Precision precision() {
        return precision;
    }

    /**
     * Whether the first index runs fastest.
     *
     * @return the header's {@code fortran_order}
     */
    public boolean fortranOrder() {
        return fortranOrder;
    }

    /**
     * Lengths of the array's dimensions, 1 to 3 of them.
     *
     * @return the header's {@code shape}
     */
    public List<Long> shape() {
        return shape;
    }

    /**
     * Number of the array's dimensions. A one-dimensional array of length n becomes a matrix n×1 and a three-dimensional one a batch;
     * whoever has to tell n from n×1, or n×d from 1×n×d, asks here.
     *
     * @return 1, 2 or 3
     */
    public int dimensions() {
        return shape.size();
    }

    /**
     * Number of matrices.
     *
     * @return the first length of a three-dimensional array, otherwise 1
     */
    public long batch() {
        return shape.size() == 3 ? shape.get(0) : 1;
    }

    /**
     * Rows of each matrix.
     *
     * @return number of rows
     */
    public long rows() {
        return shape.get(shape.size() == 3 ? 1 : 0);
    }

    /**
     * Columns of each matrix.
     *
     * @return the last length, or 1 for a one-dimensional array
     */
    public long columns() {
        return shape.size() == 1 ? 1 : shape.get(shape.size() - 1);
    }

    /**
     * Layout of the matrix that {@link #read()} gives.
     *
     * @return column-major for Fortran order and for one-dimensional arrays
     */
    public Layout layout() {
        return fortranOrder || shape.size() == 1 ? Layout.COLUMN_MAJOR : Layout.ROW_MAJOR;
    }

    /**
     * Size of the entries, in the file and in memory.
     *
     * @return bytes
     */
    public long byteSize() {
        return byteSize;
    }

    /**
     * Reads the entries into a new matrix that belongs to nobody's scope: see {@link Matrix#close()}.
     *
     * @return a new matrix
     * @throws InvalidInputException if the file has become shorter since it was opened
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the array needs
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public Matrix read() {
        Matrix out = Matrix.zeros(precision, batch(), rows(), columns(), layout());
        try {
            fill(out, Progress.NONE);
        } catch (RuntimeException e) {
            out.close();
            throw e;
        }
        return out;
    }

    /**
     * Reads the entries into a new matrix in a scope.
     *
     * @param scope owner of the memory
     * @return a new matrix, valid until the scope is closed
     * @throws InvalidInputException if the file has become shorter since it was opened
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the array needs
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public Matrix read(MemoryScope scope) {
        return read(scope, Progress.NONE);
    }

    /**
     * Reads the entries into a new matrix in a scope, telling how far it has come.
     *
     * @param scope owner of the memory
     * @param progress told after every 8 MiB
     * @return a new matrix, valid until the scope is closed
     * @throws InvalidInputException if the file has become shorter since it was opened
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the array needs
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public Matrix read(MemoryScope scope, Progress progress) {
        Matrix out = Matrix.uninitialized(scope, precision, batch(), rows(), columns(), layout());
        fill(out, progress);
        return out;
    }

    private void fill(Matrix out, Progress progress) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException(path + ": .npy files cannot be read on a big-endian machine");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.position(dataOffset);
            if (fortranOrder && batch() > 1 && rows() * columns() > 1) {
                readProblemsInterleaved(channel, out, progress);
            } else {
                readStraight(channel, Entries.host(out), progress);
            }
        } catch (IOException e) {
            throw InputFiles.failed(path, e);
        }
    }

    private void readStraight(FileChannel channel, HostMemory memory, Progress progress) throws IOException {
        for (long done = 0; done < byteSize; ) {
            int part = (int) Math.min(byteSize - done, PIECE_BYTES);
            readPiece(channel, memory.buffer(done, part), done);
            done += part;
            progress.at(done, byteSize);
        }
    }

    /**
     * Reads a three-dimensional array in Fortran order. The file is a table whose row e, of B entries, holds entry e of every problem,
     * counted column by column; the matrix is the transposed table.
     */
    private void readProblemsInterleaved(FileChannel channel, Matrix out, Progress progress) throws IOException {
        int width = precision.bytes();
        long count = batch();
        long entries = rows() * columns();
        Entries target = new Entries(Entries.host(out));
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int capacity = PIECE_BYTES / width;
        int lines = (int) Math.max(1, Math.min(entries, capacity / count));
        long done = 0;
        for (long e0 = 0; e0 < entries; e0 += lines) {
            int height = (int) Math.min(lines, entries - e0);
            for (long b0 = 0; b0 < count; ) {
                int breadth = (int) Math.min(count - b0, capacity / height);
                piece.clear().limit(height * breadth * width);
                readPiece(channel, piece, done);
                done += piece.limit();
                for (int b = 0; b < breadth; b++) {
                    long to = (b0 + b) * entries + e0;
                    for (int e = 0; e < height; e++) {
                        int from = e * breadth + b;
                        if (width == 8) {
                            target.set64(to + e, piece.getLong(from << 3));
                        } else {
                            target.set32(to + e, piece.getInt(from << 2));
                        }
                    }
                }
                b0 += breadth;
                progress.at(done, byteSize);
            }
        }
    }

    private void readPiece(FileChannel channel, ByteBuffer piece, long done) throws IOException {
        readFully(channel, piece);
        if (piece.hasRemaining()) {
            throw truncated(done + piece.position());
        }
    }

    private static void readFully(FileChannel channel, ByteBuffer into) throws IOException {
        while (into.hasRemaining() && channel.read(into) >= 0) {
            // A read may return less than it was asked for.
        }
    }

    /**
     * Opens the file for reading its problems a few at a time.
     *
     * @return a reader, to be closed by the caller
     * @throws UncheckedIOException if the file cannot be opened any more; the message names it
     */
    public NpyReader reader() {
        return new NpyReader(this);
    }

    /** First byte of the entries. */
    long dataOffset() {
        return dataOffset;
    }

    /** The file has become shorter since it was opened. */
    InvalidInputException truncated(long found) {
        return new InvalidInputException(
                path + ": truncated while it was read, " + byteSize + " bytes of data expected, found " + found);
    }

    /**
     * File, shape, precision and order, for messages.
     *
     * @return a description
     */
    @Override
    public String toString() {
        return path + ": " + describe(shape) + " " + precision + " in " + (fortranOrder ? "Fortran" : "C") + " order";
    }
}
