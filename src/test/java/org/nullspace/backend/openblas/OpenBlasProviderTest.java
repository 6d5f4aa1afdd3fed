package org.nullspace.backend.openblas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.nullspace.Nullspace;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.Method;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

class OpenBlasProviderTest {
    @Test
    void isFoundOnTheClassPath() {
        assertThat(Backends.providers(DeviceKind.CPU))
                .extracting(BackendProvider::name)
                .contains("openblas");
    }

    @Test
    void isUsableHere() {
        Availability availability = new OpenBlasProvider().probe();
        assertThat(availability.reasons()).isEmpty();
        assertThat(availability.usable()).isTrue();
        assertThat(availability.devices()).singleElement().asString().contains("OpenBLAS", "thread");
        try (Session session = new OpenBlasProvider().open(0)) {
            assertThat(session.backend()).isEqualTo("openblas");
            assertThat(session.description()).isEqualTo(availability.devices().get(0));
        }
    }

    @Test
    void hasOneDevice() {
        assertThatThrownBy(() -> new OpenBlasProvider().open(1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("device 1");
    }

    @Test
    void saysWhyItCannotBeUsed() throws IOException, InterruptedException {
        assertThat(probeElsewhere("-Dnullspace.threads=none"))
                .contains("usable false", "nullspace.threads", "\"none\"", "BackendUnavailableException");
        assertThat(probeElsewhere("-Dorg.bytedeco.javacpp.platform=linux-riscv64"))
                .contains("usable false", "linux-riscv64", "UnsatisfiedLinkError", "BackendUnavailableException");
    }

    @Test
    void isNotBoundByTheLimitThatJavaCppDerivesFromTheHeap() throws IOException, InterruptedException {
        // The limit is 4 times -Xmx unless set; with 1 byte every process is above it, as with a large X and a small
        // heap.
        assertThat(elsewhere(Solve.class, "-Dorg.bytedeco.javacpp.maxPhysicalBytes=1"))
                .contains("GESVD 1.0", "QR_SVD 1.0", "GRAM 1.0");
    }

    /** Probes in a Java machine of its own, since a library is loaded once per process. */
    private static String probeElsewhere(String option) throws IOException, InterruptedException {
        return elsewhere(Probe.class, option);
    }

    private static String elsewhere(Class<?> program, String option) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1");
        command.add(option);
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(program.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }

    /** Prints what the provider says. */
    static final class Probe {
        private Probe() {}

        public static void main(String[] arguments) {
            OpenBlasProvider provider = new OpenBlasProvider();
            Availability availability = provider.probe();
            System.out.println("usable " + availability.usable());
            availability.reasons().forEach(System.out::println);
            try {
                provider.open(0).close();
            } catch (BackendUnavailableException e) {
                System.out.println(e);
            }
        }
    }

    /** Solves with every method and prints the first coefficient. */
    static final class Solve {
        private Solve() {}

        public static void main(String[] arguments) {
            Matrix x = Matrix.of(new double[][] {{1, 0, 0}, {0, 2, 0}});
            Matrix y = Matrix.column(1, 1);
            for (Method method : List.of(Method.GESVD, Method.QR_SVD, Method.GRAM)) {
                SolveOptions options =
                        SolveOptions.builder().method(method).spectrum(true).build();
                try (SolutionSet set = Nullspace.solve(x, y, options)) {
                    System.out.println(method + " "
                            + set.closestTo(x.rows(0, 1).transposed()).get(0, 0));
                }
            }
        }
    }
}
