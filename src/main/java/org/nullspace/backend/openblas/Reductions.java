package org.nullspace.backend.openblas;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
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

    private Reductions() {}

    // ---- norms

    static void columnNorms(Matrix a, Matrix norms) {
        for (long b = 0; b < norms.batch(); b++) {
            Lines lines = Lines.of(a, b);
            boolean columnMajor = a.layout() == Layout.COLUMN_MAJOR;
            int width = (int) Math.min(a.columns(), columnMajor ? 1 : Lines.CHUNK);
            for (long j = 0; j < a.columns(); j += width) {
                int part = (int) Math.min(width, a.columns() - j);
                double[] result = columnMajor ? lineNorm(lines, j) : chunkNorms(lines, j, part);
                for (int i = 0; i < part; i++) {
                    norms.set(b, 0, j + i, result[i]);
                }
            }
        }
    }

    private static double[] lineNorm(Lines lines, long line) {
        double sum = sumOfSquares(lines, line, 1);
        if (isSafe(sum, lines.precision)) {
            return new double[] {Math.sqrt(sum)};
        }
        double largest = maxMagnitude(lines, line, line + 1);
        if (!(largest > 0 && largest < Double.POSITIVE_INFINITY)) {
            return new double[] {largest};
        }
        double scale = scale(largest);
        return new double[] {Math.sqrt(sumOfSquares(lines, line, scale)) / scale};
    }

    private static double sumOfSquares(Lines lines, long line, double scale) {
        double[] chunk = new double[lines.chunk()];
        double sum = 0;
        for (long p = 0; p < lines.length; p += chunk.length) {
            int part = (int) Math.min(chunk.length, lines.length - p);
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

    /** Norms of some columns of a row-major matrix. */
    private static double[] chunkNorms(Lines lines, long from, int width) {
        double[] sums = columnSums(lines, from, width, null);
        boolean safe = true;
        for (double sum : sums) {
            safe &= isSafe(sum, lines.precision);
        }
        double[] scales = new double[width];
        Arrays.fill(scales, 1);
        if (!safe) {
            double[] largest = columnMaxima(lines, from, width);
            for (int j = 0; j < width; j++) {
                boolean usable = largest[j] > 0 && largest[j] < Double.POSITIVE_INFINITY;
                scales[j] = usable ? scale(largest[j]) : 1;
            }
            sums = columnSums(lines, from, width, scales);
        }
        for (int j = 0; j < width; j++) {
            sums[j] = Math.sqrt(sums[j]) / scales[j];
        }
        return sums;
    }

    private static double[] columnSums(Lines lines, long from, int width, double @Nullable [] scales) {
        double[] sums = new double[width];
        double[] row = new double[width];
        for (long l = 0; l < lines.count; l++) {
            lines.read(l, from, row, 0, width);
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

    private static double[] columnMaxima(Lines lines, long from, int width) {
        double[] largest = new double[width];
        double[] row = new double[width];
        for (long l = 0; l < lines.count; l++) {
            lines.read(l, from, row, 0, width);
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

    static void maxMagnitude(Matrix a, Matrix result) {
        for (long b = 0; b < result.batch(); b++) {
            double largest = 0;
            if (a.rows() > 0 && a.columns() > 0) {
                Lines lines = Lines.of(a, b).merged();
                largest = maxMagnitude(lines, 0, lines.count);
            }
            result.set(b, 0, 0, largest);
        }
    }

    /**
     * Magnitudes as bit patterns are ordered like the numbers, and NaN lies above infinity: integer comparison is exact, fast and keeps NaN.
     */
    private static double maxMagnitude(Lines lines, long from, long to) {
        return lines.precision == Precision.FLOAT64 ? maxMagnitude64(lines, from, to) : maxMagnitude32(lines, from, to);
    }

    private static double maxMagnitude64(Lines lines, long from, long to) {
        double[] chunk = new double[lines.chunk()];
        long largest = 0;
        for (long l = from; l < to; l++) {
            for (long p = 0; p < lines.length; p += chunk.length) {
                int part = (int) Math.min(chunk.length, lines.length - p);
                lines.read(l, p, chunk, 0, part);
                largest = Math.max(largest, maxMagnitude(chunk, part));
            }
        }
        return Double.longBitsToDouble(largest);
    }

    private static double maxMagnitude32(Lines lines, long from, long to) {
        float[] chunk = new float[lines.chunk()];
        int largest = 0;
        for (long l = from; l < to; l++) {
            for (long p = 0; p < lines.length; p += chunk.length) {
                int part = (int) Math.min(chunk.length, lines.length - p);
                lines.read(l, p, chunk, part);
                for (int i = 0; i < part; i++) {
                    largest = Math.max(largest, Float.floatToRawIntBits(chunk[i]) & Integer.MAX_VALUE);
                }
            }
        }
        return Float.intBitsToFloat(largest);
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
        Lines lines = Lines.of(a, b);
        double[] chunk = new double[lines.chunk()];
        for (long l = 0; l < lines.count; l++) {
            for (long p = l; p < lines.length; p += chunk.length) {
                int part = (int) Math.min(chunk.length, lines.length - p);
                lines.read(l, p, chunk, 0, part);
                if (!Double.isFinite(Double.longBitsToDouble(maxMagnitude(chunk, part)))) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether a matrix has finite entries only. */
    static boolean isFinite(Matrix a, long b) {
        Lines lines = Lines.of(a, b).merged();
        return Double.isFinite(maxMagnitude(lines, 0, lines.count));
    }
}
