package org.nullspace.select;

import java.util.Arrays;
import org.nullspace.backend.Session;
import org.nullspace.matrix.HostLines;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.solve.TridiagonalForm;

/**
 * S(λ) = (a + λ)(T + λI)⁻¹ for the tridiagonal T of a {@link TridiagonalForm} with least eigenvalue a: its eigenvalues are in (0,1], and it does
 * not vanish for λ → 0. Penalties are in T's units.
 */
abstract class Resolvent {
    final Session session;
    final TridiagonalForm form;
    final int rank;

    Resolvent(Session session, TridiagonalForm form) {
        this.session = session;
        this.form = form;
        this.rank = form.diagonal().length;
    }

    static Resolvent of(Session session, TridiagonalForm form) {
        return form.isDiagonal() ? new Spectral(session, form) : new Tridiagonal(session, form);
    }

    /**
     * S(λ)·C for some penalties.
     *
     * @param scratch owner of the result
     * @param c C in the session's place, float64, r×k
     * @return blocks side by side, r×(k·penalties), in the session's place
     */
    abstract Matrix apply(MemoryScope scratch, double[] penalties, Matrix c);

    /**
     * The diagonals of B·S(λ)·Bᵀ.
     *
     * @param b B in the session's place, float64, m×r
     * @return [penalty][row]
     */
    abstract double[][] diagonals(double[] penalties, Matrix b);

    /** T is diagonal: everything is a product. */
    private static final class Spectral extends Resolvent {
        Spectral(Session session, TridiagonalForm form) {
            super(session, form);
        }

        private double[][] shrinkage(double[] penalties) {
            double[][] out = new double[penalties.length][rank];
            for (int l = 0; l < out.length; l++) {
                for (int i = 0; i < rank; i++) {
                    out[l][i] = (form.least() + penalties[l]) / (form.diagonal()[i] + penalties[l]);
                }
            }
            return out;
        }

        @Override
        Matrix apply(MemoryScope scratch, double[] penalties, Matrix c) {
            Matrix out = session.allocate(scratch, rank, c.columns() * penalties.length);
            FilteredColumns.scale(session, c, shrinkage(penalties), out);
            return out;
        }

        @Override
        double[][] diagonals(double[] penalties, Matrix b) {
            try (MemoryScope scratch = MemoryScope.open()) {
                int rows = Math.toIntExact(b.rows());
                Matrix squares = Matrix.uninitialized(scratch, Precision.FLOAT64, 1, rows, rank, Layout.COLUMN_MAJOR);
                HostLines lines = HostLines.of(squares, 0);
                double[][] columns = FilteredColumns.byColumn(session, b);
                for (int i = 0; i < rank; i++) {
                    double[] column = columns[i];
                    for (int j = 0; j < rows; j++) {
                        column[j] *= column[j];
                    }
                    lines.write(i, 0, column, 0, rows);
                }
                Matrix shares = FilteredColumns.inPlace(
                        session, scratch, Matrix.of(scratch, shrinkage(penalties)), Precision.FLOAT64);
                Matrix sums = session.allocate(scratch, rows, penalties.length);
                session.multiply(
                        1,
                        FilteredColumns.inPlace(session, scratch, squares, Precision.FLOAT64),
                        shares.transposed(),
                        0,
                        sums);
                return FilteredColumns.byColumn(session, sums);
            }
        }
    }

    /** By factorizations T + λI = LDLᵀ with unit lower bidiagonal L, on the host. */
    private static final class Tridiagonal extends Resolvent {
        Tridiagonal(Session session, TridiagonalForm form) {
            super(session, form);
        }

        /** L and (a + λ)·D⁻¹. */
        private record Factor(double[] below, double[] inverses) {}

        private Factor factor(double penalty) {
            double[] below = new double[rank];
            double[] inverses = new double[rank];
            double pivot = 0;
            for (int i = 0; i < rank; i++) {
                double e = i == 0 ? 0 : form.offDiagonal()[i - 1];
                below[i] = i == 0 ? 0 : e / pivot;
                pivot = form.diagonal()[i] + penalty - e * below[i];
                inverses[i] = (form.least() + penalty) / pivot;
            }
            return new Factor(below, inverses);
        }

        @Override
        Matrix apply(MemoryScope scratch, double[] penalties, Matrix c) {
            int count = Math.toIntExact(c.columns());
            double[][] rows = session.toHost(c).toArray();
            Matrix out = Matrix.uninitialized(
                    scratch, Precision.FLOAT64, 1, rank, (long) count * penalties.length, Layout.ROW_MAJOR);
            HostLines lines = HostLines.of(out, 0);
            double[][] x = new double[rank][];
            for (int l = 0; l < penalties.length; l++) {
                Factor factor = factor(penalties[l]);
                for (int i = 0; i < rank; i++) {
                    x[i] = rows[i].clone();
                    if (i > 0) {
                        Sums.add(-factor.below[i], x[i - 1], x[i]);
                    }
                }
                for (int i = rank - 1; i >= 0; i--) {
                    for (int j = 0; j < count; j++) {
                        x[i][j] *= factor.inverses[i];
                    }
                    if (i < rank - 1) {
                        Sums.add(-factor.below[i + 1], x[i + 1], x[i]);
                    }
                    lines.write(i, (long) l * count, x[i], 0, count);
                }
            }
            return FilteredColumns.inPlace(session, scratch, out, Precision.FLOAT64);
        }

        @Override
        double[][] diagonals(double[] penalties, Matrix b) {
            double[][] columns = FilteredColumns.byColumn(session, b);
            int rows = Math.toIntExact(b.rows());
            double[][] out = new double[penalties.length][rows];
            double[] solved = new double[rows];
            for (int l = 0; l < penalties.length; l++) {
                Factor factor = factor(penalties[l]);
                Arrays.fill(solved, 0);
                for (int i = 0; i < rank; i++) {
                    accumulate(columns[i], factor.below[i], solved, factor.inverses[i], out[l]);
                }
            }
            return out;
        }

        /** v ← x − l·v, and s ← s + f·v². */
        private static void accumulate(double[] x, double l, double[] v, double f, double[] s) {
            for (int j = 0; j < v.length; j++) {
                double each = x[j] - l * v[j];
                v[j] = each;
                s[j] += f * (each * each);
            }
        }
    }
}
