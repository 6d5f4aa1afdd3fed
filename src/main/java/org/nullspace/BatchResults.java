package org.nullspace;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.FixedCoefficientsBatch;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.NullSpaceBatch;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;
import org.nullspace.solve.BatchProducts;

/**
 * What all kinds of solved batches have in common: shapes, outcomes, checks of arguments, and what follows from a few operations on all
 * problems, which the kinds differ in. Matrices of results are column-major, problem after problem, so that they can be seen
 * {@linkplain Matrix#sideBySide() side by side}.
 */
abstract class BatchResults implements SolutionBatch {
    final MemoryScope scope;
    final SolveOptions options;
    final Matrix x;
    final int size;
    final long n;
    final long d;
    final long k;
    final Outcome[] outcomes;
    final int[] ranks;
    final Matrix minimumNorm;

    /** Sets that were handed out or are worth keeping. */
    final AtomicReferenceArray<@Nullable SolutionSet> sets;

    private final ReadWriteLock life = new ReentrantReadWriteLock();

    /** Held while what is asked for the first time is computed. */
    private final Object firstTime = new Object();

    private @Nullable Matrix intercepts;
    private @Nullable Matrix sigma;
    private @Nullable Matrix residuals;

    /**
     * Results that are still to be filled in.
     *
     * @param scope owner of the results
     * @param x B×n×d or 1×n×d
     * @param size B
     * @param k targets
     */
    BatchResults(MemoryScope scope, Matrix x, int size, long k, SolveOptions options) {
        this.scope = scope;
        this.options = options;
        this.x = x;
        this.size = size;
        this.n = x.rows();
        this.d = x.columns();
        this.k = k;
        this.outcomes = new Outcome[size];
        this.ranks = new int[size];
        this.sets = new AtomicReferenceArray<>(size);
        this.minimumNorm = Matrix.uninitialized(scope, x.precision(), size, d, k, Layout.COLUMN_MAJOR);
    }

    // ---- what the kinds of batches differ in. Problems that failed may be left out; their results are set to NaN here

    /** C ← projections on the null spaces; C is B×d×l. */
    abstract void projectAll(Matrix c);

    /** Coordinates of W in the bases of the null spaces; W is B×d×l and may be destroyed, C is B×m×l and zero before. */
    abstract void coordinatesAll(Matrix w, Matrix c);

    /** W ← vectors with given coordinates; C is B×m×l or 1×m×l, W is B×d×l. */
    abstract void combineAll(Matrix c, Matrix w);

    /** W ← ridge solutions, λ &gt; 0; W is B×d×k. */
    abstract void ridgeAll(double lambda, Matrix w);

    /** C ← C + W₀; C is B×d×k. */
    abstract void addMinimumNorm(Matrix c);

    /** Singular values, B×p×1. */
    abstract void spectraAll(Matrix values);

    /** The rank decision of a problem that was solved. */
    abstract RankDecision decision(int problem);

    /** ‖Xw₀ − y‖, B×1×k. */
    abstract void residualsAll(Matrix norms);

    /** A solution set of a problem, made anew, which owns what it is made of. */
    abstract SolutionSet make(int problem);

    /** What is done with the solution set of a problem. */
    interface SetUse {
        /**
         * Uses the set, which may end afterwards.
         *
         * @param set the solution set
         * @param b index of its problem
         */
        void apply(SolutionSet set, int b);
    }

    /** Uses the solution sets of those problems of a list that were solved. */
    abstract void onSets(int[] which, SetUse use);

    /**
     * Prescribes coefficients where that needs no solution sets.
     *
     * @return the problems that are left
     */
    int[] fixTogether(BatchPrescription prescription) {
        return all();
    }

    /** out ← samples times coefficients; samples are B×m×d or 1×m×d, coefficients B×d×k or 1×d×k, out is B×m×k. */
    abstract void productsAll(Matrix samples, Matrix w, Matrix out);

    /** Gives back what the results do not own; called after they have been freed. */
    abstract void closeWork();

    // ---- what it is

    @Override
    public final int size() {
        return size;
    }

    @Override
    public final Outcome[] outcomes() {
        return outcomes.clone();
    }

    @Override
    public final Outcome outcome(int index) {
        requireIndex(index);
        return outcomes[index];
    }

    @Override
    public final int[] ranks() {
        return ranks.clone();
    }

    @Override
    public final int rank(int index) {
        requireIndex(index);
        return ranks[index];
    }

