package org.nullspace.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** The backends on the class path, looked up once for the life of the class. Safe for use by any thread. */
public final class Backends {
    private Backends() {}

    /** Holds the providers once they are asked for. */
    private static final class Found {
        private static final List<BackendProvider> PROVIDERS = load();

        private static List<BackendProvider> load() {
            List<BackendProvider> found = new ArrayList<>();
            try {
                ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader())
                        .forEach(found::add);
            } catch (ServiceConfigurationError e) {
                throw new IllegalStateException(
                        "a backend provider on the class path cannot be loaded: " + e.getMessage(), e);
            }
            return List.copyOf(found);
        }
    }

    /**
     * All providers, in the order of the class path.
     *
     * @return an unmodifiable list
     */
    public static List<BackendProvider> providers() {
        return Found.PROVIDERS;
    }

    /**
     * Providers of one kind.
     *
     * @param kind CPU or CUDA
     * @return an unmodifiable list
     */
    public static List<BackendProvider> providers(DeviceKind kind) {
        return Found.PROVIDERS.stream().filter(p -> p.kind() == kind).toList();
    }
}
