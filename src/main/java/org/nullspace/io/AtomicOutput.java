package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.ClosedException;
import org.nullspace.error.InvalidInputException;

/**
 * An output directory that gets all of its files or none. Files are written into a staging directory inside the output directory;
 * {@link #commit()} moves them into place by atomic renames, replacing files of the same names. Closed without a commit, or ended by
 * the end of the JVM (an interrupt from the keyboard too), it removes everything it made, the directories that it had to create
 * included; files that were there before are left as they were.
 *
 * <pre>{@code
 * try (AtomicOutput out = AtomicOutput.in(directory)) {   // fails at once if nothing can be written there
 *     ...                                                 // the long work
 *     out.write("weights.npy", channel -> NpyWriter.write(channel, weights));
 *     out.commit();
 * }
 * }</pre>
 *
 * <p>{@link #open} opens files that are written piece by piece, several of them in turn, while the work goes on.
 *
 * <p>Files are not forced to the storage device: a loss of power shortly after the commit may lose them.
 *
 * <p><b>Threads.</b> One thread at a time.
 */
public final class AtomicOutput implements AutoCloseable {
    private static final String STAGING_PREFIX = ".nullspace-";
    private static final String REPLACED = "replaced";
    private static final String MADE = "made";

    private final Path directory;
    private final Path staging;
    private final Deque<Path> createdDirectories;
    private final Map<String, Path> staged = new LinkedHashMap<>();
    private final Map<String, Piecewise> opened = new LinkedHashMap<>();
    private final Thread cleanUpAtExit;
    private boolean open = true;

    private AtomicOutput(Path directory, Path staging, Deque<Path> createdDirectories) {
        this.directory = directory;
        this.staging = staging;
        this.createdDirectories = createdDirectories;
        this.cleanUpAtExit = new Thread(this::cleanUp, "nullspace-output-clean-up");
    }

    /** Writes the content of one file. */
    @FunctionalInterface
    public interface Content {
        /**
         * Writes everything; the channel is closed by the caller.
         *
         * @param channel where to
         * @throws IOException if writing fails
         */
        void writeTo(WritableByteChannel channel) throws IOException;
    }

    /**
     * Starts output into a directory, which is created if it is not there. That the directory can be written to is checked now, before
     * any work is done for the output.
     *
     * @param directory the output directory
     * @return the output, to be closed by the caller
     * @throws InvalidInputException if the path is a file or runs through one, or if nothing can be written there; the message names the
     *     path
     */
    public static AtomicOutput in(Path directory) {
        Deque<Path> created = new ArrayDeque<>();
        try {
            createDirectories(directory, created);
            Path staging = Files.createTempDirectory(directory, STAGING_PREFIX);
            AtomicOutput output = new AtomicOutput(directory, staging, created);
            Files.createDirectory(staging.resolve(MADE));
            Files.createDirectory(staging.resolve(REPLACED));
            try {
                Runtime.getRuntime().addShutdownHook(output.cleanUpAtExit);
            } catch (IllegalStateException e) {
                output.cleanUp();
                throw new ClosedException("output into " + directory + " was started while the JVM is ending");
            }
            return output;
        } catch (IOException e) {
            removeAll(created);
            throw new InvalidInputException(directory + ": nothing can be written there: " + InputFiles.reason(e), e);
        } catch (InvalidInputException e) {
            removeAll(created);
            throw e;
        }
    }

    private static void createDirectories(Path directory, Deque<Path> created) throws IOException {
        Deque<Path> missing = new ArrayDeque<>();
        Path normal = directory.toAbsolutePath().normalize();
        for (Path p = normal; p != null && !Files.isDirectory(p); p = p.getParent()) {
            if (Files.exists(p)) {
                throw new InvalidInputException(
                        directory + ": " + (p.equals(normal) ? "" : p + " is ") + "a file, a directory was expected");
            }
            missing.push(p);
        }
        for (Path p : missing) {
            try {
                Files.createDirectory(p);
                created.push(p);
            } catch (FileAlreadyExistsException e) {
                // Somebody else has made it meanwhile, and it is theirs.
                if (!Files.isDirectory(p)) {
                    throw e;
                }
            }
        }
    }

