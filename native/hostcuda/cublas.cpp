// cuBLAS: S and D routines, each with 32-bit and 64-bit sizes.
#include "blas.h"

#include <algorithm>
#include <cmath>

using namespace hostcuda;

namespace {

struct Handle {
    Device *device;
    std::shared_ptr<Stream> stream;
    int pointerMode = 0; // 0: scalars in host memory, 1: in device memory.
    int mathMode = 0;
    int atomicsMode = 0;
};

constexpr const char *KIND = "cuBLAS handle";

template <class Body> int blas(const char *routine, void *handle, Body body) {
    return call(routine, Library::CUBLAS, [&](Call &c) -> int {
        if (!isObject(handle, KIND)) c.refuse(Problem::HANDLE, "%p is not a cuBLAS handle", handle);
        auto &h = *static_cast<Handle *>(handle);
        Device *current = currentDevice();
        if (!current) c.refuse(Problem::CONTEXT, "no context is current in this thread");
        if (current != h.device)
            c.refuse(Problem::VALUE, "the handle is of device %d, the current context of device %d", h.device->ordinal,
                     current->ordinal);
        c.on(h.device);
        return body(c, h);
    });
}

// A scalar operand: read now from host memory, or when the work runs from device memory.
template <class T> struct Scalar {
    T value;
    const T *address;
    T operator()() const { return address ? *address : value; }
    bool zeroNow() const { return !address && value == 0; }
};

template <class T> Scalar<T> scalar(Call &c, Handle &h, const char *operand, const T *p) {
    c.require(p);
    if (h.pointerMode == 0) {
        c.host(operand, p, sizeof(T));
        return {*p, nullptr};
    }
    c.memory(operand, p, sizeof(T), sizeof(T));
    return {T(0), p};
}

// A scalar result: the host waits for it when it is in host memory.
template <class R, class Work> int result(Call &c, Handle &h, R *p, Work work) {
    c.require(p);
    if (h.pointerMode == 0) {
        c.host("result", p, sizeof(R));
        Mark mark = c.enqueue(h.stream, [=] { *p = work(); });
        drain(mark);
        return h.device->broken ? status(Library::CUBLAS, Problem::LOST) : 0;
    }
    c.memory("result", p, sizeof(R), sizeof(R));
    c.enqueue(h.stream, [=] { *p = work(); });
    return 0;
}

char operation(Call &c, int op) {
    c.require(op >= 0 && op <= 2);
    return op == 0 ? 'N' : 'T';
}
char sideOf(Call &c, int side) {
    c.require(side == 0 || side == 1);
    return side == 0 ? 'L' : 'R';
}
char fillOf(Call &c, int uplo) {
    c.require(uplo == 0 || uplo == 1);
    return uplo == 0 ? 'L' : 'U';
}
char diagonal(Call &c, int diag) {
    c.require(diag == 0 || diag == 1);
    return diag == 0 ? 'N' : 'U';
}

// Multiplication in TF32, which a program allows with cublasSetMathMode: operands are rounded to 10 bits.
std::vector<float> tf32(const float *a, long rows, long columns, long ld) {
    std::vector<float> r((size_t)rows * columns);
    for (long j = 0; j < columns; j++)
        for (long i = 0; i < rows; i++) {
            uint32_t bits;
            std::memcpy(&bits, &a[j * ld + i], 4);
            if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & ~0x1fffu;
            std::memcpy(&r[(size_t)j * rows + i], &bits, 4);
        }
    return r;
}

template <class T>
void multiply(bool reduced, char ta, char tb, int m, int n, int k, T alpha, const T *a, int lda, const T *b, int ldb, T beta, T *c,
              int ldc) {
    if constexpr (std::is_same_v<T, float>) {
        if (reduced && k > 0) {
            long ar = ta == 'N' ? m : k, ac = ta == 'N' ? k : m, br = tb == 'N' ? k : n, bc = tb == 'N' ? n : k;
            auto ra = tf32(a, ar, ac, lda);
            auto rb = tf32(b, br, bc, ldb);
            fortran<T>("gemm", ta, tb, m, n, k, alpha, (const T *)ra.data(), (int)ar, (const T *)rb.data(), (int)br, beta, c, ldc);
            return;
        }
    }
    fortran<T>("gemm", ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
int gemm(const char *routine, void *handle, int opA, int opB, long M, long N, long K, const T *alpha, const T *A, long LDA,
         long strideA, const T *B, long LDB, long strideB, const T *beta, T *C, long LDC, long strideC, long batch,
         bool reducedCompute = false) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char ta = operation(c, opA), tb = operation(c, opB);
        int m = c.narrow("m", M), n = c.narrow("n", N), k = c.narrow("k", K);
        int lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB), ldc = c.narrow("ldc", LDC);
        c.require(batch >= 0 && strideA >= 0 && strideB >= 0 && strideC >= 0);
        c.require(lda >= std::max(1, ta == 'N' ? m : k) && ldb >= std::max(1, tb == 'N' ? k : n) && ldc >= std::max(1, m));
        if (m == 0 || n == 0 || batch == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        auto be = scalar(c, h, "beta", beta);
        if (k > 0 && !al.zeroNow()) {
            c.matrix("A", A, ta == 'N' ? m : k, ta == 'N' ? k : m, lda, strideA, batch);
            c.matrix("B", B, tb == 'N' ? k : n, tb == 'N' ? n : k, ldb, strideB, batch);
        }
        c.matrix("C", C, m, n, ldc, strideC, batch);
        if (batch > 1 && strideC < (long)ldc * (n - 1) + m)
            c.refuse(Problem::VALUE, "the matrices C of the batch overlap: stride %ld, %d x %d with leading dimension %d", strideC,
                     m, n, ldc);
        bool reduced = reducedCompute || (h.mathMode & 15) == 3;
        c.enqueue(h.stream, [=] {
            for (long i = 0; i < batch; i++)
                multiply<T>(reduced, ta, tb, m, n, k, al(), A + i * strideA, lda, B + i * strideB, ldb, be(), C + i * strideC, ldc);
        });
        return 0;
    });
}

