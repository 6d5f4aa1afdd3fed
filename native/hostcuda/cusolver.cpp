// cuSOLVER, dense: S and D routines and the 64-bit API (cusolverDnX…) for float and double.
#include "blas.h"

#include <algorithm>
#include <cmath>

using namespace hostcuda;

namespace {

struct Handle {
    Device *device;
    std::shared_ptr<Stream> stream;
};

// gesvdjInfo_t and syevjInfo_t.
struct JacobiInfo {
    double tolerance = 0;
    int maxSweeps = 100;
    int sort = 1;
    double residual = 0;
    int sweeps = 0;
};

constexpr const char *KIND = "cuSOLVER handle";
constexpr const char *PARAMS = "cuSOLVER parameters";
constexpr const char *GESVDJ = "cuSOLVER gesvdj info";
constexpr const char *SYEVJ = "cuSOLVER syevj info";
enum { R_32F = 0, R_64F = 1 };

template <class Body> int solver(const char *routine, void *handle, Body body) {
    return call(routine, Library::CUSOLVER, [&](Call &c) -> int {
        if (!isObject(handle, KIND)) c.refuse(Problem::HANDLE, "%p is not a cuSOLVER handle", handle);
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

// The info of one call, written on the device when the work runs.
struct Info {
    int *address;
    bool forges;
    int forged;
    void set(int value) const { *address = forges ? forged : value; }
};

Info devInfo(Call &c, int *info, long count = 1) {
    c.vector("devInfo", info, count);
    return {info, c.forgesInfo(), c.forgedInfo()};
}

// Workspace: at least what the size query says. Its contents are lost.
template <class T> std::function<void()> workspace(Call &c, T *work, long length, long needed) {
    if (length < needed)
        c.refuse(Problem::VALUE, "the workspace has %ld elements, the size query says %ld", length, needed);
    c.vector("workspace", work, needed);
    return [=] { std::memset((void *)work, 0xFF, (size_t)needed * sizeof(T)); };
}

struct Sizes {
    size_t device, host;
};

std::function<void()> workspaces(Call &c, void *device, size_t deviceBytes, void *host, size_t hostBytes, Sizes needed) {
    if (deviceBytes < needed.device || hostBytes < needed.host)
        c.refuse(Problem::VALUE, "the workspaces have %zu bytes on the device and %zu on the host, the size query says %zu and %zu",
                 deviceBytes, hostBytes, needed.device, needed.host);
    c.memory("device workspace", device, needed.device, 8);
    c.host("host workspace", host, needed.host);
    if (needed.host) std::memset(host, 0xFF, needed.host);
    return [=] {
        if (needed.device) std::memset(device, 0xFF, needed.device);
    };
}

char fillOf(Call &c, int uplo) {
    c.require(uplo == 0 || uplo == 1);
    return uplo == 0 ? 'L' : 'U';
}
char operation(Call &c, int op) {
    c.require(op >= 0 && op <= 2);
    return op == 0 ? 'N' : 'T';
}

int waitFor(Handle &h, const Mark &mark) {
    drain(mark);
    return h.device->broken ? status(Library::CUSOLVER, Problem::LOST) : 0;
}

// Queries: sizes are checked as in the call itself.
template <class Size> int query(const char *routine, void *handle, int *length, Size size) {
    return solver(routine, handle, [&](Call &c, Handle &) -> int {
        c.require(length);
        long n = size(c);
        if (n > INT_MAX) c.fail(Problem::VALUE);
        *length = (int)n;
        return 0;
    });
}

template <class Size> int query(const char *routine, void *handle, size_t *onDevice, size_t *onHost, Size size) {
    return solver(routine, handle, [&](Call &c, Handle &) -> int {
        c.require(onDevice && onHost);
        Sizes s = size(c);
        *onDevice = s.device;
        *onHost = s.host;
        return 0;
    });
}

void shape(Call &c, long m, long n, long lda) { c.require(m >= 0 && n >= 0 && lda >= std::max(1l, m)); }

void parameters(Call &c, void *params) {
    if (params && !isObject(params, PARAMS)) c.refuse(Problem::HANDLE, "%p are not cuSOLVER parameters", params);
}

// float or double by cudaDataType; all types of a call must be the same.
template <class Body> int typed(Call &c, std::initializer_list<int> types, Body body) {
    int first = *types.begin();
    for (int t : types)
        if (t != first) c.fail(Problem::VALUE);
    if (first == R_64F) return body(double());
    if (first == R_32F) return body(float());
    c.refuse(Problem::UNSUPPORTED, "data type %d", first);
}

Sizes bytes(int type, long elements, size_t host) { return {(size_t)elements * (type == R_64F ? 8 : 4), host}; }

template <class T> void transpose(const T *a, long rows, long columns, long lda, T *b, long ldb) {
    for (long j = 0; j < columns; j++)
        for (long i = 0; i < rows; i++) b[i * ldb + j] = a[j * lda + i];
}

// -------------------------------------------------------------------------------------------------- QR, Cholesky

long geqrfSize(long m, long n) { return std::max(1l, 64 * n); }
long ormqrSize(bool left, long m, long n) { return std::max(1l, 64 * (left ? n : m)); }
long orgqrSize(long n) { return std::max(1l, 64 * n); }
long potrfSize(long n) { return std::max(1l, n); }

template <class T> void runGeqrf(int m, int n, T *A, int lda, T *tau, const Info &info) {
    int outcome = 0;
    withWorkspace<T>([&](T *w, int l) { fortran<T>("geqrf", m, n, A, lda, tau, w, l, &outcome); });
    info.set(outcome);
}

template <class T> int geqrf(const char *routine, void *handle, int m, int n, T *A, int lda, T *tau, T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        shape(c, m, n, lda);
        Info i = devInfo(c, info);
        c.matrix("A", A, m, n, lda);
        c.vector("tau", tau, std::min(m, n));
        auto spoil = workspace(c, work, lwork, geqrfSize(m, n));
        c.enqueue(h.stream, [=] {
            spoil();
            runGeqrf(m, n, A, lda, tau, i);
        });
        return 0;
    });
}

template <class T>
int ormqr(const char *routine, void *handle, int side, int op, int m, int n, int k, const T *A, int lda, const T *tau, T *C, int ldc,
          T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require(side == 0 || side == 1);
        char s = side == 0 ? 'L' : 'R', t = operation(c, op);
        int q = s == 'L' ? m : n;
        c.require(m >= 0 && n >= 0 && k >= 0 && k <= q && lda >= std::max(1, q) && ldc >= std::max(1, m));
        Info i = devInfo(c, info);
        c.matrix("A", A, q, k, lda);
        c.vector("tau", tau, k);
        c.matrix("C", C, m, n, ldc);
        auto spoil = workspace(c, work, lwork, ormqrSize(s == 'L', m, n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            withWorkspace<T>([&](T *w, int l) { fortran<T>("ormqr", s, t, m, n, k, A, lda, tau, C, ldc, w, l, &outcome); });
            i.set(outcome);
        });
        return 0;
    });
}

