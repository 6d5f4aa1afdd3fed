// Inverses of the blocks on the diagonal of a lower triangular matrix, in place. A thread block of ORDER threads inverts one of them, a thread a column
// of the inverse, which it holds in registers. Every kernel takes one struct of 8-byte members.

constexpr int ORDER = 32;

template <typename T>
struct InverseArgs {
    T *data;
    long long order;      // of the matrix; what lies behind its end becomes an identity
    long long size;       // order of a block, at most ORDER
    long long rowStride;  // entries from row to row
    long long columnStride;
};

// Blocks are overwritten, with zeros above their diagonals.
template <typename T>
__device__ __forceinline__ void invertDiagonal(InverseArgs<T> args) {
    __shared__ T triangle[ORDER][ORDER + 1];  // by columns, of which no two begin in one bank
    int self = threadIdx.x;
    long long first = blockIdx.x * args.size;
    int size = (int)args.size;
    int known = (int)max(0ll, min(args.size, args.order - first));
    T *data = args.data + first * (args.rowStride + args.columnStride);
    bool downwards = args.rowStride == 1;
    for (int k = 0; k < ORDER; k++) {
        int row = downwards ? self : k;
        int column = downwards ? k : self;
        T entry = row == column;
        if (row < known && column <= row) {
            entry = data[row * args.rowStride + column * args.columnStride];
        }
        triangle[column][row] = entry;
    }
    __syncthreads();
    T x[ORDER];
#pragma unroll
    for (int i = 0; i < ORDER; i++) {
        x[i] = i == self;
    }
#pragma unroll
    for (int k = 0; k < ORDER; k++) {
        x[k] = k < self ? T(0) : x[k] / triangle[k][k];
#pragma unroll
        for (int i = k + 1; i < ORDER; i++) {
            x[i] -= triangle[k][i] * x[k];
        }
    }
    if (self < size) {
#pragma unroll
        for (int i = 0; i < ORDER; i++) {
            if (i < size) {
                data[i * args.rowStride + self * args.columnStride] = x[i];
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(ORDER) nullspace_invert_diagonal_f32(InverseArgs<float> args) { invertDiagonal(args); }
extern "C" __global__ void __launch_bounds__(ORDER) nullspace_invert_diagonal_f64(InverseArgs<double> args) { invertDiagonal(args); }
