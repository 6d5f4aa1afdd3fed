package org.nullspace.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nullspace.backend.Session;
import org.nullspace.backend.SparseSigns;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

/** What a session on a device must do with operands that it is handed from the host. On the host there is nothing to test. */
public abstract class HostOperandConformance {
    /** Shapes of X, some larger than tiles of a few hundred entries. */
    private static final int[][] SHAPES = {{0, 5}, {5, 0}, {1, 1}, {1, 700}, {700, 1}, {9, 333}, {257, 65}, {130, 129}};

    private Session session;
    private MemoryScope scope;

    /**
     * Opens the session under test.
     *
     * @return a new session, closed by the suite
     */
    protected abstract Session openSession();

    @BeforeEach
    void open() {
        session = openSession();
        scope = MemoryScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
        session.close();
    }

    private interface Case {
        void check(String where, double[][] entries, Matrix host);
    }

    /** Every shape, storage and precision; the operand must keep every bit. */
    private void forAll(Case check) {
        assumeFalse(session.place().isHost(), "operands of this session lie on the host anyway");
        SplitMix64 random = new SplitMix64(11);
        for (int[] shape : SHAPES) {
            for (Precision precision : Precision.values()) {
                double[][] entries = Dense.gaussian(random, shape[0], shape[1]);
                if (precision == Precision.FLOAT32) {
                    entries = Dense.rounded(entries);
                }
                for (Storage storage : Storage.values()) {
                    Matrix host = storage.of(entries, shape[1], precision);
                    Matrix before = host.copy(Layout.ROW_MAJOR);
                    String where = shape[0] + "×" + shape[1] + " " + precision + " " + storage;
                    check.check(where, entries, host);
                    assertThat(host.hasSameEntries(before)).as(where).isTrue();
                }
            }
        }
    }

    private Matrix device(double[][] entries, int columns) {
        Matrix out = session.allocate(scope, Precision.FLOAT64, 1, entries.length, columns, Layout.COLUMN_MAJOR);
        session.copy(Storage.ROW_MAJOR.of(entries, columns, Precision.FLOAT64), out);
        return out;
    }

