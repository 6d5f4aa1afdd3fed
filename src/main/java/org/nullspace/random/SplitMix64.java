package org.nullspace.random;

import org.nullspace.error.InvalidInputException;

/**
 * The generator SplitMix64: a 64-bit counter with the golden-ratio increment and a finalizer that passes BigCrush. Period
 * 2<sup>64</sup>. Same seed, same numbers, on every platform: integer arithmetic, exactly rounded operations and {@link StrictMath}
 * only. Not for cryptography.
 *
 * <p>Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, fig. 17; the constants of the
 * finalizer are those of the reference code {@code splitmix64.c} by S. Vigna (2015).
 *
 * <p><b>Threads.</b> Not thread-safe: one generator for each thread.
 */
public final class SplitMix64 {
    /** What the counter grows by: 2⁶⁴ divided by the golden ratio, odd. */
    private static final long INCREMENT = 0x9e3779b97f4a7c15L;

    private long state;
    private double spareGaussian;
    private boolean hasSpareGaussian;

    /**
     * Creates a generator.
     *
     * @param seed the state it starts from; every value is good, 0 too
     */
    public SplitMix64(long seed) {
        this.state = seed;
    }

    /**
     * The next 64 random bits.
     *
     * @return uniform over all 2<sup>64</sup> values
     */
    public long nextLong() {
        state += INCREMENT;
        return mixed(state);
    }

    /**
     * A number of the sequence that starts at a seed, without those before it.
     *
     * @param seed the seed
     * @param index which number, from 0; the same as {@link #nextLong()} gives in the call after {@code index} others. For one seed all
     *     indices have different numbers
     * @return uniform over all 2<sup>64</sup> values
     */
    public static long at(long seed, long index) {
        return mixed(seed + (index + 1) * INCREMENT);
    }

    private static long mixed(long counter) {
        long z = counter;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /**
     * A number in [0, 1): the upper 53 bits of {@link #nextLong()} times 2<sup>−53</sup>.
     *
     * @return uniform over the multiples of 2<sup>−53</sup> in [0, 1)
     */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }

    /**
     * An integer in [0, bound) without bias: multiply and reject, on the upper 32 bits of {@link #nextLong()}. Source: D. Lemire, "Fast
     * random integer generation in an interval", ACM TOMACS 29(1), 2019, algorithm 5 with L = 32.
     *
     * @param bound number of values, at least 1
     * @return uniform over 0, …, bound − 1
     * @throws InvalidInputException if bound is not positive
     */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new InvalidInputException("bound " + bound + " must be positive");
        }
        long product = (nextLong() >>> 32) * bound;
        long low = product & 0xffffffffL;
        if (low < bound) {
            long threshold = (1L << 32) % bound;
            while (low < threshold) {
                product = (nextLong() >>> 32) * bound;
                low = product & 0xffffffffL;
            }
        }
        return (int) (product >>> 32);
    }

    /**
     * A number from the standard normal distribution, by the polar method with {@link StrictMath}. Numbers are made in pairs; every
     * second call returns the other one of the pair. Source: G. Marsaglia, T. Bray, "A convenient method for generating normal
     * variables", SIAM Review 6(3), 1964.
     *
     * @return mean 0, variance 1
     */
    public double nextGaussian() {
        if (hasSpareGaussian) {
            hasSpareGaussian = false;
            return spareGaussian;
        }
        while (true) {
            double u = 2 * nextDouble() - 1;
            double v = 2 * nextDouble() - 1;
            double s = u * u + v * v;
            if (s > 0 && s < 1) {
                double factor = Math.sqrt(-2 * StrictMath.log(s) / s);
                spareGaussian = v * factor;
                hasSpareGaussian = true;
                return u * factor;
            }
        }
    }
}
