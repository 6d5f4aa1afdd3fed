package org.nullspace.backend.cuda;

import java.util.Arrays;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Operations that visit every entry once: the kernels of {@code entrywise.cu}. All operands lie on the device. */
final class EntryWise {
    private static final String SOURCE = "entrywise";

    private static final int THREADS = 256;
    private static final int EDGE = 32;
    private static final int EDGE_ROWS = 8;

    private final CudaQueue queue;

    EntryWise(CudaQueue queue) {
        this.queue = queue;
    }

    static String suffix(Precision precision) {
        return precision == Precision.FLOAT64 ? "f64" : "f32";
    }

    // ---- one operand

    void fill(Matrix a, double value) {
        Lines lines = Lines.of(a).merged();
        visit("nullspace_fill_" + suffix(a.precision()), a, lines, Double.doubleToRawLongBits(value));
    }

    void identity(Matrix a) {
        visit("nullspace_identity_" + suffix(a.precision()), a, Lines.of(a));
    }

    void keepTriangle(Triangle triangle, Matrix a) {
        boolean beginnings = (triangle == Triangle.LOWER) == (a.layout() == Layout.ROW_MAJOR);
        visit("nullspace_keep_triangle_" + suffix(a.precision()), a, Lines.of(a), beginnings ? 1 : 0);
    }

    /** A ← βA. With β = 0, A is not read. */
    void scale(double beta, Matrix a) {
        if (beta == 0) {
            fill(a, 0);
        } else if (beta != 1) {
            Lines lines = Lines.of(a).merged();
            visit("nullspace_scale_" + suffix(a.precision()), a, lines, Double.doubleToRawLongBits(beta));
        }
    }

    void scaleRows(Matrix d, Matrix a) {
        visit(
                "nullspace_scale_by_factors_" + suffix(a.precision()),
                a,
                Lines.of(a),
                d.address(0),
                Lines.increment(d),
                d.batch() == 1 ? 0 : d.batchStride(),
                a.layout() == Layout.ROW_MAJOR ? 1 : 0);
    }

    private void visit(String kernel, Matrix a, Lines lines, long... more) {
        if (a.isEmpty()) {
            return;
        }
        long[] arguments = new long[6 + more.length];
        put(arguments, 0, lines);
        arguments[5] = a.batch();
        System.arraycopy(more, 0, arguments, 6, more.length);
        launch(kernel, a.batch(), lines, arguments);
    }

    /** Threads in x run along the lines. */
    private void launch(String kernel, long batch, Lines lines, long[] arguments) {
        int x = (int) Math.min(THREADS, Long.highestOneBit(Math.max(1, 2 * lines.length() - 1)));
        int y = THREADS / x;
        queue.device()
                .kernels()
                .launch(
                        queue,
                        SOURCE,
                        kernel,
                        blocks(lines.length(), x),
                        blocks(lines.count(), y),
                        batch,
                        x,
                        y,
                        arguments);
    }

    private static long blocks(long size, int perBlock) {
        return (size + perBlock - 1) / perBlock;
    }

    private static void put(long[] arguments, int at, Lines lines) {
        arguments[at] = lines.address();
        arguments[at + 1] = lines.count();
        arguments[at + 2] = lines.length();
        arguments[at + 3] = lines.pitch();
        arguments[at + 4] = lines.stride();
    }

    // ---- two operands

    /** B ← A with conversion of layout and precision. */
    void copy(Matrix a, Matrix b) {
        pair("copy", suffix(a.precision()) + "_" + suffix(b.precision()), a, b);
    }

    /** Chosen columns of B ← chosen columns of A, with conversion of layout and precision. */
    void copyColumns(Matrix a, int[] fromColumns, Matrix b, int[] toColumns) {
        int columns = toColumns.length;
        if (b.isEmpty() || columns == 0) {
            return;
        }
        int[] both = Arrays.copyOf(fromColumns, 2 * columns);
        System.arraycopy(toColumns, 0, both, columns, columns);
        boolean rows = b.layout() == Layout.ROW_MAJOR;
        // The lines of what is copied, of which x runs along those of B.
        Lines visited = new Lines(b.address(0), rows ? b.rows() : columns, rows ? columns : b.rows(), 0, 0);
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            long indices = scratch.take((long) both.length * Integer.BYTES, () -> columns + " indices of columns");
            queue.staging().writeInts(both, indices);
            launch(
                    "nullspace_copy_columns_" + suffix(a.precision()) + "_" + suffix(b.precision()),
                    b.batch(),
                    visited,
                    new long[] {
                        a.address(0),
                        rowStride(a),
                        columnStride(a),
                        a.batch() == 1 ? 0 : a.batchStride(),
                        b.address(0),
                        rowStride(b),
                        columnStride(b),
                        b.batchStride(),
                        b.batch(),
                        b.rows(),
                        columns,
                        indices,
                        rows ? 1 : 0
                    });
        }
    }

    private static long rowStride(Matrix m) {
        return m.layout() == Layout.ROW_MAJOR ? m.leadingDimension() : 1;
    }

    private static long columnStride(Matrix m) {
        return m.layout() == Layout.ROW_MAJOR ? 1 : m.leadingDimension();
    }

    /** Triangle of B ← triangle of A, both of one layout and precision; the rest of B is not touched. */
    void copyTriangle(Triangle triangle, Matrix a, Matrix b) {
        if (b.isEmpty()) {
            return;
        }
        long[] arguments = new long[12];
        put(arguments, 0, Lines.of(a));
        put(arguments, 5, Lines.of(b));
        arguments[10] = b.batch();
        arguments[11] = (triangle == Triangle.LOWER) == (b.layout() == Layout.ROW_MAJOR) ? 1 : 0;
        launch("nullspace_copy_triangle_" + suffix(b.precision()), b.batch(), Lines.of(b), arguments);
    }

    /** B ← αA + βB, one precision. With β = 0, B is not read. */
    void add(double alpha, Matrix a, double beta, Matrix b) {
        pair("add", suffix(b.precision()), a, b, Double.doubleToRawLongBits(alpha), Double.doubleToRawLongBits(beta));
    }

    private void pair(String operation, String suffix, Matrix a, Matrix b, long... more) {
        if (b.isEmpty()) {
            return;
        }
        boolean vector = b.rows() == 1 || b.columns() == 1;
        boolean aligned = vector || a.layout() == b.layout();
        Lines source = vector ? Lines.ofVector(a) : Lines.of(a);
        Lines target = vector ? Lines.ofVector(b) : Lines.of(b);
        if (aligned && source.pitch() == source.length() && target.pitch() == target.length()) {
            source = source.merged();
            target = target.merged();
        }
        long[] arguments = new long[11 + more.length];
        put(arguments, 0, source);
        put(arguments, 5, target);
        arguments[10] = b.batch();
        System.arraycopy(more, 0, arguments, 11, more.length);
        if (aligned) {
            launch("nullspace_" + operation + "_aligned_" + suffix, b.batch(), target, arguments);
        } else {
            queue.device()
                    .kernels()
                    .launch(
                            queue,
                            SOURCE,
                            "nullspace_" + operation + "_crossed_" + suffix,
                            blocks(target.length(), EDGE),
                            blocks(target.count(), EDGE),
                            b.batch(),
                            EDGE,
                            EDGE_ROWS,
                            arguments);
        }
    }
}
