package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.backend.GramLimits;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * Singular values and left singular vectors of T from the eigenvalues of TTᵀ, which takes a fraction of the time of a singular value
 * decomposition and is as accurate where κ is small: {@link GramLimits#SPECTRUM_CONDITION}.
 */
final class GramSpectrum {
    private GramSpectrum() {}

    /**
     * Decomposes.
     *
     * @param t T, l×m with m ≥ l ≥ 1
     * @param z column-major, l×l; overwritten, by the left singular vectors if they are wanted
     * @param vectors whether they are
     * @return singular values in descending order, or null where they would lose accuracy
     */
    static double @Nullable [] of(Session session, Matrix t, Matrix z, boolean vectors) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix values = session.allocate(scratch, t.rows(), 1);
            // Eigenvalues ascend: those of −TTᵀ begin with the largest in magnitude.
            session.gram(-1, t, 0, z);
            Status status = session.status(scratch, 1);
            if (vectors) {
                session.eigenvectors(z, values, status);
            } else {
                session.eigenvalues(z, values, status);
            }
            double[] squares = Factors.toHost(session, values);
            double limit = GramLimits.SPECTRUM_CONDITION * GramLimits.SPECTRUM_CONDITION;
            if (session.read(status)[0] != 0 || !(squares[squares.length - 1] * limit <= squares[0])) {
                return null;
            }
            for (int i = 0; i < squares.length; i++) {
                squares[i] = Math.sqrt(-squares[i]);
            }
            return squares;
        }
    }

    /**
     * Reduces TTᵀ to tridiagonal form. Where the backend finds its spectrum instead, eigenvalues descend.
     *
     * @param t T, l×m with m ≥ l ≥ 1
     * @param q column-major, l×l; overwritten by Q
     * @return TTᵀ = u²·Q·(tridiagonal)·Qᵀ, or null where that would lose accuracy
     */
    static @Nullable TridiagonalForm reduced(Session session, Matrix t, Matrix q) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix d = session.allocate(scratch, t.rows(), 1);
            Matrix e = session.allocate(scratch, t.rows() - 1, 1);
            session.gram(-1, t, 0, q);
            Status status = session.status(scratch, 1);
            session.tridiagonalize(q, d, e, status);
            double[] diagonal = Factors.toHost(session, d);
            double[] beside = Factors.toHost(session, e);
            if (session.read(status)[0] != 0) {
                return null;
            }
            for (int i = 0; i < diagonal.length; i++) {
                diagonal[i] = -diagonal[i];
            }
            for (int i = 0; i < beside.length; i++) {
                beside[i] = -beside[i];
            }
            TridiagonalForm form = TridiagonalForm.of(new DenseColumns(session, q), diagonal, beside);
            double limit = GramLimits.SPECTRUM_CONDITION * GramLimits.SPECTRUM_CONDITION;
            return form.largest() <= limit * form.least() ? form : null;
        }
    }
}
