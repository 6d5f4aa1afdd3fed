package org.nullspace.backend.cuda;

import jcuda.NativePointerObject;
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

    /** The address of a handle, or the one that the driver wrote into a pointer. */
    static long of(NativePointerObject object) {
        return new Value(object).address();
    }

    /** Reads what JCuda shows to subclasses only. */
    private static final class Value extends NativePointerObject {
        Value(NativePointerObject other) {
            super(other);
        }

        long address() {
            return getNativePointer();
        }
    }
}
