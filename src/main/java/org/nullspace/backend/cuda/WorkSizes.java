package org.nullspace.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.nullspace.matrix.Precision;

/** Workspace that cuSOLVER's routines have asked for, remembered by shape as long as a queue lives, so that each shape is asked for once. */
final class WorkSizes {
    private static final int MOST = 4096;

    private final Map<Key, Size> known = new HashMap<>();

    /**
     * A routine and the shape that it was asked about.
     *
     * @param routine name of the routine
     * @param precision precision of the operands
     * @param m a size or an option, as all that follow
     */
    record Key(String routine, Precision precision, long m, long n, long k, long option) {}

    /**
     * Workspace.
     *
     * @param device entries or bytes of device memory, as the routine counts
     * @param host bytes of host memory
     */
    record Size(long device, long host) {}

    Size of(Key key, Supplier<Size> ask) {
        Size size = known.get(key);
        if (size == null) {
            if (known.size() >= MOST) {
                known.clear();
            }
            size = ask.get();
            known.put(key, size);
        }
        return size;
    }
}
