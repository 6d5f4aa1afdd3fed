package org.nullspace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.SolveOptions;

/**
 * The backend for given options.
 *
 * @param provider the backend
 * @param devices indices of its devices, at least one
 * @param notes why it was chosen over another, for the result; empty if it was asked for
 */
record BackendSelection(BackendProvider provider, List<Integer> devices, List<String> notes) {

    static BackendSelection of(SolveOptions options) {
        BackendChoice choice = options.backend();
        List<String> notes = new ArrayList<>();
        if (choice != BackendChoice.CPU) {
            List<String> reasons = new ArrayList<>();
            for (BackendProvider provider : Backends.providers(DeviceKind.CUDA)) {
                Availability availability = provider.probe();
                if (availability.usable()) {
                    return new BackendSelection(provider, devices(provider, availability, options), notes);
                }
                reasons.addAll(availability.reasons());
            }
            if (reasons.isEmpty()) {
                reasons.add("no CUDA backend is on the class path");
            }
            if (choice == BackendChoice.CUDA) {
                throw new BackendUnavailableException("CUDA", reasons);
            }
            notes.add("CPU, because no GPU can be used: " + String.join("; ", reasons));
        }
        List<String> reasons = new ArrayList<>();
        for (BackendProvider provider : Backends.providers(DeviceKind.CPU)) {
            Availability availability = provider.probe();
            if (availability.usable()) {
                return new BackendSelection(provider, List.of(0), notes);
            }
            reasons.addAll(availability.reasons());
        }
        if (reasons.isEmpty()) {
            reasons.add("no CPU backend is on the class path");
        }
        throw new BackendUnavailableException("CPU", reasons);
    }

    private static List<Integer> devices(BackendProvider provider, Availability availability, SolveOptions options) {
        int present = availability.devices().size();
        int[] asked = options.devices();
        if (asked.length == 0) {
            return IntStream.range(0, present).boxed().toList();
        }
        for (int device : asked) {
            if (device >= present) {
                throw new InvalidInputException("device " + device + " was chosen, the backend " + provider.name()
                        + " has " + present + (present == 1 ? " device: " : " devices: ") + availability.devices());
            }
        }
        return Arrays.stream(asked).boxed().toList();
    }

    /** A session on the first device. */
    Session open() {
        return provider.open(devices.get(0));
    }

    /**
     * The devices for a batch, to be closed by the caller.
     *
     * @param problems number of problems
     * @param small whether the operations on one problem are too small to be spread over a device
     * @param confined whether the calling thread must do all the work
     */
    DeviceGroup group(long problems, boolean small, boolean confined) {
        return new DeviceGroup(openAll(problems, small && !confined), devices.size(), confined);
    }

    /**
     * Sessions for a batch: one on each device, or on a single one as many as can work at the same time. None stays open if one cannot be
     * opened.
     *
     * @param problems number of problems
     * @param small whether the operations on one problem are too small to be spread over a device
     */
    private List<Session> openAll(long problems, boolean small) {
        List<Session> sessions = new ArrayList<>();
        try {
            for (int device : devices) {
                sessions.add(provider.open(device));
            }
            int most = small && sessions.size() == 1 ? sessions.get(0).concurrency() : 0;
            while (sessions.size() < Math.min(most, problems)) {
                sessions.add(provider.open(devices.get(0)));
            }
            return sessions;
        } catch (RuntimeException | Error e) {
            for (Session session : sessions) {
                try {
                    session.close();
                } catch (RuntimeException closing) {
                    e.addSuppressed(closing);
                }
            }
            throw e;
        }
    }
}
