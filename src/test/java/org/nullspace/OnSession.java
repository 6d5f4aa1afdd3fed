package org.nullspace;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.model.Factorization;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** The front door with a session of the test's choice, so that the session can be watched. */
public final class OnSession {
    private OnSession() {}

    /**
     * Factorizes X on a session, which stays open.
     *
     * @param session where to compute
     * @param x n×d, on the host or in the session's place
     * @param options how to factorize; the backend choice has no effect
     * @return the factorization
     */
    public static Factorization factor(Session session, Matrix x, SolveOptions options) {
        return Regression.factor(session, false, new ReentrantLock(), List.of(), x, options);
    }

    /**
     * Solves on a session, which is closed with the solution set, as by the front door.
     *
     * @param session where to compute
     * @param x n×d, on the host or in the session's place
     * @param y n×k, on the host or in the session's place
     * @param options how to solve; the backend choice has no effect
     * @return the solution set
     */
    public static SolutionSet solve(Session session, Matrix x, Matrix y, SolveOptions options) {
        Regression regression = Regression.factor(session, true, new ReentrantLock(), List.of(), x, options);
        try {
            return regression.solve(y, true);
        } catch (RuntimeException e) {
            regression.close();
            throw e;
        }
    }
}
