package org.nullspace.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forwarding libraries (native/cuda13), which make CUDA 13's libraries look like those of CUDA 12. A function that CUDA 13 no longer has
 * returns the library's "not supported" status, and its name is kept. The native methods exist once the forwarding library has been loaded.
 */
final class Cuda13 {
    private Cuda13() {}

    /**
     * A forwarding library.
     *
     * @param file its file, named as CUDA 12 names the library
     * @param real the library of CUDA 13, which has to be loaded before
     */
    record Forwarder(String file, String real) {}

    static final List<Forwarder> FORWARDERS = List.of(
            new Forwarder("libnvrtc.so.12", "libnvrtc.so.13"),
            new Forwarder("libcublas.so.12", "libcublas.so.13"),
            new Forwarder("libcusolver.so.11", "libcusolver.so.12"),
            new Forwarder("libcusolverMg.so.11", "libcusolverMg.so.12"));

    /**
     * Functions that JCuda needs and the CUDA 13 library lacks.
     *
     * @param file file of the forwarding library, which has been loaded
     * @return their names, or null if the CUDA 13 library was not loaded before the forwarding library
     */
    static @Nullable List<String> missing(String file) {
        return lines(
                switch (file) {
                    case "libnvrtc.so.12" -> nvrtcMissing();
                    case "libcublas.so.12" -> cublasMissing();
                    case "libcusolver.so.11" -> cusolverMissing();
                    case "libcusolverMg.so.11" -> cusolverMgMissing();
                    default -> throw new IllegalArgumentException("no forwarding library " + file);
                });
    }

    /**
     * Functions that CUDA 13 lacks and that have been called all the same, of all four forwarding libraries, which have been loaded.
     *
     * @return their names
     */
    static List<String> called() {
        List<String> all = new ArrayList<>();
        for (String names : new String[] {nvrtcCalled(), cublasCalled(), cusolverCalled(), cusolverMgCalled()}) {
            names.lines().forEach(all::add);
        }
        return all;
    }

    private static @Nullable List<String> lines(@Nullable String text) {
        return text == null ? null : text.lines().toList();
    }

    private static native @Nullable String nvrtcMissing();

    private static native @Nullable String cublasMissing();

    private static native @Nullable String cusolverMissing();

    private static native @Nullable String cusolverMgMissing();

    private static native String nvrtcCalled();

    private static native String cublasCalled();

    private static native String cusolverCalled();

    private static native String cusolverMgCalled();
}
