package org.nullspace.backend.openblas;

import java.util.Arrays;

/**
 * Arithmetic on one entry of {@link #COUNT} problems at a time: an array holds the entry at the same place of each problem. The loops run
 * over the lanes of whole arrays with one index, a form that the JIT compiler of Java 17 turns into vector instructions. Measured for sums
 * and updates of columns on one core of a busy AMD EPYC, with 32 lanes, for 12×6 and 64×16 entries a problem: 11 and 5.9 GFLOP/s with four terms
 * in a loop, 5.3 and 3.9 with one, 5.8 and 5.8 with four terms at offsets into one long array for each column.
 *
 * <p>A lane never depends on another, and multiplication and addition are rounded separately: the results of a problem are the same to the
 * bit in every lane and in every company.
 */
final class Lanes {
    /** Problems that are solved together. */
    static final int COUNT = 32;

    /** Half the square of the length of the shortest vector that reflections are made of; those of longer ones have full accuracy. */
    private static final double SMALLEST_PRODUCT = 0x1p-930;

    private Lanes() {}

    /** One entry for each row: {@code rows} arrays of lanes. */
    static double[][] rows(int rows) {
        return new double[rows][COUNT];
    }

    /** Bytes of so many arrays of lanes, with their headers and the references to them. */
    static double bytes(double arrays) {
        return arrays * (COUNT * Double.BYTES + 16 + 8);
    }

    // ---- between problems and lanes

    /** Entry e of problem l, {@code packed[l * size + e]}, to lane l of {@code lanes[e]}. */
    static void gather(double[] packed, int size, double[][] lanes) {
        int e = 0;
        for (; e + 4 <= size; e += 4) {
            gather(packed, size, e, lanes[e], lanes[e + 1], lanes[e + 2], lanes[e + 3]);
        }
        for (; e < size; e++) {
            double[] to = lanes[e];
            for (int l = 0, at = e; l < COUNT; l++, at += size) {
                to[l] = packed[at];
            }
        }
    }

    private static void gather(double[] packed, int size, int e, double[] a, double[] b, double[] c, double[] d) {
        for (int l = 0, at = e; l < COUNT; l++, at += size) {
            a[l] = packed[at];
            b[l] = packed[at + 1];
            c[l] = packed[at + 2];
            d[l] = packed[at + 3];
        }
    }

    /** The inverse of {@link #gather(double[], int, double[][])}. */
    static void scatter(double[][] lanes, int size, double[] packed) {
        int e = 0;
        for (; e + 4 <= size; e += 4) {
            scatter(lanes[e], lanes[e + 1], lanes[e + 2], lanes[e + 3], size, e, packed);
        }
        for (; e < size; e++) {
            double[] from = lanes[e];
            for (int l = 0, at = e; l < COUNT; l++, at += size) {
                packed[at] = from[l];
            }
        }
    }

    private static void scatter(double[] a, double[] b, double[] c, double[] d, int size, int e, double[] packed) {
        for (int l = 0, at = e; l < COUNT; l++, at += size) {
            packed[at] = a[l];
            packed[at + 1] = b[l];
            packed[at + 2] = c[l];
            packed[at + 3] = d[l];
        }
    }

    // ---- sums over rows

    /** s ← Σ v[i]·a[i] over rows from ≤ i &lt; to. */
    static void dot(double[] s, double[][] v, double[][] a, int from, int to) {
        if (to - from >= 4) {
            set4(s, v[from], v[from + 1], v[from + 2], v[from + 3], a[from], a[from + 1], a[from + 2], a[from + 3]);
            addDot(s, v, a, from + 4, to);
        } else if (to > from) {
            set1(s, v[from], a[from]);
            addDot(s, v, a, from + 1, to);
        } else {
            Arrays.fill(s, 0);
        }
    }

    private static void set4(
            double[] s,
            double[] v0,
            double[] v1,
            double[] v2,
            double[] v3,
            double[] a0,
            double[] a1,
            double[] a2,
            double[] a3) {
        for (int l = 0; l < COUNT; l++) {
            s[l] = (v0[l] * a0[l] + v1[l] * a1[l]) + (v2[l] * a2[l] + v3[l] * a3[l]);
        }
    }

    private static void set1(double[] s, double[] v, double[] a) {
        for (int l = 0; l < COUNT; l++) {
            s[l] = v[l] * a[l];
        }
    }

    /** s ← s + Σ v[i]·a[i] over rows from ≤ i &lt; to. */
    static void addDot(double[] s, double[][] v, double[][] a, int from, int to) {
        int i = from;
        for (; i + 4 <= to; i += 4) {
            add4(s, v[i], v[i + 1], v[i + 2], v[i + 3], a[i], a[i + 1], a[i + 2], a[i + 3]);
        }
        if (i + 2 <= to) {
            add2(s, v[i], v[i + 1], a[i], a[i + 1]);
            i += 2;
        }
        if (i < to) {
            add1(s, v[i], a[i]);
        }
    }

