package org.nullspace.backend.openblas;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Batches of small problems: groups of {@link Lanes#COUNT} neighbouring problems are brought into lanes, solved by {@link LaneQr}, and
 * written back; the groups are spread over the threads. Which problems share a group changes no result. Scratch is made once for each
 * thread, nothing for a group or a problem.
 */
final class SmallProblems {
    /** Slices for each thread, so that one that is held up leaves its share to the others. */
    private static final int SLICES = 8;

    /**
     * Entries of X and of a target's column for each k, at most. Measured on one core of an AMD EPYC with float64 data, 1000 problems and one
     * target (OpenJDK 17, OpenBLAS 0.3.31): 32×256 takes 0.08 ms a problem here and 0.15 ms with the Gram method alone, 40×200 0.09 and 0.16 ms,
     * 48×384 0.24 ms either way. Scratch takes about 0.5 KiB per entry and thread.
     */
    private static final long LARGEST = 10_000;

    private final OpenBlasThreads threads;

    SmallProblems(OpenBlasThreads threads) {
        this.threads = threads;
    }

    /** Whether problems of a shape are small. */
    static boolean covers(long n, long d, long k) {
        return n >= 1
                && d >= 1
                && k >= 1
                && n <= LARGEST
                && d <= LARGEST
                && k <= LARGEST
                && n * d + Math.max(n, d) * k <= LARGEST;
    }

    /** Bytes of the lanes and of what is on its way to and from them, for all threads. */
    long scratchBytes(long batch, long n, long d, long k) {
        double entries = n * (double) d + Math.max(n, d) * (double) k + 4.0 * Math.min(n, d);
        double copies = n * (double) d + (double) (n + d) * k;
        double groups = Math.min(threads.count(), Math.ceil(batch / (double) Lanes.COUNT));
        return (long) (groups * Lanes.COUNT * (8 * entries + 12 * copies));
    }

    /**
     * Solves.
     *
     * @param x B×n×d
     * @param y B×n×k
     * @param w written: B×d×k
     * @param bounds written: B×1×2, ‖X‖_F and ‖R⁻¹‖_F, or NaN
     */
    void solve(Matrix x, Matrix y, Matrix w, Matrix bounds) {
        long groups = (w.batch() + Lanes.COUNT - 1) / Lanes.COUNT;
        int slices = (int) Math.min(groups, (long) SLICES * threads.count());
        Queue<Group> free = new ConcurrentLinkedQueue<>();
        threads.run(slices, slice -> {
            Group known = free.poll();
            Group group = known == null ? new Group(x, y, w, bounds) : known;
            for (long g = groups * slice / slices; g < groups * (slice + 1) / slices; g++) {
                group.solve(g * Lanes.COUNT, (int) Math.min(Lanes.COUNT, w.batch() - g * Lanes.COUNT));
            }
            free.add(group);
        });
    }

    /** A group of problems and its scratch. */
    private static final class Group {
        private final LaneQr qr;
        private final Port x;
        private final Port y;
        private final Port w;
        private final Port bounds;

        private Group(Matrix x, Matrix y, Matrix w, Matrix bounds) {
            qr = new LaneQr((int) x.rows(), (int) x.columns(), (int) y.columns());
            this.x = new Port(x, qr::x);
            this.y = new Port(y, qr::y);
            this.w = new Port(w, qr::w);
            this.bounds = new Port(bounds, (i, j) -> j == 0 ? qr.norm() : qr.normOfInverse());
        }

        private void solve(long first, int count) {
            x.read(first, count);
            y.read(first, count);
            qr.solve();
            w.write(first, count, qr.norm());
            bounds.write(first, count, qr.norm());
        }
    }

    /** The lanes of one entry. */
    private interface Entry {
        double[] lanes(int i, int j);
    }

    /** Moves entries between a batch in memory and lanes. */
    private static final class Port {
        private final Matrix matrix;
        private final HostMemory memory;
        private final int lines;
        private final int length;
        private final double[][] lanes;
        private final double[] packed;
        private final float[] narrow;

        private Port(Matrix matrix, Entry entry) {
            if (!(matrix.memory() instanceof HostMemory host)) {
                throw new IllegalStateException(matrix + " lies in the memory of " + matrix.place());
            }
            boolean rows = matrix.layout() == Layout.ROW_MAJOR;
            this.matrix = matrix;
            this.memory = host;
            this.lines = (int) (rows ? matrix.rows() : matrix.columns());
            this.length = (int) (rows ? matrix.columns() : matrix.rows());
            List<double[]> order = new ArrayList<>();
            for (int line = 0; line < lines; line++) {
                for (int e = 0; e < length; e++) {
                    order.add(rows ? entry.lanes(line, e) : entry.lanes(e, line));
                }
            }
            this.lanes = order.toArray(double[][]::new);
            this.packed = new double[lanes.length * Lanes.COUNT];
            this.narrow = new float[matrix.precision() == Precision.FLOAT32 ? packed.length : 0];
        }

        /** Missing problems of the last group are zero. */
        private void read(long first, int count) {
            Arrays.fill(packed, count * lanes.length, packed.length, 0);
            if (isContiguous(count)) {
                read(index(first), 0, count * lanes.length);
            } else {
                for (int l = 0; l < count; l++) {
                    for (int line = 0; line < lines; line++) {
                        read(index(first + l) + line * matrix.leadingDimension(), position(l, line), length);
                    }
                }
            }
            Lanes.gather(packed, lanes.length, lanes);
        }

        private void read(long index, int to, int count) {
            if (matrix.precision() == Precision.FLOAT64) {
                memory.read(index, packed, to, count);
                return;
            }
            memory.read(index, narrow, to, count);
            for (int i = to; i < to + count; i++) {
                packed[i] = narrow[i];
            }
        }

        /** Sets the verdict of a problem to NaN if one of its entries leaves the range of the precision. */
        private void write(long first, int count, double[] verdict) {
            Lanes.scatter(lanes, lanes.length, packed);
            if (matrix.precision() == Precision.FLOAT32) {
                for (int i = 0; i < count * lanes.length; i++) {
                    narrow[i] = (float) packed[i];
                    if (Float.isInfinite(narrow[i])) {
                        verdict[i / lanes.length] = Double.NaN;
                    }
                }
            }
            if (isContiguous(count)) {
                write(index(first), 0, count * lanes.length);
                return;
            }
            for (int l = 0; l < count; l++) {
                for (int line = 0; line < lines; line++) {
                    write(index(first + l) + line * matrix.leadingDimension(), position(l, line), length);
                }
            }
        }

        private void write(long index, int from, int count) {
            if (matrix.precision() == Precision.FLOAT64) {
                memory.write(index, packed, from, count);
            } else {
                memory.write(index, narrow, from, count);
            }
        }

        private boolean isContiguous(int count) {
            return (matrix.batch() > 1 || count == 1)
                    && (lines == 1 || matrix.leadingDimension() == length)
                    && matrix.batchStride() == lanes.length;
        }

        private int position(int l, int line) {
            return l * lanes.length + line * length;
        }

        /** Where a problem begins, in entries; a batch of one is shared by all. */
        private long index(long problem) {
            long b = matrix.batch() == 1 ? 0 : problem;
            return (matrix.address(b) - memory.address()) / matrix.precision().bytes();
        }
    }
}
