package org.nullspace.conformance;

import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;

/** Answers by other people's code: Hipparchus, in float64, on the host. */
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
        return new LUDecomposition(g)
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
