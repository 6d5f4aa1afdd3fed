package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Writes an array in NumPy's {@code .npy} format piece by piece: the shape is known from the start, the problems, which the first
 * index counts, come a few at a time, in C order; or the columns of a table, in Fortran order. For channels of {@link AtomicOutput#open}, several of which may be written to in turn.
 *
 * <p><b>Memory.</b> A buffer of 1 MiB.
 *
 * <p><b>Threads.</b> One thread at a time.
 */
public final class NpyAppender {
    private static final int PIECE_BYTES = 1 << 20;

    private final WritableByteChannel channel;
    private final Precision precision;
    private final String shape;
    private final long problems;
    private final long entries;
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long appended;

    /**
     * A table whose columns are appended, in Fortran order. Writes the header.
     *
     * @param channel where to; stays open
     * @param precision number format of the entries
     * @param rows rows of the table
     * @param columns columns of the table, appended by {@link #appendColumns}
     * @return a new writer
     * @throws UncheckedIOException if writing fails
     */
    public static NpyAppender ofColumns(WritableByteChannel channel, Precision precision, long rows, long columns) {
        return new NpyAppender(channel, precision, true, columns, rows);
    }

    /**
     * An array in C order. Writes the header.
     *
     * @param channel where to; stays open
     * @param precision number format of the entries
     * @param shape lengths of the array's dimensions, at least two
     * @throws InvalidInputException if there are fewer dimensions, or a length is negative
     * @throws UncheckedIOException if writing fails
     */
    public NpyAppender(WritableByteChannel channel, Precision precision, long... shape) {
        this(channel, precision, false, shape);
    }

    /** Of a table in Fortran order the shape is given in the order of memory, columns first. */
    private NpyAppender(WritableByteChannel channel, Precision precision, boolean fortranOrder, long... shape) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException(".npy files cannot be written on a big-endian machine");
        }
        List<String> lengths = new ArrayList<>();
        long product = 1;
        for (int i = 0; i < shape.length; i++) {
            if (shape[i] < 0) {
                throw new InvalidInputException("length " + shape[i] + " of an array is negative");
            }
            product = i == 0 ? 1 : product * shape[i];
            lengths.add(String.valueOf(shape[i]));
        }
        if (fortranOrder) {
            Collections.reverse(lengths);
        }
        if (shape.length < 2) {
            throw new InvalidInputException(
                    "an array of " + shape.length + " dimensions cannot be written problem by problem: 2 are needed");
        }
        this.channel = channel;
        this.precision = precision;
        this.shape = "(" + String.join(", ", lengths) + ")";
        this.problems = shape[0];
        this.entries = product;
        try {
            NpyWriter.writeFully(channel, NpyWriter.header(precision, fortranOrder, this.shape));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Writes the next problems.
     *
     * @param matrix host matrices of any layout, in the precision of the array, with as many entries each as the array has for one index
     * @throws ShapeMismatchException if they have more or fewer entries, or there are more problems than the array has
     * @throws InvalidInputException if the precision is another one
     * @throws UncheckedIOException if writing fails
     */
    public void append(Matrix matrix) {
        append(matrix, matrix.batch(), "problems");
    }

    /**
     * Writes the next columns of a table.
     *
     * @param matrix a host matrix of any layout, in the precision of the table, with as many rows
     * @throws ShapeMismatchException if it has more or fewer rows, or there are more columns than the table has
     * @throws InvalidInputException if the precision is another one
     * @throws UncheckedIOException if writing fails
     */
    public void appendColumns(Matrix matrix) {
        matrix.requireSingle();
        append(matrix.transposed(), matrix.columns(), "columns");
    }

    private void append(Matrix matrix, long count, String what) {
        if (matrix.batch() * matrix.rows() * matrix.columns() != count * entries || count > problems - appended) {
            throw new ShapeMismatchException("matrices of shape " + matrix.shape() + " cannot follow " + appended + " "
                    + what + " of an array of shape " + shape);
        }
        if (matrix.precision() != precision) {
            throw new InvalidInputException(
                    "matrices of " + matrix.precision() + " cannot be appended to an array of " + precision);
        }
        HostMemory memory = Entries.host(matrix);
        if (!matrix.isEmpty()) {
            try {
                if (liesInOrder(matrix)) {
                    appendStraight(matrix, memory);
                } else {
                    appendGathered(matrix, memory);
                }
            } catch (IOException e) {
                throw failed(e);
            }
        }
        appended += count;
        Reference.reachabilityFence(matrix);
    }

    /** Whether all problems lie in memory as they are to lie in the file. */
    private static boolean liesInOrder(Matrix m) {
        return m.isPacked()
                && (m.batch() <= 1 || m.batchStride() == m.rows() * m.columns())
                && (m.layout() == Layout.ROW_MAJOR || m.rows() == 1 || m.columns() == 1);
    }

    private void appendStraight(Matrix matrix, HostMemory memory) throws IOException {
        long start = matrix.address(0) - memory.address();
        for (long done = 0, total = matrix.byteSize(); done < total; ) {
            int part = (int) Math.min(total - done, piece.remaining());
            piece.put(memory.buffer(start + done, part));
            done += part;
            if (!piece.hasRemaining()) {
                flush();
            }
        }
    }

    private void appendGathered(Matrix matrix, HostMemory memory) throws IOException {
        Entries from = new Entries(memory);
        boolean rowMajor = matrix.layout() == Layout.ROW_MAJOR;
        long rowStride = rowMajor ? matrix.leadingDimension() : 1;
        long columnStride = rowMajor ? 1 : matrix.leadingDimension();
        int width = precision.bytes();
        for (long b = 0; b < matrix.batch(); b++) {
            long origin = Entries.offset(matrix, b);
            for (long i = 0; i < matrix.rows(); i++) {
                long line = origin + i * rowStride;
                for (long j = 0; j < matrix.columns(); j++) {
                    if (piece.remaining() < width) {
                        flush();
                    }
                    if (width == 8) {
                        piece.putLong(from.get64(line + j * columnStride));
                    } else {
                        piece.putInt(from.get32(line + j * columnStride));
                    }
                }
            }
        }
    }

    private void flush() throws IOException {
        NpyWriter.writeFully(channel, piece.flip());
        piece.clear();
    }

    /**
     * Writes what is still in the buffer.
     *
     * @throws ShapeMismatchException if problems are missing
     * @throws UncheckedIOException if writing fails
     */
    public void finish() {
        if (appended != problems) {
            throw new ShapeMismatchException(
                    "an array of shape " + shape + " was ended after " + appended + " of " + problems + " problems");
        }
        try {
            flush();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException("writing an array of shape " + shape + " failed: " + InputFiles.reason(e), e);
    }
}
