#!/usr/bin/env python3
"""Random valid recipes, carried out as a user would, and their results computed again by NumPy.

    tests/fault/any_recipe.py --beamgrid build/release/bin/beamgrid [--rounds 20] [--seed 1] [--seconds 600]
                              [--real ../shared/data] [--script build/release/bin/make_script] [--folder DIR] [--keep]

Parts and options are those that `beamgrid components` and `beamgrid help recipe` list, so that a new one is tried
by itself; OWN has the values of those that need some of their own. Of each round's draws the recipe with most pairs of
values is taken that no recipe before had. It is checked, planned, run, run again, killed (SIGKILL) and gone on with in
another record with other numbers of workers; metrics, predictions, sizes, ensembles, tables and effects are compared
with NumPy's, and with a Python that has torch exported models, too. Prints a line for each round, for each fault the
recipe with all taken away that it does not need, and the share of pairs that were tried. Exit code 1 where there is a
fault. What recipes were refused for is listed, for people to read: only they can say whether a recipe was valid.
"""
import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from recipe_draw import Options, draw, every_item, items_of, pairs_of, text_of
from recipe_study import NOTES, Fault, Refused, Study, Tool
from recipe_truth import examples


class DataSets:
    """Tiny data sets, each with the section [data] that reads it."""

    def __init__(self, tool, folder, real):
        self.tool, self.folder, self.sections = tool, folder, {}
        self.synth("frame", "rgb=16,audio=8", {"rgb": 16, "audio": 8}, 12)
        self.synth("frame", "rgb=12", {"rgb": 12}, 6, name="short", max_frames=3, labels=1)
        self.synth("frame", "rgb=8,audio=6,text=5", {"rgb": 8, "audio": 6, "text": 5}, 12, name="three",
                   types={"rgb": "float32", "audio": "float16"})
        self.synth("frame", "rgb=16,audio=8", {"rgb": 16, "audio": 8}, 130, name="many_classes")
        self.synth("video", "rgb=16,audio=8", {"rgb": 16, "audio": 8}, 12)
        self.synth("segment", "rgb=16,audio=8", {"rgb": 16, "audio": 8}, 12, max_frames=20)
        self.own()
        if real:
            shards = {"train": [f"{real}/audioset/train/bal_train-00.tfrecord"],
                      "validate": [f"{real}/audioset/eval/eval-00.tfrecord"]}
            self.add("audioset", dict(format="frame", classes=527, features={"audio_embedding": 128}, **shards))

    def add(self, name, section):
        self.sections[name] = section
        train = list(examples(self.folder, section, "train"))
        values = np.random.default_rng(1).random((len(train), 3))
        rows = [f"{e.id}," + " ".join(f"{(i * 5) % section['classes']} {v:.6f}" for i, v in enumerate(row))
                for e, row in zip(train, -np.sort(-values, axis=1))]
        (self.folder / f"{name}.teacher.csv").write_text("VideoId,LabelConfidencePairs\n" + "\n".join(rows) + "\n")

    def synth(self, form, features, widths, classes, name=None, max_frames=12, labels=2, types=None):
        name = name or form
        self.tool(self.folder, "data", "synth", "--out", name, "--videos", 90, "--classes", classes, "--format", form,
                  "--features", features, "--max-frames", max_frames, "--labels-per-video", labels, "--dependency", 0.1,
                  *(["--frame-types", ",".join(f"{k}={v}" for k, v in types.items())] if types else []))
        section = dict(format=form, classes=classes, features=widths, train=[f"{name}/train*.tfrecord"],
                       validate=[f"{name}/validate*.tfrecord"])
        self.add(name, dict(section, frame_types=types) if types else section)

    def own(self):
        """One label a video, named classes, subjects, weights of videos, and features of two frame rates."""
        draw, rows = np.random.default_rng(5), ["id,label,subject,importance"]
        for name in ("own_rgb", "own_text"):
            (self.folder / name).mkdir()
        for i in range(90):
            label = int(draw.integers(7))
            frames = draw.normal(label / 4, 1, (int(draw.integers(1, 9)), 10))
            np.save(self.folder / f"own_rgb/v{i}.npy", frames.astype(np.float16))
            np.save(self.folder / f"own_text/v{i}.npy", frames[: int(draw.integers(1, 4)), :6].astype(np.float32))
            rows.append(f"v{i},class {label},s{draw.integers(60)},{draw.integers(1, 5) / 2}")
        (self.folder / "own.csv").write_text("\n".join(rows) + "\n")
        self.tool(self.folder, "data", "import", "--features", "rgb=own_rgb/*.npy", "--features", "text=own_text/*.npy",
                  "--labels", "own.csv", "--out", "own", "--allow-unequal-frames", "--group", "subject",
                  "--video-weight-column", "importance", "--holdout", 0.3)
        self.add("own", dict(format="frame", classes=7, features={"rgb": 10, "text": 6}, labels="multi_class",
                             frame_types={"rgb": "float16", "text": "float32"}, train=["own/train*.tfrecord"],
                             validate=["own/validate*.tfrecord"]))


