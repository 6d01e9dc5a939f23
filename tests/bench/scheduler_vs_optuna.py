#!/usr/bin/env python3
"""Durably recorded trials per second: beamgrid's scheduler and registry beside Optuna, on SQLite and with its journal.

All do nothing inside a trial, so what is timed is asking, scheduling and recording, in one folder, turn by turn; medians.
Optuna runs its cheapest sampler (random, four categoricals) in one process and fewer trials, which favours it: it slows
as its history grows.

usage: scheduler_vs_optuna.py [BIN] [--trials N] [--optuna-trials N] [--slots S] [--turns K] [--directory DIR] [--python PYTHON]
  PYTHON: one with optuna; DIR: on the disk that is to be measured, default the working directory
"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile

OPTUNA = """
import sys, time, warnings; warnings.simplefilter("ignore")
import optuna; optuna.logging.set_verbosity(optuna.logging.ERROR)
kind, path, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "journal":
    try:
        from optuna.storages.journal import JournalFileBackend as File
    except ImportError:
        from optuna.storages import JournalFileStorage as File
    storage = optuna.storages.JournalStorage(File(path))
else:
    storage = "sqlite:///" + path
study = optuna.create_study(storage=storage, direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
def objective(trial):
    return sum(trial.suggest_categorical(name, [0, 1, 2, 3]) for name in "abcd")
begin = time.perf_counter()
study.optimize(objective, n_trials=trials)
print(trials / (time.perf_counter() - begin))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", nargs="?", default="build/release/bin")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--optuna-trials", type=int, default=300)
    parser.add_argument("--slots", default="2")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--directory", default=os.getcwd())
    parser.add_argument("--python", default="/usr/bin/python3")
    options = parser.parse_args()
    speeds = {"beamgrid": [], "Optuna, journal": [], "Optuna, SQLite": []}
    for turn in range(options.turns):
        with tempfile.TemporaryDirectory(dir=options.directory) as folder:
            output = subprocess.run(
                [f"{options.bin}/scheduler_bench", "--directory", folder, "--trials", str(options.trials), "--slots", options.slots],
                check=True, capture_output=True, text=True).stdout
            if turn == 0:
                print(output, end="")
            speeds["beamgrid"].append(float(re.search(r"([0-9.]+) trials/s", output).group(1)))
            for kind in ("journal", "SQLite"):
                command = [options.python, "-c", OPTUNA, kind, f"{folder}/optuna.{kind}", str(options.optuna_trials)]
                speed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                speeds[f"Optuna, {kind}"].append(float(speed))
    ours = statistics.median(speeds["beamgrid"])
    for who, measured in speeds.items():
        speed = statistics.median(measured)
        print(f"{who}: {speed:.1f} trials/s ({min(measured):.1f} to {max(measured):.1f}), ratio {ours / speed:.1f}")


if __name__ == "__main__":
    main()
