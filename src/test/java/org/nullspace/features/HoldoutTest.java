package org.nullspace.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

class HoldoutTest {
    /** From an independent implementation of the documented rule in Python. */
    @Test
    void splitsAreThoseOfTheDocumentedRule() {
        assertThat(new Holdout(0.3, 0).split(10).heldOutRows()).containsExactly(GOLDEN_10);
        assertThat(new Holdout(0.25, 42).split(20).heldOutRows()).containsExactly(GOLDEN_20);
    }

    private static final int[] GOLDEN_10 = {2, 4, 8};
    private static final int[] GOLDEN_20 = {1, 4, 7, 8, 14};

    @ParameterizedTest
    @CsvSource({
        "0.2, 215, 43",
        "0.5, 5, 3",
        "0.1, 5, 1",
        "0.001, 10, 1",
        "0.999, 10, 9",
        "0.5, 2, 1",
        "0.25, 10, 3",
        "0.2499, 10, 2"
    })
    void sizes(double fraction, int rows, int heldOut) {
        Holdout.Split split = new Holdout(fraction, 1).split(rows);
        assertThat(split.heldOutRows()).hasSize(heldOut).isSorted();
        assertThat(split.trainingRows()).hasSize(rows - heldOut).isSorted();
        assertThat(IntStream.concat(IntStream.of(split.heldOutRows()), IntStream.of(split.trainingRows()))
                        .sorted())
                .containsExactlyElementsOf(IntStream.range(0, rows).boxed().toList());
    }

    /** Over many seeds each row and each pair of rows is held out as often as any other. */
    @Test
    void everySubsetIsEquallyLikely() {
        int n = 6;
        int seeds = 60_000;
        int[] subsets = new int[1 << n];
        for (int seed = 0; seed < seeds; seed++) {
            int mask = 0;
            for (int row : new Holdout(0.5, seed).split(n).heldOutRows()) {
                mask |= 1 << row;
            }
            subsets[mask]++;
        }
        for (int mask = 0; mask < subsets.length; mask++) {
            if (Integer.bitCount(mask) == 3) {
                assertThat(subsets[mask] / (double) seeds).isCloseTo(0.05, within(5 * Math.sqrt(0.0475 / seeds)));
            } else {
                assertThat(subsets[mask]).isZero();
            }
        }
    }

    @Test
    void copiesTheRowsOfEachPart() {
        Matrix x = Matrix.zeros(Precision.FLOAT32, 1, 10, 2, Layout.COLUMN_MAJOR);
        for (int i = 0; i < 10; i++) {
            x.set(0, i, 0, i);
            x.set(0, i, 1, 100 + i);
        }
        Holdout.Split split = new Holdout(0.3, 7).split(10);
        try (MemoryScope scope = MemoryScope.open()) {
            Matrix training = split.training(scope, x);
            Matrix heldOut = split.heldOut(scope, x);
            assertThat(training.shape()).isEqualTo("7×2");
            assertThat(heldOut.shape()).isEqualTo("3×2");
            assertThat(training.precision()).isEqualTo(Precision.FLOAT32);
            assertThat(training.layout()).isEqualTo(Layout.ROW_MAJOR);
            for (int i = 0; i < 7; i++) {
                assertThat(training.get(i, 0)).isEqualTo(split.trainingRows()[i]);
                assertThat(training.get(i, 1)).isEqualTo(100 + split.trainingRows()[i]);
            }
            for (int i = 0; i < 3; i++) {
                assertThat(heldOut.get(i, 0)).isEqualTo(split.heldOutRows()[i]);
            }
            assertThatThrownBy(() -> split.training(scope, x.rows(0, 9)))
                    .isInstanceOf(ShapeMismatchException.class)
                    .hasMessage("the matrix has shape 9×2, the split is one of 10 rows");
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -0.1, 1.5, Double.NaN, Double.POSITIVE_INFINITY})
    void fractionsLieBetweenZeroAndOne(double fraction) {
        assertThatThrownBy(() -> new Holdout(fraction, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("holdout fraction " + fraction);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 1L << 31, -5})
    void numbersOfRowsThatCannotBeSplit(long rows) {
        Holdout holdout = new Holdout(0.5, 1);
        assertThatThrownBy(() -> holdout.split(rows))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("there are " + rows);
    }
}
