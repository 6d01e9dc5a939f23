#!/usr/bin/env python3
"""Start-up time of `beamgrid --version` beside importing Optuna, median of alternating runs.

usage: startup.py [BIN]    BIN: folder of the programs, default build/release/bin
"""
import statistics
import subprocess
import sys
import time

PYTHON = "/usr/bin/python3"  # Debian's, which has python3-optuna


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"
    ours, optuna = [], []
    for round_ in range(21):
        ours.append(seconds([f"{folder}/beamgrid", "--version"]))
        if round_ % 4 == 0:
            optuna.append(seconds([PYTHON, "-c", "import optuna"]))
    a, b = statistics.median(ours), statistics.median(optuna)
    print(f"beamgrid --version: {a * 1e3:.1f} ms   import optuna: {b * 1e3:.0f} ms   ratio {b / a:.0f}")


if __name__ == "__main__":
    main()
