package org.nullspace.bench;

import java.io.IOException;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.LinearSolverFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.ejml.interfaces.linsol.LinearSolverDense;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.SingularValueDecomposition;
import org.nullspace.matrix.Matrix;
import org.ojalgo.matrix.decomposition.SingularValue;
import org.ojalgo.matrix.store.MatrixStore;
import org.ojalgo.matrix.store.R064Store;

/**
 * Times what a Java user would call instead on the problems of {@link Headline}: here the minimum-norm solution and the rank by singular value
 * decomposition, the other deliverables in {@link LargeJavaPeers}. Each library gets its own form of the input, made before the clock starts.
 */
public final class JavaPeers {
    private JavaPeers() {}

    public static void main(String[] args) throws IOException {
        Rows rows = new Rows(args);
        if (rows.round() > 1) {
            return;
        }
        if (!rows.kind().equals("solve") && !rows.kind().equals("loop")) {
            new LargeJavaPeers(rows).run();
            return;
        }
        double base = Rows.memory("VmRSS");
        Matrix x = rows.read("X");
        Matrix y = rows.read("Y");
        Matrix w = rows.read("W");
        int problems = (int) x.batch();
        double[][][] xs = new double[problems][][];
        double[][] ys = new double[problems][];
        for (int b = 0; b < problems; b++) {
            xs[b] = x.problem(b).toArray();
            ys[b] = y.problem(b).columnToArray(0);
        }
        DMatrixRMaj[] ejml = new DMatrixRMaj[problems];
        R064Store[] ojalgo = new R064Store[problems];
        Array2DRowRealMatrix[] hipparchus = new Array2DRowRealMatrix[problems];
        for (int b = 0; b < problems; b++) {
            ejml[b] = new DMatrixRMaj(xs[b]);
            ojalgo[b] = R064Store.FACTORY.copy(org.ojalgo.structure.Access2D.wrap(xs[b]));
            hipparchus[b] = new Array2DRowRealMatrix(xs[b], false);
        }
        String java = ", Java " + System.getProperty("java.version");
        rows.row("ejml svd", "ejml 0.46.1" + java, base, x, check -> {
            Rows.Found found = new Rows.Found();
            found.forwardError = 0;
            found.rank = Integer.MAX_VALUE;
            for (int b = 0; b < problems; b++) {
                ejml(found, check, ejml[b], ys[b], w.problem(b));
            }
            return found;
        });
        rows.row("ojalgo svd", "ojalgo 57.1.0" + java, base, x, check -> {
            Rows.Found found = new Rows.Found();
            found.forwardError = 0;
            found.rank = Integer.MAX_VALUE;
            for (int b = 0; b < problems; b++) {
                ojalgo(found, check, ojalgo[b], ys[b], w.problem(b));
            }
            return found;
        });
        rows.row("hipparchus svd", "hipparchus 4.0.3" + java, base, x, check -> {
            Rows.Found found = new Rows.Found();
            found.forwardError = 0;
            found.rank = Integer.MAX_VALUE;
            for (int b = 0; b < problems; b++) {
                SingularValueDecomposition svd = new SingularValueDecomposition(hipparchus[b]);
                double[] solution =
                        svd.getSolver().solve(new ArrayRealVector(ys[b], false)).toArray();
                found.rank = Math.min(found.rank, svd.getRank());
                note(found, check, solution, w.problem(b));
            }
            return found;
        });
    }

    private static void ejml(Rows.Found found, boolean check, DMatrixRMaj x, double[] y, Matrix w) {
        LinearSolverDense<DMatrixRMaj> solver = LinearSolverFactory_DDRM.pseudoInverse(true);
        if (!solver.setA(x)) {
            throw new IllegalStateException("EJML did not converge");
        }
        DMatrixRMaj solution = new DMatrixRMaj(x.numCols, 1);
        solver.solve(DMatrixRMaj.wrap(y.length, 1, y.clone()), solution);
        SingularValueDecomposition_F64<DMatrixRMaj> svd = solver.getDecomposition();
        found.rank = Math.min(found.rank, SingularOps_DDRM.rank(svd, 1e-12 * largest(svd.getSingularValues())));
        note(found, check, solution.data, w);
    }

    private static double largest(double[] values) {
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, value);
        }
        return largest;
    }

    private static void ojalgo(Rows.Found found, boolean check, R064Store x, double[] y, Matrix w) {
        SingularValue<Double> svd = SingularValue.R064.make(x);
        if (!svd.decompose(x)) {
            throw new IllegalStateException("ojAlgo did not converge");
        }
        MatrixStore<Double> solution = svd.getSolution(R064Store.FACTORY.column(y));
        found.rank = Math.min(found.rank, svd.getRank());
        note(found, check, solution.toRawCopy1D(), w);
    }

    private static void note(Rows.Found found, boolean check, double[] solution, Matrix w) {
        if (check) {
            found.forwardError = Math.max(found.forwardError, Rows.relativeError(Matrix.column(solution), w));
        }
    }
}
