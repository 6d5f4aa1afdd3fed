package org.nullspace.plot;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;

/** The pictures. Arguments are only read during the call. */
public final class Pictures {
    /** More points than this are thinned out: a picture has no room for them. */
    private static final int MOST_POINTS = 240;

    private Pictures() {}

    /**
     * The singular values on a logarithmic scale: those that count in blue, those at or below the cut-off in orange, the cut-off dashed.
     * Exact zeros are drawn at the lower edge. Long spectra are thinned out evenly; the values on both sides of the cut-off are always
     * drawn.
     *
     * @param singularValues finite, in descending order, in the unit of X
     * @param rank how many of them count
     * @param cutoff the cut-off, in the unit of X
     * @return the picture
     * @throws InvalidInputException if the rank is negative or larger than the number of singular values
     */
    public static Picture spectrum(double[] singularValues, int rank, double cutoff) {
        int count = singularValues.length;
        if (rank < 0 || rank > count) {
            throw new InvalidInputException("rank " + rank + " of " + count + " singular values");
        }
        double largest = count == 0 || singularValues[0] <= 0 ? 1 : singularValues[0];
        double least = cutoff > 0 ? Math.min(cutoff, largest) : largest;
        int zeros = 0;
        for (double s : singularValues) {
            if (s > 0) {
                least = Math.min(least, s);
            } else {
                zeros++;
            }
        }
        Axis y = Axis.decades("singular value, in the unit of X", least / (zeros > 0 ? 20 : 1.2), largest * 1.2);
        double side = 0.5 + 0.012 * count;
        Axis x = Axis.linear("index", 1 - side, Math.max(count, 1) + side);
        Canvas c =
                new Canvas("Singular values: rank " + rank + " of " + count, spectrumNote(count, rank, zeros), x, y, 0);
        List<double[]> above = new ArrayList<>();
        List<double[]> below = new ArrayList<>();
        int[] chosen = thinned(count, rank);
        for (int i : chosen) {
            double s = singularValues[i];
            (i < rank ? above : below).add(new double[] {i + 1, s > 0 ? s : y.min() * 1.2});
        }
        double diameter = count > 60 ? 4.5 : 8;
        if (cutoff > 0) {
            c.level("cut-off", cutoff, Canvas.QUIET, 1.3f);
        }
        if (!above.isEmpty()) {
            c.points("kept", column(above, 0), column(above, 1), Canvas.BLUE, diameter, true);
        }
        if (!below.isEmpty()) {
            c.points("count as zero", column(below, 0), column(below, 1), Canvas.ORANGE, diameter, true);
        }
        if (cutoff > 0) {
            c.labelLevel("cut-off " + Axis.number(cutoff), cutoff, Canvas.QUIET);
        }
        if (!above.isEmpty() && !below.isEmpty()) {
            c.labelBeside("kept", column(above, 0), column(above, 1), Canvas.BLUE);
            c.labelBeside("count as zero", column(below, 0), column(below, 1), Canvas.ORANGE);
        }
        return c.picture(false);
    }

    private static String spectrumNote(int count, int rank, int zeros) {
        if (rank == count) {
            return count == 0 ? "There are none" : "All lie above the cut-off: full rank";
        }
        int below = count - rank;
        return below + (below == 1 ? " lies" : " lie") + " at or below the cut-off and "
                + (below == 1 ? "counts" : "count") + " as zero"
                + (zeros == 0 ? "" : "; exact zeros (" + zeros + ") are drawn at the lower edge");
    }

    /**
     * Functions through data points. The first function is the one that matters: it is drawn in blue and heavier. Parts outside the limits
     * are left out.
     *
     * @param title headline
     * @param subtitle line below it
     * @param limits x from, x to, y from, y to
     * @param functions the functions; their names go into the legend
     * @param data the points
     * @return the picture
     */
    public static Picture functions(String title, String subtitle, double[] limits, List<Curve> functions, Curve data) {
        Axis x = Axis.linear("x", limits[0], limits[1]);
        Axis y = Axis.linear("y", limits[2], limits[3]);
        Canvas c = new Canvas(title, subtitle, x, y, legendWidth(functions, data));
        for (int i = functions.size() - 1; i >= 0; i--) {
            Curve f = clipped(functions.get(i), limits);
            c.line(f.name(), f.x(), f.y(), color(i), i == 0 ? 3f : 1.8f, false);
        }
        c.points(data.name(), data.x(), data.y(), Canvas.INK, 10, true);
        return c.picture(true);
    }