template <class T>
int orgqr(const char *routine, void *handle, int m, int n, int k, T *A, int lda, const T *tau, T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        shape(c, m, n, lda);
        c.require(n <= m && k >= 0 && k <= n);
        Info i = devInfo(c, info);
        c.matrix("A", A, m, n, lda);
        c.vector("tau", tau, k);
        auto spoil = workspace(c, work, lwork, orgqrSize(n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            withWorkspace<T>([&](T *w, int l) { fortran<T>("orgqr", m, n, k, A, lda, tau, w, l, &outcome); });
            i.set(outcome);
        });
        return 0;
    });
}

template <class T> int potrf(const char *routine, void *handle, int uplo, int n, T *A, int lda, T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo);
        shape(c, n, n, lda);
        Info i = devInfo(c, info);
        c.matrix("A", A, n, n, lda);
        auto spoil = workspace(c, work, lwork, potrfSize(n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            fortran<T>("potrf", u, n, A, lda, &outcome);
            i.set(outcome);
        });
        return 0;
    });
}

template <class T> int potri(const char *routine, void *handle, int uplo, int n, T *A, int lda, T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo);
        shape(c, n, n, lda);
        Info i = devInfo(c, info);
        c.matrix("A", A, n, n, lda);
        auto spoil = workspace(c, work, lwork, potrfSize(n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            fortran<T>("potri", u, n, A, lda, &outcome);
            i.set(outcome);
        });
        return 0;
    });
}

template <class T>
int potrsIn(Call &c, Handle &h, int uplo, long N, long NRHS, const T *A, long LDA, T *B, long LDB, int *info) {
    char u = fillOf(c, uplo);
    int n = c.narrow("n", N), nrhs = c.narrow("nrhs", NRHS), lda = c.narrow("lda", LDA), ldb = c.narrow("ldb", LDB);
    c.require(lda >= std::max(1, n) && ldb >= std::max(1, n));
    Info i = devInfo(c, info);
    c.matrix("A", A, n, n, lda);
    c.matrix("B", B, n, nrhs, ldb);
    c.enqueue(h.stream, [=] {
        int outcome = 0;
        fortran<T>("potrs", u, n, nrhs, A, lda, B, ldb, &outcome);
        i.set(outcome);
    });
    return 0;
}

template <class T>
int potrs(const char *routine, void *handle, int uplo, int n, int nrhs, const T *A, int lda, T *B, int ldb, int *info) {
    return solver(routine, handle,
                  [&](Call &c, Handle &h) { return potrsIn<T>(c, h, uplo, n, nrhs, A, lda, B, ldb, info); });
}

template <class T> int potrfBatched(const char *routine, void *handle, int uplo, int n, T *const *A, int lda, int *info, int batch) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo);
        shape(c, n, n, lda);
        c.require(batch >= 0);
        c.vector("Aarray", A, batch);
        Info i = devInfo(c, info, batch);
        Device &d = *h.device;
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            for (int b = 0; b < batch; b++) {
                if (!reachable(name, "Aarray", d, A[b], bytesOf(n, n, lda, sizeof(T)))) return;
                int outcome = 0;
                fortran<T>("potrf", u, n, A[b], lda, &outcome);
                // As documented: the other triangle is workspace.
                for (int j = 0; j < n; j++)
                    for (int r = u == 'L' ? 0 : j + 1; r < (u == 'L' ? j : n); r++)
                        std::memset((void *)(A[b] + (size_t)j * lda + r), 0xFF, sizeof(T));
                info[b] = b == 0 && i.forges ? i.forged : outcome;
            }
        });
        return 0;
    });
}

template <class T>
int potrsBatched(const char *routine, void *handle, int uplo, int n, int nrhs, T *const *A, int lda, T *const *B, int ldb, int *info,
                 int batch) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo);
        shape(c, n, nrhs, ldb);
        c.require(batch >= 0 && lda >= std::max(1, n));
        if (nrhs != 1) c.fail(Problem::VALUE); // As documented: one right-hand side.
        c.vector("Aarray", A, batch);
        c.vector("Barray", B, batch);
        Info i = devInfo(c, info);
        Device &d = *h.device;
        const char *name = routine;
        c.enqueue(h.stream, [=, &d] {
            for (int b = 0; b < batch; b++) {
                if (!reachable(name, "Aarray", d, A[b], bytesOf(n, n, lda, sizeof(T)))
                    || !reachable(name, "Barray", d, B[b], bytesOf(n, nrhs, ldb, sizeof(T))))
                    return;
                int outcome = 0;
                fortran<T>("potrs", u, n, nrhs, (const T *)A[b], lda, B[b], ldb, &outcome);
            }
            i.set(0);
        });
        return 0;
    });
}

// ------------------------------------------------------------------------------------------------------------- SVD

long gesvdSize(long m, long n) { return 64 * std::max(1l, n) + m; }

void gesvdJobs(Call &c, signed char jobu, signed char jobvt, long m, long n) {
    for (char j : {jobu, jobvt}) c.require(j == 'A' || j == 'S' || j == 'O' || j == 'N');
    c.require(!(jobu == 'O' && jobvt == 'O'));
    c.require(m >= n);
}

template <class T>
Mark gesvdIn(Call &c, Handle &h, char jobu, char jobvt, int m, int n, T *A, int lda, T *S, T *U, int ldu, T *VT, int ldvt, T *rwork,
             const Info &i, std::function<void()> spoil) {
    shape(c, m, n, lda);
    c.require(jobu == 'N' || jobu == 'O' ? ldu >= 1 : ldu >= std::max(1, m));
    c.require(jobvt == 'N' || jobvt == 'O' ? ldvt >= 1 : ldvt >= std::max(1, n));
    c.matrix("A", A, m, n, lda);
    c.vector("S", S, n);
    if (jobu == 'A' || jobu == 'S') c.matrix("U", U, m, jobu == 'A' ? m : n, ldu);
    if (jobvt == 'A' || jobvt == 'S') c.matrix("VT", VT, n, n, ldvt);
    if (rwork) c.vector("rwork", rwork, std::max(0, n - 1));
    return c.enqueue(h.stream, [=] {
        spoil();
        int outcome = 0;
        std::vector<T> super(std::max(1, n));
        withWorkspace<T>([&](T *w, int l) {
            fortran<T>("gesvd", jobu, jobvt, m, n, A, lda, S, U, ldu, VT, ldvt, w, l, &outcome);
            for (int j = 1; j < n && j < l; j++) super[j - 1] = w[j];
        });
        if (rwork && n > 1) std::copy_n(super.data(), n - 1, rwork);
        i.set(outcome);
    });
}

template <class T>
int gesvd(const char *routine, void *handle, signed char jobu, signed char jobvt, int m, int n, T *A, int lda, T *S, T *U, int ldu,
          T *VT, int ldvt, T *work, int lwork, T *rwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        gesvdJobs(c, jobu, jobvt, m, n);
        Info i = devInfo(c, info);
        auto spoil = workspace(c, work, lwork, gesvdSize(m, n));
        return waitFor(h, gesvdIn<T>(c, h, jobu, jobvt, m, n, A, lda, S, U, ldu, VT, ldvt, rwork, i, spoil));
    });
}

