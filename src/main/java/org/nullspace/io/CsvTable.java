package org.nullspace.io;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * A table of numbers from a CSV file: some columns are targets, every other numeric column is a feature.
 *
 * <p><b>Format.</b> Comma-separated, UTF-8 (a byte order mark is understood), lines end with LF, CR LF or CR, fields may be quoted with
 * {@code "}. Line 1 is the header: every column has a name, each name once; blanks around names are dropped. Empty lines are skipped.
 * Every other line has as many fields as the header. Numbers are decimal with a point, {@code -1.5e-3}; blanks around them are dropped.
 *
 * <p><b>Which columns are used.</b> A column in which no field is a number (labels, dates) is left out and listed by {@link
 * #skippedColumns()}. In every other column each field must be a finite number: text, nothing, NaN or an infinity in a single row is an
 * error that names file, line, column and text. A missing value is never guessed and a row is never dropped.
 *
 * <p><b>Memory.</b> The file is read once, as a stream. Rows go to off-heap memory in blocks of about 8 MiB, which are moved into the
 * matrices at the end and freed one by one: the table is held once, plus one block.
 *
 * <p><b>Threads.</b> Immutable; the matrices follow the rules of {@link Matrix}.
 */
public final class CsvTable implements AutoCloseable {
    private static final int LISTED_NAMES = 10;

    private final Path file;
    private final Matrix features;
    private final Matrix targets;
    private final List<String> featureNames;
    private final List<String> targetNames;
    private final List<String> skippedColumns;

    private CsvTable(
            Path file,
            Matrix features,
            Matrix targets,
            List<String> featureNames,
            List<String> targetNames,
            List<String> skippedColumns) {
        this.file = file;
        this.features = features;
        this.targets = targets;
        this.featureNames = List.copyOf(featureNames);
        this.targetNames = List.copyOf(targetNames);
        this.skippedColumns = List.copyOf(skippedColumns);
    }

    /**
     * Reads a table into new matrices that belong to nobody's scope; {@link #close()} frees them.
     *
     * @param file the file
     * @param targets names of the target columns, at least one
     * @return the table
     * @throws InvalidInputException if the file cannot be used as described above; the message names file, line and column
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the table needs
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public static CsvTable read(Path file, List<String> targets) {
        return read(null, file, targets, Progress.NONE);
    }

    /**
     * Reads a table into new matrices in a scope.
     *
     * @param scope owner of the memory
     * @param file the file
     * @param targets names of the target columns, at least one
     * @return the table, valid until the scope is closed
     * @throws InvalidInputException if the file cannot be used as described above; the message names file, line and column
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the table needs
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public static CsvTable read(MemoryScope scope, Path file, List<String> targets) {
        return read(scope, file, targets, Progress.NONE);
    }

    /**
     * Reads a table, telling how far it has come.
     *
     * @param scope owner of the memory, or null: the matrices belong to nobody's scope and {@link #close()} frees them
     * @param file the file, or a pipe
     * @param targets names of the target columns, at least one
     * @param progress told the bytes of the file that have been read
     * @return the table
     * @throws InvalidInputException if the file cannot be used as described above; the message names file, line and column
     * @throws org.nullspace.error.InsufficientMemoryException if this machine has less memory than the table needs
     * @throws UncheckedIOException if reading fails; the message names the file
     */
    public static CsvTable read(@Nullable MemoryScope scope, Path file, List<String> targets, Progress progress) {
        return read(scope, file, targets, null, progress);
    }

    /** Reads a table whose rows are sorted by group, if there are groups. */
    static CsvTable read(
            @Nullable MemoryScope scope,
            Path file,
            List<String> targets,
            @Nullable RowGroups groups,
            Progress progress) {
        InputFiles.requireReadable(file);
        requireDistinct(targets);
        try (RowStore store = new RowStore();
                InputStream in = new CountingInput(Files.newInputStream(file), size(file), progress)) {
            CsvRows rows = new CsvRows();
            // The own checks name what was expected and found; the reader's do not.
            try (CsvReader<CsvRows> reader = CsvReader.builder()
                    .allowExtraFields(true)
                    .allowMissingFields(true)
                    .allowUnclosedQuote(false)
                    .allowExtraCharsAfterClosingQuote(false)
                    .detectBomHeader(true)
                    .build(rows, in, StandardCharsets.UTF_8)) {
                return read(scope, file, targets, groups, reader, rows, store);
            } catch (CsvParseException | UncheckedIOException e) {
                if (rootCause(e) instanceof IOException io) {
                    throw InputFiles.failed(file, io);
                }
                throw new InvalidInputException(
                        file + ", line " + rows.line() + " or after: malformed CSV: "
                                + rootCause(e).getMessage(),
                        e);
            }
        } catch (IOException e) {
            throw InputFiles.failed(file, e);
        }
    }

    private static CsvTable read(
            @Nullable MemoryScope scope,
            Path file,
            List<String> targets,
            @Nullable RowGroups groups,
            CsvReader<CsvRows> reader,
            CsvRows rows,
            RowStore store) {
        var records = reader.iterator();
        if (!records.hasNext()) {
            throw new InvalidInputException(file + ": the file is empty, a header line was expected");
        }
        records.next();
        List<String> names = header(file, rows.line(), rows.header());
        List<Integer> targetColumns = targetColumns(file, names, targets);
        int groupColumn = groups == null ? -1 : groupColumn(file, names, targetColumns, groups.column());
        rows.startNumbers(names.size(), groupColumn);

        int[] used = null;
        String[] firstText = new String[names.size()];
        long firstLine = 0;
        while (records.hasNext()) {
            records.next();
            if (rows.fieldCount() != names.size()) {
                throw new InvalidInputException(file + ", line " + rows.line() + ": " + names.size()
                        + " fields expected as in the header, found " + rows.fieldCount());
            }
            if (rows.hasProblem()) {
                throw rows.problem(file, names, firstLine, firstText);
            }
            if (groups != null) {
                groups.add(file, rows.line(), rows.group());
            }
            if (used == null) {
                // The first row decides which columns are numeric; every later row must agree.
                firstLine = rows.line();
                used = classify(file, names, targetColumns, groupColumn, rows, firstText);
                store.start(used.length);
            }
            store.append(rows.values(), used);
        }
        if (used == null) {
            throw new InvalidInputException(file + ": no rows after the header line");
        }
        int featureCount = used.length - targetColumns.size();
        List<String> featureNames = new ArrayList<>(featureCount);
        for (int i = 0; i < featureCount; i++) {
            featureNames.add(names.get(used[i]));
        }
        List<String> targetNames = new ArrayList<>(targetColumns.size());
        for (int column : targetColumns) {
            targetNames.add(names.get(column));
        }
        List<String> skipped = new ArrayList<>();
        for (int c = 0; c < firstText.length; c++) {
            if (firstText[c] != null) {
                skipped.add(names.get(c));
            }
        }
        if (featureCount == 0) {
            throw new InvalidInputException(file + ": no features, no column besides the "
                    + (targetNames.size() == 1 ? "target" : "targets") + " " + quoted(targetNames) + " holds numbers");
        }
        Matrix[] parts = store.finish(scope, featureCount, groups == null ? null : groups.places());
        return new CsvTable(file, parts[0], parts[1], featureNames, targetNames, skipped);
    }

    private static void requireDistinct(List<String> targets) {
        if (targets.isEmpty()) {
            throw new InvalidInputException("no target column is named, at least one is needed");
        }
        Set<String> seen = new HashSet<>();
        for (String target : targets) {
            if (!seen.add(target)) {
                throw new InvalidInputException("target column \"" + target + "\" is named twice");
            }
        }
    }

    private static List<String> header(Path file, long line, List<String> fields) {
        List<String> names = fields.stream().map(String::strip).toList();
        if (names.size() == 1) {
            for (char separator : new char[] {';', '\t', '|'}) {
                if (names.get(0).indexOf(separator) >= 0) {
                    throw new InvalidInputException(file + ", line " + line + ": the header is one field with "
                            + (separator == '\t' ? "tabs" : "'" + separator + "'")
                            + " in it; columns must be separated by commas");
                }
            }
        }
        Map<String, Integer> seen = new HashMap<>();
        for (int c = 0; c < names.size(); c++) {
            String name = names.get(c);
            if (name.isEmpty()) {
                throw new InvalidInputException(
                        file + ", line " + line + ": column " + (c + 1) + " has no name in the header"
                                + (c == 0 ? " (row numbers? write the file without them, or give them a name)" : ""));
            }
            Integer before = seen.putIfAbsent(name, c);
            if (before != null) {
                throw new InvalidInputException(file + ", line " + line + ": columns " + (before + 1) + " and "
                        + (c + 1) + " are both named \"" + name + "\"");
            }
        }
        return names;
    }

    private static List<Integer> targetColumns(Path file, List<String> names, List<String> targets) {
        List<Integer> columns = new ArrayList<>();
        for (String target : targets) {
            int column = names.indexOf(target.strip());
            if (column < 0) {
                throw new InvalidInputException(missing(file, names, target));
            }
            columns.add(column);
        }
        return columns;
    }

    private static int groupColumn(Path file, List<String> names, List<Integer> targetColumns, String group) {
        int column = names.indexOf(group.strip());
        if (column < 0) {
            throw new InvalidInputException(missing(file, names, group));
        }
        if (targetColumns.contains(column)) {
            throw new InvalidInputException(
                    file + ": column \"" + names.get(column) + "\" cannot be a target and name the groups, too");
        }
        return column;
    }

    private static String missing(Path file, List<String> names, String target) {
        DecimalParser parser = new DecimalParser();
        boolean allNumbers =
                names.stream().allMatch(n -> parser.parse(n.toCharArray(), 0, n.length()) == DecimalParser.Kind.FINITE);
        StringBuilder out = new StringBuilder(file + ": no column \"" + target + "\"");
        if (allNumbers) {
            return out.append("; line 1 holds numbers only, it must be a header with the names of the columns")
                    .toString();
        }
        List<String> near = names.stream().filter(name -> isNear(name, target)).toList();
        if (!near.isEmpty()) {
            out.append("; did you mean ").append(quoted(near)).append("?");
        }
        return out.append(near.isEmpty() ? "; the columns are " : " The columns are ")
                .append(quoted(names))
                .toString();
    }

    private static boolean isNear(String name, String target) {
        String a = name.toLowerCase(Locale.ROOT);
        String b = target.toLowerCase(Locale.ROOT);
        return distance(a, b) <= Math.min(2, b.length() / 3 + (a.length() == b.length() ? 0 : 1));
    }

    /** Number of characters to insert, delete or replace (V. Levenshtein, 1965). */
    private static int distance(String a, String b) {
        if (Math.abs(a.length() - b.length()) > 2) {
            return 3;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    private static String quoted(List<String> names) {
        List<String> shown = names.stream()
                .limit(LISTED_NAMES)
                .map(name -> "\"" + name + "\"")
                .toList();
        int more = names.size() - shown.size();
        return String.join(", ", shown) + (more > 0 ? " and " + more + " more" : "");
    }

    /** The columns in use, features first, then targets. Leaves the text of the others in {@code firstText}. */
    private static int[] classify(
            Path file,
            List<String> names,
            List<Integer> targetColumns,
            int groupColumn,
            CsvRows rows,
            String[] firstText) {
        boolean[] isTarget = new boolean[names.size()];
        for (int column : targetColumns) {
            isTarget[column] = true;
        }
        int[] used = new int[names.size()];
        int count = 0;
        for (int c = 0; c < names.size(); c++) {
            String text = rows.firstText(c);
            if (c == groupColumn) {
                continue;
            }
            if (isTarget[c]) {
                if (text != null) {
                    throw rows.firstProblem(file, names, c);
                }
            } else if (text == null) {
                used[count++] = c;
            } else {
                firstText[c] = text;
            }
        }
        for (int column : targetColumns) {
            used[count++] = column;
        }
        rows.expectTextIn(firstText);
        return Arrays.copyOf(used, count);
    }

    private static long size(Path file) throws IOException {
        return Files.isRegularFile(file) ? Files.size(file) : -1;
    }

    private static Throwable rootCause(Throwable e) {
        Throwable at = e;
        while (at.getCause() != null) {
            at = at.getCause();
        }
        return at;
    }

    /**
     * The file.
     *
     * @return the path as it was given
     */
    public Path file() {
        return file;
    }

    /**
     * The features, n×d, row-major float64, columns in the order of the file.
     *
     * @return the matrix itself
     */
    public Matrix features() {
        return features;
    }

    /**
     * The targets, n×k, row-major float64, columns in the order in which they were asked for.
     *
     * @return the matrix itself
     */
    public Matrix targets() {
        return targets;
    }

    /**
     * Names of the features.
     *
     * @return d names, in the order of the columns
     */
    public List<String> featureNames() {
        return featureNames;
    }

    /**
     * Names of the targets.
     *
     * @return k names, in the order of the columns
     */
    public List<String> targetNames() {
        return targetNames;
    }

    /**
     * Names of the columns that were left out because no field in them is a number.
     *
     * @return the names, in the order of the file
     */
    public List<String> skippedColumns() {
        return skippedColumns;
    }

    /** Frees both matrices, unless they live in a scope. */
    @Override
    public void close() {
        features.close();
        targets.close();
    }

    /** Counts what is read from a file. */
    private static final class CountingInput extends FilterInputStream {
        private static final long STEP = 8 << 20;

        private final long total;
        private final Progress progress;
        private long done;
        private long told;

        CountingInput(InputStream in, long total, Progress progress) {
            super(in);
            this.total = total;
            this.progress = progress;
        }

        @Override
        public int read() throws IOException {
            int value = super.read();
            count(value < 0 ? -1 : 1);
            return value;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int count = super.read(into, offset, length);
            count(count);
            return count;
        }

        private void count(int count) {
            done += Math.max(count, 0);
            if (done - told >= STEP || (count < 0 && done > told)) {
                told = done;
                progress.at(done, total);
            }
        }
    }
}
