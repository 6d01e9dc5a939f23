#!/usr/bin/env python3
"""What starting workers costs a study of short trials: each trial in a process of its own
(BEAMGRID_FRESH_WORKERS=1) beside workers that are kept, alternating.

usage: worker_start.py [--bin BIN] [--trials N] [--epochs N] [--videos N] [--rounds N]

A row says the study's wall time, trials per second, the CPU time of all its processes, and, per
trial, the time in which a slot did not train: from the record, slots x wall time less the trials'
own. It holds the start of the worker, opening the data and what the orchestrator does between
trials; the difference of the two rows is the start.
"""
import argparse
import csv
import io
import os
import resource
import statistics
import subprocess
import tempfile
import time

SLOTS = 2
RECIPE = """beamgrid = 1
[study]
name = "short"
seeds = {seeds}
[data]
format = "frame"
train = ["data/train*.tfrecord"]
validate = ["data/validate*.tfrecord"]
classes = 12
features = {{ rgb = 64, audio = 16 }}
max_frames = 20
[train]
epochs = {epochs}
batch = 32
[[grid.temporal]]
use = "mean"
[[grid.temporal]]
use = "max"
[resources]
devices = ["cpu"]
slots_per_device = {slots}
"""


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def prepare(beamgrid, folder, videos, trials, epochs):
    """Leaves the data and the recipe of a study in FOLDER."""
    subprocess.run([beamgrid, "data", "synth", "--out", "data", "--videos", str(videos), "--classes", "12", "--seed", "1",
                    "--features", "rgb=64,audio=16", "--max-frames", "20"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(folder, "recipe.toml"), "w") as recipe:
        recipe.write(RECIPE.format(seeds=list(range(1, trials // 2 + 1)), epochs=epochs, slots=SLOTS))


def run(beamgrid, folder, name, environment):
    cpu, start = children_seconds(), time.perf_counter()
    subprocess.run([beamgrid, "run", "recipe.toml", "--db", f"{name}.db", "--runs", name], cwd=folder, check=True,
                   env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, cpu = time.perf_counter() - start, children_seconds() - cpu
    rows = subprocess.run([beamgrid, "query", "SELECT wall_seconds FROM trials WHERE state = 'complete'", "--csv",
                           "--db", f"{name}.db"], cwd=folder, check=True, capture_output=True, text=True).stdout
    trials = [float(row["wall_seconds"]) for row in csv.DictReader(io.StringIO(rows))]
    return {"wall": wall, "cpu": cpu, "trials": len(trials), "training": statistics.median(trials),
            "between": (SLOTS * wall - sum(trials)) / len(trials)}


def show(name, runs):
    def median(key):
        return statistics.median(r[key] for r in runs)
    between, training = median("between"), median("training")
    print(f"| {name} | {median('wall'):.1f} s | {median('trials') / median('wall'):.2f} | {median('cpu'):.1f} s "
          f"| {training:.2f} s | {between:.2f} s | {100 * between / (between + training):.0f} % |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--videos", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    beamgrid = os.path.abspath(os.path.join(asked.bin, "beamgrid"))
    kept_environment = {k: v for k, v in os.environ.items() if k != "BEAMGRID_FRESH_WORKERS"}
    fresh_environment = kept_environment | {"BEAMGRID_FRESH_WORKERS": "1"}
    fresh, kept = [], []
    with tempfile.TemporaryDirectory() as folder:
        prepare(beamgrid, folder, asked.videos, asked.trials, asked.epochs)
        for round_ in range(asked.rounds):
            fresh.append(run(beamgrid, folder, f"fresh{round_}", fresh_environment))
            kept.append(run(beamgrid, folder, f"kept{round_}", kept_environment))
    print("| workers | study | trials/s | CPU | a trial's training | beside it, per trial | share |")
    print("|---|---|---|---|---|---|---|")
    show("a process per trial", fresh)
    show("kept", kept)


if __name__ == "__main__":
    main()
