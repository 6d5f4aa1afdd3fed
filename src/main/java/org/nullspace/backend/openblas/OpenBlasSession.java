package org.nullspace.backend.openblas;

import java.lang.ref.Reference;
import java.util.Arrays;
import org.bytedeco.openblas.global.openblas;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * A session on the host. Work is done when a call returns, so that {@link #synchronize()} has nothing to wait for. This class checks the
 * operands; the work is in {@link EntryWise}, {@link Reductions}, {@link Products}, {@link Cholesky}, {@link Householder} and
 * {@link Spectra}.
 */
final class OpenBlasSession implements Session {
    /** Name of the backend. */
    static final String BACKEND = "openblas";

    /** The library is built with 32-bit integers (LP64). */
    static final long MAX_DIMENSION = Integer.MAX_VALUE;

    private final OpenBlasThreads threads;
    private final Workspace[] workspaces;
    private final Workspace factors = new Workspace();
    private final EntryWise entryWise;
    private final Reductions reductions;
    private final Products products;
    private final Cholesky cholesky;
    private final Householder householder;
    private final Spectra spectra;
    private boolean closed;

    OpenBlasSession(OpenBlasThreads threads) {
        this.threads = threads;
        workspaces = new Workspace[threads.count()];
        Arrays.setAll(workspaces, i -> new Workspace());
        entryWise = new EntryWise(threads);
        reductions = new Reductions(threads);
        products = new Products(threads, entryWise, workspaces);
        cholesky = new Cholesky(products);
        householder = new Householder(threads, workspaces, factors);
        spectra = new Spectra(reductions, entryWise, workspaces[0]);
    }

    static String describe(OpenBlasThreads threads) {
        String version = openblas.OPENBLAS_VERSION.trim();
        return version + ", " + threads.count() + (threads.count() == 1 ? " thread" : " threads");
    }

    @Override
    public String description() {
        return describe(threads);
    }

    @Override
    public String backend() {
        return BACKEND;
    }

    @Override
    public Place place() {
        return Place.HOST;
    }

    @Override
    public long memoryBytes() {
        return HostMemory.physicalBytes();
    }

    @Override
    public long maxDimension() {
        return MAX_DIMENSION;
    }

    // ---- memory

    @Override
    public Matrix allocate(MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        checkOpen();
        return Matrix.uninitialized(scope, precision, batch, rows, columns, layout);
    }

    @Override
    public Status status(MemoryScope scope, int size) {
        checkOpen();
        scope.checkUsable("status");
        if (size < 0) {
            throw new InvalidInputException("status: " + size + " is not a number of problems");
        }
        return new HostStatus(scope, size);
    }

    @Override
    public int[] read(Status status) {
        checkOpen();
        if (!(status instanceof HostStatus words)) {
            throw new InvalidInputException("read: these status words belong to another backend: "
                    + status.getClass().getName());
        }
        return words.words("read").clone();
    }

    @Override
    public void synchronize() {
        checkOpen();
    }

    @Override
    public void copy(Matrix source, Matrix target) {
        operands("copy")
                .reads("source", source)
                .writes("target", target)
                .shapes(source.rows() == target.rows() && source.columns() == target.columns(), "the shapes must agree")
                .checkedOrSame();
        run(() -> entryWise.copy(source, target), source, target);
    }

    @Override
    public Matrix toHost(Matrix a) {
        operands("toHost").reads("A", a).checked();
        return a;
    }

    // ---- entry-wise

    @Override
    public void fill(Matrix a, double value) {
        operands("fill").writes("A", a).checked();
        run(() -> entryWise.fill(a, value), a);
    }

    @Override
    public void identity(Matrix a) {
        operands("identity").writes("A", a).checked();
        run(() -> entryWise.identity(a), a);
    }

    @Override
    public void keepTriangle(Triangle triangle, Matrix a) {
        operands("keepTriangle")
                .writes("A", a)
                .shapes(a.rows() == a.columns(), "A must be square")
                .checked();
        run(() -> entryWise.keepTriangle(triangle, a), a);
    }

    @Override
    public void add(double alpha, Matrix a, double beta, Matrix b) {
        operands("add")
                .reads("A", a)
                .writes("B", b)
                .samePrecision()
                .shapes(a.rows() == b.rows() && a.columns() == b.columns(), "the shapes must agree")
                .checkedOrSame();
        run(() -> entryWise.add(alpha, a, beta, b), a, b);
    }

    @Override
    public void scaleRows(Matrix d, Matrix a) {
        operands("scaleRows")
                .reads("d", d)
                .writes("A", a)
                .samePrecision()
                .shapes(
                        d.columns() == 1 && d.rows() == a.rows(),
                        "d must be a column with one factor for each row of A")
                .checked();
        run(() -> entryWise.scaleRows(d, a), d, a);
    }

    // ---- reductions

    @Override
    public void columnNorms(Matrix a, Matrix norms) {
        operands("columnNorms")
                .reads("A", a)
                .writes("norms", norms)
                .float64(norms)
                .shapes(
                        norms.rows() == 1 && norms.columns() == a.columns(),
                        "norms must be a row with one entry for each column of A")
                .checked();
        run(() -> reductions.columnNorms(a, norms), a, norms);
    }

    @Override
    public void maxMagnitude(Matrix a, Matrix result) {
        operands("maxMagnitude")
                .reads("A", a)
                .writes("result", result)
                .float64(result)
                .shapes(result.rows() == 1 && result.columns() == 1, "the result must be 1×1")
                .checked();
        run(() -> reductions.maxMagnitude(a, result), a, result);
    }

    // ---- products and triangular solves

    @Override
    public void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        Operands operands = operands("multiply").reads("A", a).reads("B", b).writes("C", c);
        operands.require(
                        c.precision() == Precision.FLOAT64
                                ? a.precision() == Precision.FLOAT64 || b.precision() == Precision.FLOAT64
                                : a.precision() == Precision.FLOAT32 && b.precision() == Precision.FLOAT32,
                        "all must have the same precision, or one of A and B is float32 and the others are float64")
                .shapes(
                        a.columns() == b.rows() && a.rows() == c.rows() && b.columns() == c.columns(),
                        "A must be m×l, B l×n and C m×n")
                .int32()
                .checked();
        run(() -> products.multiply(alpha, a, b, beta, c), a, b, c);
    }

    @Override
    public void gram(double alpha, Matrix a, double beta, Matrix c) {
        operands("gram")
                .reads("A", a)
                .writes("C", c)
                .require(
                        c.precision() == Precision.FLOAT64 || a.precision() == Precision.FLOAT32,
                        "C must have the precision of A, or be float64 when A is float32")
                .shapes(c.rows() == a.rows() && c.columns() == a.rows(), "A must be n×d and C n×n")
                .int32()
                .checked();
        run(() -> products.gram(alpha, a, beta, c), a, c);
    }

    @Override
    public void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        operands("solveTriangular")
                .reads("T", t)
                .writes("B", b)
                .samePrecision()
                .shapes(t.rows() == t.columns() && t.columns() == b.rows(), "T must be n×n and B n×k")
                .int32()
                .checked();
        run(() -> products.solveTriangular(1, triangle, t, b), t, b);
    }

    // ---- factorizations

    @Override
    public void cholesky(Matrix a, Status status) {
        Operands operands = operands("cholesky").writes("A", a).shapes(a.rows() == a.columns(), "A must be square");
        int[] words = operands.words(status, operands.int32().checked());
        run(() -> cholesky.factor(a, words), a);
    }

    @Override
    public void invertLower(Matrix a, Status status) {
        Operands operands = operands("invertLower").writes("A", a).shapes(a.rows() == a.columns(), "A must be square");
        int[] words = operands.words(status, operands.int32().checked());
        run(() -> cholesky.invert(a, words), a);
    }

    @Override
    public void qr(Matrix a, Matrix tau) {
        operands("qr")
                .writes("A", a)
                .writes("tau", tau)
                .samePrecision()
                .columnMajor(a)
                .column(tau, Math.min(a.rows(), a.columns()), "the smaller dimension of A")
                .int32()
                .checked();
        run(() -> householder.factor(a, tau), a, tau);
    }

    @Override
    public void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
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
        run(() -> householder.apply(reflectors, tau, transposed, c), reflectors, tau, c);
    }

    @Override
    public void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, Status status) {
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
        int[] words = operands.words(status, operands.checked());
        operands.require(
                algorithm == SvdAlgorithm.QR_ITERATION || Spectra.fitsDivideAndConquer(a.rows(), a.columns()),
                "the workspace of divide and conquer has more than 2³¹ entries for so many columns: use QR iteration");
        run(() -> spectra.svd(algorithm, a, s, vt, words), a, s, vt);
    }

    @Override
    public void singularValues(Matrix a, Matrix s, Status status) {
        Operands operands = operands("singularValues")
                .writes("A", a)
                .writes("s", s)
                .samePrecision()
                .columnMajor(a)
                .shapes(a.rows() >= a.columns(), "A must have at least as many rows as columns")
                .column(s, a.columns(), "the number of columns of A")
                .int32();
        int[] words = operands.words(status, operands.checked());
        run(() -> spectra.singularValues(a, s, words), a, s);
    }

    @Override
    public void eigenvalues(Matrix a, Matrix values, Status status) {
        Operands operands = operands("eigenvalues")
                .writes("A", a)
                .writes("values", values)
                .samePrecision()
                .columnMajor(a)
                .shapes(a.rows() == a.columns(), "A must be square")
                .column(values, a.columns(), "the number of columns of A")
                .int32();
        int[] words = operands.words(status, operands.checked());
        run(() -> spectra.eigenvalues(a, values, words), a, values);
    }

    // ---- end of life

    @Override
    public void close() {
        closed = true;
        for (Workspace workspace : workspaces) {
            workspace.close();
        }
        factors.close();
        spectra.close();
    }

    /** Memory without a scope must not be freed, as unreachable, while native code or a helper uses it. */
    private void run(Runnable work, Matrix... operands) {
        try {
            work.run();
        } finally {
            for (Matrix operand : operands) {
                Reference.reachabilityFence(operand);
            }
            for (Workspace workspace : workspaces) {
                workspace.trim();
            }
            factors.trim();
        }
    }

    private Operands operands(String operation) {
        checkOpen();
        return new Operands(operation);
    }

    private void checkOpen() {
        if (closed) {
            throw new ClosedException("session (" + description() + ") was used after it had been closed");
        }
    }
}
