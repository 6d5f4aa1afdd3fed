package org.nullspace.bench;

import java.io.IOException;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.ojalgo.matrix.decomposition.SingularValue;
import org.ojalgo.matrix.store.MatrixStore;
import org.ojalgo.matrix.store.R064Store;

/**
 * What a Java user would write for one wide system, many targets, ridge paths, projections and bases: EJML's QR and symmetric eigenvalue
 * decompositions, ojAlgo's singular value decomposition. Each library gets its own form of X, made before the clock starts.
 */
final class LargeJavaPeers {
    private static final String EJML = "ejml 0.46.1, Java " + System.getProperty("java.version");
    private static final String OJALGO = "ojalgo 57.1.0, Java " + System.getProperty("java.version");

    /** Indices of the penalties whose solutions and scores are planted. */
    private static final int[] CHECKED = {0, 50, 99};

    private final Rows rows;
    private final double base;
    private final Matrix x;
    private final DMatrixRMaj ejml;

    LargeJavaPeers(Rows rows) throws IOException {
        this.rows = rows;
        this.base = Rows.memory("VmRSS");
        this.x = rows.read("X");
        this.ejml = ejml(x);
    }

    void run() throws IOException {
        switch (rows.kind()) {
            case "wide", "memory", "targets" -> {
                Matrix y = rows.read("Y");
                Matrix w = rows.read("W");
                DMatrixRMaj ejmlY = ejml(y);
                row("ejml qr(X')", EJML, check -> found(check, minimumNorm(ejmlY), w));
                if (!rows.kind().equals("memory")) {
                    ojalgo(y, w);
                }
            }
            case "deficient" -> ojalgo(rows.read("Y"), rows.read("W"));
            case "project" -> {
                DMatrixRMaj z = ejml(rows.read("Z"));
                Matrix pz = rows.read("PZ");
                row("ejml qr(X'), Z - Q (Q' Z)", EJML, check -> found(check, project(z), pz));
            }
            case "ridge" -> {
                DMatrixRMaj y = ejml(rows.read("Y"));
                double[] penalties = rows.vector("L");
                Matrix planted = rows.read("R");
                row("ejml eigen path", EJML, check -> {
                    DMatrixRMaj[] all = ridge(y, penalties);
                    Rows.Found found = new Rows.Found();
                    found.forwardError = 0;
                    for (int i = 0; check && i < CHECKED.length; i++) {
                        double error = Rows.relativeError(matrix(all[CHECKED[i]]), planted.problem(i));
                        found.forwardError = Math.max(found.forwardError, error);
                    }
                    return found;
                });
            }
            case "loo" -> {
                DMatrixRMaj y = ejml(rows.read("Y"));
                double[] penalties = rows.vector("L");
                Matrix planted = rows.read("T");
                row("ejml eigen, scores", EJML, check -> {
                    double[][] scores = leaveOneOut(y, penalties);
                    Rows.Found found = new Rows.Found();
                    found.forwardError = 0;
                    for (int i = 0; check && i < CHECKED.length; i++) {
                        Matrix one = Matrix.of(new double[][] {scores[CHECKED[i]]});
                        double error = Rows.relativeError(one, planted.rows(i, i + 1L));
                        found.forwardError = Math.max(found.forwardError, error);
                    }
                    return found;
                });
            }
            case "basis" ->
                row("ejml qr(X') with all of Q", EJML, check -> {
                    QRDecomposition<DMatrixRMaj> qr = qr();
                    DMatrixRMaj q = qr.getQ(null, false);
                    DMatrixRMaj basis = CommonOps_DDRM.extract(q, 0, q.numRows, ejml.numRows, q.numCols);
                    Rows.Found found = new Rows.Found();
                    found.forwardError = check ? Rows.basisError(x, matrix(basis)) : Double.NaN;
                    return found;
                });
            default -> {
                // No Java peer.
            }
        }
    }

    private void row(String peer, String version, Rows.Work work) throws IOException {
        rows.row(peer, version, base, x, work);
    }

    private static Rows.Found found(boolean check, DMatrixRMaj answer, Matrix expected) {
        Rows.Found found = new Rows.Found();
        found.forwardError = check ? Rows.relativeError(matrix(answer), expected) : Double.NaN;
        return found;
    }

    // ---- EJML

    private QRDecomposition<DMatrixRMaj> qr() {
        DMatrixRMaj transposed = CommonOps_DDRM.transpose(ejml, null);
        QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(transposed.numRows, transposed.numCols);
        if (!qr.decompose(transposed)) {
            throw new IllegalStateException("EJML could not factorize");
        }
        return qr;
    }

    /** Q·R⁻ᵀ·Y. */
    private DMatrixRMaj minimumNorm(DMatrixRMaj y) {
        QRDecomposition<DMatrixRMaj> qr = qr();
        DMatrixRMaj q = qr.getQ(null, true);
        DMatrixRMaj r = qr.getR(null, true);
        DMatrixRMaj c = y.copy();
        int k = c.numCols;
        for (int i = 0; i < c.numRows; i++) {
            for (int l = 0; l < i; l++) {
                double factor = r.get(l, i);
                for (int j = 0; j < k; j++) {
                    c.data[i * k + j] -= factor * c.data[l * k + j];
                }
            }
            for (int j = 0; j < k; j++) {
                c.data[i * k + j] /= r.get(i, i);
            }
        }
        DMatrixRMaj w = new DMatrixRMaj(q.numRows, k);
        CommonOps_DDRM.mult(q, c, w);
        return w;
    }

