/** Random numbers that are the same for the same seed on every platform, Java version and number of threads. */
@NullMarked
package org.nullspace.random;

import org.jspecify.annotations.NullMarked;
