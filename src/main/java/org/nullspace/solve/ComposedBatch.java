package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.BatchSolver;
import org.nullspace.backend.Operands;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * Batches of small problems on any session, from its operations on strided batches: for devices that have no operation for whole problems.
 * With p = min(n,d), q = max(n,d), A = 2^e·X or its transpose, whichever is tall, and A = QR:
 *
 * <ul>
 *   <li>X tall: the targets are factorized beside A, which leaves QᵀY in their place, and W = R⁻¹·QᵀY. This is the method of Householder
 *       with its accuracy.
 *   <li>X wide: W = A·R⁻¹·R⁻ᵀ·Y, corrected once: W ← W + A·R⁻¹·R⁻ᵀ·(Y − XW). These seminormal equations need no Q, which no library can
 *       apply for a whole batch in one call. Björck, Linear Algebra Appl. 88/89 (1987); Numerical Methods for Least Squares Problems (1996),
 *       §2.4.6 and §6.6.5.
 * </ul>
 *
 * <p><b>How far the seminormal equations go.</b> With a minimum-norm problem, their solution is off by η‖W‖, η ≈ 4√p·ε·κ, like one from Q;
 * but its residual is off by η‖X‖‖W‖, where one from Q has ε‖X‖‖W‖. The correction solves for that error with the same relative accuracy,
 * hence leaves η²‖X‖‖W‖. This is at the level of rounding if η² ≤ ε, or κ ≤ 1/(4√(pε)). Beyond it, with ‖R‖_F‖R⁻¹‖_F in place of κ, bounds
 * are NaN. (With an overdetermined problem the error would be of order κ²ε before and κ⁴ε² after the correction, which exceeds the κε of
 * Householder's method from κ ≈ ε^(−1/3) on: that is why X tall is treated otherwise.)
 *
 * <p><b>Extreme magnitudes.</b> Where the largest magnitude of a problem's X, Y or C is outside of 2^±300, the problem is multiplied by a
 * power of two, and the result by another; so nothing overflows that need not.
 *
 * <p><b>Company.</b> What is done with a problem depends on its shape and its entries alone. But the libraries underneath may choose their
 * kernels by the number of problems of a call: that results are the same to the bit in any company has been checked on the software device,
 * where every problem of a call goes through the same routine of LAPACK, and not on a GPU.
 *
 * <p><b>Memory.</b> Problems are computed in chunks of at most 256 MiB of scratch and of the part of the memory that
 * operations may take for tiles ({@link Session#TILE_SHARE}).
 *
 * <p><b>Threads.</b> Those of the session.
 */
public final class ComposedBatch implements BatchSolver {
    /**
     * Largest p. What is gained is the time of calls, about 25 µs for each operation on one problem (a GPU driven from the host), and a batched
     * routine does the arithmetic of a problem on one of the device's multiprocessors, of which a large device has more than 100. Up to here
     * a factorization takes less than a few hundred microseconds on one of them. An estimate: not measured on a GPU yet.
     */
    private static final long LARGEST_SHORT_SIDE = 64;

    /** Largest q. Up to here the norm of a column is summed up in one piece, with the same roundings in any company. */
    private static final long LARGEST_LONG_SIDE = 4095;

    /** Most entries of X, and of q×k numbers: 256 KiB. An estimate, as the short side. */
    private static final long LARGEST = 1 << 15;

    /** Scratch of a chunk: enough problems to fill any device. */
    private static final long CHUNK_BYTES = 256L << 20;

    /** Pools of device memory round larger blocks up. */
    private static final double LARGE_BYTES = 1 << 20;

    /** Problems of a chunk: as many as blocks can be counted in the second dimension of a launch. */
    private static final long CHUNK_PROBLEMS = 65_535;

    /**
     * Targets beside A at a time, if there are more than p. With s targets, the factorization takes 2q(p+s)² operations, and each p targets
     * take 4qp² otherwise: not more than twice as many as it would with Q for s = p.
     */
    private static final long TARGETS_BESIDE = 16;

    private final Session session;

    /**
     * Batches on a session.
     *
     * @param session where to compute; not closed by this
     */
    public ComposedBatch(Session session) {
        this.session = session;
    }

    /** Whether A is Xᵀ. */
    static boolean isWide(Matrix x) {
        return x.rows() <= x.columns();
    }

    /** Largest ‖R‖_F‖R⁻¹‖_F that one correction is enough for. */
    static double largestCorrected(long p) {
        return 1 / (4 * Math.sqrt(p * Precision.FLOAT64.epsilon()));
    }

    @Override
    public boolean covers(long rows, long columns, long targets) {
        long p = Math.min(rows, columns);
        long q = Math.max(rows, columns);
        return p >= 1
                && p <= LARGEST_SHORT_SIDE
                && q <= LARGEST_LONG_SIDE
                && rows * columns <= LARGEST
                && targets >= 1
                && targets <= LARGEST / q;
    }

    // ---- memory

    @Override
    public long scratchBytes(long problems, long rows, long columns, long targets) {
        long chunk = Math.max(ProblemChunk.LEAST, Math.min(problems, chunk(rows, columns, targets)));
        double bytes = chunk * problemBytes(rows, columns, targets);
        return (long) Math.ceil(bytes + rounding(bytes));
    }

    /**
     * What pools of device memory add to large matrices, of which there are at most 16 at a time: less than 2 MiB to each, and not more than
     * it takes.
     */
    private static double rounding(double bytes) {
        return bytes <= LARGE_BYTES ? 0 : Math.min(bytes, 32 * LARGE_BYTES);
    }

    /**
     * Bytes of scratch of a problem: A with targets beside it and another A, results; R, its inverse or its singular vectors, what sessions
     * copy of them, and workspace of rotations; vectors; infos and addresses. A quarter more for workspace that only the libraries know.
     */
    private static double problemBytes(double rows, double columns, double targets) {
        double p = Math.min(rows, columns);
        double q = Math.max(rows, columns);
        double entries = 2 * q * p + 2 * q * targets + 4 * p * targets + 9 * p * p + 8 * p + 32;
        return 1.25 * Double.BYTES * entries;
    }

    /** Problems of a chunk. */
    private long chunk(long rows, long columns, long targets) {
        double most = Math.min(CHUNK_BYTES, Budget.of(session).tileBytes());
        double bytes = Math.max(Math.min(most, LARGE_BYTES), most - Math.min(most / 2, 32 * LARGE_BYTES));
        double fit = bytes / problemBytes(rows, columns, targets);
        return (long) Math.max(ProblemChunk.LEAST, Math.min(CHUNK_PROBLEMS, fit));
    }

    // ---- minimum-norm solutions

    @Override
    public void minimumNorm(Matrix x, Matrix y, Matrix w, Matrix bounds, @Nullable Matrix sigma) {
        Operands operands = new Operands("minimumNorm", session.place())
                .reads("X", x)
                .reads("Y", y)
                .writes("W", w)
                .writes("bounds", bounds)
                .float64(bounds)
                .shapes(
                        x.rows() == y.rows() && x.columns() == w.rows() && y.columns() == w.columns(),
                        "X must be n×d, Y n×k and W d×k")
                .shapes(bounds.rows() == 1 && bounds.columns() == 2, "the bounds must be 1×2");
        if (sigma != null) {
            operands.writes("sigma", sigma)
                    .float64(sigma)
                    .column(sigma, Math.min(x.rows(), x.columns()), "the smaller dimension of X");
        }
        operands.checked();
        long most = chunk(x.rows(), x.columns(), y.columns());
        ProblemChunk.visitAll(w.batch(), most, chunk -> {
            Certificates certificates = new Certificates(chunk);
            if (isWide(x)) {
                corrected(chunk, x, y, w, certificates, sigma);
            } else {
                long width = Math.max(TARGETS_BESIDE, x.columns());
                for (long from = 0; from < y.columns(); from += width) {
                    long to = Math.min(y.columns(), from + width);
                    beside(chunk, x, y.columns(from, to), w.columns(from, to), certificates, from == 0 ? sigma : null);
                }
            }
            certificates.write(bounds);
        });
    }

    /** X is tall, and its targets are few. */
    private void beside(
            ProblemChunk chunk, Matrix x, Matrix y, Matrix w, Certificates certificates, @Nullable Matrix sigma) {
        try (MemoryScope scratch = MemoryScope.open()) {
            BatchQr qr = BatchQr.of(session, scratch, chunk, x, y, null);
            Matrix solution = PackedBatch.allocate(session, scratch, chunk.room(), x.columns(), y.columns());
            try (MemoryScope inner = MemoryScope.open()) {
                Matrix r = qr.r(inner);
                certificates.judge(qr, r, Double.POSITIVE_INFINITY);
                session.copy(qr.targets(), solution);
                session.solveTriangular(Triangle.UPPER, r, solution);
            }
            scatter(chunk, qr, qr.targetExponents(), solution, w, certificates);
            writeSigma(chunk, qr, sigma);
        }
    }

    /** X is wide. */
    private void corrected(
            ProblemChunk chunk, Matrix x, Matrix y, Matrix w, Certificates certificates, @Nullable Matrix sigma) {
        long p = x.rows();
        long q = x.columns();
        long k = y.columns();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix a = PackedBatch.allocate(session, scratch, chunk.room(), q, p);
            BatchQr qr = BatchQr.of(session, scratch, chunk, x, null, a);
            Matrix solution = PackedBatch.allocate(session, scratch, chunk.room(), q, k);
            int[] targetExponents;
            try (MemoryScope inner = MemoryScope.open()) {
                Matrix r = qr.r(inner);
                certificates.judge(qr, r, largestCorrected(p));
                Matrix residual = PackedBatch.allocate(session, inner, chunk.room(), p, k);
                chunk.gather(session, y, residual);
                double[] magnitudes = PackedBatch.magnitudes(session, residual);
                certificates.requireFinite(magnitudes);
                targetExponents = PackedBatch.exponents(magnitudes);
                PackedBatch.scale(session, residual, 0, k, targetExponents);
                Matrix z = PackedBatch.allocate(session, inner, chunk.room(), p, k);
                session.copy(residual, z);
                solveNormal(r, z);
                session.multiply(1, a, z, 0, solution);
                session.multiply(-1, a.transposed(), solution, 1, residual);
                solveNormal(r, residual);
                session.multiply(1, a, residual, 1, solution);
            }
            scatter(chunk, qr, targetExponents, solution, w, certificates);
            writeSigma(chunk, qr, sigma);
        }
    }

    /** z ← R⁻¹R⁻ᵀz. */
    private void solveNormal(Matrix r, Matrix z) {
        session.solveTriangular(Triangle.LOWER, r.transposed(), z);
        session.solveTriangular(Triangle.UPPER, r, z);
    }

    /** W ← 2^(e−f)·solution; what has an entry that is not finite there gets no certificate. */
    private void scatter(
            ProblemChunk chunk,
            BatchQr qr,
            int[] targetExponents,
            Matrix solution,
            Matrix w,
            Certificates certificates) {
        PackedBatch.scale(
                session, solution, 0, solution.columns(), PackedBatch.difference(qr.exponents(), targetExponents));
        chunk.scatter(session, solution, w);
        certificates.requireFinite(PackedBatch.magnitudes(session, chunk.all(w)));
    }

    private void writeSigma(ProblemChunk chunk, BatchQr qr, @Nullable Matrix sigma) {
        if (sigma == null) {
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix s = PackedBatch.allocate(session, scratch, chunk.room(), sigma.rows(), 1);
            qr.singularValues(s);
            PackedBatch.scale(session, s, 0, 1, PackedBatch.negated(qr.exponents()));
            for (int i = 0; i < chunk.count(); i++) {
                if (!qr.isFinite(i)) {
                    session.fill(s.problem(i), Double.NaN);
                }
            }
            chunk.scatter(session, s, sigma);
        }
    }

    /** The bounds of the problems of a chunk. */
    private final class Certificates {
        private final ProblemChunk chunk;
        private final double[] norms;
        private final double[] inverses;
        private final boolean[] refused;

        private Certificates(ProblemChunk chunk) {
            this.chunk = chunk;
            this.norms = new double[chunk.count()];
            this.inverses = new double[chunk.count()];
            this.refused = new boolean[chunk.count()];
        }

        /** Takes the bounds from R; refuses where their product exceeds a limit. */
        private void judge(BatchQr qr, Matrix r, double limit) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix inverse = PackedBatch.allocate(session, scratch, r.batch(), r.rows(), r.columns());
                session.copy(r, inverse);
                Status status = session.status(scratch, (int) r.batch());
                session.invertLower(inverse.transposed(), status);
                double[] ofR = PackedBatch.norms(session, r);
                double[] ofInverse = PackedBatch.norms(session, inverse);
                int[] words = session.read(status);
                for (int i = 0; i < norms.length; i++) {
                    norms[i] = Math.scalb(ofR[i], -qr.exponents()[i]);
                    inverses[i] = Math.scalb(ofInverse[i], qr.exponents()[i]);
                    double product = ofR[i] * ofInverse[i];
                    refused[i] |= words[i] != 0
                            || !qr.isFinite(i)
                            || !(product <= limit && product < Double.POSITIVE_INFINITY);
                }
            }
        }

        private void requireFinite(double[] magnitudes) {
            for (int i = 0; i < refused.length; i++) {
                refused[i] |= !Double.isFinite(magnitudes[i]);
            }
        }

        private void write(Matrix bounds) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix host = Matrix.zeros(scratch, Precision.FLOAT64, norms.length, 1, 2, Layout.ROW_MAJOR);
                for (int i = 0; i < norms.length; i++) {
                    host.set(i, 0, 0, refused[i] ? Double.NaN : norms[i]);
                    host.set(i, 0, 1, refused[i] ? Double.NaN : inverses[i]);
                }
                session.copy(host, chunk.all(bounds));
            }
        }
    }

    // ---- spectra

    @Override
    public void singularValues(Matrix x, int[] which, Matrix sigma) {
        new Operands("singularValues", session.place())
                .reads("X", x)
                .writes("sigma", sigma)
                .float64(sigma)
                .column(sigma, Math.min(x.rows(), x.columns()), "the smaller dimension of X")
                .shapes(
                        sigma.batch() == which.length,
                        "there must be one column for each of the " + which.length + " problems");
        ProblemChunk.visit(which, chunk(x.rows(), x.columns(), 1), chunk -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                BatchQr qr = BatchQr.of(session, scratch, chunk, x, null, null);
                writeSigma(chunk.renumbered(), qr, sigma);
            }
        });
    }

    @Override
    public void truncated(Matrix x, Matrix y, int[] which, int[] ranks, double lambda, Matrix w) {
        new Operands("truncated", session.place())
                .reads("X", x)
                .reads("Y", y)
                .writes("W", w)
                .shapes(
                        x.rows() == y.rows() && x.columns() == w.rows() && y.columns() == w.columns(),
                        "X must be n×d, Y n×k and W d×k")
                .shapes(
                        ranks.length == which.length,
                        "there are " + ranks.length + " ranks for " + which.length + " problems")
                .checked();
        long most = chunk(x.rows(), x.columns(), y.columns());
        long width = isWide(x) ? y.columns() : Math.max(TARGETS_BESIDE, x.columns());
        ProblemChunk.visit(which, most, chunk -> {
            boolean[] lost = new boolean[chunk.count()];
            int[] some = chunk.of(ranks);
            for (long from = 0; from < y.columns(); from += width) {
                long to = Math.min(y.columns(), from + width);
                truncated(chunk, x, y.columns(from, to), some, lambda, w.columns(from, to), lost);
            }
            for (int i = 0; i < lost.length; i++) {
                if (lost[i]) {
                    session.fill(chunk.problem(w, i), Double.NaN);
                }
            }
        });
    }

    /** W of the problems of a chunk; marks those that are to be NaN. */
    private void truncated(
            ProblemChunk chunk, Matrix x, Matrix y, int[] ranks, double lambda, Matrix w, boolean[] lost) {
        boolean wide = isWide(x);
        int room = chunk.room();
        long p = Math.min(x.rows(), x.columns());
        long k = y.columns();
        try (MemoryScope scratch = MemoryScope.open()) {
            BatchQr qr = BatchQr.of(session, scratch, chunk, x, wide ? null : y, null);
            Matrix u = PackedBatch.allocate(session, scratch, room, p, p);
            Matrix s = PackedBatch.allocate(session, scratch, room, p, 1);
            Matrix vt = PackedBatch.allocate(session, scratch, room, p, p);
            boolean[] found = qr.decompose(u, s, vt);
            for (int i = 0; i < lost.length; i++) {
                lost[i] |= !found[i] || !qr.isFinite(i);
            }
            double[] factors = filter(PackedBatch.toHost(session, s), ranks, qr.exponents(), (int) p, lambda);
            Matrix t = PackedBatch.allocate(session, scratch, room, p, k);
            int[] targetExponents = qr.targetExponents();
            if (wide) {
                // X = Rᵀ·Qᵀ = V·diag(s)·(QU)ᵀ.
                Matrix targets = PackedBatch.allocate(session, scratch, room, p, k);
                chunk.gather(session, y, targets);
                double[] magnitudes = PackedBatch.magnitudes(session, targets);
                for (int i = 0; i < lost.length; i++) {
                    lost[i] |= !Double.isFinite(magnitudes[i]);
                }
                targetExponents = PackedBatch.exponents(magnitudes);
                PackedBatch.scale(session, targets, 0, k, targetExponents);
                session.multiply(1, vt, targets, 0, t);
            } else {
                session.multiply(1, u.transposed(), qr.targets(), 0, t);
            }
            session.scaleRows(PackedBatch.columns(session, scratch, factors, room), t);
            Matrix solution = PackedBatch.allocate(session, scratch, room, x.columns(), k);
            if (wide) {
                session.fill(solution, 0);
                session.multiply(1, u, t, 0, solution.rows(0, p));
                qr.applyQ(false, solution);
            } else {
                session.multiply(1, vt.transposed(), t, 0, solution);
            }
            PackedBatch.scale(session, solution, 0, k, PackedBatch.difference(qr.exponents(), targetExponents));
            chunk.scatter(session, solution, w);
            try (MemoryScope inner = MemoryScope.open()) {
                Matrix written = solution;
                if (w.precision() != Precision.FLOAT64) {
                    written = session.allocate(inner, w.precision(), room, w.rows(), k, Layout.COLUMN_MAJOR);
                    session.copy(solution, written);
                }
                double[] magnitudes = PackedBatch.magnitudes(session, written);
                for (int i = 0; i < lost.length; i++) {
                    lost[i] |= !Double.isFinite(magnitudes[i]);
                }
            }
        }
    }

    /** σ/(σ² + λ) over the leading triplets and 0 beyond, for 2^e·X and 4^e·λ. */
    private static double[] filter(double[] sigma, int[] ranks, int[] exponents, int p, double lambda) {
        double[] factors = new double[sigma.length];
        for (int b = 0; b < exponents.length; b++) {
            double root = Math.scalb(Math.sqrt(lambda), exponents[b]);
            int rank = ranks[Math.min(b, ranks.length - 1)];
            for (int i = 0; i < rank; i++) {
                double value = sigma[b * p + i];
                factors[b * p + i] = lambda == 0 ? 1 / value : 1 / (value + root * (root / value));
            }
        }
        return factors;
    }

    // ---- bases

    /**
     * {@inheritDoc}
     *
     * <p>B = Q·diag(U, I) where X is wide and B = V where it is tall, with R = U·diag(σ)·Vᵀ; in either case the rotation of the leading p
     * vectors is left out where r is 0 or p. The projection is made twice: what rounding leaves of the row space after the first time, the
     * second removes (Giraud, Langou, Rozložník and van den Eshof, Numer. Math. 101, 2005).
     */
    @Override
    public void transform(Transform transform, Matrix x, int[] ranks, Matrix c) {
        new Operands("transform", session.place())
                .reads("X", x)
                .writes("C", c)
                .float64(c)
                .shapes(x.columns() == c.rows(), "X must be n×d and C d×m")
                .shapes(
                        ranks.length == c.batch(),
                        "there are " + ranks.length + " ranks for " + c.batch() + " problems")
                .checked();
        if (c.isEmpty()) {
            return;
        }
        ProblemChunk.visitAll(c.batch(), chunk(x.rows(), x.columns(), c.columns()), chunk -> {
            transform(transform, chunk, x, chunk.of(ranks), c);
        });
    }

    private void transform(Transform transform, ProblemChunk chunk, Matrix x, int[] ranks, Matrix c) {
        boolean project = transform == Transform.PROJECT_ON_NULL_SPACE;
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix vectors = PackedBatch.allocate(session, scratch, chunk.room(), c.rows(), c.columns());
            chunk.gather(session, c, vectors);
            int[] exponents = PackedBatch.exponents(PackedBatch.magnitudes(session, vectors));
            PackedBatch.scale(session, vectors, 0, c.columns(), exponents);
            ChunkBasis basis = new ChunkBasis(scratch, chunk, x, ranks);
            switch (transform) {
                case TO_COORDINATES -> basis.toCoordinates(vectors);
                case FROM_COORDINATES -> basis.fromCoordinates(vectors);
                case PROJECT_ON_NULL_SPACE -> {
                    basis.project(vectors);
                    basis.project(vectors);
                }
            }
            PackedBatch.scale(session, vectors, 0, c.columns(), PackedBatch.negated(exponents));
            for (int i = 0; i < ranks.length; i++) {
                if (ranks[i] < 0 || basis.isLost(i)) {
                    session.fill(vectors.problem(i), Double.NaN);
                } else if (project && ranks[i] == c.rows()) {
                    session.fill(vectors.problem(i), 0);
                } else if (project && ranks[i] == 0) {
                    session.copy(chunk.problem(c, i), vectors.problem(i));
                }
            }
            chunk.scatter(session, vectors, c);
        }
    }

    /** The bases of the problems of a chunk. */
    private final class ChunkBasis {
        private final long p;
        private final int[] ranks;
        private final @Nullable BatchQr q;
        private final @Nullable Matrix rotation;
        private final boolean[] lost;

        private ChunkBasis(MemoryScope scope, ProblemChunk chunk, Matrix x, int[] ranks) {
            this.p = Math.min(x.rows(), x.columns());
            this.ranks = ranks;
            this.lost = new boolean[ranks.length];
            boolean wide = isWide(x);
            boolean rotated = false;
            for (int i = 0; i < ranks.length; i++) {
                rotated |= isRotated(i);
            }
            BatchQr qr = wide || rotated ? BatchQr.of(session, scope, chunk, x, null, null) : null;
            q = wide ? qr : null;
            rotation = rotated && qr != null ? rotation(scope, chunk, qr, wide) : null;
        }

        private Matrix rotation(MemoryScope scope, ProblemChunk chunk, BatchQr qr, boolean wide) {
            Matrix u = PackedBatch.allocate(session, scope, chunk.room(), p, p);
            Matrix vt = PackedBatch.allocate(session, scope, chunk.room(), p, p);
            try (MemoryScope scratch = MemoryScope.open()) {
                boolean[] found = qr.decompose(u, PackedBatch.allocate(session, scratch, chunk.room(), p, 1), vt);
                for (int i = 0; i < ranks.length; i++) {
                    lost[i] = isRotated(i) && !found[i];
                }
            }
            return wide ? u : vt.transposed();
        }

        private boolean isRotated(int problem) {
            return ranks[problem] > 0 && ranks[problem] < p;
        }

        private boolean isLost(int problem) {
            return lost[problem];
        }

        private void toCoordinates(Matrix c) {
            if (q != null) {
                q.applyQ(true, c);
            }
            rotate(c, true);
        }

        private void fromCoordinates(Matrix c) {
            rotate(c, false);
            if (q != null) {
                q.applyQ(false, c);
            }
        }

        private void project(Matrix c) {
            toCoordinates(c);
            int room = (int) c.batch();
            double[] mask = new double[Math.toIntExact(room * p)];
            for (int b = 0; b < room; b++) {
                int rank = ranks[Math.min(b, ranks.length - 1)];
                for (int i = Math.max(0, rank); i < p; i++) {
                    mask[(int) (b * p + i)] = 1;
                }
            }
            try (MemoryScope scratch = MemoryScope.open()) {
                session.scaleRows(PackedBatch.columns(session, scratch, mask, room), c.rows(0, p));
            }
            fromCoordinates(c);
        }

        private void rotate(Matrix c, boolean transposed) {
            Matrix by = rotation;
            if (by == null) {
                return;
            }
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix t = PackedBatch.allocate(session, scratch, c.batch(), p, c.columns());
                session.copy(c.rows(0, p), t);
                session.multiply(1, transposed ? by.transposed() : by, t, 0, c.rows(0, p));
                // The others are as they were.
                for (int i = 0; i < ranks.length; i++) {
                    int from = i;
                    while (i < ranks.length && !isRotated(i)) {
                        i++;
                    }
                    if (i > from) {
                        session.copy(t.problems(from, i), c.rows(0, p).problems(from, i));
                    }
                }
            }
        }
    }
}
