package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/** Powers of two that bring matrices into the range where factorizations neither overflow nor underflow. */
final class Scaling {
    private Scaling() {}

    /** 1 for magnitudes in the safe range of the precision, otherwise the power of two that brings them near 1. */
    static double factor(double maxMagnitude, Precision precision) {
        return Math.scalb(1.0, exponent(maxMagnitude, precision));
    }

    /** Exponent of that power. */
    static int exponent(double maxMagnitude, Precision precision) {
        double safe = precision == Precision.FLOAT64 ? 0x1p300 : 0x1p40;
        return maxMagnitude == 0 || (maxMagnitude <= safe && maxMagnitude >= 1 / safe)
                ? 0
                : Math.max(-1022, Math.min(1022, -Math.getExponent(maxMagnitude)));
    }

    /** Target ← s·A, rounded to the precision of the target. */
    static void scaledCopy(Session session, Matrix a, double scale, Matrix target) {
        if (scale == 1) {
            session.copy(a, target);
            return;
        }
        try (MemoryScope scratch = MemoryScope.open()) {
            // In float64, since float32 could not hold entries of extreme size nor the scale.
            Matrix wide = target.precision() == Precision.FLOAT64
                    ? target
                    : session.allocate(scratch, Precision.FLOAT64, 1, a.rows(), a.columns(), Layout.COLUMN_MAJOR);
            Matrix factors = session.allocate(scratch, a.rows(), 1);
            session.copy(a, wide);
            session.fill(factors, scale);
            session.scaleRows(factors, wide);
            if (wide != target) {
                session.copy(wide, target);
            }
        }
    }
}
