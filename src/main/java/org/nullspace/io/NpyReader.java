package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Reads the problems of an {@code .npy} file a few at a time, so that an array larger than memory can be worked on. Made by
 * {@link NpyFile#reader()}.
 *
 * <p><b>Order.</b> In C order neighbouring problems lie next to each other and are read as they lie. In Fortran order an array of three
 * dimensions is interleaved: its entry (b, i, j) lies beside entry (b + 1, i, j). Then each call reads n·d stretches of the file, one for each
 * entry of a problem, as long as there are problems in the call; few calls for many problems each are best.
 *
 * <p><b>Memory.</b> At most a few megabytes beside the matrix.
 *
 * <p><b>Threads.</b> One thread at a time.
 */
public final class NpyReader implements AutoCloseable {
    private static final int PIECE_BYTES = 4 << 20;

    private final NpyFile file;
    private final FileChannel channel;
    private final long entries;
    private final int width;
    private ByteBuffer piece = ByteBuffer.allocateDirect(0);

    NpyReader(NpyFile file) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException(
                    file.path() + ": .npy files cannot be read on a big-endian machine");
        }
        this.file = file;
        this.entries = file.rows() * file.columns();
        this.width = file.precision().bytes();
        try {
            this.channel = FileChannel.open(file.path(), StandardOpenOption.READ);
        } catch (IOException e) {
            throw InputFiles.failed(file.path(), e);
        }
    }

    /**
     * The file.
     *
     * @return what its header says
     */
    public NpyFile file() {
        return file;
    }

    /**
     * Reads neighbouring problems.
     *
     * @param first index of the first
     * @param out to be filled: T×n×d on the host, row-major and packed, in the file's precision, or float64 for a file of float32
     * @throws ShapeMismatchException if the matrices do not have the shape of those in the file
     * @throws IndexOutOfBoundsException if there are not so many problems
     * @throws InvalidInputException if the file has become shorter since it was opened, or the matrix has another layout or less precision
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public void read(long first, Matrix out) {
        if (out.rows() != file.rows() || out.columns() != file.columns()) {
            throw new ShapeMismatchException(file + ": problems are " + file.rows() + "×" + file.columns()
                    + ", room was made for " + out.shape());
        }
        if (first < 0 || first > file.batch() - out.batch()) {
            throw new IndexOutOfBoundsException(file + ": problems " + first + " to " + (first + out.batch() - 1)
                    + " were asked for, there are " + file.batch());
        }
        if (out.isEmpty()) {
            return;
        }
        boolean packed = out.layout() == Layout.ROW_MAJOR
                && out.isPacked()
                && (out.batch() <= 1 || out.batchStride() == entries);
        if (!packed || (width == 8 && out.precision() == Precision.FLOAT32)) {
            throw new InvalidInputException(
                    file + ": problems are read into packed row-major matrices of no less precision, not into " + out);
        }
        HostMemory memory = Entries.host(out);
        try {
            if (file.fortranOrder() && entries > 1) {
                readInterleaved(first, out, memory);
            } else if (out.precision() == file.precision()) {
                readStraight(first, out, memory);
            } else {
                readWidening(first, out, memory);
            }
        } catch (IOException e) {
            throw InputFiles.failed(file.path(), e);
        }
    }

    /**
     * Reads neighbouring columns of an array of one or two dimensions.
     *
     * @param first index of the first
     * @param out to be filled: n×m on the host, packed, in the file's precision and order: row-major for C order, column-major for Fortran order
     * @throws ShapeMismatchException if the matrix does not have as many rows as the array, or the array is a batch of several matrices
     * @throws IndexOutOfBoundsException if there are not so many columns
     * @throws InvalidInputException if the file has become shorter since it was opened, or the matrix has another layout or precision
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public void readColumns(long first, Matrix out) {
        if (file.batch() != 1 || out.batch() != 1 || out.rows() != file.rows()) {
            throw new ShapeMismatchException(
                    file + ": columns of " + file.rows() + " entries were to be read into " + out.shape());
        }
        long columns = file.columns();
        if (first < 0 || first > columns - out.columns()) {
            throw new IndexOutOfBoundsException(file + ": columns " + first + " to " + (first + out.columns() - 1)
                    + " were asked for, there are " + columns);
        }
        if (out.isEmpty()) {
            return;
        }
        boolean oneLine = out.rows() == 1 || out.columns() == 1;
        boolean ordered = oneLine || (out.layout() == Layout.COLUMN_MAJOR) == file.fortranOrder();
        if (!ordered || !out.isPacked() || out.precision() != file.precision()) {
            throw new InvalidInputException(
                    file + ": columns are read into packed matrices of the same precision and order, not into " + out);
        }
        HostMemory memory = Entries.host(out);
        long start = out.address(0) - memory.address();
        boolean together = file.fortranOrder() || columns == out.columns();
        long lines = together ? 1 : out.rows();
        long line = out.byteSize() / lines;
        try {
            for (long i = 0; i < lines; i++) {
                long from = file.fortranOrder() ? first * out.rows() : i * columns + first;
                for (long done = 0; done < line; ) {
                    int part = (int) Math.min(line - done, PIECE_BYTES);
                    fill(memory.buffer(start + i * line + done, part), from * width + done);
                    done += part;
                }
            }
        } catch (IOException e) {
            throw InputFiles.failed(file.path(), e);
        }
    }

    private void readStraight(long first, Matrix out, HostMemory memory) throws IOException {
        long start = out.address(0) - memory.address();
        long from = first * entries * width;
        for (long done = 0, total = out.byteSize(); done < total; ) {
            int part = (int) Math.min(total - done, PIECE_BYTES);
            fill(memory.buffer(start + done, part), from + done);
            done += part;
        }
    }

    private void readWidening(long first, Matrix out, HostMemory memory) throws IOException {
        Entries target = new Entries(memory);
        long to = Entries.offset(out, 0);
        long total = out.batch() * entries;
        ByteBuffer buffer = piece(total * width);
        int capacity = buffer.capacity() / width;
        for (long done = 0; done < total; ) {
            int count = (int) Math.min(total - done, capacity);
            fill(buffer.clear().limit(count * width), (first * entries + done) * width);
            for (int i = 0; i < count; i++) {
                put(target, to + done + i, buffer, i, true);
            }
            done += count;
        }
    }

    /** The file is a table whose row e, of B entries, holds entry e of every problem, counted column by column. */
    private void readInterleaved(long first, Matrix out, HostMemory memory) throws IOException {
        boolean widen = out.precision() != file.precision();
        Entries target = new Entries(memory);
        long origin = Entries.offset(out, 0);
        long count = out.batch();
        long n = file.rows();
        long d = file.columns();
        ByteBuffer buffer = piece(count * entries * width);
        int capacity = buffer.capacity() / width;
        for (long b0 = 0; b0 < count; ) {
            int breadth = (int) Math.min(count - b0, capacity);
            int lines = capacity / breadth;
            for (long e0 = 0; e0 < entries; e0 += lines) {
                int height = (int) Math.min(lines, entries - e0);
                fillLines(buffer, first + b0, breadth, e0, height);
                for (int b = 0; b < breadth; b++) {
                    long to = origin + (b0 + b) * entries;
                    for (int h = 0; h < height; h++) {
                        long e = e0 + h;
                        put(target, to + e % n * d + e / n, buffer, h * breadth + b, widen);
                    }
                }
            }
            b0 += breadth;
        }
    }

    private void fillLines(ByteBuffer buffer, long first, int breadth, long e0, int height) throws IOException {
        if (breadth == file.batch()) {
            fill(buffer.clear().limit(height * breadth * width), e0 * breadth * width);
            return;
        }
        for (int h = 0; h < height; h++) {
            int at = h * breadth * width;
            buffer.clear().position(at).limit(at + breadth * width);
            fill(buffer, ((e0 + h) * file.batch() + first) * width);
        }
    }

    private void put(Entries target, long to, ByteBuffer from, int index, boolean widen) {
        if (width == 8) {
            target.set64(to, from.getLong(index << 3));
        } else if (widen) {
            target.set64(to, Double.doubleToRawLongBits(from.getFloat(index << 2)));
        } else {
            target.set32(to, from.getInt(index << 2));
        }
    }

    private ByteBuffer piece(long bytes) {
        int wanted = (int) Math.min(bytes, PIECE_BYTES);
        if (piece.capacity() < wanted) {
            piece = ByteBuffer.allocateDirect(wanted).order(ByteOrder.LITTLE_ENDIAN);
        }
        return piece;
    }

    /** Fills the rest of a buffer with the data from a byte on. */
    private void fill(ByteBuffer buffer, long from) throws IOException {
        long at = from;
        while (buffer.hasRemaining()) {
            int count = channel.read(buffer, file.dataOffset() + at);
            if (count < 0) {
                throw file.truncated(channel.size() - file.dataOffset());
            }
            at += count;
        }
    }

    /** Closes the file. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw InputFiles.failed(file.path(), e);
        }
    }
}