    /**
     * A model that a picture compares with.
     *
     * @param name what it is
     * @param error its held-out error
     */
    public record Reference(String name, double error) {}

    /**
     * Error on held-out samples against the ridge penalty, with the minimum-norm solution as its end for λ → 0.
     *
     * @param title headline
     * @param error quantity and unit of the errors, for the axis
     * @param heldOut held-out error (y) against the penalty λ &gt; 0 (x), ascending in λ
     * @param training training error against λ, or null
     * @param minimumNorm held-out error of the minimum-norm solution
     * @param reference another model to compare with, or null
     * @return the picture
     * @throws InvalidInputException if there is no penalty or one is not positive
     */
    public static Picture ridgePath(
            String title,
            String error,
            Curve heldOut,
            @Nullable Curve training,
            double minimumNorm,
            @Nullable Reference reference) {
        double[] lambda = heldOut.x();
        double[] errors = heldOut.y();
        if (lambda.length == 0) {
            throw new InvalidInputException("a ridge path needs at least one penalty");
        }
        int best = 0;
        double high = minimumNorm;
        for (int i = 0; i < lambda.length; i++) {
            if (!(lambda[i] > 0)) {
                throw new InvalidInputException(
                        "ridge penalty " + i + " is " + lambda[i] + ": a logarithmic axis needs positive ones");
            }
            best = errors[i] < errors[best] ? i : best;
            high = Math.max(high, errors[i]);
        }
        if (reference != null) {
            high = Math.max(high, reference.error());
        }
        Axis x = Axis.decades("ridge penalty λ", lambda[0], lambda[lambda.length - 1]);
        Axis y = Axis.linear(error, 0, high * 1.1);
        String subtitle = "Least held-out error " + Axis.number(errors[best]) + " at λ = " + Axis.number(lambda[best])
                + "; minimum norm, the end for λ → 0: " + Axis.number(minimumNorm);
        Canvas c = new Canvas(title, subtitle, x, y, 0);
        c.level("minimum norm", minimumNorm, Canvas.ORANGE, 1.6f);
        if (reference != null) {
            c.level(reference.name(), reference.error(), Canvas.QUIET, 1.3f);
        }
        Curve fit = training == null ? null : clipped(training, new double[] {x.min(), x.max(), y.min(), y.max()});
        if (fit != null) {
            c.line("training", fit.x(), fit.y(), Canvas.PALETTE.get(1), 1.8f, false);
        }
        c.line("held out", lambda, errors, Canvas.BLUE, 2.8f, false);
        c.points("best", new double[] {lambda[best]}, new double[] {errors[best]}, Canvas.BLUE, 10, true);
        c.labelLevel("minimum norm (λ → 0) " + Axis.number(minimumNorm), minimumNorm, Canvas.ORANGE);
        if (reference != null) {
            c.labelLevel(reference.name() + " " + Axis.number(reference.error()), reference.error(), Canvas.QUIET);
        }
        c.labelBeside("held-out samples", lambda, errors, Canvas.BLUE);
        if (fit != null) {
            c.labelBeside("training samples", fit.x(), fit.y(), Canvas.PALETTE.get(1));
        }
        return c.picture(false);
    }

