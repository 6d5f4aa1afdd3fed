package org.nullspace.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.nullspace.error.InvalidInputException;

class SplitMix64Test {
    @Test
    void bitsAreThoseOfTheReferenceCodeForSeed0() {
        assertThat(longs(0, 5))
                .containsExactly(
                        0xe220a8397b1dcdafL,
                        0x6e789e6aa1b965f4L,
                        0x06c45d188009454fL,
                        0xf88bb8a8724c81ecL,
                        0x1b39896a51a8749bL);
    }

    @Test
    void bitsAreThoseOfTheReferenceCodeForSeed1234567() {
        assertThat(longs(1234567, 5))
                .containsExactly(
                        6457827717110365317L,
                        3203168211198807973L,
                        Long.parseUnsignedLong("9817491932198370423"),
                        4593380528125082431L,
                        Long.parseUnsignedLong("16408922859458223821"));
    }

    @Test
    void doublesAreTheUpper53BitsInTheUnitInterval() {
        SplitMix64 random = new SplitMix64(0);
        assertThat(random.nextDouble()).isEqualTo((0xe220a8397b1dcdafL >>> 11) * 0x1p-53);
        double sum = 0;
        int count = 200_000;
        for (int i = 0; i < count; i++) {
            double value = random.nextDouble();
            assertThat(value >= 0 && value < 1).isTrue();
            sum += value;
        }
        assertThat(sum / count).isCloseTo(0.5, within(4 * Math.sqrt(1.0 / 12 / count)));
    }

    @Test
    void boundedIntegersAreUniform() {
        SplitMix64 random = new SplitMix64(7);
        for (int bound : new int[] {1, 2, 3, 10, 1000}) {
            int[] counts = new int[bound];
            int draws = 100 * bound + 10_000;
            for (int i = 0; i < draws; i++) {
                counts[random.nextInt(bound)]++;
            }
            double expected = (double) draws / bound;
            double chiSquare = 0;
            for (int c : counts) {
                chiSquare += (c - expected) * (c - expected) / expected;
            }
            // Mean bound − 1, variance 2(bound − 1): five standard deviations.
            assertThat(chiSquare).isLessThanOrEqualTo(bound - 1 + 5 * Math.sqrt(2.0 * (bound - 1)));
        }
    }

    /** With a bound of 3·2^29 a plain multiplication without rejection gives some thirds 3 and others 2 of every 8 values. */
    @Test
    void largeBoundsHaveNoBias() {
        SplitMix64 random = new SplitMix64(11);
        int bound = 3 << 29;
        int[] residues = new int[3];
        int draws = 300_000;
        for (int i = 0; i < draws; i++) {
            int value = random.nextInt(bound);
            assertThat(value >= 0 && value < bound).isTrue();
            residues[value % 3]++;
        }
        for (int c : residues) {
            assertThat((double) c / draws).isCloseTo(1.0 / 3, within(5 * Math.sqrt(2.0 / 9 / draws)));
        }
    }

    @Test
    void rejectsABoundThatIsNotPositive() {
        SplitMix64 random = new SplitMix64(1);
        assertThatThrownBy(() -> random.nextInt(0))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("bound 0");
        assertThatThrownBy(() -> random.nextInt(-3)).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void gaussiansHaveTheMomentsOfTheStandardNormalDistribution() {
        SplitMix64 random = new SplitMix64(5);
        int count = 400_000;
        double sum = 0;
        double squares = 0;
        double fourth = 0;
        double product = 0;
        double last = 0;
        int beyondTwo = 0;
        for (int i = 0; i < count; i++) {
            double g = random.nextGaussian();
            sum += g;
            squares += g * g;
            fourth += g * g * g * g;
            product += g * last;
            last = g;
            if (Math.abs(g) > 2) {
                beyondTwo++;
            }
        }
        double unit = 5 / Math.sqrt(count);
        assertThat(sum / count).isCloseTo(0, within(unit));
        assertThat(squares / count).isCloseTo(1, within(unit * Math.sqrt(2)));
        assertThat(fourth / count).isCloseTo(3, within(unit * Math.sqrt(96)));
        assertThat(product / count).isCloseTo(0, within(unit));
        assertThat((double) beyondTwo / count).isCloseTo(0.0455003, within(unit * 0.21));
    }

    @Test
    void anyNumberOfTheSequenceIsToBeHad() {
        for (long seed : new long[] {0, 7, -1, Long.MIN_VALUE}) {
            SplitMix64 random = new SplitMix64(seed);
            for (long index = 0; index < 100; index++) {
                assertThat(SplitMix64.at(seed, index)).isEqualTo(random.nextLong());
            }
        }
    }

    @Test
    void gaussiansAreTheSameBitsOnEveryPlatform() {
        SplitMix64 random = new SplitMix64(0);
        assertThat(new double[] {random.nextGaussian(), random.nextGaussian(), random.nextGaussian()})
                .containsExactly(GOLDEN_GAUSSIANS);
    }

    /** From an independent implementation in Python (correctly rounded arithmetic, the same method). */
    private static final double[] GOLDEN_GAUSSIANS = {0.9845279121083984, -0.17586928586197706, -0.712066156240293};

    private static long[] longs(long seed, int count) {
        SplitMix64 random = new SplitMix64(seed);
        long[] out = new long[count];
        for (int i = 0; i < count; i++) {
            out[i] = random.nextLong();
        }
        return out;
    }
}
