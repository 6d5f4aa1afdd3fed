/*
 * madvise(MADV_HUGEPAGE) for the memory of large matrices. Addresses are those of whole pages. Returns 0, or -1 if the kernel refuses.
 */
#include <stdint.h>
#include <sys/mman.h>

__attribute__((visibility("default"))) int32_t Java_org_nullspace_matrix_HugePages_advise(void *environment, void *type, int64_t address,
                                                                                           int64_t bytes) {
    (void)environment, (void)type;
    return madvise((void *)(intptr_t)address, (size_t)bytes, MADV_HUGEPAGE);
}