    /**
     * Predicted against measured values, one colour for each model: the first in blue and filled, the others hollow, the diagonal dashed.
     *
     * @param title headline
     * @param subtitle line below it
     * @param unit quantity and unit, for both axes
     * @param models predicted (y) against measured (x), one for each model, the one that matters first
     * @return the picture
     * @throws InvalidInputException if there are no two different finite values
     */
    public static Picture predictions(String title, String subtitle, String unit, List<Curve> models) {
        double[] xs = finite(models.stream().map(Curve::x).toList());
        double[] ys = finite(models.stream().map(Curve::y).toList());
        double low = Math.min(least(xs), least(ys));
        double high = Math.max(-least(negative(xs)), -least(negative(ys)));
        if (!(low < high)) {
            throw new InvalidInputException("a picture of predictions needs at least two different finite values");
        }
        double xLow = least(xs);
        double xHigh = -least(negative(xs));
        double xMargin = Math.max(0.05 * (xHigh - xLow), 1e-9 * (high - low));
        double yMargin = 0.05 * (high - low);
        Axis x = Axis.linear("measured " + unit, xLow - xMargin, xHigh + xMargin);
        Axis y = Axis.linear("predicted " + unit, low - yMargin, high + yMargin);
        Curve diagonal =
                new Curve("predicted = measured", new double[] {x.min(), x.max()}, new double[] {x.min(), x.max()});
        Canvas c = new Canvas(title, subtitle, x, y, legendWidth(models, diagonal));
        Curve visible = clipped(diagonal, new double[] {x.min(), x.max(), y.min(), y.max()});
        c.line(diagonal.name(), visible.x(), visible.y(), Canvas.QUIET, 1.3f, true);
        for (int i = models.size() - 1; i >= 0; i--) {
            Curve m = models.get(i);
            c.points(m.name(), m.x(), m.y(), color(i), i == 0 ? 7.5 : 6.5, i == 0);
        }
        return c.picture(true);
    }

    // ---- help
    // --------------------------------------------------------------------------------------------------------------------

    private static java.awt.Color color(int index) {
        return index == 0 ? Canvas.BLUE : Canvas.PALETTE.get((index - 1) % Canvas.PALETTE.size());
    }

    private static double legendWidth(List<Curve> curves, Curve other) {
        int longest = other.name().length();
        for (Curve c : curves) {
            longest = Math.max(longest, c.name().length());
        }
        return 62 + 7.4 * longest;
    }

    private static int[] thinned(int count, int rank) {
        TreeSet<Integer> chosen = new TreeSet<>();
        int wanted = Math.min(count, MOST_POINTS);
        for (int i = 0; i < wanted; i++) {
            chosen.add(wanted == 1 ? 0 : (int) ((long) i * (count - 1) / (wanted - 1)));
        }
        if (rank > 0) {
            chosen.add(rank - 1);
        }
        if (rank < count) {
            chosen.add(rank);
        }
        return chosen.stream().mapToInt(Integer::intValue).toArray();
    }

    private static double[] column(List<double[]> rows, int index) {
        return rows.stream().mapToDouble(r -> r[index]).toArray();
    }

    private static double[] finite(List<double[]> arrays) {
        return arrays.stream()
                .flatMapToDouble(Arrays::stream)
                .filter(Double::isFinite)
                .toArray();
    }

    private static double[] negative(double[] values) {
        return Arrays.stream(values).map(v -> -v).toArray();
    }

    private static double least(double[] values) {
        return Arrays.stream(values).min().orElse(Double.POSITIVE_INFINITY);
    }

    /** The points inside the limits, with the crossings of the lower and upper limit; what lies outside becomes NaN. */
    private static Curve clipped(Curve curve, double[] limits) {
        double[] x = curve.x();
        double[] y = curve.y();
        List<double[]> out = new ArrayList<>();
        for (int i = 0; i < x.length; i++) {
            if (i > 0) {
                boolean rising = y[i - 1] < y[i];
                addCrossing(out, x, y, i, rising ? limits[2] : limits[3]);
                addCrossing(out, x, y, i, rising ? limits[3] : limits[2]);
            }
            boolean inside = y[i] >= limits[2] && y[i] <= limits[3] && x[i] >= limits[0] && x[i] <= limits[1];
            out.add(new double[] {x[i], inside ? y[i] : Double.NaN});
        }
        return new Curve(curve.name(), column(out, 0), column(out, 1));
    }

    private static void addCrossing(List<double[]> out, double[] x, double[] y, int i, double edge) {
        if ((y[i - 1] - edge) * (y[i] - edge) < 0) {
            double t = (edge - y[i - 1]) / (y[i] - y[i - 1]);
            out.add(new double[] {x[i - 1] + t * (x[i] - x[i - 1]), edge});
        }
    }
}
