package org.nullspace.features;

import java.util.List;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Checks that all transformers share. */
final class Shapes {
    private Shapes() {}

    /** Requires a single matrix that can be read now. */
    static void requireSingle(String name, Matrix matrix) {
        InvalidInputException.requireNonNull(name, matrix).requireSingle();
        matrix.memory().scope().checkUsable(matrix);
    }

    static void requireInputs(FittedTransformer transformer, Matrix rows) {
        requireSingle("rows", rows);
        if (rows.columns() != transformer.inputs()) {
            throw new ShapeMismatchException("rows have shape " + rows.shape() + ", " + transformer
                    + " was fitted on rows of " + transformer.inputs() + " columns");
        }
    }

    static void requireOutput(FittedTransformer transformer, Matrix rows, Matrix out) {
        requireInputs(transformer, rows);
        requireSingle("the result", out);
        if (out.rows() != rows.rows() || out.columns() != transformer.outputs()) {
            throw new ShapeMismatchException("the result has shape " + out.shape() + ", rows of shape " + rows.shape()
                    + " give " + rows.rows() + "×" + transformer.outputs() + " by " + transformer);
        }
        if (out.layout() != Layout.ROW_MAJOR) {
            throw new ShapeMismatchException("the result is " + out + ", a row-major matrix is needed");
        }
    }

    static void requireNames(FittedTransformer transformer, List<String> names) {
        if (names.size() != transformer.inputs()) {
            throw new ShapeMismatchException(names.size() + " names were given, " + transformer
                    + " was fitted on rows of " + transformer.inputs() + " columns");
        }
    }

    /** Requires that the result of {@link FittedTransformer#apply} can be held by this machine. */
    static void requireMemory(FittedTransformer transformer, Matrix rows) {
        String what = transformer.outputs() + " features of " + rows.rows() + " rows by " + transformer;
        long bytes;
        try {
            bytes = Math.multiplyExact(Math.multiplyExact(rows.rows(), transformer.outputs()), (long)
                    rows.precision().bytes());
        } catch (ArithmeticException e) {
            throw new InvalidInputException(what + ": the size in bytes exceeds 64 bits", e);
        }
        long physical = HostMemory.physicalBytes();
        if (bytes > physical) {
            throw new InsufficientMemoryException(
                    what + " do not fit into this machine's memory, make fewer", bytes, physical);
        }
    }

    /** The host memory of a matrix, usable now and by this thread. */
    static HostMemory host(Matrix matrix) {
        matrix.memory().scope().checkUsable(matrix);
        if (matrix.memory() instanceof HostMemory memory) {
            return memory;
        }
        throw new IllegalStateException(
                matrix + " lies in the memory of " + matrix.place() + ": copy it to the host first");
    }

    /** Distance of the first entry of a single matrix from the start of its memory, in entries. */
    static long start(Matrix matrix) {
        return (matrix.address(0) - matrix.memory().address())
                / matrix.precision().bytes();
    }

    static InvalidInputException notFinite(long row, long column, double value) {
        return new InvalidInputException(
                "row " + row + ", column " + column + " (counted from 0) is " + value + ", a finite number is needed");
    }
}
