package org.nullspace.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcusolver.JCusolver;
import jcuda.nvrtc.JNvrtc;
import org.jspecify.annotations.Nullable;
import org.nullspace.backend.Finding;
import org.nullspace.natives.NativeFiles;

/**
 * Finds CUDA's libraries and loads them, and JCuda's natives on top of them; once for each process, and without ever failing.
 *
 * <p><b>Linux, x86-64.</b> JCuda's natives name the libraries that they need, with a version: {@code libcublas.so.12}. The system's loader
 * takes a library of that name that is loaded already, so the libraries are loaded first, by absolute path, dependencies before what
 * depends on them. Where they are looked for, says {@link LibraryPlaces}. CUDA 12 is taken as it is; next, CUDA 12 from the jar of the Maven
 * profile {@code cuda-redist}; next, CUDA 13 behind the forwarding libraries ({@link Cuda13}). A folder named by the system property
 * {@value LibraryPlaces#PROPERTY} that holds a whole CUDA version comes before everything else. Without the driver's {@code libcuda.so.1}
 * nothing is loaded and nothing is unpacked: looking takes a few milliseconds.
 *
 * <p><b>Windows, x86-64.</b> The system looks for the libraries on the PATH.
 *
 * <p><b>Elsewhere</b> JCuda has no natives.
 *
 * <p>JCuda unpacks its natives into {@code java.io.tmpdir} under fixed names and loads what lies there unseen, whoever wrote it. So they are
 * unpacked here, into a private folder, and that property points to it while JCuda loads them.
 */
final class CudaLibraries {
    static final String DRIVER = "NVIDIA driver";

    private static final String LINUX_DRIVER = "libcuda.so.1";
    private static final String RESOURCES = "/org/nullspace/backend/cuda/linux-x86_64/";
    private static final String REDIST = "/org/bytedeco/cuda/linux-x86_64/";
    private static final String REDIST_FOLDER = "cuda-redist";
    private static final String JCUDA_VERSION = "12.6.0";
    private static final int FOLDERS_TOLD = 8;
    private final List<String> reasons = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();
    private final List<String> advice = new ArrayList<>();
    private boolean forwarding;
    private int major;

    private CudaLibraries() {}

    private static final class Once {
        private static final CudaLibraries INSTANCE = create();

        private static CudaLibraries create() {
            CudaLibraries libraries = new CudaLibraries();
            try {
                libraries.find();
            } catch (RuntimeException | LinkageError e) {
                libraries.reasons.add("CUDA's libraries cannot be loaded: " + e);
            }
            return libraries;
        }
    }

    /**
     * Loads everything with the first call; later calls, of any thread, have the same answer.
     *
     * @return what came of it
     */
    static CudaLibraries load() {
        return Once.INSTANCE;
    }

    /** Whether JCuda's driver API, NVRTC, cuBLAS and cuSOLVER can be called. Whether there is a device, {@link CudaDevices} says. */
    boolean usable() {
        return reasons.isEmpty();
    }

    /** Why not: every reason, each naming what was looked for and where. */
    List<String> reasons() {
        return List.copyOf(reasons);
    }

    /** Every library, found or not. */
    List<Finding> findings() {
        return List.copyOf(findings);
    }

    /** What can be done about the reasons. */
    List<String> advice() {
        return List.copyOf(advice);
    }

    /** Whether calls go to CUDA 13 through the forwarding libraries. */
    boolean forwarding() {
        return forwarding;
    }

    /** CUDA version of the libraries, 12 or 13; 0 if there are none. */
    int major() {
        return major;
    }

    /**
     * Functions that were called although CUDA 13 does not have them; they returned "not supported".
     *
     * @return their names
     */
    List<String> missingCalls() {
        return forwarding && usable() ? Cuda13.called() : List.of();
    }

    // ---- what is done on which platform

    private void find() {
        String os = System.getProperty("os.name", "");
        String arch = System.getProperty("os.arch", "");
        boolean x86 = arch.equals("amd64") || arch.equals("x86_64");
        if (os.equals("Linux") && x86) {
            linux(LibraryPlaces.ofThisMachine());
        } else if (os.startsWith("Windows") && x86) {
            windows();
        } else {
            reasons.add(
                    "JCuda has no native libraries for " + os + " " + arch + ", only for Linux and Windows on x86-64");
            advice.add("compute on the CPU: --device cpu, or auto");
        }
    }

