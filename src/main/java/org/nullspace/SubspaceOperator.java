package org.nullspace;

import java.util.function.Supplier;
import org.nullspace.backend.Session;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Subspace;
import org.nullspace.solve.CompleteBasis;

/** A block of columns of the complete basis as a subspace: the leading r span the row space, the others the null space. */
abstract class SubspaceOperator implements Subspace {
    final Regression regression;
    private final MemoryScope life;

    /** The operator ends with a scope, that of the solution set it was made from. */
    SubspaceOperator(Regression regression, MemoryScope life) {
        this.regression = regression;
        this.life = life;
    }

    /** Index of the first basis vector of this subspace in the complete basis. */
    abstract long from();

    /** w ← projection of w. */
    abstract void projectInPlace(MemoryScope scratch, Matrix w);

    abstract String name();

    @Override
    public long ambientDimension() {
        return regression.x().columns();
    }

    @Override
    public Matrix project(Matrix w) {
        requireRows("w", w, ambientDimension());
        return run(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix vectors = Operand.copy(regression, scratch, w);
                projectInPlace(scratch, vectors);
                return Operand.deliver(regression.session(), vectors);
            }
        });
    }

    @Override
    public double[] project(double[] w) {
        return project(Matrix.column(InvalidInputException.requireNonNull("w", w)))
                .columnToArray(0);
    }

    @Override
    public Matrix coordinates(Matrix w) {
        requireRows("w", w, ambientDimension());
        return run(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Matrix vectors = Operand.copy(regression, scratch, w);
                regression.factors().completeBasis().toCoordinates(vectors);
                return Operand.deliver(regression.session(), vectors.rows(from(), from() + dimension()));
            }
        });
    }

    @Override
    public Matrix combine(Matrix c) {
        requireRows("c", c, dimension());
        return run(() -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                Session session = regression.session();
                CompleteBasis basis = regression.factors().completeBasis();
                Matrix vectors = regression.factors().vectors(scratch, ambientDimension(), c.columns());
                session.fill(vectors, 0);
                session.copy(c, vectors.rows(from(), from() + dimension()));
                basis.fromCoordinates(vectors);
                return Operand.deliver(session, vectors);
            }
        });
    }

    @Override
    public boolean contains(Matrix w, double tolerance) {
        Operand.requireTolerance(tolerance);
        Matrix projection = project(w);
        for (long j = 0; j < w.columns(); j++) {
            double distance = 0;
            double norm = 0;
            for (long i = 0; i < w.rows(); i++) {
                distance = Math.hypot(distance, w.get(0, i, j) - projection.get(0, i, j));
                norm = Math.hypot(norm, w.get(0, i, j));
            }
            if (!(distance <= tolerance * norm)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public long basisBytes() {
        return bytes(dimension(), 1);
    }

    /** Bytes of some copies of some columns; the largest long if there are more. */
    private long bytes(long columns, int copies) {
        return (long) ((double) ambientDimension() * columns * Precision.FLOAT64.bytes() * copies);
    }

    @Override
    public Matrix basis() {
        return basis(0, dimension());
    }

    @Override
    public Matrix basis(long first, long end) {
        return run(() -> {
            if (first < 0 || end < first || end > dimension()) {
                throw new IndexOutOfBoundsException("columns " + first + " to " + end + " of a basis of the " + name()
                        + ", which has dimension " + dimension());
            }
            Session session = regression.session();
            long columns = end - first;
            long needed = bytes(columns, session.place().isHost() ? 1 : 2);
            long available = Math.min(HostMemory.physicalBytes(), session.memoryBytes());
            if (needed > available) {
                throw new InsufficientMemoryException(
                        "an explicit basis of the " + name() + " (" + ambientDimension() + "×" + columns
                                + ") does not fit: use project, coordinates and combine, which need no basis, or ask for some"
                                + " columns at a time",
                        needed,
                        available);
            }
            CompleteBasis complete = regression.factors().completeBasis();
            Matrix out = Matrix.zeros(Precision.FLOAT64, 1, ambientDimension(), columns, Layout.COLUMN_MAJOR);
            try (MemoryScope scratch = MemoryScope.open()) {
                boolean inPlace = session.place().isHost() && complete.precision() == Precision.FLOAT64;
                Matrix vectors = inPlace ? out : regression.factors().vectors(scratch, ambientDimension(), columns);
                session.fill(vectors, 0);
                session.identity(vectors.rows(from() + first, from() + end));
                complete.fromCoordinates(vectors);
                if (!inPlace) {
                    session.copy(vectors, out);
                }
                session.synchronize();
            }
            return out;
        });
    }

    private <T> T run(Supplier<T> work) {
        return regression.locked(() -> {
            life.checkUsable("the " + name() + " of X (" + regression.x().shape() + ")");
            return work.get();
        });
    }

    private void requireRows(String what, Matrix a, long rows) {
        Operand.requireSingle(what, a);
        if (a.rows() != rows) {
            throw new ShapeMismatchException(what + " has shape " + a.shape() + ", needed are " + rows + " rows: the "
                    + name() + " of X (" + regression.x().shape() + ") has dimension " + dimension() + " in "
                    + ambientDimension() + " features");
        }
    }
}
