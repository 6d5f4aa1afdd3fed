package org.nullspace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.backend.Availability;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.ClosedException;
import org.nullspace.error.ConfinementException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.NoSolutionException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.features.FittedTransformer;
import org.nullspace.features.Holdout;
import org.nullspace.features.PolynomialFeatures;
import org.nullspace.features.Standardizer;
import org.nullspace.features.Transformer;
import org.nullspace.matrix.HostMemory;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.BatchProgress;
import org.nullspace.model.Factorization;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.NullSpace;
import org.nullspace.model.NullSpaceBatch;
import org.nullspace.model.Outcome;
import org.nullspace.model.SolutionBatch;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.model.Subspace;
import org.nullspace.random.SplitMix64;

/**
 * What the Java interface answers to misuse: the type of the exception and a message that names what and where. The first half breaks
 * every argument of every method that takes data in the same few ways; the second half is a table of particular cases with their texts.
 */
class MisuseTest {
    private static final SolveOptions DEFAULTS = SolveOptions.defaults();

    private static Matrix numbers(long batch, long rows, long columns, long seed) {
        SplitMix64 random = new SplitMix64(seed);
        Matrix m = Matrix.zeros(Precision.FLOAT64, batch, rows, columns, Layout.ROW_MAJOR);
        for (long b = 0; b < batch; b++) {
            for (long i = 0; i < rows; i++) {
                for (long j = 0; j < columns; j++) {
                    m.set(b, i, j, random.nextGaussian());
                }
            }
        }
        return m;
    }

    /** A regression of 4 samples, 6 features and 1 target. */
    private static SolutionSet set() {
        return Nullspace.solve(numbers(1, 4, 6, 1), numbers(1, 4, 1, 2));
    }

    private static Factorization factorization() {
        return Nullspace.factor(numbers(1, 4, 6, 1), DEFAULTS);
    }

    // ---- every argument of every method

    /**
     * An argument that fits.
     *
     * @param value the argument
     * @param misfit an argument of the same type and of a shape that does not fit, or null if every shape fits
     */
    private record Good(Object value, Object misfit) {}

    private static Good matrix(long rows, long columns) {
        return new Good(numbers(1, rows, columns, 3), numbers(1, rows + 1, columns, 3));
    }

    private static Good batch(long rows, long columns) {
        return new Good(numbers(3, rows, columns, 3), numbers(3, rows + 1, columns, 3));
    }

    private static Good batchSamples(long columns) {
        return new Good(numbers(3, 2, columns, 3), numbers(3, 2, columns + 1, 3));
    }

    private static Good samples(long columns) {
        return new Good(numbers(1, 3, columns, 3), numbers(1, 3, columns + 1, 3));
    }

    private static Good array(int length) {
        return new Good(new double[length], new double[length + 1]);
    }

    private static Good any(Object value) {
        return new Good(value, null);
    }

    /**
     * A method and arguments that fit it.
     *
     * @param on makes the object that it is called on; an {@link AutoCloseable} is closed afterwards. Null for a static method
     * @param ends closes what must be open for the method to work; null if nothing
     */
    private record Call(Class<?> type, String name, String note, Object on, AutoCloseable ends, List<Good> arguments) {
        Call(Class<?> type, String name, Object on, AutoCloseable ends, Good... arguments) {
            this(type, name, "", on, ends, List.of(arguments));
        }

        java.lang.reflect.Method method() {
            List<java.lang.reflect.Method> fitting = Arrays.stream(type.getMethods())
                    .filter(m -> m.getName().equals(name) && m.getParameterCount() == arguments.size())
                    .filter(m -> {
                        for (int i = 0; i < arguments.size(); i++) {
                            if (!boxed(m.getParameterTypes()[i])
                                    .isInstance(arguments.get(i).value())) {
                                return false;
                            }
                        }
                        return true;
                    })
                    .toList();
            assertThat(fitting).as(toString()).hasSize(1);
            return fitting.get(0);
        }

        /** Calls the method with one argument exchanged; what it throws, or null. */
        Throwable with(int index, Object argument) {
            Object[] values = arguments.stream().map(Good::value).toArray();
            if (index >= 0) {
                values[index] = argument;
            }
            java.lang.reflect.Method method = method();
            try {
                method.setAccessible(true);
                Object result = method.invoke(on, values);
                if (result instanceof AutoCloseable closeable) {
                    closeable.close();
                }
                return null;
            } catch (InvocationTargetException e) {
                return e.getCause();
            } catch (Exception e) {
                throw new AssertionError(this + " could not be called", e);
            }
        }

