package org.nullspace.backend.openblas;

import java.util.Arrays;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Operations that visit every entry once. Arithmetic is float64, also for float32 operands, and rounded when an entry is stored. */
final class EntryWise {
    /** Edge of the tiles in which operands of different layouts meet. */
    private static final int TILE = 32;

    private EntryWise() {}

    static void fill(Matrix a, double value) {
        if (a.isEmpty()) {
            return;
        }
        for (long b = 0; b < a.batch(); b++) {
            Lines lines = Lines.of(a, b).merged();
            double[] chunk = new double[lines.chunk()];
            Arrays.fill(chunk, value);
            for (long l = 0; l < lines.count; l++) {
                for (long p = 0; p < lines.length; p += chunk.length) {
                    lines.write(l, p, chunk, (int) Math.min(chunk.length, lines.length - p));
                }
            }
        }
    }

    static void identity(Matrix a) {
        fill(a, 0);
        for (long b = 0; b < a.batch(); b++) {
            for (long i = 0; i < Math.min(a.rows(), a.columns()); i++) {
                a.set(b, i, i, 1);
            }
        }
    }

    static void keepTriangle(Triangle triangle, Matrix a) {
        boolean clearsEnd = (triangle == Triangle.LOWER) == (a.layout() == Layout.ROW_MAJOR);
        for (long b = 0; b < a.batch(); b++) {
            Lines lines = Lines.of(a, b);
            double[] zeros = new double[lines.chunk()];
            for (long l = 0; l < lines.count; l++) {
                long end = clearsEnd ? lines.length : l;
                for (long p = clearsEnd ? l + 1 : 0; p < end; p += zeros.length) {
                    lines.write(l, p, zeros, (int) Math.min(zeros.length, end - p));
                }
            }
        }
    }

    /** The given triangle of B ← A + B, diagonal included. Both of one layout and precision; single matrices. */
    static void addTriangle(Triangle triangle, Matrix a, Matrix b) {
        boolean keepsEnd = (triangle == Triangle.LOWER) != (b.layout() == Layout.ROW_MAJOR);
        Lines from = Lines.of(a, 0);
        Lines to = Lines.of(b, 0);
        double[] x = new double[to.chunk()];
        double[] y = new double[to.chunk()];
        for (long l = 0; l < to.count; l++) {
            long end = keepsEnd ? to.length : l + 1;
            for (long p = keepsEnd ? l : 0; p < end; p += x.length) {
                int part = (int) Math.min(x.length, end - p);
                from.read(l, p, x, 0, part);
                to.read(l, p, y, 0, part);
                for (int i = 0; i < part; i++) {
                    y[i] += x[i];
                }
                to.write(l, p, y, part);
            }
        }
    }

    /** A ← βA. With β = 0, A is not read. */
    static void scale(double beta, Matrix a) {
        if (beta == 0) {
            fill(a, 0);
            return;
        }
        if (a.isEmpty() || beta == 1) {
            return;
        }
        for (long b = 0; b < a.batch(); b++) {
            Lines lines = Lines.of(a, b).merged();
            double[] chunk = new double[lines.chunk()];
            for (long l = 0; l < lines.count; l++) {
                for (long p = 0; p < lines.length; p += chunk.length) {
                    int part = (int) Math.min(chunk.length, lines.length - p);
                    lines.read(l, p, chunk, 0, part);
                    for (int i = 0; i < part; i++) {
                        chunk[i] *= beta;
                    }
                    lines.write(l, p, chunk, part);
                }
            }
        }
    }

    static void add(double alpha, Matrix a, double beta, Matrix b) {
        if (b.isEmpty()) {
            return;
        }
        for (long p = 0; p < b.batch(); p++) {
            Lines from = Lines.of(a, p);
            Lines to = Lines.of(b, p);
            if (a.layout() == b.layout()) {
                boolean packed = from.isPacked() && to.isPacked();
                addLines(alpha, packed ? from.merged() : from, beta, packed ? to.merged() : to);
            } else {
                addTransposed(alpha, from, beta, to);
            }
        }
    }

    private static void addLines(double alpha, Lines a, double beta, Lines b) {
        double[] x = new double[b.chunk()];
        double[] y = new double[b.chunk()];
        for (long l = 0; l < b.count; l++) {
            for (long p = 0; p < b.length; p += y.length) {
                int part = (int) Math.min(y.length, b.length - p);
                a.read(l, p, x, 0, part);
                if (beta != 0) {
                    b.read(l, p, y, 0, part);
                }
                combine(alpha, x, beta, y, part);
                b.write(l, p, y, part);
            }
        }
    }

    private static void addTransposed(double alpha, Lines a, double beta, Lines b) {
        double[] tile = new double[TILE * TILE];
        double[] x = new double[TILE];
        double[] y = new double[TILE];
        for (long l0 = 0; l0 < a.count; l0 += TILE) {
            int height = (int) Math.min(TILE, a.count - l0);
            for (long p0 = 0; p0 < a.length; p0 += TILE) {
                int width = (int) Math.min(TILE, a.length - p0);
                for (int l = 0; l < height; l++) {
                    a.read(l0 + l, p0, tile, l * TILE, width);
                }
                for (int p = 0; p < width; p++) {
                    for (int l = 0; l < height; l++) {
                        x[l] = tile[l * TILE + p];
                    }
                    if (beta != 0) {
                        b.read(p0 + p, l0, y, 0, height);
                    }
                    combine(alpha, x, beta, y, height);
                    b.write(p0 + p, l0, y, height);
                }
            }
        }
    }

    private static void combine(double alpha, double[] x, double beta, double[] y, int count) {
        if (beta == 0) {
            for (int i = 0; i < count; i++) {
                y[i] = alpha * x[i];
            }
        } else {
            for (int i = 0; i < count; i++) {
                y[i] = alpha * x[i] + beta * y[i];
            }
        }
    }

    static void scaleRows(Matrix d, Matrix a) {
        if (a.isEmpty()) {
            return;
        }
        for (long b = 0; b < a.batch(); b++) {
            long problem = b;
            Lines lines = Lines.of(a, b);
            if (a.layout() == Layout.ROW_MAJOR) {
                scaleLines(d, problem, lines);
            } else {
                scaleEntries(d, problem, lines);
            }
        }
    }

    /** Lines are rows. */
    private static void scaleLines(Matrix d, long b, Lines a) {
        double[] chunk = new double[a.chunk()];
        for (long l = 0; l < a.count; l++) {
            double factor = d.get(d.batch() == 1 ? 0 : b, l, 0);
            for (long p = 0; p < a.length; p += chunk.length) {
                int part = (int) Math.min(chunk.length, a.length - p);
                a.read(l, p, chunk, 0, part);
                for (int i = 0; i < part; i++) {
                    chunk[i] *= factor;
                }
                a.write(l, p, chunk, part);
            }
        }
    }

    /** Lines are columns. */
    private static void scaleEntries(Matrix d, long b, Lines a) {
        double[] chunk = new double[a.chunk()];
        double[] factors = new double[a.chunk()];
        for (long p = 0; p < a.length; p += chunk.length) {
            int part = (int) Math.min(chunk.length, a.length - p);
            for (int i = 0; i < part; i++) {
                factors[i] = d.get(d.batch() == 1 ? 0 : b, p + i, 0);
            }
            for (long l = 0; l < a.count; l++) {
                a.read(l, p, chunk, 0, part);
                for (int i = 0; i < part; i++) {
                    chunk[i] *= factors[i];
                }
                a.write(l, p, chunk, part);
            }
        }
    }
}