// SVD of a copy of A, with V and not its transpose. full: all columns of U and V. Answers LAPACK's info.
template <class T>
int svdWithV(bool vectors, bool full, int m, int n, const T *A, int lda, T *S, T *U, int ldu, T *V, int ldv) {
    int k = std::min(m, n);
    if (k == 0) return 0;
    std::vector<T> a((size_t)m * n);
    for (int j = 0; j < n; j++) std::copy_n(A + (size_t)j * lda, m, a.data() + (size_t)j * m);
    int rows = full ? n : k;
    std::vector<T> vt(vectors ? (size_t)rows * n : 1);
    char job = !vectors ? 'N' : full ? 'A' : 'S';
    int outcome = 0, ldvt = vectors ? rows : 1;
    withWorkspace<T>([&](T *w, int l) {
        fortran<T>("gesvd", job, job, m, n, a.data(), m, S, U, vectors ? ldu : 1, vt.data(), ldvt, w, l, &outcome);
    });
    if (vectors) transpose(vt.data(), rows, n, rows, V, ldv);
    return outcome;
}

long gesvdjSize(long m, long n) { return std::max(1l, 2 * m * n + 4 * std::min(m, n)); }

JacobiInfo &jacobi(Call &c, void *p, const char *kind) {
    if (!isObject(p, kind)) c.refuse(Problem::HANDLE, "%p is not a %s", p, kind);
    return *static_cast<JacobiInfo *>(p);
}

void checkGesvdj(Call &c, int jobz, int econ, int m, int n, int lda, int ldu, int ldv) {
    c.require((jobz == 0 || jobz == 1) && (econ == 0 || econ == 1));
    shape(c, m, n, lda);
    c.require(jobz == 0 || (ldu >= std::max(1, m) && ldv >= std::max(1, n)));
}

template <class T>
int gesvdj(const char *routine, void *handle, int jobz, int econ, int m, int n, T *A, int lda, T *S, T *U, int ldu, T *V, int ldv,
           T *work, int lwork, int *info, void *params) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        checkGesvdj(c, jobz, econ, m, n, lda, ldu, ldv);
        jacobi(c, params, GESVDJ).sweeps = 1;
        int k = std::min(m, n);
        Info i = devInfo(c, info);
        c.matrix("A", A, m, n, lda);
        c.vector("S", S, k);
        if (jobz) {
            c.matrix("U", U, m, econ ? k : m, ldu);
            c.matrix("V", V, n, econ ? k : n, ldv);
        }
        auto spoil = workspace(c, work, lwork, gesvdjSize(m, n));
        return waitFor(h, c.enqueue(h.stream, [=] {
            spoil();
            int outcome = svdWithV<T>(jobz, !econ, m, n, A, lda, S, U, ldu, V, ldv);
            for (int j = 0; j < n; j++) std::memset((void *)(A + (size_t)j * lda), 0xFF, m * sizeof(T)); // Destroyed.
            i.set(outcome > 0 ? k + 1 : outcome);
        }));
    });
}

template <class T>
int gesvdjBatched(const char *routine, void *handle, int jobz, int m, int n, T *A, int lda, T *S, T *U, int ldu, T *V, int ldv,
                  T *work, int lwork, int *info, void *params, int batch) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        checkGesvdj(c, jobz, 0, m, n, lda, ldu, ldv);
        c.require(m <= 32 && n <= 32 && batch >= 0);
        jacobi(c, params, GESVDJ);
        int k = std::min(m, n);
        Info i = devInfo(c, info, batch);
        c.matrix("A", A, m, n, lda, (long)lda * n, batch);
        c.vector("S", S, (long)k * batch);
        // Both are written without vectors, too, as a GPU does.
        c.matrix("U", U, m, m, ldu, (long)ldu * m, batch);
        c.matrix("V", V, n, n, ldv, (long)ldv * n, batch);
        auto spoil = workspace(c, work, lwork, gesvdjSize(m, n) * std::max(1, batch));
        c.enqueue(h.stream, [=] {
            spoil();
            for (long b = 0; b < batch && !jobz; b++) {
                for (int j = 0; j < m; j++) std::memset((void *)(U + (b * m + j) * ldu), 0xFF, m * sizeof(T));
                for (int j = 0; j < n; j++) std::memset((void *)(V + (b * n + j) * ldv), 0xFF, n * sizeof(T));
            }
            for (long b = 0; b < batch; b++) {
                int outcome = svdWithV<T>(jobz, true, m, n, A + b * lda * n, lda, S + b * k, U + b * ldu * m, ldu, V + b * ldv * n, ldv);
                for (int j = 0; j < n; j++) std::memset((void *)(A + (b * n + j) * lda), 0xFF, m * sizeof(T));
                info[b] = b == 0 && i.forges ? i.forged : outcome > 0 ? k + 1 : outcome;
            }
        });
        return 0;
    });
}

long gesvdaSize(long m, long n, long batch) { return std::max(1l, (m * n + n * n + 4 * n) * std::max(1l, batch)); }

template <class T>
int gesvda(const char *routine, void *handle, int jobz, int rank, int m, int n, const T *A, int lda, long long sa, T *S, long long ss,
           T *U, int ldu, long long su, T *V, int ldv, long long sv, T *work, int lwork, int *info, double *residuals, int batch) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require((jobz == 0 || jobz == 1) && rank >= 0 && m >= n && rank <= n && batch >= 0);
        shape(c, m, n, lda);
        c.require(jobz == 0 || (ldu >= std::max(1, m) && ldv >= std::max(1, n)));
        Info i = devInfo(c, info, batch);
        c.matrix("A", A, m, n, lda, sa, batch);
        c.matrixBytes("S", S, 1, rank, 1, ss, batch, sizeof(T));
        if (jobz) {
            c.matrix("U", U, m, rank, ldu, su, batch);
            c.matrix("V", V, n, rank, ldv, sv, batch);
        }
        if (residuals) c.host("h_R_nrmF", residuals, sizeof(double) * batch);
        auto spoil = workspace(c, work, lwork, gesvdaSize(m, n, batch));
        Mark mark = c.enqueue(h.stream, [=] {
            spoil();
            std::vector<T> s(std::max(1, n)), u((size_t)std::max(1, m) * std::max(1, n)), v((size_t)std::max(1, n) * std::max(1, n));
            for (long b = 0; b < batch; b++) {
                int outcome = svdWithV<T>(jobz, false, m, n, A + b * sa, lda, s.data(), u.data(), std::max(1, m), v.data(), std::max(1, n));
                for (int j = 0; j < rank; j++) {
                    S[b * ss + j] = s[j];
                    if (!jobz) continue;
                    std::copy_n(u.data() + (size_t)j * m, m, U + b * su + (size_t)j * ldu);
                    std::copy_n(v.data() + (size_t)j * n, n, V + b * sv + (size_t)j * ldv);
                }
                info[b] = b == 0 && i.forges ? i.forged : outcome;
            }
        });
        if (!residuals) return 0;
        std::fill_n(residuals, batch, 0.0);
        return waitFor(h, mark);
    });
}

// ----------------------------------------------------------------------------------------- symmetric eigenproblems

long syevdSize(long n) { return std::max(1l, 2 * n * n + 6 * n + 1); }