        @Override
        public String toString() {
            return type.getSimpleName() + "." + name
                    + arguments.stream()
                            .map(a -> a.value() instanceof Matrix m
                                    ? m.shape()
                                    : a.value().getClass().getSimpleName())
                            .collect(Collectors.joining(", ", "(", ")"))
                    + note;
        }
    }

    private static Class<?> boxed(Class<?> type) {
        return type == double.class
                ? Double.class
                : type == int.class ? Integer.class : type == long.class ? Long.class : type;
    }

    private static final List<Class<?>> EXAMINED = List.of(
            Nullspace.class,
            Factorization.class,
            SolutionSet.class,
            SolutionBatch.class,
            NullSpaceBatch.class,
            Subspace.class,
            FittedTransformer.class,
            Transformer.class,
            Holdout.Split.class);

    static Stream<Call> calls() {
        List<Call> all = new ArrayList<>();
        Good x = matrix(4, 6);
        Good y = matrix(4, 1);
        Good options = any(DEFAULTS);
        all.add(new Call(Nullspace.class, "solve", null, null, new Good(new double[4][6], new double[5][6]), array(4)));
        all.add(new Call(Nullspace.class, "solve", null, null, x, y));
        all.add(new Call(Nullspace.class, "solve", null, null, x, y, options));
        all.add(new Call(Nullspace.class, "solveBatch", null, null, batch(4, 6), batch(4, 1), options));
        all.add(new Call(
                Nullspace.class, "solveBatch", null, null, batch(4, 6), batch(4, 1), options, any(BatchProgress.NONE)));
        all.add(new Call(Nullspace.class, "factor", null, null, any(x.value()), options));
        all.add(new Call(
                Nullspace.class, "plan", null, null, any(4L), any(6L), any(1L), any(Precision.FLOAT64), options));

        Factorization f = factorization();
        all.add(new Call(Factorization.class, "solve", f, f, y));
        all.add(new Call(Factorization.class, "ridgePath", f, f, y, any(new double[] {1, 2})));

        SolutionBatch several = Nullspace.solveBatch(numbers(3, 4, 6, 1), numbers(3, 4, 1, 2), DEFAULTS);
        for (String name : List.of("closestTo", "gradientDescentLimit")) {
            all.add(new Call(SolutionBatch.class, name, several, several, batch(6, 1)));
        }
        all.add(new Call(SolutionBatch.class, "predict", several, several, batchSamples(6)));
        all.add(new Call(SolutionBatch.class, "predict", several, several, batchSamples(6), batch(6, 1)));
        all.add(new Call(
                SolutionBatch.class,
                "fixing",
                several,
                several,
                new Good(new int[] {1, 3}, new int[] {1, 3, 4}),
                batch(2, 1)));
        NullSpaceBatch nullSpaces = several.nullSpaces();
        all.add(new Call(NullSpaceBatch.class, "project", nullSpaces, several, batch(6, 1)));
        all.add(new Call(NullSpaceBatch.class, "coordinates", nullSpaces, several, batch(6, 1)));
        all.add(new Call(NullSpaceBatch.class, "combine", nullSpaces, several, batch(2, 1)));

        SolutionSet s = set();
        Good w = matrix(6, 1);
        Good tolerance = any(1e-9);
        all.add(new Call(SolutionSet.class, "ridge", s, s, array(1)));
        all.add(new Call(SolutionSet.class, "ridgePath", s, s, any(new double[] {1, 2})));
        all.add(new Call(
                SolutionSet.class,
                "bandedRidgePath",
                s,
                s,
                new Good(new double[] {1, 1, 1, 2, 2, 2}, new double[7]),
                any(new double[] {1, 2})));
        for (String name : List.of("intercept", "closestTo", "gradientDescentLimit", "decompose", "contains")) {
            all.add(new Call(SolutionSet.class, name, s, s, w));
        }
        for (String name : List.of("closestTo", "gradientDescentLimit", "decompose", "contains")) {
            all.add(new Call(SolutionSet.class, name, s, s, array(6)));
        }
        all.add(new Call(SolutionSet.class, "contains", s, s, w, tolerance));
        all.add(new Call(SolutionSet.class, "member", s, s, matrix(2, 1)));
        all.add(new Call(SolutionSet.class, "member", s, s, array(2)));
        all.add(new Call(SolutionSet.class, "fixing", s, s, new Good(new int[] {1}, new int[] {1, 2}), array(1)));
        all.add(new Call(SolutionSet.class, "predict", s, s, samples(6)));
        all.add(new Call(SolutionSet.class, "predict", s, s, samples(6), w));
        all.add(new Call(SolutionSet.class, "predict", s, s, new Good(new double[3][6], new double[3][7])));

        for (Subspace space : List.of(s.nullSpace(), s.rowSpace())) {
            String note = space instanceof NullSpace ? " of the null space" : " of the row space";
            all.add(new Call(Subspace.class, "project", note, space, s, List.of(matrix(6, 2))));
            all.add(new Call(Subspace.class, "project", note, space, s, List.of(array(6))));
            all.add(new Call(Subspace.class, "coordinates", note, space, s, List.of(matrix(6, 2))));
            all.add(new Call(Subspace.class, "combine", note, space, s, List.of(matrix(space.dimension(), 2))));
            all.add(new Call(Subspace.class, "contains", note, space, s, List.of(matrix(6, 2), tolerance)));
        }

        MemoryScope scope = MemoryScope.open();
        for (Transformer transformer : List.of(new Standardizer(), new PolynomialFeatures(2))) {
            all.add(new Call(Transformer.class, "fit", transformer, null, any(numbers(1, 5, 3, 4))));
            FittedTransformer fitted = transformer.fit(numbers(1, 5, 3, 4));
            all.add(new Call(FittedTransformer.class, "apply", fitted, null, samples(3)));
            all.add(new Call(FittedTransformer.class, "apply", fitted, null, any(scope), samples(3)));
            all.add(new Call(
                    FittedTransformer.class, "applyTo", fitted, null, samples(3), matrix(3, fitted.outputs())));
        }
        Holdout.Split split = new Holdout(0.25, 1).split(4);
        all.add(new Call(Holdout.Split.class, "training", split, null, any(scope), x));
        all.add(new Call(Holdout.Split.class, "heldOut", split, null, any(scope), x));
        return all.stream();
    }

