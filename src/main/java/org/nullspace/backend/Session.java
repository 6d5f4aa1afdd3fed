package org.nullspace.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;

/**
 * One ordered queue of work on one device, and the vocabulary that all algorithms are written in.
 *
 * <p><b>Operands</b> are strided batches of matrices that lie in {@linkplain #place() this session's place}; operand b of a result is
 * computed from operands b of the arguments. A batch of one fits any batch (it is shared by all problems). Row- and column-major
 * operands may be mixed freely unless an operation says otherwise; transposition is a view ({@link Matrix#transposed()}), never a flag.
 * Operands of one call must have one precision, except where an operation says that it widens.
 *
 * <p><b>Order.</b> Operations run in the order of the calls and may run after the call returns. {@link #synchronize()},
 * {@link #read(Status)}, {@link #toHost(Matrix)} and a {@link #copy} to the host wait; so may a singular value or eigenvalue decomposition,
 * and nothing else does. Operands on the host have been read when the call returns. Device memory is handed back in stream order: its scope
 * may be closed while operations on it are still queued, as long as no other session uses it.
 *
 * <p><b>Copies.</b> No operation copies between host and device except {@link #copy} and {@link #toHost}, by request, and those that are
 * handed an operand of the host.
 *
 * <p><b>Operands of the host.</b> Where the session's place is a device, A in {@link #gram}, {@link #sketch}, {@link #columnNorms} and
 * {@link #maxMagnitude}, one of A and B in {@link #multiply} and the source of {@link #copyColumns} may lie on the host instead, in any precision that the operation accepts. It is streamed through
 * the device tile by tile. The tiles take no more than {@code memoryBytes() / TILE_SHARE} of the
 * device's memory. Each result is as it would be with a copy of the operand on the device, but for the order of sums. This is how a matrix
 * larger than the device is computed with.
 *
 * <p><b>Numbers.</b> Non-finite entries spread as IEEE arithmetic spreads them; no operation hangs on them. Whether a factorization
 * succeeded is in the {@link Status}, never in an exception. Wrong shapes, places and precisions are exceptions, thrown before anything
 * is queued.
 *
 * <p><b>Threads.</b> Not synchronised: one thread at a time. Different sessions may be used at the same time.
 */
public interface Session extends AutoCloseable {
    /** The part of {@link #memoryBytes()} that operations may take for tiles of an operand of the host, as a divisor. */
    int TILE_SHARE = 16;

    /**
     * The backend and device, for people: {@code openblas, 2 threads, Haswell}.
     *
     * @return one line
     */
    String description();

    /**
     * Name of the backend.
     *
     * @return the {@linkplain BackendProvider#name() name}
     */
    String backend();

    /**
     * Where operands must lie.
     *
     * @return the place
     */
    Place place();

    /**
     * Memory that operands can take in all.
     *
     * @return bytes of the device's memory
     */
    long memoryBytes();

    /**
     * Whether products with a triangular matrix take less time than solving with it, for few columns: so on GPUs, where a solve is a long chain
     * of small steps.
     *
     * @return false unless this backend says otherwise
     */
    default boolean prefersProducts() {
        return false;
    }

    /**
     * The largest size of one dimension that the operations accept.
     *
     * @return largest number of rows or columns
     */
    long maxDimension();

    /**
     * The algorithms that {@link #svd} takes, in the order in which they should be tried.
     *
     * @return an unmodifiable list, not empty
     */
    List<SvdAlgorithm> svdAlgorithms();

    // ---- memory

    /**
     * New packed operand with undefined content.
     *
     * @param scope owner of the memory
     * @param precision number format
     * @param batch number of matrices
     * @param rows rows of each
     * @param columns columns of each
     * @param layout layout of each
     * @return a new matrix in {@link #place()}
     * @throws org.nullspace.error.InsufficientMemoryException if it does not fit
     */
    Matrix allocate(MemoryScope scope, Precision precision, long batch, long rows, long columns, Layout layout);

    /**
     * New column-major float64 operand of one matrix, the form most intermediate results have.
     *
     * @param scope owner of the memory
     * @param rows rows
     * @param columns columns
     * @return a new matrix with undefined content
     */
    default Matrix allocate(MemoryScope scope, long rows, long columns) {
        return allocate(scope, Precision.FLOAT64, 1, rows, columns, Layout.COLUMN_MAJOR);
    }

    /**
     * New status words, all 0.
     *
     * @param scope owner of the memory
     * @param size number of problems
     * @return new status words
     */
    Status status(MemoryScope scope, int size);

    /**
     * Waits for all queued work and reads status words.
     *
     * @param status the words
     * @return a new array, one word per problem
     */
    int[] read(Status status);

    /** Waits until all queued work is done. */
    void synchronize();

    /**
     * Target ← source, converting layout and precision; the only operation whose operands may lie in different places (host and this
     * session's).
     *
     * @param source matrix on the host or in {@link #place()}
     * @param target matrix of the same shape on the host or in {@link #place()}
     */
    void copy(Matrix source, Matrix target);

