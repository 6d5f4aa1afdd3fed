// Cholesky factor and its inverse in one sweep: [A | I] becomes [L | L^-1] by the steps of elimination, ORDER columns at a time. A is stored by
// columns, its lower triangle; L^-1 by rows, zeros where nothing is written. Both are cut into blocks of ORDER x ORDER.
//
// Step k takes two launches. The first eliminates with the block A_kk: every thread block does so for itself, along with a block of its own, which is
// one of those below A_kk or one of block row k of the right half. The second subtracts products of these from all blocks below. L_kk goes to a place
// of its own, since others may still read A_kk, and to A by a last launch.
//
// Every kernel takes one struct of 8-byte members. Thread blocks have 16 x 16 threads. What lies behind the end of A is an identity.

constexpr int ORDER = 64;
constexpr int SIDE = 16;
constexpr int EACH = ORDER / SIDE;  // entries of a thread along a side of a block
constexpr int DEPTH = ORDER / 2;    // columns that are multiplied at once

struct CholeskyArgs {
    double *a;
    long long order;
    long long pitch;         // entries of A from column to column
    double *inverse;
    long long inversePitch;  // entries of the inverse from row to row
    double *diagonal;        // L_kk by columns, one after the other
    long long step;
    int *status;             // 0, or the order of the first leading minor that is not positive
};

extern "C" __global__ void __launch_bounds__(256) nullspace_cholesky_eliminate(CholeskyArgs args) {
    __shared__ double columns[2][ORDER];
    __shared__ double rows[2][ORDER];
    int x = threadIdx.x;
    int y = threadIdx.y;
    int step = (int)args.step;
    int own = blockIdx.x;
    bool below = own > step;
    long long first = (long long)step * ORDER;
    long long ownFirst = (long long)own * ORDER;
    int size = (int)min((long long)ORDER, args.order - first);
    int ownSize = (int)min((long long)ORDER, args.order - ownFirst);
    if (step == 0 && own == 0 && x == 0 && y == 0) {
        *args.status = 0;
    }
    // Entries (x + 16i, y + 16j) of A_kk.
    double a[EACH][EACH];
    const double *block = args.a + first * args.pitch + first;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            int row = x + SIDE * i;
            int column = y + SIDE * j;
            a[i][j] = row < size && column <= row ? block[column * args.pitch + row] : row == column;
        }
    }
    // Entries (y + 16i, x + 16j) of the other block: one of those below A_kk, transposed, or one of the right half.
    double b[EACH][EACH];
    double *other = below ? args.a + first * args.pitch + ownFirst : args.inverse + first * args.inversePitch + ownFirst;
    long long otherPitch = below ? args.pitch : args.inversePitch;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            int row = y + SIDE * i;
            int column = x + SIDE * j;
            if (own == step) {
                b[i][j] = row == column;
            } else {
                b[i][j] = row < size && column < ownSize ? other[row * otherPitch + column] : 0;
            }
        }
    }
