package org.nullspace.solve;

import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/**
 * Reflections that lie in the session's place in one piece. Takes m·l entries.
 *
 * @param session where the operands lie
 * @param reflectors what {@link Session#qr} left, column-major, m×l
 * @param tau reflector factors, l×1
 */
record WholeReflections(Session session, Matrix reflectors, Matrix tau) implements Reflections {
    @Override
    public long rows() {
        return reflectors.rows();
    }

    @Override
    public Precision precision() {
        return reflectors.precision();
    }

    @Override
    public void apply(boolean transposed, Matrix c) {
        session.applyQ(reflectors, tau, transposed, c);
    }
}
