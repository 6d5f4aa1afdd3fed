package org.nullspace;

import java.util.Arrays;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.FixedCoefficientsBatch;
import org.nullspace.select.HostPrescribed;
import org.nullspace.select.Prescribed;

/** Some coefficients that are prescribed for all problems of a batch, and what comes of it. Different problems may be worked on at the same time. */
final class BatchPrescription {
    private final BatchResults batch;
    private final int[] indices;
    private final Matrix values;
    private final boolean[] feasible;
    private final long[] freedom;
    private final Matrix weights;
    private final Matrix distance;

    /**
     * A prescription.
     *
     * @param indices prescribed coefficients
     * @param values their values, B×m×1 or 1×m×1
     */
    BatchPrescription(BatchResults batch, int[] indices, Matrix values) {
        this.batch = batch;
        this.indices = indices;
        this.values = values;
        this.feasible = new boolean[batch.size];
        this.freedom = new long[batch.size];
        Arrays.fill(freedom, -1);
        this.weights = batch.make(batch.d, batch.k);
        this.distance = Matrix.zeros(Precision.FLOAT64, batch.size, 1, batch.k, Layout.ROW_MAJOR);
    }

    /** Prescribed coefficients; not to be changed. */
    int[] indices() {
        return indices;
    }

    /** The values for a problem. */
    double[] valuesOf(int b) {
        return values.problem(values.batch() == 1 ? 0 : b).columnToArray(0);
    }

    /** The axes of the prescribed coefficients, for each problem of a tile. */
    Matrix axes(MemoryScope scratch, int problems) {
        Matrix axes = Matrix.zeros(scratch, Precision.FLOAT64, problems, batch.d, indices.length, Layout.COLUMN_MAJOR);
        for (int b = 0; b < problems; b++) {
            for (int c = 0; c < indices.length; c++) {
                axes.set(b, indices[c], c, 1);
            }
        }
        return axes;
    }

    /** Takes over what a single solution set found. */
    void take(int b, FixedCoefficients fixed) {
        feasible[b] = fixed.feasible();
        freedom[b] = fixed.remainingFreedom();
        weights.problem(b).copyFrom(fixed.weights());
        setDistance(b, fixed.distance());
    }

    /**
     * Finds the member of a problem from the projections of the axes on its null space.
     *
     * @param projected projections, d×m
     * @param base minimum-norm solution, d×k, float64
     * @param condition σ₁/σ_r
     */
    void solve(int b, Matrix projected, Matrix base, double condition) {
        double[] own = valuesOf(b);
        double[][] moved = columns(base);
        double tolerance =
                Prescribed.tolerance(batch.n, batch.d, batch.ranks[b], condition, Precision.FLOAT64.epsilon());
        Prescribed.Result result = HostPrescribed.move(columns(projected), indices, own, tolerance, moved);
        feasible[b] = isMet(result.distance(), tolerance, own, moved);
        freedom[b] = batch.d - batch.ranks[b] - result.rank();
        setDistance(b, result.distance());
        for (int j = 0; j < moved.length; j++) {
            for (int i = 0; feasible[b] && i < indices.length; i++) {
                moved[j][indices[i]] = own[i];
            }
            for (int i = 0; i < moved[j].length; i++) {
                weights.set(b, i, j, moved[j][i]);
            }
        }
    }

    private static double[][] columns(Matrix m) {
        double[][] out = new double[(int) m.columns()][];
        Arrays.setAll(out, m::columnToArray);
        return out;
    }

    private boolean isMet(double[] left, double tolerance, double[] own, double[][] moved) {
        boolean met = true;
        for (int j = 0; j < moved.length; j++) {
            double size = 0;
            for (double entry : moved[j]) {
                size = Math.hypot(size, entry);
            }
            met &= Prescribed.isMet(left[j], tolerance, own, size, batch.x.precision());
        }
        return met;
    }

    private void setDistance(int b, double[] left) {
        for (int j = 0; j < left.length; j++) {
            distance.set(b, 0, j, left[j]);
        }
    }

    /** What came of it; NaN for problems that failed. */
    FixedCoefficientsBatch results() {
        batch.spoilFailed(weights);
        batch.spoilFailed(distance);
        return new FixedCoefficientsBatch(feasible, weights, distance, freedom);
    }
}
