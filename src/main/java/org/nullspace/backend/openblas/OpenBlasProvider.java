package org.nullspace.backend.openblas;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.openblas.global.openblas;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InvalidInputException;

/** OpenBLAS on the host's processor, device 0. The first {@link #probe()} or {@link #open(int)} of a process loads the library. */
public final class OpenBlasProvider implements BackendProvider {
    private @Nullable Availability verdict;

    /** For the service loader. */
    public OpenBlasProvider() {}

    @Override
    public String name() {
        return OpenBlasSession.BACKEND;
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.CPU;
    }

    @Override
    public synchronized Availability probe() {
        Availability known = verdict;
        if (known == null) {
            known = load();
            verdict = known;
        }
        return known;
    }

    @Override
    public Session open(int device) {
        if (device != 0) {
            throw new InvalidInputException(
                    "device " + device + " of " + name() + ": there is only device 0, the host");
        }
        Availability availability = probe();
        if (!availability.usable()) {
            throw new BackendUnavailableException(name(), availability.reasons());
        }
        return new OpenBlasSession(OpenBlasThreads.shared());
    }

    private static Availability load() {
        String natives = "OpenBLAS " + openblasVersion() + " for " + System.getProperty("os.name") + " "
                + System.getProperty("os.arch");
        List<String> reasons = new ArrayList<>();
        try {
            OpenBlasThreads threads = OpenBlasThreads.shared();
            return new Availability(true, List.of(OpenBlasSession.describe(threads)), List.of());
        } catch (LinkageError | RuntimeException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                String reason = natives + ": " + cause.getClass().getSimpleName() + ": " + cause.getMessage();
                if (!reasons.contains(reason)) {
                    reasons.add(reason);
                }
            }
            return new Availability(false, List.of(), reasons);
        }
    }

    private static String openblasVersion() {
        return openblas.OPENBLAS_VERSION.replace("OpenBLAS", "").trim();
    }
}
