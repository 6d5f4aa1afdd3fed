package org.nullspace.solve;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.Plan;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolveOptions;

/** Orders the methods for a problem, decides where X lies, and estimates the memory, without looking at the data. */
public final class Planner {
    /** Tile that a backend converts float32 entries in, at most. */
    private static final double CONVERSION_TILE_BYTES = 16L << 20;

    /**
     * Least min(n,d) and least max(n,d)/min(n,d) for which SKETCH is considered. Measured gains, QR_SVD/SKETCH, at a quarter of the rank (2 cores
     * of an AMD EPYC, float64, other work on the machine), for max(n,d)/min(n,d) = 4, 16 and 50: 0.4, 0.6, 1.0 for min(n,d) = 128; 1.2, 1.2, 1.4 for 256;
     * 1.5, 1.8, 2.0 for 512. At half the rank and a ratio of 2, 0.8 for 256 and 1,000. GPUs, where reflections are slower still
     * against products, have not been measured.
     */
    private static final int SKETCH_LEAST = 256;

    private static final int SKETCH_ASPECT = 4;

    private final double n;
    private final double d;
    private final double k;
    private final double p;
    private final double q;
    private final Precision data;
    private final SolveOptions options;
    private final Budget budget;
    private final boolean inPlace;
    private final boolean transformed;
    private final boolean rounds;
    private final boolean products;

    private Planner(long n, long d, long k, Precision data, Place place, SolveOptions options, Session session) {
        this.n = n;
        this.d = d;
        this.k = k;
        this.p = Math.min(n, d);
        this.q = Math.max(n, d);
        this.data = data;
        this.options = options;
        this.budget = Budget.of(session);
        this.products = session.prefersProducts();
        this.inPlace = place.equals(session.place());
        this.transformed = options.intercept() == InterceptRule.UNPENALISED || options.sampleWeights() != null;
        this.rounds = data == Precision.FLOAT32 && options.precision() == Precision.FLOAT32;
    }

    /**
     * The plan for problems of one shape.
     *
     * @param n samples
     * @param d features
     * @param k targets
     * @param data precision of X
     * @param place where X lies
     * @param options what is wanted
     * @param session the session that will compute
     * @return the plan
     */
    public static Plan plan(
            long n, long d, long k, Precision data, Place place, SolveOptions options, Session session) {
        return new Planner(n, d, k, data, place, options, session).plan(session.description());
    }

    private Plan plan(String backend) {
        List<String> reasons = new ArrayList<>();
        List<Method> methods = methods(reasons);
        if (data == Precision.FLOAT32) {
            reasons.add(
                    "X is float32, the arithmetic is " + options.precision() + " (a Gram matrix is always float64)");
        }
        if (transformed) {
            reasons.add("weights or an intercept: a transformed copy of X is factorized");
        }
        boolean streamed = streamed(methods.get(0));
        if (streamed) {
            reasons.add(
                    "X does not fit into the device's memory beside its factors: it stays on the host and is streamed");
        }
        double first = 0;
        double worst = 0;
        double host = transformed && streamed ? copyBytes() : 0;
        for (Method method : methods) {
            double bytes = residentBytes(streamed)
                    + factorBytes(method, streamed)
                    + vectorBytes(method, streamed)
                    + tileBytes(method, streamed);
            if (method == methods.get(0)) {
                // Weights and an intercept are applied before the factorization begins.
                first = Math.max(bytes, transformingBytes(streamed));
            }
            worst = Math.max(worst, Math.max(first, bytes));
            if (method == Method.QR_SVD && budget.ownMemory() && !wholeQr(streamed)) {
                host += budget.reflectionBytes(q, p, options.precision());
                reasons.add(
                        "a copy of X does not fit beside X: QR_SVD works on blocks of rows and keeps their reflections on the host");
            }
        }
        if (methods.contains(Method.GRAM) && sketchFits(streamed)) {
            // What GRAM takes where the rank turns out not to be full.
            worst = Math.max(
                    worst,
                    residentBytes(streamed)
                            + factorBytes(Method.SKETCH, streamed)
                            + vectorBytes(Method.SKETCH, streamed)
                            + tileBytes(Method.SKETCH, streamed));
        }
        return new Plan(
                methods, reasons, backend, (long) first, (long) worst, budget.memoryBytes(), streamed, (long) host);
    }

    private List<Method> methods(List<String> reasons) {
        if (options.method() == Method.QR_SVD || options.method() == Method.GESVD) {
            reasons.add(options.method() + " was asked for");
            return List.of(options.method());
        }
        if (options.method() == Method.SKETCH) {
            reasons.add("SKETCH was asked for");
            reasons.add("QR_SVD takes over if the certificate does not hold");
            return List.of(Method.SKETCH, Method.QR_SVD);
        }
        if (options.rankTolerance().equals(RankTolerance.gap())) {
            reasons.add("the tolerance " + options.rankTolerance()
                    + " looks at the whole spectrum, which a certificate of full rank does not give: QR_SVD");
            return List.of(Method.QR_SVD);
        }
        reasons.add(
                options.method() == Method.GRAM
                        ? "GRAM was asked for"
                        : "GRAM first: with min(n,d) = " + (long) p + " and max(n,d) = " + (long) q
                                + " it needs a small part of the work of the others, and its certificate proves full rank");
        if (options.method() == Method.AUTO && sketchPays()) {
            reasons.add(
                    "SKETCH if the Gram matrix shows a rank of at most about a third of min(n,d) and no gap below it");
            reasons.add("QR_SVD takes over if no certificate holds");
            return List.of(Method.GRAM, Method.SKETCH, Method.QR_SVD);
        }
        reasons.add("QR_SVD takes over if the certificate does not hold");
        return List.of(Method.GRAM, Method.QR_SVD);
    }

