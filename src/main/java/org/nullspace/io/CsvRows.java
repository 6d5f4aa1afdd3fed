package org.nullspace.io;

import de.siegmar.fastcsv.reader.CsvCallbackHandler;
import de.siegmar.fastcsv.reader.RecordType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;

/**
 * Takes the fields of one line at a time from the CSV reader: the header as text, the rows as numbers. Text is kept only where it is
 * needed, in the first row and for messages.
 */
final class CsvRows extends CsvCallbackHandler<CsvRows> {
    private final DecimalParser parser = new DecimalParser();
    private RecordType type = RecordType.DATA;
    private long line = 1;
    private int fields;

    private boolean inHeader = true;
    private final List<String> header = new ArrayList<>();

    private double[] values = new double[0];
    private boolean firstRow;
    private @Nullable String[] firstTexts = new String[0];
    /** For each column whether the rows so far hold text in it. */
    private boolean[] textExpected = new boolean[0];

    /** Column of the groups, or -1, and what it holds in the last row. */
    private int groupColumn = -1;

    private String group = "";

    private int problemColumn = -1;
    private DecimalParser.Kind problemKind = DecimalParser.Kind.TEXT;
    private String problemText = "";

    /** Ends the header; from here on fields are numbers, except in the column of the groups, if that is not negative. */
    void startNumbers(int columns, int groups) {
        groupColumn = groups;
        inHeader = false;
        values = new double[columns];
        firstRow = true;
        firstTexts = new String[columns];
        textExpected = new boolean[columns];
    }

    /** Ends the first row: columns with a text are text columns. */
    void expectTextIn(@Nullable String[] firstText) {
        firstRow = false;
        problemColumn = -1;
        for (int c = 0; c < firstText.length; c++) {
            textExpected[c] = firstText[c] != null;
        }
    }

    @Override
    protected void beginRecord(long startingLineNumber) {
        line = startingLineNumber;
        type = RecordType.DATA;
        fields = 0;
        problemColumn = -1;
    }

    @Override
    protected void addField(char[] buffer, int offset, int length, boolean quoted) {
        int column = fields++;
        if (inHeader) {
            header.add(new String(buffer, offset, length));
            return;
        }
        if (column >= values.length) {
            return;
        }
        if (column == groupColumn) {
            group = new String(buffer, offset, length).strip();
            return;
        }
        DecimalParser.Kind kind = parser.parse(buffer, offset, offset + length);
        boolean number = kind == DecimalParser.Kind.FINITE || kind == DecimalParser.Kind.TOO_LARGE;
        boolean fits = textExpected[column] ? !number : kind == DecimalParser.Kind.FINITE;
        if (fits) {
            values[column] = parser.value();
        } else if (firstRow && !number) {
            firstTexts[column] = new String(buffer, offset, length);
        } else if (problemColumn < 0) {
            problemColumn = column;
            problemKind = kind;
            problemText = new String(buffer, offset, length);
        }
    }

    @Override
    protected void setComment(char[] buffer, int offset, int length) {
        type = RecordType.COMMENT;
    }

    @Override
    protected void setEmpty() {
        type = RecordType.EMPTY;
    }

    @Override
    protected RecordType getRecordType() {
        return type;
    }

    @Override
    protected int getFieldCount() {
        return fields;
    }

    @Override
    protected CsvRows buildRecord() {
        return this;
    }

    /** Line on which the last record begins; the header is on line 1. */
    long line() {
        return line;
    }

    /** The text in the column of the groups, without blanks around it. */
    String group() {
        return group;
    }

    int fieldCount() {
        return fields;
    }

    List<String> header() {
        return header;
    }

    /** The numbers of the row, by column; undefined in text columns. Overwritten by the next row. */
    double[] values() {
        return values;
    }

    /** Text of the first row in a column, null if it is a number there. */
    @Nullable String firstText(int column) {
        return firstTexts[column];
    }

    boolean hasProblem() {
        return problemColumn >= 0;
    }

    /** The first field of the row that does not fit its column. */
    InvalidInputException problem(Path file, List<String> names, long firstLine, @Nullable String[] firstText) {
        String name = names.get(problemColumn);
        String first = firstText[problemColumn];
        if (first == null) {
            return notANumber(file, line, name, problemKind, problemText, "");
        }
        DecimalParser.Kind kind = parser.parse(first.toCharArray(), 0, first.length());
        return notANumber(
                file, firstLine, name, kind, first, " (line " + line + " has the number " + problemText.strip() + ")");
    }

    /** The field of the first row in a column that must be numeric. */
    InvalidInputException firstProblem(Path file, List<String> names, int column) {
        String text = firstTexts[column];
        String shown = text == null ? "" : text;
        DecimalParser.Kind kind = parser.parse(shown.toCharArray(), 0, shown.length());
        return notANumber(file, line, names.get(column), kind, shown, "; a target column must hold numbers");
    }

    private static InvalidInputException notANumber(
            Path file, long line, String column, DecimalParser.Kind kind, String text, String more) {
        String shown = text.length() <= 60 ? text : text.substring(0, 60) + "…";
        String what = switch (kind) {
            case EMPTY -> "the field is empty, a number was expected";
            case NOT_FINITE -> "\"" + shown + "\" is not a finite number";
            case TOO_LARGE -> "\"" + shown + "\" is too large for float64";
            default ->
                "\"" + shown + "\" is not a number"
                        + (DECIMAL_COMMA.matcher(text).matches() ? ", the decimal separator must be a point" : "");
        };
        return new InvalidInputException(file + ", line " + line + ", column \"" + column + "\": " + what + more);
    }

    private static final java.util.regex.Pattern DECIMAL_COMMA =
            java.util.regex.Pattern.compile("\\s*[+-]?\\d+,\\d+([eE][+-]?\\d+)?\\s*");
}
