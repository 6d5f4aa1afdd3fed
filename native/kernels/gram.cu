// Gram matrices of many columns on FP64 tensor cores (compute capability 9.0 and newer): one triangle of C <- alpha A A' + beta C in float64,
// for A of float64 or float32 whose rows are contiguous.
//
// C is cut into square tiles. A thread block computes one tile of the triangle from a part of the columns of A, which pass through shared
// memory in stages; parts are summed in their order, so that the sum does not depend on which block ends first. The last tile of a line is moved
// back to end with C: it overlaps its neighbour, and no row is missing. A stage holds 128 bytes of each of 2 x TILE rows of A as two slabs of 64
// bytes a row; in the second slab the rows of a pair have changed places, so that neither copies nor reads meet in a bank. Which columns of A
// meet in one multiplication of tensor cores is a matter of convenience: a thread reads 16 bytes of a row and takes them for columns 4 apart.
//
// Every kernel takes one struct of 8-byte members. Thread blocks have 256 threads.

constexpr int TILE = 128;
constexpr int THREADS = 256;
constexpr int STAGES = 4;
constexpr int PIECE = 16;                       // bytes that a thread copies or reads at once
constexpr int ROW = 128;                        // bytes of a row in a stage
constexpr int SLAB = TILE * ROW / 2;            // bytes of a slab
constexpr int STAGE = 2 * 2 * SLAB;             // bytes of a stage: two slabs for each side of the tile
constexpr int ROWS_AT_ONCE = THREADS * PIECE / ROW;
constexpr int GROUP = 8;                        // lines of tiles that are walked through together, to share rows of A in the cache

template <typename T>
struct GramArgs {
    const T *a;
    long long rows;     // of A, at least TILE
    long long columns;  // of A
    long long stride;   // entries of A from row to row
    double alpha;
    double beta;
    double *c;
    long long cStride;  // entries of C from line to line
    long long upper;    // 1: the entries behind the diagonal of a line, 0: those before it
    long long parts;
    double *sums;       // tiles of all parts, TILE x TILE each; not used for a single part
};

// A tile: its lines and its positions in them begin at these rows of A.
struct Tile {
    int line;
    int position;
    int firstLine;      // what lies before belongs to the neighbour
    int firstPosition;
};

__device__ __forceinline__ int tilesOf(int rows) {
    int blocks = (rows + TILE - 1) / TILE;
    return blocks * (blocks + 1) / 2;
}

// Tiles are numbered by groups of GROUP block rows, in a group column by column.
__device__ __forceinline__ Tile tileOf(int number, int rows, bool upper) {
    int blocks = (rows + TILE - 1) / TILE;
    int group = 0;
    while (group + GROUP < blocks && (group + GROUP) * (group + GROUP + 1) / 2 <= number) {
        group += GROUP;
    }
    int height = min(GROUP, blocks - group);
    int local = number - group * (group + 1) / 2;
    int high;
    int low;
    if (local < group * height) {
        low = local / height;
        high = group + local % height;
    } else {
        local -= group * height;
        high = 0;
        while ((high + 1) * (high + 2) / 2 <= local) {
            high++;
        }
        low = group + local - high * (high + 1) / 2;
        high += group;
    }
    Tile tile;
    tile.firstLine = (upper ? low : high) * TILE;
    tile.firstPosition = (upper ? high : low) * TILE;
    tile.line = min(tile.firstLine, rows - TILE);
    tile.position = min(tile.firstPosition, rows - TILE);
    return tile;
}

#ifdef NULLSPACE_HOSTCUDA
// The software device has neither asynchronous copies nor tensor cores.
template <int BYTES>
inline void copyAsync(void *to, const void *from, int bytes) {
    memcpy(to, from, bytes);
    memset(static_cast<char *>(to) + bytes, 0, BYTES - bytes);
}
inline void endGroup() {}
template <int PENDING>
inline void awaitGroups() {}
inline void multiplyAdd(double (&c)[4], const double (&a)[4], const double (&b)[2]) {
    __shared__ double left[THREADS / 32][16][8];
    __shared__ double right[THREADS / 32][8][8];
    int warp = threadIdx.x / 32;
    int g = threadIdx.x % 32 / 4;
    int t = threadIdx.x % 4;
    for (int i = 0; i < 4; i++) {
        left[warp][g + i % 2 * 8][t + i / 2 * 4] = a[i];
    }
    right[warp][g][t] = b[0];
    right[warp][g][t + 4] = b[1];
    __syncwarp();
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 8; k++) {
            c[i] = fma(left[warp][g + i / 2 * 8][k], right[warp][2 * t + i % 2][k], c[i]);
        }
    }
    __syncwarp();
}
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
// Copies bytes of at most BYTES from device to shared memory and fills up with zeros.
template <int BYTES>
__device__ __forceinline__ void copyAsync(void *to, const void *from, int bytes) {
    unsigned target = (unsigned)__cvta_generic_to_shared(to);
    if constexpr (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(target), "l"(from), "r"(bytes) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;\n" ::"r"(target), "l"(from), "n"(BYTES), "r"(bytes) : "memory");
    }
}
__device__ __forceinline__ void endGroup() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
template <int PENDING>
__device__ __forceinline__ void awaitGroups() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(PENDING) : "memory");
}
// C += AB for a 16 x 8 tile C, 8 products a sum, spread over a warp as the instruction has it.
__device__ __forceinline__ void multiplyAdd(double (&c)[4], const double (&a)[4], const double (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
                 : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]));
}
#else
// Older tensor cores have no such instruction; these kernels are not launched there.
template <int BYTES>
__device__ __forceinline__ void copyAsync(void *, const void *, int) {}
__device__ __forceinline__ void endGroup() {}
template <int PENDING>
__device__ __forceinline__ void awaitGroups() {}
__device__ __forceinline__ void multiplyAdd(double (&)[4], const double (&)[4], const double (&)[2]) {}
#endif

