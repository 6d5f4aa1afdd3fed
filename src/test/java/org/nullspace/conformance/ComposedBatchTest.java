package org.nullspace.conformance;

import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;

/** Composed batches on the CPU. */
class ComposedBatchTest extends ComposedBatchConformance {
    @Override
    protected Session openSession() {
        return Backends.providers(DeviceKind.CPU).get(0).open(0);
    }
}
