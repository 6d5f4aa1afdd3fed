package org.nullspace.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nullspace.Nullspace;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.Factorization;
import org.nullspace.model.Method;
import org.nullspace.model.Plan;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.select.RidgeSpectrum;
import org.nullspace.solve.Design;
import org.nullspace.solve.Factors;
import org.nullspace.solve.Planner;
import org.nullspace.solve.Solver;

/**
 * This library's worker of the GPU benchmark. Commands, problems and rows are defined in {@code src/gpu/bench.py}; the same seeded
 * generator is written here. The one argument is {@code cuda} or {@code cpu}.
 */
public final class GpuBench {
    /** Larger problems are not given to the methods that decompose X. */
    private static final long SVD_ENTRIES = 20_000_000;

    private static final double DEVIATION = Math.sqrt(12);

    /** Penalties of a ridge path. */
    private static final int PENALTIES = 100;

    /** The penalties whose solutions are compared. */
    private static final int[] CHECKED = {0, 50, 99};

    /** How long the ways below are repeated before the worker is ready, all together. */
    private static final double WARM_SECONDS = 3;

    /** After so long no further way is begun. */
    private static final double WARM_LIMIT_SECONDS = 10;

    /** What is solved meanwhile: commands without repeats, seconds and round. */
    private static final List<String> WARM_UP = List.of(
            "solve 1 128 2000 1 float64 128 1",
            "ridge 1 128 2000 1 float64 128 1",
            "project 1 128 2000 10 float64 128 1",
            "batch 100 16 64 1 float64 16 1",
            "solve 1 128 2000 1 float64 64 1",
            "solve 1 128 2000 1 float32 128 1");

    private final BackendProvider backend;
    private final BackendChoice choice;
    private final Session host;
    private final String version;
    private Problem problem;

    private GpuBench(BackendProvider backend, Session host) {
        this.backend = backend;
        this.choice = backend.kind() == DeviceKind.CPU ? BackendChoice.CPU : BackendChoice.CUDA;
        this.host = host;
        try (Session session = backend.open(0)) {
            this.version = "nullspace, " + session.description() + ", Java " + System.getProperty("java.version");
        }
    }

    public static void main(String[] args) throws IOException {
        DeviceKind kind = args[0].equals("cpu") ? DeviceKind.CPU : DeviceKind.CUDA;
        List<String> reasons = new ArrayList<>();
        BackendProvider backend = usable(kind, reasons);
        if (backend == null) {
            print(Map.of("event", "absent", "message", kind + ": " + String.join("; ", reasons)));
            return;
        }
        try (Session host = usable(DeviceKind.CPU, reasons).open(0)) {
            GpuBench bench = new GpuBench(backend, host);
            bench.warmUp();
            bench.serve();
        }
    }

    private static BackendProvider usable(DeviceKind kind, List<String> reasons) {
        for (BackendProvider provider : Backends.providers(kind)) {
            Availability availability = provider.probe();
            if (availability.usable()) {
                return provider;
            }
            reasons.addAll(availability.reasons());
        }
        if (reasons.isEmpty()) {
            reasons.add("this version has no such backend");
        }
        return null;
    }

    /** Solves small problems in every way, so that the code is compiled and the device awake before anything is measured. */
    private void warmUp() {
        long begin = System.nanoTime();
        for (String line : WARM_UP) {
            attempt(() -> warmUp(new Command((line + " 1 0 1").split(" ")), begin));
        }
    }

    private void warmUp(Command c, long begin) {
        Problem p = plant(c);
        try (p.scope) {
            List<Entry> entries = entries(c, p);
            double share = WARM_SECONDS / WARM_UP.size() / entries.size();
            for (Entry entry : entries) {
                if (secondsSince(begin) < WARM_LIMIT_SECONDS) {
                    attempt(() -> repeat(entry, share));
                }
            }
        }
    }

    /** Runs a way once, and again for some seconds. */
    private static void repeat(Entry entry, double seconds) {
        try (Way way = entry.make.get()) {
            way.run(null);
            long begin = System.nanoTime();
            while (secondsSince(begin) < seconds) {
                way.run(null);
            }
        }
    }

