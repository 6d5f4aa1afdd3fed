package org.nullspace;

import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.NullSpace;

/** The null space of the factorized X. */
final class NullSpaceOperator extends SubspaceOperator implements NullSpace {
    NullSpaceOperator(Regression regression, MemoryScope life) {
        super(regression, life);
    }

    @Override
    public long dimension() {
        return regression.x().columns() - regression.rank();
    }

    @Override
    long from() {
        return regression.rank();
    }

    @Override
    void projectInPlace(MemoryScope scratch, Matrix w) {
        regression.factors().projectOnNullSpace(w);
    }

    @Override
    String name() {
        return "null space";
    }
}
