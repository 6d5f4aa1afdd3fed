/** Native libraries out of jars. For use by the packages that have some; applications have no business here. */
@NullMarked
package org.nullspace.natives;

import org.jspecify.annotations.NullMarked;
