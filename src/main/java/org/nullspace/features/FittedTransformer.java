package org.nullspace.features;

import java.util.List;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * A transformation of rows, with everything it has learned from the training rows. Immutable, safe for use by several threads. Each row
 * of the result depends on the same row of the input only.
 */
public interface FittedTransformer {
    /**
     * Number of columns that {@link #apply} takes.
     *
     * @return columns of the training rows
     */
    long inputs();

    /**
     * Number of columns that {@link #apply} gives.
     *
     * @return number of features made
     */
    long outputs();

    /**
     * Names of the features made.
     *
     * @param inputNames names of the columns that go in
     * @return {@link #outputs()} names, in the order of the columns
     * @throws ShapeMismatchException if there are not {@link #inputs()} names
     */
    List<String> outputNames(List<String> inputNames);

    /**
     * Transforms rows into a matrix that is there already.
     *
     * @param rows rows, m×{@link #inputs()}, a single matrix on the host; not changed
     * @param out result, m×{@link #outputs()}, a single row-major matrix on the host, not overlapping {@code rows}; every entry is
     *     written, rounded to its precision
     * @throws ShapeMismatchException if the shapes do not fit
     * @throws org.nullspace.error.InvalidInputException if an entry of the input or of the result is NaN or infinite; the message names
     *     row and column
     */
    void applyTo(Matrix rows, Matrix out);

    /**
     * Transforms rows.
     *
     * @param rows rows, m×{@link #inputs()}, a single matrix on the host; not changed
     * @return a new row-major matrix, m×{@link #outputs()}, of the same precision, that belongs to nobody's scope
     * @throws ShapeMismatchException if the rows have another number of columns
     * @throws org.nullspace.error.InvalidInputException as {@link #applyTo}
     * @throws org.nullspace.error.InsufficientMemoryException if the result does not fit into memory
     */
    default Matrix apply(Matrix rows) {
        Shapes.requireInputs(this, rows);
        Shapes.requireMemory(this, rows);
        Matrix out = Matrix.zeros(rows.precision(), 1, rows.rows(), outputs(), Layout.ROW_MAJOR);
        try {
            applyTo(rows, out);
        } catch (RuntimeException e) {
            out.close();
            throw e;
        }
        return out;
    }

    /**
     * Transforms rows.
     *
     * @param scope owner of the result's memory
     * @param rows rows, m×{@link #inputs()}, a single matrix on the host; not changed
     * @return a new row-major matrix, m×{@link #outputs()}, of the same precision, valid until the scope is closed
     * @throws ShapeMismatchException if the rows have another number of columns
     * @throws org.nullspace.error.InvalidInputException as {@link #applyTo}
     * @throws org.nullspace.error.InsufficientMemoryException if the result does not fit into memory
     */
    default Matrix apply(MemoryScope scope, Matrix rows) {
        Shapes.requireInputs(this, rows);
        Shapes.requireMemory(this, rows);
        Matrix out = Matrix.uninitialized(scope, rows.precision(), 1, rows.rows(), outputs(), Layout.ROW_MAJOR);
        applyTo(rows, out);
        return out;
    }

    /**
     * What this transformation does, for summaries: name and parameters, in one line.
     *
     * @return a description
     */
    @Override
    String toString();
}
