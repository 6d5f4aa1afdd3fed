package org.nullspace.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.openblas.global.openblas;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.LinearSolverFactory_DDRM;
import org.ejml.interfaces.linsol.LinearSolverDense;
import org.nullspace.Nullspace;
import org.nullspace.backend.Backends;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolveOptions;

/**
 * Batches of wide problems: this library, through its front door and through the batch operations of a session alone, beside LAPACK's drivers,
 * EJML's singular value decomposition, and Gram matrices with Cholesky (which check no rank) in the same JVM, on the same number of Java
 * threads, in turns. Prints medians, their ratio to the median of this library's operation that delivers the same, and ‖Xw − y‖/‖y‖ of the
 * last problem.
 *
 * <p>Arguments: rounds, threads, then {@code BxNxD} for each batch.
 */
public final class SmallBatches {
    private static final String OPERATIONS = "nullspace operations";
    private static final String SPECTRUM = "nullspace operations, spectrum";

    private final BatchSolver solver;
    private final int threads;
    private final int size;
    private final int n;
    private final int d;
    private final double[] x;
    private final double[] y;
    private final double[] w;
    private final Matrix xs;
    private final Matrix ys;
    private final Matrix ws;
    private final Matrix bounds;
    private final Matrix sigma;
    private double[] solution = {};

    private SmallBatches(BatchSolver solver, int threads, int size, int n, int d) {
        this.solver = solver;
        this.threads = threads;
        this.size = size;
        this.n = n;
        this.d = d;
        SplittableRandom random = new SplittableRandom(20260301);
        x = random.doubles((long) size * n * d, -1, 1).toArray();
        y = random.doubles((long) size * n, -1, 1).toArray();
        w = new double[size * d];
        xs = Matrix.zeros(Precision.FLOAT64, size, n, d, Layout.ROW_MAJOR);
        ys = Matrix.zeros(Precision.FLOAT64, size, n, 1, Layout.ROW_MAJOR);
        ws = Matrix.zeros(Precision.FLOAT64, size, d, 1, Layout.ROW_MAJOR);
        bounds = Matrix.zeros(Precision.FLOAT64, size, 1, 2, Layout.ROW_MAJOR);
        sigma = Matrix.zeros(Precision.FLOAT64, size, n, 1, Layout.ROW_MAJOR);
        for (int b = 0; b < size; b++) {
            for (int i = 0; i < n; i++) {
                ys.set(b, i, 0, y[b * n + i]);
                for (int j = 0; j < d; j++) {
                    xs.set(b, i, j, x[(b * n + i) * d + j]);
                }
            }
        }
    }

