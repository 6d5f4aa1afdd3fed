package org.nullspace.matrix;

import java.lang.ref.Reference;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;

/**
 * A strided batch of dense matrices of one shape; a single matrix is a batch of one. Entry (b, i, j) lies {@code offset + b·batchStride +
 * i·rowStride + j·columnStride} entries into the memory, where one of the two strides is 1 (which one, says the {@linkplain #layout()
 * layout}) and the other is the {@linkplain #leadingDimension() leading dimension}.
 *
 * <p><b>Memory.</b> A matrix is a view of off-heap {@link Memory}; methods that return another view of the same memory say "view",
 * methods that allocate say "copy" or "new". Memory made in a {@link MemoryScope} lives until the scope is closed. Memory made without
 * one belongs to the matrix: {@link #close()} frees it at once, otherwise it is freed some time after the last view has become
 * unreachable.
 *
 * <p><b>Threads.</b> Not synchronised: concurrent reads are safe, a write needs the caller's order. Confined scopes are checked.
 */
public final class Matrix implements AutoCloseable {
    private final Memory memory;
    private final boolean ownsMemory;
    private final Precision precision;
    private final Layout layout;
    private final long offset;
    private final long batch;
    private final long rows;
    private final long columns;
    private final long leadingDimension;
    private final long batchStride;

    private Matrix(
            Memory memory,
            boolean ownsMemory,
            Precision precision,
            Layout layout,
            long offset,
            long batch,
            long rows,
            long columns,
            long leadingDimension,
            long batchStride) {
        this.memory = memory;
        this.ownsMemory = ownsMemory;
        this.precision = precision;
        this.layout = layout;
        this.offset = offset;
        this.batch = batch;
        this.rows = rows;
        this.columns = columns;
        this.leadingDimension = leadingDimension;
        this.batchStride = batchStride;
    }

    // ---- making

    /**
     * A new host matrix of zeros that belongs to nobody's scope: see {@link #close()}.
     *
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @return a new matrix
     */
    public static Matrix zeros(Precision precision, long batch, long rows, long columns, Layout layout) {
        String what = describe(precision, batch, rows, columns);
        long bytes = bytes(what, precision, batch, rows, columns, layout);
        return packed(HostMemory.allocateAutomatic(bytes, true, what), true, precision, batch, rows, columns, layout);
    }

    /**
     * A new host matrix of zeros in a scope.
     *
     * @param scope owner of the memory
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @return a new matrix, valid until the scope is closed
     */
    public static Matrix zeros(
            MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        String what = describe(precision, batch, rows, columns);
        long bytes = bytes(what, precision, batch, rows, columns, layout);
        return packed(HostMemory.allocate(scope, bytes, true, what), false, precision, batch, rows, columns, layout);
    }

    /**
     * A new host matrix whose content is undefined until it is written, for those who write all of it.
     *
     * @param scope owner of the memory
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @return a new matrix, valid until the scope is closed
     */
    public static Matrix uninitialized(
            MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        String what = describe(precision, batch, rows, columns);
        long bytes = bytes(what, precision, batch, rows, columns, layout);
        return packed(HostMemory.allocate(scope, bytes, false, what), false, precision, batch, rows, columns, layout);
    }

    /**
     * A matrix over memory that somebody else has allocated, packed without gaps. A view.
     *
     * @param memory the memory, at least as large as the matrix
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @return a view of the memory
     */
    public static Matrix over(Memory memory, Precision precision, long batch, long rows, long columns, Layout layout) {
        String what = describe(precision, batch, rows, columns);
        long bytes = bytes(what, precision, batch, rows, columns, layout);
        InvalidInputException.requireNonNull("memory", memory);
        if (bytes > memory.byteSize()) {
            throw new ShapeMismatchException(
                    what + " needs " + bytes + " bytes, the memory has " + memory.byteSize() + " bytes");
        }
        return packed(memory, false, precision, batch, rows, columns, layout);
    }

