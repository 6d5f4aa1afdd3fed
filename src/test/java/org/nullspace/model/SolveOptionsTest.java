package org.nullspace.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Precision;

class SolveOptionsTest {
    @Test
    void defaultsAreAsDocumented() {
        SolveOptions o = SolveOptions.defaults();
        assertThat(o.method()).isEqualTo(Method.AUTO);
        assertThat(o.rankTolerance()).isEqualTo(RankTolerance.standard());
        assertThat(o.intercept()).isEqualTo(InterceptRule.NONE);
        assertThat(o.precision()).isEqualTo(Precision.FLOAT64);
        assertThat(o.backend()).isEqualTo(BackendChoice.AUTO);
        assertThat(o.device()).isZero();
        assertThat(o.devices()).containsExactly(0);
        assertThat(o.spectrum()).isFalse();
        assertThat(o.sampleWeights()).isNull();
    }

    @Test
    void everyOptionIsKeptAndCopiedByToBuilder() {
        SolveOptions o = SolveOptions.builder()
                .method(Method.QR_SVD)
                .rankTolerance(RankTolerance.noise(0.5))
                .intercept(InterceptRule.UNPENALISED)
                .precision(Precision.FLOAT32)
                .backend(BackendChoice.CUDA)
                .device(3)
                .spectrum(true)
                .sampleWeights(1, 0, 2)
                .build();
        for (SolveOptions each : new SolveOptions[] {o, o.toBuilder().build()}) {
            assertThat(each.method()).isEqualTo(Method.QR_SVD);
            assertThat(each.rankTolerance()).isEqualTo(RankTolerance.noise(0.5));
            assertThat(each.intercept()).isEqualTo(InterceptRule.UNPENALISED);
            assertThat(each.precision()).isEqualTo(Precision.FLOAT32);
            assertThat(each.backend()).isEqualTo(BackendChoice.CUDA);
            assertThat(each.device()).isEqualTo(3);
            assertThat(each.spectrum()).isTrue();
            assertThat(each.sampleWeights()).containsExactly(1, 0, 2);
        }
    }

    @Test
    void namesDevicesForBatches() {
        int[] indices = {2, 0};
        SolveOptions o = SolveOptions.builder().devices(indices).build();
        indices[0] = 9;
        o.devices()[0] = 9;
        assertThat(o.devices()).containsExactly(2, 0);
        assertThat(o.device()).isEqualTo(2);
        SolveOptions all = o.toBuilder().allDevices().build();
        assertThat(all.devices()).isEmpty();
        assertThat(all.device()).isZero();
        assertThat(all.toBuilder().device(1).build().devices()).containsExactly(1);
        assertThatThrownBy(() -> SolveOptions.builder().devices())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("no device");
        assertThatThrownBy(() -> SolveOptions.builder().devices(1, 2, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("device 1 was chosen twice");
        assertThatThrownBy(() -> SolveOptions.builder().devices(0, -3))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("-3 is negative");
        assertThatThrownBy(() -> SolveOptions.builder()
                        .backend(BackendChoice.CPU)
                        .devices(0, 1)
                        .build())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("device 1", "CPU");
    }

    @Test
    void optionsDoNotChange() {
        double[] weights = {1, 2};
        SolveOptions.Builder builder = SolveOptions.builder().sampleWeights(weights);
        SolveOptions o = builder.build();
        weights[0] = 9;
        builder.method(Method.GESVD);
        double[] handedOut = o.sampleWeights();
        assertThat(handedOut).containsExactly(1, 2);
        handedOut[0] = 9;
        assertThat(o.sampleWeights()).containsExactly(1, 2);
        assertThat(o.method()).isEqualTo(Method.AUTO);
        o.toBuilder().method(Method.GRAM).build();
        assertThat(o.method()).isEqualTo(Method.AUTO);
    }

    static Stream<Arguments> misuse() {
        return Stream.of(
                row(
                        "negative weight",
                        b -> b.sampleWeights(1, -2),
                        "sample weight 1 is -2.0: weights are finite numbers of at least 0"),
                row(
                        "NaN weight",
                        b -> b.sampleWeights(Double.NaN),
                        "sample weight 0 is NaN: weights are finite numbers of at least 0"),
                row(
                        "infinite weight",
                        b -> b.sampleWeights(1, 1, Double.POSITIVE_INFINITY),
                        "sample weight 2 is Infinity: weights are finite numbers of at least 0"),
                row("all weights 0", b -> b.sampleWeights(0, 0, 0), "all 3 sample weights are 0"),
                row("no weights", b -> b.sampleWeights((double[]) null), "the array of sample weights is null"),
                row("negative device", b -> b.device(-1), "device index -1 is negative"),
                row("no method", b -> b.method(null), "method is null"),
                row("no tolerance", b -> b.rankTolerance(null), "rank tolerance is null"),
                row("no intercept rule", b -> b.intercept(null), "intercept rule is null"),
                row("no precision", b -> b.precision(null), "precision is null"),
                row("no backend", b -> b.backend(null), "backend is null"),
                row(
                        "CPU with a device",
                        b -> b.backend(BackendChoice.CPU).device(1),
                        "device 1 was chosen with backend CPU: a device index is for CUDA"),
                row(
                        "GRAM in float32",
                        b -> b.precision(Precision.FLOAT32).method(Method.GRAM),
                        "precision FLOAT32 was chosen with method GRAM, whose arithmetic is always float64: choose GESVD or"
                                + " QR_SVD"));
    }

    private static Arguments row(String name, UnaryOperator<SolveOptions.Builder> use, String message) {
        return Arguments.of(name, use, message);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void misuse(String name, UnaryOperator<SolveOptions.Builder> use, String message) {
        assertThatThrownBy(() -> use.apply(SolveOptions.builder()).build())
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage(message);
    }

    @Test
    void noWeightsForNoSamples() {
        assertThat(SolveOptions.builder().sampleWeights().build().sampleWeights())
                .isEmpty();
    }
}
