package org.nullspace.solve;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Place;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchPlan;
import org.nullspace.model.Plan;
import org.nullspace.model.SolveOptions;

/** Cuts batches into tiles and counts their memory, without looking at the data. */
public final class BatchPlanner {
    /** X, Y and W of a tile, at most: some hundredths of a second for a processor, so that progress is told and cancelling heeded soon. */
    private static final double TILE_BYTES = 64 << 20;

    /** Tiles are multiples of this, where they can be, so that problems that are worked on side by side fill up. */
    private static final long UNIT = 1024;

    /** The part of the memory that tiles take unless the options say otherwise. */
    private static final long SHARE = 4;

    /** Bytes for rank, outcome, solution set and a residual norm of a problem. */
    private static final double BOOKKEEPING = 32;

    private final Session session;
    private final long batch;
    private final long n;
    private final long d;
    private final long k;
    private final Precision data;
    private final SolveOptions options;
    private final @Nullable SmallBatch small;
    private final Plan alone;
    private final long budget;

    private BatchPlanner(Session session, long batch, long n, long d, long k, Precision data, SolveOptions options) {
        this.session = session;
        this.batch = batch;
        this.n = n;
        this.d = d;
        this.k = k;
        this.data = data;
        this.options = options;
        this.small = SmallBatch.of(session, n, d, k, data, options);
        this.alone = Planner.plan(n, d, k, data, Place.HOST, options, session);
        this.budget = budget(session, options);
    }

    /** Bytes that tiles may take in a session's place. */
    static long budget(Session session, SolveOptions options) {
        return options.memoryBudget() > 0 ? options.memoryBudget() : session.memoryBytes() / SHARE;
    }

    /**
     * How a batch is worked on in tiles.
     *
     * @param session the first session that will compute
     * @param batch B
     * @param n samples
     * @param d features
     * @param k targets
     * @param data precision of X
     * @param options what is wanted
     * @return the tiles
     * @throws InsufficientMemoryException if one problem does not fit into the budget
     */
    public static Tiles tiles(
            Session session, long batch, long n, long d, long k, Precision data, SolveOptions options) {
        return new BatchPlanner(session, batch, n, d, k, data, options).tiles();
    }

    /**
     * Problems of a tile that is read from a source, solved, and handed to a sink.
     *
     * @param session the first session that will compute
     * @param batch B
     * @param n samples
     * @param d features
     * @param k targets
     * @param data precision of X
     * @param targets precision of Y
     * @param options what is wanted
     * @return number of problems, at least 1
     * @throws InsufficientMemoryException if one problem does not fit into the budget
     */
    public static long streamedTile(
            Session session,
            long batch,
            long n,
            long d,
            long k,
            Precision data,
            Precision targets,
            SolveOptions options) {
        return new BatchPlanner(session, batch, n, d, k, data, options).streamedTile(targets);
    }

    /**
     * The plan for a batch, with X and Y on the host.
     *
     * @param session the first session that will compute
     * @param batch B
     * @param n samples
     * @param d features
     * @param k targets
     * @param data precision of X and Y
     * @param options what is wanted
     * @return the plan
     * @throws InsufficientMemoryException if one problem does not fit into the budget
     */
    public static BatchPlan plan(
            Session session, long batch, long n, long d, long k, Precision data, SolveOptions options) {
        return new BatchPlanner(session, batch, n, d, k, data, options).plan();
    }

    /** How a batch is worked on. */
    public static final class Tiles {
        private final BatchPlanner planner;
        private final int problems;

        private Tiles(BatchPlanner planner, long problems) {
            this.planner = planner;
            this.problems = (int) Math.min(Integer.MAX_VALUE, problems);
        }

        /**
         * Problems of a tile.
         *
         * @return at least 1
         */
        public int size() {
            return problems;
        }

        /**
         * Problems of a tile when vectors are worked on rather than the targets.
         *
         * @param vectors number of vectors of each problem
         * @return at most {@link #size()}, at least 1
         */
        public int sizeForVectors(long vectors) {
            SmallBatch fused = planner.small;
            if (fused == null) {
                return problems;
            }
            long width = fused.width(vectors);
            return (int) fitting(problems, planner.budget, t -> fused.bytes(t, width));
        }

        /**
         * Problems of a tile when each takes some memory of the session's place.
         *
         * @param bytes bytes for each problem
         * @return at most {@link #size()}, at least 1
         */
        public int sizeForBytes(double bytes) {
            return (int) Math.max(1, Math.min(problems, planner.budget / Math.max(1, bytes)));
        }

