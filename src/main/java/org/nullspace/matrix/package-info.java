/** Strided batches of dense matrices in off-heap memory with 64-bit sizes. Memory belongs to a scope that is closed; views are views, and copies are named copies. */
@NullMarked
package org.nullspace.matrix;

import org.jspecify.annotations.NullMarked;
