package org.nullspace.solve;

import org.jspecify.annotations.Nullable;
import org.nullspace.model.Outcome;

/**
 * What came of trying one method: factors, or a verdict on the problem that no other method would change, or neither, in which case the
 * next method has its turn.
 *
 * @param factors the factorization, or null
 * @param verdict the outcome if the problem itself is at fault, or null
 * @param note what happened, one sentence that starts with the name of the method
 * @param rankHint what the rank may be, for the choice of the next method and nothing else; more than min(n,d) if nothing is known
 */
public record Attempt(@Nullable Factors factors, @Nullable Outcome verdict, String note, long rankHint) {
    static Attempt done(Factors factors, String note) {
        return new Attempt(factors, null, note, factors.rank());
    }

    static Attempt declined(String note) {
        return declined(note, Long.MAX_VALUE);
    }

    static Attempt declined(String note, long rankHint) {
        return new Attempt(null, null, note, rankHint);
    }

    static Attempt failed(Outcome verdict, String note) {
        return new Attempt(null, verdict, note, Long.MAX_VALUE);
    }
}
