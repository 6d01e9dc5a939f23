#!/usr/bin/env python3
"""Durably recorded trials per second: beamgrid's scheduler and registry beside Optuna, on SQLite and with its journal.

All do nothing inside a trial, so what is timed is asking, scheduling and recording, in one folder, turn by turn; medians.
Optuna runs its cheapest sampler (random, four categoricals) and fewer trials, which favours it: it slows as its history
grows. For each number of slots it has as many workers at once, as threads of one process (optimize(n_jobs=)) and as
processes on one study, whose imports are not timed; the ratio is to the faster of the two.

usage: scheduler_vs_optuna.py [BIN] [--trials N] [--journal-trials N] [--sqlite-trials N] [--slots S,...] [--turns K]
                              [--directory DIR] [--python PYTHON]
  PYTHON: one with optuna; DIR: on the disk that is to be measured, default the working directory
"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile

# One process of it; begins to work when its input has a line, and prints when it began and ended.
OPTUNA = """
import sys, time, warnings; warnings.simplefilter("ignore")
import optuna; optuna.logging.set_verbosity(optuna.logging.ERROR)
kind, path, trials, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if kind == "journal":
    try:
        from optuna.storages.journal import JournalFileBackend as File
    except ImportError:
        from optuna.storages import JournalFileStorage as File
    storage = optuna.storages.JournalStorage(File(path))
else:  # with patience: one that waits for another's lock is no failure
    storage = optuna.storages.RDBStorage("sqlite:///" + path, engine_kwargs={"connect_args": {"timeout": 300}})
study = optuna.create_study(study_name="s", load_if_exists=True, storage=storage, direction="maximize",
                            sampler=optuna.samplers.RandomSampler())
def objective(trial):
    return sum(trial.suggest_categorical(name, [0, 1, 2, 3]) for name in "abcd")
print("ready", flush=True); sys.stdin.readline()
begin = time.monotonic()
study.optimize(objective, n_trials=trials, n_jobs=threads)
print(begin, time.monotonic(), flush=True)
"""


def optuna_speed(python, kind, path, trials, processes, threads):
    each = max(1, trials // processes)
    workers = []
    for _ in range(processes):  # one after the other: the first makes the tables
        workers.append(subprocess.Popen([python, "-c", OPTUNA, kind, path, str(each), str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert workers[-1].stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    times = [tuple(map(float, worker.communicate()[0].split())) for worker in workers]
    return each * processes / (max(end for _, end in times) - min(begin for begin, _ in times))


def our_speed(binaries, folder, trials, slots):
    output = subprocess.run(
        [f"{binaries}/scheduler_bench", "--keep", "--directory", folder, "--trials", str(trials), "--slots", str(slots)],
        check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([0-9.]+) trials/s", output).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", nargs="?", default="build/release/bin")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--journal-trials", type=int, default=400)
    parser.add_argument("--sqlite-trials", type=int, default=100)
    parser.add_argument("--slots", default="2")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--directory", default=os.getcwd())
    parser.add_argument("--python", default="/usr/bin/python3")
    options = parser.parse_args()
    # Nothing is deleted before the end: ext4 without a journal looks for inodes that were not freed of late.
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        for slots in map(int, options.slots.split(",")):
            measure(options, slots, folder)


def measure(options, slots, folder):
    speeds = {}
    for turn in range(options.turns):
        here = f"{folder}/{slots}.{turn}"
        os.mkdir(here)
        ours = our_speed(options.bin, here, options.trials, slots)
        speeds.setdefault("beamgrid", []).append(ours)
        for kind, trials in ("journal", options.journal_trials), ("SQLite", options.sqlite_trials):
            for way, processes, threads in ("threads", 1, slots), ("processes", slots, 1):
                if way == "processes" and slots == 1:
                    continue
                speed = optuna_speed(options.python, kind, f"{here}/{kind}.{way}", trials, processes, threads)
                speeds.setdefault(f"Optuna, {kind}, {way}", []).append(speed)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{slots} slots, all turns (load {load}):")
    medians = {who: statistics.median(measured) for who, measured in speeds.items()}
    for who, measured in speeds.items():
        print(f"  {who}: {medians[who]:.1f} trials/s ({', '.join(f'{speed:.1f}' for speed in measured)})")
    for kind in ("journal", "SQLite"):
        best = max((speed, who) for who, speed in medians.items() if kind in who)
        print(f"  {medians['beamgrid'] / best[0]:.1f} times {best[1]}")


if __name__ == "__main__":
    main()