    /** Whether a method takes matrices or arrays, or any other object. */
    private static boolean takesData(java.lang.reflect.Method m) {
        return Arrays.stream(m.getParameterTypes()).anyMatch(t -> t == Matrix.class || t.isArray());
    }

    @Test
    void noMethodThatTakesDataIsForgotten() {
        Set<String> there = new TreeSet<>();
        for (Class<?> type : EXAMINED) {
            for (java.lang.reflect.Method m : type.getMethods()) {
                if (takesData(m) && Modifier.isPublic(m.getModifiers())) {
                    there.add(m.getDeclaringClass().getSimpleName() + "." + m.getName()
                            + Arrays.toString(m.getParameterTypes()));
                }
            }
        }
        Set<String> tested = calls().map(Call::method)
                .filter(MisuseTest::takesData)
                .map(m -> m.getDeclaringClass().getSimpleName() + "." + m.getName()
                        + Arrays.toString(m.getParameterTypes()))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(tested).isEqualTo(there).hasSizeGreaterThan(25);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void argumentsThatFitAreAccepted(Call call) {
        assertThat(call.with(-1, null)).isNull();
    }

    @ParameterizedTest
    @MethodSource("calls")
    void nullIsNamed(Call call) {
        for (int i = 0; i < call.arguments().size(); i++) {
            if (!call.method().getParameterTypes()[i].isPrimitive()) {
                assertThat(call.with(i, null))
                        .as("argument %d of %s", i, call)
                        .isExactlyInstanceOf(InvalidInputException.class)
                        .hasMessageEndingWith(" is null");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void shapesThatDoNotFitAreNamed(Call call) {
        for (int i = 0; i < call.arguments().size(); i++) {
            Good argument = call.arguments().get(i);
            if (argument.misfit() != null) {
                Throwable thrown = call.with(i, argument.misfit());
                assertThat(thrown)
                        .as("argument %d of %s", i, call)
                        .isExactlyInstanceOf(ShapeMismatchException.class)
                        .hasMessageContaining(size(argument.misfit()));
                Set<String> sizes = Pattern.compile("[0-9]+(×[0-9]+)*")
                        .matcher(thrown.getMessage())
                        .results()
                        .map(MatchResult::group)
                        .collect(Collectors.toSet());
                assertThat(sizes)
                        .as(
                                "both sizes, that of the argument and that of what it should fit, in: %s",
                                thrown.getMessage())
                        .hasSizeGreaterThan(1);
            }
        }
    }

    /** How a message names the size of an argument. */
    private static String size(Object argument) {
        if (argument instanceof Matrix m) {
            return m.shape();
        }
        if (argument instanceof double[][] rows && rows.length != 3) {
            return Integer.toString(rows.length);
        }
        if (argument instanceof double[][] rows) {
            return rows.length + "×" + rows[0].length;
        }
        return Integer.toString(argument instanceof int[] ints ? ints.length : ((double[]) argument).length);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aBatchIsRefusedWhereASingleMatrixIsNeeded(Call call) {
        for (int i = 0; i < call.arguments().size(); i++) {
            if (call.arguments().get(i).value() instanceof Matrix single) {
                Matrix batch = numbers(2, single.rows(), single.columns(), 5);
                assertThat(call.with(i, batch))
                        .as("argument %d of %s", i, call)
                        .isExactlyInstanceOf(ShapeMismatchException.class)
                        .hasMessageContaining("a batch of 2")
                        .hasMessageContaining(batch.shape());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aClosedMatrixIsRefused(Call call) {
        for (int i = 0; i < call.arguments().size(); i++) {
            if (call.arguments().get(i).value() instanceof Matrix open) {
                Matrix closed = open.copy(Layout.ROW_MAJOR);
                closed.close();
                assertThat(call.with(i, closed))
                        .as("argument %d of %s", i, call)
                        .isExactlyInstanceOf(ClosedException.class)
                        .hasMessageContaining("closed");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aMatrixOfAnotherThreadIsRefused(Call call) {
        try (MemoryScope confined = MemoryScope.confined()) {
            for (int i = 0; i < call.arguments().size(); i++) {
                if (call.arguments().get(i).value() instanceof Matrix open) {
                    Matrix mine = Matrix.zeros(
                            confined, Precision.FLOAT64, open.batch(), open.rows(), open.columns(), Layout.ROW_MAJOR);
                    mine.copyFrom(open);
                    int index = i;
                    assertThat(onThread("other", () -> call.with(index, mine)))
                            .as("argument %d of %s", i, call)
                            .isExactlyInstanceOf(ConfinementException.class)
                            .hasMessageContaining("belongs to thread \""
                                    + Thread.currentThread().getName() + "\"")
                            .hasMessageEndingWith("was used from thread \"other\"");
                }
            }
        }
    }

    private static Throwable onThread(String name, java.util.function.Supplier<Throwable> work) {
        AtomicReference<Throwable> result = new AtomicReference<>();
        Thread thread = new Thread(() -> result.set(work.get()), name);
        thread.start();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return result.get();
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aClosedObjectSaysSo(Call call) throws Exception {
        if (call.ends() != null) {
            call.ends().close();
            assertThat(call.with(-1, null))
                    .as(call.toString())
                    .isExactlyInstanceOf(ClosedException.class)
                    .hasMessageContaining("4×6")
                    .hasMessageContaining("closed");
        }
    }

    // ---- methods without data

    static Stream<Arguments> closedSet() {
        return Stream.of(
                closed("rank", SolutionSet::rank),
                closed("nullity", SolutionSet::nullity),
                closed("singularValues", SolutionSet::singularValues),
                closed("rankDecision", SolutionSet::rankDecision),
                closed("condition", SolutionSet::condition),
                closed("certificate", SolutionSet::certificate),
                closed("intercept", SolutionSet::intercept),
                closed("random", s -> s.random(1, 1)),
                closed("fixing", s -> s.fixing(0, 1)),
                closed("ridge", s -> s.ridge(1)),
                closed("nullSpace", SolutionSet::nullSpace),
                closed("rowSpace", SolutionSet::rowSpace));
    }

    private static Arguments closed(String name, Function<SolutionSet, ?> use) {
        return Arguments.of(name, use);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void closedSet(String name, Function<SolutionSet, ?> use) {
        SolutionSet open = set();
        Factorization f = factorization();
        SolutionSet inner = f.solve(numbers(1, 4, 1, 2));
        assertThat(use.apply(open)).isNotNull();
        assertThat(use.apply(inner)).isNotNull();
        open.close();
        inner.close();
        for (SolutionSet closed : List.of(open, inner)) {
            assertThatThrownBy(() -> use.apply(closed))
                    .isExactlyInstanceOf(ClosedException.class)
                    .hasMessageContaining("X (4×6)")
                    .hasMessageEndingWith("was used after it had been closed");
        }
        // The factorization does not end with one of its sets, but its sets end with it.
        try (SolutionSet next = f.solve(numbers(1, 4, 1, 3))) {
            assertThat(use.apply(next)).isNotNull();
            f.close();
            assertThatThrownBy(() -> use.apply(next)).isExactlyInstanceOf(ClosedException.class);
        }
    }

    @Test
    void whatIsLeftOfAClosedSet() {
        SolutionSet s = set();
        NullSpace space = s.nullSpace();
        Matrix w = s.minimumNorm();
        double[] residuals = s.residualNorms();
        s.close();
        s.close();
        assertThat(s.samples()).isEqualTo(4);
        assertThat(s.features()).isEqualTo(6);
        assertThat(s.targets()).isEqualTo(1);
        assertThat(s.outcome()).isEqualTo(Outcome.FULL_RANK);
        assertThat(s.residualNorms()).as("asked for before").containsExactly(residuals);
        assertThatThrownBy(() -> w.get(0, 0)).isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(space::basis).isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> space.project(new double[6]))
                .isExactlyInstanceOf(ClosedException.class)
                .hasMessageContaining("X (4×6)");
    }

    @Test
    void aClosedBatch() {
        Matrix x = numbers(3, 4, 6, 1);
        SolutionBatch batch = Nullspace.solveBatch(x, numbers(3, 4, 1, 2), DEFAULTS);
        for (int bad : new int[] {-1, 3}) {
            assertThatThrownBy(() -> batch.problem(bad))
                    .isExactlyInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("problem " + bad + " of a batch of 3");
        }
        SolutionSet second = batch.problem(1);
        assertThat(second.rank()).isEqualTo(4);
        batch.close();
        batch.close();
        assertThatThrownBy(second::rank).isExactlyInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> batch.minimumNorm().get(0, 0, 0)).isExactlyInstanceOf(ClosedException.class);
        assertThat(batch.ranks()).containsExactly(4, 4, 4);
        assertThat(batch.outcomes()).containsOnly(Outcome.FULL_RANK);
    }

    @Test
    void xMustOutliveItsSolutionSet() {
        Matrix x = numbers(1, 4, 6, 1);
        try (SolutionSet s = Nullspace.solve(x, numbers(1, 4, 1, 2))) {
            x.close();
            assertThatThrownBy(s::certificate)
                    .isExactlyInstanceOf(ClosedException.class)
                    .hasMessageContaining("matrix 6×4")
                    .hasMessageContaining("closed");
        }
    }

    // ---- the table

    private record Row(String what, Runnable misuse, Class<? extends Throwable> type, String message) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static Row on(String what, Consumer<SolutionSet> misuse, Class<? extends Throwable> type, String message) {
        return new Row(
                what,
                () -> {
                    try (SolutionSet s = set()) {
                        misuse.accept(s);
                    }
                },
                type,
                message);
    }

    private static SolveOptions weights(double... weights) {
        return SolveOptions.builder().sampleWeights(weights).build();
    }

    static Stream<Row> rows() {
        Class<ShapeMismatchException> shape = ShapeMismatchException.class;
        Class<InvalidInputException> input = InvalidInputException.class;
        double[][] x = {{1, 2, 3}, {4, 5, 6}};
        double[] y = {1, 2};
        return Stream.of(
                new Row(
                        "ragged array",
                        () -> Nullspace.solve(new double[][] {{1, 2, 3}, {4, 5}}, y),
                        shape,
                        "row 0 has 3 entries, row 1 has 2: all rows must have the same length"),
                new Row("missing row", () -> Nullspace.solve(new double[][] {{1, 2}, null}, y), input, "row 1 is null"),
                new Row(
                        "y too short",
                        () -> Nullspace.solve(x, new double[] {1}),
                        shape,
                        "X has 2 rows, y has 1 entries: y must have one entry per row of X"),
                new Row(
                        "NaN in X",
                        () -> Nullspace.solve(new double[][] {{1, 2}, {3, Double.NaN}}, y),
                        input,
                        "X[1][1] is NaN: entries must be finite"),
                new Row(
                        "infinity in y",
                        () -> Nullspace.solve(x, new double[] {1, Double.NEGATIVE_INFINITY}),
                        input,
                        "y[1] is -Infinity: entries must be finite"),
                new Row(
                        "Y with another number of rows",
                        () -> Nullspace.solve(numbers(1, 4, 6, 1), numbers(1, 3, 2, 1)),
                        shape,
                        "X has shape 4×6, Y has shape 3×2: both must have one row per sample"),
                new Row(
                        "a batch for solve",
                        () -> Nullspace.solve(numbers(5, 4, 6, 1), numbers(5, 4, 1, 1)),
                        shape,
                        "X is a batch of 5 problems (shape 5×4×6): use solveBatch, or choose one with problem(index)"),
                new Row(
                        "batches of two sizes",
                        () -> Nullspace.solveBatch(numbers(2, 4, 6, 1), numbers(3, 4, 1, 1), DEFAULTS),
                        shape,
                        "X is a batch of 2 (shape 2×4×6), Y is a batch of 3 (shape 3×4×1): both must have the same number"
                                + " of problems, or one of them 1"),
                new Row(
                        "wrong number of weights",
                        () -> Nullspace.solve(numbers(1, 4, 6, 1), numbers(1, 4, 1, 1), weights(1, 2, 3)),
                        shape,
                        "there are 3 sample weights, X has shape 4×6: one weight per row is needed"),
                new Row(
                        "plan of a negative size",
                        () -> Nullspace.plan(4, -6, 1, Precision.FLOAT64, DEFAULTS),
                        input,
                        "a plan for X of shape 4×-6 and 1 targets: sizes must not be negative"),
                on(
                        "coefficients of another length",
                        s -> s.closestTo(new double[5]),
                        shape,
                        "prior has shape 5×1, needed is 6×1: one row per column of X (4×6), one column per target"),
                on(
                        "coordinates of another length",
                        s -> s.member(1, 2, 3),
                        shape,
                        "z has shape 3×1, needed is 2×1: one row for each of the 2 dimensions of the null space of X (4×6),"
                                + " one column per target"),
                on(
                        "samples with other features",
                        s -> s.predict(numbers(1, 3, 7, 1)),
                        shape,
                        "samples have shape 3×7, the regression was fitted to X of shape 4×6: both must have the same number"
                                + " of columns"),
                on(
                        "vectors for the null space",
                        s -> s.nullSpace().project(new double[7]),
                        shape,
                        "w has shape 7×1, needed are 6 rows: the null space of X (4×6) has dimension 2 in 6 features"),
                on(
                        "coordinates for the row space",
                        s -> s.rowSpace().combine(numbers(1, 3, 1, 1)),
                        shape,
                        "c has shape 3×1, needed are 4 rows: the row space of X (4×6) has dimension 4 in 6 features"),
                on(
                        "array methods with two targets",
                        s -> {
                            try (SolutionSet two = Nullspace.solve(numbers(1, 4, 6, 1), numbers(1, 4, 2, 2))) {
                                two.closestTo(new double[6]);
                            }
                        },
                        shape,
                        "arrays stand for one target, this regression has 2 targets: use the method that takes a Matrix"),
                on(
                        "negative tolerance",
                        s -> s.contains(numbers(1, 6, 1, 1), -1e-9),
                        input,
                        "tolerance -1.0E-9 is not a number of at least 0"),
                on(
                        "tolerance NaN",
                        s -> s.nullSpace().contains(numbers(1, 6, 1, 1), Double.NaN),
                        input,
                        "tolerance NaN is not a number of at least 0"),
                on("negative radius", s -> s.random(1, -1), input, "radius -1.0 is not a finite number of at least 0"),
                on(
                        "radius NaN",
                        s -> s.random(1, Double.NaN),
                        input,
                        "radius NaN is not a finite number of at least 0"),
                on(
                        "infinite radius",
                        s -> s.random(1, Double.POSITIVE_INFINITY),
                        input,
                        "radius Infinity is not a finite number of at least 0"),
                on(
                        "negative penalty",
                        s -> s.ridge(-2),
                        input,
                        "ridge penalty -2.0 is not a finite number of at least 0"),
                on(
                        "penalty NaN",
                        s -> s.ridge(Double.NaN),
                        input,
                        "ridge penalty NaN is not a finite number of at least 0"),
                on(
                        "infinite penalty",
                        s -> s.ridge(Double.POSITIVE_INFINITY),
                        input,
                        "ridge penalty Infinity is not a finite number of at least 0"),
                on(
                        "coefficient that is not there",
                        s -> s.fixing(6, 1),
                        input,
                        "coefficient index 6 is not in [0, 6): X has shape 4×6"),
                on(
                        "negative coefficient index",
                        s -> s.fixing(new int[] {2, -1}, new double[] {1, 1}),
                        input,
                        "coefficient index -1 is not in [0, 6): X has shape 4×6"),
                on(
                        "coefficient prescribed twice",
                        s -> s.fixing(new int[] {3, 1, 3}, new double[] {1, 1, 1}),
                        input,
                        "coefficient index 3 is prescribed twice"),
                on(
                        "coefficient prescribed as NaN",
                        s -> s.fixing(2, Double.NaN),
                        input,
                        "coefficient 2 cannot be prescribed as NaN"),
                on(
                        "more indices than values",
                        s -> s.fixing(new int[] {1, 2}, new double[] {1}),
                        shape,
                        "2 indices and 1 values: one value per index is needed"),
                new Row(
                        "matrix larger than memory",
                        () -> Matrix.zeros(Precision.FLOAT64, 1, 1L << 22, 1L << 22, Layout.ROW_MAJOR),
                        InsufficientMemoryException.class,
                        "a 4194304×4194304 matrix of FLOAT64 does not fit into this machine's memory: 140737488355328 bytes"
                                + " needed, " + HostMemory.physicalBytes() + " bytes available"));
    }

    @ParameterizedTest
    @MethodSource
    void rows(Row row) {
        assertThatThrownBy(row.misuse()::run).isExactlyInstanceOf(row.type()).hasMessage(row.message());
    }

    // ---- memory

    @Test
    void aHugeBasisIsRefusedBeforeAnythingIsAllocated() {
        long d = 1_000_000;
        Matrix x = Matrix.zeros(Precision.FLOAT64, 1, 1, d, Layout.ROW_MAJOR);
        x.set(0, 0, 0, 1);
        try (x;
                SolutionSet s = Nullspace.solve(x, Matrix.column(2))) {
            NullSpace space = s.nullSpace();
            assertThat(space.basisBytes()).isEqualTo(d * (d - 1) * 8);
            assertThatThrownBy(space::basis)
                    .isExactlyInstanceOf(InsufficientMemoryException.class)
                    .hasMessageStartingWith(
                            "an explicit basis of the null space (1000000×999999) does not fit: use project,"
                                    + " coordinates and combine, which need no basis, or ask for some columns at a time:"
                                    + " 7999992000000 bytes needed, ")
                    .satisfies(e -> assertThat(((InsufficientMemoryException) e).requestedBytes())
                            .isEqualTo(7_999_992_000_000L));
            try (Matrix some = space.basis(d - 3, d - 1)) {
                assertThat(some.shape()).isEqualTo("1000000×2");
                assertThat(Math.abs(some.get(0, 0))).as("X sees nothing of it").isLessThan(1e-15);
            }
            // The set is as good as before.
            assertThat(s.rowSpace().basis().get(0, 0)).isIn(1.0, -1.0);
        }
    }

    @Test
    void aWorkspaceLargerThanMemoryIsRefusedBeforeAnythingIsAllocated() {
        // Zeroed memory is mapped when it is first touched, and nobody touches it.
        long d = HostMemory.physicalBytes() / 24;
        Matrix x;
        try {
            x = Matrix.zeros(Precision.FLOAT32, 1, 2, d, Layout.ROW_MAJOR);
        } catch (InsufficientMemoryException e) {
            assumeTrue(false, "this machine grants no more memory than it has: " + e.getMessage());
            return;
        }
        SolveOptions options = SolveOptions.builder().method(Method.QR_SVD).build();
        try (x) {
            assertThatThrownBy(() -> Nullspace.factor(x, options))
                    .isExactlyInstanceOf(InsufficientMemoryException.class)
                    .hasMessageContaining("the workspace for X of shape 2×" + d + " with QR_SVD does not fit")
                    .hasMessageContaining("GRAM");
        }
    }

    @Test
    void plansSayHowMuchWithoutWrappingAround() {
        long huge = 1L << 40;
        assertThat(Nullspace.plan(huge, huge, 1, Precision.FLOAT64, DEFAULTS).worstWorkspaceBytes())
                .isEqualTo(Long.MAX_VALUE);
        assertThat(Nullspace.plan(
                                huge,
                                huge,
                                1,
                                Precision.FLOAT64,
                                SolveOptions.builder()
                                        .intercept(InterceptRule.UNPENALISED)
                                        .build())
                        .workspaceBytes())
                .isEqualTo(Long.MAX_VALUE);
    }

    // ---- devices

    @Test
    void aGpuThatIsNotThereIsAnErrorWithAllReasons() {
        List<Availability> cuda =
                Backends.providers(DeviceKind.CUDA).stream().map(p -> p.probe()).toList();
        assumeTrue(cuda.stream().noneMatch(Availability::usable), "this machine has a GPU");
        SolveOptions options =
                SolveOptions.builder().backend(BackendChoice.CUDA).build();
        Throwable e = catchThrowable(() -> Nullspace.solve(numbers(1, 4, 6, 1), numbers(1, 4, 1, 2), options));
        assertThat(e)
                .isExactlyInstanceOf(BackendUnavailableException.class)
                .hasMessageStartingWith("CUDA cannot be used on this machine:");
        List<String> reasons = ((BackendUnavailableException) e).reasons();
        assertThat(reasons).isNotEmpty();
        cuda.forEach(a -> assertThat(reasons).containsAll(a.reasons()));
        // AUTO computes on the CPU and says why.
        try (SolutionSet s = set()) {
            assertThat(s.history().get(0)).startsWith("CPU, because no GPU can be used: " + reasons.get(0));
        }
    }

    // ---- numbers that are none are an outcome, not an exception

    static Stream<Arguments> nonFinite() {
        return Stream.of(Method.values())
                .flatMap(m -> Stream.of(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)
                        .map(v -> Arguments.of(m, v)));
    }

    @ParameterizedTest
    @MethodSource
    void nonFinite(Method method, double bad) {
        SolveOptions options = SolveOptions.builder().method(method).build();
        for (String where : List.of("X", "Y")) {
            Matrix x = numbers(1, 4, 6, 1);
            Matrix y = numbers(1, 4, 2, 2);
            (where.equals("X") ? x : y).set(0, 2, 1, bad);
            try (SolutionSet s = Nullspace.solve(x, y, options)) {
                assertThat(s.outcome()).isEqualTo(Outcome.NON_FINITE_INPUT);
                assertThat(s.minimumNorm().get(3, 0)).isNaN();
                assertThat(s.residualNorms()).containsOnly(Double.NaN);
                List<Consumer<SolutionSet>> uses = List.of(
                        SolutionSet::rank,
                        SolutionSet::singularValues,
                        SolutionSet::certificate,
                        t -> t.random(1, 1),
                        t -> t.ridge(1),
                        t -> t.predict(numbers(1, 3, 6, 1)),
                        SolutionSet::nullSpace);
                for (Consumer<SolutionSet> use : uses) {
                    assertThatThrownBy(() -> use.accept(s))
                            .isExactlyInstanceOf(NoSolutionException.class)
                            .hasMessage(
                                    "this regression (X 4×6) has no solution set: " + Outcome.NON_FINITE_INPUT.text());
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Method.class)
    void entriesNearTheEndOfTheRangeAreSolvedOrCalledAnOverflow(Method method) {
        SolveOptions options = SolveOptions.builder().method(method).build();
        for (double scale : new double[] {1e308, 1.7e308}) {
            Matrix x = Matrix.of(new double[][] {{scale, scale / 2, scale / 4}, {scale / 3, scale, scale / 5}});
            try (SolutionSet s = Nullspace.solve(x, Matrix.column(scale, scale / 2), options)) {
                // The largest singular value is 1.46 times the largest entry.
                assertThat(s.outcome()).isEqualTo(scale == 1e308 ? Outcome.FULL_RANK : Outcome.OVERFLOW);
                if (s.outcome().isSolved()) {
                    assertThat(s.rank()).isEqualTo(2);
                    assertThat(s.residualNorms()[0]).isLessThan(1e-14 * scale);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Method.class)
    void oneBadProblemLeavesTheOthersAlone(Method method) {
        SolveOptions options = SolveOptions.builder().method(method).build();
        Matrix x = numbers(3, 4, 6, 1);
        Matrix y = numbers(3, 4, 1, 2);
        x.set(1, 0, 0, Double.NaN);
        try (SolutionBatch batch = Nullspace.solveBatch(x, y, options)) {
            assertThat(batch.outcomes())
                    .containsExactly(Outcome.FULL_RANK, Outcome.NON_FINITE_INPUT, Outcome.FULL_RANK);
            assertThat(batch.ranks()).containsExactly(4, -1, 4);
            assertThat(batch.minimumNorm().get(1, 0, 0)).isNaN();
            for (int b : new int[] {0, 2}) {
                try (SolutionSet alone = Nullspace.solve(x.problem(b), y.problem(b), options)) {
                    assertThat(batch.problem(b).minimumNorm().hasSameEntries(alone.minimumNorm()))
                            .isTrue();
                    assertThat(batch.minimumNorm().get(b, 0, 0))
                            .isCloseTo(alone.minimumNorm().get(0, 0), within(1e-12));
                }
            }
        }
    }

    @Test
    void nonFiniteSamplesSpreadOnlyToTheirOwnPredictions() {
        try (SolutionSet s = set()) {
            Matrix samples = numbers(1, 3, 6, 9);
            samples.set(0, 1, 4, Double.NaN);
            Matrix predictions = s.predict(samples);
            assertThat(predictions.get(0, 0)).isFinite();
            assertThat(predictions.get(1, 0)).isNaN();
            assertThat(predictions.get(2, 0)).isFinite();
            assertThat(s.contains(new double[] {1, 2, Double.NaN, 4, 5, 6})).isFalse();
            assertThat(s.closestTo(new double[] {1, 2, Double.NaN, 4, 5, 6})).containsOnly(Double.NaN);
        }
    }
}
