package org.nullspace.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.io.CsvTable;
import org.nullspace.io.NpyFile;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * One X and one Y as they came from files.
 *
 * @param x X, n×d
 * @param y Y, n×k
 * @param batched whether X was an array of three dimensions, a batch of one
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

    /** A table, with the targets named. */
    static Dataset table(Path file, List<String> targets, MemoryScope scope, Stages stages) {
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

    /** One problem from two arrays. */
    static Dataset arrays(ArrayFiles files, MemoryScope scope, Stages stages) {
        NpyFile xFile = files.x();
        NpyFile yFile = files.y();
        stages.begin("reading " + xFile.path());
        Matrix x = xFile.read(scope, stages);
        stages.begin("reading " + yFile.path());
        Matrix y = yFile.read(scope, stages);
        stages.end();
        return new Dataset(
                x,
                y,
                xFile.dimensions() == 3,
                null,
                null,
                files.name(),
                xFile.path().toString(),
                yFile.path().toString(),
                List.of());
    }

    /** Requires all entries to be finite: for work that cannot tell later which entry was at fault. */
    void requireFinite() {
        String where = firstNonFinite();
        if (where != null) {
            throw new InvalidInputException(where);
        }
    }

    /** The first entry that is NaN or infinite, with file and index as NumPy counts, or null. */
    @Nullable String firstNonFinite() {
        String before = ": entry [" + (batched ? "0, " : "");
        String inX = firstNonFinite(xName + before, x, 0);
        return inX != null ? inX : firstNonFinite(yName + before, y, 0);
    }

    /**
     * The first entry of a problem that is NaN or infinite.
     *
     * @param before what the message begins with, up to the row's index
     */
    static @Nullable String firstNonFinite(String before, Matrix m, long b) {
        for (long i = 0; i < m.rows(); i++) {
            for (long j = 0; j < m.columns(); j++) {
                double value = m.get(b, i, j);
                if (!Double.isFinite(value)) {
                    return before + i + ", " + j + "] is " + value + "; all entries must be finite";
                }
            }
        }
        return null;
    }
}