    /**
     * A matrix over memory that somebody else has laid out, with gaps between lines or problems, or problems that share lines (windows that
     * move along a table); in the latter case only to be read. A view.
     *
     * @param memory the memory
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @param offset entries before entry (0, 0, 0), at least 0
     * @param leadingDimension entries from line to line, at least the length of a line
     * @param batchStride entries from matrix to matrix, at least 1 if there are several
     * @return a view of the memory
     * @throws InvalidInputException if a distance is too small
     * @throws ShapeMismatchException if an entry lies outside of the memory
     */
    public static Matrix strided(
            Memory memory,
            Precision precision,
            long batch,
            long rows,
            long columns,
            Layout layout,
            long offset,
            long leadingDimension,
            long batchStride) {
        String what = describe(precision, batch, rows, columns);
        bytes(what, precision, batch, rows, columns, layout);
        InvalidInputException.requireNonNull("memory", memory);
        long length = layout == Layout.ROW_MAJOR ? columns : rows;
        long lines = layout == Layout.ROW_MAJOR ? rows : columns;
        if (offset < 0 || leadingDimension < Math.max(1, length) || batchStride < (batch > 1 ? 1 : 0)) {
            throw new InvalidInputException(what + ", " + layout + ", with offset " + offset + ", leading dimension "
                    + leadingDimension + " and batch stride " + batchStride
                    + ": the offset must be at least 0, the leading dimension at least " + Math.max(1, length)
                    + ", the batch stride of several matrices at least 1");
        }
        if (batch > 0 && lines > 0 && length > 0) {
            double last =
                    offset + (batch - 1) * (double) batchStride + (lines - 1) * (double) leadingDimension + length;
            if (last * precision.bytes() > memory.byteSize()) {
                throw new ShapeMismatchException(what + " with offset " + offset + ", leading dimension "
                        + leadingDimension + " and batch stride " + batchStride + " ends after " + (long) last
                        + " entries, the memory has " + memory.byteSize() / precision.bytes());
            }
        }
        return new Matrix(
                memory, false, precision, layout, offset, batch, rows, columns, leadingDimension, batchStride);
    }

