package org.nullspace.backend.openblas;

import java.util.Arrays;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;

/** Operations that visit every entry once. Arithmetic is float64, also for float32 operands, and rounded when an entry is stored. */
final class EntryWise {
    /** Parts of a line that several threads write begin at multiples of this, so that they share no cache line. */
    private static final int UNIT = 64;

    private final OpenBlasThreads threads;

    EntryWise(OpenBlasThreads threads) {
        this.threads = threads;
    }

    // ---- one operand

    void fill(Matrix a, double value) {
        each(a, lines -> {
            double[] chunk = new double[lines.chunk()];
            Arrays.fill(chunk, value);
            for (long l = 0; l < lines.count(); l++) {
                for (long p = 0; p < lines.length(); p += chunk.length) {
                    lines.write(l, p, chunk, 0, (int) Math.min(chunk.length, lines.length() - p));
                }
            }
        });
    }

    void identity(Matrix a) {
        fill(a, 0);
        for (long b = 0; b < a.batch(); b++) {
            for (long i = 0; i < Math.min(a.rows(), a.columns()); i++) {
                a.set(b, i, i, 1);
            }
        }
    }

    void keepTriangle(Triangle triangle, Matrix a) {
        boolean clearsEnd = (triangle == Triangle.LOWER) == (a.layout() == Layout.ROW_MAJOR);
        for (long b = 0; b < a.batch(); b++) {
            HostLines lines = HostLines.of(a, b);
            double[] zeros = new double[lines.chunk()];
            for (long l = 0; l < lines.count(); l++) {
                long end = clearsEnd ? lines.length() : l;
                for (long p = clearsEnd ? l + 1 : 0; p < end; p += zeros.length) {
                    lines.write(l, p, zeros, 0, (int) Math.min(zeros.length, end - p));
                }
            }
        }
    }

    /** A ← βA. With β = 0, A is not read. */
    void scale(double beta, Matrix a) {
        if (beta == 0) {
            fill(a, 0);
            return;
        }
        each(a, lines -> {
            double[] chunk = new double[lines.chunk()];
            for (long l = 0; l < lines.count(); l++) {
                for (long p = 0; p < lines.length(); p += chunk.length) {
                    int part = (int) Math.min(chunk.length, lines.length() - p);
                    lines.read(l, p, chunk, 0, part);
                    for (int i = 0; i < part; i++) {
                        chunk[i] *= beta;
                    }
                    lines.write(l, p, chunk, 0, part);
                }
            }
        });
    }

    private interface Visit {
        void part(HostLines lines);
    }

    private void each(Matrix a, Visit visit) {
        if (a.isEmpty()) {
            return;
        }
        for (long b = 0; b < a.batch(); b++) {
            HostLines lines = HostLines.of(a, b).merged();
            boolean large = isLarge(a);
            if (lines.count() == 1) {
                threads.split(large, lines.length(), UNIT, (i, from, to) -> visit.part(lines.section(from, to)));
            } else {
                threads.split(large, lines.count(), 1, (i, from, to) -> visit.part(lines.lines(from, to)));
            }
        }
    }

    /** Whether small problems are many enough to be shared between threads. */
    static boolean manyAreLarge(Matrix a) {
        double all = (double) a.batch() * a.rows() * a.columns() * a.precision().bytes();
        return !isLarge(a) && all >= OpenBlasThreads.LARGE_BYTES;
    }

    static boolean isLarge(Matrix a) {
        return (double) a.rows() * a.columns() * a.precision().bytes() >= OpenBlasThreads.LARGE_BYTES;
    }

    // ---- two operands

    /** B ← A with conversion of layout and precision. */
    void copy(Matrix a, Matrix b) {
        pairs(a, b, HostLines::copyFrom, HostLines::copyFromTransposed);
    }

    /** B ← αA + βB. With β = 0, B is not read. */
    void add(double alpha, Matrix a, double beta, Matrix b) {
        pairs(a, b, (to, from) -> addLines(alpha, from, beta, to), (to, from) -> addTransposed(alpha, from, beta, to));
    }

    private interface Pair {
        void part(HostLines written, HostLines read);
    }

    /** Visits parts of B with the parts of A that belong to them. */
    private void pairs(Matrix a, Matrix b, Pair aligned, Pair crossed) {
        if (b.isEmpty()) {
            return;
        }
        boolean large = isLarge(b);
        for (long p = 0; p < b.batch(); p++) {
            HostLines from = HostLines.of(a, a.batch() == 1 ? 0 : p);
            HostLines to = HostLines.of(b, p);
            boolean crosses = a.layout() != b.layout();
            if (crosses && from.isVector()) {
                from = from.turned();
                crosses = false;
            } else if (crosses && to.isVector()) {
                to = to.turned();
                crosses = false;
            }
            pair(large, crosses, from, to, aligned, crossed);
        }
    }

