/** Choosing members of a solution set. For use by the front door; applications use {@code org.nullspace.model.SolutionSet}. */
@NullMarked
package org.nullspace.select;

import org.jspecify.annotations.NullMarked;