    private static void add4(
            double[] s,
            double[] v0,
            double[] v1,
            double[] v2,
            double[] v3,
            double[] a0,
            double[] a1,
            double[] a2,
            double[] a3) {
        for (int l = 0; l < COUNT; l++) {
            s[l] += (v0[l] * a0[l] + v1[l] * a1[l]) + (v2[l] * a2[l] + v3[l] * a3[l]);
        }
    }

    private static void add2(double[] s, double[] v0, double[] v1, double[] a0, double[] a1) {
        for (int l = 0; l < COUNT; l++) {
            s[l] += v0[l] * a0[l] + v1[l] * a1[l];
        }
    }

    private static void add1(double[] s, double[] v, double[] a) {
        for (int l = 0; l < COUNT; l++) {
            s[l] += v[l] * a[l];
        }
    }

    /** a[i] ← a[i] − s·v[i] for rows from ≤ i &lt; to. */
    static void subtract(double[] s, double[][] v, double[][] a, int from, int to) {
        int i = from;
        for (; i + 4 <= to; i += 4) {
            subtract4(s, v[i], v[i + 1], v[i + 2], v[i + 3], a[i], a[i + 1], a[i + 2], a[i + 3]);
        }
        if (i + 2 <= to) {
            subtract2(s, v[i], v[i + 1], a[i], a[i + 1]);
            i += 2;
        }
        if (i < to) {
            subtract1(s, v[i], a[i]);
        }
    }

    private static void subtract4(
            double[] s,
            double[] v0,
            double[] v1,
            double[] v2,
            double[] v3,
            double[] a0,
            double[] a1,
            double[] a2,
            double[] a3) {
        for (int l = 0; l < COUNT; l++) {
            double t = s[l];
            a0[l] -= t * v0[l];
            a1[l] -= t * v1[l];
            a2[l] -= t * v2[l];
            a3[l] -= t * v3[l];
        }
    }

    private static void subtract2(double[] s, double[] v0, double[] v1, double[] a0, double[] a1) {
        for (int l = 0; l < COUNT; l++) {
            double t = s[l];
            a0[l] -= t * v0[l];
            a1[l] -= t * v1[l];
        }
    }

    private static void subtract1(double[] s, double[] v, double[] a) {
        for (int l = 0; l < COUNT; l++) {
            a[l] -= s[l] * v[l];
        }
    }

    // ---- pairs of columns

    /** Two columns times a rotation: a ← c·a − s·b, b ← s·a + c·b. */
    static void rotate(double[] c, double[] s, double[][] a, double[][] b) {
        int i = 0;
        for (; i + 2 <= a.length; i += 2) {
            rotate2(c, s, a[i], a[i + 1], b[i], b[i + 1]);
        }
        if (i < a.length) {
            rotate1(c, s, a[i], b[i]);
        }
    }

    private static void rotate2(double[] c, double[] s, double[] a0, double[] a1, double[] b0, double[] b1) {
        for (int l = 0; l < COUNT; l++) {
            double cosine = c[l];
            double sine = s[l];
            double x0 = a0[l];
            double y0 = b0[l];
            double x1 = a1[l];
            double y1 = b1[l];
            a0[l] = cosine * x0 - sine * y0;
            b0[l] = sine * x0 + cosine * y0;
            a1[l] = cosine * x1 - sine * y1;
            b1[l] = sine * x1 + cosine * y1;
        }
    }