template <class T>
int gemmBatched(const char *routine, void *handle, int opA, int opB, long M, long N, long K, const T *alpha, const T *const *A,
                long LDA, const T *const *B, long LDB, const T *beta, T *const *C, long LDC, long batch) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char ta = operation(c, opA), tb = operation(c, opB);
        int m = c.narrow("m", M), n = c.narrow("n", N), k = c.narrow("k", K);
        int lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB), ldc = c.narrow("ldc", LDC);
        c.require(batch >= 0);
        c.require(lda >= std::max(1, ta == 'N' ? m : k) && ldb >= std::max(1, tb == 'N' ? k : n) && ldc >= std::max(1, m));
        if (m == 0 || n == 0 || batch == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        auto be = scalar(c, h, "beta", beta);
        c.vector("Aarray", A, batch);
        c.vector("Barray", B, batch);
        c.vector("Carray", C, batch);
        bool reduced = (h.mathMode & 15) == 3;
        Device &d = *h.device;
        size_t ab = bytesOf(ta == 'N' ? m : k, ta == 'N' ? k : m, lda, sizeof(T));
        size_t bb = bytesOf(tb == 'N' ? k : n, tb == 'N' ? n : k, ldb, sizeof(T));
        size_t cb = bytesOf(m, n, ldc, sizeof(T));
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            for (long i = 0; i < batch; i++) {
                if (!reachable(name, "Aarray", d, A[i], ab) || !reachable(name, "Barray", d, B[i], bb)
                    || !reachable(name, "Carray", d, C[i], cb))
                    return;
                multiply<T>(reduced, ta, tb, m, n, k, al(), A[i], lda, B[i], ldb, be(), C[i], ldc);
            }
        });
        return 0;
    });
}

template <class T>
int gemv(const char *routine, void *handle, int op, long M, long N, const T *alpha, const T *A, long LDA, long strideA, const T *x,
         long INCX, long strideX, const T *beta, T *y, long INCY, long strideY, long batch) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char t = operation(c, op);
        int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA);
        c.require(lda >= std::max(1, m) && INCX != 0 && INCY != 0 && batch >= 0 && strideA >= 0 && strideX >= 0 && strideY >= 0);
        if (std::abs(INCX) > INT_MAX || std::abs(INCY) > INT_MAX) c.refuse(Problem::UNSUPPORTED, "an increment beyond 32 bits");
        int incx = (int)INCX, incy = (int)INCY;
        if (m == 0 || n == 0 || batch == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        auto be = scalar(c, h, "beta", beta);
        long nx = t == 'N' ? n : m, ny = t == 'N' ? m : n;
        if (!al.zeroNow()) {
            c.matrix("A", A, m, n, lda, strideA, batch);
            c.matrixBytes("x", x, 1, nx, std::abs(INCX), strideX, batch, sizeof(T));
        }
        c.matrixBytes("y", y, 1, ny, std::abs(INCY), strideY, batch, sizeof(T));
        c.enqueue(h.stream, [=] {
            for (long i = 0; i < batch; i++) {
                T *yi = y + i * strideY;
                // OpenBLAS does not overwrite NaN for beta = 0 in gemv everywhere.
                if (be() == 0)
                    for (long j = 0; j < ny; j++) yi[j * std::abs((long)incy)] = 0;
                fortran<T>("gemv", t, m, n, al(), A + i * strideA, lda, x + i * strideX, incx, be(), yi, incy);
            }
        });
        return 0;
    });
}

template <class T>
int ger(const char *routine, void *handle, long M, long N, const T *alpha, const T *x, long INCX, const T *y, long INCY, T *A,
        long LDA) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA);
        c.require(lda >= std::max(1, m) && INCX != 0 && INCY != 0 && std::abs(INCX) <= INT_MAX && std::abs(INCY) <= INT_MAX);
        int incx = (int)INCX, incy = (int)INCY;
        if (m == 0 || n == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        c.vector("x", x, m, incx);
        c.vector("y", y, n, incy);
        c.matrix("A", A, m, n, lda);
        c.enqueue(h.stream, [=] { fortran<T>("ger", m, n, al(), x, incx, y, incy, A, lda); });
        return 0;
    });
}