// 16 bytes of a row: one pair of entries for each multiplication that they are enough for.
struct Piece64 {
    static constexpr int STEPS = 1;
    double2 v;
    __device__ __forceinline__ double first(int) const { return v.x; }
    __device__ __forceinline__ double second(int) const { return v.y; }
};
struct Piece32 {
    static constexpr int STEPS = 2;
    float4 v;
    __device__ __forceinline__ double first(int step) const { return step == 0 ? v.x : v.z; }
    __device__ __forceinline__ double second(int step) const { return step == 0 ? v.y : v.w; }
};

// The same number, which the compiler takes for another one: it is read again instead of held in a register.
__device__ __forceinline__ int again(int number) {
#ifndef NULLSPACE_HOSTCUDA
    asm volatile("" : "+r"(number));
#endif
    return number;
}
__device__ __forceinline__ long long again(long long number) {
#ifndef NULLSPACE_HOSTCUDA
    asm volatile("" : "+l"(number));
#endif
    return number;
}

template <typename P>
__device__ __forceinline__ P piece(const char *at) {
    return *reinterpret_cast<const P *>(at);
}

__device__ __forceinline__ void update(double *c, double alpha, double sum, double beta) {
    *c = beta == 0 ? alpha * sum : alpha * sum + beta * *c;
}

// COPY: bytes that rows of A are aligned to, at most PIECE.
template <typename T, typename P, int COPY>
__device__ __forceinline__ void gramTile(GramArgs<T> args) {
    extern __shared__ __align__(16) double stages[];
    char *shared = reinterpret_cast<char *>(stages);
    int rows = (int)args.rows;
    int part = blockIdx.x / tilesOf(rows);
    Tile tile = tileOf(blockIdx.x % tilesOf(rows), rows, args.upper != 0);
    bool diagonal = tile.line == tile.position;
    long long width = args.columns * (long long)sizeof(T);
    long long all = (width + ROW - 1) / ROW;
    long long from = all * part / args.parts;
    int count = (int)(all * (part + 1) / args.parts - from);

    // What this thread copies: a piece of every ROWS_AT_ONCE-th row.
    int across = threadIdx.x % (ROW / PIECE);
    int down = threadIdx.x / (ROW / PIECE);
    int slabOf = across / (ROW / PIECE / 2);
    long long pitch = args.stride * (long long)sizeof(T);
    const char *sourceA = reinterpret_cast<const char *>(args.a) + (tile.line + down) * pitch + from * ROW + across * PIECE;
    const char *sourceB = sourceA + (tile.position - tile.line) * pitch;
    int tail = (int)max(0ll, min((long long)PIECE, width - (from + count - 1) * ROW - across * PIECE));
    int target = slabOf * SLAB + (down ^ slabOf) * (ROW / 2) + across % (ROW / PIECE / 2) * PIECE;
    auto copyStage = [&](int stage, int block) {
        char *to = shared + stage * STAGE + target;
        int bytes = block == count - 1 ? tail : PIECE;
        long long step = ROWS_AT_ONCE * again(args.stride) * (long long)sizeof(T);
        const char *a = sourceA;
        const char *b = sourceB;
#pragma unroll
        for (int p = 0; p < TILE / ROWS_AT_ONCE; p++) {
#pragma unroll
            for (int q = 0; q < PIECE; q += COPY) {
                int some = COPY == PIECE ? bytes : max(0, min(COPY, bytes - q));
                copyAsync<COPY>(to + p * ROWS_AT_ONCE * (ROW / 2) + q, a + q, some);
                if (!diagonal) {
                    copyAsync<COPY>(to + 2 * SLAB + p * ROWS_AT_ONCE * (ROW / 2) + q, b + q, some);
                }
            }
            a += step;
            b += step;
        }
        sourceA += ROW;
        sourceB += ROW;
    };

    // What this thread multiplies: a warp has 64 lines and 32 positions of the tile.
    int g = threadIdx.x % 32 / 4;
    int t = threadIdx.x % 4;
    int warp = threadIdx.x / 32;
    int warpLine = warp % 2 * 64;
    int warpPosition = warp / 2 * 32;
    int offsetA = (warpLine + g) * (ROW / 2) + t * PIECE;
    int offsetB = (diagonal ? 0 : 2 * SLAB) + (warpPosition + g) * (ROW / 2) + t * PIECE;
    double sums[4][4][4] = {};
    P a[4][2];
    P b[2][4];
    auto readA = [&](int i, const char *at) {
        a[i][0] = piece<P>(at + i * 16 * (ROW / 2));
        a[i][1] = piece<P>(at + (i * 16 + 8) * (ROW / 2));
    };
    auto readB = [&](int buffer, const char *at) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            b[buffer][j] = piece<P>(at + j * 8 * (ROW / 2));
        }
    };

