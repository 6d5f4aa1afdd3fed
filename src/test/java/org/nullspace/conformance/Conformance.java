package org.nullspace.conformance;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.BiConsumer;
import org.nullspace.Nullspace;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.Precision;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/**
 * What a backend must do to be one. A subclass says which backend; every other class of this suite is written against the front door or
 * against a {@link Session} and names none.
 */
abstract class Conformance {
    /** The kind of backend under test. */
    protected abstract DeviceKind kind();

    /** Options that choose the backend under test. */
    final SolveOptions.Builder options() {
        return SolveOptions.builder().backend(kind() == DeviceKind.CPU ? BackendChoice.CPU : BackendChoice.CUDA);
    }

    /** Options that choose the backend under test and a mode. */
    final SolveOptions options(Mode mode) {
        return mode.on(options()).build();
    }

    /** The first provider of the kind under test that can be used here. */
    final BackendProvider provider() {
        for (BackendProvider provider : Backends.providers(kind())) {
            Availability availability = provider.probe();
            if (availability.usable()) {
                return provider;
            }
        }
        throw new AssertionError("no backend of kind " + kind() + " can be used on this machine");
    }

    /** The session with somebody told of each operation after it: its name and its arguments. */
    static Session watched(Session session, BiConsumer<String, Object[]> after) {
        return (Session) Proxy.newProxyInstance(
                Session.class.getClassLoader(), new Class<?>[] {Session.class}, (proxy, method, args) -> {
                    try {
                        Object result = method.invoke(session, args);
                        after.accept(method.getName(), args == null ? new Object[0] : args);
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    final SolutionSet solve(Planted p, Mode mode) {
        return solve(p, options(mode));
    }

    final SolutionSet solve(Planted p, SolveOptions options) {
        return Nullspace.solve(p.matrixX(Storage.ROW_MAJOR), p.matrixY(Storage.ROW_MAJOR), options);
    }

    final SolutionSet solve(double[][] x, double[][] y, SolveOptions options) {
        return Nullspace.solve(Matrix.of(x), Matrix.of(y), options);
    }

    /** The documented standard cut-off relative to the largest singular value. */
    static double standardCutoff(int n, int d, Precision data, Precision arithmetic) {
        return 8 * (Math.sqrt(Math.min(n, d)) * data.epsilon() + Math.sqrt(Math.max(n, d)) * arithmetic.epsilon());
    }

    /** Entries of a matrix; the matrix is closed. */
    static double[][] entries(Matrix m) {
        double[][] out = m.toArray();
        m.close();
        return out;
    }
}