        /**
         * Whether the factorizations of problems that are solved alone are kept for later calls.
         *
         * @param count number of those problems
         * @return true if they take no more than half of the budget
         */
        public boolean keeps(int count) {
            return (double) count * planner.alone.worstWorkspaceBytes() <= planner.budget / 2.0;
        }

        /**
         * Checks that the results fit into the host's memory, before anything is allocated.
         *
         * @param targetBytes bytes of the copy of Y
         * @throws InsufficientMemoryException if they do not
         */
        public void requireFits(double targetBytes) {
            double held = planner.heldBytes(targetBytes);
            if (held > HostMemory.physicalBytes()) {
                throw new InsufficientMemoryException(
                        "the results of a batch of " + planner.batch + " problems (X " + planner.n + "×" + planner.d
                                + ", " + planner.k + " targets) do not fit: streamBatch hands them over tile by tile",
                        (long) held,
                        HostMemory.physicalBytes());
            }
        }
    }

    private Tiles tiles() {
        SmallBatch fused = small;
        if (fused == null) {
            return new Tiles(this, 1);
        }
        return new Tiles(this, largest(soon(), budget, t -> fused.bytes(t, k), "a tile of one problem"));
    }

    /** Problems after which progress is told, at most. */
    private long soon() {
        double entries = (double) n * d + (double) (n + d) * k;
        return (long) Math.max(1, TILE_BYTES / (data.bytes() * Math.max(1, entries)));
    }

    private long streamedTile(Precision targets) {
        long hostBudget = options.memoryBudget() > 0 ? options.memoryBudget() : HostMemory.physicalBytes() / SHARE;
        return largest(soon(), hostBudget, t -> streamedBytes(t, targets), "a streamed tile of one problem");
    }

    /** The largest tile within a budget. */
    private long largest(long most, long limit, LongToDoubleFunction bytes, String what) {
        if (bytes.applyAsDouble(1) > limit) {
            throw new InsufficientMemoryException(
                    what + " (X " + n + "×" + d + ", " + k
                            + " targets) does not fit into the memory budget: raise memoryBudget",
                    (long) bytes.applyAsDouble(1),
                    limit);
        }
        long found = fitting(Math.min(batch, most), limit, bytes);
        return found > UNIT && found < batch ? found / UNIT * UNIT : found;
    }

    /** The largest number of problems up to some whose bytes are within a limit; at least 1. */
    private static long fitting(long most, long limit, LongToDoubleFunction bytes) {
        long low = 1;
        long high = Math.max(1, most);
        while (low < high) {
            long middle = low + (high - low + 1) / 2;
            if (bytes.applyAsDouble(middle) <= limit) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** Memory of the host: X and Y twice, as the next tile is read meanwhile, the results with their copy of Y, and what the solver takes there. */
    private double streamedBytes(long problems, Precision targets) {
        double targetBytes = (double) targets.bytes() * problems * n * k;
        double read = (double) data.bytes() * problems * n * d + targetBytes;
        double held = heldBytes(problems, targetBytes);
        if (!session.place().isHost()) {
            return 2 * read + held;
        }
        SmallBatch fused = small;
        return 2 * read + held + (fused == null ? alone.worstWorkspaceBytes() : fused.bytes(problems, k));
    }

    private double heldBytes(double targetBytes) {
        return heldBytes(batch, targetBytes);
    }

    private double heldBytes(long problems, double targetBytes) {
        double spectrum = options.spectrum() ? 8.0 * Math.min(n, d) : 0;
        return targetBytes + problems * ((double) data.bytes() * d * k + spectrum + BOOKKEEPING);
    }

    private BatchPlan plan() {
        Tiles tiles = tiles();
        List<String> reasons = new ArrayList<>();
        SmallBatch fused = small;
        reasons.add(
                fused == null
                        ? "problems of this shape, or with these options, are solved one by one"
                        : "Householder QR and a certificate of full rank for many problems at a time; singular values decide where there is no certificate");
        if (tiles.keeps(1) && fused == null) {
            reasons.add(
                    tiles.keeps((int) Math.min(Integer.MAX_VALUE, batch))
                            ? "factorizations are kept until the batch is closed"
                            : "factorizations take too much to be kept, and are made anew where they are needed");
        }
        return new BatchPlan(
                batch,
                fused != null,
                alone,
                tiles.size(),
                (long) (fused == null ? alone.workspaceBytes() : fused.bytes(tiles.size(), k)),
                (long) heldBytes((double) data.bytes() * batch * n * k),
                (long) streamedBytes(Math.min(Math.max(1, batch), tiles.size()), data),
                budget,
                reasons);
    }
}
