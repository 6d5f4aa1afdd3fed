/**
 * Every solution of an overparameterized regression. {@link org.nullspace.Nullspace} is the front door: {@code Nullspace.solve(x, y)}.
 */
@NullMarked
package org.nullspace;

import org.jspecify.annotations.NullMarked;
