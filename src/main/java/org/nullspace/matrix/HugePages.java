package org.nullspace.matrix;

import java.io.IOException;
import java.net.URL;
import org.nullspace.natives.NativeFiles;

/**
 * Large pages for large blocks of host memory. Fresh memory is given by the kernel page by page when it is first written, which in pages of 4 KiB
 * adds a quarter to the time of a product of matrices (2 cores of an AMD EPYC, Linux 6.18: 3,000×2,000 entries of 300 terms each take
 * 37 ms in used memory and 46 ms in fresh memory). Linux on x86-64, where the kernel's setting is {@code madvise} (the usual one) and
 * the jar was built with a C compiler; elsewhere nothing happens.
 */
final class HugePages {
    /** System property: {@code false} leaves pages as they are. */
    static final String PROPERTY = "nullspace.hugePages";

    /** Blocks from which large pages are asked for, bytes: two of them at least. */
    static final long LEAST_BYTES = 4L << 20;

    private static final long PAGE = 4096;
    private static final String FILE = "libnullspace_memory.so";

    private HugePages() {}

    /** Loaded at most once. */
    private static final class Once {
        private static final boolean LOADED = load();

        private static boolean load() {
            URL resource = HugePages.class.getResource("linux-x86_64/" + FILE);
            boolean here = System.getProperty("os.name", "").equals("Linux")
                    && System.getProperty("os.arch", "").equals("amd64");
            if (resource == null
                    || !here
                    || System.getProperty(PROPERTY, "true").equals("false")) {
                return false;
            }
            try {
                System.load(NativeFiles.extract(resource, NativeFiles.folder("memory"), FILE, false)
                        .toString());
                return true;
            } catch (IOException | RuntimeException | LinkageError e) {
                // Pages stay as they are.
                return false;
            }
        }
    }

    /**
     * Asks for large pages, if the block is large enough for some. What the kernel makes of it is its own affair.
     *
     * @param address first byte of memory that has not been written yet
     * @param bytes size
     */
    static void ask(long address, long bytes) {
        if (bytes < LEAST_BYTES || !Once.LOADED) {
            return;
        }
        long first = (address + PAGE - 1) & -PAGE;
        long end = (address + bytes) & -PAGE;
        advise(first, end - first);
    }

    /** Whether the native part is there. */
    static boolean isLoaded() {
        return Once.LOADED;
    }

    /** madvise(MADV_HUGEPAGE). */
    private static native int advise(long address, long bytes);
}