template <class T>
int syrk(const char *routine, void *handle, int uplo, int op, long N, long K, const T *alpha, const T *A, long LDA, const T *beta,
         T *C, long LDC) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo), t = operation(c, op);
        int n = c.narrow("n", N), k = c.narrow("k", K), lda = c.narrow("lda", LDA), ldc = c.narrow("ldc", LDC);
        c.require(lda >= std::max(1, t == 'N' ? n : k) && ldc >= std::max(1, n));
        if (n == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        auto be = scalar(c, h, "beta", beta);
        if (k > 0 && !al.zeroNow()) c.matrix("A", A, t == 'N' ? n : k, t == 'N' ? k : n, lda);
        c.matrix("C", C, n, n, ldc);
        c.enqueue(h.stream, [=] { fortran<T>("syrk", u, t, n, k, al(), A, lda, be(), C, ldc); });
        return 0;
    });
}

template <class T>
int syrkx(const char *routine, void *handle, int uplo, int op, long N, long K, const T *alpha, const T *A, long LDA, const T *B,
          long LDB, const T *beta, T *C, long LDC) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo), t = operation(c, op);
        int n = c.narrow("n", N), k = c.narrow("k", K), lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB);
        int ldc = c.narrow("ldc", LDC);
        c.require(lda >= std::max(1, t == 'N' ? n : k) && ldb >= std::max(1, t == 'N' ? n : k) && ldc >= std::max(1, n));
        if (n == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        auto be = scalar(c, h, "beta", beta);
        c.matrix("A", A, t == 'N' ? n : k, t == 'N' ? k : n, lda);
        c.matrix("B", B, t == 'N' ? n : k, t == 'N' ? k : n, ldb);
        c.matrix("C", C, n, n, ldc);
        c.enqueue(h.stream, [=] {
            std::vector<T> product((size_t)n * n);
            fortran<T>("gemm", t, t == 'N' ? 'T' : 'N', n, n, k, al(), A, lda, B, ldb, T(0), product.data(), n);
            for (int j = 0; j < n; j++)
                for (int i = u == 'L' ? j : 0; i < (u == 'L' ? n : j + 1); i++) {
                    T &target = C[(size_t)j * ldc + i];
                    target = product[(size_t)j * n + i] + (be() == 0 ? T(0) : be() * target);
                }
        });
        return 0;
    });
}

template <class T>
int trsm(const char *routine, void *handle, int side, int uplo, int op, int diag, long M, long N, const T *alpha, const T *A,
         long LDA, T *B, long LDB) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char s = sideOf(c, side), u = fillOf(c, uplo), t = operation(c, op), g = diagonal(c, diag);
        int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB);
        int k = s == 'L' ? m : n;
        c.require(lda >= std::max(1, k) && ldb >= std::max(1, m));
        if (m == 0 || n == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        c.matrix("A", A, k, k, lda);
        c.matrix("B", B, m, n, ldb);
        c.enqueue(h.stream, [=] { fortran<T>("trsm", s, u, t, g, m, n, al(), A, lda, B, ldb); });
        return 0;
    });
}

template <class T>
int trsmBatched(const char *routine, void *handle, int side, int uplo, int op, int diag, long M, long N, const T *alpha,
                const T *const *A, long LDA, T *const *B, long LDB, long batch) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char s = sideOf(c, side), u = fillOf(c, uplo), t = operation(c, op), g = diagonal(c, diag);
        int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB);
        int k = s == 'L' ? m : n;
        c.require(lda >= std::max(1, k) && ldb >= std::max(1, m) && batch >= 0);
        if (m == 0 || n == 0 || batch == 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        c.vector("Aarray", A, batch);
        c.vector("Barray", B, batch);
        Device &d = *h.device;
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            for (long i = 0; i < batch; i++) {
                if (!reachable(name, "Aarray", d, A[i], bytesOf(k, k, lda, sizeof(T)))
                    || !reachable(name, "Barray", d, B[i], bytesOf(m, n, ldb, sizeof(T))))
                    return;
                fortran<T>("trsm", s, u, t, g, m, n, al(), A[i], lda, B[i], ldb);
            }
        });
        return 0;
    });
}

template <class T>
int trmm(const char *routine, void *handle, int side, int uplo, int op, int diag, long M, long N, const T *alpha, const T *A,
         long LDA, const T *B, long LDB, T *C, long LDC) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char s = sideOf(c, side), u = fillOf(c, uplo), t = operation(c, op), g = diagonal(c, diag);
        int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB);
        int ldc = c.narrow("ldc", LDC);
        int k = s == 'L' ? m : n;
        c.require(lda >= std::max(1, k) && ldb >= std::max(1, m) && ldc >= std::max(1, m));
        if (m == 0 || n == 0) return 0;
        c.require(B != C || ldb == ldc);
        auto al = scalar(c, h, "alpha", alpha);
        c.matrix("A", A, k, k, lda);
        c.matrix("B", B, m, n, ldb);
        c.matrix("C", C, m, n, ldc);
        c.enqueue(h.stream, [=] {
            if (B != C)
                for (long j = 0; j < n; j++) std::copy_n(B + j * ldb, m, C + j * ldc);
            fortran<T>("trmm", s, u, t, g, m, n, al(), A, lda, C, ldc);
        });
        return 0;
    });
}

