package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import org.nullspace.error.ShapeMismatchException;

/**
 * Writes a table as CSV (RFC 4180): UTF-8, lines that end with CR LF, fields in quotes where they need it. Numbers are written so that reading
 * gives the same number again; NaN is an empty field.
 *
 * <p><b>Memory.</b> A buffer of some 100 kB.
 *
 * <p><b>Threads.</b> One thread at a time.
 */
public final class CsvOutput {
    private static final int PIECE_CHARS = 1 << 16;

    private final WritableByteChannel channel;
    private final StringBuilder piece = new StringBuilder();
    private int columns = -1;
    private int fields;

    /**
     * Begins a table.
     *
     * @param channel where to; stays open
     */
    public CsvOutput(WritableByteChannel channel) {
        this.channel = channel;
    }

    /**
     * Adds a field to the row.
     *
     * @param value any text
     * @return this table
     */
    public CsvOutput text(String value) {
        separate();
        if (value.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r')) {
            piece.append(value);
        } else {
            piece.append('"').append(value.replace("\"", "\"\"")).append('"');
        }
        return this;
    }

    /**
     * Adds a field to the row.
     *
     * @param value a whole number
     * @return this table
     */
    public CsvOutput number(long value) {
        separate();
        piece.append(value);
        return this;
    }

    /**
     * Adds a field to the row.
     *
     * @param value a number; NaN for an empty field
     * @return this table
     */
    public CsvOutput number(double value) {
        separate();
        if (!Double.isNaN(value)) {
            piece.append(value);
        }
        return this;
    }

    private void separate() {
        if (fields++ > 0) {
            piece.append(',');
        }
    }

    /**
     * Ends the row. The first row, the header, says how many fields each has.
     *
     * @throws ShapeMismatchException if the row has more or fewer fields than the first
     * @throws UncheckedIOException if writing fails
     */
    public void endRow() {
        if (columns < 0) {
            columns = fields;
        }
        if (fields != columns) {
            throw new ShapeMismatchException("a row of " + fields + " fields in a table of " + columns + " columns");
        }
        fields = 0;
        piece.append("\r\n");
        if (piece.length() >= PIECE_CHARS) {
            finish();
        }
    }

    /**
     * Writes what is still in the buffer.
     *
     * @throws UncheckedIOException if writing fails
     */
    public void finish() {
        try {
            NpyWriter.writeFully(channel, ByteBuffer.wrap(piece.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new UncheckedIOException("writing a table failed: " + InputFiles.reason(e), e);
        }
        piece.setLength(0);
    }
}
