package org.nullspace.matrix;

/** One allocation somewhere: its place, address and size, and the scope that frees it. Made by backends, held by matrices. */
public interface Memory {
    /**
     * Where the memory lies.
     *
     * @return the place
     */
    Place place();

    /**
     * Address of the first byte, in the address space of the place.
     *
     * @return address
     */
    long address();

    /**
     * Size.
     *
     * @return bytes
     */
    long byteSize();

    /**
     * The scope that frees this memory.
     *
     * @return the scope
     */
    MemoryScope scope();
}
