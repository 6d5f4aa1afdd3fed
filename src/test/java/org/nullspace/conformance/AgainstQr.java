package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.random.SplitMix64;

/** Quicker methods must give what QR_SVD gives, or leave the problem to it. */
abstract class AgainstQr extends Conformance {
    /** The front door, or something that stands for it. */
    interface Way {
        SolutionSet solve(Matrix x, Matrix y, SolveOptions options);
    }

    /**
     * Solves with two targets and compares everything with QR_SVD.
     *
     * @param method the method that must have had the last word, or null if any may
     * @param steps length of the history then
     */
    void requireSameAsQr(
            String where, double[][] x, Way way, SolveOptions options, @Nullable Method method, int steps) {
        int n = x.length;
        int d = x[0].length;
        int p = Math.min(n, d);
        double[][] w = Dense.gaussian(new SplitMix64(99), d, 2);
        double[][] y = Dense.multiply(x, w);
        SolveOptions qr =
                new Mode(Method.QR_SVD, Precision.FLOAT64).on(options()).build();
        try (SolutionSet s = way.solve(Matrix.of(x), Matrix.of(y), options);
                SolutionSet expected = solve(x, y, qr)) {
            String what = where + " " + s.history();
            if (method != null) {
                assertThat(s.method()).as(what).isEqualTo(method);
                assertThat(s.history()).as(what).hasSize(steps);
            }
            if (options.method() != Method.AUTO) {
                assertThat(s.history().get(0)).as(what).startsWith(options.method() + ": ");
            }
            assertThat(s.rank()).as(what).isEqualTo(expected.rank());
            double unit = SolverConformance.ROOM * 0x1p-52 * Math.sqrt(p);
            double[] sigma = s.singularValues();
            for (int i = 0; i < p; i++) {
                double error = Math.abs(sigma[i] - expected.singularValues()[i]);
                Checks.atMost("singular value", what, error, unit * sigma[0]);
            }
            double room = unit * expected.condition();
            double[][] minimal = s.minimumNorm().toArray();
            double[][] other = expected.minimumNorm().toArray();
            Checks.close("solution", what, minimal, other, room * Dense.norm(other));
            double[][] fit = Dense.subtract(Dense.multiply(x, minimal), y);
            double size = Dense.norm(x) * Dense.norm(minimal);
            Checks.atMost("residual", what, Dense.norm(fit), unit * (size + Dense.norm(y)));
            double[][] any = Dense.gaussian(new SplitMix64(98), d, 3);
            double[][] inNull = entries(s.nullSpace().project(Matrix.of(any)));
            double[][] otherNull = entries(expected.nullSpace().project(Matrix.of(any)));
            Checks.close("projection", what, inNull, otherNull, room * Dense.norm(any));
            if (s.nullity() > 0) {
                double[][] z = entries(s.nullSpace().coordinates(Matrix.of(any)));
                double[][] back = entries(s.nullSpace().combine(Matrix.of(z)));
                Checks.close("null space", what, back, inNull, room * Dense.norm(any));
            }
            Checks.atMost("orthonormality", what, s.certificate().orthonormalityDefect(), unit);
            double[][] again = entries(s.nullSpace().project(Matrix.of(inNull)));
            Checks.close("projector", what, again, inNull, SolverConformance.ROOM * 0x1p-52 * Dense.norm(any));
        }
    }

    /** A session one of whose operations writes something else: the operand of a given index is changed before anybody sees it. */
    Session altered(String operation, int operand, Consumer<double[][]> change) {
        Session session = provider().open(0);
        return watched(session, (name, args) -> {
            if (name.equals(operation)) {
                Matrix y = (Matrix) args[operand];
                double[][] entries = session.toHost(y).toArray();
                change.accept(entries);
                session.copy(Storage.ROW_MAJOR.of(entries, (int) y.columns(), Precision.FLOAT64), y);
            }
        });
    }
}
