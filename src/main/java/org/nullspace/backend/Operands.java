package org.nullspace.backend;

import java.util.BitSet;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * The operands of one call of a {@link Session}, and the checks that come before anything is computed, for those who write backends. Every
 * message names the operation and all operands with their shapes. Not synchronised.
 */
public final class Operands {
    private static final int MOST = 5;

    private final String operation;
    private final Place place;
    private final String[] names = new String[MOST];
    private final Matrix[] matrices = new Matrix[MOST];
    private final boolean[] written = new boolean[MOST];
    private final boolean[] hostAllowed = new boolean[MOST];
    private int count;

    /**
     * No operands yet.
     *
     * @param operation name of the operation, for messages
     * @param place where the operands must lie
     */
    public Operands(String operation, Place place) {
        this.operation = operation;
        this.place = place;
    }

    /**
     * Adds an operand that is only read.
     *
     * @param name its name in messages
     * @param matrix the operand
     * @return this
     */
    public Operands reads(String name, Matrix matrix) {
        return operand(name, matrix, false);
    }

    /**
     * Adds an operand that is written.
     *
     * @param name its name in messages
     * @param matrix the operand
     * @return this
     */
    public Operands writes(String name, Matrix matrix) {
        return operand(name, matrix, true);
    }

    /**
     * Lets the operand that was added last lie on the host as well.
     *
     * @return this
     */
    public Operands orHost() {
        hostAllowed[count - 1] = true;
        return this;
    }

    private Operands operand(String name, Matrix matrix, boolean isWritten) {
        matrix.memory().scope().checkUsable(operation + ": " + name + ", a " + matrix + ",");
        names[count] = name;
        matrices[count] = matrix;
        written[count] = isWritten;
        count++;
        return this;
    }

    /**
     * Requires a relation between the shapes.
     *
     * @param fit whether it holds
     * @param rule the relation, for the message
     * @return this
     * @throws ShapeMismatchException if it does not hold
     */
    public Operands shapes(boolean fit, String rule) {
        if (!fit) {
            throw new ShapeMismatchException(operation + ": " + describe() + ": " + rule);
        }
        return this;
    }

    /**
     * Requires anything else of the operands.
     *
     * @param fit whether it holds
     * @param rule what is required, for the message
     * @return this
     * @throws InvalidInputException if it does not hold
     */
    public Operands require(boolean fit, String rule) {
        if (!fit) {
            throw new InvalidInputException(operation + ": " + describe() + ": " + rule);
        }
        return this;
    }

    /**
     * Requires that all operands have the precision of the first.
     *
     * @return this
     */
    public Operands samePrecision() {
        for (int i = 1; i < count; i++) {
            require(matrices[i].precision() == matrices[0].precision(), "all operands must have the same precision");
        }
        return this;
    }

    /**
     * Requires float64 of an operand.
     *
     * @param matrix the operand
     * @return this
     */
    public Operands float64(Matrix matrix) {
        return require(matrix.precision() == Precision.FLOAT64, nameOf(matrix) + " must be float64");
    }

    /**
     * Requires indices of columns of an operand; of one that is written, each at most once.
     *
     * @param matrix the operand
     * @param indices the indices
     * @return this
     */
    public Operands columns(Matrix matrix, int[] indices) {
        String name = nameOf(matrix);
        boolean once = isWritten(matrix);
        BitSet seen = new BitSet();
        for (int i = 0; i < indices.length; i++) {
            int column = indices[i];
            if (column < 0 || column >= matrix.columns()) {
                require(false, name + " has no column " + column + ", which is index " + i + " of its list");
            }
            if (once && seen.get(column)) {
                require(false, "column " + column + " of " + name + " would be written twice");
            }
            seen.set(column);
        }
        return this;
    }

    /**
     * Requires a column of the given length whose entries are neighbours.
     *
     * @param matrix the operand
     * @param length number of entries
     * @param what what that number is, for the message
     * @return this
     */
    public Operands column(Matrix matrix, long length, String what) {
        String name = nameOf(matrix);
        shapes(
                matrix.columns() == 1 && matrix.rows() == length,
                name + " must be a column of " + length + " entries, " + what);
        return require(
                matrix.layout() == Layout.COLUMN_MAJOR || matrix.leadingDimension() == 1 || length <= 1,
                name + " must lie in memory without gaps");
    }

