package org.nullspace.backend.cuda;

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The folders in which CUDA's libraries are looked for on Linux, in this order: the system property {@value #PROPERTY}; CUDA_HOME and
 * CUDA_PATH; /usr/local/cuda and /usr/local/cuda-*, the newest first; LD_LIBRARY_PATH; the folders of the system's loader; conda's; those
 * that pip fills. Only folders that exist are kept, and each once, whatever links lead to it.
 *
 * <p>Whoever lets Nullspace choose where to compute pays for this search on a machine without a GPU. It is written with what the JVM has
 * loaded at its start: no streams, lambdas or regular expressions.
 */
final class LibraryPlaces {
    /** System property with folders, separated as in a path, that are searched before all others. */
    static final String PROPERTY = "nullspace.cuda.libraries";

    private static final String[] SYSTEM = {
        "/usr/lib/x86_64-linux-gnu",
        "/lib/x86_64-linux-gnu",
        "/usr/lib64",
        "/lib64",
        "/usr/lib",
        "/usr/local/lib",
        "/usr/lib/wsl/lib",
        "/usr/local/nvidia/lib64",
        "/run/opengl-driver/lib"
    };

    private static final int NESTED_CONFIGURATION = 4;

    private final UnaryOperator<@Nullable String> environment;
    private final Path root;

    /** Folders and why they are searched. */
    private final Map<Path, String> folders;

