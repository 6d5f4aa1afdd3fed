package org.nullspace.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.None;
import org.nullspace.plot.Picture.Align;
import org.nullspace.plot.Picture.Text;

/**
 * A chart in the house style. XChart draws what lies inside the axes; headline, ticks, legend and labels are placed here. Lengths are in
 * units of the drawing.
 */
final class Canvas {
    static final int WIDTH = 760;
    static final int HEIGHT = 470;

    static final Color INK = new Color(0x1f2937);
    static final Color QUIET = new Color(0x667080);
    static final Color GRID = new Color(0xe6e8ed);
    static final Color BLUE = new Color(0x1d5fbf);
    static final Color ORANGE = new Color(0xcf6a12);

    /** Colours of things of equal standing, in order. */
    static final List<Color> PALETTE = List.of(
            ORANGE,
            new Color(0x22926a),
            new Color(0x8e5aa8),
            new Color(0xc9485b),
            new Color(0x5b7083),
            new Color(0xa58400));

    private static final double LEFT = 68;
    private static final double TOP = 100;
    private static final double BOTTOM = HEIGHT - 54.0;
    private static final double MARGIN = 22;
    private static final double EDGE = 20;
    private static final float SIZE = 13f;
    /** Mean advance of a character of the text size, generously. */
    private static final double CHARACTER = 7.4;

    private final String title;
    private final Axis xAxis;
    private final Axis yAxis;
    private final double right;
    private final XYChart chart;
    private final List<Text> texts = new ArrayList<>();
    private final List<Line2D> ticks = new ArrayList<>();
    private final List<Entry> legend = new ArrayList<>();
    /** Points that labels should keep away from, as (x, y) in units of the drawing. */
    private final List<double[]> obstacles = new ArrayList<>();

    private record Entry(String name, Color color, float width, boolean dashed, double diameter, boolean filled) {}

    Canvas(String title, String subtitle, Axis xAxis, Axis yAxis, double legendWidth) {
        this.title = title;
        this.xAxis = xAxis;
        this.yAxis = yAxis;
        this.right = WIDTH - MARGIN - legendWidth;
        this.chart = new XYChart((int) Math.round(right - LEFT), (int) Math.round(BOTTOM - TOP));
        XYStyler s = chart.getStyler();
        s.setLocale(Locale.ROOT);
        s.setChartTitleVisible(false);
        s.setLegendVisible(false);
        s.setAxisTitlesVisible(false);
        s.setAxisTicksVisible(false);
        s.setChartBackgroundColor(Color.WHITE);
        s.setPlotBackgroundColor(Color.WHITE);
        s.setPlotBorderVisible(false);
        s.setPlotGridLinesVisible(false);
        s.setPlotTicksMarksVisible(false);
        s.setPlotMargin(0);
        s.setPlotContentSize(1.0);
        s.setChartPadding(0);
        s.setXAxisMin(xAxis.min()).setXAxisMax(xAxis.max());
        s.setYAxisMin(yAxis.min()).setYAxisMax(yAxis.max());
        s.setXAxisLogarithmic(xAxis.logarithmic());
        s.setYAxisLogarithmic(yAxis.logarithmic());
        texts.add(new Text(title, EDGE, 34, Align.START, 17f, true, INK, false));
        texts.add(new Text(subtitle, EDGE, 55, Align.START, SIZE, false, QUIET, false));
        texts.add(new Text(yAxis.title(), EDGE, 87, Align.START, SIZE, false, INK, false));
        texts.add(new Text(xAxis.title(), (LEFT + right) / 2, HEIGHT - 14, Align.MIDDLE, SIZE, false, INK, false));
        drawTicks();
    }

