#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a Python user would call instead, timed on planted problems that the Java benchmark reads too.

  peers.py prepare --dir D [--scale full|tiny] [--only KIND,...]     write the problems as .npy files below D
  peers.py run --dir D [--workload NAME] [--peer TEXT] [--threads 2] [--repeats 5] [--round 1] [--previous FILE]
  peers.py list --dir D [--scale full|tiny] [--only KIND,...]        workloads of that scale below D, one a line
  peers.py table FILE [--reference PEER]                             Markdown table of the rows in FILE

Needs NumPy, SciPy, scikit-learn and PyTorch (Debian: python3-numpy python3-scipy python3-sklearn python3-torch, with
libopenblas0-pthread as BLAS). A peer whose library is missing gives a row with status "skipped". Linux only (memory is
read from /proc).

Problems
========
A workload is a folder D/KIND-SHAPE. Matrices are float64, C order, .npy format 1.0. X has independent N(0,1) entries,
so its rank is min(n, d) with probability 1 and its condition is small.

  KIND      full size    files    what is timed, from X in memory to the answer in memory
  solve     500x5000     X Y W    minimum-norm solution and the rank
  spectrum  500x5000     X Y W S  minimum-norm solution and all singular values
  project   500x20000    X Z PZ   100 vectors Z projected onto the null space of X, factorization of X included
  memory    200x500000   X Y W    minimum-norm solution and the rank; the peak memory is of interest
  loop      100x64x512   X Y W    minimum-norm solutions of 100 problems (X is B x n x d)
  wide      1000x20000   X Y W    minimum-norm solution and the rank
  deficient 500x5000x250 X Y W    the same for X of rank 250, a product of two matrices of N(0,1) entries
  targets   300x3000x2000 X Y W   minimum-norm solutions for 2000 targets
  ridge     300x3000x50x100 X Y L R  ridge solutions of 50 targets for 100 penalties, all coefficients
  loo       300x3000x50x100 X Y L T  leave-one-out scores of the same
  basis     200x2000     X        an orthonormal basis of the null space of X

  W    planted solution X' a, thus in the row space; Y = X W. Both are formed in extended precision and rounded once.
  S    singular values of X, descending
  PZ   planted null-space part of Z = PZ + (row-space part)
  L    penalties, from 1e-3 to 1e5 in geometric progression
  R    ridge solutions for the penalties 0, 50 and 99, from a singular value decomposition: 3 x d x k
  T    leave-one-out scores for the same, 3 x k: means of squared errors, from explicit matrices I - H without
       the factor that vanishes with the penalty

Rows
====
One JSON object a line; the Java runner prints the same keys (their order does not matter; an absent key is null).
A row comes from a process of its own that loads the problem, runs untimed until a second has passed, at least once
(first_s), then `repeats` times.

The Java runner is org.nullspace.bench.Headline below src/jmh/java, a main class with the options
  --dir D --workload NAME --threads T --repeats R --round N --slow-seconds S
