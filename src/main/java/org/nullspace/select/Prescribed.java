package org.nullspace.select;

import org.nullspace.backend.Session;
import org.nullspace.error.NoSolutionException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.Factors;
import org.nullspace.solve.ThinSvd;

/**
 * Members with prescribed coefficients. With E the m prescribed rows of the identity, members W₀ + n satisfy E·n = δ, n in the null space. The
 * columns of B = PEᵀ (d×m) span what E can reach: from the thin singular value decomposition B = A·diag(s)·Zᵀ follows E·A = Z·diag(s), so
 * that n = A·diag(1/s)·Zᵀδ over the s that are not zero is the shortest solution, or the shortest nearest miss.
 */
public final class Prescribed {
    private Prescribed() {}

    /**
     * Moves in the null space.
     *
     * @param rank number of constraints that the null space can satisfy independently
     * @param distance per target, ‖E(W₀ + n) − values‖
     */
    public record Result(long rank, double[] distance) {
        /**
         * Copies the array.
         *
         * @param rank number of independent constraints
         * @param distance distance that is left, per target
         */
        public Result {
            distance = distance.clone();
        }

        /**
         * For each target the distance that is left.
         *
         * @return a new array
         */
        @Override
        public double[] distance() {
            return distance.clone();
        }
    }

    /**
     * Sines of angles between coefficient axes and the null space below this cannot be told from 0, since the null space itself is known to
     * about cut-off/σ_r.
     *
     * @param samples n
     * @param features d
     * @param rank r
     * @param condition σ₁/σ_r
     * @param epsilon that of the arithmetic
     * @return the tolerance, at most ½
     */
    public static double tolerance(long samples, long features, int rank, double condition, double epsilon) {
        double relative = rank == 0 ? 0 : 8 * (Math.sqrt(samples) + Math.sqrt(features)) * epsilon * condition;
        return Math.min(0.5, Math.max(64 * epsilon, relative));
    }

    /**
     * Whether the distance that is left, relative to the prescribed values and to the coefficients, is at rounding level: small enough for
     * {@code SolutionSet.contains} to hold for weights whose entries were set to the values.
     *
     * @param distance distance that is left
     * @param tolerance {@link #tolerance}
     * @param values the prescribed values
     * @param size Euclidean norm of the coefficients
     * @param data precision of X
     * @return true if the values count as those of a member
     */
    public static boolean isMet(double distance, double tolerance, double[] values, double size, Precision data) {
        double prescribed = 0;
        for (double value : values) {
            prescribed = Math.hypot(prescribed, value);
        }
        double closeness = Math.min(tolerance, 0.5 * Math.sqrt(data.epsilon()));
        return distance <= closeness * Math.max(prescribed, size);
    }

    /**
     * w ← w + n with n the shortest null vector that brings the prescribed coefficients to, or nearest to, their values.
     *
     * @param session where to compute
     * @param factors X factorized
     * @param indices prescribed coefficients
     * @param values their values
     * @param tolerance sines of angles between coefficient axes and null space at or below it count as zero
     * @param w overwritten: a member, d×k, in the precision of the factors
     * @return how many independent constraints there were and what is left
     */
    public static Result move(
            Session session, Factors factors, int[] indices, double[] values, double tolerance, Matrix w) {
        int m = indices.length;
        long d = w.rows();
        long k = w.columns();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix axes = Matrix.zeros(scratch, w.precision(), 1, d, m, Layout.COLUMN_MAJOR);
            for (int c = 0; c < m; c++) {
                axes.set(0, indices[c], c, 1);
            }
            Matrix b = factors.vectors(scratch, d, m);
            Matrix zt = factors.vectors(scratch, m, m);
            double[] sines = ThinSvd.decompose(
                    session,
                    target -> {
                        session.copy(axes, target);
                        factors.projectOnNullSpace(target);
                    },
                    b,
                    zt);
            if (sines == null) {
                throw new NoSolutionException(
                        "the singular value iteration for " + m + " prescribed coefficients did not converge");
            }
            int rank = 0;
            while (rank < m && sines[rank] > tolerance) {
                rank++;
            }

            Matrix delta = Matrix.zeros(scratch, w.precision(), 1, m, k, Layout.COLUMN_MAJOR);
            Matrix host = session.toHost(w);
            for (int c = 0; c < m; c++) {
                for (long j = 0; j < k; j++) {
                    delta.set(0, c, j, values[c] - host.get(0, indices[c], j));
                }
            }
            if (rank > 0) {
                Matrix inverses = Matrix.zeros(scratch, w.precision(), 1, rank, 1, Layout.COLUMN_MAJOR);
                for (int i = 0; i < rank; i++) {
                    inverses.set(0, i, 0, 1 / sines[i]);
                }
                Matrix deviceDelta = factors.vectors(scratch, m, k);
                Matrix deviceInverses = factors.vectors(scratch, rank, 1);
                Matrix t = factors.vectors(scratch, rank, k);
                session.copy(delta, deviceDelta);
                session.copy(inverses, deviceInverses);
                session.multiply(1, zt.rows(0, rank), deviceDelta, 0, t);
                session.scaleRows(deviceInverses, t);
                session.multiply(1, b.columns(0, rank), t, 1, w);
            }
            Matrix moved = session.toHost(w);
            double[] distance = new double[Math.toIntExact(k)];
            for (int c = 0; c < m; c++) {
                for (int j = 0; j < k; j++) {
                    distance[j] = Math.hypot(distance[j], values[c] - moved.get(0, indices[c], j));
                }
            }
            return new Result(rank, distance);
        }
    }
}
