package org.nullspace.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class PicturesTest {
    private static final String BLUE = "rgb(29,95,191)";
    private static final String ORANGE = "rgb(207,106,18)";

    private static Document parse(Picture picture) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(picture.svg()));
    }

    private static String svg(Picture picture) {
        return new String(picture.svg(), StandardCharsets.UTF_8);
    }

    /** Number of filled circles of a colour. */
    private static int dots(Document document, String color) {
        int count = 0;
        NodeList circles = document.getElementsByTagName("circle");
        for (int i = 0; i < circles.getLength(); i++) {
            for (org.w3c.dom.Node n = circles.item(i); n != null; n = n.getParentNode()) {
                if (n instanceof org.w3c.dom.Element e
                        && !e.getAttribute("fill").isEmpty()) {
                    count += e.getAttribute("fill").equals(color) ? 1 : 0;
                    break;
                }
            }
        }
        return count;
    }

    private static Picture functions() {
        double[] x = new double[61];
        double[] flat = new double[61];
        double[] steep = new double[61];
        for (int i = 0; i < 61; i++) {
            x[i] = 0.1 * i;
            flat[i] = 2;
            steep[i] = 20 * (x[i] - 3);
        }
        return Pictures.functions(
                "title <&>",
                "subtitle",
                new double[] {0, 6, -5, 15},
                List.of(new Curve("f₀", x, flat), new Curve("f₁", x, steep)),
                new Curve("data", new double[] {5, 3, 1}, new double[] {2, 5, 3}));
    }

    @Test
    void sameInputSameBytes() {
        assertThat(functions().svg()).isEqualTo(functions().svg());
        assertThat(functions().png()).isEqualTo(functions().png());
    }

    @Test
    void pngIsAPictureWithTheColoursOfTheCurves() throws Exception {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(functions().png()));
        assertThat(image.getWidth()).isEqualTo(1520);
        assertThat(image.getHeight()).isEqualTo(940);
        int blue = 0;
        for (int i = 0; i < image.getWidth(); i++) {
            for (int j = 0; j < image.getHeight(); j++) {
                blue += (image.getRGB(i, j) & 0xffffff) == 0x1d5fbf ? 1 : 0;
            }
        }
        assertThat(blue).isGreaterThan(1000);
        assertThat(image.getRGB(0, 0) & 0xffffff).isEqualTo(0xffffff);
    }

    @Test
    void svgIsSmallWellFormedAndItsTextIsText() throws Exception {
        Document document = parse(functions());
        assertThat(document.getDoctype()).isNull();
        assertThat(document.getDocumentElement().getAttribute("viewBox")).isEqualTo("0 0 760 470");
        NodeList texts = document.getElementsByTagName("text");
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < texts.getLength(); i++) {
            all.append(texts.item(i).getTextContent()).append('\n');
        }
        assertThat(all.toString().lines())
                .contains("title <&>", "subtitle", "f₀", "f₁", "data", "x", "y", "−5", "15", "6");
        assertThat(functions().svg().length).isLessThan(15_000);
    }

    @Test
    void curvesEndAtTheLimits() {
        // The steep line enters at y = −5, x = 2.75 and leaves at y = 15, x = 3.75; heights run from 316 (y = −5) to 0
        // (y = 15).
        assertThat(svg(functions())).containsPattern("points=\"[0-9.]+,316 [^\"]* [0-9.]+,0\"");
    }

    @Test
    void spectrumShowsWhatCountsAndWhatDoesNot() throws Exception {
        double[] sigma = {100, 10, 1, 1e-14, 0};
        Picture picture = Pictures.spectrum(sigma, 3, 1e-12);
        Document document = parse(picture);
        assertThat(dots(document, BLUE)).isEqualTo(3);
        assertThat(dots(document, ORANGE)).isEqualTo(2);
        assertThat(svg(picture))
                .contains("rank 3 of 5", "cut-off 10⁻¹²", "2 lie at or below", "exact zeros (1)", ">count as zero<");
    }

    @Test
    void longSpectraAreThinnedButNotAtTheCutOff() throws Exception {
        double[] sigma = new double[100_000];
        for (int i = 0; i < sigma.length; i++) {
            sigma[i] = Math.exp(-i / 5000.0);
        }
        Picture picture = Pictures.spectrum(sigma, 77_777, sigma[77_777]);
        Document document = parse(picture);
        assertThat(dots(document, BLUE) + dots(document, ORANGE)).isBetween(200, 242);
        assertThat(dots(document, ORANGE)).isBetween(40, 60);
        assertThat(picture.svg().length).isLessThan(50_000);
    }

    @Test
    void spectraOfAllKindsCanBeDrawn() {
        for (double[] sigma :
                List.of(new double[0], new double[] {0}, new double[] {3}, new double[] {1e-150, 1e-160}, new double[] {
                    1e306, 5e-324
                })) {
            for (double cutoff : new double[] {0, 1e-155, 5}) {
                int rank = 0;
                while (rank < sigma.length && sigma[rank] > cutoff) {
                    rank++;
                }
                assertThat(svg(Pictures.spectrum(sigma, rank, cutoff)))
                        .contains("rank " + rank + " of " + sigma.length);
            }
        }
        assertThatThrownBy(() -> Pictures.spectrum(new double[] {1}, 2, 0))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("rank 2 of 1");
    }

    @Test
    void ridgePathNamesItsEnds() {
        double[] lambda = {1e-6, 1e-4, 1e-2, 1};
        Picture picture = Pictures.ridgePath(
                "title",
                "RMSE (%)",
                new Curve("held out", lambda, new double[] {3, 1.45, 2, 4}),
                new Curve("training", lambda, new double[] {0, 0.5, 1, 5}),
                3.3,
                new Pictures.Reference("least squares", 2.4));
        assertThat(svg(picture))
                .contains(
                        "Least held-out error 1.45 at λ = 10⁻⁴", ">minimum norm (λ → 0) 3.30<", ">least squares 2.40<")
                .contains(">held-out samples<", ">training samples<", ">10⁻⁶<");
        assertThatThrownBy(() -> Pictures.ridgePath(
                        "t", "e", new Curve("h", new double[] {0, 1}, new double[] {1, 1}), null, 1, null))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("penalty 0 is 0.0");
        assertThatThrownBy(
                        () -> Pictures.ridgePath("t", "e", new Curve("h", new double[0], new double[0]), null, 1, null))
                .isInstanceOf(InvalidInputException.class);
    }

    @Test
    void predictionsHaveOneDotPerSampleAndModel() throws Exception {
        double[] measured = {1, 2, 3, 4};
        Picture picture = Pictures.predictions(
                "t",
                "s",
                "fat (%)",
                List.of(
                        new Curve("minimum norm", measured, new double[] {1, 2, 3, 5}),
                        new Curve("random member 1", measured, new double[] {0, 2, 9, 5})));
        assertThat(parse(picture).getElementsByTagName("circle").getLength()).isEqualTo(4 + 4 + 2);
        assertThat(svg(picture)).contains("measured fat (%)", "predicted = measured", "random member 1");
        assertThatThrownBy(() -> Pictures.predictions(
                        "t", "s", "u", List.of(new Curve("m", new double[] {1}, new double[] {1}))))
                .isInstanceOf(InvalidInputException.class);
    }

    @Test
    void curvesNeedAsManyOrdinatesAsAbscissasAndCopyThem() {
        assertThatThrownBy(() -> new Curve("f", new double[2], new double[3]))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessageContaining("\"f\": x has 2 entries, y has 3");
        double[] x = {1, 2};
        Curve c = new Curve("f", x, x);
        x[0] = 9;
        c.x()[1] = 9;
        assertThat(c.x()).containsExactly(1, 2);
    }
}
