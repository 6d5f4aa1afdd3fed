package org.nullspace.conformance;

import org.junit.jupiter.api.Nested;
import org.nullspace.backend.DeviceKind;

/** The suite on the CPU. */
class OpenBlasConformanceTest {
    @Nested
    class Solver extends SolverConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }
}
