package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.Nullspace;
import org.nullspace.backend.cuda.OnCudaDevice;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendReport;

/** The command line on CUDA devices. */
@OnCudaDevice
class CudaCommandTest {
    @TempDir
    Path dir;

    private static int devices() {
        return Nullspace.backends().stream()
                .filter(BackendReport::gpu)
                .mapToInt(backend -> backend.devices().size())
                .sum();
    }

    private Path random(String name, long columns) throws IOException {
        SplittableRandom random = new SplittableRandom(columns);
        Matrix m = Matrix.zeros(Precision.FLOAT64, 3, 5, columns, Layout.ROW_MAJOR);
        for (long b = 0; b < 3; b++) {
            for (long i = 0; i < 5; i++) {
                for (long j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextDouble(-1, 1));
                }
            }
        }
        Path file = dir.resolve(name);
        NpyWriter.write(file, m, 3, NpyOrder.AS_STORED);
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "cuda", "cuda:0", "cuda:1", "cuda:all"})
    void solvesOnTheDevice(String device) throws IOException {
        assumeTrue(!device.equals("cuda:1") || devices() > 1, "there is only one device");
        Path x = random("x.npy", 9);
        Path y = random("y.npy", 2);
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--device", device, "--json");
        assertThat(r.code()).as(r.err()).isZero();
        assertThat(r.json()).containsEntry("backend", "CUDA").containsEntry("rank", List.of(5, 5, 5));
        assertThat(r.json().get("device").toString()).startsWith(device.equals("cuda:1") ? "cuda:1 " : "cuda:0 ");
        Cli.Result cpu = Cli.run("solve", "--x", x, "--y", y, "--device", "cpu", "--json");
        assertThat(norms(r)).hasSameSizeAs(norms(cpu));
        for (int i = 0; i < norms(r).size(); i++) {
            assertThat(norms(r).get(i)).isCloseTo(norms(cpu).get(i), within(1e-12));
        }
    }

    /** All norms of the minimum-norm solutions. */
    private static List<Double> norms(Cli.Result r) {
        return ((List<?>) r.json().get("minimumNorm"))
                .stream()
                        .flatMap(each -> ((List<?>) each).stream())
                        .map(norm -> ((Number) norm).doubleValue())
                        .toList();
    }

    @Test
    void namesTheDevicesThereAre() throws IOException {
        Path x = random("x.npy", 9);
        Path y = random("y.npy", 2);
        Cli.Result r = Cli.run("solve", "--x", x, "--y", y, "--device", "cuda:" + devices());
        assertThat(r.code()).isEqualTo(2);
        assertThat(r.errLines()).hasSize(1);
        assertThat(r.err()).contains("device " + devices());
    }

    @Test
    void theDoctorIsContent() {
        Cli.Result r = Cli.run("doctor");
        assertThat(r.code()).isZero();
        assertThat(r.out()).contains("cuda (GPU): usable");
    }
}
