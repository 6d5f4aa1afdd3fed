package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Writes float64 matrices of one number of rows and different numbers of columns side by side, as one array in NumPy's {@code .npy} format, and
 * where each begins, as another. Of m matrices with c₀, c₁, … columns the first array is d×(c₀+c₁+…), in Fortran order; the second holds the
 * m + 1 whole numbers (int64) 0, c₀, c₀+c₁, …: matrix i has the columns {@code offsets[i]} to {@code offsets[i + 1]}. The number of columns
 * need not be known before the end, when it is put into the header.
 *
 * <p><b>Memory.</b> Two buffers of up to 1 MiB.
 *
 * <p><b>Threads.</b> One thread at a time.
 */
public final class NpyRagged {
    private static final int PIECE_BYTES = 1 << 20;

    private final SeekableByteChannel entries;
    private final WritableByteChannel offsets;
    private final long rows;
    private final long count;
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer ends = ByteBuffer.allocateDirect(PIECE_BYTES / 16).order(ByteOrder.LITTLE_ENDIAN);
    private long appended;
    private long columns;

    /**
     * Begins both arrays.
     *
     * @param entries where the matrices go; stays open
     * @param offsets where it is written where each begins; stays open
     * @param rows number of rows of every matrix
     * @param count number of matrices
     * @throws UncheckedIOException if writing fails
     */
    public NpyRagged(SeekableByteChannel entries, WritableByteChannel offsets, long rows, long count) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException(".npy files cannot be written on a big-endian machine");
        }
        this.entries = entries;
        this.offsets = offsets;
        this.rows = rows;
        this.count = count;
        try {
            NpyWriter.writeFully(entries, header());
            NpyWriter.writeFully(offsets, NpyWriter.header("<i8", false, "(" + (count + 1) + ",)", 0));
        } catch (IOException e) {
            throw failed(e);
        }
        ends.putLong(0);
    }

    /** As long for any number of columns. */
    private ByteBuffer header() {
        return NpyWriter.header("<f8", true, "(" + rows + ", " + columns + ")", 128);
    }

    /**
     * Writes the next matrix.
     *
     * @param matrix a single float64 host matrix, column-major and packed; without columns for nothing
     * @throws ShapeMismatchException if it has another number of rows, or there are as many matrices as were announced
     * @throws InvalidInputException if it has another precision or layout
     * @throws UncheckedIOException if writing fails
     */
    public void append(Matrix matrix) {
        matrix.requireSingle();
        if (matrix.rows() != rows || appended == count) {
            throw new ShapeMismatchException("a matrix of shape " + matrix.shape() + " cannot follow " + appended
                    + " of " + count + " matrices of " + rows + " rows");
        }
        boolean packed = matrix.layout() == Layout.COLUMN_MAJOR && matrix.isPacked();
        if (matrix.precision() != Precision.FLOAT64 || !packed) {
            throw new InvalidInputException(
                    "packed column-major float64 matrices can be written side by side, not " + matrix);
        }
        try {
            Entries from = new Entries(Entries.host(matrix));
            long origin = Entries.offset(matrix, 0);
            for (long i = 0, total = rows * matrix.columns(); i < total; i++) {
                if (piece.remaining() < 8) {
                    flush(piece, entries);
                }
                piece.putLong(from.get64(origin + i));
            }
            columns += matrix.columns();
            appended++;
            if (ends.remaining() < 8) {
                flush(ends, offsets);
            }
            ends.putLong(columns);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static void flush(ByteBuffer from, WritableByteChannel to) throws IOException {
        NpyWriter.writeFully(to, from.flip());
        from.clear();
    }

    /**
     * Writes what is still in the buffers, and the number of columns.
     *
     * @throws ShapeMismatchException if matrices are missing
     * @throws UncheckedIOException if writing fails
     */
    public void finish() {
        if (appended != count) {
            throw new ShapeMismatchException("ended after " + appended + " of " + count + " matrices");
        }
        try {
            flush(piece, entries);
            flush(ends, offsets);
            entries.position(0);
            NpyWriter.writeFully(entries, header());
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(
                "writing " + count + " matrices of " + rows + " rows failed: " + InputFiles.reason(e), e);
    }
}
