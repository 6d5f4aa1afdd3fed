package org.nullspace.docs;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nullspace.cli.Main;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/**
 * Runs the shell blocks of a page. {@code nullspace …} and {@code java -jar target/nullspace.jar …} run inside the test, in a folder with
 * the files that the pages speak of; Maven commands are looked up in the build file; anything else is an error. A comment {@code # exit 2}
 * after a command gives its exit code.
 */
final class ShellExamples {
    private static final Pattern EXIT = Pattern.compile("^(.*?)\\s*# exit ([0-9])$");
    private static final List<String> PROGRAM = List.of("nullspace", "java -jar target/nullspace.jar");

    private final Path folder;
    private final Pom pom;

    ShellExamples(Path folder, Pom pom) throws java.io.IOException {
        this.folder = folder;
        this.pom = pom;
        Files.writeString(
                folder.resolve("houses.csv"),
                "price,area,rooms,age\n310,98,4,12\n250,74,3,30\n420,131,5,3\n365,120,4,8\n198,60,2,41\n");
        Files.writeString(
                folder.resolve("cities.csv"),
                "city,price,area,rooms,age\nBergen,310,98,4,12\nOslo,250,74,3,30\nOslo,420,131,5,3\nBergen,365,120,4,8\n"
                        + "Bodø,198,60,2,41\nOslo,340,101,4,17\nOslo,610,180,6,1\n");
        SplitMix64 random = new SplitMix64(7);
        NpyWriter.write(folder.resolve("X.npy"), numbers(random, 1, 20, 50));
        NpyWriter.write(folder.resolve("Y.npy"), numbers(random, 1, 20, 2));
        NpyWriter.write(folder.resolve("batchX.npy"), numbers(random, 3, 20, 50));
        NpyWriter.write(folder.resolve("batchY.npy"), numbers(random, 3, 20, 1));
    }

    private static Matrix numbers(SplitMix64 random, long batch, long rows, long columns) {
        Matrix m = Matrix.zeros(Precision.FLOAT64, batch, rows, columns, Layout.ROW_MAJOR);
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                for (long j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextGaussian());
                }
            }
        }
        return m;
    }

    /**
     * Runs all blocks of a page.
     *
     * @param page the page
     * @return what was printed, by the line of the block
     */
    Map<Integer, String> run(Page page) {
        Map<Integer, String> printed = new LinkedHashMap<>();
        for (Page.Block block : page.blocks("shell")) {
            if (!block.isRun()) {
                continue;
            }
            StringBuilder out = new StringBuilder();
            for (String command : commands(block)) {
                out.append(run(page.where(block.line()), command));
            }
            printed.put(block.line(), out.toString());
        }
        return printed;
    }

    /** The commands of a block, continued lines joined. */
    static List<String> commands(Page.Block block) {
        List<String> commands = new ArrayList<>();
        StringBuilder command = new StringBuilder();
        for (String line : block.text()) {
            if (line.endsWith("\\")) {
                command.append(line, 0, line.length() - 1);
                continue;
            }
            command.append(line);
            String whole = command.toString().strip();
            command.setLength(0);
            if (!whole.isEmpty() && !whole.startsWith("#")) {
                commands.add(whole);
            }
        }
        return commands;
    }

    private String run(String where, String text) {
        Matcher exit = EXIT.matcher(text);
        String command = exit.matches() ? exit.group(1) : text;
        int code = exit.matches() ? Integer.parseInt(exit.group(2)) : 0;
        if (command.startsWith("mvn ")) {
            List<String> arguments = pom.check(where, command);
            return arguments == null ? "" : program(where, arguments, code);
        }
        for (String name : PROGRAM) {
            if (command.equals(name) || command.startsWith(name + " ")) {
                return program(where, words(command.substring(name.length())), code);
            }
        }
        throw new AssertionError(where + ": this test cannot run: " + command);
    }

    static List<String> words(String text) {
        return Arrays.stream(text.strip().split("\\s+"))
                .filter(w -> !w.isEmpty())
                .toList();
    }

    private String program(String where, List<String> words, int expected) {
        List<String> arguments = new ArrayList<>();
        for (String word : words) {
            boolean output =
                    !arguments.isEmpty() && arguments.get(arguments.size() - 1).equals("--out");
            boolean input = Files.exists(folder.resolve(word));
            arguments.add(output || input ? folder.resolve(word).toString() : word);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        int code = Main.run(arguments.toArray(String[]::new), stream, stream);
        String printed = bytes.toString(StandardCharsets.UTF_8).replace(folder + "/", "");
        if (code != expected) {
            throw new AssertionError(
                    where + ": " + words + " ended with " + code + ", not " + expected + ":\n" + printed);
        }
        return printed;
    }
}
