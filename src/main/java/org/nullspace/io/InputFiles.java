package org.nullspace.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.nullspace.error.InvalidInputException;

/** Checks and messages that all readers share. */
final class InputFiles {
    private InputFiles() {}

    /** Requires a file that exists, is no directory and may be read. */
    static void requireReadable(Path path) {
        if (!Files.exists(path)) {
            throw new InvalidInputException(path + ": no such file");
        }
        if (Files.isDirectory(path)) {
            throw new InvalidInputException(path + ": a directory, a file was expected");
        }
        if (!Files.isReadable(path)) {
            throw new InvalidInputException(path + ": may not be read (permission denied)");
        }
    }

    /** A failure of the machine while a file was read. */
    static UncheckedIOException failed(Path path, IOException e) {
        return new UncheckedIOException(path + ": reading failed: " + reason(e), e);
    }

    /** What went wrong, without the path, which {@link FileSystemException} repeats. */
    static String reason(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof NoSuchFileException && ((NoSuchFileException) e).getReason() == null) {
            return "no such file or directory";
        }
        String reason = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
        return reason == null || reason.isBlank() ? e.getClass().getSimpleName() : reason;
    }
}