    /**
     * Target[:, targetColumns[j]] ← source[:, sourceColumns[j]] for every j, converting layout and precision; the other columns of the target are not
     * touched. On a device, the two lists are the only memory that is taken besides, for the time of the operation.
     *
     * @param source read; may lie on the host
     * @param sourceColumns indices of columns of the source, in any order; one may occur several times
     * @param target written; as many rows as the source; must not overlap it
     * @param targetColumns indices of columns of the target, as many as there are of the source; none may occur twice
     * @throws org.nullspace.error.ShapeMismatchException if the numbers of rows or of indices differ
     * @throws org.nullspace.error.InvalidInputException if there is no column of such an index, or if a column would be written twice
     */
    void copyColumns(Matrix source, int[] sourceColumns, Matrix target, int[] targetColumns);

    /**
     * The matrix on the host: waits for queued work, then the matrix itself if it lies there, otherwise a new packed copy.
     *
     * @param a a matrix
     * @return a view or a new host matrix
     */
    Matrix toHost(Matrix a);

    // ---- entry-wise

    /**
     * A ← value in every entry.
     *
     * @param a written
     * @param value the value
     */
    void fill(Matrix a, double value);

    /**
     * A ← matrix with ones on the main diagonal and zeros elsewhere.
     *
     * @param a written; any shape
     */
    void identity(Matrix a);

    /**
     * A ← the given triangle of A, diagonal included, and zeros elsewhere.
     *
     * @param triangle the half that is kept
     * @param a overwritten; square
     */
    void keepTriangle(Triangle triangle, Matrix a);

    /**
     * B ← αA + βB. With β = 0, B is not read.
     *
     * @param alpha α
     * @param a read
     * @param beta β
     * @param b written; same shape as A
     */
    void add(double alpha, Matrix a, double beta, Matrix b);

    /**
     * A ← diag(d)·A.
     *
     * @param d column of the row factors, {@code rows × 1}
     * @param a overwritten
     */
    void scaleRows(Matrix d, Matrix a);

    // ---- reductions

    /**
     * Euclidean norms of the columns, free of avoidable overflow and underflow; NaN for a column with a NaN. The result is float64.
     *
     * @param a read; float32 or float64; may lie on the host
     * @param norms written; float64, {@code 1 × columns}
     */
    void columnNorms(Matrix a, Matrix norms);

    /**
     * Euclidean norms of the columns of diag(d)·A, as by {@link #scaleRows} and {@link #columnNorms}.
     *
     * @param d column of the row factors, {@code rows × 1}
     * @param a read; content undefined afterwards
     * @param norms written; float64, {@code 1 × columns}
     */
    void scaledNorms(Matrix d, Matrix a, Matrix norms);

    /**
     * Largest magnitude of each matrix; NaN if an entry is NaN, 0 for an empty matrix. The result is float64.
     *
     * @param a read; float32 or float64; may lie on the host
     * @param result written; float64, {@code 1 × 1}
     */
    void maxMagnitude(Matrix a, Matrix result);

    // ---- products and triangular solves

    /**
     * C ← αAB + βC. With β = 0, C is not read. Widens: one of A and B may be float32 when the other and C are float64; its entries are then
     * converted tile by tile and all arithmetic is float64.
     *
     * @param alpha α
     * @param a read, {@code m × l}; may lie on the host if B does not
     * @param b read, {@code l × n}; may lie on the host if A does not
     * @param beta β
     * @param c written, {@code m × n}; must not overlap A or B
     */
    void multiply(double alpha, Matrix a, Matrix b, double beta, Matrix c);

    /**
     * Lower triangle of C ← αAAᵀ + βC; the strict upper triangle of C is not touched. With β = 0, C is not read. Widens: A may be float32
     * when C is float64.
     *
     * @param alpha α
     * @param a read, {@code n × d}; may lie on the host
     * @param beta β
     * @param c written, {@code n × n}
     */
    void gram(double alpha, Matrix a, double beta, Matrix c);

    /**
     * Y ← SA with a sparse random matrix S of signs ({@code k × q}): {@link SparseSigns} says where its entries are. For any A that does not
     * depend on the seed, the singular values of Y/√{@link SparseSigns#perRow} lie within a small factor of those of A with high
     * probability if k is at least about twice the number of columns of A. Widens: A may be float32. Sums run in the order of the rows of A: the result does
     * not depend on threads or scheduling.
     *
     * @param seed seed of S
     * @param a read, {@code q × p}; float32 or float64; may lie on the host
     * @param y written; float64, {@code k × p} with k ≥ 1; must not overlap A
     */
    void sketch(long seed, Matrix a, Matrix y);

    /**
     * B ← T⁻¹B for a triangular T. To solve with the transpose, pass the transposed view and the other triangle.
     *
     * @param triangle where T's entries are
     * @param t read, {@code n × n}
     * @param b overwritten, {@code n × k}
     */
    void solveTriangular(Triangle triangle, Matrix t, Matrix b);

    // ---- factorizations

    /**
     * Cholesky factorization A = LLᵀ of the lower triangle.
     *
     * @param a lower triangle overwritten by L; the strict upper triangle is not touched
     * @param status written: 0, or the order of the first leading minor that is not positive definite (one with an entry that is not
     *     finite is not)
     */
    void cholesky(Matrix a, Status status);