    public static void main(String[] args) throws InterruptedException {
        int rounds = Integer.parseInt(args[0]);
        int threads = Integer.parseInt(args[1]);
        System.setProperty("nullspace.threads", args[1]);
        try (Session session = Backends.providers(DeviceKind.CPU).get(0).open(0)) {
            BatchSolver solver = Objects.requireNonNull(session.batchSolver());
            for (String shape : Arrays.asList(args).subList(2, args.length)) {
                int[] sizes = Arrays.stream(shape.split("x"))
                        .mapToInt(Integer::parseInt)
                        .toArray();
                new SmallBatches(solver, threads, sizes[0], sizes[1], sizes[2]).run(shape, rounds);
            }
        }
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private void run(String shape, int rounds) throws InterruptedException {
        Map<String, Work> works = new LinkedHashMap<>();
        works.put(OPERATIONS, () -> operations(false));
        works.put("nullspace", this::nullspace);
        works.put("LAPACK gelsy", () -> shared(this::gelsy));
        works.put("LAPACK gels", () -> shared(this::gels));
        works.put("OpenBLAS Gram", this::gramShared);
        works.put("EJML Gram", () -> shared(this::ejml));
        works.put(SPECTRUM, () -> operations(true));
        works.put("LAPACK gelsd", () -> shared(this::gelsd));
        works.put("EJML SVD", () -> shared(this::ejmlSvd));
        double[][] seconds = new double[works.size()][rounds];
        double[] errors = new double[works.size()];
        // The first two rounds compile the code.
        for (int round = -2; round < rounds; round++) {
            int i = 0;
            for (Work work : works.values()) {
                long begin = System.nanoTime();
                work.run();
                double taken = (System.nanoTime() - begin) * 1e-9;
                if (round >= 0) {
                    seconds[i][round] = taken;
                    errors[i] = error();
                }
                i++;
            }
        }
        int i = 0;
        double reference = 0;
        for (String name : works.keySet()) {
            Arrays.sort(seconds[i]);
            double median = seconds[i][rounds / 2];
            if (name.equals(OPERATIONS) || name.equals(SPECTRUM)) {
                reference = median;
            }
            System.out.printf(
                    Locale.ROOT,
                    "%s %-30s median %.4f s (%5.2f times), min %.4f, max %.4f, residual %.1e%n",
                    shape,
                    name,
                    median,
                    median / reference,
                    seconds[i][0],
                    seconds[i][rounds - 1],
                    errors[i]);
            i++;
        }
    }

    private void operations(boolean withSpectrum) {
        solver.minimumNorm(xs, ys, ws, bounds, withSpectrum ? sigma : null);
        if (!(bounds.get(size - 1L, 0, 0) * bounds.get(size - 1L, 0, 1) >= 1)) {
            throw new IllegalStateException("not of full rank");
        }
        solution = ws.problem(size - 1L).columnToArray(0);
    }

    private void nullspace() {
        SolveOptions options = SolveOptions.builder().backend(BackendChoice.CPU).build();
        try (SolutionBatch batch = Nullspace.solveBatch(xs, ys, options)) {
            if (Arrays.stream(batch.ranks()).anyMatch(rank -> rank != n)) {
                throw new IllegalStateException("not of full rank");
            }
            solution = batch.minimumNorm().problem(size - 1L).columnToArray(0);
        }
    }

    /** Runs the problems in as many threads as there are, in equal shares. */
    private void shared(IntConsumer share) throws InterruptedException {
        Thread[] all = IntStream.range(0, threads)
                .mapToObj(t -> new Thread(() -> share.accept(t)))
                .toArray(Thread[]::new);
        for (Thread thread : all) {
            thread.start();
        }
        for (Thread thread : all) {
            thread.join();
        }
        solution = Arrays.copyOfRange(w, (size - 1) * d, size * d);
    }

    private void gramShared() throws InterruptedException {
        shared(this::gram);
        solution = ws.problem(size - 1L).columnToArray(0);
    }

    private void gelsy(int share) {
        double[] a = new double[n * d];
        double[] b = new double[d];
        int[] pivots = new int[d];
        int[] rank = new int[1];
        for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
            columnMajor(p, a, b);
            Arrays.fill(pivots, 0);
            openblas.LAPACKE_dgelsy(openblas.LAPACK_COL_MAJOR, n, d, 1, a, n, b, d, pivots, d * Math.ulp(1.0), rank);
            System.arraycopy(b, 0, w, p * d, d);
        }
    }

