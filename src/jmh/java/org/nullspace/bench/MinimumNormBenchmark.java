package org.nullspace.bench;

import java.util.concurrent.TimeUnit;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.LinearSolverFactory_DDRM;
import org.ejml.interfaces.linsol.LinearSolverDense;
import org.nullspace.Nullspace;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One regression from X in memory to the minimum-norm solution in memory, by method and shape, beside EJML's SVD. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MinimumNormBenchmark {
    @Param({"6x12", "16x64", "64x512", "500x5000"})
    String shape;

    private Matrix x;
    private Matrix y;
    private DMatrixRMaj ejmlX;
    private DMatrixRMaj ejmlY;

    @Setup
    public void plant() {
        int n = Integer.parseInt(shape.split("x")[0]);
        int d = Integer.parseInt(shape.split("x")[1]);
        SplitMix64 random = new SplitMix64(1);
        x = Matrix.zeros(Precision.FLOAT64, 1, n, d, Layout.ROW_MAJOR);
        y = Matrix.zeros(Precision.FLOAT64, 1, n, 1, Layout.ROW_MAJOR);
        ejmlX = new DMatrixRMaj(n, d);
        ejmlY = new DMatrixRMaj(n, 1);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < d; j++) {
                x.set(0, i, j, random.nextGaussian());
                ejmlX.set(i, j, x.get(i, j));
            }
            y.set(0, i, 0, random.nextGaussian());
            ejmlY.set(i, 0, y.get(i, 0));
        }
    }

    private double solve(Method method) {
        try (SolutionSet set =
                Nullspace.solve(x, y, SolveOptions.builder().method(method).build())) {
            return set.rank() + set.minimumNorm().get(0, 0);
        }
    }

    @Benchmark
    public double auto() {
        return solve(Method.AUTO);
    }

    @Benchmark
    public double qrSvd() {
        return solve(Method.QR_SVD);
    }

    @Benchmark
    public double gesvd() {
        return solve(Method.GESVD);
    }

    @Benchmark
    public double ejmlSvd() {
        LinearSolverDense<DMatrixRMaj> solver = LinearSolverFactory_DDRM.pseudoInverse(true);
        solver.setA(ejmlX.copy());
        DMatrixRMaj solution = new DMatrixRMaj(ejmlX.numCols, 1);
        solver.solve(ejmlY, solution);
        return solution.get(0, 0);
    }
}