    /** The same without links. */
    private final Set<Path> real = new java.util.HashSet<>();

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
        this.folders = new LinkedHashMap<>();
        addAll(PROPERTY, property.apply(PROPERTY));
        toolkits();
        addAll("LD_LIBRARY_PATH", environment.apply("LD_LIBRARY_PATH"));
        configured(absolute("/etc/ld.so.conf"), 0);
        for (String folder : SYSTEM) {
            add("system", absolute(folder));
        }
        python(property.apply("user.home"));
    }

    private LibraryPlaces(Map<Path, String> folders) {
        this.environment = name -> null;
        this.root = Path.of("/");
        this.folders = folders;
    }

    /** One folder, and no other. */
    static LibraryPlaces of(Path folder) {
        return new LibraryPlaces(Map.of(folder, "given"));
    }

    /** The places of this process. */
    static LibraryPlaces ofThisMachine() {
        return new LibraryPlaces(System::getProperty, System::getenv, Path.of("/"));
    }

    /** The folders that the system property names, and no others. */
    LibraryPlaces configured() {
        Map<Path, String> configured = new LinkedHashMap<>();
        for (Map.Entry<Path, String> folder : folders.entrySet()) {
            if (folder.getValue().equals(PROPERTY)) {
                configured.put(folder.getKey(), PROPERTY);
            }
        }
        return new LibraryPlaces(configured);
    }

    private void add(String origin, File folder) {
        if (folder.isDirectory()) {
            Path path = folder.getAbsoluteFile().toPath().normalize();
            Path target;
            try {
                target = folder.getCanonicalFile().toPath();
            } catch (IOException e) {
                target = path;
            }
            if (real.add(target)) {
                folders.put(path, origin);
            }
        }
    }

    private void addAll(String origin, @Nullable String paths) {
        if (paths != null) {
            for (String path : paths.split(File.pathSeparator)) {
                if (!path.isBlank()) {
                    add(origin, new File(path));
                }
            }
        }
    }

    private void toolkits() {
        for (String variable : new String[] {"CUDA_HOME", "CUDA_PATH"}) {
            String value = environment.apply(variable);
            if (value != null && !value.isBlank()) {
                toolkit(variable, new File(value));
            }
        }
        File local = absolute("/usr/local");
        toolkit("toolkit", new File(local, "cuda"));
        TreeMap<String, File> versions = new TreeMap<>();
        for (File folder : entries(local, "cuda-")) {
            versions.put(version(folder.getName()), folder);
        }
        for (File folder : versions.descendingMap().values()) {
            toolkit("toolkit", folder);
        }
        toolkit("toolkit", absolute("/opt/cuda"));
    }

    private void toolkit(String origin, File folder) {
        add(origin, new File(folder, "lib64"));
        add(origin, new File(folder, "lib"));
        add(origin, new File(folder, "targets/x86_64-linux/lib"));
    }

    /** Digits filled up from the left, so that cuda-12.10 comes after cuda-12.9. */
    private static String version(String name) {
        StringBuilder padded = new StringBuilder();
        StringBuilder digits = new StringBuilder();
        for (int i = 0; i <= name.length(); i++) {
            char c = i == name.length() ? '.' : name.charAt(i);
            if (c >= '0' && c <= '9') {
                digits.append(c);
            } else if (digits.length() > 0) {
                padded.append("0".repeat(Math.max(0, 6 - digits.length())))
                        .append(digits)
                        .append('.');
                digits.setLength(0);
            }
        }
        return padded.append(name).toString();
    }

    /** Folders in the configuration of the system's loader. */
    private void configured(File file, int depth) {
        List<String> lines = new ArrayList<>();
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(new FileInputStream(file), StandardCharsets.ISO_8859_1))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            return;
        }
        for (String line : lines) {
            int comment = line.indexOf('#');
            String entry = (comment < 0 ? line : line.substring(0, comment)).strip();
            if (entry.startsWith("include ") && depth < NESTED_CONFIGURATION) {
                File pattern = absolute(entry.substring("include ".length()).strip());
                int star = pattern.getName().indexOf('*');
                if (star < 0) {
                    configured(pattern, depth + 1);
                } else {
                    String end = pattern.getName().substring(star + 1);
                    for (File nested :
                            entries(pattern.getParentFile(), pattern.getName().substring(0, star))) {
                        if (nested.getName().endsWith(end)) {
                            configured(nested, depth + 1);
                        }
                    }
                }
            } else if (entry.startsWith("/")) {
                add("ld.so.conf", absolute(entry));
            }
        }
    }

    private void python(@Nullable String home) {
        List<File> prefixes = new ArrayList<>();
        String environmentFolder = environment.apply("VIRTUAL_ENV");
        if (environmentFolder != null && !environmentFolder.isBlank()) {
            prefixes.add(new File(environmentFolder));
        }
        String conda = environment.apply("CONDA_PREFIX");
        if (conda != null && !conda.isBlank()) {
            add("CONDA_PREFIX", new File(conda, "lib"));
            add("CONDA_PREFIX", new File(conda, "targets/x86_64-linux/lib"));
            prefixes.add(new File(conda));
        }
        if (home != null) {
            prefixes.add(new File(home, ".local"));
        }
        prefixes.add(absolute("/usr/local"));
        prefixes.add(absolute("/usr"));
        prefixes.add(absolute("/opt/conda"));
        for (File prefix : prefixes) {
            for (File python : entries(new File(prefix, "lib"), "python3")) {
                for (String packages : new String[] {"site-packages", "dist-packages"}) {
                    for (File part : entries(new File(new File(python, packages), "nvidia"), "")) {
                        add("pip", new File(part, "lib"));
                    }
                }
            }
        }
    }

    private File absolute(String path) {
        return root.resolve(path.startsWith("/") ? path.substring(1) : path).toFile();
    }

    private static List<File> entries(@Nullable File folder, String prefix) {
        String[] names = folder == null ? null : folder.list();
        List<File> found = new ArrayList<>();
        if (names != null) {
            Arrays.sort(names);
            for (String name : names) {
                if (name.startsWith(prefix)) {
                    found.add(new File(folder, name));
                }
            }
        }
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
            File file = new File(folder.toFile(), name);
            if (file.exists()) {
                return file.toPath();
            }
        }
        for (Path folder : folders.keySet()) {
            File file = new File(folder.toFile(), name);
            if (file.exists()) {
                return file.toPath();
            }
        }
        return null;
    }

    /**
     * The files of one folder whose names begin so, sorted by name.
     *
     * @param folder the folder
     * @param prefix beginning of the name
     */
    static List<Path> files(Path folder, String prefix) {
        List<Path> found = new ArrayList<>();
        for (File file : entries(folder.toFile(), prefix)) {
            found.add(file.toPath());
        }
        return found;
    }

    /** The folders, each with why it is searched, in order. */
    List<String> searched() {
        List<String> all = new ArrayList<>();
        for (Map.Entry<Path, String> folder : folders.entrySet()) {
            all.add(folder.getKey() + " (" + folder.getValue() + ")");
        }
        return all;
    }

    /** The folders, in order. */
    List<Path> folders() {
        return List.copyOf(folders.keySet());
    }
}
