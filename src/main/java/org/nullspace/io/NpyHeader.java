package org.nullspace.io;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;

/**
 * The dictionary in the header of an {@code .npy} file: a Python literal with exactly the keys {@code descr}, {@code fortran_order} and
 * {@code shape}. The parser accepts the part of Python's syntax that such a dictionary can be written in, and nothing else.
 *
 * @param descr NumPy's description of the entries, for example {@code <f8}; where that is not a string, its text in the file
 * @param plain whether the description is a string
 * @param fortranOrder whether the first index runs fastest
 * @param shape lengths of the dimensions
 */
record NpyHeader(String descr, boolean plain, boolean fortranOrder, List<Long> shape) {

    /**
     * Parses a header.
     *
     * @param text the dictionary with its padding
     * @param file name of the file, for messages
     */
    static NpyHeader parse(String text, String file) {
        return new Parser(text, file).parse();
    }

    private static final class Parser {
        private final String text;
        private final String file;
        private int at;

        private @Nullable String descr;
        private boolean plain;
        private @Nullable Boolean fortranOrder;
        private @Nullable List<Long> shape;

        Parser(String text, String file) {
            this.text = text;
            this.file = file;
        }

        NpyHeader parse() {
            skipBlanks();
            expect('{');
            skipBlanks();
            while (!take('}')) {
                entry();
                skipBlanks();
                if (!take(',')) {
                    expect('}');
                    break;
                }
                skipBlanks();
            }
            skipBlanks();
            if (at < text.length()) {
                throw malformed("nothing after the dictionary");
            }
            if (descr == null || fortranOrder == null || shape == null) {
                throw new InvalidInputException(file + ": malformed .npy header, "
                        + (descr == null ? "'descr'" : fortranOrder == null ? "'fortran_order'" : "'shape'")
                        + " is missing in " + excerpt(0));
            }
            return new NpyHeader(descr, plain, fortranOrder, shape);
        }

        private void entry() {
            int start = at;
            String key = string();
            skipBlanks();
            expect(':');
            skipBlanks();
            boolean repeated;
            switch (key) {
                case "descr" -> {
                    repeated = descr != null;
                    plain = peek() == '\'' || peek() == '"';
                    descr = plain ? string() : nested();
                }
                case "fortran_order" -> {
                    repeated = fortranOrder != null;
                    fortranOrder = bool();
                }
                case "shape" -> {
                    repeated = shape != null;
                    shape = tuple();
                }
                default -> {
                    at = start;
                    throw malformed("the key 'descr', 'fortran_order' or 'shape'");
                }
            }
            if (repeated) {
                at = start;
                throw malformed("the key '" + key + "' only once");
            }
        }

        private String string() {
            char quote = peek();
            if (quote != '\'' && quote != '"') {
                throw malformed("a quoted string");
            }
            int end = text.indexOf(quote, at + 1);
            if (end < 0 || text.substring(at, end).indexOf('\\') >= 0) {
                throw malformed("a quoted string without escapes");
            }
            String value = text.substring(at + 1, end);
            at = end + 1;
            return value;
        }

        private boolean bool() {
            for (String word : new String[] {"True", "False"}) {
                int end = at + word.length();
                if (text.startsWith(word, at)
                        && (end == text.length() || !Character.isJavaIdentifierPart(text.charAt(end)))) {
                    at = end;
                    return word.equals("True");
                }
            }
            throw malformed("True or False");
        }

        private List<Long> tuple() {
            expect('(');
            skipBlanks();
            List<Long> values = new ArrayList<>();
            boolean comma = true;
            while (!take(')')) {
                if (!comma) {
                    throw malformed("',' or ')'");
                }
                values.add(number());
                skipBlanks();
                comma = take(',');
                skipBlanks();
            }
            if (values.size() == 1 && !comma) {
                at--;
                throw malformed("',': one number in parentheses is not a tuple in Python");
            }
            return List.copyOf(values);
        }

        private long number() {
            int start = at;
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            if (at == start) {
                throw malformed("a length, a number without sign");
            }
            try {
                long value = Long.parseLong(text, start, at, 10);
                // Python 2 marks long integers.
                take('L');
                return value;
            } catch (NumberFormatException e) {
                at = start;
                throw malformed("a length below 2^63");
            }
        }

        /** The text of a list or tuple, brackets matched and strings skipped: the description of structured entries. */
        private String nested() {
            int start = at;
            int depth = 0;
            while (at < text.length()) {
                char c = text.charAt(at);
                if (c == '\'' || c == '"') {
                    string();
                    continue;
                }
                if (c == '[' || c == '(') {
                    depth++;
                } else if (c == ']' || c == ')') {
                    depth--;
                } else if (depth == 0) {
                    break;
                }
                at++;
                if (depth == 0) {
                    return text.substring(start, at);
                }
            }
            at = start;
            throw malformed("the description of the entries, a string or a list");
        }

        private void skipBlanks() {
            while (at < text.length() && " \t\n\r\f".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : '\0';
        }

        private boolean take(char c) {
            if (peek() == c) {
                at++;
                return true;
            }
            return false;
        }

        private void expect(char c) {
            if (!take(c)) {
                throw malformed("'" + c + "'");
            }
        }

        private InvalidInputException malformed(String expected) {
            return new InvalidInputException(file + ": malformed .npy header, expected " + expected + " at character "
                    + at + ", found " + (at < text.length() ? excerpt(at) : "its end"));
        }

        private String excerpt(int from) {
            StringBuilder out = new StringBuilder("\"");
            int end = Math.min(text.length(), from + 60);
            for (int i = from; i < end; i++) {
                char c = text.charAt(i);
                if (c < ' ' || c == 0x7f) {
                    out.append(String.format("\\x%02x", (int) c));
                } else {
                    out.append(c);
                }
            }
            return out.append(end < text.length() ? "…\"" : "\"").toString();
        }
    }
}
