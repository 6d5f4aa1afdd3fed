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

    @Nested
    class Subspaces extends SubspaceConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Members extends MembersConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class KnownEffects extends KnownEffectConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Ranks extends RankConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Sketches extends SketchConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class LowRankGram extends LowRankGramConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Intercepts extends InterceptConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Batches extends BatchConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class BatchMembers extends BatchMembersConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class RidgePaths extends RidgePathConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class BatchOracles extends BatchOracleConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class BatchTiles extends BatchTilesConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Lifecycle extends LifecycleConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Declarations extends DeclarationConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Golden extends GoldenConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Oracles extends OracleConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Teaching extends TeachingConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Evidence extends EvidenceConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }

    @Nested
    class Work extends WorkConformance {
        @Override
        protected DeviceKind kind() {
            return DeviceKind.CPU;
        }
    }
}
