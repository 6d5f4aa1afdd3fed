package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.natives.NativeFiles;

/**
 * The forwarding libraries between JCuda's own natives and libraries with the names of CUDA 13 that write down every call, each in a process
 * of its own.
 */
class ForwardingTest {
    private static final Path SOURCES = Path.of("native", "cuda13");
    private static final Path LISTS = Path.of("native", "symbols");

    @TempDir
    static Path folder;

    private static Path stubs;

    @BeforeAll
    static void build() throws Exception {
        String missing = missingTool();
        if (missing != null) {
            System.out.println("ForwardingTest is skipped: " + missing);
        }
        assumeTrue(missing == null, String.valueOf(missing));
        stubs = stubs("all", "");
    }

    private static String missingTool() {
        if (!System.getProperty("os.name").equals("Linux")
                || !System.getProperty("os.arch").equals("amd64")) {
            return "only Linux on x86-64 has forwarding libraries";
        }
        for (String tool : List.of("make", "cc", "awk", "nm")) {
            boolean there = Arrays.stream(System.getenv("PATH").split(":"))
                    .anyMatch(path -> Files.isExecutable(Path.of(path).resolve(tool)));
            if (!there) {
                return "there is no " + tool + " on this machine";
            }
        }
        return null;
    }

    private static Path stubs(String name, String omitted) throws Exception {
        return stubs(13, name, omitted);
    }

    private static Path stubs(int cuda, String name, String omitted) throws Exception {
        Path out = folder.resolve("stubs-" + name);
        make("stubs", "CUDA=" + cuda, "BUILD=" + folder.resolve("build-" + name), "STUBS=" + out, "OMIT=" + omitted);
        return out;
    }

