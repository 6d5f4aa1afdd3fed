package org.nullspace.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nullspace.Nullspace;
import org.nullspace.matrix.HostMemory;
import org.nullspace.model.BackendReport;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** {@code nullspace doctor}: which backends can be used on this machine, why not, and what to do. */
final class DoctorCommand {
    static final String NAME = "doctor";

    private static final String JSON = "--json";

    private DoctorCommand() {}

    static CommandSpec spec() {
        CommandSpec spec = Main.command(
                NAME,
                "Say which backends can be used on this machine, everything they looked for, and what to do.",
                "Exit codes: 0 a backend can be used, 1 none can.");
        spec.addOption(SolveArguments.flag(JSON, "Print the report as one JSON object."));
        return spec;
    }

    static int run(ParseResult result, Console console) {
        List<BackendReport> backends = Nullspace.backends();
        if (result.hasMatchedOption(JSON)) {
            console.data(Json.write(json(backends)));
        } else {
            text(backends, console);
        }
        return backends.stream().anyMatch(BackendReport::usable) ? Main.DONE : Main.FAILED;
    }

    // ---- JSON

    private static Map<String, Object> json(List<BackendReport> backends) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("version", Main.version());
        out.put("java", java());
        out.put("os", os());
        out.put("processors", Runtime.getRuntime().availableProcessors());
        out.put("memoryBytes", HostMemory.physicalBytes());
        out.put("usable", backends.stream().anyMatch(BackendReport::usable));
        out.put("backends", backends.stream().map(DoctorCommand::json).toList());
        return out;
    }

    private static Map<String, Object> json(BackendReport backend) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("name", backend.name());
        out.put("kind", backend.gpu() ? "gpu" : "cpu");
        out.put("usable", backend.usable());
        out.put("devices", backend.devices());
        List<Map<String, Object>> parts = new ArrayList<>();
        for (BackendReport.Part part : backend.parts()) {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("name", part.name());
            json.put("found", part.found());
            if (part.path() != null) {
                json.put("path", part.path());
            }
            if (part.version() != null) {
                json.put("version", part.version());
            }
            if (!part.detail().isEmpty()) {
                json.put("detail", part.detail());
            }
            if (!part.found()) {
                json.put("searched", part.searched());
            }
            parts.add(json);
        }
        out.put("parts", parts);
        out.put("reasons", backend.reasons());
        out.put("advice", backend.advice());
        return out;
    }

    // ---- text

    private static void text(List<BackendReport> backends, Console console) {
        console.line("nullspace " + Main.version());
        console.line("  Java " + java() + "; " + os() + "; "
                + Text.count(Runtime.getRuntime().availableProcessors(), "processor") + ", "
                + Text.bytes(HostMemory.physicalBytes()) + " of memory");
        for (BackendReport backend : backends) {
            console.line();
            text(backend, console);
        }
    }

    private static void text(BackendReport backend, Console console) {
        console.line(backend.name() + " (" + (backend.gpu() ? "GPU" : "CPU") + "): "
                + (backend.usable() ? "usable" : "cannot be used"));
        int device = 0;
        for (String line : backend.devices()) {
            console.line("  device " + device++ + ": " + line);
        }
        Set<List<String>> places = new LinkedHashSet<>();
        for (BackendReport.Part part : backend.parts()) {
            console.line("  " + (part.found() ? "found    " : "missing  ") + line(part));
            if (!part.searched().isEmpty()) {
                places.add(part.searched());
            }
        }
        for (List<String> searched : places) {
            console.line("  looked for, in this order, in");
            searched.forEach(place -> console.line("    " + place));
        }
        section("why not", backend.reasons(), console);
        section("what to do", backend.advice(), console);
    }

    private static String line(BackendReport.Part part) {
        StringBuilder line = new StringBuilder(part.name());
        if (part.version() != null) {
            line.append(' ').append(part.version());
        }
        if (!part.detail().isEmpty()) {
            line.append(", ").append(part.detail());
        }
        if (part.path() != null) {
            line.append(": ").append(part.path());
        }
        return line.toString();
    }

    private static void section(String title, List<String> lines, Console console) {
        if (!lines.isEmpty()) {
            console.line("  " + title);
            lines.forEach(line -> console.line("    - " + line));
        }
    }

    private static String java() {
        return System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ")";
    }

    private static String os() {
        return System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch");
    }
}