    private void windows() {
        String system = System.getenv("SystemRoot");
        Path driver = Path.of(system == null ? "C:\\Windows" : system, "System32", "nvcuda.dll");
        if (!Files.exists(driver)) {
            findings.add(new Finding(DRIVER, false, null, null, "", List.of(driver.toString())));
            reasons.add("no NVIDIA driver: there is no " + driver);
            advice.add(
                    "if this machine has an NVIDIA GPU, install its driver; without one, compute on the CPU: --device cpu, or auto");
            return;
        }
        findings.add(new Finding(DRIVER, true, driver.toString(), null, "", List.of()));
        major = 12;
        natives();
        if (!usable()) {
            advice.add("install the CUDA 12 toolkit, which puts its bin folder with cublas64_12.dll, cusolver64_11.dll,"
                    + " cusolverMg64_11.dll and nvrtc64_120_0.dll on the PATH");
        }
    }

    private void linux(LibraryPlaces places) {
        Path driver = places.find(LINUX_DRIVER, List.of());
        if (driver == null) {
            findings.add(new Finding(DRIVER, false, null, null, LINUX_DRIVER, places.searched()));
            reasons.add("no NVIDIA driver: " + LINUX_DRIVER + " is in none of " + named(places.folders()));
            advice.add(CudaAdvice.noDriver());
        } else {
            findings.add(new Finding(DRIVER, true, driver.toString(), driverVersion(driver), LINUX_DRIVER, List.of()));
        }
        LibrarySet set = choose(places, driver != null);
        if (set == null || driver == null) {
            return;
        }
        major = set.major();
        forwarding = major == 13;
        if (load(LINUX_DRIVER, driver) && loadAll(set) && (!forwarding || forward(set))) {
            natives();
            versions();
        }
    }

    // ---- finding

    /** The libraries to load, or null if there are none; reasons and findings are kept. */
    private @Nullable LibrarySet choose(LibraryPlaces places, boolean driver) {
        LibraryPlaces configured = places.configured();
        if (!configured.folders().isEmpty()) {
            for (int version : new int[] {12, 13}) {
                LibrarySet set = LibrarySet.locate(version, configured);
                if (set.complete()) {
                    return found(set, "");
                }
            }
        }
        LibrarySet twelve = LibrarySet.locate(12, places);
        if (twelve.complete()) {
            return found(twelve, "");
        }
        // Without a driver nothing is unpacked, and the class path is not searched.
        LibrarySet redist = driver ? redist() : null;
        if (redist != null) {
            return found(redist, "from the jar of the Maven profile cuda-redist");
        }
        LibrarySet thirteen = LibrarySet.locate(13, places);
        if (thirteen.complete()) {
            return found(thirteen, "");
        }
        incomplete(places, twelve, thirteen);
        return null;
    }

    private LibrarySet found(LibrarySet set, String detail) {
        for (Map.Entry<String, Path> library : set.files().entrySet()) {
            Path file = library.getValue();
            findings.add(new Finding(library.getKey(), true, file.toString(), fileVersion(file), detail, List.of()));
        }
        return set;
    }

    private void incomplete(LibraryPlaces places, LibrarySet twelve, LibrarySet thirteen) {
        // Where there is nothing at all, CUDA 12 is what to look for.
        boolean some = !thirteen.files().isEmpty();
        LibrarySet nearer = some && thirteen.missing().size() < twelve.missing().size() ? thirteen : twelve;
        found(nearer, "");
        for (String name : nearer.missing()) {
            findings.add(new Finding(name, false, null, null, "CUDA " + nearer.major(), places.searched()));
        }
        List<String> others = otherVersions(places);
        String where = reasons.isEmpty() ? named(places.folders()) : "them";
        if (nearer.missing().size() == LibrarySet.required(nearer.major()).size()) {
            reasons.add("no CUDA libraries: " + String.join(", ", twelve.missing()) + " (CUDA 12) and "
                    + String.join(", ", thirteen.missing()) + " (CUDA 13) are in none of " + where);
        } else {
            reasons.add("CUDA " + nearer.major() + " is incomplete: " + String.join(", ", nearer.missing())
                    + (nearer.missing().size() == 1 ? " is" : " are") + " in none of " + where);
        }
        if (!others.isEmpty()) {
            reasons.add("libraries of another CUDA version, which JCuda cannot use: " + String.join(", ", others));
        }
        advice.add(CudaAdvice.noLibraries());
    }

