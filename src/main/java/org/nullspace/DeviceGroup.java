package org.nullspace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendException;
import org.nullspace.error.CancelledException;
import org.nullspace.error.DeviceLostException;
import org.nullspace.model.BatchProgress;

/**
 * The devices that a batch is spread over, and further sessions of a single one that work at the same time. Each session has a lock and a
 * share of neighbouring problems, which it works on tile by tile. Which problem is solved where depends on the numbers of problems and
 * sessions alone. Owns the sessions.
 */
final class DeviceGroup implements AutoCloseable {
    private static final long PROGRESS_MILLIS = 200;

    private final List<Session> sessions;
    private final int devices;
    private final boolean confined;
    private final List<ReentrantLock> locks = new ArrayList<>();

    /**
     * A group.
     *
     * @param sessions at least one; closed with the group
     * @param devices number of different devices: the first so many sessions are on one each, the others on the first
     * @param confined whether the calling thread must do all the work, as memory is confined to it
     */
    DeviceGroup(List<Session> sessions, int devices, boolean confined) {
        this.sessions = List.copyOf(sessions);
        this.devices = devices;
        this.confined = confined;
        this.sessions.forEach(session -> locks.add(new ReentrantLock()));
    }

    /** What is to be done with neighbouring problems. */
    interface Work {
        /**
         * Works on a tile.
         *
         * @param session the session that it falls to, which no other thread uses meanwhile
         * @param from index of the first problem
         * @param to index after the last
         */
        void solve(Session session, int from, int to);
    }

    /** A tile with the session that it falls to. */
    private interface Part {
        void solve(Session session, ReentrantLock lock, int from, int to);
    }

    /** What is to be done with one problem. */
    interface Problem {
        /**
         * Works on a problem.
         *
         * @param session the session that it falls to
         * @param lock to be held while the session is used
         * @param problem index of the problem
         */
        void solve(Session session, ReentrantLock lock, int problem);
    }

    /** What becomes of a tile that could not be computed. */
    interface Trouble {
        /** Stops all work. */
        Trouble FATAL = (from, to, e) -> false;

        /**
         * Takes note.
         *
         * @param from position of the first problem among those that are worked on
         * @param to position after the last
         * @param e what failed, naming device and problem
         * @return true to go on with the other tiles; false to stop and throw it
         */
        boolean accept(int from, int to, RuntimeException e);
    }

    /** Work with one session. */
    interface Use<T> {
        /**
         * Uses the session.
         *
         * @param session the session, which no other thread uses meanwhile
         * @param lock its lock, held by the calling thread
         * @return the result
         */
        T apply(Session session, ReentrantLock lock);
    }

    /** The first session, for what can be asked of it without a lock. */
    Session first() {
        return sessions.get(0);
    }

    /** Works with the device that a problem of a batch falls to. */
    <T> T onDeviceOf(int problem, int batch, Use<T> use) {
        int index = (int) (((problem + 1L) * devices - 1) / batch);
        ReentrantLock lock = locks.get(index);
        lock.lock();
        try {
            return use.apply(sessions.get(index), lock);
        } finally {
            lock.unlock();
        }
    }

    /** Works on all problems of a batch in tiles, with one session for each device. */
    void onDevices(int problems, int tile, BatchProgress progress, Trouble trouble, Work work) {
        Part part = (session, lock, from, to) -> {
            lock.lock();
            try {
                work.solve(session, from, to);
            } finally {
                lock.unlock();
            }
        };
        new Run(devices, problems, tile, i -> i, problems, progress, trouble, part).run();
    }

    /** Works on some problems of a batch one by one, with all sessions. */
    void onSessions(int[] which, int batch, BatchProgress progress, Trouble trouble, Problem work) {
        Part each = (session, lock, from, to) -> work.solve(session, lock, which[from]);
        new Run(sessions.size(), which.length, 1, i -> which[i], batch, progress, trouble, each).run();
    }