    /**
     * Writes one file, which appears in the directory at the commit.
     *
     * @param name name of the file, without directories, each name once
     * @param content writes the content
     * @throws InvalidInputException if the name is no plain file name or was used before
     * @throws UncheckedIOException if writing fails, for example because the disk is full; the message names the file
     * @throws ClosedException after the commit or the end of this output
     */
    public void write(String name, Content content) {
        try (FileChannel channel = create(name)) {
            content.writeTo(channel);
        } catch (IOException e) {
            throw failed(directory.resolve(name), e);
        }
    }

    /**
     * Opens a file that is written piece by piece, and beside others; it appears in the directory at the commit, before which its channel must
     * be closed. A failure of writing is an {@link UncheckedIOException} that names the file, as for {@link #write}.
     *
     * @param name name of the file, without directories, each name once
     * @return a channel for writing, closed with this output at the latest
     * @throws InvalidInputException if the name is no plain file name or was used before
     * @throws UncheckedIOException if the file cannot be made; the message names it
     * @throws ClosedException after the commit or the end of this output
     */
    public SeekableByteChannel open(String name) {
        try {
            Piecewise channel = new Piecewise(directory.resolve(name), create(name));
            opened.put(name, channel);
            return channel;
        } catch (IOException e) {
            throw failed(directory.resolve(name), e);
        }
    }