#pragma unroll
    for (int g = 0; g < EACH; g++) {
        for (int e = 0; e < SIDE; e++) {
            // Column c = 16g + e of A_kk and row c of the other block are final but for the pivot.
            double *column = columns[e % 2];
            double *row = rows[e % 2];
            if (y == e) {
                double pivot = __shfl_sync(0xffffu << (e % 2 * SIDE), a[g][g], e, SIDE);
                double factor = rsqrt(pivot);
                if (own == step && x == 0 && !(pivot > 0 && pivot < 1.0 / 0.0) && *args.status == 0) {
                    *args.status = (int)(first + g * SIDE + e + 1);
                }
#pragma unroll
                for (int i = g; i < EACH; i++) {
                    double entry = a[i][g] * factor;
                    a[i][g] = entry;
                    column[x + SIDE * i] = i == g && x <= e ? 0 : entry;
                }
#pragma unroll
                for (int j = 0; j < EACH; j++) {
                    b[g][j] *= factor;
                    row[x + SIDE * j] = b[g][j];
                }
            }
            __syncthreads();
            double down[EACH];
            double across[EACH];
#pragma unroll
            for (int i = g; i < EACH; i++) {
                down[i] = column[x + SIDE * i];
                across[i] = i == g && y <= e ? 0 : column[y + SIDE * i];
            }
#pragma unroll
            for (int i = g; i < EACH; i++) {
#pragma unroll
                for (int j = g; j <= i; j++) {
                    a[i][j] -= down[i] * across[j];
                }
            }
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                double entry = row[x + SIDE * j];
#pragma unroll
                for (int i = g; i < EACH; i++) {
                    b[i][j] -= across[i] * entry;
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            int row = y + SIDE * i;
            int column = x + SIDE * j;
            if (row < size && column < ownSize) {
                other[row * otherPitch + column] = b[i][j];
            }
            if (own == step) {
                args.diagonal[(long long)step * ORDER * ORDER + (y + SIDE * j) * ORDER + x + SIDE * i] = a[i][j];
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(256) nullspace_cholesky_subtract(CholeskyArgs args) {
    __shared__ double left[DEPTH][ORDER];
    __shared__ double right[DEPTH][ORDER];
    int step = (int)args.step;
    int blocks = (int)((args.order + ORDER - 1) / ORDER);
    int rest = blocks - step - 1;
    int number = blockIdx.x;
    long long first = (long long)step * ORDER;
    bool triangle = number < rest * (rest + 1) / 2;
    int i = 0;
    int j;
    if (triangle) {
        while ((i + 1) * (i + 2) / 2 <= number) {
            i++;
        }
        j = step + 1 + number - i * (i + 1) / 2;
        i += step + 1;
    } else {
        number -= rest * (rest + 1) / 2;
        i = step + 1 + number / (step + 1);
        j = number % (step + 1);
    }
    // C(u, v) -= sum of P(k, u) Q(k, v), u along the lines of memory.
    long long us = (long long)(triangle ? i : j) * ORDER;
    long long vs = (long long)(triangle ? j : i) * ORDER;
    const double *p = triangle ? args.a + first * args.pitch + us : args.inverse + first * args.inversePitch + us;
    long long pPitch = triangle ? args.pitch : args.inversePitch;
    const double *q = args.a + first * args.pitch + vs;
    double *c = triangle ? args.a + vs * args.pitch + us : args.inverse + vs * args.inversePitch + us;
    long long cPitch = pPitch;
    int uSize = (int)min((long long)ORDER, args.order - us);
    int vSize = (int)min((long long)ORDER, args.order - vs);
    int x = threadIdx.x;
    int y = threadIdx.y;
    int self = y * SIDE + x;
    double sums[EACH][EACH] = {};
    for (int from = 0; from < ORDER; from += DEPTH) {
        __syncthreads();
#pragma unroll
        for (int t = 0; t < DEPTH * ORDER / 256; t++) {
            int k = t * (256 / ORDER) + self / ORDER;
            int along = self % ORDER;
            left[k][along] = along < uSize ? p[(from + k) * pPitch + along] : 0;
            right[k][along] = along < vSize ? q[(from + k) * args.pitch + along] : 0;
        }
        __syncthreads();
#pragma unroll 8
        for (int k = 0; k < DEPTH; k++) {
            double u[EACH];
            double v[EACH];
#pragma unroll
            for (int e = 0; e < EACH; e++) {
                u[e] = left[k][x + SIDE * e];
                v[e] = right[k][y + SIDE * e];
            }
#pragma unroll
            for (int e = 0; e < EACH; e++) {
#pragma unroll
                for (int f = 0; f < EACH; f++) {
                    sums[e][f] += u[e] * v[f];
                }
            }
        }
    }
#pragma unroll
    for (int e = 0; e < EACH; e++) {
#pragma unroll
        for (int f = 0; f < EACH; f++) {
            int u = x + SIDE * e;
            int v = y + SIDE * f;
            if (u < uSize && v < vSize && (us != vs || !triangle || u >= v)) {
                c[v * cPitch + u] -= sums[e][f];
            }
        }
    }
}

// L_kk from their own place to A: a thread block for each.
extern "C" __global__ void nullspace_cholesky_diagonal(CholeskyArgs args) {
    long long first = (long long)blockIdx.x * ORDER;
    int size = (int)min((long long)ORDER, args.order - first);
    double *block = args.a + first * args.pitch + first;
    for (int e = threadIdx.y * SIDE + threadIdx.x; e < ORDER * ORDER; e += SIDE * SIDE) {
        int row = e % ORDER;
        int column = e / ORDER;
        if (row < size && column <= row) {
            block[column * args.pitch + row] = args.diagonal[(long long)blockIdx.x * ORDER * ORDER + e];
        }
    }
}
