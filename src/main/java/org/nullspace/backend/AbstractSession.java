package org.nullspace.backend;

import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * A session that has its operands checked before anything is queued: each operation of {@link Session} checks here and computes in the
 * method of the same name that ends in {@code Checked}. For those who write backends.
 *
 * @param <S> the backend's kind of status words
 */
public abstract class AbstractSession<S extends Status> implements Session {
    private final Class<S> statusKind;
    private boolean closed;

    /**
     * An open session.
     *
     * @param statusKind the backend's kind of status words
     */
    protected AbstractSession(Class<S> statusKind) {
        this.statusKind = statusKind;
    }

    // ---- life

    /**
     * Fails unless the session is open.
     *
     * @throws ClosedException if it has been closed
     */
    protected final void checkOpen() {
        if (closed) {
            throw new ClosedException("session (" + description() + ") was used after it had been closed");
        }
    }

    /** Closing again has no effect. */
    @Override
    public final void close() {
        if (!closed) {
            closed = true;
            closeChecked();
        }
    }

    /** Gives everything back; called once. */
    protected abstract void closeChecked();

    /**
     * Runs the work of one operation.
     *
     * @param operation its name, for messages
     * @param work queues the work
     * @param operands all operands, which stay reachable until the work has been queued
     */
    protected abstract void run(String operation, Runnable work, Matrix... operands);

    @Override
    public final Status status(MemoryScope scope, int size) {
        checkOpen();
        scope.checkUsable("status");
        if (size < 0) {
            throw new InvalidInputException("status: " + size + " is not a number of problems");
        }
        return statusChecked(scope, size);
    }

    /**
     * New status words, all 0.
     *
     * @param scope owner of the memory
     * @param size number of problems, at least 0
     * @return new status words
     */
    protected abstract S statusChecked(MemoryScope scope, int size);

    @Override
    public final int[] read(Status status) {
        checkOpen();
        if (!statusKind.isInstance(status)) {
            throw new InvalidInputException("read: these status words belong to another backend: "
                    + status.getClass().getName());
        }
        return readChecked(statusKind.cast(status));
    }

    /**
     * Waits for all queued work and reads status words.
     *
     * @param status the words
     * @return a new array
     */
    protected abstract int[] readChecked(S status);

    private Operands operands(String operation) {
        checkOpen();
        return new Operands(operation, place());
    }

    // ---- operations

    @Override
    public final void copy(Matrix source, Matrix target) {
        operands("copy")
                .reads("source", source)
                .orHost()
                .writes("target", target)
                .orHost()
                .shapes(source.rows() == target.rows() && source.columns() == target.columns(), "the shapes must agree")
                .checkedOrSame();
        run("copy", () -> copyChecked(source, target), source, target);
    }

    /**
     * {@link #copy} of checked operands.
     *
     * @param source see there
     * @param target see there
     */
    protected abstract void copyChecked(Matrix source, Matrix target);

    @Override
    public final void copyColumns(Matrix source, int[] sourceColumns, Matrix target, int[] targetColumns) {
        operands("copyColumns")
                .reads("source", source)
                .orHost()
                .writes("target", target)
                .shapes(source.rows() == target.rows(), "the numbers of rows must agree")
                .shapes(
                        sourceColumns.length == targetColumns.length,
                        "the lists must have the same length, and there are " + sourceColumns.length
                                + " columns of the source and " + targetColumns.length + " of the target")
                .columns(source, sourceColumns)
                .columns(target, targetColumns)
                .checked();
        run("copyColumns", () -> copyColumnsChecked(source, sourceColumns, target, targetColumns), source, target);
    }

    /**
     * {@link #copyColumns} of checked operands: column by column unless a backend knows better.
     *
     * @param source see there
     * @param sourceColumns see there
     * @param target see there
     * @param targetColumns see there
     */
    protected void copyColumnsChecked(Matrix source, int[] sourceColumns, Matrix target, int[] targetColumns) {
        for (int j = 0; j < targetColumns.length; j++) {
            int from = sourceColumns[j];
            int to = targetColumns[j];
            copyChecked(source.columns(from, from + 1L), target.columns(to, to + 1L));
        }
    }

