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
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InvalidInputException;

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

    /** Probes in a Java machine of its own, since a library is loaded once per process. */
    private static String probeElsewhere(String option) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1");
        command.add(option);
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(Probe.class.getName());
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
}
