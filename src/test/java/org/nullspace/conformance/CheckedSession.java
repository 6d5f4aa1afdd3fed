package org.nullspace.conformance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Memory;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * A session that polices another one: it fills fresh operands with NaN, verifies that operands which are only read keep every bit, counts
 * calls, copies and live bytes, and fails on request. Closing it closes the other session.
 *
 * <p>Memory that this session allocated counts as the device, all other memory as the host, also where both lie in the host's memory. So
 * the number of copies is the same for every backend.
 */
public final class CheckedSession implements Session {
    private final Session session;
    private final Set<Memory> allocated = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Map<Status, Integer> statusCodes = new IdentityHashMap<>();
    private final Map<String, Integer> calls = new TreeMap<>();
    private final List<String> violations = new ArrayList<>();

    private long liveBytes;
    private long peakBytes;
    private long allocations;
    private long uploads;
    private long downloads;
    private long uploadedBytes;
    private long downloadedBytes;
    private long allocationToFail;
    private long statusToForge;
    private int forgedCode;
    private boolean closed;

    /**
     * Wraps a session.
     *
     * @param session the session that does the work; closed with this one
     */
    public CheckedSession(Session session) {
        this.session = session;
    }

    // ---- requests

    /**
     * Makes one of the next allocations fail.
     *
     * @param which 1 for the next one, 2 for the one after it, …
     */
    public void failAllocation(int which) {
        allocationToFail = allocations + which;
    }

    /**
     * Makes one of the next status objects report a code for every problem, whatever the operations write into it.
     *
     * @param which 1 for the next one that is made, 2 for the one after it, …
     * @param code what it will report
     */
    public void forgeStatus(int which, int code) {
        statusToForge = calls("status") + which;
        forgedCode = code;
    }

    // ---- findings

    /**
     * Bytes of allocations whose scopes are still open.
     *
     * @return bytes
     */
    public long liveBytes() {
        return liveBytes;
    }

    /**
     * Largest number of live bytes so far.
     *
     * @return bytes
     */
    public long peakBytes() {
        return peakBytes;
    }

    /**
     * How often an operation has been called.
     *
     * @param operation name of the method: {@code multiply}, {@code synchronize}, {@code read}, {@code toHost}, …
     * @return number of calls
     */
    public int calls(String operation) {
        return calls.getOrDefault(operation, 0);
    }

    /**
     * All operations that have been called.
     *
     * @return number of calls by name
     */
    public Map<String, Integer> calls() {
        return Collections.unmodifiableMap(calls);
    }

    /**
     * Copies from the host to the device.
     *
     * @return number of calls
     */
    public long uploads() {
        return uploads;
    }

    /**
     * Copies from the device to the host, those of {@link #toHost} included.
     *
     * @return number of calls
     */
    public long downloads() {
        return downloads;
    }

    /**
     * Bytes copied from the host to the device.
     *
     * @return bytes
     */
    public long uploadedBytes() {
        return uploadedBytes;
    }

    /**
     * Bytes copied from the device to the host.
     *
     * @return bytes
     */
    public long downloadedBytes() {
        return downloadedBytes;
    }

    /** Sets the counts of calls, copies and copied bytes to zero, and the peak to what is live. */
    public void resetCounts() {
        // Requests count from the calls so far: they are void after a reset.
        allocationToFail = 0;
        statusToForge = 0;
        allocations = 0;
        calls.clear();
        uploads = 0;
        downloads = 0;
        uploadedBytes = 0;
        downloadedBytes = 0;
        peakBytes = liveBytes;
    }

    /**
     * Operands that were changed although they are only read.
     *
     * @return one line for each, which names operation and operand
     */
    public List<String> violations() {
        return Collections.unmodifiableList(violations);
    }

