#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden least-squares answers and .npy files for the reader's tests.

    /usr/bin/python3 src/test/python/make_golden.py

rewrites the folders golden/ and npy/ under src/test/resources/org/nullspace.

Needs NumPy, SciPy and mpmath (Debian: python3-numpy python3-scipy python3-mpmath).

golden/manifest.csv, one row a problem:
  case           folder that holds the problem's files
  samples, features, targets        n, d, k
  dtype          dtype of X and Y on file
  rank           rank of the factored matrix, by construction (or under rcond, where that is given)
  rcond          relative cut-off that the problem is to be solved with; empty: the library's default must find the rank
  intercept      true: unpenalised intercept, that is, X and Y are centred, solved, and b recovered
  weights        true: sample weights in weights.npy
  condition      sigma_1 / sigma_rank of the factored matrix; 1 for rank 0
  scipy_difference, numpy_difference   ||W_library - W|| / ||W|| for scipy.linalg.lstsq and numpy.linalg.pinv, both with
                 an explicit cut-off inside the gap
  description

The factored matrix is F = D (X - 1 m'), the right-hand side G = D (Y - 1 c'): D = diag(sqrt(weights)) or I; m and c the
(weighted) column means with intercept, else 0.

Files of a problem (format .npy, C order; all but X, Y float64 and correctly rounded from 60-digit arithmetic):
  X n x d, Y n x k, weights n
  W d x k       minimum-norm minimiser of ||F W - G||
  b k           intercepts c - m' W (intercept problems only)
  s min(n, d)   singular values of F, descending, zeros included
  V d x rank    orthonormal basis of the row space of F (absent for rank 0); unique up to rotation: compare V V'
  P d x d       projector V V' on the row space (d <= 64)
  residual k    ||F W - G|| a target

golden/ranks.csv: case, policy, relative_cutoff, rank, robust: the rank that the named library call reports for F, and
the number c of its rule sigma > c sigma_1. robust is false where a singular value lies within rounding of the cut-off,
so that another build of LAPACK may report another rank; then the row is for information.

