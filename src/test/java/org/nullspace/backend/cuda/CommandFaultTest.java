package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nullspace.RandomMatrices;
import org.nullspace.cli.Main;
import org.nullspace.io.NpyFile;
import org.nullspace.io.NpyOrder;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** The command line on a device that fails under a part of a batch. */
@OnCudaDevice
class CommandFaultTest {
    private static final int COUNT = 9;
    private static final int CUSOLVER_STATUS_INTERNAL_ERROR = 7;

    @TempDir
    Path dir;

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeEach
    void files() {
        assumeTrue(SoftwareDevice.isPresent(), "only the software device fails on demand");
        NpyWriter.write(dir.resolve("x.npy"), random(1, 9), 3, NpyOrder.C);
        NpyWriter.write(dir.resolve("y.npy"), random(2, 2), 3, NpyOrder.C);
    }

    private static Matrix random(long seed, long columns) {
        return RandomMatrices.gaussian(seed, Precision.FLOAT64, COUNT, 5, columns, Layout.ROW_MAJOR);
    }

    private int solve(String out) {
        err.reset();
        PrintStream nowhere = new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        return Main.run(
                new String[] {
                    "solve",
                    "--x",
                    dir.resolve("x.npy").toString(),
                    "--y",
                    dir.resolve("y.npy").toString(),
                    "--device",
                    "cuda",
                    "--method",
                    "qr_svd",
                    "--out",
                    dir.resolve(out).toString()
                },
                nowhere,
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    /** The problem that was lost is named, its results are empty, and those of the others are as ever. */
    @Test
    void aProblemThatIsLostLeavesTheOthersAlone() throws Exception {
        solveWhole();
        SoftwareDevice.failCall("cusolverDnDgeqrf", 5, CUSOLVER_STATUS_INTERNAL_ERROR);
        requireLost(4, 5, "nullspace: problem 4 was not computed: ");
    }

    /** What was solved before the device was lost for good is written. */
    @Test
    void aDeviceThatIsLostTakesTheRestWithItAndNothingElse() throws Exception {
        solveWhole();
        SoftwareDevice.loseDevice("cusolverDnDgeqrf", 5);
        // The call that found out belongs to the first of them.
        requireLost(
                4, COUNT, "nullspace: problem 4 was not computed: ", "nullspace: problems 5 to 8 were not computed: ");
    }

    private void solveWhole() {
        assertThat(solve("whole")).as(err.toString(StandardCharsets.UTF_8)).isZero();
        assertThat(SoftwareDevice.calls("cusolverDnDgeqrf")).isEqualTo(COUNT);
        SoftwareDevice.reset();
    }

    private void requireLost(int from, int to, String... messages) throws IOException {
        int code = solve("part");
        SoftwareDevice.reset();
        CudaDevice.releaseAll();
        String told = err.toString(StandardCharsets.UTF_8);
        assertThat(code).as(told).isEqualTo(1);
        List<String> lines = told.lines().toList();
        assertThat(lines).hasSameSizeAs(messages);
        for (int i = 0; i < messages.length; i++) {
            assertThat(lines.get(i)).startsWith(messages[i]).contains("cuda:0");
        }
        List<String> wanted = Files.readAllLines(dir.resolve("whole").resolve("problems.csv"));
        List<String> found = Files.readAllLines(dir.resolve("part").resolve("problems.csv"));
        try (Matrix all = NpyFile.read(dir.resolve("whole").resolve("weights.npy"));
                Matrix part = NpyFile.read(dir.resolve("part").resolve("weights.npy"))) {
            for (int b = 0; b < COUNT; b++) {
                if (b >= from && b < to) {
                    assertThat(found.get(b + 1)).isEqualTo(b + ",NOT_COMPUTED,,,,,,,");
                    assertThat(part.get(b, 0, 0)).isNaN();
                } else {
                    assertThat(found.get(b + 1)).isEqualTo(wanted.get(b + 1));
                    assertThat(part.problem(b).hasSameEntries(all.problem(b))).isTrue();
                }
            }
        }
    }
}
