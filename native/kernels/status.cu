// Status words: what a factorization's info means, decided where it lies. One block of 256 threads for each problem of a batch.
// Every kernel takes one struct of 8-byte members.

constexpr int THREADS = 256;

// The smallest of the threads' values.
__device__ __forceinline__ long long blockFirst(long long value, long long *shared) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            shared[threadIdx.x] = min(shared[threadIdx.x], shared[threadIdx.x + half]);
        }
        __syncthreads();
    }
    return shared[0];
}

template <typename T>
struct DiagonalArgs {
    const T *data;
    long long order;
    long long pitch;
    long long stride;  // entries from problem to problem
    long long batch;
    const int *info;   // what the library wrote, one for each problem
    int *words;        // status words
};

// Cholesky: the order of the first leading minor that is not positive definite. Libraries take the root of NaN in their stride: whatever
// is not finite has reached the diagonal.
template <typename T>
__device__ __forceinline__ void choleskyStatus(DiagonalArgs<T> args) {
    __shared__ long long shared[THREADS];
    for (long long b = blockIdx.x; b < args.batch; b += gridDim.x) {
        const T *data = args.data + b * args.stride;
        long long info = args.info[b];
        long long end = info > 0 ? info : args.order;
        long long first = end;
        for (long long i = threadIdx.x; i < end; i += THREADS) {
            if (!isfinite(data[i * args.pitch + i])) {
                first = min(first, i);
            }
        }
        first = blockFirst(first, shared);
        if (threadIdx.x == 0) {
            args.words[b] = (int)(info < 0 ? info : first < end ? first + 1 : info);
        }
        __syncthreads();
    }
}

extern "C" __global__ void nullspace_cholesky_status_f32(DiagonalArgs<float> args) { choleskyStatus(args); }
extern "C" __global__ void nullspace_cholesky_status_f64(DiagonalArgs<double> args) { choleskyStatus(args); }

// Inversion of a triangular matrix: the index from 1 of the first zero on the diagonal, before the inversion.
template <typename T>
__device__ __forceinline__ void firstZero(DiagonalArgs<T> args) {
    __shared__ long long shared[THREADS];
    for (long long b = blockIdx.x; b < args.batch; b += gridDim.x) {
        const T *data = args.data + b * args.stride;
        long long first = args.order;
        for (long long i = threadIdx.x; i < args.order; i += THREADS) {
            if (data[i * args.pitch + i] == 0) {
                first = min(first, i);
            }
        }
        first = blockFirst(first, shared);
        if (threadIdx.x == 0) {
            args.words[b] = (int)(first < args.order ? first + 1 : 0);
        }
        __syncthreads();
    }
}

extern "C" __global__ void nullspace_first_zero_f32(DiagonalArgs<float> args) { firstZero(args); }
extern "C" __global__ void nullspace_first_zero_f64(DiagonalArgs<double> args) { firstZero(args); }

template <typename T>
struct SpectrumArgs {
    T *values;
    long long count;    // values of a problem
    long long stride;   // entries from problem to problem
    long long batch;
    const int *info;    // what the library wrote, one for each problem
    const int *flags;   // nonzero: the matrix had an entry that is not finite
    int *words;         // status words
};

// Singular values and eigenvalues: NaN in place of all values unless the iteration converged on finite entries.
template <typename T>
__device__ __forceinline__ void spectrumStatus(SpectrumArgs<T> args) {
    for (long long b = blockIdx.x; b < args.batch; b += gridDim.x) {
        int word = args.flags[b] != 0 ? (int)args.count + 1 : args.info[b];
        if (threadIdx.x == 0) {
            args.words[b] = word;
        }
        if (word != 0) {
            for (long long i = threadIdx.x; i < args.count; i += THREADS) {
                args.values[b * args.stride + i] = (T)(0.0 / 0.0);
            }
        }
    }
}

extern "C" __global__ void nullspace_spectrum_status_f32(SpectrumArgs<float> args) { spectrumStatus(args); }
extern "C" __global__ void nullspace_spectrum_status_f64(SpectrumArgs<double> args) { spectrumStatus(args); }

struct NoteArgs {
    const int *info;    // what the library wrote: negative for an argument that it refuses
    int *word;          // the first negative info so far, 0 if there is none
};

// Remembers that a routine whose info can only mean a wrong argument refused one.
extern "C" __global__ void nullspace_note_info(NoteArgs args) {
    if (threadIdx.x == 0 && *args.info < 0 && *args.word == 0) {
        *args.word = *args.info;
    }
}