    private static void make(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("make", "-s", "-C", SOURCES.toString()));
        command.addAll(List.of(arguments));
        run(command, Map.of(), "make");
    }

    private static String run(List<String> command, Map<String, String> environment, String name) throws Exception {
        Path out = Files.createTempFile(folder, name, ".txt");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).as(name).isTrue();
        } finally {
            process.destroyForcibly();
        }
        String printed = Files.readString(out);
        assertThat(process.exitValue()).as(printed).isZero();
        return printed;
    }

    /** Runs {@link ForwardingProgram}; everything is resolved when it is loaded, so that one missing symbol is an error. */
    private static String program(Path libraries, Path log) throws Exception {
        return program(libraries, log, "");
    }

    private static String program(Path libraries, Path log, String jar) throws Exception {
        return program(libraries, log, System.getProperty("java.io.tmpdir"), classPath() + jar);
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private static String program(Path libraries, Path log, String temporary, String classPath) throws Exception {
        return run(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classPath,
                        "-Djava.io.tmpdir=" + temporary,
                        "-D" + LibraryPlaces.PROPERTY + "=" + libraries,
                        "-D" + NativeFiles.PROPERTY + "=" + folder.resolve("cache"),
                        ForwardingProgram.class.getName()),
                Map.of("NULLSPACE_STUB_LOG", log.toString(), "LD_BIND_NOW", "1"),
                "program");
    }

    private static Map<String, List<String>> calls(Path log) throws IOException {
        Map<String, List<String>> calls = new LinkedHashMap<>();
        for (String line : Files.readAllLines(log)) {
            List<String> words = List.of(line.split(" "));
            calls.put(words.get(0), words.subList(1, words.size()));
        }
        return calls;
    }

    // ---- the lists

    static Stream<String> natives() {
        return Stream.of("JCudaDriver", "JNvrtc", "JCublas2", "JCusolver");
    }

    @ParameterizedTest
    @MethodSource("natives")
    void theListsAreWhatJCudasNativesAskFor(String name) throws Exception {
        String file = "lib" + name + "-12.6.0-linux-x86_64.so";
        Path library = Files.createDirectories(folder.resolve("natives")).resolve(file);
        try (var in = ForwardingTest.class.getResourceAsStream("/lib/" + file)) {
            Files.write(library, in.readAllBytes());
        }
        Map<String, List<String>> wanted = new LinkedHashMap<>();
        for (String line : run(List.of("nm", "-D", "--undefined-only", library.toString()), Map.of(), "nm")
                .lines()
                .toList()) {
            String symbol = line.strip().split(" +")[1];
            String node = symbol.contains("@") ? symbol.substring(symbol.indexOf('@') + 1) : "";
            String plain = symbol.replaceFirst("@.*", "");
            if (node.startsWith("lib") || plain.startsWith("cu")) {
                wanted.computeIfAbsent(node, n -> new ArrayList<>()).add(plain);
            }
        }
        Map<String, String> lists = Map.of(
                "", "cuda",
                "libnvrtc.so.12", "nvrtc",
                "libcublas.so.12", "cublas",
                "libcusolver.so.11", "cusolver",
                "libcusolverMg.so.11", "cusolverMg");
        assertThat(wanted).isNotEmpty();
        for (Map.Entry<String, List<String>> library12 : wanted.entrySet()) {
            Path list = LISTS.resolve(lists.get(library12.getKey()) + ".symbols");
            assertThat(Files.readAllLines(list))
                    .as(list.toString())
                    .isEqualTo(library12.getValue().stream().sorted().toList());
        }
    }

    // ---- the libraries

    static Stream<Cuda13.Forwarder> forwarders() {
        return Cuda13.FORWARDERS.stream();
    }

    @ParameterizedTest
    @MethodSource("forwarders")
    void eachExportsTheListUnderTheVersionThatIsItsName(Cuda13.Forwarder forwarder) throws Exception {
        Path file =
                Path.of("target", "classes", "org", "nullspace", "backend", "cuda", "linux-x86_64", forwarder.file());
        String name = forwarder.file().replaceFirst("^lib", "").replaceFirst("\\.so.*", "");
        List<String> exported = run(List.of("nm", "-D", "--defined-only", file.toString()), Map.of(), "nm")
                .lines()
                .map(line -> line.split(" ")[2])
                .filter(symbol -> !symbol.startsWith("Java_") && !symbol.startsWith(forwarder.file()))
                .sorted()
                .toList();
        List<String> expected = Files.readAllLines(LISTS.resolve(name + ".symbols")).stream()
                .map(symbol -> symbol + "@@" + forwarder.file())
                .sorted()
                .toList();
        assertThat(exported).isEqualTo(expected);
        assertThat(run(List.of("nm", "-D", "--undefined-only", file.toString()), Map.of(), "nm")
                        .lines()
                        .filter(line -> line.contains("GLIBC_"))
                        .map(line -> line.substring(line.indexOf("GLIBC_"))))
                .isNotEmpty()
                .allMatch(version -> List.of("GLIBC_2.2.5", "GLIBC_2.14").contains(version));
    }

    @Test
    void theSameSourcesGiveTheSameBytes() throws Exception {
        for (String name : List.of("one", "another-place")) {
            make(
                    "BUILD=" + folder.resolve(name),
                    "CLASSES=" + folder.resolve(name).resolve("classes"));
        }
        String inside = "classes/org/nullspace/backend/cuda/linux-x86_64/";
        for (Cuda13.Forwarder forwarder : Cuda13.FORWARDERS) {
            assertThat(folder.resolve("one/" + inside + forwarder.file()))
                    .hasSameBinaryContentAs(folder.resolve("another-place/" + inside + forwarder.file()));
        }
    }

    // ---- calls

    @Test
    void callsArriveAsTheyWereMade() throws Exception {
        Path log = folder.resolve("calls");
        String printed = program(stubs, log);
        assertThat(printed).contains("usable true", "forwarding true");
        for (Cuda13.Forwarder forwarder : Cuda13.FORWARDERS) {
            assertThat(printed)
                    .contains("finding forwarding " + forwarder.file() + " | true", "to " + forwarder.real());
        }
        for (String call :
                List.of("cublasCreate", "dgemm", "gesvd", "tolerance", "program", "options", "mg", "driver")) {
            assertThat(printed).contains("\n" + call + " 0\n");
        }
        assertThat(printed).contains("\ntext nvrtcGetErrorString\n", "\ncalled []\n");

        Map<String, List<String>> calls = calls(log);
        List<String> dgemm = calls.get("cublasDgemm_v2");
        // handle, two operations, m, n, k; then on the stack α, A, lda, B, ldb, β, C, ldc
        assertThat(integers(dgemm, 1, 6)).containsExactly(0L, 1L, 1001L, 1002L, 1003L);
        assertThat(stack(dgemm, 0, 8))
                .containsExactly(0x10L, 0xa000000a0L, 1004L, 0xb000000b0L, 1005L, 0x20L, 0xc000000c0L, 1006L);
        List<String> gesvd = calls.get("cusolverDnDgesvd");
        assertThat(integers(gesvd, 1, 6)).containsExactly((long) 'O', (long) 'A', 2001L, 2002L, 0xa1L);
        assertThat(stack(gesvd, 0, 10))
                .containsExactly(2003L, 0xa2L, 0xa3L, 2004L, 0xa4L, 2005L, 0xa5L, 2006L, 0xa6L, 0xa7L);
        assertThat(Double.parseDouble(calls.get("cusolverDnXgesvdjSetTolerance").get(6)))
                .isEqualTo(1.25e-7);
        assertThat(integers(calls.get("nvrtcCompileProgram"), 1, 2)).containsExactly(2L);
    }

    private static List<Long> integers(List<String> call, int from, int to) {
        return longs(call.subList(from, to));
    }

    /** Arguments after the six integer and the eight floating-point registers; int arguments have no defined upper half. */
    private static List<Long> stack(List<String> call, int from, int to) {
        return longs(call.subList(14 + from, 14 + to));
    }

    private static List<Long> longs(List<String> words) {
        return words.stream()
                .map(word -> Long.parseUnsignedLong(word, 16))
                .map(value -> value >>> 32 == 0xffffffffL ? value & 0xffffffffL : value)
                .toList();
    }

    @Test
    void aFunctionThatCuda13LacksSaysSoWhenItIsCalled() throws Exception {
        Path fewer = stubs("fewer", "nvrtcGetNVVMSize nvrtcGetErrorString cublasDgemm_v2 cusolverDnDgesvd");
        String printed = program(fewer, folder.resolve("calls-fewer"));
        assertThat(printed).contains("usable true");
        assertThat(printed)
                .contains("to libcublas.so.13; functions that it lacks return \"not supported\": cublasDgemm_v2\n");
        assertThat(printed).contains("\ncublasCreate 0\n", "\ndgemm 15\n", "\ngesvd 9\n", "\nnvvm 11\n");
        assertThat(printed).contains("\ntext the function that has this text is missing in libnvrtc.so.13\n");
        assertThat(printed)
                .contains("\ncalled [nvrtcGetErrorString, nvrtcGetNVVMSize, cublasDgemm_v2, cusolverDnDgesvd]\n");
    }

    @Test
    void aLibraryThatCuda13LacksIsNoObstacle() throws Exception {
        Path without = stubs("without", "");
        Files.delete(without.resolve("libcusolverMg.so.12"));
        String printed = program(without, folder.resolve("calls-without"));
        assertThat(printed).contains("usable true", "there is no libcusolverMg.so.12");
        assertThat(printed).contains("\nmg 9\n", "\ncalled [cusolverMgCreate]\n", "\ndgemm 0\n");
    }

    @Test
    void aDamagedLibraryIsAReason() throws Exception {
        Path damaged = stubs("damaged", "");
        Files.write(damaged.resolve("libcusolver.so.12"), "no library".getBytes(StandardCharsets.UTF_8));
        String printed = program(damaged, folder.resolve("calls-damaged"));
        assertThat(printed).contains("usable false");
        assertThat(printed)
                .contains("\nreason libcusolver.so.12 at " + damaged.resolve("libcusolver.so.12")
                        + " cannot be loaded: it is no shared library\n")
                .doesNotContain("warning");
        assertThat(printed).contains("advice CUDA 13 is damaged or incomplete");
    }

    @Test
    void aTruncatedLibraryIsAReason() throws Exception {
        Path cut = stubs("cut", "");
        Path file = cut.resolve("libcublas.so.13");
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 50));
        assertThat(program(cut, folder.resolve("calls-cut")))
                .contains(
                        "usable false", "\nreason libcublas.so.13 at " + file + " cannot be loaded: file too short\n");
    }

    @Test
    void aLibraryUnderAnotherNameIsAReason() throws Exception {
        Path renamed = stubs("renamed", "");
        Files.copy(
                renamed.resolve("libcublas.so.13"),
                renamed.resolve("libcusolver.so.12"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertThat(program(renamed, folder.resolve("calls-renamed")))
                .contains(
                        "usable false",
                        renamed.resolve("libcusolver.so.12") + " does not call itself libcusolver.so.12");
    }

    @Test
    void aJarBuiltWithoutACompilerSaysSo() throws Exception {
        Path classes = Path.of("target", "classes").toAbsolutePath();
        Path copy = folder.resolve("classes-without");
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file :
                    files.filter(f -> !f.toString().contains("linux-x86_64")).toList()) {
                Path target = copy.resolve(classes.relativize(file).toString());
                if (!Files.isDirectory(target)) {
                    Files.copy(file, target);
                }
            }
        }
        String classPath = classPath().replace(classes.toString(), copy.toString());
        assertThat(classPath).contains(copy.toString());
        assertThat(program(stubs, folder.resolve("calls-none"), System.getProperty("java.io.tmpdir"), classPath))
                .contains(
                        "usable false",
                        "reason there is only CUDA 13 on this machine, and the forwarding library libnvrtc.so.12 is not in the jar",
                        "advice build Nullspace where there are make and cc, or install CUDA 12 beside CUDA 13");
    }

    // ---- JCuda's own natives

    /** JCuda itself loads whatever lies in the folder for temporary files. */
    @Test
    void aFileThatSomebodyPlantedForJCudaIsNotLoaded() throws Exception {
        Path temporary = Files.createDirectories(folder.resolve("temporary"));
        for (String name : natives().toList()) {
            Files.writeString(temporary.resolve("lib" + name + "-12.6.0-linux-x86_64.so"), "planted");
        }
        String printed = program(stubs, folder.resolve("calls-planted"), temporary.toString(), classPath());
        assertThat(printed).contains("usable true", "\ndgemm 0\n", "\ntmpdir " + temporary + "\n");
        assertThat(printed).contains("finding libJCublas2-12.6.0-linux-x86_64.so | true");
    }

    @Test
    void aDriverWithoutDevicesIsAReason() throws Exception {
        assertThat(program(stubs, folder.resolve("calls-devices")))
                .contains("\nprobe Availability[usable=false", "the NVIDIA driver is there, but it has no device");
    }

    // ---- CUDA 12

    @Test
    void cuda12IsTakenAsItIs() throws Exception {
        Path twelve = stubs(12, "twelve", "");
        Files.copy(stubs.resolve("libcublas.so.13"), twelve.resolve("libcublas.so.13"));
        String printed = program(twelve, folder.resolve("calls-twelve"));
        assertThat(printed).contains("usable true", "forwarding false", "\ndgemm 0\n", "\ncalled []\n");
        assertThat(printed).contains("finding libcublas.so.12 | true | " + twelve.resolve("libcublas.so.12"));
        assertThat(printed).doesNotContain("so.13");
        assertThat(calls(folder.resolve("calls-twelve"))).containsKeys("cublasDgemm_v2", "cusolverDnDgesvd");
    }

    /** On a machine that has CUDA 12 the jar is not needed, and not touched. */
    @Test
    void cuda12FromTheJarIsUnpackedOnceAndThenFoundWithoutIt() throws Exception {
        assumeTrue(!LibrarySet.locate(12, LibraryPlaces.ofThisMachine()).complete(), "CUDA 12 is on this machine");
        Path twelve = stubs(12, "jar", "");
        Path driver = Files.createDirectories(folder.resolve("driver-only"));
        Files.move(twelve.resolve("libcuda.so.1"), driver.resolve("libcuda.so.1"));
        Path jar = folder.resolve("cuda-redist.jar");
        try (var out = new java.util.zip.ZipOutputStream(Files.newOutputStream(jar));
                Stream<Path> files = Files.list(twelve)) {
            for (Path file : files.toList()) {
                out.putNextEntry(new java.util.zip.ZipEntry("org/bytedeco/cuda/linux-x86_64/" + file.getFileName()));
                out.write(Files.readAllBytes(file));
            }
        }
        Path unpacked = folder.resolve("cache").resolve("cuda-redist").resolve("libcublas.so.12");
        assertThat(program(driver, folder.resolve("calls-before"))).contains("usable false", "no CUDA libraries");
        String first = program(driver, folder.resolve("calls-jar"), ":" + jar);
        assertThat(first).contains("usable true", "forwarding false", "| true | " + unpacked, "\ndgemm 0\n");
        assertThat(first).contains("from the jar of the Maven profile cuda-redist");
        var written = Files.getLastModifiedTime(unpacked);
        assertThat(program(driver, folder.resolve("calls-jar"), ":" + jar)).contains("usable true");
        assertThat(program(driver, folder.resolve("calls-later"))).contains("usable true", "| true | " + unpacked);
        assertThat(Files.getLastModifiedTime(unpacked)).isEqualTo(written);
        try (Stream<Path> files = Files.list(unpacked.getParent())) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "libnvrtc.so.12", "libcublas.so.12", "libcusolver.so.11", "libcusolverMg.so.11");
        }
    }
}
