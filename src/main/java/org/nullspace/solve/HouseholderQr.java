package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * A QR factorization sA = QR of a tall m×p matrix.
 *
 * @param q Q as an operator
 * @param r R in the upper triangle of a p×p matrix; what lies below it is no part of R
 */
record HouseholderQr(Reflections q, Matrix r) {
    /**
     * Factorizes, in one piece where {@link Budget#wholeQr} says so and otherwise block by block of rows.
     *
     * @param session where to compute
     * @param scope owner of the factors
     * @param a m×p with m ≥ p, on the host or in the session's place; only read
     * @param scale s, a power of two
     * @param precision precision of the result
     * @param heldBytes memory of the session's place that is taken otherwise by the same problem
     * @return Q and R
     */
    static HouseholderQr of(
            Session session, MemoryScope scope, Matrix a, double scale, Precision precision, double heldBytes) {
        Budget budget = Budget.of(session);
        long p = a.columns();
        if (!budget.wholeQr(a.rows(), p, precision, heldBytes)) {
            return BlockedReflections.factor(session, scope, a, scale, precision, budget.blockRows(p, precision));
        }
        Matrix reflectors = session.allocate(scope, precision, 1, a.rows(), p, Layout.COLUMN_MAJOR);
        Matrix tau = session.allocate(scope, precision, 1, p, 1, Layout.COLUMN_MAJOR);
        Scaling.scaledCopy(session, a, scale, reflectors);
        session.qr(reflectors, tau);
        return new HouseholderQr(new WholeReflections(session, reflectors, tau), reflectors.rows(0, p));
    }
}
