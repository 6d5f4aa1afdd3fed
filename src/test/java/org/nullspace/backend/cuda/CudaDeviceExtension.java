package org.nullspace.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.nullspace.backend.Availability;

/** What {@link OnCudaDevice} says. */
final class CudaDeviceExtension implements ExecutionCondition, BeforeEachCallback, AfterEachCallback {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        // The software device computes with the OpenBLAS of this process.
        Loader.load(openblas.class);
        Availability availability = new CudaProvider().probe();
        if (availability.usable()) {
            return ConditionEvaluationResult.enabled(String.join(", ", availability.devices()));
        }
        String reasons = "no CUDA device: " + String.join("; ", availability.reasons());
        System.out.println(context.getDisplayName() + " is skipped, " + reasons);
        return ConditionEvaluationResult.disabled(reasons);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        if (SoftwareDevice.isPresent()) {
            SoftwareDevice.reset();
        }
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (SoftwareDevice.isPresent()) {
            assertThat(SoftwareDevice.violations())
                    .as("what the device has seen")
                    .isEmpty();
        }
    }
}
