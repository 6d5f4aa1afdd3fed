package org.nullspace.backend.openblas;

import org.nullspace.backend.SparseSigns;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/**
 * Sparse random sketches. Some columns of A pass at a time, in tiles of a few rows, so that these columns of the sketch stay in the cache
 * while rows are added to them in random places. Each column is summed up by itself, from the first row of A to the last: how columns
 * are shared out has no influence on the result.
 */
final class Sketches {
    /** Entries of the sketch that a thread works on at a time, at most: half a MiB, which a second-level cache holds. */
    private static final long ENTRIES = 1 << 16;

    /** Columns at a time: more would not fit into a tile, fewer would make the loops over a row too short. */
    private static final long MOST_COLUMNS = HostLines.TILE;

    private static final long LEAST_COLUMNS = 8;

    /** Parts of the columns for several threads begin at multiples of this: a cache line. */
    private static final long UNIT = 8;

    private final OpenBlasThreads threads;

    Sketches(OpenBlasThreads threads) {
        this.threads = threads;
    }

    void sketch(long seed, Matrix a, Matrix y) {
        double bytes = (double) a.rows() * a.columns() * a.precision().bytes();
        for (long b = 0; b < y.batch(); b++) {
            HostLines from = HostLines.of(a, a.batch() == 1 ? 0 : b);
            HostLines to = HostLines.of(y, b);
            threads.split(bytes >= OpenBlasThreads.LARGE_BYTES, a.columns(), UNIT, (slice, first, last) -> {
                Block block = new Block(seed, y.rows(), a.rows());
                long width = Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, ENTRIES / y.rows()));
                for (long c = first; c < last; c += width) {
                    int columns = (int) Math.min(width, last - c);
                    boolean rows = a.layout() == Layout.ROW_MAJOR;
                    block.add(rows ? from.section(c, c + columns) : from.lines(c, c + columns), rows, columns);
                    block.write(
                            y.layout() == Layout.ROW_MAJOR ? to.section(c, c + columns) : to.lines(c, c + columns),
                            y.layout() == Layout.ROW_MAJOR,
                            columns);
                }
            });
        }
    }

    /** Some columns of the sketch, row by row without gaps. */
    private static final class Block {
        private static final int TILE = HostLines.TILE;

        private final long seed;
        private final long k;
        private final long q;
        private final int perRow;
        private final int[] start;
        private final int[] size;
        private final double[] tile = new double[TILE * TILE];
        private double[] sums = {};

        Block(long seed, long k, long q) {
            this.seed = seed;
            this.k = k;
            this.q = q;
            this.perRow = SparseSigns.perRow(k);
            this.start = new int[perRow];
            this.size = new int[perRow];
            for (int t = 0; t < perRow; t++) {
                start[t] = (int) SparseSigns.blockStart(k, t);
                size[t] = (int) (SparseSigns.blockStart(k, t + 1) - start[t]);
            }
        }

        /** Sums of the columns of A. */
        void add(HostLines lines, boolean linesAreRows, int columns) {
            int entries = Math.toIntExact(k * columns);
            if (sums.length == entries) {
                java.util.Arrays.fill(sums, 0);
            } else {
                sums = new double[entries];
            }
            for (long i = 0; i < q; i += TILE) {
                int rows = (int) Math.min(TILE, q - i);
                if (linesAreRows) {
                    for (int r = 0; r < rows; r++) {
                        lines.read(i + r, 0, tile, r * columns, columns);
                    }
                } else {
                    lines.readAcross(0, columns, i, rows, tile);
                }
                for (int r = 0; r < rows; r++) {
                    for (int t = 0; t < perRow; t++) {
                        long bits = SparseSigns.bits(seed, i + r, t, perRow);
                        int target = start[t] + (int) SparseSigns.rowInBlock(bits, size[t]);
                        addTo(sums, target * columns, tile, r * columns, columns, SparseSigns.sign(bits));
                    }
                }
            }
        }

        private static void addTo(double[] sums, int at, double[] row, int from, int count, double sign) {
            for (int j = 0; j < count; j++) {
                sums[at + j] += sign * row[from + j];
            }
        }

        void write(HostLines lines, boolean linesAreRows, int columns) {
            if (linesAreRows) {
                for (int i = 0; i < k; i++) {
                    lines.write(i, 0, sums, i * columns, columns);
                }
                return;
            }
            double[] chunk = new double[lines.chunk()];
            for (int c = 0; c < columns; c++) {
                for (int i = 0; i < k; i += chunk.length) {
                    int part = Math.min(chunk.length, (int) k - i);
                    for (int r = 0; r < part; r++) {
                        chunk[r] = sums[(i + r) * columns + c];
                    }
                    lines.write(c, i, chunk, 0, part);
                }
            }
        }
    }
}
