package org.nullspace;

import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.NullSpaceBatch;
import org.nullspace.model.PaddedBasis;

/** The null spaces of a solved batch. */
final class NullSpacesOfBatch implements NullSpaceBatch {
    private final BatchResults batch;
    private final int[] dimensions;
    private final int largest;

    NullSpacesOfBatch(BatchResults batch) {
        this.batch = batch;
        this.dimensions = new int[batch.size];
        int most = 0;
        for (int b = 0; b < batch.size; b++) {
            dimensions[b] = batch.solved(b) ? Math.toIntExact(batch.d - batch.ranks[b]) : -1;
            most = Math.max(most, dimensions[b]);
        }
        largest = most;
    }

    @Override
    public int[] dimensions() {
        return dimensions.clone();
    }

    @Override
    public int largestDimension() {
        return largest;
    }

    @Override
    public Matrix project(Matrix w) {
        batch.requireVectors("w", w, batch.d, -1);
        return batch.open(() -> {
            Matrix c = batch.spread(w);
            batch.projectAll(c);
            batch.spoilFailed(c);
            return c;
        });
    }

    @Override
    public Matrix coordinates(Matrix w) {
        batch.requireVectors("w", w, batch.d, -1);
        return batch.open(() -> {
            Matrix c = batch.make(largest, w.columns());
            try (Matrix copy = batch.spread(w)) {
                batch.coordinatesAll(copy, c);
            }
            batch.spoilFailed(c);
            return c;
        });
    }

    @Override
    public Matrix combine(Matrix c) {
        batch.requireVectors("c", c, largest, -1);
        return batch.open(() -> {
            Matrix w = batch.make(batch.d, c.columns());
            batch.combineAll(BatchResults.shareable(c), w);
            batch.spoilFailed(w);
            return w;
        });
    }

    @Override
    public long basisBytes() {
        return (long) (8.0 * batch.size * batch.d * largest);
    }

    @Override
    public PaddedBasis basis() {
        return batch.open(() -> {
            if (basisBytes() > HostMemory.physicalBytes()) {
                throw new InsufficientMemoryException(
                        "explicit bases of " + batch.size + " null spaces (" + batch.d + "×" + largest
                                + " each) do not fit: use project, coordinates and combine, which need no basis",
                        basisBytes(),
                        HostMemory.physicalBytes());
            }
            Matrix w = batch.make(batch.d, largest);
            try (Matrix axes = Matrix.zeros(Precision.FLOAT64, 1, largest, largest, Layout.COLUMN_MAJOR)) {
                for (int j = 0; j < largest; j++) {
                    axes.set(0, j, j, 1);
                }
                batch.combineAll(axes, w);
            }
            batch.spoilFailed(w);
            return new PaddedBasis(w, dimensions);
        });
    }
}
