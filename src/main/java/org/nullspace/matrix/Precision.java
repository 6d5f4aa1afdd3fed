package org.nullspace.matrix;

/** The number format of the entries of a matrix. */
public enum Precision {
    /** IEEE 754 binary32. */
    FLOAT32(4, 0x1p-23),
    /** IEEE 754 binary64. */
    FLOAT64(8, 0x1p-52);

    private final int bytes;
    private final double epsilon;

    Precision(int bytes, double epsilon) {
        this.bytes = bytes;
        this.epsilon = epsilon;
    }

    /**
     * Size of one entry.
     *
     * @return size in bytes
     */
    public int bytes() {
        return bytes;
    }

    /**
     * Distance from 1 to the next larger number, 2<sup>−23</sup> or 2<sup>−52</sup> (twice the unit roundoff).
     *
     * @return machine epsilon
     */
    public double epsilon() {
        return epsilon;
    }
}
