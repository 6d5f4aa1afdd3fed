package org.nullspace.backend.cuda;

import org.nullspace.backend.Session;
import org.nullspace.conformance.HostOperandConformance;

/** CUDA devices stream operands of the host as every device must. */
@OnCudaDevice
class CudaHostOperandTest extends HostOperandConformance {
    @Override
    protected Session openSession() {
        return new CudaProvider().open(0);
    }
}
