package org.nullspace.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;

/**
 * Some problems of a batch that are computed together, in ascending order, and how they get into packed buffers and back. Buffers have room
 * for at least {@link #LEAST} problems; what is missing is filled with copies.
 */
final class ProblemChunk {
    /** A session may treat a batch of one in another way than larger ones, with other roundings: there is none. */
    static final int LEAST = 2;

    /** Problems that are neighbours in the batch. */
    private record Run(long from, int at, int count) {}

    private final List<Run> runs;
    private final long first;
    private final int count;

    private ProblemChunk(List<Run> runs, long first, int count) {
        this.runs = runs;
        this.first = first;
        this.count = count;
    }

    /**
     * All problems, in chunks of nearly equal size.
     *
     * @param batch number of problems
     * @param most problems of a chunk
     * @param visitor what is done with a chunk
     */
    static void visitAll(long batch, long most, Consumer<ProblemChunk> visitor) {
        long size = size(batch, most);
        for (long from = 0; from < batch; from += size) {
            int count = (int) Math.min(size, batch - from);
            visitor.accept(new ProblemChunk(List.of(new Run(from, 0, count)), from, count));
        }
    }

    /**
     * Chosen problems, in chunks of nearly equal size.
     *
     * @param which indices of the problems, in ascending order
     * @param most problems of a chunk
     * @param visitor what is done with a chunk
     */
    static void visit(int[] which, long most, Consumer<ProblemChunk> visitor) {
        int size = (int) size(which.length, most);
        for (int from = 0; from < which.length; from += size) {
            int to = Math.min(which.length, from + size);
            List<Run> runs = new ArrayList<>();
            int begin = from;
            while (begin < to) {
                int end = begin + 1;
                while (end < to && which[end] == which[end - 1] + 1) {
                    end++;
                }
                runs.add(new Run(which[begin], begin - from, end - begin));
                begin = end;
            }
            visitor.accept(new ProblemChunk(runs, from, to - from));
        }
    }

    private static long size(long batch, long most) {
        long chunks = (batch + most - 1) / most;
        return chunks == 0 ? 1 : (batch + chunks - 1) / chunks;
    }

    /** The numbers of these problems among those of all that are asked for. */
    int[] of(int[] numbers) {
        return Arrays.copyOfRange(numbers, Math.toIntExact(first), Math.toIntExact(first + count));
    }

    /** Number of problems. */
    int count() {
        return count;
    }

    /** Number of problems that buffers have room for. */
    int room() {
        return Math.max(LEAST, count);
    }

    /**
     * Target ← the problems of a batch, or of one that is shared by all.
     *
     * @param source a batch of all problems, or of one
     * @param target a batch of {@link #room()}
     */
    void gather(Session session, Matrix source, Matrix target) {
        if (source.batch() == 1) {
            session.copy(source, target);
        } else if (count < target.batch()) {
            session.copy(source.problem(runs.get(0).from), target);
        } else {
            for (Run run : runs) {
                session.copy(
                        source.problems(run.from, run.from + run.count), target.problems(run.at, run.at + run.count));
            }
        }
    }

    /**
     * The problems of a batch ← source.
     *
     * @param source a batch of {@link #room()}
     * @param target a batch of all problems
     */
    void scatter(Session session, Matrix source, Matrix target) {
        for (Run run : runs) {
            session.copy(source.problems(run.at, run.at + run.count), target.problems(run.from, run.from + run.count));
        }
    }

    /** These problems as neighbours, counted among those asked for: for results that have no others. */
    ProblemChunk renumbered() {
        return new ProblemChunk(List.of(new Run(first, 0, count)), first, count);
    }

    /**
     * All problems of a chunk of neighbours, as a view.
     *
     * @param target a batch of all problems
     */
    Matrix all(Matrix target) {
        long from = runs.get(0).from;
        return target.problems(from, from + count);
    }

    /**
     * One of the problems, as a view.
     *
     * @param target a batch of all problems
     * @param i position in this chunk
     */
    Matrix problem(Matrix target, int i) {
        for (Run run : runs) {
            if (i < run.at + run.count) {
                return target.problem(run.from + i - run.at);
            }
        }
        throw new IndexOutOfBoundsException("problem " + i + " of " + count);
    }
}