    /**
     * Lower triangle of A ← its inverse as a lower triangular matrix.
     *
     * @param a lower triangle overwritten; the strict upper triangle is not touched
     * @param status written: 0, or the index (from 1) of a zero on the diagonal
     */
    void invertLower(Matrix a, Status status);

    /**
     * {@link #invertLower} in less time, for a well-conditioned A or where the result is tried: with X the result, AX − I may grow with higher powers
     * of the condition number than by substitution, which leaves ε|A||X|.
     *
     * @param a as there
     * @param status as there
     */
    default void invertWellConditioned(Matrix a, Status status) {
        invertLower(a, status);
    }

    /**
     * Householder QR factorization A = QR of a column-major A. R is left in the upper triangle, the reflectors below it.
     *
     * @param a column-major, {@code m × n} with any m, n; overwritten
     * @param tau written: reflector factors, {@code min(m,n) × 1}
     */
    void qr(Matrix a, Matrix tau);

    /**
     * C ← QC or QᵀC, with Q (m × m) given by the reflectors that {@link #qr} left.
     *
     * @param reflectors column-major, {@code m × l}, the first {@code tau.rows()} columns of what {@link #qr} left
     * @param tau reflector factors
     * @param transposed whether to apply Qᵀ
     * @param c overwritten, {@code m × k}, any layout
     */
    void applyQ(Matrix reflectors, Matrix tau, boolean transposed, Matrix c);

    /**
     * Thin singular value decomposition A = U diag(s) Vᵀ of a column-major A with m ≥ n; U overwrites A. If the iteration does not
     * converge, A is destroyed all the same: who wants to try the other algorithm keeps a copy.
     *
     * @param algorithm one of {@link #svdAlgorithms()}
     * @param a column-major, {@code m × n} with m ≥ n; overwritten by U, undefined where the status is not 0
     * @param s written: singular values in descending order, {@code n × 1}; NaN where the status is not 0
     * @param vt written: Vᵀ, column-major, {@code n × n}; undefined where the status is not 0
     * @param status written: 0, or a positive number if the iteration did not converge or A has an entry that is not finite
     */
    void svd(SvdAlgorithm algorithm, Matrix a, Matrix s, Matrix vt, Status status);

    /**
     * Singular values of a column-major A with m ≥ n; A is destroyed.
     *
     * @param a column-major, {@code m × n} with m ≥ n; content undefined afterwards
     * @param s written: singular values in descending order, {@code n × 1}; NaN where the status is not 0
     * @param status written: 0, or a positive number if the iteration did not converge or A has an entry that is not finite
     */
    void singularValues(Matrix a, Matrix s, Status status);

    /**
     * Eigenvalues of the symmetric matrix in the lower triangle of A; A is destroyed.
     *
     * @param a column-major, {@code n × n}; content undefined afterwards
     * @param values written: eigenvalues in ascending order, {@code n × 1}; NaN where the status is not 0
     * @param status written: 0, or a positive number if the iteration did not converge or the triangle has an entry that is not finite
     */
    void eigenvalues(Matrix a, Matrix values, Status status);

    /**
     * Spectral decomposition A = Z diag(values) Zᵀ of the symmetric matrix in the lower triangle of A; Z overwrites all of A.
     *
     * @param a column-major, {@code n × n}; overwritten by orthonormal eigenvectors, undefined where the status is not 0
     * @param values written: eigenvalues in ascending order, {@code n × 1}; NaN where the status is not 0
     * @param status written: 0, or a positive number if the iteration did not converge or the triangle has an entry that is not finite
     */
    void eigenvectors(Matrix a, Matrix values, Status status);

    /**
     * Reduction A = Q·T·Qᵀ of the symmetric matrix in the lower triangle of A to a symmetric tridiagonal T, with orthonormal Q, which overwrites
     * all of A. T may be diagonal where the backend knows nothing that is faster than eigenvectors; their order is that of
     * {@link #eigenvectors} then.
     *
     * @param a column-major, {@code n × n}; overwritten by Q, undefined where the status is not 0
     * @param diagonal written: the diagonal of T, {@code n × 1}; NaN where the status is not 0
     * @param offDiagonal written: the entries beside the diagonal, {@code n − 1 × 1} (none for n = 0); undefined where the status is not 0
     * @param status written: 0, or a positive number if the triangle has an entry that is not finite, or an iteration did not converge
     */
    void tridiagonalize(Matrix a, Matrix diagonal, Matrix offDiagonal, Status status);

    // ---- whole problems

    /**
     * How many sessions of this device may work at the same time, each in a thread of its own, with profit where single operations are too
     * small to be spread over the device.
     *
     * @return 1 unless the backend says otherwise
     */
    default int concurrency() {
        return 1;
    }

    /**
     * What this session does for batches of small problems.
     *
     * @return its operations, or null if it has none; valid until the session is closed
     */
    default @Nullable BatchSolver batchSolver() {
        return null;
    }

    /** Waits for queued work and gives everything back that the session holds. Matrices live on in their scopes. */
    @Override
    void close();
}
