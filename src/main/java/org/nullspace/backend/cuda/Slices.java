package org.nullspace.backend.cuda;

import org.nullspace.matrix.Matrix;

/** Batches in slices of bounded size: batched routines count problems, and some the entries of all their workspace, in 32 bits. */
final class Slices {
    /** Problems of a slice, at most. */
    static final int MOST = 1 << 13;

    private Slices() {}

    /** What is done with the problems of a slice. */
    interface Visit {
        void slice(long from, long to);
    }

    /** Visits all slices in order. */
    static void visit(long batch, Visit visit) {
        for (long from = 0; from < batch; from += MOST) {
            visit.slice(from, Math.min(batch, from + MOST));
        }
    }

    /** A slice of an operand; one that is shared by all problems is shared by those of every slice. */
    static Matrix of(Matrix m, long from, long to) {
        return m.batch() == 1 ? m : m.problems(from, to);
    }
}
