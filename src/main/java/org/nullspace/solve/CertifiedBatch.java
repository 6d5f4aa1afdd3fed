package org.nullspace.solve;

import java.util.BitSet;
import java.util.Objects;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Session;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolveOptions;

/**
 * Batches that a session solves in one operation. With p = min(n,d), ‖R‖_F ≥ σ₁ and ‖R⁻¹‖_F ≥ 1/σ_p for the triangular factor of X or Xᵀ: where
 * these bounds alone put σ_p above the cut-off, the rank is p and the solution is that of the operation. The other problems, of which
 * nothing is claimed, are for the methods that look at one problem at a time.
 */
public final class CertifiedBatch {
    /** Norms outside of this and its inverse have lost digits, or their products would. */
    private static final double SMALLEST_NORM = 0x1p-960;

    /** Floating-point operations of the factorization of a small problem. */
    private static final double SMALL_FLOPS = 1e8;

    private static final int CHUNK = 1024;

    private CertifiedBatch() {}

    /**
     * Largest product ‖R‖_F·‖R⁻¹‖_F for which the computed R is trusted: it is off by about (p + √q)ε‖X‖ in norm, q = max(n,d), which must be
     * small against σ_p. With a product of at most this, it is at most 1/100 of σ_p.
     */
    private static double largestCondition(long p, long q) {
        return 0.01 / ((p + Math.sqrt((double) q)) * Precision.FLOAT64.epsilon());
    }

    /**
     * Whether the operations on one problem are so small that a device does better with several problems at the same time.
     *
     * @param n samples
     * @param d features
     * @return true if the factorization takes at most 10⁸ of them
     */
    public static boolean isSmall(long n, long d) {
        double p = Math.min(n, d);
        return 2 * p * p * Math.max(n, d) <= SMALL_FLOPS;
    }

    /**
     * Whether a session solves problems of a shape in one operation, and the options leave that open: no weights, no intercept, no
     * spectrum, float64 arithmetic, a method that ends with a certificate, and a rank tolerance that a certificate can satisfy.
     *
     * @param session where to compute
     * @param n samples
     * @param d features
     * @param k targets
     * @param options what is wanted
     * @return true if {@link #solve} may be called
     */
    public static boolean covers(Session session, long n, long d, long k, SolveOptions options) {
        BatchSolver solver = session.batchSolver();
        return solver != null
                && session.place().isHost()
                && solver.covers(n, d, k)
                && (options.method() == Method.AUTO || options.method() == Method.GRAM)
                && options.precision() == Precision.FLOAT64
                && options.intercept() == InterceptRule.NONE
                && options.sampleWeights() == null
                && !options.spectrum()
                && !options.rankTolerance().equals(RankTolerance.gap());
    }

    /**
     * Solves what can be certified.
     *
     * @param session where to compute
     * @param x B×n×d, in the session's place; its precision sets the cut-off
     * @param y B×n×k, in the session's place
     * @param tolerance which singular values count as zero
     * @param w written: B×d×k; undefined for problems that are not certified
     * @return the problems that have full rank for certain and a finite solution
     */
    public static BitSet solve(Session session, Matrix x, Matrix y, RankTolerance tolerance, Matrix w) {
        BitSet certified = new BitSet();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix bounds = session.allocate(scratch, Precision.FLOAT64, w.batch(), 1, 2, Layout.ROW_MAJOR);
            BatchSolver solver = Objects.requireNonNull(session.batchSolver());
            solver.minimumNorm(x, y, w, bounds, null);
            session.synchronize();
            double[] pairs = new double[2 * CHUNK];
            double trusted = largestCondition(Math.min(x.rows(), x.columns()), Math.max(x.rows(), x.columns()));
            for (int first = 0; first < w.batch(); first += CHUNK) {
                int count = (int) Math.min(CHUNK, w.batch() - first);
                read(bounds, first, count, pairs);
                for (int b = 0; b < count; b++) {
                    double norm = pairs[2 * b];
                    double inverse = pairs[2 * b + 1];
                    if (inRange(norm)
                            && inRange(inverse)
                            && norm * inverse <= trusted
                            && tolerance.certifiesFullRank(norm, 1 / inverse, x.rows(), x.columns(), x.precision())) {
                        certified.set(first + b);
                    }
                }
            }
        }
        return certified;
    }

    /** Reads a packed batch of pairs in bulk. */
    private static void read(Matrix bounds, int first, int count, double[] pairs) {
        if (!(bounds.memory() instanceof HostMemory memory)) {
            throw new IllegalStateException(bounds + " lies in the memory of " + bounds.place());
        }
        memory.read((bounds.address(first) - memory.address()) / Double.BYTES, pairs, 0, 2 * count);
    }

    private static boolean inRange(double norm) {
        return norm >= SMALLEST_NORM && norm <= 1 / SMALLEST_NORM;
    }
}
