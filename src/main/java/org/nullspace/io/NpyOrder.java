package org.nullspace.io;

/** Order of the entries of an array in an {@code .npy} file. */
public enum NpyOrder {
    /** The last index runs fastest ({@code fortran_order: False}). A column-major matrix is transposed block by block on the way out. */
    C,
    /**
     * As the matrix lies in memory, so that nothing is rearranged: Fortran order for a single column-major matrix, C order otherwise. A
     * batch of column-major matrices has neither of NumPy's two orders and is written in C order.
     */
    AS_STORED
}
