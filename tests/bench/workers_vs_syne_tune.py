#!/usr/bin/env python3
"""Short trials with real training per second: beamgrid's kept workers beside Syne Tune's local backend, two at once, in turns.

    tests/bench/workers_vs_syne_tune.py PYTHON [--bin build/release/bin] [--trials 500] [--peer-trials 20] [--turns 3]
        [--sleeps 0,0.1] [--trainers PYTHON,...] [--directory DIR]

PYTHON has syne_tune and torch; TRAINERS are those whose torch trains Syne Tune's trials, default PYTHON alone. A trial of
either: one epoch over the mean frames of 100 videos with 12 classes, on one thread; its weights and scores are kept.
beamgrid's study is timed from the command's start to its end, its two workers' start in it, and every file and record is
synced. Syne Tune's is timed from Tuner.run, its own imports left out; it starts Python for each trial. What else favours it:
the trials draw their videos at random in place of reading and checking files, report by a print without importing syne_tune,
and sync nothing; SLEEPS are the seconds between two of its looks at the trials (5 by default), and the ratio is to the
fastest way of all. Nothing in DIR is deleted before the end: an ext4 without journal is slow for a while after many files were.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile

import worker_start

TRIAL = """
import argparse, json, os, time
import torch
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int); parser.add_argument("--st_checkpoint_dir")
asked, _ = parser.parse_known_args()
torch.set_num_threads(1); torch.manual_seed(asked.seed)
frames, labels = torch.rand(100, 20, 80), (torch.rand(100, 12) < 0.2).float()
model = torch.nn.Linear(80, 12)
optimizer, loss = torch.optim.Adam(model.parameters(), lr=0.01), torch.nn.BCEWithLogitsLoss()
for batch in torch.randperm(100).split(32):
    optimizer.zero_grad()
    loss(model(frames[batch].mean(1)), labels[batch]).backward()
    optimizer.step()
with torch.no_grad():
    scores = torch.sigmoid(model(frames.mean(1)))
os.makedirs(asked.st_checkpoint_dir, exist_ok=True)
torch.save([model.state_dict(), scores], os.path.join(asked.st_checkpoint_dir, "weights"))
score = float(((scores > 0.5) == (labels > 0.5)).float().mean())
print("[tune-metric]:", json.dumps({"score": score, "st_worker_timestamp": time.time(), "st_worker_iter": 0}), flush=True)
"""

# A study of Syne Tune; prints its seconds and how many trials were completed.
STUDY = """
import logging, sys, time
from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend import LocalBackend
from syne_tune.config_space import randint
from syne_tune.optimizer.baselines import RandomSearch
logging.disable(logging.WARNING)
entry, trials, sleep, trainer, folder = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4], sys.argv[5]
tuner = Tuner(trial_backend=LocalBackend(entry_point=entry, binary=trainer),
              scheduler=RandomSearch({"seed": randint(1, 10**6)}, metrics=["score"], random_seed=1),
              stop_criterion=StoppingCriterion(max_num_trials_started=trials), n_workers=2, sleep_time=sleep,
              wait_trial_completion_when_stopping=True, trial_backend_path=folder, print_update_interval=1000)
begin = time.monotonic()
tuner.run()
seconds = time.monotonic() - begin
print("result", seconds, tuner.tuning_status.num_trials_completed)
"""


def peer(asked, folder, name, trainer, sleep):
    entry = os.path.join(folder, "trial.py")
    output = subprocess.run([asked.python, "-c", STUDY, entry, str(asked.peer_trials), str(sleep), trainer,
                             os.path.join(folder, name)], check=True, capture_output=True, text=True,
                            cwd=folder, env=os.environ | {"SYNETUNE_FOLDER": os.path.join(folder, "syne-tune")}).stdout
    _, seconds, completed = output[output.rindex("result"):].split()[:3]
    if int(completed) < asked.peer_trials:  # it may start one more than it was asked for
        raise SystemExit(f"{completed} of {asked.peer_trials} trials of Syne Tune were completed")
    return int(completed) / float(seconds)


def ours(asked, folder, name):
    found = worker_start.run(asked.beamgrid, folder, name, os.environ)
    if found["trials"] != asked.trials:
        raise SystemExit(f"{found['trials']} of {asked.trials} trials were completed")
    return found["trials"] / found["wall"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("python")
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--peer-trials", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--sleeps", default="0,0.1")
    parser.add_argument("--trainers")
    parser.add_argument("--directory", default=".")
    asked = parser.parse_args()
    asked.beamgrid = os.path.abspath(os.path.join(asked.bin, "beamgrid"))
    trainers = (asked.trainers or asked.python).split(",")
    speeds = {}
    with tempfile.TemporaryDirectory(dir=asked.directory) as folder:
        with open(os.path.join(folder, "trial.py"), "w") as trial:
            trial.write(TRIAL)
        worker_start.prepare(asked.beamgrid, folder, 100, asked.trials, epochs=1)
        for turn in range(asked.turns):
            for trainer in trainers:
                for sleep in asked.sleeps.split(","):
                    way = f"Syne Tune, sleep of {sleep} s, {trainer}"
                    speeds.setdefault(way, []).append(peer(asked, folder, f"peer{len(speeds)}-{turn}", trainer, sleep))
            speeds.setdefault("beamgrid", []).append(ours(asked, folder, f"ours{turn}"))
            print(json.dumps({way: round(of[-1], 2) for way, of in speeds.items()}), flush=True)
    medians = {way: statistics.median(of) for way, of in speeds.items()}
    fastest = max(speed for way, speed in medians.items() if way != "beamgrid")
    print("| two at once | trials/s | beside the fastest Syne Tune |\n|---|---|---|")
    for way, speed in medians.items():
        print(f"| {way} | {speed:.2f} | {speed / fastest:.2f} |")


if __name__ == "__main__":
    main()