template <class T>
int geam(const char *routine, void *handle, int opA, int opB, long m, long n, const T *alpha, const T *A, long lda, const T *beta,
         const T *B, long ldb, T *C, long ldc) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char ta = operation(c, opA), tb = operation(c, opB);
        c.require(m >= 0 && n >= 0 && lda >= std::max(1l, ta == 'N' ? m : n) && ldb >= std::max(1l, tb == 'N' ? m : n)
                  && ldc >= std::max(1l, m));
        if (m == 0 || n == 0) return 0;
        c.require(C != A || (lda == ldc && ta == 'N'));
        c.require(C != B || (ldb == ldc && tb == 'N'));
        auto al = scalar(c, h, "alpha", alpha);
        auto be = scalar(c, h, "beta", beta);
        if (!al.zeroNow()) c.matrix("A", A, ta == 'N' ? m : n, ta == 'N' ? n : m, lda);
        if (!be.zeroNow()) c.matrix("B", B, tb == 'N' ? m : n, tb == 'N' ? n : m, ldb);
        c.matrix("C", C, m, n, ldc);
        c.enqueue(h.stream, [=] {
            T x = al(), y = be();
            for (long j = 0; j < n; j++)
                for (long i = 0; i < m; i++) {
                    T a = x == 0 ? T(0) : x * (ta == 'N' ? A[j * lda + i] : A[i * lda + j]);
                    T b = y == 0 ? T(0) : y * (tb == 'N' ? B[j * ldb + i] : B[i * ldb + j]);
                    C[j * ldc + i] = a + b;
                }
        });
        return 0;
    });
}

template <class T>
int dgmm(const char *routine, void *handle, int side, long m, long n, const T *A, long lda, const T *x, long incx, T *C, long ldc) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        char s = sideOf(c, side);
        c.require(m >= 0 && n >= 0 && lda >= std::max(1l, m) && ldc >= std::max(1l, m) && incx != 0);
        if (m == 0 || n == 0) return 0;
        c.require(C != A || lda == ldc);
        long length = s == 'L' ? m : n;
        c.matrix("A", A, m, n, lda);
        c.vector("x", x, length, incx);
        c.matrix("C", C, m, n, ldc);
        const T *first = incx > 0 ? x : x - (length - 1) * incx;
        c.enqueue(h.stream, [=] {
            for (long j = 0; j < n; j++)
                for (long i = 0; i < m; i++) C[j * ldc + i] = A[j * lda + i] * first[(s == 'L' ? i : j) * incx];
        });
        return 0;
    });
}

// ----------------------------------------------------------------------------------------------------------- vectors

// Start of a vector whose increment may be negative.
template <class T> T *start(T *x, long n, long inc) { return inc >= 0 ? x : x - (n - 1) * inc; }

template <class T> int nrm2(const char *routine, void *handle, long n, const T *x, long inc, T *r) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require(n >= 0);
        if (inc > 0) c.vector("x", x, n, inc);
        return result(c, h, r, [=]() -> T {
            if (n <= 0 || inc <= 0) return 0;
            T scale = 0, sum = 1;
            for (long i = 0; i < n; i++) {
                T a = std::fabs(x[i * inc]);
                if (a == 0) continue;
                if (!(a <= scale)) {
                    sum = std::isfinite(a) ? 1 + sum * (scale / a) * (scale / a) : 1;
                    scale = a;
                } else {
                    sum += (a / scale) * (a / scale);
                }
                if (!std::isfinite(scale)) {
                    for (long k = i; k < n; k++)
                        if (std::isnan(x[k * inc])) return x[k * inc];
                    return scale;
                }
            }
            return scale * std::sqrt(sum);
        });
    });
}

template <class T> int asum(const char *routine, void *handle, long n, const T *x, long inc, T *r) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        if (inc > 0) c.vector("x", x, n, inc);
        return result(c, h, r, [=]() -> T {
            T sum = 0;
            if (inc > 0)
                for (long i = 0; i < n; i++) sum += std::fabs(x[i * inc]);
            return sum;
        });
    });
}

template <class T, class I> int iamax(const char *routine, void *handle, long n, const T *x, long inc, I *r, bool smallest) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        if (inc > 0) c.vector("x", x, n, inc);
        return result(c, h, r, [=]() -> I {
            if (n <= 0 || inc <= 0) return 0;
            long best = 0;
            for (long i = 1; i < n; i++) {
                T a = std::fabs(x[i * inc]), b = std::fabs(x[best * inc]);
                if (smallest ? a < b : a > b) best = i;
            }
            return (I)(best + 1);
        });
    });
}

template <class T> int dot(const char *routine, void *handle, long n, const T *x, long incx, const T *y, long incy, T *r) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        c.vector("x", x, n, incx);
        c.vector("y", y, n, incy);
        return result(c, h, r, [=]() -> T {
            T sum = 0;
            const T *a = start(x, n, incx), *b = start(y, n, incy);
            for (long i = 0; i < n; i++) sum += a[i * incx] * b[i * incy];
            return sum;
        });
    });
}

template <class T> int axpy(const char *routine, void *handle, long n, const T *alpha, const T *x, long incx, T *y, long incy) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        if (n <= 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        c.vector("x", x, n, incx);
        c.vector("y", y, n, incy);
        c.enqueue(h.stream, [=] {
            const T *a = start(x, n, incx);
            T *b = start(y, n, incy);
            T s = al();
            for (long i = 0; i < n; i++) b[i * incy] += s * a[i * incx];
        });
        return 0;
    });
}