template <class T> int runSyevd(char job, char u, int n, T *A, int lda, T *W) {
    int outcome = 0;
    std::vector<int> integers;
    T bestWork = 0;
    int bestInteger = 0, minus = -1;
    fortran<T>("syevd", job, u, n, A, lda, W, &bestWork, minus, &bestInteger, minus, &outcome);
    int lwork = (int)bestWork + 1 + (int)bestWork / 1000000, liwork = bestInteger;
    std::vector<T> work(std::max(1, lwork));
    integers.resize(std::max(1, liwork));
    fortran<T>("syevd", job, u, n, A, lda, W, work.data(), lwork, integers.data(), liwork, &outcome);
    return outcome;
}

void checkSyev(Call &c, int jobz, int uplo, int n, int lda) {
    c.require(jobz == 0 || jobz == 1);
    fillOf(c, uplo);
    shape(c, n, n, lda);
}

template <class T>
int syevd(const char *routine, void *handle, int jobz, int uplo, int n, T *A, int lda, T *W, T *work, int lwork, int *info,
          void *params, bool isJacobi) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        checkSyev(c, jobz, uplo, n, lda);
        if (isJacobi) jacobi(c, params, SYEVJ).sweeps = 1;
        char u = fillOf(c, uplo);
        Info i = devInfo(c, info);
        c.matrix("A", A, n, n, lda);
        c.vector("W", W, n);
        auto spoil = workspace(c, work, lwork, syevdSize(n));
        return waitFor(h, c.enqueue(h.stream, [=] {
            spoil();
            int outcome = runSyevd<T>(jobz ? 'V' : 'N', u, n, A, lda, W);
            i.set(isJacobi && outcome > 0 ? n + 1 : outcome);
        }));
    });
}

template <class T>
int syevjBatched(const char *routine, void *handle, int jobz, int uplo, int n, T *A, int lda, T *W, T *work, int lwork, int *info,
                 void *params, int batch) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        checkSyev(c, jobz, uplo, n, lda);
        c.require(batch >= 0);
        jacobi(c, params, SYEVJ);
        char u = fillOf(c, uplo);
        Info i = devInfo(c, info, batch);
        c.matrix("A", A, n, n, lda, (long)lda * n, batch);
        c.vector("W", W, (long)n * batch);
        auto spoil = workspace(c, work, lwork, syevdSize(n) * std::max(1, batch));
        c.enqueue(h.stream, [=] {
            spoil();
            for (long b = 0; b < batch; b++) {
                int outcome = runSyevd<T>(jobz ? 'V' : 'N', u, n, A + b * lda * n, lda, W + b * n);
                info[b] = b == 0 && i.forges ? i.forged : outcome > 0 ? n + 1 : outcome;
            }
        });
        return 0;
    });
}

template <class T>
int sytrd(const char *routine, void *handle, int uplo, int n, T *A, int lda, T *D, T *E, T *tau, T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo);
        shape(c, n, n, lda);
        Info i = devInfo(c, info);
        c.matrix("A", A, n, n, lda);
        c.vector("d", D, n);
        c.vector("e", E, n - 1);
        c.vector("tau", tau, n - 1);
        auto spoil = workspace(c, work, lwork, geqrfSize(n, n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            withWorkspace<T>([&](T *w, int l) { fortran<T>("sytrd", u, n, A, lda, D, E, tau, w, l, &outcome); });
            i.set(outcome);
        });
        return 0;
    });
}

template <class T>
int orgtr(const char *routine, void *handle, int uplo, int n, T *A, int lda, const T *tau, T *work, int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        char u = fillOf(c, uplo);
        shape(c, n, n, lda);
        Info i = devInfo(c, info);
        c.matrix("A", A, n, n, lda);
        c.vector("tau", tau, n - 1);
        auto spoil = workspace(c, work, lwork, geqrfSize(n, n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            withWorkspace<T>([&](T *w, int l) { fortran<T>("orgtr", u, n, A, lda, tau, w, l, &outcome); });
            i.set(outcome);
        });
        return 0;
    });
}

template <class T>
int ormtr(const char *routine, void *handle, int side, int uplo, int op, int m, int n, T *A, int lda, T *tau, T *C, int ldc, T *work,
          int lwork, int *info) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        c.require(side == 0 || side == 1);
        char s = side == 0 ? 'L' : 'R', u = fillOf(c, uplo), t = operation(c, op);
        int q = s == 'L' ? m : n;
        c.require(m >= 0 && n >= 0 && lda >= std::max(1, q) && ldc >= std::max(1, m));
        Info i = devInfo(c, info);
        c.matrix("A", A, q, q, lda);
        c.vector("tau", tau, q - 1);
        c.matrix("C", C, m, n, ldc);
        auto spoil = workspace(c, work, lwork, ormqrSize(s == 'L', m, n));
        c.enqueue(h.stream, [=] {
            spoil();
            int outcome = 0;
            withWorkspace<T>([&](T *w, int l) { fortran<T>("ormtr", s, u, t, m, n, A, lda, tau, C, ldc, w, l, &outcome); });
            i.set(outcome);
        });
        return 0;
    });
}

// ------------------------------------------------------------------------------------------------------ 64-bit API

// Host workspaces that are not empty, so that a program which forgets them is found out.
constexpr size_t HOST_WORKSPACE = 256;

Sizes xGeqrfSize(int type, long m, long n) { return bytes(type, geqrfSize(m, n), HOST_WORKSPACE); }
Sizes xPotrfSize(int type, long n) { return bytes(type, potrfSize(n), 0); }
Sizes xGesvdSize(int type, long m, long n) { return bytes(type, gesvdSize(m, n), HOST_WORKSPACE); }
Sizes xGesvdpSize(int type, long m, long n) { return bytes(type, gesvdjSize(m, n), HOST_WORKSPACE + 8 * (size_t)n); }
Sizes xSyevdSize(int type, long n) { return bytes(type, syevdSize(n), HOST_WORKSPACE + 8 * (size_t)n); }

template <class Body> int x(const char *routine, void *handle, void *params, Body body) {
    return solver(routine, handle, [&](Call &c, Handle &h) -> int {
        parameters(c, params);
        return body(c, h);
    });
}

} // namespace

