package org.nullspace.backend.openblas;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Norms and largest magnitudes. */
final class Reductions {
    /**
     * A sum of squares from here on has lost nothing to underflow that matters: each of its at most 2⁵⁰ squares has an absolute error of at
     * most 2⁻¹⁰⁷⁴ from underflow, together less than 2⁻⁶⁰ of the sum.
     */
    private static final double SAFE_SQUARE = 0x1p-960;

    /** Columns whose norms are collected at a time. */
    private static final long BLOCK = 1 << 20;

    /** Ranges of columns for several threads begin at multiples of this. */
    private static final long UNIT = 16;

    private final OpenBlasThreads threads;

    Reductions(OpenBlasThreads threads) {
        this.threads = threads;
    }

    // ---- norms

    void columnNorms(Matrix a, Matrix norms) {
        threads.split(EntryWise.manyAreLarge(a), norms.batch(), 1, (slice, begin, end) -> {
            for (long b = begin; b < end; b++) {
                columnNorms(a, a.batch() == 1 ? 0 : b, norms.problem(b));
            }
        });
    }

    private void columnNorms(Matrix a, long problem, Matrix norms) {
        double bytes = (double) a.rows() * a.columns() * a.precision().bytes();
        HostLines all = HostLines.of(a, problem);
        boolean turned = a.layout() == Layout.ROW_MAJOR && a.columns() == 1 && all.isVector();
        boolean linesAreColumns = a.layout() == Layout.COLUMN_MAJOR || turned;
        HostLines lines = turned ? all.turned() : all;
        for (long first = 0; first < a.columns(); first += BLOCK) {
            double[] result = new double[(int) Math.min(BLOCK, a.columns() - first)];
            long base = first;
            threads.split(bytes >= OpenBlasThreads.LARGE_BYTES, result.length, UNIT, (i, from, to) -> {
                if (linesAreColumns) {
                    normsOfLines(lines.lines(base + from, base + to), result, (int) from);
                } else {
                    normsAcrossLines(lines.section(base + from, base + to), result, (int) from);
                }
            });
            for (int j = 0; j < result.length; j++) {
                norms.set(0, 0, first + j, result[j]);
            }
        }
    }

    /**
     * Norms of the columns of diag(d)·A for small column-major problems; A is not changed.
     *
     * @return false if a sum of squares is not safe, in which case norms are undefined
     */
    boolean scaledNorms(Matrix d, Matrix a, Matrix norms) {
        AtomicBoolean safe = new AtomicBoolean(true);
        threads.split(EntryWise.manyAreLarge(a), norms.batch(), 1, (slice, begin, end) -> {
            double[] scaled = new double[Math.toIntExact(a.rows())];
            for (long b = begin; b < end && safe.get(); b++) {
                double[] factors = EntryWise.column(d, d.batch() == 1 ? 0 : b);
                HostLines lines = HostLines.of(a, b);
                for (long j = 0; j < a.columns(); j++) {
                    double sum = scaledSquares(factors, lines, j, scaled);
                    norms.set(b, 0, j, Math.sqrt(sum));
                    if (!isSafe(sum, a.precision())) {
                        safe.set(false);
                    }
                }
            }
        });
        return safe.get();
    }

