package org.nullspace;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Finding;
import org.nullspace.backend.Report;
import org.nullspace.model.BackendReport;

/** Reports of all backends, from what their providers say. */
final class BackendReports {
    private BackendReports() {}

    static List<BackendReport> all() {
        List<BackendReport> all = new ArrayList<>();
        for (BackendProvider provider : Backends.providers()) {
            Availability availability = provider.probe();
            Report report = provider.report();
            List<BackendReport.Part> parts = new ArrayList<>();
            for (Finding f : report.findings()) {
                parts.add(new BackendReport.Part(f.name(), f.found(), f.path(), f.version(), f.detail(), f.searched()));
            }
            all.add(new BackendReport(
                    provider.name(),
                    provider.kind() == DeviceKind.CUDA,
                    availability.usable(),
                    availability.devices(),
                    parts,
                    availability.reasons(),
                    report.advice()));
        }
        return List.copyOf(all);
    }
}
