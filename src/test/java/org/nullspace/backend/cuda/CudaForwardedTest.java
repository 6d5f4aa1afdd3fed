package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every piece of work through the forwarding libraries for CUDA 13, on the software device under CUDA 13's names. */
@OnCudaDevice
class CudaForwardedTest {
    @Test
    void theForwardingLibrariesAreInUse() {
        assumeTrue(SoftwareDevice.isPresent(), "a real machine has the CUDA that it has");
        assertThat(CudaLibraries.load().forwarding()).isTrue();
        assertThat(CudaLibraries.load().missingCalls()).isEmpty();
    }

    @TestFactory
    Stream<DynamicTest> everyPieceOfWork() {
        return Scenario.pieces().entrySet().stream()
                .map(each -> DynamicTest.dynamicTest(each.getKey(), () -> {
                    each.getValue().run();
                    assertThat(CudaLibraries.load().missingCalls()).isEmpty();
                }));
    }
}
