package org.nullspace.backend.openblas;

import org.nullspace.backend.Triangle;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Matrix products and triangular solves. BLAS sees column-major operands: a row-major matrix is the transpose of a column-major one at the
 * same address, so every mix of layouts is a choice of side, triangle and transposition, and nothing is copied. A float32 operand of a
 * float64 result passes through tiles of bounded size.
 */
final class Products {
    /** Size of the tile of a product in bytes, one for each thread: it stays in the cache between conversion and product. */
    static final long TILE_BYTES = 1L << 20;

    /** Size of the tile of a Gram product in bytes, shared by all threads. */
    static final long GRAM_TILE_BYTES = 4L << 20;

    /** Largest size of the tile of a Gram product in bytes. */
    static final long MAX_TILE_BYTES = 16L << 20;

    /**
     * A tile is that long in the direction that is summed over if it can be: OpenBLAS's own blocks of that direction are 256 to 512 entries,
     * so that tiles add no passes over the result.
     */
    private static final long TILE_DEPTH = 512;

    /** Slices of a result begin at multiples of this: whole cache lines, and a multiple of the register tiles of all kernels. */
    private static final long UNIT = 16;

    /**
     * Order up to which a triangular system is left to OpenBLAS, and right-hand sides from which it is not: its own solver reaches 40 % of the speed of its
     * products (order 300, 2,000 right-hand sides, AMD EPYC with AVX-512).
     */
    private static final long SOLVE_ORDER = 80;

    private static final long SOLVE_COLUMNS = 32;

    private static final HostMemory[] NONE = {};

    private final OpenBlasThreads threads;
    private final EntryWise entryWise;
    private final Workspace[] workspaces;

    /**
     * Products of a session.
     *
     * @param workspaces one for each thread
     */
    Products(OpenBlasThreads threads, EntryWise entryWise, Workspace[] workspaces) {
        this.threads = threads;
        this.entryWise = entryWise;
        this.workspaces = workspaces;
    }

    // ---- C ← αAB + βC

