package org.nullspace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.CancelledException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BatchFailure;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.FixedCoefficients;
import org.nullspace.model.FixedCoefficientsBatch;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionList;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** A list of problems, sorted into groups of one shape, each solved as a batch from a packed copy of its X and Y. */
final class ProblemList implements SolutionList {
    private final MemoryScope scope;
    private final int size;
    private final List<Group> groups = new ArrayList<>();
    private final int[] groupOf;
    private final int[] placeOf;

    private ProblemList(MemoryScope scope, int size) {
        this.scope = scope;
        this.size = size;
        this.groupOf = new int[size];
        this.placeOf = new int[size];
    }

    /** What problems of one group have in common. */
    private record Shape(long samples, long features, long targets, Precision x, Precision y) {}

    static ProblemList solve(List<Matrix> xs, List<Matrix> ys, SolveOptions options, BatchProgress progress) {
        Map<Shape, List<Integer>> byShape = shapes(xs, ys);
        requireFits(byShape);
        MemoryScope scope = MemoryScope.open();
        ProblemList list = new ProblemList(scope, xs.size());
        try {
            int done = 0;
            for (Map.Entry<Shape, List<Integer>> entry : byShape.entrySet()) {
                int[] members =
                        entry.getValue().stream().mapToInt(Integer::intValue).toArray();
                list.add(entry.getKey(), members, xs, ys, options, progress, done);
                done += members.length;
            }
            return list;
        } catch (RuntimeException | Error e) {
            try {
                list.close();
            } catch (RuntimeException closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    private static Map<Shape, List<Integer>> shapes(List<Matrix> xs, List<Matrix> ys) {
        InvalidInputException.requireNonNull("the list of X", xs);
        InvalidInputException.requireNonNull("the list of Y", ys);
        if (xs.size() != ys.size()) {
            throw new ShapeMismatchException(
                    xs.size() + " matrices X and " + ys.size() + " matrices Y: one Y for each X is needed");
        }
        Map<Shape, List<Integer>> byShape = new LinkedHashMap<>();
        for (int i = 0; i < xs.size(); i++) {
            Matrix x = single("X", i, xs.get(i));
            Matrix y = single("Y", i, ys.get(i));
            if (x.rows() != y.rows()) {
                throw new ShapeMismatchException("problem " + i + ": X has shape " + x.shape() + ", Y has shape "
                        + y.shape() + ": both must have one row per sample");
            }
            Shape shape = new Shape(x.rows(), x.columns(), y.columns(), x.precision(), y.precision());
            byShape.computeIfAbsent(shape, s -> new ArrayList<>()).add(i);
        }
        return byShape;
    }

    private static Matrix single(String name, int index, Matrix m) {
        InvalidInputException.requireNonNull(name + " of problem " + index, m);
        if (m.batch() != 1) {
            throw new ShapeMismatchException(
                    name + " of problem " + index + " is a batch of " + m.batch() + " (shape " + m.shape() + ")");
        }
        if (!m.place().isHost()) {
            throw new InvalidInputException(
                    name + " of problem " + index + " lies in the memory of " + m.place() + ": it must be on the host");
        }
        return m;
    }

    private static void requireFits(Map<Shape, List<Integer>> byShape) {
        double bytes = 0;
        for (Map.Entry<Shape, List<Integer>> entry : byShape.entrySet()) {
            Shape s = entry.getKey();
            double each = (double) s.x().bytes() * s.features() * (s.samples() + s.targets())
                    + 2.0 * s.y().bytes() * s.samples() * s.targets();
            bytes += each * entry.getValue().size();
        }
        if (bytes > HostMemory.physicalBytes()) {
            throw new InsufficientMemoryException(
                    "packed copies of a list of problems do not fit: solve fewer at a time, or stream them with"
                            + " streamBatch, one shape at a time",
                    (long) bytes,
                    HostMemory.physicalBytes());
        }
    }

    private void add(
            Shape shape,
            int[] members,
            List<Matrix> xs,
            List<Matrix> ys,
            SolveOptions options,
            BatchProgress progress,
            int done) {
        Matrix x = Matrix.uninitialized(
                scope, shape.x(), members.length, shape.samples(), shape.features(), Layout.ROW_MAJOR);
        MemoryScope inputs = MemoryScope.open();
        SolutionBatch solutions;
        try {
            Matrix y = Matrix.uninitialized(
                    inputs, shape.y(), members.length, shape.samples(), shape.targets(), Layout.COLUMN_MAJOR);
            for (int place = 0; place < members.length; place++) {
                x.problem(place).copyFrom(xs.get(members[place]));
                y.problem(place).copyFrom(ys.get(members[place]));
            }
            solutions = Nullspace.solveBatch(x, y, options, (now, total) -> progress.at(done + now, size));
        } catch (CancelledException e) {
            CancelledException whole = new CancelledException(done + e.done(), size);
            whole.initCause(e);
            throw whole;
        } finally {
            inputs.close();
        }
        for (int place = 0; place < members.length; place++) {
            groupOf[members[place]] = groups.size();
            placeOf[members[place]] = place;
        }
        groups.add(new Group(members, solutions));
    }

    // ---- what it is

    @Override
    public int size() {
        return size;
    }

    @Override
    public List<Group> groups() {
        return List.copyOf(groups);
    }

    private SolutionBatch batchOf(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("problem " + index + " of a list of " + size);
        }
        return groups.get(groupOf[index]).solutions();
    }

    @Override
    public SolutionSet problem(int index) {
        return batchOf(index).problem(placeOf[index]);
    }

    @Override
    public Outcome[] outcomes() {
        Outcome[] out = new Outcome[size];
        Arrays.setAll(out, i -> batchOf(i).outcome(placeOf[i]));
        return out;
    }

    @Override
    public List<BatchFailure> failures() {
        List<BatchFailure> out = new ArrayList<>();
        for (Group group : groups) {
            int[] members = group.problems();
            for (BatchFailure failure : group.solutions().failures()) {
                for (long i = 0; i < failure.count(); i++) {
                    out.add(new BatchFailure(members[(int) (failure.first() + i)], 1, failure.cause()));
                }
            }
        }
        out.sort(Comparator.comparingLong(BatchFailure::first));
        return out;
    }

    @Override
    public int[] ranks() {
        int[] out = new int[size];
        Arrays.setAll(out, i -> batchOf(i).rank(placeOf[i]));
        return out;
    }

    @Override
    public Matrix minimumNorm(int index) {
        return batchOf(index).minimumNorm().problem(placeOf[index]);
    }

    // ---- members

    /** Does something with each group; the results are put where their problems are in the list. */
    private List<Matrix> each(Function<Group, Matrix> work) {
        Matrix[] out = new Matrix[size];
        for (Group group : groups) {
            Matrix result = work.apply(group);
            int[] members = group.problems();
            for (int place = 0; place < members.length; place++) {
                out[members[place]] = result.problem(place);
            }
        }
        return List.of(out);
    }

    /** The same with an argument for each problem, all of one shape within a group. */
    private List<Matrix> each(
            String name, List<Matrix> arguments, java.util.function.BiFunction<SolutionBatch, Matrix, Matrix> work) {
        InvalidInputException.requireNonNull("the list of " + name, arguments);
        if (arguments.size() != size) {
            throw new ShapeMismatchException(
                    arguments.size() + " matrices " + name + " for " + size + " problems: one for each is needed");
        }
        for (int i = 0; i < size; i++) {
            single(name, i, arguments.get(i));
        }
        return each(group -> {
            try (MemoryScope scratch = MemoryScope.open()) {
                return work.apply(group.solutions(), gathered(scratch, name, group.problems(), arguments));
            }
        });
    }

    private static Matrix gathered(MemoryScope scratch, String name, int[] members, List<Matrix> from) {
        Matrix first = from.get(members[0]);
        Matrix out = Matrix.uninitialized(
                scratch, Precision.FLOAT64, members.length, first.rows(), first.columns(), Layout.COLUMN_MAJOR);
        for (int place = 0; place < members.length; place++) {
            Matrix one = from.get(members[place]);
            if (one.rows() != first.rows() || one.columns() != first.columns()) {
                throw new ShapeMismatchException(name + " of problem " + members[place] + " has shape " + one.shape()
                        + ", that of problem " + members[0] + ", whose X has the same shape, " + first.shape());
            }
            out.problem(place).copyFrom(one);
        }
        return out;
    }

    @Override
    public List<Matrix> closestTo(List<Matrix> priors) {
        return each("prior", priors, SolutionBatch::closestTo);
    }

    @Override
    public List<Matrix> gradientDescentLimit(List<Matrix> starts) {
        return each("start", starts, SolutionBatch::gradientDescentLimit);
    }

    @Override
    public List<Matrix> random(long seed, double radius) {
        return each(group -> {
            int[] members = group.problems();
            return results(group).random(place -> SolutionBatch.seedOf(seed, members[place]), radius);
        });
    }

    private static BatchResults results(Group group) {
        if (group.solutions() instanceof BatchResults results) {
            return results;
        }
        throw new IllegalStateException("a group of another kind: " + group.solutions());
    }

    @Override
    public List<@Nullable FixedCoefficients> fixing(int[] indices, double[] values) {
        InvalidInputException.requireNonNull("the array of indices", indices);
        InvalidInputException.requireNonNull("the array of values", values);
        for (Group group : groups) {
            BatchResults results = results(group);
            Prescription.require(indices, values, results.d, results.x.shape());
        }
        FixedCoefficients[] out = new FixedCoefficients[size];
        for (Group group : groups) {
            FixedCoefficientsBatch fixed = group.solutions().fixing(indices, Matrix.column(values));
            int[] members = group.problems();
            for (int place = 0; place < members.length; place++) {
                if (group.solutions().outcome(place).isSolved()) {
                    Matrix distance = fixed.distance().problem(place);
                    double[] distances = new double[(int) distance.columns()];
                    Arrays.setAll(distances, j -> distance.get(0, 0, j));
                    out[members[place]] = new FixedCoefficients(
                            fixed.feasible()[place],
                            fixed.weights().problem(place),
                            distances,
                            fixed.remainingFreedom()[place]);
                }
            }
        }
        return Arrays.asList(out);
    }

    @Override
    public List<Matrix> project(List<Matrix> w) {
        return each("w", w, (batch, vectors) -> batch.nullSpaces().project(vectors));
    }

    @Override
    public List<Matrix> predict(List<Matrix> x) {
        return each("x", x, SolutionBatch::predict);
    }

    @Override
    public void close() {
        RuntimeException first = null;
        for (Group group : groups) {
            try {
                group.solutions().close();
            } catch (RuntimeException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        scope.close();
        if (first != null) {
            throw first;
        }
    }
}
