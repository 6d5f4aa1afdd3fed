package org.nullspace.accuracy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.openblas.global.openblas;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/** Errors of every method on planted problems of growing condition number, beside those of LAPACK's drivers on the same entries. */
final class Conditioning {
    static final int N = 96;

    /** Low enough for GRAM to look for it. */
    private static final int DEFICIENT = 30;

    private static final int D = 400;
    private static final double[] CONDITIONS = {1, 1e1, 1e3, 1e6, 1e9, 1e12, 1e15};

    private Conditioning() {}

    /**
     * What one solver did with one problem, in digits: −log₁₀ of an error, at most 17.
     *
     * @param method the method that had the last word, or LAPACK's driver
     * @param rank rank found
     * @param forward of ‖w − w*‖/‖w*‖
     * @param backward of ‖Xw − y‖/(‖X‖₂‖w‖)
     * @param orthogonality of ‖Xp‖/(‖X‖₂‖p‖) for the projection p of a vector on the null space; NaN for a driver that has none
     */
    record Reached(String method, int rank, double forward, double backward, double orthogonality) {
        private String text() {
            return String.format(Locale.ROOT, "%d: %.1f, %.1f", rank, forward, backward)
                    + (Double.isNaN(orthogonality) ? "" : String.format(Locale.ROOT, ", %.1f", orthogonality));
        }
    }

    /**
     * A problem and what was reached.
     *
     * @param precision precision of X and Y
     * @param condition κ of the row space
     * @param rank planted rank
     * @param reached by name of the solver
     */
    record Case(Precision precision, double condition, int rank, Map<String, Reached> reached) {}

    static List<Case> measure() {
        List<Case> all = new ArrayList<>();
        for (Precision precision : new Precision[] {Precision.FLOAT64, Precision.FLOAT32}) {
            for (int rank : new int[] {N, DEFICIENT}) {
                for (double condition : CONDITIONS) {
                    if (precision == Precision.FLOAT64 || condition <= 1e6) {
                        all.add(measure(precision, condition, rank));
                    }
                }
            }
        }
        return all;
    }

    private static Case measure(Precision precision, double condition, int rank) {
        Planted p = Planted.of(4_400 + rank, N, D, 1, rank, Spectrum.STEEP, condition, 0, precision);
        Matrix x = Matrix.zeros(precision, 1, N, D, Layout.ROW_MAJOR);
        Matrix y = Matrix.zeros(precision, 1, N, 1, Layout.ROW_MAJOR);
        x.copyFrom(Matrix.of(p.x()));
        y.copyFrom(Matrix.of(p.y()));
        Map<String, Reached> reached = new LinkedHashMap<>();
        for (Method method : Method.values()) {
            SolveOptions options = SolveOptions.builder()
                    .backend(BackendChoice.CPU)
                    .method(method)
                    .build();
            try (SolutionSet set = Nullspace.solve(x, y, options)) {
                reached.put(method.name(), reached(p, set));
            }
        }
        // The standard tolerance, which LAPACK's drivers take as a ratio.
        double ratio = 8 * (Math.sqrt(N) * precision.epsilon() + Math.sqrt(D) * Precision.FLOAT64.epsilon());
        for (String driver : new String[] {"gelsd", "gelsy"}) {
            reached.put(driver, lapack(p, driver, ratio));
        }
        return new Case(precision, condition, rank, reached);
    }

    private static Reached reached(Planted p, SolutionSet set) {
        if (set.outcome() != Outcome.FULL_RANK && set.outcome() != Outcome.RANK_REDUCED) {
            throw new AssertionError(p + ": " + set.outcome());
        }
        double[] w = new double[D];
        for (int i = 0; i < D; i++) {
            w[i] = set.minimumNorm().get(i, 0);
        }
        SplitMix64 random = new SplitMix64(7);
        double[] vector = new double[D];
        for (int i = 0; i < D; i++) {
            vector[i] = random.nextGaussian();
        }
        double[] projected = set.nullSpace().project(vector);
        double seen = norm(product(p.x(), projected)) / norm(projected);
        return new Reached(set.method().name(), set.rank(), forward(p, w), backward(p, w), digits(seen));
    }

    private static double forward(Planted p, double[] w) {
        double[] difference = w.clone();
        double size = 0;
        for (int i = 0; i < D; i++) {
            difference[i] -= p.w()[i][0];
            size = Math.hypot(size, p.w()[i][0]);
        }
        return digits(norm(difference) / size);
    }

