#!/usr/bin/env python3
"""GAP of dense scores by beamgrid beside a vectorised NumPy, in one run; processor seconds, the least of five turns.

usage: score_vs_numpy.py [BIN] [VIDEOS CLASSES]    BIN: folder of the programs, default build/release/bin
"""
import os
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np  # noqa: E402


def gap(scores, truth, k=20):
    """GAP@k of scores [videos, classes]; truth: [videos, labels]."""
    top = np.argpartition(scores, -k, axis=1)[:, -k:]
    best = np.take_along_axis(scores, top, axis=1)
    hit = (top[:, :, None] == truth[:, None, :]).any(axis=2)
    order = np.argsort(-best, axis=None, kind="stable")
    hits = hit.ravel()[order]
    precision = np.cumsum(hits) / np.arange(1, hits.size + 1)
    return float((precision * hits).sum() / truth.size)


def main():
    binaries = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"
    videos, classes = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (5000, 3862)
    subprocess.run([f"{binaries}/score_bench", str(videos), str(classes)], check=True)
    random = np.random.default_rng(1)
    scores = (1 / (1 + np.exp(-random.normal(-6, 2, (videos, classes))))).astype(np.float32)
    truth = random.integers(0, classes - 2, (videos, 1)) + np.arange(3)
    least = 1e9
    for _ in range(5):
        begin = time.process_time()
        value = gap(scores, truth)
        least = min(least, time.process_time() - begin)
    print(f"NumPy {np.__version__}: {1e3 * least:.1f} ms ({value:.5f})")


if __name__ == "__main__":
    main()
