// Sparse random sketches Y = SA. S has one entry of 1 or -1 in each of a few blocks of its rows for each row of A: SparseSigns.java says where.
// A thread block sums up 32 columns of a part of one block of rows of Y in shared memory. It walks down A in tiles; each row of A belongs to
// one row of that block and so to one group of 32 threads, each of which owns a column of every eighth row: no sum is ever shared, and all sums run from the
// first row of A to the last. Every kernel takes one struct of 8-byte members. Thread blocks have 32 x 8 threads.

constexpr int COLUMNS = 32;
constexpr int GROUPS = 8;
constexpr int TILE = 32;
constexpr int HEIGHT = 144;  // rows of a part

template <typename T>
struct SketchArgs {
    const T *data;
    long long rows;
    long long columns;
    long long rowStride;     // entries of A from row to row
    long long columnStride;  // entries of A from column to column
    double *y;
    long long k;              // rows of Y
    long long yRowStride;     // entries of Y from row to row
    long long yColumnStride;  // entries of Y from column to column
    unsigned long long seed;
    long long offset;  // index of the first row in the matrix that these rows are part of; 0: Y is written afresh
    long long perRow;  // blocks of rows of Y
    long long parts;   // parts that each of them is cut into
};

// The number that the entry of column i of S in a block is made from.
__device__ __forceinline__ unsigned long long bitsOf(unsigned long long seed, long long i, long long block, long long perRow) {
    unsigned long long z = seed + (unsigned long long)(i * perRow + block + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

template <typename T>
__device__ __forceinline__ void sketch(SketchArgs<T> args) {
    __shared__ double sums[HEIGHT][COLUMNS];
    __shared__ double tile[TILE][COLUMNS + 1];
    __shared__ int targets[TILE];  // row within the part, or -1
    __shared__ double signs[TILE];
    int x = threadIdx.x;
    int group = threadIdx.y;
    bool along = args.columnStride == 1;
    for (long long part = blockIdx.y; part < args.perRow * args.parts; part += gridDim.y) {
        long long block = part / args.parts;
        long long start = args.k * block / args.perRow;
        long long size = args.k * (block + 1) / args.perRow - start;
        long long first = part % args.parts * HEIGHT;
        int height = (int)max(0ll, min((long long)HEIGHT, size - first));
        for (long long c = blockIdx.x * (long long)COLUMNS; c < args.columns; c += gridDim.x * (long long)COLUMNS) {
            bool mine = c + x < args.columns;
            double *target = args.y + (start + first) * args.yRowStride + (c + x) * args.yColumnStride;
            for (int i = group; i < height; i += GROUPS) {
                sums[i][x] = args.offset == 0 || !mine ? 0 : target[i * args.yRowStride];
            }
            for (long long top = 0; top < args.rows; top += TILE) {
                __syncthreads();
                for (int i = group; i < TILE; i += GROUPS) {
                    int down = along ? i : x;
                    int across = along ? x : i;
                    bool inside = top + down < args.rows && c + across < args.columns;
                    tile[down][across] =
                        inside ? (double)args.data[(top + down) * args.rowStride + (c + across) * args.columnStride] : 0;
                }
                if (group == 0) {
                    unsigned long long bits = bitsOf(args.seed, args.offset + top + x, block, args.perRow);
                    long long row = (long long)(((bits >> 32) * (unsigned long long)size) >> 32) - first;
                    targets[x] = top + x < args.rows && row >= 0 && row < height ? (int)row : -1;
                    signs[x] = (bits & 1) == 0 ? 1 : -1;
                }
                __syncthreads();
                for (int i = 0; i < TILE; i++) {
                    int row = targets[i];
                    if (row >= 0 && row % GROUPS == group) {
                        sums[row][x] += signs[i] * tile[i][x];
                    }
                }
            }
            for (int i = group; i < height; i += GROUPS) {
                if (mine) {
                    target[i * args.yRowStride] = sums[i][x];
                }
            }
        }
    }
}

extern "C" __global__ void nullspace_sketch_f32(SketchArgs<float> args) { sketch(args); }
extern "C" __global__ void nullspace_sketch_f64(SketchArgs<double> args) { sketch(args); }
