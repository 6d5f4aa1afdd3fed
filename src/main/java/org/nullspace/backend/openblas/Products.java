package org.nullspace.backend.openblas;

import org.nullspace.backend.Triangle;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Matrix products and triangular solves. BLAS sees column-major operands: a row-major matrix is the transpose of a column-major one at the
 * same address, so every mix of layouts is a choice of side, triangle and transposition, and nothing is copied. Operands that need another
 * precision pass through a tile of bounded size.
 */
final class Products {
    /** Usual size of a tile in bytes: it stays in the second- or third-level cache between conversion and product. */
    static final long TILE_BYTES = 2L << 20;

    /** Largest size of a tile in bytes. */
    static final long MAX_TILE_BYTES = 16L << 20;

    /**
     * A tile is that long in the direction that is summed over if it can be: OpenBLAS's own blocks of that direction are 256 to 512
     * entries, so that tiles add no passes over the result.
     */
    private static final long TILE_DEPTH = 512;

    private final OpenBlasThreads.Caller caller;
    private final Workspace workspace;

    Products(OpenBlasThreads.Caller caller, Workspace workspace) {
        this.caller = caller;
        this.workspace = workspace;
    }

    // ---- C ← αAB + βC

    void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        boolean wide = c.precision() == Precision.FLOAT64;
        for (long p = 0; p < c.batch(); p++) {
            Matrix ap = problem(a, p);
            Matrix bp = problem(b, p);
            Matrix cp = problem(c, p);
            double flops = 2.0 * c.rows() * c.columns() * a.columns();
            if (wide && a.precision() == Precision.FLOAT32) {
                HostMemory tile = productTile(a);
                caller.run(flops, () -> narrowLeft(alpha, ap, bp, beta, cp, tile));
            } else if (wide && b.precision() == Precision.FLOAT32) {
                HostMemory tile = productTile(b);
                caller.run(
                        flops, () -> narrowLeft(alpha, bp.transposed(), ap.transposed(), beta, cp.transposed(), tile));
            } else {
                caller.run(flops, () -> product(alpha, ap, bp, beta, cp));
            }
        }
    }

    /** All of one precision, single matrices. */
    private static int product(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        int m = (int) c.rows();
        int n = (int) c.columns();
        int l = (int) a.columns();
        if (l == 0) {
            EntryWise.scale(beta, c);
            return 0;
        }
        Kernels kernels = Kernels.of(c.precision());
        if (n == 1) {
            boolean plain = a.layout() == Layout.COLUMN_MAJOR;
            kernels.gemv(
                    plain ? Kernels.PLAIN : Kernels.TRANSPOSED,
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
            return 0;
        }
        if (m == 1) {
            return product(alpha, b.transposed(), a.transposed(), beta, c.transposed());
        }
        if (c.layout() == Layout.ROW_MAJOR) {
            return product(alpha, b.transposed(), a.transposed(), beta, c.transposed());
        }
        kernels.gemm(
                transposition(a),
                transposition(b),
                m,
                n,
                l,
                alpha,
                kernels.at(a, 0),
                ld(a),
                kernels.at(b, 0),
                ld(b),
                beta,
                kernels.at(c, 0),
                ld(c));
        return 0;
    }

    /** A is float32, B and C are float64: converts A tile by tile. */
    private static int narrowLeft(double alpha, Matrix a, Matrix b, double beta, Matrix c, HostMemory memory) {
        if (a.columns() == 0) {
            EntryWise.scale(beta, c);
            return 0;
        }
        long entries = memory.byteSize() / Double.BYTES;
        long depth = Math.min(a.columns(), TILE_DEPTH);
        long height = Math.max(1, Math.min(a.rows(), entries / depth));
        depth = Math.min(a.columns(), entries / height);
        for (long i = 0; i < a.rows(); i += height) {
            long iEnd = Math.min(a.rows(), i + height);
            for (long k = 0; k < a.columns(); k += depth) {
                long kEnd = Math.min(a.columns(), k + depth);
                Matrix tile = converted(memory, a.rows(i, iEnd).columns(k, kEnd));
                product(alpha, tile, b.rows(k, kEnd), k == 0 ? beta : 1, c.rows(i, iEnd));
            }
        }
        return 0;
    }

    // ---- lower triangle of C ← αAAᵀ + βC

    void gram(double alpha, Matrix a, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        boolean tiled = a.precision() != c.precision() && a.columns() > 0;
        for (long p = 0; p < c.batch(); p++) {
            Matrix ap = problem(a, p);
            Matrix cp = problem(c, p);
            double flops = (double) c.rows() * c.rows() * a.columns();
            if (tiled) {
                HostMemory tile = gramTile(a);
                caller.run(flops, () -> narrowGram(alpha, ap, beta, cp, tile));
            } else {
                caller.run(flops, () -> gramOf(alpha, ap, beta, cp));
            }
        }
    }

    /** Both of one precision, single matrices. */
    private static int gramOf(double alpha, Matrix a, double beta, Matrix c) {
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
        return 0;
    }

    /** A is float32, C is float64: converts A tile by tile. */
    private static int narrowGram(double alpha, Matrix a, double beta, Matrix c, HostMemory memory) {
        long width = memory.byteSize() / Double.BYTES / a.rows();
        for (long k = 0; k < a.columns(); k += width) {
            Matrix tile = converted(memory, a.columns(k, Math.min(a.columns(), k + width)));
            gramOf(alpha, tile, k == 0 ? beta : 1, c);
        }
        return 0;
    }

    // ---- B ← T⁻¹B

    void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        if (b.isEmpty()) {
            return;
        }
        Kernels kernels = Kernels.of(b.precision());
        boolean left = b.layout() == Layout.COLUMN_MAJOR;
        boolean plain = (t.layout() == Layout.COLUMN_MAJOR) == left;
        int n = (int) b.rows();
        int k = (int) b.columns();
        for (long p = 0; p < b.batch(); p++) {
            Matrix tp = problem(t, p);
            Matrix bp = problem(b, p);
            caller.run((double) n * n * k, () -> {
                kernels.trsm(
                        left ? Kernels.LEFT : Kernels.RIGHT,
                        uplo(triangle, tp),
                        plain ? Kernels.PLAIN : Kernels.TRANSPOSED,
                        left ? n : k,
                        left ? k : n,
                        kernels.at(tp, 0),
                        ld(tp),
                        kernels.at(bp, 0),
                        ld(bp));
                return 0;
            });
        }
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

    private static int transposition(Matrix m) {
        return m.layout() == Layout.COLUMN_MAJOR ? Kernels.PLAIN : Kernels.TRANSPOSED;
    }

    /** Distance of the entries of a matrix of one column. */
    private static int increment(Matrix column) {
        return column.layout() == Layout.COLUMN_MAJOR ? 1 : ld(column);
    }

    // ---- tiles

    private HostMemory productTile(Matrix a) {
        long whole = a.rows() * a.columns() * Double.BYTES;
        return workspace.atLeast(Math.min(TILE_BYTES, whole), "a tile for converting " + a);
    }

    private HostMemory gramTile(Matrix a) {
        long column = a.rows() * Double.BYTES;
        long wanted = Math.max(TILE_BYTES, Math.min(MAX_TILE_BYTES, TILE_DEPTH * column));
        return workspace.atLeast(
                Math.min(Math.max(column, wanted), column * a.columns()), "a tile for converting " + a);
    }

    /** Copy of a part of an operand as float64. */
    private static Matrix converted(HostMemory memory, Matrix part) {
        Matrix tile = Matrix.over(memory, Precision.FLOAT64, 1, part.rows(), part.columns(), part.layout());
        tile.copyFrom(part);
        return tile;
    }
}
