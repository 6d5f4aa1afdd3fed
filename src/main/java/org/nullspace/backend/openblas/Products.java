package org.nullspace.backend.openblas;

import org.nullspace.backend.Triangle;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * Matrix products and triangular solves. BLAS sees column-major operands: a row-major matrix is the transpose of a column-major one at the
 * same address, so every mix of layouts is a choice of side, triangle and transposition, and nothing is copied. Operands that need another
 * precision pass through a tile of bounded size for each thread.
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

    /** Rows or columns of a product that a thread gets at least. */
    private static final long LEAST_SLICE = 16;

    /** Columns of A that a thread gets at least when a Gram product is cut along them. */
    private static final long LEAST_DEPTH = 2048;

    /** Rows of the result of a Gram product that a thread gets at least when it is cut into blocks. */
    private static final long LEAST_BLOCK = 96;

    private final Team team;

    Products(Team team) {
        this.team = team;
    }

    // ---- C ← αAB + βC

    void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        for (long p = 0; p < c.batch(); p++) {
            multiplyOne(alpha, problem(a, p), problem(b, p), beta, problem(c, p));
        }
    }

    /** Cuts the longer side of C into slices. */
    private void multiplyOne(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.rows() < c.columns()) {
            multiplyOne(alpha, b.transposed(), a.transposed(), beta, c.transposed());
            return;
        }
        double flops = 2.0 * c.rows() * c.columns() * a.columns();
        int parts = team.parts(flops, c.rows(), LEAST_SLICE);
        team.run(parts, i -> {
            long from = Team.start(c.rows(), parts, i);
            long to = Team.start(c.rows(), parts, i + 1);
            slice(alpha, a.rows(from, to), b, beta, c.rows(from, to));
        });
    }

    private static void slice(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        boolean wide = c.precision() == Precision.FLOAT64;
        if (wide && a.precision() == Precision.FLOAT32) {
            narrowLeft(alpha, a, b, beta, c);
        } else if (wide && b.precision() == Precision.FLOAT32) {
            narrowLeft(alpha, b.transposed(), a.transposed(), beta, c.transposed());
        } else {
            product(alpha, a, b, beta, c);
        }
    }

    /** All of one precision, single matrices. */
    private static void product(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        int m = (int) c.rows();
        int n = (int) c.columns();
        int l = (int) a.columns();
        if (l == 0) {
            EntryWise.scale(beta, c);
            return;
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
            return;
        }
        if (m == 1) {
            product(alpha, b.transposed(), a.transposed(), beta, c.transposed());
            return;
        }
        if (c.layout() == Layout.ROW_MAJOR) {
            product(alpha, b.transposed(), a.transposed(), beta, c.transposed());
            return;
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
    }

    /** A is float32, B and C are float64: converts A tile by tile. */
    private static void narrowLeft(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (a.columns() == 0) {
            EntryWise.scale(beta, c);
            return;
        }
        long whole = a.rows() * a.columns() * Double.BYTES;
        long entries = Math.min(TILE_BYTES, whole) / Double.BYTES;
        long depth = Math.min(a.columns(), TILE_DEPTH);
        long height = Math.max(1, Math.min(a.rows(), entries / depth));
        depth = Math.min(a.columns(), entries / height);
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory memory = tile(scope, height * depth, a);
            for (long i = 0; i < a.rows(); i += height) {
                long iEnd = Math.min(a.rows(), i + height);
                for (long k = 0; k < a.columns(); k += depth) {
                    long kEnd = Math.min(a.columns(), k + depth);
                    Matrix tile = converted(memory, a.rows(i, iEnd).columns(k, kEnd));
                    product(alpha, tile, b.rows(k, kEnd), k == 0 ? beta : 1, c.rows(i, iEnd));
                }
            }
        }
    }

    // ---- lower triangle of C ← αAAᵀ + βC

    void gram(double alpha, Matrix a, double beta, Matrix c) {
        if (c.isEmpty()) {
            return;
        }
        for (long p = 0; p < c.batch(); p++) {
            gramOne(alpha, problem(a, p), beta, problem(c, p));
        }
    }

    private void gramOne(double alpha, Matrix a, double beta, Matrix c) {
        double flops = (double) c.rows() * c.rows() * a.columns();
        int slices = team.parts(flops, a.columns(), LEAST_DEPTH);
        int blocks = team.parts(flops, c.rows(), LEAST_BLOCK);
        // Slices cost a sum of triangles, blocks read A several times.
        boolean sliced = slices > 1 && (a.precision() != c.precision() || a.columns() / slices >= 4 * c.rows());
        if (sliced) {
            gramBySlices(alpha, a, beta, c, slices);
        } else if (blocks > 1 && a.precision() == c.precision()) {
            gramByBlocks(alpha, a, beta, c, blocks);
        } else {
            gramPart(alpha, a, beta, c);
        }
    }

    /** Adds up the Gram products of slices of A's columns, in the order of the slices. */
    private void gramBySlices(double alpha, Matrix a, double beta, Matrix c, int slices) {
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix others = Matrix.zeros(scope, c.precision(), slices - 1, c.rows(), c.rows(), c.layout());
            team.run(slices, i -> {
                Matrix slice = a.columns(Team.start(a.columns(), slices, i), Team.start(a.columns(), slices, i + 1));
                if (i == 0) {
                    gramPart(alpha, slice, beta, c);
                } else {
                    gramPart(alpha, slice, 0, others.problem(i - 1));
                }
            });
            for (int i = 0; i < slices - 1; i++) {
                EntryWise.addTriangle(Triangle.LOWER, others.problem(i), c);
            }
        }
    }

    /** Cuts C into blocks: squares below the diagonal first, as they are twice the work of triangles on it. */
    private void gramByBlocks(double alpha, Matrix a, double beta, Matrix c, int blocks) {
        int squares = blocks * (blocks - 1) / 2;
        team.run(squares + blocks, t -> {
            int row = t;
            int column = t;
            if (t < squares) {
                row = 1;
                for (int before = 0; t >= before + row; row++) {
                    before += row;
                }
                column = t - row * (row - 1) / 2;
            } else {
                row = t - squares;
                column = row;
            }
            long r0 = Team.start(c.rows(), blocks, row);
            long r1 = Team.start(c.rows(), blocks, row + 1);
            long c0 = Team.start(c.rows(), blocks, column);
            long c1 = Team.start(c.rows(), blocks, column + 1);
            Matrix block = c.rows(r0, r1).columns(c0, c1);
            if (row == column) {
                gramOf(alpha, a.rows(r0, r1), beta, block);
            } else {
                product(alpha, a.rows(r0, r1), a.rows(c0, c1).transposed(), beta, block);
            }
        });
    }

    private static void gramPart(double alpha, Matrix a, double beta, Matrix c) {
        if (a.precision() != c.precision() && a.columns() > 0) {
            narrowGram(alpha, a, beta, c);
        } else {
            gramOf(alpha, a, beta, c);
        }
    }

    /** Both of one precision, single matrices. */
    private static void gramOf(double alpha, Matrix a, double beta, Matrix c) {
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
    private static void narrowGram(double alpha, Matrix a, double beta, Matrix c) {
        long column = a.rows() * Double.BYTES;
        long bytes = Math.max(TILE_BYTES, Math.min(MAX_TILE_BYTES, TILE_DEPTH * column));
        long width = Math.max(1, Math.min(a.columns(), bytes / column));
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory memory = tile(scope, width * a.rows(), a);
            for (long k = 0; k < a.columns(); k += width) {
                Matrix tile = converted(memory, a.columns(k, Math.min(a.columns(), k + width)));
                gramOf(alpha, tile, k == 0 ? beta : 1, c);
            }
        }
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
            int parts = team.parts((double) n * n * k, k, LEAST_SLICE);
            team.run(parts, i -> {
                Matrix slice = bp.columns(Team.start(k, parts, i), Team.start(k, parts, i + 1));
                int width = (int) slice.columns();
                kernels.trsm(
                        left ? Kernels.LEFT : Kernels.RIGHT,
                        uplo(triangle, tp),
                        plain ? Kernels.PLAIN : Kernels.TRANSPOSED,
                        left ? n : width,
                        left ? width : n,
                        kernels.at(tp, 0),
                        ld(tp),
                        kernels.at(slice, 0),
                        ld(slice));
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

    private static HostMemory tile(MemoryScope scope, long entries, Matrix a) {
        return HostMemory.allocate(scope, entries * Double.BYTES, false, "a tile for converting " + a);
    }

    /** Copy of a part of an operand as float64. */
    private static Matrix converted(HostMemory memory, Matrix part) {
        Matrix tile = Matrix.over(memory, Precision.FLOAT64, 1, part.rows(), part.columns(), part.layout());
        tile.copyFrom(part);
        return tile;
    }
}
