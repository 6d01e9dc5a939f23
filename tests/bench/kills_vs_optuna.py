#!/usr/bin/env python3
"""kill -9 during a search: what is stuck or done twice afterwards, beamgrid beside Optuna on SQLite, in one run.

Both search 200 points with 2 workers. At 10 random moments something is killed (SIGKILL) and started again: for Optuna
one of its two worker processes; for beamgrid its orchestrator or one of its workers, in turn. Optuna's objective does
nothing but sleep as long as a trial of beamgrid takes, and its heartbeat is off, as is its default.
Of beamgrid the audit is the workers' own log of executions, not its record; of Optuna a file to which the objective
appends a line at its begin and one at its end.

usage: kills_vs_optuna.py [BIN] [KILLS] [SEED]     (with a Python that has Optuna: Debian's python3-optuna)
"""
import collections
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

POINTS = 200
WORKERS = 2
TRIAL_SECONDS = 0.3
LONGEST_PAUSE = 4.0  # between two kills: the first and the last ones hit the beginning and the end

OPTUNA_WORKER = """
import os, sys, time
import optuna
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState
optuna.logging.set_verbosity(optuna.logging.ERROR)
space = {"point": list(range(%d))}
study = optuna.create_study(study_name="s", storage=sys.argv[1], load_if_exists=True,
                            sampler=optuna.samplers.GridSampler(space))
def log(line):
    fd = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(fd, (line + "\\n").encode())
    os.close(fd)
def objective(trial):
    point = trial.suggest_int("point", 0, %d)
    log(f"begin {point}")
    time.sleep(%f)
    log(f"end {point}")
    return float(point)
study.optimize(objective)
""" % (POINTS, POINTS - 1, TRIAL_SECONDS)


def executions(log):
    """begun, and the points that ended more than once"""
    begun, ended = 0, collections.Counter()
    for line in open(log):
        words = line.split()
        begun += words[0] == "begin"
        ended[words[1]] += words[0] == "end"
    return begun, [point for point, count in ended.items() if count > 1], ended


def report(name, kills, stuck, log, extra=""):
    begun, twice, ended = executions(log)
    complete = sum(count > 0 for count in ended.values())
    print(
        f"{name}: {kills} kills, {POINTS} points, {complete} evaluated, {stuck} stuck RUNNING, "
        f"{len(twice)} completed twice, {begun} executions{extra}",
        flush=True,
    )


def run_optuna(folder, kills, rng):
    database, log = f"{folder}/optuna.db", f"{folder}/optuna.log"
    script = f"{folder}/worker.py"
    with open(script, "w") as file:
        file.write(OPTUNA_WORKER)

    def start():
        return subprocess.Popen([sys.executable, script, f"sqlite:///{database}", log], stderr=subprocess.DEVNULL)

    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(study_name="s", storage=f"sqlite:///{database}")
    begin = time.monotonic()
    workers, done, failed_starts = [start() for _ in range(WORKERS)], 0, 0
    while any(worker.poll() is None for worker in workers):
        time.sleep(rng.uniform(0, LONGEST_PAUSE) if done < kills else 0.5)
        alive = [i for i in range(WORKERS) if workers[i].poll() is None]
        if done < kills and alive:
            victim = rng.choice(alive)
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start()
            done += 1
        for i in range(WORKERS):  # "database is locked" and the like end a worker: it is started again
            if workers[i].poll() not in (None, 0) and failed_starts < 20:
                workers[i] = start()
                failed_starts += 1
    states = dict(
        sqlite3.connect(database).execute("SELECT state, count(*) FROM trials GROUP BY state").fetchall()
    )
    seconds = time.monotonic() - begin
    extra = f", {failed_starts} workers that died of errors, {seconds:.0f} s"
    report(f"Optuna {optuna.__version__}", done, states.get("RUNNING", 0), log, extra)


RECIPE = """beamgrid = 1
[study]
name = "s"
[data]
format = "frame"
train = ["data/train*.tfrecord"]
validate = ["data/validate*.tfrecord"]
classes = 12
features = {{ rgb = 16, audio = 8 }}
max_frames = 12
[train]
epochs = 2
batch = 32
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
experts = [2, 3, 4]
[grid.train]
learning_rate = [{rates}]
[search]
strategy = "grid"
[resources]
devices = ["cpu"]
slots_per_device = 2
retries = 5
"""


def children(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = open(f"/proc/{name}/stat").read()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[1] == str(pid):
            found.append(int(name))
    return found


def run_beamgrid(folder, binaries, kills, rng):
    log = f"{folder}/executions"
    environment = {**os.environ, "BEAMGRID_EXECUTION_LOG": log, "BEAMGRID_SHARE_DIR": f"{folder}/share"}
    synth = "data synth --out data --videos 120 --classes 12 --seed 3 --format frame --features rgb=16,audio=8"
    subprocess.run(
        [f"{binaries}/beamgrid", *synth.split(), "--max-frames", "12"], cwd=folder, check=True, capture_output=True
    )
    with open(f"{folder}/recipe.toml", "w") as file:
        file.write(RECIPE.format(rates=", ".join(f"0.0{1000 + i}" for i in range(POINTS // 4))))

    def start():
        return subprocess.Popen(
            [f"{binaries}/beamgrid", "run", "recipe.toml", "--quiet"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
        )

    begin = time.monotonic()
    run, done = start(), 0
    while run.poll() is None or run.returncode != 0:
        if run.poll() is not None:
            run = start()
        time.sleep(rng.uniform(0, LONGEST_PAUSE) if done < kills else 0.5)
        if done >= kills or run.poll() is not None:
            continue
        workers = children(run.pid)
        if workers and done % 2:
            os.kill(rng.choice(workers), signal.SIGKILL)
        else:
            run.kill()
            run.wait()
        done += 1
    states = dict(
        sqlite3.connect(f"{folder}/beamgrid.db").execute("SELECT state, count(*) FROM trial GROUP BY state").fetchall()
    )
    seconds = time.monotonic() - begin
    report("beamgrid", done, states.get("running", 0), log, f", {seconds:.0f} s; record: {states}")


def main():
    binaries = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/release/bin")
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        run_optuna(folder, kills, random.Random(seed))
        run_beamgrid(folder, binaries, kills, random.Random(seed))


if __name__ == "__main__":
    main()
