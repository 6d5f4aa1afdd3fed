package org.nullspace.backend.openblas;

import java.util.Locale;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.openblas.global.openblas_full;
import org.bytedeco.openblas.presets.openblas_nolapack.SetNumThreads;

/**
 * OpenBLAS's {@code openblas_set_num_threads}, which class {@code openblas} does not bind. On Linux the dynamic linker resolves a name to
 * the same definition everywhere, so the function can be called through its address. Elsewhere each library has definitions of its own:
 * class {@code openblas_full} is linked against the library that computes, and costs 40 ms more of start-up (measured).
 */
final class BlasThreadCount {
    private BlasThreadCount() {}

    /**
     * Loads OpenBLAS and sets the thread count of the process.
     *
     * @param threads number of threads
     * @throws LinkageError if the library is not there or does not fit this machine
     */
    static void set(int threads) {
        Loader.load(openblas.class);
        if (System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux")) {
            Pointer address = Loader.addressof("openblas_set_num_threads");
            if (address != null) {
                SetNumThreads function = new Function();
                function.put(address);
                function.call(threads);
                return;
            }
        }
        openblas_full.openblas_set_num_threads(threads);
    }

    /**
     * A function pointer, made once in a process and never freed. JavaCPP refuses to register a pointer that frees itself while the
     * process holds more memory than 4 times the largest Java heap: a matrix of that size, made before the first use of OpenBLAS, would
     * stop it from being used at all.
     */
    private static final class Function extends SetNumThreads {
        @Override
        @SuppressWarnings("unchecked")
        protected <P extends Pointer> P deallocator(Deallocator ignored) {
            return (P) this;
        }
    }
}
