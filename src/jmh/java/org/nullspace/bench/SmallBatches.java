package org.nullspace.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.openblas.global.openblas;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.LinearSolverFactory_DDRM;
import org.ejml.interfaces.linsol.LinearSolverDense;
import org.nullspace.Nullspace;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolveOptions;

/**
 * Batches of wide problems, minimum-norm solution and rank: this library beside LAPACK's gelsy and EJML's Gram matrix with Cholesky (which checks
 * no rank) in the same JVM, on the same number of Java threads, in turns. Prints medians and ‖Xw − y‖/‖y‖ of the last problem.
 *
 * <p>Arguments: rounds, threads, then {@code BxNxD} for each batch.
 */
public final class SmallBatches {
    private final int threads;
    private final int size;
    private final int n;
    private final int d;
    private final double[] x;
    private final double[] y;
    private final double[] w;
    private final Matrix xs;
    private final Matrix ys;
    private double[] solution = {};

    private SmallBatches(int threads, int size, int n, int d) {
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
        for (String shape : Arrays.asList(args).subList(2, args.length)) {
            int[] sizes =
                    Arrays.stream(shape.split("x")).mapToInt(Integer::parseInt).toArray();
            new SmallBatches(threads, sizes[0], sizes[1], sizes[2]).run(shape, rounds);
        }
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private void run(String shape, int rounds) throws InterruptedException {
        String[] names = {"nullspace", "LAPACK gelsy", "EJML Gram + Cholesky"};
        Work[] works = {this::nullspace, () -> shared(this::gelsy), () -> shared(this::ejml)};
        double[][] seconds = new double[works.length][rounds];
        double[] errors = new double[works.length];
        // The first two rounds compile the code.
        for (int round = -2; round < rounds; round++) {
            for (int i = 0; i < works.length; i++) {
                long begin = System.nanoTime();
                works[i].run();
                double taken = (System.nanoTime() - begin) * 1e-9;
                if (round >= 0) {
                    seconds[i][round] = taken;
                    errors[i] = error();
                }
            }
        }
        for (int i = 0; i < works.length; i++) {
            Arrays.sort(seconds[i]);
            System.out.printf(
                    Locale.ROOT,
                    "%s %s: median %.4f s, min %.4f, max %.4f, residual %.1e%n",
                    shape,
                    names[i],
                    seconds[i][rounds / 2],
                    seconds[i][0],
                    seconds[i][rounds - 1],
                    errors[i]);
        }
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

    private void gelsy(int share) {
        double[] a = new double[n * d];
        double[] b = new double[d];
        int[] pivots = new int[d];
        int[] rank = new int[1];
        for (int p = size * share / threads; p < size * (share + 1) / threads; p++) {
            // Column-major, as LAPACK has it: a row-major call would transpose twice.
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < d; j++) {
                    a[j * n + i] = x[(p * n + i) * d + j];
                }
            }
            System.arraycopy(y, p * n, b, 0, n);
            Arrays.fill(pivots, 0);
            openblas.LAPACKE_dgelsy(openblas.LAPACK_COL_MAJOR, n, d, 1, a, n, b, d, pivots, d * Math.ulp(1.0), rank);
            System.arraycopy(b, 0, w, p * d, d);
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
