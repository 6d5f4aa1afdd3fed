package org.nullspace.solve;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.backend.SvdAlgorithm;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.SvdChoice;

/** A thin singular value decomposition that tries several algorithms before it gives up. */
public final class ThinSvd {
    private ThinSvd() {}

    /**
     * The algorithms to try for a choice.
     *
     * @param session where to compute
     * @param choice the user's choice
     * @return the session's algorithms for {@link SvdChoice#AUTO}, otherwise the chosen one
     * @throws InvalidInputException if the session does not have it
     */
    static List<SvdAlgorithm> algorithms(Session session, SvdChoice choice) {
        if (choice == SvdChoice.AUTO) {
            return session.svdAlgorithms();
        }
        SvdAlgorithm chosen = SvdAlgorithm.valueOf(choice.name());
        if (!session.svdAlgorithms().contains(chosen)) {
            throw new InvalidInputException("svd " + choice + " is not to be had on " + session.description()
                    + ", only " + session.svdAlgorithms() + ": choose one of these, or AUTO");
        }
        return List.of(chosen);
    }

    /**
     * A = U·diag(σ)·Zᵀ by the algorithms of the session.
     *
     * @param session where to compute
     * @param fill writes A; called again after an algorithm that did not converge, since each destroys A
     * @param a column-major, m×p with m ≥ p; overwritten by U
     * @param zt written: Zᵀ, column-major, p×p
     * @return σ on the host in descending order, or null if no algorithm converged
     */
    public static double @Nullable [] decompose(Session session, Consumer<Matrix> fill, Matrix a, Matrix zt) {
        return decompose(session, session.svdAlgorithms(), fill, a, zt);
    }

    /**
     * A = U·diag(σ)·Zᵀ.
     *
     * @param session where to compute
     * @param algorithms which to try, in this order
     * @param fill writes A; called again after an algorithm that did not converge, since each destroys A
     * @param a column-major, m×p with m ≥ p; overwritten by U
     * @param zt written: Zᵀ, column-major, p×p
     * @return σ on the host in descending order, or null if no algorithm converged
     */
    static double @Nullable [] decompose(
            Session session, List<SvdAlgorithm> algorithms, Consumer<Matrix> fill, Matrix a, Matrix zt) {
        for (SvdAlgorithm algorithm : algorithms) {
            fill.accept(a);
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix s = session.allocate(scratch, a.precision(), 1, a.columns(), 1, Layout.COLUMN_MAJOR);
                Status status = session.status(scratch, 1);
                session.svd(algorithm, a, s, zt, status);
                double[] sigma = Factors.toHost(session, s);
                if (session.read(status)[0] == 0) {
                    return sigma;
                }
            }
        }
        return null;
    }
}