that prints one or more rows of that workload on stdout, the library's default method first. compare.sh starts it once a
workload and round.

  workload        folder name, as "solve-500x5000"
  peer            as "numpy lstsq"; the Java rows begin with "nullspace"
  version         libraries and BLAS, as "numpy 1.24.2, OpenBLAS 0.3.21"
  threads         BLAS threads allowed
  round           number of the pass of compare.sh, from 1
  status          "ok", "failed" or "skipped"; then message says why and the numbers below may be null
  message         text, empty when ok
  repeats         timed runs; at least 5, up to 25 that fill a second, or 1 where the first run took more than --slow-seconds (10)
  first_s         seconds of the first, untimed run
  median_s min_s max_s      seconds of the timed runs
  forward_error   ||W_found - W|| / ||W|| (Frobenius; loop: the largest of the problems; project, ridge, loo: the same for
                  PZ, R, T; basis: the larger of ||X N|| / ||X|| and ||N'N - I||); null where the peer does not produce it
  rank            rank that the peer reports (loop: the least of the problems); null where it reports none
  spectrum_error  max |s_found - S| / S[0]; null where the peer gives no singular values
  base_mb         resident MiB of the process before X is loaded, libraries loaded
  peak_mb         peak resident MiB of the process (VmHWM) at its end
  x_mb            MiB of X. (peak_mb - base_mb) / x_mb is the memory in units of X, X itself included
  other_cores     cores that other processes took during the timed runs: above about 0.2 the row is disturbed;
                  null if unknown
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SHAPES = {
    "full": {
        "solve": (500, 5000),
        "spectrum": (500, 5000),
        "project": (500, 20000),
        "memory": (200, 500000),
        "loop": (100, 64, 512),
        "wide": (1000, 20000),
        "deficient": (500, 5000, 250),
        "targets": (300, 3000, 2000),
        "ridge": (300, 3000, 50, 100),
        "loo": (300, 3000, 50, 100),
        "basis": (200, 2000),
    },
    "tiny": {
        "solve": (20, 200),
        "spectrum": (20, 200),
        "project": (20, 300),
        "memory": (10, 5000),
        "loop": (5, 8, 32),
        "wide": (30, 300),
        "deficient": (20, 200, 10),
        "targets": (15, 150, 40),
        "ridge": (15, 150, 4, 100),
        "loo": (15, 150, 4, 100),
        "basis": (10, 60),
    },
}
CHECKED = (0, 50, 99)
VECTORS = 100
SEED = 20240301


# ------------------------------------------------------------------------------------------------------------ problems
def plant(rng, x):
    """Row-space solution W = x' a and Y = x W, accumulated in extended precision and rounded once."""
    n, d = x.shape
    a = rng.standard_normal(n)
    w = np.zeros(d, dtype=np.longdouble)
    for i in range(n):
        w += x[i].astype(np.longdouble) * a[i]
    w = (w / np.sqrt(np.longdouble(d))).astype(np.float64)
    exact = w.astype(np.longdouble)
    y = np.array([np.dot(x[i].astype(np.longdouble), exact) for i in range(n)]).astype(np.float64)
    return y[:, None], w[:, None]


def ridge_problem(rng, x, targets, penalties):
    y = rng.standard_normal((x.shape[0], targets))
    grid = np.geomspace(1e-3, 1e5, penalties)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    solutions, scores = [], []
    for index in CHECKED:
        solutions.append(vt.T @ ((s / (s**2 + grid[index]))[:, None] * (u.T @ y)))
        # e_i / (1 - h_ii) with the common factor of both cancelled: neither vanishes for small penalties.
        rest = (u / (s**2 + grid[index])) @ u.T
        scores.append(np.mean((rest @ y / np.diag(rest)[:, None]) ** 2, axis=0))
    return {"Y": y, "L": grid, "R": np.stack(solutions), "T": np.stack(scores)}


def folder_name(kind, scale):
    return f"{kind}-{'x'.join(map(str, SHAPES[scale][kind]))}"


def prepare(directory, scale, kinds):
    """Writes the problems that are not there yet; a folder appears under its name only when it is complete."""
    for number, (kind, shape) in enumerate(SHAPES[scale].items()):
        folder = Path(directory) / folder_name(kind, scale)
        if kind not in kinds or folder.exists():
            continue
        rng = np.random.default_rng([SEED, number])
        if kind == "deficient":
            n, d, rank = shape
            x = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))
        else:
            x = rng.standard_normal(shape if kind == "loop" else shape[:2])
        files = {"X": x}
        if kind == "loop":
            planted = [plant(rng, problem) for problem in x]
            files["Y"] = np.stack([y for y, _ in planted])
            files["W"] = np.stack([w for _, w in planted])
        elif kind == "project":
            n, d = shape
            q, _ = np.linalg.qr(x.T)
            null_part = rng.standard_normal((d, VECTORS))
            for _ in range(2):  # the second pass removes the rounding errors of the first
                null_part -= q @ (q.T @ null_part)
            files["Z"] = null_part + q @ (rng.standard_normal((n, VECTORS)) * np.sqrt(d / n))
            files["PZ"] = null_part
        elif kind == "targets":
            files["W"] = x.T @ rng.standard_normal((shape[0], shape[2])) / np.sqrt(shape[1])
            files["Y"] = x @ files["W"]
        elif kind in ("ridge", "loo"):
            files.update(ridge_problem(rng, x, shape[2], shape[3]))
        elif kind != "basis":
            files["Y"], files["W"] = plant(rng, x)
            if kind == "spectrum":
                files["S"] = np.linalg.svd(x, compute_uv=False)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            written = Path(scratch) / "problem"
            written.mkdir()
            for name, value in files.items():
                np.save(written / f"{name}.npy", np.ascontiguousarray(value))
            written.rename(folder)


