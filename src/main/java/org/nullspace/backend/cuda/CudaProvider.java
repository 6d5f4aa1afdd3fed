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

/** CUDA devices. The first {@link #probe()}, {@link #report()} or {@link #open(int)} of a process looks for the libraries and loads them. */
public final class CudaProvider implements BackendProvider {
    /** For the service loader. */
    public CudaProvider() {}

    @Override
    public String name() {
        return "cuda";
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
        List<String> reasons = new ArrayList<>(found.reasons());
        reasons.add("this version has no session for CUDA devices");
        return new Availability(reasons.isEmpty(), devices, reasons);
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
        throw new BackendUnavailableException(name(), probe().reasons());
    }
}
