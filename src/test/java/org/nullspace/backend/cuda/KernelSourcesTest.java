package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels' sources: complete in themselves, and, where there is nvcc, fit for a real architecture. */
class KernelSourcesTest {
    private static final Path FOLDER = Path.of("native", "kernels");

    static List<String> sources() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".cu"))
                    .map(name -> name.substring(0, name.length() - ".cu".length()))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void areInTheJar() throws IOException {
        assertThat(sources()).contains("entrywise", "gram", "reduce", "sketch", "status", "triangle");
        for (String name : sources()) {
            assertThat(Kernels.source(name))
                    .as(name)
                    .isEqualTo(Files.readString(FOLDER.resolve(name + ".cu")))
                    .doesNotContain("#include")
                    .containsPattern("extern \"C\" __global__ void (__launch_bounds__\\(\\w+\\) )?nullspace_");
        }
    }

    @ParameterizedTest
    @MethodSource("sources")
    void compileWithoutSpilledRegisters(String name, @TempDir Path folder) throws IOException, InterruptedException {
        String log = compile(name, "sm_90", folder);
        Matcher spills = Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads")
                .matcher(log);
        int kernels = 0;
        while (spills.find()) {
            assertThat(spills.group(1) + spills.group(2)).as(log).isEqualTo("00");
            kernels++;
        }
        assertThat(kernels).as(log).isPositive();
    }

    /** Devices without the instructions of 9.0 get kernels that are never launched there, but compile. */
    @Test
    void compileForOlderDevices(@TempDir Path folder) throws IOException, InterruptedException {
        compile("gram", "sm_75", folder);
    }

    /** What the compiler says of a source that it takes without a warning. */
    private static String compile(String name, String architecture, Path folder)
            throws IOException, InterruptedException {
        assumeTrue(onPath("nvcc"), "there is no nvcc on this machine");
        Process nvcc = new ProcessBuilder(
                        "nvcc",
                        "-std=c++17",
                        "-arch=" + architecture,
                        "-cubin",
                        "-Xptxas",
                        "-v",
                        "-Werror",
                        "all-warnings",
                        "-o",
                        folder.resolve(name + ".cubin").toString(),
                        FOLDER.resolve(name + ".cu").toString())
                .redirectErrorStream(true)
                .start();
        String log = new String(nvcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(nvcc.waitFor()).as(log).isZero();
        return log;
    }

    private static boolean onPath(String program) {
        for (String each : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            if (Files.isExecutable(Path.of(each, program))) {
                return true;
            }
        }
        return false;
    }
}
