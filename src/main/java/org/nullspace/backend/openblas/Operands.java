package org.nullspace.backend.openblas;

import org.nullspace.backend.Status;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * The operands of one call, and the checks that come before anything is computed. Every message names the operation and all operands
 * with their shapes.
 */
final class Operands {
    private static final int MOST = 4;

    private final String operation;
    private final String[] names = new String[MOST];
    private final Matrix[] matrices = new Matrix[MOST];
    private final boolean[] written = new boolean[MOST];
    private int count;

    Operands(String operation) {
        this.operation = operation;
    }

    Operands reads(String name, Matrix matrix) {
        return operand(name, matrix, false);
    }

    Operands writes(String name, Matrix matrix) {
        return operand(name, matrix, true);
    }

    private Operands operand(String name, Matrix matrix, boolean isWritten) {
        matrix.memory().scope().checkUsable(operation + ": " + name + ", a " + matrix + ",");
        names[count] = name;
        matrices[count] = matrix;
        written[count] = isWritten;
        count++;
        return this;
    }

    /** Requires a relation between the shapes. */
    Operands shapes(boolean fit, String rule) {
        if (!fit) {
            throw new ShapeMismatchException(operation + ": " + describe() + ": " + rule);
        }
        return this;
    }

    /** Requires anything else of the operands. */
    Operands require(boolean fit, String rule) {
        if (!fit) {
            throw new InvalidInputException(operation + ": " + describe() + ": " + rule);
        }
        return this;
    }

    /** Requires that all operands have the precision of the first. */
    Operands samePrecision() {
        for (int i = 1; i < count; i++) {
            require(matrices[i].precision() == matrices[0].precision(), "all operands must have the same precision");
        }
        return this;
    }

    Operands float64(Matrix matrix) {
        return require(matrix.precision() == Precision.FLOAT64, nameOf(matrix) + " must be float64");
    }

    /** Requires a column of the given length whose entries are neighbours. */
    Operands column(Matrix matrix, long length, String what) {
        String name = nameOf(matrix);
        shapes(
                matrix.columns() == 1 && matrix.rows() == length,
                name + " must be a column of " + length + " entries, " + what);
        return require(
                matrix.layout() == Layout.COLUMN_MAJOR || matrix.leadingDimension() == 1 || length <= 1,
                name + " must lie in memory without gaps");
    }

    Operands columnMajor(Matrix matrix) {
        return require(
                matrix.layout() == Layout.COLUMN_MAJOR || matrix.isEmpty(), nameOf(matrix) + " must be column-major");
    }

    /** Requires sizes that 32-bit BLAS can count. */
    Operands int32() {
        for (int i = 0; i < count; i++) {
            Matrix m = matrices[i];
            long lines = m.layout() == Layout.ROW_MAJOR ? m.rows() : m.columns();
            long largest = Math.max(Math.max(m.rows(), m.columns()), lines > 1 ? m.leadingDimension() : 0);
            require(
                    largest <= OpenBlasSession.MAX_DIMENSION,
                    "this backend counts in 32 bits, at most " + OpenBlasSession.MAX_DIMENSION + " rows, columns or "
                            + "entries from line to line, and " + names[i] + " has " + largest);
        }
        return this;
    }

    /**
     * Last of the checks: place, batch sizes and overlap.
     *
     * @return size of the batch
     */
    long checked() {
        return checked(false);
    }

    /** As {@link #checked()}, but a matrix that is read and written may be the very same one. */
    long checkedOrSame() {
        return checked(true);
    }

    private long checked(boolean sameAllowed) {
        long batch = -1;
        for (int i = 0; i < count; i++) {
            require(
                    matrices[i].memory() instanceof HostMemory,
                    names[i] + " lies in the memory of " + matrices[i].place() + ", this backend computes on the host");
            if (written[i]) {
                shapes(batch < 0 || batch == matrices[i].batch(), "the batch sizes differ");
                batch = matrices[i].batch();
            }
        }
        for (int i = 0; i < count; i++) {
            if (written[i]) {
                for (int j = 0; j < count; j++) {
                    require(
                            j == i
                                    || (sameAllowed && Overlap.same(matrices[i], matrices[j]))
                                    || !Overlap.between(matrices[i], matrices[j]),
                            names[i] + " is written and overlaps " + names[j] + " in memory");
                }
            } else {
                shapes(
                        batch < 0 || matrices[i].batch() == 1 || matrices[i].batch() == batch,
                        "the batch of " + names[i] + " is neither 1 nor that of the result");
            }
        }
        return batch;
    }

    /** The status words of this call: of this backend, one per problem. */
    int[] words(Status status, long batch) {
        if (!(status instanceof HostStatus words)) {
            throw new InvalidInputException(operation + ": these status words belong to another backend: "
                    + status.getClass().getName());
        }
        if (words.size() != batch) {
            throw new ShapeMismatchException(operation + ": " + describe() + ", the status has " + words.size()
                    + " words: one per problem is needed");
        }
        return words.words(operation);
    }

    private String nameOf(Matrix matrix) {
        for (int i = 0; i < count; i++) {
            if (matrices[i] == matrix) {
                return names[i];
            }
        }
        throw new IllegalArgumentException("not an operand: " + matrix);
    }

    private String describe() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            Matrix m = matrices[i];
            text.append(i == 0 ? "" : ", ")
                    .append(names[i])
                    .append(" is ")
                    .append(m.shape())
                    .append(' ')
                    .append(m.precision())
                    .append(' ')
                    .append(m.layout());
        }
        return text.toString();
    }
}