    /** The largest singular value is 1. */
    private static double backward(Planted p, double[] w) {
        double[] residual = product(p.x(), w);
        for (int i = 0; i < N; i++) {
            residual[i] -= p.y()[i][0];
        }
        return digits(norm(residual) / norm(w));
    }

    private static double digits(double error) {
        return Math.min(17, Math.max(0, -Math.log10(error)));
    }

    private static double[] product(double[][] x, double[] v) {
        double[] out = new double[x.length];
        for (int i = 0; i < out.length; i++) {
            for (int j = 0; j < v.length; j++) {
                out[i] += x[i][j] * v[j];
            }
        }
        return out;
    }

    private static double norm(double[] v) {
        double sum = 0;
        for (double each : v) {
            sum = Math.hypot(sum, each);
        }
        return sum;
    }

    /** LAPACK's drivers in the precision of the data. */
    private static Reached lapack(Planted p, String driver, double ratio) {
        boolean wide = p.precision() == Precision.FLOAT64;
        double[] w = new double[D];
        int[] rank = new int[1];
        int[] pivots = new int[D];
        if (wide) {
            double[] a = new double[N * D];
            for (int i = 0; i < N; i++) {
                w[i] = p.y()[i][0];
                for (int j = 0; j < D; j++) {
                    a[j * N + i] = p.x()[i][j];
                }
            }
            int info = driver.equals("gelsd")
                    ? openblas.LAPACKE_dgelsd(
                            openblas.LAPACK_COL_MAJOR, N, D, 1, a, N, w, D, new double[N], ratio, rank)
                    : openblas.LAPACKE_dgelsy(openblas.LAPACK_COL_MAJOR, N, D, 1, a, N, w, D, pivots, ratio, rank);
            require(driver, info);
        } else {
            float[] a = new float[N * D];
            float[] narrow = new float[D];
            for (int i = 0; i < N; i++) {
                narrow[i] = (float) p.y()[i][0];
                for (int j = 0; j < D; j++) {
                    a[j * N + i] = (float) p.x()[i][j];
                }
            }
            int info = driver.equals("gelsd")
                    ? openblas.LAPACKE_sgelsd(
                            openblas.LAPACK_COL_MAJOR, N, D, 1, a, N, narrow, D, new float[N], (float) ratio, rank)
                    : openblas.LAPACKE_sgelsy(
                            openblas.LAPACK_COL_MAJOR, N, D, 1, a, N, narrow, D, pivots, (float) ratio, rank);
            require(driver, info);
            for (int i = 0; i < D; i++) {
                w[i] = narrow[i];
            }
        }
        return new Reached(driver, rank[0], forward(p, w), backward(p, w), Double.NaN);
    }

    private static void require(String driver, int info) {
        if (info != 0) {
            throw new AssertionError(driver + " returned " + info);
        }
    }

    static String render(List<Case> all) {
        StringBuilder page = new StringBuilder(String.format(Locale.ROOT, """
                ## Growing condition numbers

                Planted problems of %d×%d with singular values in geometric progression from 1 to 1/κ, of full rank and of rank %d, consistent. In
                a cell: the rank found; then, as digits (−log₁₀ of the error), the forward error ‖w − w*‖/‖w*‖, the backward error
                ‖Xw − y‖/(‖X‖‖w‖), and the orthogonality ‖Xp‖/(‖X‖‖p‖) of a projection p on the null space. `GRAM` and `SKETCH` hand over where they cannot vouch
                for their result; what took over is in brackets. gelsd and gelsy are LAPACK's drivers on the same entries, in the precision of the data,
                with the cut-off of the standard tolerance. Where κ is beyond the cut-off, the rank is less than planted, by intention, and
                the forward error means nothing.

                | data | κ | planted rank |""", N, D, DEFICIENT));
        for (String name : all.get(0).reached().keySet()) {
            page.append(" ").append(name).append(" |");
        }
        page.append("\n|---|---|---|")
                .append("---|".repeat(all.get(0).reached().size()))
                .append("\n");
        for (Case each : all) {
            page.append(String.format(
                    Locale.ROOT,
                    "| %s | 1e%d | %d |",
                    each.precision() == Precision.FLOAT64 ? "float64" : "float32",
                    Math.round(Math.log10(each.condition())),
                    each.rank()));
            each.reached().forEach((name, r) -> {
                boolean other = !r.method().equals(name);
                page.append(" ")
                        .append(r.text())
                        .append(other ? " (" + r.method() + ")" : "")
                        .append(" |");
            });
            page.append("\n");
        }
        return page.append("\n").toString();
    }
}