def workloads(directory, scales=tuple(SHAPES), kinds=tuple(SHAPES["full"])):
    """Names of the complete workloads below a folder, in the order of SHAPES."""
    names = [folder_name(kind, scale) for scale in scales for kind in SHAPES[scale] if kind in kinds]
    return [name for name in names if (Path(directory) / name / "X.npy").exists()]


class Data:
    """A problem's arrays; absent files are None."""

    def __init__(self, folder):
        for name in ("X", "Y", "W", "S", "Z", "PZ", "L", "R", "T"):
            path = Path(folder) / f"{name}.npy"
            setattr(self, name, np.load(path) if path.exists() else None)


# --------------------------------------------------------------------------------------------------------------- peers
# A peer is (name, libraries, kinds, function). The function takes a Data and returns (answer, rank or None, s or None).
PEERS = []


def peer(name, libraries, kinds):
    def register(function):
        PEERS.append((name, libraries.split(), kinds.split(), function))
        return function

    return register


def in_loop(solve):
    """The batch as a loop over single problems; the rank is the least one."""

    def run(data):
        parts = [solve(x, y) for x, y in zip(data.X, data.Y)]
        ranks = [rank for _, rank, _ in parts if rank is not None]
        return np.stack([w for w, _, _ in parts]), min(ranks, default=None), None

    return run


def solver(name, libraries, kinds="solve spectrum memory loop wide deficient targets"):
    """A peer that solves one problem: timed as it is on the single problems, in a Python loop on the batch."""

    def register(solve):
        single = [k for k in kinds.split() if k != "loop"]
        if single:
            PEERS.append((name, libraries.split(), single, lambda data: solve(data.X, data.Y)))
        if "loop" in kinds.split():
            PEERS.append((name, libraries.split(), ["loop"], in_loop(solve)))
        return solve

    return register


@solver("numpy lstsq", "numpy")
def numpy_lstsq(x, y):
    w, _, rank, s = np.linalg.lstsq(x, y, rcond=None)
    return w, int(rank), s


def scipy_lstsq(x, y, driver):
    from scipy import linalg

    # The default cut-off of SciPy is eps; this is NumPy's.
    cut = max(x.shape) * np.finfo(x.dtype).eps
    w, _, rank, s = linalg.lstsq(x, y, cond=cut, lapack_driver=driver)
    return w, int(rank), s


@solver("scipy lstsq gelsd", "scipy")
def scipy_gelsd(x, y):
    return scipy_lstsq(x, y, "gelsd")


@solver("scipy lstsq gelsy", "scipy", "solve memory loop wide deficient targets")
def scipy_gelsy(x, y):
    return scipy_lstsq(x, y, "gelsy")


@solver("sklearn LinearRegression", "sklearn")
def sklearn_linear(x, y):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=False).fit(x, y)
    return model.coef_.T, int(model.rank_), model.singular_


@solver("sklearn Ridge alpha=1e-10", "sklearn", "solve memory loop")
def sklearn_ridge(x, y):
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1e-10, fit_intercept=False).fit(x, y).coef_.T, None, None


def torch_lstsq(x, y, driver):
    import torch

    result = torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(y), driver=driver)
    rank = int(result.rank.min()) if result.rank.numel() else None
    s = result.singular_values.numpy() if result.singular_values.numel() and x.ndim == 2 else None
    return result.solution.numpy(), rank, s