template <class T> int scal(const char *routine, void *handle, long n, const T *alpha, T *x, long inc) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        if (n <= 0 || inc <= 0) return 0;
        auto al = scalar(c, h, "alpha", alpha);
        c.vector("x", x, n, inc);
        c.enqueue(h.stream, [=] {
            T s = al();
            for (long i = 0; i < n; i++) x[i * inc] *= s;
        });
        return 0;
    });
}

template <class T> int copyOrSwap(const char *routine, void *handle, long n, T *x, long incx, T *y, long incy, bool swap) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        if (n <= 0) return 0;
        c.vector("x", x, n, incx);
        c.vector("y", y, n, incy);
        c.enqueue(h.stream, [=] {
            T *a = start(x, n, incx);
            T *b = start(y, n, incy);
            for (long i = 0; i < n; i++) {
                T old = b[i * incy];
                b[i * incy] = a[i * incx];
                if (swap) a[i * incx] = old;
            }
        });
        return 0;
    });
}

// ----------------------------------------------------------------------------------------------------------- batched

template <class T>
int geqrfBatched(const char *routine, void *handle, int m, int n, T *const *A, int lda, T *const *tau, int *info, int batch) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require(info);
        c.host("info", info, sizeof(int));
        *info = m < 0 ? -1 : n < 0 ? -2 : lda < std::max(1, m) ? -4 : batch < 0 ? -7 : 0;
        c.require(*info == 0);
        if (m == 0 || n == 0 || batch == 0) return 0;
        c.vector("Aarray", A, batch);
        c.vector("TauArray", tau, batch);
        Device &d = *h.device;
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            for (int i = 0; i < batch; i++) {
                if (!reachable(name, "Aarray", d, A[i], bytesOf(m, n, lda, sizeof(T)))
                    || !reachable(name, "TauArray", d, tau[i], std::min(m, n) * sizeof(T)))
                    return;
                int ignored = 0;
                withWorkspace<T>([&](T *work, int lwork) { fortran<T>("geqrf", m, n, A[i], lda, tau[i], work, lwork, &ignored); });
            }
        });
        return 0;
    });
}

template <class T>
int gelsBatched(const char *routine, void *handle, int op, int m, int n, int nrhs, T *const *A, int lda, T *const *C, int ldc,
                int *info, int *devInfo, int batch) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require(info);
        c.host("info", info, sizeof(int));
        operation(c, op);
        *info = m < 0 ? -2 : n < 0 ? -3 : nrhs < 0 ? -4 : lda < std::max(1, m) ? -6 : ldc < std::max(1, m) ? -8 : batch < 0 ? -11 : 0;
        c.require(*info == 0);
        if (op != 0 || m < n) c.fail(Problem::UNSUPPORTED);
        if (m == 0 || n == 0 || nrhs == 0 || batch == 0) return 0;
        c.vector("Aarray", A, batch);
        c.vector("Carray", C, batch);
        if (devInfo) c.vector("devInfoArray", devInfo, batch);
        Device &d = *h.device;
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            for (int i = 0; i < batch; i++) {
                if (!reachable(name, "Aarray", d, A[i], bytesOf(m, n, lda, sizeof(T)))
                    || !reachable(name, "Carray", d, C[i], bytesOf(m, nrhs, ldc, sizeof(T))))
                    return;
                int outcome = 0;
                withWorkspace<T>([&](T *work, int lwork) {
                    fortran<T>("gels", 'N', m, n, nrhs, A[i], lda, C[i], ldc, work, lwork, &outcome);
                });
                if (devInfo) devInfo[i] = outcome;
            }
        });
        return 0;
    });
}

template <class T>
int matinvBatched(const char *routine, void *handle, int n, const T *const *A, int lda, T *const *inverse, int ldi, int *info,
                  int batch) {
    return blas(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require(n >= 0 && batch >= 0 && lda >= std::max(1, n) && ldi >= std::max(1, n));
        if (n > 32) c.fail(Problem::VALUE);
        if (n == 0 || batch == 0) return 0;
        c.vector("A", A, batch);
        c.vector("Ainv", inverse, batch);
        c.vector("info", info, batch);
        Device &d = *h.device;
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            std::vector<int> pivots(n);
            for (int i = 0; i < batch; i++) {
                if (!reachable(name, "A", d, A[i], bytesOf(n, n, lda, sizeof(T)))
                    || !reachable(name, "Ainv", d, inverse[i], bytesOf(n, n, ldi, sizeof(T))))
                    return;
                for (int j = 0; j < n; j++) std::copy_n(A[i] + (size_t)j * lda, n, inverse[i] + (size_t)j * ldi);
                int outcome = 0;
                fortran<T>("getrf", n, n, inverse[i], ldi, pivots.data(), &outcome);
                if (outcome == 0)
                    withWorkspace<T>([&](T *work, int lwork) {
                        fortran<T>("getri", n, inverse[i], ldi, (const int *)pivots.data(), work, lwork, &outcome);
                    });
                info[i] = outcome;
            }
        });
        return 0;
    });
}

enum { R_32F = 0, R_64F = 1 };

