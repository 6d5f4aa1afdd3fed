package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;

/** X without entries: n = 0 or d = 0. Rank 0; every coefficient vector is a solution. */
final class ZeroFactors extends Factors {
    private final Method method;

    ZeroFactors(Session session, MemoryScope scope, Matrix x, Method method) {
        super(session, scope, x);
        this.method = method;
    }

    @Override
    public Method method() {
        return method;
    }

    @Override
    public Precision precision() {
        return Precision.FLOAT64;
    }

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public double[] singularValues() {
        return new double[0];
    }

    @Override
    public Solving solve(Matrix y, Matrix w) {
        session.fill(w, 0);
        return new Solving(0, true);
    }

    @Override
    public void ridge(double lambda, Matrix y, Matrix w) {
        session.fill(w, 0);
    }

    @Override
    public Triplets triplets() {
        return new Triplets(none(x.rows()), new double[0], none(x.columns()));
    }

    private OrthonormalColumns none(long length) {
        return new DenseColumns(session, vectors(scope, length, 0));
    }

    @Override
    boolean subtractRowPart(Matrix w) {
        return true;
    }

    @Override
    int projectionSteps() {
        return 0;
    }

    @Override
    CompleteBasis makeCompleteBasis() {
        return CompleteBasis.identity(session, precision(), x.columns());
    }
}