@peer("torch lstsq gelsd", "torch", "solve spectrum memory loop wide deficient targets")
def torch_gelsd(data):
    return torch_lstsq(data.X, data.Y, "gelsd")


@peer("torch lstsq gelsy", "torch", "solve memory loop wide deficient targets")
def torch_gelsy(data):
    return torch_lstsq(data.X, data.Y, "gelsy")


def gram_factor(x):
    """Lower Cholesky factor of x x'; x' of a C-order x is the Fortran-order operand that BLAS takes without a copy."""
    from scipy.linalg import blas, lapack

    gram = blas.dsyrk(1.0, x.T, trans=1, lower=1)
    factor, info = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    if info != 0:
        raise ArithmeticError(f"dpotrf: info {info}")
    return factor


def gram_solve(factor, b):
    from scipy.linalg import lapack

    z, info = lapack.dpotrs(factor, b, lower=1)
    if info != 0:
        raise ArithmeticError(f"dpotrs: info {info}")
    return z


@solver("by hand: scipy Gram + Cholesky", "scipy", "solve memory loop wide targets")
def gram_cholesky(x, y):
    return x.T @ gram_solve(gram_factor(x), y), None, None


@peer("by hand: scipy dsyrk alone", "scipy", "solve memory wide")
def dsyrk_alone(data):
    from scipy.linalg import blas

    blas.dsyrk(1.0, data.X.T, trans=1, lower=1)
    return None, None, None


@peer("by hand: numpy Gram + solve, batched", "numpy", "loop")
def numpy_gram_batched(data):
    transposed = data.X.transpose(0, 2, 1)
    return transposed @ np.linalg.solve(data.X @ transposed, data.Y), None, None


@peer("by hand: numpy Gram + eigh", "numpy", "spectrum")
def gram_eigh(data):
    squares, u = np.linalg.eigh(data.X @ data.X.T)
    w = data.X.T @ (u @ ((u.T @ data.Y) / squares[:, None]))
    return w, None, np.sqrt(np.maximum(squares[::-1], 0))


@peer("numpy svd thin", "numpy", "spectrum")
def numpy_svd(data):
    u, s, vt = np.linalg.svd(data.X, full_matrices=False)
    rank = int(np.sum(s > s[0] * max(data.X.shape) * np.finfo(float).eps))
    return vt[:rank].T @ ((u[:, :rank].T @ data.Y) / s[:rank, None]), rank, s


@peer("numpy svdvals alone", "numpy", "spectrum")
def numpy_svdvals(data):
    return None, None, np.linalg.svd(data.X, compute_uv=False)


@peer("scipy null_space, N (N' Z)", "scipy", "project")
def null_space(data):
    from scipy import linalg

    basis = linalg.null_space(data.X)
    return basis @ (basis.T @ data.Z), data.X.shape[1] - basis.shape[1], None


@peer("scipy orth(X'), Z - Q (Q' Z)", "scipy", "project")
def orth(data):
    from scipy import linalg

    basis = linalg.orth(data.X.T)
    return data.Z - basis @ (basis.T @ data.Z), basis.shape[1], None


@peer("numpy qr(X'), Z - Q (Q' Z)", "numpy", "project")
def qr(data):
    q, _ = np.linalg.qr(data.X.T)
    return data.Z - q @ (q.T @ data.Z), None, None


@peer("numpy lstsq, Z - X^+ (X Z)", "numpy", "project")
def project_lstsq(data):
    w, _, rank, _ = np.linalg.lstsq(data.X, data.X @ data.Z, rcond=None)
    return data.Z - w, int(rank), None


@peer("by hand: scipy Gram + Cholesky", "scipy", "project")
def project_gram(data):
    return data.Z - data.X.T @ gram_solve(gram_factor(data.X), data.X @ data.Z), None, None


