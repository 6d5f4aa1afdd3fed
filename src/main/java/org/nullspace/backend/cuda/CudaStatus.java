package org.nullspace.backend.cuda;

import org.nullspace.backend.Status;

/** Status words on the device: 32-bit integers. */
record CudaStatus(CudaMemory memory, int size) implements Status {
    /** Address of a problem's word. */
    long address(int problem) {
        memory.scope().checkUsable("the status");
        return memory.address() + (long) problem * Integer.BYTES;
    }
}
