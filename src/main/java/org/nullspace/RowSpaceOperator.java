package org.nullspace;

import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/** The row space of the factorized X: what the projection on the null space leaves behind. */
final class RowSpaceOperator extends SubspaceOperator {
    RowSpaceOperator(Regression regression, MemoryScope life) {
        super(regression, life);
    }

    @Override
    public long dimension() {
        return regression.rank();
    }

    @Override
    long from() {
        return 0;
    }

    @Override
    void projectInPlace(MemoryScope scratch, Matrix w) {
        Matrix nullPart = regression.factors().vectors(scratch, w.rows(), w.columns());
        regression.session().copy(w, nullPart);
        regression.factors().projectOnNullSpace(nullPart);
        regression.session().add(-1, nullPart, 1, w);
    }

    @Override
    String name() {
        return "row space";
    }
}
