package org.nullspace;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.SolveOptions;

/**
 * The backend for given options.
 *
 * @param provider the backend
 * @param device index of its device
 * @param notes why it was chosen over another, for the result; empty if it was asked for
 */
record BackendSelection(BackendProvider provider, int device, List<String> notes) {

    static BackendSelection of(SolveOptions options) {
        BackendChoice choice = options.backend();
        List<String> notes = new ArrayList<>();
        if (choice != BackendChoice.CPU) {
            List<String> reasons = new ArrayList<>();
            for (BackendProvider provider : Backends.providers(DeviceKind.CUDA)) {
                Availability availability = provider.probe();
                List<String> devices = availability.devices();
                if (availability.usable() && options.device() < devices.size()) {
                    return new BackendSelection(provider, options.device(), notes);
                }
                reasons.addAll(availability.reasons());
                if (availability.usable()) {
                    reasons.add("there is no device " + options.device() + "; counted from 0, the devices are "
                            + String.join("; ", devices));
                }
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
                return new BackendSelection(provider, 0, notes);
            }
            reasons.addAll(availability.reasons());
        }
        if (reasons.isEmpty()) {
            reasons.add("no CPU backend is on the class path");
        }
        throw new BackendUnavailableException("CPU", reasons);
    }

    Session open() {
        return provider.open(device);
    }
}