extern "C" {

// ----------------------------------------------------------------------------------------------------------- handles

int cusolverDnCreate(void **handle) {
    return call("cusolverDnCreate", Library::CUSOLVER, [&](Call &c) -> int {
        c.require(handle);
        Device &d = c.current();
        auto *h = new Handle{&d, d.nullStream};
        addObject(h, KIND);
        *handle = h;
        return 0;
    });
}

int cusolverDnDestroy(void *handle) {
    return call("cusolverDnDestroy", Library::CUSOLVER, [&](Call &c) -> int {
        if (!removeObject(handle, KIND)) c.refuse(Problem::HANDLE, "%p is not a cuSOLVER handle", handle);
        auto *h = static_cast<Handle *>(handle);
        Device *d = h->device;
        delete h;
        drain(*d);
        c.on(d);
        return 0;
    });
}

int cusolverDnSetStream(void *handle, void *stream) {
    return solver("cusolverDnSetStream", handle, [&](Call &c, Handle &h) -> int {
        auto s = streamOf(*h.device, stream);
        if (!s) c.refuse(Problem::VALUE, "%p is not a stream of device %d", stream, h.device->ordinal);
        h.stream = s;
        return 0;
    });
}

int cusolverDnGetStream(void *handle, void **stream) {
    return solver("cusolverDnGetStream", handle, [&](Call &c, Handle &h) -> int {
        c.require(stream);
        *stream = h.stream == h.device->nullStream ? nullptr : h.stream.get();
        return 0;
    });
}

int cusolverGetVersion(int *version) {
    return call("cusolverGetVersion", Library::CUSOLVER, [&](Call &c) -> int {
        c.require(version);
        *version = 11700;
        return 0;
    });
}

int cusolverGetProperty(int type, int *value) {
    return call("cusolverGetProperty", Library::CUSOLVER, [&](Call &c) -> int {
        c.require(value && type >= 0 && type <= 2);
        *value = type == 0 ? 11 : type == 1 ? 7 : 0;
        return 0;
    });
}

int cusolverDnCreateParams(void **params) {
    return call("cusolverDnCreateParams", Library::CUSOLVER, [&](Call &c) -> int {
        c.require(params);
        *params = new int(0);
        addObject(*params, PARAMS);
        return 0;
    });
}

int cusolverDnDestroyParams(void *params) {
    return call("cusolverDnDestroyParams", Library::CUSOLVER, [&](Call &c) -> int {
        if (!removeObject(params, PARAMS)) c.refuse(Problem::HANDLE, "%p are not cuSOLVER parameters", params);
        delete static_cast<int *>(params);
        return 0;
    });
}

int cusolverDnSetAdvOptions(void *params, int function, int algorithm) {
    return call("cusolverDnSetAdvOptions", Library::CUSOLVER, [&](Call &c) -> int {
        parameters(c, params);
        c.require(params && function >= 0 && function <= 2 && algorithm >= 0 && algorithm <= 2);
        return 0;
    });
}

#define JACOBI(CREATE, DESTROY, PREFIX, OBJECT)                                                                                     \
    int cusolverDn##CREATE(void **p) {                                                                                              \
        return call("cusolverDn" #CREATE, Library::CUSOLVER, [&](Call &c) -> int {                                                  \
            c.require(p);                                                                                                           \
            *p = new JacobiInfo;                                                                                                    \
            addObject(*p, OBJECT);                                                                                                  \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##DESTROY(void *p) {                                                                                              \
        return call("cusolverDn" #DESTROY, Library::CUSOLVER, [&](Call &c) -> int {                                                 \
            if (!removeObject(p, OBJECT)) c.refuse(Problem::HANDLE, "%p is not a " #PREFIX " info", p);                             \
            delete static_cast<JacobiInfo *>(p);                                                                                    \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDnX##PREFIX##SetTolerance(void *p, double tolerance) {                                                              \
        return call("cusolverDnX" #PREFIX "SetTolerance", Library::CUSOLVER, [&](Call &c) -> int {                                  \
            jacobi(c, p, OBJECT).tolerance = tolerance;                                                                             \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDnX##PREFIX##SetMaxSweeps(void *p, int sweeps) {                                                                    \
        return call("cusolverDnX" #PREFIX "SetMaxSweeps", Library::CUSOLVER, [&](Call &c) -> int {                                  \
            jacobi(c, p, OBJECT).maxSweeps = sweeps;                                                                                \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDnX##PREFIX##SetSortEig(void *p, int sort) {                                                                        \
        return call("cusolverDnX" #PREFIX "SetSortEig", Library::CUSOLVER, [&](Call &c) -> int {                                    \
            c.require(sort == 0 || sort == 1);                                                                                      \
            jacobi(c, p, OBJECT).sort = sort;                                                                                       \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDnX##PREFIX##GetResidual(void *handle, void *p, double *residual) {                                                 \
        return solver("cusolverDnX" #PREFIX "GetResidual", handle, [&](Call &c, Handle &) -> int {                                  \
            c.require(residual);                                                                                                    \
            c.host("residual", residual, sizeof(double));                                                                           \
            *residual = jacobi(c, p, OBJECT).residual;                                                                              \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDnX##PREFIX##GetSweeps(void *handle, void *p, int *sweeps) {                                                        \
        return solver("cusolverDnX" #PREFIX "GetSweeps", handle, [&](Call &c, Handle &) -> int {                                    \
            c.require(sweeps);                                                                                                      \
            c.host("sweeps", sweeps, sizeof(int));                                                                                  \
            *sweeps = jacobi(c, p, OBJECT).sweeps;                                                                                  \
            return 0;                                                                                                               \
        });                                                                                                                         \
    }
JACOBI(CreateGesvdjInfo, DestroyGesvdjInfo, gesvdj, GESVDJ)
JACOBI(CreateSyevjInfo, DestroySyevjInfo, syevj, SYEVJ)

// -------------------------------------------------------------------------------------------------------- S and D

#define NAME(X, R) "cusolverDn" #X #R
#define ROUTINES(X, T)                                                                                                              \
    int cusolverDn##X##geqrf_bufferSize(void *h, int m, int n, T *A, int lda, int *size) {                                          \
        return query(NAME(X, geqrf_bufferSize), h, size, [&](Call &c) { shape(c, m, n, lda); return geqrfSize(m, n); });            \
    }                                                                                                                               \
    int cusolverDn##X##geqrf(void *h, int m, int n, T *A, int lda, T *tau, T *work, int lwork, int *info) {                         \
        return geqrf<T>(NAME(X, geqrf), h, m, n, A, lda, tau, work, lwork, info);                                                   \
    }                                                                                                                               \
    int cusolverDn##X##ormqr_bufferSize(void *h, int side, int op, int m, int n, int k, const T *A, int lda, const T *tau,          \
                                        const T *C, int ldc, int *size) {                                                           \
        return query(NAME(X, ormqr_bufferSize), h, size, [&](Call &c) {                                                             \
            c.require((side == 0 || side == 1) && k >= 0 && m >= 0 && n >= 0);                                                      \
            return ormqrSize(side == 0, m, n);                                                                                      \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##ormqr(void *h, int side, int op, int m, int n, int k, const T *A, int lda, const T *tau, T *C, int ldc,      \
                             T *work, int lwork, int *info) {                                                                       \
        return ormqr<T>(NAME(X, ormqr), h, side, op, m, n, k, A, lda, tau, C, ldc, work, lwork, info);                              \
    }                                                                                                                               \
    int cusolverDn##X##orgqr_bufferSize(void *h, int m, int n, int k, const T *A, int lda, const T *tau, int *size) {               \
        return query(NAME(X, orgqr_bufferSize), h, size, [&](Call &c) { shape(c, m, n, lda); return orgqrSize(n); });               \
    }                                                                                                                               \
    int cusolverDn##X##orgqr(void *h, int m, int n, int k, T *A, int lda, const T *tau, T *work, int lwork, int *info) {            \
        return orgqr<T>(NAME(X, orgqr), h, m, n, k, A, lda, tau, work, lwork, info);                                                \
    }                                                                                                                               \
    int cusolverDn##X##potrf_bufferSize(void *h, int uplo, int n, T *A, int lda, int *size) {                                       \
        return query(NAME(X, potrf_bufferSize), h, size, [&](Call &c) { shape(c, n, n, lda); return potrfSize(n); });               \
    }                                                                                                                               \
    int cusolverDn##X##potrf(void *h, int uplo, int n, T *A, int lda, T *work, int lwork, int *info) {                              \
        return potrf<T>(NAME(X, potrf), h, uplo, n, A, lda, work, lwork, info);                                                     \
    }                                                                                                                               \
    int cusolverDn##X##potri_bufferSize(void *h, int uplo, int n, T *A, int lda, int *size) {                                       \
        return query(NAME(X, potri_bufferSize), h, size, [&](Call &c) { shape(c, n, n, lda); return potrfSize(n); });               \
    }                                                                                                                               \
    int cusolverDn##X##potri(void *h, int uplo, int n, T *A, int lda, T *work, int lwork, int *info) {                              \
        return potri<T>(NAME(X, potri), h, uplo, n, A, lda, work, lwork, info);                                                     \
    }                                                                                                                               \
    int cusolverDn##X##potrs(void *h, int uplo, int n, int nrhs, const T *A, int lda, T *B, int ldb, int *info) {                   \
        return potrs<T>(NAME(X, potrs), h, uplo, n, nrhs, A, lda, B, ldb, info);                                                    \
    }                                                                                                                               \
    int cusolverDn##X##potrfBatched(void *h, int uplo, int n, T **A, int lda, int *info, int batch) {                               \
        return potrfBatched<T>(NAME(X, potrfBatched), h, uplo, n, A, lda, info, batch);                                             \
    }                                                                                                                               \
    int cusolverDn##X##potrsBatched(void *h, int uplo, int n, int nrhs, T **A, int lda, T **B, int ldb, int *info, int batch) {     \
        return potrsBatched<T>(NAME(X, potrsBatched), h, uplo, n, nrhs, A, lda, B, ldb, info, batch);                               \
    }                                                                                                                               \
    int cusolverDn##X##gesvd_bufferSize(void *h, int m, int n, int *size) {                                                         \
        return query(NAME(X, gesvd_bufferSize), h, size, [&](Call &c) {                                                             \
            c.require(n >= 0 && m >= n);                                                                                            \
            return gesvdSize(m, n);                                                                                                 \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##gesvd(void *h, signed char jobu, signed char jobvt, int m, int n, T *A, int lda, T *S, T *U, int ldu, T *VT, \
                             int ldvt, T *work, int lwork, T *rwork, int *info) {                                                   \
        return gesvd<T>(NAME(X, gesvd), h, jobu, jobvt, m, n, A, lda, S, U, ldu, VT, ldvt, work, lwork, rwork, info);               \
    }                                                                                                                               \
    int cusolverDn##X##gesvdj_bufferSize(void *h, int jobz, int econ, int m, int n, const T *A, int lda, const T *S, const T *U,    \
                                         int ldu, const T *V, int ldv, int *size, void *params) {                                   \
        return query(NAME(X, gesvdj_bufferSize), h, size, [&](Call &c) {                                                            \
            checkGesvdj(c, jobz, econ, m, n, lda, ldu, ldv);                                                                        \
            jacobi(c, params, GESVDJ);                                                                                              \
            return gesvdjSize(m, n);                                                                                                \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##gesvdj(void *h, int jobz, int econ, int m, int n, T *A, int lda, T *S, T *U, int ldu, T *V, int ldv,         \
                              T *work, int lwork, int *info, void *params) {                                                        \
        return gesvdj<T>(NAME(X, gesvdj), h, jobz, econ, m, n, A, lda, S, U, ldu, V, ldv, work, lwork, info, params);               \
    }                                                                                                                               \
    int cusolverDn##X##gesvdjBatched_bufferSize(void *h, int jobz, int m, int n, const T *A, int lda, const T *S, const T *U,       \
                                                int ldu, const T *V, int ldv, int *size, void *params, int batch) {                 \
        return query(NAME(X, gesvdjBatched_bufferSize), h, size, [&](Call &c) {                                                     \
            checkGesvdj(c, jobz, 0, m, n, lda, ldu, ldv);                                                                           \
            c.require(m <= 32 && n <= 32 && batch >= 0);                                                                            \
            jacobi(c, params, GESVDJ);                                                                                              \
            return gesvdjSize(m, n) * std::max(1, batch);                                                                           \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##gesvdjBatched(void *h, int jobz, int m, int n, T *A, int lda, T *S, T *U, int ldu, T *V, int ldv, T *work,   \
                                     int lwork, int *info, void *params, int batch) {                                               \
        return gesvdjBatched<T>(NAME(X, gesvdjBatched), h, jobz, m, n, A, lda, S, U, ldu, V, ldv, work, lwork, info, params,        \
                                batch);                                                                                             \
    }                                                                                                                               \
    int cusolverDn##X##gesvdaStridedBatched_bufferSize(void *h, int jobz, int rank, int m, int n, const T *A, int lda,              \
                                                       long long sa, const T *S, long long ss, const T *U, int ldu, long long su,   \
                                                       const T *V, int ldv, long long sv, int *size, int batch) {                   \
        return query(NAME(X, gesvdaStridedBatched_bufferSize), h, size, [&](Call &c) {                                              \
            c.require(n >= 0 && m >= n && rank <= n && batch >= 0);                                                                 \
            return gesvdaSize(m, n, batch);                                                                                         \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##gesvdaStridedBatched(void *h, int jobz, int rank, int m, int n, const T *A, int lda, long long sa, T *S,     \
                                            long long ss, T *U, int ldu, long long su, T *V, int ldv, long long sv, T *work,        \
                                            int lwork, int *info, double *residuals, int batch) {                                   \
        return gesvda<T>(NAME(X, gesvdaStridedBatched), h, jobz, rank, m, n, A, lda, sa, S, ss, U, ldu, su, V, ldv, sv, work,       \
                         lwork, info, residuals, batch);                                                                            \
    }                                                                                                                               \
    int cusolverDn##X##syevd_bufferSize(void *h, int jobz, int uplo, int n, const T *A, int lda, const T *W, int *size) {           \
        return query(NAME(X, syevd_bufferSize), h, size, [&](Call &c) {                                                             \
            checkSyev(c, jobz, uplo, n, lda);                                                                                       \
            return syevdSize(n);                                                                                                    \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##syevd(void *h, int jobz, int uplo, int n, T *A, int lda, T *W, T *work, int lwork, int *info) {              \
        return syevd<T>(NAME(X, syevd), h, jobz, uplo, n, A, lda, W, work, lwork, info, nullptr, false);                            \
    }                                                                                                                               \
    int cusolverDn##X##syevj_bufferSize(void *h, int jobz, int uplo, int n, const T *A, int lda, const T *W, int *size,             \
                                        void *params) {                                                                             \
        return query(NAME(X, syevj_bufferSize), h, size, [&](Call &c) {                                                             \
            checkSyev(c, jobz, uplo, n, lda);                                                                                       \
            jacobi(c, params, SYEVJ);                                                                                               \
            return syevdSize(n);                                                                                                    \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##syevj(void *h, int jobz, int uplo, int n, T *A, int lda, T *W, T *work, int lwork, int *info,                \
                             void *params) {                                                                                        \
        return syevd<T>(NAME(X, syevj), h, jobz, uplo, n, A, lda, W, work, lwork, info, params, true);                              \
    }                                                                                                                               \
    int cusolverDn##X##syevjBatched_bufferSize(void *h, int jobz, int uplo, int n, const T *A, int lda, const T *W, int *size,      \
                                               void *params, int batch) {                                                           \
        return query(NAME(X, syevjBatched_bufferSize), h, size, [&](Call &c) {                                                      \
            checkSyev(c, jobz, uplo, n, lda);                                                                                       \
            c.require(batch >= 0);                                                                                                  \
            jacobi(c, params, SYEVJ);                                                                                               \
            return syevdSize(n) * std::max(1, batch);                                                                               \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##syevjBatched(void *h, int jobz, int uplo, int n, T *A, int lda, T *W, T *work, int lwork, int *info,         \
                                    void *params, int batch) {                                                                      \
        return syevjBatched<T>(NAME(X, syevjBatched), h, jobz, uplo, n, A, lda, W, work, lwork, info, params, batch);               \
    }                                                                                                                               \
    int cusolverDn##X##sytrd_bufferSize(void *h, int uplo, int n, const T *A, int lda, const T *d, const T *e, const T *tau,        \
                                        int *size) {                                                                                \
        return query(NAME(X, sytrd_bufferSize), h, size, [&](Call &c) { shape(c, n, n, lda); return geqrfSize(n, n); });            \
    }                                                                                                                               \
    int cusolverDn##X##sytrd(void *h, int uplo, int n, T *A, int lda, T *d, T *e, T *tau, T *work, int lwork, int *info) {          \
        return sytrd<T>(NAME(X, sytrd), h, uplo, n, A, lda, d, e, tau, work, lwork, info);                                          \
    }                                                                                                                               \
    int cusolverDn##X##orgtr_bufferSize(void *h, int uplo, int n, const T *A, int lda, const T *tau, int *size) {                   \
        return query(NAME(X, orgtr_bufferSize), h, size, [&](Call &c) { shape(c, n, n, lda); return geqrfSize(n, n); });            \
    }                                                                                                                               \
    int cusolverDn##X##orgtr(void *h, int uplo, int n, T *A, int lda, const T *tau, T *work, int lwork, int *info) {                \
        return orgtr<T>(NAME(X, orgtr), h, uplo, n, A, lda, tau, work, lwork, info);                                                \
    }                                                                                                                               \
    int cusolverDn##X##ormtr_bufferSize(void *h, int side, int uplo, int op, int m, int n, const T *A, int lda, const T *tau,       \
                                        const T *C, int ldc, int *size) {                                                           \
        return query(NAME(X, ormtr_bufferSize), h, size, [&](Call &c) {                                                             \
            c.require((side == 0 || side == 1) && m >= 0 && n >= 0);                                                                \
            return ormqrSize(side == 0, m, n);                                                                                      \
        });                                                                                                                         \
    }                                                                                                                               \
    int cusolverDn##X##ormtr(void *h, int side, int uplo, int op, int m, int n, T *A, int lda, T *tau, T *C, int ldc, T *work,      \
                             int lwork, int *info) {                                                                                \
        return ormtr<T>(NAME(X, ormtr), h, side, uplo, op, m, n, A, lda, tau, C, ldc, work, lwork, info);                           \
    }
ROUTINES(S, float)
ROUTINES(D, double)

// ------------------------------------------------------------------------------------------------------ 64-bit API

int cusolverDnXpotrf_bufferSize(void *h, void *p, int uplo, long n, int typeA, const void *A, long lda, int compute, size_t *onDevice,
                                size_t *onHost) {
    return query("cusolverDnXpotrf_bufferSize", h, onDevice, onHost, [&](Call &c) {
        parameters(c, p);
        shape(c, n, n, lda);
        typed(c, {typeA, compute}, [](auto) { return 0; });
        return xPotrfSize(typeA, n);
    });
}

int cusolverDnXpotrf(void *handle, void *p, int uplo, long N, int typeA, void *A, long LDA, int compute, void *dw, size_t db, void *hw,
                     size_t hb, int *info) {
    return x("cusolverDnXpotrf", handle, p, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA, compute}, [&](auto zero) -> int {
            using T = decltype(zero);
            char u = fillOf(c, uplo);
            int n = c.narrow("n", N), lda = c.narrow("lda", LDA);
            shape(c, n, n, lda);
            Info i = devInfo(c, info);
            T *a = static_cast<T *>(A);
            c.matrix("A", a, n, n, lda);
            auto spoil = workspaces(c, dw, db, hw, hb, xPotrfSize(typeA, n));
            c.enqueue(h.stream, [=] {
                spoil();
                int outcome = 0;
                fortran<T>("potrf", u, n, a, lda, &outcome);
                i.set(outcome);
            });
            return 0;
        });
    });
}

