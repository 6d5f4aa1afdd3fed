package org.nullspace.backend.openblas;

import java.util.Locale;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.openblas.global.openblas_full;
import org.bytedeco.openblas.presets.openblas_nolapack.SetNumThreads;

/**
 * Finds OpenBLAS's {@code openblas_set_num_threads}. Class {@code openblas} does not bind it, and its {@code blas_set_num_threads}
 * searches all libraries by name in every call (140 to 260 µs measured). On Linux the dynamic linker resolves a name to the same
 * definition everywhere, so the function is looked up once and called through its address (about 30 ns). Elsewhere each library has its
 * own definitions: class {@code openblas_full} is linked against the library that computes, and costs 40 ms more of start-up.
 */
final class BlasThreadCount {
    private BlasThreadCount() {}

    /**
     * Loads OpenBLAS and finds the setter.
     *
     * @return sets the thread count of the process
     * @throws LinkageError if the library is not there or does not fit this machine
     */
    static IntConsumer setter() {
        Loader.load(openblas.class);
        if (System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux")) {
            Pointer address = Loader.addressof("openblas_set_num_threads");
            if (address != null) {
                SetNumThreads function = new SetNumThreads() {};
                function.put(address);
                return function::call;
            }
        }
        return openblas_full::openblas_set_num_threads;
    }
}
