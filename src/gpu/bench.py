#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times this library and its GPU peers alternately on the same planted problems.

  bench.py drive --workloads FILE --scale full|quick|tiny --device cuda|cpu --out FILE --log FILE --limit SECONDS [--java COMMAND]
  bench.py work LIBRARY DEVICE      a worker; LIBRARY is torch, cupy, jax or numpy
  bench.py table FILE               text table of the rows in FILE

Needs nothing but Python 3.8 for `drive` and `table`; a worker needs NumPy and its library. A library that is missing drops out.

Workers
=======
Each library, and this library's Java program (org.nullspace.bench.GpuBench), is a process of its own that lives through the whole
benchmark. It reads one command a line from stdin:

  KIND BATCH N D K PRECISION RANK CONDITION REPEATS SECONDS ROUND   run that problem
  release                                                            forget it

and prints JSON objects, one a line: {"event": "ready"} or {"event": "absent", "message": why}; {"event": "begin"} before and
{"event": "end", "resident_mb": what of X had been on the device before} after the untimed first run of a way to solve the problem; a
row; {"event": "done"} after the command. Lines that do not begin with { are ignored. For each workload and round the
workers take turns, so that what the machine does meanwhile meets all of them. The Java worker computes for 3 s before it is ready (up
to 10 s on a slow device): it solves small problems of all kinds in all its ways, so that its code is compiled.

Problems
========
g(seed, m) = sqrt(12) (u - 1/2), u the upper 53 bits of the m-th number of SplitMix64 from that seed: independent, mean 0, variance 1.
G has the entry g(1, (b n + i) d + j) in row i and column j of problem b.

  condition 1, rank n     X = G
  condition c             X = (I - (2/n) 1 1') diag(c^(-i/(n-1))) G
  rank r < n              rows i >= r are row p minus row q of G, p = 7i mod r, q = (p + 1 + i mod (r-1)) mod r

X is formed in float64, then rounded to its precision. A has g(2, (b n + i) k + j). The planted solution is W = X' A, thus in the row
space; Y = X W; both in float64, Y rounded. kind "project": Z (d x k) has g(3, j k + c) in its first half of the columns and X' A in the
others: the projection on the null space takes the latter to 0. kind "ridge": X and Y as above and 100 penalties
lambda_l = d 10^(3 - 9 l/99), l = 0..99 (d is about sigma^2 at condition 1). Wanted are all coefficients, W of shape d x (100 k) whose
column l k + t is the solution X' (X X' + lambda_l I)^-1 Y for target t.

Rows
====
  workload, peer, from     from: device (X and Y lie there, W stays there), host (X, Y, W in ordinary host memory), pinned (the same, page
                           locked), factored (X factorized before; only Y and W travel). ridge: factored means that an earlier path,
                           or the peer's eigh, has found all that depends on X alone; Y lies on the device, W stays there. "nullspace,
                           one solution" is the minimum-norm solution, with the errors of kind "solve"
  version, status, message, round, repeats, first_s, median_s, min_s, max_s
  forward_error            |W - planted| / |planted|, the worst of a batch; project: |P Z2| / |Z2| over the columns Z2 of the row space;
                           ridge: |W_l - R_l| / |R_l|, the worst of l = 0, 50, 99, with R_l = X' (X X' + lambda_l I)^-1 Y in float64, by
                           Cholesky (Java) or LU (torch) factorization
  residual                 |X W - Y| / (|X| |W|), Frobenius norms; ridge: absent
  orthogonality            |X'(X W - Y)| / (|X|^2 |W|); project: |X P Z| / (|X| |Z|); ridge: absent
  rank                     as found, null where the peer does not say
  x_mb, device_mb          size of X; rise of the device's used memory during the first run, X included (NVML; null without it)
