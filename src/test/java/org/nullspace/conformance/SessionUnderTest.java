package org.nullspace.conformance;

import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.nullspace.backend.Session;
import org.nullspace.conformance.Operand.Shape;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** A fresh session for every test, checked on every call and at the end, and what the tests of its operations have in common. */
abstract class SessionUnderTest {
    static final int[] SIZES = {0, 1, 2, 7, 33, 65};
    static final Layout[] LAYOUTS = Layout.values();

    CheckedSession session;
    MemoryScope scope;
    private int turn;
    String situation = "";

    /**
     * Opens the session under test.
     *
     * @return a new session, closed by the suite
     */
    protected abstract Session openSession();

    @BeforeEach
    void open() {
        session = new CheckedSession(openSession());
        scope = MemoryScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
        try {
            session.assertClean();
        } finally {
            session.close();
        }
    }

    // ---- helpers

    /** The next of some choices: over many cases, every combination of independent choices comes up. */
    @SafeVarargs
    final <T> T next(T... choices) {
        turn++;
        return choices[Math.floorMod(turn * 0x9E3779B9 >>> 8, choices.length)];
    }

    final boolean framed() {
        return next(true, false, true);
    }

    Operand upload(
            MemoryScope owner, Shape shape, double[][][] values, Precision precision, Layout layout, boolean framed) {
        return Operand.upload(session, owner, shape, values, precision, layout, framed);
    }

    Operand upload(MemoryScope owner, double[][] values, Precision precision, Layout layout) {
        Shape shape = new Shape(1, values.length, values[0].length);
        return upload(owner, shape, new double[][][] {values}, precision, layout, false);
    }

    static double[][][] batch(SplittableRandom random, Shape shape, Precision precision) {
        double[][][] values = new double[shape.batch()][][];
        for (int p = 0; p < values.length; p++) {
            values[p] = Reference.random(random, shape.rows(), shape.columns(), precision);
        }
        return values;
    }

    static double[][] rounded(double[][] values, Precision precision) {
        double[][] result = Reference.copy(values);
        forEach(new double[][][] {result}, (p, i, j) -> result[i][j] = Reference.round(result[i][j], precision));
        return result;
    }

    static double[][] pad(double[][] a, int rows) {
        double[][] padded = new double[rows][a[0].length];
        System.arraycopy(a, 0, padded, 0, a.length);
        return padded;
    }

    static double frobenius(double[][] a) {
        double norm = 0;
        for (double[] row : a) {
            for (double x : row) {
                norm = Math.hypot(norm, x);
            }
        }
        return norm;
    }

    void assertOrthonormalColumns(double[][] q, int columns, double error) {
        assertClose(
                new double[][][] {Reference.multiply(Reference.transpose(q, columns), q, columns)},
                (p, i, j) -> i == j ? 1 : 0,
                (p, i, j) -> error);
    }

    interface Entry {
        double at(int p, int i, int j);
    }

    interface Visitor {
        void visit(int p, int i, int j);
    }

    static void forEach(double[][][] values, Visitor visitor) {
        for (int p = 0; p < values.length; p++) {
            for (int i = 0; i < values[p].length; i++) {
                for (int j = 0; j < values[p][i].length; j++) {
                    visitor.visit(p, i, j);
                }
            }
        }
    }

    /** Compares entries with a bound for each; NaN is equal to NaN only. */
    void assertClose(double[][][] actual, Entry expected, Entry bound) {
        forEach(actual, (p, i, j) -> {
            double got = actual[p][i][j];
            double wanted = expected.at(p, i, j);
            boolean same = Double.compare(got, wanted) == 0 || Math.abs(got - wanted) <= bound.at(p, i, j);
            if (!same) {
                throw new AssertionError(situation + ": entry (" + p + ", " + i + ", " + j + ") is " + got
                        + ", expected " + wanted + " within " + bound.at(p, i, j));
            }
        });
    }
}