int cusolverDnXpotrs(void *handle, void *p, int uplo, long n, long nrhs, int typeA, const void *A, long lda, int typeB, void *B,
                     long ldb, int *info) {
    return x("cusolverDnXpotrs", handle, p, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA, typeB}, [&](auto zero) -> int {
            using T = decltype(zero);
            return potrsIn<T>(c, h, uplo, n, nrhs, static_cast<const T *>(A), lda, static_cast<T *>(B), ldb, info);
        });
    });
}

int cusolverDnXtrtri_bufferSize(void *h, int uplo, int diag, long n, int typeA, void *A, long lda, size_t *onDevice, size_t *onHost) {
    return query("cusolverDnXtrtri_bufferSize", h, onDevice, onHost, [&](Call &c) {
        shape(c, n, n, lda);
        typed(c, {typeA}, [](auto) { return 0; });
        return xPotrfSize(typeA, n);
    });
}

int cusolverDnXtrtri(void *handle, int uplo, int diag, long N, int typeA, void *A, long LDA, void *dw, size_t db, void *hw, size_t hb,
                     int *info) {
    return x("cusolverDnXtrtri", handle, nullptr, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA}, [&](auto zero) -> int {
            using T = decltype(zero);
            char u = fillOf(c, uplo);
            c.require(diag == 0 || diag == 1);
            char g = diag == 0 ? 'N' : 'U';
            int n = c.narrow("n", N), lda = c.narrow("lda", LDA);
            shape(c, n, n, lda);
            Info i = devInfo(c, info);
            T *a = static_cast<T *>(A);
            c.matrix("A", a, n, n, lda);
            auto spoil = workspaces(c, dw, db, hw, hb, xPotrfSize(typeA, n));
            c.enqueue(h.stream, [=] {
                spoil();
                int outcome = 0;
                fortran<T>("trtri", u, g, n, a, lda, &outcome);
                i.set(outcome);
            });
            return 0;
        });
    });
}