    private void pair(boolean large, boolean crosses, HostLines from, HostLines to, Pair aligned, Pair crossed) {
        if (crosses) {
            threads.split(
                    large, to.count(), HostLines.TILE, (i, f, t) -> crossed.part(to.lines(f, t), from.section(f, t)));
        } else if (from.isPacked() && to.isPacked()) {
            HostLines source = from.merged();
            HostLines target = to.merged();
            threads.split(
                    large,
                    target.length(),
                    UNIT,
                    (i, f, t) -> aligned.part(target.section(f, t), source.section(f, t)));
        } else {
            threads.split(large, to.count(), 1, (i, f, t) -> aligned.part(to.lines(f, t), from.lines(f, t)));
        }
    }

    private static void addLines(double alpha, HostLines a, double beta, HostLines b) {
        double[] x = new double[b.chunk()];
        double[] y = new double[b.chunk()];
        for (long l = 0; l < b.count(); l++) {
            for (long p = 0; p < b.length(); p += y.length) {
                int part = (int) Math.min(y.length, b.length() - p);
                a.read(l, p, x, 0, part);
                if (beta != 0) {
                    b.read(l, p, y, 0, part);
                }
                combine(alpha, x, 0, beta, y, part);
                b.write(l, p, y, 0, part);
            }
        }
    }

    private static void addTransposed(double alpha, HostLines a, double beta, HostLines b) {
        double[] x = new double[(int) (Math.min(HostLines.TILE, a.count()) * Math.min(HostLines.TILE, a.length()))];
        double[] y = new double[(int) Math.min(HostLines.TILE, a.count())];
        for (long l = 0; l < a.count(); l += HostLines.TILE) {
            int height = (int) Math.min(HostLines.TILE, a.count() - l);
            for (long p = 0; p < a.length(); p += HostLines.TILE) {
                int width = (int) Math.min(HostLines.TILE, a.length() - p);
                a.readAcross(l, height, p, width, x);
                for (int i = 0; i < width; i++) {
                    if (beta != 0) {
                        b.read(p + i, l, y, 0, height);
                    }
                    combine(alpha, x, i * height, beta, y, height);
                    b.write(p + i, l, y, 0, height);
                }
            }
        }
    }

    private static void combine(double alpha, double[] x, int from, double beta, double[] y, int count) {
        if (beta == 0) {
            for (int i = 0; i < count; i++) {
                y[i] = alpha * x[from + i];
            }
        } else {
            for (int i = 0; i < count; i++) {
                y[i] = alpha * x[from + i] + beta * y[i];
            }
        }
    }

    // ---- A ← diag(d)·A

    void scaleRows(Matrix d, Matrix a) {
        if (a.isEmpty()) {
            return;
        }
        threads.split(manyAreLarge(a), a.batch(), 1, (i, from, to) -> {
            for (long b = from; b < to; b++) {
                scaleRows(column(d, d.batch() == 1 ? 0 : b), a, b);
            }
        });
    }

    private void scaleRows(double[] factors, Matrix a, long b) {
        HostLines lines = HostLines.of(a, b);
        if (a.layout() == Layout.ROW_MAJOR && lines.isVector() && a.columns() == 1) {
            scaleEntries(factors, lines.turned());
        } else if (a.layout() == Layout.ROW_MAJOR) {
            threads.split(isLarge(a), lines.count(), 1, (i, f, t) -> scaleLines(factors, (int) f, lines.lines(f, t)));
        } else {
            threads.split(isLarge(a), lines.count(), 1, (i, f, t) -> scaleEntries(factors, lines.lines(f, t)));
        }
    }

    /** A column on the heap. */
    static double[] column(Matrix d, long b) {
        double[] entries = new double[Math.toIntExact(d.rows())];
        HostLines lines = HostLines.of(d, b);
        if (d.layout() == Layout.COLUMN_MAJOR) {
            for (int p = 0; p < entries.length; p += HostLines.CHUNK) {
                lines.read(0, p, entries, p, Math.min(HostLines.CHUNK, entries.length - p));
            }
        } else {
            for (int l = 0; l < entries.length; l++) {
                lines.read(l, 0, entries, l, 1);
            }
        }
        return entries;
    }

    /** Lines are rows. */
    private static void scaleLines(double[] factors, int first, HostLines a) {
        double[] chunk = new double[a.chunk()];
        for (int l = 0; l < a.count(); l++) {
            double factor = factors[first + l];
            for (long p = 0; p < a.length(); p += chunk.length) {
                int part = (int) Math.min(chunk.length, a.length() - p);
                a.read(l, p, chunk, 0, part);
                for (int i = 0; i < part; i++) {
                    chunk[i] *= factor;
                }
                a.write(l, p, chunk, 0, part);
            }
        }
    }

    /** Lines are columns. */
    private static void scaleEntries(double[] factors, HostLines a) {
        double[] chunk = new double[a.chunk()];
        for (long l = 0; l < a.count(); l++) {
            for (int p = 0; p < a.length(); p += chunk.length) {
                int part = (int) Math.min(chunk.length, a.length() - p);
                a.read(l, p, chunk, 0, part);
                for (int i = 0; i < part; i++) {
                    chunk[i] *= factors[p + i];
                }
                a.write(l, p, chunk, 0, part);
            }
        }
    }
}
