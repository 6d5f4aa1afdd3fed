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
import org.nullspace.io.NpyFile;
import org.nullspace.matrix.Matrix;

/** Times work on one of the problems that {@code src/bench/python/peers.py prepare} writes and prints rows of the form defined there. */
final class Rows {
    private final Map<String, String> arguments = new HashMap<>();
    private final Path folder;
    /** Untimed runs go on for so long, and at most so many timed runs fill a second: as in peers.py. */
    private static final double WARM_SECONDS = 3;

    private static final int MOST_REPEATS = 25;

    private final int repeats;
    private final double slowSeconds;

    Rows(String[] args) {
        for (int i = 0; i + 1 < args.length; i += 2) {
            arguments.put(args[i], args[i + 1]);
        }
        this.folder = Path.of(argument("--dir"), argument("--workload"));
        this.repeats = Integer.parseInt(argument("--repeats"));
        this.slowSeconds = Double.parseDouble(argument("--slow-seconds"));
    }

    /** What a run found; NaN and −1 where it does not say. */
    static final class Found {
        double forwardError = Double.NaN;
        double spectrumError = Double.NaN;
        int rank = -1;
    }

    /** One way to do the work; what was found is checked in a run that is not timed. */
    interface Work {
        Found run(boolean check);
    }

    private String argument(String name) {
        String value = arguments.get(name);
        if (value == null) {
            throw new IllegalArgumentException("option " + name + " is missing");
        }
        return value;
    }

    int threads() {
        return Integer.parseInt(argument("--threads"));
    }

    int round() {
        return Integer.parseInt(argument("--round"));
    }

    /** First part of the name of the workload: its kind. */
    String kind() {
        return argument("--workload").split("-")[0];
    }

    Matrix read(String name) {
        return NpyFile.read(folder.resolve(name + ".npy"));
    }

    double[] vector(String name) {
        Matrix m = read(name);
        return m.columns() == 1 ? m.columnToArray(0) : m.transposed().columnToArray(0);
    }

    static double relativeError(Matrix found, Matrix planted) {
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

    /** The larger of ‖XN‖/‖X‖ and ‖NᵀN − I‖. */
    static double basisError(Matrix x, Matrix basis) {
        double[][] v = new double[(int) basis.columns()][];
        Arrays.setAll(v, basis::columnToArray);
        double seen = 0;
        double norm = 0;
        for (int i = 0; i < x.rows(); i++) {
            double[] row = x.rows(i, i + 1L).transposed().columnToArray(0);
            norm += dot(row, row);
            for (double[] column : v) {
                double product = dot(row, column);
                seen += product * product;
            }
        }
        double defect = 0;
        for (int i = 0; i < v.length; i++) {
            for (int j = 0; j <= i; j++) {
                double product = dot(v[i], v[j]) - (i == j ? 1 : 0);
                defect += (i == j ? 1 : 2) * product * product;
            }
        }
        return Math.max(Math.sqrt(seen / norm), Math.sqrt(defect));
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /** Times the work and prints a row. */
    void row(String peer, String version, double base, Matrix x, Work work) throws IOException {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("workload", argument("--workload"));
        row.put("peer", peer);
        row.put("version", version);
        row.put("threads", threads());
        row.put("round", round());
        row.put("status", "ok");
        row.put("message", "");
        try {
            double first = time(work);
            double last = first;
            for (double warm = first; warm < WARM_SECONDS; warm += last) {
                last = time(work);
            }
            int runs = first > slowSeconds ? 1 : Math.max(repeats, (int) Math.min(MOST_REPEATS, 1 / last));
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

    /** MiB of this process from /proc. */
    static double memory(String key) throws IOException {
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

    static String json(Map<String, ?> row) {
        StringBuilder out = new StringBuilder("{");
        row.forEach((key, value) -> {
            out.append(out.length() > 1 ? ", " : "").append('"').append(key).append("\": ");
            if (value instanceof Double number) {
                out.append(!Double.isFinite(number) ? "null" : String.format(Locale.ROOT, "%.6g", number));
            } else if (value instanceof Number) {
                out.append(value);
            } else {
                out.append('"')
                        .append(String.valueOf(value)
                                .replace("\\", "\\\\")
                                .replace("\"", "\\\"")
                                .replaceAll("\\p{Cntrl}", " "))
                        .append('"');
            }
        });
        return out.append('}').toString();
    }
}
