package org.nullspace;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.nullspace.error.CancelledException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.BatchReport;
import org.nullspace.model.BatchSink;
import org.nullspace.model.BatchSource;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolveOptions;
import org.nullspace.solve.BatchPlanner;
import org.nullspace.solve.SmallBatch;

/**
 * Solves a batch that comes from a source, tile by tile, and hands the solutions to a sink. The next tile is read by a helper while one is
 * solved. Memory is that of two tiles of X and Y and one of results, whatever the number of problems.
 */
final class BatchStream {
    private final BatchSource source;
    private final BatchSink sink;
    private final SolveOptions options;
    private final BatchProgress progress;
    private final long total;
    private final Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
    private final List<BatchFailure> failures = new ArrayList<>();

    private BatchStream(BatchSource source, BatchSink sink, SolveOptions options, BatchProgress progress) {
        this.source = source;
        this.sink = sink;
        this.options = options;
        this.progress = progress;
        this.total = source.problems();
    }

    static BatchReport run(BatchSource source, BatchSink sink, SolveOptions options, BatchProgress progress) {
        if (source.problems() < 0 || source.samples() < 0 || source.features() < 0 || source.targets() < 0) {
            throw new InvalidInputException("a batch of " + source.problems() + " problems of X " + source.samples()
                    + "×" + source.features() + " and " + source.targets() + " targets: sizes must not be negative");
        }
        return new BatchStream(source, sink, options, progress).run();
    }

    /** Room for the X and Y of a tile. */
    private record Buffer(Matrix x, Matrix y) {}

    private BatchReport run() {
        BackendSelection selection = BackendSelection.of(options);
        boolean small = SmallBatch.isSmall(source.samples(), source.features());
        ExecutorService reader = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "nullspace reader");
            thread.setDaemon(true);
            return thread;
        });
        try (DeviceGroup devices = selection.group(total, small, false);
                MemoryScope scope = MemoryScope.open()) {
            int tile = (int) Math.min(
                    Integer.MAX_VALUE,
                    BatchPlanner.streamedTile(
                            devices.first(),
                            total,
                            source.samples(),
                            source.features(),
                            source.targets(),
                            source.precision(),
                            source.targetPrecision(),
                            options));
            try {
                stream(devices, selection.notes(), scope, tile, reader);
            } finally {
                // The helper must not write into a buffer that has been freed.
                stop(reader);
            }
            return new BatchReport(
                    total, outcomes, failures, tile, devices.first().description());
        } finally {
            reader.shutdownNow();
        }
    }

    private void stream(DeviceGroup devices, List<String> notes, MemoryScope scope, int tile, ExecutorService reader) {
        Buffer[] buffers = new Buffer[total > tile ? 2 : 1];
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = new Buffer(
                    Matrix.uninitialized(
                            scope, source.precision(), tile, source.samples(), source.features(), Layout.ROW_MAJOR),
                    Matrix.uninitialized(
                            scope,
                            source.targetPrecision(),
                            tile,
                            source.samples(),
                            source.targets(),
                            Layout.ROW_MAJOR));
        }
        Future<?> next = read(reader, buffers[0], 0, tile);
        int turn = 0;
        for (long first = 0; first < total; first += tile) {
            int count = (int) Math.min(tile, total - first);
            Buffer buffer = buffers[turn];
            await(next);
            turn = (turn + 1) % buffers.length;
            if (first + count < total) {
                next = read(reader, buffers[turn], first + count, tile);
            }
            solve(devices, notes, buffer.x().problems(0, count), buffer.y().problems(0, count), first);
            if (!progress.at(first + count, total)) {
                throw new CancelledException(first + count, total);
            }
        }
        if (total > 0 && outcomes.getOrDefault(Outcome.NOT_COMPUTED, 0L) == total) {
            throw failures.get(0).cause();
        }
    }

    private void solve(DeviceGroup devices, List<String> notes, Matrix x, Matrix y, long first) {
        try (RegressionBatch batch =
                RegressionBatch.solve(devices, false, notes, x, y, options, BatchProgress.NONE, true)) {
            for (int b = 0; b < batch.size(); b++) {
                outcomes.merge(batch.outcome(b), 1L, Long::sum);
            }
            for (BatchFailure failure : batch.failures()) {
                failures.add(new BatchFailure(first + failure.first(), failure.count(), failure.cause()));
            }
            sink.take(first, batch);
        }
    }

    private Future<?> read(ExecutorService reader, Buffer buffer, long first, int tile) {
        long count = Math.min(tile, total - first);
        return reader.submit(() -> {
            if (count > 0) {
                source.read(first, buffer.x().problems(0, count), buffer.y().problems(0, count));
            }
        });
    }

    /** Waits for a tile; what the source threw is thrown here. */
    private static void await(Future<?> read) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    read.get();
                    return;
                } catch (InterruptedException e) {
                    // The buffer is being written: remembered, and passed on at the end.
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException exception) {
                        throw exception;
                    }
                    if (e.getCause() instanceof Error error) {
                        throw error;
                    }
                    throw new IllegalStateException(e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void stop(ExecutorService reader) {
        reader.shutdown();
        boolean interrupted = false;
        while (!reader.isTerminated()) {
            try {
                reader.awaitTermination(1, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
