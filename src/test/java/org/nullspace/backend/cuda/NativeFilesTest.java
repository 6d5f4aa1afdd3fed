package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nullspace.natives.NativeFiles;

/** Libraries from jars: written once, completely, where nobody else can write. */
class NativeFilesTest {
    @TempDir
    Path dir;

    private String before;

    @BeforeEach
    void ownCache() throws IOException {
        dir = dir.toRealPath();
        before = System.getProperty(NativeFiles.PROPERTY);
        System.setProperty(NativeFiles.PROPERTY, dir.resolve("cache").toString());
    }

    @AfterEach
    void restore() {
        if (before == null) {
            System.clearProperty(NativeFiles.PROPERTY);
        } else {
            System.setProperty(NativeFiles.PROPERTY, before);
        }
    }

    private URL source(String name, byte[] content) throws IOException {
        return Files.write(dir.resolve(name), content).toUri().toURL();
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private boolean posix() throws IOException {
        return Files.getFileStore(dir).supportsFileAttributeView("posix");
    }

    @Test
    void theFolderIsPrivate() throws IOException {
        Path folder = NativeFiles.folder("parts");
        assertThat(folder).isEqualTo(dir.resolve("cache/parts")).isEmptyDirectory();
        assertThat(NativeFiles.folder("parts")).isEqualTo(folder);
        assumeTrue(posix());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
                .isEqualTo("rwx------");
    }

    @Test
    void aFolderThatOthersCanWriteIsNotUsed() throws IOException {
        assumeTrue(posix());
        Path open = Files.createDirectories(dir.resolve("cache/parts"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path other = NativeFiles.folder("parts");
        try {
            assertThat(other).isNotEqualTo(open);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(other)))
                    .isEqualTo("rwx------");
        } finally {
            Files.delete(other);
        }
    }

    /** Another tool may have made it, under a umask that lets the group write. */
    @Test
    void anOpenCacheFolderIsClosed() throws IOException {
        assumeTrue(posix());
        Path root = Files.createDirectories(dir.resolve("cache"));
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxrwxr-x"));
        assertThat(NativeFiles.lasting("parts")).isEqualTo(root.resolve("parts"));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root)))
                .isEqualTo("rwxr-xr-x");
    }

    @Test
    void whatIsLargeIsNotUnpackedToAFolderForTemporaryFiles() throws IOException {
        Files.writeString(dir.resolve("cache"), "a file");
        assertThatThrownBy(() -> NativeFiles.lasting("cuda-redist")).isInstanceOf(IOException.class);
    }

    @Test
    void aLinkToAFolderOfOthersIsNotUsed() throws IOException {
        assumeTrue(posix());
        Path elsewhere = Files.createDirectories(dir.resolve("elsewhere"));
        Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.createDirectories(dir.resolve("cache"));
        Files.createSymbolicLink(dir.resolve("cache/parts"), elsewhere);
        Path other = NativeFiles.folder("parts");
        assertThat(other).isNotEqualTo(dir.resolve("cache/parts"));
        Files.delete(other);
    }

    @Test
    void aFileInTheWayOfTheFolderIsNoObstacle() throws IOException {
        Files.writeString(dir.resolve("cache"), "a file");
        Path other = NativeFiles.folder("parts");
        assertThat(other).isEmptyDirectory();
        Files.delete(other);
    }

    @Test
    void aFileIsWrittenOnceAndReplacedWhenItDiffers() throws IOException {
        Path folder = NativeFiles.folder("parts");
        URL source = source("lib", new byte[] {1, 2, 3});
        Path file = NativeFiles.extract(source, folder, "libx.so", false);
        assertThat(file).hasBinaryContent(new byte[] {1, 2, 3});
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
        NativeFiles.extract(source, folder, "libx.so", false);
        assertThat(Files.getLastModifiedTime(file).toMillis()).isEqualTo(1_000_000_000_000L);
        // As long, but not the same.
        Files.write(file, new byte[] {1, 2, 4});
        NativeFiles.extract(source, folder, "libx.so", false);
        assertThat(file).hasBinaryContent(new byte[] {1, 2, 3});
        // Cut off, as by a full disk; of a large file only the length is compared.
        Files.write(file, new byte[] {1, 2});
        NativeFiles.extract(source, folder, "libx.so", true);
        assertThat(file).hasBinaryContent(new byte[] {1, 2, 3});
        assertThat(names(folder)).containsExactly("libx.so");
    }

    @Test
    void nothingIsLeftWhereWritingFails() throws IOException {
        Path folder = NativeFiles.folder("parts");
        Files.createDirectories(folder.resolve("libx.so/occupied"));
        URL source = source("lib", new byte[] {1, 2, 3});
        assertThatThrownBy(() -> NativeFiles.extract(source, folder, "libx.so", false))
                .isInstanceOf(IOException.class);
        assertThat(names(folder)).containsExactly("libx.so");
        assertThatThrownBy(() -> NativeFiles.extract(dir.resolve("none").toUri().toURL(), folder, "liby.so", false))
                .isInstanceOf(IOException.class);
        assertThat(names(folder)).containsExactly("libx.so");
    }

    @Test
    void manyAtTheSameTimeSeeWholeFilesOnly() throws Exception {
        Path folder = NativeFiles.folder("parts");
        byte[] content = new byte[3_000_000];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i * 31);
        }
        URL source = source("large", content);
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            List<Callable<Boolean>> tasks = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                tasks.add(() -> java.util.Arrays.equals(
                        Files.readAllBytes(NativeFiles.extract(source, folder, "libx.so", true)), content));
            }
            for (Future<Boolean> whole : pool.invokeAll(tasks)) {
                assertThat(whole.get()).isTrue();
            }
        } finally {
            pool.shutdown();
        }
        assertThat(names(folder)).containsExactly("libx.so");
    }

    // ---- the jar of CUDA 12

    @Test
    void onlyWhatIsNeededIsUnpacked() throws IOException {
        Map<String, URL> jar = new HashMap<>();
        for (String name : List.of(
                "libnvrtc-builtins.so.12.6",
                "libnvrtc.so.12",
                "libcublasLt.so.12",
                "libcublas.so.12",
                "libnvJitLink.so.12",
                "libcusparse.so.12",
                "libcusolver.so.11",
                "libcusolverMg.so.11",
                "libcudnn.so.9",
                "libcufft.so.11")) {
            jar.put("/org/bytedeco/cuda/linux-x86_64/" + name, source(name, name.getBytes()));
        }
        Path folder = NativeFiles.folder("cuda-redist");
        LibrarySet set = CudaLibraries.unpack(jar::get, folder);
        assertThat(set.complete()).isTrue();
        assertThat(names(folder)).hasSize(8).doesNotContain("libcudnn.so.9", "libcufft.so.11");
        assertThat(set.files()).containsKey("libnvrtc-builtins.so.12.6");

        jar.remove("/org/bytedeco/cuda/linux-x86_64/libcusolver.so.11");
        assertThatThrownBy(() -> CudaLibraries.unpack(jar::get, NativeFiles.folder("other")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("there is no libcusolver.so.11 in it");
    }

    // ---- messages

    @Test
    void ofAMessageOfManyLinesTheOneThatSaysWhyIsKept() {
        Throwable jcuda = new UnsatisfiedLinkError("""
                Error while loading native library "JCublas2-12.6.0-linux-x86_64"
                Operating system name: Linux
                Architecture         : amd64
                ---(start of nested stack traces)---
                Stack trace from the attempt to load the library as a file:
                java.lang.UnsatisfiedLinkError: no JCublas2-12.6.0-linux-x86_64 in java.library.path: /usr/lib
                \tat java.base/java.lang.ClassLoader.loadLibrary(ClassLoader.java:2458)
                Stack trace from the attempt to load the library as a resource:
                java.lang.UnsatisfiedLinkError: /tmp/libJCublas2.so: libcublas.so.12: cannot open shared object file: No such file
                \tat java.base/jdk.internal.loader.NativeLibraries.load(Native Method)
                ---(end of nested stack traces)---
                """);
        assertThat(CudaLibraries.line(jcuda))
                .isEqualTo("/tmp/libJCublas2.so: libcublas.so.12: cannot open shared object file: No such file");
        Throwable again = new NoClassDefFoundError("Could not initialize class jcuda.jcublas.JCublas2");
        assertThat(CudaLibraries.line(again)).isEqualTo("Could not initialize class jcuda.jcublas.JCublas2");
        again.initCause(jcuda);
        assertThat(CudaLibraries.line(again)).startsWith("/tmp/libJCublas2.so: libcublas.so.12: cannot open");
        assertThat(CudaLibraries.line(new UnsatisfiedLinkError())).isEqualTo("java.lang.UnsatisfiedLinkError");
    }

    @Test
    void adviceFitsTheMachine() {
        assertThat(CudaAdvice.noDriver(true, false, false)).contains("driver for Windows");
        assertThat(CudaAdvice.noDriver(false, true, true)).contains("the kernel has the NVIDIA driver", "--gpus all");
        assertThat(CudaAdvice.noDriver(false, false, true)).contains("container", "--gpus all", "--device cpu");
        assertThat(CudaAdvice.noDriver(false, false, false))
                .contains("install its driver", "nvidia-smi", "--device cpu");
        assertThat(CudaAdvice.noLibraries())
                .contains("-Pcuda-redist", "apt-get", "pip install", LibraryPlaces.PROPERTY);
        assertThat(CudaAdvice.noDevice("7")).contains("CUDA_VISIBLE_DEVICES is \"7\"");
        assertThat(CudaAdvice.noDevice(null)).contains("nvidia-smi");
        assertThat(CudaAdvice.oldDriver(12)).contains("525");
        assertThat(CudaAdvice.oldDriver(13)).contains("580");
        assertThat(CudaAdvice.driverFails("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")).contains("restart");
        assertThat(CudaAdvice.driverFails("CUDA_ERROR_STUB_LIBRARY")).contains("LD_LIBRARY_PATH");
        assertThat(CudaAdvice.driverFails("CUDA_ERROR_UNKNOWN")).contains("nvidia-smi");
    }
}
