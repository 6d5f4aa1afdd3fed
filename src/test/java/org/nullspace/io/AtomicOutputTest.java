package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;

class AtomicOutputTest {
    @TempDir
    Path dir;

    private static AtomicOutput.Content text(String text) {
        return channel -> channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static String[] names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(p -> p.getFileName().toString()).sorted().toArray(String[]::new);
        }
    }

    @Test
    void filesAppearAtTheCommitAllTogether() throws IOException {
        Path out = dir.resolve("a/b/c");
        try (AtomicOutput output = AtomicOutput.in(out)) {
            output.write("one.txt", text("1"));
            Files.writeString(output.stage("two.png"), "2");
            assertThat(out.resolve("one.txt")).doesNotExist();
            assertThat(output.files()).containsExactly(out.resolve("one.txt"), out.resolve("two.png"));
            output.commit();
        }
        assertThat(names(out)).containsExactly("one.txt", "two.png");
        assertThat(out.resolve("one.txt")).hasContent("1");
        assertThat(out.resolve("two.png")).hasContent("2");
    }

    @Test
    void severalFilesAreWrittenInTurn() throws IOException {
        try (AtomicOutput output = AtomicOutput.in(dir);
                SeekableByteChannel one = output.open("one.txt");
                SeekableByteChannel two = output.open("two.txt")) {
            for (int i = 0; i < 3; i++) {
                one.write(ByteBuffer.wrap(new byte[] {(byte) ('a' + i)}));
                two.write(ByteBuffer.wrap(new byte[] {(byte) ('x' + i)}));
            }
            assertThat(two.size()).isEqualTo(3);
            two.position(1).write(ByteBuffer.wrap(new byte[] {'-'}));
            assertThat(names(dir)).hasSize(1);
            one.close();
            assertThatThrownBy(output::commit)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(
                            dir.resolve("two.txt") + " is still being written: close its channel before the commit");
            two.close();
            output.commit();
        }
        assertThat(names(dir)).containsExactly("one.txt", "two.txt");
        assertThat(dir.resolve("one.txt")).hasContent("abc");
        assertThat(dir.resolve("two.txt")).hasContent("x-z");
    }

    @Test
    void filesThatAreStillOpenAreClosedAndRemovedAtTheEnd() throws IOException {
        SeekableByteChannel one;
        try (AtomicOutput output = AtomicOutput.in(dir.resolve("new"))) {
            one = output.open("one.txt");
            one.write(ByteBuffer.wrap(new byte[] {1}));
        }
        assertThat(one.isOpen()).isFalse();
        assertThat(names(dir)).isEmpty();
        assertThatThrownBy(() -> one.write(ByteBuffer.wrap(new byte[] {1})))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith(dir.resolve("new/one.txt") + ": writing failed");
    }

    @Test
    void withoutACommitNothingIsLeftNotEvenTheDirectories() throws IOException {
        Path out = dir.resolve("a/b/c");
        try (AtomicOutput output = AtomicOutput.in(out)) {
            output.write("one.txt", text("1"));
            assertThat(out).isDirectory();
        }
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void directoriesThatWereThereStay() throws IOException {
        Files.createDirectory(dir.resolve("a"));
        AtomicOutput.in(dir.resolve("a/b")).close();
        assertThat(names(dir)).containsExactly("a");
        assertThat(names(dir.resolve("a"))).isEmpty();
    }

    @Test
    void aFailedRunLeavesExistingFilesAlone() throws IOException {
        Files.writeString(dir.resolve("one.txt"), "before");
        Files.writeString(dir.resolve("other.txt"), "other");
        assertThatThrownBy(() -> {
                    try (AtomicOutput output = AtomicOutput.in(dir)) {
                        output.write("one.txt", text("after"));
                        output.write("two.txt", channel -> {
                            channel.write(ByteBuffer.wrap(new byte[1000]));
                            throw new IOException("No space left on device");
                        });
                        output.commit();
                    }
                })
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage(dir.resolve("two.txt") + ": writing failed: No space left on device");
        assertThat(names(dir)).containsExactly("one.txt", "other.txt");
        assertThat(dir.resolve("one.txt")).hasContent("before");
    }

    @Test
    void aCommitReplacesFilesOfTheSameNames() throws IOException {
        Files.writeString(dir.resolve("one.txt"), "before");
        try (AtomicOutput output = AtomicOutput.in(dir)) {
            output.write("one.txt", text("after"));
            output.commit();
        }
        assertThat(names(dir)).containsExactly("one.txt");
        assertThat(dir.resolve("one.txt")).hasContent("after");
    }

    @Test
    void aCommitWithoutFilesLeavesTheDirectory() throws IOException {
        try (AtomicOutput output = AtomicOutput.in(dir.resolve("new"))) {
            output.commit();
        }
        assertThat(names(dir)).containsExactly("new");
        assertThat(names(dir.resolve("new"))).isEmpty();
    }

    @Test
    void aCommitThatFailsHalfwayIsTakenBack() throws IOException {
        Files.writeString(dir.resolve("one.txt"), "before");
        assertThatThrownBy(() -> {
                    try (AtomicOutput output = AtomicOutput.in(dir)) {
                        output.write("one.txt", text("after"));
                        output.write("two.txt", text("new"));
                        output.stage("three.txt");
                        output.commit();
                    }
                })
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage(dir.resolve("three.txt") + ": writing failed: the file was announced and never written");
        assertThat(names(dir)).containsExactly("one.txt");
        assertThat(dir.resolve("one.txt")).hasContent("before");
    }

    @Test
    void aDirectoryInThePlaceOfAFileIsFoundBeforeAnythingIsMoved() throws IOException {
        Files.createDirectory(dir.resolve("two.txt"));
        assertThatThrownBy(() -> {
                    try (AtomicOutput output = AtomicOutput.in(dir)) {
                        output.write("one.txt", text("1"));
                        output.write("two.txt", text("2"));
                        output.commit();
                    }
                })
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(dir.resolve("two.txt").toString());
        assertThat(names(dir)).containsExactly("two.txt");
    }

    @Test
    void aPathThatIsAFileIsRefused() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "content");
        assertThatThrownBy(() -> AtomicOutput.in(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(file + ": a file, a directory was expected");
        assertThatThrownBy(() -> AtomicOutput.in(file.resolve("x/y")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(file.resolve("x/y") + ": " + file + " is a file, a directory was expected");
        assertThat(names(dir)).containsExactly("file");
    }

    @Test
    void aDirectoryWithoutPermissionIsRefusedAtOnce() throws IOException {
        Path locked = Files.createDirectory(dir.resolve("locked"));
        assumeTrue(locked.toFile().setWritable(false) && !Files.isWritable(locked), "the user may write everywhere");
        assertThatThrownBy(() -> AtomicOutput.in(locked.resolve("new")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(locked.resolve("new") + ": nothing can be written there: permission denied");
        assertThatThrownBy(() -> AtomicOutput.in(locked)).isInstanceOf(InvalidInputException.class);
        assertThat(locked.toFile().setWritable(true)).isTrue();
    }

    @Test
    void aPlaceWhereNothingCanBeMadeIsRefusedAtOnce() {
        Path proc = Path.of("/proc/nullspace-test/out");
        assumeTrue(Files.isDirectory(Path.of("/proc/self")), "only Linux has /proc");
        assertThatThrownBy(() -> AtomicOutput.in(proc))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(proc + ": nothing can be written there: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "/a", "../a"})
    void namesArePlain(String name) {
        try (AtomicOutput output = AtomicOutput.in(dir)) {
            assertThatThrownBy(() -> output.stage(name))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("\"" + name + "\"");
        }
    }

    @Test
    void misuseIsRefused() {
        AtomicOutput output = AtomicOutput.in(dir);
        output.write("one.txt", text("1"));
        assertThatThrownBy(() -> output.write("one.txt", text("1")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(dir.resolve("one.txt") + " is written twice");
        output.commit();
        output.close();
        assertThatThrownBy(() -> output.write("two.txt", text("2"))).isInstanceOf(ClosedException.class);
        assertThatThrownBy(output::commit).isInstanceOf(ClosedException.class);
        assertThat(dir.resolve("one.txt")).exists();
    }

    /** A program that is ended from outside while it has uncommitted output. */
    static final class Interrupted {
        public static void main(String[] args) throws Exception {
            AtomicOutput output = AtomicOutput.in(Path.of(args[0]));
            output.write("one.txt", text("1"));
            output.open("two.txt").write(ByteBuffer.wrap(new byte[] {2}));
            System.out.println("written");
            Thread.sleep(60_000);
            output.commit();
        }
    }

    @Test
    void anInterruptedProgramLeavesNothing() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self")), "signals as on Unix");
        Path out = dir.resolve("new/out");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xshare:auto",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Interrupted.class.getName(),
                        out.toString())
                .redirectErrorStream(true)
                .start();
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(reader.readLine()).isEqualTo("written");
            assertThat(out).isDirectory();
            process.destroy();
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(names(dir)).isEmpty();
    }
}
