package org.nullspace.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Finding;
import org.nullspace.backend.Report;
import org.nullspace.backend.Session;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InvalidInputException;

/** CUDA devices. The first {@link #probe()}, {@link #report()} or {@link #open(int)} of a process looks for the libraries and loads them. */
public final class CudaProvider implements BackendProvider {
    /** For the service loader. */
    public CudaProvider() {}

    @Override
    public String name() {
        return CudaSession.BACKEND;
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.CUDA;
    }

    @Override
    public Availability probe() {
        CudaLibraries libraries = CudaLibraries.load();
        if (!libraries.usable()) {
            return new Availability(false, List.of(), libraries.reasons());
        }
        CudaDevices found = CudaDevices.find();
        List<String> devices =
                found.devices().stream().map(CudaDevices.Device::toString).toList();
        return new Availability(found.reasons().isEmpty(), devices, found.reasons());
    }

    @Override
    public Report report() {
        CudaLibraries libraries = CudaLibraries.load();
        List<Finding> findings = new ArrayList<>(libraries.findings());
        List<String> advice = new ArrayList<>(libraries.advice());
        if (libraries.usable()) {
            CudaDevices found = CudaDevices.find();
            String supports = found.driverVersion() == null ? "" : "supports CUDA " + found.driverVersion();
            findings.replaceAll(f -> f.name().equals(CudaLibraries.DRIVER)
                    ? new Finding(f.name(), f.found(), f.path(), f.version(), supports, f.searched())
                    : f);
            advice.addAll(found.advice());
        }
        return new Report(findings, advice);
    }

    @Override
    public Session open(int device) {
        Availability availability = probe();
        if (!availability.usable()) {
            throw new BackendUnavailableException(name(), availability.reasons());
        }
        int count = availability.devices().size();
        if (device < 0 || device >= count) {
            throw new InvalidInputException("device " + device + " of " + name() + ": there "
                    + (count == 1 ? "is only device 0" : "are devices 0 to " + (count - 1)));
        }
        return new CudaSession(CudaDevice.get(device));
    }
}
