package org.nullspace.backend.cuda;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** Device addresses as JCuda's pointers and back. */
final class Addresses {
    private Addresses() {}

    /** A pointer for cuBLAS and cuSOLVER. */
    static Pointer pointer(long address) {
        return new Pointer().withByteOffset(address);
    }

    /** A pointer for the driver. */
    static CUdeviceptr device(long address) {
        return new CUdeviceptr().withByteOffset(address);
    }

    /** The address that the driver wrote into a pointer. */
    static long of(CUdeviceptr pointer) {
        return new Value(pointer).address();
    }

    /** Reads what JCuda shows to subclasses only. */
    private static final class Value extends Pointer {
        Value(Pointer other) {
            super(other);
        }

        long address() {
            return getNativePointer() + getByteOffset();
        }
    }
}
