package org.nullspace.backend.openblas;

import org.jspecify.annotations.Nullable;

/** Problems of a batch, in groups of {@link Lanes#COUNT}: all of them, or those of a list. */
final class LaneSelection {
    private final int @Nullable [] which;
    private final long size;

    private LaneSelection(int @Nullable [] which, long size) {
        this.which = which;
        this.size = size;
    }

    /** The problems 0 to {@code size − 1}. */
    static LaneSelection all(long size) {
        return new LaneSelection(null, size);
    }

    /** The problems of a list in ascending order. */
    static LaneSelection of(int[] which) {
        return new LaneSelection(which, which.length);
    }

    long size() {
        return size;
    }

    /** Number of groups, the last of which may be smaller. */
    long groups() {
        return (size + Lanes.COUNT - 1) / Lanes.COUNT;
    }

    /** Number of problems in a group. */
    int count(long group) {
        return (int) Math.min(Lanes.COUNT, size - group * Lanes.COUNT);
    }

    /** Index in the batch of a problem of a group. */
    long problem(long group, int lane) {
        long position = group * Lanes.COUNT + lane;
        return which == null ? position : which[(int) position];
    }

    /** Whether the problems of a group are neighbours in the batch. */
    boolean areNeighbours(long group) {
        int last = count(group) - 1;
        return problem(group, last) - problem(group, 0) == last;
    }
}
