// Norms, largest magnitudes and searches for entries that are not finite. Sums run in a fixed order: results do not depend on scheduling.
// A matrix is seen as lines of neighbouring entries: entry p of line l of problem b is data[b * stride + l * pitch + p].
// Every kernel takes one struct of 8-byte members. Blocks have 256 threads.

constexpr int THREADS = 256;

// The larger of two magnitudes; NaN wins.
__device__ __forceinline__ double larger(double m, double x) {
    return x > m || x != x ? x : m;
}

__device__ __forceinline__ double blockLargest(double value, double *shared) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            shared[threadIdx.x] = larger(shared[threadIdx.x], shared[threadIdx.x + half]);
        }
        __syncthreads();
    }
    double result = shared[0];
    __syncthreads();
    return result;
}

__device__ __forceinline__ double blockSum(double value, double *shared) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            shared[threadIdx.x] += shared[threadIdx.x + half];
        }
        __syncthreads();
    }
    double result = shared[0];
    __syncthreads();
    return result;
}

// ---- Euclidean norms of columns
//
// Each column is cut into chunks of rows. A first pass leaves the largest magnitude and the sum of squares of each chunk; the columns whose
// sum of squares has left the safe range are visited once more, scaled by a power of two.

template <typename T>
struct NormArgs {
    const T *data;
    long long rows;
    long long columns;
    long long rowStride;    // entries from row to row
    long long columnStride; // entries from column to column
    long long stride;       // entries from problem to problem
    long long batch;
    long long chunks;       // parts that each column is cut into
    double *largest;        // batch x columns x chunks
    double *squares;        // batch x columns x chunks
    const double *scales;   // batch x columns, or null: the first pass
};

// One block for each column and chunk: for long columns that are lines.
template <typename T>
__device__ __forceinline__ void partialNormsAlong(NormArgs<T> args) {
    __shared__ double shared[THREADS];
    long long height = (args.rows + args.chunks - 1) / args.chunks;
    for (long long b = blockIdx.z; b < args.batch; b += gridDim.z) {
        for (long long c = blockIdx.y; c < args.columns; c += gridDim.y) {
            double scale = args.scales == nullptr ? 1 : args.scales[b * args.columns + c];
            if (scale == 0) {
                continue;
            }
            for (long long k = blockIdx.x; k < args.chunks; k += gridDim.x) {
                const T *column = args.data + b * args.stride + c * args.columnStride;
                long long end = min(args.rows, (k + 1) * height);
                double most = 0;
                double sum = 0;
                for (long long i = k * height + threadIdx.x; i < end; i += THREADS) {
                    double x = fabs((double)column[i * args.rowStride]) * scale;
                    most = larger(most, x);
                    sum += x * x;
                }
                most = blockLargest(most, shared);
                sum = blockSum(sum, shared);
                if (threadIdx.x == 0) {
                    long long at = (b * args.columns + c) * args.chunks + k;
                    args.largest[at] = most;
                    args.squares[at] = sum;
                }
            }
        }
    }
}

// One thread for each column and chunk: for rows that are lines, and for short columns.
template <typename T>
__device__ __forceinline__ void partialNormsAcross(NormArgs<T> args) {
    long long height = (args.rows + args.chunks - 1) / args.chunks;
    for (long long b = blockIdx.z; b < args.batch; b += gridDim.z) {
        for (long long k = blockIdx.y; k < args.chunks; k += gridDim.y) {
            for (long long c = blockIdx.x * (long long)THREADS + threadIdx.x; c < args.columns; c += (long long)gridDim.x * THREADS) {
                double scale = args.scales == nullptr ? 1 : args.scales[b * args.columns + c];
                if (scale == 0) {
                    continue;
                }
                long long end = min(args.rows, (k + 1) * height);
                double most = 0;
                double sum = 0;
                for (long long i = k * height; i < end; i++) {
                    double x = fabs((double)args.data[b * args.stride + i * args.rowStride + c * args.columnStride]) * scale;
                    most = larger(most, x);
                    sum += x * x;
                }
                long long at = (b * args.columns + c) * args.chunks + k;
                args.largest[at] = most;
                args.squares[at] = sum;
            }
        }
    }
}

extern "C" __global__ void nullspace_norms_along_f32(NormArgs<float> args) { partialNormsAlong(args); }
extern "C" __global__ void nullspace_norms_along_f64(NormArgs<double> args) { partialNormsAlong(args); }
extern "C" __global__ void nullspace_norms_across_f32(NormArgs<float> args) { partialNormsAcross(args); }
extern "C" __global__ void nullspace_norms_across_f64(NormArgs<double> args) { partialNormsAcross(args); }

struct NormFinishArgs {
    const double *largest;
    const double *squares;
    long long columns;
    long long batch;
    long long chunks;
    double *scales;          // batch x columns: 0 where the norm is done, written by the first pass
    double *norms;
    long long increment;     // entries from norm to norm
    long long normStride;    // entries from problem to problem
    long long second;        // 0 after the first pass, 1 after the second
};

// A sum of squares from here on has lost nothing to underflow that matters: each of its at most 2^50 squares has an absolute error of at
// most 2^-1074 from underflow, together less than 2^-60 of the sum.
constexpr double SAFE_SQUARE = 0x1p-960;

