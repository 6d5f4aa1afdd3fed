// Norms, largest magnitudes and searches for entries that are not finite. Sums run in a fixed order: results do not depend on scheduling.
// A matrix is seen as lines of neighbouring entries: entry p of line l of problem b is data[b * stride + l * pitch + p].
// Every kernel takes one struct of 8-byte members. Blocks have 256 threads, in one row unless a kernel says
// otherwise.

constexpr int THREADS = 256;

// The larger of two magnitudes; NaN wins.
__device__ __forceinline__ double larger(double m, double x) {
    return x > m || x != x ? x : m;
}

// The largest value of the threads of one row of the block, for all of them; their number is a power of two.
__device__ __forceinline__ double rowLargest(double value, double *shared) {
    double *row = shared + threadIdx.y * blockDim.x;
    row[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            row[threadIdx.x] = larger(row[threadIdx.x], row[threadIdx.x + half]);
        }
        __syncthreads();
    }
    double result = row[0];
    __syncthreads();
    return result;
}

// The sum of the values of the threads of one row of the block, as above.
__device__ __forceinline__ double rowSum(double value, double *shared) {
    double *row = shared + threadIdx.y * blockDim.x;
    row[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            row[threadIdx.x] += row[threadIdx.x + half];
        }
        __syncthreads();
    }
    double result = row[0];
    __syncthreads();
    return result;
}

// ---- Euclidean norms of columns
//
// A column that is not cut takes one launch. Where there are too few columns for the device, each is cut into chunks of rows: a first launch
// leaves the largest magnitude and the sum of squares of each chunk, a second one adds up. The columns whose sum of squares has left the safe
// range are visited once more, scaled by a power of two, by the threads that have found it out.

template <typename T>
struct NormArgs {
    const T *data;
    long long rows;
    long long columns;
    long long rowStride;    // entries from row to row
    long long columnStride; // entries from column to column
    long long stride;       // entries from problem to problem
    long long batch;
    long long chunks;       // parts that each column is cut into; 0 if it is not
    double *largest;        // batch x columns x chunks
    double *squares;        // batch x columns x chunks
    double *norms;
    long long increment;    // entries from norm to norm
    long long normStride;   // entries from problem to problem
};

template <typename T>
__device__ __forceinline__ void addRow(const T *entry, double scale, double &most, double &sum) {
    double x = fabs((double)*entry) * scale;
    most = larger(most, x);
    sum += x * x;
}

// One block for each column and chunk: for long columns that are lines.
template <typename T>
__device__ __forceinline__ void partialNormsAlong(NormArgs<T> args) {
    __shared__ double shared[THREADS];
    long long height = (args.rows + args.chunks - 1) / args.chunks;
    for (long long b = blockIdx.z; b < args.batch; b += gridDim.z) {
        for (long long c = blockIdx.y; c < args.columns; c += gridDim.y) {
            for (long long k = blockIdx.x; k < args.chunks; k += gridDim.x) {
                const T *column = args.data + b * args.stride + c * args.columnStride;
                long long end = min(args.rows, (k + 1) * height);
                double most = 0;
                double sum = 0;
                for (long long i = k * height + threadIdx.x; i < end; i += THREADS) {
                    addRow(column + i * args.rowStride, 1, most, sum);
                }
                most = rowLargest(most, shared);
                sum = rowSum(sum, shared);
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
                const T *column = args.data + b * args.stride + c * args.columnStride;
                long long end = min(args.rows, (k + 1) * height);
                double most = 0;
                double sum = 0;
                for (long long i = k * height; i < end; i++) {
                    addRow(column + i * args.rowStride, 1, most, sum);
                }
                long long at = (b * args.columns + c) * args.chunks + k;
                args.largest[at] = most;
                args.squares[at] = sum;
            }
        }
    }
}

extern "C" __global__ void nullspace_norm_parts_along_f32(NormArgs<float> args) { partialNormsAlong(args); }
extern "C" __global__ void nullspace_norm_parts_along_f64(NormArgs<double> args) { partialNormsAlong(args); }
extern "C" __global__ void nullspace_norm_parts_across_f32(NormArgs<float> args) { partialNormsAcross(args); }
extern "C" __global__ void nullspace_norm_parts_across_f64(NormArgs<double> args) { partialNormsAcross(args); }

// A sum of squares from here on has lost nothing to underflow that matters: each of its at most 2^50 squares has an absolute error of at
// most 2^-1074 from underflow, together less than 2^-60 of the sum.
constexpr double SAFE_SQUARE = 0x1p-960;

__device__ __forceinline__ bool isSafe(double sum) {
    return sum >= SAFE_SQUARE && sum <= 0x1.fffffffffffffp1023;
}

// The power of two that brings a column whose sum of squares is of no use into the safe range; 0 if the sum is good, or if the largest
// magnitude is the norm: 0, infinity, NaN.
__device__ __forceinline__ double scaleFor(double most, double sum) {
    bool special = !(most > 0) || most > 0x1.fffffffffffffp1023;
    // The exponent of a denormal number counts as the smallest normal one: its scaled square is safe all the same.
    long long exponent = (__double_as_longlong(most) >> 52) & 2047;
    return isSafe(sum) || special ? 0 : __longlong_as_double(min(2046LL, max(1LL, 2046 - exponent)) << 52);
}

// One row of the block for each column.
template <typename T>
__device__ __forceinline__ void norms(NormArgs<T> args) {
    __shared__ double shared[THREADS];
    long long all = args.batch * args.columns;
    for (long long first = blockIdx.x * (long long)blockDim.y; first < all; first += (long long)gridDim.x * blockDim.y) {
        long long at = first + threadIdx.y;
        // A row of the block that is left over sees a column of no entries.
        long long rows = at < all ? args.rows : 0;
        long long chunks = at < all ? args.chunks : 0;
        long long b = at / args.columns;
        long long c = at % args.columns;
        const T *column = args.data + b * args.stride + c * args.columnStride;
        double most = 0;
        double sum = 0;
        if (args.chunks == 0) {
            for (long long i = threadIdx.x; i < rows; i += blockDim.x) {
                addRow(column + i * args.rowStride, 1, most, sum);
            }
        } else {
            for (long long k = threadIdx.x; k < chunks; k += blockDim.x) {
                most = larger(most, args.largest[at * chunks + k]);
                sum += args.squares[at * chunks + k];
            }
        }
        most = rowLargest(most, shared);
        sum = rowSum(sum, shared);
        double norm = isSafe(sum) ? sqrt(sum) : most;
        double scale = scaleFor(most, sum);
        if (__syncthreads_or(scale != 0)) {
            double scaledMost = 0;
            double scaledSum = 0;
            for (long long i = threadIdx.x; scale != 0 && i < rows; i += blockDim.x) {
                addRow(column + i * args.rowStride, scale, scaledMost, scaledSum);
            }
            scaledSum = rowSum(scaledSum, shared);
            norm = scale != 0 ? sqrt(scaledSum) / scale : norm;
        }
        if (at < all && threadIdx.x == 0) {
            args.norms[b * args.normStride + c * args.increment] = norm;
        }
    }
}

extern "C" __global__ void nullspace_norms_f32(NormArgs<float> args) { norms(args); }
extern "C" __global__ void nullspace_norms_f64(NormArgs<double> args) { norms(args); }

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
        most = rowLargest(most, shared);
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
        most = rowLargest(most, shared);
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
