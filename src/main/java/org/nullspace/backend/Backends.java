package org.nullspace.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** The backends on the class path. */
public final class Backends {
    private Backends() {}

    /**
     * All providers that can be loaded, in the order of the class path.
     *
     * @return a new list
     */
    public static List<BackendProvider> providers() {
        List<BackendProvider> found = new ArrayList<>();
        ServiceLoader<BackendProvider> loader =
                ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader());
        try {
            loader.forEach(found::add);
        } catch (ServiceConfigurationError e) {
            throw new IllegalStateException(
                    "a backend provider on the class path cannot be loaded: " + e.getMessage(), e);
        }
        return found;
    }

    /**
     * Providers of one kind.
     *
     * @param kind CPU or CUDA
     * @return a new list
     */
    public static List<BackendProvider> providers(DeviceKind kind) {
        return providers().stream().filter(p -> p.kind() == kind).toList();
    }
}
