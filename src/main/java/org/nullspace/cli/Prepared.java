package org.nullspace.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.features.FittedTransformer;
import org.nullspace.features.Holdout;
import org.nullspace.features.Pipeline;
import org.nullspace.features.Transformer;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;

/**
 * What is solved: training rows with their features made, and the held-out rows with the same features.
 *
 * @param x training rows, n×d
 * @param y their targets, n×k
 * @param xHeldOut held-out rows, or null
 * @param yHeldOut their targets, or null
 * @param featureNames names of the d features, or null if they have none
 * @param transformation how the features were made, for people, or null if they were not
 */
record Prepared(
        Matrix x,
        Matrix y,
        @Nullable Matrix xHeldOut,
        @Nullable Matrix yHeldOut,
        @Nullable List<String> featureNames,
        @Nullable String transformation) {

    static Prepared of(
            Dataset data, @Nullable Holdout holdout, List<Transformer> transformers, MemoryScope scope, Stages stages) {
        if (holdout == null && transformers.isEmpty()) {
            return new Prepared(data.x(), data.y(), null, null, data.featureNames(), null);
        }
        if (data.batched()) {
            throw new InvalidInputException(data.xName()
                    + " is a batch: --holdout, --polynomial, --standardize and --random-features work on one problem");
        }
        data.requireFinite();
        Matrix x = data.x();
        Matrix y = data.y();
        Matrix xHeldOut = null;
        Matrix yHeldOut = null;
        if (holdout != null) {
            if (x.rows() < 2) {
                throw new InvalidInputException(
                        data.name() + ": " + Text.count(x.rows(), "sample") + ", --holdout needs at least 2");
            }
            Holdout.Split split = holdout.split(x.rows());
            x = split.training(scope, data.x());
            y = split.training(scope, data.y());
            xHeldOut = split.heldOut(scope, data.x());
            yHeldOut = split.heldOut(scope, data.y());
        }
        if (transformers.isEmpty()) {
            return new Prepared(x, y, xHeldOut, yHeldOut, data.featureNames(), null);
        }
        stages.begin("making features");
        FittedTransformer fitted = Pipeline.of(transformers).fit(x);
        Matrix made = fitted.apply(scope, x);
        Matrix madeHeldOut = xHeldOut == null ? null : fitted.apply(scope, xHeldOut);
        stages.end();
        List<String> names = data.featureNames();
        return new Prepared(
                made,
                y,
                madeHeldOut,
                yHeldOut,
                fitted.outputNames(names == null ? numbered(x.columns()) : names),
                fitted.toString());
    }

    private static List<String> numbered(long count) {
        List<String> names = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            names.add("x" + i);
        }
        return names;
    }
}
