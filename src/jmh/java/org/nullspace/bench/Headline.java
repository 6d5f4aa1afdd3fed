package org.nullspace.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.nullspace.Nullspace;
import org.nullspace.io.NpyFile;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.Method;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * Times this library on the problems that {@code src/bench/python/peers.py prepare} writes, and prints rows of the form that is defined
 * there. Started by {@code src/bench/compare.sh}.
 */
public final class Headline {
    private final Map<String, String> arguments;
    private final Path folder;
    private final int repeats;
    private final double slowSeconds;

    private Headline(Map<String, String> arguments) {
        this.arguments = arguments;
        this.folder = Path.of(arguments.get("--dir"), arguments.get("--workload"));
        this.repeats = Integer.parseInt(arguments.get("--repeats"));
        this.slowSeconds = Double.parseDouble(arguments.get("--slow-seconds"));
    }

    public static void main(String[] args) throws IOException {
        Map<String, String> arguments = new HashMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            arguments.put(args[i], args[i + 1]);
        }
        System.setProperty("nullspace.threads", arguments.get("--threads"));
        new Headline(arguments).run();
    }

    /** What a timed run found. */
    private static final class Found {
        double forwardError = Double.NaN;
        double spectrumError = Double.NaN;
        int rank = -1;
    }

    /** One way to do the work; what was found is checked in a run that is not timed. */
    private interface Work {
        Found run(boolean check);
    }

    private void run() throws IOException {
        // Loads the backend, so that base memory has libraries but no data.
        try (SolutionSet warm = Nullspace.solve(new double[][] {{1, 2}}, new double[] {1})) {
            warm.rank();
        }
        double base = memory("VmRSS");
        String kind = arguments.get("--workload").split("-")[0];
        switch (kind) {
            case "solve" -> {
                Matrix x = read("X");
                Matrix y = read("Y");
                Matrix w = read("W");
                row("nullspace", base, x, check -> solve(check, x, y, w, SolveOptions.defaults()));
                for (Method method : new Method[] {Method.QR_SVD, Method.GESVD}) {
                    SolveOptions options = SolveOptions.builder().method(method).build();
                    row("nullspace " + method, base, x, check -> solve(check, x, y, w, options));
                }
            }
            case "memory" -> {
                Matrix x = read("X");
                Matrix y = read("Y");
                Matrix w = read("W");
                row("nullspace", base, x, check -> solve(check, x, y, w, SolveOptions.defaults()));
            }
            case "spectrum" -> {
                Matrix x = read("X");
                Matrix y = read("Y");
                Matrix w = read("W");
                double[] s = vector(read("S"));
                SolveOptions options = SolveOptions.builder().spectrum(true).build();
                row("nullspace", base, x, check -> spectrum(check, x, y, w, s, options));
                SolveOptions qr = options.toBuilder().method(Method.QR_SVD).build();
                row("nullspace QR_SVD", base, x, check -> spectrum(check, x, y, w, s, qr));
            }
            case "project" -> {
                Matrix x = read("X");
                Matrix z = read("Z");
                Matrix pz = read("PZ");
                row("nullspace", base, x, check -> project(check, x, z, pz));
            }
            case "loop" -> {
                Matrix x = read("X");
                Matrix y = read("Y");
                Matrix w = read("W");
                row("nullspace", base, x, check -> loop(check, x, y, w));
            }
            default -> throw new IllegalArgumentException("unknown workload " + kind);
        }
    }

    private Found solve(boolean check, Matrix x, Matrix y, Matrix w, SolveOptions options) {
        try (SolutionSet set = Nullspace.solve(x, y, options)) {
            Found found = new Found();
            found.rank = set.rank();
            found.forwardError = check ? relativeError(set.minimumNorm(), w) : Double.NaN;
            return found;
        }
    }

    private Found spectrum(boolean check, Matrix x, Matrix y, Matrix w, double[] s, SolveOptions options) {
        try (SolutionSet set = Nullspace.solve(x, y, options)) {
            Found found = new Found();
            found.rank = set.rank();
            found.forwardError = check ? relativeError(set.minimumNorm(), w) : Double.NaN;
            double[] sigma = set.singularValues();
            found.spectrumError = 0;
            for (int i = 0; check && i < s.length; i++) {
                found.spectrumError = Math.max(found.spectrumError, Math.abs(sigma[i] - s[i]) / s[0]);
            }
            return found;
        }
    }

    private Found project(boolean check, Matrix x, Matrix z, Matrix pz) {
        Matrix y = Matrix.zeros(x.precision(), 1, x.rows(), 1, x.layout());
        try (y;
                SolutionSet set = Nullspace.solve(x, y);
                Matrix projected = set.nullSpace().project(z)) {
            Found found = new Found();
            found.rank = set.rank();
            found.forwardError = check ? relativeError(projected, pz) : Double.NaN;
            return found;
        }
    }

    private Found loop(boolean check, Matrix x, Matrix y, Matrix w) {
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, SolveOptions.defaults())) {
            Found found = new Found();
            found.rank = Arrays.stream(batch.ranks()).min().orElse(-1);
            found.forwardError = 0;
            for (int b = 0; check && b < batch.size(); b++) {
                found.forwardError = Math.max(
                        found.forwardError, relativeError(batch.minimumNorm().problem(b), w.problem(b)));
            }
            return found;
        }
    }

    private static double relativeError(Matrix found, Matrix planted) {
        double error = 0;
        double norm = 0;
        for (long i = 0; i < planted.rows(); i++) {
            for (long j = 0; j < planted.columns(); j++) {
                double p = planted.get(i, j);
                double e = found.get(i, j) - p;
                error += e * e;
                norm += p * p;
            }
        }
        return Math.sqrt(error / norm);
    }

    private void row(String peer, double base, Matrix x, Work work) throws IOException {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("workload", arguments.get("--workload"));
        row.put("peer", peer);
        row.put("version", version());
        row.put("threads", Integer.parseInt(arguments.get("--threads")));
        row.put("round", Integer.parseInt(arguments.get("--round")));
        row.put("status", "ok");
        row.put("message", "");
        try {
            double first = time(work);
            int runs = first > slowSeconds ? 1 : repeats;
            double[] seconds = new double[runs];
            double[] busy = cores();
            long start = System.nanoTime();
            for (int i = 0; i < runs; i++) {
                long begin = System.nanoTime();
                work.run(false);
                seconds[i] = (System.nanoTime() - begin) * 1e-9;
            }
            double elapsed = (System.nanoTime() - start) * 1e-9;
            double[] after = cores();
            Found found = work.run(true);
            Arrays.sort(seconds);
            row.put("repeats", runs);
            row.put("first_s", first);
            row.put("median_s", (seconds[(runs - 1) / 2] + seconds[runs / 2]) / 2);
            row.put("min_s", seconds[0]);
            row.put("max_s", seconds[runs - 1]);
            row.put("forward_error", found.forwardError);
            row.put("rank", found.rank);
            row.put("spectrum_error", found.spectrumError);
            row.put("base_mb", base);
            row.put("peak_mb", memory("VmHWM"));
            row.put("x_mb", x.byteSize() / 1048576.0);
            row.put("other_cores", Math.max(0, (after[0] - busy[0] - (after[1] - busy[1])) / elapsed));
        } catch (RuntimeException e) {
            row.put("status", "failed");
            row.put("message", String.valueOf(e.getMessage()));
        }
        System.out.println(json(row));
    }

    private static double time(Work work) {
        long begin = System.nanoTime();
        work.run(false);
        return (System.nanoTime() - begin) * 1e-9;
    }

    private Matrix read(String name) {
        return NpyFile.read(folder.resolve(name + ".npy"));
    }

    private static double[] vector(Matrix m) {
        return m.columns() == 1 ? m.columnToArray(0) : m.transposed().columnToArray(0);
    }

    private static String version() {
        try (SolutionSet set = Nullspace.solve(new double[][] {{1, 2}}, new double[] {1})) {
            return "nullspace, " + set.backend() + ", Java " + System.getProperty("java.version");
        }
    }

    /** MiB of this process from /proc. */
    private static double memory(String key) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"), StandardCharsets.UTF_8)) {
            if (line.startsWith(key + ":")) {
                return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
            }
        }
        return Double.NaN;
    }

    /** Seconds of processor time since boot: of all processes, and of this one. */
    private static double[] cores() throws IOException {
        String[] all = Files.readAllLines(Path.of("/proc/stat")).get(0).trim().split("\\s+");
        double busy = 0;
        for (int i = 1; i < all.length && i <= 8; i++) {
            if (i != 4 && i != 5) {
                busy += Double.parseDouble(all[i]) / 100;
            }
        }
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String[] own = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new double[] {busy, (Double.parseDouble(own[11]) + Double.parseDouble(own[12])) / 100};
    }

    private static String json(Map<String, Object> row) {
        StringBuilder out = new StringBuilder("{");
        row.forEach((key, value) -> {
            out.append(out.length() > 1 ? ", " : "").append('"').append(key).append("\": ");
            if (value instanceof Double number) {
                out.append(number.isNaN() ? "null" : String.format(Locale.ROOT, "%.6g", number));
            } else if (value instanceof Number) {
                out.append(value);
            } else {
                out.append('"')
                        .append(String.valueOf(value).replace("\\", "\\\\").replace("\"", "\\\""))
                        .append('"');
            }
        });
        return out.append('}').toString();
    }
}
