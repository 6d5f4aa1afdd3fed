package org.nullspace.cli;

import java.util.Locale;
import org.nullspace.io.Progress;

/**
 * Tells on standard error what is being done when it takes long: nothing within the first second of a stage, then a plain line, further
 * lines at growing intervals. No cursor movement, so that a log reads like a terminal.
 */
final class Stages implements Progress, AutoCloseable {
    private static final long FIRST_NANOS = 1_000_000_000L;
    private static final long MOST_NANOS = 60_000_000_000L;

    private final Console console;
    private final Thread watcher = new Thread(this::watch, "nullspace-progress");
    private String stage = "";
    private long started;
    private long next;
    private long interval;
    private boolean told;
    private long done;
    private long total;
    private String noun = "";
    private boolean closed;

    Stages(Console console) {
        this.console = console;
        watcher.setDaemon(true);
    }

    /** Ends the stage before and begins another. */
    synchronized void begin(String what) {
        end();
        stage = what;
        started = System.nanoTime();
        interval = FIRST_NANOS;
        next = started + interval;
        told = false;
        done = 0;
        total = 0;
        noun = "";
        if (watcher.getState() == Thread.State.NEW) {
            watcher.start();
        }
        notifyAll();
    }

    @Override
    public synchronized void at(long nowDone, long ofTotal) {
        done = nowDone;
        total = ofTotal;
    }

    /** Some more of what is counted is done. */
    synchronized void count(String what, long nowDone, long ofTotal) {
        done = nowDone;
        total = ofTotal;
        noun = what;
    }

    /** Ends the stage; a stage that was told about is told to have ended. */
    synchronized void end() {
        if (told) {
            console.note("nullspace: " + stage + ": done after " + seconds());
        }
        stage = "";
        told = false;
    }

    private synchronized void watch() {
        try {
            while (!closed) {
                if (stage.isEmpty()) {
                    wait();
                    continue;
                }
                long now = System.nanoTime();
                if (now >= next) {
                    console.note("nullspace: " + stage + " …" + share() + (told ? " " + seconds() : ""));
                    told = true;
                    interval = Math.min(interval * 2, MOST_NANOS);
                    next = now + interval;
                }
                wait(Math.max(1, (next - System.nanoTime()) / 1_000_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String share() {
        if (done == 0) {
            return "";
        }
        if (!noun.isEmpty()) {
            double rate = done / ((System.nanoTime() - started) * 1e-9);
            return String.format(
                    Locale.ROOT,
                    " %d %%, %s %s/s, %s left",
                    (long) (100.0 * done / total),
                    rate < 100 ? Text.number(rate) : String.valueOf(Math.round(rate)),
                    noun,
                    Text.duration((total - done) / rate));
        }
        return total > 0
                ? String.format(Locale.ROOT, " %d %% of %s", Math.round(100.0 * done / total), Text.bytes(total))
                : " " + Text.bytes(done);
    }

    private String seconds() {
        return String.format(Locale.ROOT, "%.0f s", (System.nanoTime() - started) * 1e-9);
    }

    @Override
    public synchronized void close() {
        end();
        closed = true;
        notifyAll();
    }
}