    private static void rotate1(double[] c, double[] s, double[] a, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            double x = a[l];
            double y = b[l];
            a[l] = c[l] * x - s[l] * y;
            b[l] = s[l] * x + c[l] * y;
        }
    }

    /** excess ← g² − t·a·b. */
    static void excess(double[] excess, double[] g, double t, double[] a, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            excess[l] = g[l] * g[l] - t * (a[l] * b[l]);
        }
    }

    // ---- quotients and differences

    /** s ← a², largest ← max(largest, s). */
    static void square(double[] s, double[] a, double[] largest) {
        for (int l = 0; l < COUNT; l++) {
            double square = a[l] * a[l];
            s[l] = square;
            largest[l] = Math.max(largest[l], square);
        }
    }

    /** a ← max(a, bound). */
    static void atLeast(double[] a, double bound) {
        for (int l = 0; l < COUNT; l++) {
            a[l] = Math.max(a[l], bound);
        }
    }

    /**
     * A step of {@link LaneQuotientDifference}: from pivot d and entries q, e to q̂ = d + e, ê = e·q/q̂ and the next pivot d·q/q̂ − τ. A negative
     * pivot is noted in {@code least} and taken for zero, which keeps all numbers finite.
     */
    static void quotient(
            double[] d, double[] least, double[] tau, double[] q, double[] e, double[] newQ, double[] newE) {
        for (int l = 0; l < COUNT; l++) {
            double sum = d[l] + e[l];
            double ratio = q[l] / sum;
            double next = d[l] * ratio - tau[l];
            newQ[l] = sum;
            newE[l] = Math.max(e[l] * ratio, QuotientDifference.TINY);
            least[l] = Math.min(least[l], next);
            d[l] = Math.max(next, 0);
        }
    }

    /** The last step of a transformation, which leaves the pivot as it is. */
    static void lastQuotient(double[] d, double[] tau, double[] q, double[] e, double[] newQ, double[] newE) {
        for (int l = 0; l < COUNT; l++) {
            double sum = d[l] + e[l];
            double ratio = q[l] / sum;
            newQ[l] = sum;
            newE[l] = Math.max(e[l] * ratio, QuotientDifference.TINY);
            d[l] = d[l] * ratio - tau[l];
        }
    }

    /**
     * The smaller eigenvalue of the last two rows and columns of T = BBᵀ, and the square of what is left over in T of its eigenvector.
     *
     * @param mu written: the eigenvalue
     * @param residual written: the square of the residual
     * @param q last place
     * @param e off-diagonal entry above it
     * @param nextQ the place before the last
     * @param nextE off-diagonal entry above that
     */
    static void tail(double[] mu, double[] residual, double[] q, double[] e, double[] nextQ, double[] nextE) {
        for (int l = 0; l < COUNT; l++) {
            double coupling = q[l] * e[l];
            double diagonal = nextQ[l] + e[l];
            double difference = diagonal - q[l];
            double large = 0.5 * (diagonal + q[l] + Math.sqrt(difference * difference + 4 * coupling));
            double small = nextQ[l] * (q[l] / large);
            double rest = diagonal - small;
            mu[l] = small;
            residual[l] = nextQ[l] * nextE[l] * (coupling / (coupling + rest * rest));
        }
    }

    /** f ← (1 + e·f)/q, sum ← sum + f. */
    static void addQuotient(double[] f, double[] sum, double[] q, double[] e) {
        for (int l = 0; l < COUNT; l++) {
            double quotient = (1 + e[l] * f[l]) / q[l];
            f[l] = quotient;
            sum[l] += quotient;
        }
    }

    /** a ← b where {@code taken} is 1 and {@code kept} is 0; unchanged where it is the other way round. */
    static void replace(double[] taken, double[] kept, double[] a, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            a[l] = taken[l] * b[l] + kept[l] * a[l];
        }
    }

    // ---- single entries

    /** a ← a·b. */
    static void multiply(double[] a, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            a[l] *= b[l];
        }
    }

    /** a ← a + b. */
    static void add(double[] a, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            a[l] += b[l];
        }
    }

    /** p ← a·b. */
    static void product(double[] p, double[] a, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            p[l] = a[l] * b[l];
        }
    }

    /** a ← (a − s)·b. */
    static void subtractAndMultiply(double[] a, double[] s, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            a[l] = (a[l] - s[l]) * b[l];
        }
    }

    /** a ← −s·b. */
    static void negativeProduct(double[] a, double[] s, double[] b) {
        for (int l = 0; l < COUNT; l++) {
            a[l] = -s[l] * b[l];
        }
    }

    /** s ← s + 0·a: NaN wherever a is not finite. */
    static void spoil(double[] s, double[] a) {
        for (int l = 0; l < COUNT; l++) {
            s[l] += 0 * a[l];
        }
    }

    /**
     * Householder vector of a column whose squares sum up to {@code squares} from its head on. Where the product of the column's norm and
     * that of the vector is below {@link #SMALLEST_PRODUCT}, the column counts as zero and the reflection becomes the identity.
     *
     * @param head first entry of the column; becomes that of the vector v, whose other entries are those of the column
     * @param squares sum of squares; becomes the c of the reflection I − c·v·vᵀ
     * @param inverse written: 1/r
     * @param diagonal written: the entry r that the reflection leaves in place of the head
     */
    static void reflector(double[] head, double[] squares, double[] inverse, double[] diagonal) {
        for (int l = 0; l < COUNT; l++) {
            double alpha = head[l];
            double norm = Math.sqrt(squares[l]);
            double size = norm + Math.abs(alpha);
            double signed = Math.copySign(norm, alpha);
            head[l] = alpha + signed;
            squares[l] = 1 / (norm * size);
            inverse[l] = -1 / signed;
            diagonal[l] = -signed;
        }
        for (int l = 0; l < COUNT; l++) {
            if (squares[l] > 1 / SMALLEST_PRODUCT) {
                squares[l] = 0;
                inverse[l] = Double.POSITIVE_INFINITY;
                diagonal[l] = 0;
            }
        }
    }
}
