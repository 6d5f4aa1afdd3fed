/** What went wrong, as types: misuse is an {@link IllegalArgumentException} or {@link IllegalStateException}, trouble of the machine a {@link RuntimeException}. Numerical outcomes are values, see {@code org.nullspace.model.Outcome}. */
@NullMarked
package org.nullspace.error;

import org.jspecify.annotations.NullMarked;
