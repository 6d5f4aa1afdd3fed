package org.nullspace.backend.cuda;

import java.lang.ref.Reference;
import java.util.List;
import org.nullspace.backend.AbstractSession;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.error.BackendException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * A session on a CUDA device: one stream. The work is in {@link EntryWise}, {@link Reductions}, {@link Products}, {@link Sketches}, {@link Cholesky},
 * {@link Householder} and {@link Spectra}; copies are in {@link Transfers}.
 *
 * <p>Info words of cuSOLVER stay on the device: those that are outcomes become status words there, those that could only be misuse are looked
 * at whenever the session waits.
 */
final class CudaSession extends AbstractSession<CudaStatus> {
    /** Name of the backend. */
    static final String BACKEND = "cuda";

    private static final List<SvdAlgorithm> SVD_ALGORITHMS = CusolverBridge.isLoaded()
            ? List.of(SvdAlgorithm.QR_ITERATION, SvdAlgorithm.JACOBI, SvdAlgorithm.POLAR)
            : List.of(SvdAlgorithm.QR_ITERATION);

    private final CudaDevice device;
    private final CudaQueue queue;
    private final EntryWise entryWise;
    private final Reductions reductions;
    private final Transfers transfers;
    private final Products products;
    private final Sketches sketches;
    private final Cholesky cholesky;
    private final Householder householder;
    private final Spectra spectra;

    CudaSession(CudaDevice device) {
        super(CudaStatus.class);
        this.device = device;
        queue = device.takeQueue();
        entryWise = new EntryWise(queue);
        reductions = new Reductions(queue);
        transfers = new Transfers(queue, entryWise);
        products = new Products(queue, entryWise);
        sketches = new Sketches(queue);
        cholesky = new Cholesky(queue, entryWise);
        householder = new Householder(queue);
        spectra = new Spectra(queue, entryWise, reductions);
    }

    @Override
    public String description() {
        return "CUDA, " + device.place() + " " + device.name();
    }

    @Override
    public String backend() {
        return BACKEND;
    }

    @Override
    public Place place() {
        return device.place();
    }

    @Override
    public long memoryBytes() {
        return device.usableBytes();
    }

    @Override
    public boolean prefersProducts() {
        return true;
    }

    @Override
    public long maxDimension() {
        return Integer.MAX_VALUE;
    }

    @Override
    public List<SvdAlgorithm> svdAlgorithms() {
        return SVD_ALGORITHMS;
    }

    // ---- memory

    @Override
    public Matrix allocate(MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        checkOpen();
        scope.checkUsable("memory");
        String what = "a matrix of " + batch + "×" + rows + "×" + columns + " " + precision + " entries";
        long bytes;
        try {
            bytes = Math.multiplyExact(
                    Math.multiplyExact(Math.multiplyExact(batch, rows), columns), (long) precision.bytes());
        } catch (ArithmeticException e) {
            throw new InsufficientMemoryException(
                    what + " on " + place() + " has more bytes than 64 bits can count", Long.MAX_VALUE, memoryBytes());
        }
        CudaMemory memory = device.within(() -> take(scope, bytes, what));
        return Matrix.over(memory, precision, batch, rows, columns, layout);
    }

    private CudaMemory take(MemoryScope scope, long bytes, String what) {
        if (bytes == 0) {
            return new CudaMemory(place(), 0, 0, scope);
        }
        if (bytes > device.totalBytes()) {
            throw new InsufficientMemoryException(
                    what + " does not fit into the memory of " + description(), bytes, memoryBytes());
        }
        DevicePool pool = queue.pool();
        DevicePool.Block block = pool.take(bytes, () -> what);
        try {
            scope.register(() -> pool.giveBack(block), bytes);
        } catch (RuntimeException e) {
            pool.giveBack(block);
            throw e;
        }
        return new CudaMemory(place(), block.address(), bytes, scope);
    }

    @Override
    protected CudaStatus statusChecked(MemoryScope scope, int size) {
        long bytes = (long) size * Integer.BYTES;
        return device.within(() -> {
            CudaMemory memory = take(scope, bytes, size + " status words");
            if (size > 0) {
                queue.zero(memory.address(), bytes);
            }
            return new CudaStatus(memory, size);
        });
    }

