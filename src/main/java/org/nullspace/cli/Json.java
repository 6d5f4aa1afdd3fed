package org.nullspace.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes JSON (RFC 8259) in ASCII. Numbers that JSON does not have, NaN and the infinities, become null. */
final class Json {
    private static final String HEX = "0123456789abcdef";

    private Json() {}

    /**
     * One object on one line.
     *
     * @param object names and values: maps, iterables, arrays of {@code double}, numbers, booleans, null; everything else as a string
     */
    static String write(Map<String, ?> object) {
        StringBuilder out = new StringBuilder();
        try {
            write(object, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    /** One object on one line, written as it is made. */
    static void write(Map<String, ?> object, Appendable out) throws IOException {
        value(out, object);
    }

    private static void value(Appendable out, @Nullable Object value) throws IOException {
        if (value instanceof Map<?, ?> map) {
            out.append('{');
            String separator = "";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(separator);
                separator = ",";
                string(out, String.valueOf(entry.getKey()));
                out.append(':');
                value(out, entry.getValue());
            }
            out.append('}');
        } else if (value instanceof Iterable<?> items) {
            out.append('[');
            String separator = "";
            for (Object item : items) {
                out.append(separator);
                separator = ",";
                value(out, item);
            }
            out.append(']');
        } else if (value instanceof double[] numbers) {
            out.append('[');
            for (int i = 0; i < numbers.length; i++) {
                out.append(i == 0 ? "" : ",");
                value(out, numbers[i]);
            }
            out.append(']');
        } else if (value == null || value instanceof Double number && !Double.isFinite(number)) {
            out.append("null");
        } else if (value instanceof Number || value instanceof Boolean) {
            out.append(value.toString());
        } else {
            string(out, value.toString());
        }
    }

    private static void string(Appendable out, String text) throws IOException {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c >= ' ' && c < 127) {
                out.append(c);
            } else {
                out.append("\\u");
                for (int shift = 12; shift >= 0; shift -= 4) {
                    out.append(HEX.charAt(c >> shift & 15));
                }
            }
        }
        out.append('"');
    }
}