int gemmEx(const char *routine, void *handle, int opA, int opB, long m, long n, long k, const void *alpha, const void *A, int typeA,
           long lda, long strideA, const void *B, int typeB, long ldb, long strideB, const void *beta, void *C, int typeC, long ldc,
           long strideC, long batch, int compute) {
    bool single = typeA == R_32F && typeB == R_32F && typeC == R_32F
            && (compute == 68 || compute == 69 || compute == 74 || compute == 75 || compute == 77);
    bool real = typeA == R_64F && typeB == R_64F && typeC == R_64F && (compute == 70 || compute == 71);
    if (single)
        return gemm<float>(routine, handle, opA, opB, m, n, k, (const float *)alpha, (const float *)A, lda, strideA, (const float *)B,
                           ldb, strideB, (const float *)beta, (float *)C, ldc, strideC, batch, compute >= 74);
    if (real)
        return gemm<double>(routine, handle, opA, opB, m, n, k, (const double *)alpha, (const double *)A, lda, strideA,
                            (const double *)B, ldb, strideB, (const double *)beta, (double *)C, ldc, strideC, batch);
    return blas(routine, handle, [&](Call &c, Handle &) -> int {
        c.refuse(Problem::UNSUPPORTED, "types %d, %d, %d with compute type %d", typeA, typeB, typeC, compute);
    });
}

} // namespace

