#!/usr/bin/env python3
"""Durably recorded trials per second: beamgrid's scheduler and registry beside Optuna on SQLite, in one run.

Both do nothing inside a trial, so what is timed is asking, scheduling and recording. Optuna runs its cheapest sampler
(random, four categoricals) in one process and fewer trials, which favours it: it slows as its history grows.

usage: scheduler_vs_optuna.py [BIN] [OPTUNA_TRIALS]
"""
import os
import re
import subprocess
import sys
import tempfile
import time


def optuna_trials_per_second(folder, trials):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=f"sqlite:///{folder}/optuna.db",
        sampler=optuna.samplers.RandomSampler(seed=1),
        direction="maximize",
    )

    def objective(trial):
        return sum(trial.suggest_categorical(name, [0, 1, 2, 3]) for name in "abcd")

    start = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return trials / (time.perf_counter() - start)


def main():
    binaries = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        output = subprocess.run(
            [f"{binaries}/scheduler_bench", "--directory", folder], check=True, capture_output=True, text=True
        ).stdout
        print(output, end="")
        ours = float(re.search(r"([0-9.]+) trials/s", output).group(1))
        theirs = optuna_trials_per_second(folder, trials)
    print(f"Optuna on SQLite, {trials} trials: {theirs:.1f} trials/s")
    print(f"ratio: {ours / theirs:.0f}")


if __name__ == "__main__":
    main()
