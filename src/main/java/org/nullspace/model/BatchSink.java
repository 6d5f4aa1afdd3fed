package org.nullspace.model;

/** Where the solutions of a batch go that is solved tile by tile. */
@FunctionalInterface
public interface BatchSink {
    /**
     * Takes the solutions of a tile. Called in the order of the tiles, on the thread that called. What is thrown here ends the run.
     *
     * @param first index of the tile's first problem in the whole batch
     * @param tile its solutions, with indices that count from the first; open until this returns
     */
    void take(long first, SolutionBatch tile);
}
