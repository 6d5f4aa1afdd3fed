package org.nullspace.backend.cuda;

import org.nullspace.backend.Session;
import org.nullspace.conformance.SessionConformance;

/** CUDA devices pass the suite for all backends. */
@OnCudaDevice
class CudaSessionTest extends SessionConformance {
    @Override
    protected Session openSession() {
        return new CudaProvider().open(0);
    }
}