npy/manifest.csv: file, expect, dtype, order, shape, note. expect is ok (must be read), reject (must be refused with a
message that names the file), or either (read rightly or refused, never misread). Element number i in C order has the
value i / 2 - 3, except where the note says otherwise.
"""
import csv
import io
import shutil
import struct
from pathlib import Path

import mpmath
import numpy as np
import scipy
import scipy.linalg as sla
from mpmath import mp

RESOURCES = Path(__file__).resolve().parents[1] / "resources/org/nullspace"
GOLDEN = RESOURCES / "golden"
NPY = RESOURCES / "npy"
EPS64 = np.finfo(np.float64).eps
SEED = 20240229
mp.dps = 60


# ---------------------------------------------------------------------------------------------------------- problems
class Problem:
    def __init__(self, case, x, y, rank, description, intercept=False, weights=None, rcond=None, diagonal=False):
        self.case, self.rank, self.description = case, rank, description
        self.x, self.y = np.ascontiguousarray(x), np.ascontiguousarray(y)
        self.intercept, self.rcond, self.diagonal = intercept, rcond, diagonal
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float64)


def integers(rng, rows, columns, limit=4):
    """A matrix of small integers, so that products of such matrices are exact in float64."""
    return rng.integers(-limit, limit + 1, size=(rows, columns)).astype(np.float64)


def low_rank(rng, rows, columns, rank):
    """An integer matrix of exactly the given rank."""
    while True:
        x = integers(rng, rows, rank) @ integers(rng, rank, columns)
        if np.linalg.matrix_rank(x) == rank:
            return x


def spectrum(rng, rows, columns, values):
    """A matrix with about the given singular values (exact up to the rounding of its entries)."""
    u, _ = np.linalg.qr(rng.standard_normal((rows, len(values))))
    v, _ = np.linalg.qr(rng.standard_normal((columns, len(values))))
    return u @ np.diag(values) @ v.T


def problems():
    def rng(number):
        return np.random.default_rng([SEED, number])

    g = rng(1)
    x = g.standard_normal((6, 12))
    teaching_y = x @ g.standard_normal((12, 1))
    yield Problem("wide_full_6x12", x, teaching_y, 6, "teaching example: random X and y = X w_true; nullity 6")

    t = np.array([5.0, 3.0, 1.0])
    yield Problem(
        "polynomial_3x4",
        np.vander(t, 4, increasing=True),
        np.array([[2.0], [5.0], [3.0]]),
        3,
        "teaching example: cubic through (5;2) (3;5) (1;3); features 1 x x^2 x^3; nullity 1",
    )

    g = rng(2)
    x = low_rank(g, 5, 9, 3)
    yield Problem(
        "wide_deficient_5x9",
        x,
        np.hstack([x @ integers(g, 9, 1), integers(g, 5, 1)]),
        3,
        "rank 3; first target consistent; second not",
    )
    g = rng(3)
    x = low_rank(g, 6, 6, 4)
    yield Problem(
        "square_singular_6x6", x, integers(g, 6, 1), 4, "singular square matrix of rank 4; inconsistent target"
    )
    g = rng(4)
    yield Problem("square_full_5x5", g.standard_normal((5, 5)), g.standard_normal((5, 1)), 5, "regular square matrix")
    g = rng(5)
    yield Problem(
        "tall_full_12x5",
        g.standard_normal((12, 5)),
        g.standard_normal((12, 1)),
        5,
        "ordinary least squares; nullity 0; residual not zero",
    )
    g = rng(6)
    yield Problem(
        "tall_deficient_12x6", low_rank(g, 12, 6, 4), integers(g, 12, 1), 4, "more samples than features; rank 4"
    )
    g = rng(7)
    yield Problem("one_row_1x8", g.standard_normal((1, 8)), g.standard_normal((1, 1)), 1, "one sample")
    g = rng(8)
    yield Problem("one_column_9x1", g.standard_normal((9, 1)), g.standard_normal((9, 1)), 1, "one feature")
    g = rng(9)
    yield Problem(
        "zero_4x7", np.zeros((4, 7)), g.standard_normal((4, 2)), 0, "zero matrix: W = 0 and the residual is Y"
    )
    g = rng(10)
    yield Problem("targets3_5x11", g.standard_normal((5, 11)), g.standard_normal((5, 3)), 5, "three targets")
    g = rng(11)
    x = spectrum(g, 6, 200, np.logspace(0, -5, 6)).astype(np.float32)
    yield Problem(
        "float32_wide_6x200",
        x,
        g.standard_normal((6, 1)).astype(np.float32),
        6,
        "float32; condition 1e5: max(n; d) eps as cut-off loses the last singular value",
    )
    g = rng(12)
    x = integers(g, 4, 10)[[0, 1, 2, 3, 0, 1]]
    yield Problem("duplicate_rows_6x10", x, integers(g, 6, 1), 4, "rows 4 and 5 repeat rows 0 and 1 with other targets")
    g = rng(13)
    x = integers(g, 5, 4)
    yield Problem("duplicate_columns_5x8", np.hstack([x, x]), integers(g, 5, 1), 4, "[A A]: both halves of W are equal")
    g = rng(14)
    yield Problem(
        "graded_8x16",
        spectrum(g, 8, 16, np.logspace(0, -10, 8)),
        g.standard_normal((8, 1)),
        8,
        "condition 1e10: out of reach of the Gram matrix alone",
    )
    x = problems_teaching_matrix()
    yield Problem("huge_6x12", np.ldexp(x, 500), teaching_y, 6, "wide_full_6x12 with X times 2^500")
    yield Problem("tiny_6x12", np.ldexp(x, -500), teaching_y, 6, "wide_full_6x12 with X times 2^-500")

    g = rng(15)
    yield Problem(
        "intercept_wide_6x10",
        g.standard_normal((6, 10)) + 3,
        g.standard_normal((6, 2)) - 7,
        5,
        "intercept: centring leaves rank n - 1",
        intercept=True,
    )
    g = rng(16)
    x = np.hstack([integers(g, 9, 4), np.full((9, 1), 2.0)])
    yield Problem(
        "intercept_constant_column_9x5",
        x,
        integers(g, 9, 1),
        4,
        "intercept beside a constant column: its coefficient is 0",
        intercept=True,
    )
    g = rng(17)
    yield Problem(
        "weighted_tall_10x4",
        g.standard_normal((10, 4)),
        g.standard_normal((10, 1)),
        4,
        "sample weights",
        weights=g.integers(1, 9, 10) / 4,
    )
    g = rng(18)
    x = integers(g, 4, 9)[[0, 1, 2, 3, 0, 1]]
    yield Problem(
        "weighted_duplicate_rows_6x9",
        x,
        integers(g, 6, 1),
        4,
        "repeated rows with other targets: the weights decide",
        weights=[1, 4, 9, 16, 4, 0.25],
    )
    g = rng(19)
    yield Problem(
        "weighted_intercept_7x12",
        g.standard_normal((7, 12)) + 1,
        g.standard_normal((7, 1)) + 5,
        6,
        "sample weights and intercept: weighted means",
        intercept=True,
        weights=g.integers(1, 9, 7) / 4,
    )

    # Diagonal, so that LAPACK returns the singular values without rounding errors of the size of the cut-offs.
    values = np.array([1, 1e-3, 1e-8, 1e-12, 3e-15, 1.3e-15, 5e-16, 1e-17])
    x = np.zeros((8, 20))
    x[np.arange(8), np.arange(8) * 2] = values
    yield Problem(
        "policy_ladder_8x20",
        x,
        np.ones((8, 1)),
        3,
        "a singular value between any two cut-offs of the policies",
        rcond=1e-10,
        diagonal=True,
    )


def problems_teaching_matrix():
    return np.random.default_rng([SEED, 1]).standard_normal((6, 12))


# ------------------------------------------------------------------------------------------------- extended precision
def to_mp(a):
    return mp.matrix([[mp.mpf(float(v)) for v in row] for row in np.atleast_2d(a)])


def to_float(m):
    return np.array([[float(m[i, j]) for j in range(m.cols)] for i in range(m.rows)], dtype=np.float64).reshape(
        m.rows, m.cols
    )


def solve(p):
    """All reference quantities of a problem, as float64 arrays rounded from 60 digits."""
    x, y = to_mp(p.x), to_mp(p.y)
    n, d, k = x.rows, x.cols, y.cols
    w = [mp.mpf(1)] * n if p.weights is None else [mp.mpf(float(v)) for v in p.weights]
    total = mp.fsum(w)
    mean_x, mean_y = [mp.mpf(0)] * d, [mp.mpf(0)] * k
    if p.intercept:
        mean_x = [mp.fsum(w[i] * x[i, j] for i in range(n)) / total for j in range(d)]
        mean_y = [mp.fsum(w[i] * y[i, j] for i in range(n)) / total for j in range(k)]
    f = mp.matrix(n, d)
    g = mp.matrix(n, k)
    for i in range(n):
        for j in range(d):
            f[i, j] = mp.sqrt(w[i]) * (x[i, j] - mean_x[j])
        for j in range(k):
            g[i, j] = mp.sqrt(w[i]) * (y[i, j] - mean_y[j])

    out = {}
    largest = max(abs(v) for v in f)
    r = p.rank
    if largest == 0:
        sigma = [mp.mpf(0)] * min(n, d)
        solution, v_r = mp.zeros(d, k), None
    else:
        tall = f.T if d > n else f
        u, s, vt = mp.svd_r(tall)
        sigma = sorted((s[i] for i in range(len(s))), reverse=True)
        order = sorted(range(len(s)), key=lambda i: -s[i])
        sigma = [v if v > mp.mpf(10) ** -40 * sigma[0] else mp.mpf(0) for v in sigma]
        exact_rank = sum(v > 0 for v in sigma)
        if p.rcond is None:
            assert exact_rank == r, (p.case, exact_rank, r)
        else:
            assert sum(v > p.rcond * sigma[0] for v in sigma) == r, p.case
        # f = left diag(sigma) right
        left, right = (vt.T, u.T) if d > n else (u, vt)
        v_r = mp.matrix(d, r)
        solution = mp.zeros(d, k)
        for c, i in enumerate(order[:r]):
            for j in range(d):
                v_r[j, c] = right[i, j]
            for t in range(k):
                coefficient = mp.fsum(left[q, i] * g[q, t] for q in range(n)) / s[i]
                for j in range(d):
                    solution[j, t] += coefficient * right[i, j]
    error = f * solution - g
    out["W"] = to_float(solution)
    out["s"] = np.array([float(v) for v in sigma])
    out["residual"] = np.array([float(mp.sqrt(mp.fsum(error[i, t] ** 2 for i in range(n)))) for t in range(k)])
    if p.intercept:
        out["b"] = np.array(
            [float(mean_y[t] - mp.fsum(mean_x[j] * solution[j, t] for j in range(d))) for t in range(k)]
        )
    if r > 0:
        out["V"] = to_float(v_r)
    if d <= 64:
        out["P"] = to_float(v_r * v_r.T) if r > 0 else np.zeros((d, d))
    return out, to_float(f), to_float(g)


# ----------------------------------------------------------------------------------------------------------- policies
def ranks(p, f, sigma):
    """(policy, relative cut-off, reported rank, robust) for the factored matrix in the problem's precision."""
    if p.case in ("huge_6x12", "tiny_6x12"):
        return
    f = f.astype(p.x.dtype)
    eps = float(np.finfo(f.dtype).eps)
    n, d = f.shape
    zeros = np.zeros(n, dtype=f.dtype)
    numpy_cut = max(n, d) * EPS64  # NumPy's lstsq works in float64 whatever the input's precision is
    reported = [
        ("numpy_lstsq", numpy_cut, EPS64, int(np.linalg.lstsq(f, zeros, rcond=None)[2])),
        ("numpy_matrix_rank", max(n, d) * eps, eps, int(np.linalg.matrix_rank(f))),
        ("scipy_lstsq", eps, eps, int(sla.lstsq(f, zeros, lapack_driver="gelsd")[2])),
        ("scipy_pinv", max(n, d) * eps, eps, int(sla.pinv(f, return_rank=True)[1])),
        ("scipy_null_space", max(n, d) * eps, eps, d - int(sla.null_space(f).shape[1])),
    ]
    s = np.linalg.svd(f, compute_uv=False)
    reported.append(("numpy_pinv", 1e-15, eps, int(np.sum(s > 1e-15 * s[0]))))
    for policy, cut, unit, rank in sorted(reported):
        ratio = sigma / sigma[0] if sigma[0] > 0 else sigma
        noise = 0.0 if p.diagonal or sigma[0] == 0 else 3 * unit
        robust = bool(np.all((ratio > cut + noise) | (ratio + noise < cut)))
        if robust:
            assert rank == int(np.sum(ratio > cut)), (p.case, policy, rank)
        yield policy, cut, rank, robust