int cusolverDnXgeqrf_bufferSize(void *h, void *p, long m, long n, int typeA, const void *A, long lda, int typeTau, const void *tau,
                                int compute, size_t *onDevice, size_t *onHost) {
    return query("cusolverDnXgeqrf_bufferSize", h, onDevice, onHost, [&](Call &c) {
        parameters(c, p);
        shape(c, m, n, lda);
        typed(c, {typeA, typeTau, compute}, [](auto) { return 0; });
        return xGeqrfSize(typeA, m, n);
    });
}

int cusolverDnXgeqrf(void *handle, void *p, long M, long N, int typeA, void *A, long LDA, int typeTau, void *tau, int compute, void *dw,
                     size_t db, void *hw, size_t hb, int *info) {
    return x("cusolverDnXgeqrf", handle, p, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA, typeTau, compute}, [&](auto zero) -> int {
            using T = decltype(zero);
            int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA);
            shape(c, m, n, lda);
            Info i = devInfo(c, info);
            T *a = static_cast<T *>(A), *t = static_cast<T *>(tau);
            c.matrix("A", a, m, n, lda);
            c.vector("tau", t, std::min(m, n));
            auto spoil = workspaces(c, dw, db, hw, hb, xGeqrfSize(typeA, m, n));
            return waitFor(h, c.enqueue(h.stream, [=] {
                spoil();
                runGeqrf(m, n, a, lda, t, i);
            }));
        });
    });
}