@peer("sklearn Ridge in a loop", "sklearn", "ridge")
def ridge_loop(data):
    from sklearn.linear_model import Ridge

    return np.stack([Ridge(alpha=a, fit_intercept=False).fit(data.X, data.Y).coef_.T for a in data.L]), None, None


@peer("by hand: numpy eigen path", "numpy", "ridge")
def ridge_eigen(data):
    squares, u = np.linalg.eigh(data.X @ data.X.T)
    c = u.T @ data.Y
    alphas = np.concatenate([u @ (c / (squares + a)[:, None]) for a in data.L], axis=1)
    return np.stack(np.hsplit(data.X.T @ alphas, len(data.L))), None, None


@peer("sklearn RidgeCV", "sklearn", "loo")
def ridge_cv(data):
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(alphas=data.L, fit_intercept=False, store_cv_values=True).fit(data.X, data.Y)
    return model.cv_values_.mean(axis=0).T, None, None


@peer("scipy null_space", "scipy", "basis")
def explicit_null_space(data):
    from scipy import linalg

    return linalg.null_space(data.X), None, None


@peer("by hand: scipy geqrf + ormqr", "scipy", "basis")
def basis_by_hand(data):
    from scipy.linalg import lapack

    n, d = data.X.shape
    factor, tau, _, _ = lapack.dgeqrf(data.X.T, lwork=64 * n)
    basis = np.zeros((d, d - n), order="F")
    basis[n:] = np.eye(d - n)
    basis, _, _ = lapack.dormqr("L", "N", factor, tau, basis, lwork=64 * (d - n), overwrite_c=1)
    return basis, None, None


# ---------------------------------------------------------------------------------------------------------- measurement
def memory_mib(key):
    """VmRSS (resident now) or VmHWM (peak resident) of this process in MiB."""
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {key}")