def relative(a, b):
    norm = np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / norm) if norm > 0 else float(np.linalg.norm(a))


def write_golden():
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir(parents=True)
    rows, rank_rows = [], []
    for p in problems():
        out, f, g = solve(p)
        folder = GOLDEN / p.case
        folder.mkdir()
        np.save(folder / "X.npy", p.x)
        np.save(folder / "Y.npy", p.y)
        if p.weights is not None:
            np.save(folder / "weights.npy", p.weights)
        for name, value in out.items():
            np.save(folder / f"{name}.npy", np.ascontiguousarray(value))
        s = out["s"]
        condition = float(s[0] / s[p.rank - 1]) if p.rank else 1.0
        # A cut-off in the middle of the gap below sigma_rank.
        cut = p.rcond or np.sqrt(EPS64 / condition)
        by_scipy = sla.lstsq(f, g, cond=cut)[0]
        by_numpy = np.linalg.pinv(f, rcond=cut) @ g
        differences = relative(by_scipy, out["W"]), relative(by_numpy, out["W"])
        assert max(differences) < 100 * condition * EPS64, (p.case, differences)
        n, d = p.x.shape
        rows.append(
            [
                p.case,
                n,
                d,
                p.y.shape[1],
                p.x.dtype.name,
                p.rank,
                "" if p.rcond is None else repr(p.rcond),
                str(p.intercept).lower(),
                str(p.weights is not None).lower(),
                f"{condition:.6g}",
                f"{differences[0]:.1e}",
                f"{differences[1]:.1e}",
                p.description,
            ]
        )
        for policy, c, rank, robust in ranks(p, f, s):
            rank_rows.append([p.case, policy, repr(float(c)), rank, str(robust).lower()])
    comment = (
        f"made by make_golden.py with NumPy {np.__version__}, SciPy {scipy.__version__}, mpmath {mpmath.__version__}"
    )
    write_csv(
        GOLDEN / "manifest.csv",
        comment,
        rows,
        "case,samples,features,targets,dtype,rank,rcond,intercept,weights,condition,"
        "scipy_difference,numpy_difference,description",
    )
    write_csv(GOLDEN / "ranks.csv", comment, rank_rows, "case,policy,relative_cutoff,rank,robust")


