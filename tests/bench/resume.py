#!/usr/bin/env python3
"""Processor time of going on with a finished study, of planning a large grid, and of recording trials.

A grid is run by beamgrid itself, with workers (this script) that end at once with a made-up result; then it is run again,
when nothing is left to do: with the answer of the run before forgotten, and with it. Beside it Optuna, with its journal and with SQLite, loads a study of as many trials and is
asked for one more, which is what a run of it does first. Each number is the least of some turns.

usage: resume.py [BIN] [--trials N] [--turns K] [--keep FOLDER] [--python PYTHON]
  BIN: folder of the programs, default build/release/bin; PYTHON: one with optuna, default /usr/bin/python3
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

RECIPE = """beamgrid = 1
[study]
name = "grid"
[data]
format = "frame"
train = ["data/train*.tfrecord"]
validate = ["data/validate*.tfrecord"]
classes = 12
features = {{ rgb = 16, audio = 8 }}
[[grid.temporal]]
use = "gru"
hidden = {hidden}
[[grid.classifier]]
use = "moe"
experts = {experts}
[grid.train]
batch = {batch}
[resources]
devices = ["cpu"]
slots_per_device = 2
"""

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
study = optuna.create_study(storage=storage, study_name="s", load_if_exists=True, direction="maximize",
                            sampler=optuna.samplers.RandomSampler(seed=1))
def objective(trial):
    return sum(trial.suggest_categorical(name, [0, 1, 2, 3]) for name in "abcd")
begin = time.perf_counter(), time.process_time()
study.optimize(objective, n_trials=max(1, trials - len(study.get_trials(deepcopy=False))))
print(time.perf_counter() - begin[0], time.process_time() - begin[1])
"""


def play_trainer(real):
    """Answers as beamgrid-trainer does, but a model is counted as 1,000 parameters and trained at once."""
    if sys.argv[1] == "describe":
        os.execv(real, [real] + sys.argv[1:])
    for line in sys.stdin:
        if sys.argv[1] == "count":
            print(json.dumps({"id": json.loads(line)["id"], "parameters": 1000, "size_bytes": 4000}), flush=True)
            continue
        gap = {"gap": 0.5, "hit_at_1": 0.5, "perr": 0.5, "map": 0.5, "segment_map": None, "videos": 8}
        result = {"metrics": gap, "validate_loss": 1.0, "best_epoch": 1, "stopped_early": False, "parameters": 1000,
                  "epochs": [{"epoch": 1, "train_loss": 1.0, "validate_loss": 1.0, "metrics": gap}], "size_bytes": 4000,
                  "examples": 8, "examples_per_second": 8.0, "wall_seconds": 1.0, "peak_memory_bytes": 1 << 20,
                  "skipped_records": 0, "device": "cpu", "threads": 1, "program_version": "", "libtorch_version": "",
                  "artifacts": []}
        folder = pathlib.Path(line.rstrip("\n"))
        (folder / "result.json").write_text(json.dumps(result))
        print('{"type":"finished"}\n{"type":"ready"}', flush=True)


def cost(command, folder, turns=1, before=lambda: None):
    """Returns the least processor seconds (with all children), the least wall seconds, and the peak MB."""
    best_cpu, best_wall, peak = 1e9, 1e9, 0
    for _ in range(turns):
        before()
        wall = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{command} ended with {process.returncode}")
        best_cpu = min(best_cpu, usage.ru_utime + usage.ru_stime)
        best_wall = min(best_wall, time.perf_counter() - wall)
        peak = max(peak, usage.ru_maxrss / 1024)
    return best_cpu, best_wall, peak


def values(count):
    return str(list(range(1, count + 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", nargs="?", default="build/release/bin")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--keep", help="use the record that is in this folder, or make it there")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--no-optuna", action="store_true")
    options = parser.parse_args()
    programs = pathlib.Path(options.bin).resolve()
    beamgrid = str(programs / "beamgrid")
    made = None if options.keep else tempfile.TemporaryDirectory()
    folder = pathlib.Path(options.keep or made.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["BEAMGRID_CACHE_DIR"] = str(folder / "cache")
    os.environ["BEAMGRID_SHARE_DIR"] = str(folder / "share")

    def report(what, measured):
        cpu, wall, peak = measured
        print(f"{what}: {1e3 * cpu:.0f} ms of processor time, {1e3 * wall:.0f} ms, {peak:.0f} MB", flush=True)

    if not (folder / "data").exists():
        subprocess.run([beamgrid, "data", "synth", "--out", "data", "--videos", "20", "--classes", "12", "--seed", "1",
                        "--features", "rgb=16,audio=8", "--max-frames", "4", "--quiet"], cwd=folder, check=True)
    (folder / "large.toml").write_text(RECIPE.format(hidden=values(200), experts=values(50), batch=values(100)))
    plan = [beamgrid, "plan", "large.toml", "--limit", "1", "--quiet"]
    report("plan --limit 1 of a million points, first time", cost(plan, folder))
    report("plan --limit 1 of a million points, again", cost(plan, folder, options.turns))

    trainer = folder / "trainer"
    trainer.write_text(f"#!/bin/sh\nexec {sys.executable} {os.path.abspath(__file__)} --as-trainer {programs}/beamgrid-trainer "
                       '"$@"\n')
    trainer.chmod(0o755)
    os.environ["BEAMGRID_TRAINER"] = str(trainer)
    (folder / "recipe.toml").write_text(
        RECIPE.format(hidden=values(options.trials // 100), experts=values(50), batch=values(2)))
    run = [beamgrid, "run", "recipe.toml", "--quiet"]
    if not (folder / "beamgrid.db").exists():
        begin = time.perf_counter()
        subprocess.run(run, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        print(f"{options.trials} trials with processes that end at once: "
              f"{options.trials / (time.perf_counter() - begin):.0f} trials/s")

    def forget():
        for answer in (folder / "cache").glob("answer-*"):
            answer.unlink()

    report(f"run of {options.trials} finished trials, all done anew", cost(run, folder, options.turns, forget))
    report(f"run of {options.trials} finished trials, nothing changed since the run before",
           cost(run, folder, options.turns))
    if options.no_optuna:
        return
    for kind, trials in (("journal", options.trials), ("sqlite", min(options.trials, 500))):
        command = [options.python, "-c", OPTUNA, kind, str(folder / f"optuna.{kind}"), str(trials)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        print(f"Optuna, {kind}: {trials / float(out[0]):.0f} trials/s; {1e3 * float(out[1]) / trials:.2f} ms of processor "
              "time a trial")
        report(f"Optuna, {kind}: one more trial of {trials}", cost(command, folder, options.turns))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--as-trainer":
        real = sys.argv[2]
        del sys.argv[1:3]
        play_trainer(real)
    else:
        main()
