package org.nullspace.conformance;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;

/** The suite on a device whose memory is not the host's, and too small for some of the problems. */
class SmallDeviceConformanceTest {
    private static final long MEBI = 1L << 20;

    @BeforeEach
    void plugIn() {
        SmallDeviceProvider.plugIn(1, 6 * MEBI);
    }

    @AfterEach
    void unplug() {
        SmallDeviceProvider.unplug();
    }

    @Nested
    class Solver extends SolverConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Subspaces extends SubspaceConformance {
        /** Vectors of 3,000,000 entries. */
        @BeforeEach
        void enough() {
            SmallDeviceProvider.plugIn(1, 128 * MEBI);
        }

        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Members extends MembersConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Ranks extends RankConformance {
        /** A copy of 64×200,000 entries for GESVD. */
        @BeforeEach
        void enough() {
            SmallDeviceProvider.plugIn(1, 256 * MEBI);
        }

        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Sketches extends SketchConformance {
        @BeforeEach
        void enough() {
            SmallDeviceProvider.plugIn(1, 64 * MEBI);
        }

        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class LowRankGram extends LowRankGramConformance {
        @BeforeEach
        void enough() {
            SmallDeviceProvider.plugIn(1, 64 * MEBI);
        }

        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Intercepts extends InterceptConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Batches extends BatchConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class BatchMembers extends BatchMembersConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class RidgePaths extends RidgePathConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class BatchOracles extends BatchOracleConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class BatchTiles extends BatchTilesConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Declarations extends DeclarationConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Evidence extends EvidenceConformance {
        /** A sample of 256 columns of a large basis. */
        @BeforeEach
        void enough() {
            SmallDeviceProvider.plugIn(1, 128 * MEBI);
        }

        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class HostOperands extends HostOperandConformance {
        @Override
        protected Session openSession() {
            return SmallDeviceProvider.device(0, 64 * MEBI);
        }
    }
}