    @Override
    public List<BatchFailure> failures() {
        return List.of();
    }

    @Override
    public final Matrix minimumNorm() {
        return minimumNorm;
    }

    // ---- single problems

    @Override
    public final SolutionSet problem(int index) {
        requireIndex(index);
        SolutionSet known = sets.get(index);
        if (known != null) {
            return known;
        }
        if (scope.isClosed()) {
            throw new ClosedException("problem " + index + " of a batch of " + size + " (X " + x.shape()
                    + ") was asked for after the batch had been closed");
        }
        return open(() -> {
            SolutionSet made = make(index);
            if (keep(index, made)) {
                return made;
            }
            made.close();
            return Objects.requireNonNull(sets.get(index));
        });
    }

    /** Keeps a solution set until the batch is closed; false if another one is kept already. */
    final boolean keep(int index, SolutionSet set) {
        boolean first = sets.compareAndSet(index, null, set);
        if (first) {
            scope.register(set::close, 0);
        }
        return first;
    }

    /** Indices of all problems. */
    final int[] all() {
        return IntStream.range(0, size).toArray();
    }

    final boolean solved(int b) {
        return outcomes[b].isSolved();
    }

    final void requireIndex(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("problem " + index + " of a batch of " + size);
        }
    }

    /** Sets what belongs to problems that failed to NaN. */
    final void spoilFailed(Matrix m) {
        for (int b = 0; b < size; b++) {
            if (!solved(b)) {
                spoil(m, b);
            }
        }
    }

    static void spoil(Matrix m, int b) {
        for (long j = 0; j < m.columns(); j++) {
            for (long i = 0; i < m.rows(); i++) {
                m.set(b, i, j, Double.NaN);
            }
        }
    }

    /** The singular values that were found with the solutions. */
    final void setSigma(Matrix values) {
        sigma = values;
    }

    @Override
    public final Matrix singularValues() {
        return open(() -> {
            synchronized (firstTime) {
                Matrix known = sigma;
                if (known == null) {
                    known = newSigma();
                    spectraAll(known);
                    spoilFailed(known);
                    sigma = known;
                }
                return known;
            }
        });
    }

    /** Singular values that are still to be found. */
    final Matrix newSigma() {
        return Matrix.zeros(scope, Precision.FLOAT64, size, spectrumLength(), 1, Layout.COLUMN_MAJOR);
    }

    /** Number of singular values of each problem: of its design, without samples of weight 0 and, with an intercept, one less. */
    private long spectrumLength() {
        long rows = n;
        double[] weights = options.sampleWeights();
        if (weights != null) {
            rows = Arrays.stream(weights).filter(weight -> weight > 0).count();
        }
        boolean reduced = options.intercept() == InterceptRule.UNPENALISED && n > 0;
        return Math.min(reduced ? rows - 1 : rows, d);
    }

    @Override
    public final RankDecision rankDecision(int index) {
        requireIndex(index);
        if (!solved(index)) {
            throw new NoSolutionException(
                    "problem " + index + " of a batch of " + size + " has no solution: " + outcomes[index].text());
        }
        return decision(index);
    }

    @Override
    public final Matrix residualNorms() {
        return open(() -> {
            synchronized (firstTime) {
                Matrix known = residuals;
                if (known == null) {
                    known = Matrix.zeros(scope, Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
                    residualsAll(known);
                    spoilFailed(known);
                    residuals = known;
                }
                return known;
            }
        });
    }

    /** The residual norms, where they were found with the solutions. */
    final void setResiduals(Matrix norms) {
        residuals = norms;
    }

    /** Constant terms of the solutions, where they are not 0. */
    final void setIntercepts(Matrix constants) {
        intercepts = constants;
    }

    @Override
    public final Matrix intercepts() {
        return open(() -> {
            synchronized (firstTime) {
                Matrix known = intercepts;
                if (known == null) {
                    known = Matrix.zeros(scope, Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
                    spoilFailed(known);
                    intercepts = known;
                }
                return known;
            }
        });
    }

    // ---- members

    @Override
    public final Matrix closestTo(Matrix prior) {
        requireVectors("prior", prior, d, k);
        return open(() -> {
            Matrix c = spread(prior);
            projectAll(c);
            return members(c);
        });
    }

    @Override
    public final Matrix gradientDescentLimit(Matrix start) {
        requireVectors("start", start, d, k);
        return closestTo(start);
    }

    @Override
    public final Matrix random(long seed, double radius) {
        return random(b -> SolutionBatch.seedOf(seed, b), radius);
    }

    /** The seed of a problem. */
    interface Seeds {
        /**
         * The seed of a problem.
         *
         * @param problem its index
         * @return the seed
         */
        long of(int problem);
    }

    /** Random members with a seed for each problem. */
    final Matrix random(Seeds seeds, double radius) {
        if (!(radius >= 0 && radius < Double.POSITIVE_INFINITY)) {
            throw new InvalidInputException("radius " + radius + " is not a finite number of at least 0");
        }
        return open(() -> {
            Matrix c = make(d, k);
            for (int b = 0; b < size; b++) {
                SplitMix64 random = new SplitMix64(seeds.of(b));
                for (long j = 0; j < k; j++) {
                    for (long i = 0; i < d; i++) {
                        c.set(b, i, j, random.nextGaussian());
                    }
                }
            }
            projectAll(c);
            for (int b = 0; b < size; b++) {
                for (long j = 0; j < k; j++) {
                    stretch(c, b, j, ranks[b] == d ? 0 : radius);
                }
            }
            return members(c);
        });
    }

    private void stretch(Matrix c, int b, long j, double radius) {
        double norm = 0;
        for (long i = 0; i < d; i++) {
            norm = Math.hypot(norm, c.get(b, i, j));
        }
        double factor = radius == 0 ? 0 : radius / norm;
        for (long i = 0; i < d; i++) {
            c.set(b, i, j, radius == 0 ? 0 : factor * c.get(b, i, j));
        }
    }

    @Override
    public final FixedCoefficientsBatch fixing(int[] indices, Matrix values) {
        InvalidInputException.requireNonNull("the array of indices", indices);
        requireVectors("values", values, indices.length, 1);
        Prescription.requireIndices(indices, d, x.shape());
        for (int b = 0; b < values.batch(); b++) {
            for (int i = 0; i < indices.length; i++) {
                if (!Double.isFinite(values.get(b, i, 0))) {
                    throw new InvalidInputException("problem " + b + ": coefficient " + indices[i]
                            + " cannot be prescribed as " + values.get(b, i, 0));
                }
            }
        }
        return open(() -> {
            BatchPrescription prescription = new BatchPrescription(this, indices.clone(), shareable(values));
            int[] rest = fixTogether(prescription);
            onSets(
                    rest,
                    (set, b) -> prescription.take(b, set.fixing(prescription.indices(), prescription.valuesOf(b))));
            return prescription.results();
        });
    }

    @Override
    public final Matrix ridge(double lambda) {
        if (!(lambda >= 0 && lambda < Double.POSITIVE_INFINITY)) {
            throw new InvalidInputException("ridge penalty " + lambda + " is not a finite number of at least 0");
        }
        return open(() -> {
            Matrix w = make(d, k);
            if (lambda == 0) {
                return members(w);
            }
            ridgeAll(lambda, w);
            spoilFailed(w);
            return w;
        });
    }

    /** W₀ as it was before it was rounded to the precision of X. */
    final Matrix wideMinimumNorm() {
        return x.precision() == Precision.FLOAT64 ? minimumNorm : members(make(d, k));
    }

    /** C ← W₀ + C, NaN for problems that failed. */
    private Matrix members(Matrix c) {
        addMinimumNorm(c);
        spoilFailed(c);
        return c;
    }

    // ---- null spaces

    @Override
    public final NullSpaceBatch nullSpaces() {
        return open(() -> new NullSpacesOfBatch(this));
    }

    // ---- predictions

    @Override
    public final Matrix predict(Matrix samples) {
        return open(() -> predictions(
                samples, wideMinimumNorm(), options.intercept() == InterceptRule.NONE ? null : intercepts()));
    }

    @Override
    public final Matrix predict(Matrix samples, Matrix w) {
        requireVectors("w", w, d, k);
        return open(() -> predictions(samples, shareable(w), interceptsOf(shareable(w))));
    }

    /** Constants of given coefficients, B×1×k, or null if there is no intercept; coefficients are B×d×k or 1×d×k. */
    private @Nullable Matrix interceptsOf(Matrix w) {
        if (options.intercept() == InterceptRule.NONE) {
            return null;
        }
        Matrix constants = Matrix.zeros(Precision.FLOAT64, size, 1, k, Layout.ROW_MAJOR);
        onSets(all(), (set, b) -> write(set.intercept(w.problem(w.batch() == 1 ? 0 : b)), constants, b));
        return constants;
    }

    private Matrix predictions(Matrix samples, Matrix w, @Nullable Matrix constants) {
        InvalidInputException.requireNonNull("x", samples);
        if (samples.columns() != d) {
            throw new ShapeMismatchException(
                    "samples have shape " + samples.shape() + ", the regressions were fitted to X of shape " + x.shape()
                            + ": both must have the same number of columns");
        }
        requireBatch("x", samples);
        return open(() -> {
            Matrix out = make(samples.rows(), k);
            productsAll(shareable(samples), w, out);
            if (constants != null) {
                for (int b = 0; b < size; b++) {
                    for (long j = 0; j < k; j++) {
                        for (long i = 0; i < out.rows(); i++) {
                            out.set(b, i, j, out.get(b, i, j) + constants.get(b, 0, j));
                        }
                    }
                }
            }
            spoilFailed(out);
            return out;
        });
    }

    // ---- arguments and results

    /** The matrices of a tile, or the one matrix of all problems. */
    static Matrix part(Matrix m, int from, int to) {
        return m.batch() == 1 ? m : m.problems(from, to);
    }

    /** out ← samples times coefficients, for a tile. */
    static void multiply(Session session, Matrix samples, Matrix w, Matrix out, int from, int to) {
        BatchProducts.multiply(session, part(samples, from, to), part(w, from, to), out.problems(from, to));
    }

    /** Writes numbers into a row or column of a problem. */
    static void write(double[] entries, Matrix vector, int b) {
        boolean row = vector.rows() == 1;
        for (int i = 0; i < entries.length; i++) {
            vector.set(b, row ? 0 : i, row ? i : 0, entries[i]);
        }
    }

    /** C ← C + A. */
    static void add(Matrix a, Matrix c) {
        for (long b = 0; b < c.batch(); b++) {
            for (long j = 0; j < c.columns(); j++) {
                for (long i = 0; i < c.rows(); i++) {
                    c.set(b, i, j, c.get(b, i, j) + a.get(b, i, j));
                }
            }
        }
    }

    /** A new float64 host matrix of the caller, zero, one for each problem. */
    final Matrix make(long rows, long columns) {
        return Matrix.zeros(Precision.FLOAT64, size, rows, columns, Layout.COLUMN_MAJOR);
    }

    /** The matrix, or a copy of it if only the calling thread may use it. */
    static Matrix shareable(Matrix a) {
        return a.memory().scope().isConfined() ? a.copy(Layout.COLUMN_MAJOR) : a;
    }

    /** A new float64 copy with one matrix for each problem. */
    final Matrix spread(Matrix a) {
        Matrix out = make(a.rows(), a.columns());
        if (a.batch() == size) {
            out.copyFrom(a);
        } else {
            for (int b = 0; b < size; b++) {
                out.problem(b).copyFrom(a);
            }
        }
        return out;
    }

    final void requireVectors(String name, Matrix a, long rows, long columns) {
        InvalidInputException.requireNonNull(name, a);
        requireBatch(name, a);
        if (a.rows() != rows || (columns >= 0 && a.columns() != columns)) {
            throw new ShapeMismatchException(name + " has shape " + a.shape() + ", needed are " + rows + " rows"
                    + (columns >= 0 ? " and " + columns + (columns == 1 ? " column" : " columns") : "")
                    + ": X has shape "
                    + x.shape() + ", Y " + k + (k == 1 ? " target" : " targets"));
        }
    }

    private void requireBatch(String name, Matrix a) {
        if (!a.place().isHost()) {
            throw new InvalidInputException(name + " lies in the memory of " + a.place() + ": it must be on the host");
        }
        if (a.batch() != size && a.batch() != 1) {
            throw new ShapeMismatchException(name + " is a batch of " + a.batch() + " (shape " + a.shape()
                    + "), the batch has " + size + " problems: one matrix for each, or one for all, is needed");
        }
    }

    // ---- life

    /** Does work while the batch cannot be closed. */
    final <T> T open(Supplier<T> work) {
        Lock lock = life.readLock();
        lock.lock();
        try {
            if (scope.isClosed()) {
                throw new ClosedException(
                        "a batch of " + size + " problems (X " + x.shape() + ") was used after it had been closed");
            }
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public final void close() {
        Lock lock = life.writeLock();
        lock.lock();
        try {
            if (!scope.isClosed()) {
                try {
                    scope.close();
                } finally {
                    closeWork();
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
