package org.nullspace.bench;

import java.io.IOException;
import java.util.Arrays;
import org.nullspace.Nullspace;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.Factorization;
import org.nullspace.model.Method;
import org.nullspace.model.RidgePath;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * Times this library on the problems that {@code src/bench/python/peers.py prepare} writes, and prints rows of the form that is defined
 * there. Started by {@code src/bench/compare.sh}.
 */
public final class Headline {
    /** Indices of the penalties whose solutions and scores are planted. */
    private static final int[] CHECKED = {0, 50, 99};

    private final Rows rows;

    private Headline(Rows rows) {
        this.rows = rows;
    }

    public static void main(String[] args) throws IOException {
        Rows rows = new Rows(args);
        System.setProperty("nullspace.threads", String.valueOf(rows.threads()));
        new Headline(rows).run();
    }

    private void run() throws IOException {
        // Loads the backend, so that base memory has libraries but no data.
        try (SolutionSet warm = Nullspace.solve(new double[][] {{1, 2}}, new double[] {1})) {
            warm.rank();
        }
        double base = Rows.memory("VmRSS");
        switch (rows.kind()) {
            case "solve" -> {
                Matrix x = rows.read("X");
                Matrix y = rows.read("Y");
                Matrix w = rows.read("W");
                rows.row("nullspace", version(), base, x, check -> solve(check, x, y, w, SolveOptions.defaults()));
                for (Method method : new Method[] {Method.QR_SVD, Method.GESVD}) {
                    SolveOptions options = SolveOptions.builder().method(method).build();
                    rows.row("nullspace " + method, version(), base, x, check -> solve(check, x, y, w, options));
                }
            }
            case "memory", "wide", "deficient", "targets" -> {
                Matrix x = rows.read("X");
                Matrix y = rows.read("Y");
                Matrix w = rows.read("W");
                rows.row("nullspace", version(), base, x, check -> solve(check, x, y, w, SolveOptions.defaults()));
            }
            case "spectrum" -> {
                Matrix x = rows.read("X");
                Matrix y = rows.read("Y");
                Matrix w = rows.read("W");
                double[] s = rows.vector("S");
                SolveOptions options = SolveOptions.builder().spectrum(true).build();
                rows.row("nullspace", version(), base, x, check -> spectrum(check, x, y, w, s, options));
                SolveOptions qr = options.toBuilder().method(Method.QR_SVD).build();
                rows.row("nullspace QR_SVD", version(), base, x, check -> spectrum(check, x, y, w, s, qr));
            }
            case "project" -> {
                Matrix x = rows.read("X");
                Matrix z = rows.read("Z");
                Matrix pz = rows.read("PZ");
                rows.row("nullspace", version(), base, x, check -> project(check, x, z, pz));
            }
            case "loop" -> {
                Matrix x = rows.read("X");
                Matrix y = rows.read("Y");
                Matrix w = rows.read("W");
                rows.row("nullspace", version(), base, x, check -> loop(check, x, y, w));
            }
            case "ridge" -> {
                Matrix x = rows.read("X");
                Matrix y = rows.read("Y");
                double[] penalties = rows.vector("L");
                Matrix planted = rows.read("R");
                rows.row("nullspace", version(), base, x, check -> ridge(check, x, y, penalties, planted));
            }
            case "loo" -> {
                Matrix x = rows.read("X");
                Matrix y = rows.read("Y");
                double[] penalties = rows.vector("L");
                Matrix planted = rows.read("T");
                rows.row("nullspace", version(), base, x, check -> leaveOneOut(check, x, y, penalties, planted));
            }
            case "basis" -> {
                Matrix x = rows.read("X");
                rows.row("nullspace", version(), base, x, check -> basis(check, x));
            }
            default -> throw new IllegalArgumentException("unknown workload " + rows.kind());
        }
    }

    private Rows.Found solve(boolean check, Matrix x, Matrix y, Matrix w, SolveOptions options) {
        try (SolutionSet set = Nullspace.solve(x, y, options)) {
            Rows.Found found = new Rows.Found();
            found.rank = set.rank();
            found.forwardError = check ? Rows.relativeError(set.minimumNorm(), w) : Double.NaN;
            return found;
        }
    }