    /**
     * One pass over all problems: in the calling thread on one session, on several with a thread for each. It returns when every session is
     * done. If one stops, the others finish the tile that they are at; the first failure is thrown, with later ones suppressed in it.
     */
    private final class Run {
        private final int count;
        private final int problems;
        private final int tile;
        private final IntUnaryOperator names;
        private final int batch;
        private final BatchProgress progress;
        /** What the caller was told last. */
        private int told;

        private final Trouble trouble;
        private final Part work;
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>(null);

        private Run(
                int count,
                int problems,
                int tile,
                IntUnaryOperator names,
                int batch,
                BatchProgress progress,
                Trouble trouble,
                Part work) {
            this.count = count;
            this.problems = problems;
            this.tile = tile;
            this.names = names;
            this.batch = batch;
            this.progress = progress;
            this.trouble = trouble;
            this.work = work;
        }

        private void run() {
            List<Thread> helpers = new ArrayList<>();
            for (int i = 1; i < count && !confined; i++) {
                int index = i;
                Thread helper = new Thread(
                        () -> share(index), "nullspace " + sessions.get(i).description());
                helper.setDaemon(true);
                helper.start();
                helpers.add(helper);
            }
            share(0);
            for (int i = 1; i < count && confined; i++) {
                share(i);
            }
            boolean interrupted = false;
            for (Thread helper : helpers) {
                while (helper.isAlive()) {
                    try {
                        helper.join(PROGRESS_MILLIS);
                        tell();
                    } catch (InterruptedException e) {
                        // The sessions must not be closed under the helpers: remembered, and passed on at the end.
                        interrupted = true;
                    }
                }
            }
            if (told != done.get()) {
                // Helpers have ended since.
                tell();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            Throwable first = failure.get();
            if (first instanceof Error error) {
                throw error;
            }
            if (first instanceof RuntimeException exception) {
                throw exception;
            }
        }

        private void share(int index) {
            int from = (int) ((long) problems * index / count);
            int end = (int) ((long) problems * (index + 1) / count);
            while (from < end && failure.get() == null) {
                int to = Math.min(end, from + tile);
                try {
                    work.solve(sessions.get(index), locks.get(index), from, to);
                } catch (RuntimeException | Error e) {
                    Throwable named = e instanceof BackendException broken ? located(index, from, to, broken) : e;
                    // On a lost device nothing else of its share can be computed.
                    to = named instanceof DeviceLostException ? end : to;
                    if (!(named instanceof RuntimeException exception) || !trouble.accept(from, to, exception)) {
                        stop(named);
                        return;
                    }
                }
                done.addAndGet(to - from);
                from = to;
                if (index == 0 || confined) {
                    tell();
                }
            }
        }

        /** Tells how far the work has come, on the calling thread. */
        private void tell() {
            int now = done.get();
            if (failure.get() == null && now > 0) {
                told = now;
                try {
                    if (!progress.at(now, problems)) {
                        stop(new CancelledException(now, problems));
                    }
                } catch (RuntimeException | Error e) {
                    stop(e);
                }
            }
        }

        private void stop(Throwable reason) {
            Throwable first = failure.compareAndExchange(null, reason);
            if (first != null && first != reason) {
                first.addSuppressed(reason);
            }
        }

        private BackendException located(int index, int from, int to, BackendException e) {
            int first = names.applyAsInt(from);
            String which =
                    to - from == 1 ? "problem " + first : "problems " + first + " to " + names.applyAsInt(to - 1);
            String message = which + " of a batch of " + batch + ", on "
                    + sessions.get(index).description() + ": " + e.getMessage();
            BackendException named =
                    e instanceof DeviceLostException ? new DeviceLostException(message) : new BackendException(message);
            named.initCause(e);
            return named;
        }
    }

    /** Closes all sessions, also if some fail; the first failure is thrown. */
    @Override
    public void close() {
        RuntimeException first = null;
        for (Session session : sessions) {
            try {
                session.close();
            } catch (RuntimeException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
