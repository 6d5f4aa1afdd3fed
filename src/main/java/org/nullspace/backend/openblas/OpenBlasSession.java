package org.nullspace.backend.openblas;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.openblas.global.openblas;
import org.nullspace.backend.AbstractSession;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * A session on the host. Work is done when a call returns, so that {@link #synchronize()} has nothing to wait for. The work is in
 * {@link EntryWise}, {@link Reductions}, {@link Products}, {@link Sketches}, {@link Cholesky}, {@link Householder},
 * {@link Spectra} and {@link SmallBatchSolver}.
 */
final class OpenBlasSession extends AbstractSession<HostStatus> {
    /** Name of the backend. */
    static final String BACKEND = "openblas";

    /** The library is built with 32-bit integers (LP64). */
    static final long MAX_DIMENSION = Integer.MAX_VALUE;

    private static final List<SvdAlgorithm> SVD_ALGORITHMS =
            List.of(SvdAlgorithm.DIVIDE_AND_CONQUER, SvdAlgorithm.QR_ITERATION);

    private final OpenBlasThreads threads;
    private final Workspace[] workspaces;
    private final Workspace factors = new Workspace();
    private final EntryWise entryWise;
    private final Reductions reductions;
    private final Products products;
    private final Sketches sketches;
    private final Cholesky cholesky;
    private final Householder householder;
    private final Spectra spectra;
    private final BatchSolver batchSolver;

    OpenBlasSession(OpenBlasThreads threads) {
        super(HostStatus.class);
        this.threads = threads;
        workspaces = new Workspace[threads.count()];
        Arrays.setAll(workspaces, i -> new Workspace());
        entryWise = new EntryWise(threads);
        reductions = new Reductions(threads);
        products = new Products(threads, entryWise, workspaces);
        sketches = new Sketches(threads);
        cholesky = new Cholesky(products);
        householder = new Householder(threads, workspaces, factors);
        spectra = new Spectra(reductions, entryWise, workspaces[0]);
        batchSolver = new SmallBatchSolver(
                new SmallProblems(threads), new MediumProblems(threads), (operation, work, operands) -> {
                    checkOpen();
                    run(operation, work, operands);
                });
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

    @Override
    public List<SvdAlgorithm> svdAlgorithms() {
        return SVD_ALGORITHMS;
    }

    // ---- memory

    @Override
    public Matrix allocate(MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        checkOpen();
        return Matrix.uninitialized(scope, precision, batch, rows, columns, layout);
    }

    @Override
    protected HostStatus statusChecked(MemoryScope scope, int size) {
        return new HostStatus(scope, size);
    }

    @Override
    protected int[] readChecked(HostStatus status) {
        return status.words().clone();
    }

    @Override
    public void synchronize() {
        checkOpen();
    }

    @Override
    protected void copyChecked(Matrix source, Matrix target) {
        entryWise.copy(source, target);
    }

    @Override
    protected Matrix toHostChecked(Matrix a) {
        return a;
    }

    // ---- entry-wise

    @Override
    protected void fillChecked(Matrix a, double value) {
        entryWise.fill(a, value);
    }

    @Override
    protected void identityChecked(Matrix a) {
        entryWise.identity(a);
    }

    @Override
    protected void keepTriangleChecked(Triangle triangle, Matrix a) {
        entryWise.keepTriangle(triangle, a);
    }

    @Override
    protected void addChecked(double alpha, Matrix a, double beta, Matrix b) {
        entryWise.add(alpha, a, beta, b);
    }

    @Override
    protected void scaleRowsChecked(Matrix d, Matrix a) {
        entryWise.scaleRows(d, a);
    }

    // ---- reductions

    @Override
    protected void columnNormsChecked(Matrix a, Matrix norms) {
        reductions.columnNorms(a, norms);
    }

    @Override
    protected void scaledNormsChecked(Matrix d, Matrix a, Matrix norms) {
        boolean small = a.layout() == Layout.COLUMN_MAJOR && (a.batch() > 1 || !EntryWise.isLarge(a));
        if (!small || !reductions.scaledNorms(d, a, norms)) {
            super.scaledNormsChecked(d, a, norms);
        }
    }

    @Override
    protected void maxMagnitudeChecked(Matrix a, Matrix result) {
        reductions.maxMagnitude(a, result);
    }

    // ---- products and triangular solves

    @Override
    protected void multiplyChecked(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        products.multiply(alpha, a, b, beta, c);
    }

    @Override
    protected void gramChecked(double alpha, Matrix a, double beta, Matrix c) {
        products.gram(alpha, a, beta, c);
    }

    @Override
    protected void sketchChecked(long seed, Matrix a, Matrix y) {
        sketches.sketch(seed, a, y);
    }

    @Override
    protected void solveTriangularChecked(Triangle triangle, Matrix t, Matrix b) {
        products.solveTriangular(1, triangle, t, b);
    }

    // ---- factorizations

    @Override
    protected void choleskyChecked(Matrix a, HostStatus status) {
        cholesky.factor(a, status.words());
    }

    @Override
    protected void invertLowerChecked(Matrix a, HostStatus status) {
        cholesky.invert(a, status.words());
    }

    @Override
    protected void qrChecked(Matrix a, Matrix tau) {
        householder.factor(a, tau);
    }

    @Override
    protected void applyQChecked(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        householder.apply(reflectors, tau, transposed, c);
    }

    @Override
    protected void svdChecked(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, HostStatus status) {
        if (algorithm == SvdAlgorithm.DIVIDE_AND_CONQUER && !Spectra.fitsDivideAndConquer(a.rows(), a.columns())) {
            throw new InvalidInputException(
                    "svd: A is a " + a
                            + ": the workspace of divide and conquer has more than 2³¹ entries for so many columns: use QR iteration");
        }
        spectra.svd(algorithm, a, s, vt, status.words());
    }

    @Override
    protected void singularValuesChecked(Matrix a, Matrix s, HostStatus status) {
        spectra.singularValues(a, s, status.words());
    }

    @Override
    protected void eigenvaluesChecked(Matrix a, Matrix values, HostStatus status) {
        spectra.eigenvalues(a, values, status.words());
    }

    @Override
    protected void eigenvectorsChecked(Matrix a, Matrix values, HostStatus status) {
        spectra.eigenvectors(a, values, status.words());
    }

    @Override
    protected void tridiagonalizeChecked(Matrix a, Matrix diagonal, Matrix offDiagonal, HostStatus status) {
        spectra.tridiagonalize(a, diagonal, offDiagonal, status.words());
    }

    // ---- whole problems

    @Override
    public int concurrency() {
        return threads.count();
    }

    @Override
    public BatchSolver batchSolver() {
        checkOpen();
        return batchSolver;
    }

    // ---- end of life

    @Override
    protected void closeChecked() {
        for (Workspace workspace : workspaces) {
            workspace.close();
        }
        factors.close();
        spectra.close();
    }

    /** Memory without a scope must not be freed, as unreachable, while native code or a helper uses it. */
    @Override
    protected void run(String operation, Runnable work, Matrix... operands) {
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
}
