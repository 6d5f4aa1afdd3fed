package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * The memory of a session's place, and who may take how much of it. On the host all of it may be asked for. On a device with memory of its
 * own, X and what its factorization takes share a half; vectors (targets, coefficients, residuals) may take a further quarter; the last
 * quarter is for the tiles in which operations read the host, for the backend's own workspace, and for what later calls need. What does
 * not fit into its share stays on the host and is streamed.
 *
 * @param ownMemory whether the session's place is not the host
 * @param memoryBytes all memory of the place
 */
record Budget(boolean ownMemory, long memoryBytes) {
    private static final double FACTORS = 0.5;
    private static final double OPERANDS = 0.75;

    /** Part of the memory that a block of rows with its p rows of R may take. */
    private static final double BLOCK = 1.0 / 16;

    /** On the host: shorter matrices, and those that a cache holds, are factorized in one piece. */
    private static final double HOST_ASPECT = 64;

    private static final double HOST_BYTES = 64 << 20;

    /** On the host: own rows of a block, and for each column. */
    private static final double HOST_ROWS = 3200;

    private static final double HOST_ROWS_PER_COLUMN = 16;

    static Budget of(Session session) {
        return new Budget(!session.place().isHost(), session.memoryBytes());
    }

    /** Bytes of a rows×columns matrix, exact up to 2⁵³. */
    static double bytes(Precision precision, double rows, double columns) {
        return precision.bytes() * rows * columns;
    }

    /** Bytes that X takes in the session's place: 0 if it is streamed. */
    static double residentBytes(Session session, Matrix x) {
        return x.place().equals(session.place()) ? bytes(x.precision(), x.rows(), x.columns()) : 0;
    }

    /** What may be asked for in all before anything is begun. */
    double operandBytes() {
        return ownMemory ? OPERANDS * memoryBytes : memoryBytes;
    }

    /** Whether X and its factors may lie in the session's place. */
    boolean holdsFactors(double bytes) {
        return !ownMemory || bytes <= FACTORS * memoryBytes;
    }

    /**
     * Whether a tall m×p matrix is factorized in one piece. On the host, where there is room for either, very tall ones are not, because a
     * block of rows stays in the cache while its columns are eliminated.
     *
     * @param heldBytes what the problem takes otherwise
     */
    boolean wholeQr(double m, double p, Precision precision, double heldBytes) {
        return ownMemory
                ? holdsFactors(heldBytes + wholeQrBytes(m, p, precision))
                : m < HOST_ASPECT * p || bytes(precision, m, p) <= HOST_BYTES;
    }

    /** Bytes of the reflectors in one piece, of M and Zᵀ, and about 4p² for the decomposition of R. */
    static double wholeQrBytes(double m, double p, Precision precision) {
        return bytes(precision, m + 6 * p, p);
    }

    /**
     * Bytes of {@link Sketch} and of {@link Gram} where the rank is not full: the orthonormal factor with the vectors that probe the result, and up to ten small factors at a time with about
     * 4p² for the decomposition of T.
     */
    double sketchBytes(double m, double p) {
        Precision wide = Precision.FLOAT64;
        double probed = ownMemory ? m : Math.min(m, PreconditionedQr.blockRows((long) p));
        return bytes(wide, m, p + PreconditionedQr.PROBES)
                + bytes(wide, probed, 2 * PreconditionedQr.PROBES)
                + bytes(wide, 14 * p + 8 * PreconditionedQr.PROBES, p);
    }

    /**
     * Whether the orthonormal factor of {@link PreconditionedQr} may be made.
     *
     * @param heldBytes what the problem takes otherwise
     */
    boolean holdsSketch(double heldBytes, double m, double p) {
        double bytes = heldBytes + sketchBytes(m, p);
        return holdsFactors(bytes) && bytes <= operandBytes();
    }

    /** The same block by block: one block (on the host all of them), R, and a factor for each reflector of each block. */
    double blockedQrBytes(double m, double p, Precision precision) {
        if (!ownMemory) {
            return reflectionBytes(m, p, precision) + bytes(precision, 7 * p, p) + bytes(precision, m + p, 1);
        }
        double block = bytes(precision, p + blockRows((long) p, precision), p);
        // Entries of extreme size are scaled in float64 before they are rounded.
        double scaling = precision == Precision.FLOAT32 ? 2 * block : 0;
        return block + scaling + bytes(precision, 7 * p, p) + bytes(precision, m + p, 1);
    }

    /** Bytes of the reflectors of all blocks, which lie on the host. */
    double reflectionBytes(double m, double p, Precision precision) {
        return bytes(precision, m + p * Math.ceil(m / blockRows((long) p, precision)), p);
    }

    /** Own rows of a block. */
    long blockRows(long p, Precision precision) {
        if (!ownMemory) {
            return (long) Math.max(HOST_ROWS, HOST_ROWS_PER_COLUMN * p);
        }
        double fit = BLOCK * memoryBytes / bytes(precision, Math.max(1, p), 1) - p;
        return (long) Math.max(Math.max(1, p), fit);
    }

    /** Memory that an operation may take to read an operand of the host, or to convert one. */
    double tileBytes() {
        return memoryBytes / (double) Session.TILE_SHARE;
    }
}
