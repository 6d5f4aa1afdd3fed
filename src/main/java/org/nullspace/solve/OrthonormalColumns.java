package org.nullspace.solve;

import org.nullspace.matrix.Matrix;

/** A matrix B (m×p) with orthonormal columns, as an operator. Vectors lie in the session's place, in {@link #rows()}×k blocks. */
public interface OrthonormalColumns {
    /**
     * Length of the columns.
     *
     * @return m
     */
    long rows();

    /**
     * Number of columns.
     *
     * @return p
     */
    long columns();

    /**
     * w ← Bc.
     *
     * @param c read, p×k
     * @param w written, m×k
     */
    void apply(Matrix c, Matrix w);

    /**
     * c ← Bᵀw.
     *
     * @param w read, m×k
     * @param c written, p×k
     */
    void applyTransposed(Matrix w, Matrix c);

    /**
     * B as a matrix.
     *
     * @param matrix written in any precision: m×p in the session's place
     */
    void writeTo(Matrix matrix);

    /**
     * The first columns of B. A view.
     *
     * @param count how many
     * @return an operator with {@code count} columns
     */
    OrthonormalColumns leading(long count);
}
