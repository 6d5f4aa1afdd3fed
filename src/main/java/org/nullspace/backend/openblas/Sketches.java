package org.nullspace.backend.openblas;

import java.util.Arrays;
import org.nullspace.backend.SparseSigns;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * Sparse random sketches. Some columns of A pass at a time, in chunks of rows, so that both the chunk and these columns of the sketch stay in the
 * cache. The rows of a chunk are sorted by the rows of the sketch that they go to, so that several of them are added in one
 * loop. Each column is summed up by itself, from the first row of A to the last: how columns are shared out has no influence on the
 * result.
 */
final class Sketches {
    /** Entries of the sketch that a thread works on at a time, at most: half a MiB. */
    private static final long ENTRIES = 1 << 16;

    private static final long MOST_COLUMNS = HostLines.TILE;
    private static final long LEAST_COLUMNS = 16;

    /** Parts of the columns for several threads begin at multiples of this: a cache line. */
    private static final long UNIT = 8;

    private final OpenBlasThreads threads;

    Sketches(OpenBlasThreads threads) {
        this.threads = threads;
    }

    void sketch(long seed, Matrix a, Matrix y) {
        double bytes = (double) a.rows() * a.columns() * a.precision().bytes();
        boolean rows = a.layout() == Layout.ROW_MAJOR;
        boolean rowsOfY = y.layout() == Layout.ROW_MAJOR;
        long width = Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, ENTRIES / y.rows()));
        for (long b = 0; b < y.batch(); b++) {
            HostLines from = HostLines.of(a, a.batch() == 1 ? 0 : b);
            HostLines to = HostLines.of(y, b);
            threads.split(bytes >= OpenBlasThreads.LARGE_BYTES, a.columns(), UNIT, (slice, first, last) -> {
                Block block = new Block(seed, y.rows(), a.rows());
                for (long c = first; c < last; c += width) {
                    long end = Math.min(last, c + width);
                    int columns = (int) (end - c);
                    block.add(rows ? from.section(c, end) : from.lines(c, end), rows, columns);
                    block.write(rowsOfY ? to.section(c, end) : to.lines(c, end), rowsOfY, columns);
                }
            });
        }
    }

    /** Some columns of the sketch, row by row without gaps. */
    private static final class Block {
        private static final int TILE = HostLines.TILE;
        private static final int CHUNK = 8 * TILE;

        private final long seed;
        private final int k;
        private final long q;
        private final int perRow;
        private final int[] targets;
        private final int[] ends;
        private final int[] sources;
        private final double[] chunk = new double[(int) (CHUNK * MOST_COLUMNS)];
        private final double[] tile = new double[(int) (TILE * MOST_COLUMNS)];
        private double[] sums = {};

        Block(long seed, long k, long q) {
            this.seed = seed;
            this.k = Math.toIntExact(k);
            this.q = q;
            this.perRow = SparseSigns.perRow(k);
            this.targets = new int[CHUNK * perRow];
            this.ends = new int[this.k + 1];
            this.sources = new int[CHUNK * perRow];
        }

        /** Sums of the columns of A. */
        void add(HostLines lines, boolean linesAreRows, int columns) {
            int entries = Math.multiplyExact(k, columns);
            if (sums.length == entries) {
                Arrays.fill(sums, 0);
            } else {
                sums = new double[entries];
            }
            for (long i = 0; i < q; i += CHUNK) {
                int rows = (int) Math.min(CHUNK, q - i);
                read(lines, linesAreRows, i, rows, columns);
                sort(i, rows);
                addChunk(columns);
            }
        }

        private void read(HostLines lines, boolean linesAreRows, long first, int rows, int columns) {
            if (linesAreRows) {
                for (int r = 0; r < rows; r++) {
                    lines.read(first + r, 0, chunk, r * columns, columns);
                }
                return;
            }
            for (int r = 0; r < rows; r += TILE) {
                int part = Math.min(TILE, rows - r);
                lines.readAcross(0, columns, first + r, part, tile);
                System.arraycopy(tile, 0, chunk, r * columns, part * columns);
            }
        }

        /**
         * Sorts the rows of a chunk by target, those of one target in their order: row t of the sketch receives those from {@code ends[t −
         * 1]} to {@code ends[t]} of {@code sources}, twice the row plus 1 if it is subtracted.
         */
        private void sort(long first, int rows) {
            Arrays.fill(ends, 0);
            int[] start = new int[perRow];
            int[] size = new int[perRow];
            for (int t = 0; t < perRow; t++) {
                start[t] = (int) SparseSigns.blockStart(k, t);
                size[t] = (int) (SparseSigns.blockStart(k, t + 1) - start[t]);
            }
            for (int r = 0; r < rows; r++) {
                for (int t = 0; t < perRow; t++) {
                    long bits = SparseSigns.bits(seed, first + r, t, perRow);
                    int target = start[t] + (int) SparseSigns.rowInBlock(bits, size[t]);
                    targets[r * perRow + t] = 2 * target + (SparseSigns.sign(bits) < 0 ? 1 : 0);
                    ends[target + 1]++;
                }
            }
            for (int t = 0; t < k; t++) {
                ends[t + 1] += ends[t];
            }
            for (int r = 0; r < rows; r++) {
                for (int t = 0; t < perRow; t++) {
                    int target = targets[r * perRow + t];
                    sources[ends[target >> 1]++] = 2 * r + (target & 1);
                }
            }
        }

        private void addChunk(int columns) {
            int s = 0;
            for (int t = 0; t < k; t++) {
                int at = t * columns;
                int end = ends[t];
                for (; s + 4 <= end; s += 4) {
                    addFour(at, sources[s], sources[s + 1], sources[s + 2], sources[s + 3], columns);
                }
                if (s + 2 <= end) {
                    addTwo(at, sources[s], sources[s + 1], columns);
                    s += 2;
                }
                if (s < end) {
                    addOne(at, sources[s], columns);
                    s++;
                }
            }
        }

        private static double sign(int source) {
            return 1 - 2 * (source & 1);
        }

        private void addOne(int at, int a, int columns) {
            addOne(sums, at, chunk, (a >> 1) * columns, sign(a), columns);
        }

        private void addTwo(int at, int a, int b, int columns) {
            addTwo(sums, at, chunk, (a >> 1) * columns, (b >> 1) * columns, sign(a), sign(b), columns);
        }

        private void addFour(int at, int a, int b, int c, int d, int columns) {
            int ra = (a >> 1) * columns;
            int rb = (b >> 1) * columns;
            int rc = (c >> 1) * columns;
            int rd = (d >> 1) * columns;
            addFour(sums, at, chunk, ra, rb, rc, rd, sign(a), sign(b), sign(c), sign(d), columns);
        }

        private static void addOne(double[] sums, int at, double[] from, int a, double sa, int count) {
            for (int j = 0; j < count; j++) {
                sums[at + j] += sa * from[a + j];
            }
        }

        private static void addTwo(
                double[] sums, int at, double[] from, int a, int b, double sa, double sb, int count) {
            for (int j = 0; j < count; j++) {
                sums[at + j] = sums[at + j] + sa * from[a + j] + sb * from[b + j];
            }
        }

        private static void addFour(
                double[] sums,
                int at,
                double[] from,
                int a,
                int b,
                int c,
                int d,
                double sa,
                double sb,
                double sc,
                double sd,
                int count) {
            for (int j = 0; j < count; j++) {
                sums[at + j] = sums[at + j] + sa * from[a + j] + sb * from[b + j] + sc * from[c + j] + sd * from[d + j];
            }
        }

        void write(HostLines lines, boolean linesAreRows, int columns) {
            if (linesAreRows) {
                for (int i = 0; i < k; i++) {
                    lines.write(i, 0, sums, i * columns, columns);
                }
                return;
            }
            double[] line = new double[lines.chunk()];
            for (int c = 0; c < columns; c++) {
                for (int i = 0; i < k; i += line.length) {
                    int part = Math.min(line.length, k - i);
                    for (int r = 0; r < part; r++) {
                        line[r] = sums[(i + r) * columns + c];
                    }
                    lines.write(c, i, line, 0, part);
                }
            }
        }
    }
}
