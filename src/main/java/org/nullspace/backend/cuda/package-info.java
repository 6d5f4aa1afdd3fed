/**
 * Computation on CUDA devices through JCuda: cuBLAS, cuSOLVER and kernels of this project, by way of the driver API and the primary context of
 * each device, so that pointers of other libraries in the process are valid here.
 */
@NullMarked
package org.nullspace.backend.cuda;

import org.jspecify.annotations.NullMarked;