CHECKS = ["plan", "run", "metrics", "predict", "export", "ensemble", "tables", "effects", "again", "kill"]


TIMES = collections.Counter()


def attempt(args, tool, sets, recipe, folder, seed):
    """Raises Fault or Refused."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        study = Study(tool, sets, recipe, folder, random.Random(seed))
        for check in CHECKS:
            if check not in args.without:
                begun = time.monotonic()
                getattr(study, f"check_{check}")()
                TIMES[check] += time.monotonic() - begun
        return len(study.every)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


def without_each(recipe):
    """The recipe with one thing less, for each thing that it can do without."""
    for section, keys in recipe.items():
        if section not in ("study", "data", "train"):
            yield {s: k for s, k in recipe.items() if s != section}
        tables = keys if isinstance(keys, list) else [keys]
        for i, table in enumerate(tables):
            if len(tables) > 1:
                yield {**recipe, section: tables[:i] + tables[i + 1:]}
            for key in table:
                fewer = {k: v for k, v in table.items() if k != key}
                yield {**recipe, section: tables[:i] + [fewer] + tables[i + 1:] if isinstance(keys, list) else fewer}


def shrunk(args, tool, sets, recipe, folder, seed, what):
    """A small recipe with the same fault."""
    end, found = time.monotonic() + args.shrink_seconds, True
    while found and time.monotonic() < end:
        found = False
        for fewer in without_each(recipe):
            if time.monotonic() > end:
                break
            try:
                attempt(args, tool, sets, fewer, folder / "fewer", seed)
            except Fault as fault:
                if fault.what == what:
                    recipe, found = fewer, True
                    break
            except Exception:  # a section without what it needs: neither the fault nor a recipe
                continue
    return recipe


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--beamgrid", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="no round begins later")
    parser.add_argument("--shrink-seconds", type=float, default=120)
    parser.add_argument("--draws", type=int, default=30, help="of which a round takes the one with most new pairs")
    parser.add_argument("--without", action="append", default=[], choices=CHECKS)
    parser.add_argument("--real", help="a folder with audioset/train and audioset/eval")
    parser.add_argument("--script", help="the program that writes a TorchScript module: make_script")
    parser.add_argument("--folder", help="where to work; kept")
    parser.add_argument("--keep", action="store_true", help="the folder of each round, too")
    args = parser.parse_args()
    place = Path(args.folder or tempfile.mkdtemp(prefix="any-recipe-")).resolve()
    place.mkdir(parents=True, exist_ok=True)
    tool = Tool(args.beamgrid, place)
    shutil.rmtree(place / "data", ignore_errors=True)
    (place / "data").mkdir()
    sets = DataSets(tool, place / "data", args.real and os.path.abspath(args.real))
    options = Options(tool, place, args.script)
    for name, section in sets.sections.items() if args.script else []:
        subprocess.run([os.path.abspath(args.script), f"{place}/data/{name}.pt", str(sum(section["features"].values())), "0.1"], check=True)
    every = every_item(options, sets)
    every_pairs, seen, faults, trials, begun = pairs_of(every), set(), [], 0, time.monotonic()
    data_of = lambda recipe: next(n for n, s in sets.sections.items() if s["train"] == recipe["data"]["train"])
    sound = 0
    for number in range(args.rounds):
        if time.monotonic() - begun > args.seconds:
            break
        rng = random.Random(f"{args.seed}/{number}")
        drawn = [draw(options, sets, rng) for _ in range(args.draws)]
        new = {id(r): pairs_of(items_of(options, r, data_of(r)) & every) - seen for r in drawn}
        for recipe in sorted(drawn, key=lambda r: -len(new[id(r)]))[:5]:
            started, folder = time.monotonic(), place / f"round{number}"
            try:
                count = attempt(args, tool, sets, recipe, folder, number)
                verdict = f"{count} trials"
                trials, sound = trials + count, sound + 1
            except (OSError, ValueError, KeyError, TypeError, IndexError) as bug:  # of this script, or of what it read
                verdict = f"FAULT {type(bug).__name__}: {bug}"
            except Refused as why:
                NOTES[str(why)] += 1
                continue
            except Fault as fault:
                verdict = f"FAULT {fault}"
            seen |= new[id(recipe)]
            print(f"round {number}: {data_of(recipe)}, {recipe['search']['strategy']}, {time.monotonic() - started:.1f} s: {verdict}", flush=True)
            if verdict.startswith("FAULT"):
                faults.append(number)
                print(text_of(shrunk(args, tool, sets, recipe, folder, number, verdict[6:].split(": ")[0])), flush=True)
            break
    print(f"{sound} recipes sound, {len(faults)} with a fault (rounds {faults}), {trials} trials; {len(seen & every_pairs)} of {len(every_pairs)} pairs of {len(every)} values tried ({len(seen & every_pairs) / len(every_pairs):.1%})")
    print("seconds of each check: " + ", ".join(f"{check} {seconds:.0f}" for check, seconds in TIMES.items()))
    for why, count in NOTES.most_common():
        print(f"{count} times {why[:700]}")
    if not args.folder:
        shutil.rmtree(place)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
