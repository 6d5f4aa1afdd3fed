package org.nullspace.features;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.nullspace.matrix.Matrix;

/** Transformers one after the other: each is fitted on the training rows as the ones before it have transformed them. Immutable. */
public final class Pipeline implements Transformer {
    private final List<Transformer> steps;

    private Pipeline(List<Transformer> steps) {
        this.steps = steps;
    }

    /**
     * Puts transformers in a row.
     *
     * @param steps the transformers, in the order of their application; none gives the transformation that copies
     * @return the composition
     */
    public static Pipeline of(Transformer... steps) {
        return of(List.of(steps));
    }

    /**
     * Puts transformers in a row.
     *
     * @param steps the transformers, in the order of their application; none gives the transformation that copies
     * @return the composition
     */
    public static Pipeline of(List<Transformer> steps) {
        return new Pipeline(List.copyOf(steps));
    }

    @Override
    public FittedTransformer fit(Matrix rows) {
        Shapes.requireSingle("rows", rows);
        List<FittedTransformer> fitted = new ArrayList<>(steps.size());
        Matrix current = rows;
        try {
            for (int s = 0; s < steps.size(); s++) {
                FittedTransformer step = steps.get(s).fit(current);
                fitted.add(step);
                if (s + 1 < steps.size()) {
                    Matrix next = step.apply(current);
                    closeUnless(rows, current);
                    current = next;
                }
            }
        } finally {
            closeUnless(rows, current);
        }
        return new Fitted(rows.columns(), List.copyOf(fitted));
    }

    private static void closeUnless(Matrix kept, Matrix matrix) {
        if (matrix != kept) {
            matrix.close();
        }
    }

    @Override
    public String toString() {
        return steps.stream().map(Object::toString).collect(Collectors.joining(", then "));
    }

    private static final class Fitted implements FittedTransformer {
        private final long inputs;
        private final List<FittedTransformer> steps;

        private Fitted(long inputs, List<FittedTransformer> steps) {
            this.inputs = inputs;
            this.steps = steps;
        }

        @Override
        public long inputs() {
            return inputs;
        }

        @Override
        public long outputs() {
            return steps.isEmpty() ? inputs : steps.get(steps.size() - 1).outputs();
        }

        @Override
        public List<String> outputNames(List<String> inputNames) {
            Shapes.requireNames(this, inputNames);
            List<String> names = List.copyOf(inputNames);
            for (FittedTransformer step : steps) {
                names = step.outputNames(names);
            }
            return names;
        }

        @Override
        public void applyTo(Matrix rows, Matrix out) {
            Shapes.requireOutput(this, rows, out);
            if (steps.isEmpty()) {
                out.copyFrom(rows);
                return;
            }
            Matrix current = rows;
            try {
                for (int s = 0; s < steps.size() - 1; s++) {
                    Matrix next = steps.get(s).apply(current);
                    closeUnless(rows, current);
                    current = next;
                }
                steps.get(steps.size() - 1).applyTo(current, out);
            } finally {
                closeUnless(rows, current);
            }
        }

        @Override
        public String toString() {
            return steps.isEmpty()
                    ? "copy"
                    : steps.stream().map(Object::toString).collect(Collectors.joining(", then "));
        }
    }
}