    private static void requireClose(String what, String where, Matrix host, double[][] expected, double size) {
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                Checks.atMost(what, where, Math.abs(host.get(0, i, j) - expected[i][j]), 64 * 0x1p-52 * size);
            }
        }
    }

    @Test
    void multipliesAnOperandOfTheHostFromEitherSide() {
        SplitMix64 random = new SplitMix64(12);
        forAll((where, entries, host) -> {
            int m = (int) host.rows();
            int l = (int) host.columns();
            for (int k : new int[] {1, 3}) {
                double[][] b = Dense.gaussian(random, l, k);
                double[][] c = Dense.gaussian(random, m, k);
                double[][] expected =
                        m == 0 || l == 0 ? Dense.scale(0.5, c) : plus(-2, Dense.multiply(entries, b), 0.5, c);
                Matrix target = device(c, k);
                session.multiply(-2, host, device(b, k), 0.5, target);
                requireClose("XB", where, session.toHost(target), expected, 4 * Math.sqrt(l + 1) * 4);

                Matrix right = session.allocate(scope, Precision.FLOAT64, 1, k, l, Layout.ROW_MAJOR);
                session.multiply(1, device(c, k).transposed(), host, 0, right);
                double[][] product = m == 0 || l == 0 ? new double[k][l] : Dense.multiply(Dense.transpose(c), entries);
                requireClose("CᵀX", where, session.toHost(right), product, 4 * Math.sqrt(m + 1) * 4);
            }
        });
    }

    private static double[][] plus(double alpha, double[][] a, double beta, double[][] b) {
        return Dense.subtract(Dense.scale(alpha, a), Dense.scale(-beta, b));
    }

    @Test
    void formsTheGramMatrixOfAnOperandOfTheHost() {
        forAll((where, entries, host) -> {
            int n = (int) host.rows();
            Matrix gram = session.allocate(scope, Precision.FLOAT64, 1, n, n, Layout.COLUMN_MAJOR);
            session.fill(gram, 1);
            session.gram(2, host, 3, gram);
            Matrix result = session.toHost(gram);
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    double expected = 1;
                    if (i >= j) {
                        expected = 3 + 2 * Dense.dot(entries[i], entries[j]);
                    }
                    Checks.atMost(
                            "XXᵀ",
                            where,
                            Math.abs(result.get(0, i, j) - expected),
                            i >= j ? 64 * 0x1p-52 * (4 + 2.0 * host.columns()) : 0);
                }
            }
        });
    }

    @Test
    void sketchesAnOperandOfTheHost() {
        forAll((where, entries, host) -> {
            int q = (int) host.rows();
            int p = (int) host.columns();
            for (int k : new int[] {5, 40}) {
                int perRow = SparseSigns.perRow(k);
                double[][] expected = new double[k][p];
                for (int i = 0; i < q; i++) {
                    for (int t = 0; t < perRow; t++) {
                        long bits = SparseSigns.bits(3, i, t, perRow);
                        long start = SparseSigns.blockStart(k, t);
                        long row = start + SparseSigns.rowInBlock(bits, SparseSigns.blockStart(k, t + 1) - start);
                        for (int j = 0; j < p; j++) {
                            expected[(int) row][j] += SparseSigns.sign(bits) * entries[i][j];
                        }
                    }
                }
                Matrix y = session.allocate(scope, k, p);
                session.fill(y, Double.NaN);
                session.sketch(3, host, y);
                assertThat(session.toHost(y).toArray()).as(where).isDeepEqualTo(expected);
            }
        });
    }

    @Test
    void reducesAnOperandOfTheHost() {
        forAll((where, entries, host) -> {
            int columns = (int) host.columns();
            Matrix norms = session.allocate(scope, Precision.FLOAT64, 1, 1, columns, Layout.ROW_MAJOR);
            session.columnNorms(host, norms);
            Matrix largest = session.allocate(scope, 1, 1);
            session.maxMagnitude(host, largest);
            double expected = 0;
            Matrix result = session.toHost(norms);
            for (int j = 0; j < columns; j++) {
                double[] column = Dense.column(entries, j);
                for (double each : column) {
                    expected = Math.max(expected, Math.abs(each));
                }
                Checks.atMost(
                        "column norm",
                        where,
                        Math.abs(result.get(0, 0, j) - Dense.norm(column)),
                        64 * 0x1p-52 * (1 + Dense.norm(column)));
            }
            assertThat(session.toHost(largest).get(0, 0)).as(where).isEqualTo(expected);
        });
    }

    @Test
    void passesOnWhatIsNoNumber() {
        assumeFalse(session.place().isHost(), "operands of this session lie on the host anyway");
        Matrix host = Storage.ROW_MAJOR.of(new double[400][30], 30, Precision.FLOAT32);
        host.set(0, 399, 29, Double.NaN);
        Matrix largest = session.allocate(scope, 1, 1);
        session.maxMagnitude(host, largest);
        assertThat(session.toHost(largest).get(0, 0)).isNaN();
        Matrix norms = session.allocate(scope, 1, 30);
        session.columnNorms(host, norms);
        assertThat(session.toHost(norms).get(0, 29)).isNaN();
        assertThat(session.toHost(norms).get(0, 28)).isZero();
    }

    @Test
    void refusesOperandsOfTheHostElsewhere() {
        assumeFalse(session.place().isHost(), "operands of this session lie on the host anyway");
        Matrix host = Storage.COLUMN_MAJOR.of(new double[4][4], 4, Precision.FLOAT64);
        Matrix here = session.allocate(scope, 4, 4);
        session.fill(here, 1);
        Matrix column = session.allocate(scope, 4, 1);
        session.fill(column, 1);
        Runnable[] wrong = {
            () -> session.multiply(1, host, host, 0, here),
            () -> session.multiply(1, here, here, 0, host),
            () -> session.gram(1, here, 0, host),
            () -> session.add(1, host, 1, here),
            () -> session.fill(host, 1),
            () -> session.scaleRows(column, host),
            () -> session.qr(host, column)
        };
        for (Runnable each : wrong) {
            assertThatThrownBy(each::run).isInstanceOf(RuntimeException.class).hasMessageContaining("4×4");
        }
        assertThat(Dense.norm(host.toArray())).as("nothing was written").isZero();
    }
}
