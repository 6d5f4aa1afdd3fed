package org.nullspace.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.io.AtomicOutput;
import org.nullspace.io.CsvOutput;
import org.nullspace.io.NpyAppender;
import org.nullspace.io.NpyRagged;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.PaddedBasis;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionBatch;

/** The files of a batch, written while its tiles are solved. */
final class BatchOutput {
    static final String TABLE = "problems.csv";
    private static final String NULL_SPACE = "null_space.npy";
    private static final String NULL_SPACE_OFFSETS = "null_space_offsets.npy";

    private final List<SeekableByteChannel> channels = new ArrayList<>();
    private final NpyAppender weights;
    private final NpyAppender singularValues;
    private final @Nullable NpyAppender intercept;
    private final @Nullable NpyRagged nullSpaces;
    private final CsvOutput table;

    /**
     * Opens the files.
     *
     * @param output ends them if this object does not
     * @param precision precision of X
     */
    BatchOutput(AtomicOutput output, Shape shape, Precision precision, boolean withIntercept, boolean withNullSpaces) {
        weights = array(output, "weights.npy", precision, shape.problems, shape.features, shape.targets);
        singularValues =
                array(output, "singular_values.npy", Precision.FLOAT64, shape.problems, shape.spectrum(withIntercept));
        intercept =
                withIntercept ? array(output, "intercept.npy", Precision.FLOAT64, shape.problems, shape.targets) : null;
        nullSpaces = withNullSpaces
                ? new NpyRagged(
                        open(output, NULL_SPACE), open(output, NULL_SPACE_OFFSETS), shape.features, shape.problems)
                : null;
        table = table(open(output, TABLE), shape.targets);
    }

    /** Begins a table of problems. */
    static CsvOutput table(WritableByteChannel channel, long targets) {
        CsvOutput table = new CsvOutput(channel);
        table.text("problem").text("outcome").text("rank").text("nullity").text("condition");
        for (String name : List.of("residual", "norm")) {
            for (long t = 0; t < targets; t++) {
                table.text(targets == 1 ? name : name + "[" + t + "]");
            }
        }
        table.endRow();
        return table;
    }

    /** Writes the basis of a batch of one problem, as those of larger batches are written. */
    static void writeOneBasis(AtomicOutput output, Matrix basis) {
        try (SeekableByteChannel entries = output.open(NULL_SPACE);
                SeekableByteChannel offsets = output.open(NULL_SPACE_OFFSETS)) {
            NpyRagged ragged = new NpyRagged(entries, offsets, basis.rows(), 1);
            ragged.append(basis);
            ragged.finish();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Sizes of a batch.
     *
     * @param problems B
     * @param samples n
     * @param features d
     * @param targets k
     */
    record Shape(long problems, long samples, long features, long targets) {
        /** Number of singular values: centring takes away one sample. */
        long spectrum(boolean withIntercept) {
            return Math.min(withIntercept && samples > 0 ? samples - 1 : samples, features);
        }
    }

    private SeekableByteChannel open(AtomicOutput output, String name) {
        SeekableByteChannel channel = output.open(name);
        channels.add(channel);
        return channel;
    }

    private NpyAppender array(AtomicOutput output, String name, Precision precision, long... shape) {
        return new NpyAppender(open(output, name), precision, shape);
    }

    /** Appends what there is of a tile, except the rows of the table. */
    void append(SolutionBatch tile) {
        weights.append(tile.minimumNorm());
        singularValues.append(tile.singularValues());
        if (intercept != null) {
            intercept.append(tile.intercepts());
        }
        if (nullSpaces != null) {
            PaddedBasis bases = tile.nullSpaces().basis();
            try (Matrix vectors = bases.vectors()) {
                int[] dimensions = bases.dimensions();
                for (int b = 0; b < dimensions.length; b++) {
                    nullSpaces.append(vectors.problem(b).columns(0, Math.max(0, dimensions[b])));
                }
            }
        }
    }

    /** Appends a row of the table. */
    void append(long problem, Facts facts, long targets) {
        row(table, problem, facts, targets);
    }

    static void row(CsvOutput table, long problem, Facts facts, long targets) {
        table.number(problem);
        fields(table, facts, targets);
        table.endRow();
    }

    /** Outcome, rank, nullity, condition, residual and norm for each target; empty fields for a problem that failed. */
    static void fields(CsvOutput table, Facts facts, long targets) {
        RankDecision rank = facts.rank();
        table.text(facts.outcome().name());
        if (rank == null) {
            for (long i = 0; i < 3 + 2 * targets; i++) {
                table.text("");
            }
            return;
        }
        table.number(rank.rank()).number(facts.nullity()).number(rank.condition());
        for (double value : facts.residualNorms()) {
            table.number(value);
        }
        for (double value : facts.minimumNorms()) {
            table.number(value);
        }
    }

    /** Ends the files. */
    void finish() {
        weights.finish();
        singularValues.finish();
        if (intercept != null) {
            intercept.finish();
        }
        if (nullSpaces != null) {
            nullSpaces.finish();
        }
        table.finish();
        for (SeekableByteChannel channel : channels) {
            close(channel);
        }
    }

    private static void close(SeekableByteChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
