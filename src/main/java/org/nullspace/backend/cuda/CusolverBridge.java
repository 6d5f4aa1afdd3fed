package org.nullspace.backend.cuda;

import java.io.IOException;
import java.net.URL;
import org.nullspace.natives.NativeFiles;

/**
 * Routines of cuSOLVER that JCuda 12.6 cannot call (native/cusolver): it hands {@code cusolverDnCreateGesvdjInfo} a null pointer as the place
 * for its result, and takes the arrays for the sizes of {@code cusolverDnXgesvdp_bufferSize} for pointers. Addresses are {@code long}, also
 * those of host memory that results are written to. The methods return cuSOLVER's status, or −1 if the routine is not there.
 */
final class CusolverBridge {
    private CusolverBridge() {}

    /** Loaded at most once. */
    private static final class Once {
        private static final boolean LOADED = load();

        private static boolean load() {
            URL resource = CusolverBridge.class.getResource("linux-x86_64/libnullspace_cusolver.so");
            if (resource == null || !CudaLibraries.load().usable()) {
                return false;
            }
            try {
                System.load(
                        NativeFiles.extract(resource, NativeFiles.folder("cusolver"), "libnullspace_cusolver.so", false)
                                .toString());
                return true;
            } catch (IOException | UnsatisfiedLinkError e) {
                return false;
            }
        }
    }

    /**
     * Whether the methods can be called: not if the jar was built without a C compiler, or on a platform that it was not built for.
     *
     * @return whether the native part has been loaded
     */
    static boolean isLoaded() {
        return Once.LOADED;
    }

    /** cusolverDnCreateGesvdjInfo. */
    static native int createGesvdj(long info);

    /** cusolverDnDestroyGesvdjInfo. */
    static native int destroyGesvdj(long info);

    /** cusolverDnDgesvdj_bufferSize, or S if not wide. */
    static native int sizeOfGesvdj(
            int wide,
            long handle,
            int jobz,
            int econ,
            int m,
            int n,
            long a,
            int lda,
            long s,
            long u,
            int ldu,
            long v,
            int ldv,
            long entries,
            long info);

    /** cusolverDnDgesvdj, or S if not wide. */
    static native int gesvdj(
            int wide,
            long handle,
            int jobz,
            int econ,
            int m,
            int n,
            long a,
            int lda,
            long s,
            long u,
            int ldu,
            long v,
            int ldv,
            long work,
            int entries,
            long status,
            long info);

    /** cusolverDnDgesvdjBatched_bufferSize, or S if not wide. */
    static native int sizeOfGesvdjBatched(
            int wide,
            long handle,
            int jobz,
            int m,
            int n,
            long a,
            int lda,
            long s,
            long u,
            int ldu,
            long v,
            int ldv,
            long entries,
            long info,
            int batch);

    /** cusolverDnDgesvdjBatched, or S if not wide. */
    static native int gesvdjBatched(
            int wide,
            long handle,
            int jobz,
            int m,
            int n,
            long a,
            int lda,
            long s,
            long u,
            int ldu,
            long v,
            int ldv,
            long work,
            int entries,
            long status,
            long info,
            int batch);

    /** cusolverDnXgesvdp_bufferSize with one data type throughout. */
    static native int sizeOfGesvdp(
            long handle,
            long parameters,
            int jobz,
            int econ,
            long m,
            long n,
            int precision,
            long a,
            long lda,
            long s,
            long u,
            long ldu,
            long v,
            long ldv,
            long device,
            long host);
}