    private void gelsd(int share) {
        double[] a = new double[n * d];
        double[] b = new double[d];
        double[] s = new double[n];
        int[] rank = new int[1];
        for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
            columnMajor(p, a, b);
            openblas.LAPACKE_dgelsd(openblas.LAPACK_COL_MAJOR, n, d, 1, a, n, b, d, s, d * Math.ulp(1.0), rank);
            System.arraycopy(b, 0, w, p * d, d);
        }
    }

    private void gels(int share) {
        double[] a = new double[n * d];
        double[] b = new double[d];
        for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
            columnMajor(p, a, b);
            openblas.LAPACKE_dgels(openblas.LAPACK_COL_MAJOR, (byte) 'N', n, d, 1, a, n, b, d);
            System.arraycopy(b, 0, w, p * d, d);
        }
    }

    /** Column-major, as LAPACK has it: a row-major call would transpose twice. */
    private void columnMajor(int p, double[] a, double[] b) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < d; j++) {
                a[j * n + i] = x[(p * n + i) * d + j];
            }
        }
        System.arraycopy(y, p * n, b, 0, n);
    }

    /** On the memory of X and W, as C code would: no copy of X. */
    private void gram(int share) {
        try (DoublePointer g = new DoublePointer((long) n * n);
                DoublePointer z = new DoublePointer(n);
                At a = new At();
                At b = new At();
                At c = new At()) {
            for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
                a.set(xs.address(p));
                b.set(ys.address(p));
                c.set(ws.address(p));
                openblas.cblas_dsyrk(
                        openblas.CblasColMajor, openblas.CblasLower, openblas.CblasTrans, n, d, 1, a, d, 0, g, n);
                if (openblas.LAPACKE_dpotrf_work(openblas.LAPACK_COL_MAJOR, (byte) 'L', n, g, n) != 0) {
                    throw new IllegalStateException("OpenBLAS: not positive definite");
                }
                openblas.cblas_dcopy(n, b, 1, z, 1);
                openblas.LAPACKE_dpotrs_work(openblas.LAPACK_COL_MAJOR, (byte) 'L', n, 1, g, n, z, n);
                openblas.cblas_dgemv(openblas.CblasColMajor, openblas.CblasNoTrans, d, n, 1, a, d, z, 1, 0, c, 1);
            }
        }
    }

    /** A place in memory that belongs to a matrix. */
    private static final class At extends DoublePointer {
        private void set(long to) {
            address = to;
        }
    }

    private void ejmlSvd(int share) {
        DMatrixRMaj a = new DMatrixRMaj(n, d);
        DMatrixRMaj b = new DMatrixRMaj(n, 1);
        DMatrixRMaj c = new DMatrixRMaj(d, 1);
        LinearSolverDense<DMatrixRMaj> solver = LinearSolverFactory_DDRM.pseudoInverse(true);
        for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
            System.arraycopy(x, p * n * d, a.data, 0, n * d);
            System.arraycopy(y, p * n, b.data, 0, n);
            if (!solver.setA(a)) {
                throw new IllegalStateException("EJML did not converge");
            }
            solver.solve(b, c);
            System.arraycopy(c.data, 0, w, p * d, d);
        }
    }

    private void ejml(int share) {
        DMatrixRMaj a = new DMatrixRMaj(n, d);
        DMatrixRMaj b = new DMatrixRMaj(n, 1);
        DMatrixRMaj g = new DMatrixRMaj(n, n);
        DMatrixRMaj z = new DMatrixRMaj(n, 1);
        DMatrixRMaj c = new DMatrixRMaj(d, 1);
        LinearSolverDense<DMatrixRMaj> solver = LinearSolverFactory_DDRM.chol(n);
        for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
            System.arraycopy(x, p * n * d, a.data, 0, n * d);
            System.arraycopy(y, p * n, b.data, 0, n);
            CommonOps_DDRM.multOuter(a, g);
            if (!solver.setA(g)) {
                throw new IllegalStateException("EJML: not positive definite");
            }
            solver.solve(b, z);
            CommonOps_DDRM.multTransA(a, z, c);
            System.arraycopy(c.data, 0, w, p * d, d);
        }
    }

    /** ‖Xw − y‖/‖y‖ of the last problem. */
    private double error() {
        double residual = 0;
        double norm = 0;
        for (int i = 0; i < n; i++) {
            double r = -y[(size - 1) * n + i];
            norm = Math.hypot(norm, r);
            for (int j = 0; j < d; j++) {
                r += x[((size - 1) * n + i) * d + j] * solution[j];
            }
            residual = Math.hypot(residual, r);
        }
        return residual / norm;
    }
}
