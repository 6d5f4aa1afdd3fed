/** The backend on the host's processor: OpenBLAS through JavaCPP, and Java loops over the same off-heap memory where BLAS has no routine. */
@NullMarked
package org.nullspace.backend.openblas;

import org.jspecify.annotations.NullMarked;
