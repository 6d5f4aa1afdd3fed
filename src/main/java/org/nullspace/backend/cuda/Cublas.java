package org.nullspace.backend.cuda;

import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasDiagType;
import jcuda.jcublas.cublasFillMode;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasSideMode;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * cuBLAS on matrices of one precision, 64-bit sizes. cuBLAS sees column-major operands: a row-major matrix is the transpose of a column-major
 * one at the same address, so every mix of layouts is a choice of side, triangle and transposition, and nothing is copied.
 */
final class Cublas {
    private final CudaQueue queue;

    Cublas(CudaQueue queue) {
        this.queue = queue;
    }

    private static Pointer scalar(double value, Precision precision) {
        return precision == Precision.FLOAT64
                ? Pointer.to(new double[] {value})
                : Pointer.to(new float[] {(float) value});
    }

    private static Pointer at(Matrix m) {
        return Addresses.pointer(m.address(0));
    }

    static long ld(Matrix m) {
        boolean oneLine = (m.layout() == Layout.ROW_MAJOR ? m.rows() : m.columns()) <= 1;
        long length = m.layout() == Layout.ROW_MAJOR ? m.columns() : m.rows();
        return oneLine ? Math.max(1, length) : m.leadingDimension();
    }

    private static long stride(Matrix m) {
        return m.batch() == 1 ? 0 : m.batchStride();
    }

    private static int transposition(Matrix m) {
        return m.layout() == Layout.COLUMN_MAJOR ? cublasOperation.CUBLAS_OP_N : cublasOperation.CUBLAS_OP_T;
    }

    /** Which triangle of the column-major memory holds a triangle of the matrix. */
    static int uplo(Triangle triangle, Matrix m) {
        return (triangle == Triangle.LOWER) == (m.layout() == Layout.COLUMN_MAJOR)
                ? cublasFillMode.CUBLAS_FILL_MODE_LOWER
                : cublasFillMode.CUBLAS_FILL_MODE_UPPER;
    }