    private DMatrixRMaj project(DMatrixRMaj z) {
        DMatrixRMaj q = qr().getQ(null, true);
        DMatrixRMaj inside = new DMatrixRMaj(q.numCols, z.numCols);
        CommonOps_DDRM.multTransA(q, z, inside);
        DMatrixRMaj out = z.copy();
        CommonOps_DDRM.multAdd(-1, q, inside, out);
        return out;
    }

    /** Eigenvalues of XX' and, as columns, its eigenvectors. */
    private double[] eigen(DMatrixRMaj vectors) {
        int n = ejml.numRows;
        DMatrixRMaj gram = new DMatrixRMaj(n, n);
        CommonOps_DDRM.multTransB(ejml, ejml, gram);
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(n, true, true);
        if (!eigen.decompose(gram)) {
            throw new IllegalStateException("EJML did not converge");
        }
        double[] values = new double[n];
        for (int i = 0; i < n; i++) {
            values[i] = eigen.getEigenvalue(i).real;
            CommonOps_DDRM.insert(eigen.getEigenVector(i), vectors, 0, i);
        }
        return values;
    }

    private DMatrixRMaj[] ridge(DMatrixRMaj y, double[] penalties) {
        int n = ejml.numRows;
        DMatrixRMaj u = new DMatrixRMaj(n, n);
        double[] squares = eigen(u);
        DMatrixRMaj c = new DMatrixRMaj(n, y.numCols);
        CommonOps_DDRM.multTransA(u, y, c);
        DMatrixRMaj[] out = new DMatrixRMaj[penalties.length];
        DMatrixRMaj alphas = new DMatrixRMaj(n, y.numCols);
        for (int l = 0; l < penalties.length; l++) {
            CommonOps_DDRM.mult(u, filtered(c, squares, penalties[l]), alphas);
            out[l] = new DMatrixRMaj(ejml.numCols, y.numCols);
            CommonOps_DDRM.multTransA(ejml, alphas, out[l]);
        }
        return out;
    }

    private static DMatrixRMaj filtered(DMatrixRMaj c, double[] squares, double penalty) {
        DMatrixRMaj out = c.copy();
        for (int i = 0; i < out.numRows; i++) {
            for (int j = 0; j < out.numCols; j++) {
                out.data[i * out.numCols + j] /= squares[i] + penalty;
            }
        }
        return out;
    }

    private double[][] leaveOneOut(DMatrixRMaj y, double[] penalties) {
        int n = ejml.numRows;
        int k = y.numCols;
        DMatrixRMaj u = new DMatrixRMaj(n, n);
        double[] squares = eigen(u);
        DMatrixRMaj c = new DMatrixRMaj(n, k);
        CommonOps_DDRM.multTransA(u, y, c);
        double[][] out = new double[penalties.length][k];
        DMatrixRMaj errors = new DMatrixRMaj(n, k);
        for (int l = 0; l < penalties.length; l++) {
            CommonOps_DDRM.mult(u, filtered(c, squares, penalties[l]), errors);
            for (int i = 0; i < n; i++) {
                double share = 0;
                for (int m = 0; m < n; m++) {
                    share += u.data[i * n + m] * u.data[i * n + m] / (squares[m] + penalties[l]);
                }
                for (int j = 0; j < k; j++) {
                    double error = errors.data[i * k + j] / share;
                    out[l][j] += error * error / n;
                }
            }
        }
        return out;
    }

    // ---- ojAlgo

    private void ojalgo(Matrix y, Matrix w) throws IOException {
        R064Store a = store(x);
        R064Store b = store(y);
        row("ojalgo svd", OJALGO, check -> {
            SingularValue<Double> svd = SingularValue.R064.make(a);
            if (!svd.decompose(a)) {
                throw new IllegalStateException("ojAlgo did not converge");
            }
            MatrixStore<Double> solution = svd.getSolution(b);
            Rows.Found found = new Rows.Found();
            found.rank = svd.getRank();
            found.forwardError = check ? Rows.relativeError(Matrix.of(solution.toRawCopy2D()), w) : Double.NaN;
            return found;
        });
    }

    private static R064Store store(Matrix m) {
        R064Store out = R064Store.FACTORY.make(m.rows(), m.columns());
        for (int i = 0; i < m.rows(); i++) {
            double[] row = m.transposed().columnToArray(i);
            for (int j = 0; j < row.length; j++) {
                out.set(i, j, row[j]);
            }
        }
        return out;
    }

    // ---- between forms

    private static DMatrixRMaj ejml(Matrix m) {
        DMatrixRMaj out = new DMatrixRMaj((int) m.rows(), (int) m.columns());
        for (int i = 0; i < out.numRows; i++) {
            System.arraycopy(m.transposed().columnToArray(i), 0, out.data, i * out.numCols, out.numCols);
        }
        return out;
    }

    private static Matrix matrix(DMatrixRMaj m) {
        Matrix out = Matrix.zeros(Precision.FLOAT64, 1, m.numRows, m.numCols, Layout.ROW_MAJOR);
        for (int i = 0; i < m.numRows; i++) {
            for (int j = 0; j < m.numCols; j++) {
                out.set(0, i, j, m.get(i, j));
            }
        }
        return out;
    }
}