    @Override
    public final Matrix toHost(Matrix a) {
        operands("toHost").reads("A", a).orHost().checked();
        return toHostChecked(a);
    }

    /**
     * {@link #toHost} of checked operands.
     *
     * @param a see there
     * @return see there
     */
    protected abstract Matrix toHostChecked(Matrix a);

    // ---- entry-wise

    @Override
    public final void fill(Matrix a, double value) {
        operands("fill").writes("A", a).checked();
        run("fill", () -> fillChecked(a, value), a);
    }

    /**
     * {@link #fill} of checked operands.
     *
     * @param a see there
     * @param value see there
     */
    protected abstract void fillChecked(Matrix a, double value);

    @Override
    public final void identity(Matrix a) {
        operands("identity").writes("A", a).checked();
        run("identity", () -> identityChecked(a), a);
    }

    /**
     * {@link #identity} of checked operands.
     *
     * @param a see there
     */
    protected abstract void identityChecked(Matrix a);

    @Override
    public final void keepTriangle(Triangle triangle, Matrix a) {
        operands("keepTriangle")
                .writes("A", a)
                .shapes(a.rows() == a.columns(), "A must be square")
                .checked();
        run("keepTriangle", () -> keepTriangleChecked(triangle, a), a);
    }

    /**
     * {@link #keepTriangle} of checked operands.
     *
     * @param triangle see there
     * @param a see there
     */
    protected abstract void keepTriangleChecked(Triangle triangle, Matrix a);

    @Override
    public final void add(double alpha, Matrix a, double beta, Matrix b) {
        operands("add")
                .reads("A", a)
                .writes("B", b)
                .samePrecision()
                .shapes(a.rows() == b.rows() && a.columns() == b.columns(), "the shapes must agree")
                .checkedOrSame();
        run("add", () -> addChecked(alpha, a, beta, b), a, b);
    }

    /**
     * {@link #add} of checked operands.
     *
     * @param alpha see there
     * @param a see there
     * @param beta see there
     * @param b see there
     */
    protected abstract void addChecked(double alpha, Matrix a, double beta, Matrix b);

    @Override
    public final void scaleRows(Matrix d, Matrix a) {
        scaling(operands("scaleRows"), d, a).checked();
        run("scaleRows", () -> scaleRowsChecked(d, a), d, a);
    }

    private static Operands scaling(Operands operands, Matrix d, Matrix a) {
        return operands.reads("d", d)
                .writes("A", a)
                .samePrecision()
                .shapes(
                        d.columns() == 1 && d.rows() == a.rows(),
                        "d must be a column with one factor for each row of A");
    }

    private static Operands norms(Operands operands, Matrix a, Matrix norms) {
        return operands.writes("norms", norms)
                .float64(norms)
                .shapes(
                        norms.rows() == 1 && norms.columns() == a.columns(),
                        "norms must be a row with one entry for each column of A");
    }

    /**
     * {@link #scaleRows} of checked operands.
     *
     * @param d see there
     * @param a see there
     */
    protected abstract void scaleRowsChecked(Matrix d, Matrix a);

    // ---- reductions

    @Override
    public final void columnNorms(Matrix a, Matrix norms) {
        norms(operands("columnNorms").reads("A", a).orHost(), a, norms).checked();
        run("columnNorms", () -> columnNormsChecked(a, norms), a, norms);
    }

    /**
     * {@link #columnNorms} of checked operands.
     *
     * @param a see there
     * @param norms see there
     */
    protected abstract void columnNormsChecked(Matrix a, Matrix norms);

