package org.nullspace.backend;

import org.nullspace.random.SplitMix64;

/**
 * The sparse random matrix S (k×q) of {@link Session#sketch}: each column has ζ = {@link #perRow} entries ±1, one in each of ζ blocks of rows of
 * nearly equal size, all other entries are 0. Column i takes ζ numbers of 64 bits from the sequence of SplitMix64 that starts at the
 * seed; the upper half of a number chooses the row within its block, the lowest bit the sign. So every backend has the same S, any part of it
 * can be made anywhere, and it takes no memory.
 *
 * <p>S/√ζ is the block construction of an oblivious subspace embedding: Nelson and Nguyễn, "OSNAP: faster numerical linear algebra algorithms via sparser
 * subspace embeddings", FOCS 2013; Kane and Nelson, J. ACM 61 (2014). That eight entries for each column and twice as many rows as the subspace has
 * dimensions distort little more than a Gaussian matrix of that size, 1 ± √½, is experience and not theorem: Tropp, Yurtsever, Udell and
 * Cevher, SIAM J. Sci. Comput. 41 (2019), §3.3; Martinsson and Tropp, Acta Numerica 29 (2020), §9.2. Who relies on it checks the result.
 */
public final class SparseSigns {
    private static final int MOST = 8;

    private SparseSigns() {}

    /**
     * ζ: how many rows of the sketch a row of A goes to.
     *
     * @param k rows of the sketch, at least 1
     * @return 8, or k if that is less
     */
    public static int perRow(long k) {
        return (int) Math.min(MOST, k);
    }

    /**
     * First row of a block.
     *
     * @param k rows of the sketch
     * @param block index of the block, at most ζ
     * @return a row; k for block ζ
     */
    public static long blockStart(long k, int block) {
        return k * block / perRow(k);
    }

    /**
     * The random number that an entry is made from.
     *
     * @param seed seed of S
     * @param column column of S, which is a row of A
     * @param block index of the block
     * @param perRow ζ
     * @return 64 random bits
     */
    public static long bits(long seed, long column, int block, int perRow) {
        return SplitMix64.at(seed, column * perRow + block);
    }

    /**
     * The row within its block that an entry lies in.
     *
     * @param bits the number that it is made from
     * @param size rows of the block, less than 2³¹
     * @return index from 0
     */
    public static long rowInBlock(long bits, long size) {
        return ((bits >>> 32) * size) >>> 32;
    }

    /**
     * The sign of an entry.
     *
     * @param bits the number that it is made from
     * @return 1 or −1
     */
    public static double sign(long bits) {
        return (bits & 1) == 0 ? 1 : -1;
    }
}