    private boolean sketchPays() {
        return p >= SKETCH_LEAST
                && q >= SKETCH_ASPECT * p
                && !rounds
                && sketchFits(false)
                && residentBytes(false) + budget.sketchBytes(q, p) + vectorBytes(Method.SKETCH, false)
                        <= budget.operandBytes();
    }

    private boolean sketchFits(boolean streamed) {
        double x = streamed ? 0 : copyBytes();
        double held = inPlace && transformed ? Budget.bytes(data, n, d) : 0;
        return budget.holdsSketch(x + held, q, p);
    }

    // ---- where X lies

    /** Whether what is factorized, X or its transformed copy, stays on the host although the session computes elsewhere. */
    private boolean streamed(Method first) {
        if (!budget.ownMemory() || (inPlace && !transformed)) {
            return false;
        }
        double factors =
                first == Method.QR_SVD ? budget.blockedQrBytes(q, p, options.precision()) : factorBytes(first, true);
        double held = inPlace ? Budget.bytes(data, n, d) : 0;
        return !budget.holdsFactors(held + Math.max(copyBytes() + factors, makingBytes()));
    }

    /** Bytes of what is factorized. */
    private double copyBytes() {
        return Budget.bytes(transformed && !rounds ? Precision.FLOAT64 : data, n, d);
    }

    /** Bytes that the transformed copy takes while it is made. */
    private double makingBytes() {
        return transformed ? copyBytes() + (rounds ? Budget.bytes(Precision.FLOAT64, n, d) : 0) : 0;
    }

    /** Bytes of what is factorized that are taken in the session's place beside the caller's X. */
    private double residentBytes(boolean streamed) {
        boolean copied = transformed || (budget.ownMemory() && !inPlace);
        return copied && !streamed ? copyBytes() : 0;
    }

    // ---- memory of the session's place, counted in floating point, which is exact up to 2⁵³ and does not go round
    // beyond

    private double transformingBytes(boolean streamed) {
        if (!transformed) {
            return 0;
        }
        return streamed ? Design.blockBytes(budget, n) + 8 * (d + 4 * n) : makingBytes() + 16 * (n + d);
    }

    private boolean wholeQr(boolean streamed) {
        double x = streamed ? 0 : copyBytes();
        return budget.wholeQr(q, p, options.precision(), x);
    }

    private double factorBytes(Method method, boolean streamed) {
        return switch (method) {
            case AUTO -> throw new IllegalArgumentException("AUTO is not a method that computes");
            // L, its inverse, and a square of either; on a GPU AAᵀ as well, and 1.5p² while the inverse is made.
            case GRAM -> Budget.bytes(Precision.FLOAT64, (products ? 5 : 3) * p, p);
            case SKETCH -> sketchFits(streamed) ? budget.sketchBytes(q, p) : 0;
            case QR_SVD ->
                wholeQr(streamed)
                        ? Budget.wholeQrBytes(q, p, options.precision())
                        : budget.blockedQrBytes(q, p, options.precision());
            // U in place of a copy of X, Zᵀ and about 4p² of workspace.
            case GESVD -> Budget.bytes(options.precision(), q + 5 * p, p);
        };
    }

    private double vectorBytes(Method method, boolean streamed) {
        double means = transformed ? 8 * (n * k + d) : 0;
        if (method == Method.GRAM) {
            return means + 8 * (2 * n * k + 2 * d * k + p * k);
        }
        double w = method == Method.SKETCH ? 8 : options.precision().bytes();
        if (method == Method.SKETCH) {
            return means + w * (n * k + 2 * d * k + 2 * p * k);
        }
        if (method == Method.QR_SVD && !wholeQr(streamed)) {
            double stack = p + budget.blockRows((long) p, options.precision());
            return means + w * (2 * n * k + 3 * d * k + Math.min(q, stack) * k);
        }
        return means + w * (n * k + 2 * d * k);
    }

    private double tileBytes(Method method, boolean streamed) {
        if (streamed) {
            return budget.tileBytes();
        }
        double tile = Math.min(CONVERSION_TILE_BYTES, budget.tileBytes());
        if (data == Precision.FLOAT64 || method == Method.QR_SVD || method == Method.GESVD) {
            return 0;
        }
        return method == Method.SKETCH ? Math.min(tile, Budget.bytes(Precision.FLOAT64, q, p)) : tile;
    }
}