    private static List<String> otherVersions(LibraryPlaces places) {
        List<String> others = new ArrayList<>();
        for (Path folder : places.folders()) {
            for (Path file : LibraryPlaces.files(folder, "libcublas.so.")) {
                String name = file.getFileName().toString();
                if (!name.startsWith("libcublas.so.12") && !name.startsWith("libcublas.so.13")) {
                    others.add(file.toString());
                }
            }
        }
        return others;
    }

    /** The folders in one line; if there are many, some. The whole list is in the findings. */
    private static String named(List<Path> folders) {
        StringBuilder text = new StringBuilder().append(folders.size()).append(" folders (");
        for (int i = 0; i < Math.min(FOLDERS_TOLD, folders.size()); i++) {
            text.append(i == 0 ? "" : ", ").append(folders.get(i));
        }
        return text.append(folders.size() > FOLDERS_TOLD ? ", …)" : ")").toString();
    }

    // ---- the jar of CUDA 12

    /** Libraries from the jar, or unpacked earlier; null if there are none. */
    private @Nullable LibrarySet redist() {
        try {
            if (resource(REDIST + "libcublas.so.12") == null) {
                return unpackedEarlier();
            }
            return unpack(CudaLibraries::resource, NativeFiles.lasting(REDIST_FOLDER));
        } catch (IOException e) {
            reasons.add("the CUDA libraries in the jar of the Maven profile cuda-redist cannot be unpacked: " + e);
            advice.add("make room, or name another folder with -D" + NativeFiles.PROPERTY + "=FOLDER");
            return null;
        }
    }

    private static @Nullable LibrarySet unpackedEarlier() throws IOException {
        if (!Files.isDirectory(NativeFiles.root().resolve(REDIST_FOLDER))) {
            return null;
        }
        Path folder = NativeFiles.lasting(REDIST_FOLDER);
        LibrarySet set = LibrarySet.locate(12, LibraryPlaces.of(folder));
        return set.complete() ? set : null;
    }

    /** Resources by name. */
    interface Resources {
        /**
         * A resource.
         *
         * @param name absolute name
         * @return where it is, or null if there is none
         */
        @Nullable URL find(String name);
    }

    /**
     * Unpacks the libraries that are needed, except those that lie in the folder already.
     *
     * @param jar the jar's content
     * @param folder where to
     * @return the libraries
     * @throws IOException if one is missing in the jar, or cannot be written
     */
    static LibrarySet unpack(Resources jar, Path folder) throws IOException {
        Map<String, URL> wanted = new LinkedHashMap<>();
        for (int minor = 0; minor < 20; minor++) {
            String name = LibrarySet.builtins(12) + minor;
            URL builtins = jar.find(REDIST + name);
            if (builtins != null) {
                wanted.put(name, builtins);
            }
        }
        for (String name : LibrarySet.all(12)) {
            URL library = jar.find(REDIST + name);
            if (library != null) {
                wanted.put(name, library);
            }
        }
        for (Map.Entry<String, URL> library : wanted.entrySet()) {
            NativeFiles.extract(library.getValue(), folder, library.getKey(), true);
        }
        LibrarySet set = LibrarySet.locate(12, LibraryPlaces.of(folder));
        if (!set.complete()) {
            throw new IOException("there is no " + String.join(", ", set.missing()) + " in it");
        }
        return set;
    }

    private static @Nullable URL resource(String name) {
        return CudaLibraries.class.getResource(name);
    }

    // ---- loading

    private boolean loadAll(LibrarySet set) {
        boolean all = true;
        for (Map.Entry<String, Path> library : set.files().entrySet()) {
            all &= load(library.getKey(), library.getValue());
        }
        if (!all) {
            advice.add("CUDA " + set.major() + " is damaged or incomplete: install it again, or name another with -D"
                    + LibraryPlaces.PROPERTY + "=FOLDER");
        }
        return all;
    }

