package org.nullspace.cli;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Standard output and error of one run. Text for people is spelled in ASCII where the terminal knows nothing else. */
final class Console {
    private final PrintStream out;
    private final PrintStream err;
    private final boolean ascii;

    Console(PrintStream out, PrintStream err, boolean ascii) {
        this.out = out;
        this.err = err;
        this.ascii = ascii;
    }

    /** Prints a line for people to standard output. */
    void line(String text) {
        out.println(ascii ? spelledOut(text) : text);
    }

    /** Prints an empty line to standard output. */
    void line() {
        out.println();
    }

    /** Prints data to standard output. */
    void data(String text) {
        out.println(text);
    }

    /** Prints an object as JSON on one line to standard output. */
    void json(Map<String, ?> object) {
        try {
            Writer writer = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.US_ASCII), 1 << 16);
            Json.write(object, writer);
            writer.append('\n').flush();
        } catch (IOException e) {
            // A PrintStream does not throw; it remembers, which flushed() tells.
            throw new UncheckedIOException(e);
        }
    }

    /** Prints one line to standard error, whatever line breaks the text has. */
    void note(String text) {
        String line = text.strip().replaceAll("\\s*\\R\\s*(- )?", "; ").replace(":;", ":");
        err.println(ascii ? spelledOut(line) : line);
        err.flush();
    }

    PrintStream out() {
        return out;
    }

    /** Whether everything printed so far has reached standard output. */
    boolean flushed() {
        return !out.checkError();
    }

    static String spelledOut(String text) {
        StringBuilder b = new StringBuilder();
        text.codePoints().forEach(c -> {
            if (c < 128) {
                b.append((char) c);
            } else if (c >= '₀' && c <= '₉') {
                b.append((char) (c - '₀' + '0'));
            } else {
                b.append(
                        switch (c) {
                            case 'λ' -> "lambda";
                            case 'β' -> "beta";
                            case 'σ' -> "sigma";
                            case '×' -> "x";
                            case '‖' -> "||";
                            case '·' -> "*";
                            case '→' -> "->";
                            case '≤' -> "<=";
                            case '−', '–', '‑' -> "-";
                            case '…' -> "...";
                            case '²' -> "^2";
                            case 'ᵀ' -> "'";
                            default -> "?";
                        });
            }
        });
        return b.toString();
    }
}
