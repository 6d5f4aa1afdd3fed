// Operations that visit every entry once. A matrix is seen as lines of neighbouring entries: entry p of line l of problem b is
// data[b * stride + l * pitch + p]. Arithmetic is float64, also for float32 operands, and rounded when an entry is stored.
// Every kernel takes one struct of 8-byte members.

template <typename T>
struct Lines {
    T *data;
    long long count;   // lines of a problem
    long long length;  // entries of a line
    long long pitch;   // entries from line to line
    long long stride;  // entries from problem to problem, 0 if all problems share one matrix
};

// Visits (b, l, p) with b < batch, l < count, p < length: the x dimension runs along the lines.
template <typename F>
__device__ __forceinline__ void visit(long long batch, long long count, long long length, F f) {
    for (long long b = blockIdx.z; b < batch; b += gridDim.z) {
        for (long long l = blockIdx.y * (long long)blockDim.y + threadIdx.y; l < count; l += (long long)gridDim.y * blockDim.y) {
            for (long long p = blockIdx.x * (long long)blockDim.x + threadIdx.x; p < length; p += (long long)gridDim.x * blockDim.x) {
                f(b, l, p);
            }
        }
    }
}

constexpr int EDGE = 32;
constexpr int ROWS = 8;

// Visits target (b, l, p) with source entry (b, p, l): the source's lines run across those of the target. Square tiles pass through
// shared memory, so that reading and writing both run along lines. Blocks are 32 x 8 threads.
template <typename S, typename F>
__device__ __forceinline__ void visitCrossed(Lines<const S> source, long long batch, long long count, long long length, F f) {
    __shared__ S tile[EDGE][EDGE + 1];
    long long across = (length + EDGE - 1) / EDGE;
    long long down = (count + EDGE - 1) / EDGE;
    for (long long b = blockIdx.z; b < batch; b += gridDim.z) {
        for (long long y = blockIdx.y; y < down; y += gridDim.y) {
            for (long long x = blockIdx.x; x < across; x += gridDim.x) {
                for (int i = threadIdx.y; i < EDGE; i += ROWS) {
                    long long p = x * EDGE + i;
                    long long l = y * EDGE + threadIdx.x;
                    if (p < length && l < count) {
                        tile[i][threadIdx.x] = source.data[b * source.stride + p * source.pitch + l];
                    }
                }
                __syncthreads();
                for (int i = threadIdx.y; i < EDGE; i += ROWS) {
                    long long l = y * EDGE + i;
                    long long p = x * EDGE + threadIdx.x;
                    if (p < length && l < count) {
                        f(b, l, p, tile[threadIdx.x][i]);
                    }
                }
                __syncthreads();
            }
        }
    }
}

// ---- one operand

template <typename T>
struct FillArgs {
    Lines<T> a;
    long long batch;
    double value;
};

template <typename T>
__device__ __forceinline__ void fill(FillArgs<T> args) {
    Lines<T> a = args.a;
    T value = (T)args.value;
    visit(args.batch, a.count, a.length, [=](long long b, long long l, long long p) {
        a.data[b * a.stride + l * a.pitch + p] = value;
    });
}

extern "C" __global__ void nullspace_fill_f32(FillArgs<float> args) { fill(args); }
extern "C" __global__ void nullspace_fill_f64(FillArgs<double> args) { fill(args); }

template <typename T>
struct PlainArgs {
    Lines<T> a;
    long long batch;
};

template <typename T>
__device__ __forceinline__ void identity(PlainArgs<T> args) {
    Lines<T> a = args.a;
    visit(args.batch, a.count, a.length, [=](long long b, long long l, long long p) {
        a.data[b * a.stride + l * a.pitch + p] = l == p ? (T)1 : (T)0;
    });
}

extern "C" __global__ void nullspace_identity_f32(PlainArgs<float> args) { identity(args); }
extern "C" __global__ void nullspace_identity_f64(PlainArgs<double> args) { identity(args); }

template <typename T>
struct TriangleArgs {
    Lines<T> a;
    long long batch;
    long long keepsBeginning;  // 1: of each line l the entries up to l stay, 0: those from l on
};

