package org.nullspace.backend.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The libraries of one CUDA version, as they were found; nothing is loaded here.
 *
 * @param major 12 or 13
 * @param files file name and file, dependencies first: the order in which they are loaded
 * @param missing names of those without which the version cannot be used
 */
record LibrarySet(int major, Map<String, Path> files, List<String> missing) {
    private static final String BUILTINS = "libnvrtc-builtins.so.";

    /**
     * A library and what it needs of others.
     *
     * @param name file name
     * @param required whether JCuda cannot do without it
     * @param needs file names of the libraries that it loads, dependencies first; in pip's packages they lie in folders of their own
     */
    private record Library(String name, boolean required, List<String> needs) {}

    private static final List<Library> CUDA_12 = List.of(
            new Library("libnvrtc.so.12", true, List.of()),
            new Library("libcublas.so.12", true, List.of("libcublasLt.so.12")),
            new Library("libcusolver.so.11", true, List.of("libnvJitLink.so.12", "libcusparse.so.12")),
            new Library("libcusolverMg.so.11", true, List.of()));

    private static final List<Library> CUDA_13 = List.of(
            new Library("libnvrtc.so.13", true, List.of()),
            new Library("libcublas.so.13", true, List.of("libcublasLt.so.13")),
            new Library("libcusolver.so.12", true, List.of("libnvJitLink.so.13", "libcusparse.so.12")),
            new Library("libcusolverMg.so.12", false, List.of()));

    private static List<Library> libraries(int major) {
        return major == 12 ? CUDA_12 : CUDA_13;
    }

    /** Names of the libraries that have to be there. */
    static List<String> required(int major) {
        List<String> names = new ArrayList<>();
        for (Library library : libraries(major)) {
            if (library.required()) {
                names.add(library.name());
            }
        }
        return names;
    }

    /** Names of all files that may be needed, except {@code libnvrtc-builtins}, whose name has the minor version in it. */
    static List<String> all(int major) {
        List<String> names = new ArrayList<>();
        for (Library library : libraries(major)) {
            names.addAll(library.needs());
            names.add(library.name());
        }
        return names;
    }

    /** Beginning of the name of NVRTC's second file. */
    static String builtins(int major) {
        return BUILTINS + major + ".";
    }

    /**
     * Looks for the libraries of a CUDA version.
     *
     * @param major 12 or 13
     * @param places where
     */
    static LibrarySet locate(int major, LibraryPlaces places) {
        Map<String, Path> files = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        for (Library library : libraries(major)) {
            Path file = places.find(library.name(), List.of());
            if (file == null) {
                if (library.required()) {
                    missing.add(library.name());
                }
                continue;
            }
            for (String need : library.needs()) {
                Path found = places.find(need, beside(file));
                if (found != null) {
                    files.put(need, found);
                }
            }
            Path builtins = library.name().startsWith("libnvrtc.") ? findBuiltins(major, file) : null;
            if (builtins != null) {
                files.put(builtins.getFileName().toString(), builtins);
            }
            files.put(library.name(), file);
        }
        return new LibrarySet(major, files, missing);
    }

    private static @Nullable Path findBuiltins(int major, Path nvrtc) {
        Path folder = nvrtc.getParent();
        List<Path> files = folder == null ? List.of() : LibraryPlaces.files(folder, builtins(major));
        return files.isEmpty() ? null : files.get(files.size() - 1);
    }

    /** Folder of a library, and the folders of its sister packages if it comes from pip: two CUDA versions may have a file of one name. */
    private static List<Path> beside(Path file) {
        List<Path> folders = new ArrayList<>();
        Path folder = file.getParent();
        Path packages = folder == null || folder.getParent() == null
                ? null
                : folder.getParent().getParent();
        if (folder != null) {
            folders.add(folder);
        }
        if (packages != null && packages.endsWith("nvidia")) {
            for (String sister : List.of("cublas", "nvjitlink", "cusparse")) {
                folders.add(packages.resolve(sister).resolve("lib"));
            }
        }
        return folders;
    }

    /** Whether JCuda can be loaded on these. */
    boolean complete() {
        return missing.isEmpty();
    }
}
