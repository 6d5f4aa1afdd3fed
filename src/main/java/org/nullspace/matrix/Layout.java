package org.nullspace.matrix;

/** Which entries of a matrix are neighbours in memory. */
public enum Layout {
    /** Entries of a row are neighbours (C order). */
    ROW_MAJOR,
    /** Entries of a column are neighbours (Fortran order). */
    COLUMN_MAJOR;

    /**
     * The layout of the transposed view of the same memory.
     *
     * @return the other layout
     */
    public Layout transposed() {
        return this == ROW_MAJOR ? COLUMN_MAJOR : ROW_MAJOR;
    }
}
