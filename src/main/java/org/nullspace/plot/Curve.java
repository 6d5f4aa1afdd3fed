package org.nullspace.plot;

import org.nullspace.error.ShapeMismatchException;

/**
 * A named sequence of points.
 *
 * @param name what it is, for the legend or a label
 * @param x abscissas
 * @param y ordinates, as many
 */
public record Curve(String name, double[] x, double[] y) {
    /**
     * Copies the arrays.
     *
     * @param name what it is, for the legend or a label
     * @param x abscissas
     * @param y ordinates, as many
     * @throws ShapeMismatchException if the arrays differ in length
     */
    public Curve {
        if (x.length != y.length) {
            throw new ShapeMismatchException(
                    "curve \"" + name + "\": x has " + x.length + " entries, y has " + y.length);
        }
        x = x.clone();
        y = y.clone();
    }

    /**
     * The abscissas.
     *
     * @return a new array
     */
    @Override
    public double[] x() {
        return x.clone();
    }

    /**
     * The ordinates.
     *
     * @return a new array
     */
    @Override
    public double[] y() {
        return y.clone();
    }
}
