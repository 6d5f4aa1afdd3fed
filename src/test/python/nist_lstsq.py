#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Digits that numpy.linalg.lstsq reaches on the NIST StRD linear regression sets.

    /usr/bin/python3 src/test/python/nist_lstsq.py            check the sets, rewrite numpy_digits.csv
    /usr/bin/python3 src/test/python/nist_lstsq.py --check    check the sets only

Needs NumPy (Debian: python3-numpy).

Check: every set is solved in exact rational arithmetic from its decimal data. The certified coefficients and the
certified residual standard deviation must agree with that solution to at least 13 digits; otherwise a number in the
files is wrong, and the exit code is 1.

Digits: the log relative error LRE = -log10(|b - c| / |c|) of a coefficient b against the certified value c, held to
0 .. 15; the figure of a set is the least over its coefficients (McCullough, The American Statistician 52 (1998),
358-366).

Columns of numpy_digits.csv:
  set              name in sets.csv
  rank_default     rank that lstsq(X, y, rcond=None) reports
  digits_default   digits of its coefficients
  digits_rcond0    digits of lstsq(X, y, rcond=0), which discards no singular value above zero
  digits_rounded   digits of the exact solution of the float64 problem, whose entries are the decimal data rounded once
                   and powers formed as x^k = x^(k-1) * x: what a solver without errors of its own would reach
"""
import csv
import math
import sys
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "resources/org/nullspace/nist"
REQUIRED_DIGITS = 13


def read_table(path):
    """Rows of a CSV file as dictionaries; lines that start with # are comments."""
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def design(row, kind, degree, number):
    """One row of the design matrix, its entries formed in the arithmetic of `number`."""
    xs = [number(value) for name, value in row.items() if name != "y"]
    if kind == "plain":
        return xs
    if kind == "intercept":
        return [number("1")] + xs
    if kind == "polynomial":
        powers = [number("1")]
        for _ in range(degree):
            powers.append(powers[-1] * xs[0])
        return powers
    raise ValueError(f"unknown design {kind!r}")


def solve_exactly(x, y):
    """Least-squares solution and residual sum of squares of a full-column-rank problem, in rational arithmetic."""
    d = len(x[0])
    a = [[sum(r[i] * r[j] for r in x) for j in range(d)] + [sum(r[i] * t for r, t in zip(x, y))] for i in range(d)]
    for i in range(d):
        pivot = next(k for k in range(i, d) if a[k][i] != 0)
        a[i], a[pivot] = a[pivot], a[i]
        a[i] = [v / a[i][i] for v in a[i]]
        for k in range(d):
            if k != i and a[k][i] != 0:
                factor = a[k][i]
                a[k] = [v - factor * w for v, w in zip(a[k], a[i])]
    b = [row[d] for row in a]
    rss = sum((t - sum(v * w for v, w in zip(r, b))) ** 2 for r, t in zip(x, y))
    return b, rss


def log_relative_error(value, certified):
    """LRE of an exactly given value against the certified one, held to 0 .. 15."""
    if value == certified:
        return 15.0
    error = abs(value - certified) / abs(certified) if certified else abs(value)
    # The logarithm of a ratio of integers, without overflow or underflow of a float.
    digits = math.log10(error.denominator) - math.log10(error.numerator)
    return min(15.0, max(0.0, digits))


def square_root(value):
    with localcontext() as context:
        context.prec = 40
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def main():
    failures = 0
    lines = []
    for entry in read_table(FOLDER / "sets.csv"):
        name, kind, degree = entry["set"], entry["design"], int(entry["degree"])
        rows = read_table(FOLDER / entry["data"])
        certified = [Fraction(r["value"]) for r in read_table(FOLDER / entry["certified"])]
        if len(rows) != int(entry["observations"]) or len(certified) != int(entry["coefficients"]):
            raise ValueError(f"{name}: the files do not hold the sizes in sets.csv")

        y = [Fraction(r["y"]) for r in rows]
        exact, rss = solve_exactly([design(r, kind, degree, Fraction) for r in rows], y)
        agreement = min(log_relative_error(b, c) for b, c in zip(exact, certified))
        deviation = log_relative_error(
            square_root(rss / (len(rows) - len(certified))), Fraction(entry["certified_residual_sd"])
        )
        good = agreement >= REQUIRED_DIGITS and deviation >= REQUIRED_DIGITS
        failures += not good
        print(
            f"{name:9} certified against exact: coefficients {agreement:5.2f} digits, "
            f"residual standard deviation {deviation:5.2f} digits {'' if good else '  WRONG'}"
        )

        x64 = np.array([design(r, kind, degree, float) for r in rows])
        y64 = np.array([float(r["y"]) for r in rows])
        rounded, _ = solve_exactly(
            [[Fraction(v) for v in r] for r in x64.tolist()], [Fraction(v) for v in y64.tolist()]
        )

        def digits(b):
            return min(log_relative_error(Fraction(v), c) for v, c in zip(b, certified))

        default, _, rank, _ = np.linalg.lstsq(x64, y64, rcond=None)
        every, _, _, _ = np.linalg.lstsq(x64, y64, rcond=0)
        lines.append(f"{name},{rank},{digits(default.tolist()):.1f},{digits(every.tolist()):.1f},{digits(rounded):.1f}")
    if failures:
        print(f"{failures} set(s) disagree with the exact solution", file=sys.stderr)
        return 1
    if "--check" not in sys.argv[1:]:
        head = [
            f"# Digits of numpy.linalg.lstsq on the NIST StRD sets: NumPy {np.__version__}, made by nist_lstsq.py",
            "# (meaning of the columns: see there)",
            "set,rank_default,digits_default,digits_rcond0,digits_rounded",
        ]
        (FOLDER / "numpy_digits.csv").write_text("\n".join(head + lines) + "\n", encoding="ascii")
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
