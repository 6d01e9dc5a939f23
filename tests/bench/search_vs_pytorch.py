#!/usr/bin/env python3
"""A whole search beside the same search written by hand in PyTorch: 12 trials, two workers, two epochs, in turns.

    tests/bench/search_vs_pytorch.py DATA [--bin build/release/bin] [--python PYTHON] [--turns 2]
        [--arithmetic fp32] [--precision fp32] [--ways beamgrid,PyTorch,PyTorch-malloc]

DATA holds train/ and validate/ of YouTube-8M 2018 at the video level; PYTHON has torch and numpy. The trials: logistic and
MoE of two and four experts, two learning rates, with and without dropout. By hand (search_by_hand.py) two processes of one
thread train every second trial each, with the same steps, initial weights, loss and Adam (fused); they read the data once
and check nothing, keep the weights of the best epoch and no checkpoint. PyTorch-malloc is the same with glibc told not to
give memory back to the system, as beamgrid's workers tell it themselves. --precision is that of beamgrid's weights.
Processor seconds are those of all processes of a way, by getrusage; a line of each turn goes to stderr.
"""
import argparse
import csv
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

WORKERS = 2
TRIALS = [(experts, rate, dropout) for experts in (0, 2, 4) for rate in (0.01, 0.002) for dropout in (0.0, 0.5)]
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
RECIPE = """beamgrid = 1
[study]
name = "search"
[data]
format = "video"
train = ["{data}/train/*.tfrecord"]
validate = ["{data}/validate/*.tfrecord"]
classes = 3862
features = {{ mean_rgb = 1024, mean_audio = 128 }}
[train]
epochs = 2
batch = 128
arithmetic = "{arithmetic}"
precision = "{precision}"
[grid.train]
learning_rate = [0.01, 0.002]
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
experts = [2, 4]
[grid.extras]
dropout = [false, 0.5]
[resources]
devices = ["cpu"]
slots_per_device = 2
"""
GAPS = """SELECT coalesce(json_extract(model, '$.classifier.experts'), 0) AS experts,
  json_extract(model, '$.train.learning_rate') AS rate,
  coalesce(json_extract(model, '$.extras.dropout.rate'), 0) AS dropout, gap FROM trials WHERE state = 'complete'"""


def beamgrid(asked, folder):
    """The search with our programs; the GAP of each trial."""
    with open(os.path.join(folder, "recipe.toml"), "w", encoding="utf-8") as recipe:
        recipe.write(RECIPE.format(data=asked.data, arithmetic=asked.arithmetic, precision=asked.precision))
    program = os.path.join(asked.bin, "beamgrid")
    environment = {**os.environ, "BEAMGRID_SHARE_DIR": os.path.join(folder, "share"),
                   "XDG_CACHE_HOME": os.path.join(folder, "cache")}
    subprocess.run([program, "run", "recipe.toml", "--quiet"], cwd=folder, check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    rows = subprocess.run([program, "query", GAPS, "--csv"], cwd=folder, check=True, env=environment,
                          capture_output=True, text=True).stdout
    return {(int(row["experts"]), float(row["rate"]), float(row["dropout"])): float(row["gap"])
            for row in csv.DictReader(io.StringIO(rows))}


def by_hand(asked, folder, settings):
    """The same in two processes of Python."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "search_by_hand.py")
    environment = {**os.environ, **settings, "OMP_NUM_THREADS": "1"}
    processes = [subprocess.Popen([asked.python, script, str(worker), str(WORKERS), asked.data, folder, asked.arithmetic,
                                   json.dumps(TRIALS)], env=environment, stdout=subprocess.PIPE, text=True)
                 for worker in range(WORKERS)]
    lines = [line for process in processes for line in process.communicate()[0].splitlines()]
    if any(process.returncode for process in processes):
        sys.exit("search_by_hand.py failed")
    return {tuple(trial): gap for trial, gap in map(json.loads, lines)}


WAYS = {"beamgrid": beamgrid,
        "PyTorch": lambda asked, folder: by_hand(asked, folder, {}),
        "PyTorch-malloc": lambda asked, folder: by_hand(asked, folder, MALLOC)}


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def bytes_below(folder):
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)


def measure(asked, way):
    with tempfile.TemporaryDirectory() as folder:
        cpu, start = children_seconds(), time.perf_counter()
        gaps = WAYS[way](asked, folder)
        run = {"cpu": children_seconds() - cpu, "clock": time.perf_counter() - start, "gaps": gaps,
               "bytes": bytes_below(folder)}
    if sorted(gaps) != sorted(TRIALS):
        sys.exit(f"{way}: trained {sorted(gaps)}")
    print(f"{way} {asked.arithmetic}: {run['cpu']:.1f} s, {run['clock']:.1f} s by the clock; "
          + ", ".join(f"{trial} {gaps[trial]:.4f}" for trial in TRIALS), file=sys.stderr, flush=True)
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=os.path.abspath)
    parser.add_argument("--bin", default="build/release/bin", type=os.path.abspath)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--arithmetic", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "fp16", "bf16", "int8"])
    parser.add_argument("--ways", default=",".join(WAYS))
    asked = parser.parse_args()
    ways = asked.ways.split(",")
    runs = {way: [] for way in ways}
    for _ in range(asked.turns):
        for way in ways:
            runs[way].append(measure(asked, way))
    print("| way | processor, s | by the clock, s | processor, to the first | left on disk, MB | mean GAP |")
    print("|---|---:|---:|---:|---:|---:|")
    cpu = {way: statistics.median(run["cpu"] for run in runs[way]) for way in ways}
    for way in ways:
        clock = statistics.median(run["clock"] for run in runs[way])
        gap = statistics.mean(gap for run in runs[way] for gap in run["gaps"].values())
        weights = asked.precision if way == "beamgrid" else "fp32"
        print(f"| {way}, {asked.arithmetic}, weights in {weights} | {cpu[way]:.0f} | {clock:.0f} | {cpu[way] / cpu[ways[0]]:.2f} "
              f"| {runs[way][0]['bytes'] / 1e6:.0f} | {gap:.4f} |", flush=True)


if __name__ == "__main__":
    main()
