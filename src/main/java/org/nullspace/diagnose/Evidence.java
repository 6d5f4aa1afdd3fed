package org.nullspace.diagnose;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Certificate;
import org.nullspace.model.RankDecision;
import org.nullspace.solve.CompleteBasis;
import org.nullspace.solve.Factors;
import org.nullspace.solve.Norms;

/** Measures what a {@link Certificate} states, in blocks of bounded memory. */
public final class Evidence {
    /** Columns of N whose orthonormality is checked at most; fewer where a device has no room for so many. */
    private static final int MOST_COLUMNS = 256;

    /** What these columns take at most, in bytes, unless X itself is larger. */
    private static final long MOST_BYTES = 64 << 20;

    /** Rows of X that are taken to coordinates at a time. */
    private static final long BLOCK = 64;

    /** Blocks of vectors take no more than this part of a device's own memory, as a divisor. */
    private static final long DEVICE_SHARE = 32;

    private Evidence() {}

    /**
     * Measures.
     *
     * @param session where to compute
     * @param factors X factorized
     * @param x the matrix that was factorized, n×d
     * @param y targets, n×k, in the precision of the factors
     * @param w minimum-norm solution, d×k, in the precision of the factors
     * @param decision the rank decision
     * @return the certificate
     */
    public static Certificate measure(
            Session session, Factors factors, Matrix x, Matrix y, Matrix w, RankDecision decision) {
        CompleteBasis basis = factors.completeBasis();
        long d = x.columns();
        long r = factors.rank();
        try (MemoryScope scratch = MemoryScope.open()) {
            double seen = 0;
            double xNorm = 0;
            long height = vectorsAtATime(session, d, BLOCK);
            for (long from = 0; from < x.rows(); from += height) {
                long to = Math.min(x.rows(), from + height);
                try (MemoryScope block = scratch.nested()) {
                    Matrix rows = factors.vectors(block, d, to - from);
                    session.copy(x.rows(from, to).transposed(), rows);
                    xNorm = Math.hypot(xNorm, Norms.frobenius(session, rows));
                    basis.toCoordinates(rows);
                    seen = Math.hypot(seen, Norms.frobenius(session, rows.rows(r, d)));
                }
            }
            Matrix coordinates = factors.vectors(scratch, d, w.columns());
            session.copy(w, coordinates);
            basis.toCoordinates(coordinates);
            double minimumNormDefect = Norms.frobenius(session, coordinates.rows(r, d));

            Matrix residual = factors.vectors(scratch, x.rows(), y.columns());
            session.copy(y, residual);
            session.multiply(1, x, w, -1, residual);
            Matrix gradient = factors.vectors(scratch, d, y.columns());
            session.multiply(1, x.transposed(), residual, 0, gradient);

            long checked = Math.min(d - r, vectorsAtATime(session, d, columnsThatFit(x.rows(), d)));
            return new Certificate(
                    seen,
                    xNorm,
                    orthonormalityDefect(session, factors, basis, d - r, checked),
                    checked,
                    minimumNormDefect,
                    Norms.frobenius(session, w),
                    Norms.frobenius(session, residual),
                    Norms.frobenius(session, gradient),
                    seen,
                    decision);
        }
    }

    /** So many columns of length d, at least 2, that they need no more memory than X or than 64 MiB. */
    private static long columnsThatFit(long n, long d) {
        long small = MOST_BYTES / (Precision.FLOAT64.bytes() * Math.max(1, d));
        return Math.min(MOST_COLUMNS, Math.max(2, Math.max(n, small)));
    }

    private static long vectorsAtATime(Session session, long d, long most) {
        if (session.place().isHost()) {
            return most;
        }
        long fit = session.memoryBytes() / DEVICE_SHARE / (Precision.FLOAT64.bytes() * Math.max(1, d));
        return Math.max(1, Math.min(most, fit));
    }

    private static double orthonormalityDefect(
            Session session, Factors factors, CompleteBasis basis, long nullity, long checked) {
        if (checked == 0) {
            return 0;
        }
        long d = basis.dimension();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix columns = factors.vectors(scratch, d, checked);
            session.fill(columns, 0);
            for (long c = 0; c < checked; c++) {
                long unit = basis.rank() + c * nullity / checked;
                session.fill(columns.rows(unit, unit + 1).columns(c, c + 1), 1);
            }
            basis.fromCoordinates(columns);
            Matrix gram = session.allocate(scratch, factors.precision(), 1, checked, checked, Layout.COLUMN_MAJOR);
            session.identity(gram);
            session.multiply(1, columns.transposed(), columns, -1, gram);
            return Norms.frobenius(session, gram);
        }
    }
}
