package org.nullspace.backend.openblas;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Finding;
import org.nullspace.backend.Report;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InvalidInputException;

/** OpenBLAS on the host's processor, device 0. The first {@link #probe()} or {@link #open(int)} of a process loads the library. */
public final class OpenBlasProvider implements BackendProvider {
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
    public Availability probe() {
        return Verdict.AVAILABILITY;
    }

    @Override
    public Report report() {
        Availability availability = probe();
        String version = openblas.OPENBLAS_VERSION.trim().replaceFirst("^OpenBLAS ", "");
        if (availability.usable()) {
            String detail = "org.bytedeco:openblas for " + platform() + ", threads of a large operation: "
                    + OpenBlasThreads.shared().count();
            return new Report(List.of(new Finding("OpenBLAS", true, null, version, detail, List.of())), List.of());
        }
        Finding missing = new Finding(
                "OpenBLAS", false, null, version, "org.bytedeco:openblas for " + platform(), List.of("the class path"));
        return new Report(
                List.of(missing),
                List.of(
                        "put the natives of org.bytedeco:openblas and org.bytedeco:javacpp for this platform on the class path; if they are"
                                + " there, delete JavaCPP's cache, ~/.javacpp/cache"));
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

    /** Found once: a library that could not be loaded is not looked for again by the same process. */
    private static final class Verdict {
        private static final Availability AVAILABILITY = find();

        private static Availability find() {
            try {
                return new Availability(true, List.of(OpenBlasSession.describe(OpenBlasThreads.shared())), List.of());
            } catch (LinkageError | RuntimeException e) {
                return new Availability(false, List.of(), reasons(e));
            }
        }
    }

    private static List<String> reasons(Throwable failure) {
        String library = openblas.OPENBLAS_VERSION.trim() + " for " + platform();
        List<String> reasons = new ArrayList<>();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            boolean saysNothing = cause.getMessage() == null && cause.getCause() != null;
            String reason = library + ": " + cause.getClass().getSimpleName() + ": " + cause.getMessage();
            if (!saysNothing && !reasons.contains(reason)) {
                reasons.add(reason);
            }
        }
        return reasons;
    }

    private static String platform() {
        try {
            return Loader.getPlatform();
        } catch (LinkageError | RuntimeException e) {
            return System.getProperty("os.name") + " " + System.getProperty("os.arch");
        }
    }
}