    private static double scaledSquares(double[] factors, HostLines lines, long line, double[] scaled) {
        for (int p = 0; p < scaled.length; p += HostLines.CHUNK) {
            lines.read(line, p, scaled, p, Math.min(HostLines.CHUNK, scaled.length - p));
        }
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factors[i];
        }
        return sumOfSquares(scaled, scaled.length);
    }

    private static void normsOfLines(HostLines lines, double[] result, int first) {
        double[] chunk = new double[lines.chunk()];
        for (int l = 0; l < lines.count(); l++) {
            result[first + l] = normOfLine(lines, l, chunk);
        }
    }

    private static double normOfLine(HostLines lines, long line, double[] chunk) {
        double sum = sumOfSquares(lines, line, 1, chunk);
        if (isSafe(sum, lines.precision())) {
            return Math.sqrt(sum);
        }
        double largest = maxMagnitude(lines.lines(line, line + 1));
        if (!(largest > 0 && largest < Double.POSITIVE_INFINITY)) {
            return largest;
        }
        double scale = scale(largest);
        return Math.sqrt(sumOfSquares(lines, line, scale, chunk)) / scale;
    }

    private static double sumOfSquares(HostLines lines, long line, double scale, double[] chunk) {
        double sum = 0;
        for (long p = 0; p < lines.length(); p += chunk.length) {
            int part = (int) Math.min(chunk.length, lines.length() - p);
            lines.read(line, p, chunk, 0, part);
            if (scale != 1) {
                for (int i = 0; i < part; i++) {
                    chunk[i] *= scale;
                }
            }
            sum += sumOfSquares(chunk, part);
        }
        return sum;
    }

    /** Eight sums, so that additions need not wait for each other. */
    private static double sumOfSquares(double[] x, int count) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i < count - 7; i += 8) {
            s0 += x[i] * x[i];
            s1 += x[i + 1] * x[i + 1];
            s2 += x[i + 2] * x[i + 2];
            s3 += x[i + 3] * x[i + 3];
            s4 += x[i + 4] * x[i + 4];
            s5 += x[i + 5] * x[i + 5];
            s6 += x[i + 6] * x[i + 6];
            s7 += x[i + 7] * x[i + 7];
        }
        for (; i < count; i++) {
            s0 += x[i] * x[i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** Norms of the columns of row-major lines, a chunk of columns at a time. */
    private static void normsAcrossLines(HostLines lines, double[] result, int first) {
        for (int j = 0; j < lines.length(); j += HostLines.CHUNK) {
            int width = (int) Math.min(HostLines.CHUNK, lines.length() - j);
            double[] norms = normsAcrossChunk(lines.section(j, j + width), width);
            System.arraycopy(norms, 0, result, first + j, width);
        }
    }

    private static double[] normsAcrossChunk(HostLines lines, int width) {
        double[] sums = columnSums(lines, width, null);
        boolean safe = true;
        for (double sum : sums) {
            safe &= isSafe(sum, lines.precision());
        }
        double[] scales = new double[width];
        Arrays.fill(scales, 1);
        if (!safe) {
            double[] largest = columnMaxima(lines, width);
            for (int j = 0; j < width; j++) {
                boolean usable = largest[j] > 0 && largest[j] < Double.POSITIVE_INFINITY;
                scales[j] = usable ? scale(largest[j]) : 1;
            }
            sums = columnSums(lines, width, scales);
        }
        for (int j = 0; j < width; j++) {
            sums[j] = Math.sqrt(sums[j]) / scales[j];
        }
        return sums;
    }

    private static double[] columnSums(HostLines lines, int width, double @Nullable [] scales) {
        double[] sums = new double[width];
        double[] row = new double[width];
        for (long l = 0; l < lines.count(); l++) {
            lines.read(l, 0, row, 0, width);
            if (scales != null) {
                for (int j = 0; j < width; j++) {
                    row[j] *= scales[j];
                }
            }
            for (int j = 0; j < width; j++) {
                sums[j] += row[j] * row[j];
            }
        }
        return sums;
    }

    private static double[] columnMaxima(HostLines lines, int width) {
        double[] largest = new double[width];
        double[] row = new double[width];
        for (long l = 0; l < lines.count(); l++) {
            lines.read(l, 0, row, 0, width);
            for (int j = 0; j < width; j++) {
                largest[j] = Math.max(largest[j], Math.abs(row[j]));
            }
        }
        return largest;
    }

    private static boolean isSafe(double sumOfSquares, Precision precision) {
        return precision == Precision.FLOAT32
                || (sumOfSquares >= SAFE_SQUARE && sumOfSquares < Double.POSITIVE_INFINITY);
    }

    /** Power of two that brings a magnitude near 1, kept clear of overflow for subnormal magnitudes. */
    private static double scale(double magnitude) {
        return Math.scalb(1.0, Math.min(-Math.getExponent(magnitude), Double.MAX_EXPONENT));
    }

    // ---- largest magnitude

    void maxMagnitude(Matrix a, Matrix result) {
        for (long b = 0; b < result.batch(); b++) {
            result.set(b, 0, 0, maxMagnitude(a, a.batch() == 1 ? 0 : b));
        }
    }

    /** Whether a matrix has finite entries only. */
    boolean isFinite(Matrix a, long b) {
        return Double.isFinite(maxMagnitude(a, b));
    }

    private double maxMagnitude(Matrix a, long b) {
        if (a.rows() == 0 || a.columns() == 0) {
            return 0;
        }
        HostLines lines = HostLines.of(a, b).merged();
        boolean large = (double) lines.count() * lines.length() * a.precision().bytes() >= OpenBlasThreads.LARGE_BYTES;
        AtomicLong largest = new AtomicLong();
        OpenBlasThreads.Range range = (i, from, to) -> {
            HostLines part = lines.count() == 1 ? lines.section(from, to) : lines.lines(from, to);
            largest.accumulateAndGet(bits(maxMagnitude(part)), Math::max);
        };
        threads.split(large, lines.count() == 1 ? lines.length() : lines.count(), 1, range);
        return Double.longBitsToDouble(largest.get());
    }

    /**
     * Magnitudes as bit patterns are ordered like the numbers, and NaN lies above infinity: integer comparison is exact, fast and keeps
     * NaN.
     */
    private static double maxMagnitude(HostLines lines) {
        return lines.precision() == Precision.FLOAT64 ? maxMagnitude64(lines) : maxMagnitude32(lines);
    }

    private static long bits(double magnitude) {
        return Double.doubleToLongBits(magnitude);
    }

    private static double maxMagnitude64(HostLines lines) {
        double[] chunk = new double[lines.chunk()];
        long largest = 0;
        for (long l = 0; l < lines.count(); l++) {
            for (long p = 0; p < lines.length(); p += chunk.length) {
                int part = (int) Math.min(chunk.length, lines.length() - p);
                lines.read(l, p, chunk, 0, part);
                largest = Math.max(largest, maxMagnitude(chunk, part));
            }
        }
        return Double.longBitsToDouble(largest);
    }

    private static double maxMagnitude32(HostLines lines) {
        float[] chunk = new float[lines.chunk()];
        int largest = 0;
        for (long l = 0; l < lines.count(); l++) {
            for (long p = 0; p < lines.length(); p += chunk.length) {
                int part = (int) Math.min(chunk.length, lines.length() - p);
                lines.read(l, p, chunk, part);
                largest = Math.max(largest, maxMagnitude(chunk, part));
            }
        }
        return Float.intBitsToFloat(largest);
    }

    private static int maxMagnitude(float[] x, int count) {
        int m0 = 0;
        int m1 = 0;
        int m2 = 0;
        int m3 = 0;
        int i = 0;
        for (; i < count - 3; i += 4) {
            m0 = Math.max(m0, Float.floatToRawIntBits(x[i]) & Integer.MAX_VALUE);
            m1 = Math.max(m1, Float.floatToRawIntBits(x[i + 1]) & Integer.MAX_VALUE);
            m2 = Math.max(m2, Float.floatToRawIntBits(x[i + 2]) & Integer.MAX_VALUE);
            m3 = Math.max(m3, Float.floatToRawIntBits(x[i + 3]) & Integer.MAX_VALUE);
        }
        for (; i < count; i++) {
            m0 = Math.max(m0, Float.floatToRawIntBits(x[i]) & Integer.MAX_VALUE);
        }
        return Math.max(Math.max(m0, m1), Math.max(m2, m3));
    }

    private static long maxMagnitude(double[] x, int count) {
        long m0 = 0;
        long m1 = 0;
        long m2 = 0;
        long m3 = 0;
        int i = 0;
        for (; i < count - 3; i += 4) {
            m0 = Math.max(m0, Double.doubleToRawLongBits(x[i]) & Long.MAX_VALUE);
            m1 = Math.max(m1, Double.doubleToRawLongBits(x[i + 1]) & Long.MAX_VALUE);
            m2 = Math.max(m2, Double.doubleToRawLongBits(x[i + 2]) & Long.MAX_VALUE);
            m3 = Math.max(m3, Double.doubleToRawLongBits(x[i + 3]) & Long.MAX_VALUE);
        }
        for (; i < count; i++) {
            m0 = Math.max(m0, Double.doubleToRawLongBits(x[i]) & Long.MAX_VALUE);
        }
        return Math.max(Math.max(m0, m1), Math.max(m2, m3));
    }

    /** Whether the lower triangle of a column-major matrix has finite entries only. */
    static boolean isFiniteBelow(Matrix a, long b) {
        HostLines lines = HostLines.of(a, b);
        double[] chunk = new double[lines.chunk()];
        for (long l = 0; l < lines.count(); l++) {
            for (long p = l; p < lines.length(); p += chunk.length) {
                int part = (int) Math.min(chunk.length, lines.length() - p);
                lines.read(l, p, chunk, 0, part);
                if (!Double.isFinite(Double.longBitsToDouble(maxMagnitude(chunk, part)))) {
                    return false;
                }
            }
        }
        return true;
    }
}
