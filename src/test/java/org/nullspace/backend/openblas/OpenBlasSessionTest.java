package org.nullspace.backend.openblas;

import org.nullspace.backend.Session;
import org.nullspace.conformance.SessionConformance;

/** OpenBLAS passes the suite for all backends. */
class OpenBlasSessionTest extends SessionConformance {
    @Override
    protected Session openSession() {
        return new OpenBlasProvider().open(0);
    }
}
