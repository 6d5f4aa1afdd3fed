package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Powers of two that bring matrices into the range where factorizations neither overflow nor underflow. */
final class Scaling {
    private Scaling() {}

    /** Largest magnitude of a single matrix; NaN if there is a NaN. */
    static double maxMagnitude(Session session, Matrix a) {
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix result = session.allocate(scratch, 1, 1);
            session.maxMagnitude(a, result);
            return session.toHost(result).get(0, 0, 0);
        }
    }

    /** 1 for magnitudes in the safe range of the precision, otherwise the power of two that brings them near 1. */
    static double factor(double maxMagnitude, Precision precision) {
        double safe = precision == Precision.FLOAT64 ? 0x1p300 : 0x1p40;
        if (maxMagnitude == 0 || (maxMagnitude <= safe && maxMagnitude >= 1 / safe)) {
            return 1;
        }
        int exponent = Math.max(-1022, Math.min(1022, -Math.getExponent(maxMagnitude)));
        return Math.scalb(1.0, exponent);
    }

    /** A new column-major copy of s·A in a given precision. */
    static Matrix scaledCopy(Session session, MemoryScope scope, Matrix a, double scale, Precision precision) {
        // A scale that float32 cannot hold is applied before rounding to it.
        if (scale != 1 && precision == Precision.FLOAT32) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix wider = scaledCopy(session, scratch, a, scale, Precision.FLOAT64);
                Matrix copy = session.allocate(scope, precision, 1, a.rows(), a.columns(), Layout.COLUMN_MAJOR);
                session.copy(wider, copy);
                return copy;
            }
        }
        Matrix copy = session.allocate(scope, precision, 1, a.rows(), a.columns(), Layout.COLUMN_MAJOR);
        session.copy(a, copy);
        if (scale != 1) {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix factors = session.allocate(scratch, precision, 1, a.rows(), 1, Layout.COLUMN_MAJOR);
                session.fill(factors, scale);
                session.scaleRows(factors, copy);
            }
        }
        return copy;
    }
}
