#!/usr/bin/env python3
"""How many workers and threads give a device the most trials per hour: one study of recurrent, clustering
and pooling models over synthetic frames, carried out anew for each number of slots and threads a worker.

usage: slots.py [--bin BIN] [--device DEVICE] [--keep FOLDER] [--seeds N] [--epochs N] [--videos N] [SLOTSxTHREADS ...]
default: around the cores; on a GPU 1 to 4 slots
"""
import argparse
import os
import shutil
import subprocess
import tempfile
import time

RECIPE = """beamgrid = 1
[study]
name = "slots"
seeds = {seeds}
[data]
format = "frame"
train = ["data/train*.tfrecord"]
validate = ["data/validate*.tfrecord"]
classes = 100
features = {{ rgb = 256, audio = 64 }}
max_frames = 60
[train]
epochs = {epochs}
batch = 64
[[grid.temporal]]
use = "blstm"
hidden = 128
residual = false
[[grid.temporal]]
use = "netvlad"
clusters = 32
[[grid.temporal]]
use = "mean"
[[grid.classifier]]
use = "moe"
experts = 4
[resources]
devices = ["{device}"]
slots_per_device = {slots}
threads_per_worker = {threads}
"""


def run(beamgrid, folder, arguments, seeds, slots, threads):
    name = f"{slots}x{threads}"
    with open(os.path.join(folder, name + ".toml"), "w", encoding="utf-8") as recipe:
        recipe.write(RECIPE.format(seeds=list(range(1, seeds + 1)), epochs=arguments.epochs, device=arguments.device,
                                   slots=slots, threads=threads))
    begin = time.perf_counter()
    subprocess.run([beamgrid, "run", name + ".toml", "--db", name + ".db", "--runs", name], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--videos", type=int, default=3000)
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--keep", metavar="FOLDER", help="where the databases stay, for forecast_bench")
    parser.add_argument("pairs", nargs="*")
    arguments = parser.parse_args()
    beamgrid = os.path.abspath(os.path.join(arguments.bin, "beamgrid"))
    cores = len(os.sched_getaffinity(0))
    around = [f"1x{cores}", f"{cores}x1", f"{2 * cores}x1", f"{cores}x2", "1x1"]
    pairs = arguments.pairs or (around if arguments.device == "cpu" else ["1x1", "2x1", "3x1", "4x1"])
    trials = 3 * arguments.seeds
    print(f"{arguments.device}, {cores} cores, {trials} trials")
    print("| slots | threads a worker | study | trials/hour |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([beamgrid, "data", "synth", "--out", "data", "--videos", str(arguments.videos), "--classes", "100",
                        "--seed", "1", "--format", "frame", "--features", "rgb=256,audio=64", "--max-frames", "60"],
                       cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for pair in pairs:
            slots, threads = map(int, pair.split("x"))
            seconds = run(beamgrid, folder, arguments, arguments.seeds, slots, threads)
            print(f"| {slots} | {threads} | {seconds:.1f} s | {3600 * trials / seconds:,.0f} |", flush=True)
            if arguments.keep:
                os.makedirs(arguments.keep, exist_ok=True)
                shutil.copy(os.path.join(folder, pair + ".db"), arguments.keep)


if __name__ == "__main__":
    main()
