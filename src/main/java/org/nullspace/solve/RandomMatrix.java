package org.nullspace.solve;

import java.util.function.DoubleSupplier;
import org.nullspace.backend.Session;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** Column-major float64 matrices of independent random numbers in the session's place, the same for the same seed. */
final class RandomMatrix {
    private RandomMatrix() {}

    /** Normally distributed with mean 0 and variance 1. */
    static Matrix gaussian(Session session, MemoryScope owner, long rows, long columns, long seed) {
        return of(session, owner, rows, columns, new SplitMix64(seed)::nextGaussian);
    }

    /** Uniformly distributed with mean 0 and the given variance. */
    static Matrix uniform(Session session, MemoryScope owner, long rows, long columns, double variance, long seed) {
        SplitMix64 random = new SplitMix64(seed);
        double width = 2 * Math.sqrt(3 * variance);
        return of(session, owner, rows, columns, () -> width * (random.nextDouble() - 0.5));
    }

    private static Matrix of(Session session, MemoryScope owner, long rows, long columns, DoubleSupplier numbers) {
        Matrix host = Matrix.uninitialized(owner, Precision.FLOAT64, 1, rows, columns, Layout.COLUMN_MAJOR);
        HostLines lines = HostLines.of(host, 0);
        double[] chunk = new double[lines.chunk()];
        for (long c = 0; c < columns; c++) {
            for (long i = 0; i < rows; i += chunk.length) {
                int part = (int) Math.min(chunk.length, rows - i);
                for (int j = 0; j < part; j++) {
                    chunk[j] = numbers.getAsDouble();
                }
                lines.write(c, i, chunk, 0, part);
            }
        }
        if (session.place().isHost()) {
            return host;
        }
        Matrix device = session.allocate(owner, rows, columns);
        session.copy(host, device);
        return device;
    }
}
