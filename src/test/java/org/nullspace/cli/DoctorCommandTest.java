package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nullspace.Nullspace;
import org.nullspace.model.BackendReport;

/** What is said of the backends of this machine, and of one without a GPU. */
class DoctorCommandTest {
    @TempDir
    Path dir;

    private static BackendReport cuda() {
        return Nullspace.backends().stream()
                .filter(b -> b.name().equals("cuda"))
                .findFirst()
                .orElseThrow();
    }

    private static void requireNoGpu() {
        assumeTrue(!cuda().usable(), "this machine has a GPU");
    }

    @Test
    void theTextHasEveryBackendWithReasonsAndAdvice() {
        Cli.Result r = Cli.run("doctor");
        assertThat(r.code()).isZero();
        assertThat(r.err()).isEmpty();
        assertThat(r.out()).startsWith("nullspace " + Main.version() + System.lineSeparator());
        assertThat(r.out()).contains(System.getProperty("java.version"), System.getProperty("os.arch"));
        for (BackendReport backend : Nullspace.backends()) {
            assertThat(r.out())
                    .contains(backend.name() + " (" + (backend.gpu() ? "GPU" : "CPU") + "): "
                            + (backend.usable() ? "usable" : "cannot be used"));
            for (List<String> lines : List.of(backend.reasons(), backend.advice(), backend.devices())) {
                lines.forEach(line -> assertThat(r.out()).contains(line));
            }
            for (BackendReport.Part part : backend.parts()) {
                assertThat(r.out()).contains((part.found() ? "found    " : "missing  ") + part.name());
                part.searched().forEach(place -> assertThat(r.out()).contains("    " + place));
            }
        }
        assertThat(r.out()).contains("found    OpenBLAS 0.");
    }

    @Test
    @SuppressWarnings("unchecked")
    void theJsonIsOneObjectWithTheSame() {
        Cli.Result r = Cli.run("doctor", "--json");
        assertThat(r.code()).isZero();
        assertThat(r.out().lines()).hasSize(1);
        Map<String, Object> json = r.json();
        assertThat(json).containsEntry("usable", true).containsEntry("version", Main.version());
        assertThat(json).containsKeys("java", "os", "processors", "memoryBytes");
        List<Map<String, Object>> backends = (List<Map<String, Object>>) json.get("backends");
        List<BackendReport> reports = Nullspace.backends();
        assertThat(backends).hasSameSizeAs(reports);
        for (int i = 0; i < reports.size(); i++) {
            BackendReport report = reports.get(i);
            assertThat(backends.get(i))
                    .containsEntry("name", report.name())
                    .containsEntry("kind", report.gpu() ? "gpu" : "cpu")
                    .containsEntry("usable", report.usable())
                    .containsEntry("devices", report.devices())
                    .containsEntry("reasons", report.reasons())
                    .containsEntry("advice", report.advice());
            List<Map<String, Object>> parts =
                    (List<Map<String, Object>>) backends.get(i).get("parts");
            assertThat(parts).hasSameSizeAs(report.parts());
            for (int p = 0; p < parts.size(); p++) {
                BackendReport.Part part = report.parts().get(p);
                assertThat(parts.get(p)).containsEntry("name", part.name()).containsEntry("found", part.found());
                if (!part.found()) {
                    assertThat(parts.get(p)).containsEntry("searched", part.searched());
                }
            }
        }
    }

    @Test
    void withoutAGpuThereAreReasonsAndSomethingToDo() {
        requireNoGpu();
        BackendReport cuda = cuda();
        assertThat(cuda.reasons()).isNotEmpty();
        assertThat(cuda.parts()).isNotEmpty().anyMatch(part -> part.name().equals("NVIDIA driver"));
        boolean driver = cuda.parts().stream().anyMatch(part -> part.name().equals("NVIDIA driver") && part.found());
        if (!driver) {
            assertThat(cuda.reasons().get(0)).startsWith("no NVIDIA driver: ");
            assertThat(cuda.advice()).isNotEmpty();
        }
    }

    @Test
    void askingForAGpuFailsWithTheSameReasons() {
        requireNoGpu();
        Path csv = Cli.write(dir.resolve("d.csv"), "a,b,y\n1,2,3\n");
        for (String device : List.of("cuda", "cuda:1")) {
            Cli.Result r = Cli.run("solve", csv, "--target", "y", "--device", device);
            assertThat(r.code()).isEqualTo(1);
            assertThat(r.out()).isEmpty();
            assertThat(r.errLines()).hasSize(1);
            assertThat(r.err()).contains("CUDA cannot be used on this machine").contains(cuda().reasons());
            assertThat(r.err()).contains("what to do: nullspace doctor");
        }
    }

    @Test
    @SuppressWarnings("unchecked")
    void autoComputesOnTheCpuAndSaysWhy() {
        requireNoGpu();
        Path csv = Cli.write(dir.resolve("d.csv"), "a,b,y\n1,2,3\n");
        Cli.Result r = Cli.run("solve", csv, "--target", "y", "--json");
        assertThat(r.code()).isZero();
        List<String> history = (List<String>) r.json().get("history");
        assertThat(history.get(0))
                .startsWith("CPU, because no GPU can be used: ")
                .contains(cuda().reasons());
    }

    /** The CPU is asked for: not one class of the CUDA backend's search is loaded. AUTO without a driver: none of JCuda's. */
    @Test
    void whoDoesNotNeedCudaDoesNotPayForIt() throws Exception {
        Path csv = Cli.write(dir.resolve("d.csv"), "a,b,y\n1,2,3\n");
        String cpu = classes("solve", csv.toString(), "--target", "y", "--device", "cpu");
        assertThat(cpu).contains("org.nullspace.backend.openblas.OpenBlasSession");
        assertThat(cpu).doesNotContain("org.nullspace.backend.cuda.CudaLibraries", " jcuda.");
        boolean driver = cuda().parts().stream().anyMatch(part -> part.name().equals("NVIDIA driver") && part.found());
        assumeTrue(!driver, "this machine has an NVIDIA driver");
        String auto = classes("solve", csv.toString(), "--target", "y", "--device", "auto");
        assertThat(auto).contains("org.nullspace.backend.cuda.CudaLibraries").doesNotContain(" jcuda.");
    }

    private String classes(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xlog:class+load:file=" + dir.resolve("classes"),
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName()));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve("out").toFile())
                .start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as(Files.readString(dir.resolve("out"))).isZero();
        return Files.readString(dir.resolve("classes"));
    }
}