    private void drawTicks() {
        double[] ends = {xAxis.min(), xAxis.max()};
        for (double v : yAxis.ticks()) {
            XYSeries line = chart.addSeries("grid " + v, ends, new double[] {v, v});
            style(line, GRID, 1f, false);
            texts.add(new Text(yAxis.label(v), LEFT - 10, y(v) + 4.5, Align.END, 12f, false, QUIET, false));
        }
        for (double v : xAxis.ticks()) {
            ticks.add(new Line2D.Double(x(v), BOTTOM + 2, x(v), BOTTOM + 7));
            texts.add(new Text(xAxis.label(v), x(v), BOTTOM + 21, Align.MIDDLE, 12f, false, QUIET, false));
        }
    }

    private double x(double value) {
        return LEFT + xAxis.fraction(value) * (right - LEFT);
    }

    private double y(double value) {
        return BOTTOM - yAxis.fraction(value) * (BOTTOM - TOP);
    }

    private static void style(XYSeries series, Color color, float width, boolean dashed) {
        series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Line);
        series.setLineColor(color);
        series.setLineWidth(width);
        series.setLineStyle(stroke(width, dashed));
        series.setMarker(new None());
    }

    private static BasicStroke stroke(float width, boolean dashed) {
        return dashed
                ? new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10f, new float[] {6f, 5f}, 0f)
                : new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
    }

    /** Adds a line through points; NaN breaks it. */
    void line(String name, double[] xs, double[] ys, Color color, float width, boolean dashed) {
        style(chart.addSeries(name, xs, ys), color, width, dashed);
        legend.add(new Entry(name, color, width, dashed, 0, false));
        for (int i = 0; i < xs.length; i++) {
            double[] here = {x(xs[i]), y(ys[i])};
            if (Double.isNaN(here[1])) {
                continue;
            }
            obstacles.add(here);
            if (i > 0 && !Double.isNaN(ys[i - 1])) {
                double[] before = {x(xs[i - 1]), y(ys[i - 1])};
                int steps = (int) Math.min(400, Math.hypot(here[0] - before[0], here[1] - before[1]) / 4);
                for (int k = 1; k < steps; k++) {
                    double t = (double) k / steps;
                    obstacles.add(
                            new double[] {before[0] + t * (here[0] - before[0]), before[1] + t * (here[1] - before[1])
                            });
                }
            }
        }
    }

    /** Adds a horizontal line over the whole width. */
    void level(String name, double value, Color color, float width) {
        line(name, new double[] {xAxis.min(), xAxis.max()}, new double[] {value, value}, color, width, true);
    }

    /** Adds dots. */
    void points(String name, double[] xs, double[] ys, Color color, double diameter, boolean filled) {
        XYSeries series = chart.addSeries(name, xs, ys);
        series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
        series.setMarker(new Dot(diameter, filled));
        series.setMarkerColor(color);
        legend.add(new Entry(name, color, 0, false, diameter, filled));
        for (int i = 0; i < xs.length; i++) {
            obstacles.add(new double[] {x(xs[i]), y(ys[i])});
        }
    }

    /** Writes a legend at the right, first the series that were added last: what lies on top comes first. */
    void legend() {
        double left = right + 26;
        double baseline = TOP + 14;
        for (int i = legend.size() - 1; i >= 0; i--) {
            texts.add(new Text(legend.get(i).name, left + 36, baseline, Align.START, SIZE, false, INK, false));
            baseline += 25;
        }
    }

    /** Labels a line or dots beside one of its points, where there is most room. */
    void labelBeside(String text, double[] xs, double[] ys, Color color) {
        List<double[]> candidates = new ArrayList<>();
        double width = text.length() * CHARACTER;
        for (int i = 0; i < xs.length; i++) {
            double px = x(xs[i]);
            double py = y(ys[i]);
            if (Double.isNaN(py)) {
                continue;
            }
            candidates.add(new double[] {px - width / 2, py - 10});
            candidates.add(new double[] {px - width / 2, py + 22});
            candidates.add(new double[] {px + 10, py + 5});
            candidates.add(new double[] {px - 10 - width, py + 5});
        }
        place(text, width, candidates, color);
    }

    /** Labels a horizontal line, above or below it, where there is most room. */
    void labelLevel(String text, double value, Color color) {
        List<double[]> candidates = new ArrayList<>();
        double width = text.length() * CHARACTER;
        for (double px = LEFT + 8; px + width <= right - 4; px += 12) {
            candidates.add(new double[] {px, y(value) - 8});
            candidates.add(new double[] {px, y(value) + 17});
        }
        place(text, width, candidates, color);
    }

    private void place(String text, double width, List<double[]> candidates, Color color) {
        double bestRoom = -1;
        double[] best = candidates.isEmpty() ? new double[] {LEFT + 8, TOP + 12} : candidates.get(0);
        for (double[] c : candidates) {
            boolean inside = c[0] >= LEFT + 4 && c[0] + width <= right && c[1] - 10 >= TOP && c[1] + 4 <= BOTTOM;
            double room = inside ? Math.min(room(c[0], c[1], width), 40) : -0.5;
            if (room > bestRoom + 1e-9) {
                bestRoom = room;
                best = c;
            }
        }
        texts.add(new Text(text, best[0], best[1], Align.START, SIZE, false, color, true));
        for (double px = 0; px <= width; px += 4) {
            obstacles.add(new double[] {best[0] + px, best[1] - 5});
        }
    }

    private double room(double left, double baseline, double width) {
        double room = Double.POSITIVE_INFINITY;
        for (double[] o : obstacles) {
            double dx = Math.max(0, Math.max(left - o[0], o[0] - left - width));
            double dy = Math.max(0, Math.max(baseline - 10 - o[1], o[1] - baseline - 3));
            room = Math.min(room, Math.hypot(dx, dy));
        }
        return room;
    }

    Picture picture(boolean withLegend) {
        if (withLegend) {
            legend();
        }
        return new Picture(WIDTH, HEIGHT, title, g -> paint(g, withLegend), texts);
    }

    private synchronized void paint(Graphics2D g, boolean withLegend) {
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        AffineTransform whole = g.getTransform();
        g.translate(LEFT, TOP);
        chart.paint(g, chart.getWidth(), chart.getHeight());
        g.setTransform(whole);
        g.setClip(null);
        g.setColor(QUIET);
        g.setStroke(new BasicStroke(1f));
        g.draw(new Line2D.Double(LEFT, BOTTOM + 2, right, BOTTOM + 2));
        for (Line2D tick : ticks) {
            g.draw(tick);
        }
        if (withLegend) {
            paintLegend(g);
        }
    }

    private void paintLegend(Graphics2D g) {
        double left = right + 26;
        double middle = TOP + 9.5;
        for (int i = legend.size() - 1; i >= 0; i--) {
            Entry e = legend.get(i);
            g.setColor(e.color);
            if (e.diameter > 0) {
                Dot.paint(g, left + 14, middle, e.diameter, e.filled);
            } else {
                g.setStroke(stroke(e.width, e.dashed));
                g.draw(new Line2D.Double(left, middle, left + 28, middle));
            }
            middle += 25;
        }
    }

    /** A dot, filled or hollow. */
    private static final class Dot extends Marker {
        private final double diameter;
        private final boolean filled;

        Dot(double diameter, boolean filled) {
            this.diameter = diameter;
            this.filled = filled;
        }

        @Override
        public void paint(Graphics2D g, double x, double y, int size) {
            paint(g, x, y, diameter, filled);
        }

        static void paint(Graphics2D g, double x, double y, double diameter, boolean filled) {
            Shape circle = new Ellipse2D.Double(x - diameter / 2, y - diameter / 2, diameter, diameter);
            if (filled) {
                g.fill(circle);
            } else {
                g.setStroke(new BasicStroke(1.4f));
                g.draw(circle);
            }
        }
    }
}
