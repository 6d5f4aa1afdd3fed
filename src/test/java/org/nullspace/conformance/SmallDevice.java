package org.nullspace.conformance;

import java.util.List;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.error.ClosedException;
import org.nullspace.error.DeviceLostException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Memory;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * A device with little memory of its own: another session's arithmetic behind a place that is not the host. Its memory cannot be read from
 * Java and is full of NaN at first, operands of the host are refused except where {@link Session} allows them, and an allocation that would exceed the memory fails.
 * Tiles for operands of the host and the workspace of decompositions count while the operation runs.
 */
public final class SmallDevice implements Session {
    private final Session session;
    private final Place place;
    private final long memoryBytes;
    private long liveBytes;
    private long peakBytes;
    private long callsLeft = Long.MAX_VALUE;
    private boolean closed;

    /**
     * A device.
     *
     * @param session a session on the host that does the arithmetic; closed with this one
     * @param index index of the device
     * @param memoryBytes its memory
     */
    public SmallDevice(Session session, int index, long memoryBytes) {
        this.session = session;
        this.place = Place.cuda(index);
        this.memoryBytes = memoryBytes;
    }

    /**
     * Memory of one device.
     *
     * @param place where
     * @param host what it is in truth
     */
    private record DeviceMemory(Place place, HostMemory host) implements Memory {
        @Override
        public long address() {
            return host.address();
        }

        @Override
        public long byteSize() {
            return host.byteSize();
        }

        @Override
        public MemoryScope scope() {
            return host.scope();
        }
    }

    // ---- requests and findings

    /**
     * Lets the device die.
     *
     * @param calls how many operations still succeed
     */
    public void dieAfter(long calls) {
        callsLeft = calls;
    }

    /**
     * Bytes of the device that are in use.
     *
     * @return bytes
     */
    public long liveBytes() {
        return liveBytes;
    }

    /**
     * Largest number of bytes that were in use at one time, tiles and workspace included.
     *
     * @return bytes
     */
    public long peakBytes() {
        return peakBytes;
    }

    /** Sets the peak to what is in use. */
    public void resetPeak() {
        peakBytes = liveBytes;
    }

    /**
     * Whether the session has been closed.
     *
     * @return true after {@link #close()}
     */
    public boolean isClosed() {
        return closed;
    }

    // ---- the session

    @Override
    public String description() {
        return "small device " + place.device() + " of " + memoryBytes + " bytes";
    }

    @Override
    public String backend() {
        return "small";
    }

    @Override
    public Place place() {
        return place;
    }

    @Override
    public long memoryBytes() {
        return memoryBytes;
    }

    @Override
    public boolean prefersProducts() {
        return true;
    }

    @Override
    public long maxDimension() {
        return session.maxDimension();
    }

    @Override
    public List<SvdAlgorithm> svdAlgorithms() {
        return session.svdAlgorithms();
    }

    @Override
    public Matrix allocate(MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        call();
        long bytes = Math.multiplyExact(Math.multiplyExact(batch * rows, columns), (long) precision.bytes());
        take(bytes, "a " + batch + "×" + rows + "×" + columns + " matrix of " + precision + " on " + place);
        HostMemory memory;
        try {
            memory = HostMemory.allocate(scope, bytes, false, "memory of " + place);
            scope.register(() -> liveBytes -= bytes, 0);
        } catch (RuntimeException e) {
            liveBytes -= bytes;
            throw e;
        }
        Matrix fresh = Matrix.over(new DeviceMemory(place, memory), precision, batch, rows, columns, layout);
        session.fill(here(fresh), Double.NaN);
        return fresh;
    }

    @Override
    public Status status(MemoryScope scope, int size) {
        call();
        return session.status(scope, size);
    }

    @Override
    public int[] read(Status status) {
        call();
        return session.read(status);
    }

    @Override
    public void synchronize() {
        call();
        session.synchronize();
    }

    @Override
    public void copy(Matrix source, Matrix target) {
        call();
        session.copy(anywhere(source), anywhere(target));
    }

    @Override
    public void copyColumns(Matrix source, int[] sourceColumns, Matrix target, int[] targetColumns) {
        call();
        session.copyColumns(anywhere(source), sourceColumns, here(target), targetColumns);
    }

    @Override
    public Matrix toHost(Matrix a) {
        call();
        return a.place().isHost() ? a : here(a).copy(a.layout());
    }

    @Override
    public void fill(Matrix a, double value) {
        call();
        session.fill(here(a), value);
    }

    @Override
    public void identity(Matrix a) {
        call();
        session.identity(here(a));
    }

    @Override
    public void keepTriangle(Triangle triangle, Matrix a) {
        call();
        session.keepTriangle(triangle, here(a));
    }

    @Override
    public void add(double alpha, Matrix a, double beta, Matrix b) {
        call();
        session.add(alpha, here(a), beta, here(b));
    }

    @Override
    public void scaleRows(Matrix d, Matrix a) {
        call();
        session.scaleRows(here(d), here(a));
    }

