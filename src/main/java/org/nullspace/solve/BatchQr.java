package org.nullspace.solve;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Householder factorizations of the problems of a chunk: A = QR, A the tall one of 2^e·X and (2^e·X)ᵀ, m×p. With targets beside A, the same
 * reflections turn these into QᵀY: it costs less than another pass with the reflectors and is as accurate.
 */
final class BatchQr {
    /** Largest order of R that rotations are tried on first. */
    private static final long ROTATED = 32;

    private final Session session;
    private final long p;
    private final Matrix beside;
    private final Matrix tau;
    private final double[] magnitudes;
    private final int[] exponents;
    private final int[] targetExponents;
    private final double[] targetMagnitudes;

    private BatchQr(
            Session session,
            long p,
            Matrix beside,
            Matrix tau,
            double[] magnitudes,
            int[] exponents,
            double[] targetMagnitudes,
            int[] targetExponents) {
        this.session = session;
        this.p = p;
        this.beside = beside;
        this.tau = tau;
        this.magnitudes = magnitudes;
        this.exponents = exponents;
        this.targetMagnitudes = targetMagnitudes;
        this.targetExponents = targetExponents;
    }

    /**
     * Factorizes.
     *
     * @param scope owner of the factors
     * @param chunk the problems
     * @param x all problems, or one that they share
     * @param y targets that are multiplied by Qᵀ, where X is tall; or null
     * @param kept written: A as it was before, m×p; or null
     */
    static BatchQr of(
            Session session,
            MemoryScope scope,
            ProblemChunk chunk,
            Matrix x,
            @Nullable Matrix y,
            @Nullable Matrix kept) {
        Matrix tall = ComposedBatch.isWide(x) ? x.transposed() : x;
        long m = tall.rows();
        long p = tall.columns();
        long k = y == null ? 0 : y.columns();
        Matrix beside = PackedBatch.allocate(session, scope, chunk.room(), m, p + k);
        Matrix a = beside.columns(0, p);
        chunk.gather(session, tall, a);
        double[] magnitudes = PackedBatch.magnitudes(session, a);
        int[] exponents = PackedBatch.exponents(magnitudes);
        PackedBatch.scale(session, beside, 0, p, exponents);
        double[] targetMagnitudes = new double[chunk.room()];
        int[] targetExponents = new int[chunk.room()];
        if (y != null) {
            Matrix targets = beside.columns(p, p + k);
            chunk.gather(session, y, targets);
            targetMagnitudes = PackedBatch.magnitudes(session, targets);
            targetExponents = PackedBatch.exponents(targetMagnitudes);
            PackedBatch.scale(session, beside, p, p + k, targetExponents);
        }
        if (kept != null) {
            session.copy(a, kept);
        }
        Matrix tau = PackedBatch.allocate(session, scope, chunk.room(), Math.min(m, p + k), 1);
        session.qr(beside, tau);
        return new BatchQr(session, p, beside, tau, magnitudes, exponents, targetMagnitudes, targetExponents);
    }

    /** Whether all entries of a problem's X, and of its targets beside it, are finite. */
    boolean isFinite(int problem) {
        return Double.isFinite(magnitudes[problem]) && Double.isFinite(targetMagnitudes[problem]);
    }

    /** e for each problem. */
    int[] exponents() {
        return exponents;
    }

    /** f for each problem: the targets have been multiplied by 2^f. */
    int[] targetExponents() {
        return targetExponents;
    }

    /** A new copy of R, p×p with zeros below the diagonal. */
    Matrix r(MemoryScope scope) {
        Matrix r = PackedBatch.allocate(session, scope, beside.batch(), p, p);
        copyR(beside, r);
        return r;
    }

    private void copyR(Matrix from, Matrix to) {
        session.copy(from.rows(0, p).columns(0, p), to);
        session.keepTriangle(Triangle.UPPER, to);
    }

    /** The first p rows of QᵀY, a view. */
    Matrix targets() {
        return beside.rows(0, p).columns(p, beside.columns());
    }

    /**
     * C ← QC or QᵀC.
     *
     * @param transposed whether to apply Qᵀ
     * @param c overwritten, with m rows
     */
    void applyQ(boolean transposed, Matrix c) {
        session.applyQ(beside.columns(0, p), tau.rows(0, p), transposed, c);
    }

    /**
     * Singular values of R.
     *
     * @param s written, p×1; NaN where they were not found
     */
    void singularValues(Matrix s) {
        try (MemoryScope scratch = MemoryScope.open()) {
            session.singularValues(r(scratch), s, session.status(scratch, (int) beside.batch()));
        }
    }

    /**
     * Singular value decomposition of R. A problem on which an algorithm does not converge is given to the next one.
     *
     * @param u written: U
     * @param s written, p×1: singular values
     * @param vt written: Vᵀ
     * @return whether the decomposition was found, for each problem
     */
    boolean[] decompose(Matrix u, Matrix s, Matrix vt) {
        copyR(beside, u);
        List<SvdAlgorithm> algorithms = algorithms();
        boolean[] found = new boolean[(int) beside.batch()];
        try (MemoryScope scratch = MemoryScope.open()) {
            Status status = session.status(scratch, found.length);
            session.svd(algorithms.get(0), u, s, vt, status);
            int[] words = session.read(status);
            for (int b = 0; b < found.length; b++) {
                found[b] = words[b] == 0;
                for (int next = 1; !found[b] && isFinite(b) && next < algorithms.size(); next++) {
                    copyR(beside.problem(b), u.problem(b));
                    Status one = session.status(scratch, 1);
                    session.svd(algorithms.get(next), u.problem(b), s.problem(b), vt.problem(b), one);
                    found[b] = session.read(one)[0] == 0;
                }
            }
        }
        return found;
    }

    /** Rotations first where a batch of small matrices is their strength. */
    private List<SvdAlgorithm> algorithms() {
        List<SvdAlgorithm> algorithms = new ArrayList<>(session.svdAlgorithms());
        if (p <= ROTATED && algorithms.remove(SvdAlgorithm.JACOBI)) {
            algorithms.add(0, SvdAlgorithm.JACOBI);
        }
        return algorithms;
    }
}
