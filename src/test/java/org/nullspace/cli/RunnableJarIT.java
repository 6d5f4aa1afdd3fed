package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code java -jar target/nullspace.jar}, as built. */
class RunnableJarIT {
    @TempDir
    Path dir;

    @Test
    void solvesATableAndFindsItsBundledData() throws Exception {
        Path csv = Cli.write(dir.resolve("d.csv"), "a,b,c,y\n1,2,3,6\n1,0,1,2\n");
        assertThat(run("solve", csv.toString(), "--target", "y", "--json")).isEqualTo(0);
        Map<String, Object> json = JSON.std.mapFrom(Files.readString(dir.resolve("stdout")));
        assertThat(json).containsEntry("rank", 2).containsEntry("nullity", 1);
        assertThat(Files.readString(dir.resolve("stderr"))).isEmpty();

        Path out = dir.resolve("meats");
        assertThat(run("meats", "--splits", "0", "--out", out.toString())).isEqualTo(0);
        assertThat(out.resolve("weights.npy")).exists();
        assertThat(out.resolve("ridge.png")).exists();

        assertThat(run("solve", csv.toString(), "--target", "z")).isEqualTo(2);
        assertThat(Files.readAllLines(dir.resolve("stderr"))).hasSize(1);
    }

    private int run(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                Path.of("target", "nullspace.jar").toAbsolutePath().toString()));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command)
                .redirectOutput(dir.resolve("stdout").toFile())
                .redirectError(dir.resolve("stderr").toFile())
                .start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }
}