    /** Makes a file, not while the output is cleaned up by the end of the JVM. */
    private synchronized FileChannel create(String name) throws IOException {
        return FileChannel.open(stage(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    /** A file that is written piece by piece. */
    private static final class Piecewise implements SeekableByteChannel {
        private final Path target;
        private final FileChannel channel;

        Piecewise(Path target, FileChannel channel) {
            this.target = target;
            this.channel = channel;
        }

        @Override
        public int write(ByteBuffer from) {
            try {
                return channel.write(from);
            } catch (IOException e) {
                throw failed(target, e);
            }
        }

        @Override
        public int read(ByteBuffer into) {
            throw new NonReadableChannelException();
        }

        @Override
        public long position() throws IOException {
            return channel.position();
        }

        @Override
        public Piecewise position(long to) throws IOException {
            channel.position(to);
            return this;
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public Piecewise truncate(long size) throws IOException {
            channel.truncate(size);
            return this;
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw failed(target, e);
            }
        }
    }

    /**
     * A place to write one file by other means (a plotting library that takes a path); the file appears in the directory at the commit.
     *
     * @param name name of the file, without directories, each name once
     * @return path of the file to be made, in the staging directory, with the same name
     * @throws InvalidInputException if the name is no plain file name or was used before
     * @throws ClosedException after the commit or the end of this output
     */
    public synchronized Path stage(String name) {
        requireOpen();
        Path plain = Path.of(name).getFileName();
        if (plain == null
                || !plain.toString().equals(name)
                || name.isEmpty()
                || name.equals("..")
                || name.equals(".")) {
            throw new InvalidInputException("\"" + name + "\" is not a plain file name");
        }
        Path file = staging.resolve(MADE).resolve(name);
        if (staged.putIfAbsent(name, file) != null) {
            throw new InvalidInputException(directory.resolve(name) + " is written twice");
        }
        return file;
    }

    /**
     * The files written so far, as they are called after the commit.
     *
     * @return paths in the output directory, in the order of writing
     */
    public List<Path> files() {
        return staged.keySet().stream().map(directory::resolve).toList();
    }

    /**
     * Moves all files into place. If one cannot be moved, those already moved are taken back and the files that they replaced are put
     * back.
     *
     * @throws InvalidInputException if a directory stands where a file is to go, or a file is still being written; nothing has been moved
     *     then
     * @throws UncheckedIOException if a file was announced and not made, or cannot be moved; the message names it
     * @throws ClosedException after the commit or the end of this output
     */
    public synchronized void commit() {
        requireOpen();
        opened.forEach((name, channel) -> {
            if (channel.isOpen()) {
                throw new InvalidInputException(
                        directory.resolve(name) + " is still being written: close its channel before the commit");
            }
        });
        for (Path target : files()) {
            if (Files.isDirectory(target)) {
                throw new InvalidInputException(target + ": a directory stands where this file is to be written");
            }
        }
        List<Move> done = new ArrayList<>();
        for (Map.Entry<String, Path> entry : staged.entrySet()) {
            Path target = directory.resolve(entry.getKey());
            try {
                done.add(moveIntoPlace(entry.getValue(), target));
            } catch (IOException e) {
                UncheckedIOException failure = failed(target, e);
                takeBack(done, failure);
                throw failure;
            }
        }
        createdDirectories.clear();
        close();
    }

    /** A file in its place and, if it replaced another one, where that one is kept. */
    private record Move(Path target, @Nullable Path replaced) {}

    private Move moveIntoPlace(Path file, Path target) throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(target.toString(), null, "the file was announced and never written");
        }
        Path backup = null;
        if (Files.exists(target)) {
            backup = staging.resolve(REPLACED).resolve(target.getFileName());
            Files.move(target, backup, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (backup != null) {
                Files.move(backup, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
        }
        return new Move(target, backup);
    }

    private static void takeBack(List<Move> done, UncheckedIOException failure) {
        for (Move move : done) {
            try {
                if (move.replaced() == null) {
                    Files.deleteIfExists(move.target());
                } else {
                    Files.move(move.replaced(), move.target(), StandardCopyOption.ATOMIC_MOVE);
                }
            } catch (IOException e) {
                failure.addSuppressed(e);
            }
        }
    }

    /** Removes whatever has not been committed. Closing again, or after the commit, has no effect. */
    @Override
    public void close() {
        if (!open) {
            return;
        }
        closeChannels();
        cleanUp();
        try {
            Runtime.getRuntime().removeShutdownHook(cleanUpAtExit);
        } catch (IllegalStateException e) {
            // The JVM is ending: the hook finds nothing left to do.
        }
    }

    private synchronized void cleanUp() {
        if (open) {
            open = false;
            removeStaging();
            if (Files.exists(staging)) {
                // Where files that are open cannot be removed. Otherwise they stay open, so that their writer sees no
                // failure.
                closeChannels();
                removeStaging();
            }
            removeAll(createdDirectories);
        }
    }

    private void removeStaging() {
        try (Stream<Path> files = Files.walk(staging)) {
            files.sorted(Comparator.reverseOrder()).forEach(AtomicOutput::remove);
        } catch (IOException | UncheckedIOException e) {
            // Gone already, or out of reach: nothing more can be removed.
        }
    }

    private synchronized void closeChannels() {
        for (Piecewise channel : opened.values()) {
            try {
                channel.close();
            } catch (UncheckedIOException e) {
                // The file is removed or complete.
            }
        }
    }

    private static void removeAll(Deque<Path> newestFirst) {
        newestFirst.forEach(AtomicOutput::remove);
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (DirectoryNotEmptyException e) {
            // Somebody else has put files there meanwhile: they stay.
        } catch (IOException e) {
            path.toFile().deleteOnExit();
        }
    }

    private void requireOpen() {
        if (!open) {
            throw new ClosedException("output into " + directory + " was used after it had been committed or closed");
        }
    }

    private static UncheckedIOException failed(Path path, IOException e) {
        return new UncheckedIOException(path + ": writing failed: " + InputFiles.reason(e), e);
    }

    /** Writes one file, all of it or nothing, into a directory that is there. */
    static void writeSingle(Path path, Content content) {
        Path absolute = path.toAbsolutePath();
        Path parent = absolute.getParent();
        Path name = absolute.getFileName();
        if (name == null || parent == null || Files.isDirectory(path)) {
            throw new InvalidInputException(path + ": a directory, a file was expected");
        }
        if (!Files.isDirectory(parent)) {
            throw new InvalidInputException(path + ": there is no directory " + parent);
        }
        try (AtomicOutput output = in(parent)) {
            output.write(name.toString(), content);
            output.commit();
        }
    }
}
