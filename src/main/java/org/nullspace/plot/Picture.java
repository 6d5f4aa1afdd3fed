package org.nullspace.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.font.TextLayout;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;

/**
 * A drawing that can be had as PNG and as SVG. Immutable; drawn anew by each call. The text of an SVG is text, in the reader's sans-serif
 * font.
 */
public final class Picture {
    /** PNG pixels per unit of length of the drawing: sharp on dense screens. */
    private static final int PIXELS_PER_UNIT = 2;

    private static final String SVG = "http://www.w3.org/2000/svg";

    /** Which part of a text lies at its point. */
    enum Align {
        START,
        MIDDLE,
        END
    }

    /** A line of text: its baseline starts, is centred or ends at a point. With a halo it stays readable on top of lines. */
    record Text(String text, double x, double y, Align align, float size, boolean bold, Color color, boolean halo) {}

    private final int width;
    private final int height;
    private final String title;
    private final Consumer<Graphics2D> painter;
    private final List<Text> texts;

    Picture(int width, int height, String title, Consumer<Graphics2D> painter, List<Text> texts) {
        this.width = width;
        this.height = height;
        this.title = title;
        this.painter = painter;
        this.texts = List.copyOf(texts);
    }

    /**
     * The picture as a PNG file, two pixels for each unit of length.
     *
     * @return content of the file
     */
    public byte[] png() {
        BufferedImage image =
                new BufferedImage(width * PIXELS_PER_UNIT, height * PIXELS_PER_UNIT, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        try {
            g.scale(PIXELS_PER_UNIT, PIXELS_PER_UNIT);
            g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
            g.setColor(Color.WHITE);
            g.fillRect(0, 0, width, height);
            painter.accept(g);
            for (Text t : texts) {
                draw(g, t);
            }
        } finally {
            g.dispose();
        }
        ImageIO.setUseCache(false);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(image, "png", out)) {
                throw new IllegalStateException("this Java has no PNG writer");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static void draw(Graphics2D g, Text t) {
        Font font = new Font(Font.SANS_SERIF, t.bold ? Font.BOLD : Font.PLAIN, 1).deriveFont(t.size);
        String text = displayable(t.text, font);
        if (text.isEmpty()) {
            return;
        }
        TextLayout layout = new TextLayout(text, font, g.getFontRenderContext());
        double shift = switch (t.align) {
            case START -> 0;
            case MIDDLE -> layout.getAdvance() / 2;
            case END -> layout.getAdvance();
        };
        Shape outline = layout.getOutline(AffineTransform.getTranslateInstance(t.x - shift, t.y));
        if (t.halo) {
            g.setColor(Color.WHITE);
            g.setStroke(new BasicStroke(4f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
            g.draw(outline);
        }
        g.setColor(t.color);
        g.fill(outline);
    }

    /** The text, with what the font of this machine lacks spelled out. */
    private static String displayable(String text, Font font) {
        if (font.canDisplayUpTo(text) < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            int superscript = "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c);
            int subscript = "₀₁₂₃₄₅₆₇₈₉".indexOf(c);
            if (font.canDisplay(c)) {
                out.appendCodePoint(c);
            } else if (superscript >= 0) {
                out.append('^').append(superscript);
            } else if (subscript >= 0) {
                out.append(subscript);
            } else {
                out.append(
                        switch (c) {
                            case 'β' -> "beta";
                            case 'λ' -> "lambda";
                            case '→' -> "->";
                            case '×' -> "x";
                            case '⁻' -> "^-";
                            default -> "-";
                        });
            }
        });
        return out.toString();
    }

    /**
     * The picture as an SVG file.
     *
     * @return content of the file, UTF-8
     */
    public byte[] svg() {
        Document document = document();
        SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
        context.setPrecision(2);
        SVGGraphics2D g = new SVGGraphics2D(context, true);
        g.setSVGCanvasSize(new Dimension(width, height));
        painter.accept(g);
        Element root = g.getRoot();
        g.dispose();
        joinSegments(root);
        root.setAttribute("viewBox", "0 0 " + width + " " + height);
        root.setAttribute("role", "img");
        root.setAttribute("aria-label", title);
        Element paper = document.createElementNS(SVG, "rect");
        paper.setAttribute("width", "100%");
        paper.setAttribute("height", "100%");
        paper.setAttribute("fill", "white");
        paper.setAttribute("stroke", "none");
        root.insertBefore(paper, root.getFirstChild());
        Element group = document.createElementNS(SVG, "g");
        group.setAttribute("font-family", "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif");
        group.setAttribute("stroke", "none");
        for (Text t : texts) {
            group.appendChild(element(document, t));
        }
        root.appendChild(group);
        return bytes(root);
    }

    /** Makes one polyline of segments that follow one another: XChart draws each segment of a line by itself. */
    private static void joinSegments(Element parent) {
        Element open = null;
        Node next;
        for (Node node = parent.getFirstChild(); node != null; node = next) {
            next = node.getNextSibling();
            if (node.getNodeType() == Node.COMMENT_NODE) {
                parent.removeChild(node);
            } else if (node instanceof Element e && e.getTagName().equals("line")) {
                if (open != null && continues(open, e)) {
                    open.setAttribute("points", open.getAttribute("points") + " " + end(e));
                    parent.removeChild(e);
                } else {
                    open = polyline(e);
                    parent.replaceChild(open, e);
                }
            } else if (node instanceof Element e) {
                open = null;
                joinSegments(e);
            }
        }
    }

    private static String end(Element line) {
        return line.getAttribute("x2") + "," + line.getAttribute("y2");
    }

    private static boolean continues(Element polyline, Element line) {
        return polyline.getAttribute("points").endsWith(" " + line.getAttribute("x1") + "," + line.getAttribute("y1"))
                && polyline.getAttribute("clip-path").equals(line.getAttribute("clip-path"));
    }

    private static Element polyline(Element line) {
        Element e = line.getOwnerDocument().createElementNS(SVG, "polyline");
        NamedNodeMap attributes = line.getAttributes();
        for (int i = 0; i < attributes.getLength(); i++) {
            String name = attributes.item(i).getNodeName();
            if (!name.matches("[xy][12]")) {
                e.setAttribute(name, attributes.item(i).getNodeValue());
            }
        }
        e.setAttribute("points", line.getAttribute("x1") + "," + line.getAttribute("y1") + " " + end(line));
        return e;
    }

    private static Element element(Document document, Text t) {
        Element e = document.createElementNS(SVG, "text");
        e.setAttribute("x", coordinate(t.x));
        e.setAttribute("y", coordinate(t.y));
        e.setAttribute("font-size", coordinate(t.size));
        e.setAttribute("fill", String.format(Locale.ROOT, "#%06x", t.color.getRGB() & 0xffffff));
        if (t.align != Align.START) {
            e.setAttribute("text-anchor", t.align.name().toLowerCase(Locale.ROOT));
        }
        if (t.bold) {
            e.setAttribute("font-weight", "bold");
        }
        if (t.halo) {
            e.setAttribute("stroke", "white");
            e.setAttribute("stroke-width", "4");
            e.setAttribute("stroke-linejoin", "round");
            e.setAttribute("paint-order", "stroke");
        }
        e.appendChild(document.createTextNode(t.text));
        return e;
    }

    private static String coordinate(double value) {
        return String.format(Locale.ROOT, "%.1f", value).replaceFirst("\\.0$", "");
    }

    private static Document document() {
        try {
            return DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .getDOMImplementation()
                    .createDocument(SVG, "svg", null);
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("this Java has no XML document builder", e);
        }
    }

    private static byte[] bytes(Element root) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            Transformer transformer = TransformerFactory.newInstance().newTransformer();
            transformer.setOutputProperty(OutputKeys.ENCODING, "UTF-8");
            transformer.setOutputProperty(OutputKeys.STANDALONE, "yes");
            transformer.transform(new DOMSource(root), new StreamResult(out));
        } catch (TransformerException e) {
            throw new IllegalStateException("this Java cannot write XML", e);
        }
        return out.toByteArray();
    }
}
