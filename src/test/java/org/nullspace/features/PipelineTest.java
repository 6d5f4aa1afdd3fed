package org.nullspace.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.random.SplitMix64;

class PipelineTest {
    private static Matrix random(int rows, int columns, long seed) {
        SplitMix64 random = new SplitMix64(seed);
        Matrix m = Matrix.zeros(Precision.FLOAT64, 1, rows, columns, Layout.ROW_MAJOR);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                m.set(0, i, j, 5 + random.nextGaussian());
            }
        }
        return m;
    }

    @Test
    void stepsAreFittedAndAppliedInOrder() {
        Matrix training = random(40, 4, 1);
        Matrix other = random(9, 4, 2);
        FittedTransformer pipeline = Pipeline.of(
                        new PolynomialFeatures(2), new Standardizer(), new RandomFeatures(30, 3))
                .fit(training);

        FittedTransformer first = new PolynomialFeatures(2).fit(training);
        Matrix a = first.apply(training);
        FittedTransformer second = new Standardizer().fit(a);
        FittedTransformer third = new RandomFeatures(30, 3).fit(second.apply(a));
        assertThat(pipeline.inputs()).isEqualTo(4);
        assertThat(pipeline.outputs()).isEqualTo(30);
        assertThat(pipeline.apply(other).hasSameEntries(third.apply(second.apply(first.apply(other)))))
                .isTrue();
        assertThat(pipeline).hasToString(first + ", then " + second + ", then " + third);
    }

    @Test
    void namesGoThroughAllSteps() {
        FittedTransformer pipeline =
                Pipeline.of(new Standardizer(), new PolynomialFeatures(2)).fit(random(5, 2, 1));
        assertThat(pipeline.outputNames(List.of("a", "b"))).containsExactly("a", "b", "a^2", "a*b", "b^2");
    }

    /** Held-out rows have no say: the transformation of the training rows is the same whatever they are. */
    @Test
    void onlyTrainingRowsAreLearnedFrom() {
        Matrix all = random(50, 3, 4);
        Holdout.Split split = new Holdout(0.4, 5).split(50);
        try (MemoryScope scope = MemoryScope.open()) {
            Pipeline pipeline = Pipeline.of(new Standardizer(), new RandomFeatures(8, 1));
            Matrix training = split.training(scope, all);
            Matrix before = pipeline.fit(training).apply(training);
            for (int row : split.heldOutRows()) {
                all.set(0, row, 1, 1e6);
            }
            Matrix again = split.training(scope, all);
            assertThat(pipeline.fit(again).apply(again).hasSameEntries(before)).isTrue();
            FittedTransformer onAll = pipeline.fit(all);
            assertThat(onAll.apply(again).hasSameEntries(before)).isFalse();
        }
    }

    @Test
    void noStepsCopy() {
        Matrix x = random(3, 2, 1);
        FittedTransformer nothing = Pipeline.of().fit(x);
        Matrix copy = nothing.apply(x);
        assertThat(copy.hasSameEntries(x)).isTrue();
        assertThat(copy.memory()).isNotSameAs(x.memory());
        assertThat(nothing.outputNames(List.of("a", "b"))).containsExactly("a", "b");
    }

    @Test
    void inputIsUntouchedAndStaysUsable() {
        Matrix x = random(6, 3, 1);
        double[][] before = x.toArray();
        Pipeline.of(new PolynomialFeatures(2), new Standardizer(), new PolynomialFeatures(2))
                .fit(x)
                .apply(x);
        assertThat(x.toArray()).isDeepEqualTo(before);
    }

    @Test
    void misuseIsNamed() {
        FittedTransformer pipeline =
                Pipeline.of(new Standardizer(), new PolynomialFeatures(2)).fit(random(5, 2, 1));
        assertThatThrownBy(() -> pipeline.apply(random(5, 3, 1)))
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessage(
                        "rows have shape 5×3, standardizer, then polynomial features of degree 2 was fitted on rows of 2 columns");
        Matrix bad = random(5, 2, 1);
        bad.set(0, 4, 1, Double.NaN);
        assertThatThrownBy(() -> pipeline.apply(bad))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("row 4, column 1");
    }
}
