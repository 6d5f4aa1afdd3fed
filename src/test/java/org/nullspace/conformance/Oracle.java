package org.nullspace.conformance;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;

/** Answers by other people's code, Hipparchus and EJML, in float64, on the host. */
final class Oracle {
    private Oracle() {}

    /**
     * X⁺Y by a singular value decomposition.
     *
     * @param ratio singular values at or below this times the largest count as zero
     */
    static double[][] minimumNorm(double[][] x, double[][] y, double ratio) {
        SingularValueDecomposition svd = svd(x);
        double[] s = svd.getSingularValues();
        RealMatrix t = svd.getUT().multiply(matrix(y));
        for (int i = 0; i < s.length; i++) {
            double factor = s[i] > ratio * s[0] ? 1 / s[i] : 0;
            for (int j = 0; j < t.getColumnDimension(); j++) {
                t.multiplyEntry(i, j, factor);
            }
        }
        return svd.getV().multiply(t).getData();
    }

    /** X⁺Y by EJML's singular value decomposition. */
    static double[][] minimumNormByEjml(double[][] x, double[][] y, double ratio) {
        DMatrixRMaj a = new DMatrixRMaj(x);
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(a.numRows, a.numCols, true, true, true);
        if (!svd.decompose(a.copy())) {
            throw new AssertionError("EJML's decomposition did not converge");
        }
        double[] s = svd.getSingularValues();
        double largest = 0;
        for (int i = 0; i < svd.numberOfSingularValues(); i++) {
            largest = Math.max(largest, s[i]);
        }
        DMatrixRMaj u = svd.getU(null, false);
        DMatrixRMaj v = svd.getV(null, false);
        DMatrixRMaj t = new DMatrixRMaj(u.numCols, y[0].length);
        CommonOps_DDRM.multTransA(u, new DMatrixRMaj(y), t);
        for (int i = 0; i < t.numRows; i++) {
            double factor = s[i] > ratio * largest ? 1 / s[i] : 0;
            for (int j = 0; j < t.numCols; j++) {
                t.set(i, j, t.get(i, j) * factor);
            }
        }
        DMatrixRMaj w = new DMatrixRMaj(v.numRows, t.numCols);
        CommonOps_DDRM.mult(v, t, w);
        double[][] out = new double[w.numRows][w.numCols];
        for (int i = 0; i < w.numRows; i++) {
            for (int j = 0; j < w.numCols; j++) {
                out[i][j] = w.get(i, j);
            }
        }
        return out;
    }

    /** Singular values, descending. */
    static double[] singularValues(double[][] x) {
        return svd(x).getSingularValues();
    }

    /** (XᵀX + λI)⁻¹XᵀY. */
    static double[][] ridge(double[][] x, double[][] y, double lambda) {
        RealMatrix a = matrix(x);
        RealMatrix g = a.transpose().multiply(a);
        for (int i = 0; i < g.getRowDimension(); i++) {
            g.addToEntry(i, i, lambda);
        }
        return new LUDecomposition(g, 0)
                .getSolver()
                .solve(a.transpose().multiply(matrix(y)))
                .getData();
    }

    /** An orthonormal basis of the orthogonal complement of the columns of V, d×(d−r). */
    static double[][] complement(double[][] v) {
        int d = v.length;
        int r = Dense.columns(v);
        if (r == d) {
            return new double[d][0];
        }
        double[][] p = projector(v);
        double[][] u = svd(p).getU().getData();
        return Dense.columns(u, 0, d - r);
    }

    /** I − VVᵀ. */
    static double[][] projector(double[][] v) {
        double[][] identity = Dense.identity(v.length);
        return Dense.columns(v) == 0 ? identity : Dense.subtract(identity, Dense.multiply(v, Dense.transpose(v)));
    }

    private static SingularValueDecomposition svd(double[][] a) {
        return new SingularValueDecomposition(matrix(a));
    }

    private static RealMatrix matrix(double[][] a) {
        return new Array2DRowRealMatrix(a, false);
    }
}