def machine_cpu_seconds():
    """CPU seconds that all processes and the hypervisor's other guests (steal) took since boot."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_cpu_seconds():
    times = os.times()
    return times.user + times.system


def versions(libraries, threads):
    """Imports the libraries, sets their threads, and names them and the BLAS in use."""
    found = [f"numpy {np.__version__}"]
    for library in libraries:
        module = __import__(library)
        if library != "numpy":
            found.append(f"{library} {module.__version__}")
        if library == "scipy":
            import scipy.linalg  # noqa: F401  (part of what a user loads)
        if library == "sklearn":
            import sklearn.linear_model  # noqa: F401
        if library == "torch":
            module.set_num_threads(threads)
    with open("/proc/self/maps", encoding="utf-8") as file:
        mapped = {
            os.path.basename(os.path.realpath(line.split()[-1])) for line in file if "/lib" in line and "blas" in line
        }
    openblas = sorted(n for n in mapped if n.startswith("libopenblas"))
    for name in openblas or sorted(n for n in mapped if n.startswith("lib")):
        release = name.removesuffix(".so").rpartition("-r")[2]
        found.append(f"OpenBLAS {release}" if name in openblas and release[:1].isdigit() else name)
    return ", ".join(found)


def relative_error(found, expected, batched):
    if found is None:
        return None
    found = np.asarray(found).reshape(expected.shape)
    if not batched:
        return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    return max(relative_error(f, e, False) for f, e in zip(found, expected))


def forward_error(kind, answer, data):
    if answer is None:
        return None
    if kind == "basis":
        seen = np.linalg.norm(data.X @ answer) / np.linalg.norm(data.X)
        return float(max(seen, np.linalg.norm(answer.T @ answer - np.eye(answer.shape[1]))))
    if kind in ("ridge", "loo"):
        return relative_error(np.asarray(answer)[list(CHECKED)], data.R if kind == "ridge" else data.T, False)
    return relative_error(answer, data.PZ if kind == "project" else data.W, kind == "loop")


def measure(options):
    """One row, in this process."""
    kind = options.workload.split("-")[0]
    name, libraries, _, function = next(p for p in PEERS if p[0] == options.peer and kind in p[2])
    row = new_row(options, name)
    try:
        row["version"] = versions(libraries, options.threads)
    except ImportError as error:
        return row | {"status": "skipped", "message": str(error)}
    row["base_mb"] = memory_mib("VmRSS")
    data = Data(Path(options.dir) / options.workload)
    row["x_mb"] = data.X.nbytes / 2**20

    start = time.perf_counter()
    answer, rank, s = function(data)
    row["first_s"] = time.perf_counter() - start
    last = warm = row["first_s"]
    while warm < 3:
        start = time.perf_counter()
        answer, rank, s = function(data)
        last = time.perf_counter() - start
        warm += last
    # Some long runs, or enough short ones to fill a second.
    slow = row["first_s"] > options.slow_seconds
    repeats = options.slow_repeats if slow else max(options.repeats, min(25, int(1 / last)))
    seconds = []
    wall, all_cpu, own_cpu = time.perf_counter(), machine_cpu_seconds(), own_cpu_seconds()
    for _ in range(repeats):
        answer = rank = s = None  # so that two answers never live at once
        start = time.perf_counter()
        answer, rank, s = function(data)
        seconds.append(time.perf_counter() - start)
    wall = time.perf_counter() - wall
    others = machine_cpu_seconds() - all_cpu - (own_cpu_seconds() - own_cpu)

    row["peak_mb"] = memory_mib("VmHWM")
    row.update(repeats=repeats, median_s=statistics.median(seconds), min_s=min(seconds), max_s=max(seconds), rank=rank)
    # The clock of /proc/stat ticks 100 times a second: too coarse for a shorter time.
    row["other_cores"] = round(max(0.0, others / wall), 2) if wall > 0.3 else None
    row["forward_error"] = forward_error(kind, answer, data)
    if s is not None and data.S is not None:
        row["spectrum_error"] = float(np.max(np.abs(s - data.S)) / data.S[0])
    return row | {"status": "ok"}


def new_row(options, name):
    row = {
        "workload": options.workload,
        "peer": name,
        "version": "",
        "threads": options.threads,
        "round": options.round,
        "status": "failed",
        "message": "",
    }
    return row | dict.fromkeys(
        (
            "repeats",
            "first_s",
            "median_s",
            "min_s",
            "max_s",
            "forward_error",
            "rank",
            "spectrum_error",
            "base_mb",
            "peak_mb",
            "x_mb",
            "other_cores",
        )
    )


def run(options):
    """Every chosen row in a fresh process each, so that the peak memory is the row's own."""
    slow = set()
    if options.previous and os.path.exists(options.previous):
        slow = {
            (r["workload"], r["peer"])
            for r in read_rows(options.previous)
            if (r.get("first_s") or 0) > options.slow_seconds or r["status"] != "ok"
        }
    environment = os.environ | dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads)
    )
    for workload in workloads(options.dir):
        if options.workload not in (None, workload):
            continue
        for name, _, kinds, _ in PEERS:
            if workload.split("-")[0] not in kinds or (options.peer or "") not in name or (workload, name) in slow:
                continue
            command = [sys.executable, __file__, "row", "--dir", options.dir, "--workload", workload, "--peer", name]
            for key in ("threads", "repeats", "round", "slow_seconds", "slow_repeats"):
                command += ["--" + key.replace("_", "-"), str(getattr(options, key))]
            failed = new_row(argparse.Namespace(workload=workload, threads=options.threads, round=options.round), name)
            try:
                done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=options.timeout)
                lines = done.stdout.splitlines()
                if done.returncode == 0 and lines:
                    print(lines[-1], flush=True)
                    continue
                failed["message"] = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            except subprocess.TimeoutExpired:
                failed["message"] = f"not done after {options.timeout:g} s"
            print(json.dumps(failed), flush=True)