Times are wall-clock times from idle to idle device; the first run is untimed.
"""
import argparse
import ctypes
import json
import math
import os
import queue
import shlex
import statistics
import subprocess
import sys
import threading
import time

GOLDEN = 0x9E3779B97F4A7C15
MIX1 = 0xBF58476D1CE4E5B9
MIX2 = 0x94D049BB133111EB
SVD_ENTRIES = 20_000_000  # larger problems would take the peers' SVD too long
JACOBI_ENTRIES = 2_500_000
PINNED_BYTES = 4 << 30  # locking more takes too long
CHUNK = 1 << 25
PENALTIES = 100  # of a ridge path
CHECKED = (0, 50, 99)  # those whose solutions are compared


class Workload:
    FIELDS = "kind batch n d k precision rank condition".split()

    def __init__(self, words):
        kind, batch, n, d, k, precision, rank, condition = words[:8]
        self.kind, self.precision = kind, precision
        self.batch, self.n, self.d, self.k, self.rank = int(batch), int(n), int(d), int(k), int(rank)
        self.condition = float(condition)
        self.words = words[:8]

    @property
    def name(self):
        shape = (f"{self.batch}x" if self.kind == "batch" else "") + f"{self.n}x{self.d}"
        parts = [self.kind, shape, self.precision]
        if self.k != 1:
            parts.append(f"k{self.k}")
        if self.rank != self.n:
            parts.append(f"rank{self.rank}")
        if self.condition != 1:
            parts.append(f"cond{self.condition:g}")
        return "-".join(parts)

    @property
    def entries(self):
        return self.batch * self.n * self.d

    @property
    def bytes(self):
        return self.entries * (8 if self.precision == "float64" else 4)


# ------------------------------------------------------------------------------------------------------------- problems
def penalties(d):
    return [d * 10.0 ** (3 - 9 * i / (PENALTIES - 1)) for i in range(PENALTIES)]


def gaussian_free(np, seed, start, count):
    """g(seed, start..start+count) with NumPy."""
    z = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = z * np.uint64(GOLDEN) + np.uint64(seed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX2)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5) * math.sqrt(12)


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def gaussian_free_torch(torch, device, seed, start, count):
    """The same numbers, on a device."""

    def right(z, s):
        return (z >> s) & ((1 << (64 - s)) - 1)

    z = torch.arange(start + 1, start + count + 1, dtype=torch.int64, device=device)
    z = z * signed(GOLDEN) + seed
    z = (z ^ right(z, 30)) * signed(MIX1)
    z = (z ^ right(z, 27)) * signed(MIX2)
    z = z ^ right(z, 31)
    return (right(z, 11).to(torch.float64) * 2.0**-53 - 0.5) * math.sqrt(12)


def rows_of(w, numbers, empty, weights):
    """X of shape batch x n x d in float64, from numbers(seed, start, count)."""
    x = empty((w.batch * w.n, w.d))
    step = max(1, CHUNK // w.d)
    for i in range(0, w.batch * w.n, step):
        rows = min(step, w.batch * w.n - i)
        x[i : i + rows] = numbers(1, i * w.d, rows * w.d).reshape(rows, w.d)
    if w.condition != 1:
        s = weights([w.condition ** (-i / (w.n - 1)) for i in range(w.n)])
        x *= s[:, None]
        x -= x.sum(0) * (2.0 / w.n)
    for i in range(w.rank, w.n):
        p = 7 * i % w.rank
        x[i] = x[p] - x[(p + 1 + i % (w.rank - 1)) % w.rank]
    return x.reshape(w.batch, w.n, w.d)


# -------------------------------------------------------------------------------------------------------------- workers
def emit(**values):
    print(json.dumps(values), flush=True)


class Worker:
    """What the libraries share. A subclass makes the problem and says which ways there are to solve it."""

    def __init__(self, device):
        self.device = device
        self.w = None
        self.round = 0

    def run(self, words):
        w = Workload(words)
        repeats, seconds, number = int(words[8]), float(words[9]), int(words[10])
        ways = self.ways(w)
        if not ways:
            return
        if self.w is None or self.w.name != w.name:
            self.release()
            self.prepare(w)
            self.w = w
        for peer, start, make in ways:
            row = {"workload": w.name, "peer": peer, "from": start, "version": self.version, "round": number}
            row.update(status="failed", message="", x_mb=w.bytes / 2**20)
            try:
                self.clear()
                self.before(start)
                emit(event="begin")
                arguments, work = make()
                self.synchronize()
                begin = time.perf_counter()
                answer = work(*arguments)
                self.synchronize()
                first = time.perf_counter() - begin
                emit(event="end", resident_mb=self.resident_mb(w, start))
                times = [first] if first > 10 * seconds else []
                spent = 0.0
                while len(times) < repeats or (spent < seconds / 4 and len(times) < 5 * repeats):
                    if times and (spent > seconds or first > 10 * seconds):
                        break
                    answer = None
                    begin = time.perf_counter()
                    answer = work(*arguments)
                    self.synchronize()
                    times.append(time.perf_counter() - begin)
                    spent += times[-1]
                row.update(repeats=len(times), first_s=first, median_s=statistics.median(times))
                row.update(min_s=min(times), max_s=max(times))
                solution, rank = answer if isinstance(answer, tuple) else (answer, None)
                row["rank"] = rank if rank is None else int(rank)
                arguments = work = answer = None
                self.clear()
                errors = self.errors(w, solution) if solution is not None else {}
                row.update({key: value if math.isfinite(value) else None for key, value in errors.items()})
                if None in [row[key] for key in errors]:
                    row["message"] = "the solution is not finite"
                else:
                    row["status"] = "ok"
            except Exception as error:  # a peer that cannot do it gives a row that says so
                row["message"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]
            arguments = work = answer = solution = None
            emit(**row)
        self.leave_device()

    def serve(self):
        emit(event="ready", version=self.version)
        for line in sys.stdin:
            words = line.split()
            try:
                if words[:1] == ["release"]:
                    self.release()
                elif words:
                    self.run(words)
            except Exception as error:
                emit(event="failed", message=f"{type(error).__name__}: {error}"[:300])
            emit(event="done")

    def release(self):
        self.w = None
        self.forget()
        self.clear()

    def clear(self):
        pass

    def synchronize(self):
        pass

    def forget(self):
        pass

    def before(self, start):
        pass

    def leave_device(self):
        pass

    def resident_mb(self, w, start):
        return 0


class Torch(Worker):
    def __init__(self, device):
        super().__init__(device)
        import torch

        self.torch = torch
        if device == "cuda":
            if not torch.cuda.is_available():
                raise RuntimeError("torch sees no CUDA device")
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.zeros(8, 8, device="cuda") @ torch.zeros(8, 8, device="cuda")
        self.version = f"torch {torch.__version__}"
        self.blas = self.load_blas() if device == "cuda" else None

    def load_blas(self):
        """cuBLAS as torch has loaded it, for SYRK, which torch does not offer."""
        with open("/proc/self/maps", encoding="utf-8") as file:
            paths = sorted({line.split()[-1] for line in file if "/libcublas.so" in line})
        if not paths:
            return None
        blas = ctypes.CDLL(paths[0])
        handle = ctypes.c_void_p()
        if blas.cublasCreate_v2(ctypes.byref(handle)) != 0:
            return None
        return blas, handle

    def prepare(self, w):
        torch, device = self.torch, self.device

        def numbers(seed, start, count):
            return gaussian_free_torch(torch, device, seed, start, count)

        dtype = getattr(torch, w.precision)
        x = rows_of(
            w,
            numbers,
            lambda shape: torch.empty(shape, dtype=torch.float64, device=device),
            lambda s: torch.tensor(s, dtype=torch.float64, device=device),
        )
        x = x.to(dtype)
        a = numbers(2, 0, w.batch * w.n * w.k).reshape(w.batch, w.n, w.k)
        planted = self.times_transposed(x, a)
        if w.kind == "project":
            z = numbers(3, 0, w.d * w.k).reshape(1, w.d, w.k)
            z[:, :, w.k // 2 :] = planted[:, :, w.k // 2 :]
            y = z.to(dtype)
        else:
            y = self.times(x, planted).to(dtype)
        if w.batch == 1:
            x, y, planted = x[0], y[0], planted[0]
        if w.kind == "ridge":
            planted = self.path(w, x, y)
        self.host = x.cpu(), y.cpu(), planted.cpu()
        self.there = None

    def path(self, w, x, y):
        """Ridge solutions for the checked penalties, side by side, in float64."""
        torch, f64 = self.torch, self.torch.float64
        gram = sum(x[:, i:j].to(f64) @ x[:, i:j].to(f64).T for i, j in self.blocks(x))
        alpha = []
        for i in CHECKED:
            shifted = gram.clone()
            shifted.diagonal().add_(penalties(w.d)[i])
            alpha.append(torch.linalg.solve(shifted, y.to(f64)))
        return self.times_transposed(x, torch.cat(alpha, 1))

    def resident(self):
        """X, Y and the planted solution (ridge: the checked solutions) on the device, kept for one command."""
        if self.there is None:
            self.there = tuple(t.to(self.device) for t in self.host)
        return self.there

    def before(self, start):
        if start in ("device", "factored"):
            self.resident()

    def leave_device(self):
        self.there = None
        self.clear()

    def resident_mb(self, w, start):
        return w.bytes / 2**20 if start in ("device", "factored") else 0

    @staticmethod
    def blocks(x):
        """Column ranges that keep a float64 copy small."""
        d = x.shape[-1]
        step = max(1, CHUNK * 4 // max(1, x.numel() // d))
        return [(j, min(d, j + step)) for j in range(0, d, step)]

    def times(self, x, w):
        """X W in float64."""
        return sum(x[..., i:j].to(self.torch.float64) @ w[..., i:j, :].to(self.torch.float64) for i, j in self.blocks(x))

    def times_transposed(self, x, a):
        """X' A in float64."""
        f64 = self.torch.float64
        parts = [x[..., i:j].to(f64).transpose(-1, -2) @ a.to(f64) for i, j in self.blocks(x)]
        return self.torch.cat(parts, -2)

    def errors(self, w, solution):
        torch = self.torch
        x, y, planted = self.resident()
        if w.kind == "ridge":
            found = torch.stack([solution[:, i * w.k : (i + 1) * w.k].to(torch.float64) for i in CHECKED])
            right = planted.reshape(w.d, len(CHECKED), w.k).transpose(0, 1)
            error = torch.linalg.vector_norm(found - right, dim=(1, 2)) / torch.linalg.vector_norm(right, dim=(1, 2))
            return {"forward_error": float(error.max())}
        solution = solution.to(self.device).to(torch.float64).reshape(planted.shape)
        x_norm = float(torch.linalg.vector_norm(x, dtype=torch.float64))

        def norm(t):
            return float(torch.linalg.vector_norm(t, dtype=torch.float64))

        if w.kind == "project":
            half = w.k // 2
            return {
                "forward_error": norm(solution[:, half:]) / norm(y[:, half:]),
                "orthogonality": norm(self.times(x, solution)) / (x_norm * norm(y)),
            }
        difference = (solution - planted).reshape(w.batch, -1)
        error = torch.linalg.vector_norm(difference, dim=1) / torch.linalg.vector_norm(planted.reshape(w.batch, -1), dim=1)
        residual = self.times(x, solution) - y
        w_norm = norm(solution)
        return {
            "forward_error": float(error.max()),
            "residual": norm(residual) / (x_norm * w_norm),
            "orthogonality": norm(self.times_transposed(x, residual)) / (x_norm**2 * w_norm),
        }

    def forget(self):
        self.host = self.there = None

    def clear(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()
            self.torch.cuda.empty_cache()

    def synchronize(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def on_device(self, work):
        def make():
            return self.resident()[:2], work

        return make

    def on_factored(self, factor, work):
        """A way that begins with the factors of X."""

        def make():
            x, y = self.resident()[:2]
            return (x, y, *factor(x)), work

        return make

    def on_host(self, work, pinned=False):
        def make():
            x, y, _ = self.host
            if pinned:
                x, y = x.pin_memory(), y.pin_memory()

            def whole(x, y):
                answer = work(x.to(self.device, non_blocking=pinned), y.to(self.device, non_blocking=pinned))
                rank = None
                if isinstance(answer, tuple):
                    answer, rank = answer
                return answer.cpu(), rank

            return (x, y), whole

        return make

    def ways(self, w):
        torch = self.torch

        def lstsq(x, y):
            return torch.linalg.lstsq(x, y).solution

        def svd(driver):
            def work(x, y):
                options = {"driver": driver} if self.device == "cuda" else {}
                u, s, vh = torch.linalg.svd(x, full_matrices=False, **options)
                rank = int((s > s[0] * max(x.shape) * torch.finfo(x.dtype).eps).sum())
                return vh[:rank].T @ ((u[:, :rank].T @ y) / s[:rank, None]), rank

            return work

        def gram(x, y):
            xt = x.transpose(-1, -2)
            factor, _ = torch.linalg.cholesky_ex(x @ xt)
            return xt @ torch.cholesky_solve(y, factor)

        def gram64(x, y):
            x64 = x.double()
            factor, _ = torch.linalg.cholesky_ex(x64 @ x64.T)
            return x64.T @ torch.cholesky_solve(y.double(), factor)

        def project_gram(x, z):
            factor, _ = torch.linalg.cholesky_ex(x @ x.T)
            return z - x.T @ torch.cholesky_solve(x @ z, factor)

        def project_qr(x, z):
            q, _ = torch.linalg.qr(x.T)
            return z - q @ (q.T @ z)

        def gemm(x, y):
            x @ x.T
            return None

        def syrk(x, y):
            blas, handle = self.blas
            n, d = x.shape
            c = torch.empty(n, n, dtype=x.dtype, device=x.device)
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            real = ctypes.c_double if x.dtype == torch.float64 else ctypes.c_float
            routine = blas.cublasDsyrk_v2 if x.dtype == torch.float64 else blas.cublasSsyrk_v2
            status = blas.cublasSetStream_v2(handle, stream) or routine(
                handle, 0, 1, n, d, ctypes.byref(real(1)), ctypes.c_void_p(x.data_ptr()), d, ctypes.byref(real(0)),
                ctypes.c_void_p(c.data_ptr()), n,
            )  # fmt: skip
            if status:
                raise RuntimeError(f"cuBLAS SYRK returned status {status}")
            return None

        penalty = penalties(w.d)
        penalty_there = None

        def eigh(x):
            return torch.linalg.eigh(x @ x.T)

        def eigh_path(x, y, values=None, vectors=None):
            if values is None:
                values, vectors = eigh(x)
            filters = 1 / (values[:, None] + penalty_there)
            filtered = filters[:, :, None] * (vectors.T @ y)[:, None, :]
            return x.T @ (vectors @ filtered.reshape(len(values), -1))

        def cholesky_path(x, y):
            gram = x @ x.T
            alpha = []
            for each in penalty:
                shifted = gram.clone()
                shifted.diagonal().add_(each)
                factor, _ = torch.linalg.cholesky_ex(shifted)
                alpha.append(torch.cholesky_solve(y, factor))
            return x.T @ torch.cat(alpha, 1)

        products = [("gemm X X' alone", "device", self.on_device(gemm))]
        if self.blas:
            products.insert(0, ("syrk X X' alone", "device", self.on_device(syrk)))
        if w.kind == "ridge":
            penalty_there = torch.tensor(penalty, dtype=getattr(torch, w.precision), device=self.device)
            return [
                *products,
                ("by hand: torch eigh path", "device", self.on_device(eigh_path)),
                ("by hand: torch eigh path", "factored", self.on_factored(eigh, eigh_path)),
                ("by hand: torch Gram + Cholesky, loop", "device", self.on_device(cholesky_path)),
            ]
        if w.kind == "batch":
            both = [("torch lstsq, batched", lstsq), ("by hand: torch Gram + Cholesky, batched", gram)]
            return [(p, "device", self.on_device(f)) for p, f in both] + [(p, "host", self.on_host(f)) for p, f in both]
        if w.kind == "project":
            return [
                ("by hand: torch Gram + Cholesky", "device", self.on_device(project_gram)),
                ("by hand: torch Gram + Cholesky", "host", self.on_host(project_gram)),
                ("torch qr(X'), Z - Q (Q' Z)", "device", self.on_device(project_qr)),
            ]
        ways = [
            *products,
            ("torch lstsq", "device", self.on_device(lstsq)),
            ("torch lstsq", "host", self.on_host(lstsq)),
            ("by hand: torch Gram + Cholesky", "device", self.on_device(gram)),
            ("by hand: torch Gram + Cholesky", "host", self.on_host(gram)),
        ]
        if self.device == "cuda" and w.bytes <= PINNED_BYTES:
            ways.append(("by hand: torch Gram + Cholesky", "pinned", self.on_host(gram, pinned=True)))
        if w.precision == "float32":
            ways.append(("by hand: torch float64 Gram + Cholesky", "device", self.on_device(gram64)))
        if w.entries <= SVD_ENTRIES and w.k == 1:
            ways.append(("torch svd gesvd", "device", self.on_device(svd("gesvd"))))
        if w.entries <= JACOBI_ENTRIES and self.device == "cuda":
            ways.append(("torch svd gesvdj", "device", self.on_device(svd("gesvdj"))))
        return ways


class ArrayLibrary(Worker):
    """Libraries with NumPy's interface. Their lstsq is an SVD, so that only moderate sizes are asked of them."""

    def prepare(self, w):
        import numpy as np

        dtype = getattr(np, w.precision)
        x = rows_of(
            w,
            lambda seed, start, count: gaussian_free(np, seed, start, count),
            lambda shape: np.empty(shape),
            np.array,
        )
        x = x.astype(dtype)
        x64 = x.astype(np.float64)
        a = gaussian_free(np, 2, 0, w.batch * w.n * w.k).reshape(w.batch, w.n, w.k)
        planted = x64.transpose(0, 2, 1) @ a
        y = (x64 @ planted).astype(dtype)
        self.host = (x[0], y[0], planted[0]) if w.batch == 1 else (x, y, planted)

    def errors(self, w, solution):
        import numpy as np

        x, y, planted = (t.astype(np.float64) for t in self.host)
        solution = np.asarray(self.to_host(solution), dtype=np.float64).reshape(planted.shape)
        difference = np.linalg.norm((solution - planted).reshape(w.batch, -1), axis=1)
        residual = x @ solution - y
        size = np.linalg.norm(x) * np.linalg.norm(solution)
        return {
            "forward_error": float((difference / np.linalg.norm(planted.reshape(w.batch, -1), axis=1)).max()),
            "residual": float(np.linalg.norm(residual) / size),
            "orthogonality": float(np.linalg.norm(np.swapaxes(x, -1, -2) @ residual) / (np.linalg.norm(x) * size)),
        }

    def forget(self):
        self.host = None

    def to_host(self, a):
        return a

    def to_device(self, a):
        return a

    def whole(self, x, y):
        answer, rank = self.lstsq(self.to_device(x), self.to_device(y))
        return self.to_host(answer), rank

    def loop(self, x, y):
        return [self.lstsq(a, b)[0] for a, b in zip(x, y)]

    def ways(self, w):
        name = type(self).__name__.lower()
        if w.entries > SVD_ENTRIES or w.kind in ("project", "ridge") or w.k > 100:
            return []

        def on_device(work):
            return lambda: ((self.to_device(self.host[0]), self.to_device(self.host[1])), work)

        if w.kind == "batch":
            return [(f"{name} lstsq, loop", "device", on_device(self.loop))]
        ways = [(f"{name} lstsq", "host", lambda: ((self.host[0], self.host[1]), self.whole))]
        if self.device == "cuda":
            ways.append((f"{name} lstsq", "device", on_device(self.lstsq)))
        return ways


class NumPy(ArrayLibrary):
    """The CPU reference of a rehearsal without a GPU."""

    def __init__(self, device):
        super().__init__(device)
        import numpy as np

        if device != "cpu":
            raise RuntimeError("runs on the CPU only")
        self.version = f"numpy {np.__version__}"

    def lstsq(self, x, y):
        import numpy as np

        answer, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
        return answer, rank


class CuPy(ArrayLibrary):
    def __init__(self, device):
        super().__init__(device)
        if device != "cuda":
            raise RuntimeError("runs on CUDA only")
        import cupy

        self.cupy = cupy
        self.version = f"cupy {cupy.__version__}"
        cupy.zeros(1)

    def lstsq(self, x, y):
        answer, _, rank, _ = self.cupy.linalg.lstsq(x, y, rcond=None)
        return answer, rank

    def to_device(self, a):
        return self.cupy.asarray(a)

    def to_host(self, a):
        if isinstance(a, list):
            return [self.cupy.asnumpy(e) for e in a]
        return self.cupy.asnumpy(a)

    def synchronize(self):
        self.cupy.cuda.Device().synchronize()

    def clear(self):
        self.cupy.get_default_memory_pool().free_all_blocks()


class Jax(ArrayLibrary):
    def __init__(self, device):
        super().__init__(device)
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        import jax

        jax.config.update("jax_enable_x64", True)
        if device == "cuda" and jax.default_backend() not in ("gpu", "cuda"):
            raise RuntimeError(f"jax runs on {jax.default_backend()}, not on a GPU")
        self.jax = jax
        self.version = f"jax {jax.__version__}"
        self.compiled = jax.jit(lambda x, y: jax.numpy.linalg.lstsq(x, y, rcond=None))
        self.batched = jax.jit(jax.vmap(lambda x, y: jax.numpy.linalg.lstsq(x, y, rcond=None)[0]))

    def lstsq(self, x, y):
        answer, _, rank, _ = self.compiled(x, y)
        self.jax.block_until_ready(answer)
        return answer, int(rank)

    def loop(self, x, y):
        return self.jax.block_until_ready(self.batched(x, y))

    def to_device(self, a):
        return self.jax.block_until_ready(self.jax.device_put(a))

    def to_host(self, a):
        import numpy as np

        return np.asarray(a)


LIBRARIES = {"torch": Torch, "cupy": CuPy, "jax": Jax, "numpy": NumPy}


def work(library, device):
    try:
        worker = LIBRARIES[library](device)
    except Exception as error:
        emit(event="absent", message=f"{type(error).__name__}: {str(error).strip()}"[:300])
        return
    worker.serve()


# --------------------------------------------------------------------------------------------------------------- driver
class DeviceMemory:
    """Highest used memory of device 0 while sampling, from NVML; nothing where there is no driver."""

    class Info(ctypes.Structure):
        _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]

    def __init__(self, wanted):
        self.nvml = None
        self.sampling = False
        self.base = self.peak = 0
        if not wanted:
            return
        try:
            nvml = ctypes.CDLL("libnvidia-ml.so.1")
            device = ctypes.c_void_p()
            index = (os.environ.get("CUDA_VISIBLE_DEVICES") or "0").split(",")[0]
            if nvml.nvmlInit_v2() == 0 and nvml.nvmlDeviceGetHandleByIndex_v2(
                int(index) if index.isdigit() else 0, ctypes.byref(device)
            ) == 0:
                self.nvml, self.device = nvml, device
        except OSError:
            pass

    def used(self):
        info = self.Info()
        self.nvml.nvmlDeviceGetMemoryInfo(self.device, ctypes.byref(info))
        return info.used

    def begin(self):
        if not self.nvml:
            return
        self.base = self.peak = self.used()
        self.sampling = True
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        while self.sampling:
            self.peak = max(self.peak, self.used())
            time.sleep(0.002)

    def end(self):
        if not self.sampling:
            return None
        self.sampling = False
        self.thread.join()
        return (max(self.peak, self.used()) - self.base) / 2**20


class Process:
    """A worker process and its lines."""

    def __init__(self, name, command, log):
        self.name, self.command, self.log = name, command, log
        self.process = None
        self.absent = None

    def start(self, limit):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=1, encoding="utf-8",
            errors="replace",
        )
        self.lines = queue.Queue()
        threading.Thread(target=self.pump, args=(self.process, self.lines), daemon=True).start()
        begin = time.monotonic()
        while True:
            event = self.next(limit - (time.monotonic() - begin))
            if event is None:
                self.absent = "did not start"
                self.kill()
                return
            if event.get("event") == "absent":
                self.absent = event["message"]
                self.kill()
                return
            if event.get("event") == "ready":
                return

    @staticmethod
    def pump(process, lines):
        for line in process.stdout:
            if line.startswith("{"):
                try:
                    lines.put(json.loads(line))
                except ValueError:
                    pass
        lines.put(None)

    def next(self, limit):
        try:
            return self.lines.get(timeout=max(0.01, limit))
        except queue.Empty:
            return None

    def command_lines(self, text, limit):
        """Sends a command and yields what comes back up to `done`; ends with {"event": "lost"} if the worker died or took too long."""
        if self.absent:
            return
        if self.process is None:
            self.start(min(60, limit))
            if self.absent:
                yield {"event": "lost", "message": "cannot be started again: " + self.absent}
                return
        try:
            self.process.stdin.write(text + "\n")
        except OSError:
            pass
        end = time.monotonic() + limit
        while True:
            event = self.next(end - time.monotonic())
            if event is None:
                late = time.monotonic() >= end
                message = f"not done after {limit:.0f} s" if late else f"ended with exit code {self.ended()}"
                self.kill()
                yield {"event": "lost", "message": message}
                return
            if event.get("event") == "done":
                return
            yield event

    def ended(self):
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def read_workloads(path, scale):
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return [(Workload(words[1:9]), int(words[9])) for words in lines if words[0] == scale]


