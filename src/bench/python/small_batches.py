#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python side of org.nullspace.bench.SmallBatches: seconds for batches of wide problems by NumPy and, where it is installed,
PyTorch; OPENBLAS_NUM_THREADS and OMP_NUM_THREADS as set outside."""
import statistics
import time

import numpy as np

try:
    import torch
except ImportError:
    torch = None

rng = np.random.default_rng(20260301)
for size, n, d in ((100000, 6, 12), (20000, 16, 64), (1000, 64, 512)):
    x = rng.uniform(-1, 1, (size, n, d))
    y = rng.uniform(-1, 1, (size, n, 1))

    def gram():
        t = x.transpose(0, 2, 1)
        return t @ np.linalg.solve(x @ t, y)

    def svd():
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        return vt.transpose(0, 2, 1) @ ((u.transpose(0, 2, 1) @ y) / s[:, :, None])

    def lstsq():
        return [np.linalg.lstsq(a, b, rcond=None)[0] for a, b in zip(x, y)]

    def torch_gelsd():
        return torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(y), driver="gelsd")

    def torch_gelsy():
        return torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(y), driver="gelsy")

    ways = [(gram, 3), (svd, 1 if n > 20 else 2), (lstsq, 1)]
    for way, runs in ways + ([(torch_gelsd, 2), (torch_gelsy, 2)] if torch else []):
        seconds = []
        for _ in range(runs):
            begin = time.perf_counter()
            way()
            seconds.append(time.perf_counter() - begin)
        name = way.__name__ if way.__name__.startswith("torch") else "numpy " + way.__name__
        print(f"{size}x{n}x{d} {name}: median {statistics.median(seconds):.3f} s", flush=True)