int cusolverDnXgesvd_bufferSize(void *h, void *p, signed char jobu, signed char jobvt, long m, long n, int typeA, const void *A,
                                long lda, int typeS, const void *S, int typeU, const void *U, long ldu, int typeV, const void *VT,
                                long ldvt, int compute, size_t *onDevice, size_t *onHost) {
    return query("cusolverDnXgesvd_bufferSize", h, onDevice, onHost, [&](Call &c) {
        parameters(c, p);
        gesvdJobs(c, jobu, jobvt, m, n);
        shape(c, m, n, lda);
        typed(c, {typeA, typeS, typeU, typeV, compute}, [](auto) { return 0; });
        return xGesvdSize(typeA, m, n);
    });
}

int cusolverDnXgesvd(void *handle, void *p, signed char jobu, signed char jobvt, long M, long N, int typeA, void *A, long LDA, int typeS,
                     void *S, int typeU, void *U, long LDU, int typeV, void *VT, long LDVT, int compute, void *dw, size_t db, void *hw,
                     size_t hb, int *info) {
    return x("cusolverDnXgesvd", handle, p, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA, typeS, typeU, typeV, compute}, [&](auto zero) -> int {
            using T = decltype(zero);
            gesvdJobs(c, jobu, jobvt, M, N);
            int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA), ldu = c.narrow("ldu", LDU);
            int ldvt = c.narrow("ldvt", LDVT);
            Info i = devInfo(c, info);
            auto spoil = workspaces(c, dw, db, hw, hb, xGesvdSize(typeA, m, n));
            return waitFor(h, gesvdIn<T>(c, h, jobu, jobvt, m, n, static_cast<T *>(A), lda, static_cast<T *>(S), static_cast<T *>(U),
                                         ldu, static_cast<T *>(VT), ldvt, nullptr, i, spoil));
        });
    });
}

int cusolverDnXgesvdp_bufferSize(void *h, void *p, int jobz, int econ, long m, long n, int typeA, const void *A, long lda, int typeS,
                                 const void *S, int typeU, const void *U, long ldu, int typeV, const void *V, long ldv, int compute,
                                 size_t *onDevice, size_t *onHost) {
    return query("cusolverDnXgesvdp_bufferSize", h, onDevice, onHost, [&](Call &c) {
        parameters(c, p);
        c.require((jobz == 0 || jobz == 1) && (econ == 0 || econ == 1));
        shape(c, m, n, lda);
        typed(c, {typeA, typeS, typeU, typeV, compute}, [](auto) { return 0; });
        return xGesvdpSize(typeA, m, n);
    });
}

int cusolverDnXgesvdp(void *handle, void *p, int jobz, int econ, long M, long N, int typeA, void *A, long LDA, int typeS, void *S,
                      int typeU, void *U, long LDU, int typeV, void *V, long LDV, int compute, void *dw, size_t db, void *hw, size_t hb,
                      int *info, double *error) {
    return x("cusolverDnXgesvdp", handle, p, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA, typeS, typeU, typeV, compute}, [&](auto zero) -> int {
            using T = decltype(zero);
            int m = c.narrow("m", M), n = c.narrow("n", N), lda = c.narrow("lda", LDA), ldu = c.narrow("ldu", LDU);
            int ldv = c.narrow("ldv", LDV), k = std::min(m, n);
            checkGesvdj(c, jobz, econ, m, n, lda, ldu, ldv);
            c.require(error);
            c.host("h_err_sigma", error, sizeof(double));
            Info i = devInfo(c, info);
            T *a = static_cast<T *>(A), *s = static_cast<T *>(S), *u = static_cast<T *>(U), *v = static_cast<T *>(V);
            c.matrix("A", a, m, n, lda);
            c.vector("S", s, k);
            if (jobz) {
                c.matrix("U", u, m, econ ? k : m, ldu);
                c.matrix("V", v, n, econ ? k : n, ldv);
            }
            auto spoil = workspaces(c, dw, db, hw, hb, xGesvdpSize(typeA, m, n));
            *error = 0;
            return waitFor(h, c.enqueue(h.stream, [=] {
                spoil();
                int outcome = svdWithV<T>(jobz, !econ, m, n, a, lda, s, u, ldu, v, ldv);
                for (int j = 0; j < n; j++) std::memset((void *)(a + (size_t)j * lda), 0xFF, m * sizeof(T));
                i.set(outcome);
            }));
        });
    });
}

int cusolverDnXsyevd_bufferSize(void *h, void *p, int jobz, int uplo, long n, int typeA, const void *A, long lda, int typeW,
                                const void *W, int compute, size_t *onDevice, size_t *onHost) {
    return query("cusolverDnXsyevd_bufferSize", h, onDevice, onHost, [&](Call &c) {
        parameters(c, p);
        shape(c, n, n, lda);
        typed(c, {typeA, typeW, compute}, [](auto) { return 0; });
        return xSyevdSize(typeA, n);
    });
}

int cusolverDnXsyevd(void *handle, void *p, int jobz, int uplo, long N, int typeA, void *A, long LDA, int typeW, void *W, int compute,
                     void *dw, size_t db, void *hw, size_t hb, int *info) {
    return x("cusolverDnXsyevd", handle, p, [&](Call &c, Handle &h) -> int {
        return typed(c, {typeA, typeW, compute}, [&](auto zero) -> int {
            using T = decltype(zero);
            int n = c.narrow("n", N), lda = c.narrow("lda", LDA);
            checkSyev(c, jobz, uplo, n, lda);
            char u = fillOf(c, uplo);
            Info i = devInfo(c, info);
            T *a = static_cast<T *>(A), *w = static_cast<T *>(W);
            c.matrix("A", a, n, n, lda);
            c.vector("W", w, n);
            auto spoil = workspaces(c, dw, db, hw, hb, xSyevdSize(typeA, n));
            return waitFor(h, c.enqueue(h.stream, [=] {
                spoil();
                i.set(runSyevd<T>(jobz ? 'V' : 'N', u, n, a, lda, w));
            }));
        });
    });
}

} // extern "C"
