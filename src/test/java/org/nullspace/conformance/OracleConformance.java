package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.Nullspace;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.SolutionSet;
import org.nullspace.random.SplitMix64;

/**
 * Random problems, each with its seed in the message of a failure, solved by Hipparchus and EJML as well. The three agree to what the problem's
 * condition allows.
 */
abstract class OracleConformance extends Conformance {
    private static final double ROOM = 32;
    private static final long PROBLEMS = 200;

    static LongStream seeds() {
        return LongStream.range(0, PROBLEMS);
    }

    private static Planted problem(SplitMix64 random, long seed) {
        int n = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 12);
        int d = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 12);
        int full = Math.min(n, d);
        int rank = random.nextInt(3) == 0 ? 1 + random.nextInt(full) : full;
        Spectrum spectrum = Spectrum.values()[random.nextInt(3)];
        double condition = Math.pow(10, 4 * random.nextDouble());
        double inconsistency = random.nextInt(2) * random.nextDouble();
        double unit = Math.pow(10, 40 * random.nextDouble() - 20);
        Planted p = Planted.of(
                900_000 + seed,
                n,
                d,
                1 + random.nextInt(3),
                rank,
                spectrum,
                condition,
                inconsistency,
                Precision.FLOAT64);
        return p.scaled(unit, Math.pow(10, 40 * random.nextDouble() - 20));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void agreesWithHipparchusAndEjml(long seed) {
        SplitMix64 random = new SplitMix64(seed);
        Planted p = problem(random, seed);
        Mode mode = Mode.of(Precision.FLOAT64).get(random.nextInt(4));
        Storage storage = Storage.values()[random.nextInt(Storage.values().length)];
        String where = "seed " + seed + ", " + mode + ", " + storage + ", " + p;
        double cutoff = Math.sqrt(0x1p-52 / p.condition());
        double[][] hipparchus = Oracle.minimumNorm(p.x(), p.y(), cutoff);
        double[][] ejml = Oracle.minimumNormByEjml(p.x(), p.y(), cutoff);
        double bound = ROOM * 0x1p-52 * p.sensitivity() * Dense.norm(p.w());
        Checks.close("the oracles agree with each other", where, hipparchus, ejml, bound);
        try (SolutionSet s = Nullspace.solve(p.matrixX(storage), p.matrixY(storage), options(mode))) {
            double[][] w = s.minimumNorm().toArray();
            assertThat(s.rank()).as(where + s.history()).isEqualTo(p.rank());
            Checks.close("solution against Hipparchus", where, w, hipparchus, bound);
            Checks.close("solution against EJML", where, w, ejml, bound);
            double[] sigma = Oracle.singularValues(p.x());
            Checks.close(
                    "singular values against Hipparchus",
                    where,
                    s.singularValues(),
                    sigma,
                    ROOM * 0x1p-52 * Math.sqrt(sigma.length) * sigma[0]);
            double lambda = sigma[0] * sigma[0] * Math.pow(10, -3 * random.nextDouble());
            double[][] ridge = entries(s.ridge(lambda));
            // The normal equations of the oracle have condition number (σ₁² + λ)/λ at most.
            Checks.close(
                    "ridge against normal equations",
                    where,
                    ridge,
                    Oracle.ridge(p.x(), p.y(), lambda),
                    bound + ROOM * 0x1p-52 * (1 + sigma[0] * sigma[0] / lambda) * Dense.norm(p.w()));

            double[][] prior = Dense.scale(Dense.norm(p.w()), Dense.gaussian(random, p.d(), p.k()));
            double[][] expected = Dense.add(1, p.w(), 1, Dense.multiply(Oracle.projector(p.v()), prior));
            Checks.close(
                    "closest member against the planted null space",
                    where,
                    entries(s.closestTo(Matrix.of(prior))),
                    expected,
                    bound + ROOM * 0x1p-52 * p.condition() * Math.sqrt(p.rank()) * Dense.norm(prior));
            assertThat(s.certificate().holds(1e-12 * Math.sqrt(p.n() + p.d())))
                    .as(where + " " + s.certificate())
                    .isTrue();
        }
    }
}