    /**
     * Fails if a read-only operand was changed, or if allocations of this session outlive their use.
     *
     * @throws AssertionError with all findings
     */
    public void assertClean() {
        if (!violations.isEmpty() || liveBytes != 0) {
            throw new AssertionError(liveBytes + " live bytes; operands changed although only read: " + violations);
        }
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
        return session.description();
    }

    @Override
    public String backend() {
        return session.backend();
    }

    @Override
    public Place place() {
        return session.place();
    }

    @Override
    public long memoryBytes() {
        return session.memoryBytes();
    }

    @Override
    public boolean prefersProducts() {
        return session.prefersProducts();
    }

    @Override
    public List<SvdAlgorithm> svdAlgorithms() {
        return session.svdAlgorithms();
    }

    @Override
    public long maxDimension() {
        return session.maxDimension();
    }

    @Override
    public Matrix allocate(MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout) {
        count("allocate");
        allocations++;
        if (allocations == allocationToFail) {
            throw new InsufficientMemoryException(
                    "allocation " + allocations + " was made to fail", batch * rows * columns * precision.bytes(), 0);
        }
        Matrix matrix = session.allocate(scope, precision, batch, rows, columns, layout);
        long bytes = matrix.byteSize();
        Memory memory = matrix.memory();
        allocated.add(memory);
        liveBytes += bytes;
        peakBytes = Math.max(peakBytes, liveBytes);
        scope.register(
                () -> {
                    liveBytes -= bytes;
                    allocated.remove(memory);
                },
                0);
        session.fill(matrix, Double.NaN);
        return matrix;
    }

    @Override
    public Status status(MemoryScope scope, int size) {
        count("status");
        Status status = session.status(scope, size);
        if (calls("status") == statusToForge) {
            statusCodes.put(status, forgedCode);
        }
        return status;
    }

    @Override
    public int[] read(Status status) {
        count("read");
        int[] words = session.read(status);
        Integer forged = statusCodes.get(status);
        if (forged != null) {
            Arrays.fill(words, forged);
        }
        return words;
    }

    @Override
    public void synchronize() {
        count("synchronize");
        session.synchronize();
    }

    @Override
    public void copy(Matrix source, Matrix target) {
        reading("copy", () -> session.copy(source, target), source);
        boolean fromDevice = allocated.contains(source.memory());
        boolean toDevice = allocated.contains(target.memory());
        if (!fromDevice && toDevice) {
            uploads++;
            uploadedBytes += source.byteSize();
        } else if (fromDevice && !toDevice) {
            downloads++;
            downloadedBytes += target.byteSize();
        }
    }

    @Override
    public void copyColumns(Matrix source, int[] sourceColumns, Matrix target, int[] targetColumns) {
        reading("copyColumns", () -> session.copyColumns(source, sourceColumns, target, targetColumns), source);
        if (!allocated.contains(source.memory())) {
            uploads++;
            uploadedBytes += source.batch()
                    * source.rows()
                    * sourceColumns.length
                    * source.precision().bytes();
        }
    }

    @Override
    public Matrix toHost(Matrix a) {
        count("toHost");
        if (allocated.contains(a.memory())) {
            downloads++;
            downloadedBytes += a.byteSize();
        }
        return session.toHost(a);
    }

    @Override
    public void fill(Matrix a, double value) {
        reading("fill", () -> session.fill(a, value));
    }

    @Override
    public void identity(Matrix a) {
        reading("identity", () -> session.identity(a));
    }

    @Override
    public void keepTriangle(Triangle triangle, Matrix a) {
        reading("keepTriangle", () -> session.keepTriangle(triangle, a));
    }

    @Override
    public void add(double alpha, Matrix a, double beta, Matrix b) {
        reading("add", () -> session.add(alpha, a, beta, b), a.address(0) == b.address(0) ? new Matrix[0] : only(a));
    }

    @Override
    public void scaleRows(Matrix d, Matrix a) {
        reading("scaleRows", () -> session.scaleRows(d, a), d);
    }