    /** What fails here fails again where it is measured, and has a row there. */
    private static void attempt(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            e.printStackTrace();
        }
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) * 1e-9;
    }

    private void serve() throws IOException {
        print(Map.of("event", "ready", "version", version));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                if (line.equals("release")) {
                    release();
                } else if (!line.isBlank()) {
                    run(new Command(line.trim().split("\\s+")));
                }
            } catch (RuntimeException | Error e) {
                e.printStackTrace();
                print(Map.of("event", "failed", "message", String.valueOf(e)));
            }
            print(Map.of("event", "done"));
        }
        release();
    }

    private void release() {
        if (problem != null) {
            problem.scope.close();
            problem = null;
        }
    }

    /** A line of input. */
    private record Command(
            String kind,
            long batch,
            int n,
            long d,
            int k,
            Precision precision,
            int rank,
            double condition,
            int repeats,
            double seconds,
            int round) {
        Command(String[] words) {
            this(
                    words[0],
                    Long.parseLong(words[1]),
                    Integer.parseInt(words[2]),
                    Long.parseLong(words[3]),
                    Integer.parseInt(words[4]),
                    words[5].equals("float32") ? Precision.FLOAT32 : Precision.FLOAT64,
                    Integer.parseInt(words[6]),
                    Double.parseDouble(words[7]),
                    Integer.parseInt(words[8]),
                    Double.parseDouble(words[9]),
                    Integer.parseInt(words[10]));
        }

        String workload() {
            StringBuilder name = new StringBuilder(kind).append('-');
            name.append(kind.equals("batch") ? batch + "x" : "").append(n).append('x');
            name.append(d).append('-').append(precision.name().toLowerCase(Locale.ROOT));
            name.append(k == 1 ? "" : "-k" + k).append(rank == n ? "" : "-rank" + rank);
            return name.append(condition == 1 ? "" : "-cond" + (long) condition).toString();
        }

        long entries() {
            return batch * n * d;
        }
    }

    // ---- problems

    /**
     * X, Y and the planted solution (for projections: the vectors Z in Y's place, and no solution), on the host.
     *
     * @param path for ridge paths, the solutions for the checked penalties side by side; otherwise null
     */
    private record Problem(String workload, MemoryScope scope, Matrix x, Matrix y, Matrix planted, Matrix path) {}

    private static double number(long seed, long index) {
        long z = (index + 1) * 0x9E3779B97F4A7C15L + seed;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        z = z ^ (z >>> 31);
        return ((z >>> 11) * 0x1p-53 - 0.5) * DEVIATION;
    }

    private Problem plant(Command c) {
        MemoryScope scope = MemoryScope.open();
        Matrix x = Matrix.uninitialized(scope, c.precision, c.batch, c.n, c.d, Layout.ROW_MAJOR);
        fill(c, x);
        Matrix planted = Matrix.uninitialized(scope, Precision.FLOAT64, c.batch, c.d, c.k, Layout.COLUMN_MAJOR);
        long length = c.kind.equals("project") ? c.d : c.n;
        Matrix y = Matrix.uninitialized(scope, c.precision, c.batch, length, c.k, Layout.COLUMN_MAJOR);
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix a = Matrix.uninitialized(scratch, Precision.FLOAT64, c.batch, c.n, c.k, Layout.COLUMN_MAJOR);
            for (long b = 0; b < c.batch; b++) {
                for (long i = 0; i < c.n; i++) {
                    for (long j = 0; j < c.k; j++) {
                        a.set(b, i, j, number(2, (b * c.n + i) * c.k + j));
                    }
                }
            }
            host.multiply(1, x.transposed(), a, 0, planted);
            Matrix exact = Matrix.uninitialized(scratch, Precision.FLOAT64, c.batch, length, c.k, Layout.COLUMN_MAJOR);
            if (c.kind.equals("project")) {
                for (long j = 0; j < c.d; j++) {
                    for (int t = 0; t < c.k; t++) {
                        exact.set(0, j, t, t < c.k / 2 ? number(3, j * c.k + t) : planted.get(0, j, t));
                    }
                }
            } else {
                host.multiply(1, x, planted, 0, exact);
            }
            host.copy(exact, y);
        }
        Matrix path = c.kind.equals("ridge") ? path(c, scope, x, y) : null;
        return new Problem(c.workload(), scope, x, y, planted, path);
    }

    /** λ for every place of a ridge path. */
    private static double[] penalties(long d) {
        return IntStream.range(0, PENALTIES)
                .mapToDouble(l -> d * Math.pow(10, 3 - 9.0 * l / (PENALTIES - 1)))
                .toArray();
    }

    /** Xᵀ(XXᵀ + λI)⁻¹Y for the checked penalties. */
    private Matrix path(Command c, MemoryScope scope, Matrix x, Matrix y) {
        Matrix path = Matrix.uninitialized(
                scope, Precision.FLOAT64, 1, c.d, (long) CHECKED.length * c.k, Layout.COLUMN_MAJOR);
        double[] penalties = penalties(c.d);
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix gram = Matrix.zeros(scratch, Precision.FLOAT64, 1, c.n, c.n, Layout.COLUMN_MAJOR);
            host.gram(1, x, 0, gram);
            Matrix shifted = Matrix.zeros(scratch, Precision.FLOAT64, 1, c.n, c.n, Layout.COLUMN_MAJOR);
            Matrix alpha =
                    Matrix.uninitialized(scratch, Precision.FLOAT64, 1, c.n, path.columns(), Layout.COLUMN_MAJOR);
            Status status = host.status(scratch, 1);
            for (int m = 0; m < CHECKED.length; m++) {
                host.copy(gram, shifted);
                for (long i = 0; i < c.n; i++) {
                    shifted.set(0, i, i, gram.get(0, i, i) + penalties[CHECKED[m]]);
                }
                host.cholesky(shifted, status);
                if (host.read(status)[0] != 0) {
                    throw new IllegalStateException("XX' + " + penalties[CHECKED[m]] + " I has no Cholesky factor");
                }
                Matrix block = block(c, alpha, m);
                host.copy(y, block);
                host.solveTriangular(Triangle.LOWER, shifted, block);
                host.solveTriangular(Triangle.UPPER, shifted.transposed(), block);
            }
            host.multiply(1, x.transposed(), alpha, 0, path);
        }
        return path;
    }

    /** The columns of one penalty. */
    private static Matrix block(Command c, Matrix path, int penalty) {
        return path.columns((long) penalty * c.k, (penalty + 1L) * c.k);
    }

    private static void fill(Command c, Matrix x) {
        int n = c.n;
        long d = c.d;
        double[] scale = new double[n];
        for (int i = 0; i < n; i++) {
            scale[i] = c.condition == 1 ? 1 : Math.pow(c.condition, -(double) i / (n - 1));
        }
        double[] mean = new double[c.condition == 1 ? 0 : Math.toIntExact(d)];
        IntStream.range(0, mean.length).parallel().forEach(j -> {
            double sum = 0;
            for (int i = 0; i < n; i++) {
                sum += scale[i] * number(1, i * d + j);
            }
            mean[j] = sum * (2.0 / n);
        });
        LongStream.range(0, c.batch * n).parallel().forEach(line -> {
            long b = line / n;
            int i = (int) (line % n);
            long first = line * d;
            if (i >= c.rank) {
                int p = (int) (7L * i % c.rank);
                int q = (p + 1 + i % (c.rank - 1)) % c.rank;
                for (long j = 0; j < d; j++) {
                    x.set(b, i, j, number(1, (b * n + p) * d + j) - number(1, (b * n + q) * d + j));
                }
                return;
            }
            for (int j = 0; j < d; j++) {
                double g = number(1, first + j);
                x.set(b, i, j, mean.length == 0 ? g : scale[i] * g - mean[j]);
            }
        });
    }

    // ---- ways to solve them

    /** What a run delivers, on the host: the solution and the rank. */
    private record Answer(Matrix solution, int rank) {}

    /** Something set up before the first run, used by all runs of a way and given back after the last. */
    private interface Way extends AutoCloseable {
        /** One timed run; if wanted, with its answer, whose solution belongs to the scope. */
        Answer run(MemoryScope keep);

        @Override
        void close();
    }

    /** A way and what its row is called. */
    private record Entry(String peer, String from, Supplier<Way> make) {}

    private void run(Command c) {
        if (problem == null || !problem.workload.equals(c.workload())) {
            release();
            problem = plant(c);
        }
        for (Entry entry : entries(c, problem)) {
            row(c, entry);
        }
    }

    private List<Entry> entries(Command c, Problem p) {
        SolveOptions auto = SolveOptions.builder().backend(choice).build();
        List<Entry> all = new ArrayList<>();
        switch (c.kind) {
            case "batch" -> all.add(new Entry("nullspace", "host", () -> batch(p, auto)));
            case "project" -> {
                all.add(new Entry("nullspace", "device", () -> resident(c, p, auto, Resident::project)));
                all.add(new Entry("nullspace", "host", () -> project(p, auto)));
                all.add(new Entry("nullspace", "factored", () -> projectFactored(p, auto)));
            }
            case "ridge" -> {
                all.add(new Entry("nullspace, one solution", "device", () -> resident(c, p, auto, Resident::solve)));
                all.add(new Entry("nullspace", "device", () -> resident(c, p, auto, Resident::path)));
                all.add(new Entry("nullspace", "factored", () -> pathFactored(c, p, auto)));
            }
            case "solve" -> {
                all.add(new Entry("nullspace", "device", () -> resident(c, p, auto, Resident::solve)));
                all.add(new Entry("nullspace", "host", () -> solve(p, auto)));
                all.add(new Entry("nullspace", "factored", () -> factored(p, auto)));
                if (c.entries() <= SVD_ENTRIES && c.k == 1) {
                    for (Method method : new Method[] {Method.QR_SVD, Method.GESVD}) {
                        SolveOptions options = auto.toBuilder().method(method).build();
                        all.add(new Entry(
                                "nullspace " + method, "device", () -> resident(c, p, options, Resident::solve)));
                    }
                    SolveOptions spectrum = auto.toBuilder().spectrum(true).build();
                    all.add(new Entry("nullspace, all singular values", "host", () -> solve(p, spectrum)));
                }
            }
            default -> throw new IllegalArgumentException("unknown kind of problem " + c.kind);
        }
        return all;
    }

    private static Answer answer(MemoryScope keep, Matrix solution, int rank) {
        if (keep == null) {
            return null;
        }
        Matrix copy = Matrix.uninitialized(
                keep, Precision.FLOAT64, solution.batch(), solution.rows(), solution.columns(), Layout.COLUMN_MAJOR);
        copy.copyFrom(solution);
        return new Answer(copy, rank);
    }

    /** A way that sets nothing up. */
    private static Way each(Function<MemoryScope, Answer> run) {
        return new Way() {
            @Override
            public Answer run(MemoryScope keep) {
                return run.apply(keep);
            }

            @Override
            public void close() {}
        };
    }

    private static Way solve(Problem p, SolveOptions options) {
        return each(keep -> {
            try (SolutionSet set = Nullspace.solve(p.x, p.y, options)) {
                return answer(keep, set.minimumNorm(), set.rank());
            }
        });
    }

    private static Way batch(Problem p, SolveOptions options) {
        return each(keep -> {
            try (SolutionBatch batch = Nullspace.solveBatch(p.x, p.y, options)) {
                return answer(
                        keep,
                        batch.minimumNorm(),
                        Arrays.stream(batch.ranks()).min().orElse(-1));
            }
        });
    }

    private static Way project(Problem p, SolveOptions options) {
        return each(keep -> {
            Matrix none = Matrix.zeros(p.x.precision(), 1, p.x.rows(), 1, Layout.COLUMN_MAJOR);
            try (none;
                    SolutionSet set = Nullspace.solve(p.x, none, options);
                    Matrix projected = set.nullSpace().project(p.y)) {
                return answer(keep, projected, set.rank());
            }
        });
    }

    private static Way factored(Problem p, SolveOptions options) {
        Factorization factorization = Nullspace.factor(p.x, options);
        return new Way() {
            @Override
            public Answer run(MemoryScope keep) {
                try (SolutionSet set = factorization.solve(p.y)) {
                    return answer(keep, set.minimumNorm(), set.rank());
                }
            }

            @Override
            public void close() {
                factorization.close();
            }
        };
    }

    private static Way projectFactored(Problem p, SolveOptions options) {
        Matrix none = Matrix.zeros(p.x.precision(), 1, p.x.rows(), 1, Layout.COLUMN_MAJOR);
        SolutionSet set = Nullspace.solve(p.x, none, options);
        return new Way() {
            @Override
            public Answer run(MemoryScope keep) {
                try (Matrix projected = set.nullSpace().project(p.y)) {
                    return answer(keep, projected, set.rank());
                }
            }

            @Override
            public void close() {
                set.close();
                none.close();
            }
        };
    }

    /** X and Y (or Z) on the device, W left there. */
    private Way resident(Command c, Problem p, SolveOptions options, BiFunction<Resident, MemoryScope, Answer> run) {
        Resident resident = upload(c, p, options);
        return new Way() {
            @Override
            public Answer run(MemoryScope keep) {
                return run.apply(resident, keep);
            }

            @Override
            public void close() {
                resident.close();
            }
        };
    }

    /** As {@link #resident}, with what an earlier path has found about X. */
    private Way pathFactored(Command c, Problem p, SolveOptions options) {
        Resident resident = upload(c, p, options);
        try {
            Factors factors = resident.factor(resident.owner);
            resident.path(factors, null);
            return new Way() {
                @Override
                public Answer run(MemoryScope keep) {
                    return resident.path(factors, keep);
                }

                @Override
                public void close() {
                    resident.close();
                }
            };
        } catch (RuntimeException | Error e) {
            resident.close();
            throw e;
        }
    }

    private Resident upload(Command c, Problem p, SolveOptions options) {
        Session session = backend.open(0);
        MemoryScope owner = MemoryScope.open();
        try {
            Matrix x = session.allocate(owner, c.precision, 1, c.n, c.d, Layout.ROW_MAJOR);
            Matrix y = session.allocate(owner, c.precision, 1, p.y.rows(), c.k, Layout.COLUMN_MAJOR);
            session.copy(p.x, x);
            session.copy(p.y, y);
            session.synchronize();
            return new Resident(c, session, owner, x, y, options);
        } catch (RuntimeException | Error e) {
            owner.close();
            session.close();
            throw e;
        }
    }

    /** Operands on the device, and what the front door does with them: its planner and its solver on one session. */
    private record Resident(
            Command command, Session session, MemoryScope owner, Matrix x, Matrix y, SolveOptions options) {
        Factors factor(MemoryScope scope) {
            Command c = command;
            Plan plan = Planner.plan(c.n, c.d, c.k, c.precision, x.place(), options, session);
            Factors factors =
                    Solver.factor(session, scope, x, c.precision, options, plan).factors();
            if (factors == null) {
                throw new IllegalStateException("no factorization");
            }
            return factors;
        }

        Answer solve(MemoryScope keep) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Factors factors = factor(scratch);
                Matrix right = right(factors, scratch);
                Matrix w = factors.vectors(scratch, x.columns(), y.columns());
                factors.solve(right, w);
                session.synchronize();
                return keep == null ? null : answer(keep, session.toHost(w), factors.rank());
            }
        }

        Answer project(MemoryScope keep) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Factors factors = factor(scratch);
                Matrix w = right(factors, scratch);
                factors.projectOnNullSpace(w);
                session.synchronize();
                return keep == null ? null : answer(keep, session.toHost(w), factors.rank());
            }
        }

        /** A copy of Y in the precision of the factors. */
        private Matrix right(Factors factors, MemoryScope scratch) {
            Matrix right = factors.vectors(scratch, y.rows(), y.columns());
            session.copy(y, right);
            return right;
        }

        Answer path(MemoryScope keep) {
            try (MemoryScope scratch = MemoryScope.open()) {
                return path(factor(scratch), keep);
            }
        }

        /** All penalties; the answer holds the checked ones. */
        Answer path(Factors factors, MemoryScope keep) {
            try (MemoryScope scratch = MemoryScope.open()) {
                double[] penalties = penalties(command.d);
                Design design = Design.of(session, scratch, x, options, false);
                Matrix right = design.targets(scratch, y, factors.precision()).y();
                Matrix w = factors.vectors(scratch, x.columns(), penalties.length * y.columns());
                new RidgeSpectrum(scratch, session, factors, design, right).solve(penalties, w);
                session.synchronize();
                if (keep == null) {
                    return null;
                }
                Matrix checked = Matrix.uninitialized(
                        keep, Precision.FLOAT64, 1, w.rows(), CHECKED.length * y.columns(), Layout.COLUMN_MAJOR);
                for (int m = 0; m < CHECKED.length; m++) {
                    session.copy(block(command, w, CHECKED[m]), block(command, checked, m));
                }
                session.synchronize();
                return new Answer(checked, factors.rank());
            }
        }

        void close() {
            owner.close();
            session.close();
        }
    }

    // ---- measurement

    private void row(Command c, Entry entry) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("workload", c.workload());
        row.put("peer", entry.peer);
        row.put("from", entry.from);
        row.put("version", version);
        row.put("round", c.round);
        row.put("status", "failed");
        row.put("message", "");
        row.put("x_mb", problem.x.byteSize() / 1048576.0);
        try (MemoryScope keep = MemoryScope.open()) {
            print(Map.of("event", "begin"));
            Answer answer;
            try (Way way = entry.make.get()) {
                double first = time(way);
                print(Map.of("event", "end", "resident_mb", 0));
                List<Double> times = new ArrayList<>();
                if (first > 10 * c.seconds) {
                    times.add(first);
                }
                double spent = 0;
                while (times.size() < c.repeats || (spent < c.seconds / 4 && times.size() < 5 * c.repeats)) {
                    if (!times.isEmpty() && (spent > c.seconds || first > 10 * c.seconds)) {
                        break;
                    }
                    double seconds = time(way);
                    times.add(seconds);
                    spent += seconds;
                }
                double[] sorted =
                        times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
                int count = sorted.length;
                row.put("repeats", count);
                row.put("first_s", first);
                row.put("median_s", (sorted[(count - 1) / 2] + sorted[count / 2]) / 2);
                row.put("min_s", sorted[0]);
                row.put("max_s", sorted[count - 1]);
                answer = way.run(keep);
            }
            row.put("rank", answer.rank);
            errors(c, answer.solution, row);
            if (Double.isFinite((double) row.get("forward_error"))) {
                row.put("status", "ok");
            } else {
                row.put("message", "the solution is not finite");
            }
        } catch (RuntimeException | Error e) {
            e.printStackTrace();
            row.put("message", e.getClass().getSimpleName() + ": " + e.getMessage());
        }
        print(row);
    }

    private static double time(Way way) {
        long begin = System.nanoTime();
        way.run(null);
        return secondsSince(begin);
    }

    private void errors(Command c, Matrix w, Map<String, Object> row) {
        Matrix x = problem.x;
        Matrix y = problem.y;
        double worst = 0;
        if (problem.path != null && w.columns() == problem.path.columns()) {
            for (int m = 0; m < CHECKED.length; m++) {
                worst = Math.max(worst, distance(block(c, w, m), block(c, problem.path, m)));
            }
            row.put("forward_error", worst);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix residual = Matrix.uninitialized(scratch, Precision.FLOAT64, c.batch, c.n, c.k, Layout.COLUMN_MAJOR);
            double sizeOfX = norm(x);
            if (c.kind.equals("project")) {
                host.multiply(1, x, w, 0, residual);
                Matrix fromRows = w.columns(c.k / 2, c.k);
                row.put("forward_error", norm(fromRows) / norm(y.columns(c.k / 2, c.k)));
                row.put("orthogonality", norm(residual) / (sizeOfX * norm(y)));
                return;
            }
            for (long b = 0; b < c.batch; b++) {
                worst = Math.max(worst, distance(w.problem(b), problem.planted.problem(b)));
            }
            host.copy(y, residual);
            host.multiply(1, x, w, -1, residual);
            Matrix gradient = Matrix.uninitialized(scratch, Precision.FLOAT64, c.batch, c.d, c.k, Layout.COLUMN_MAJOR);
            host.multiply(1, x.transposed(), residual, 0, gradient);
            double size = sizeOfX * norm(w);
            row.put("forward_error", worst);
            row.put("residual", norm(residual) / size);
            row.put("orthogonality", norm(gradient) / (sizeOfX * size));
        }
    }

    /** ‖found − planted‖ / ‖planted‖. */
    private static double distance(Matrix found, Matrix planted) {
        double squares = IntStream.range(0, Math.toIntExact(found.rows()))
                .parallel()
                .mapToDouble(i -> {
                    double sum = 0;
                    for (long j = 0; j < found.columns(); j++) {
                        double e = found.get(0, i, j) - planted.get(0, i, j);
                        sum += e * e;
                    }
                    return sum;
                })
                .sum();
        return Math.sqrt(squares) / norm(planted);
    }

    /** Frobenius norm of all problems together. */
    private static double norm(Matrix a) {
        return Math.sqrt(LongStream.range(0, a.batch() * a.rows())
                .parallel()
                .mapToDouble(line -> {
                    double sum = 0;
                    for (long j = 0; j < a.columns(); j++) {
                        double e = a.get(line / a.rows(), line % a.rows(), j);
                        sum += e * e;
                    }
                    return sum;
                })
                .sum());
    }

    private static void print(Map<String, ?> values) {
        System.out.println(Rows.json(values));
        System.out.flush();
    }
}