    private static String shapes(String names, Matrix... matrices) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < matrices.length; i++) {
            text.append(i == 0 ? "" : ", ").append(names.charAt(i)).append(' ').append(matrices[i]);
        }
        return text.toString();
    }

    // ---- products

    /** C ← αAB + βC; no operand empty, B and A of C's batch or shared. */
    void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        if (c.columns() > 1 && (c.rows() == 1 || c.layout() == Layout.ROW_MAJOR)) {
            multiply(alpha, b.transposed(), a.transposed(), beta, c.transposed());
            return;
        }
        if (c.batch() > 1) {
            gemmBatched(alpha, a, b, beta, c);
        } else if (c.columns() == 1) {
            gemv(alpha, a, b, beta, c);
        } else {
            gemm(alpha, a, b, beta, c);
        }
    }

    private void gemm(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        boolean wide = c.precision() == Precision.FLOAT64;
        cublasHandle handle = queue.cublas();
        Pointer scaleA = scalar(alpha, c.precision());
        Pointer scaleC = scalar(beta, c.precision());
        Supplier<String> operands = () -> shapes("ABC", a, b, c);
        CudaCheck.cublas(
                wide ? "cublasDgemm" : "cublasSgemm",
                () -> wide
                        ? JCublas2.cublasDgemm_v2_64(
                                handle,
                                transposition(a),
                                transposition(b),
                                c.rows(),
                                c.columns(),
                                a.columns(),
                                scaleA,
                                at(a),
                                ld(a),
                                at(b),
                                ld(b),
                                scaleC,
                                at(c),
                                ld(c))
                        : JCublas2.cublasSgemm_v2_64(
                                handle,
                                transposition(a),
                                transposition(b),
                                c.rows(),
                                c.columns(),
                                a.columns(),
                                scaleA,
                                at(a),
                                ld(a),
                                at(b),
                                ld(b),
                                scaleC,
                                at(c),
                                ld(c)),
                operands);
    }

    private void gemmBatched(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        boolean wide = c.precision() == Precision.FLOAT64;
        boolean turned = c.layout() == Layout.ROW_MAJOR;
        if (turned) {
            // One column, row-major: its transpose is one row, column-major.
            gemmBatched(alpha, b.transposed(), a.transposed(), beta, c.transposed());
            return;
        }
        cublasHandle handle = queue.cublas();
        Pointer scaleA = scalar(alpha, c.precision());
        Pointer scaleC = scalar(beta, c.precision());
        Supplier<String> operands = () -> shapes("ABC", a, b, c);
        CudaCheck.cublas(
                wide ? "cublasDgemmStridedBatched" : "cublasSgemmStridedBatched",
                () -> wide
                        ? JCublas2.cublasDgemmStridedBatched_64(
                                handle,
                                transposition(a),
                                transposition(b),
                                c.rows(),
                                c.columns(),
                                a.columns(),
                                scaleA,
                                at(a),
                                ld(a),
                                stride(a),
                                at(b),
                                ld(b),
                                stride(b),
                                scaleC,
                                at(c),
                                ld(c),
                                c.batchStride(),
                                c.batch())
                        : JCublas2.cublasSgemmStridedBatched_64(
                                handle,
                                transposition(a),
                                transposition(b),
                                c.rows(),
                                c.columns(),
                                a.columns(),
                                scaleA,
                                at(a),
                                ld(a),
                                stride(a),
                                at(b),
                                ld(b),
                                stride(b),
                                scaleC,
                                at(c),
                                ld(c),
                                c.batchStride(),
                                c.batch()),
                operands);
    }

    private void gemv(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        boolean wide = c.precision() == Precision.FLOAT64;
        boolean plain = a.layout() == Layout.COLUMN_MAJOR;
        cublasHandle handle = queue.cublas();
        Pointer scaleA = scalar(alpha, c.precision());
        Pointer scaleC = scalar(beta, c.precision());
        long rows = plain ? a.rows() : a.columns();
        long columns = plain ? a.columns() : a.rows();
        Supplier<String> operands = () -> shapes("ABC", a, b, c);
        CudaCheck.cublas(
                wide ? "cublasDgemv" : "cublasSgemv",
                () -> wide
                        ? JCublas2.cublasDgemv_v2_64(
                                handle,
                                transposition(a),
                                rows,
                                columns,
                                scaleA,
                                at(a),
                                ld(a),
                                at(b),
                                Lines.increment(b),
                                scaleC,
                                at(c),
                                Lines.increment(c))
                        : JCublas2.cublasSgemv_v2_64(
                                handle,
                                transposition(a),
                                rows,
                                columns,
                                scaleA,
                                at(a),
                                ld(a),
                                at(b),
                                Lines.increment(b),
                                scaleC,
                                at(c),
                                Lines.increment(c)),
                operands);
    }

    /** Lower triangle of C ← αAAᵀ + βC for a single matrix. */
    void gram(double alpha, Matrix a, double beta, Matrix c) {
        boolean wide = c.precision() == Precision.FLOAT64;
        cublasHandle handle = queue.cublas();
        Pointer scaleA = scalar(alpha, c.precision());
        Pointer scaleC = scalar(beta, c.precision());
        Supplier<String> operands = () -> shapes("AC", a, c);
        CudaCheck.cublas(
                wide ? "cublasDsyrk" : "cublasSsyrk",
                () -> wide
                        ? JCublas2.cublasDsyrk_v2_64(
                                handle,
                                uplo(Triangle.LOWER, c),
                                transposition(a),
                                c.rows(),
                                a.columns(),
                                scaleA,
                                at(a),
                                ld(a),
                                scaleC,
                                at(c),
                                ld(c))
                        : JCublas2.cublasSsyrk_v2_64(
                                handle,
                                uplo(Triangle.LOWER, c),
                                transposition(a),
                                c.rows(),
                                a.columns(),
                                scaleA,
                                at(a),
                                ld(a),
                                scaleC,
                                at(c),
                                ld(c)),
                operands);
    }

    // ---- triangular solves

    /** B ← T⁻¹B for single matrices. */
    void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        solveTriangular(triangle, t, b, false);
    }

    /** B ← T⁻¹B for the matrices of a batch in one call. */
    void solveTogether(Triangle triangle, Matrix t, Matrix b) {
        solveTriangular(triangle, t, b, true);
    }

    private void solveTriangular(Triangle triangle, Matrix t, Matrix b, boolean together) {
        boolean wide = b.precision() == Precision.FLOAT64;
        boolean left = b.layout() == Layout.COLUMN_MAJOR;
        boolean plain = (t.layout() == Layout.COLUMN_MAJOR) == left;
        cublasHandle handle = queue.cublas();
        Pointer one = scalar(1, b.precision());
        int side = left ? cublasSideMode.CUBLAS_SIDE_LEFT : cublasSideMode.CUBLAS_SIDE_RIGHT;
        int operation = plain ? cublasOperation.CUBLAS_OP_N : cublasOperation.CUBLAS_OP_T;
        long rows = left ? b.rows() : b.columns();
        long columns = left ? b.columns() : b.rows();
        Supplier<String> operands = () -> shapes("TB", t, b);
        if (together) {
            solveTogether(wide, handle, side, uplo(triangle, t), operation, rows, columns, one, t, b, operands);
            return;
        }
        CudaCheck.cublas(
                wide ? "cublasDtrsm" : "cublasStrsm",
                () -> wide
                        ? JCublas2.cublasDtrsm_v2_64(
                                handle,
                                side,
                                uplo(triangle, t),
                                operation,
                                cublasDiagType.CUBLAS_DIAG_NON_UNIT,
                                rows,
                                columns,
                                one,
                                at(t),
                                ld(t),
                                at(b),
                                ld(b))
                        : JCublas2.cublasStrsm_v2_64(
                                handle,
                                side,
                                uplo(triangle, t),
                                operation,
                                cublasDiagType.CUBLAS_DIAG_NON_UNIT,
                                rows,
                                columns,
                                one,
                                at(t),
                                ld(t),
                                at(b),
                                ld(b)),
                operands);
    }

    private void solveTogether(
            boolean wide,
            cublasHandle handle,
            int side,
            int uplo,
            int operation,
            long rows,
            long columns,
            Pointer one,
            Matrix t,
            Matrix b,
            Supplier<String> operands) {
        try (CudaQueue.Scratch scratch = queue.scratch()) {
            Pointer triangles = scratch.addresses(t, b.batch());
            Pointer targets = scratch.addresses(b, b.batch());
            CudaCheck.cublas(
                    wide ? "cublasDtrsmBatched" : "cublasStrsmBatched",
                    () -> wide
                            ? JCublas2.cublasDtrsmBatched_64(
                                    handle,
                                    side,
                                    uplo,
                                    operation,
                                    cublasDiagType.CUBLAS_DIAG_NON_UNIT,
                                    rows,
                                    columns,
                                    one,
                                    triangles,
                                    ld(t),
                                    targets,
                                    ld(b),
                                    b.batch())
                            : JCublas2.cublasStrsmBatched_64(
                                    handle,
                                    side,
                                    uplo,
                                    operation,
                                    cublasDiagType.CUBLAS_DIAG_NON_UNIT,
                                    rows,
                                    columns,
                                    one,
                                    triangles,
                                    ld(t),
                                    targets,
                                    ld(b),
                                    b.batch()),
                    operands);
        }
    }
}
