package org.nullspace;

import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.Decomposition;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.SolutionSet;

/** The methods of a solution set that take arrays, for one target, in terms of those that take matrices. */
abstract class OneTarget implements SolutionSet {
    @Override
    public double[] member(double... z) {
        requireOneTarget();
        return member(column("z", z)).columnToArray(0);
    }

    @Override
    public double[] closestTo(double[] prior) {
        requireOneTarget();
        return closestTo(column("prior", prior)).columnToArray(0);
    }

    @Override
    public double[] gradientDescentLimit(double[] start) {
        requireOneTarget();
        return gradientDescentLimit(column("start", start)).columnToArray(0);
    }

    @Override
    public FixedCoefficients fixing(int index, double value) {
        return fixing(new int[] {index}, new double[] {value});
    }

    @Override
    public Decomposition decompose(double[] coefficients) {
        requireOneTarget();
        return decompose(column("w", coefficients));
    }

    @Override
    public boolean contains(double[] coefficients) {
        requireOneTarget();
        return contains(column("w", coefficients));
    }

    @Override
    public double[] predict(double[][] x) {
        requireOneTarget();
        return predict(Matrix.of(InvalidInputException.requireNonNull("x", x))).columnToArray(0);
    }

    private void requireOneTarget() {
        if (targets() != 1) {
            throw new ShapeMismatchException("arrays stand for one target, this regression has " + targets()
                    + " targets: use the method that takes a Matrix");
        }
    }

    private static Matrix column(String name, double[] entries) {
        return Matrix.column(InvalidInputException.requireNonNull(name, entries));
    }
}
