package org.nullspace.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nullspace.matrix.Matrix;

/** Plans, outcomes and the parts of a result. */
class ValuesTest {
    @Test
    void aPlanExplainsItself() {
        List<Method> methods = new ArrayList<>(List.of(Method.GRAM, Method.QR_SVD));
        List<String> reasons = new ArrayList<>(List.of("because it is fast", "because it is sure"));
        Plan plan = new Plan(methods, reasons, "openblas, 2 threads", 1_000, 20_000, 300_000, false, 0);
        methods.clear();
        reasons.clear();
        assertThat(plan.explain()).isEqualTo("""
                        methods: [GRAM, QR_SVD] on openblas, 2 threads
                          - because it is fast
                          - because it is sure
                        workspace: 1000 bytes, at most 20000 bytes; the device has 300000 bytes""");
        assertThat(new Plan(methods, reasons, "a device", 1, 2, 3, true, 44).explain())
                .endsWith("the device has 3 bytes; on the host at most 44 bytes");
        assertThatThrownBy(() -> plan.methods().add(Method.AUTO)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> plan.reasons().add("")).isInstanceOf(UnsupportedOperationException.class);
    }

    @ParameterizedTest
    @EnumSource(Outcome.class)
    void outcomesSayWhatHappenedAndFailuresWhatToDo(Outcome outcome) {
        boolean solved = outcome == Outcome.FULL_RANK || outcome == Outcome.RANK_REDUCED;
        assertThat(outcome.isSolved()).isEqualTo(solved);
        if (solved) {
            assertThat(outcome.text()).startsWith("solved, ");
        } else {
            // What happened, a colon, and advice.
            assertThat(outcome.text()).matches("[^:]+: .*(remove|rescale|solve with).*");
        }
    }

    @Test
    void outcomesHaveDifferentTexts() {
        Set<String> texts = new HashSet<>();
        for (Outcome outcome : Outcome.values()) {
            assertThat(texts.add(outcome.text())).as(outcome.name()).isTrue();
        }
    }

    @Test
    void aCertificateHoldsOnlyIfAllOfItHolds() {
        assertThat(certificate(1e-13, 1e-13, 1e-13).holds(1e-12)).isTrue();
        assertThat(certificate(1e-8, 1e-13, 1e-13).holds(1e-12)).isFalse();
        assertThat(certificate(1e-13, 1e-8, 1e-13).holds(1e-12)).isFalse();
        assertThat(certificate(1e-13, 1e-13, 1e-8).holds(1e-12)).isFalse();
        for (int part = 0; part < 3; part++) {
            assertThat(certificate(part == 0 ? Double.NaN : 0, part == 1 ? Double.NaN : 0, part == 2 ? Double.NaN : 0)
                            .holds(1e-12))
                    .isFalse();
        }
    }

    /** ‖X‖ = 10, ‖W₀‖ = 5, condition number 2. */
    private static Certificate certificate(double seen, double defect, double minimumNormDefect) {
        RankDecision rank = new RankDecision(2, "standard", 1e-15, 2, 1, 0, Map.of());
        return new Certificate(seen, 10, defect, 4, minimumNormDefect, 5, 0.1, 1e-15, seen, rank);
    }

    @Test
    void theToleranceOfACertificateIsRelative() {
        assertThat(certificate(9.9e-12, 0, 0).holds(1e-12)).isTrue();
        assertThat(certificate(10.1e-12, 0, 0).holds(1e-12)).isFalse();
        assertThat(certificate(0, 0, 9.9e-12).holds(1e-12)).isTrue();
        assertThat(certificate(0, 0, 10.1e-12).holds(1e-12)).isFalse();
    }

    @Test
    void arraysOfResultsAreCopies() {
        Matrix m = Matrix.column(1, 2);
        double[] array = {0.25};
        Decomposition split = new Decomposition(m, m, array);
        FixedCoefficients fixed = new FixedCoefficients(true, m, array, 3);
        array[0] = 9;
        split.unseenShare()[0] = 9;
        fixed.distance()[0] = 9;
        assertThat(split.unseenShare()).containsExactly(0.25);
        assertThat(fixed.distance()).containsExactly(0.25);
    }
}