    private boolean load(String name, Path file) {
        String why;
        try {
            if (isElf(file)) {
                System.load(file.toAbsolutePath().toString());
                return true;
            }
            why = "it is no shared library";
        } catch (LinkageError e) {
            why = line(e).replace(file + ": ", "");
        } catch (IOException e) {
            why = "it cannot be read: " + e.getMessage();
        }
        String told = why;
        reasons.add(name + " at " + file + " cannot be loaded: " + told);
        replace(name, f -> new Finding(name, false, f.path(), f.version(), told, List.of()));
        return false;
    }

    /** Other files must not come before the JVM, which warns of them on the terminal. */
    private static boolean isElf(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(4), new byte[] {0x7f, 'E', 'L', 'F'});
        }
    }

    private boolean forward(LibrarySet set) {
        for (Cuda13.Forwarder forwarder : Cuda13.FORWARDERS) {
            String name = "forwarding " + forwarder.file();
            URL resource = resource(RESOURCES + forwarder.file());
            if (resource == null) {
                reasons.add("there is only CUDA 13 on this machine, and the forwarding library " + forwarder.file()
                        + " is not in the jar: it was built without make and a C compiler");
                advice.add("build Nullspace where there are make and cc, or install CUDA 12 beside CUDA 13");
                return false;
            }
            Path file;
            try {
                file = NativeFiles.extract(resource, NativeFiles.folder("cuda13"), forwarder.file(), false);
                System.load(file.toString());
            } catch (IOException | LinkageError e) {
                reasons.add("the forwarding library " + forwarder.file() + " cannot be loaded: " + line(e));
                advice.add("name a folder that can be written and executed from with -D" + NativeFiles.PROPERTY
                        + "=FOLDER");
                return false;
            }
            List<String> missing = Cuda13.missing(forwarder.file());
            boolean real = set.files().containsKey(forwarder.real());
            if (real && missing == null) {
                reasons.add("the library at " + set.files().get(forwarder.real()) + " does not call itself "
                        + forwarder.real());
                return false;
            }
            findings.add(new Finding(name, true, file.toString(), null, forwarded(forwarder, missing), List.of()));
        }
        return true;
    }

    private static String forwarded(Cuda13.Forwarder forwarder, @Nullable List<String> missing) {
        if (missing == null) {
            return "there is no " + forwarder.real() + ": its functions return \"not supported\"";
        }
        String to = "to " + forwarder.real();
        return missing.isEmpty()
                ? to
                : to + "; functions that it lacks return \"not supported\": " + String.join(", ", missing);
    }

    /** JCuda's classes load their natives when they are initialised; a second attempt would say nothing useful. */
    private void natives() {
        String before = System.getProperty("java.io.tmpdir");
        try {
            Path folder = NativeFiles.folder("jcuda-" + JCUDA_VERSION);
            for (String name : List.of("JCudaDriver", "JNvrtc", "JCublas2", "JCusolver")) {
                String file = nativeName(name);
                URL resource = resource("/lib/" + file);
                if (resource != null) {
                    NativeFiles.extract(resource, folder, file, false);
                }
            }
            System.setProperty("java.io.tmpdir", folder.toString());
            natives("JCudaDriver", () -> JCudaDriver.setLogLevel(jcuda.LogLevel.LOG_QUIET));
            natives("JNvrtc", () -> JNvrtc.setLogLevel(jcuda.LogLevel.LOG_QUIET));
            natives("JCublas2", () -> JCublas2.setLogLevel(jcuda.LogLevel.LOG_QUIET));
            natives("JCusolver", () -> JCusolver.setLogLevel(jcuda.LogLevel.LOG_QUIET));
        } catch (IOException e) {
            reasons.add("JCuda's natives cannot be unpacked: " + e);
            advice.add("name a folder that can be written with -D" + NativeFiles.PROPERTY + "=FOLDER");
        } finally {
            if (before != null) {
                System.setProperty("java.io.tmpdir", before);
            }
        }
    }

    private static String nativeName(String name) {
        boolean linux = System.getProperty("os.name", "").equals("Linux");
        return linux
                ? "lib" + name + "-" + JCUDA_VERSION + "-linux-x86_64.so"
                : name + "-" + JCUDA_VERSION + "-windows-x86_64.dll";
    }

    private void natives(String name, Runnable first) {
        String file = nativeName(name);
        try {
            first.run();
            findings.add(new Finding(file, true, null, JCUDA_VERSION, "JCuda", List.of()));
        } catch (LinkageError e) {
            boolean there = resource("/lib/" + file) != null;
            String why = there ? line(e) : "it is not on the class path";
            findings.add(new Finding(file, false, null, null, why, List.of()));
            reasons.add("JCuda's " + file + " cannot be loaded: " + why);
            if (!there) {
                advice.add(
                        "put JCuda's natives on the class path: org.jcuda:jcuda-natives, jcublas-natives and jcusolver-natives, version "
                                + JCUDA_VERSION + ", of this platform");
            }
        }
    }

    /** What is in the messages of the loader. */
    private static final List<String> SAYS_WHY = List.of(
            "cannot open",
            "undefined symbol",
            "version `",
            "not found",
            "too short",
            "invalid ELF",
            "failed to map",
            "wrong ELF",
            "dependent libraries",
            "already loaded",
            "Permission denied");

    /** The line that says what is wrong, out of messages with many lines and causes. */
    static String line(Throwable failure) {
        String first = null;
        String told = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String message = cause.getMessage();
            if (message == null) {
                continue;
            }
            for (String text : message.lines().map(String::strip).toList()) {
                first = first == null && !text.isEmpty() ? text : first;
                if (SAYS_WHY.stream().anyMatch(text::contains)
                        && !text.startsWith("at ")
                        && !text.contains("no such library in java.library")) {
                    told = text;
                }
            }
        }
        if (told != null) {
            return told.replaceFirst("^(Caused by: )?java\\.lang\\.[A-Za-z]+: ", "");
        }
        return first == null ? failure.toString() : first;
    }

    // ---- versions

    /** Asks the libraries themselves; their files often do not say. */
    private void versions() {
        if (!usable()) {
            return;
        }
        int[] a = new int[1];
        int[] b = new int[1];
        if (JNvrtc.nvrtcVersion(a, b) == 0) {
            version("libnvrtc.so.", a[0] + "." + b[0]);
        }
        int[] part = new int[1];
        StringBuilder cublas = new StringBuilder();
        for (int type = 0; type < 3 && cublas != null; type++) {
            boolean told = JCublas2.cublasGetProperty(type, part) == 0;
            cublas = told ? cublas.append(type == 0 ? "" : ".").append(part[0]) : null;
        }
        if (cublas != null) {
            version("libcublas.so.", cublas.toString());
        }
        if (JCusolver.cusolverGetVersion(part) == 0) {
            version("libcusolver.so.", part[0] / 1000 + "." + part[0] / 100 % 10 + "." + part[0] % 100);
        }
    }

    private void version(String prefix, String version) {
        for (Finding f : List.copyOf(findings)) {
            if (f.name().startsWith(prefix) && f.version() == null) {
                replace(f.name(), g -> new Finding(g.name(), g.found(), g.path(), version, g.detail(), g.searched()));
            }
        }
    }

    private void replace(String name, java.util.function.UnaryOperator<Finding> change) {
        findings.replaceAll(f -> f.name().equals(name) ? change.apply(f) : f);
    }

    /** {@code 12.6.4.1}, if that is in the name of the file that a link leads to. */
    private static @Nullable String fileVersion(Path file) {
        try {
            Matcher m = Pattern.compile("\\.so\\.(\\d+(?:\\.\\d+)*)$")
                    .matcher(file.toRealPath().getFileName().toString());
            return m.find() && m.group(1).contains(".") ? m.group(1) : null;
        } catch (IOException e) {
            return null;
        }
    }

    /** The driver's own version, 550.54.14, which the kernel tells; the CUDA version it supports comes from {@link CudaDevices}. */
    private static @Nullable String driverVersion(Path driver) {
        String version = fileVersion(driver);
        if (version != null) {
            return version;
        }
        try {
            for (String line : Files.readAllLines(Path.of("/proc/driver/nvidia/version"))) {
                Matcher m = Pattern.compile("\\b(\\d{3,}\\.\\d+(\\.\\d+)?)\\b").matcher(line);
                if (line.toUpperCase(Locale.ROOT).contains("NVRM") && m.find()) {
                    return m.group(1);
                }
            }
        } catch (IOException e) {
            // Not told.
        }
        return null;
    }
}
