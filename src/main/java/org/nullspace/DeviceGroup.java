package org.nullspace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendException;
import org.nullspace.error.DeviceLostException;

/**
 * The devices that a batch is spread over, or the sessions of one device that work at the same time: each has its session, a lock for it, and a share of neighbouring problems. Which problem is solved
 * where depends on the numbers of problems and devices alone. Owns the sessions.
 */
final class DeviceGroup implements AutoCloseable {
    private final List<Session> sessions;
    private final List<ReentrantLock> locks = new ArrayList<>();

    /**
     * A group.
     *
     * @param sessions one for each device, at least one; closed with the group
     */
    DeviceGroup(List<Session> sessions) {
        this.sessions = List.copyOf(sessions);
        this.sessions.forEach(session -> locks.add(new ReentrantLock()));
    }

    /** What is to be done with each problem. */
    interface Work {
        /**
         * Solves one problem.
         *
         * @param session the session that it falls to
         * @param lock to be held while the session is used
         * @param problem index of the problem
         */
        void solve(Session session, ReentrantLock lock, int problem);
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

    /** Works with the first device. */
    <T> T onFirst(Use<T> use) {
        ReentrantLock lock = locks.get(0);
        lock.lock();
        try {
            return use.apply(sessions.get(0), lock);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Does the work for all problems and returns when every device is done: on one device in the calling thread, on several with a thread for
     * each. If one fails, the others finish the problem that they are at; the first failure is thrown, with later ones suppressed in it.
     *
     * @param problems number of problems
     * @param work what to do with each
     */
    void run(int problems, Work work) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>(null);
        List<Thread> helpers = new ArrayList<>();
        for (int i = 1; i < sessions.size(); i++) {
            int device = i;
            Thread helper = new Thread(
                    () -> share(device, problems, work, failure),
                    "nullspace " + sessions.get(i).description());
            helper.setDaemon(true);
            helper.start();
            helpers.add(helper);
        }
        share(0, problems, work, failure);
        boolean interrupted = false;
        for (Thread helper : helpers) {
            while (helper.isAlive()) {
                try {
                    helper.join();
                } catch (InterruptedException e) {
                    // The sessions must not be closed under the helpers: remembered, and passed on at the end.
                    interrupted = true;
                }
            }
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

    private void share(int device, int problems, Work work, AtomicReference<@Nullable Throwable> failure) {
        int from = (int) ((long) problems * device / sessions.size());
        int to = (int) ((long) problems * (device + 1) / sessions.size());
        for (int problem = from; problem < to && failure.get() == null; problem++) {
            try {
                work.solve(sessions.get(device), locks.get(device), problem);
            } catch (RuntimeException | Error e) {
                Throwable named = e instanceof BackendException broken ? located(device, problem, problems, broken) : e;
                Throwable first = failure.compareAndExchange(null, named);
                if (first != null) {
                    first.addSuppressed(named);
                }
                return;
            }
        }
    }

    private BackendException located(int device, int problem, int problems, BackendException e) {
        String message = "problem " + problem + " of a batch of " + problems + ", on "
                + sessions.get(device).description() + ": " + e.getMessage();
        BackendException named =
                e instanceof DeviceLostException ? new DeviceLostException(message) : new BackendException(message);
        named.initCause(e);
        return named;
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
