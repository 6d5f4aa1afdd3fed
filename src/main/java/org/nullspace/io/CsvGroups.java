package org.nullspace.io;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * A table of numbers from a CSV file, with a column that says which group a row belongs to. Everything that {@link CsvTable} says holds, and:
 *
 * <p><b>Groups.</b> The column may hold text or numbers; both count as text, without the blanks around it, so that {@code 1} and {@code 1.0}
 * are two groups. An empty field is an error. Rows of a group may be anywhere in the file and keep their order; groups come in the order of
 * their first rows. The column is no feature.
 *
 * <p><b>Memory.</b> That of a {@link CsvTable}, and four bytes for each row.
 *
 * <p><b>Threads.</b> Immutable; the matrices follow the rules of {@link Matrix}.
 */
public final class CsvGroups implements AutoCloseable {
    private final CsvTable table;
    private final List<String> names;
    private final int[] starts;

    private CsvGroups(CsvTable table, List<String> names, int[] starts) {
        this.table = table;
        this.names = List.copyOf(names);
        this.starts = starts;
    }

    /**
     * Reads a table.
     *
     * @param scope owner of the memory, or null: {@link #close()} frees it
     * @param file the file, or a pipe
     * @param targets names of the target columns, at least one
     * @param column name of the column that names the groups
     * @param progress told the bytes of the file that have been read
     * @return the table
     * @throws InvalidInputException if the file cannot be used as {@link CsvTable} and this class say, there is no such column, or it is a
     *     target; the message names file, line and column
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the table needs
     * @throws java.io.UncheckedIOException if reading fails; the message names the file
     */
    public static CsvGroups read(
            @Nullable MemoryScope scope, Path file, List<String> targets, String column, Progress progress) {
        RowGroups groups = new RowGroups(column.strip());
        CsvTable table = CsvTable.read(scope, file, targets, groups, progress);
        return new CsvGroups(table, groups.names(), groups.starts());
    }

    /**
     * Number of groups.
     *
     * @return at least 1
     */
    public int size() {
        return names.size();
    }

    /**
     * Names of the groups.
     *
     * @return in the order of their first rows
     */
    public List<String> names() {
        return names;
    }

    /**
     * Name of one group.
     *
     * @param group its index
     * @return its name
     */
    public String name(int group) {
        return names.get(group);
    }

    /**
     * Number of rows of all groups.
     *
     * @return number of rows
     */
    public long rows() {
        return table.features().rows();
    }

    /**
     * The features of one group.
     *
     * @param group its index
     * @return m×d for its m rows, row-major float64, columns in the order of the file; a view
     */
    public Matrix features(int group) {
        return table.features().rows(starts[group], starts[group + 1]);
    }

    /**
     * The targets of one group.
     *
     * @param group its index
     * @return m×k for its m rows, row-major float64, columns in the order in which they were asked for; a view
     */
    public Matrix targets(int group) {
        return table.targets().rows(starts[group], starts[group + 1]);
    }

    /**
     * Names of the features.
     *
     * @return d names, in the order of the columns
     */
    public List<String> featureNames() {
        return table.featureNames();
    }

    /**
     * Names of the targets.
     *
     * @return k names, in the order of the columns
     */
    public List<String> targetNames() {
        return table.targetNames();
    }

    /**
     * Names of the columns that were left out because no field in them is a number.
     *
     * @return the names, in the order of the file
     */
    public List<String> skippedColumns() {
        return table.skippedColumns();
    }

    /** Frees the matrices, unless they live in a scope. */
    @Override
    public void close() {
        table.close();
    }
}
