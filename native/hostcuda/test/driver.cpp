// Drives the software device from C++, to run it under the sanitizers:  make sanitize BUILD=…
// Needs a libopenblas.so.0 for linear algebra: OPENBLAS=path; without it that part is left out.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <thread>
#include <vector>

extern "C" {
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void **, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuCtxSetCurrent(void *);
int cuCtxSynchronize();
int cuMemAlloc_v2(uintptr_t *, size_t);
int cuMemAllocAsync(uintptr_t *, size_t, void *);
int cuMemFree_v2(uintptr_t);
int cuMemFreeAsync(uintptr_t, void *);
int cuMemcpyHtoD_v2(uintptr_t, const void *, size_t);
int cuMemcpyHtoDAsync_v2(uintptr_t, const void *, size_t, void *);
int cuMemcpyDtoH_v2(void *, uintptr_t, size_t);
int cuMemcpyDtoHAsync_v2(void *, uintptr_t, size_t, void *);
int cuStreamCreate(void **, unsigned);
int cuStreamDestroy_v2(void *);
int cuStreamSynchronize(void *);
int cuEventCreate(void **, unsigned);
int cuEventDestroy_v2(void *);
int cuEventRecord(void *, void *);
int cuStreamWaitEvent(void *, void *, unsigned);
int cuModuleLoadData(void **, const void *);
int cuModuleUnload(void *);
int cuModuleGetFunction(void **, void *, const char *);
int cuLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
int cublasCreate_v2(void **);
int cublasDestroy_v2(void *);
int cublasSetStream_v2(void *, void *);
int cublasDgemm_v2(void *, int, int, int, int, int, const double *, const double *, int, const double *, int, const double *, double *, int);
int cusolverDnCreate(void **);
int cusolverDnDestroy(void *);
int cusolverDnXgesvdp_bufferSize(void *, void *, int, int, long, long, int, const void *, long, int, const void *, int, const void *,
                                 long, int, const void *, long, int, size_t *, size_t *);
int cusolverDnXgesvdp(void *, void *, int, int, long, long, int, void *, long, int, void *, int, void *, long, int, void *, long, int,
                      void *, size_t, void *, size_t, int *, double *);
}

static void expect(bool good, const char *what, int line) {
    if (good) return;
    std::fprintf(stderr, "line %d: %s\n", line, what);
    std::exit(1);
}
#define EXPECT(x) expect((x), #x, __LINE__)

static void streams(void *context, void *function, int value) {
    EXPECT(cuCtxSetCurrent(context) == 0);
    void *s, *second, *event;
    EXPECT(cuStreamCreate(&s, 1) == 0 && cuStreamCreate(&second, 1) == 0 && cuEventCreate(&event, 0) == 0);
    for (int i = 0; i < 20; i++) {
        uintptr_t x, sum;
        EXPECT(cuMemAllocAsync(&x, 8 * 1000, s) == 0 && cuMemAllocAsync(&sum, 8 * 2, s) == 0);
        std::vector<double> values(1000, value);
        EXPECT(cuMemcpyHtoDAsync_v2(x, values.data(), 8000, s) == 0);
        long long n = 1000;
        void *arguments[] = {&x, &n, &sum};
        EXPECT(cuLaunchKernel(function, 2, 1, 1, 256, 1, 1, 0, s, arguments, nullptr) == 0);
        EXPECT(cuEventRecord(event, s) == 0 && cuStreamWaitEvent(second, event, 0) == 0);
        double result[2];
        EXPECT(cuMemcpyDtoHAsync_v2(result, sum, 16, second) == 0);
        EXPECT(result[0] + result[1] == 1000.0 * value * value);
        EXPECT(cuMemFreeAsync(x, s) == 0 && cuMemFreeAsync(sum, s) == 0);
    }
    EXPECT(cuStreamSynchronize(s) == 0);
    EXPECT(cuStreamDestroy_v2(s) == 0 && cuStreamDestroy_v2(second) == 0 && cuEventDestroy_v2(event) == 0);
}

