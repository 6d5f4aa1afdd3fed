package org.nullspace.solve;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.Plan;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolveOptions;

/** Orders the methods for a problem and estimates their memory, without looking at the data. */
public final class Planner {
    /** Tile that a backend converts float32 entries in, at most. */
    private static final long CONVERSION_TILE_BYTES = 16L << 20;

    private Planner() {}

    /**
     * The plan for problems of one shape.
     *
     * @param n samples
     * @param d features
     * @param k targets
     * @param precision precision of X
     * @param options what is wanted
     * @param backend the backend that will compute, for people
     * @param availableBytes memory of its device
     * @return the plan
     */
    public static Plan plan(
            long n, long d, long k, Precision precision, SolveOptions options, String backend, long availableBytes) {
        List<Method> methods = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        if (options.method() != Method.AUTO && options.method() != Method.GRAM) {
            methods.add(options.method());
            reasons.add(options.method() + " was asked for");
        } else if (options.rankTolerance().equals(RankTolerance.gap())) {
            methods.add(Method.QR_SVD);
            reasons.add("the tolerance " + options.rankTolerance()
                    + " looks at the whole spectrum, which a certificate of full rank does not give: QR_SVD");
        } else {
            methods.add(Method.GRAM);
            methods.add(Method.QR_SVD);
            reasons.add(
                    options.method() == Method.GRAM
                            ? "GRAM was asked for"
                            : "GRAM first: with min(n,d) = " + Math.min(n, d) + " and max(n,d) = " + Math.max(n, d)
                                    + " it needs a small part of the work of the others, and its certificate proves full rank");
            reasons.add("QR_SVD takes over if the certificate does not hold");
        }
        if (precision == Precision.FLOAT32) {
            reasons.add(
                    "X is float32, the arithmetic is " + options.precision() + " (a Gram matrix is always float64)");
        }
        boolean rounds = precision == Precision.FLOAT32 && options.precision() == Precision.FLOAT32;
        double design = designBytes(n, d, k, rounds, options);
        if (design > 0) {
            reasons.add("weights or an intercept: a transformed copy of X is factorized");
        }
        double first = design + bytes(methods.get(0), n, d, k, precision, options.precision());
        if (design > 0 && rounds) {
            // The transformed copy in float64 beside the rounded one, before the factorization begins.
            first = Math.max(first, 12.0 * n * d + 16.0 * (n + d));
        }
        double worst = first;
        for (Method method : methods) {
            worst = Math.max(worst, design + bytes(method, n, d, k, precision, options.precision()));
        }
        return new Plan(methods, reasons, backend, (long) first, (long) worst, availableBytes);
    }

    private static double designBytes(double n, double d, double k, boolean rounds, SolveOptions options) {
        boolean transformed = options.intercept() == InterceptRule.UNPENALISED || options.sampleWeights() != null;
        return transformed ? (rounds ? 4 : 8) * n * d + 8 * (n * k + d) : 0;
    }

    /** Counted in floating point, which is exact up to 2⁵³ and goes to the largest long beyond rather than around it. */
    private static double bytes(Method method, double n, double d, double k, Precision data, Precision working) {
        double p = Math.min(n, d);
        double q = Math.max(n, d);
        double w = working.bytes();
        return switch (method) {
            case AUTO -> throw new IllegalArgumentException("AUTO is not a method that computes");
            case GRAM ->
                8 * (2 * p * p + 2 * n * k + 2 * d * k + p * k)
                        + (data == Precision.FLOAT32 ? CONVERSION_TILE_BYTES : 0);
            // Copy of X, M, Zᵀ and about 4p² of workspace for the small decomposition.
            case QR_SVD -> w * (q * p + 6 * p * p + n * k + 2 * d * k);
            case GESVD -> w * (q * p + 5 * p * p + n * k + 2 * d * k);
        };
    }
}
