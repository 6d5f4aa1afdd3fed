package org.nullspace.backend.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The folders in which CUDA's libraries are looked for on Linux, in this order: the system property {@value #PROPERTY}; CUDA_HOME and
 * CUDA_PATH; /usr/local/cuda and /usr/local/cuda-*, the newest first; LD_LIBRARY_PATH; the folders of the system's loader; conda's; those
 * that pip fills. Only folders that exist are kept.
 */
final class LibraryPlaces {
    /** System property with folders, separated as in a path, that are searched before all others. */
    static final String PROPERTY = "nullspace.cuda.libraries";

    private static final List<String> SYSTEM = List.of(
            "/usr/lib/x86_64-linux-gnu",
            "/lib/x86_64-linux-gnu",
            "/usr/lib64",
            "/lib64",
            "/usr/lib",
            "/usr/local/lib",
            "/usr/lib/wsl/lib",
            "/usr/local/nvidia/lib64",
            "/run/opengl-driver/lib");

    private static final Pattern INCLUDE = Pattern.compile("include\\s+(\\S+)");

    private final UnaryOperator<@Nullable String> environment;
    private final Path root;

    /** Folders and why they are searched. */
    private final Map<Path, String> folders = new LinkedHashMap<>();

    /**
     * Looks for the folders.
     *
     * @param property system properties by name
     * @param environment environment variables by name
     * @param root what absolute folders are resolved against; {@code /} except in tests
     */
    LibraryPlaces(UnaryOperator<@Nullable String> property, UnaryOperator<@Nullable String> environment, Path root) {
        this.environment = environment;
        this.root = root;
        addAll(PROPERTY, property.apply(PROPERTY));
        toolkits();
        addAll("LD_LIBRARY_PATH", environment.apply("LD_LIBRARY_PATH"));
        loader();
        python(property.apply("user.home"));
    }

    /** One folder, and no other. */
    static LibraryPlaces of(Path folder) {
        return new LibraryPlaces(Map.of(folder, "given"));
    }

    private LibraryPlaces(Map<Path, String> folders) {
        this.environment = name -> null;
        this.root = Path.of("/");
        this.folders.putAll(folders);
    }

    /** The folders that the system property names, and no others. */
    LibraryPlaces configured() {
        Map<Path, String> configured = new LinkedHashMap<>(folders);
        configured.values().removeIf(origin -> !origin.equals(PROPERTY));
        return new LibraryPlaces(configured);
    }

    /** The places of this process. */
    static LibraryPlaces ofThisMachine() {
        return new LibraryPlaces(System::getProperty, System::getenv, Path.of("/"));
    }

    private void add(String origin, Path folder) {
        if (Files.isDirectory(folder)) {
            folders.putIfAbsent(folder.toAbsolutePath().normalize(), origin);
        }
    }

    private void addAll(String origin, @Nullable String paths) {
        if (paths != null) {
            for (String path : paths.split(File.pathSeparator)) {
                if (!path.isBlank()) {
                    try {
                        add(origin, Path.of(path));
                    } catch (InvalidPathException e) {
                        // Not a folder of this machine.
                    }
                }
            }
        }
    }