    @Override
    public void columnNorms(Matrix a, Matrix norms) {
        reading("columnNorms", () -> session.columnNorms(a, norms), a);
    }

    @Override
    public void scaledNorms(Matrix d, Matrix a, Matrix norms) {
        reading("scaledNorms", () -> session.scaledNorms(d, a, norms), d);
    }

    @Override
    public void maxMagnitude(Matrix a, Matrix result) {
        reading("maxMagnitude", () -> session.maxMagnitude(a, result), a);
    }

    @Override
    public void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
        reading("multiply", () -> session.multiply(alpha, a, b, beta, c), a, b);
    }

    @Override
    public void gram(double alpha, Matrix a, double beta, Matrix c) {
        reading("gram", () -> session.gram(alpha, a, beta, c), a);
    }

    @Override
    public void sketch(long seed, Matrix a, Matrix y) {
        reading("sketch", () -> session.sketch(seed, a, y), a);
    }

    @Override
    public void solveTriangular(Triangle triangle, Matrix t, Matrix b) {
        reading("solveTriangular", () -> session.solveTriangular(triangle, t, b), t);
    }

    @Override
    public void cholesky(Matrix a, Status status) {
        reading("cholesky", () -> session.cholesky(a, status));
    }

    @Override
    public void invertLower(Matrix a, Status status) {
        reading("invertLower", () -> session.invertLower(a, status));
    }

    @Override
    public void invertWellConditioned(Matrix a, Status status) {
        reading("invertWellConditioned", () -> session.invertWellConditioned(a, status));
    }

    @Override
    public void qr(Matrix a, Matrix tau) {
        reading("qr", () -> session.qr(a, tau));
    }

    @Override
    public void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c) {
        reading("applyQ", () -> session.applyQ(reflectors, tau, transposed, c), reflectors, tau);
    }

    @Override
    public void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, Status status) {
        reading("svd", () -> session.svd(algorithm, a, s, vt, status));
    }

    @Override
    public void singularValues(Matrix a, Matrix s, Status status) {
        reading("singularValues", () -> session.singularValues(a, s, status));
    }

    @Override
    public void eigenvalues(Matrix a, Matrix values, Status status) {
        reading("eigenvalues", () -> session.eigenvalues(a, values, status));
    }

    @Override
    public void eigenvectors(Matrix a, Matrix values, Status status) {
        reading("eigenvectors", () -> session.eigenvectors(a, values, status));
    }

    @Override
    public void tridiagonalize(Matrix a, Matrix diagonal, Matrix offDiagonal, Status status) {
        reading("tridiagonalize", () -> session.tridiagonalize(a, diagonal, offDiagonal, status));
    }

    @Override
    public void close() {
        closed = true;
        session.close();
    }

    // ---- policing

    private static Matrix[] only(Matrix matrix) {
        return new Matrix[] {matrix};
    }

    private void count(String operation) {
        calls.merge(operation, 1, Integer::sum);
    }

    private void reading(String operation, Runnable work, Matrix... operands) {
        count(operation);
        long[] before = new long[operands.length];
        for (int i = 0; i < operands.length; i++) {
            before[i] = checksum(operands[i]);
        }
        work.run();
        for (int i = 0; i < operands.length; i++) {
            if (checksum(operands[i]) != before[i]) {
                violations.add(operation + ": operand " + (i + 1) + ", " + operands[i]);
            }
        }
    }

    private long checksum(Matrix matrix) {
        Matrix host = matrix.place().isHost() ? matrix : session.toHost(matrix);
        long sum = 0;
        for (long b = 0; b < host.batch(); b++) {
            for (long i = 0; i < host.rows(); i++) {
                for (long j = 0; j < host.columns(); j++) {
                    sum = sum * 0x9E3779B97F4A7C15L + Double.doubleToRawLongBits(host.get(b, i, j));
                }
            }
        }
        return sum;
    }
}
