package org.nullspace.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.nullspace.natives.NativeFiles;

/**
 * Compiled kernels on disk, one file for each source, architecture and compiler version, in the {@linkplain NativeFiles#root() cache
 * folder}. A file is a digest and the code; a file whose digest does not fit is not used. The cache is a convenience: where it cannot be read or written, kernels are compiled again.
 */
final class KernelCache {
    private static final int DIGEST_BYTES = 32;

    private final @Nullable Path file;

    /**
     * A place in the cache.
     *
     * @param name name of the source
     * @param source its text
     * @param capability the device's compute capability, as {@code 90} for 9.0
     */
    KernelCache(String name, String source, int capability) {
        String key = source + "\n" + capability + "\n" + KernelCompiler.version();
        String digest = HexFormat.of().formatHex(digest(key.getBytes(StandardCharsets.UTF_8)));
        Path folder = folder();
        file = folder == null
                ? null
                : folder.resolve(name + "-sm" + capability + "-" + digest.substring(0, 32) + ".bin");
    }

    private static @Nullable Path folder() {
        try {
            return NativeFiles.folder("kernels");
        } catch (IOException e) {
            return null;
        }
    }

    private static byte[] digest(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java has no SHA-256", e);
        }
    }

    /** What was stored, or null. */
    byte @Nullable [] read() {
        if (file == null || !Files.isReadable(file)) {
            return null;
        }
        try {
            byte[] all = Files.readAllBytes(file);
            if (all.length <= DIGEST_BYTES) {
                return null;
            }
            byte[] code = Arrays.copyOfRange(all, DIGEST_BYTES, all.length);
            return Arrays.equals(digest(code), Arrays.copyOf(all, DIGEST_BYTES)) ? code : null;
        } catch (IOException e) {
            return null;
        }
    }

    /** Stores code, whole or not at all. */
    void write(byte[] code) {
        if (file == null) {
            return;
        }
        Path parent = file.getParent();
        Path temporary = null;
        try {
            Files.createDirectories(parent);
            temporary = Files.createTempFile(parent, "kernel", ".tmp");
            byte[] all = Arrays.copyOf(digest(code), DIGEST_BYTES + code.length);
            System.arraycopy(code, 0, all, DIGEST_BYTES, code.length);
            Files.write(temporary, all);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            temporary = null;
        } catch (IOException e) {
            // Not stored: compiled again next time.
        } finally {
            remove(temporary);
        }
    }

    private static void remove(@Nullable Path temporary) {
        if (temporary != null) {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException e) {
                // A stray temporary file is all that is left.
            }
        }
    }
}
