package org.nullspace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {
    @TempDir
    Path dir;

    @Test
    void bothTeachingExamplesToThePrintedDigits() throws Exception {
        Path out = dir.resolve("demo");
        Cli.Result r = Cli.run("demo", "--out", out);
        assertThat(r.code()).as(r.err()).isEqualTo(0);

        assertThat(r.out()).containsPattern("rank, nullity +6, 6\\R");
        assertThat(r.out()).containsPattern("‖w₁ − w₀‖ +10\\.00 ");
        assertThat(number(r.out(), "‖X w₁ − X w₀‖ +(\\S+)")).isLessThan(1e-13);
        assertThat(number(r.out(), "‖X z‖ +(\\S+)")).isLessThan(1e-14);
        assertThat(number(r.out(), "‖X w₀ − y‖ +(\\S+)")).isLessThan(1e-13);

        assertThat(r.out()).containsPattern("singular values +130\\.7  4\\.2  0\\.84\\R");
        assertThat(r.out()).containsPattern("rank, nullity +3, 1\\R");
        assertThat(r.out()).contains("β₀ = 0.125 − 15 β₃, β₁ = 3.5 + 23 β₃, β₂ = −0.625 − 9 β₃");
        assertThat(r.out())
                .containsPattern("fixing\\(3, 2\\.0\\) +β₀ = −29\\.875, β₁ = 49\\.5, β₂ = −18\\.625, β₃ = 2\\R");
        assertThat(r.out()).contains("f₁, a random member", "f₄, a random member");

        assertThat(Cli.files(out)).containsExactly("polynomial.png", "polynomial.svg");
        assertThat(r.out()).contains("written: " + out.resolve("polynomial.png"));
        String svg = Files.readString(out.resolve("polynomial.svg"));
        assertThat(svg).contains("f₀, β₃ = −0.10", "f₄, β₃ = ", ">data<");
    }

    @Test
    void thePictureInTheReadmeIsTheOneThatIsDrawn() throws Exception {
        Path out = dir.resolve("demo");
        assertThat(Cli.run("demo", "--out", out).code()).isEqualTo(0);
        assertThat(Cli.texts(out.resolve("polynomial.svg")))
                .contains("data", "f₀, β₃ = −0.10")
                .isEqualTo(Cli.texts(Path.of("src/site/resources/images/polynomial.svg")));
    }

    private static double number(String text, String pattern) {
        Matcher m = Pattern.compile(pattern).matcher(text);
        assertThat(m.find()).as(pattern).isTrue();
        return Double.parseDouble(m.group(1));
    }
}
