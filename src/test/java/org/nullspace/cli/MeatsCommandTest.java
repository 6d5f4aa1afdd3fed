package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nullspace.io.NpyFile;

class MeatsCommandTest {
    @TempDir
    Path dir;

    @Test
    void tellsTheStoryOfTheData() throws Exception {
        Path out = dir.resolve("meats");
        Cli.Result r = Cli.run("meats", "--out", out, "--splits", "2");
        assertThat(r.code()).as(r.err()).isEqualTo(0);
        assertThat(Cli.files(out))
                .containsExactly(
                        "feature_names.txt",
                        "intercept.npy",
                        "members.png",
                        "members.svg",
                        "ridge.png",
                        "ridge.svg",
                        "singular_values.npy",
                        "spectrum.png",
                        "spectrum.svg",
                        "summary.json",
                        "weights.npy");
        assertThat(NpyFile.open(out.resolve("weights.npy")).shape()).containsExactly(5150L, 1L);
        List<String> names = Files.readAllLines(out.resolve("feature_names.txt"));
        assertThat(names)
                .hasSize(5150)
                .startsWith("x_001")
                .contains("x_001*x_100")
                .endsWith("x_100^2");

        Map<String, Object> summary = JSON.std.mapFrom(Files.readString(out.resolve("summary.json")));
        assertThat(summary).containsEntry("samples", 172).containsEntry("features", 5150);
        int rank = (Integer) summary.get("rank");
        assertThat(rank).isBetween(145, 165);
        assertThat(summary).containsEntry("nullity", 5150 - rank);
        assertThat(((Number) summary.get("condition")).doubleValue()).isBetween(1e6, 1e8);

        @SuppressWarnings("unchecked")
        List<Map<String, Object>> models = (List<Map<String, Object>>) summary.get("models");
        assertThat(models).hasSize(11);
        Map<String, Object> minimumNorm = models.get(1);
        assertThat(minimumNorm).containsEntry("model", "minimum norm");
        assertThat(error(minimumNorm, "trainRmse")).isLessThan(1e-9);
        for (int m = 2; m <= 4; m++) {
            Map<String, Object> member = models.get(m);
            assertThat(error(member, "trainRmse")).isLessThan(1e-8);
            assertThat(error(member, "norm")).isGreaterThan(9 * error(minimumNorm, "norm"));
            assertThat(error(member, "holdoutRmse"))
                    .isNotCloseTo(error(minimumNorm, "holdoutRmse"), org.assertj.core.api.Assertions.within(0.01));
        }
        double bestRidge = models.subList(5, 11).stream()
                .mapToDouble(m -> error(m, "holdoutRmse"))
                .min()
                .orElseThrow();
        assertThat(bestRidge).isLessThan(error(minimumNorm, "holdoutRmse") / 2);
        assertThat(r.out())
                .contains("least squares on the 100 channels", "random member 3", "ridge, λ = 1e-4", "median of 2")
                .contains("Written: " + out.resolve("weights.npy"));
        for (String picture : List.of("spectrum.svg", "ridge.svg", "members.svg")) {
            assertThat(Files.size(out.resolve(picture))).isLessThan(40_000);
        }
        assertThat(Cli.texts(out.resolve("ridge.svg")))
                .as("the picture in the README is the one that is drawn")
                .contains("held-out samples")
                .isEqualTo(Cli.texts(Path.of("src/site/resources/images/ridge.svg")));
    }

    private static double error(Map<String, Object> model, String name) {
        return ((Number) model.get(name)).doubleValue();
    }
}
