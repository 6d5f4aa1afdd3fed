// Kernels that prove the machinery of the software device: barriers, shared memory, warp operations, templates.

#define FULL 0xffffffffu

template <class T> __device__ __forceinline__ T hostcuda_test_square(T x) {
    return x * x;
}

// One partial sum of squares per block of 256 threads, by a tree in static shared memory.
template <class T> __device__ void hostcuda_test_tree(const T *__restrict__ x, long long n, T *__restrict__ partial) {
    __shared__ T sums[256];
    T sum = 0;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x) {
        sum += hostcuda_test_square(x[i]);
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half >>= 1) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) partial[blockIdx.x] = sums[0];
}

extern "C" __global__ void __launch_bounds__(256) hostcuda_test_tree_f64(const double *x, long long n, double *partial) {
    hostcuda_test_tree(x, n, partial);
}

extern "C" __global__ void __launch_bounds__(256) hostcuda_test_tree_f32(const float *x, long long n, float *partial) {
    hostcuda_test_tree(x, n, partial);
}

// Reverses each block's values through dynamic shared memory.
extern "C" __global__ void hostcuda_test_reverse(const double *x, double *y) {
    extern __shared__ double reversed[];
    unsigned t = threadIdx.x;
    unsigned base = blockIdx.x * blockDim.x;
    reversed[t] = x[base + t];
    __syncthreads();
    y[base + t] = reversed[blockDim.x - 1 - t];
}

// Per warp: the sum by shuffles down, the maximum by shuffles across, the lanes with positive values by a vote.
extern "C" __global__ void hostcuda_test_warp(const double *x, double *sum, float *largest, unsigned *positive) {
    unsigned t = blockIdx.x * blockDim.x + threadIdx.x;
    double s = x[t];
    float m = (float)x[t];
#pragma unroll
    for (int delta = 16; delta > 0; delta >>= 1) s += __shfl_down_sync(FULL, s, delta);
#pragma unroll
    for (int lanes = 16; lanes > 0; lanes >>= 1) m = fmaxf(m, __shfl_xor_sync(FULL, m, lanes));
    unsigned votes = __ballot_sync(FULL, x[t] > 0);
    if ((threadIdx.x & 31) == 0) {
        sum[t / 32] = s;
        positive[t / 32] = votes;
    }
    largest[t] = m;
}

// No barrier at all; a histogram by atomics.
extern "C" __global__ void hostcuda_test_count(const int *bin, int n, unsigned long long *counts) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicAdd(&counts[bin[i]], 1ull);
}

// Wrong on purpose: half of the threads leave before the barrier.
extern "C" __global__ void hostcuda_test_diverge(double *y) {
    if (threadIdx.x >= blockDim.x / 2) return;
    __syncthreads();
    y[threadIdx.x] = 1;
}

// Wrong on purpose when offset is not within y.
extern "C" __global__ void hostcuda_test_store(double *y, long long offset, double value) {
    y[offset] = value;
}
