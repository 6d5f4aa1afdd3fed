package org.nullspace.model;

import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;

/** Where the problems of a batch come from that is read tile by tile: a file, a generator. Called by one thread at a time. */
public interface BatchSource {
    /**
     * Number of problems.
     *
     * @return B
     */
    long problems();

    /**
     * Samples of each problem.
     *
     * @return n
     */
    long samples();

    /**
     * Features of each problem.
     *
     * @return d
     */
    long features();

    /**
     * Targets of each problem.
     *
     * @return k
     */
    long targets();

    /**
     * Number format of X, which rank decisions depend on and solutions have, and of Y unless {@link #targetPrecision()} says otherwise.
     *
     * @return the precision
     */
    Precision precision();

    /**
     * Number format of Y.
     *
     * @return the precision; that of X by default
     */
    default Precision targetPrecision() {
        return precision();
    }

    /**
     * Reads neighbouring problems. Tiles are read in order, each once. What is thrown here ends the run.
     *
     * @param first index of the first
     * @param x to be filled: T×n×d on the host, row-major and packed; valid until this returns
     * @param y to be filled: T×n×k on the host, row-major and packed; valid until this returns
     */
    void read(long first, Matrix x, Matrix y);
}