extern "C" {

// ------------------------------------------------------------------------------------------------------------ handle

int cublasCreate_v2(void **handle) {
    return call("cublasCreate_v2", Library::CUBLAS, [&](Call &c) -> int {
        c.require(handle);
        Device &d = c.current();
        auto *h = new Handle{&d, d.nullStream};
        addObject(h, KIND);
        *handle = h;
        return 0;
    });
}

int cublasDestroy_v2(void *handle) {
    return call("cublasDestroy_v2", Library::CUBLAS, [&](Call &c) -> int {
        if (!removeObject(handle, KIND)) c.refuse(Problem::HANDLE, "%p is not a cuBLAS handle", handle);
        auto *h = static_cast<Handle *>(handle);
        Device *d = h->device;
        delete h;
        drain(*d); // As documented: waits for the device.
        c.on(d);
        return 0;
    });
}

int cublasGetVersion_v2(void *handle, int *version) {
    return call("cublasGetVersion_v2", Library::CUBLAS, [&](Call &c) -> int {
        c.require(version);
        *version = 120600;
        return 0;
    });
}

int cublasGetProperty(int type, int *value) {
    return call("cublasGetProperty", Library::CUBLAS, [&](Call &c) -> int {
        c.require(value && type >= 0 && type <= 2);
        *value = type == 0 ? 12 : type == 1 ? 6 : 0;
        return 0;
    });
}

size_t cublasGetCudartVersion() { return 12060; }

int cublasSetStream_v2(void *handle, void *stream) {
    return blas("cublasSetStream_v2", handle, [&](Call &c, Handle &h) -> int {
        auto s = streamOf(*h.device, stream);
        if (!s) c.refuse(Problem::VALUE, "%p is not a stream of device %d", stream, h.device->ordinal);
        h.stream = s;
        return 0;
    });
}

int cublasGetStream_v2(void *handle, void **stream) {
    return blas("cublasGetStream_v2", handle, [&](Call &c, Handle &h) -> int {
        c.require(stream);
        *stream = h.stream == h.device->nullStream ? nullptr : h.stream.get();
        return 0;
    });
}

int cublasSetWorkspace_v2(void *handle, void *workspace, size_t bytes) {
    return blas("cublasSetWorkspace_v2", handle, [&](Call &c, Handle &) -> int {
        c.memory("workspace", workspace, bytes, 256);
        return 0;
    });
}

#define MODE(NAME, FIELD, MOST)                                                                                                     \
    int cublasSet##NAME(void *handle, int mode) {                                                                                   \
        return blas("cublasSet" #NAME, handle, [&](Call &c, Handle &h) -> int {                                                     \
            c.require(mode >= 0 && mode <= (MOST));                                                                                 \
            h.FIELD = mode;                                                                                                         \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cublasGet##NAME(void *handle, int *mode) {                                                                                  \
        return blas("cublasGet" #NAME, handle, [&](Call &c, Handle &h) -> int {                                                     \
            c.require(mode);                                                                                                        \
            *mode = h.FIELD;                                                                                                        \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }
MODE(PointerMode_v2, pointerMode, 1)
MODE(MathMode, mathMode, 16 + 3)
MODE(AtomicsMode, atomicsMode, 1)

static const struct {
    int code;
    const char *name, *text;
} STATUSES[] = {
        {0, "CUBLAS_STATUS_SUCCESS", "success"},
        {1, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized"},
        {3, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
        {7, "CUBLAS_STATUS_INVALID_VALUE", "an unsupported value or parameter was passed to the function"},
        {8, "CUBLAS_STATUS_ARCH_MISMATCH", "the function requires a feature absent from the device architecture"},
        {11, "CUBLAS_STATUS_MAPPING_ERROR", "an access to GPU memory space failed"},
        {13, "CUBLAS_STATUS_EXECUTION_FAILED", "the function failed to launch on the GPU"},
        {14, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
        {15, "CUBLAS_STATUS_NOT_SUPPORTED", "the functionality requested is not supported"},
        {16, "CUBLAS_STATUS_LICENSE_ERROR", "license error was detected"},
};

const char *cublasGetStatusName(int code) {
    for (auto &s : STATUSES)
        if (s.code == code) return s.name;
    return "CUBLAS_STATUS_UNKNOWN";
}

const char *cublasGetStatusString(int code) {
    for (auto &s : STATUSES)
        if (s.code == code) return s.text;
    return "unknown status";
}

// ---------------------------------------------------------------------------------------------------------- routines

// X: letter, T: type, N: suffix of the name, I: type of sizes.
#define ROUTINES_V2(X, T, N, I)                                                                                                     \
    int cublas##X##gemm_v2##N(void *h, int ta, int tb, I m, I n, I k, const T *al, const T *A, I lda, const T *B, I ldb,            \
                              const T *be, T *C, I ldc) {                                                                           \
        return gemm<T>("cublas" #X "gemm_v2" #N, h, ta, tb, m, n, k, al, A, lda, 0, B, ldb, 0, be, C, ldc, 0, 1);                   \
    }                                                                                                                               \
    int cublas##X##gemmStridedBatched##N(void *h, int ta, int tb, I m, I n, I k, const T *al, const T *A, I lda, long long sa,      \
                                         const T *B, I ldb, long long sb, const T *be, T *C, I ldc, long long sc, I batch) {        \
        return gemm<T>("cublas" #X "gemmStridedBatched" #N, h, ta, tb, m, n, k, al, A, lda, sa, B, ldb, sb, be, C, ldc, sc, batch); \
    }                                                                                                                               \
    int cublas##X##gemmBatched##N(void *h, int ta, int tb, I m, I n, I k, const T *al, const T *const *A, I lda, const T *const *B, \
                                  I ldb, const T *be, T *const *C, I ldc, I batch) {                                                \
        return gemmBatched<T>("cublas" #X "gemmBatched" #N, h, ta, tb, m, n, k, al, A, lda, B, ldb, be, C, ldc, batch);             \
    }                                                                                                                               \
    int cublas##X##gemv_v2##N(void *h, int t, I m, I n, const T *al, const T *A, I lda, const T *x, I incx, const T *be, T *y,      \
                              I incy) {                                                                                             \
        return gemv<T>("cublas" #X "gemv_v2" #N, h, t, m, n, al, A, lda, 0, x, incx, 0, be, y, incy, 0, 1);                         \
    }                                                                                                                               \
    int cublas##X##gemvStridedBatched##N(void *h, int t, I m, I n, const T *al, const T *A, I lda, long long sa, const T *x,        \
                                         I incx, long long sx, const T *be, T *y, I incy, long long sy, I batch) {                  \
        return gemv<T>("cublas" #X "gemvStridedBatched" #N, h, t, m, n, al, A, lda, sa, x, incx, sx, be, y, incy, sy, batch);       \
    }                                                                                                                               \
    int cublas##X##ger_v2##N(void *h, I m, I n, const T *al, const T *x, I incx, const T *y, I incy, T *A, I lda) {                 \
        return ger<T>("cublas" #X "ger_v2" #N, h, m, n, al, x, incx, y, incy, A, lda);                                              \
    }                                                                                                                               \
    int cublas##X##syrk_v2##N(void *h, int u, int t, I n, I k, const T *al, const T *A, I lda, const T *be, T *C, I ldc) {          \
        return syrk<T>("cublas" #X "syrk_v2" #N, h, u, t, n, k, al, A, lda, be, C, ldc);                                            \
    }                                                                                                                               \
    int cublas##X##syrkx##N(void *h, int u, int t, I n, I k, const T *al, const T *A, I lda, const T *B, I ldb, const T *be, T *C,  \
                            I ldc) {                                                                                                \
        return syrkx<T>("cublas" #X "syrkx" #N, h, u, t, n, k, al, A, lda, B, ldb, be, C, ldc);                                     \
    }                                                                                                                               \
    int cublas##X##trsm_v2##N(void *h, int s, int u, int t, int d, I m, I n, const T *al, const T *A, I lda, T *B, I ldb) {         \
        return trsm<T>("cublas" #X "trsm_v2" #N, h, s, u, t, d, m, n, al, A, lda, B, ldb);                                          \
    }                                                                                                                               \
    int cublas##X##trsmBatched##N(void *h, int s, int u, int t, int d, I m, I n, const T *al, const T *const *A, I lda,             \
                                  T *const *B, I ldb, I batch) {                                                                    \
        return trsmBatched<T>("cublas" #X "trsmBatched" #N, h, s, u, t, d, m, n, al, A, lda, B, ldb, batch);                        \
    }                                                                                                                               \
    int cublas##X##trmm_v2##N(void *h, int s, int u, int t, int d, I m, I n, const T *al, const T *A, I lda, const T *B, I ldb,     \
                              T *C, I ldc) {                                                                                        \
        return trmm<T>("cublas" #X "trmm_v2" #N, h, s, u, t, d, m, n, al, A, lda, B, ldb, C, ldc);                                  \
    }                                                                                                                               \
    int cublas##X##geam##N(void *h, int ta, int tb, I m, I n, const T *al, const T *A, I lda, const T *be, const T *B, I ldb, T *C, \
                           I ldc) {                                                                                                 \
        return geam<T>("cublas" #X "geam" #N, h, ta, tb, m, n, al, A, lda, be, B, ldb, C, ldc);                                     \
    }                                                                                                                               \
    int cublas##X##dgmm##N(void *h, int s, I m, I n, const T *A, I lda, const T *x, I incx, T *C, I ldc) {                          \
        return dgmm<T>("cublas" #X "dgmm" #N, h, s, m, n, A, lda, x, incx, C, ldc);                                                 \
    }                                                                                                                               \
    int cublas##X##nrm2_v2##N(void *h, I n, const T *x, I inc, T *r) {                                                              \
        return nrm2<T>("cublas" #X "nrm2_v2" #N, h, n, x, inc, r);                                                                  \
    }                                                                                                                               \
    int cublas##X##asum_v2##N(void *h, I n, const T *x, I inc, T *r) {                                                              \
        return asum<T>("cublas" #X "asum_v2" #N, h, n, x, inc, r);                                                                  \
    }                                                                                                                               \
    int cublas##X##dot_v2##N(void *h, I n, const T *x, I incx, const T *y, I incy, T *r) {                                          \
        return dot<T>("cublas" #X "dot_v2" #N, h, n, x, incx, y, incy, r);                                                          \
    }                                                                                                                               \
    int cublas##X##axpy_v2##N(void *h, I n, const T *al, const T *x, I incx, T *y, I incy) {                                        \
        return axpy<T>("cublas" #X "axpy_v2" #N, h, n, al, x, incx, y, incy);                                                       \
    }                                                                                                                               \
    int cublas##X##scal_v2##N(void *h, I n, const T *al, T *x, I inc) {                                                             \
        return scal<T>("cublas" #X "scal_v2" #N, h, n, al, x, inc);                                                                 \
    }                                                                                                                               \
    int cublas##X##copy_v2##N(void *h, I n, const T *x, I incx, T *y, I incy) {                                                     \
        return copyOrSwap<T>("cublas" #X "copy_v2" #N, h, n, const_cast<T *>(x), incx, y, incy, false);                             \
    }                                                                                                                               \
    int cublas##X##swap_v2##N(void *h, I n, T *x, I incx, T *y, I incy) {                                                           \
        return copyOrSwap<T>("cublas" #X "swap_v2" #N, h, n, x, incx, y, incy, true);                                               \
    }

#define INDICES(X, T, N, I)                                                                                                         \
    int cublasI##X##amax_v2##N(void *h, I n, const T *x, I inc, I *r) {                                                             \
        return iamax<T, I>("cublasI" #X "amax_v2" #N, h, n, x, inc, r, false);                                                      \
    }                                                                                                                               \
    int cublasI##X##amin_v2##N(void *h, I n, const T *x, I inc, I *r) {                                                             \
        return iamax<T, I>("cublasI" #X "amin_v2" #N, h, n, x, inc, r, true);                                                       \
    }

#define BATCHED(X, T)                                                                                                               \
    int cublas##X##geqrfBatched(void *h, int m, int n, T *const *A, int lda, T *const *tau, int *info, int batch) {                 \
        return geqrfBatched<T>("cublas" #X "geqrfBatched", h, m, n, A, lda, tau, info, batch);                                      \
    }                                                                                                                               \
    int cublas##X##gelsBatched(void *h, int t, int m, int n, int k, T *const *A, int lda, T *const *C, int ldc, int *info,          \
                               int *devInfo, int batch) {                                                                           \
        return gelsBatched<T>("cublas" #X "gelsBatched", h, t, m, n, k, A, lda, C, ldc, info, devInfo, batch);                      \
    }                                                                                                                               \
    int cublas##X##matinvBatched(void *h, int n, const T *const *A, int lda, T *const *inverse, int ldi, int *info, int batch) {    \
        return matinvBatched<T>("cublas" #X "matinvBatched", h, n, A, lda, inverse, ldi, info, batch);                              \
    }

#define GEMM_EX(N, I)                                                                                                               \
    int cublasGemmEx##N(void *h, int ta, int tb, I m, I n, I k, const void *al, const void *A, int typeA, I lda, const void *B,     \
                        int typeB, I ldb, const void *be, void *C, int typeC, I ldc, int compute, int) {                            \
        return gemmEx("cublasGemmEx" #N, h, ta, tb, m, n, k, al, A, typeA, lda, 0, B, typeB, ldb, 0, be, C, typeC, ldc, 0, 1,       \
                      compute);                                                                                                     \
    }                                                                                                                               \
    int cublasGemmStridedBatchedEx##N(void *h, int ta, int tb, I m, I n, I k, const void *al, const void *A, int typeA, I lda,      \
                                      long long sa, const void *B, int typeB, I ldb, long long sb, const void *be, void *C,         \
                                      int typeC, I ldc, long long sc, I batch, int compute, int) {                                  \
        return gemmEx("cublasGemmStridedBatchedEx" #N, h, ta, tb, m, n, k, al, A, typeA, lda, sa, B, typeB, ldb, sb, be, C, typeC,  \
                      ldc, sc, batch, compute);                                                                                     \
    }

ROUTINES_V2(S, float, , int)
ROUTINES_V2(D, double, , int)
ROUTINES_V2(S, float, _64, long)
ROUTINES_V2(D, double, _64, long)
INDICES(s, float, , int)
INDICES(d, double, , int)
INDICES(s, float, _64, long)
INDICES(d, double, _64, long)
BATCHED(S, float)
BATCHED(D, double)
GEMM_EX(, int)
GEMM_EX(_64, long)

} // extern "C"