#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < count) {
            copyStage(s, s);
        }
        endGroup();
    }
    awaitGroups<STAGES - 2>();
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; i++) {
        readA(i, shared + offsetA);
    }
    readB(0, shared + offsetB);
    int stage = 0;
    for (int block = 0; block < count; block++) {
        int next = stage + 1 == STAGES ? 0 : stage + 1;
#pragma unroll
        for (int slab = 0; slab < 2; slab++) {
            const char *atA = shared + stage * STAGE + SLAB + (offsetA ^ (ROW / 2));
            const char *atB = shared + stage * STAGE + SLAB + (offsetB ^ (ROW / 2));
            if (slab == 1) {
                // All have read what is copied over next, and what is read next has arrived.
                awaitGroups<STAGES - 2>();
                __syncthreads();
                atA = shared + next * STAGE + offsetA;
                atB = shared + next * STAGE + offsetB;
            }
            readB(1 - slab, atB);
#pragma unroll
            for (int s = 0; s < P::STEPS; s++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    double left16[4] = {a[i][0].first(s), a[i][1].first(s), a[i][0].second(s), a[i][1].second(s)};
#pragma unroll
                    for (int k = 0; k < 4; k++) {
                        int j = i % 2 == 0 ? k : 3 - k;
                        double right8[2] = {b[slab][j].first(s), b[slab][j].second(s)};
                        multiplyAdd(sums[i][j], left16, right8);
                    }
                    if (s == P::STEPS - 1) {
                        readA(i, atA);
                    }
                    if (slab == 0 && s == 0 && i == 1) {
                        if (block + STAGES - 1 < count) {
                            copyStage(stage == 0 ? STAGES - 1 : stage - 1, block + STAGES - 1);
                        }
                        endGroup();
                    }
                }
            }
        }
        stage = next;
    }
    awaitGroups<0>();

    // Found again: held through the loop they would take registers that it needs.
    int block = again((int)blockIdx.x);
    double *out = args.sums + (long long)block * TILE * TILE;
    tile = tileOf(block % tilesOf((int)args.rows), (int)args.rows, args.upper != 0);
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int u = warpLine + i * 16 + h * 8 + g;
                int v = warpPosition + j * 8 + t * 2;
                if (args.parts > 1) {
                    *reinterpret_cast<double2 *>(out + u * TILE + v) = make_double2(sums[i][j][2 * h], sums[i][j][2 * h + 1]);
                    continue;
                }
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    int line = tile.line + u;
                    int position = tile.position + v + e;
                    bool inside = args.upper != 0 ? position >= line : position <= line;
                    if (inside && line >= tile.firstLine && position >= tile.firstPosition) {
                        update(args.c + line * args.cStride + position, args.alpha, sums[i][j][2 * h + e], args.beta);
                    }
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) nullspace_gram_f64(GramArgs<double> args) { gramTile<double, Piece64, 16>(args); }
extern "C" __global__ void __launch_bounds__(THREADS, 1) nullspace_gram_any_f64(GramArgs<double> args) { gramTile<double, Piece64, 8>(args); }
extern "C" __global__ void __launch_bounds__(THREADS, 1) nullspace_gram_f32(GramArgs<float> args) { gramTile<float, Piece32, 16>(args); }
extern "C" __global__ void __launch_bounds__(THREADS, 1) nullspace_gram_any_f32(GramArgs<float> args) { gramTile<float, Piece32, 4>(args); }

// Sums the parts of the tiles: a block in x for each tile. A is not looked at.
extern "C" __global__ void nullspace_gram_sum(GramArgs<double> args) {
    int rows = (int)args.rows;
    int tiles = gridDim.x;
    Tile tile = tileOf(blockIdx.x, rows, args.upper != 0);
    const double *sums = args.sums + (long long)blockIdx.x * TILE * TILE;
    for (int e = blockIdx.y * blockDim.x + threadIdx.x; e < TILE * TILE; e += gridDim.y * blockDim.x) {
        int line = tile.line + e / TILE;
        int position = tile.position + e % TILE;
        bool inside = args.upper != 0 ? position >= line : position <= line;
        if (inside && line >= tile.firstLine && position >= tile.firstPosition) {
            double sum = 0;
            for (long long p = 0; p < args.parts; p++) {
                sum += sums[p * tiles * TILE * TILE + e];
            }
            update(args.c + line * args.cStride + position, args.alpha, sum, args.beta);
        }
    }
}
