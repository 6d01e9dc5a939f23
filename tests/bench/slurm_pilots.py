#!/usr/bin/env python3
"""Short trials on a Slurm cluster: beamgrid's pilots beside one job per trial and beside submitit, on the same cluster.

    tests/bench/slurm_pilots.py --beamgrid build/release/bin/beamgrid [--seeds 10] [--rounds 3] [--python .venv/bin/python]

All carry out the same trainings (four models, each with so many seeds), four at a time: beamgrid as a study; `sbatch` with
a job of its own per trial, which starts beamgrid-trainer on the trial's directory; submitit as a job array and as single
jobs, whose function starts the same program. The clock runs from the first submission to the last result. The order
changes from round to round. The cluster is one of scripts/slurm-cluster, stopped at the end.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "slurm"))
from own_cluster import OwnCluster, make_data, sh

RECIPE = """beamgrid = 1
[study]
name = "short"
seeds = { SEEDS }
[data]
format = "frame"
train = ["data/train*.tfrecord"]
validate = ["data/validate*.tfrecord"]
classes = 8
features = { rgb = 16 }
[train]
epochs = EPOCHS
batch = 16
[[grid.temporal]]
use = "mean"
[[grid.temporal]]
use = "max"
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
[resources.slurm]
jobs = 4
memory = "1GiB"
idle = "5s"
"""

SUBMITIT = """
import subprocess, sys
import submitit
trainer, log, how, *directories = sys.argv[1:]
executor = submitit.AutoExecutor(folder=log, cluster="slurm")
executor.update_parameters(timeout_min=10, cpus_per_task=2, mem_gb=1, slurm_array_parallelism=4)
def train(directory):
    return subprocess.run([trainer, "train", directory], capture_output=True).returncode
if how == "array":
    jobs = executor.map_array(train, directories)
else:
    jobs = [executor.submit(train, directory) for directory in directories]
assert all(job.result() == 0 for job in jobs)
"""


def fresh_directories(place, name):
    """The trials of the local study, as they were before anything was carried out."""
    made = []
    for trial in sorted((place / "runs/short").glob("*/1/trial.json")):
        directory = place / name / trial.parts[-3]
        directory.mkdir(parents=True)
        shutil.copy(trial, directory)
        made.append(str(directory))
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--beamgrid", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="a Python with submitit")
    args = parser.parse_args()
    beamgrid = os.path.abspath(args.beamgrid)
    trainer = str(Path(beamgrid).parent / "beamgrid-trainer")
    place = Path(tempfile.mkdtemp(prefix="bg-bench-"))
    cluster = OwnCluster(place / "c")
    if reason := cluster.why_not():
        sys.exit("no cluster here: " + reason)
    cluster.start()
    env = dict(cluster.env, BEAMGRID_SHARE_DIR=str(place / "share"))
    try:
        make_data(beamgrid, place / "data")
        seeds = "[" + ", ".join(str(i + 1) for i in range(args.seeds)) + "]"
        (place / "s.toml").write_text(RECIPE.replace("{ SEEDS }", seeds).replace("EPOCHS", str(args.epochs)))
        begun = time.monotonic()
        sh(beamgrid, "run", "s.toml", "--no-wait", cwd=place, env=env)
        here = time.monotonic() - begun
        trials = len(list((place / "runs/short").glob("*/1/trial.json")))
        print(f"{trials} trials; on this machine without Slurm: {here:.1f} s", flush=True)

        def pilots(number):
            sh(beamgrid, "run", "s.toml", "--db", f"p{number}.db", "--runs", f"p{number}", "--set", 'resources.executor="slurm"', cwd=place, env=env)

        def jobs(number):
            waited = []
            for directory in fresh_directories(place, f"j{number}"):
                waited.append(directory)
                sh("sbatch", "--parsable", "--cpus-per-task=2", "--mem=1G", "--output=/dev/null", f"--wrap=exec {trainer} train {directory}", env=env)
            while not all(os.path.exists(f"{directory}/result.json") for directory in waited):
                time.sleep(0.05)

        def submitit(number, how):
            directories = fresh_directories(place, f"{how}{number}")
            sh(args.python, "-c", SUBMITIT, trainer, str(place / f"log-{how}{number}"), how, *directories, env=env)

        ways = {"beamgrid, 4 pilots": pilots, "sbatch, a job per trial": jobs, "submitit, array": lambda n: submitit(n, "array"), "submitit, single jobs": lambda n: submitit(n, "single")}
        seconds = {name: [] for name in ways}
        for number in range(args.rounds):
            names = list(ways)
            names = names[number % len(names):] + names[:number % len(names)]
            for name in names:
                begun = time.monotonic()
                ways[name](number)
                seconds[name].append(time.monotonic() - begun)
                print(f"  round {number}: {name}: {seconds[name][-1]:.1f} s", file=sys.stderr, flush=True)
                time.sleep(8)  # pilots leave, ended jobs are cleaned up
        print("| way | seconds, median (all) | trials per minute |")
        print("|---|---:|---:|")
        for name, all_seconds in seconds.items():
            middle = statistics.median(all_seconds)
            print(f"| {name} | {middle:.1f} ({', '.join(f'{s:.1f}' for s in all_seconds)}) | {60 * trials / middle:.0f} |")
    finally:
        cluster.stop()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
