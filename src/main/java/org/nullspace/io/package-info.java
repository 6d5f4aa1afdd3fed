/** Files in and out: NumPy's {@code .npy}, tables in CSV, and output directories that are complete or untouched. */
@NullMarked
package org.nullspace.io;

import org.jspecify.annotations.NullMarked;
