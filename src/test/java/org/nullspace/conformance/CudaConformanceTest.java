package org.nullspace.conformance;

import org.junit.jupiter.api.Nested;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.cuda.OnCudaDevice;

/** The suite on a CUDA device. */
@OnCudaDevice
class CudaConformanceTest {
    @Nested
    class Solver extends SolverConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Subspaces extends SubspaceConformance {
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
    class KnownEffects extends KnownEffectConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Ranks extends RankConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Sketches extends SketchConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class LowRankGram extends LowRankGramConformance {
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
    class Lifecycle extends LifecycleConformance {
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
    class Golden extends GoldenConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Oracles extends OracleConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Teaching extends TeachingConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Evidence extends EvidenceConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }

    @Nested
    class Work extends WorkConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CUDA;
        }
    }
}
