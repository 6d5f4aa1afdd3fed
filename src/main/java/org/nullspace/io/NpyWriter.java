package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Writes arrays in NumPy's {@code .npy} format, version 1.0, with the entries aligned to 64 bytes, as {@code numpy.save} does.
 *
 * <p><b>Memory.</b> Entries are written straight from the matrix's memory where they lie there in the order of the file, and through a
 * buffer of 8 MiB otherwise; the matrix is never copied as a whole.
 *
 * <p><b>Files.</b> The methods that take a path write beside the target and move the complete file into place, see {@link AtomicOutput}:
 * after a failure the target is what it was before. The methods that take a channel write where it stands and leave it open; they are
 * for {@link AtomicOutput#write}. {@link NpyAppender} writes an array whose problems come one after the other.
 */
public final class NpyWriter {
    private static final int PIECE_BYTES = 8 << 20;
    private static final int ALIGNMENT = 64;

    private NpyWriter() {}

    /**
     * Writes a matrix in C order: two dimensions, or three for a batch of more or fewer than one.
     *
     * @param path the file
     * @param matrix a host matrix
     * @throws InvalidInputException if the file cannot be made there; the message names it
     * @throws UncheckedIOException if writing fails; the message names the file
     */
    public static void write(Path path, Matrix matrix) {
        write(path, matrix, matrix.batch() == 1 ? 2 : 3, NpyOrder.C);
    }

    /**
     * Writes a matrix as an array of a given number of dimensions.
     *
     * @param path the file
     * @param matrix a host matrix
     * @param dimensions 1 for a matrix of one row or one column, 2 for a single matrix, 3 for any batch, also a batch of one
     * @param order order of the entries in the file
     * @throws ShapeMismatchException if the matrix does not have that many dimensions
     * @throws InvalidInputException if the file cannot be made there; the message names it
     * @throws UncheckedIOException if writing fails; the message names the file
     */
    public static void write(Path path, Matrix matrix, int dimensions, NpyOrder order) {
        shape(matrix, dimensions);
        AtomicOutput.writeSingle(path, channel -> write(channel, matrix, dimensions, order));
    }

    /**
     * Writes an array of one dimension.
     *
     * @param path the file
     * @param entries the entries
     * @throws InvalidInputException if the file cannot be made there; the message names it
     * @throws UncheckedIOException if writing fails; the message names the file
     */
    public static void write(Path path, double[] entries) {
        AtomicOutput.writeSingle(path, channel -> write(channel, entries));
    }

    /**
     * Writes a matrix in C order to a channel: two dimensions, or three for a batch of more or fewer than one.
     *
     * @param channel where to; stays open
     * @param matrix a host matrix
     * @throws IOException if writing fails
     */
    public static void write(WritableByteChannel channel, Matrix matrix) throws IOException {
        write(channel, matrix, matrix.batch() == 1 ? 2 : 3, NpyOrder.C);
    }

    /**
     * Writes a matrix to a channel as an array of a given number of dimensions.
     *
     * @param channel where to; stays open
     * @param matrix a host matrix
     * @param dimensions 1 for a matrix of one row or one column, 2 for a single matrix, 3 for any batch, also a batch of one
     * @param order order of the entries in the file
     * @throws ShapeMismatchException if the matrix does not have that many dimensions
     * @throws IOException if writing fails
     */
    public static void write(WritableByteChannel channel, Matrix matrix, int dimensions, NpyOrder order)
            throws IOException {
        String shape = shape(matrix, dimensions);
        HostMemory memory = Entries.host(matrix);
        boolean fortran = order == NpyOrder.AS_STORED && dimensions == 2 && matrix.layout() == Layout.COLUMN_MAJOR;
        writeFully(channel, header(matrix.precision(), fortran, shape));
        Matrix lines = fortran ? matrix.transposed() : matrix;
        for (long b = 0; b < lines.batch(); b++) {
            writeInCOrder(channel, lines.problem(b), memory);
        }
        Reference.reachabilityFence(matrix);
    }

    /**
     * Writes an array of one dimension to a channel.
     *
     * @param channel where to; stays open
     * @param entries the entries
     * @throws IOException if writing fails
     */
    public static void write(WritableByteChannel channel, double[] entries) throws IOException {
        writeFully(channel, header(Precision.FLOAT64, false, "(" + entries.length + ",)"));
        ByteBuffer piece = piece(8L * entries.length);
        for (int done = 0; done < entries.length; ) {
            piece.clear();
            int part = Math.min(entries.length - done, piece.capacity() / 8);
            piece.asDoubleBuffer().put(entries, done, part);
            writeFully(channel, piece.limit(part * 8));
            done += part;
        }
    }

    /** The shape as a Python tuple. */
    private static String shape(Matrix matrix, int dimensions) {
        return switch (dimensions) {
            case 1 -> {
                if (matrix.batch() != 1 || (matrix.rows() != 1 && matrix.columns() != 1)) {
                    throw new ShapeMismatchException("a matrix of shape " + matrix.shape()
                            + " cannot be written as an array of 1 dimension, which needs one row or one column");
                }
                yield "(" + matrix.rows() * matrix.columns() + ",)";
            }
            case 2 -> {
                matrix.requireSingle();
                yield "(" + matrix.rows() + ", " + matrix.columns() + ")";
            }
            case 3 -> "(" + matrix.batch() + ", " + matrix.rows() + ", " + matrix.columns() + ")";
            default ->
                throw new InvalidInputException("arrays of 1, 2 or 3 dimensions can be written, not of " + dimensions);
        };
    }

    static ByteBuffer header(Precision precision, boolean fortran, String shape) {
        return header(precision == Precision.FLOAT64 ? "<f8" : "<f4", fortran, shape, 0);
    }

    /** A header of at least so many bytes. */
    static ByteBuffer header(String descr, boolean fortran, String shape, int least) {
        String text = "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': "
                + shape + ", }";
        int prefix = NpyFile.MAGIC.length + 4;
        int total = Math.max(least, (prefix + text.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        ByteBuffer out = ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN);
        out.put(NpyFile.MAGIC).put((byte) 1).put((byte) 0).putShort((short) (total - prefix));
        out.put(text.getBytes(StandardCharsets.US_ASCII));
        while (out.position() < total - 1) {
            out.put((byte) ' ');
        }
        return out.put((byte) '\n').flip();
    }

    private static void writeInCOrder(WritableByteChannel channel, Matrix matrix, HostMemory memory)
            throws IOException {
        if (matrix.isEmpty()) {
            return;
        }
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException(".npy files cannot be written on a big-endian machine");
        }
        // A packed matrix of one row or one column lies in memory as in the file, whatever its layout is called.
        boolean inOrder = matrix.isPacked()
                && (matrix.layout() == Layout.ROW_MAJOR || matrix.rows() == 1 || matrix.columns() == 1);
        long start = matrix.address(0) - memory.address();
        if (inOrder) {
            for (long done = 0, total = matrix.byteSize(); done < total; ) {
                int part = (int) Math.min(total - done, PIECE_BYTES);
                writeFully(channel, memory.buffer(start + done, part));
                done += part;
            }
        } else {
            writeGathered(channel, matrix, memory);
        }
    }

    /** Collects blocks of rows in a buffer; within a block, neighbours in memory are read one after the other. */
    private static void writeGathered(WritableByteChannel channel, Matrix matrix, HostMemory memory)
            throws IOException {
        Entries entries = new Entries(memory);
        int width = matrix.precision().bytes();
        ByteBuffer piece = piece(matrix.byteSize());
        long capacity = piece.capacity() / width;
        long origin = Entries.offset(matrix, 0);
        boolean rowMajor = matrix.layout() == Layout.ROW_MAJOR;
        long rowStride = rowMajor ? matrix.leadingDimension() : 1;
        long columnStride = rowMajor ? 1 : matrix.leadingDimension();
        long height = Math.max(1, Math.min(matrix.rows(), capacity / matrix.columns()));
        for (long i0 = 0; i0 < matrix.rows(); i0 += height) {
            int h = (int) Math.min(height, matrix.rows() - i0);
            for (long j0 = 0; j0 < matrix.columns(); ) {
                int w = (int) Math.min(matrix.columns() - j0, capacity / h);
                long from = origin + i0 * rowStride + j0 * columnStride;
                int outer = rowMajor ? h : w;
                int inner = rowMajor ? w : h;
                for (int o = 0; o < outer; o++) {
                    long line = from + o * matrix.leadingDimension();
                    for (int n = 0; n < inner; n++) {
                        int to = rowMajor ? o * w + n : n * w + o;
                        if (width == 8) {
                            piece.putLong(to << 3, entries.get64(line + n));
                        } else {
                            piece.putInt(to << 2, entries.get32(line + n));
                        }
                    }
                }
                writeFully(channel, piece.clear().limit(h * w * width));
                j0 += w;
            }
        }
    }

    private static ByteBuffer piece(long bytes) {
        return ByteBuffer.allocateDirect((int) Math.min(Math.max(bytes, 8), PIECE_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    static void writeFully(WritableByteChannel channel, ByteBuffer from) throws IOException {
        while (from.hasRemaining()) {
            channel.write(from);
        }
    }
}
