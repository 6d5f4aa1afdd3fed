package org.nullspace;

import org.nullspace.backend.Session;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.Factors;

/** Host matrices of the caller on their way to a session and back. */
final class Operand {
    private Operand() {}

    /** A matrix in the precision of the factors where the session can use it: the matrix itself if it is so already, else a copy. */
    static Matrix resident(Regression regression, MemoryScope scratch, Matrix a) {
        Session session = regression.session();
        Factors factors = regression.factors();
        if (a.place().equals(session.place()) && a.precision() == factors.precision()) {
            return a;
        }
        Matrix copy = session.allocate(scratch, factors.precision(), 1, a.rows(), a.columns(), a.layout());
        session.copy(a, copy);
        return copy;
    }

    /**
     * A matrix where a product in the precision of the factors can read it: the matrix itself if it lies on the host or in the session's
     * place and its precision is the same or is widened, else a copy.
     */
    static Matrix readable(Regression regression, MemoryScope scratch, Matrix a) {
        boolean near =
                a.place().isHost() || a.place().equals(regression.session().place());
        return near && a.precision().bytes() <= regression.factors().precision().bytes()
                ? a
                : resident(regression, scratch, a);
    }

    /** A new column-major copy of vectors in the precision of the factors. */
    static Matrix copy(Regression regression, MemoryScope scratch, Matrix a) {
        Matrix copy = regression.factors().vectors(scratch, a.rows(), a.columns());
        regression.session().copy(a, copy);
        return copy;
    }

    /** A float64 host copy that belongs to the caller of the library. */
    static Matrix deliver(Session session, Matrix device) {
        Matrix out = Matrix.zeros(Precision.FLOAT64, 1, device.rows(), device.columns(), Layout.COLUMN_MAJOR);
        session.copy(device, out);
        session.synchronize();
        return out;
    }

    /** Host numbers as a column where the session can use them. */
    static Matrix column(Session session, MemoryScope scratch, Precision precision, double[] values) {
        Matrix host = Matrix.zeros(scratch, precision, 1, values.length, 1, Layout.COLUMN_MAJOR);
        for (int i = 0; i < values.length; i++) {
            host.set(0, i, 0, values[i]);
        }
        Matrix column = session.allocate(scratch, precision, 1, values.length, 1, Layout.COLUMN_MAJOR);
        session.copy(host, column);
        return column;
    }

    /** Requires a single matrix of a given shape; the message names what determines that shape. */
    static void requireShape(String name, Matrix a, long rows, long columns, String because) {
        requireSingle(name, a);
        if (a.rows() != rows || a.columns() != columns) {
            throw new ShapeMismatchException(
                    name + " has shape " + a.shape() + ", needed is " + rows + "×" + columns + ": " + because);
        }
    }

    static void requireSingle(String name, Matrix a) {
        if (InvalidInputException.requireNonNull(name, a).batch() != 1) {
            throw new ShapeMismatchException(name + " is a batch of " + a.batch() + " (shape " + a.shape()
                    + "), needed is a single matrix: choose one with problem(index)");
        }
    }

    static void requireTolerance(double tolerance) {
        if (!(tolerance >= 0)) {
            throw new InvalidInputException("tolerance " + tolerance + " is not a number of at least 0");
        }
    }
}
