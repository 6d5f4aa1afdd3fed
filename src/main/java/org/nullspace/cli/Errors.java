package org.nullspace.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nullspace.matrix.Matrix;

/**
 * How far predictions are from what was measured.
 *
 * @param samples number of samples
 * @param rmse for each target the root of the mean squared difference, in the unit of the target
 */
record Errors(long samples, double[] rmse) {
    static Errors of(Matrix predicted, Matrix measured) {
        double[] rmse = new double[Math.toIntExact(measured.columns())];
        for (int t = 0; t < rmse.length; t++) {
            rmse[t] = norm(predicted, measured, t) / Math.sqrt(measured.rows());
        }
        return new Errors(measured.rows(), rmse);
    }

    private static double norm(Matrix predicted, Matrix measured, int target) {
        double largest = 0;
        for (long i = 0; i < measured.rows(); i++) {
            largest = Math.max(largest, Math.abs(predicted.get(i, target) - measured.get(i, target)));
        }
        if (largest == 0 || !Double.isFinite(largest)) {
            return largest;
        }
        double sum = 0;
        for (long i = 0; i < measured.rows(); i++) {
            double part = (predicted.get(i, target) - measured.get(i, target)) / largest;
            sum += part * part;
        }
        return largest * Math.sqrt(sum);
    }

    Map<String, Object> json() {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("samples", samples);
        out.put("rmse", rmse);
        return out;
    }

    /** Norms of the columns of a matrix, free of avoidable overflow. */
    static double[] columnNorms(Matrix w) {
        double[] norms = new double[Math.toIntExact(w.columns())];
        for (int t = 0; t < norms.length; t++) {
            norms[t] = norm(w, t);
        }
        return norms;
    }

    private static double norm(Matrix w, int column) {
        double largest = 0;
        for (long i = 0; i < w.rows(); i++) {
            double size = Math.abs(w.get(i, column));
            if (Double.isNaN(size)) {
                return size;
            }
            largest = Math.max(largest, size);
        }
        if (largest == 0 || Double.isInfinite(largest)) {
            return largest;
        }
        double sum = 0;
        for (long i = 0; i < w.rows(); i++) {
            double part = w.get(i, column) / largest;
            sum += part * part;
        }
        return largest * Math.sqrt(sum);
    }

    /** Norm of a vector of norms. */
    static double total(double[] norms) {
        double total = 0;
        for (double norm : norms) {
            total = Math.hypot(total, norm);
        }
        return total;
    }
}
