package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"", "solve ", "demo ", "meats ", "doctor "})
    void helpAndVersionAtEveryLevel(String command) {
        List<Object> help = words(command + "--help");
        Cli.Result r = Cli.run(help.toArray());
        assertThat(r.code()).isEqualTo(0);
        assertThat(r.err()).isEmpty();
        assertThat(r.out()).startsWith("Usage: nullspace" + (command.isEmpty() ? "" : " " + command.strip()));
        assertThat(r.out().lines()).allMatch(line -> line.length() <= 100);
        assertThat(r.out()).doesNotContain("\u001b");
        Cli.Result version = Cli.run(words(command + "--version").toArray());
        assertThat(version.code()).isEqualTo(0);
        assertThat(version.out()).matches("nullspace \\d+\\.\\d+\\.\\d+\\S*\\R");
    }

    private static List<Object> words(String command) {
        return new ArrayList<>(List.of(command.split(" ")));
    }

    @Test
    void solveHelpHasEveryOption() {
        assertThat(Cli.run("solve", "--help").out())
                .contains("--target", "--x", "--y", "--rcond", "--method", "--device", "--intercept", "--json", "--out")
                .contains("--null-space", "--polynomial", "--random-features", "--standardize", "--holdout", "--seed");
    }

    @Test
    void anInternalErrorIsOneLineToo() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream broken = new PrintStream(new ByteArrayOutputStream()) {
            @Override
            public void println(String text) {
                throw new IllegalStateException("first\n  second");
            }
        };
        int code = Main.run(new String[] {"--version"}, broken, new PrintStream(err, true, StandardCharsets.UTF_8));
        assertThat(code).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8).strip().lines())
                .singleElement()
                .asString()
                .contains("internal error", "first; second");
    }

    @Test
    void textIsSpelledOutWhereTheTerminalKnowsAsciiOnly() {
        assertThat(Console.spelledOut("‖w₀‖ → 3×4, λ = −1…")).isEqualTo("||w0|| -> 3x4, lambda = -1...");
    }

    /** A real process: exit codes, standard output free of anything else. */
    @Test
    void processEndsWithTheExitCode() throws Exception {
        Path csv = Cli.write(dir.resolve("d.csv"), "a,b,y\n1,2,3\n");
        assertThat(process("solve", csv.toString(), "--target", "y", "--json")).isEqualTo(0);
        assertThat(Cli.files(dir)).contains("stdout");
        assertThat(java.nio.file.Files.readString(dir.resolve("stdout"))).startsWith("{\"samples\":1,");
        assertThat(process("solve", csv.toString(), "--target", "z")).isEqualTo(2);
        assertThat(java.nio.file.Files.readString(dir.resolve("stderr"))).contains("no column \"z\"");
        assertThat(process("solve", csv.toString(), "--target", "y", "--device", "cuda:99"))
                .isEqualTo(1);
    }

    private int process(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName()));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command)
                .redirectOutput(dir.resolve("stdout").toFile())
                .redirectError(dir.resolve("stderr").toFile())
                .start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }
}