template <typename T>
__device__ __forceinline__ void keepTriangle(TriangleArgs<T> args) {
    Lines<T> a = args.a;
    bool beginning = args.keepsBeginning != 0;
    visit(args.batch, a.count, a.length, [=](long long b, long long l, long long p) {
        if (beginning ? p > l : p < l) {
            a.data[b * a.stride + l * a.pitch + p] = (T)0;
        }
    });
}

extern "C" __global__ void nullspace_keep_triangle_f32(TriangleArgs<float> args) { keepTriangle(args); }
extern "C" __global__ void nullspace_keep_triangle_f64(TriangleArgs<double> args) { keepTriangle(args); }

template <typename T>
__device__ __forceinline__ void scale(FillArgs<T> args) {
    Lines<T> a = args.a;
    double factor = args.value;
    visit(args.batch, a.count, a.length, [=](long long b, long long l, long long p) {
        T *entry = a.data + b * a.stride + l * a.pitch + p;
        *entry = (T)(factor * (double)*entry);
    });
}

extern "C" __global__ void nullspace_scale_f32(FillArgs<float> args) { scale(args); }
extern "C" __global__ void nullspace_scale_f64(FillArgs<double> args) { scale(args); }

template <typename T>
struct FactorArgs {
    Lines<T> a;
    long long batch;
    const T *factors;
    long long increment;     // entries from factor to factor
    long long factorStride;  // entries from problem to problem
    long long perLine;       // 1: one factor for each line, 0: one for each entry of a line
};

template <typename T>
__device__ __forceinline__ void scaleByFactors(FactorArgs<T> args) {
    Lines<T> a = args.a;
    visit(args.batch, a.count, a.length, [=](long long b, long long l, long long p) {
        double factor = (double)args.factors[b * args.factorStride + (args.perLine ? l : p) * args.increment];
        T *entry = a.data + b * a.stride + l * a.pitch + p;
        *entry = (T)(factor * (double)*entry);
    });
}

extern "C" __global__ void nullspace_scale_by_factors_f32(FactorArgs<float> args) { scaleByFactors(args); }
extern "C" __global__ void nullspace_scale_by_factors_f64(FactorArgs<double> args) { scaleByFactors(args); }

// ---- two operands

template <typename S, typename T>
struct CopyArgs {
    Lines<const S> source;
    Lines<T> target;
    long long batch;
};

template <typename S, typename T>
__device__ __forceinline__ void copyAligned(CopyArgs<S, T> args) {
    Lines<const S> source = args.source;
    Lines<T> target = args.target;
    visit(args.batch, target.count, target.length, [=](long long b, long long l, long long p) {
        target.data[b * target.stride + l * target.pitch + p] = (T)source.data[b * source.stride + l * source.pitch + p];
    });
}

template <typename S, typename T>
__device__ __forceinline__ void copyCrossed(CopyArgs<S, T> args) {
    Lines<T> target = args.target;
    visitCrossed(args.source, args.batch, target.count, target.length, [=](long long b, long long l, long long p, S value) {
        target.data[b * target.stride + l * target.pitch + p] = (T)value;
    });
}

extern "C" __global__ void nullspace_copy_aligned_f32_f32(CopyArgs<float, float> args) { copyAligned(args); }
extern "C" __global__ void nullspace_copy_aligned_f32_f64(CopyArgs<float, double> args) { copyAligned(args); }
extern "C" __global__ void nullspace_copy_aligned_f64_f32(CopyArgs<double, float> args) { copyAligned(args); }
extern "C" __global__ void nullspace_copy_aligned_f64_f64(CopyArgs<double, double> args) { copyAligned(args); }
extern "C" __global__ void nullspace_copy_crossed_f32_f32(CopyArgs<float, float> args) { copyCrossed(args); }
extern "C" __global__ void nullspace_copy_crossed_f32_f64(CopyArgs<float, double> args) { copyCrossed(args); }
extern "C" __global__ void nullspace_copy_crossed_f64_f32(CopyArgs<double, float> args) { copyCrossed(args); }
extern "C" __global__ void nullspace_copy_crossed_f64_f64(CopyArgs<double, double> args) { copyCrossed(args); }