    @Override
    public void columnNorms(Matrix a, Matrix norms) {
        call();
        withTiles(() -> session.columnNorms(anywhere(a), here(norms)), a);
    }

    @Override
    public void scaledNorms(Matrix d, Matrix a, Matrix norms) {
        call();
        session.scaledNorms(here(d), here(a), here(norms));
    }

    @Override
    public void maxMagnitude(Matrix a, Matrix result) {
        call();
        withTiles(() -> session.maxMagnitude(anywhere(a), here(result)), a);
    }

    @Override
    public void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        call();
        if (a.place().isHost() && b.place().isHost()) {
            throw new InvalidInputException("multiply: " + a + " and " + b + ": one of them must lie on " + place);
        }
        withTiles(() -> session.multiply(alpha, anywhere(a), anywhere(b), beta, here(c)), a, b);
    }

    @Override
    public void gram(double alpha, Matrix a, double beta, Matrix c) {
        call();
        withTiles(() -> session.gram(alpha, anywhere(a), beta, here(c)), a);
    }

    @Override
    public void sketch(long seed, Matrix a, Matrix y) {
        call();
        withTiles(() -> session.sketch(seed, anywhere(a), here(y)), a);
    }

    @Override
    public void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        call();
        session.solveTriangular(triangle, here(t), here(b));
    }

    @Override
    public void cholesky(Matrix a, Status status) {
        call();
        session.cholesky(here(a), status);
    }

    @Override
    public void invertLower(Matrix a, Status status) {
        call();
        session.invertLower(here(a), status);
    }

    @Override
    public void qr(Matrix a, Matrix tau) {
        call();
        session.qr(here(a), here(tau));
    }

    @Override
    public void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        call();
        session.applyQ(here(reflectors), here(tau), transposed, here(c));
    }

    @Override
    public void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, Status status) {
        call();
        with(
                4 * a.columns() * a.columns() * a.precision().bytes(),
                "the workspace of a decomposition",
                () -> session.svd(algorithm, here(a), here(s), here(vt), status));
    }

    @Override
    public void singularValues(Matrix a, Matrix s, Status status) {
        call();
        session.singularValues(here(a), here(s), status);
    }

    @Override
    public void eigenvalues(Matrix a, Matrix values, Status status) {
        call();
        session.eigenvalues(here(a), here(values), status);
    }

    @Override
    public void eigenvectors(Matrix a, Matrix values, Status status) {
        call();
        with(
                2 * a.columns() * a.columns() * a.precision().bytes(),
                "the workspace of a spectral decomposition",
                () -> session.eigenvectors(here(a), here(values), status));
    }

    @Override
    public void tridiagonalize(Matrix a, Matrix diagonal, Matrix offDiagonal, Status status) {
        call();
        with(
                64 * a.columns() * a.precision().bytes(),
                "the workspace of a reduction to tridiagonal form",
                () -> session.tridiagonalize(here(a), here(diagonal), here(offDiagonal), status));
    }

    @Override
    public void close() {
        closed = true;
        session.close();
    }

    // ---- memory

    private void call() {
        if (closed) {
            throw new ClosedException(description() + " was used after it had been closed");
        }
        if (callsLeft == 0) {
            throw new DeviceLostException(description() + " has died");
        }
        callsLeft--;
    }

    private void take(long bytes, String what) {
        if (bytes > memoryBytes - liveBytes) {
            throw new InsufficientMemoryException(what + " does not fit", bytes, memoryBytes - liveBytes);
        }
        liveBytes += bytes;
        peakBytes = Math.max(peakBytes, liveBytes);
    }

    private void with(long bytes, String what, Runnable work) {
        take(bytes, what);
        try {
            work.run();
        } finally {
            liveBytes -= bytes;
        }
    }

    private void withTiles(Runnable work, Matrix... operands) {
        long largest = 0;
        for (Matrix operand : operands) {
            largest = Math.max(largest, operand.place().isHost() ? operand.byteSize() : 0);
        }
        with(Math.min(largest, memoryBytes / TILE_SHARE), "a tile of an operand of the host", work);
    }

    private Matrix anywhere(Matrix a) {
        return a.place().isHost() ? a : here(a);
    }

    /** The operand as the session that does the arithmetic sees it. */
    private Matrix here(Matrix a) {
        if (!(a.memory() instanceof DeviceMemory memory) || !memory.place().equals(place)) {
            throw new InvalidInputException(a + " is no operand of " + description());
        }
        Precision precision = a.precision();
        if (a.isEmpty()) {
            return Matrix.over(memory.host(), precision, a.batch(), a.rows(), a.columns(), a.layout());
        }
        return Matrix.strided(
                memory.host(),
                precision,
                a.batch(),
                a.rows(),
                a.columns(),
                a.layout(),
                (a.address(0) - memory.address()) / precision.bytes(),
                a.leadingDimension(),
                a.batchStride());
    }
}
