package org.nullspace.conformance;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.matrix.Precision;
import org.nullspace.model.Method;
import org.nullspace.model.SolveOptions;

/**
 * A method and the precision that it computes in.
 *
 * @param method the method
 * @param working precision of the arithmetic
 */
public record Mode(Method method, Precision working) {
    /** All modes that data of a precision can be solved in. */
    public static List<Mode> of(Precision data) {
        List<Mode> modes = new ArrayList<>();
        for (Method method : Method.values()) {
            modes.add(new Mode(method, Precision.FLOAT64));
        }
        if (data == Precision.FLOAT32) {
            modes.add(new Mode(Method.GESVD, Precision.FLOAT32));
            modes.add(new Mode(Method.QR_SVD, Precision.FLOAT32));
        }
        return modes;
    }

    SolveOptions.Builder on(SolveOptions.Builder options) {
        return options.method(method).precision(working);
    }

    @Override
    public String toString() {
        return method + (working == Precision.FLOAT32 ? " in float32" : "");
    }
}