    private Rows.Found spectrum(boolean check, Matrix x, Matrix y, Matrix w, double[] s, SolveOptions options) {
        try (SolutionSet set = Nullspace.solve(x, y, options)) {
            Rows.Found found = new Rows.Found();
            found.rank = set.rank();
            found.forwardError = check ? Rows.relativeError(set.minimumNorm(), w) : Double.NaN;
            double[] sigma = set.singularValues();
            found.spectrumError = 0;
            for (int i = 0; check && i < s.length; i++) {
                found.spectrumError = Math.max(found.spectrumError, Math.abs(sigma[i] - s[i]) / s[0]);
            }
            return found;
        }
    }

    private Rows.Found project(boolean check, Matrix x, Matrix z, Matrix pz) {
        Matrix y = Matrix.zeros(x.precision(), 1, x.rows(), 1, x.layout());
        try (y;
                SolutionSet set = Nullspace.solve(x, y);
                Matrix projected = set.nullSpace().project(z)) {
            Rows.Found found = new Rows.Found();
            found.rank = set.rank();
            found.forwardError = check ? Rows.relativeError(projected, pz) : Double.NaN;
            return found;
        }
    }

    private Rows.Found ridge(boolean check, Matrix x, Matrix y, double[] penalties, Matrix planted) {
        try (SolutionSet set = Nullspace.solve(x, y);
                RidgePath path = set.ridgePath(penalties);
                Matrix all = path.coefficients()) {
            Rows.Found found = new Rows.Found();
            found.rank = set.rank();
            found.forwardError = 0;
            for (int i = 0; check && i < CHECKED.length; i++) {
                found.forwardError =
                        Math.max(found.forwardError, Rows.relativeError(all.problem(CHECKED[i]), planted.problem(i)));
            }
            return found;
        }
    }

    private Rows.Found leaveOneOut(boolean check, Matrix x, Matrix y, double[] penalties, Matrix planted) {
        try (Factorization factorization = Nullspace.factor(x, SolveOptions.defaults());
                RidgePath path = factorization.ridgePath(y, penalties);
                Matrix scores = path.scores(RidgePath.Criterion.LEAVE_ONE_OUT)) {
            Rows.Found found = new Rows.Found();
            found.rank = factorization.rank();
            found.forwardError = 0;
            for (int i = 0; check && i < CHECKED.length; i++) {
                found.forwardError = Math.max(
                        found.forwardError,
                        Rows.relativeError(scores.rows(CHECKED[i], CHECKED[i] + 1L), planted.rows(i, i + 1L)));
            }
            return found;
        }
    }

    private Rows.Found basis(boolean check, Matrix x) {
        Matrix y = Matrix.zeros(x.precision(), 1, x.rows(), 1, x.layout());
        try (y;
                SolutionSet set = Nullspace.solve(x, y);
                Matrix basis = set.nullSpace().basis()) {
            Rows.Found found = new Rows.Found();
            found.rank = set.rank();
            if (check) {
                found.forwardError = Rows.basisError(x, basis);
            }
            return found;
        }
    }

    private Rows.Found loop(boolean check, Matrix x, Matrix y, Matrix w) {
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, SolveOptions.defaults())) {
            Rows.Found found = new Rows.Found();
            found.rank = Arrays.stream(batch.ranks()).min().orElse(-1);
            found.forwardError = 0;
            for (int b = 0; check && b < batch.size(); b++) {
                found.forwardError = Math.max(
                        found.forwardError,
                        Rows.relativeError(batch.minimumNorm().problem(b), w.problem(b)));
            }
            return found;
        }
    }

    private static String version() {
        try (SolutionSet set = Nullspace.solve(new double[][] {{1, 2}}, new double[] {1})) {
            return "nullspace, " + set.backend() + ", Java " + System.getProperty("java.version");
        }
    }
}