    /**
     * A packed copy of matrices whose entries lie at any distances: problems interleaved entry by entry, every second column, rows from last to
     * first. Entry (b, i, j) is read {@code offset + b·batchStride + i·rowStride + j·columnStride} entries into the memory. For entries that are
     * neighbours along a row or a column, {@link #strided} gives a view.
     *
     * @param scope owner of the copy
     * @param memory host memory; only read
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param offset entries before entry (0, 0, 0)
     * @param batchStride entries from matrix to matrix, of either sign, 0 allowed
     * @param rowStride entries from row to row, likewise
     * @param columnStride entries from column to column, likewise
     * @return a new row-major matrix, valid until the scope is closed
     * @throws ShapeMismatchException if an entry lies outside of the memory
     */
    public static Matrix gathered(
            MemoryScope scope,
            HostMemory memory,
            Precision precision,
            long batch,
            long rows,
            long columns,
            long offset,
            long batchStride,
            long rowStride,
            long columnStride) {
        InvalidInputException.requireNonNull("memory", memory);
        boolean empty = batch == 0 || rows == 0 || columns == 0;
        double[] ends = {
            (batch - 1) * (double) batchStride, (rows - 1) * (double) rowStride, (columns - 1) * (double) columnStride
        };
        double least = offset;
        double most = offset;
        for (double end : ends) {
            least += Math.min(0, end);
            most += Math.max(0, end);
        }
        if (!empty && (least < 0 || (most + 1) * precision.bytes() > memory.byteSize())) {
            throw new ShapeMismatchException(describe(precision, batch, rows, columns) + " with offset " + offset
                    + " and strides " + batchStride + ", " + rowStride + ", " + columnStride + " reaches from entry "
                    + (long) least + " to " + (long) most + ", the memory has "
                    + memory.byteSize() / precision.bytes());
        }
        Matrix copy = uninitialized(scope, precision, batch, rows, columns, Layout.ROW_MAJOR);
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                long at = offset + b * batchStride + i * rowStride;
                for (long j = 0; j < columns; j++, at += columnStride) {
                    copy.set(b, i, j, precision == Precision.FLOAT64 ? memory.getDouble(at) : memory.getFloat(at));
                }
            }
        }
        return copy;
    }

    /**
     * A new row-major float64 host matrix with the given entries.
     *
     * @param rows the rows, all of one length; copied
     * @return a new matrix
     * @throws ShapeMismatchException if the rows differ in length
     */
    public static Matrix of(double[][] rows) {
        Matrix m = zeros(Precision.FLOAT64, 1, rows.length, requireRectangular(rows), Layout.ROW_MAJOR);
        m.fillRows(rows);
        return m;
    }

    /**
     * A new row-major float64 host matrix with the given entries, in a scope.
     *
     * @param scope owner of the memory
     * @param rows the rows, all of one length; copied
     * @return a new matrix, valid until the scope is closed
     * @throws ShapeMismatchException if the rows differ in length
     */
    public static Matrix of(MemoryScope scope, double[][] rows) {
        Matrix m = uninitialized(scope, Precision.FLOAT64, 1, rows.length, requireRectangular(rows), Layout.ROW_MAJOR);
        m.fillRows(rows);
        return m;
    }

    /**
     * A new float64 host matrix of one column.
     *
     * @param entries the column; copied
     * @return a new matrix of shape {@code entries.length × 1}
     */
    public static Matrix column(double... entries) {
        InvalidInputException.requireNonNull("the array of entries", entries);
        Matrix m = zeros(Precision.FLOAT64, 1, entries.length, 1, Layout.COLUMN_MAJOR);
        for (int i = 0; i < entries.length; i++) {
            m.set(0, i, 0, entries[i]);
        }
        return m;
    }

    private void fillRows(double[][] source) {
        for (int i = 0; i < source.length; i++) {
            for (int j = 0; j < source[i].length; j++) {
                set(0, i, j, source[i][j]);
            }
        }
    }

    /** The common length of all rows. */
    private static long requireRectangular(double[][] rows) {
        InvalidInputException.requireNonNull("the array of rows", rows);
        for (int i = 0; i < rows.length; i++) {
            InvalidInputException.requireNonNull("row " + i, rows[i]);
            if (rows[i].length != rows[0].length) {
                throw new ShapeMismatchException("row 0 has " + rows[0].length + " entries, row " + i + " has "
                        + rows[i].length + ": all rows must have the same length");
            }
        }
        return rows.length == 0 ? 0 : rows[0].length;
    }

    private static Matrix packed(
            Memory memory, boolean owns, Precision precision, long batch, long rows, long columns, Layout layout) {
        long ld = Math.max(1, layout == Layout.ROW_MAJOR ? columns : rows);
        return new Matrix(memory, owns, precision, layout, 0, batch, rows, columns, ld, rows * columns);
    }

    private static String describe(Precision precision, long batch, long rows, long columns) {
        return "a " + (batch == 1 ? "" : batch + "×") + rows + "×" + columns + " matrix of " + precision;
    }

    private static long bytes(String what, Precision precision, long batch, long rows, long columns, Layout layout) {
        InvalidInputException.requireNonNull("precision", precision);
        InvalidInputException.requireNonNull("layout", layout);
        if (batch < 0 || rows < 0 || columns < 0) {
            throw new InvalidInputException(what + ": sizes must not be negative");
        }
        try {
            return Math.multiplyExact(
                    Math.multiplyExact(Math.multiplyExact(batch, rows), columns), (long) precision.bytes());
        } catch (ArithmeticException e) {
            throw new InvalidInputException(what + ": its size in bytes exceeds 64 bits", e);
        }
    }

    // ---- shape

    /**
     * Number of matrices.
     *
     * @return number of matrices in the batch
     */
    public long batch() {
        return batch;
    }

    /**
     * Rows of each matrix.
     *
     * @return number of rows
     */
    public long rows() {
        return rows;
    }

    /**
     * Columns of each matrix.
     *
     * @return number of columns
     */
    public long columns() {
        return columns;
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
     * Which entries are neighbours.
     *
     * @return the layout
     */
    public Layout layout() {
        return layout;
    }

    /**
     * Where the memory lies.
     *
     * @return the place
     */
    public Place place() {
        return memory.place();
    }

    /**
     * Distance in entries between neighbouring rows (row-major) or columns (column-major).
     *
     * @return leading dimension
     */
    public long leadingDimension() {
        return leadingDimension;
    }

    /**
     * Distance in entries between neighbouring matrices of the batch.
     *
     * @return batch stride
     */
    public long batchStride() {
        return batchStride;
    }

    /**
     * The memory this matrix is a view of.
     *
     * @return the memory
     */
    public Memory memory() {
        return memory;
    }

    /**
     * Address of entry (b, 0, 0) in the address space of the {@linkplain #place() place}.
     *
     * @param b index in the batch
     * @return address
     */
    public long address(long b) {
        return memory.address() + (offset + b * batchStride) * precision.bytes();
    }

    /**
     * Bytes that the entries take when packed without gaps.
     *
     * @return bytes
     */
    public long byteSize() {
        return batch * rows * columns * precision.bytes();
    }

    /**
     * Whether there are no entries at all.
     *
     * @return true if batch, rows or columns is 0
     */
    public boolean isEmpty() {
        return batch == 0 || rows == 0 || columns == 0;
    }

    /**
     * Whether the entries of each matrix lie without gaps.
     *
     * @return true if the leading dimension is the length of a line, or there is at most one line
     */
    public boolean isPacked() {
        return leadingDimension == lineLength() || lineCount() <= 1;
    }

    /**
     * The shape for messages: {@code 6×12}, or {@code 100×6×12} for a batch.
     *
     * @return the shape
     */
    public String shape() {
        return (batch == 1 ? "" : batch + "×") + rows + "×" + columns;
    }

    private long lineLength() {
        return layout == Layout.ROW_MAJOR ? columns : rows;
    }

    private long lineCount() {
        return layout == Layout.ROW_MAJOR ? rows : columns;
    }

    // ---- views

    /**
     * The transpose of each matrix, as a view.
     *
     * @return a view with rows and columns exchanged
     */
    public Matrix transposed() {
        return new Matrix(
                memory,
                false,
                precision,
                layout.transposed(),
                offset,
                batch,
                columns,
                rows,
                leadingDimension,
                batchStride);
    }

    /**
     * One matrix of the batch, as a view.
     *
     * @param b its index
     * @return a view with batch size 1
     */
    public Matrix problem(long b) {
        if (b < 0 || b >= batch) {
            throw new IndexOutOfBoundsException(
                    "problem " + b + " of a batch of " + batch + " (shape " + shape() + ")");
        }
        return new Matrix(
                memory,
                false,
                precision,
                layout,
                offset + b * batchStride,
                1,
                rows,
                columns,
                leadingDimension,
                batchStride);
    }

    /**
     * Some matrices of the batch, as a view.
     *
     * @param from index of the first
     * @param to index after the last
     * @return a view with batch size {@code to - from}
     */
    public Matrix problems(long from, long to) {
        checkRange("problems", from, to, batch);
        return new Matrix(
                memory,
                false,
                precision,
                layout,
                from == to ? offset : offset + from * batchStride,
                to - from,
                rows,
                columns,
                leadingDimension,
                batchStride);
    }

    /**
     * The matrices of a batch side by side as one matrix of {@code rows × (batch · columns)}, as a view. They must be column-major and lie one
     * after the other without gaps between columns.
     *
     * @return a view with batch size 1
     * @throws InvalidInputException if they lie otherwise
     */
    public Matrix sideBySide() {
        boolean follows = batch <= 1 || batchStride == columns * leadingDimension;
        if (layout != Layout.COLUMN_MAJOR || !follows) {
            throw new InvalidInputException(
                    this + " cannot be seen as one matrix side by side: it must be column-major,"
                            + " each problem right after the one before");
        }
        long all = batch * columns;
        return new Matrix(
                memory, false, precision, layout, offset, 1, rows, all, leadingDimension, all * leadingDimension);
    }

    /**
     * Groups of adjacent columns as one long column each, the first of a group at the top: {@code (group · rows) × (columns / group)}, as a view. The
     * matrix must be single and column-major without gaps between its columns.
     *
     * @param group columns of a group, at least 1; a divisor of the number of columns
     * @return a view
     * @throws InvalidInputException if the matrix lies otherwise, or the groups do not come out even
     */
    public Matrix stackedColumns(long group) {
        requireSingle();
        if (group < 1 || columns % group != 0) {
            throw new InvalidInputException("the columns of " + this + " do not make groups of " + group);
        }
        if (layout != Layout.COLUMN_MAJOR || (leadingDimension != rows && columns > 1)) {
            throw new InvalidInputException(
                    this + " cannot be seen with groups of columns on top of each other: it must be column-major,"
                            + " each column right after the one before");
        }
        long height = group * rows;
        return new Matrix(memory, false, precision, layout, offset, 1, height, columns / group, height, columns * rows);
    }

    /**
     * Some rows of each matrix, as a view.
     *
     * @param from first row
     * @param to row after the last
     * @return a view
     */
    public Matrix rows(long from, long to) {
        checkRange("rows", from, to, rows);
        long start = offset + (layout == Layout.ROW_MAJOR ? from * leadingDimension : from);
        return new Matrix(
                memory,
                false,
                precision,
                layout,
                from == to ? offset : start,
                batch,
                to - from,
                columns,
                leadingDimension,
                batchStride);
    }

    /**
     * Some columns of each matrix, as a view.
     *
     * @param from first column
     * @param to column after the last
     * @return a view
     */
    public Matrix columns(long from, long to) {
        checkRange("columns", from, to, columns);
        return transposed().rows(from, to).transposed();
    }

    private void checkRange(String what, long from, long to, long size) {
        if (from < 0 || to < from || to > size) {
            throw new IndexOutOfBoundsException(what + " " + from + " to " + to + " of a matrix of shape " + shape());
        }
    }

    // ---- entries

    /**
     * Entry of a single matrix.
     *
     * @param row row
     * @param column column
     * @return the entry
     * @throws ShapeMismatchException if this is not a batch of one
     */
    public double get(long row, long column) {
        requireSingle();
        return get(0, row, column);
    }

    /**
     * Entry of a batch.
     *
     * @param b index in the batch
     * @param row row
     * @param column column
     * @return the entry
     */
    public double get(long b, long row, long column) {
        long index = index(b, row, column);
        HostMemory host = host();
        return precision == Precision.FLOAT64 ? host.getDouble(index) : host.getFloat(index);
    }

    /**
     * Writes an entry of a batch.
     *
     * @param b index in the batch
     * @param row row
     * @param column column
     * @param value new value, rounded to the precision
     */
    public void set(long b, long row, long column, double value) {
        long index = index(b, row, column);
        HostMemory host = host();
        if (precision == Precision.FLOAT64) {
            host.setDouble(index, value);
        } else {
            host.setFloat(index, (float) value);
        }
    }

    private long index(long b, long row, long column) {
        if (b < 0 || b >= batch || row < 0 || row >= rows || column < 0 || column >= columns) {
            throw new IndexOutOfBoundsException("entry (" + b + ", " + row + ", " + column + ") of a matrix of shape "
                    + batch + "×" + rows + "×" + columns);
        }
        return offset
                + b * batchStride
                + (layout == Layout.ROW_MAJOR ? row * leadingDimension + column : column * leadingDimension + row);
    }

    private HostMemory host() {
        memory.scope().checkUsable(this);
        if (memory instanceof HostMemory host) {
            return host;
        }
        throw new IllegalStateException(
                this + " lies in the memory of " + place() + ": copy it to the host before reading its entries");
    }

    /**
     * The entries of a single matrix.
     *
     * @return a new array of rows
     * @throws ShapeMismatchException if this is not a batch of one
     */
    public double[][] toArray() {
        requireSingle();
        double[][] out = new double[Math.toIntExact(rows)][Math.toIntExact(columns)];
        for (int i = 0; i < out.length; i++) {
            for (int j = 0; j < out[i].length; j++) {
                out[i][j] = get(0, i, j);
            }
        }
        return out;
    }

    /**
     * One column of a single matrix.
     *
     * @param column index of the column
     * @return a new array of {@link #rows()} entries
     * @throws ShapeMismatchException if this is not a batch of one
     */
    public double[] columnToArray(long column) {
        requireSingle();
        double[] out = new double[Math.toIntExact(rows)];
        boolean contiguous = precision == Precision.FLOAT64 && (layout == Layout.COLUMN_MAJOR || leadingDimension == 1);
        if (contiguous && out.length > 1 && memory instanceof HostMemory host) {
            // The first entry is read with all checks.
            out[0] = get(0, 0, column);
            host.read(offset + column * (layout == Layout.COLUMN_MAJOR ? leadingDimension : 1), out, 0, out.length);
            return out;
        }
        for (int i = 0; i < out.length; i++) {
            out[i] = get(0, i, column);
        }
        return out;
    }

    /**
     * A packed copy on the host, in the same precision.
     *
     * @param target layout of the copy
     * @return a new matrix of its own memory
     */
    public Matrix copy(Layout target) {
        Matrix out = zeros(precision, batch, rows, columns, target);
        out.copyFrom(this);
        return out;
    }

    /**
     * Copies all entries of another host matrix into this one, converting layout and precision.
     *
     * @param source matrix of the same shape; float64 entries are rounded when this is float32
     */
    public void copyFrom(Matrix source) {
        InvalidInputException.requireNonNull("source", source);
        requireSameShape("source", source);
        source.host();
        host();
        if (isEmpty()) {
            return;
        }
        try {
            if (precision == source.precision && layout == source.layout && isContiguous() && source.isContiguous()) {
                int bytes = precision.bytes();
                host().copyFrom(offset * bytes, source.host(), source.offset * bytes, byteSize());
                return;
            }
            for (long b = 0; b < batch; b++) {
                HostLines from = HostLines.of(source, b);
                HostLines to = HostLines.of(this, b);
                if (source.layout == layout) {
                    to.copyFrom(from);
                } else {
                    to.copyFromTransposed(from);
                }
            }
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(this);
        }
    }

    /** Whether all entries of the batch lie without gaps. */
    private boolean isContiguous() {
        return isPacked() && (batch == 1 || batchStride == rows * columns);
    }

    // ---- checks

    /**
     * Requires a batch of one.
     *
     * @throws ShapeMismatchException otherwise
     */
    public void requireSingle() {
        if (batch != 1) {
            throw new ShapeMismatchException("a single matrix is needed here, this is a batch of " + batch + " (shape "
                    + shape() + "): choose one with problem(index)");
        }
    }

    private void requireSameShape(String name, Matrix other) {
        if (other.batch != batch || other.rows != rows || other.columns != columns) {
            throw new ShapeMismatchException(
                    name + " has shape " + other.shape() + ", this matrix has shape " + shape());
        }
    }

    // ---- end of life

    /**
     * Frees the memory now if it belongs to this matrix, that is, if the matrix was made without a scope. Without effect on views and on
     * matrices that live in a scope: those end with their scope.
     */
    @Override
    public void close() {
        if (ownsMemory) {
            memory.scope().close();
        }
    }

    /**
     * Shape, precision, layout and place, for messages.
     *
     * @return a description
     */
    @Override
    public String toString() {
        return "matrix " + shape() + " " + precision + " " + layout + " on " + place();
    }

    /**
     * Whether another host matrix has the same shape and the same entries, compared as {@code double} bit for bit.
     *
     * @param other another host matrix
     * @return whether shapes and entries are the same
     */
    public boolean hasSameEntries(Matrix other) {
        if (other.batch != batch || other.rows != rows || other.columns != columns) {
            return false;
        }
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                for (long j = 0; j < columns; j++) {
                    if (Double.doubleToLongBits(get(b, i, j)) != Double.doubleToLongBits(other.get(b, i, j))) {
                        return false;
                    }
                }
            }
        }
        return true;
    }
}
