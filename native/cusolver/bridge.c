/*
 * Routines of cuSOLVER that JCuda 12.6 cannot call: it hands cusolverDnCreateGesvdjInfo a null pointer as the place for its result, and
 * takes the arrays for the sizes of cusolverDnXgesvdp_bufferSize for pointers. All arguments are integers; addresses come as such.
 * The functions return cuSOLVER's status, or -1 if cuSOLVER has not been loaded or lacks the routine.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

/* Versions that glibc has had from its beginning on x86-64, so that the library also loads where glibc is older than at build time. */
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5");
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");

#define NAMED(name) __attribute__((visibility("default"))) int32_t Java_org_nullspace_backend_cuda_CusolverBridge_##name
#define JNI void *environment, void *type
#define UNUSED (void)environment, (void)type

static void *routine(const char *name) {
    void *library = dlopen("libcusolver.so.11", RTLD_LAZY | RTLD_NOLOAD);
    return library == NULL ? NULL : dlsym(library, name);
}

NAMED(createGesvdj)(JNI, int64_t info) {
    UNUSED;
    int (*call)(void **) = (int (*)(void **))routine("cusolverDnCreateGesvdjInfo");
    return call == NULL ? -1 : call((void **)(intptr_t)info);
}

NAMED(destroyGesvdj)(JNI, int64_t info) {
    UNUSED;
    int (*call)(void *) = (int (*)(void *))routine("cusolverDnDestroyGesvdjInfo");
    return call == NULL ? -1 : call((void *)(intptr_t)info);
}

typedef int (*gesvdj_size)(void *, int, int, int, int, const void *, int, const void *, const void *, int, const void *, int, int *, void *);
typedef int (*gesvdj)(void *, int, int, int, int, void *, int, void *, void *, int, void *, int, void *, int, int *, void *);

NAMED(sizeOfGesvdj)(JNI, int32_t wide, int64_t handle, int32_t jobz, int32_t econ, int32_t m, int32_t n, int64_t a, int32_t lda,
                    int64_t s, int64_t u, int32_t ldu, int64_t v, int32_t ldv, int64_t entries, int64_t info) {
    UNUSED;
    gesvdj_size call = (gesvdj_size)routine(wide ? "cusolverDnDgesvdj_bufferSize" : "cusolverDnSgesvdj_bufferSize");
    return call == NULL
        ? -1
        : call((void *)(intptr_t)handle, jobz, econ, m, n, (void *)(intptr_t)a, lda, (void *)(intptr_t)s, (void *)(intptr_t)u, ldu,
               (void *)(intptr_t)v, ldv, (int *)(intptr_t)entries, (void *)(intptr_t)info);
}

NAMED(gesvdj)(JNI, int32_t wide, int64_t handle, int32_t jobz, int32_t econ, int32_t m, int32_t n, int64_t a, int32_t lda, int64_t s,
              int64_t u, int32_t ldu, int64_t v, int32_t ldv, int64_t work, int32_t entries, int64_t status, int64_t info) {
    UNUSED;
    gesvdj call = (gesvdj)routine(wide ? "cusolverDnDgesvdj" : "cusolverDnSgesvdj");
    return call == NULL
        ? -1
        : call((void *)(intptr_t)handle, jobz, econ, m, n, (void *)(intptr_t)a, lda, (void *)(intptr_t)s, (void *)(intptr_t)u, ldu,
               (void *)(intptr_t)v, ldv, (void *)(intptr_t)work, entries, (int *)(intptr_t)status, (void *)(intptr_t)info);
}

typedef int (*gesvdj_batched_size)(void *, int, int, int, const void *, int, const void *, const void *, int, const void *, int, int *, void *,
                                   int);
typedef int (*gesvdj_batched)(void *, int, int, int, void *, int, void *, void *, int, void *, int, void *, int, int *, void *, int);

NAMED(sizeOfGesvdjBatched)(JNI, int32_t wide, int64_t handle, int32_t jobz, int32_t m, int32_t n, int64_t a, int32_t lda, int64_t s,
                           int64_t u, int32_t ldu, int64_t v, int32_t ldv, int64_t entries, int64_t info, int32_t batch) {
    UNUSED;
    gesvdj_batched_size call =
        (gesvdj_batched_size)routine(wide ? "cusolverDnDgesvdjBatched_bufferSize" : "cusolverDnSgesvdjBatched_bufferSize");
    return call == NULL
        ? -1
        : call((void *)(intptr_t)handle, jobz, m, n, (void *)(intptr_t)a, lda, (void *)(intptr_t)s, (void *)(intptr_t)u, ldu,
               (void *)(intptr_t)v, ldv, (int *)(intptr_t)entries, (void *)(intptr_t)info, batch);
}

NAMED(gesvdjBatched)(JNI, int32_t wide, int64_t handle, int32_t jobz, int32_t m, int32_t n, int64_t a, int32_t lda, int64_t s, int64_t u,
                     int32_t ldu, int64_t v, int32_t ldv, int64_t work, int32_t entries, int64_t status, int64_t info, int32_t batch) {
    UNUSED;
    gesvdj_batched call = (gesvdj_batched)routine(wide ? "cusolverDnDgesvdjBatched" : "cusolverDnSgesvdjBatched");
    return call == NULL
        ? -1
        : call((void *)(intptr_t)handle, jobz, m, n, (void *)(intptr_t)a, lda, (void *)(intptr_t)s, (void *)(intptr_t)u, ldu,
               (void *)(intptr_t)v, ldv, (void *)(intptr_t)work, entries, (int *)(intptr_t)status, (void *)(intptr_t)info, batch);
}

typedef int (*gesvdp_size)(void *, void *, int, int, int64_t, int64_t, int, const void *, int64_t, int, const void *, int, const void *,
                           int64_t, int, const void *, int64_t, int, size_t *, size_t *);

NAMED(sizeOfGesvdp)(JNI, int64_t handle, int64_t parameters, int32_t jobz, int32_t econ, int64_t m, int64_t n, int32_t precision,
                    int64_t a, int64_t lda, int64_t s, int64_t u, int64_t ldu, int64_t v, int64_t ldv, int64_t device, int64_t host) {
    UNUSED;
    gesvdp_size call = (gesvdp_size)routine("cusolverDnXgesvdp_bufferSize");
    return call == NULL
        ? -1
        : call((void *)(intptr_t)handle, (void *)(intptr_t)parameters, jobz, econ, m, n, precision, (void *)(intptr_t)a, lda, precision,
               (void *)(intptr_t)s, precision, (void *)(intptr_t)u, ldu, precision, (void *)(intptr_t)v, ldv, precision,
               (size_t *)(intptr_t)device, (size_t *)(intptr_t)host);
}
