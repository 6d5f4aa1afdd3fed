/**
 * The backend on CUDA devices: JCuda's driver API, NVRTC, cuBLAS and cuSOLVER. CUDA's libraries are looked for and loaded in one place,
 * {@code CudaLibraries}; where there are only those of CUDA 13, forwarding libraries in the jar go between them and JCuda, which is made
 * for CUDA 12.
 */
@NullMarked
package org.nullspace.backend.cuda;

import org.jspecify.annotations.NullMarked;
