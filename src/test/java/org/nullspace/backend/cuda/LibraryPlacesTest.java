package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where CUDA's libraries are looked for, in a folder that stands for the whole machine. */
class LibraryPlacesTest {
    @TempDir
    Path root;

    private final Map<String, String> properties = new HashMap<>();
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void onlyWhereLinksAndColonsAreUsual() throws IOException {
        assumeTrue(File.separatorChar == '/', "the search is for Linux");
        root = root.toRealPath();
    }

    private Path file(String name) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, name);
    }

    private LibraryPlaces places() {
        return new LibraryPlaces(properties::get, environment::get, root);
    }

    @Test
    void everyPlaceIsSearchedInTheOrderPromised() throws IOException {
        properties.put(LibraryPlaces.PROPERTY, root.resolve("given") + ":" + root.resolve("given2"));
        properties.put("user.home", root.resolve("home").toString());
        environment.put("CUDA_HOME", root.resolve("cudahome").toString());
        environment.put("CUDA_PATH", root.resolve("cudapath").toString());
        environment.put("LD_LIBRARY_PATH", root.resolve("ld") + "::" + root.resolve("none"));
        environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
        environment.put("CONDA_PREFIX", root.resolve("conda").toString());
        Files.createDirectories(root.resolve("etc/ld.so.conf.d"));
        Files.writeString(root.resolve("etc/ld.so.conf"), "# comment\ninclude /etc/ld.so.conf.d/*.conf\n/opt/last\n");
        Files.writeString(root.resolve("etc/ld.so.conf.d/b.conf"), "/opt/b # and why\n");
        Files.writeString(root.resolve("etc/ld.so.conf.d/a.conf"), "/opt/a\n");
        Files.writeString(root.resolve("etc/ld.so.conf.d/c.txt"), "/opt/c\n");
        List<String> order = List.of(
                "given",
                "given2",
                "cudahome/lib64",
                "cudahome/lib",
                "cudapath/targets/x86_64-linux/lib",
                "usr/local/cuda/lib64",
                "usr/local/cuda-13.0/lib64",
                "usr/local/cuda-12.10/lib64",
                "usr/local/cuda-12.9/lib64",
                "ld",
                "opt/a",
                "opt/b",
                "opt/last",
                "usr/lib/x86_64-linux-gnu",
                "usr/lib64",
                "usr/lib/wsl/lib",
                "conda/lib",
                "venv/lib/python3.12/site-packages/nvidia/cublas/lib",
                "venv/lib/python3.12/site-packages/nvidia/cu13/lib",
                "conda/lib/python3.11/site-packages/nvidia/cublas/lib",
                "home/.local/lib/python3.12/site-packages/nvidia/cusolver/lib",
                "usr/local/lib/python3.12/dist-packages/nvidia/cublas/lib");
        for (String folder : order) {
            file(folder + "/libx.so");
        }
        file("opt/c/libx.so");
        LibraryPlaces places = places();
        List<String> found = places.folders().stream()
                .map(p -> root.relativize(p).toString())
                .filter(order::contains)
                .toList();
        // The folders of one Python are sorted by name: cu13 before cublas.
        List<String> expected = new java.util.ArrayList<>(order);
        java.util.Collections.swap(expected, 17, 18);
        assertThat(found).containsExactlyElementsOf(expected);
        for (String folder : expected) {
            assertThat(places.find("libx.so", List.of()))
                    .isEqualTo(root.resolve(folder).resolve("libx.so"));
            Files.delete(root.resolve(folder).resolve("libx.so"));
        }
        assertThat(places.find("libx.so", List.of()))
                .as("c.txt is no configuration")
                .isNull();
        assertThat(places.find("libx.so", List.of(root.resolve("opt/c")))).isEqualTo(root.resolve("opt/c/libx.so"));
        assertThat(places.searched()).contains(root.resolve("given") + " (" + LibraryPlaces.PROPERTY + ")");
        assertThat(places.configured().folders()).containsExactly(root.resolve("given"), root.resolve("given2"));
    }

    @Test
    void oneFolderUnderTwoNamesIsSearchedOnce() throws IOException {
        file("usr/local/cuda-12.6/targets/x86_64-linux/lib/libx.so");
        Files.createSymbolicLink(root.resolve("usr/local/cuda"), Path.of("cuda-12.6"));
        Files.createSymbolicLink(root.resolve("usr/local/cuda-12.6/lib64"), Path.of("targets/x86_64-linux/lib"));
        assertThat(places().folders()).containsExactly(root.resolve("usr/local/cuda/lib64"));
    }

    @Test
    void anEmptyMachineHasNoPlaces() {
        assertThat(places().folders()).isEmpty();
        assertThat(places().searched()).isEmpty();
        assertThat(places().find("libcuda.so.1", List.of())).isNull();
    }

    // ---- which libraries

    @Test
    void dependenciesComeBeforeWhatNeedsThem() throws IOException {
        for (String name : List.of(
                "libnvrtc.so.12",
                "libnvrtc-builtins.so.12.6",
                "libcublas.so.12",
                "libcublasLt.so.12",
                "libcusolver.so.11",
                "libcusolverMg.so.11",
                "libcusparse.so.12",
                "libnvJitLink.so.12")) {
            file("usr/local/cuda/lib64/" + name);
        }
        LibrarySet set = LibrarySet.locate(12, places());
        assertThat(set.complete()).isTrue();
        assertThat(set.files().keySet())
                .containsExactly(
                        "libnvrtc-builtins.so.12.6",
                        "libnvrtc.so.12",
                        "libcublasLt.so.12",
                        "libcublas.so.12",
                        "libnvJitLink.so.12",
                        "libcusparse.so.12",
                        "libcusolver.so.11",
                        "libcusolverMg.so.11");
        assertThat(LibrarySet.locate(13, places()).missing())
                .containsExactly("libnvrtc.so.13", "libcublas.so.13", "libcusolver.so.12");
    }

    /** libcusparse.so.12 belongs to CUDA 12 and to CUDA 13. */
    @Test
    void aDependencyComesFromTheSameCudaVersion() throws IOException {
        String nvidia = "venv/lib/python3.12/site-packages/nvidia/";
        environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
        for (String name : List.of("libnvrtc.so.13", "libcublas.so.13", "libcusolver.so.12", "libcusparse.so.12")) {
            file(nvidia + "cu13/lib/" + name);
        }
        file(nvidia + "cuda_nvrtc/lib/libnvrtc.so.12");
        file(nvidia + "cublas/lib/libcublas.so.12");
        file(nvidia + "cusolver/lib/libcusolver.so.11");
        file(nvidia + "cusolver/lib/libcusolverMg.so.11");
        file(nvidia + "cusparse/lib/libcusparse.so.12");
        file(nvidia + "nvjitlink/lib/libnvJitLink.so.12");
        LibrarySet twelve = LibrarySet.locate(12, places());
        assertThat(twelve.complete()).isTrue();
        assertThat(twelve.files())
                .containsEntry("libcusparse.so.12", root.resolve(nvidia + "cusparse/lib/libcusparse.so.12"));
        LibrarySet thirteen = LibrarySet.locate(13, places());
        assertThat(thirteen.complete()).as("cuSOLVERMg can be done without").isTrue();
        assertThat(thirteen.files())
                .containsEntry("libcusparse.so.12", root.resolve(nvidia + "cu13/lib/libcusparse.so.12"))
                .doesNotContainKey("libcusolverMg.so.12");
    }
}
