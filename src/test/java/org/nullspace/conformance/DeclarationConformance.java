package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.Nullspace;
import org.nullspace.OnSession;
import org.nullspace.backend.Session;
import org.nullspace.backend.Status;
import org.nullspace.conformance.Planted.Spectrum;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Factorization;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.Plan;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** What the library declares about memory, copies and failures, checked by a session that watches. */
abstract class DeclarationConformance extends Conformance {
    private CheckedSession checked() {
        return new CheckedSession(provider().open(0));
    }

    /** Asks a set for everything there is. */
    private static void tour(SolutionSet s, Matrix prior, Matrix x) {
        s.singularValues();
        s.rankDecision();
        s.certificate();
        s.intercept();
        s.intercept(prior);
        s.random(1, 1).close();
        s.closestTo(prior).close();
        s.fixing(new int[] {0, 2}, new double[] {1, 2});
        s.ridge(0.5).close();
        s.nullSpace().project(prior).close();
        s.nullSpace().combine(s.nullSpace().coordinates(prior)).close();
        s.nullSpace().basis().close();
        s.rowSpace().combine(s.rowSpace().coordinates(prior)).close();
        s.rowSpace().basis().close();
        s.member(s.nullSpace().coordinates(prior)).close();
        s.decompose(prior);
        s.contains(prior);
        s.predict(x).close();
        s.predict(x, prior).close();
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void readsOnlyWhatItMayAndGivesAllMemoryBack(Precision precision) {
        for (int[] shape : new int[][] {{7, 15, 7}, {7, 15, 5}, {15, 7, 7}, {15, 7, 4}, {6, 6, 6}, {4, 9, 0}}) {
            Planted p = Planted.of(
                    9000 + shape[2], shape[0], shape[1], 2, Spectrum.STEEP.values(shape[2], 10, 1), 0.2, precision);
            double[] weights = new double[p.n()];
            Arrays.setAll(weights, i -> i % 3);
            for (Mode mode : Mode.of(precision)) {
                for (int variant = 0; variant < 3; variant++) {
                    SolveOptions.Builder options = mode.on(options());
                    if (variant > 0) {
                        options.intercept(InterceptRule.UNPENALISED);
                    }
                    if (variant > 1) {
                        options.sampleWeights(weights);
                    }
                    requireClean(mode + " variant " + variant + " on " + p, p, options.build());
                }
            }
        }
    }

    private void requireClean(String where, Planted p, SolveOptions options) {
        Matrix prior = Matrix.of(p.w());
        Matrix x = p.matrixX(Storage.ROW_MAJOR);
        CheckedSession session = checked();
        try (SolutionSet s = OnSession.solve(session, x, p.matrixY(Storage.ROW_MAJOR), options)) {
            tour(s, prior, x);
        }
        assertThat(session.isClosed())
                .as(where + ": the session is closed with its owner")
                .isTrue();
        session.assertClean();

        CheckedSession shared = checked();
        try (shared) {
            Factorization f = OnSession.factor(shared, x, options);
            long afterFactoring = shared.liveBytes();
            for (int round = 0; round < 2; round++) {
                SolutionSet s = f.solve(p.matrixY(Storage.ROW_MAJOR));
                tour(s, prior, x);
                s.close();
                if (round == 0) {
                    afterFactoring = shared.liveBytes();
                }
            }
            assertThat(shared.liveBytes())
                    .as(where + ": a closed set leaves nothing behind")
                    .isEqualTo(afterFactoring);
            f.close();
            assertThat(shared.isClosed()).as(where).isFalse();
            shared.assertClean();
        }
    }

    @Test
    void failedProblemsLeaveNothingBehind() {
        Matrix x = Matrix.of(new double[][] {{1, Double.NaN, 3}, {4, 5, 6}});
        Matrix good = Matrix.of(new double[][] {{1, 2, 3}, {4, 5, 6}});
        Matrix y = Matrix.column(1, 2);
        Matrix badY = Matrix.column(1, Double.POSITIVE_INFINITY);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            CheckedSession session = checked();
            try (session) {
                try (Factorization f = OnSession.factor(session, x, options(mode));
                        SolutionSet s = f.solve(y)) {
                    assertThat(s.outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                }
                session.assertClean();
                try (Factorization f = OnSession.factor(session, good, options(mode))) {
                    try (SolutionSet s = f.solve(badY)) {
                        assertThat(s.outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                    }
                    try (SolutionSet s = f.solve(y)) {
                        assertThat(s.rank())
                                .as("the factorization is as good as before")
                                .isEqualTo(2);
                    }
                }
                session.assertClean();
            }
        }
    }

    // ---- memory

    @ParameterizedTest
    @EnumSource(Precision.class)
    void takesNoMoreMemoryThanPlanned(Precision precision) {
        for (int[] shape : new int[][] {
            {40, 900, 1, 40}, {40, 900, 7, 30}, {900, 40, 3, 40}, {900, 40, 1, 25}, {120, 120, 2, 120}, {1, 500, 1, 1}
        }) {
            Planted p = Planted.of(9100, shape[0], shape[1], shape[2], shape[3], Spectrum.STEEP, 10, 0.1, precision);
            double[] weights = new double[p.n()];
            Arrays.fill(weights, 2);
            for (Mode mode : Mode.of(precision)) {
                for (int variant = 0; variant < 3; variant++) {
                    SolveOptions.Builder builder = mode.on(options());
                    if (variant == 1) {
                        builder.intercept(InterceptRule.UNPENALISED);
                    } else if (variant == 2) {
                        builder.sampleWeights(weights);
                    }
                    SolveOptions options = builder.build();
                    Plan plan = Nullspace.plan(p.n(), p.d(), p.k(), precision, options);
                    CheckedSession session = checked();
                    try (SolutionSet s = OnSession.solve(
                            session, p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options)) {
                        String where = mode + " variant " + variant + " on " + p;
                        // What GRAM takes where the rank is not full is not in its first figure.
                        boolean first = s.method() == plan.methods().get(0)
                                && (s.method() != Method.GRAM || s.outcome() == Outcome.FULL_RANK);
                        long planned = first ? plan.workspaceBytes() : plan.worstWorkspaceBytes();
                        Checks.atMost("memory over plan", where, session.peakBytes(), planned);
                        // A plan that promises everything says nothing.
                        long q = Math.max(p.n(), p.d());
                        long least = Math.min(p.n(), p.d());
                        // SKETCH takes 72 vectors of the long side besides, which outweigh one column.
                        boolean tight = s.method() != Method.GRAM && (s.method() != Method.SKETCH || least > 1);
                        if (first && tight && q > 10L * least) {
                            assertThat(planned).as(where).isLessThan(3 * session.peakBytes());
                        }
                    }
                }
            }
        }
    }

    @Test
    void copiesNothingOfTheSizeOfXBetweenItsStages() {
        Planted p = Planted.of(9200, 40, 3000, 1, 40, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        Planted q = Planted.of(9201, 40, 3000, 1, 33, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (Planted each : new Planted[] {p, q}) {
            for (Mode mode : Mode.of(Precision.FLOAT64)) {
                CheckedSession session = checked();
                try (session;
                        MemoryScope scope = MemoryScope.open()) {
                    Matrix x = session.allocate(scope, Precision.FLOAT64, 1, 40, 3000, Layout.ROW_MAJOR);
                    Matrix y = session.allocate(scope, Precision.FLOAT64, 1, 40, 1, Layout.COLUMN_MAJOR);
                    session.copy(each.matrixX(Storage.ROW_MAJOR), x);
                    session.copy(each.matrixY(Storage.ROW_MAJOR), y);
                    session.resetCounts();
                    String where = mode + " on " + each;
                    try (Factorization f = OnSession.factor(session, x, options(mode))) {
                        // Singular values, norms, status words; random numbers, which do not grow with X.
                        long random = mode.method() == Method.SKETCH ? 8 * 40 * (40 + 3 * 24) : 0;
                        // Vectors that an inverse is tried on, where it is made of products.
                        long tries = session.prefersProducts() ? 4 * 8 * 40 : 0;
                        long norm = f.method() == Method.GRAM ? 8 * 40 + tries : 0;
                        assertThat(session.uploadedBytes()).as(where).isLessThanOrEqualTo(random + norm);
                        long norms = mode.method() == Method.SKETCH ? 10 : 3;
                        assertThat(session.downloadedBytes()).as(where).isLessThan(8 * (10 + norms * 40));
                        session.resetCounts();
                        try (SolutionSet s = f.solve(y)) {
                            // W₀ once or twice to the host, and numbers per singular value and target.
                            assertThat(session.uploadedBytes()).as(where).isLessThan(8 * 100);
                            assertThat(session.downloadedBytes()).as(where).isLessThan(8 * (2 * 3000 + 100));
                            session.resetCounts();
                            s.random(3, 1).close();
                            assertThat(session.uploadedBytes()).as(where).isLessThan(8 * (3000 + 100));
                            assertThat(session.downloadedBytes()).as(where).isLessThan(8 * (3000 + 100));
                            session.resetCounts();
                            s.singularValues();
                            assertThat(session.uploadedBytes()).as(where).isZero();
                            assertThat(session.downloadedBytes()).as(where).isLessThan(8 * (10 + 3 * 40));
                        }
                    }
                }
            }
        }
    }

    /** Each read waits for the device: their number must not be that of the pivots. */
    @Test
    void readsNoMoreOftenForAHigherRankBelowFullRank() {
        SolveOptions options =
                new Mode(Method.GRAM, Precision.FLOAT64).on(options()).build();
        for (int rank : new int[] {5, 32, 50}) {
            Planted p = Planted.of(9250 + rank, 150, 600, 1, rank, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
            CheckedSession session = checked();
            assumeTrue(session.memoryBytes() > 100 * 8 * 150 * 600, "GRAM leaves low ranks to others on small devices");
            try (session;
                    Factorization f = OnSession.factor(session, p.matrixX(Storage.ROW_MAJOR), options)) {
                assertThat(f.method()).as(p + " " + f.history()).isEqualTo(Method.GRAM);
                assertThat(f.rank()).isEqualTo(rank);
                int panels = (rank + 31) / 32;
                assertThat(session.downloads() + session.calls("read"))
                        .as("reads for rank " + rank)
                        .isLessThanOrEqualTo(12L + panels);
            }
        }
    }

    @Test
    void anAllocationThatFailsLeavesNothingBehind() {
        Planted p = Planted.of(9300, 6, 11, 2, 5, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        Matrix x = p.matrixX(Storage.ROW_MAJOR);
        Matrix y = p.matrixY(Storage.ROW_MAJOR);
        Matrix prior = Matrix.of(p.w());
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            SolveOptions options =
                    mode.on(options()).intercept(InterceptRule.UNPENALISED).build();
            boolean done = false;
            for (int which = 1; !done; which++) {
                CheckedSession session = checked();
                session.failAllocation(which);
                boolean failed = false;
                try (SolutionSet s = OnSession.solve(session, x, y, options)) {
                    tour(s, prior, x);
                } catch (InsufficientMemoryException e) {
                    failed = true;
                    assertThat(e).hasMessageContaining("allocation " + which);
                }
                assertThat(session.isClosed()).as(mode + " allocation " + which).isTrue();
                session.assertClean();
                done = !failed;
                assertThat(which).as("allocations of one tour").isLessThan(1000);
            }

            // A factorization survives the failure of one solution.
            CheckedSession session = checked();
            try (session) {
                try (Factorization f = OnSession.factor(session, x, options)) {
                    long live = session.liveBytes();
                    int allocations = 1;
                    for (boolean failed = true; failed; allocations++) {
                        session.resetCounts();
                        session.failAllocation(allocations);
                        try (SolutionSet s = f.solve(y)) {
                            failed = false;
                        } catch (InsufficientMemoryException e) {
                            assertThat(session.liveBytes())
                                    .as(mode + ": memory of a solution that failed at allocation " + allocations)
                                    .isEqualTo(live);
                        }
                    }
                    assertThat(allocations).as("allocations that failed").isGreaterThan(5);
                    session.resetCounts();
                    try (SolutionSet s = f.solve(y);
                            SolutionSet t = Nullspace.solve(x, y, options)) {
                        assertThat(s.minimumNorm().hasSameEntries(t.minimumNorm()))
                                .isTrue();
                    }
                }
                session.assertClean();
            }
        }
    }

    // ---- failures of factorizations

    @Test
    void triesTheNextWayWhenAFactorizationFails() {
        Planted p = Planted.of(9400, 7, 12, 1, 7, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            for (int which = 1; which <= 2; which++) {
                CheckedSession session = checked();
                session.forgeStatus(which, 3);
                try (SolutionSet s = OnSession.solve(
                        session, p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options(mode))) {
                    String where = mode + ", status " + which + " is bad: " + s.history();
                    assertThat(s.outcome()).as(where).isEqualTo(Outcome.FULL_RANK);
                    boolean gram = mode.method() == Method.AUTO || mode.method() == Method.GRAM;
                    // The Cholesky factorization and the inversion have a status each, then QR_SVD has its turn. SKETCH
                    // has
                    // an inversion first, without which it takes the other way, then a Cholesky factorization. The
                    // others try the other iteration.
                    boolean declines = gram || (mode.method() == Method.SKETCH && which == 2);
                    assertThat(s.method()).as(where).isEqualTo(declines ? Method.QR_SVD : mode.method());
                    assertThat(s.history()).as(where).hasSize(declines ? 2 : 1);
                    Checks.close(
                            "solution on the second way",
                            where,
                            s.minimumNorm().toArray(),
                            p.w(),
                            16 * 0x1p-52 * p.sensitivity() * Dense.norm(p.w()));
                }
                session.assertClean();
            }
        }
    }

    @Test
    void saysWhenNoIterationConverges() {
        Planted p = Planted.of(9401, 7, 12, 1, 5, Spectrum.STEEP, 10, 0, Precision.FLOAT64);
        for (Mode mode : Mode.of(Precision.FLOAT64)) {
            CheckedSession session =
                    new CheckedSession(withoutConvergence(provider().open(0)));
            int algorithms = session.svdAlgorithms().size();
            try (SolutionSet s = OnSession.solve(
                    session, p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options(mode))) {
                String where = mode + " " + s.history();
                assertThat(s.outcome()).as(where).isEqualTo(Outcome.NOT_CONVERGED);
                assertThat(s.minimumNorm().get(0, 0)).as(where).isNaN();
                assertThat(s.history().get(s.history().size() - 1)).as(where).contains("did not converge");
                assertThat(session.calls("svd")).as("every iteration was tried").isEqualTo(algorithms);
            }
            session.assertClean();
        }
    }

    /** A session none of whose singular value iterations converges. */
    private static Session withoutConvergence(Session session) {
        Set<Status> bad = new HashSet<>();
        return (Session) Proxy.newProxyInstance(
                Session.class.getClassLoader(), new Class<?>[] {Session.class}, (proxy, method, args) -> {
                    if (method.getName().equals("svd")) {
                        bad.add((Status) args[4]);
                    }
                    try {
                        Object result = method.invoke(session, args);
                        if (method.getName().equals("read") && bad.contains((Status) args[0])) {
                            Arrays.fill((int[]) result, 1);
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