    private void toolkits() {
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String value = environment.apply(variable);
            if (value != null && !value.isBlank()) {
                toolkit(variable, Path.of(value));
            }
        }
        Path local = absolute("/usr/local");
        toolkit("toolkit", local.resolve("cuda"));
        entries(local, "cuda-*").stream()
                .sorted(Comparator.comparing(LibraryPlaces::version).reversed())
                .forEach(folder -> toolkit("toolkit", folder));
        toolkit("toolkit", absolute("/opt/cuda"));
    }

    private void toolkit(String origin, Path folder) {
        add(origin, folder.resolve("lib64"));
        add(origin, folder.resolve("lib"));
        add(origin, folder.resolve("targets/x86_64-linux/lib"));
    }

    /** cuda-12.10 comes after cuda-12.9. */
    private static String version(Path folder) {
        StringBuilder padded = new StringBuilder();
        for (String part :
                folder.getFileName().toString().replaceAll("[^0-9.]", "").split("\\.")) {
            padded.append("0".repeat(Math.max(0, 6 - part.length())))
                    .append(part)
                    .append('.');
        }
        return padded.toString();
    }

    private void loader() {
        configured(absolute("/etc/ld.so.conf"), 0);
        for (String folder : SYSTEM) {
            add("system", absolute(folder));
        }
    }

    private void configured(Path file, int depth) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return;
        }
        for (String line : lines) {
            String entry = line.replaceFirst("#.*", "").strip();
            var include = INCLUDE.matcher(entry);
            if (include.matches() && depth < 4) {
                Path pattern = absolute(include.group(1));
                Path parent = pattern.getParent();
                if (parent != null) {
                    entries(parent, pattern.getFileName().toString()).stream()
                            .sorted()
                            .forEach(f -> configured(f, depth + 1));
                }
            } else if (entry.startsWith("/")) {
                add(file.toString(), absolute(entry));
            }
        }
    }

    private void python(@Nullable String home) {
        String conda = environment.apply("CONDA_PREFIX");
        if (conda != null && !conda.isBlank()) {
            add("CONDA_PREFIX", Path.of(conda, "lib"));
            add("CONDA_PREFIX", Path.of(conda, "targets/x86_64-linux/lib"));
        }
        List<Path> prefixes = new ArrayList<>();
        for (@Nullable String prefix : new String[] {environment.apply("VIRTUAL_ENV"), conda}) {
            if (prefix != null && !prefix.isBlank()) {
                prefixes.add(Path.of(prefix));
            }
        }
        if (home != null) {
            prefixes.add(Path.of(home, ".local"));
        }
        prefixes.add(absolute("/usr/local"));
        prefixes.add(absolute("/usr"));
        prefixes.add(absolute("/opt/conda"));
        for (Path prefix : prefixes) {
            for (Path python : entries(prefix.resolve("lib"), "python3*")) {
                for (String packages : List.of("site-packages", "dist-packages")) {
                    Path nvidia = python.resolve(packages).resolve("nvidia");
                    for (Path part : entries(nvidia, "*")) {
                        add("pip", part.resolve("lib"));
                    }
                }
            }
        }
    }

    private Path absolute(String path) {
        return root.resolve(path.substring(1));
    }

    /** What lies in a folder under names of a pattern, sorted; nothing if it cannot be listed. */
    static List<Path> entries(Path folder, String glob) {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
                stream.forEach(found::add);
            } catch (IOException | java.nio.file.DirectoryIteratorException e) {
                // What cannot be listed cannot be searched.
            }
        }
        found.sort(Comparator.comparing(Path::toString));
        return found;
    }

    /**
     * The first file of that name.
     *
     * @param name file name
     * @param first folders that are searched before the others
     * @return the file, or null if there is none
     */
    @Nullable Path find(String name, Collection<Path> first) {
        for (Path folder : first) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                return file;
            }
        }
        for (Path folder : folders.keySet()) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                return file;
            }
        }
        return null;
    }

    /**
     * The file whose name begins so, in one folder; the last of several.
     *
     * @param folder the folder
     * @param prefix beginning of the name
     * @return the file, or null if there is none
     */
    static @Nullable Path findPrefix(Path folder, String prefix) {
        List<Path> found = entries(folder, prefix + "*");
        return found.isEmpty() ? null : found.get(found.size() - 1);
    }

    /** The folders, each with why it is searched, in order. */
    List<String> searched() {
        List<String> all = new ArrayList<>();
        folders.forEach((folder, origin) -> all.add(folder + " (" + origin + ")"));
        return all;
    }

    /** The folders, in order. */
    List<Path> folders() {
        return List.copyOf(folders.keySet());
    }
}