int main() {
    void *context, *module, *tree, *diverge, *store, *warp;
    EXPECT(cuInit(0) == 0 && cuDevicePrimaryCtxRetain(&context, 0) == 0 && cuCtxSetCurrent(context) == 0);
    std::string cubin = std::string("\x7fNULLSPACE-HOSTCUDA-CUBIN") + " sm_90\nhostcuda_test_tree_f64\nhostcuda_test_diverge\n"
            "hostcuda_test_store\nhostcuda_test_warp\nend\n";
    EXPECT(cuModuleLoadData(&module, cubin.c_str()) == 0);
    EXPECT(cuModuleGetFunction(&tree, module, "hostcuda_test_tree_f64") == 0);
    EXPECT(cuModuleGetFunction(&diverge, module, "hostcuda_test_diverge") == 0);
    EXPECT(cuModuleGetFunction(&store, module, "hostcuda_test_store") == 0);
    EXPECT(cuModuleGetFunction(&warp, module, "hostcuda_test_warp") == 0);
    std::vector<std::thread> threads;
    for (int t = 1; t <= 4; t++) threads.emplace_back(streams, context, tree, t);
    for (auto &t : threads) t.join();

    uintptr_t x;
    EXPECT(cuMemAlloc_v2(&x, 800) == 0);
    std::vector<double> values(100, 1);
    EXPECT(cuMemcpyHtoD_v2(x, values.data(), 800) == 0);
    EXPECT(cuMemcpyHtoD_v2(x, values.data(), 801) == 1);
    EXPECT(cuMemcpyDtoH_v2(values.data(), x + 8, 800) == 1);

    const char *openblas = std::getenv("OPENBLAS");
    if (openblas && !dlopen(openblas, RTLD_NOW | RTLD_GLOBAL)) EXPECT(!dlerror());
    if (openblas) {
        void *blas, *solver;
        EXPECT(cublasCreate_v2(&blas) == 0 && cusolverDnCreate(&solver) == 0);
        double one = 1, zero = 0;
        uintptr_t c;
        EXPECT(cuMemAlloc_v2(&c, 800) == 0);
        EXPECT(cublasDgemm_v2(blas, 0, 1, 10, 10, 10, &one, (double *)x, 10, (double *)x, 10, &zero, (double *)c, 10) == 0);
        EXPECT(cuMemcpyDtoH_v2(values.data(), c, 800) == 0 && values[99] == 10);
        size_t device, host;
        EXPECT(cusolverDnXgesvdp_bufferSize(solver, nullptr, 1, 1, 10, 10, 1, (void *)c, 10, 1, nullptr, 1, nullptr, 10, 1, nullptr, 10,
                                            1, &device, &host) == 0);
        uintptr_t s, u, v, work, info;
        EXPECT(cuMemAlloc_v2(&s, 80) == 0 && cuMemAlloc_v2(&u, 800) == 0 && cuMemAlloc_v2(&v, 800) == 0);
        EXPECT(cuMemAlloc_v2(&work, device) == 0 && cuMemAlloc_v2(&info, 4) == 0);
        std::vector<char> hostWork(host);
        double error;
        EXPECT(cusolverDnXgesvdp(solver, nullptr, 1, 1, 10, 10, 1, (void *)c, 10, 1, (void *)s, 1, (void *)u, 10, 1, (void *)v, 10, 1,
                                 (void *)work, device, hostWork.data(), host, (int *)info, &error) == 0);
        EXPECT(cuMemcpyDtoH_v2(values.data(), s, 80) == 0 && values[0] > 99.999 && values[0] < 100.001 && values[1] < 1e-10);
        for (uintptr_t p : {c, s, u, v, work, info}) EXPECT(cuMemFree_v2(p) == 0);
        EXPECT(cublasDestroy_v2(blas) == 0 && cusolverDnDestroy(solver) == 0);
    }

    // Wrong kernels last: they break the device.
    void *one[] = {&x};
    EXPECT(cuLaunchKernel(diverge, 1, 1, 1, 64, 1, 1, 0, nullptr, one, nullptr) == 0);
    EXPECT(cuCtxSynchronize() == 719);
    EXPECT(cuMemFree_v2(x) == 719);
    EXPECT(cuModuleUnload(module) == 719);
    EXPECT(cuDevicePrimaryCtxRelease_v2(0) == 0);
    std::puts("good");
}