    @Override
    public final void scaledNorms(Matrix d, Matrix a, Matrix norms) {
        norms(scaling(operands("scaledNorms"), d, a), a, norms).checked();
        run("scaledNorms", () -> scaledNormsChecked(d, a, norms), d, a, norms);
    }

    /**
     * {@link #scaledNorms} of checked operands.
     *
     * @param d see there
     * @param a see there
     * @param norms see there
     */
    protected void scaledNormsChecked(Matrix d, Matrix a, Matrix norms) {
        scaleRowsChecked(d, a);
        columnNormsChecked(a, norms);
    }

    @Override
    public final void maxMagnitude(Matrix a, Matrix result) {
        operands("maxMagnitude")
                .reads("A", a)
                .orHost()
                .writes("result", result)
                .float64(result)
                .shapes(result.rows() == 1 && result.columns() == 1, "the result must be 1×1")
                .checked();
        run("maxMagnitude", () -> maxMagnitudeChecked(a, result), a, result);
    }

    /**
     * {@link #maxMagnitude} of checked operands.
     *
     * @param a see there
     * @param result see there
     */
    protected abstract void maxMagnitudeChecked(Matrix a, Matrix result);

    // ---- products and triangular solves

    @Override
    public final void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        Operands operands = operands("multiply")
                .reads("A", a)
                .orHost()
                .reads("B", b)
                .orHost()
                .writes("C", c);
        operands.require(
                        c.precision() == Precision.FLOAT64
                                ? a.precision() == Precision.FLOAT64 || b.precision() == Precision.FLOAT64
                                : a.precision() == Precision.FLOAT32 && b.precision() == Precision.FLOAT32,
                        "all must have the same precision, or one of A and B is float32 and the others are float64")
                .require(
                        place().isHost() || !a.place().isHost() || !b.place().isHost(),
                        "only one of A and B may lie on the host")
                .shapes(
                        a.columns() == b.rows() && a.rows() == c.rows() && b.columns() == c.columns(),
                        "A must be m×l, B l×n and C m×n")
                .int32()
                .checked();
        run("multiply", () -> multiplyChecked(alpha, a, b, beta, c), a, b, c);
    }

    /**
     * {@link #multiply} of checked operands.
     *
     * @param alpha see there
     * @param a see there
     * @param b see there
     * @param beta see there
     * @param c see there
     */
    protected abstract void multiplyChecked(double alpha, Matrix a, Matrix b, double beta, Matrix c);

    @Override
    public final void gram(double alpha, Matrix a, double beta, Matrix c) {
        operands("gram")
                .reads("A", a)
                .orHost()
                .writes("C", c)
                .require(
                        c.precision() == Precision.FLOAT64 || a.precision() == Precision.FLOAT32,
                        "C must have the precision of A, or be float64 when A is float32")
                .shapes(c.rows() == a.rows() && c.columns() == a.rows(), "A must be n×d and C n×n")
                .int32()
                .checked();
        run("gram", () -> gramChecked(alpha, a, beta, c), a, c);
    }

    /**
     * {@link #gram} of checked operands.
     *
     * @param alpha see there
     * @param a see there
     * @param beta see there
     * @param c see there
     */
    protected abstract void gramChecked(double alpha, Matrix a, double beta, Matrix c);

    @Override
    public final void sketch(long seed, Matrix a, Matrix y) {
        operands("sketch")
                .reads("A", a)
                .orHost()
                .writes("Y", y)
                .float64(y)
                .shapes(y.rows() >= 1 && y.columns() == a.columns(), "Y must have a row, and as many columns as A")
                .checked();
        run("sketch", () -> sketchChecked(seed, a, y), a, y);
    }

    /**
     * {@link #sketch} of checked operands.
     *
     * @param seed see there
     * @param a see there
     * @param y see there
     */
    protected abstract void sketchChecked(long seed, Matrix a, Matrix y);

    @Override
    public final void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        operands("solveTriangular")
                .reads("T", t)
                .writes("B", b)
                .samePrecision()
                .shapes(t.rows() == t.columns() && t.columns() == b.rows(), "T must be n×n and B n×k")
                .int32()
                .checked();
        run("solveTriangular", () -> solveTriangularChecked(triangle, t, b), t, b);
    }

    /**
     * {@link #solveTriangular} of checked operands.
     *
     * @param triangle see there
     * @param t see there
     * @param b see there
     */
    protected abstract void solveTriangularChecked(Triangle triangle, Matrix t, Matrix b);

    // ---- factorizations

    @Override
    public final void cholesky(Matrix a, Status status) {
        Operands operands = operands("cholesky").writes("A", a).shapes(a.rows() == a.columns(), "A must be square");
        S words = operands.words(status, statusKind, operands.int32().checked());
        run("cholesky", () -> choleskyChecked(a, words), a);
    }

    /**
     * {@link #cholesky} of checked operands.
     *
     * @param a see there
     * @param status see there
     */
    protected abstract void choleskyChecked(Matrix a, S status);

    @Override
    public final void invertLower(Matrix a, Status status) {
        Operands operands = operands("invertLower").writes("A", a).shapes(a.rows() == a.columns(), "A must be square");
        S words = operands.words(status, statusKind, operands.int32().checked());
        run("invertLower", () -> invertLowerChecked(a, words), a);
    }

    /**
     * {@link #invertLower} of checked operands.
     *
     * @param a see there
     * @param status see there
     */
    protected abstract void invertLowerChecked(Matrix a, S status);

    @Override
    public final void invertWellConditioned(Matrix a, Status status) {
        Operands operands =
                operands("invertWellConditioned").writes("A", a).shapes(a.rows() == a.columns(), "A must be square");
        S words = operands.words(status, statusKind, operands.int32().checked());
        run("invertWellConditioned", () -> invertWellConditionedChecked(a, words), a);
    }

    /**
     * {@link #invertWellConditioned} of checked operands; {@link #invertLowerChecked} unless a backend has something faster.
     *
     * @param a see there
     * @param status see there
     */
    protected void invertWellConditionedChecked(Matrix a, S status) {
        invertLowerChecked(a, status);
    }

    @Override
    public final void qr(Matrix a, Matrix tau) {
        operands("qr")
                .writes("A", a)
                .writes("tau", tau)
                .samePrecision()
                .columnMajor(a)
                .column(tau, Math.min(a.rows(), a.columns()), "the smaller dimension of A")
                .int32()
                .checked();
        run("qr", () -> qrChecked(a, tau), a, tau);
    }

    /**
     * {@link #qr} of checked operands.
     *
     * @param a see there
     * @param tau see there
     */
    protected abstract void qrChecked(Matrix a, Matrix tau);

    @Override
    public final void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        operands("applyQ")
                .reads("reflectors", reflectors)
                .reads("tau", tau)
                .writes("C", c)
                .samePrecision()
                .columnMajor(reflectors)
                .column(tau, reflectors.columns(), "the number of reflectors")
                .shapes(
                        reflectors.rows() == c.rows() && reflectors.columns() <= reflectors.rows(),
                        "the reflectors must be m×l with l ≤ m, and C m×k")
                .int32()
                .checked();
        run("applyQ", () -> applyQChecked(reflectors, tau, transposed, c), reflectors, tau, c);
    }

    /**
     * {@link #applyQ} of checked operands.
     *
     * @param reflectors see there
     * @param tau see there
     * @param transposed see there
     * @param c see there
     */
    protected abstract void applyQChecked(Matrix reflectors, Matrix tau, boolean transposed, Matrix c);

    @Override
    public final void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, Status status) {
        Operands operands = operands("svd")
                .writes("A", a)
                .writes("s", s)
                .writes("Vt", vt)
                .samePrecision()
                .columnMajor(a)
                .columnMajor(vt)
                .shapes(a.rows() >= a.columns(), "A must have at least as many rows as columns")
                .column(s, a.columns(), "the number of columns of A")
                .shapes(
                        vt.rows() == a.columns() && vt.columns() == a.columns(),
                        "Vt must be n×n for the n columns of A")
                .int32();
        S words = operands.words(status, statusKind, operands.checked());
        operands.require(
                svdAlgorithms().contains(algorithm), "this session has no " + algorithm + ", only " + svdAlgorithms());
        run("svd", () -> svdChecked(algorithm, a, s, vt, words), a, s, vt);
    }

    /**
     * {@link #svd} of checked operands.
     *
     * @param algorithm see there
     * @param a see there
     * @param s see there
     * @param vt see there
     * @param status see there
     */
    protected abstract void svdChecked(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, S status);

    @Override
    public final void singularValues(Matrix a, Matrix s, Status status) {
        Operands operands = operands("singularValues")
                .writes("A", a)
                .writes("s", s)
                .samePrecision()
                .columnMajor(a)
                .shapes(a.rows() >= a.columns(), "A must have at least as many rows as columns")
                .column(s, a.columns(), "the number of columns of A")
                .int32();
        S words = operands.words(status, statusKind, operands.checked());
        run("singularValues", () -> singularValuesChecked(a, s, words), a, s);
    }

    /**
     * {@link #singularValues} of checked operands.
     *
     * @param a see there
     * @param s see there
     * @param status see there
     */
    protected abstract void singularValuesChecked(Matrix a, Matrix s, S status);

    @Override
    public final void eigenvalues(Matrix a, Matrix values, Status status) {
        S words = eigenOperands("eigenvalues", a, values, status);
        run("eigenvalues", () -> eigenvaluesChecked(a, values, words), a, values);
    }

    @Override
    public final void eigenvectors(Matrix a, Matrix values, Status status) {
        S words = eigenOperands("eigenvectors", a, values, status);
        run("eigenvectors", () -> eigenvectorsChecked(a, values, words), a, values);
    }

    @Override
    public final void tridiagonalize(Matrix a, Matrix diagonal, Matrix offDiagonal, Status status) {
        Operands operands = operands("tridiagonalize")
                .writes("A", a)
                .writes("diagonal", diagonal)
                .writes("offDiagonal", offDiagonal)
                .samePrecision()
                .columnMajor(a)
                .shapes(a.rows() == a.columns(), "A must be square")
                .column(diagonal, a.columns(), "the number of columns of A")
                .column(offDiagonal, Math.max(0, a.columns() - 1), "one less than the number of columns of A")
                .int32();
        S words = operands.words(status, statusKind, operands.checked());
        run("tridiagonalize", () -> tridiagonalizeChecked(a, diagonal, offDiagonal, words), a, diagonal, offDiagonal);
    }

    /**
     * {@link #tridiagonalize} of checked operands.
     *
     * @param a see there
     * @param diagonal see there
     * @param offDiagonal see there
     * @param status see there
     */
    protected abstract void tridiagonalizeChecked(Matrix a, Matrix diagonal, Matrix offDiagonal, S status);

    private S eigenOperands(String operation, Matrix a, Matrix values, Status status) {
        Operands operands = operands(operation)
                .writes("A", a)
                .writes("values", values)
                .samePrecision()
                .columnMajor(a)
                .shapes(a.rows() == a.columns(), "A must be square")
                .column(values, a.columns(), "the number of columns of A")
                .int32();
        return operands.words(status, statusKind, operands.checked());
    }

    /**
     * {@link #eigenvalues} of checked operands.
     *
     * @param a see there
     * @param values see there
     * @param status see there
     */
    protected abstract void eigenvaluesChecked(Matrix a, Matrix values, S status);

    /**
     * {@link #eigenvectors} of checked operands.
     *
     * @param a see there
     * @param values see there
     * @param status see there
     */
    protected abstract void eigenvectorsChecked(Matrix a, Matrix values, S status);
}