    /**
     * Requires an operand to be column-major, unless it is empty.
     *
     * @param matrix the operand
     * @return this
     */
    public Operands columnMajor(Matrix matrix) {
        return require(
                matrix.layout() == Layout.COLUMN_MAJOR || matrix.isEmpty(), nameOf(matrix) + " must be column-major");
    }

    /**
     * Requires sizes and distances from line to line that a library with 32-bit integers can count.
     *
     * @return this
     */
    public Operands int32() {
        for (int i = 0; i < count; i++) {
            Matrix m = matrices[i];
            long lines = m.layout() == Layout.ROW_MAJOR ? m.rows() : m.columns();
            long largest = Math.max(Math.max(m.rows(), m.columns()), lines > 1 ? m.leadingDimension() : 0);
            require(
                    largest <= Integer.MAX_VALUE,
                    "this backend counts in 32 bits, at most " + Integer.MAX_VALUE + " rows, columns or "
                            + "entries from line to line, and " + names[i] + " has " + largest);
        }
        return this;
    }

    /**
     * Last of the checks: place, batch sizes and overlap.
     *
     * @return size of the batch
     */
    public long checked() {
        return checked(false);
    }

    /**
     * As {@link #checked()}, but a matrix that is read and written may be the very same one.
     *
     * @return size of the batch
     */
    public long checkedOrSame() {
        return checked(true);
    }

    /**
     * As {@link #checked()}, for a result whose problems are some of the problems of an operand, in a batch of its own: sizes of batches are
     * not compared.
     */
    public void checkedWithListedProblems() {
        requirePlaces();
        requireNoOverlap(false);
    }

    private long checked(boolean sameAllowed) {
        requirePlaces();
        long batch = -1;
        for (int i = 0; i < count; i++) {
            if (written[i]) {
                shapes(batch < 0 || batch == matrices[i].batch(), "the batch sizes differ");
                batch = matrices[i].batch();
            }
        }
        requireNoOverlap(sameAllowed);
        for (int i = 0; i < count; i++) {
            shapes(
                    written[i] || batch < 0 || matrices[i].batch() == 1 || matrices[i].batch() == batch,
                    "the batch of " + names[i] + " is neither 1 nor that of the result");
        }
        return batch;
    }

    private void requirePlaces() {
        for (int i = 0; i < count; i++) {
            require(
                    matrices[i].place().equals(place)
                            || (hostAllowed[i] && matrices[i].place().isHost()),
                    names[i] + " lies in the memory of " + matrices[i].place() + ", this session computes on " + place);
        }
    }

    private void requireNoOverlap(boolean sameAllowed) {
        for (int i = 0; i < count; i++) {
            if (written[i]) {
                for (int j = 0; j < count; j++) {
                    require(
                            j == i
                                    || (sameAllowed && Overlap.same(matrices[i], matrices[j]))
                                    || !Overlap.between(matrices[i], matrices[j]),
                            names[i] + " is written and overlaps " + names[j] + " in memory");
                }
            }
        }
    }

    /**
     * Status words of this call: of the session's own kind, one per problem.
     *
     * @param <S> the session's kind of status words
     * @param status the words
     * @param kind the session's kind
     * @param batch number of problems
     * @return the words
     */
    public <S extends Status> S words(Status status, Class<S> kind, long batch) {
        if (!kind.isInstance(status)) {
            throw new InvalidInputException(operation + ": these status words belong to another backend: "
                    + status.getClass().getName());
        }
        if (status.size() != batch) {
            throw new ShapeMismatchException(operation + ": " + describe() + ", the status has " + status.size()
                    + " words: one per problem is needed");
        }
        return kind.cast(status);
    }

    private boolean isWritten(Matrix matrix) {
        boolean any = false;
        for (int i = 0; i < count; i++) {
            any |= matrices[i] == matrix && written[i];
        }
        return any;
    }

    private String nameOf(Matrix matrix) {
        for (int i = 0; i < count; i++) {
            if (matrices[i] == matrix) {
                return names[i];
            }
        }
        throw new IllegalArgumentException("not an operand: " + matrix);
    }

    /**
     * The operands with their shapes, precisions and layouts, for messages.
     *
     * @return a description
     */
    public String describe() {
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
