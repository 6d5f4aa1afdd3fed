package org.nullspace.model;

import java.util.List;

/**
 * What would be done for a batch of a given shape, without doing it.
 *
 * @param problems B
 * @param together whether problems are solved many at a time rather than one after the other
 * @param problem the plan for a problem that is solved alone: all of them, or, where {@code together}, those of which neither a certificate
 *     nor a small decomposition can tell the rank
 * @param tileProblems problems that are solved between two reports of progress; what a failure of the device loses
 * @param tileBytes memory of the device that a tile takes in addition to X, Y and the results where they were handed in: its scratch and, on
 *     a device with memory of its own, its copies of X, Y and the results
 * @param heldBytes memory of the host that the batch holds until it is closed: minimum-norm solutions, ranks and outcomes, and a copy of Y
 * @param streamedBytes memory of the host that tiles of this size take where X and Y are streamed from a source: X and Y of two tiles, the
 *     results of one
 * @param budgetBytes memory that tiles may take, {@link SolveOptions#memoryBudget()}
 * @param reasons why, one sentence each
 */
public record BatchPlan(
        long problems,
        boolean together,
        Plan problem,
        long tileProblems,
        long tileBytes,
        long heldBytes,
        long streamedBytes,
        long budgetBytes,
        List<String> reasons) {
    /**
     * Copies the list.
     *
     * @param problems B
     * @param together whether many at a time
     * @param problem the plan for one problem
     * @param tileProblems problems of a tile
     * @param tileBytes bytes of a tile on the device
     * @param heldBytes bytes of the results on the host
     * @param streamedBytes bytes of a streamed tile on the host
     * @param budgetBytes budget of a tile
     * @param reasons why
     */
    public BatchPlan {
        reasons = List.copyOf(reasons);
    }

    /**
     * The plan for people.
     *
     * @return a few lines
     */
    public String explain() {
        return problems + (problems == 1 ? " problem, " : " problems, ")
                + (together ? "solved many at a time" : "solved one after the other")
                + " on " + problem.backend() + "\n  - " + String.join("\n  - ", reasons)
                + "\ntiles of " + tileProblems + " problems: " + tileBytes + " bytes each, at most " + budgetBytes
                + "; held until the batch is closed: " + heldBytes + " bytes; streamed, a tile takes " + streamedBytes
                + " bytes of the host\nalone, a problem is solved by " + problem.methods();
    }
}