def write_csv(path, comment, rows, header):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    path.write_text(f"# {comment}\n{text.getvalue()}", encoding="ascii")


# ---------------------------------------------------------------------------------------------------------- .npy files
def npy_header(text, version=(1, 0), align=64, end="\n"):
    """The bytes before the data: magic, version, header length, header padded with blanks to a multiple of `align`."""
    length_bytes = 2 if version[0] == 1 else 4
    body = text.encode("utf-8")
    fixed = 8 + length_bytes
    padding = (-(fixed + len(body) + len(end))) % align
    body += b" " * padding + end.encode()
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if length_bytes == 2 else "<I", len(body)) + body


def dictionary(descr, fortran, shape):
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"


def write_npy():
    shutil.rmtree(NPY, ignore_errors=True)
    NPY.mkdir(parents=True)
    rows = []

    def values(shape):
        return (np.arange(int(np.prod(shape, dtype=np.int64))) / 2 - 3).reshape(shape)

    def put(name, expect, data, dtype="", order="", shape=(), note=""):
        (NPY / name).write_bytes(data)
        rows.append([name, expect, dtype, order, "x".join(map(str, shape)), note])

    def array(descr, shape, order="C", version=(1, 0), align=64, text=None, end="\n"):
        """A file's bytes: header by hand, data of the values above in the stated dtype and order."""
        data = values(shape).astype(descr).tobytes(order=order)
        return npy_header(text or dictionary(descr, order == "F", tuple(shape)), version, align, end) + data

    names = {"<f8": "float64", "<f4": "float32"}
    for descr, short in (("<f8", "f8"), ("<f4", "f4")):
        for shape in ((5,), (3, 4), (2, 3, 4)):
            for order in "CF":
                data = array(descr, shape, order)
                assert np.array_equal(np.load(io.BytesIO(data)), values(shape).astype(descr))
                put(f"{short}_{order.lower()}_{len(shape)}d.npy", "ok", data, names[descr], order, shape)
    for version in ((2, 0), (3, 0)):
        for order in "CF":
            put(
                f"version{version[0]}_{order.lower()}.npy",
                "ok",
                array("<f8", (3, 4), order, version),
                "float64",
                order,
                (3, 4),
                f"format version {version[0]}.0",
            )
    long_header = dictionary("<f8", False, (3, 4)) + " " * 70000
    put(
        "version2_long_header.npy",
        "ok",
        array("<f8", (3, 4), version=(2, 0), text=long_header),
        "float64",
        "C",
        (3, 4),
        "header of more than 65535 bytes",
    )
    put(
        "align16.npy",
        "ok",
        array("<f8", (3, 4), align=16),
        "float64",
        "C",
        (3, 4),
        "header padded to 16 bytes (before NumPy 1.14)",
    )
    put(
        "unaligned.npy",
        "ok",
        array("<f8", (3, 4), align=1),
        "float64",
        "C",
        (3, 4),
        "header not padded: data at an odd offset",
    )
    put(
        "key_order.npy",
        "ok",
        array("<f8", (3, 4), text="{'shape': (3, 4), 'descr': '<f8', 'fortran_order': False}"),
        "float64",
        "C",
        (3, 4),
        "keys in another order and no comma at the end",
    )
    put(
        "double_quotes.npy",
        "ok",
        array("<f8", (3, 4), text='{"descr":"<f8","fortran_order":False,"shape":(3,4)}'),
        "float64",
        "C",
        (3, 4),
        "double quotes and no blanks",
    )
    put("one_element.npy", "ok", array("<f8", (1, 1)), "float64", "C", (1, 1))
    put("one_row.npy", "ok", array("<f8", (1, 6), "F"), "float64", "F", (1, 6))
    put(
        "nan_inf.npy",
        "ok",
        npy_header(dictionary("<f8", False, (4,))) + struct.pack("<4d", np.nan, np.inf, -np.inf, -0.0),
        "float64",
        "C",
        (4,),
        "values NaN +Inf -Inf -0.0",
    )
    put("empty_0x5.npy", "ok", array("<f8", (0, 5)), "float64", "C", (0, 5), "no rows: a valid file")
    put("empty_5x0.npy", "ok", array("<f4", (5, 0)), "float32", "C", (5, 0), "no columns: a valid file")

    put(
        "trailing_bytes.npy",
        "either",
        array("<f8", (3, 4)) + b"\0" * 24,
        "float64",
        "C",
        (3, 4),
        "24 bytes after the data",
    )
    put("big_endian_f8.npy", "either", array(">f8", (3, 4)), "float64", "C", (3, 4), "big-endian")
    put("big_endian_f4.npy", "either", array(">f4", (3, 4), "F"), "float32", "F", (3, 4), "big-endian")
    put(
        "native_f8.npy",
        "either",
        array("<f8", (3, 4), text=dictionary("=f8", False, (3, 4))),
        "float64",
        "C",
        (3, 4),
        "descr '=f8'",
    )

    def reject(name, data, note):
        put(name, "reject", data, note=note)

    for descr in ("<i8", "<i4", "|u1", "|b1", "<f2", "<c16", "<f16"):
        plain = descr.lstrip("<|")
        note = {"i": "integers", "u": "integers", "b": "booleans", "f": "half or extended precision", "c": "complex"}[
            plain[0]
        ]
        data = values((3, 4)).astype(descr.replace("f16", "f8")).tobytes() * (2 if plain == "f16" else 1)
        reject(f"dtype_{plain}.npy", npy_header(dictionary(descr, False, (3, 4))) + data, note)
    reject(
        "dtype_structured.npy",
        npy_header("{'descr': [('a', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (3,), }")
        + values((6,)).tobytes(),
        "structured dtype",
    )
    reject("dtype_string.npy", npy_header(dictionary("<U4", False, (2,))) + "abcdefgh".encode("utf-32-le"), "text")
    reject("dtype_object.npy", npy_header(dictionary("|O", False, (1,))) + b"\x80\x04K\x01.", "pickled objects")
    reject("dimensions_0.npy", array("<f8", ()), "a scalar")
    reject("dimensions_4.npy", array("<f8", (1, 2, 3, 2)), "four dimensions")

    good = array("<f8", (3, 4))
    head = len(npy_header(dictionary("<f8", False, (3, 4))))
    reject("truncated_data.npy", good[:-12], "84 of 96 data bytes")
    reject("truncated_no_data.npy", good[:head], "header only")
    reject("truncated_header.npy", good[:40], "ends inside the header")
    reject("truncated_length.npy", good[:9], "ends inside the header length")
    reject("truncated_magic.npy", good[:4], "ends inside the magic")
    reject("zero_bytes.npy", b"", "empty file")
    reject("bad_magic.npy", b"\x93NUMPZ" + good[6:], "wrong magic")
    reject("text.npy", b"a,b,y\n1,2,3\n4,5,6\n", "a CSV file by another name")
    reject("zip.npy", b"PK\x03\x04" + b"\0" * 60, "a .npz archive by another name")
    reject("bad_version.npy", good[:6] + bytes((9, 0)) + good[8:], "format version 9.0")
    reject("no_descr.npy", npy_header("{'fortran_order': False, 'shape': (3, 4), }") + good[head:], "key descr missing")
    reject("no_shape.npy", npy_header("{'descr': '<f8', 'fortran_order': False, }") + good[head:], "key shape missing")
    reject("no_order.npy", npy_header("{'descr': '<f8', 'shape': (3, 4), }") + good[head:], "key fortran_order missing")
    reject("not_a_dictionary.npy", npy_header("[1, 2, 3]") + good[head:], "header is not a dictionary")
    reject(
        "unclosed_header.npy",
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4") + good[head:],
        "header is cut off",
    )
    reject(
        "negative_shape.npy",
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 4), }") + good[head:],
        "negative dimension",
    )
    reject(
        "overflow_shape.npy",
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }") + good[head:],
        "product of the dimensions beyond 64 bits",
    )
    reject(
        "huge_shape.npy",
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }") + good[head:],
        "8 TB announced; 96 bytes there: no allocation before the check",
    )
    reject(
        "huge_header_length.npy",
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFF0) + good[10:],
        "4 GB of header announced: no allocation before the check",
    )
    reject(
        "text_shape.npy",
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': ('a', 4), }") + good[head:],
        "a dimension that is not a number",
    )

    # NumPy reads every file that a reader must read.
    for name, expect, *_ in rows:
        if expect == "ok":
            # The default limit of 10,000 characters guards NumPy's eval of the header, not the format.
            np.load(NPY / name, max_header_size=1 << 20)
    write_csv(
        NPY / "manifest.csv",
        "files for the tests of the .npy reader, made by make_golden.py (see there)",
        rows,
        "file,expect,dtype,order,shape,note",
    )


def main():
    write_golden()
    write_npy()
    for folder in (GOLDEN, NPY):
        files = [f for f in folder.rglob("*") if f.is_file()]
        print(f"{folder.name}: {len(files)} files, {sum(f.stat().st_size for f in files)} bytes")


if __name__ == "__main__":
    main()