# --------------------------------------------------------------------------------------------------------------- table
def read_rows(path):
    """The JSON objects of a file; lines that do not begin with { are ignored."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def table(path, reference):
    """Median over the rounds; `times` is a row's seconds in units of the reference row's."""
    groups = {}
    for row in read_rows(path):
        groups.setdefault(row["workload"], {}).setdefault(row["peer"], []).append(row)

    def over(rows, key, pick):
        values = [r[key] for r in rows if r.get(key) is not None]
        return pick(values) if values else None

    def text(value, form):
        return "-" if value is None else format(value, form)

    for workload, peers in groups.items():
        chosen = next((p for p in peers if p == reference), None) or next(
            (p for p in peers if p.startswith("nullspace")), None
        )
        base = over(peers[chosen], "median_s", statistics.median) if chosen else None
        print(f"\n### {workload}\n")
        print(f"times = seconds / seconds of {chosen or '(no nullspace row)'}; memory = (peak - base) / size of X\n")
        print(
            "| peer | median s | min | max | times | forward error | rank | spectrum error | memory | rounds x repeats "
            "| other cores |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        for name, rows in sorted(
            peers.items(), key=lambda p: over(p[1], "median_s", statistics.median) or float("inf")
        ):
            good = [r for r in rows if r["status"] == "ok"]
            if not good:
                print(f"| {name} | {rows[0]['status']}: {rows[0]['message']} " + "| " * 9 + "|")
                continue
            median = over(good, "median_s", statistics.median)
            memory = [
                (r["peak_mb"] - r["base_mb"]) / r["x_mb"]
                for r in good
                if None not in (r.get("peak_mb"), r.get("base_mb"), r.get("x_mb"))
            ]
            ranks = sorted({r["rank"] for r in good if r.get("rank") is not None})
            print(
                "| "
                + " | ".join(
                    [
                        name,
                        text(median, ".4g"),
                        text(over(good, "min_s", min), ".4g"),
                        text(over(good, "max_s", max), ".4g"),
                        text(median / base if base else None, ".2f"),
                        text(over(good, "forward_error", max), ".1e"),
                        ", ".join(map(str, ranks)) or "-",
                        text(over(good, "spectrum_error", max), ".1e"),
                        text(max(memory, default=None), ".2f"),
                        f"{len(good)} x {max(r['repeats'] for r in good)}",
                        text(over(good, "other_cores", max), ".2f"),
                    ]
                )
                + " |"
            )
        print(
            "\nversions: " + "; ".join(sorted({r["version"] for rows in peers.values() for r in rows if r["version"]}))
        )


def main():
    parser = argparse.ArgumentParser(description="Times Python's least-squares solvers on planted problems.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("prepare", "list"):
        p = commands.add_parser(name)
        p.add_argument("--dir", required=True)
        p.add_argument("--scale", choices=sorted(SHAPES), default="full")
        p.add_argument("--only", default="", help="kinds, separated by commas")
    for name in ("run", "row"):
        p = commands.add_parser(name)
        p.add_argument("--dir", required=True)
        p.add_argument("--workload", required=name == "row")
        p.add_argument("--peer", required=name == "row")
        p.add_argument("--threads", type=int, default=2)
        p.add_argument("--repeats", type=int, default=5)
        p.add_argument("--round", type=int, default=1)
        p.add_argument("--slow-seconds", type=float, default=10)
        p.add_argument("--slow-repeats", type=int, default=1)
        p.add_argument("--timeout", type=float, default=600, help="seconds a row may take in all")
        p.add_argument("--previous", help="file of rows; peers that were slow or failed there are left out")
    p = commands.add_parser("table")
    p.add_argument("file")
    p.add_argument("--reference")
    options = parser.parse_args()
    if options.command in ("prepare", "list"):
        kinds = [k for k in options.only.split(",") if k] or list(SHAPES["full"])
        unknown = set(kinds) - set(SHAPES["full"])
        if unknown:
            parser.error(f"unknown kind: {', '.join(sorted(unknown))}; there are {', '.join(SHAPES['full'])}")
        if options.command == "prepare":
            prepare(options.dir, options.scale, kinds)
        else:
            print("\n".join(workloads(options.dir, [options.scale], kinds)))
    elif options.command == "row":
        print(json.dumps(measure(options)))
    elif options.command == "run":
        run(options)
    else:
        table(options.file, options.reference)


if __name__ == "__main__":
    main()
