package org.nullspace.natives;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Native libraries from jars, written to a folder that nobody else can write to. A file appears complete or not at all, also when several
 * processes start at the same time.
 */
public final class NativeFiles {
    /** System property for the cache folder; the default is {@code ~/.cache/nullspace}, on Windows {@code nullspace} in the local data. */
    public static final String PROPERTY = "nullspace.cache";

    private static final String TEMPORARY = "nullspace-";

    private static final Set<PosixFilePermission> OTHERS =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private NativeFiles() {}

    /**
     * The cache folder as configured; it need not exist.
     *
     * @return an absolute path
     */
    public static Path root() {
        String configured = System.getProperty(PROPERTY);
        if (configured != null && !configured.isBlank()) {
            return Path.of(configured).toAbsolutePath();
        }
        String base = System.getenv(windows() ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
        Path home = Path.of(System.getProperty("user.home", "."));
        Path cache = base != null && Path.of(base).isAbsolute() ? Path.of(base) : home.resolve(".cache");
        return cache.resolve("nullspace").toAbsolutePath();
    }

    private static boolean windows() {
        return System.getProperty("os.name", "").startsWith("Windows");
    }

    /**
     * A folder in the cache folder, made if it is not there. If there can be none, a new folder for temporary files takes its place, which
     * is deleted when the process ends.
     *
     * @param name name of the folder
     * @return the folder
     * @throws IOException if no folder can be made
     */
    public static Path folder(String name) throws IOException {
        IOException refused;
        try {
            return lasting(name);
        } catch (IOException e) {
            refused = e;
        }
        try {
            Path folder = Files.createTempDirectory(TEMPORARY);
            folder.toFile().deleteOnExit();
            return folder;
        } catch (IOException e) {
            e.addSuppressed(refused);
            throw e;
        }
    }

    /**
     * A folder in the cache folder, made if it is not there.
     *
     * @param name name of the folder
     * @return the folder
     * @throws IOException if it cannot be made, belongs to somebody else, or others can write to it
     */
    public static Path lasting(String name) throws IOException {
        make(root());
        // The cache folder may be a link; what counts is where it leads.
        Path root = root().toRealPath();
        Path folder = root.resolve(name);
        make(folder);
        if (posix(folder)) {
            UserPrincipal self = self(folder);
            Set<PosixFilePermission> permissions = owned(root, self);
            // A cache folder that somebody else's tool or an open umask has made.
            if (permissions.removeAll(OTHERS)) {
                Files.setPosixFilePermissions(root, permissions);
            }
            if (owned(folder, self).removeAll(OTHERS)) {
                throw new IOException(folder + " can be written by others");
            }
        }
        return folder;
    }

    private static void make(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            Path parent = folder.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            if (posix(parent)) {
                Files.createDirectories(
                        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            } else {
                Files.createDirectories(folder);
            }
        }
    }

    /** Who this process is: whoever owns a file that it has just made. */
    private static UserPrincipal self(Path folder) throws IOException {
        Path probe = Files.createTempFile(folder, "probe", null);
        try {
            return Files.getOwner(probe);
        } finally {
            Files.delete(probe);
        }
    }

    private static Set<PosixFilePermission> owned(Path folder, UserPrincipal self) throws IOException {
        PosixFileAttributes attributes =
                Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isDirectory() || !attributes.owner().equals(self)) {
            throw new IOException(folder + " is a link, or belongs to " + attributes.owner() + " and not to " + self);
        }
        return new HashSet<>(attributes.permissions());
    }

    private static boolean posix(@Nullable Path path) throws IOException {
        if (path == null) {
            return false;
        }
        FileStore store = Files.getFileStore(path);
        return store.supportsFileAttributeView("posix");
    }

    /**
     * Writes a resource to a file, unless it is there already.
     *
     * @param resource the content
     * @param folder an existing folder
     * @param name name of the file
     * @param large whether a file of the right size is taken for the right one; otherwise the content is compared
     * @return the file
     * @throws IOException if it cannot be read or written; no file is left behind
     */
    public static Path extract(URL resource, Path folder, String name, boolean large) throws IOException {
        Path file = folder.resolve(name);
        URLConnection connection = resource.openConnection();
        try (InputStream in = connection.getInputStream()) {
            long size = connection.getContentLengthLong();
            boolean same = Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                    && (size < 0 || Files.size(file) == size)
                    && ((large && size >= 0) || sameContent(resource, file));
            if (same) {
                return file;
            }
            Path part = Files.createTempFile(folder, name, ".part");
            try {
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                if (size >= 0 && Files.size(part) != size) {
                    throw new IOException(
                            resource + " has " + size + " bytes, and " + Files.size(part) + " could be read");
                }
                move(part, file);
                if (folder.getFileName().toString().startsWith(TEMPORARY)) {
                    file.toFile().deleteOnExit();
                }
            } finally {
                Files.deleteIfExists(part);
            }
        }
        return file;
    }

    private static void move(Path part, Path file) throws IOException {
        try {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static boolean sameContent(URL resource, Path file) throws IOException {
        try (InputStream a = new BufferedInputStream(resource.openStream());
                InputStream b = new BufferedInputStream(Files.newInputStream(file))) {
            byte[] left = new byte[1 << 16];
            while (true) {
                int n = a.readNBytes(left, 0, left.length);
                byte[] right = b.readNBytes(n == 0 ? 1 : n);
                if (n != right.length || !java.util.Arrays.equals(left, 0, n, right, 0, n)) {
                    return n == 0 && right.length == 0;
                }
                if (n == 0) {
                    return true;
                }
            }
        }
    }
}
