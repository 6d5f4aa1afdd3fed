package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
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

    @Test
    @SuppressWarnings("unchecked")
    void knowsBothBackends() throws Exception {
        assertThat(run("doctor", "--json")).isEqualTo(0);
        Map<String, Object> json = JSON.std.mapFrom(Files.readString(dir.resolve("stdout")));
        List<Map<String, Object>> backends = (List<Map<String, Object>>) json.get("backends");
        assertThat(backends).extracting(b -> b.get("name")).containsExactlyInAnyOrder("openblas", "cuda");
    }

    /** JCuda's natives that are used, and none of those that have code of NVIDIA's inside. */
    @Test
    void holdsTheNativesOfCuda() throws Exception {
        assumeTrue(
                System.getProperty("os.name").equals("Linux")
                        && System.getProperty("os.arch").equals("amd64"),
                "the natives are those of Linux on x86-64");
        try (JarFile jar = new JarFile(Path.of("target", "nullspace.jar").toFile())) {
            for (String name : List.of("JCudaDriver", "JNvrtc", "JCublas2", "JCusolver")) {
                assertThat(jar.getEntry("lib/lib" + name + "-12.6.0-linux-x86_64.so"))
                        .isNotNull();
            }
            assertThat(jar.stream().map(JarEntry::getName).filter(name -> name.startsWith("lib/")))
                    .isNotEmpty()
                    .noneMatch(name -> name.contains("NvPTXCompiler") || name.contains("JCudaRuntime"));
            if (Files.exists(Path.of("target", "native", "cuda13"))) {
                assertThat(jar.getEntry("org/nullspace/backend/cuda/linux-x86_64/libcublas.so.12"))
                        .isNotNull();
            }
        }
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
