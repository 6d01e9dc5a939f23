"""One study of any_recipe.py, carried out as a user would, and its checks."""
import collections
import importlib.util
import json
import os
import random
import signal
import subprocess
import time

import numpy as np

from recipe_draw import text_of
from recipe_truth import (best_sets, combined, examples, main_effects, metrics_of, read_csv, read_predictions,
                          read_safetensors)

try:
    import torch
except ImportError:
    torch = None

NOTES = collections.Counter()  # what happened that is no fault


class Fault(Exception):
    """`what` is the check that failed, the same for each way to fail it."""

    def __init__(self, what, detail=""):
        super().__init__(f"{what}: {detail}")
        self.what = what


def require(holds, what, detail=""):
    if not holds:
        raise Fault(what, detail)


class Refused(Exception):
    """The recipe was refused before anything was trained, or its training diverged."""


class Tool:
    """The programs, with an environment of their own."""

    def __init__(self, program, folder):
        self.program = os.path.abspath(program)
        self.env = dict(os.environ, BEAMGRID_CACHE_DIR=str(folder / "cache"), BEAMGRID_SHARE_DIR=str(folder / "share"))

    def start(self, folder, *words):
        return subprocess.Popen([self.program, *map(str, words)], cwd=folder, env=self.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def __call__(self, folder, *words, codes=(0,), what=None):
        process = self.start(folder, *words)
        try:
            out, err = process.communicate(timeout=400)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Fault(f"{words[0]} stands still", " ".join(map(str, words)))
        require(process.returncode in codes, what or f"{words[0]} ends with {process.returncode}", err[-1500:])
        return out

    def json(self, folder, *words, **more):
        return json.loads(self(folder, *words, "--json", **more))


class Study:
    """A recipe's study, whose results are compared with what NumPy makes of them."""

    def __init__(self, tool, sets, recipe, folder, rng):
        self.tool, self.sets, self.recipe, self.rng = tool, sets, json.loads(json.dumps(recipe)), rng
        self.name = next(n for n, section in sets.sections.items() if section["train"] == recipe["data"]["train"])
        self.folder, self.other = folder / "a", folder / "b"
        self.warm = "BASE" in json.dumps([recipe.get("train"), recipe.get("grid.train")])
        for place in (self.folder, self.other):
            self.fill(place)
        self.validate = list(examples(sets.folder, recipe["data"], "validate"))
        self.trials, self.classes = [], recipe["data"]["classes"]

    def fill(self, place):
        """The recipe with what it names, and the study that it starts from."""
        place.mkdir(parents=True)
        for name in self.sets.sections:
            if (self.sets.folder / name).exists():
                (place / name).symlink_to(self.sets.folder / name)
        (place / "teacher.csv").symlink_to(self.sets.folder / f"{self.name}.teacher.csv")
        (place / "pool.pt").symlink_to(self.sets.folder / f"{self.name}.pt")
        text = text_of(self.recipe)
        if self.warm:
            base = {"study": {"name": "base", "seeds": [1, 2, 3, 7]}, "data": self.sets.sections[self.name],
                    "train": {"epochs": 1}}
            (place / "base.toml").write_text(text_of(base))
            board = self.tool.json(place, "run", "base.toml", "--no-wait")["leaderboard"]
            text = text.replace('"BASE"', json.dumps(f"base/{board[0]['name']}"))
        (place / "s.toml").write_text(text)

    def json(self, *words, **more):
        return self.tool.json(self.folder, *words, **more)

    def check_plan(self):
        try:
            self.tool(self.folder, "check", "s.toml", what="refused")
            plan = self.json("plan", "s.toml", what="refused")
        except Fault as fault:
            raise Refused(str(fault)) if fault.what == "refused" else fault
        if not plan["trials"]:
            raise Refused(json.dumps(plan["refused"])[:300])
        self.plan = plan

    def check_run(self):
        self.begun = time.monotonic()
        run = self.json("run", "s.toml", "--no-wait", "--set", "resources.slots_per_device=2", codes=(0, 1, 3))
        self.seconds = time.monotonic() - self.begun
        if run["failed"] and all("diverged" in json.dumps(failure) for failure in run["failures"]):
            raise Refused("diverged")
        if run["exit_code"] == 3:  # a table of these rows cannot be made of these results
            NOTES[f"run ends with 3: {run['unfinished']}"] += 1
        require(run["exit_code"] in (0, 3), "run fails", json.dumps([run["error"], run["failures"]])[:1500])
        counts = self.plan["cost"]["trials"]
        self.every = self.json("trials", "s")
        once = len({t["fingerprint"] for t in self.plan["trials"]}) == len(self.plan["trials"])
        exact = counts["bounded"] and once and not run["refused"]  # what is refused later may be asked for in vain
        require(not exact or counts["least"] <= len(self.every) <= counts["most"], "plan counts other trials",
                f"{counts}, {len(self.every)} in the record")
        planned = {(t["fingerprint"], t["name"], t["seed"], t["parameters"], t["size_bytes"]) for t in self.plan["trials"]}
        found = {(t["fingerprint"], t["name"], t["seed"], t["parameters"], t["size_bytes"]) for t in self.every}
        require(planned <= found, "plan names other trials", str(planned - found)[:600])
        refused = {r["name"] for r in self.plan["refused"]}
        require(not refused & {name for _, name, *_ in found}, "a refused model was trained", str(refused))
        require({t["state"] for t in self.every} <= {"complete", "pruned"}, "a trial is not over", str(self.every)[:600])
        self.trials = [t for t in self.every if t["state"] == "complete"]
        require(run["trained"] == len(self.trials) and not run["reused"], "run counts other trials",
                f"{run['trained']} and {run['reused']} of {len(self.trials)}")
        self.ran, self.dump = run, self.tool(self.folder, "dump", "s", "--canonical").splitlines()
        rows = self.json("query", "SELECT name, seed, trial, directory, model, objective FROM trials", what="query")
        self.rows = {(row["name"], row["seed"]): row for row in rows if row["objective"] is not None}
        board = collections.defaultdict(list)
        for row in self.rows.values():
            board[row["name"]].append(row["objective"])
        for line in run["leaderboard"]:
            if line["name"] in board and line["seeds"] == len(board[line["name"]]):
                require(abs(np.mean(board[line["name"]]) - line["objective"]) < 1e-12, "leaderboard is no mean", str(line))

    def place(self, trial):
        return self.folder / "runs" / self.rows[trial["name"], trial["seed"]]["directory"]

    def check_metrics(self):
        self.lists = [read_predictions(self.place(trial) / "predictions.bin") for trial in self.trials]
        for trial, lists in zip(self.trials, self.lists):
            require(set(lists) == {e.id for e in self.validate}, "predictions are of other videos", trial["name"])
            for metric, value in metrics_of(lists, self.validate, self.classes).items():
                found = trial[metric]
                same = found is value is None or (None not in (found, value) and abs(found - value) < 1e-9)
                require(same, f"{metric} is another one", f"{trial['name']}/{trial['seed']}: {found}, NumPy {value}")

    def check_predict(self):
        at = self.rng.randrange(len(self.trials))
        trial, lists, model = self.trials[at], self.lists[at], f"s/{self.trials[at]['name']}/{self.trials[at]['seed']}"
        data = self.recipe["data"]
        files = [p for pattern in data["validate"] for p in sorted(map(str, self.folder.glob(pattern)))] \
            if not data["validate"][0].startswith("/") else data["validate"]
        self.files, self.model = files, model
        self.tool(self.folder, "predict", model, *files, "--out", "p.csv", "--top-k", 100, what="predict")
        found = read_csv(self.folder / "p.csv")
        if data["format"] == "segment":
            self.require_same_segments(found, lists)
        else:
            for name, (labels, scores) in lists.items():
                require(np.array_equal(labels, found[name][0]) and np.array_equal(scores, found[name][1].astype("f4")),
                        "predict differs from the record", name)
        score = self.json("score", "--predictions", "p.csv", "--truth", *files, what="score")
        pairs = [(label, float(value)) for of in lists.values() for label, value in zip(*of)]
        if data["format"] == "segment" and len(set(pairs)) < len(pairs):
            return  # the competition's file has no scores, so of equal ones it does not tell
        for metric in ("gap", "hit_at_1", "perr", "map", "accuracy", "segment_map") if data["format"] != "segment" else ["segment_map"]:
            require(score[metric] == trial[metric], f"score's {metric} differs from the record", f"{score[metric]}, {trial[metric]}")

    def require_same_segments(self, found, lists):
        for label, ids in found.items():
            score = {name: float(scores[labels == label][0]) for name, (labels, scores) in lists.items() if label in labels}
            ids = [name for name in ids if name in score]
            require(ids == sorted(ids, key=lambda name: (-score[name], name)), "predict ranks other segments", label)

    def check_kill(self):
        """Another record, other numbers of workers, SIGKILL in the middle."""
        slots = self.rng.choice([1, 3])
        words = "run", "s.toml", "--no-wait", "--quiet", "--set", f"resources.slots_per_device={slots}"
        for _ in range(2):
            process = self.tool.start(self.other, *words)
            time.sleep(self.rng.uniform(0.05, max(0.3, self.seconds)))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        self.tool(self.other, *words, codes=(0, 3), what="run after a kill")
        dump = self.tool(self.other, "dump", "s", "--canonical").splitlines()
        differing = sorted(set(dump) ^ set(self.dump))
        require(dump == self.dump, "a killed study's dump differs", "\n".join(line[:400] for line in differing))

    def check_again(self):
        again = self.json("run", "s.toml", "--no-wait", codes=(0, 3))
        require(again["trained"] == again["attempts"] == 0, "a finished study trains", str(again["trained"]))
        for key in ("leaderboard", "ensemble", "decisions"):
            require(again[key] == self.ran[key], f"run again: another {key}", f"{self.ran[key]}\n{again[key]}"[:3000])
        plan = self.json("plan", "s.toml")
        require({t["state"] for t in plan["trials"]} <= {"complete", "pruned"}, "plan wants finished trials", "")
        history = self.json("show", "--recipe-history", "s")
        (self.folder / "h.toml").write_text(history[-1]["recipe_text"])
        shown = self.json("plan", "h.toml")
        require([t["fingerprint"] for t in shown["trials"]] == [t["fingerprint"] for t in plan["trials"]],
                "the recorded recipe is another study")
        verified = self.json("verify", "s", "--sample", 1, what="verify")
        require(verified["equal"] == 1 and not verified["damaged"], "verify", json.dumps(verified)[:1500])
        for words in (["explain", self.model], ["report", "s", "--out", "r.html"], ["du", "s"], ["show", self.model]):
            self.tool(self.folder, *words, what=words[0])

    def check_export(self):
        if '"script"' in json.dumps(self.recipe):
            return
        self.tool(self.folder, "export", self.model, "--out", "e", what="export")
        trial = next(t for t in self.trials if f"s/{t['name']}/{t['seed']}" == self.model)
        tensors = read_safetensors(self.folder / "e/model.safetensors")
        require(sum(size for _, _, size in tensors.values()) == trial["size_bytes"], "size is not that of the weights",
                f"{trial['size_bytes']}, exported {sum(size for _, _, size in tensors.values())}")
        parameters = sum(n for name, (kind, n, _) in tensors.items() if not name.endswith(".table") and not kind.startswith("I"))
        require(parameters == trial["parameters"], "parameters are not those of the weights", f"{trial['parameters']}, exported {parameters}")
        if torch is None:
            return
        spec = importlib.util.spec_from_file_location("modeling", self.folder / "e/modeling.py")
        modeling = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modeling)
        require(modeling.self_test() <= 1e-5, "the exported model's self-test", str(modeling.self_test()))
        self.compare_exported(modeling, modeling.load())

    def compare_exported(self, modeling, model):
        """On videos that the model was not measured on: those of training."""
        data = self.recipe["data"]
        new = list(examples(self.sets.folder, data, "train"))[:60]
        if data["format"] == "video":
            scores = modeling.predict(model, np.concatenate([e.frames for e in new])).numpy()
        else:
            frames = np.zeros((len(new), max(len(e.frames) for e in new), new[0].frames.shape[1]), new[0].frames.dtype)
            for row, e in zip(frames, new):
                row[: len(e.frames)] = e.frames
            scores = modeling.predict(model, frames, [len(e.frames) for e in new]).numpy()
        train = data["train"] if data["train"][0].startswith("/") else sorted(map(str, self.folder.glob(data["train"][0])))
        self.tool(self.folder, "predict", self.model, *train, "--out", "t.csv", "--top-k", 100, what="predict")
        if data["format"] == "segment":
            return
        found = read_csv(self.folder / "t.csv")
        most = max(np.abs(row[found[e.id][0]] - found[e.id][1]).max() for e, row in zip(new, scores))
        require(most <= 1e-5, "an exported model predicts otherwise", f"by {most}")

    def check_ensemble(self):
        if len(self.trials) < 2 or len(self.trials) > 12:
            return
        combine = self.rng.choice(["logits", "probabilities", "votes"])
        sizes = sorted(t["size_bytes"] for t in self.trials)
        limit = self.rng.randint(sizes[0], sizes[-1] + sizes[-2])
        words = ["--members", 2, "--weights", "uniform", "--combine", combine, "--holdout", 0, "--size-limit", limit]
        made = self.json("ensemble", "s", "--search", "exhaustive", *words, "--out", "ens.csv", what="ensemble")
        best = best_sets(self.lists, [t["size_bytes"] for t in self.trials], limit, 2, combine, self.validate, self.classes)
        require(abs(made["selection"]["gap"] - best) < 1e-9, "not the best ensemble", f"{combine}, {limit}: {made['selection']['gap']}, NumPy {best}")
        self.compare_predicted(made, combine)

    def compare_predicted(self, made, combine):
        """What the recorded ensemble predicts, beside the members' predictions combined by NumPy."""
        names = [f"{t['name']}/s{t['seed']}" for t in self.trials]
        members = [self.lists[names.index(member["name"])] for member in made["members"]]
        expected = combined(members, [member["weight"] for member in made["members"]], combine)
        gap = metrics_of(expected, self.validate, self.classes)["gap"]
        require(abs(gap - made["selection"]["gap"]) < 1e-9, "the ensemble's GAP", f"{made['selection']['gap']}, NumPy {gap}")
        if self.recipe["data"]["format"] == "segment":
            return
        self.tool(self.folder, "predict", "s:ensemble", *self.files, "--out", "q.csv", "--top-k", 100, what="predict an ensemble")
        for place in ("q.csv", "ens.csv"):
            found = read_csv(self.folder / place)
            for name, (labels, scores) in expected.items():
                n = min(len(labels), len(found[name][0]))
                require(np.abs(scores[:n] - found[name][1][:n]).max() < 1e-6, f"the ensemble predicts otherwise ({place})", name)
        score = self.json("score", "--predictions", "q.csv", "--truth", *self.files, what="score")
        require(abs(score["gap"] - gap) < 1e-6, "the score of an ensemble", f"{score['gap']}, NumPy {gap}")

    def check_tables(self):
        of = {row["trial"]: row["objective"] for row in self.rows.values()}
        values = {t["fingerprint"]: of[t["id"]] for t in self.trials}
        for axis in [s.removeprefix("grid.") for s in self.recipe if s.startswith("grid.")]:
            part = axis.split(".")[0]
            varies = len({json.dumps(json.loads(row["model"])[part]) for row in self.rows.values()}) > 1
            whole = varies and self.recipe["search"]["strategy"] == "grid" and not self.ran["refused"] and "exclude" not in self.recipe
            for words in [[]] + [["--average"]] * whole:
                table = self.json("table", "s", "--vary", axis, "--resamples", 0, *words, what="table")
                metric = self.recipe["study"].get("objective", "gap")
                for row in table["rows"]:
                    if not row["fingerprints"] or any(f not in values for f in row["fingerprints"]):
                        continue
                    mean = np.mean([values[f] for f in row["fingerprints"]])
                    require(abs(mean - row[metric]["mean"]) < 1e-9, f"a table's mean {words}", f"{axis}: {row['label']}: {row[metric]}, NumPy {mean}")

    def check_effects(self):
        if len({name for name, _ in self.rows}) < 2:
            return
        effects = self.json("effects", "s")
        if effects.get("method") != "exact" or "exclude" in self.recipe:
            return
        scores = collections.defaultdict(list)
        for row in self.rows.values():
            model = json.loads(row["model"])
            parts = {f["name"]: f["name"].split(".") for f in effects["factors"]}
            key = tuple(json.dumps(model.get(p[0]) if len(p) == 1 else model[p[0]].get(p[1])) for p in parts.values())
            scores[key].append(row["objective"])
        expected = main_effects({key: np.mean(v) for key, v in scores.items()})
        for factor, wanted in zip(effects["factors"], expected):
            found = sorted(level["effect"]["value"] for level in factor["levels"])
            require(len(found) == len(wanted) and np.allclose(found, wanted, atol=1e-9), "an effect", f"{factor['name']}: {found}, NumPy {wanted}")
