package org.nullspace.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.io.NpyFile;
import org.nullspace.io.NpyReader;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchSource;

/**
 * The files of X and Y, whose shapes fit each other.
 *
 * @param x X, n×d or B×n×d
 * @param y Y, n, n×k or B×n×k
 */
record ArrayFiles(NpyFile x, NpyFile y) {
    static ArrayFiles open(Path xPath, Path yPath) {
        ArrayFiles files = new ArrayFiles(NpyFile.open(xPath), NpyFile.open(yPath));
        files.checkShapes();
        return files;
    }

    private void checkShapes() {
        if (x.dimensions() == 1) {
            throw new ShapeMismatchException(x.path() + " has shape " + tuple(x)
                    + ": X needs two dimensions, n by d, or three for a batch, B by n by d");
        }
        boolean fits = x.dimensions() == 3
                ? y.dimensions() == 3 && x.batch() == y.batch() && x.rows() == y.rows()
                : y.dimensions() < 3 && x.rows() == y.rows();
        if (!fits) {
            String wanted = x.dimensions() == 3
                    ? "(" + x.batch() + ", " + x.rows() + ", k)"
                    : "(" + x.rows() + ",) or (" + x.rows() + ", k)";
            throw new ShapeMismatchException(x.path() + " has shape " + tuple(x) + ", " + y.path() + " has shape "
                    + tuple(y) + ": Y needs shape " + wanted);
        }
    }

    private static String tuple(NpyFile file) {
        String inside =
                String.join(", ", file.shape().stream().map(String::valueOf).toList());
        return "(" + inside + (file.dimensions() == 1 ? ",)" : ")");
    }

    /** Whether the problems are streamed: a batch of one is a single problem. */
    boolean streamed() {
        return x.dimensions() == 3 && x.batch() != 1;
    }

    /** The files, for people. */
    String name() {
        return x.path() + ", " + y.path();
    }

    /** The first entry of a problem that is NaN or infinite, with file and index as NumPy counts, or null. */
    @Nullable String firstNonFinite(long problem) {
        String inX = firstNonFinite(x, problem);
        return inX != null ? inX : firstNonFinite(y, problem);
    }

    private static @Nullable String firstNonFinite(NpyFile file, long problem) {
        try (MemoryScope scope = MemoryScope.open();
                NpyReader reader = file.reader()) {
            Matrix m = Matrix.uninitialized(scope, file.precision(), 1, file.rows(), file.columns(), Layout.ROW_MAJOR);
            reader.read(problem, m);
            return Dataset.firstNonFinite(file.path() + ": entry [" + problem + ", ", m, 0);
        }
    }

    /** The problems, read a tile at a time. */
    static final class Source implements BatchSource, AutoCloseable {
        private final NpyReader x;
        private final NpyReader y;

        Source(ArrayFiles files) {
            x = files.x.reader();
            try {
                y = files.y.reader();
            } catch (RuntimeException e) {
                x.close();
                throw e;
            }
        }

        @Override
        public long problems() {
            return x.file().batch();
        }

        @Override
        public long samples() {
            return x.file().rows();
        }

        @Override
        public long features() {
            return x.file().columns();
        }

        @Override
        public long targets() {
            return y.file().columns();
        }

        @Override
        public Precision precision() {
            return x.file().precision();
        }

        @Override
        public Precision targetPrecision() {
            return y.file().precision();
        }

        @Override
        public void read(long first, Matrix intoX, Matrix intoY) {
            x.read(first, intoX);
            y.read(first, intoY);
        }

        @Override
        public void close() {
            try (x) {
                y.close();
            }
        }
    }
}