template <typename S, typename T>
struct CopyColumnsArgs {
    const S *source;
    long long sourceRow;      // entries from row to row
    long long sourceColumn;   // entries from column to column
    long long sourceStride;   // entries from problem to problem, 0 if all problems share one matrix
    T *target;
    long long targetRow;
    long long targetColumn;
    long long targetStride;
    long long batch;
    long long rows;
    long long columns;        // how many are copied
    const int *indices;       // of the source's columns, then of the target's
    long long rowsAreLines;   // of the target
};

template <typename S, typename T>
__device__ __forceinline__ void copyColumns(CopyColumnsArgs<S, T> args) {
    bool across = args.rowsAreLines != 0;
    visit(args.batch, across ? args.rows : args.columns, across ? args.columns : args.rows, [=](long long b, long long l, long long p) {
        long long i = across ? l : p;
        long long j = across ? p : l;
        long long from = args.indices[j];
        long long to = args.indices[args.columns + j];
        args.target[b * args.targetStride + i * args.targetRow + to * args.targetColumn] =
                (T)args.source[b * args.sourceStride + i * args.sourceRow + from * args.sourceColumn];
    });
}

extern "C" __global__ void nullspace_copy_columns_f32_f32(CopyColumnsArgs<float, float> args) { copyColumns(args); }
extern "C" __global__ void nullspace_copy_columns_f32_f64(CopyColumnsArgs<float, double> args) { copyColumns(args); }
extern "C" __global__ void nullspace_copy_columns_f64_f32(CopyColumnsArgs<double, float> args) { copyColumns(args); }
extern "C" __global__ void nullspace_copy_columns_f64_f64(CopyColumnsArgs<double, double> args) { copyColumns(args); }

template <typename T>
struct CopyTriangleArgs {
    Lines<const T> source;
    Lines<T> target;
    long long batch;
    long long beginnings;  // 1: of each line l the entries up to l are copied, 0: those from l on
};

template <typename T>
__device__ __forceinline__ void copyTriangle(CopyTriangleArgs<T> args) {
    Lines<const T> source = args.source;
    Lines<T> target = args.target;
    bool beginnings = args.beginnings != 0;
    visit(args.batch, target.count, target.length, [=](long long b, long long l, long long p) {
        if (beginnings ? p <= l : p >= l) {
            target.data[b * target.stride + l * target.pitch + p] = source.data[b * source.stride + l * source.pitch + p];
        }
    });
}

extern "C" __global__ void nullspace_copy_triangle_f32(CopyTriangleArgs<float> args) { copyTriangle(args); }
extern "C" __global__ void nullspace_copy_triangle_f64(CopyTriangleArgs<double> args) { copyTriangle(args); }

template <typename T>
struct AddArgs {
    Lines<const T> source;
    Lines<T> target;
    long long batch;
    double alpha;
    double beta;
};

template <typename T>
__device__ __forceinline__ T combined(double alpha, T source, double beta, const T *target) {
    double sum = alpha * (double)source;
    return (T)(beta == 0 ? sum : sum + beta * (double)*target);
}

template <typename T>
__device__ __forceinline__ void addAligned(AddArgs<T> args) {
    Lines<const T> source = args.source;
    Lines<T> target = args.target;
    visit(args.batch, target.count, target.length, [=](long long b, long long l, long long p) {
        T *entry = target.data + b * target.stride + l * target.pitch + p;
        *entry = combined(args.alpha, source.data[b * source.stride + l * source.pitch + p], args.beta, entry);
    });
}

template <typename T>
__device__ __forceinline__ void addCrossed(AddArgs<T> args) {
    Lines<T> target = args.target;
    visitCrossed(args.source, args.batch, target.count, target.length, [=](long long b, long long l, long long p, T value) {
        T *entry = target.data + b * target.stride + l * target.pitch + p;
        *entry = combined(args.alpha, value, args.beta, entry);
    });
}

extern "C" __global__ void nullspace_add_aligned_f32(AddArgs<float> args) { addAligned(args); }
extern "C" __global__ void nullspace_add_aligned_f64(AddArgs<double> args) { addAligned(args); }
extern "C" __global__ void nullspace_add_crossed_f32(AddArgs<float> args) { addCrossed(args); }
extern "C" __global__ void nullspace_add_crossed_f64(AddArgs<double> args) { addCrossed(args); }
