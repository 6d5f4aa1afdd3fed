package org.nullspace.solve;

import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** An orthogonal m×m matrix Q, kept as a product of Householder reflections and never as a matrix. */
interface Reflections {
    /**
     * Length of the vectors that Q acts on.
     *
     * @return m
     */
    long rows();

    /**
     * Number format of the vectors.
     *
     * @return the precision
     */
    Precision precision();

    /**
     * C ← QC or QᵀC.
     *
     * @param transposed whether to apply Qᵀ
     * @param c overwritten, m×k, in the session's place
     */
    void apply(boolean transposed, Matrix c);
}
