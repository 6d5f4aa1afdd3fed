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
        assumeTrue(
                System.getProperty(LibraryPlaces.PROPERTY, "").endsWith("hostcuda13"),
                "only the software device is asked for under the names of CUDA 13");
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