    void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        if (a.columns() == 0) {
            entryWise.scale(beta, c);
            return;
        }
        boolean wide = c.precision() == Precision.FLOAT64;
        for (long p = 0; p < c.batch(); p++) {
            Matrix ap = problem(a, p);
            Matrix bp = problem(b, p);
            Matrix cp = problem(c, p);
            if (wide && b.precision() == Precision.FLOAT32) {
                product(alpha, bp.transposed(), ap.transposed(), beta, cp.transposed());
            } else {
                product(alpha, ap, bp, beta, cp);
            }
        }
    }

    /** Single matrices, nothing empty; B and C have one precision. Slices are rows or columns of C, whichever there are more of. */
    private void product(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        boolean large = isLarge(a, b);
        boolean narrow = a.precision() != c.precision();
        if (!large && !narrow) {
            gemm(alpha, a, b, beta, c);
            return;
        }
        HostMemory[] tiles = narrow ? tiles(a, large ? threads.count() : 1) : NONE;
        OpenBlasThreads.Range rows = (slice, from, to) -> {
            Matrix part = a.rows(from, to);
            Matrix result = c.rows(from, to);
            if (narrow) {
                tiledGemm(alpha, part, b, beta, result, tiles[slice]);
            } else {
                gemm(alpha, part, b, beta, result);
            }
        };
        OpenBlasThreads.Range columns = (slice, from, to) -> {
            Matrix part = b.columns(from, to);
            Matrix result = c.columns(from, to);
            if (narrow) {
                tiledGemm(alpha, a, part, beta, result, tiles[slice]);
            } else {
                gemm(alpha, a, part, beta, result);
            }
        };
        boolean byRows = c.rows() >= c.columns();
        threads.split(large, byRows ? c.rows() : c.columns(), UNIT, byRows ? rows : columns);
    }

    private static boolean isLarge(Matrix a, Matrix b) {
        double flops = 2.0 * a.rows() * a.columns() * b.columns();
        double bytes = (double) a.rows() * a.columns() * a.precision().bytes()
                + (double) b.rows() * b.columns() * b.precision().bytes();
        return flops >= OpenBlasThreads.LARGE_FLOPS || bytes >= OpenBlasThreads.LARGE_BYTES;
    }

    /** All of one precision. */
    private static void gemm(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.columns() > 1 && (c.rows() == 1 || c.layout() == Layout.ROW_MAJOR)) {
            gemm(alpha, b.transposed(), a.transposed(), beta, c.transposed());
            return;
        }
        Kernels kernels = Kernels.of(c.precision());
        int m = (int) c.rows();
        int l = (int) a.columns();
        if (c.columns() == 1) {
            boolean plain = a.layout() == Layout.COLUMN_MAJOR;
            kernels.gemv(
                    transposition(a),
                    plain ? m : l,
                    plain ? l : m,
                    alpha,
                    kernels.at(a, 0),
                    ld(a),
                    kernels.at(b, 0),
                    increment(b),
                    beta,
                    kernels.at(c, 0),
                    increment(c));
            return;
        }
        kernels.gemm(
                transposition(a),
                transposition(b),
                m,
                (int) c.columns(),
                l,
                alpha,
                kernels.at(a, 0),
                ld(a),
                kernels.at(b, 0),
                ld(b),
                beta,
                kernels.at(c, 0),
                ld(c));
    }

    /** A is float32, B and C are float64: converts A tile by tile. */
    private static void tiledGemm(double alpha, Matrix a, Matrix b, double beta, Matrix c, HostMemory memory) {
        long entries = memory.byteSize() / Double.BYTES;
        long height = Math.max(1, Math.min(a.rows(), entries / Math.min(a.columns(), TILE_DEPTH)));
        long depth = Math.min(a.columns(), entries / height);
        for (long i = 0; i < a.rows(); i += height) {
            long iEnd = Math.min(a.rows(), i + height);
            for (long k = 0; k < a.columns(); k += depth) {
                long kEnd = Math.min(a.columns(), k + depth);
                Matrix part = a.rows(i, iEnd).columns(k, kEnd);
                Matrix tile = packed(memory, part);
                HostLines.of(tile, 0).copyFrom(HostLines.of(part, 0));
                gemm(alpha, tile, b.rows(k, kEnd), k == 0 ? beta : 1, c.rows(i, iEnd));
            }
        }
    }

    private HostMemory[] tiles(Matrix a, int count) {
        long bytes = Math.min(TILE_BYTES, a.rows() * a.columns() * Double.BYTES);
        HostMemory[] memory = new HostMemory[count];
        for (int i = 0; i < count; i++) {
            memory[i] = workspaces[i].atLeast(bytes, "a tile for converting " + a);
        }
        return memory;
    }

    /** Packed float64 matrix of the shape of a part. */
    private static Matrix packed(HostMemory memory, Matrix part) {
        return Matrix.over(memory, Precision.FLOAT64, 1, part.rows(), part.columns(), part.layout());
    }

    // ---- lower triangle of C ← αAAᵀ + βC

    void gram(double alpha, Matrix a, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        for (long p = 0; p < c.batch(); p++) {
            Matrix ap = problem(a, p);
            Matrix cp = problem(c, p);
            if (a.precision() == c.precision() || a.columns() == 0) {
                gramOf(alpha, ap, beta, cp);
            } else {
                tiledGram(alpha, ap, beta, cp);
            }
        }
    }

    /**
     * One precision (or no columns), single matrices. Slices are blocks of rows of the triangle: a rectangle left of a small
     * triangle on the diagonal.
     */
    void gramOf(double alpha, Matrix a, double beta, Matrix c) {
        long n = c.rows();
        double flops = (double) n * n * a.columns();
        int slices = (int) Math.min(threads.count(), n / (2 * UNIT));
        if (flops < OpenBlasThreads.LARGE_FLOPS || slices <= 1) {
            syrk(alpha, a, beta, c);
            return;
        }
        threads.run(slices, i -> {
            long from = boundary(n, i, slices);
            long to = boundary(n, i + 1, slices);
            Matrix rows = a.rows(from, to);
            if (from > 0) {
                gemm(
                        alpha,
                        rows,
                        a.rows(0, from).transposed(),
                        beta,
                        c.rows(from, to).columns(0, from));
            }
            syrk(alpha, rows, beta, c.rows(from, to).columns(from, to));
        });
    }

    /** Equal areas. */
    private static long boundary(long n, int slice, int slices) {
        return slice == slices ? n : Math.round(n * Math.sqrt((double) slice / slices) / UNIT) * UNIT;
    }

    private static void syrk(double alpha, Matrix a, double beta, Matrix c) {
        Kernels kernels = Kernels.of(c.precision());
        kernels.syrk(
                uplo(Triangle.LOWER, c),
                transposition(a),
                (int) c.rows(),
                (int) a.columns(),
                alpha,
                kernels.at(a, 0),
                ld(a),
                beta,
                kernels.at(c, 0),
                ld(c));
    }

    /** A is float32, C is float64: converts A tile by tile. */
    private void tiledGram(double alpha, Matrix a, double beta, Matrix c) {
        long column = a.rows() * Double.BYTES;
        long wanted = Math.min(MAX_TILE_BYTES, Math.max(GRAM_TILE_BYTES, TILE_DEPTH * column));
        long bytes = Math.min(Math.max(column, wanted), column * a.columns());
        HostMemory memory = workspaces[0].atLeast(bytes, "a tile for converting " + a);
        long width = bytes / column;
        for (long k = 0; k < a.columns(); k += width) {
            Matrix part = a.columns(k, Math.min(a.columns(), k + width));
            Matrix tile = packed(memory, part);
            entryWise.copy(part, tile);
            gramOf(alpha, tile, k == 0 ? beta : 1, c);
        }
    }

    // ---- B ← αT⁻¹B

    /** B ← αT⁻¹B. */
    void solveTriangular(double alpha, Triangle triangle, Matrix t, Matrix b) {
        if (b.isEmpty()) {
            return;
        }
        for (long p = 0; p < b.batch(); p++) {
            Matrix tp = problem(t, p);
            Matrix bp = problem(b, p);
            boolean large = (double) b.rows() * b.rows() * b.columns() >= OpenBlasThreads.LARGE_FLOPS;
            threads.split(large, b.columns(), UNIT, (i, from, to) -> trsm(alpha, triangle, tp, bp.columns(from, to)));
        }
    }

    /** By recursion on the order, so that most of the work is in products. */
    private static void trsm(double alpha, Triangle triangle, Matrix t, Matrix b) {
        long order = b.rows();
        if (order <= SOLVE_ORDER || b.columns() < SOLVE_COLUMNS) {
            trsmWhole(alpha, triangle, t, b);
            return;
        }
        long half = (order / 2 + UNIT - 1) / UNIT * UNIT;
        boolean lower = triangle == Triangle.LOWER;
        Matrix first = lower ? b.rows(0, half) : b.rows(half, order);
        Matrix second = lower ? b.rows(half, order) : b.rows(0, half);
        Matrix top = t.rows(0, half).columns(0, half);
        Matrix bottom = t.rows(half, order).columns(half, order);
        Matrix beside =
                lower ? t.rows(half, order).columns(0, half) : t.rows(0, half).columns(half, order);
        trsm(alpha, triangle, lower ? top : bottom, first);
        gemm(-1, beside, first, alpha, second);
        trsm(1, triangle, lower ? bottom : top, second);
    }

    private static void trsmWhole(double alpha, Triangle triangle, Matrix t, Matrix b) {
        Kernels kernels = Kernels.of(b.precision());
        boolean left = b.layout() == Layout.COLUMN_MAJOR;
        boolean plain = (t.layout() == Layout.COLUMN_MAJOR) == left;
        int n = (int) b.rows();
        int k = (int) b.columns();
        kernels.trsm(
                left ? Kernels.LEFT : Kernels.RIGHT,
                uplo(triangle, t),
                plain ? Kernels.PLAIN : Kernels.TRANSPOSED,
                left ? n : k,
                left ? k : n,
                alpha,
                kernels.at(t, 0),
                ld(t),
                kernels.at(b, 0),
                ld(b));
    }

    // ---- how BLAS sees a matrix

    /** Which triangle of the column-major memory holds a triangle of the matrix. */
    static int uplo(Triangle triangle, Matrix m) {
        return (triangle == Triangle.LOWER) == (m.layout() == Layout.COLUMN_MAJOR) ? Kernels.LOWER : Kernels.UPPER;
    }

    static int ld(Matrix m) {
        boolean oneLine = (m.layout() == Layout.ROW_MAJOR ? m.rows() : m.columns()) <= 1;
        long length = m.layout() == Layout.ROW_MAJOR ? m.columns() : m.rows();
        return (int) (oneLine ? Math.max(1, length) : m.leadingDimension());
    }

    static Matrix problem(Matrix m, long b) {
        return m.batch() == 1 ? m : m.problem(b);
    }

    /** Distance of the entries of a matrix of one column. */
    static int increment(Matrix column) {
        return column.layout() == Layout.COLUMN_MAJOR ? 1 : ld(column);
    }

    private static int transposition(Matrix m) {
        return m.layout() == Layout.COLUMN_MAJOR ? Kernels.PLAIN : Kernels.TRANSPOSED;
    }
}
