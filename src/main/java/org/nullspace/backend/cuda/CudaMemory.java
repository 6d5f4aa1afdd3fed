package org.nullspace.backend.cuda;

import org.nullspace.matrix.Memory;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Place;

/**
 * Device memory that belongs to a scope.
 *
 * @param place the device
 * @param address of the first byte, 0 if there are none
 * @param byteSize size
 * @param scope hands the memory back to the queue's pool
 */
record CudaMemory(Place place, long address, long byteSize, MemoryScope scope) implements Memory {}
