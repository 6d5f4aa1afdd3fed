package org.nullspace.select;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nullspace.random.SplitMix64;

/** Filters of ridge paths as combinations of few: the sums are compared in extended precision by parts, target by target. */
class FilterBasisTest {
    private static final double EPS = 0x1p-52;

    private static double[] spectrum(int rank, double condition) {
        double[] sigma = new double[rank];
        Arrays.setAll(sigma, i -> rank == 1 ? 1 : Math.pow(condition, -i / (rank - 1.0)));
        return sigma;
    }

    private static double[][] ridge(double[] sigma, int count, double least, double most) {
        double[][] filters = new double[count][sigma.length];
        for (int l = 0; l < count; l++) {
            double lambda = least * Math.pow(most / least, l / (count - 1.0));
            for (int i = 0; i < sigma.length; i++) {
                filters[l][i] = sigma[i] / (sigma[i] * sigma[i] + lambda);
            }
        }
        return filters;
    }

    private static double[][] gaussian(long seed, int targets, double[] scale) {
        SplitMix64 random = new SplitMix64(seed);
        double[][] out = new double[targets][scale.length];
        for (double[] row : out) {
            Arrays.setAll(row, i -> scale[i] * random.nextGaussian());
        }
        return out;
    }

    /** Largest error in units of ε relative to the norm of what it stands for. */
    private static double error(FilterBasis basis, double[][] filters, double[][] coordinates) {
        double worst = 0;
        for (int l = 0; l < filters.length; l++) {
            double[] combined = new double[filters[l].length];
            for (int i = 0; i < combined.length; i++) {
                for (int m = 0; m < basis.functions().length; m++) {
                    combined[i] = Math.fma(basis.combinations()[l][m], basis.functions()[m][i], combined[i]);
                }
            }
            for (double[] c : coordinates) {
                double difference = 0;
                double size = 0;
                for (int i = 0; i < c.length; i++) {
                    difference = Math.hypot(difference, (combined[i] - filters[l][i]) * c[i]);
                    size = Math.hypot(size, filters[l][i] * c[i]);
                }
                worst = Math.max(worst, size == 0 ? 0 : difference / size / EPS);
            }
        }
        return worst;
    }

    @ParameterizedTest
    @CsvSource({"60, 2, 18", "300, 2, 19", "300, 10, 32", "500, 100, 50"})
    void fewFunctionsAreEnough(int rank, double condition, int most) {
        double[] sigma = spectrum(rank, condition);
        double[][] filters = ridge(sigma, 120, 1e-8, 1e8);
        double[] even = new double[rank];
        Arrays.fill(even, 1);
        double[][] coordinates = gaussian(5, 9, even);
        FilterBasis basis = FilterBasis.of(filters, coordinates, EPS);
        assertThat(basis).isNotNull();
        assertThat(basis.functions().length).isLessThanOrEqualTo(most);
        assertThat(error(basis, filters, coordinates)).isLessThan(20);
    }

    @Test
    void coordinatesMayBeOfAnySize() {
        double[] sigma = spectrum(80, 4);
        double[][] filters = ridge(sigma, 100, 1e-6, 1e4);
        double[] decaying = new double[80];
        Arrays.setAll(decaying, i -> Math.pow(10, -i / 8.0));
        for (double unit : new double[] {1, 1e150, 1e-150}) {
            double[] scale = decaying.clone();
            Arrays.setAll(scale, i -> scale[i] * unit);
            double[][] coordinates = gaussian(6, 5, scale);
            Arrays.fill(coordinates[2], 0);
            FilterBasis basis = FilterBasis.of(filters, coordinates, EPS);
            assertThat(basis).as("unit " + unit).isNotNull();
            assertThat(error(basis, filters, coordinates)).isLessThan(20);
        }
    }

    /** Targets that look at what all others have next to nothing of. */
    @Test
    void aTargetThatIsNotLikeTheOthersIsNotForgotten() {
        double[] sigma = spectrum(80, 1e4);
        double[][] filters = ridge(sigma, 100, 1e-10, 1e4);
        double[] leading = new double[80];
        Arrays.setAll(leading, i -> i < 10 ? 1 : 1e-13);
        double[][] coordinates = gaussian(7, 6, leading);
        Arrays.fill(coordinates[3], 0);
        coordinates[3][79] = 1e-13;
        FilterBasis basis = FilterBasis.of(filters, coordinates, EPS);
        if (basis != null) {
            assertThat(error(basis, filters, coordinates)).isLessThan(20);
        }
    }

    @Test
    void nothingIsMadeOfLittle() {
        double[] sigma = spectrum(3, 10);
        double[][] coordinates = gaussian(8, 2, new double[] {1, 1, 1});
        assertThat(FilterBasis.of(new double[0][], coordinates, EPS)).isNull();
        assertThat(FilterBasis.of(ridge(sigma, 2, 1, 2), coordinates, EPS)).isNull();
        assertThat(FilterBasis.of(ridge(sigma, 100, 1, 2), new double[0][], EPS))
                .isNull();
        assertThat(FilterBasis.of(ridge(sigma, 100, 1, 2), new double[2][3], EPS))
                .isNull();
        // No two filters are alike: random tables have full rank.
        double[] even = new double[50];
        Arrays.fill(even, 1);
        assertThat(FilterBasis.of(gaussian(9, 60, even), gaussian(10, 2, even), EPS))
                .isNull();
        double[][] infinite = ridge(spectrum(50, 10), 60, 1, 2);
        infinite[7][7] = Double.POSITIVE_INFINITY;
        assertThat(FilterBasis.of(infinite, gaussian(10, 2, even), EPS)).isNull();
    }
}