extern "C" __global__ void nullspace_norms_finish(NormFinishArgs args) {
    long long all = args.batch * args.columns;
    for (long long at = blockIdx.x * (long long)blockDim.x + threadIdx.x; at < all; at += (long long)gridDim.x * blockDim.x) {
        if (args.second && args.scales[at] == 0) {
            continue;
        }
        double most = 0;
        double sum = 0;
        for (long long k = 0; k < args.chunks; k++) {
            most = larger(most, args.largest[at * args.chunks + k]);
            sum += args.squares[at * args.chunks + k];
        }
        double *norm = args.norms + at / args.columns * args.normStride + at % args.columns * args.increment;
        if (args.second) {
            *norm = sqrt(sum) / args.scales[at];
            continue;
        }
        bool usual = sum >= SAFE_SQUARE && sum <= 0x1.fffffffffffffp1023;
        bool special = !(most > 0) || most > 0x1.fffffffffffffp1023;
        *norm = usual ? sqrt(sum) : most;
        // The exponent of a denormal number counts as the smallest normal one: its scaled square is safe all the same.
        long long exponent = (__double_as_longlong(most) >> 52) & 2047;
        args.scales[at] = usual || special
                ? 0
                : __longlong_as_double(min(2046LL, max(1LL, 2046 - exponent)) << 52);
    }
}

// ---- largest magnitudes

template <typename T>
struct LargestArgs {
    const T *data;
    long long count;
    long long length;
    long long pitch;
    long long stride;
    long long batch;
    long long parts;      // blocks for each problem
    double *partial;      // batch x parts
};

template <typename T>
__device__ __forceinline__ void partialLargest(LargestArgs<T> args) {
    __shared__ double shared[THREADS];
    long long across = (args.length + THREADS - 1) / THREADS;
    for (long long b = blockIdx.y; b < args.batch; b += gridDim.y) {
        double most = 0;
        for (long long tile = blockIdx.x; tile < args.count * across; tile += args.parts) {
            long long l = tile / across;
            long long p = tile % across * THREADS + threadIdx.x;
            if (p < args.length) {
                most = larger(most, fabs((double)args.data[b * args.stride + l * args.pitch + p]));
            }
        }
        most = blockLargest(most, shared);
        if (threadIdx.x == 0) {
            args.partial[b * args.parts + blockIdx.x] = most;
        }
    }
}

extern "C" __global__ void nullspace_largest_f32(LargestArgs<float> args) { partialLargest(args); }
extern "C" __global__ void nullspace_largest_f64(LargestArgs<double> args) { partialLargest(args); }

struct LargestFinishArgs {
    const double *partial;
    long long parts;
    long long batch;
    double *result;
    long long stride;     // entries from problem to problem
};

extern "C" __global__ void nullspace_largest_finish(LargestFinishArgs args) {
    __shared__ double shared[THREADS];
    for (long long b = blockIdx.x; b < args.batch; b += gridDim.x) {
        double most = 0;
        for (long long i = threadIdx.x; i < args.parts; i += THREADS) {
            most = larger(most, args.partial[b * args.parts + i]);
        }
        most = blockLargest(most, shared);
        if (threadIdx.x == 0) {
            args.result[b * args.stride] = most;
        }
    }
}

// ---- entries that are not finite

template <typename T>
struct FiniteArgs {
    T *data;
    long long count;
    long long length;
    long long pitch;
    long long stride;      // entries from problem to problem
    long long batch;
    long long beginnings;  // 0: whole lines, 1: of line l the entries up to l, 2: those from l on
    int *flags;            // one for each problem, nonzero: there is an entry that is not finite
};

template <typename T>
__device__ __forceinline__ bool examined(const FiniteArgs<T> &args, long long l, long long p) {
    return args.beginnings == 0 || (args.beginnings == 1 ? p <= l : p >= l);
}

template <typename T>
__device__ __forceinline__ void findNonFinite(FiniteArgs<T> args) {
    long long across = (args.length + THREADS - 1) / THREADS;
    for (long long b = blockIdx.y; b < args.batch; b += gridDim.y) {
        const T *data = args.data + b * args.stride;
        for (long long tile = blockIdx.x; tile < args.count * across; tile += gridDim.x) {
            long long l = tile / across;
            long long p = tile % across * THREADS + threadIdx.x;
            if (p < args.length && examined(args, l, p) && !isfinite(data[l * args.pitch + p])) {
                args.flags[b] = 1;
            }
        }
    }
}

extern "C" __global__ void nullspace_find_non_finite_f32(FiniteArgs<float> args) { findNonFinite(args); }
extern "C" __global__ void nullspace_find_non_finite_f64(FiniteArgs<double> args) { findNonFinite(args); }

// Zeros in place of all entries if there is one that is not finite: iterations get finite entries only, with others they may not end.
template <typename T>
__device__ __forceinline__ void clearIfFlagged(FiniteArgs<T> args) {
    long long across = (args.length + THREADS - 1) / THREADS;
    for (long long b = blockIdx.y; b < args.batch; b += gridDim.y) {
        if (args.flags[b] == 0) {
            continue;
        }
        T *data = args.data + b * args.stride;
        for (long long tile = blockIdx.x; tile < args.count * across; tile += gridDim.x) {
            long long l = tile / across;
            long long p = tile % across * THREADS + threadIdx.x;
            if (p < args.length) {
                data[l * args.pitch + p] = (T)0;
            }
        }
    }
}

extern "C" __global__ void nullspace_clear_if_flagged_f32(FiniteArgs<float> args) { clearIfFlagged(args); }
extern "C" __global__ void nullspace_clear_if_flagged_f64(FiniteArgs<double> args) { clearIfFlagged(args); }
