package org.nullspace.backend.openblas;

import org.nullspace.error.BackendException;
import org.nullspace.matrix.Matrix;

/** LAPACK's return codes. */
final class LapackStatus {
    private LapackStatus() {}

    /**
     * A code that is a numerical outcome.
     *
     * @throws BackendException if the code is negative: a wrong argument, which the checks before the call make impossible
     */
    static int require(String routine, int code, Matrix a) {
        if (code < 0) {
            throw new BackendException("LAPACK's " + routine + " returned " + code + " for " + a);
        }
        return code;
    }
}
