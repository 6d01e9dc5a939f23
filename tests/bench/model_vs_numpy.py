#!/usr/bin/env python3
"""Every prediction of a finished `model` study beside a plain NumPy that knows its record alone.

usage: model_vs_numpy.py RECIPE [BIN]    BIN: folder of the programs, default build/release/bin

RECIPE was run in this folder, with a list of seeds and without failed trials, [[exclude]] and
`zip` under [grid.train]. The formulas are those of docs/search.md and search/surrogate, written again, with
gradients by differences. Prints what was told and what comes out here; exit 1 where they differ.
"""
import json
import math
import re
import subprocess
import sys
import tempfile
import tomllib

import numpy as np

CRITERIA = ["multimodal", "temporal", "extras", "classifier", "label_processing", "loss", "train"]
PROCESSES, STEPS_APART = 5, 4
# Additive, pairwise, local, identity, noise, by_place, then the relevance of each part.
BELIEF = [(math.log(0.8), 1), (math.log(0.4), 1), (math.log(0.3), 1), (math.log(0.01), 1.5),
          (math.log(0.03), 1.5), (0, 1.5)]
BELIEF_OF_RELEVANCE = (math.log(0.7), 1.2)


class Chance:
    """SplitMix64 from 1, as numbers between 0 and 1 and as normal ones."""

    def __init__(self):
        self.state = 1

    def uniform(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) % (1 << 50) + 0.5) / (1 << 50)

    def normal(self):
        radius = math.sqrt(-2 * math.log(self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())


def nearness(values, left, right):
    places = sorted(set(values))
    distance = abs(places.index(left) - places.index(right)) / max(1.5, 0.4 * (len(places) - 1))
    d = math.sqrt(5) * distance
    return (1 + d + d * d / 3) * math.exp(-d)


def likeness(levels):
    """By name and by place, of each two of a part's levels: (component, options)."""
    options = {}
    for component, values in levels:
        options.setdefault(component, []).append(values)
    share = 0.5 if len(options) > 1 else 0
    by_name, by_place = np.eye(len(levels)), np.eye(len(levels))
    for i, (component, left) in enumerate(levels):
        for j, (other, right) in enumerate(levels):
            if i == j or component != other:
                continue
            names, places = [], []
            for option in sorted({name for values in options[component] for name in values}):
                values = [some.get(option) for some in options[component]]
                if all(value == values[0] for value in values):
                    continue
                names.append(float(left.get(option) == right.get(option)))
                numbers = all(type(value) in (int, float) for value in values)
                places.append(nearness(values, left[option], right[option]) if numbers else names[-1])
            by_name[i, j] = share + (1 - share) * np.mean(names)
            by_place[i, j] = share + (1 - share) * np.mean(places)
    return by_name, by_place


class Parts:
    """What the grid's models differ in."""

    def __init__(self, specs):
        self.keys, self.levels = [], []
        for criterion in CRITERIA:
            if criterion in ("extras", "train"):
                names = sorted({name for spec in specs for name in spec[criterion]})
                keys = [(criterion, name) for name in names]
            else:
                keys = [(criterion, None)]
            for key in keys:
                levels = []
                for spec in specs:
                    if (level := self.level(spec, key)) not in levels:
                        levels.append(level)
                if len(levels) > 1:
                    self.keys.append(key)
                    self.levels.append(levels)
        self.likeness = [likeness(levels) for levels in self.levels]

    @staticmethod
    def level(spec, key):
        criterion, name = key
        part = spec[criterion]
        if criterion == "train":
            return "train", {name: part[name]}
        if criterion == "extras":
            return ("on", part[name]) if name in part else ("off", {})
        return part["use"], {option: value for option, value in part.items() if option != "use"}

    def of(self, spec):
        return tuple(levels.index(self.level(spec, key)) for key, levels in zip(self.keys, self.levels))


class Processes:
    """The Gaussian processes with hyperparameters drawn from what the scores leave open."""

    def __init__(self, parts, models, scores):
        self.parts, self.models = parts, models
        means = np.array([np.mean(of_seeds) for of_seeds in scores])
        self.errors = np.array([1 / len(of_seeds) for of_seeds in scores])
        self.centre, self.unit = np.median(means), 1.0
        for spread in (np.quantile(means, 0.9) - self.centre, means.max() - self.centre,
                       self.centre - np.quantile(means, 0.1), self.centre - means.min()):
            if spread > 1e-12 * max(1, abs(self.centre)):
                self.unit = spread
                break
        straight = (means - self.centre) / self.unit
        self.scores = np.where(straight >= -1, straight, -1 - np.log1p(np.maximum(-1 - straight, 0)))
        self.squares = self.freedom = 0.0
        for of_seeds, score in zip(scores, self.scores):
            if len(of_seeds) > 1 and score >= -1:
                self.squares += np.var(of_seeds) * len(of_seeds) / self.unit**2
                self.freedom += len(of_seeds) - 1
        belief = BELIEF + [BELIEF_OF_RELEVANCE] * len(parts.keys)
        self.mean, self.sd = (np.array(column) for column in zip(*belief))
        self.drawn = self.draw()

    def kernel(self, x, left, right):
        additive, pairwise, local, identity = np.exp(x[:4])
        by_place, relevance = 1 / (1 + math.exp(-x[5])), np.exp(x[6:])
        left, right = np.array(left), np.array(right)
        alike = []
        for p, (name, place) in enumerate(self.parts.likeness):
            alike.append(((1 - by_place) * name + by_place * place)[np.ix_(left[:, p], right[:, p])])
        near = np.prod([1 - (1 - np.exp(-r)) * (1 - s) for r, s in zip(relevance, alike)], axis=0)
        k = 1 + local * near + identity * (left[:, None] == right[None]).all(2)
        k += additive * sum(r * s for r, s in zip(relevance, alike)) / relevance.sum()
        pairs = [(p, q) for q in range(len(alike)) for p in range(q)]
        if pairs:
            together = sum(relevance[p] * relevance[q] * alike[p] * alike[q] for p, q in pairs)
            k += pairwise * together / sum(relevance[p] * relevance[q] for p, q in pairs)
        return k

    def likelihood(self, x):
        k = self.kernel(x, self.models, self.models) + np.diag(math.exp(x[4]) * self.errors)
        try:
            root = np.linalg.cholesky(k)
        except np.linalg.LinAlgError:
            return -np.inf
        whitened = np.linalg.solve(root, self.scores)
        return (-0.5 * whitened @ whitened - np.log(np.diag(root)).sum()
                - 0.5 * (self.freedom * x[4] + self.squares / math.exp(x[4])))

    def density(self, x):
        return self.likelihood(x) - 0.5 * (((x - self.mean) / self.sd) ** 2).sum()

    def summit(self):
        """Rprop from the expected ones."""
        x, best, highest = self.mean.copy(), self.mean.copy(), -np.inf
        step, before = np.full(len(x), 0.2), np.zeros(len(x))
        for _ in range(40):
            value = self.density(x)
            if value > highest:
                highest, best = value, x.copy()
            nudges = 1e-5 * np.eye(len(x))
            gradient = np.array([self.density(x + e) - self.density(x - e) for e in nudges])
            for j, slope in enumerate(gradient):
                if slope * before[j] > 0:
                    step[j] = min(1.3 * step[j], 0.8)
                if slope * before[j] < 0:
                    step[j] = max(0.5 * step[j], 1e-3)
                before[j] = 0 if slope * before[j] < 0 else slope
                x[j] += math.copysign(step[j], slope) if slope else 0
        return best

    def draw(self):
        """Elliptical slice sampling."""
        chance, drawn = Chance(), []
        off = self.summit() - self.mean
        value = self.likelihood(self.mean + off)
        for turn in range(PROCESSES * STEPS_APART):
            other = np.array([sd * chance.normal() for sd in self.sd])
            height = value + math.log(chance.uniform())
            angle = 2 * math.pi * chance.uniform()
            low, high = angle - 2 * math.pi, angle
            for _ in range(50):
                there = off * math.cos(angle) + other * math.sin(angle)
                if (found := self.likelihood(self.mean + there)) > height:
                    off, value = there, found
                    break
                low, high = (angle, high) if angle < 0 else (low, angle)
                angle = low + (high - low) * chance.uniform()
            if turn % STEPS_APART == STEPS_APART - 1:
                drawn.append(self.mean + off)
        return drawn

    def predict(self, models, supposed):
        """Mean and standard deviation in units of the score, below the floor still drawn towards it."""
        means, squares = 0, 0
        for x in self.drawn:
            noise = math.exp(x[4])
            k = self.kernel(x, self.models, self.models) + np.diag(noise * self.errors + 1e-8)
            mean = self.kernel(x, models, self.models) @ np.linalg.solve(k, self.scores)
            known = self.models + supposed
            errors = np.append(self.errors, np.ones(len(supposed)))
            k = self.kernel(x, known, known) + np.diag(noise * errors + 1e-8)
            beside = self.kernel(x, models, known)
            prior = self.kernel(x, models[:1], models[:1])[0, 0]
            variance = prior - np.einsum("ij,ji->i", beside, np.linalg.solve(k, beside.T))
            means, squares = means + mean / PROCESSES, squares + (variance + mean**2) / PROCESSES
        sds = np.sqrt(np.maximum(squares - means**2, 0))
        return self.centre + self.unit * means, self.unit * sds

    def score(self, straight):
        scaled = (straight - self.centre) / self.unit
        return self.centre + self.unit * (scaled if scaled >= -1 else -1 - math.expm1(-1 - scaled))


def gain(mean, sd, best):
    z = (mean - best) / sd
    share = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    return (mean - best) * share + sd * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def json_of(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def grid_of(beamgrid, recipe):
    """The specs of all models of the recipe's grid."""
    kept, skips = [], False
    for line in open(recipe):
        if line.startswith("["):
            skips = line.lstrip("[").startswith("search")
        if not skips:
            kept.append(re.sub(r'^name = .*', 'name = "model-vs-numpy-grid"', line))
    with tempfile.NamedTemporaryFile("w", suffix=".toml", dir=".") as grid:
        grid.write("".join(kept))
        grid.flush()
        return [trial["spec"] for trial in json_of(beamgrid, "plan", grid.name, "--json")["trials"]]


def main():
    beamgrid = (sys.argv[2] if len(sys.argv) > 2 else "build/release/bin") + "/beamgrid"
    recipe = tomllib.load(open(sys.argv[1], "rb"))
    study, parallel = recipe["study"]["name"], recipe["search"].get("parallel", 8)
    objective = recipe["study"].get("objective", "gap")
    parts = Parts(grid_of(beamgrid, sys.argv[1]))
    specs = {trial["name"]: trial["spec"] for trial in json_of(beamgrid, "plan", sys.argv[1], "--json")["trials"]}
    scores = {}
    for trial in json_of(beamgrid, "trials", study, "--json"):
        scores.setdefault(trial["name"], []).append(trial[objective])
    why = {name: json_of(beamgrid, "explain", f"{study}/{name}/{recipe['study']['seeds'][0]}", "--json")["notes"]
           for name in scores}
    names = list(scores)  # in the order in which they were asked for
    models = [parts.of(specs[name]) for name in names]
    grid = [()]
    for levels in parts.levels:
        grid = [model + (level,) for model in grid for level in range(len(levels))]
    worst = compared = others = 0
    for i, name in enumerate(names):
        note = next(text for text in why[name] if text.startswith("asked for: "))
        told = re.search(r"expected (\S+) \(95 %: (\S+) to (\S+)\), gains (\S+) .* best, ([^;\s]+)", note)
        if not told:
            continue
        known = max(0, i + 1 - parallel)
        processes = Processes(parts, models[:known], [scores[name] for name in names[:known]])
        best = processes.predict(models[:known], [])[0].max()
        open_models = [model for model in grid if model not in models[:i]]
        mean, sd = processes.predict(open_models, models[known:i])
        gains = gain(mean, sd, best)
        at = open_models.index(models[i])
        here = [processes.score(mean[at] + reach * sd[at]) for reach in (0, -1.96, 1.96)] + [gains[at], best]
        off = max(abs(float(text) - value) for text, value in zip(told.groups(), here))
        other = gains.max() > gains[at] * (1 + 1e-6)
        worst, compared, others = max(worst, off), compared + 1, others + other
        print(f"{name}: told {' '.join(told.groups())}; here " + " ".join(f"{value:.5f}" for value in here)
              + ("; another model would gain more" if other else ""))
    print(f"NumPy {np.__version__}: {compared} predictions of {study}, largest difference {worst:.1e}, "
          f"{others} that were not the largest gain")
    sys.exit(not compared or worst > 1e-5 or others > 0)


if __name__ == "__main__":
    main()
