package org.nullspace.backend.cuda;

import org.nullspace.backend.Session;
import org.nullspace.conformance.ComposedBatchConformance;

/** Composed batches on a CUDA device. */
@OnCudaDevice
class CudaComposedBatchTest extends ComposedBatchConformance {
    @Override
    protected Session openSession() {
        return new CudaProvider().open(0);
    }
}