    @Override
    protected int[] readChecked(CudaStatus status) {
        int[] words = device.within(() -> {
            if (status.size() == 0) {
                queue.synchronize();
                return new int[0];
            }
            // Waits for what was queued before it.
            return queue.staging().readInts(status.address(0), status.size());
        });
        for (int i = 0; i < words.length; i++) {
            if (words[i] < 0) {
                throw new BackendException(
                        "cuSOLVER refused argument " + -words[i] + " of problem " + i + " on " + description());
            }
        }
        return words;
    }

    @Override
    public void synchronize() {
        checkOpen();
        device.within(queue::synchronize);
    }

    @Override
    protected void copyChecked(Matrix source, Matrix target) {
        if (source.place().isHost() && target.place().isHost()) {
            queue.synchronize();
            copyOnHost(source, target);
        } else if (source.place().isHost()) {
            transfers.upload(source, target);
        } else if (target.place().isHost()) {
            for (long b = 0; b < (source.batch() == target.batch() ? 1 : target.batch()); b++) {
                transfers.download(source, source.batch() == target.batch() ? target : target.problem(b));
            }
        } else {
            entryWise.copy(source, target);
        }
    }

    private static void copyOnHost(Matrix source, Matrix target) {
        for (long b = 0; b < target.batch(); b++) {
            HostLines from = HostLines.of(source, source.batch() == 1 ? 0 : b);
            HostLines to = HostLines.of(target, b);
            if (source.layout() == target.layout()) {
                to.copyFrom(from);
            } else {
                to.copyFromTransposed(from);
            }
        }
    }

    @Override
    protected void copyColumnsChecked(Matrix source, int[] sourceColumns, Matrix target, int[] targetColumns) {
        if (source.place().isHost()) {
            super.copyColumnsChecked(source, sourceColumns, target, targetColumns);
        } else {
            entryWise.copyColumns(source, sourceColumns, target, targetColumns);
        }
    }

    @Override
    protected Matrix toHostChecked(Matrix a) {
        return device.within(() -> {
            if (a.place().isHost()) {
                queue.synchronize();
                return a;
            }
            Matrix copy = Matrix.zeros(a.precision(), a.batch(), a.rows(), a.columns(), a.layout());
            transfers.download(a, copy);
            Reference.reachabilityFence(a);
            return copy;
        });
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
        if (a.place().isHost()) {
            new HostReductions(queue, reductions, entryWise).columnNorms(a, norms);
        } else {
            reductions.columnNorms(a, norms);
        }
    }

    @Override
    protected void maxMagnitudeChecked(Matrix a, Matrix result) {
        if (a.place().isHost()) {
            new HostReductions(queue, reductions, entryWise).maxMagnitude(a, result);
        } else {
            reductions.maxMagnitude(a, result);
        }
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
        products.solveTriangular(triangle, t, b);
    }

    // ---- factorizations

    @Override
    protected void choleskyChecked(Matrix a, CudaStatus status) {
        cholesky.factor(a, status);
    }

    @Override
    protected void invertLowerChecked(Matrix a, CudaStatus status) {
        cholesky.invert(a, status);
    }

    @Override
    protected void invertWellConditionedChecked(Matrix a, CudaStatus status) {
        cholesky.invertByBlocks(a, status);
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
    protected void svdChecked(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, CudaStatus status) {
        spectra.svd(algorithm, a, s, vt, status);
    }

    @Override
    protected void singularValuesChecked(Matrix a, Matrix s, CudaStatus status) {
        spectra.singularValues(a, s, status);
    }

    @Override
    protected void eigenvaluesChecked(Matrix a, Matrix values, CudaStatus status) {
        spectra.eigenvalues(a, values, status);
    }

    @Override
    protected void eigenvectorsChecked(Matrix a, Matrix values, CudaStatus status) {
        spectra.eigenvectors(a, values, status);
    }

    /** By eigenvectors: T is diagonal. */
    @Override
    protected void tridiagonalizeChecked(Matrix a, Matrix diagonal, Matrix offDiagonal, CudaStatus status) {
        spectra.eigenvectors(a, diagonal, status);
        fillChecked(offDiagonal, 0);
    }

    // ---- end of life

    @Override
    protected void run(String operation, Runnable work, Matrix... operands) {
        queue.queued(operation + " of a " + operands[0]);
        device.within(work);
        for (Matrix operand : operands) {
            Reference.reachabilityFence(operand);
        }
    }

    @Override
    protected void closeChecked() {
        if (device.isLost()) {
            queue.close();
            return;
        }
        try {
            device.within(() -> {
                queue.synchronize();
                queue.rest();
            });
        } finally {
            device.giveBack(queue);
        }
    }
}
