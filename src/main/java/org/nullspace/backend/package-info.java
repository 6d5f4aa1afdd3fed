/** What a machine must be able to do so that the algorithms run on it: memory and a small vocabulary of operations on strided batches. */
@NullMarked
package org.nullspace.backend;

import org.jspecify.annotations.NullMarked;
