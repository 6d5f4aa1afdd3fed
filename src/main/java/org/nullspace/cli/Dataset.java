package org.nullspace.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.io.CsvTable;
import org.nullspace.io.NpyFile;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * X and Y as they came from files.
 *
 * @param x X, n×d or B×n×d
 * @param y Y, n×k or B×n×k
 * @param batched whether X was an array of three dimensions
 * @param featureNames names of the features, or null for arrays
 * @param targetNames names of the targets, or null for arrays
 * @param name the files, for people
 * @param xName what X is called in messages
 * @param yName what Y is called in messages
 * @param skippedColumns columns of a table that hold no numbers
 */
record Dataset(
        Matrix x,
        Matrix y,
        boolean batched,
        @Nullable List<String> featureNames,
        @Nullable List<String> targetNames,
        String name,
        String xName,
        String yName,
        List<String> skippedColumns) {

    static Dataset load(SolveArguments a, MemoryScope scope, Stages stages) {
        if (a.csv() != null) {
            return table(a.csv(), a.targets(), scope, stages);
        }
        if (a.x() == null || a.y() == null) {
            throw new IllegalStateException("neither a table nor two arrays");
        }
        return arrays(a.x(), a.y(), scope, stages);
    }

    private static Dataset table(Path file, List<String> targets, MemoryScope scope, Stages stages) {
        stages.begin("reading " + file);
        CsvTable table = CsvTable.read(scope, file, targets, stages);
        stages.end();
        return new Dataset(
                table.features(),
                table.targets(),
                false,
                table.featureNames(),
                table.targetNames(),
                file.toString(),
                file + " (features)",
                file + " (targets)",
                table.skippedColumns());
    }

    private static Dataset arrays(Path xPath, Path yPath, MemoryScope scope, Stages stages) {
        NpyFile xFile = NpyFile.open(xPath);
        NpyFile yFile = NpyFile.open(yPath);
        checkShapes(xFile, yFile);
        stages.begin("reading " + xPath);
        Matrix x = xFile.read(scope, stages);
        stages.begin("reading " + yPath);
        Matrix y = yFile.read(scope, stages);
        stages.end();
        return new Dataset(
                x,
                y,
                xFile.dimensions() == 3,
                null,
                null,
                xPath + ", " + yPath,
                xPath.toString(),
                yPath.toString(),
                List.of());
    }

    private static void checkShapes(NpyFile x, NpyFile y) {
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

    /** Requires all entries to be finite: for work that cannot tell later which entry was at fault. */
    void requireFinite() {
        for (long b = 0; b < x.batch(); b++) {
            String where = firstNonFinite(b);
            if (where != null) {
                throw new InvalidInputException(where);
            }
        }
    }

    /** The first entry of a problem that is NaN or infinite, with file and index as NumPy counts, or null. */
    @Nullable String firstNonFinite(long problem) {
        String inX = firstNonFinite(xName, x, problem);
        return inX != null ? inX : firstNonFinite(yName, y, problem);
    }

    private @Nullable String firstNonFinite(String name, Matrix m, long b) {
        for (long i = 0; i < m.rows(); i++) {
            for (long j = 0; j < m.columns(); j++) {
                double value = m.get(b, i, j);
                if (!Double.isFinite(value)) {
                    return name + ": entry [" + (batched ? b + ", " : "") + i + ", " + j + "] is " + value
                            + "; all entries must be finite";
                }
            }
        }
        return null;
    }
}