def drive(options):
    """Returns how many rows of this library there are and how many of them failed."""
    begin = time.monotonic()
    repeats, seconds, patience = {"full": (5, 1.5, 60), "quick": (3, 0.5, 25), "tiny": (2, 0.1, 20)}[options.scale]
    own = failed = 0
    with open(options.out, "a", encoding="utf-8") as out, open(options.log, "ab") as log:

        def write(row):
            print(json.dumps({"stage": "bench", **row}), file=out, flush=True)

        def left():
            return options.limit - (time.monotonic() - begin)

        workers = []
        if options.java:
            workers.append(Process("nullspace", shlex.split(options.java), log))
        names = ["torch", "cupy", "jax"] + (["numpy"] if options.device == "cpu" else [])
        workers += [Process(n, [sys.executable, "-u", __file__, "work", n, options.device], log) for n in names]
        starting = [threading.Thread(target=w.start, args=(min(90, options.limit / 2),)) for w in workers]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        for worker in workers:
            if worker.absent:
                write({"workload": "", "peer": worker.name, "status": "absent", "message": worker.absent})
                if worker.name == "nullspace":
                    own, failed = own + 1, failed + 1
        memory = DeviceMemory(options.device == "cuda")
        out_of_time = []
        for workload, rounds in read_workloads(options.workloads, options.scale):
            if left() < 0.08 * options.limit:
                out_of_time.append(workload.name)
                continue
            print(f"bench: {workload.name}, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
            lost = set()
            for number in range(1, rounds + 1):
                for worker in workers:
                    if worker.absent or worker.name in lost or left() < 2:
                        continue
                    text = " ".join([*workload.words, str(repeats), str(seconds), str(number)])
                    device_mb = None
                    for event in worker.command_lines(text, min(patience, left())):
                        kind = event.get("event")
                        if kind == "begin":
                            memory.begin()
                        elif kind == "end":
                            device_mb = memory.end()
                            if device_mb is not None:
                                device_mb += event.get("resident_mb", 0)
                        elif kind in ("lost", "failed"):
                            memory.end()
                            lost.add(worker.name)
                            write({"workload": workload.name, "peer": worker.name, "status": kind, **event})
                            if worker.name == "nullspace":
                                own, failed = own + 1, failed + 1
                        elif "workload" in event:
                            memory.end()
                            write({**event, "device_mb": device_mb})
                            device_mb = None
                            if worker.name == "nullspace":
                                own, failed = own + 1, failed + (event["status"] != "ok")
            for worker in workers:
                if worker.process is not None:
                    for _ in worker.command_lines("release", 20):
                        pass
        for worker in workers:
            worker.kill()
        if out_of_time:
            write({"workload": "", "peer": "", "status": "skipped", "message": "no time left for " + ", ".join(out_of_time)})
    return own, failed


# ---------------------------------------------------------------------------------------------------------------- table
def table(path):
    """One block a workload: medians over rounds; `syrk` is the share of the time that SYRK alone takes."""
    groups, notes = {}, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line) if line.startswith("{") else {}
            if row.get("stage") != "bench":
                continue
            if row["workload"] and row["status"] in ("ok", "failed", "lost"):
                groups.setdefault(row["workload"], {}).setdefault((row["peer"], row.get("from", "")), []).append(row)
            else:
                notes.append(f"{row['peer']} {row['status']}: {row['message']}".strip())

    def text(value, form):
        return "-" if value is None else format(value, form)

    for workload, peers in groups.items():
        floor = None
        for name in ("gemm X X' alone", "syrk X X' alone"):
            times = [r["median_s"] for r in peers.get((name, "device"), []) if r["status"] == "ok"]
            floor = statistics.median(times) if times else floor
        print(f"\n{workload}")
        form = "  {:<42} {:<9} {:>10} {:>10} {:>7} {:>8} {:>8} {:>8} {:>5} {:>9}"
        print(form.format("peer", "X from", "median ms", "min ms", "floor", "error", "residual", "orthog.", "rank", "device MB"))

        def order(item):
            times = [r["median_s"] for r in item[1] if r["status"] == "ok"]
            return statistics.median(times) if times else math.inf

        for (peer, start), rows in sorted(peers.items(), key=order):
            good = [r for r in rows if r["status"] == "ok"]
            if not good:
                print(f"  {peer:<42} {start:<9} {rows[0]['status']}: {rows[0]['message'][:90]}")
                continue
            median = statistics.median(r["median_s"] for r in good)

            def worst(key):
                values = [r[key] for r in good if r.get(key) is not None]
                return max(values) if values else None

            ranks = sorted({r["rank"] for r in good if r.get("rank") is not None})
            print(
                form.format(
                    peer[:42],
                    start,
                    f"{median * 1e3:.3f}",
                    f"{min(r['min_s'] for r in good) * 1e3:.3f}",
                    "-" if floor is None else f"{100 * floor / median:.1f}%",
                    text(worst("forward_error"), ".0e"),
                    text(worst("residual"), ".0e"),
                    text(worst("orthogonality"), ".0e"),
                    ",".join(map(str, ranks)) or "-",
                    text(worst("device_mb"), ".0f"),
                )
            )
    if groups:
        print("\nfloor: time of X X' alone (SYRK, or GEMM where SYRK was not timed) as a share of the median")
    for note in notes:
        print(note)


def main():
    parser = argparse.ArgumentParser(description="Times least-squares solvers on a GPU on planted problems.")
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("drive")
    for name in ("workloads", "scale", "device", "out", "log"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--limit", type=float, default=300)
    p.add_argument("--java", default="")
    p = commands.add_parser("work")
    p.add_argument("library", choices=sorted(LIBRARIES))
    p.add_argument("device", choices=("cuda", "cpu"))
    p = commands.add_parser("table")
    p.add_argument("file")
    options = parser.parse_args()
    if options.command == "drive":
        own, failed = drive(options)
        print(f"bench: {own} rows of this library, {failed} failed", file=sys.stderr)
        return 0 if own and not failed else 1
    if options.command == "work":
        work(options.library, options.device)
    else:
        table(options.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
