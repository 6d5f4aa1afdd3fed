package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class StagesTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Console console = new Console(
            new PrintStream(new ByteArrayOutputStream()), new PrintStream(err, true, StandardCharsets.UTF_8), false);

    @Test
    void shortWorkIsSilent() {
        try (Stages stages = new Stages(console)) {
            stages.begin("reading");
            stages.at(1, 2);
            stages.begin("solving");
        }
        assertThat(err.size()).isZero();
    }

    @Test
    void longWorkIsTold() throws Exception {
        try (Stages stages = new Stages(console)) {
            stages.begin("reading x.npy");
            stages.at(250_000_000, 1_000_000_000);
            long limit = System.nanoTime() + 20_000_000_000L;
            while (err.size() == 0 && System.nanoTime() < limit) {
                Thread.sleep(20);
            }
        }
        String text = err.toString(StandardCharsets.UTF_8);
        assertThat(text.lines()).hasSizeGreaterThanOrEqualTo(2);
        assertThat(text)
                .startsWith("nullspace: reading x.npy … 25 % of 1.00 GB")
                .contains("done after");
        assertThat(text).doesNotContain("\u001b", "\r\r");
    }

    @Test
    void problemsOfABatchAreCounted() throws Exception {
        try (Stages stages = new Stages(console)) {
            stages.begin("solving 1000000 problems");
            stages.count("problems", 250_000, 1_000_000);
            long limit = System.nanoTime() + 20_000_000_000L;
            while (err.size() == 0 && System.nanoTime() < limit) {
                Thread.sleep(20);
            }
        }
        String first = err.toString(StandardCharsets.UTF_8).lines().findFirst().orElse("");
        Matcher told = Pattern.compile("nullspace: solving 1000000 problems … 25 %, (\\d+) problems/s, (\\d+) s left")
                .matcher(first);
        assertThat(told.matches()).as(first).isTrue();
        // 250,000 in a little more than a second, and three times as many are left.
        assertThat(Integer.parseInt(told.group(1))).isBetween(10_000, 251_000);
        assertThat(Integer.parseInt(told.group(2))).isBetween(3, 75);
    }
}
